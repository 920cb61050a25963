"""Deadlines: whatever runs is stopped, in any thread, and nothing of the limit stays behind."""

import contextlib
import sys
import threading
import time

import pytest
import sympy

import symderive as sd
from symderive.deadline import OutOfTime, run_within, sheltered, tick


def endless():
    while True:
        pass


def stubborn():
    """Swallows every ordinary error that it meets, and the first OutOfTime too."""
    with contextlib.suppress(BaseException):
        endless()
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.001)


def in_a_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    return found[0]


def seconds_until_stopped(work, limit=0.05):
    start = time.monotonic()
    with pytest.raises(OutOfTime):
        run_within(limit, work)
    return time.monotonic() - start


@pytest.mark.parametrize("work", [endless, stubborn])
@pytest.mark.parametrize("where", [lambda run: run(), in_a_thread], ids=["main thread", "another"])
def test_work_is_stopped(work, where):
    assert 0.05 <= where(lambda: seconds_until_stopped(work)) < 2


def test_what_knows_no_ticks_is_stopped_in_another_thread():
    x = sympy.Symbol("x")
    slow = sum(sympy.sin(k * x) for k in range(1, 40)) ** 12
    assert in_a_thread(lambda: seconds_until_stopped(lambda: sympy.expand(slow))) < 5


def test_ticks_alone_stop_too():
    def ticking():
        while True:
            tick()

    assert seconds_until_stopped(ticking) < 1
    tick()  # outside a limit it says nothing


def test_the_earliest_limit_holds():
    assert seconds_until_stopped(lambda: run_within(60, endless)) < 2
    assert seconds_until_stopped(lambda: run_within(None, endless)) < 2

    def inner():
        with pytest.raises(OutOfTime):
            run_within(0.02, endless)
        return "went on"

    assert run_within(60, inner) == "went on"


def test_results_and_errors_pass_through():
    assert run_within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        run_within(5, lambda: 1 // 0)


def test_nothing_comes_late():
    """Work that ends at about the moment of the deadline is stopped or not; nothing is raised afterwards."""
    stopped = 0
    for k in range(60):
        end = time.monotonic() + 0.002 + k * 5e-4

        def until(end=end):
            while time.monotonic() < end:
                pass

        try:
            run_within(0.008, until)
        except OutOfTime:
            stopped += 1
    assert 0 < stopped < 60
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        pass
    assert not [thread for thread in threading.enumerate() if thread.name == "symderive deadline"]


def test_a_shelter_hears_ticks_only():
    """In C code that calls Python back no exception comes from outside."""

    def calm():
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pass
        with pytest.raises(OutOfTime):
            tick()
        return time.monotonic()

    reached = []
    assert seconds_until_stopped(lambda: [reached.append(sheltered(calm)), endless()]) < 2
    assert len(reached) == 1
    assert seconds_until_stopped(endless) < 1


def test_an_integral_is_stopped():
    """The integrator of python-flint can handle no exception of its integrand."""
    for limit in (0.02, 0.1, 0.3, 0.6):
        verdict = sd.check("sd.integral(sin(exp(x**2)), x, 0, 50) == y", timeout=limit)
        assert verdict.status in ("undecided", "refuted")


def test_check_has_a_limit_in_any_thread():
    big = " + ".join(f"sin({k}*x)**8*cos({k}*y)**8" for k in range(1, 25))
    verdict = in_a_thread(lambda: sd.check(f"exp({big}) == exp({big}) + 1e-40*x*y", timeout=0.03))
    assert verdict.status == "undecided"
    assert verdict.reason == "stopped after 0.03 seconds"


def test_a_reminder_in_a_callback_of_the_collector_is_not_told():
    """Raised there it cannot be passed on: it used to be printed as an exception that was ignored."""
    told = []
    before, sys.unraisablehook = sys.unraisablehook, told.append
    try:

        class Late:
            def __del__(self):
                raise OutOfTime

        class Broken:
            def __del__(self):
                raise ValueError("a bug")

        def work():
            Late()
            Broken()

        run_within(5.0, work)
        assert [t.exc_type for t in told] == [ValueError]
        assert sys.unraisablehook == told.append
    finally:
        sys.unraisablehook = before
