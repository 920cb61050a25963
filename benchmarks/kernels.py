"""Generated kernels beside hand-written NumPy, in one run: ratios of median times, 1 is as fast.

The hand-written code is what a careful person writes: two matrix-vector products, logaddexp and
expit; the Hessian as (X.T * s) @ X. Threads as NumPy takes them by default.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy.special import expit

import symderive as sd
from symderive.compilation.kernel import Kernel

SIZES = [(1_000, 10), (10_000, 20), (100_000, 100)]


def logistic_by_hand(X: np.ndarray, w: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean logistic loss and its gradient."""
    z = X @ w
    return np.sum(np.logaddexp(0, z) - y * z) / len(y), X.T @ (expit(z) - y) / len(y)


def logistic_hessian_by_hand(X: np.ndarray, w: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Its Hessian."""
    s = expit(X @ w)
    return (X.T * (s * (1 - s))) @ X / len(y)


def squares_by_hand(X: np.ndarray, w: np.ndarray, y: np.ndarray) -> tuple[object, np.ndarray]:
    """Mean squared error and its gradient."""
    r = X @ w - y
    return r @ r / len(y), 2 / len(y) * (X.T @ r)


def squares_hessian_by_hand(X: np.ndarray, w: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Its Hessian."""
    return 2 / len(y) * (X.T @ X)


def median_time(run: Callable[[], object], seconds: float = 0.4) -> float:
    """The median time of a call, over at least five."""
    run()
    times: list[float] = []
    stop = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < stop:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def compiled() -> dict[str, tuple[Kernel, Callable[..., object], Callable[..., object]]]:
    """The kernels, with the hand-written pair beside each."""
    n, d = sd.dims("n d")
    X, w, t = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    y = sd.array("y", n, domain=sd.labels(0, 1))
    logistic = sd.compile(np.sum(np.logaddexp(0, X @ w) - y * (X @ w)) / n, wrt=w, order=2)
    squares = sd.compile(np.sum((X @ w - t) ** 2) / n, wrt=w, order=2)
    return {
        "logistic": (logistic, logistic_by_hand, logistic_hessian_by_hand),
        "least squares": (squares, squares_by_hand, squares_hessian_by_hand),
    }


def compare(
    kernel: Kernel,
    both: Callable[..., object],
    hessian: Callable[..., object],
    X: np.ndarray,
    w: np.ndarray,
    y: np.ndarray,
) -> tuple[float, float, float]:
    """Ratios to the hand-written code: value and gradient in a loop, with checks, and the Hessian."""
    bound, point = kernel.bind(X=X, y=y), {"w": w}
    hand = median_time(lambda: both(X, w, y))
    second = median_time(lambda: hessian(X, w, y))
    return (
        median_time(lambda: bound.value_and_gradient(point)) / hand,
        median_time(lambda: kernel.value_and_gradient(X=X, w=w, y=y)) / hand,
        median_time(lambda: bound.hessian(point)) / second,
    )


def main() -> None:
    """Print the table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the two smaller sizes only")
    arguments = parser.parse_args()
    start = time.perf_counter()
    kernels = compiled()
    for kernel, _, _ in kernels.values():
        _ = kernel.source
    print(f"derive and compile both, order 2: {time.perf_counter() - start:.2f} s")
    print(f"{'loss':<15}{'n x d':>14}{'value+gradient':>16}{'checked call':>16}{'Hessian':>16}")
    rng = np.random.default_rng(0)
    for n, d in SIZES[: 2 if arguments.quick else None]:
        X, w = rng.normal(size=(n, d)), 0.1 * rng.normal(size=d)
        y = rng.integers(0, 2, n).astype(float)
        for title, (kernel, both, hessian) in kernels.items():
            ratios = compare(kernel, both, hessian, X, w, y)
            print(f"{title:<15}{f'{n} x {d}':>14}" + "".join(f"{ratio:>16.2f}" for ratio in ratios))


if __name__ == "__main__":
    main()
