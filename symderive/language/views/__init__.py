"""Views of a node: matrix form as a tree, NumPy text, LaTeX, SymPy components."""
