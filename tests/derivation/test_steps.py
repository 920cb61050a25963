"""The recorded lines: numerically equal from one to the next, contiguous, named, ending in the result."""

import numpy as np
import pytest
from derivation.corpus import ROWS
from derivation.families import FAMILIES
from derivation.oracle import declared, numeric_differentials, run_text, sample

import symderive as sd
from symderive.errors import ShapeError, SymderiveError, UnknownNameError, UnsupportedError

LOSSES = [(row.name, row.loss, row.shapes, tuple(row.gradients), row.domains) for row in ROWS[::3]]
LOSSES += [(f.name, f.spellings[-1], f.shapes, tuple(f.gradients), f.domains) for f in FAMILIES]
SIZES = {"n": 4, "d": 3, "k": 2, "h": 2, "m": 5}


@pytest.mark.parametrize(
    ("name", "loss", "shapes", "wrt", "domains"), LOSSES, ids=[x[0].replace(" ", "_") for x in LOSSES]
)
def test_each_line_has_the_value_of_the_line_before(name, loss, shapes, wrt, domains):
    derivation = sd.gradient(sd.read(loss, **declared(shapes, domains)), list(wrt))
    values = sample(shapes, domains, SIZES, seed=5)
    if name == "barrier":
        values["b"] = np.abs(values["A"] @ values["x"]) + 1 + np.abs(values["b"])
    rng = np.random.default_rng(11)
    changes = {v: rng.normal(size=np.shape(values[v])) for v in wrt}
    for step in derivation.steps:
        assert step.rule
        if step.relation == ":=":
            continue
        before = numeric_differentials(str(step.before), set(wrt), values, changes)
        if step.relation == "=>":
            (leaf,) = step.changing
            others = {v: np.zeros_like(c) for v, c in changes.items() if v != leaf.name}
            before = numeric_differentials(str(step.before), set(wrt), values, changes | others)
            after = np.sum(run_text(str(step.after), values) * changes[leaf.name])
        else:
            after = numeric_differentials(str(step.after), set(wrt), values, changes)
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-7, err_msg=f"{step.before}\n{step.after}")


@pytest.mark.parametrize(
    ("name", "loss", "shapes", "wrt", "domains"), LOSSES, ids=[x[0].replace(" ", "_") for x in LOSSES]
)
def test_each_line_starts_where_the_one_before_ended(name, loss, shapes, wrt, domains):
    derivation = sd.gradient(sd.read(loss, **declared(shapes, domains)), list(wrt))
    ends: dict[str, sd.Array] = {}
    for step in derivation.steps:
        if step.lhs in ends and step.relation != "=>":
            assert str(ends[step.lhs]) == str(step.before)
        ends[step.lhs] = step.after
    for result in derivation.results.values():
        assert any(str(result) == str(end) for end in ends.values())


def arrays():
    n, d = sd.dims("n d")
    return sd.array("X", n, d), sd.array("w", d), sd.array("y", n), n, d


def test_the_variable_may_be_an_array_a_name_a_list_or_a_definition():
    X, w, y, _n, _d = arrays()
    z = sd.let("z", X @ w)
    loss = np.sum((z - y) ** 2)
    book = "2 * X.T @ (z - y), where z = X @ w"
    for wrt in (w, "w"):
        assert sd.check(sd.gradient(loss, wrt), "==", book).upheld
    several = sd.gradient(loss, [w, "y"])
    assert list(several.result) == ["w", "y"]
    assert sd.check(several.result["y"], "==", "-2 * (X @ w - y)").upheld
    by_z = sd.gradient(loss, z)
    assert by_z.result.dims == z.dims
    assert by_z.verdict.status == "proved"
    assert str(by_z.result) == "2 * (z - y)"
    assert str(sd.gradient(loss, "z").result) == "2 * (z - y)"


def test_a_variable_that_does_not_occur_gives_zeros_and_that_is_proved():
    X, w, _y, n, d = arrays()
    other, scalar = sd.array("B", d, n), sd.array("t")
    for variable, zeros in ((other, "sd.zeros((d, n))"), (scalar, "0")):
        gradient = sd.gradient(np.sum((X @ w) ** 2), variable)
        assert str(gradient.result) == zeros
        assert gradient.verdict.status == "proved"
        assert sd.hessian(np.sum((X @ w) ** 2), variable).verdict.status == "proved"


def test_what_cannot_be_derived_says_so():
    X, w, y, _n, _d = arrays()
    loss = np.sum((X @ w - y) ** 2)
    with pytest.raises(ShapeError, match=r"scalar.*\(n,\)"):
        sd.gradient(X @ w, w)
    with pytest.raises(ShapeError):
        sd.hessian(X @ w, w)
    with pytest.raises(UnknownNameError, match="w, y"):
        sd.gradient(loss, "v")
    with pytest.raises(UnknownNameError, match="twice"):
        sd.gradient(loss, [w, "w"])
    with pytest.raises(UnknownNameError, match="empty"):
        sd.gradient(loss, [])
    for wrong in (X @ w, 3, None, X.T):
        with pytest.raises(SymderiveError):
            sd.gradient(loss, wrong)
    with pytest.raises(UnsupportedError, match="convention"):
        sd.gradient(loss, w, convention="whatever")
    with pytest.raises(SymderiveError):
        sd.gradient("np.sum(x**2)", "x")


def test_conventions_for_symmetric_matrices():
    d = sd.dims("d")
    S, x = sd.array("S", d, d, domain=sd.symmetric), sd.array("x", d)
    B = sd.array("B", d, d)
    rng = np.random.default_rng(0)
    for loss in (x @ S @ x, np.trace(B @ S), np.sum((S @ x) ** 2), np.sum(B * S**2)):
        plain = sd.gradient(loss, S)
        for m in (1, 3):
            point = {"d": m, "x": rng.normal(size=m), "B": rng.normal(size=(m, m))}
            s = rng.normal(size=(m, m))
            point["S"] = s + s.T
            free = run_text(str(plain.result), point)
            both = run_text(str(sd.gradient(loss, S, convention="symmetric").result), point)
            half = run_text(str(sd.gradient(loss, S, convention="projected").result), point)
            np.testing.assert_allclose(both, free + free.T - np.diag(np.diag(free)), atol=1e-12)
            np.testing.assert_allclose(half, (free + free.T) / 2, atol=1e-12)
            for i in range(m):
                for j in range(i + 1):

                    def at(h, i=i, j=j, point=point, loss=loss):
                        moved = point["S"].copy()
                        moved[i, j] += h
                        if i != j:
                            moved[j, i] += h
                        return run_text(str(loss), {**point, "S": moved})

                    np.testing.assert_allclose(both[i, j], (at(1e-5) - at(-1e-5)) / 2e-5, rtol=1e-6, atol=1e-7)


RENAMED = {"X": "Q", "w": "beta", "y": "t", "b": "intercept", "c": "weight", "lam": "alpha"}
CONFLUENT = [
    ("np.sum((X @ w - y)**2)", {"X": "n d", "w": "d", "y": "n"}, {}),
    ("np.mean(np.logaddexp(0, X @ w + b) - y * (X @ w + b)) + lam / 2 * np.sum(w**2)",
     {"X": "n d", "w": "d", "y": "n", "b": "", "lam": ""}, {"y": sd.labels(0, 1)}),
    ("-np.mean(c * log_expit(y * (X @ w)))", {"X": "n d", "w": "d", "y": "n", "c": "n"}, {"y": sd.labels(-1, 1)}),
    ("np.sum(np.maximum(0, 1 - y * (X @ w))**2)", {"X": "n d", "w": "d", "y": "n"}, {"y": sd.labels(-1, 1)}),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "shapes", "domains"), CONFLUENT)
def test_renaming_arrays_and_dimensions_renames_the_result_and_nothing_else(loss, shapes, domains):
    import re

    def renamed(text: str) -> str:
        return re.sub(r"\b(" + "|".join(RENAMED) + r")\b", lambda m: RENAMED[m[0]], text)

    first = sd.gradient(sd.read(loss, **declared(shapes, domains)), "w").result
    other_shapes = {RENAMED[k]: v.replace("n", "rows").replace("d", "cols") for k, v in shapes.items()}
    other_domains = {RENAMED[k]: v for k, v in domains.items()}
    second = sd.gradient(sd.read(renamed(loss), **declared(other_shapes, other_domains)), "beta").result
    expected = re.sub(r"\bn\b", "rows", re.sub(r"\bd\b", "cols", renamed(str(first))))
    assert str(second) == expected


def test_the_differential_reads_as_one_line():
    X, w, y, _n, _d = arrays()
    made = sd.differential(np.sum((X @ w - y) ** 2), w)
    assert str(made.result) == "2 * (X @ w - y) @ X @ dw"
    assert made.verdict.status == "proved"
    several = sd.differential(np.sum((X @ w - y) ** 2), [w, y])
    assert "dw" in str(several.result)
    assert "dy" in str(several.result)
    assert several.verdict.status == "proved"
