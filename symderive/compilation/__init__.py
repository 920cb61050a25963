"""From formulas to programs: planning, stable forms, NumPy text, kernels."""
