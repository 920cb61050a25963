"""Elementwise functions as rows: adding one is adding a row here.

A row says what the function means in simpler ones, where it is defined, its
partial derivatives, where it has a kink, how it is written in NumPy and LaTeX,
and how a ball (or a power series of balls) is sent through it.  The derivative
and the ball form are independent statements: the author differentiates by the
first, the judge evaluates by the second, and a test holds them together.

Row texts are ordinary expressions in the row's argument names and in the names
of rows.  They are read by :func:`template`, which knows ``+ - * / **``, numbers
and calls of rows.  Sources: NIST DLMF ch. 4 (elementary functions); SciPy's
``special`` documentation for the conventions at 0 of xlogy, entr, rel_entr and
kl_div and for huber, boxcox and the scaled functions; Boyd & Vandenberghe, Convex
Optimization, 3.1.5 for curvature; DLMF ch. 5 (gamma), 7 (error functions), 8
(incomplete gamma), 10.29 and 10.51 (modified and spherical Bessel functions).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sympy import Expr, Rational, pi

from symderive.errors import UnknownNameError, UnsupportedError
from symderive.language import build
from symderive.language.nodes import ONE, Map, Node, Number


@dataclass(frozen=True)
class Function:
    """One elementwise function.

    ``numpy`` is the callable's dotted name in generated text; ``latex`` a
    format of the arguments; ``meaning`` an equal expression in simpler rows
    (None for a primitive); ``derivative`` one text per argument (None where
    there is none, as for a mask); ``requires`` where it is defined and finite,
    each a relation of the arguments, or one "or" an argument being 0, as
    :func:`needs` reads them; ``kinks`` the expressions at whose zeros it
    is not differentiable; ``sign`` of its values, "+" for > 0, "0+" for >= 0;
    ``ball`` sends balls or series through; ``orders`` are the arguments that
    must be constant integers >= 0, as the order of a derivative.
    """

    name: str
    arguments: tuple[str, ...]
    numpy: str
    latex: str
    derivative: tuple[str | None, ...]
    ball: Callable[..., Any]
    meaning: str | None = None
    requires: tuple[str, ...] = ()
    kinks: tuple[str, ...] = ()
    sign: str = ""
    rule: str = ""
    mask: bool = False
    orders: tuple[str, ...] = ()


_X = ("x",)
_XY = ("x", "y")
_AB = ("a", "b")
_NX = ("n", "x")


def _rows(*rows: Function) -> dict[str, Function]:
    return {row.name: row for row in rows}


FUNCTIONS: dict[str, Function] = _rows(
    Function("exp", _X, "np.exp", r"\exp({0})", ("exp(x)",), lambda x: x.exp(),
             sign="+", rule="derivative of exp: exp(x)' = exp(x)"),
    Function("log", _X, "np.log", r"\log({0})", ("1/x",), lambda x: x.log(),
             requires=("x > 0",), rule="derivative of log: log(x)' = 1/x"),
    Function("log1p", _X, "np.log1p", r"\log(1 + {0})", ("1/(1 + x)",), lambda x: (1 + x).log(),
             meaning="log(1 + x)", requires=("x > -1",), rule="derivative of log1p: log(1 + x)' = 1/(1 + x)"),
    Function("expm1", _X, "np.expm1", r"(\exp({0}) - 1)", ("exp(x)",), lambda x: x.exp() - 1,
             meaning="exp(x) - 1", rule="derivative of expm1: (exp(x) - 1)' = exp(x)"),
    Function("log2", _X, "np.log2", r"\log_2({0})", ("1/(x*log(2))",), lambda x: x.log() / (x * 0 + 2).log(),
             meaning="log(x)/log(2)", requires=("x > 0",), rule="derivative of log2: log2(x)' = 1/(x log 2)"),
    Function("log10", _X, "np.log10", r"\log_{{10}}({0})", ("1/(x*log(10))",),
             lambda x: x.log() / (x * 0 + 10).log(),
             meaning="log(x)/log(10)", requires=("x > 0",), rule="derivative of log10: log10(x)' = 1/(x log 10)"),
    Function("abs", _X, "np.abs", r"\lvert {0} \rvert", ("sign(x)",), lambda x: x.abs(),
             kinks=("x",), sign="0+", rule="derivative of the absolute value: |x|' = sign(x) for x != 0"),
    Function("sign", _X, "np.sign", r"\operatorname{{sign}}({0})", ("0",), lambda x: x.sign(),
             kinks=("x",), rule="derivative of sign: 0 for x != 0"),
    Function("sin", _X, "np.sin", r"\sin({0})", ("cos(x)",), lambda x: x.sin(),
             rule="derivative of sin: sin(x)' = cos(x)"),
    Function("cos", _X, "np.cos", r"\cos({0})", ("-sin(x)",), lambda x: x.cos(),
             rule="derivative of cos: cos(x)' = -sin(x)"),
    Function("sinh", _X, "np.sinh", r"\sinh({0})", ("cosh(x)",), lambda x: (x.exp() - (-x).exp()) / 2,
             meaning="(exp(x) - exp(-x))/2", rule="derivative of sinh: sinh(x)' = cosh(x)"),
    Function("cosh", _X, "np.cosh", r"\cosh({0})", ("sinh(x)",), lambda x: (x.exp() + (-x).exp()) / 2,
             meaning="(exp(x) + exp(-x))/2", sign="+", rule="derivative of cosh: cosh(x)' = sinh(x)"),
    Function("tanh", _X, "np.tanh", r"\tanh({0})", ("1 - tanh(x)**2",), lambda x: x.tanh(),
             meaning="2*expit(2*x) - 1", rule="derivative of tanh: tanh(x)' = 1 - tanh(x)^2"),
    Function("arctan", _X, "np.arctan", r"\arctan({0})", ("1/(1 + x**2)",), lambda x: x.atan(),
             rule="derivative of arctan: arctan(x)' = 1/(1 + x^2)"),
    Function("expit", _X, "expit", r"\sigma({0})", ("expit(x)*expit(-x)",), lambda x: 1 / (1 + (-x).exp()),
             meaning="1/(1 + exp(-x))", sign="+",
             rule="derivative of the sigmoid: σ(x)' = σ(x) σ(-x)"),
    Function("log_expit", _X, "log_expit", r"\log \sigma({0})", ("expit(-x)",), lambda x: -(1 + (-x).exp()).log(),
             meaning="-log(1 + exp(-x))", rule="derivative of the log-sigmoid: (log σ(x))' = σ(-x)"),
    Function("logaddexp", _XY, "np.logaddexp", r"\log(e^{{{0}}} + e^{{{1}}})",
             ("expit(x - y)", "expit(y - x)"), lambda x, y: (x.exp() + y.exp()).log(),
             meaning="log(exp(x) + exp(y))",
             rule="derivative of log-add-exp: ∂ log(e^x + e^y)/∂x = σ(x - y)"),
    Function("maximum", _XY, "np.maximum", r"\max({0}, {1})", ("lt(y, x)", "lt(x, y)"),
             lambda x, y: x.maximum(y), kinks=("x - y",),
             rule="derivative of max: the derivative of the larger argument, where they differ"),
    Function("minimum", _XY, "np.minimum", r"\min({0}, {1})", ("lt(x, y)", "lt(y, x)"),
             lambda x, y: x.minimum(y), kinks=("x - y",),
             rule="derivative of min: the derivative of the smaller argument, where they differ"),
    Function("clip", ("x", "a", "b"), "np.clip", r"\operatorname{{clip}}({0}, {1}, {2})",
             ("lt(a, x)*lt(x, b)", "lt(x, a)*lt(a, b)", "lt(b, maximum(x, a))"),
             lambda x, a, b: x.maximum(a).minimum(b), meaning="minimum(maximum(x, a), b)",
             kinks=("x - a", "x - b"), rule="derivative of clip: 1 between the bounds, 0 beyond them"),
    Function("heaviside", _XY, "np.heaviside", r"H({0})", ("0", "eq(x, 0)"), lambda x, y: x.heaviside(y),
             kinks=("x",), sign="0+", rule="derivative of the step: 0 for x != 0"),
    Function("where", ("c", "x", "y"), "np.where", r"\operatorname{{where}}({0}, {1}, {2})",
             (None, "where(c, 1, 0)", "where(c, 0, 1)"), lambda c, x, y: c.where(x, y),
             rule="derivative of a case distinction: the derivative of the active branch"),
    Function("lt", _XY, "np.less", r"[{0} < {1}]", ("0", "0"), lambda x, y: x.lt(y),
             kinks=("x - y",), sign="0+", mask=True, rule="derivative of a mask: 0 off its boundary"),
    Function("le", _XY, "np.less_equal", r"[{0} \le {1}]", ("0", "0"), lambda x, y: x.le(y),
             kinks=("x - y",), sign="0+", mask=True, rule="derivative of a mask: 0 off its boundary"),
    Function("eq", _XY, "np.equal", r"[{0} = {1}]", ("0", "0"), lambda x, y: x.eq(y),
             kinks=("x - y",), sign="0+", mask=True, rule="derivative of a mask: 0 off its boundary"),
    Function("ne", _XY, "np.not_equal", r"[{0} \ne {1}]", ("0", "0"), lambda x, y: 1 - x.eq(y),
             kinks=("x - y",), sign="0+", mask=True, rule="derivative of a mask: 0 off its boundary"),
    Function("xlogy", _XY, "xlogy", r"{0} \log({1})", ("log(y)", "x/y"), lambda x, y: x.xlogy(y),
             meaning="x*log(y)", requires=("y > 0 or x == 0",),
             rule="derivative of x log y: (log y, x/y)"),
    Function("xlog1py", _XY, "xlog1py", r"{0} \log(1 + {1})", ("log1p(y)", "x/(1 + y)"),
             lambda x, y: x.xlogy(1 + y),
             meaning="x*log(1 + y)", requires=("y > -1 or x == 0",),
             rule="derivative of x log(1 + y): (log(1 + y), x/(1 + y))"),
    Function("entr", _X, "entr", r"(-{0} \log {0})", ("-log(x) - 1",), lambda x: -x.xlogy(x),
             meaning="-x*log(x)", requires=("x >= 0",),
             rule="derivative of the entropy summand: (-x log x)' = -log x - 1"),
    Function("rel_entr", _XY, "rel_entr", r"{0} \log({0} / {1})", ("log(x/y) + 1", "-x/y"),
             lambda x, y: x.xlogy(x) - x.xlogy(y),
             meaning="x*log(x) - x*log(y)", requires=("x >= 0", "y >= 0", "y > 0 or x == 0"),
             rule="derivative of x log(x/y): (log(x/y) + 1, -x/y)"),
    Function("kl_div", _XY, "kl_div", r"({0} \log({0} / {1}) - {0} + {1})", ("log(x/y)", "1 - x/y"),
             lambda x, y: x.xlogy(x) - x.xlogy(y) - x + y,
             meaning="x*log(x) - x*log(y) - x + y", requires=("x >= 0", "y >= 0", "y > 0 or x == 0"), sign="0+",
             rule="derivative of x log(x/y) - x + y: (log(x/y), 1 - x/y)"),
    Function("power", _XY, "np.power", r"{{{0}}}^{{{1}}}", ("y*x**(y - 1)", "x**y*log(x)"),
             lambda x, y: x.power(y), rule="power rule: (x^a)' = a x^(a-1)"),
    Function("exp2", _X, "np.exp2", r"2^{{{0}}}", ("log(2)*exp2(x)",), lambda x: x.exponential_of(2),
             meaning="exp(log(2)*x)", sign="+", rule="derivative of 2^x: (2^x)' = log(2) 2^x"),
    Function("exp10", _X, "exp10", r"10^{{{0}}}", ("log(10)*exp10(x)",), lambda x: x.exponential_of(10),
             meaning="exp(log(10)*x)", sign="+", rule="derivative of 10^x: (10^x)' = log(10) 10^x"),
    Function("logaddexp2", _XY, "np.logaddexp2", r"\log_2(2^{{{0}}} + 2^{{{1}}})",
             ("expit(log(2)*(x - y))", "expit(log(2)*(y - x))"),
             lambda x, y: (x.exponential_of(2) + y.exponential_of(2)).log() / (x * 0 + 2).log(),
             meaning="log(exp(log(2)*x) + exp(log(2)*y))/log(2)",
             rule="derivative of the base-2 log-add-exp: ∂ log2(2^x + 2^y)/∂x = σ(log(2) (x - y))"),
    Function("logit", _X, "logit", r"\operatorname{{logit}}({0})", ("1/(x*(1 - x))",),
             lambda x: x.log() - (1 - x).log(), meaning="log(x) - log(1 - x)", requires=("x > 0", "x < 1"),
             rule="derivative of the log-odds: logit(x)' = 1/(x (1 - x))"),
    Function("cbrt", _X, "np.cbrt", r"\sqrt[3]{{{0}}}", ("1/(3*cbrt(x)**2)",), lambda x: x.cbrt(),
             meaning="sign(x)*abs(x)**(1/3)", kinks=("cbrt(x)",),
             rule="derivative of the cube root: (x^(1/3))' = 1/(3 x^(2/3)) for x != 0"),
    Function("hypot", _XY, "np.hypot", r"\operatorname{{hypot}}({0}, {1})",
             ("x/(x**2 + y**2)**(1/2)", "y/(x**2 + y**2)**(1/2)"), lambda x, y: (x * x + y * y).sqrt(),
             meaning="(x**2 + y**2)**(1/2)", kinks=("hypot(x, y)",), sign="0+",
             rule="derivative of the hypotenuse: ∂ hypot(x, y)/∂x = x/√(x^2 + y^2) off (0, 0)"),
    Function("tan", _X, "np.tan", r"\tan({0})", ("1 + tan(x)**2",), lambda x: x.tan(),
             meaning="sin(x)/cos(x)", requires=("cos(x) != 0",), rule="derivative of tan: tan(x)' = 1 + tan(x)^2"),
    Function("arcsin", _X, "np.arcsin", r"\arcsin({0})", ("1/(1 - x**2)**(1/2)",), lambda x: x.asin(),
             requires=("x >= -1", "x <= 1"), rule="derivative of arcsin: arcsin(x)' = 1/√(1 - x^2)"),
    Function("arccos", _X, "np.arccos", r"\arccos({0})", ("-1/(1 - x**2)**(1/2)",), lambda x: x.acos(),
             meaning="pi/2 - arcsin(x)", requires=("x >= -1", "x <= 1"), sign="0+",
             rule="derivative of arccos: arccos(x)' = -1/√(1 - x^2)"),
    Function("arctan2", _XY, "np.arctan2", r"\operatorname{{atan2}}({0}, {1})",
             ("y/(x**2 + y**2)", "-x/(x**2 + y**2)"), lambda x, y: x.atan2(y), kinks=("y + hypot(x, y)",),
             rule="derivative of the angle of (y, x): ∂ atan2(x, y)/∂x = y/(x^2 + y^2), off the cut x = 0, y <= 0"),
    Function("arcsinh", _X, "np.arcsinh", r"\operatorname{{arsinh}}({0})", ("1/(1 + x**2)**(1/2)",),
             lambda x: x.asinh(), meaning="log(x + (1 + x**2)**(1/2))",
             rule="derivative of arcsinh: arcsinh(x)' = 1/√(1 + x^2)"),
    Function("arccosh", _X, "np.arccosh", r"\operatorname{{arcosh}}({0})", ("1/(x**2 - 1)**(1/2)",),
             lambda x: x.acosh(), meaning="log(x + (x**2 - 1)**(1/2))", requires=("x >= 1",), sign="0+",
             rule="derivative of arccosh: arccosh(x)' = 1/√(x^2 - 1)"),
    Function("arctanh", _X, "np.arctanh", r"\operatorname{{artanh}}({0})", ("1/(1 - x**2)",), lambda x: x.atanh(),
             meaning="(log(1 + x) - log(1 - x))/2", requires=("x > -1", "x < 1"),
             rule="derivative of arctanh: arctanh(x)' = 1/(1 - x^2)"),
    Function("sinc", _X, "np.sinc", r"\operatorname{{sinc}}({0})", ("-pi*spherical_jn(1, pi*x)",),
             lambda x: x.times_pi().spherical_jn(0),
             rule="derivative of sinc(x) = sin(πx)/(πx): sinc(x)' = -π j1(πx) = (cos(πx) - sinc(x))/x"),
    Function("spherical_jn", _NX, "spherical_jn", r"j_{{{0}}}({1})",
             (None, "(n*spherical_jn(n - 1, x) - (n + 1)*spherical_jn(n + 1, x))/(2*n + 1)"),
             lambda n, x: x.spherical_jn(n.order()), orders=("n",),
             rule="derivative of the spherical Bessel function: jn' = (n j(n-1) - (n+1) j(n+1))/(2n + 1)"),
    Function("erf", _X, "erf", r"\operatorname{{erf}}({0})", ("2/pi**(1/2)*exp(-x**2)",), lambda x: x.erf(),
             rule="derivative of erf: erf(x)' = 2 exp(-x^2)/√π"),
    Function("erfc", _X, "erfc", r"\operatorname{{erfc}}({0})", ("-2/pi**(1/2)*exp(-x**2)",), lambda x: x.erfc(),
             meaning="1 - erf(x)", sign="+", rule="derivative of erfc: erfc(x)' = -2 exp(-x^2)/√π"),
    Function("erfcx", _X, "erfcx", r"\operatorname{{erfcx}}({0})", ("2*x*erfcx(x) - 2/pi**(1/2)",),
             lambda x: x.erfcx(), meaning="exp(x**2)*(1 - erf(x))", sign="+",
             rule="derivative of erfcx = exp(x^2) erfc(x): erfcx(x)' = 2 x erfcx(x) - 2/√π"),
    Function("erfinv", _X, "erfinv", r"\operatorname{{erf}}^{{-1}}({0})", ("pi**(1/2)/2*exp(erfinv(x)**2)",),
             lambda x: x.erfinv(), requires=("x > -1", "x < 1"),
             rule="derivative of the inverse of erf: 1/erf'(erfinv(x)) = √π/2 exp(erfinv(x)^2)"),
    Function("ndtr", _X, "ndtr", r"\Phi({0})", ("exp(-x**2/2)/(2*pi)**(1/2)",), lambda x: x.ndtr(),
             meaning="(1 + erf(x/2**(1/2)))/2", sign="+",
             rule="derivative of the normal distribution function: Φ(x)' = exp(-x^2/2)/√(2π)"),
    Function("log_ndtr", _X, "log_ndtr", r"\log \Phi({0})", ("exp(-x**2/2 - log_ndtr(x))/(2*pi)**(1/2)",),
             lambda x: x.log_ndtr(), meaning="log((1 + erf(x/2**(1/2)))/2)",
             rule="derivative of log Φ: (log Φ(x))' = exp(-x^2/2 - log Φ(x))/√(2π), the inverse Mills ratio"),
    Function("ndtri", _X, "ndtri", r"\Phi^{{-1}}({0})", ("(2*pi)**(1/2)*exp(ndtri(x)**2/2)",), lambda x: x.ndtri(),
             requires=("x > 0", "x < 1"),
             rule="derivative of the normal quantile: 1/Φ'(ndtri(x)) = √(2π) exp(ndtri(x)^2/2)"),
    Function("gamma", _X, "gamma", r"\Gamma({0})", ("gamma(x)*digamma(x)",), lambda x: 1 / x.rgamma(),
             requires=("rgamma(x) != 0",), rule="derivative of the gamma function: Γ(x)' = Γ(x) ψ(x)"),
    Function("rgamma", _X, "rgamma", r"\Gamma({0})^{{-1}}", ("-rgamma(x)*digamma(x)",), lambda x: x.rgamma(),
             rule="derivative of 1/Γ: (1/Γ(x))' = -ψ(x)/Γ(x)"),
    Function("gammaln", _X, "gammaln", r"\log \Gamma({0})", ("digamma(x)",), lambda x: x.gammaln(),
             requires=("rgamma(x) != 0",), rule="derivative of log Γ: (log |Γ(x)|)' = ψ(x)"),
    Function("loggamma", _X, "loggamma", r"\log \Gamma({0})", ("digamma(x)",), lambda x: x.positive().gammaln(),
             meaning="gammaln(x)", requires=("x > 0",), rule="derivative of log Γ: (log Γ(x))' = ψ(x)"),
    Function("digamma", _X, "digamma", r"\psi({0})", ("polygamma(1, x)",), lambda x: x.polygamma(0),
             requires=("rgamma(x) != 0",), rule="derivative of the digamma function: ψ(x)' = ψ1(x)"),
    Function("polygamma", _NX, "polygamma", r"\psi^{{({0})}}({1})", (None, "polygamma(n + 1, x)"),
             lambda n, x: x.polygamma(n.order()), requires=("rgamma(x) != 0",), orders=("n",),
             rule="derivative of the polygamma function: ψn(x)' = ψ(n+1)(x)"),
    Function("beta", _AB, "beta", r"\mathrm{{B}}({0}, {1})",
             ("beta(a, b)*(digamma(a) - digamma(a + b))", "beta(a, b)*(digamma(b) - digamma(a + b))"),
             lambda a, b: (a + b).rgamma() / (a.rgamma() * b.rgamma()), meaning="gamma(a)*gamma(b)*rgamma(a + b)",
             requires=("rgamma(a) != 0", "rgamma(b) != 0"),
             rule="derivative of the beta function: ∂B(a, b)/∂a = B(a, b) (ψ(a) - ψ(a + b))"),
    Function("betaln", _AB, "betaln", r"\log \mathrm{{B}}({0}, {1})",
             ("digamma(a) - digamma(a + b)", "digamma(b) - digamma(a + b)"),
             lambda a, b: a.gammaln() + b.gammaln() - (a + b).gammaln(),
             meaning="gammaln(a) + gammaln(b) - gammaln(a + b)",
             requires=("rgamma(a) != 0", "rgamma(b) != 0", "rgamma(a + b) != 0"),
             rule="derivative of log B: ∂ log |B(a, b)|/∂a = ψ(a) - ψ(a + b)"),
    Function("gammainc", ("a", "x"), "gammainc", r"P({0}, {1})", (None, "x**(a - 1)*exp(-x)/gamma(a)"),
             lambda a, x: x.gammainc(a), requires=("a > 0", "x >= 0"), sign="0+",
             rule="derivative of the lower incomplete gamma ratio: ∂P(a, x)/∂x = x^(a-1) exp(-x)/Γ(a)"),
    Function("gammaincc", ("a", "x"), "gammaincc", r"Q({0}, {1})", (None, "-x**(a - 1)*exp(-x)/gamma(a)"),
             lambda a, x: x.gammaincc(a), meaning="1 - gammainc(a, x)", requires=("a > 0", "x >= 0"), sign="+",
             rule="derivative of the upper incomplete gamma ratio: ∂Q(a, x)/∂x = -x^(a-1) exp(-x)/Γ(a)"),
    Function("i0", _X, "i0", r"I_0({0})", ("i1(x)",), lambda x: x.bessel_i(0), sign="+",
             rule="derivative of the modified Bessel function: I0(x)' = I1(x)"),
    Function("i1", _X, "i1", r"I_1({0})", ("(i0(x) + iv(2, x))/2",), lambda x: x.bessel_i(1),
             rule="derivative of the modified Bessel function: I1(x)' = (I0(x) + I2(x))/2"),
    Function("iv", _NX, "iv", r"I_{{{0}}}({1})", (None, "(iv(n - 1, x) + iv(n + 1, x))/2"),
             lambda n, x: x.bessel_i(n.order()), orders=("n",),
             rule="derivative of the modified Bessel function: In(x)' = (I(n-1)(x) + I(n+1)(x))/2"),
    Function("i0e", _X, "i0e", r"\operatorname{{i0e}}({0})", ("i1e(x) - sign(x)*i0e(x)",),
             lambda x: (-x.abs()).exp() * x.bessel_i(0), meaning="exp(-abs(x))*i0(x)", kinks=("x",), sign="+",
             rule="derivative of exp(-|x|) I0(x): i1e(x) - sign(x) i0e(x) for x != 0"),
    Function("i1e", _X, "i1e", r"\operatorname{{i1e}}({0})", ("(i0e(x) + ive(2, x))/2 - sign(x)*i1e(x)",),
             lambda x: (-x.abs()).exp() * x.bessel_i(1), meaning="exp(-abs(x))*i1(x)", kinks=("x",),
             rule="derivative of exp(-|x|) I1(x): (i0e(x) + ive(2, x))/2 - sign(x) i1e(x) for x != 0"),
    Function("ive", _NX, "ive", r"\operatorname{{ive}}_{{{0}}}({1})",
             (None, "(ive(n - 1, x) + ive(n + 1, x))/2 - sign(x)*ive(n, x)"),
             lambda n, x: (-x.abs()).exp() * x.bessel_i(n.order()), meaning="exp(-abs(x))*iv(n, x)", kinks=("x",),
             orders=("n",),
             rule="derivative of exp(-|x|) In(x): (ive(n-1, x) + ive(n+1, x))/2 - sign(x) ive(n, x) for x != 0"),
    Function("boxcox", ("x", "lmbda"), "boxcox", r"\operatorname{{boxcox}}_{{{1}}}({0})",
             ("x**(lmbda - 1)", "where(eq(lmbda, 0), log(x)**2/2, (x**lmbda*log(x) - boxcox(x, lmbda))/lmbda)"),
             lambda x, lmbda: x.boxcox(lmbda), requires=("x > 0",),
             rule="derivative of the Box-Cox transform (x^λ - 1)/λ: ∂/∂x = x^(λ-1)"),
    Function("inv_boxcox", ("x", "lmbda"), "inv_boxcox", r"\operatorname{{boxcox}}^{{-1}}_{{{1}}}({0})",
             ("inv_boxcox(x, lmbda)**(1 - lmbda)", None), lambda x, lmbda: x.inv_boxcox(lmbda),
             requires=("lmbda*x > -1",), sign="+",
             rule="derivative of the inverse Box-Cox transform (λx + 1)^(1/λ): ∂/∂x = inv_boxcox(x, λ)^(1-λ)"),
    Function("huber", ("delta", "r"), "huber", r"\operatorname{{huber}}_{{{0}}}({1})",
             ("maximum(abs(r) - delta, 0)", "clip(r, -delta, delta)"),
             lambda delta, r: (r * r).le(delta.nonnegative() ** 2).where(r * r / 2, delta * (r.abs() - delta / 2)),
             meaning="where(le(abs(r), delta), r**2/2, delta*(abs(r) - delta/2))", requires=("delta >= 0",), sign="0+",
             rule="derivative of the Huber loss: the residual, cut off at -δ and δ"),
    Function("pseudo_huber", ("delta", "r"), "pseudo_huber", r"\operatorname{{pseudohuber}}_{{{0}}}({1})",
             ("(hypot(delta, r) - delta)**2/hypot(delta, r)", "r/(1 + (r/delta)**2)**(1/2)"),
             lambda delta, r: delta * ((delta.nonnegative() ** 2 + r * r).sqrt() - delta),
             meaning="delta*((delta**2 + r**2)**(1/2) - delta)", requires=("delta >= 0",), sign="0+",
             rule="derivative of the pseudo-Huber loss: r/√(1 + (r/δ)^2)"),
    Function("floor", _X, "np.floor", r"\lfloor {0} \rfloor", ("0",), lambda x: x.floor(), kinks=("x - floor(x)",),
             rule="derivative of floor: 0 off the integers, where it jumps"),
    Function("ceil", _X, "np.ceil", r"\lceil {0} \rceil", ("0",), lambda x: -(-x).floor(),
             meaning="-floor(-x)", kinks=("x - floor(x)",),
             rule="derivative of ceil: 0 off the integers, where it jumps"),
    Function("trunc", _X, "np.trunc", r"\operatorname{{trunc}}({0})", ("0",), lambda x: x.trunc(),
             meaning="where(lt(x, 0), -floor(-x), floor(x))", kinks=("x - floor(x)",),
             rule="derivative of trunc: 0 off the integers, where it jumps"),
    Function("rint", _X, "np.rint", r"\operatorname{{round}}({0})", ("0",), lambda x: x.rint(),
             kinks=("x + 1/2 - floor(x + 1/2)",),
             rule="derivative of rounding: 0 off the half-integers, where it jumps"),
    Function("remainder", _XY, "np.mod", r"\operatorname{{mod}}({0}, {1})", ("1", "-floor(x/y)"),
             lambda x, y: x - y * (x / y).floor(), meaning="x - y*floor(x/y)", requires=("y != 0",),
             kinks=("x/y - floor(x/y)",),
             rule="derivative of the remainder x - y floor(x/y): (1, -floor(x/y)), off its jumps"),
    Function("fmod", _XY, "np.fmod", r"\operatorname{{fmod}}({0}, {1})", ("1", "-trunc(x/y)"),
             lambda x, y: x - y * (x / y).trunc(), meaning="x - y*trunc(x/y)", requires=("y != 0",),
             kinks=("x/y - floor(x/y)",),
             rule="derivative of the remainder x - y trunc(x/y): (1, -trunc(x/y)), off its jumps"),
    Function("copysign", _XY, "np.copysign", r"\operatorname{{copysign}}({0}, {1})",
             ("sign(x)*copysign(1, y)", "0"), lambda x, y: y.lt(y * 0).where(-x.abs(), x.abs()),
             meaning="abs(x)*where(lt(y, 0), -1, 1)", kinks=("x", "y"),
             rule="derivative of |x| with the sign of y: the product of the signs, for x != 0 and y != 0"),
)
"""All elementwise functions.  ``power`` with a constant exponent is read by its
exponent: integers >= 0 are defined everywhere, negative integers off 0,
others for bases >= 0 (> 0 where the exponent is negative)."""

_OF_LOW_ORDER = {
    ("polygamma", 0): "digamma",
    ("iv", 0): "i0",
    ("iv", 1): "i1",
    ("ive", 0): "i0e",
    ("ive", 1): "i1e",
}
"""The rows that functions of a constant order have for their lowest orders."""


def function(name: str) -> Function:
    """The row of a function; an unknown name raises."""
    try:
        return FUNCTIONS[name]
    except KeyError:
        raise UnknownNameError(f"no function named {name!r}; the rows are {', '.join(sorted(FUNCTIONS))}") from None


def applied(name: str, *arguments: Node) -> Node:
    """A row applied to nodes of one shape (or scalars): ``polygamma(0, x)`` is ``digamma(x)``.

    Raises ``UnsupportedError`` where an order is no constant integer >= 0.
    """
    row = function(name)
    for order in row.orders:
        place = row.arguments.index(order)
        given = arguments[place]
        value = given.value if isinstance(given, Number) else None
        if value is None or not value.is_Integer or value.is_negative:
            raise UnsupportedError(
                f"{name} is read with a constant integer >= 0 as its argument {order}, e.g. {name}(1, x)"
            )
        simple = _OF_LOW_ORDER.get((name, int(value)))
        if simple is not None:
            return build.apply(simple, *arguments[:place], *arguments[place + 1 :])
    return build.apply(name, *arguments)


@dataclass(frozen=True)
class Need:
    """``node op 0``, with op one of ">", ">=" and "!=", unless ``guard`` is 0."""

    node: Node
    op: Literal[">", ">=", "!="]
    guard: Node | None = None


def needs(name: str, arguments: Sequence[Node]) -> tuple[Need, ...]:
    """What a row requires of its arguments, as signs of expressions.

    >>> from symderive.language.arrays import Array, array
    >>> [f"{Array(n.node)} {n.op} 0" for n in needs("arcsin", [array("x").node])]
    ['x + 1 >= 0', '1 - x >= 0']
    """
    row = function(name)
    return tuple(_need(text, row.arguments, arguments) for text in row.requires)


def _need(text: str, names: tuple[str, ...], arguments: Sequence[Node]) -> Need:
    relation, _, unless = text.partition(" or ")
    found = re.fullmatch(r"(.+) (<=|>=|<|>|!=) (.+)", relation)
    if found is None:
        raise ValueError(f"{relation!r} is no relation that a row may require")
    left, op, right = found.groups()
    if op in ("<", "<="):
        left, right = right, left
    difference = left if right == "0" else f"{left} - ({right})"
    kept: Literal[">", ">=", "!="] = "!=" if op == "!=" else ">=" if "=" in op else ">"
    guard = template(unless.removesuffix(" == 0"), names)(*arguments) if unless else None
    return Need(template(difference, names)(*arguments), kept, guard)


@dataclass(frozen=True)
class Template:
    """A row text read once; ``__call__`` puts nodes in for the argument names."""

    tree: ast.expr
    names: tuple[str, ...]

    def __call__(self, *arguments: Node) -> Node:
        return _instantiate(self.tree, dict(zip(self.names, arguments, strict=True)))


@cache
def template(text: str, names: tuple[str, ...]) -> Template:
    """Read a row text."""
    return Template(ast.parse(text, mode="eval").body, names)


def _constant(tree: ast.expr) -> Expr | None:
    match tree:
        case ast.Constant(value=int(value)):
            return Rational(value)
        case ast.Name(id="pi"):
            return pi
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = _constant(operand)
            return None if value is None else -value
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            a, b = _constant(left), _constant(right)
            return None if a is None or b is None else a / b
    return None


def _instantiate(tree: ast.expr, scope: dict[str, Node]) -> Node:
    constant = _constant(tree)
    if constant is not None:
        return Number(constant)
    match tree:
        case ast.Name(id=name):
            return scope[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return build.scale(-1, _instantiate(operand, scope))
        case ast.BinOp(left=left, op=op, right=right):
            a = _instantiate(left, scope)
            if isinstance(op, ast.Mult) and build.is_zero(a):
                return a  # the order 0 that multiplies a function of order -1
            if isinstance(op, ast.Pow):
                b = _instantiate(right, scope)
                return build.power(a, b.value) if isinstance(b, Number) else Map("power", (a, b))
            b = _instantiate(right, scope)
            match op:
                case ast.Add() | ast.Sub():
                    sign = 1 if isinstance(op, ast.Add) else -1
                    return build.add([(ONE, a), (sign * ONE, b)], a.shape or b.shape)
                case ast.Mult():
                    return build.multiply(a, b)
                case ast.Div():
                    return build.multiply(a, build.power(b, -1))
        case ast.Call(func=ast.Name(id=name), args=args):
            return applied(name, *(_instantiate(a, scope) for a in args))
    raise ValueError(f"a row text may not contain {ast.unparse(tree)}")


def partial(name: str, index: int, arguments: Sequence[Node]) -> Node | None:
    """The partial derivative of a function by its argument ``index``, as a node.

    None where the row has none.  A constant exponent gets the power rule
    without the logarithm.
    """
    row = function(name)
    text = row.derivative[index]
    if text is None:
        return None
    if name == "power" and isinstance(arguments[1], Number):
        exponent = arguments[1].value
        if index == 0:
            return build.scale(exponent, build.power(arguments[0], exponent - 1))
    return template(text, row.arguments)(*arguments)


def meaning(name: str, arguments: Sequence[Node]) -> Node | None:
    """The function written in simpler rows, or None for a primitive."""
    row = function(name)
    if row.meaning is None:
        return None
    return template(row.meaning, row.arguments)(*arguments)
