"""JSON: what is read is what was written, the very same nodes; damage is said with its place."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from support.array_programs import declared, programs
from sympy import Integer, Rational, Symbol, log, pi, sqrt

import symderive as sd
from symderive.errors import ReadError
from symderive.judgement.verdicts import Counterexample, Evidence, Verdict
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.nodes import (
    ON_MATRICES,
    ON_VECTORS,
    Basis,
    Contraction,
    Delta,
    Differential,
    Leaf,
    Map,
    Merge,
    Named,
    Number,
    Opaque,
    Range,
    Slice,
    Sum,
)
from symderive.rendering.json import VERSION, from_json, to_json

N = Symbol("n", integer=True, positive=True)
K = Symbol("k", integer=True, positive=True)
DIMS = st.sampled_from([N, K, N + K, N * K, 2 * N, Rational(3), Rational(1)])
NUMBERS = st.sampled_from(
    [Rational(1), Rational(-3, 7), N, 1 / N, N * K - 2, sqrt(N), pi, log(N) / 2, N**K, Rational(10**30)]
)
DOMAINS = st.sampled_from(
    [
        sd.real,
        sd.positive,
        sd.unit_interval,
        sd.labels(-1, 1),
        sd.interval(-2, 5, closed="left"),
        sd.integers(0, float("inf")),
        sd.nonzero & sd.interval(-1, 1),
        sd.integers(0, N - 1),
        sd.spd,
        sd.simplex(axis=0),
    ]
)
NAMES = st.sampled_from(["x", "W1", "beta", "y_hat", "σ", "lambda_"])


def gives(name, argument, shape):
    """Whether a function of arrays makes an array of a shape of one of another."""
    if name in ON_VECTORS:
        return len(argument) > 0 and ON_VECTORS[name](argument) == shape
    return len(argument) > 1 and argument[-1] == argument[-2] and ON_MATRICES[name](argument) == shape


@st.composite
def nodes(draw, shape=None, depth=3):
    if shape is None:
        merged = (N * K, N, K)
        shape = draw(st.one_of(st.lists(DIMS, max_size=3).map(tuple), st.just(merged), st.just((N + K, N))))
    if depth == 0:
        return Leaf(draw(NAMES), shape, draw(DOMAINS))
    kind = draw(st.sampled_from(["leaf", "special", "contraction", "sum", "map", "opaque", "named", "differential"]))
    below = lambda s: nodes(s, depth - 1)  # noqa: E731
    match kind:
        case "special" if len(shape) == 0:
            return Number(draw(NUMBERS))
        case "special" if len(shape) == 1:
            return draw(st.sampled_from([Basis(shape[0], Rational(0)), Range(shape[0])]))
        case "special" if len(shape) == 2 and shape[0] == shape[1]:
            return draw(st.sampled_from([Delta(shape[0]), Slice(shape[0], shape[0], shape[0] - 1, Integer(-1))]))
        case "special" if len(shape) == 2 and (shape[0] - shape[1]).is_nonnegative:
            return Slice(*shape, draw(st.sampled_from([Integer(0), shape[0] - shape[1]])), Integer(1))
        case "special" if len(shape) == 3 and shape[0] == shape[1] * shape[2]:
            return Merge(*shape[1:])
        case "contraction":
            bound = tuple(draw(st.lists(DIMS, max_size=2)))
            dims = shape + bound
            factors = []
            for _ in range(draw(st.integers(0, 2))):
                labels = tuple(draw(st.lists(st.integers(0, len(dims) - 1), max_size=3))) if dims else ()
                factors.append((draw(below(tuple(dims[k] for k in labels))), labels))
            return Contraction(draw(NUMBERS), tuple(factors), len(shape), dims)
        case "sum":
            terms = draw(st.lists(st.tuples(NUMBERS, below(shape)), min_size=1, max_size=3))
            return Sum(tuple(terms))
        case "map":
            name, count = draw(st.sampled_from([("exp", 1), ("expit", 1), ("maximum", 2), ("where", 3), ("power", 2)]))
            return Map(
                name, tuple(draw(below(draw(st.sampled_from([shape, ()])) if k else shape)) for k in range(count))
            )
        case "opaque":
            arguments = [shape, (*shape, *shape[-1:]), (*shape, N), (*shape, N, N)]
            made = [(name, a) for name in (*ON_VECTORS, *ON_MATRICES) for a in arguments if gives(name, a, shape)]
            name, argument = draw(st.sampled_from(made))
            return Opaque(name, (draw(below(argument)),))
        case "named":
            return Named(draw(NAMES), draw(below(shape)))
        case "differential":
            return Differential(draw(below(shape)))
    return Leaf(draw(NAMES), shape, draw(DOMAINS))


@given(nodes())
@settings(max_examples=150, deadline=None)
def test_every_node_comes_back_as_itself(node):
    assert from_json(to_json(Array(node))).node is node


@given(st.sampled_from(["s", "n", "m", "nd", "nn", "p"]).flatmap(lambda kind: programs(kind, 2)))
@settings(max_examples=60, deadline=None)
def test_programs_over_slices_blocks_and_matrices_come_back(text):
    made = sd.read(text, **declared())
    assert from_json(to_json(made)).same_form(made)


def test_documents_of_the_first_version_are_read():
    document = written() | {"symderive": 1}
    assert from_json(json.dumps(document)).same_form(from_json(json.dumps(written())))


def test_views_come_back():
    n, d = sd.dims("n d")
    X, w = sd.array("X", n, d), sd.array("w", d, domain=sd.simplex)
    for array in (X.T, w[None, :], X @ w[:, None], sd.let("z", X @ w) + 1):
        assert from_json(to_json(array)).same_form(array)


def test_shared_parts_are_written_once():
    x = sd.array("x", sd.dims("n"))
    for _ in range(40):
        x = np.exp(x) + expit(x)
    text = to_json(x)
    assert len(text) < 30_000
    assert from_json(text).same_form(x)


def test_verdicts_come_back():
    verdict = Verdict(
        "refuted",
        "a == b",
        "they differ",
        counterexample=Counterexample({"n": 2}, {"x": (1, 2)}, "1", "2", 1.0, 2.0),
        evidence=Evidence("balls", ({"n": 2},), 4, 100),
    )
    assert from_json(to_json(verdict)) == verdict


def test_derivations_come_back():
    n, d = sd.dims("n d")
    X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    derivation = sd.gradient(np.sum((X @ w - y) ** 2), w)
    back = from_json(derivation.to_json())
    assert back.kind == "gradient"
    assert back.result.same_form(derivation.result)
    assert [s.rule for s in back.steps] == [s.rule for s in derivation.steps]
    assert all(a.before.same_form(b.before) for a, b in zip(back.steps, derivation.steps, strict=True))
    assert back.to_json() == derivation.to_json()


def test_chains_come_back():
    u = sd.array("u")
    chain = sd.chain(sd.D(np.log1p(np.exp(u)), u)).to(np.exp(u) / (1 + np.exp(u)), by="chain rule")
    chain = chain.to(expit(u), by=("sigmoid", "algebra"))
    back = from_json(to_json(chain))
    assert to_json(back) == to_json(chain)
    assert [link.by for link in back.links] == [("chain rule",), ("sigmoid", "algebra")]


def written():
    n = sd.dims("n")
    x = sd.array("x", n)
    return json.loads(to_json(np.sum(np.exp(x)) / n + sd.logsumexp(x)))


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        (lambda t: t.update(symderive=99), r"\$\.symderive: this is version 99"),
        (lambda t: t.pop("nodes"), r"\$: has no 'nodes'"),
        (lambda t: t.update(kind="program"), r"\$\.kind"),
        (lambda t: t["array"].update(node=99), r"\$\.array\.node: refers to node 99"),
        (lambda t: t["array"].update(axes=[0]), r"\$\.array\.axes"),
        (lambda t: t["nodes"][0].update(leaf="</script>"), r"\$\.nodes\[0\]: UnknownNameError"),
        (lambda t: t["nodes"][0].update(shape=[["eval", "x"]]), r"\$\.nodes\[0\]\.shape\[0\]: 'eval' is no number"),
        (lambda t: t["nodes"][0].update(shape=[0]), r"\$\.nodes\[0\]\.shape\[0\]: a dimension must be"),
        (lambda t: t["nodes"][0].update(shape=[["^", 9, ["^", 9, 99999]]]), r"a power is too large"),
        (lambda t: t["nodes"][0].update(shape=[["factorial", 10**9]]), r"a value of factorial is too large"),
        (lambda t: t["nodes"][1].update(map="system"), r"\$\.nodes\[1\]\.map: no function"),
        (lambda t: t["nodes"][1].update(arguments=[]), r"\$\.nodes\[1\]: exp takes 1"),
        (lambda t: t["nodes"][1].update(arguments=[1]), r"\$\.nodes\[1\]\.arguments\[0\]: refers to node 1"),
        (lambda t: t["nodes"].__setitem__(0, {}), r"\$\.nodes\[0\]: is no node"),
        (lambda t: t["nodes"].__setitem__(0, 7), r"\$\.nodes\[0\]: must be an object"),
    ],
)
def test_damage_is_said_with_its_place(damage, place):
    tree = written()
    damage(tree)
    with pytest.raises(ReadError, match=place):
        from_json(json.dumps(tree))


def sliced():
    n, d = sd.dims("n d")
    A, x = sd.array("A", n, n, domain=sd.spd), sd.array("x", n)
    return json.loads(to_json(np.linalg.inv(A)[1:] @ x + np.sum(np.kron(x, sd.array("w", d))[:-1])))


def at(document, kind):
    """The first node of a kind."""
    return next(node for node in document["nodes"] if kind in node)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (
            lambda t: at(t, "slice").update(step=0),
            r"\.step: the step of a slice must be .* other than 0, got 0",
        ),
        (lambda t: at(t, "slice").update(step="n"), r"\.step: the step of a slice must be an integer"),
        (lambda t: at(t, "slice").update(start=-1), r"the slice from -1 to .* does not lie in an axis of size n"),
        (
            lambda t: at(t, "slice").update(count="n", start=1),
            r"the slice from 1 to n does not lie in an axis",
        ),
        (lambda t: at(t, "slice").update(count=0), r"\.count: a dimension must be an integer >= 1, got 0"),
        (lambda t: at(t, "slice").update(start=["/", 1, 2]), r"\.start: a slice must start at an integer, got 1/2"),
        (lambda t: at(t, "slice").pop("count"), r"has no 'count'"),
        (lambda t: at(t, "merge").update(merge=["n"]), r"\.merge: must have 2 entries, has 1"),
        (lambda t: at(t, "merge").update(merge=["n", 0]), r"\.merge\[1\]: a dimension must be"),
        (lambda t: at(t, "opaque").update(opaque="pinv"), r"\.opaque: no function of arrays is named 'pinv'"),
        (lambda t: at(t, "opaque").update(arguments=[]), r"inv takes 1 argument, not 0"),
        (lambda t: at(t, "opaque").update(arguments=[0, 0]), r"inv takes 1 argument, not 2"),
        (lambda t: at(t, "leaf").update(shape=["n", "d"]), r"inv takes a square matrix, not one of n by d"),
        (lambda t: at(t, "leaf").update(shape=["n"]), r"inv takes a matrix, not an array of rank 1"),
        (lambda t: at(t, "leaf")["domain"].update(structures=[["nice", -1]]), r"no structure is named 'nice'"),
    ],
)
def test_damaged_slices_and_matrix_functions_are_refused(damage, problem):
    tree = sliced()
    from_json(json.dumps(tree))
    damage(tree)
    with pytest.raises(ReadError, match=problem):
        from_json(json.dumps(tree))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", '"x"', "[" * 100_000, '{"symderive": 1}', "{}"])
def test_what_is_no_document_is_refused(text):
    with pytest.raises(ReadError):
        from_json(text)


def test_the_version_is_in_the_document():
    assert written()["symderive"] == VERSION


def test_only_known_things_are_written():
    with pytest.raises(ReadError, match="int"):
        to_json(7)
    assert build.number(1) is from_json(to_json(Array(build.number(1)))).node


# -- what is read off derivations ----------------------------------------------------------------


def read_off():
    x, y = sd.array("x"), sd.array("y", domain=sd.positive)
    n = sd.dims("n")
    w, v = sd.array("w", n), sd.array("v", n)
    f = x**2 * np.log(y) + x * y
    return {
        "direction": sd.directional_derivative(np.sum(np.exp(w)), w, v),
        "directions": sd.directional_derivative(f, [x, y], {"x": 1, "y": 2}),
        "plane": sd.tangent_plane(f, [x, y], at={"x": 1, "y": 1}),
        "first order": sd.taylor(f, [x, y], at={"x": 1, "y": 1}, order=1),
        "second order": sd.taylor(f, [x, y], at={"x": 1, "y": 1}, order=2),
    }


@pytest.mark.parametrize("name", read_off())
def test_what_is_read_off_a_derivation_comes_back(name):
    value = read_off()[name]
    text = to_json(value)
    back = from_json(text)
    assert type(back) is type(value)
    assert back.result.same_form(value.result)
    assert back.lhs_text == value.lhs_text
    assert back.conditions == value.conditions
    assert back.verdict == value.verdict
    assert to_json(back) == text
    assert value.to_json() == text


@pytest.mark.parametrize(
    ("key", "wrong"), [("kind", "tangent"), ("at", [1]), ("value", {"node": 10**6, "axes": []}), ("gradient", 3)]
)
def test_damage_to_what_is_read_off_is_said(key, wrong):
    data = json.loads(to_json(read_off()["plane"]))
    data["read_off"][key] = wrong
    with pytest.raises(ReadError, match=rf"\$\.read_off(\.{key})?"):
        from_json(json.dumps(data))
