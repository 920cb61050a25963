"""Deadlines: work that is asked to stop stops, in any thread.

Loops that may run long call `tick`, which raises `OutOfTime` when the time of the innermost
`run_within` around them is over.  SymPy's own loops know nothing of ticks; for them a timer raises
the same exception in the thread that is late (Python looks for it between its instructions), and
again until the thread has left the limit.  Neither needs signals, which only the main thread has.

C code that calls Python back runs in a shelter (`sheltered`), where only ticks are heard.

What is inside a single long operation of a library written in C cannot be stopped so.  Sizes are
therefore bounded before work begins, and the command line has workers that can be killed.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from math import inf
from typing import Any, TypeVar

__all__ = ["OutOfTime", "run_within", "sheltered", "tick"]

T = TypeVar("T")

#: Seconds between two reminders to a thread that is late.
INSISTENCE = 0.05


class OutOfTime(BaseException):
    """The time is over. No ordinary error: like an interrupt from the keyboard, it passes ``except Exception``."""


_DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)


def tick() -> None:
    """Raise `OutOfTime` if the time is over; costs next to nothing."""
    deadline = _DEADLINE.get()
    if deadline is not None and time.monotonic() > deadline:
        raise OutOfTime


def run_within(seconds: float | None, work: Callable[[], T]) -> T:
    """What ``work`` returns; `OutOfTime` where that takes longer than some seconds. None is no limit.

    Limits nest, and the earliest holds: an inner one does not lengthen the time of the outer.

    >>> def endless():
    ...     while True:
    ...         pass
    >>> try:
    ...     run_within(0.01, endless)
    ... except OutOfTime:
    ...     print("stopped")
    stopped
    """
    outer = _DEADLINE.get()
    deadline = inf if seconds is None else time.monotonic() + max(seconds, 0.0)
    if deadline >= (inf if outer is None else outer):
        return work()
    # A function, and no context manager: an exception that comes from outside may come while a
    # context manager is being left, and then nothing would end the reminders.
    reminder = _Reminder(deadline)
    token = _DEADLINE.set(deadline)
    told = sys.unraisablehook
    sys.unraisablehook = _untold(told)
    try:
        reminder.start()
        return work()
    finally:
        reminder.stop()
        sys.unraisablehook = told
        _DEADLINE.reset(token)


def _untold(told: Callable[[Any], Any]) -> Callable[[Any], None]:
    """A hook for what is raised where nothing can be raised, in a callback of the garbage collector for one.

    A reminder that came there is lost, and the next one follows: that is nothing to tell anybody.
    """

    def hook(unraisable: Any) -> None:
        if unraisable.exc_type is not OutOfTime:
            told(unraisable)

    return hook


_LOCK = threading.Lock()
_SHELTERED: dict[int, int] = {}
"""How many shelters each thread is in, by its number; under the lock."""


def sheltered(work: Callable[[], T]) -> T:
    """What ``work`` returns, no exception coming from outside meanwhile: it calls C code that calls Python back.

    Such code can mistake an exception that it did not expect for a broken call.  Let what it calls
    back ask `tick`, keep what that raises, and raise it when the work is over.

    >>> sheltered(lambda: 1 + 1)
    2
    """
    thread = threading.get_ident()
    with _LOCK:
        _SHELTERED[thread] = _SHELTERED.get(thread, 0) + 1
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)
    try:
        return work()
    finally:
        with _LOCK:
            _SHELTERED[thread] -= 1
            if not _SHELTERED[thread]:
                del _SHELTERED[thread]


class _Reminder:
    """Raises `OutOfTime` in the thread that made it, from its deadline until it is stopped."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._thread = threading.get_ident()
        self._late = ctypes.c_ulong(self._thread)
        self._done = threading.Event()
        self._timer = threading.Thread(target=self._run, name="symderive deadline", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._timer.start()

    def stop(self) -> None:
        """End it; after this no exception comes any more, not even one that was on its way."""
        while True:
            try:
                with _LOCK:
                    self._done.set()
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(self._late, None)
                return
            except OutOfTime:  # it came while the reminder was being stopped; the next is far off
                continue

    def _run(self) -> None:
        wait = max(self._deadline - time.monotonic(), 0.0)
        while not self._done.wait(wait):
            with _LOCK:
                if not self._done.is_set() and self._thread not in _SHELTERED:
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(self._late, ctypes.py_object(OutOfTime))
            wait = INSISTENCE
