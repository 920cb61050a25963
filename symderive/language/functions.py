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
kl_div; Boyd & Vandenberghe, Convex Optimization, 3.1.5 for curvature.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sympy import Expr, Rational, pi

from symderive.errors import UnknownNameError
from symderive.language import build
from symderive.language.nodes import ONE, Map, Node, Number


@dataclass(frozen=True)
class Function:
    """One elementwise function.

    ``numpy`` is the callable's dotted name in generated text; ``latex`` a
    format of the arguments; ``meaning`` an equal expression in simpler rows
    (None for a primitive); ``derivative`` one text per argument (None where
    there is none, as for a mask); ``requires`` where it is defined and finite,
    as relations joined by "and"; ``kinks`` the expressions at whose zeros it
    is not differentiable; ``sign`` of its values, "+" for > 0, "0+" for >= 0;
    ``increasing`` in its only argument; ``ball`` sends balls or series through.
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


_X = ("x",)
_XY = ("x", "y")


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
)
"""All elementwise functions.  ``power`` with a constant exponent is read by its
exponent: integers >= 0 are defined everywhere, negative integers off 0,
others for bases >= 0 (> 0 where the exponent is negative)."""


def function(name: str) -> Function:
    """The row of a function; an unknown name raises."""
    try:
        return FUNCTIONS[name]
    except KeyError:
        raise UnknownNameError(f"no function named {name!r}; the rows are {', '.join(sorted(FUNCTIONS))}") from None


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
            return build.apply(function(name).name, *(_instantiate(a, scope) for a in args))
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
