"""Hostile claims: each answers within its time and memory, with one clear error or a verdict; none runs code."""

from pathlib import Path

import pytest
import sympy
from sympy import Add, Derivative, Float, Integer, Mul, Piecewise, Pow, Product, Rational, Sum, Symbol, factorial

import symderive as sd
from symderive.checking.workers import Limits, Workers
from symderive.cli import main
from symderive.deadline import run_within
from symderive.errors import UnsupportedError
from symderive.language.sympy_bounds import bounded

SECONDS, MEGABYTES = 1.0, 1500.0
CANARY = "canary_of_symderive"

x, y, n = sympy.symbols("x y n")


def later(base, exponent):
    return Pow(base, exponent, evaluate=False)


def nested(times, function, start=x):
    for _ in range(times):
        start = function(start)
    return start


def text(claim, **options):
    return lambda: ((claim,), options)


def sides(make, op="==", rhs=1, **options):
    return lambda: ((make(), op, rhs), options)


def vector(names):
    return {"shapes": dict.fromkeys(names, "n")}


TEXTS = {
    "a tower": text("9**9**9 == x"),
    "a tower of a name": text("2**2**2**2**2**x == x"),
    "a factorial": text("factorial(10**9) == x"),
    "a gamma function": text("gamma(10**15) == x"),
    "gamma of a tower": text("gamma(x**x**x) == x", domains={"x": sd.positive}),
    "a huge power": text("(x+1)**100000 == 1"),
    "a large power": text("(x+1)**1000*(y+1)**1000 == 1"),
    "a power of a sum": text("(x+y+z+u+v+w+1)**300 == 0"),
    "a huge exponential": text("exp(10**9) == x"),
    "a tiny exponential": text("exp(-exp(exp(100))) == 0"),
    "nested exponentials": text("exp(exp(exp(exp(exp(exp(x)))))) == x"),
    "many nested exponentials": text("exp(" * 60 + "x" + ")" * 60 + " <= 1"),
    "brackets": text("(" * 100_000 + "x" + ")" * 100_000 + " == x"),
    "few brackets": text("(" * 900 + "x" + ")" * 900 + " == x"),
    "minus signs": text("-" * 9_000 + "x == x"),
    "tildes": text("~" * 9_000 + "x == x"),
    "powers of powers": text("x" + "**2" * 200 + " >= 0"),
    "calls in calls": text("np.maximum(" * 200 + "x" + ",y)" * 200 + " >= x"),
    "a long text": text(" + ".join(f"sin({k}*x)" for k in range(3000)) + " == 0"),
    "many names": text(" + ".join(f"a{k}" for k in range(1200)) + " >= 0"),
    "a long name": text("a" * 5000 + " == x"),
    "a long number": text("x == " + "9" * 4000),
    "a longer number": text("x == " + "9" * 100_000),
    "a huge float": text("x == 1e999999"),
    "a tiny float": text("x == 1e-99999999"),
    "a float exponent": text("x**1e300 == x"),
    "a huge coefficient": text("x*10**9999 == x"),
    "a huge range": text("k*k >= k", domains={"k": sd.integers(0, 10**40)}),
    "a huge modulus": text("x % 10**100 == x", domains={"x": sd.integers(0, 10**90)}),
    "ranges": text("k*j >= k-1", domains=dict.fromkeys("kj", sd.integers(0, 10**6))),
    "many labels": text("y*y == y", domains={"y": sd.labels(*range(3000))}),
    "many axes": text("np.sum(A) == 0", shapes={"A": " ".join(f"n{k}" for k in range(40))}),
    "a huge matrix": text("np.sum(A) == 0", shapes={"A": "100000 100000"}),
    "a product of large matrices": text("A @ A == A", shapes={"A": "1000 1000"}),
    "a large determinant": text("np.linalg.det(A) >= 0", shapes={"A": "300 300"}),
    "a large unit matrix": text("np.sum(sd.eye(10**6)) == 1"),
    "a long range": text("np.sum(sd.arange(10**9)) >= 0"),
    "an einsum of many axes": text("np.einsum('abcdefgh,abcdefgh->',A,A) >= 0", shapes={"A": "a b c d e f g h"}),
    "an einsum of many arrays": text(
        f"np.einsum('{','.join(['ab'] * 50)}->',{','.join('A' * 50)}) >= 0", shapes={"A": "n m"}
    ),
    "an outer einsum": text("np.einsum('a,b,c,d,e,f,g,h->abcdefgh',u,u,u,u,u,u,u,u) >= 0", **vector("u")),
    "Kronecker products": text("np.kron(np.kron(np.kron(A,A),A),A) == 0", shapes={"A": "n n"}),
    "a matrix power": text("np.linalg.matrix_power(A, 10**6) == A", shapes={"A": "n n"}),
    "doubling definitions": text(
        "z30 >= 0, where z0 = x*x; " + "; ".join(f"z{k + 1} = z{k}*z{k} + z{k}" for k in range(30))
    ),
    "a high polygamma": text("polygamma(10**6, x) == 0", domains={"x": sd.positive}),
    "many branches": text("*".join(f"sign(x-{k})" for k in range(40)) + " <= 1"),
    "much that is given": text("x >= y", given=[f"x >= y - {k}" for k in range(300)]),
    "hardly a point": text("x == x", given=["sin(x)*exp(x) == 1/3"]),
    "no point": text("x == x + 1", given=["x*x < 0"]),
    "an import": text(f"__import__('pathlib').Path('{CANARY}').touch() == 0"),
    "an attribute": text("x.__class__.__mro__ == x"),
    "a lambda": text("(lambda: 0)() == x"),
    "a comprehension": text("[x for x in x] == x"),
    "an f-string": text("f'{x}' == x"),
    "a walrus": text("(x := 1) == 1"),
    "two statements": text("x == x; import os"),
    "a NUL": text("x \0 == x"),
    "an escape": text("x \x1b[2J == x"),
    "a full-width letter": text("ｘ + x == 2*x"),
    "right to left": text("x\u202e == x"),
    "a joiner": text("x\u200d + x == 2*x"),
    "an accent": text("x\u0301 == x"),
    "a surrogate": text("x\ud800 == x"),
    "nothing": text(""),
    "only relations": text("== =="),
}  # fmt: skip

EXPRESSIONS = {
    "a tower": sides(lambda: later(9, later(9, 9))),
    "a tower below": sides(lambda: sympy.sin(later(9, later(9, 9)), evaluate=False)),
    "a tower in a floor": sides(lambda: sympy.floor(later(10, later(10, 10)), evaluate=False)),
    "a factorial": sides(lambda: factorial(10**9, evaluate=False)),
    "a binomial": sides(lambda: sympy.binomial(10**9, 5 * 10**8, evaluate=False)),
    "a gamma function": sides(lambda: sympy.gamma(Integer(10) ** 12, evaluate=False)),
    "powers of 2": sides(lambda: nested(12, lambda e: later(2, e))),
    "a huge exponent": sides(lambda: later(x, Integer(10) ** 50)),
    "a large power": sides(lambda: (x + 1) ** 100_000),
    "deep": sides(lambda: nested(300, lambda e: sympy.exp(e, evaluate=False))),
    "deep sines": sides(lambda: nested(300, lambda e: sympy.sin(e, evaluate=False)), "<="),
    "shared parts": sides(lambda: nested(25, lambda e: Add(Mul(e, e, evaluate=False), e, evaluate=False))),
    "wide": sides(lambda: Add(*[Symbol(f"v{k}") for k in range(3000)]), ">="),
    "a hostile name": sides(lambda: Symbol(f"__import__('pathlib').Path('{CANARY}').touch()")),
    "a page in a name": sides(lambda: Symbol("<script>alert(1)</script>")),
    "an empty name": sides(lambda: Symbol("")),
    "a NUL in a name": sides(lambda: Symbol("x\0y")),
    "a long name": sides(lambda: Symbol("x" * 10**6)),
    "a huge sum": sides(lambda: Sum(x**n, (n, 0, 10**9))),
    "a sum of sums": sides(lambda: Sum(Sum(x * n * y, (n, 0, 10**5)), (y, 0, 10**5))),
    "an infinite sum": sides(lambda: Sum(sympy.sin(n**n), (n, 1, sympy.oo))),
    "a huge product": sides(lambda: Product(n, (n, 1, 10**9))),
    "a high derivative": sides(lambda: Derivative(sympy.sin(x * y), (x, 500))),
    "an integral": sides(lambda: sympy.Integral(sympy.sin(sympy.exp(x**2)), (x, 0, 50))),
    "a huge integer": sides(lambda: Integer(10) ** 100_000),
    "a huge float": sides(lambda: Float("1e100000")),
    "a tiny fraction": sides(lambda: Rational(1, 10**50_000), ">=", x),
    "many cases": sides(lambda: Piecewise(*[(Integer(k), x < k) for k in range(300)], (0, True)), ">="),
    "powers of a name": sides(lambda: n ** (n ** (n**n)), ">="),
    "a large matrix": sides(lambda: sympy.zeros(300, 300), "==", 0),
    "a huge symbol": sides(lambda: sympy.MatrixSymbol("A", 10**6, 10**6), "==", 0),
    "infinity": sides(lambda: sympy.zoo),
    "not a number": sides(lambda: sympy.nan),
    "an unknown function": sides(lambda: sympy.Function("f")(x)),
    "a truth value": sides(lambda: sympy.true),
    "what is given": lambda: (("x == x",), {"given": [sympy.Gt(later(9, later(9, 9)), x)]}),
}
HOSTILE = {f"text: {k}": v for k, v in TEXTS.items()} | {f"SymPy: {k}": v for k, v in EXPRESSIONS.items()}


def answered(content):
    """What `check` answers, in a worker; anything but an error on purpose ends in ``problem``."""
    # SymPy's own work when the claim is made is not ours to bound.
    arguments, options = run_within(20, HOSTILE[content["name"]])
    try:
        verdict = sd.check(*arguments, **options, timeout=SECONDS)
    except sd.SymderiveError as error:
        return {"error": str(error), "kind": type(error).__name__}
    return {"status": str(verdict.status), "reason": verdict.reason, "text": str(verdict)}


@pytest.fixture(scope="module")
def answers():
    with Workers(answered, 2) as workers:
        found = list(workers.answers([({"name": name}, Limits(SECONDS + 3, MEGABYTES)) for name in HOSTILE]))
    return {list(HOSTILE)[answer.number]: answer for answer in found}


def test_there_are_enough():
    assert len(TEXTS) >= 60
    assert len(HOSTILE) >= 95


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_claims_answer(answers, name):
    answer = answers[name]
    assert (answer.stopped, answer.problem) == ("", "")
    if "error" in answer.result:
        message = answer.result["error"]
        assert message
        assert len(message) < 1200
        assert not any(ord(c) < 32 and c != "\n" for c in message)
    else:
        assert answer.result["status"] in ("undecided", "refuted", "proved")
        assert answer.result["reason"]
        assert len(answer.result["text"]) < 20_000


def test_no_code_ran(answers):
    assert answers
    assert not Path(CANARY).exists()


REFUSED = {"a tower", "a factorial", "a huge power", "brackets", "a long text", "a huge float", "an import", "a NUL",
           "many axes", "a matrix power", "a lambda", "a full-width letter", "nothing"}  # fmt: skip


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_the_command_line_says_it_in_one_error(capsys, name):
    arguments, options = TEXTS[name]()
    shapes = [part for k, v in options.get("shapes", {}).items() for part in ("--shape", f"{k}={v.replace(' ', ',')}")]
    assert main(["check", *arguments, *shapes]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("symderive: ")
    assert "Traceback" not in err
    assert len(err) < 1200


# -- sizes of SymPy expressions ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a tower", "a tower below", "a factorial", "a binomial", "a huge exponent", "deep",
                                  "shared parts", "a long name", "a high derivative", "a huge integer", "a huge float",
                                  "a large matrix"])  # fmt: skip
def test_what_is_too_large_is_refused_by_its_structure(name):
    (made, *_), _ = EXPRESSIONS[name]()
    with pytest.raises(UnsupportedError, match="is not read"):
        bounded(made)


@pytest.mark.parametrize(
    "made",
    [
        x,
        3,
        "x",
        Rational(1, 10**9),
        Float("1e-300"),
        x**200,
        2**x,
        sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi),
        later(-1, later(10, 30)),
        factorial(200, evaluate=False),
        sympy.gamma(x) * factorial(n),
        Derivative(sympy.tanh(x), (x, 5)),
        Sum(x**n / factorial(n), (n, 0, sympy.oo)),
        sympy.Matrix([[x, y], [y, x]]),
        nested(100, lambda e: sympy.sin(e, evaluate=False)),
    ],
    ids=str,
)
def test_ordinary_formulas_are_not_too_large(made):
    assert bounded(made) >= 1


@pytest.mark.parametrize(
    "number",
    [
        sympy.exp(sympy.Rational(2082249, 10**6)),
        sympy.exp(-sympy.Rational(1234567, 10**6) ** 2),
        sympy.exp(sympy.cos(sympy.Rational(1443, 1000) ** 2)),
        sympy.exp(sympy.sqrt(sympy.Rational(1012345, 10**6))),
        sympy.Integer(2) ** sympy.sqrt(sympy.Rational(3, 7)),
        sympy.Rational(999999999, 10**9) ** 400,
        sympy.exp(sympy.exp(sympy.Rational(1, 7))),
        sympy.gamma(sympy.Rational(12345, 1000)),
    ],
    ids=lambda n: type(n).__name__,
)
def test_numbers_of_ordinary_size_are_read_however_long_their_digits(number):
    assert bounded(number) > 0
    assert str(sd.check(number, "<", number + 1).status) == "proved"


@pytest.mark.parametrize(
    "number",
    [
        sympy.Pow(2, sympy.Rational(10**7), evaluate=False),
        sympy.exp(sympy.Integer(10) ** 9),
        sympy.exp(-sympy.Integer(10) ** 9),
        sympy.Pow(sympy.Rational(999, 1000), 10**7, evaluate=False),
        sympy.factorial(sympy.Integer(10) ** 8, evaluate=False),
        sympy.exp(sympy.exp(sympy.Integer(40))),
        sympy.Rational(999999999, 10**9) ** 1000,
        sympy.Pow(3, sympy.Pow(3, 30, evaluate=False), evaluate=False),
    ],
    ids=lambda n: type(n).__name__,
)
def test_numbers_of_astronomical_size_are_refused(number):
    with pytest.raises(sd.UnsupportedError, match="is not read"):
        bounded(number)
