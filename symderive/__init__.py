"""symderive: write a loss in NumPy; get its derivation, its proof, its program and its fit.

Importing the package is cheap on purpose: every public name is loaded from its own module when it
is first used (PEP 562), so that ``symderive --help`` answers without importing SymPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from symderive.version import __version__ as __version__

#: Where each public name lives. A new public name is a new entry here and nowhere else.
_HOMES: dict[str, tuple[str, ...]] = {
    "symderive.errors": (
        "DataError",
        "DomainError",
        "GradientMismatchError",
        "IndexDomainError",
        "JudgementConflictError",
        "LibraryError",
        "MissingExtraError",
        "ReadError",
        "ShapeError",
        "SymderiveError",
        "TrainingError",
        "UnknownNameError",
        "UnsupportedError",
        "WorkerError",
    ),
    "symderive.language.arrays": (
        "Array",
        "Dim",
        "arange",
        "array",
        "basis",
        "dims",
        "eye",
        "let",
        "ones",
        "zeros",
    ),
    "symderive.language.bindings": ("derivative", "integral", "series"),
    "symderive.language.reductions": ("log_softmax", "logsumexp", "softmax"),
    "symderive.language.ufuncs": ("polygamma",),
    "symderive.language.domains": (
        "Domain",
        "correlation",
        "diagonal",
        "integers",
        "interval",
        "invertible",
        "labels",
        "lower_triangular",
        "nonnegative",
        "nonzero",
        "one_hot",
        "orthogonal",
        "positive",
        "positive_diagonal",
        "psd",
        "real",
        "simplex",
        "spd",
        "symmetric",
        "unit_interval",
        "unit_norm",
        "upper_triangular",
    ),
    "symderive.language.reading": ("read",),
    "symderive.language.sympy_input": ("from_sympy",),
    "symderive.judgement.verdicts": ("Status", "Verdict"),
    "symderive.derivation.derive": ("differential", "gradient", "hessian", "jacobian"),
    "symderive.derivation.derivation": ("Derivation", "Step"),
    "symderive.derivation.chains": ("Chain", "D", "chain"),
    "symderive.derivation.multivariable": (
        "DirectionalDerivative",
        "TangentPlane",
        "Taylor",
        "directional_derivative",
        "tangent_plane",
        "taylor",
    ),
    "symderive.checking.certificates": ("certificate",),
    "symderive.checking.check": ("check",),
    "symderive.checking.claims": ("claim",),
    "symderive.checking.critical_points": ("CriticalFamily", "CriticalPoint", "CriticalPoints", "critical_points"),
    "symderive.checking.gradients": ("check_gradient",),
    "symderive.checking.lipschitz": ("Lipschitz", "lipschitz"),
    "symderive.checking.lagrange": ("Lagrange", "LagrangeFamily", "LagrangePoint", "lagrange"),
    "symderive.probability.information": ("cross_entropy", "entropy", "kl"),
    "symderive.compilation.kernel": ("Kernel", "compile"),
    "symderive.training.minimize": ("FitResult", "minimize"),
    "symderive.checking.hessians": ("check_hessian",),
    "symderive.integrations.testing": ("assert_gradient", "assert_hessian", "assert_identity", "assert_inequality"),
    "symderive.integrations.strategies": ("strategies",),
    "symderive.library": ("Objective", "load", "objective"),
}

_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = list(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Load the module that a public name lives in when the name is first used."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'symderive' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
