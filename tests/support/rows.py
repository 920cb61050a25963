"""What the tests know of the functions' rows: where to take them, and what mpmath says they are."""

import mpmath
from mpmath import mp
from sympy import Integer, Rational

from symderive.language.arrays import Array, array
from symderive.language.domains import Domain, interval, nonnegative, positive, real
from symderive.language.functions import FUNCTIONS
from symderive.language.nodes import Map, Number

_INSIDE = interval(-1, 1)
_UNIT = interval(0, 1)

_DOMAINS: dict[str, tuple[Domain, ...]] = {
    "logit": (_UNIT,),
    "arcsin": (_INSIDE,),
    "arccos": (_INSIDE,),
    "arctanh": (_INSIDE,),
    "arccosh": (interval(1, 1000),),
    "erfinv": (_INSIDE,),
    "ndtri": (_UNIT,),
    "tan": (real,),
    "rgamma": (positive,),
    "boxcox": (positive, real),
    "inv_boxcox": (positive, positive),
    "huber": (positive, real),
    "pseudo_huber": (positive, real),
    "remainder": (real, positive),
    "fmod": (real, positive),
    "gammainc": (positive, positive),
    "gammaincc": (positive, positive),
}
"""Where a row is smooth but for its kinks, if that is neither everywhere nor the positive numbers."""

CLOSED = {
    "arccos": interval(-1, 1, closed="both"),
    "arccosh": interval(1, 1000, closed="left"),
    "gammainc": nonnegative,
}
"""Where a row whose values are >= 0 reaches 0, if that is at an end."""

CONSTANT = {"gammainc": {"a": Rational(5, 2)}, "gammaincc": {"a": Rational(5, 2)}}
"""Arguments that a row has no derivative by, held at a number."""


def applied(name: str, order: int = 2, domain: Domain | None = None):
    """A row of declared arrays (its orders and constants being numbers), and those arrays by their places.

    Without a ``domain`` for all of them they range where the row is defined and differentiable off its kinks.
    """
    row = FUNCTIONS[name]
    usual = positive if row.requires or name == "power" else real
    given = _DOMAINS.get(name, (usual,) * len(row.arguments))
    held = CONSTANT.get(name, {}) | {a: Integer(order) for a in row.orders}
    arguments = [held.get(a) or array(a, domain=domain or given[k]) for k, a in enumerate(row.arguments)]
    nodes = tuple(a.node if isinstance(a, Array) else Number(a) for a in arguments)
    return Map(name, nodes), {k: a for k, a in enumerate(arguments) if isinstance(a, Array)}


def spherical(n, x):
    """The spherical Bessel function j_n."""
    if x == 0:
        return mpmath.mpf(n == 0)
    return mpmath.sqrt(mpmath.pi / (2 * abs(x))) * mpmath.besselj(n + mpmath.mpf(1) / 2, abs(x)) * mpmath.sign(x) ** n


def log_ndtr(x):
    """log Φ(x), without cancellation."""
    tail = mpmath.erfc(abs(x) / mpmath.sqrt(2)) / 2
    return mpmath.log(tail) if x < 0 else mpmath.log1p(-tail)


def ndtri(p):
    """The inverse of Φ: a root, from the tail's asymptotic start."""
    if p > 0.5:
        return -ndtri(1 - p)
    start = -mpmath.sqrt(-2 * mpmath.log(p)) if p < 0.1 else mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1)
    return mpmath.findroot(lambda t: log_ndtr(t) - mpmath.log(p), start)


def boxcox(x, lmbda):
    """(x^λ - 1)/λ."""
    return mpmath.log(x) if lmbda == 0 else mpmath.expm1(lmbda * mpmath.log(x)) / lmbda


def half_even(x):
    """The nearest integer, of two the even one."""
    low = mpmath.floor(x)
    if x - low == mpmath.mpf(1) / 2:
        return low + low % 2
    return mpmath.floor(x + mpmath.mpf(1) / 2)


def truncated(x):
    """The integer towards 0."""
    return mpmath.floor(x) if x > 0 else mpmath.ceil(x)


def huber(delta, r):
    """Huber's loss."""
    return r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)


def pseudo_huber(delta, r):
    """The pseudo-Huber loss, with the digits that the difference loses."""
    if delta == 0:
        return mpmath.mpf(0)
    with mp.workdps(mp.dps * 3):
        return delta * (mpmath.sqrt(delta**2 + r**2) - delta)


def log_gamma(x):
    """log |Γ(x)|."""
    return mpmath.re(mpmath.loggamma(x))


ORACLES = {
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "exp10": lambda x: mpmath.mpf(10) ** x,
    "logaddexp2": lambda x, y: mpmath.log(mpmath.mpf(2) ** x + mpmath.mpf(2) ** y, 2),
    "logit": lambda x: mpmath.log(x) - mpmath.log1p(-x),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "hypot": lambda x, y: mpmath.hypot(x, y),
    "tan": mpmath.tan,
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan2": mpmath.atan2,
    "arcsinh": mpmath.asinh,
    "arccosh": mpmath.acosh,
    "arctanh": mpmath.atanh,
    "sinc": mpmath.sincpi,
    "spherical_jn": spherical,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "erfcx": lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
    "erfinv": mpmath.erfinv,
    "ndtr": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "log_ndtr": log_ndtr,
    "ndtri": ndtri,
    "gamma": mpmath.gamma,
    "rgamma": mpmath.rgamma,
    "gammaln": log_gamma,
    "loggamma": mpmath.loggamma,
    "digamma": mpmath.digamma,
    "polygamma": lambda n, x: mpmath.psi(int(n), x),
    "beta": mpmath.beta,
    "betaln": lambda a, b: log_gamma(a) + log_gamma(b) - log_gamma(a + b),
    "gammainc": lambda a, x: mpmath.gammainc(a, 0, x, regularized=True),
    "gammaincc": lambda a, x: mpmath.gammainc(a, x, mpmath.inf, regularized=True),
    "i0": lambda x: mpmath.besseli(0, x),
    "i1": lambda x: mpmath.besseli(1, x),
    "iv": mpmath.besseli,
    "i0e": lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(0, x),
    "i1e": lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(1, x),
    "ive": lambda n, x: mpmath.exp(-abs(x)) * mpmath.besseli(n, x),
    "boxcox": boxcox,
    "inv_boxcox": lambda x, lmbda: mpmath.exp(x) if lmbda == 0 else mpmath.exp(mpmath.log1p(lmbda * x) / lmbda),
    "huber": huber,
    "pseudo_huber": pseudo_huber,
    "floor": mpmath.floor,
    "ceil": mpmath.ceil,
    "trunc": truncated,
    "rint": half_even,
    "remainder": lambda x, y: x - y * mpmath.floor(x / y),
    "fmod": lambda x, y: x - y * truncated(x / y),
    "copysign": lambda x, y: abs(x) if y >= 0 else -abs(x),
}
"""The special functions by mpmath, in the digits of the caller."""
