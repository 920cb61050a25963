"""Workers: used again, killed where they must be, replaced, and ended with their owner."""

import ctypes
import importlib
import os
import shutil
import signal
import time

import pytest

from symderive.checking.batches import Batch, chosen
from symderive.checking.claim_files import ClaimFile, FileClaim
from symderive.checking.workers import Limits, Workers, worker_count
from symderive.errors import ReadError, UnsupportedError, WorkerError


def misbehave(content):
    """What hostile claims might make a worker do."""
    match content["do"]:
        case "double":
            return {"value": 2 * content["value"], "pid": os.getpid()}
        case "hang":
            while True:
                time.sleep(1)
        case "hang in C":
            return {"value": (10 ** (10**8)) % 7}
        case "exhaust memory":
            return {"value": len(bytearray(10**10))}
        case "grow":
            kept = []
            while True:
                kept.append([0] * 10**6)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "crash":
            ctypes.string_at(0)
        case "exit":
            os._exit(0)
        case "raise":
            raise UnsupportedError("not understood: frobnicate")
        case "fail":
            return {"value": 1 // 0}
        case "recurse":
            return misbehave({"do": "recurse"})
    return {}


def answers(requests, count=2, seconds=20.0, megabytes=300.0):
    with Workers(misbehave, count) as workers:
        found = list(workers.answers([(content, Limits(seconds, megabytes)) for content in requests]))
    assert sorted(a.number for a in found) == list(range(len(requests)))
    return sorted(found, key=lambda a: a.number)


def test_workers_are_used_again():
    found = answers([{"do": "double", "value": k} for k in range(20)])
    assert [a.result["value"] for a in found] == [2 * k for k in range(20)]
    assert 1 <= len({a.result["pid"] for a in found}) <= 2
    assert os.getpid() not in {a.result["pid"] for a in found}


@pytest.mark.parametrize(
    ("bad", "problem", "stopped"),
    [
        ("exhaust memory", "", "stopped: it needs more than 300 MB of memory"),
        ("grow", "", "stopped: it needs more than 300 MB of memory"),
        ("die", "", "stopped: its worker ended with SIGKILL, as it does where more than 300 MB of memory are needed"),
        ("crash", "", "stopped: its worker ended with SIGSEGV, as it does where more than 300 MB of memory are needed"),
        ("exit", "", "stopped: its worker ended"),
        ("recurse", "", "stopped: it is nested too deeply"),
        ("raise", "not understood: frobnicate", ""),
        ("fail", "internal error: ZeroDivisionError: integer division or modulo by zero", ""),
    ],
)
def test_what_goes_wrong_concerns_one_request(bad, problem, stopped):
    requests = [{"do": "double", "value": 1}, {"do": bad}, {"do": "double", "value": 2}]
    first, wrong, last = answers(requests, count=1)
    assert (first.result["value"], last.result["value"]) == (2, 4)
    assert (wrong.result, wrong.problem, wrong.stopped) == (None, problem, stopped)


@pytest.mark.parametrize("bad", ["hang", "hang in C"])
def test_the_late_are_killed(bad):
    start = time.monotonic()
    wrong, last = answers([{"do": bad}, {"do": "double", "value": 2}], count=1, seconds=0.2)
    assert wrong.stopped == "stopped after 0.2 seconds"
    assert last.result["value"] == 4
    assert time.monotonic() - start < 20


def test_no_worker_outlives_its_owner():
    with Workers(misbehave, 2) as workers:
        running = workers.answers([({"do": "double", "value": 1}, Limits()), ({"do": "hang"}, Limits())])
        pid = next(running).result["pid"]
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the worker still runs")


def test_workers_that_cannot_start_are_an_error(tmp_path, monkeypatch):
    module = tmp_path / "a_module_that_goes_away.py"
    module.write_text("def work(content):\n    return {}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    work = importlib.import_module(module.stem).work
    shutil.rmtree(tmp_path)
    with Workers(work, 1) as workers, pytest.raises(WorkerError, match="no worker process can be started"):
        list(workers.answers([({}, Limits())]))


def test_how_many_workers():
    assert worker_count(3, 10) == 3
    assert worker_count(8, 2) == 2
    assert worker_count(None, 1) == 1
    assert worker_count(None, 10**6) == os.cpu_count()


# -- batches ---------------------------------------------------------------------------


def batch(*texts, **options):
    claims = [("f.toml", FileClaim(str(k), (text,))) for k, text in enumerate(texts)]
    return Batch(claims, workers=1, **options)


def test_a_batch_is_judged():
    with batch("x*x >= 0", "x >= 0", limits=Limits(30)) as many:
        many.read()
        found = sorted(many.outcomes(), key=lambda o: o.claim.id)
    assert [str(o.verdict.status) for o in found] == ["proved", "refuted"]
    assert [o.as_expected for o in found] == [True, False]
    assert found[1].verdict.counterexample.values["x"] < 0


def test_what_cannot_be_read_is_said_before_work():
    with batch("x*x >= 0", "x ==", "y +") as many, pytest.raises(ReadError) as error:
        many.read()
    assert str(error.value).startswith("f.toml: claim '1': ")
    assert "1 more" in str(error.value)


def test_the_bar():
    with batch("gamma(x + 1) == x*gamma(x)", "exp(x) >= 1 + x", limits=Limits(30), bar="proved") as many:
        for outcome in many.outcomes():
            assert outcome.as_expected == (outcome.verdict.status == "proved")


def test_claims_are_chosen_by_words():
    claims = (
        FileClaim("jensen-1", ("x >= 0",), "Convexity", tags=("entropy",)),
        FileClaim("gibbs", ("p >= q",), "Gibbs' inequality", tags=("entropy", "kl")),
        FileClaim("three", ("exp(x) >= 1",)),
    )
    file = ClaimFile("f.toml", "T", claims)

    def ids(words):
        return [claim.id for _, claim in chosen([file], words)]

    assert ids("") == ["jensen-1", "gibbs", "three"]
    assert ids("entropy") == ["jensen-1", "gibbs"]
    assert ids("ENTROPY not jensen") == ["gibbs"]
    assert ids("entropy and convexity") == ["jensen-1"]
    assert ids("not entropy") == ["three"]
    assert ids("exp(x)") == ["three"]
    assert ids("nothing") == []
