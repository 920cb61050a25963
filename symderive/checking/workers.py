"""Claims judged in processes that can be killed: each within its time and its memory.

A worker is used again from claim to claim.  It keeps to the time by itself (`symderive.deadline`)
and to the memory by the system's own bound; one that does not answer in time, or dies, is killed and
replaced, and its claim is `undecided` with the reason.  Requests and answers are JSON: nothing that
a claim says is ever unpickled or evaluated.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection, wait
from typing import Any

from symderive.errors import SymderiveError, WorkerError

__all__ = ["Answer", "Limits", "Work", "Workers", "worker_count"]

Work = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From the content of a request to its result, both what JSON carries; a function of a module."""

#: Seconds that a worker has beyond its claim's time before it is killed, and to start.
GRACE, START = 2.0, 120.0


@dataclass(frozen=True)
class Limits:
    """What one claim may take: ``seconds`` of time, and ``megabytes`` of memory beyond what a worker has anyway."""

    seconds: float = 60.0
    megabytes: float = 2000.0


@dataclass(frozen=True)
class Answer:
    """What came of one request: its number, a result, or why there is none, and the seconds that it took.

    ``problem`` is what the work raised (a text that cannot be read) and ``error`` the class of that;
    ``stopped`` is why it was ended: a limit, or the end of its worker.
    """

    number: int
    result: Mapping[str, Any] | None
    problem: str = ""
    error: str = ""
    stopped: str = ""
    seconds: float = 0.0


def worker_count(wanted: int | None, tasks: int) -> int:
    """How many workers to use: what is wanted, else one for each processor, and no more than tasks."""
    return max(1, min(wanted or os.cpu_count() or 1, tasks))


# -- in the worker --------------------------------------------------------------------------------


def serve(connection: Connection, work: Work) -> None:
    """Answer requests until there are no more; the loop of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C, and ends its workers
    connection.send_bytes(b"{}")
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        connection.send_bytes(json.dumps(_answered(request, work)).encode())


def _answered(request: Mapping[str, Any], work: Work) -> dict[str, Any]:
    _bound_memory(request["megabytes"])
    try:
        return {"result": work(request["content"])}
    except MemoryError:
        return {"stopped": f"stopped: it needs more than {request['megabytes']:g} MB of memory"}
    except RecursionError:
        return {"stopped": "stopped: it is nested too deeply"}
    except SymderiveError as error:
        return {"problem": str(error), "error": type(error).__name__}
    except Exception as error:  # a bug of ours: the worker lives on, and the claim's row says what happened
        return {"problem": f"internal error: {type(error).__name__}: {error}", "error": type(error).__name__}


def _bound_memory(megabytes: float) -> None:
    """Bound what this process may still take, where the system knows such a bound."""
    if sys.platform == "win32":
        return
    import resource  # not on Windows

    try:
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = used + int(megabytes * 1e6)
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


# -- in the parent --------------------------------------------------------------------------------


class _Worker:
    """One process and the line to it."""

    def __init__(self, work: Work) -> None:
        methods = get_all_start_methods()
        context = get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            context.set_forkserver_preload([work.__module__])  # loads the engine once for all workers
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, work), name="symderive worker", daemon=True)
        self.process.start()
        theirs.close()
        self.number: int | None = None
        self.started = time.monotonic()
        self.deadline = self.started + START
        self.limits = Limits()

    @property
    def is_starting(self) -> bool:
        return self.number is None

    def give(self, number: int, content: Mapping[str, Any], limits: Limits) -> None:
        """Send a request; the worker may be dead, which shows when it is listened to."""
        self.number, self.limits = number, limits
        self.started = time.monotonic()
        self.deadline = self.started + limits.seconds + GRACE
        try:
            self.line.send_bytes(json.dumps({"content": content, "megabytes": limits.megabytes}).encode())
        except OSError:
            self.deadline = self.started

    def take(self) -> Answer | None:
        """The answer that waits, or why none will come; None for the word that the worker is ready."""
        try:
            data = json.loads(self.line.recv_bytes())
        except (EOFError, OSError, ValueError):
            data = {"stopped": self._end()}
        if self.number is None and not data:
            return None
        return self._answer(data)

    def late(self) -> Answer:
        """The answer of a worker whose time is over."""
        return self._answer({"stopped": f"stopped after {self.limits.seconds:g} seconds"})

    def _answer(self, data: Mapping[str, Any]) -> Answer:
        number = -1 if self.number is None else self.number
        seconds = time.monotonic() - self.started
        problem, error, stopped = (str(data.get(key, "")) for key in ("problem", "error", "stopped"))
        return Answer(number, data.get("result"), problem, error, stopped, seconds)

    def _end(self) -> str:
        self.process.join(1)
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in {int(s) for s in signal.Signals} else str(-code)
            return (
                f"stopped: its worker ended with {name}, as it does where more than "
                f"{self.limits.megabytes:g} MB of memory are needed"
            )
        return "stopped: its worker ended"

    def kill(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.join()
        self.process.close()
        self.line.close()


class Workers:
    """A few processes that answer requests by ``work``; a context manager that ends them all.

    >>> from symderive.checking.judging import judged
    >>> with Workers(judged, 1) as workers:
    ...     content = {"claim": {"id": "1", "parts": ["x*x >= 0"]}}
    ...     [answer] = workers.answers([(content, Limits(seconds=30))])
    >>> answer.result["verdict"]["status"]
    'proved'
    """

    def __init__(self, work: Work, count: int) -> None:
        self._work = work
        self._count = count
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in (*self._idle, *self._busy):
            worker.kill()
        self._idle, self._busy = [], []

    def answers(self, requests: Sequence[tuple[Mapping[str, Any], Limits]]) -> Iterator[Answer]:
        """The answers as they come; each has the number of its request.

        Raises `WorkerError` where no worker can be started.
        """
        waiting = deque(enumerate(requests))
        failed = 0
        while waiting or any(not worker.is_starting for worker in self._busy):
            while waiting and self._idle:
                worker = self._idle.pop()
                number, (content, limits) = waiting.popleft()
                worker.give(number, content, limits)
                self._busy.append(worker)
            starting = sum(worker.is_starting for worker in self._busy)
            for _ in range(min(self._count - len(self._busy), len(waiting) - starting)):
                self._busy.append(_Worker(self._work))
            for answer in self._heard():
                if answer.number >= 0:
                    yield answer
                else:
                    failed += 1
                    if failed > 2:
                        raise WorkerError(f"no worker process can be started: {answer.stopped}")

    def _heard(self) -> list[Answer]:
        """What the busy workers say next; those that were stopped are ended, the others are idle then."""
        nearest = min(worker.deadline for worker in self._busy)
        ready = wait([worker.line for worker in self._busy], max(nearest - time.monotonic(), 0.0))
        found: list[Answer] = []
        for worker in list(self._busy):
            if worker.line in ready:
                answer = worker.take()
            elif time.monotonic() >= worker.deadline:
                answer = worker.late()
            else:
                continue
            self._busy.remove(worker)
            if answer is not None and answer.stopped:
                worker.kill()
            else:
                worker.number = None
                self._idle.append(worker)
            if answer is not None:
                found.append(answer)
        return found
