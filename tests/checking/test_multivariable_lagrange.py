"""Lagrange multipliers: textbook problems, confirmed by walking on the constraint set in floating point."""

import numpy as np
import pytest
import scipy.optimize

import symderive as sd

MIN, MAX, SADDLE = "minimum", "maximum", "saddle"
GLOBAL = "global"
R2, R3, R5 = np.sqrt(2), np.sqrt(3), np.sqrt(5)


class Problem:
    """An objective, constraints that are 0, and the stationary points with class and scope."""

    def __init__(self, f, constraints, points, domains=None, families=0, singular=(), box=3.0, complete="proved"):
        self.f = f
        self.constraints = constraints
        self.points = points
        self.count = f.__code__.co_argcount
        self.arrays = [
            sd.array(n, domain=d) for n, d in zip("xyz", domains or (sd.real,) * self.count, strict=False)
        ][: self.count]
        self.positive = domains is not None
        self.families = families
        self.singular = singular
        self.box = box
        self.complete = complete

    def solve(self):
        held = [(g(*self.arrays), "==", 0) for g in self.constraints]
        return sd.lagrange(self.f(*self.arrays), held, self.arrays)


def signs(*places, kind, scope=GLOBAL):
    return dict.fromkeys(places, (kind, scope))


PROBLEMS = {
    "product under a sum": Problem(lambda x, y: x * y, [lambda x, y: x + y - 10], {(5, 5): (MAX, GLOBAL)}),
    "distance to a hyperbola": Problem(
        lambda x, y: x**2 + y**2, [lambda x, y: x * y - 1], signs((1, 1), (-1, -1), kind=MIN, scope="local")
    ),
    "line on a circle": Problem(
        lambda x, y: x + y,
        [lambda x, y: x**2 + y**2 - 1],
        {(R2 / 2, R2 / 2): (MAX, GLOBAL), (-R2 / 2, -R2 / 2): (MIN, GLOBAL)},
    ),
    "Stewart 14.8.2": Problem(
        lambda x, y: x**2 + 2 * y**2,
        [lambda x, y: x**2 + y**2 - 1],
        signs((0, 1), (0, -1), kind=MAX) | signs((1, 0), (-1, 0), kind=MIN),
    ),
    "distance to a sphere": Problem(
        lambda x, y, z: (x - 3) ** 2 + (y - 1) ** 2 + (z + 1) ** 2,
        [lambda x, y, z: x**2 + y**2 + z**2 - 4],
        {
            (6 / 11**0.5, 2 / 11**0.5, -2 / 11**0.5): (MIN, GLOBAL),
            (-6 / 11**0.5, -2 / 11**0.5, 2 / 11**0.5): (MAX, GLOBAL),
        },
    ),
    "two constraints": Problem(
        lambda x, y, z: x + 2 * y + 3 * z,
        [lambda x, y, z: x - y + z - 1, lambda x, y, z: x**2 + y**2 - 1],
        {
            (-2 / 29**0.5, 5 / 29**0.5, 1 + 7 / 29**0.5): (MAX, "local"),
            (2 / 29**0.5, -5 / 29**0.5, 1 - 7 / 29**0.5): (MIN, "local"),
        },
    ),
    "product on a sphere": Problem(
        lambda x, y, z: x * y * z,
        [lambda x, y, z: x**2 + y**2 + z**2 - 3],
        signs((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1), kind=MAX)
        | signs((-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1), kind=MIN)
        | signs((R3, 0, 0), (-R3, 0, 0), (0, R3, 0), (0, -R3, 0), (0, 0, R3), (0, 0, -R3), kind=SADDLE, scope="local"),
    ),
    "largest box": Problem(
        lambda x, y, z: x * y * z,
        [lambda x, y, z: 2 * x * y + 2 * y * z + 2 * z * x - 24],
        {(2, 2, 2): (MAX, "local")},
        domains=(sd.positive,) * 3,
    ),
    "arithmetic and geometric mean": Problem(
        lambda x, y, z: x * y * z,
        [lambda x, y, z: x + y + z - 3],
        {(1, 1, 1): (MAX, "local")},
        domains=(sd.positive,) * 3,
    ),
    "distance to a plane": Problem(
        lambda x, y, z: x**2 + y**2 + z**2, [lambda x, y, z: x + 2 * y + 2 * z - 9], {(1, 2, 2): (MIN, GLOBAL)}
    ),
    "exponential": Problem(
        lambda x, y: np.exp(x * y), [lambda x, y: x**3 + y**3 - 16], {(2, 2): (MAX, "local")}
    ),
    "fourth powers": Problem(
        lambda x, y: x**4 + y**4,
        [lambda x, y: x**2 + y**2 - 1],
        signs((1, 0), (-1, 0), (0, 1), (0, -1), kind=MAX)
        | signs((R2 / 2, R2 / 2), (R2 / 2, -R2 / 2), (-R2 / 2, R2 / 2), (-R2 / 2, -R2 / 2), kind=MIN),
    ),
    "indefinite on a circle": Problem(
        lambda x, y: x**2 - y**2,
        [lambda x, y: x**2 + y**2 - 1],
        signs((1, 0), (-1, 0), kind=MAX) | signs((0, 1), (0, -1), kind=MIN),
    ),
    "ellipse": Problem(
        lambda x, y: x * y,
        [lambda x, y: 4 * x**2 + y**2 - 8],
        signs((1, 2), (-1, -2), kind=MAX) | signs((1, -2), (-1, 2), kind=MIN),
    ),
    "x^2 y on a circle": Problem(
        lambda x, y: x**2 * y,
        [lambda x, y: x**2 + y**2 - 3],
        signs((R2, 1), (-R2, 1), kind=MAX)
        | signs((R2, -1), (-R2, -1), kind=MIN)
        | signs((0, R3), kind=MIN, scope="local")
        | signs((0, -R3), kind=MAX, scope="local"),
    ),
    "cubic along a line, degenerate": Problem(
        lambda x, y: x**3 + x * y, [lambda x, y: y], {(0, 0): (SADDLE, "local")}
    ),
    "quartic contact": Problem(lambda x, y: y, [lambda x, y: y - x**4], {(0, 0): (MIN, "local")}),
    "inflection contact": Problem(lambda x, y: y, [lambda x, y: y - x**3], {(0, 0): (SADDLE, "local")}),
    "squares on a sphere": Problem(
        lambda x, y, z: x**2 * y**2 * z**2,
        [lambda x, y, z: x**2 + y**2 + z**2 - 1],
        {
            (a / R3, b / R3, c / R3): (MAX, GLOBAL)
            for a in (1, -1)
            for b in (1, -1)
            for c in (1, -1)
        },
        families=3,
    ),
    "cusp": Problem(lambda x, y: x, [lambda x, y: y**2 - x**3], {}, singular=[(0, 0)]),
    "entropy of three": Problem(
        lambda x, y, z: -x * np.log(x) - y * np.log(y) - z * np.log(z),
        [lambda x, y, z: x + y + z - 1],
        {(1 / 3, 1 / 3, 1 / 3): (MAX, GLOBAL)},
        domains=(sd.positive,) * 3,
        complete="undecided",
    ),
    "intersection of a paraboloid and a plane": Problem(
        lambda x, y, z: x**2 + y**2 + z**2,
        [lambda x, y, z: x + y + 2 * z - 2, lambda x, y, z: x**2 + y**2 - z],
        {(1 / 2, 1 / 2, 1 / 2): (MIN, "local"), (-1, -1, 2): (MAX, "local")},
    ),
}

each = pytest.mark.parametrize("name", PROBLEMS)


@pytest.fixture(scope="module")
def solved():
    found = {}

    def solve(name):
        if name not in found:
            found[name] = PROBLEMS[name].solve()
        return found[name]

    return solve


@each
def test_the_textbook_answer(name, solved):
    problem, found = PROBLEMS[name], solved(name)
    assert found.complete.status == problem.complete, found.complete
    assert len(found) == len(problem.points), str(found)
    for place, (kind, scope) in problem.points.items():
        there = [p for p in found if np.allclose(p.floats, place, atol=1e-9)]
        assert len(there) == 1, f"{place} is missing: {found}"
        (point,) = there
        assert (point.classification, point.scope, point.verdict.status) == (kind, scope, "proved"), str(point)
        assert float(point.value) == pytest.approx(float(problem.f(*place)), abs=1e-9)
    assert len(found.families) == problem.families
    assert [tuple(float(v) for v in s.values()) for s in found.singular] == list(problem.singular)


def slope(f, x):
    eye = np.eye(len(x))
    return np.array([f(*(x + 1e-30j * e)).imag / 1e-30 for e in eye])


@each
def test_the_multipliers_solve_the_system(name, solved):
    problem, found = PROBLEMS[name], solved(name)
    for point in found:
        x = np.array(point.floats)
        normals = np.array([slope(g, x) for g in problem.constraints])
        multipliers = np.array([float(v) for v in point.multipliers.values()])
        assert slope(problem.f, x) == pytest.approx(multipliers @ normals, abs=1e-9)
        assert [g(*x) for g in problem.constraints] == pytest.approx([0] * len(problem.constraints), abs=1e-9)


def near(problem, place, radius, rng):
    """Points of the constraint set at about this distance: random steps, projected by Newton's method."""
    found = []
    for step in rng.normal(size=(400, problem.count)):
        x = np.array(place) + radius * step / np.linalg.norm(step)
        for _ in range(30):
            gap = np.array([g(*x) for g in problem.constraints])
            if np.abs(gap).max() < 1e-15:
                break
            normal = np.array([slope(g, x) for g in problem.constraints])
            x = x - np.linalg.lstsq(normal, gap, rcond=None)[0]
        if np.abs([g(*x) for g in problem.constraints]).max() < 1e-13 and np.linalg.norm(x - place) > radius / 10:
            found.append(x)
    return np.array(found)


@each
def test_it_looks_like_that_on_the_constraint_set(name):
    problem = PROBLEMS[name]
    for place, (kind, _) in problem.points.items():
        for radius in (0.05, 0.02):
            around = near(problem, place, radius, np.random.default_rng(3))
            assert len(around) > 20
            change = np.array([problem.f(*x) for x in around]) - problem.f(*place)
            noise = 1e-12 * max(1.0, abs(problem.f(*place)))
            up, down = (change > noise).any(), (change < -noise).any()
            assert (SADDLE if up and down else MIN if up else MAX) == kind, (place, radius)


@each
def test_nothing_is_beyond_what_is_called_global(name):
    problem = PROBLEMS[name]
    ends = {kind: float(problem.f(*place)) for place, (kind, scope) in problem.points.items() if scope == GLOBAL}
    low = 1e-6 if problem.positive else -problem.box
    held = [{"type": "eq", "fun": lambda x, g=g: g(*x)} for g in problem.constraints]
    for kind, value in ends.items():
        side = 1 if kind == MIN else -1
        for start in np.random.default_rng(5).uniform(max(low, -2), 2, (12, problem.count)):
            found = scipy.optimize.minimize(
                lambda x, side=side: side * problem.f(*x),
                start,
                constraints=held,
                bounds=[(low, problem.box)] * problem.count,
                method="SLSQP",
                options={"ftol": 1e-12, "maxiter": 300},
            )
            if found.success:
                assert found.fun >= side * value - 1e-6


# -- reports -------------------------------------------------------------------------------------------


def test_the_system_is_derived_and_printed():
    x, y = sd.array("x"), sd.array("y")
    found = sd.lagrange(x * y, (x + y, "==", 10), [x, y])
    assert [str(e) for e in found.equations] == ["y - lam == 0", "x - lam == 0", "x + y == 10"]
    assert found.derivation.verdict.status == "proved"
    assert "x = 5, y = 5 (lam = 5): global strict maximum, value 25 (proved)" in str(found)
    assert found.verdict.status == "proved"
    both = sd.lagrange(x + y, ["x**2 + y**2 == 2", (x - y, "==", 0)], [x, y])
    assert [m.name for m in both.multipliers] == ["lam_1", "lam_2"]
    assert {(p.floats, p.classification, p.scope) for p in both} == {
        ((-1.0, -1.0), MIN, GLOBAL),
        ((1.0, 1.0), MAX, GLOBAL),
    }
    alone = sd.lagrange(x + y, ["x - y**3 == 0", (x - y, "==", 0)], [x, y])
    assert {p.classification for p in alone} == {"isolated"}


def test_names_do_not_collide():
    x, lam = sd.array("x"), sd.array("lam")
    found = sd.lagrange(x**2 + lam**2, (x + lam, "==", 2), [x, lam])
    assert [p.floats for p in found] == [(1.0, 1.0)]
    assert found.multipliers[0].name not in ("x", "lam")


@pytest.mark.parametrize(
    ("constraints", "error", "match"),
    [
        ([], sd.UnsupportedError, "needs a constraint"),
        (["x + y <= 1"], sd.UnsupportedError, "one equality of scalars"),
    ],
)
def test_what_is_no_constraint_is_refused(constraints, error, match):
    x, y = sd.array("x"), sd.array("y")
    with pytest.raises(error, match=match):
        sd.lagrange(x * y, constraints, [x, y])


# -- arrays ---------------------------------------------------------------------------------------------

k, d = sd.dims("k d")
p, q = (sd.array(name, k, domain=sd.simplex & sd.positive) for name in "pq")
E, t = sd.array("E", k), sd.array("t")
w, a, u = sd.array("w", d), sd.array("a", d, domain=sd.nonzero), sd.array("u", d)
A = sd.array("A", d, d, domain=sd.spd)

ARRAYS = {
    "entropy": (sd.entropy(p), (np.sum(p), "==", 1), p, sd.ones(k) / k, MAX, np.log(k), "proved"),
    "divergence": (sd.kl(p, q), (np.sum(p), "==", 1), p, q, MIN, 0, "proved"),
    "likelihood": (np.sum(q * np.log(p)), (np.sum(p), "==", 1), p, q, MAX, -sd.entropy(q), "proved"),
    "Gibbs": (
        sd.entropy(p) - t * E @ p, (np.sum(p), "==", 1), p, sd.softmax(-t * E), MAX, sd.logsumexp(-t * E), "proved"
    ),
    "shortest vector": (w @ w, (a @ w, "==", 1), w, a / (a @ a), MIN, 1 / (a @ a), "proved"),
    "projection": (np.sum((w - u) ** 2), (np.sum(w), "==", 0), w, u - np.mean(u), MIN, np.sum(u) ** 2 / d, "proved"),
    "portfolio": (
        w @ A @ w / 2, (np.sum(w), "==", 1), w,
        np.linalg.inv(A) @ sd.ones(d) / (sd.ones(d) @ np.linalg.inv(A) @ sd.ones(d)), MIN,
        1 / (2 * (sd.ones(d) @ np.linalg.inv(A) @ sd.ones(d))), "checked",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name):
    f, constraint, variable, wanted, kind, value, status = ARRAYS[name]
    found = sd.lagrange(f, constraint, variable)
    (point,) = found
    assert (point.classification, point.scope, point.strict) == (kind, GLOBAL, True)
    assert point.verdict.status >= status, point.verdict
    assert sd.check(point.at[variable.name], "==", wanted).upheld
    assert sd.check(point.value, "==", value).upheld
    assert found.complete.status >= status


def test_what_has_no_closed_form_is_still_a_derived_system():
    found = sd.lagrange(w @ A @ w, (w @ w, "==", 1), w)
    assert len(found) == 0
    assert found.complete.status == "undecided"
    assert str(found.equations[0]) == "2 * (A @ w - lam * w) == 0"
    assert found.derivation.verdict.status == "proved"
