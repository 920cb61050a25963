"""How long a user waits: start-up, the first gradient of a fresh process, the next one, and its verdict.

The bars: the first gradient within 1.5 s of a fresh process, after that under 0.5 s for a gradient and
2 s for its full verdict, whatever the dimensions' sizes.
"""

import subprocess
import sys
import time

import symderive as sd

LOSSES = {
    "least squares": "np.sum((X @ w - y)**2) / n",
    "logistic": "np.sum(np.logaddexp(0, X @ w) - y * (X @ w)) / n",
    "logistic, ridge": "np.mean(np.log1p(np.exp(-(2*y - 1) * (X @ w)))) + w @ w / 2",
}


def process(code: str) -> float:
    """Seconds that a fresh Python takes for the code, the best of three."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


FIRST = """
import symderive as sd
str(sd.gradient(sd.read("np.sum((X @ w - y)**2)", X="n d", w="d", y="n"), "w").result)
"""
PROCESSES = {
    "import symderive": "import symderive",
    "symderive --help": "from symderive.cli import _parser; _parser().format_help()",
    "first gradient": FIRST,
}


def main() -> None:
    """Print both tables."""
    for name, code in PROCESSES.items():
        print(f"{name + ', fresh process':<36} {process(code):8.3f} s")
    for name, text in LOSSES.items():
        start = time.perf_counter()
        derivation = sd.gradient(sd.read(text, X="n d", w="d", y="n"), "w")
        form = str(derivation.result)
        middle = time.perf_counter()
        status = derivation.verdict.status
        stop = time.perf_counter()
        print(f"{name:<20} gradient {middle - start:7.3f} s  verdict {stop - middle:7.3f} s  {status}")
        print(f"{'':<20} {form}")


if __name__ == "__main__":
    main()
