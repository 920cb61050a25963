"""Pages for the tests of the writers: ordinary ones, long ones, and ones that mean harm."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

import symderive as sd
from symderive.language.statements import nonzero
from symderive.rendering.model import (
    Claim,
    Code,
    Curve,
    Document,
    Heading,
    Note,
    Row,
    RuleEntry,
    Rules,
    Steps,
    Table,
    Text,
    definitions_of,
    foreign,
    legend_blocks,
    math,
    relation_math,
)

HOSTILE = (
    "</math><script>alert(1)</script>",
    r"\input{/etc/passwd}",
    r"\end{document} \write18{ls} ^^M",
    "a%b # $x$ & ~ ^ _ { } | < > \" ' ` \\",
    "```\n# not a heading\n```",
    "$$ \\begin{align} $$",
    '" onload="alert(1)',
    "]]> <!-- --> &lt;b&gt; <img src=https://x.invalid/a.png>",
    "\x1b[31mred\x07\u202eabc",
    "σ(x)' = σ(x) σ(−x), Σᵢ 1 = n, ∂L/∂w ⟨G, dw⟩ ≠ 0 — naïve 求和法则 🎲",
)

n, d, k = sd.dims("n d k")
X, w, y, v = sd.array("X", n, d), sd.array("w", d), sd.array("y", n), sd.array("v", n)
u, lam, step = sd.array("u"), sd.array("lambda_"), sd.array("step_size")
p = sd.array("p", k)
z = sd.let("z", X @ w)


def rows(rule: str = "chain rule", statement: str = "d f(u) = f'(u) du") -> tuple[Row, ...]:
    lines = [
        np.sum(np.logaddexp(0, z) - y * z) / n + lam / 2 * np.sum(w**2),
        X.T @ (expit(z) - y) / n + lam * w,
        (X.T @ np.diag(expit(z) * expit(-z)) @ X / n + lam * sd.eye(d)) @ w,
        sd.softmax(p),
        np.log(u / (1 - u)) + step,
    ]
    inner = Row("2.1", math(lines[0]), math(lines[1]), rule, (), "", (), "checked", rule)
    conditions = (relation_math(nonzero(u.node)),)
    forms = ((statement, math(lines[3])), (rule, None))
    return (
        Row("", foreign("L", "L"), math(lines[0])),
        Row("1", foreign(r"\nabla_{w} L", "∇_w L"), math(lines[1]), rule, forms, rule, conditions, "proved"),
        Row("2", None, math(lines[2]), rule, (), rule, conditions, "checked", rule, (inner,)),
        Row("3", math(lines[3]), math(lines[3]), rule, (), "", (), "undecided"),
        Row("4", None, math(lines[4]), rule, forms, "", (), "refuted"),
    )


def page(text: str = "An ordinary page", lang: str = "en") -> Document:
    """A page with every kind of block, the text wherever a text can stand."""
    blocks = (
        Text(f"{text}\n\nsecond paragraph"),
        Heading(2, text),
        *definitions_of([z], text),
        Rules(text, (RuleEntry(text, math(v), text, text, text),)),
        Steps(rows(text, text)),
        Claim(text, "refuted", text, (Note("hint", text), Note("at", text, "refuted")), (text, text)),
        Note(text, text, "checked"),
        Code(f"def f(X):\n    '''{text}'''\n    return X"),
        Table(("method", "loss"), ((text, "1.5"), ("newton", "2"))),
        Curve(text, ((text, (3.0, 2.0, 1.0)), ("newton", (3.0, 0.001)))),
    )
    return Document(text, blocks, lang, legend_blocks(("proved", "checked", "undecided", "refuted"), lang))


def long_formulas() -> list[sd.Array]:
    """Formulas that no line holds."""
    big = np.sum(np.logaddexp(0, X @ w) - y * (X @ w)) / n
    residual = X @ w - y
    terms = [big, np.sum(residual**2) / (2 * n), lam * np.sum(np.abs(w)), u * step, np.sum(v * np.exp(residual))]
    total = terms[0]
    for term in terms * 2:
        total = total + term
    nested = X.T @ (expit(X @ w + v + y * v) - y * v * expit(v) + np.exp(X @ w + v) * v + expit(-(X @ w)) * v - v * y)
    deep = np.log(1 + np.log(1 + np.exp(np.sum(np.log(1 + np.exp(X @ w - y * v) + np.exp(v)) * y) + u) + step))
    fraction = total / (total + 1)
    names = sd.array("a_very_long_name_of_an_array_with_many_words", n)
    return [
        total,
        nested,
        deep + deep * u,
        fraction,
        np.sum(names * names * v) / np.sum(np.exp(names)) + np.prod(names) * names[0],
        np.sum(log_expit(names * v) + names * y),
        -(total * total * u) - nested @ w,
    ]
