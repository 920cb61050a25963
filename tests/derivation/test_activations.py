"""Activations and robust losses in their usual NumPy spellings: right on both sides of each kink, stated and upheld."""

import re

import numpy as np
import pytest
from derivation.oracle import finite_difference, run_text

import symderive as sd

DOMAINS = {
    "x": sd.real,
    "a": sd.positive,
    "q": sd.interval(0, 1),
    "y": sd.labels(-1, 1),
}
VALUES = {
    # either side of 0, ±1, ±a, ±3, 6 and of the margins, never on them
    "x": np.array([-7.3, -3.4, -1.9, -1.2, -0.7, -0.31, -0.06, 0.04, 0.27, 0.62, 1.3, 1.8, 2.7, 3.6, 6.8]),
    "a": 1.5,
    "q": 0.3,
    "y": np.where(np.arange(15) % 2 == 0, 1.0, -1.0),
    "n": 15,
}

#: name: the link of x, its derivative as a textbook has it, and the conditions.
ACTIVATIONS = {
    "ReLU": ("np.maximum(x, 0)", "(x > 0) * 1.0", ["x != 0"]),
    "ReLU, where": ("np.where(x > 0, x, 0)", "(x > 0) * 1.0", ["x != 0"]),
    "ReLU, mask": ("x * (x > 0)", "(x > 0) * 1.0", ["x != 0"]),
    "ReLU 6": ("np.minimum(np.maximum(x, 0), 6)", "(x > 0) * (x < 6) * 1.0",
               ["np.maximum(x, 0) - 6 != 0", "x != 0"]),
    "leaky ReLU": ("np.where(x > 0, x, 0.01 * x)", "np.where(x > 0, 1, 0.01)", ["x != 0"]),
    "leaky ReLU, maximum": ("np.maximum(x, 0.1 * x)", "np.where(x > 0, 1, 0.1)", ["x - x / 10 != 0"]),
    "parametric ReLU": ("np.where(x > 0, x, a * x)", "np.where(x > 0, 1, a)", ["x != 0"]),
    "squared ReLU": ("np.maximum(x, 0)**2", "2 * np.maximum(x, 0)", ["x != 0"]),
    "ELU": ("np.where(x > 0, x, a * (np.exp(x) - 1))", "np.where(x > 0, 1, a * np.exp(x))", ["x != 0"]),
    "ELU, expm1": ("np.where(x > 0, x, np.expm1(x))", "np.where(x > 0, 1, np.exp(x))", ["x != 0"]),
    "SELU": ("1.0507 * np.where(x > 0, x, 1.67326 * (np.exp(x) - 1))",
             "np.where(x > 0, 1.0507, 1.758094282 * np.exp(x))", ["x != 0"]),
    "CELU": ("np.maximum(x, 0) + np.minimum(0, a * (np.exp(x / a) - 1))", "np.where(x > 0, 1, np.exp(x / a))",
             ["a * (np.exp(x / a) - 1) != 0", "x != 0"]),
    "GELU": ("x * ndtr(x)", "ndtr(x) + x * np.exp(-x**2 / 2) / np.sqrt(2 * np.pi)", []),
    "GELU, erf": ("0.5 * x * (1 + erf(x / np.sqrt(2)))", "ndtr(x) + x * np.exp(-x**2 / 2) / np.sqrt(2 * np.pi)", []),
    "GELU, norm": ("x * norm.cdf(x)", "ndtr(x) + x * np.exp(-x**2 / 2) / np.sqrt(2 * np.pi)", []),
    "GELU, tanh": (
        "0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))",
        "expit(2 * u) * (1 + 2 * x * expit(-2 * u) * np.sqrt(2 / np.pi) * (1 + 0.134145 * x**2)), "
        "where u = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)", []),
    "SiLU": ("x * expit(x)", "expit(x) + x * expit(x) * expit(-x)", []),
    "SiLU, exp": ("x / (1 + np.exp(-x))", "expit(x) + x * expit(x) * expit(-x)", []),
    "softplus, log1p": ("np.log1p(np.exp(x))", "expit(x)", []),
    "softplus, logaddexp": ("np.logaddexp(0, x)", "expit(x)", []),
    "softplus, scipy": ("softplus(x)", "expit(x)", []),
    "softplus, stable": ("np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))", "expit(x)", []),
    "log-sigmoid": ("np.log(expit(x))", "expit(-x)", []),
    "mish": ("x * np.tanh(np.log1p(np.exp(x)))",
             "t + x * (1 - t**2) * expit(x), where t = np.tanh(np.logaddexp(0, x))", []),
    "softsign": ("x / (1 + np.abs(x))", "1 / (1 + np.abs(x))**2", ["x != 0"]),
    "hard tanh": ("np.clip(x, -1, 1)", "(-1 < x) * (x < 1) * 1.0", ["x + 1 != 0", "x - 1 != 0"]),
    "hard sigmoid": ("np.clip((x + 3) / 6, 0, 1)", "(-3 < x) * (x < 3) / 6", ["x / 6 + 1/2 != 0", "x / 6 - 1/2 != 0"]),
    "hard swish": ("x * np.clip(x + 3, 0, 6) / 6", "(np.clip(x + 3, 0, 6) + x * (-3 < x) * (x < 3)) / 6",
                   ["x + 3 != 0", "x - 3 != 0"]),
    "tanh shrink": ("x - np.tanh(x)", "np.tanh(x)**2", []),
    "soft shrink": ("np.sign(x) * np.maximum(np.abs(x) - 0.5, 0)", "(np.abs(x) > 0.5) * 1.0",
                    ["np.abs(x) - 1/2 != 0", "x != 0"]),
    "piecewise linear": ("np.select([x < -1, x > 1], [-1, 1], default=x)", "(-1 < x) * (x < 1) * 1.0",
                         ["x + 1 != 0", "1 - x != 0"]),
    "rounded": ("x * np.round(x)", "np.rint(x)", ["x + 1/2 - np.floor(x + 1/2) != 0"]),
    # losses
    "Huber, where": ("np.where(np.abs(x) <= a, x**2 / 2, a * (np.abs(x) - a / 2))", "np.clip(x, -a, a)",
                     ["np.abs(x) - a != 0", "x != 0"]),
    "Huber, minimum": ("np.minimum(np.abs(x), a)**2 / 2 + a * (np.abs(x) - np.minimum(np.abs(x), a))",
                       "np.clip(x, -a, a)", ["np.abs(x) - a != 0", "x != 0"]),
    "Huber, scipy": ("huber(a, x)", "np.clip(x, -a, a)", []),
    "pseudo-Huber": ("a**2 * (np.sqrt(1 + (x / a)**2) - 1)", "x / np.sqrt(1 + (x / a)**2)", []),
    "pseudo-Huber, scipy": ("pseudo_huber(a, x)", "x / np.sqrt(1 + (x / a)**2)", []),
    "log-cosh": ("np.log(np.cosh(x))", "np.tanh(x)", []),
    "log-cosh, stable": ("np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - np.log(2)", "np.tanh(x)", ["x != 0"]),
    "pinball": ("np.where(x > 0, q * x, (q - 1) * x)", "q - (x < 0)", ["x != 0"]),
    "pinball, maximum": ("np.maximum(q * x, (q - 1) * x)", "q - (x < 0)", ["q * x - (q - 1) * x != 0"]),
    "hinge": ("np.maximum(0, 1 - y * x)", "-y * (y * x < 1)", ["y * x - 1 != 0"]),
    "squared hinge": ("np.maximum(0, 1 - y * x)**2", "-2 * y * np.maximum(0, 1 - y * x)", ["y * x - 1 != 0"]),
    "epsilon-insensitive": ("np.maximum(np.abs(x) - 0.1, 0)", "np.sign(x) * (np.abs(x) > 0.1)",
                            ["np.abs(x) - 1/10 != 0", "x != 0"]),
    "Tukey": ("np.where(np.abs(x) <= a, a**2 / 6 * (1 - (1 - (x / a)**2)**3), a**2 / 6)",
              "np.where(np.abs(x) <= a, x * (1 - (x / a)**2)**2, 0)", ["np.abs(x) - a != 0"]),
    "Cauchy": ("a**2 / 2 * np.log1p((x / a)**2)", "x / (1 + (x / a)**2)", []),
    "Geman-McClure": ("x**2 / (1 + x**2) / 2", "x / (1 + x**2)**2", []),
    "Welsch": ("a**2 / 2 * (1 - np.exp(-(x / a)**2))", "x * np.exp(-(x / a)**2)", []),
    "smooth L1": ("np.where(np.abs(x) < a, 0.5 * x**2 / a, np.abs(x) - 0.5 * a)",
                  "np.where(np.abs(x) < a, x / a, np.sign(x))", ["np.abs(x) - a != 0", "x != 0"]),
    "quantile Huber": ("np.abs(q - (x < 0)) * np.where(np.abs(x) <= 1, x**2 / 2, np.abs(x) - 0.5)",
                       "np.abs(q - (x < 0)) * np.clip(x, -1, 1)", ["x != 0", "np.abs(x) - 1 != 0"]),
    "probit": ("-log_ndtr(y * x)", "-y * np.exp(-x**2 / 2 - log_ndtr(y * x)) / np.sqrt(2 * np.pi)", []),
    "Poisson": ("np.exp(x) - y * x + gammaln(a + 1)", "np.exp(x) - y", []),
}  # fmt: skip


def scope(text):
    used = set(re.findall(r"[A-Za-z_]\w*", text))
    return {
        k: sd.array(k, *(() if k in "aq" else (sd.dims("n"),)), domain=d) for k, d in DOMAINS.items() if k in used
    }


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_derivative_is_right_stated_and_upheld(name):
    text, textbook, conditions = ACTIVATIONS[name]
    arrays = scope(text)
    loss = sd.read(f"np.sum({text})", **arrays)
    g = sd.gradient(loss, "x")

    values = {k: v for k, v in VALUES.items() if k in arrays or k == "n"}
    got = run_text(str(g.result), values)
    numeric = text.replace("norm.cdf", "ndtr")
    expected = finite_difference(lambda point: run_text(f"np.sum({numeric})", point), values, "x")
    np.testing.assert_allclose(np.broadcast_to(got, 15), expected, rtol=1e-6, atol=1e-7, err_msg=str(g.result))
    np.testing.assert_allclose(np.broadcast_to(got, 15), run_text(textbook, values), rtol=1e-13, atol=1e-15)

    assert [str(c) for c in g.conditions] == conditions
    assert g.verdict.upheld, str(g.verdict)
    body, where, definitions = textbook.partition(", where ")
    changed = sd.check(g, "==", f"{body} + 1e-12 * x**2{where}{definitions}")
    assert changed.status == "refuted", str(changed)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_it_compiles(name):
    text, textbook, _ = ACTIVATIONS[name]
    arrays = scope(text)
    kernel = sd.compile(sd.read(f"np.sum({text})", **arrays), wrt="x")
    values = {k: v for k, v in VALUES.items() if k in arrays}
    expected = run_text(textbook, {**values, "n": 15})
    np.testing.assert_allclose(kernel.gradient(**values), expected, rtol=1e-13, atol=1e-15)
    check = kernel.cross_check(**values)
    assert check.ok, check


LONG = {
    "ReLU 6": "max(x, 0) < 6 is kept as it is written",
    "leaky ReLU": "the decimal 0.01 is written as 1/100",
    "leaky ReLU, maximum": "the condition x/10 < x is kept as it is written",
    "CELU": "min(0, u) with u of the sign of x is not read as a case distinction",
    "hard sigmoid": "(x + 3)/6 > 0 is kept as it is written",
    "soft shrink": "sign(x)² beside a mask is not 1",
    "piecewise linear": "nested case distinctions are not joined",
    "Huber, minimum": "the minimum inside of its own case is not resolved",
    "log-cosh, stable": "tanh(|x|) sign(x) is not tanh(x)",
    "pinball": "[x > 0] - 1 is not -[x < 0]",
    "pinball, maximum": "the two slopes are not joined",
    "hinge": "1 - y x > 0 is kept as it is written",
    "epsilon-insensitive": "|x| - 1/10 > 0 is kept as it is written",
    "Tukey": "the square is factored",
    "Cauchy": "a² is not taken into the denominator",
    "Welsch": "(x/a)² is written out",
    "quantile Huber": "the case distinction beside a factor is not read as a clip",
}
"""Forms that are longer than the textbook's by more than a fifth, and why: whoever mends one takes it out."""


def size(text: str) -> int:
    """The words and signs of a formula."""
    return len(re.findall(r"\w+(?:\.\w+)*|\*\*|[-+*/<>=]+", text.replace(" * 1.0", "")))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_it_reads_as_the_textbook_does(name):
    text, textbook, _ = ACTIVATIONS[name]
    found = str(sd.gradient(sd.read(f"np.sum({text})", **scope(text)), "x").result)
    assert (size(found) > 1.2 * size(textbook)) == (name in LONG), f"{found}: {LONG.get(name, 'too long')}"
