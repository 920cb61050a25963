"""Critical points of textbook surfaces: where they are, what they are, and that there are no others.

The expected answers are the textbooks' (and hand calculation); a second test confirms each of them
in floating point, by looking at the function on small spheres and by Newton's method from a grid.
"""

import numpy as np
import pytest
import scipy.optimize
import sympy

import symderive as sd
from symderive.checking.exact_reals import rationals
from symderive.checking.germs import Jet, shape

MIN, MAX, SADDLE = "minimum", "maximum", "saddle"
NAMES = "xyz"
R2, R3 = np.sqrt(2), np.sqrt(3)
PI = np.pi


class Surface:
    """A function, its critical points, and points of its families with what they are."""

    def __init__(self, f, points, families=(), domains=(), periodic=False, box=3.0, complete="proved"):
        self.f = f
        self.points = points
        self.families = families
        self.count = f.__code__.co_argcount
        self.domains = domains or (sd.real,) * self.count
        self.periodic = periodic
        self.box = box
        self.complete = complete
        self.arrays = [sd.array(n, domain=d) for n, d in zip(NAMES, self.domains, strict=False)]

    def critical(self):
        return sd.critical_points(self.f(*self.arrays), self.arrays)


SURFACES = {
    # definite and indefinite quadratics
    "bowl": Surface(lambda x, y: x**2 + y**2, {(0, 0): MIN}),
    "dome": Surface(lambda x, y: 5 - x**2 - 2 * y**2, {(0, 0): MAX}),
    "saddle": Surface(lambda x, y: x**2 - y**2, {(0, 0): SADDLE}),
    "tilted bowl": Surface(lambda x, y: x**2 + x * y + y**2 - 3 * x, {(2, -1): MIN}),
    "tilted saddle": Surface(lambda x, y: x**2 + 4 * x * y + y**2, {(0, 0): SADDLE}),
    "trough": Surface(lambda x, y: x**2 + 2 * x * y + y**2, {}, [((1, -1), MIN), ((0, 0), MIN)]),
    # cubics and quartics
    "folium": Surface(lambda x, y: x**3 + y**3 - 3 * x * y, {(0, 0): SADDLE, (1, 1): MIN}),
    "two cubics": Surface(
        lambda x, y: x**3 + y**3 - 3 * x - 12 * y + 20,
        {(1, 2): MIN, (-1, -2): MAX, (1, -2): SADDLE, (-1, 2): SADDLE},
    ),
    "Thomas": Surface(
        lambda x, y: x**3 + 3 * x * y**2 - 15 * x - 12 * y,
        {(2, 1): MIN, (-2, -1): MAX, (1, 2): SADDLE, (-1, -2): SADDLE},
    ),
    "monkey saddle": Surface(lambda x, y: x**3 - 3 * x * y**2, {(0, 0): SADDLE}),
    "x^4 + y^4": Surface(lambda x, y: x**4 + y**4, {(0, 0): MIN}),
    "-x^4 - y^4": Surface(lambda x, y: -(x**4) - y**4, {(0, 0): MAX}),
    "x^4 - y^4": Surface(lambda x, y: x**4 - y**4, {(0, 0): SADDLE}),
    "x^2 + y^4": Surface(lambda x, y: x**2 + y**4, {(0, 0): MIN}),
    "x^2 - y^4": Surface(lambda x, y: x**2 - y**4, {(0, 0): SADDLE}),
    "x^2 + y^3": Surface(lambda x, y: x**2 + y**3, {(0, 0): SADDLE}),
    "x^2 y^2": Surface(lambda x, y: x**2 * y**2, {}, [((0, 2), MIN), ((-1, 0), MIN), ((0, 0), MIN)]),
    "x^2 y": Surface(lambda x, y: x**2 * y, {(0, 0): SADDLE}, [((0, 1), MIN), ((0, -2), MAX)]),
    "xy(1-x-y)": Surface(
        lambda x, y: x * y * (1 - x - y), {(0, 0): SADDLE, (1, 0): SADDLE, (0, 1): SADDLE, (1 / 3, 1 / 3): MAX}
    ),
    "Stewart": Surface(lambda x, y: x**4 + y**4 - 4 * x * y + 1, {(0, 0): SADDLE, (1, 1): MIN, (-1, -1): MIN}),
    "quartic with a singular Hessian": Surface(
        lambda x, y: x**4 + y**4 - 2 * x**2 + 4 * x * y - 2 * y**2, {(0, 0): SADDLE, (R2, -R2): MIN, (-R2, R2): MIN}
    ),
    "another one": Surface(
        lambda x, y: x**4 + y**4 - x**2 - 2 * x * y - y**2, {(0, 0): SADDLE, (1, 1): MIN, (-1, -1): MIN}
    ),
    "Rosenbrock": Surface(lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2, {(1, 1): MIN}),
    "Himmelblau": Surface(
        lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
        {
            (3, 2): MIN,
            (-2.805118, 3.131313): MIN,
            (-3.779310, -3.283186): MIN,
            (3.584428, -1.848127): MIN,
            (-0.270845, -0.923039): MAX,
            (-3.073026, -0.081353): SADDLE,
            (-0.127961, -1.953715): SADDLE,
            (0.086678, 2.884255): SADDLE,
            (3.385154, 0.073852): SADDLE,
        },
        box=5.0,
    ),
    "Peano": Surface(lambda x, y: (y - x**2) * (y - 3 * x**2), {(0, 0): SADDLE}),
    "Peano again": Surface(lambda x, y: 2 * x**4 - 3 * x**2 * y + y**2, {(0, 0): SADDLE}),
    "valley": Surface(lambda x, y: (y - x**2) ** 2, {}, [((1, 1), MIN), ((0, 0), MIN), ((-2, 4), MIN)]),
    "hat": Surface(lambda x, y: (x**2 + y**2 - 1) ** 2, {(0, 0): MAX}, [((1, 0), MIN), ((0.6, -0.8), MIN)]),
    "flat bowl": Surface(lambda x, y: (x**2 + y**2) ** 2, {(0, 0): MIN}),
    "four quartic": Surface(
        lambda x, y: x**4 - 2 * x**2 + y**3 - 3 * y,
        {(1, 1): MIN, (-1, 1): MIN, (0, -1): MAX, (0, 1): SADDLE, (1, -1): SADDLE, (-1, -1): SADDLE},
    ),
    "x^3 y": Surface(lambda x, y: x**3 * y + 12 * x**2 - 8 * y, {(2, -4): SADDLE}, box=5.0),
    "quintic folium": Surface(lambda x, y: x**5 + y**5 - 5 * x * y, {(0, 0): SADDLE, (1, 1): MIN}),
    "lemniscate": Surface(
        lambda x, y: (x**2 + y**2) ** 2 - 2 * (x**2 - y**2), {(0, 0): SADDLE, (1, 0): MIN, (-1, 0): MIN}
    ),
    "x^2 y^3 (1-x-y)": Surface(
        lambda x, y: x**2 * y**3 * (1 - x - y),
        {(1 / 3, 1 / 2): MAX, (0, 0): SADDLE, (0, 1): SADDLE, (1, 0): SADDLE},
        [((2, 0), SADDLE), ((-1, 0), SADDLE), ((0, 0.5), MIN), ((0, 2), MAX), ((0, -1), MAX)],
    ),
    "(x-y)^4 + x^6": Surface(lambda x, y: (x - y) ** 4 + x**6, {(0, 0): MIN}),
    "(x-y)^4 + x^7": Surface(lambda x, y: (x - y) ** 4 + x**7, {(0, 0): SADDLE}),
    "x^4 - 3 x^2 y^2 + y^4": Surface(lambda x, y: x**4 - 3 * x**2 * y**2 + y**4, {(0, 0): SADDLE}),
    "cusp": Surface(lambda x, y: (y**2 - x**3) ** 2 + x**7, {(0, 0): MIN, (-6 / 7, 0): SADDLE}),
    "two crossing valleys": Surface(lambda x, y: (x**2 - y**2) ** 2 + x**6, {(0, 0): MIN}),
    "irrational valleys": Surface(lambda x, y: (x**2 - 2 * y**2) ** 2 + x**5, {(0, 0): SADDLE, (-4 / 5, 0): MAX}),
    "x^6 + y^6 - 3 x^2 y^2": Surface(
        lambda x, y: x**6 + y**6 - 3 * x**2 * y**2,
        {(0, 0): SADDLE, (1, 1): MIN, (1, -1): MIN, (-1, 1): MIN, (-1, -1): MIN},
    ),
    "x^2 y^2 + x^6 + y^6": Surface(lambda x, y: x**2 * y**2 + x**6 + y**6, {(0, 0): MIN}),
    "Motzkin": Surface(
        lambda x, y: x**4 * y**2 + x**2 * y**4 - 3 * x**2 * y**2 + 1,
        {(1, 1): MIN, (1, -1): MIN, (-1, 1): MIN, (-1, -1): MIN, (0, 0): MAX}
        | {(R3, 0): SADDLE, (-R3, 0): SADDLE, (0, R3): SADDLE, (0, -R3): SADDLE},
        [((0, 1), MAX), ((2, 0), MIN)],
    ),
    # exponentials and logarithms
    "xy exp": Surface(
        lambda x, y: x * y * np.exp(-(x**2 + y**2) / 2),
        {(0, 0): SADDLE, (1, 1): MAX, (-1, -1): MAX, (1, -1): MIN, (-1, 1): MIN},
    ),
    "x exp": Surface(lambda x, y: x * np.exp(-(x**2) - y**2), {(R2 / 2, 0): MAX, (-R2 / 2, 0): MIN}),
    "volcano": Surface(
        lambda x, y: (x**2 + y**2) * np.exp(-(x**2) - y**2), {(0, 0): MIN}, [((1, 0), MAX), ((-0.6, 0.8), MAX)]
    ),
    "twin peaks": Surface(
        lambda x, y: (x**2 + 3 * y**2) * np.exp(1 - x**2 - y**2),
        {(0, 0): MIN, (0, 1): MAX, (0, -1): MAX, (1, 0): SADDLE, (-1, 0): SADDLE},
    ),
    "e^x cos y": Surface(lambda x, y: np.exp(x) * np.cos(y), {}),
    "e^x (x^2-y^2)": Surface(lambda x, y: np.exp(x) * (x**2 - y**2), {(0, 0): SADDLE, (-2, 0): MAX}),
    "x e^y - e^x": Surface(lambda x, y: x * np.exp(y) - np.exp(x), {(0, 0): SADDLE}),
    "exp(x^2 y^2)": Surface(lambda x, y: np.exp(x**2 * y**2), {}, [((0, 1), MIN), ((0.5, 0), MIN), ((0, 0), MIN)]),
    "x^2 y exp": Surface(
        lambda x, y: x**2 * y * np.exp(-x - y), {(2, 1): MAX, (0, 0): SADDLE}, [((0, 1), MIN), ((0, -1), MAX)]
    ),
    "e^x - x + y^2": Surface(lambda x, y: np.exp(x) - x + y**2, {(0, 0): MIN}),
    "log(1 + r^2)": Surface(lambda x, y: np.log(1 + x**2 + y**2), {(0, 0): MIN}),
    "entropy": Surface(
        lambda x, y: x * np.log(x) + y * np.log(y),
        {(1 / np.e, 1 / np.e): MIN},
        domains=(sd.positive, sd.positive),
    ),
    "x^2 log x": Surface(
        lambda x, y: x**2 * np.log(x) + y**2, {(np.exp(-0.5), 0): MIN}, domains=(sd.positive, sd.real)
    ),
    # quotients and roots
    "box": Surface(lambda x, y: x * y + 8 / x + 8 / y, {(2, 2): MIN}, domains=(sd.positive, sd.positive)),
    "x + y + 1/(xy)": Surface(lambda x, y: x + y + 1 / (x * y), {(1, 1): MIN}, domains=(sd.positive, sd.positive)),
    "1/(x^2 y^2)": Surface(
        lambda x, y: x**2 + y**2 + 1 / (x**2 * y**2),
        {(1, 1): MIN, (1, -1): MIN, (-1, 1): MIN, (-1, -1): MIN},
        domains=(sd.nonzero, sd.nonzero),
    ),
    "1/(1 + r^2)": Surface(lambda x, y: 1 / (1 + x**2 + y**2), {(0, 0): MAX}, box=0.5),
    "x/(1 + r^2)": Surface(lambda x, y: x / (1 + x**2 + y**2), {(1, 0): MAX, (-1, 0): MIN}),
    "(x-y)/(1 + r^2)": Surface(
        lambda x, y: (x - y) / (1 + x**2 + y**2), {(R2 / 2, -R2 / 2): MAX, (-R2 / 2, R2 / 2): MIN}
    ),
    "hyperboloid": Surface(lambda x, y: np.sqrt(1 + x**2 + y**2), {(0, 0): MIN}),
    # angles
    "egg box": Surface(
        lambda x, y: np.sin(x) * np.sin(y),
        {
            (PI / 2, PI / 2): MAX,
            (-PI / 2, -PI / 2): MAX,
            (PI / 2, -PI / 2): MIN,
            (-PI / 2, PI / 2): MIN,
            (0, 0): SADDLE,
            (0, PI): SADDLE,
            (PI, 0): SADDLE,
            (PI, PI): SADDLE,
        },
        periodic=True,
    ),
    "three sines": Surface(
        lambda x, y: np.sin(x) + np.sin(y) + np.sin(x + y),
        {(PI / 3, PI / 3): MAX, (-PI / 3, -PI / 3): MIN, (PI, PI): SADDLE},
        periodic=True,
    ),
    "cos x + cos y": Surface(
        lambda x, y: np.cos(x) + np.cos(y),
        {(0, 0): MAX, (PI, PI): MIN, (0, PI): SADDLE, (PI, 0): SADDLE},
        periodic=True,
    ),
    "y sin x": Surface(lambda x, y: y * np.sin(x), {(0, 0): SADDLE, (PI, 0): SADDLE}, periodic=True),
    "sin(x + y)": Surface(lambda x, y: np.sin(x + y), {}, [((PI / 2, 0), MAX), ((0, -PI / 2), MIN)], periodic=True),
    "sin(xy)": Surface(lambda x, y: np.sin(x * y), {(0, 0): SADDLE}, [((1, PI / 2), MAX), ((1, -PI / 2), MIN)]),
    "y^2 - 2y cos x": Surface(
        lambda x, y: y**2 - 2 * y * np.cos(x),
        {(0, 1): MIN, (PI / 2, 0): SADDLE, (PI, -1): MIN, (3 * PI / 2, 0): SADDLE, (2 * PI, 1): MIN},
        domains=(sd.interval(-1, 7), sd.real),
        box=8.0,
    ),
    "no closed form": Surface(
        lambda x, y: np.cos(x) + x**2 / 10 + y**2,
        {(0, 0): SADDLE, (2.595739, 0): MIN, (-2.595739, 0): MIN},
        domains=(sd.interval(-7, 7), sd.interval(-2, 2)),
        complete="certified",
    ),
    # three variables
    "three squares": Surface(lambda x, y, z: x**2 + y**2 + z**2 + x * y + y * z, {(0, 0, 0): MIN}),
    "Lorentz": Surface(lambda x, y, z: x**2 + y**2 - z**2, {(0, 0, 0): SADDLE}),
    "x^3 + 12xy": Surface(
        lambda x, y, z: x**3 + y**2 + z**2 + 12 * x * y + 2 * z, {(0, 0, -1): SADDLE, (24, -144, -1): MIN}, box=200.0
    ),
    "xyz(1-x-y-z)": Surface(
        lambda x, y, z: x * y * z * (1 - x - y - z),
        {(1 / 4, 1 / 4, 1 / 4): MAX, (0, 0, 0): SADDLE, (1, 0, 0): SADDLE, (0, 1, 0): SADDLE, (0, 0, 1): SADDLE},
        [((0, 0, 2), SADDLE), ((0.5, 0.5, 0), SADDLE)],
    ),
    "x^4 + y^4 + z^4 - 4xyz": Surface(
        lambda x, y, z: x**4 + y**4 + z**4 - 4 * x * y * z,
        {(0, 0, 0): SADDLE, (1, 1, 1): MIN, (1, -1, -1): MIN, (-1, 1, -1): MIN, (-1, -1, 1): MIN},
    ),
    "r^2 - xyz": Surface(
        lambda x, y, z: x**2 + y**2 + z**2 - x * y * z,
        {(0, 0, 0): MIN, (2, 2, 2): SADDLE, (2, -2, -2): SADDLE, (-2, 2, -2): SADDLE, (-2, -2, 2): SADDLE},
    ),
    "axes": Surface(
        lambda x, y, z: x**2 * y**2 + y**2 * z**2 + z**2 * x**2,
        {},
        [((1, 0, 0), MIN), ((0, 0, -2), MIN), ((0, 0, 0), MIN)],
    ),
    "cone": Surface(
        lambda x, y, z: (x**2 + y**2 - z**2) ** 2, {}, [((3, 4, 5), MIN), ((1, 0, -1), MIN), ((0, 0, 0), MIN)]
    ),
    "positive": Surface(
        lambda x, y, z: x + y**2 / (4 * x) + z**2 / y + 2 / z,
        {(1 / 2, 1, 1): MIN},
        domains=(sd.positive,) * 3,
    ),
    "x^4 + y^4 + z^4 - x^2 y z": Surface(lambda x, y, z: x**4 + y**4 + z**4 - x**2 * y * z, {(0, 0, 0): MIN}),
    "x^2 + y^2 - z^4": Surface(lambda x, y, z: x**2 + y**2 - z**4, {(0, 0, 0): SADDLE}),
    "an algebraic and an exponential condition": Surface(
        lambda x, y, z: y * x * (x - 1) + z * (np.exp(x) - 1), {}, [((0, 1, 1), SADDLE), ((0, 0, 0), SADDLE)]
    ),
    # one variable: a saddle is neither
    "x^3": Surface(lambda x: x**3, {(0,): SADDLE}),
    "x^5 - 5x": Surface(lambda x: x**5 - 5 * x, {(1,): MIN, (-1,): MAX}),
    "x e^-x": Surface(lambda x: x * np.exp(-x), {(1,): MAX}),
    "e^-x sin x": Surface(
        lambda x: np.exp(-x) * np.sin(x),
        {(PI / 4,): MAX, (5 * PI / 4,): MIN, (9 * PI / 4,): MAX},
        domains=(sd.interval(0, 9),),
        box=9.0,
    ),
    "e^2x - 4x": Surface(lambda x: np.exp(2 * x) - 4 * x, {(np.log(2) / 2,): MIN}),
    "x arctan x": Surface(lambda x: x * np.arctan(x), {(0,): MIN}, complete="undecided"),
}

each = pytest.mark.parametrize("name", SURFACES)


@pytest.fixture(scope="module")
def solved():
    found = {}

    def solve(name):
        if name not in found:
            found[name] = SURFACES[name].critical()
        return found[name]

    return solve


@each
def test_the_textbook_answer(name, solved):
    surface, found = SURFACES[name], solved(name)
    assert found.complete.status == surface.complete, found.complete
    rest = list(found.points)
    for place, kind in surface.points.items():
        there = [p for p in rest if np.allclose(p.floats, place, atol=2e-6)]
        assert len(there) == 1, f"{place} is missing: {found}"
        assert there[0].classification == kind, there[0].verdict
        assert there[0].verdict.status == "proved", there[0].verdict
        rest.remove(there[0])
    for p in rest:
        assert any(np.allclose(p.floats, q) and p.classification == k for q, k in surface.families), str(found)
    assert bool(found.families) == bool(surface.families)
    for family in found.families:
        assert family.verdict.status == "proved", family.verdict


def on(family, names, place):
    """Whether a family has a point, and what it says of it."""
    at = dict(zip(names, place, strict=True))
    for e in family.equations:
        if abs(float(e.subs({s: at[str(s)] for s in e.free_symbols}))) > 1e-9:
            return None
    if not family.pieces:
        return family.classification
    for condition, kind in family.pieces:
        if condition == "otherwise" or eval(condition, {**vars(np), **at}):
            return kind
    return None


@each
def test_what_families_say_of_their_points(name, solved):
    surface, found = SURFACES[name], solved(name)
    names = NAMES[: surface.count]
    for place, kind in surface.families:
        said = {on(family, names, place) for family in found.families} - {None}
        said |= {p.classification for p in found.points if np.allclose(p.floats, place)}
        assert said == {kind}, (place, said)


# -- the expected answers, by looking at the function ---------------------------------------------------


def directions(count):
    if count == 1:
        return np.array([[1.0], [-1.0]])
    if count == 2:
        angle = np.linspace(0, 2 * PI, 40_000, endpoint=False)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    k = np.arange(90_000) + 0.5
    polar, angle = np.arccos(1 - 2 * k / len(k)), PI * (1 + 5**0.5) * k
    return np.stack([np.cos(angle) * np.sin(polar), np.sin(angle) * np.sin(polar), np.cos(polar)], axis=1)


def looks_like(f, place):
    """What a point looks like on small spheres around it."""
    place = np.array(place, float)
    seen = set()
    for radius in (0.08, 0.05, 0.03):
        around = place + radius * max(1, np.abs(place).max() ** 0.5) * directions(len(place))
        change = f(*around.T) - f(*place)
        noise = 4e-14 * max(1.0, abs(f(*place)), np.abs(change).max())
        up, down = bool((change > noise).any()), bool((change < -noise).any())
        seen.add(SADDLE if up and down else MIN if up else MAX if down else "flat")
    assert len(seen) == 1, seen
    return seen.pop()


@each
def test_the_expected_answer_is_what_it_looks_like(name):
    surface = SURFACES[name]
    for place, kind in [*surface.points.items(), *surface.families]:
        place = polished(surface.f, place)
        assert looks_like(surface.f, place) == kind, (place, kind)


def slope(f, x):
    h = 1e-6
    eye = np.eye(len(x))
    return np.array([(f(*(x + h * e)) - f(*(x - h * e))) / (2 * h) for e in eye])


def polished(f, place):
    """An expected point of six digits, to all digits; a family's stays."""
    place = np.array(place, float)
    if all(abs(v * 1e6 - round(v * 1e6)) > 1e-9 or v == round(v) for v in place):
        return place
    found = scipy.optimize.root(lambda x: slope(f, x), place, tol=1e-13)
    return found.x if np.allclose(found.x, place, atol=1e-4) else place


def exact_slope(f, x):
    """The gradient by complex steps: no cancellation."""
    eye = np.eye(len(x))
    return np.array([f(*(x + 1e-30j * e)).imag / 1e-30 for e in eye])


def bend(f, x):
    eye = np.eye(len(x))
    return np.array([(exact_slope(f, x + 1e-6 * e) - exact_slope(f, x - 1e-6 * e)) / 2e-6 for e in eye])


WHOLE = [k for k, s in SURFACES.items() if all(d == sd.real for d in s.domains) and s.box < 10 and s.points]


@pytest.mark.parametrize("name", WHOLE)
def test_newton_finds_no_other_point(name, solved):
    """From random starts Newton's method ends in points that were found, on families, or nowhere."""
    surface, found = SURFACES[name], solved(name)
    names = NAMES[: surface.count]
    reached = 0
    for start in np.random.default_rng(0).uniform(-surface.box, surface.box, (60, surface.count)):
        x = start
        with np.errstate(all="ignore"):
            for _ in range(80):
                slope_here, bend_here = exact_slope(surface.f, x), bend(surface.f, x)
                if not (np.all(np.isfinite(bend_here)) and np.abs(x).max() < 20):
                    break
                step = np.linalg.lstsq(bend_here, slope_here, rcond=None)[0]
                x = x - step * min(1, 1 / (np.abs(step).max() + 1e-300))
        if not (np.all(np.isfinite(x)) and np.abs(x).max() < 5 and np.abs(exact_slope(surface.f, x)).max() < 1e-11):
            continue
        # Where the Hessian is singular Newton's method creeps: then only closeness is asked.
        crept = np.abs(step).max() > 1e-9 or np.linalg.svd(bend(surface.f, x), compute_uv=False)[-1] < 1e-3
        reached += 1
        known = any(near(x, p, surface.periodic) < (0.1 if crept else 1e-5) for p in found.points)
        known = known or any(abs_on(family, names, x) < (0.1 if crept else 1e-5) for family in found.families)
        assert known, f"{x} is a critical point that is not in {found}"
    assert reached


def near(x, point, periodic):
    gap = x - np.array(point.floats)
    if periodic:
        periods = np.array([float(point.periods.get(n, np.inf)) for n in point.at])
        gap = np.where(np.isfinite(periods), (gap + PI) % (2 * PI) - PI, gap)
    return np.abs(gap).max()


def abs_on(family, names, x):
    at = dict(zip(names, x, strict=True))
    return max(abs(float(e.subs({s: at[str(s)] for s in e.free_symbols}))) for e in family.equations)


# -- values, strictness, verdicts -----------------------------------------------------------------------


@each
def test_values_and_strictness(name, solved):
    surface, found = SURFACES[name], solved(name)
    for point in found.points:
        assert float(point.value) == pytest.approx(float(surface.f(*point.floats)), rel=1e-9, abs=1e-9)
        if point.strict and point.classification == MIN:
            around = np.array(point.floats) + 0.03 * directions(surface.count)
            assert (surface.f(*around.T) > float(point.value)).all()


def test_a_verdict_has_its_argument_and_names_its_curves():
    x, y = SURFACES["Peano"].arrays
    (point,) = SURFACES["Peano"].critical()
    assert point.degenerate
    assert point.eigenvalues == (1, 0, 1)
    text = str(point.verdict)
    assert "y = 2*x**2" in text
    assert "along x = -t, y = 2*t**2 it is -t**4" in text
    found = sd.critical_points(x**2 + y**2, [x, y])
    assert found.verdict.status == "proved"
    assert "x = 0, y = 0: strict minimum" in str(found)
    assert [p.classification for p in found] == [MIN]
    assert len(found) == 1
    assert found.of(SADDLE) == ()


def test_what_is_not_decided_says_so():
    x, y, z = (sd.array(n) for n in NAMES)
    motzkin = x**4 * y**2 + x**2 * y**4 - 3 * x**2 * y**2 * z**2 + z**6
    (origin,) = [p for p in sd.critical_points(motzkin, [x, y, z]).points if not any(p.floats)] or [None]
    assert origin is None or (origin.classification, origin.verdict.status) == ("degenerate", "undecided")
    flat = sd.critical_points(x - x + 0 * y, [x, y])
    (family,) = flat.families
    assert family.classification == "degenerate"


def test_germs_against_known_normal_forms():
    """Arnold's normal forms: A_k, D_k, E_k, X_9, and some of their like, with both signs."""
    x, y = sympy.symbols("x y")
    known = {
        x**3: SADDLE, x**4: MIN, -(x**4): MAX,
        x**2 + y**5: SADDLE, x**2 + y**6: MIN, -(x**2) + y**6: SADDLE, -(x**2) - y**6: MAX,
        x**2 * y + y**3: SADDLE, x**2 * y - y**4: SADDLE,
        x**3 + y**4: SADDLE, x**3 + x * y**3: SADDLE, x**3 + y**5: SADDLE,
        x**4 + 3 * x**2 * y**2 + y**4: MIN, x**4 - 2 * x**2 * y**2 + y**4: MIN, x**4 - 2.5 * x**2 * y**2 + y**4: SADDLE,
        x**2 * y**2 + x**5 + y**6: SADDLE, x**2 * y**2 + x**6 + y**8: MIN, x**2 * y**2 - x**6 - y**8: SADDLE,
        (x - y**2) ** 2 * (x + y) ** 2 + y**9: SADDLE, (x - y**2) ** 2 * (x + y) ** 2 + y**10: MIN,
        (y - x**2) ** 2 + x * y**2: SADDLE, (y - x**2) ** 2 + x**2 * y**2: MIN,
        (y - x**2) ** 2 - x**4 * y: SADDLE, (y - x**2) ** 2 + x**4 * y: MIN,
        (y**2 - x**3) ** 2 - x**7: SADDLE, (y**3 - x**2) ** 2 + x * y**5: SADDLE,
        (x + y) ** 6 + (x - 2 * y) ** 8: MIN, (x**2 - 3 * y**2) ** 2 + x**4 * y: SADDLE,
    }  # fmt: skip
    field = rationals()
    scales = np.geomspace(1e-4, 0.05, 300)
    grid = np.concatenate([-scales[::-1], [0.0], scales])
    for form, kind in known.items():
        form = sympy.nsimplify(form)
        germ = {tuple(map(int, m)): field(c) for m, c in sympy.Poly(form, x, y).terms()}
        found = shape(Jet(field, ("x", "y"), lambda order, germ=germ: germ, True))
        wanted = {SADDLE} if kind == SADDLE else {kind}
        if form.free_symbols == {x}:
            wanted = {kind}
        assert found.kind in wanted, (form, found)
        # Both signs, or one, at points of all sizes around 0: no rule of the code under test.
        values = sympy.lambdify((x, y), form)(*np.meshgrid(grid, grid)) + np.zeros((601, 601))
        noise = 1e-18
        assert (values > noise).any() == (kind != MAX), form
        assert (values < -noise).any() == (kind != MIN), form


def test_strictness_of_germs():
    """Whether the value is taken again nearby: on a curve of zeros it is, at an isolated zero not."""
    x, y = sympy.symbols("x y")
    field = rationals()
    known = {
        x**2 * y**2: False, (x**2 + y**2) ** 2: True, x**2 * (x**2 + y**2): False, (y - x**2) ** 2: False,
        x**4 + y**4: True, (x**2 + y**4) ** 2 * (1 + x): True, (x**2 + y**2) * (x - y) ** 2: False,
        (x**2 - y**3) ** 2: False, x**2 + y**6: True, (x**2 + y**2) ** 2 * (x**4 + y**2): True,
    }  # fmt: skip
    for form, strict in known.items():
        germ = {tuple(map(int, m)): field(c) for m, c in sympy.Poly(form, x, y).terms()}
        found = shape(Jet(field, ("x", "y"), lambda order, germ=germ: germ, True))
        assert (found.kind, found.strict) == (MIN, strict), form


def test_squares_of_curves_are_not_strict():
    x, y = (sd.array(n) for n in "xy")
    for f, strict in ((x**2 * y**2, False), (x**2 + y**4, True), ((x**2 + y**2) ** 2, True), ((y - x**2) ** 2, False)):
        verdict = sd.claim("minimum", f, wrt=[x, y], at=[0, 0])
        assert verdict.status == "proved"
        points = [p for p in sd.critical_points(f, [x, y]).points if not any(p.floats)]
        assert [p.strict for p in points] == ([True] if strict else [])


@pytest.mark.parametrize(
    ("f", "wrt", "error", "match"),
    [
        (lambda x, y: abs(x) + y**2, "xy", sd.UnsupportedError, "np.abs.x. has a kink"),
        (lambda x, y: np.maximum(x, y) ** 2, "xy", sd.UnsupportedError, "kink"),
        (lambda x, y: x**2 + y**2, "x", sd.UnsupportedError, "y is a symbol"),
    ],
)
def test_what_is_not_understood_raises(f, wrt, error, match):
    arrays = {n: sd.array(n) for n in "xy"}
    with pytest.raises(error, match=match):
        sd.critical_points(f(*arrays.values()), [arrays[n] for n in wrt])


def test_domains():
    labels = sd.array("k", domain=sd.labels(0, 1))
    with pytest.raises(sd.DomainError, match="labels"):
        sd.critical_points(labels**2, labels)
    with pytest.raises(sd.ShapeError):
        sd.critical_points(sd.array("w", "d"), "w")
    x = sd.array("x", domain=sd.interval(1, 2))
    assert len(sd.critical_points((x - 1) ** 2 * (x - 3) ** 2, x)) == 0
    x = sd.array("x", domain=sd.interval(0, 3, closed="both"))
    found = sd.critical_points((x - 1) ** 2, x)
    assert [p.floats for p in found] == [(1.0,)]
    assert "edge" in found.complete.reason


# -- arrays ---------------------------------------------------------------------------------------------

n, d = sd.dims("n d")
X, w, y, b = sd.array("X", n, d), sd.array("w", d), sd.array("y", n), sd.array("b", d)
lam = sd.array("lam", domain=sd.positive)
A = sd.array("A", d, d, domain=sd.spd)


def test_least_squares_is_stationary_at_its_minima():
    found = sd.critical_points(np.sum((X @ w - y) ** 2), w)
    (family,) = found.families
    assert family.classification == MIN
    assert family.verdict.status == "proved"
    assert "X.T @ (X @ w - y)" in str(family.equations[0])


def test_ridge_has_one_minimum_in_closed_form():
    (point,) = sd.critical_points(np.sum((X @ w - y) ** 2) + lam * w @ w, w)
    assert (point.classification, point.strict, point.verdict.status) == (MIN, True, "proved")
    wanted = np.linalg.inv(X.T @ X + lam * sd.eye(d)) @ X.T @ y
    assert sd.check(point.at["w"], "==", wanted).status == "proved"
    rng = np.random.default_rng(1)
    numbers = {"X": rng.normal(size=(5, 3)), "y": rng.normal(size=5), "lam": 0.7}
    solution = np.linalg.solve(numbers["X"].T @ numbers["X"] + 0.7 * np.eye(3), numbers["X"].T @ numbers["y"])
    fit = scipy.optimize.minimize(
        lambda v: np.sum((numbers["X"] @ v - numbers["y"]) ** 2) + 0.7 * v @ v, np.zeros(3), tol=1e-12
    )
    assert fit.x == pytest.approx(solution, abs=1e-5)


def test_other_arrays():
    (point,) = sd.critical_points(b @ w - w @ A @ w, w)
    assert (point.classification, point.verdict.status) == (MAX, "proved")
    (family,) = sd.critical_points(np.sum(np.logaddexp(0, X @ w) - y * (X @ w)), w).families
    assert (family.classification, family.verdict.status) == (MIN, "proved")
    (family,) = sd.critical_points(np.sum(w**3), w).families
    assert (family.classification, family.verdict.status) == ("degenerate", "undecided")


# -- claims about one point -------------------------------------------------------------------------------

CLAIMS = [
    (MIN, "Peano", (0, 0), "refuted"),
    (MAX, "Peano", (0, 0), "refuted"),
    (SADDLE, "Peano", (0, 0), "proved"),
    (MIN, "folium", (1, 1), "proved"),
    (MIN, "folium", (1, 1 + sympy.Rational(1, 10**12)), "refuted"),
    (MAX, "folium", (1, 1), "refuted"),
    (SADDLE, "folium", (0, 0), "proved"),
    (MAX, "egg box", (sympy.pi / 2, sympy.pi / 2), "proved"),
    (MIN, "egg box", (sympy.pi / 2, sympy.pi / 2), "refuted"),
    (MIN, "entropy", (sympy.exp(-1), sympy.exp(-1)), "proved"),
    (MIN, "entropy", (1, 1), "refuted"),
    (MIN, "quartic with a singular Hessian", (sympy.sqrt(2), -sympy.sqrt(2)), "proved"),
    (SADDLE, "quartic with a singular Hessian", (0, 0), "proved"),
    (MIN, "x^2 y^2", (0, 3), "proved"),
    (MAX, "x^2 y^2", (0, 3), "refuted"),
    (MIN, "x arctan x", (0,), "undecided"),
]


@pytest.mark.parametrize(("kind", "name", "at", "status"), CLAIMS)
def test_claims_at_a_point(kind, name, at, status):
    surface = SURFACES[name]
    verdict = sd.claim(kind, surface.f(*surface.arrays), wrt=surface.arrays, at=list(at))
    assert verdict.status == status, verdict
    assert (verdict.counterexample is not None) == (status == "refuted")


def test_claims_about_points_are_read_with_care():
    x, y_ = sd.array("x"), sd.array("y")
    assert sd.claim("minimum", x**2 + y_**2, wrt=[x, y_], at={"y": 0, x: 0}).status == "proved"
    assert sd.claim("minimum", np.sum((X @ w) ** 2), wrt=w, at=0).status == "proved"
    assert sd.claim("minimum", sd.logsumexp(w), wrt=w, at=0).status == "refuted"
    with pytest.raises(sd.ReadError, match="a number for each"):
        sd.claim("minimum", x**2 + y_**2, wrt=[x, y_], at=[0])
    with pytest.raises(sd.UnknownNameError, match="the variables are x, y"):
        sd.claim("minimum", x**2 + y_**2, wrt=[x, y_], at={"x": 0, "z": 1})
    with pytest.raises(sd.UnsupportedError, match="needs at="):
        sd.claim("minimum", x**2, wrt=x)
