"""`claim`: each kind upheld where it is true, refuted or left open where it is not."""

import numpy as np
import pytest

import symderive as sd

n, d, k = sd.dims("n d k")
X, w, y, b = sd.array("X", n, d), sd.array("w", d), sd.array("y", n), sd.array("b")
lam, mu = sd.array("lam", domain=sd.positive), sd.array("mu")
P, Q = (sd.array(name, k, domain=sd.simplex & sd.positive) for name in "PQ")
R, S = (sd.array(name, k, domain=sd.simplex) for name in "RS")
z = X @ w
least_squares = np.sum((z - y) ** 2)

CONVEX = [
    (least_squares, w, "proved"),
    (np.sum((z + b - y) ** 2) / n, [w, b], "proved"),
    (np.sum(np.logaddexp(0, z) - y * z), w, "proved"),
    (np.sum(np.exp(z)), w, "proved"),
    (sd.logsumexp(z), w, "proved"),
    (lam * np.sum(w**2), w, "proved"),
    (np.sum(w**4), w, "proved"),
    (np.sum(np.abs(z - y)), w, "proved"),
    (np.sum(np.maximum(0, 1 - y * z)), w, "proved"),
    (-sd.entropy(P), P, "proved"),
    (-sd.entropy(R), R, "proved"),
    (sd.kl(P, Q), [P, Q], "proved"),
    (mu * np.sum(w**2), w, "refuted"),
    (-least_squares, w, "refuted"),
    (sd.entropy(P), P, "refuted"),
    (np.sum(w**3), w, "refuted"),
    (-np.sum(np.abs(w)), w, "refuted"),
    (-np.sum(np.sqrt(w**2)), w, "refuted"),
    (np.sum(np.sin(z)), w, "refuted"),
    (np.sum(1 / w), w, "refuted"),
    (np.sum(w**-2), w, "refuted"),
    (np.sum(np.log(w)), w, "refuted"),
    (np.sum(np.where(w > 0, w, 0)) - np.sum(np.abs(w)), w, "refuted"),
    (least_squares - 1e-12 * np.sum(w**2), w, "refuted"),
    (sd.kl(R, S), S, "refuted"),
]


@pytest.mark.parametrize(("loss", "wrt", "status"), CONVEX)
def test_convex(loss, wrt, status):
    verdict = sd.claim("convex", loss, wrt=wrt)
    assert verdict.status == status, verdict
    assert (verdict.counterexample is not None) == (status == "refuted")


def test_a_function_that_bends_only_at_a_kink_is_not_proved_convex():
    """Its second derivative is 0 wherever there is one."""
    x = sd.array("x")
    for loss in (-abs(x), np.minimum(x, 0), -((x**2) ** 0.5), np.where(x, 0, 1) * 1.0, np.heaviside(x, 0.5)):
        assert sd.claim("convex", loss, wrt=x).status != "proved", str(loss)


def test_convexity_needs_a_convex_domain_and_scalar():
    x = sd.array("x", domain=sd.labels(0, 1))
    with pytest.raises(sd.DomainError, match="labels"):
        sd.claim("convex", x**2, wrt=x)
    with pytest.raises(sd.ShapeError):
        sd.claim("convex", w, wrt=w)
    with pytest.raises(sd.UnsupportedError, match="restrict"):
        sd.claim("convex", np.sum(w**4), wrt=w, given=[(w, ">", 0)])
    assert sd.claim("convex", mu * np.sum(w**2), wrt=w, given=(mu, ">=", 0)).status == "proved"


@pytest.mark.parametrize(
    ("lhs", "rhs", "when", "status"),
    [
        (sd.kl(P, Q), 0, (P, "==", Q), "proved"),
        (sd.kl(R, Q), 0, (R, "==", Q), "proved"),
        (sd.entropy(P), np.log(k), (P, "==", 1 / k), "proved"),
        (2 * X.T @ (z - y), 0, (X.T @ X @ w, "==", X.T @ y), "proved"),
        (lam * w, 0, (w, "==", 0), "proved"),
        (sd.entropy(P), np.log(k), (P, "==", Q), "refuted"),
        (sd.kl(P, Q), 0, (P, "==", 1 / k), "refuted"),
        (mu * w, 0, (w, "==", 0), "refuted"),
        (X.T @ (z - y), 0, (X.T @ X @ w, "==", 2 * X.T @ y), "refuted"),
        (mu**2, 1, (mu, "==", 1), "refuted"),
    ],
)
def test_equality_case(lhs, rhs, when, status):
    verdict = sd.claim("equality_case", lhs, "==", rhs, when=when)
    assert verdict.status == status, verdict


def test_same_minimisers():
    assert sd.claim("same_minimisers", sd.cross_entropy(P, Q), sd.kl(P, Q), wrt=Q).status == "proved"
    assert sd.claim("same_minimisers", least_squares, least_squares / (2 * n), wrt=w).status == "proved"
    assert sd.claim("same_minimisers", least_squares / lam, least_squares, wrt=w).status == "proved"
    # Not by this argument; nothing is refuted, since minima are not looked at.
    assert sd.claim("same_minimisers", least_squares, -least_squares, wrt=w).status == "undecided"
    assert sd.claim("same_minimisers", mu * least_squares, least_squares, wrt=w).status == "undecided"
    assert sd.claim("same_minimisers", least_squares, least_squares + w @ w, wrt=w).status == "undecided"


def test_exists_gives_an_exact_witness():
    verdict = sd.claim("exists", sd.kl(P, Q), "!=", sd.kl(Q, P))
    assert verdict.status == "proved"
    assert verdict.trace[0].startswith("witness: k = 2")
    assert sd.claim("exists", "x**2 < 1", domains={"x": sd.real}).status == "proved"
    assert sd.claim("exists", "x**2", "<", 0).status == "refuted"
    assert sd.claim("exists", sd.kl(P, Q), "<", 0).status == "refuted"
    assert sd.claim("exists", "x + x", "!=", "2*x").status == "refuted"
    # One side that is not defined is no witness of a difference.
    assert sd.claim("exists", "x/x", "!=", 1).status != "proved"
    assert sd.claim("exists", sd.kl(R, S), "!=", sd.kl(S, R)).status == "proved"


def test_directions_are_no_arrays_of_the_claim():
    """What is given of an array holds for no direction, even where it is called as directions are."""
    a, b = (sd.array(name, d, domain=sd.positive) for name in "ab")
    given = [(sd.array(name, d), ">=", 0) for name in ("v", "u", "direction", "v_w", "other_w")]
    assert sd.claim("psd", np.outer(a, b) + np.outer(b, a), given=given).status == "refuted"
    assert sd.claim("convex", (a @ w) * (b @ w), wrt=w, given=given).status == "refuted"
    assert sd.claim("lipschitz", (a @ w) * (b @ w), wrt=w, modulus=a @ b, given=given).status == "refuted"


def test_psd():
    A = sd.array("A", n, n)
    K = sd.array("K", n, n, domain=sd.symmetric)
    assert sd.claim("psd", X.T @ X).status == "proved"
    assert sd.claim("psd", X.T @ X / n + lam * sd.eye(d)).status == "proved"
    assert sd.claim("psd", A @ A.T).status == "proved"
    assert sd.claim("psd", sd.hessian(least_squares, w)).status == "proved"
    assert sd.claim("psd", K).status == "refuted"
    assert sd.claim("psd", A).status == "refuted"
    assert sd.claim("psd", X.T @ X - 1e-12 * sd.eye(d)).status == "refuted"
    with pytest.raises(sd.ShapeError):
        sd.claim("psd", X)


def test_stationary():
    simplex = [(np.sum(P), "==", 1)]
    uniform = sd.ones(k) / k
    verdict = sd.claim("stationary", sd.entropy(P), wrt=P, at=uniform, subject_to=simplex)
    assert verdict.status == "proved"
    assert "np.log(k) - 1" in verdict.reason
    assert sd.claim("stationary", sd.kl(P, Q), wrt=P, at=Q, subject_to=simplex).status == "proved"
    assert sd.claim("stationary", sd.cross_entropy(P, Q), wrt=P, at=uniform, subject_to=simplex).status == "refuted"
    assert sd.claim("stationary", sd.entropy(P), wrt=P, at=2 * uniform, subject_to=simplex).status == "refuted"
    assert sd.claim("stationary", sd.entropy(P), wrt=P, at=Q, subject_to=simplex).status == "refuted"
    assert sd.claim("stationary", np.sum(w**2), wrt=w, at=0).status == "proved"
    assert sd.claim("stationary", np.sum(w**2), wrt=w, at=1e-12).status == "refuted"
    assert sd.claim("stationary", np.sum(w**2), wrt="w", at=0, subject_to=(np.sum(w**2), "==", 0)).upheld
    with pytest.raises(sd.UnsupportedError, match="at most one constraint"):
        sd.claim("stationary", np.sum(w**2), wrt=w, at=0, subject_to=[(np.sum(w), "==", 0), (w @ w, "==", 0)])


def test_at_a_kink_there_is_no_gradient():
    x = sd.array("x")
    assert sd.claim("stationary", abs(x), wrt=x, at=0).status == "undecided"
    assert sd.claim("stationary", np.maximum(x, 0) - x / 2, wrt=x, at=0).status == "undecided"
    assert sd.claim("stationary", np.where(x > 0, x, -x), wrt=x, at=0).status != "proved"
    assert sd.claim("stationary", np.sum(np.abs(w)), wrt=w, at=0).status == "undecided"
    g = sd.gradient(abs(x), x)
    assert sd.claim("equality_case", g, "==", 0, when=(x, "==", 0)).status != "proved"


def test_relation_is_check():
    assert sd.claim("relation", sd.entropy(P), "<=", np.log(k)).status == "proved"
    assert sd.claim("relation", "x + x == 2*x").status == "proved"


def test_what_is_no_claim():
    with pytest.raises(sd.UnknownNameError, match="kinds are relation"):
        sd.claim("beautiful", least_squares)
    with pytest.raises(sd.UnknownNameError, match="did you mean convex"):
        sd.claim("convx", least_squares, wrt=w)
    with pytest.raises(sd.UnknownNameError):
        sd.claim(3)
    with pytest.raises(sd.UnsupportedError, match="needs wrt"):
        sd.claim("convex", least_squares)
    with pytest.raises(sd.UnsupportedError, match="takes no at"):
        sd.claim("convex", least_squares, wrt=w, at=0)
    with pytest.raises(sd.ReadError, match="is written"):
        sd.claim("convex", wrt=w)
    with pytest.raises(sd.UnknownNameError):
        sd.claim("convex", least_squares, wrt="nothing")
    with pytest.raises(sd.ReadError):
        sd.claim("equality_case", sd.kl(P, Q), "<", 0, when=(P, "==", Q))
    with pytest.raises(sd.ReadError):
        sd.claim("equality_case", sd.kl(P, Q), "==", 0, when=(P, "<", Q))


def test_timeout():
    assert sd.claim("convex", least_squares, wrt=w, timeout=60).status == "proved"
    late = sd.claim("convex", sd.logsumexp(X @ X.T @ y) + np.sum(np.tanh(z) ** 8), wrt=w, timeout=0.001)
    assert late.status == "undecided"


@pytest.mark.parametrize("given", [[(mu, ">", 0), (mu, "<", 0)], [(mu, ">", 0), (mu**2, "<", -1)]])
def test_where_nothing_can_be_nothing_is_proved(given):
    x = sd.array("x")
    bowl, modulus = x**2 * mu, sd.array("m", domain=sd.positive)
    for kind, options in (
        ("convex", {}), ("strictly_convex", {}), ("strongly_convex", {}), ("strongly_convex", {"modulus": modulus}),
        ("lipschitz", {"modulus": modulus}),
    ):  # fmt: skip
        assert sd.claim(kind, bowl, wrt=x, given=given, **options).status == "undecided", kind
    assert sd.claim("concave", -bowl, wrt=x, given=given).status == "undecided"
    assert sd.claim("convex", x**2, wrt=x, given=given).status == "undecided"


def test_what_is_given_leaves_claims_of_curvature_standing():
    x, c = sd.array("x"), sd.array("c")
    for kind in ("convex", "strictly_convex", "strongly_convex"):
        assert sd.claim(kind, x**2 * mu, wrt=x, given=[(mu, ">", 1)]).status == "proved", kind
    assert sd.claim("convex", x**2 * mu, wrt=x, given=[(mu, "==", c**2)]).upheld
    assert sd.claim("convex", x**2 * mu, wrt=x, given=[(mu, "<=", 1)]).status == "refuted"


@pytest.mark.parametrize(("kind", "sign"), [("minimum", 1), ("maximum", -1), ("saddle", 1)])
def test_extrema_are_not_restricted_by_what_is_given(kind, sign):
    x = sd.array("x")
    with pytest.raises(sd.UnsupportedError, match="may not restrict x"):
        sd.claim(kind, sign * x**2, wrt=x, at=0, given=["x >= 1"])
