"""`check_gradient`: is a hand-written gradient the gradient of a hand-written loss?

Both functions are read, if they can be, on symbolic arrays: then the gradient is derived and the
claim is judged for all shapes and values.  Where the code asks for integers it is read at small
sizes.  What can only be run is compared with finite differences at several points, which is
evidence and no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from symderive.checking.check import check, within
from symderive.checking.hints import hint
from symderive.checking.mending import Mended, Mending
from symderive.checking.parameters import told_shape
from symderive.checking.programs import (
    CountedError,
    Layout,
    Program,
    Reading,
    assumptions,
    concrete,
    read,
    squared,
)
from symderive.checking.trials import Runs, Trial, renamed
from symderive.deadline import OutOfTime, run_within, tick
from symderive.derivation.derive import gradient
from symderive.errors import DataError, ShapeError, SymderiveError
from symderive.judgement.judge import judge_derivative
from symderive.judgement.verdicts import CrossCheck, Evidence, Status, Verdict, weakest
from symderive.language import build
from symderive.language.arrays import Array
from symderive.language.domains import Domain, interval
from symderive.language.nodes import Leaf, Node, Number
from symderive.language.statements import Relation

SECONDS = 30.0
"""How long the symbolic judgement may take; what is not decided by then is run only."""

PROVING = 0.4
"""The share of that time that a proof may take; what is right at points is upheld without."""

POINTS = 16
"""At how many it is judged."""

ENDLESS = 10**6
"""Numbers of that size in code stand for infinity."""

NEAR = interval(-10, 10, closed="both")
"""What the entries are taken to be where code has such numbers."""

LARGE = 150
"""Loops that unroll to more nodes are judged at fewer points."""

EXPLAINING, EXPLAINING_AT_SIZES = 5.0, 1.5
"""How long it is looked for what would be right, for every shape and at fixed sizes."""

MENDING = 20.0
"""How long it may take to find an edit of the code that would make it right; its own limit counts the work done."""

LONGEST = 160
"""Longer formulas are not shown beside a wrong one."""

NAMES = ("the gradient", "the claim")
"""What the sides are called in hints."""


def check_gradient(
    loss: Callable[..., Any],
    grad: Callable[..., Any],
    params: Any,
    *data: Any,
    seed: int = 0,
    timeout: float | None = SECONDS,
) -> Verdict:
    """Judge whether ``grad(params, *data)`` is the gradient of ``loss(params, *data)`` by ``params``.

    Parameters
    ----------
    loss : function of (params, \\*data) that returns a number, or a tuple that begins with one
    grad : function of the same arguments that returns an array for each array of ``params``, in the
        same structure; ``{"dW": ...}`` for ``{"W": ...}``, a tuple in the order of a dict, and a
        value or a cache beside the gradient are understood too.  A function that returns
        ``(value, gradient)`` may be given twice
    params : array or number, or dicts, lists, tuples and dataclasses of them; the point at which
        finite differences are taken
    data : arrays, numbers, nested or not, or anything else that the functions take
    seed : for the choice of entries, of fresh points and of labels
    timeout : seconds for the symbolic judgement; afterwards the code is run only

    Returns
    -------
    Verdict
        Where both functions can be read: the verdict on the claim for every shape and value (what
        it takes the data to be, such as labels 0 and 1, is named in it).  Code that asks for
        integers, in loops or buffers, is read at several small sizes: upheld is then ``checked``,
        and the reason names the sizes.  Code that can only be run is ``undecided``.  Either way
        ``cross_check`` compares with finite differences at ``params`` (what can only be run, also
        at fresh points near it and for data of the same kind), and ``reason`` and ``hint`` say
        which parameter is wrong, and what would be right.

    Raises
    ------
    UnsupportedError
        An argument is not callable.
    ShapeError, DataError
        The gradient has another structure or shape than ``params``; the loss is not one number; the
        functions raise at this point.

    The functions are run: pass what you trust.

    >>> import numpy as np
    >>> from symderive import check_gradient
    >>> A, b = np.arange(6.0).reshape(3, 2), np.ones(3)
    >>> loss = lambda w, A, b: ((A @ w - b) ** 2).sum() / 2
    >>> check_gradient(loss, lambda w, A, b: A.T @ (A @ w - b), np.array([0.3, -0.2]), A, b).status.value
    'proved'
    >>> check_gradient(loss, lambda w, A, b: 2 * A.T @ (A @ w - b), np.array([0.3, -0.2]), A, b).hint
    'the claim is 2 times the gradient: off by the factor 2'
    """
    program = Program(loss, grad, params, data)
    runs = Runs(program, seed)
    claim = (
        f"{_name(grad, 'grad')} is the gradient of {_name(loss, 'loss')} by "
        + ", ".join(part.path for part in program.parts)
    )
    trial, failure, random = None, None, ""
    try:
        trial = runs.given()
        random = runs.is_random()
    except SymderiveError:
        raise
    except Exception as error:  # the functions are the user's: whatever they raise is told
        failure = DataError(f"the functions cannot be run at this point: {type(error).__name__}: {error}")
    if random:
        return _random(claim, random)
    seen = trial.check.wrong if trial is not None and trial.fails and trial.check is not None else ()
    judge = _Judge(program, claim, seen, seed)
    found = judge.verdict(timeout)
    if failure is not None and found.verdict.status is not Status.refuted:
        raise failure
    if not found.read or found.verdict.status is Status.undecided:
        trial = _tried(runs, trial)
    if failure is None:
        found = judge.mended(found, runs, trial)
    return _told(runs, trial, found)


def _name(function: Callable[..., Any], otherwise: str) -> str:
    name = getattr(function, "__name__", otherwise)
    return otherwise if name == "<lambda>" else str(name)


def _random(claim: str, which: str) -> Verdict:
    """What is said of functions that draw fresh random numbers."""
    return Verdict(
        Status.undecided,
        claim,
        reason=f"{which} gives different results for the same arguments: it draws fresh random numbers, so that "
        "there is no one gradient to compare with",
        hint="hand the random numbers over as data (a mask, a noise array), or a np.random.Generator: "
        "every call then gets a copy that begins anew",
    )


def _tried(runs: Runs, given: Trial | None) -> Trial | None:
    """The first comparison that fails, at the point given or at fresh ones; else the one at the point given."""
    if given is not None and given.fails:
        return given
    count = 0
    for trial in runs.fresh():
        if trial.fails:
            return trial
        count += not trial.silent
    if given is None or given.check is None:
        return given
    noted = renamed(given.check, f"so do {count} fresh points, seeds from {runs.seed + 1}" if count else "")
    return replace(given, check=noted)


# -- the symbolic judgement ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """A verdict; the parts that are wrong, by their paths, what was claimed and derived of each, and hints.

    ``weak`` hints are said where nothing better is found; a key of ``hints`` may be several paths in a row.
    ``notes`` are what was taken for granted.
    ``sides`` are what is derived and claimed of a wrong part, and the conditions of the derivation.
    """

    verdict: Verdict
    read: bool = True
    reading: Reading | None = None
    looked: Mapping[str, Verdict] = field(default_factory=dict)
    wrong: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    weak: Mapping[str, str] = field(default_factory=dict)
    sides: Mapping[str, tuple[Node, Node, tuple[Relation, ...]]] = field(default_factory=dict)
    derived: str = ""
    notes: tuple[str, ...] = ()

    def noted(self, *notes: str) -> _Found:
        """The same with further notes of what was taken for granted, in its reason too."""
        reason = "; ".join(text for text in (self.verdict.reason, *notes) if text)
        return replace(self, verdict=replace(self.verdict, reason=reason), notes=(*self.notes, *notes))


class _Judge:
    """Reads a program and judges what it claims.

    ``seen`` are the parameters that finite differences show to be wrong.  What is refuted for real
    numbers is tried for numbers of the kind that was given (labels, signs), unless it is these.
    """

    def __init__(self, program: Program, claim: str, seen: Sequence[str], seed: int) -> None:
        self.program, self.claim, self.seen, self.seed = program, claim, frozenset(seen), seed
        self.paths = {part.name: part.path for part in program.parts}
        self.proving: float | None = None

    def verdict(self, seconds: float | None) -> _Found:
        """The judgement, or why there is none."""
        self.proving = PROVING * seconds if isinstance(seconds, int | float) else None
        kept: list[_Found] = []

        def run() -> Verdict:
            kept.append(self._judged())
            return kept[0].verdict

        late = within(seconds, self.claim, run)
        if not kept:
            return _Found(late, read=False)
        found = kept[0]
        if found.reading is not None and found.looked and found.verdict.status is Status.refuted:
            explained: list[_Found] = []

            def explain() -> Verdict:
                explained.append(self._explained(found))
                return found.verdict

            fixed = found.reading.sizes is not None
            within(EXPLAINING_AT_SIZES if fixed else EXPLAINING, self.claim, explain)
            found = explained[0] if explained else found
        return found

    def _judged(self) -> _Found:
        """The judgement; code that branches on single numbers is read for these as they are given."""
        found = self._read()
        numbers = [s for s in self.program.slots if s.symbolic and not s.parameter and not s.shape]
        if found.read or not numbers:
            return found
        self.program = self.program.as_given(s.number for s in numbers)
        again = self._read()
        if not again.read:
            return found
        verdict = again.verdict
        if verdict.status is Status.proved:  # of other numbers nothing was seen
            verdict = replace(verdict, status=Status.checked, trace=())
        taken = (f"{s.part.path} is taken to be {s.part.value!s}" for s in numbers)
        return replace(again, verdict=verdict).noted(*taken)

    def _read(self) -> _Found:
        layout = Layout(self.program)
        try:
            found = self._by_kinds(layout, self._looks)  # what the data have to be is seen at points, and proved once
            found = self._proved(found) if found.verdict.upheld else found
            decided = found.verdict.upheld or (found.verdict.status is Status.refuted and found.looked)
            return found if decided else self._by_kinds(Layout(self.program), self._symbolic)
        except SymderiveError as error:
            why = str(error).splitlines()[0]
            counts = error.counts if isinstance(error, CountedError) else {}
        try:
            samples = Layout(self.program).samples(self.program)
            samples.counts = dict(counts)
            return self._by_kinds(samples, lambda place, domains: self._concrete(place, domains, why))
        except SymderiveError as error:
            reason = f"the code can only be run, not read: {str(error).splitlines()[0]}"
            return _Found(Verdict(Status.undecided, self.claim, reason=reason), read=False)

    def _by_kinds(self, layout: Layout, judge: Callable[[Layout, Mapping[int, Domain]], _Found]) -> _Found:
        """The judgement for all numbers, or else for those of the kind that was given."""
        first = judge(layout, {})
        if first.verdict.upheld or (self.seen and first.wrong.keys() <= self.seen):
            return first
        samples = layout.samples(self.program)
        if samples.axes != layout.axes:
            with suppress(SymderiveError):
                found = self._by_kinds(samples, judge)
                if found.verdict.upheld and not self.seen:
                    return found.noted("data of one length are taken to be the same samples")
        tries: list[dict[int, Domain]] = []
        for signs in ("", "data", *(["all"] if _about_definedness(first.verdict) else [])):
            domains = assumptions(self.program, signs)
            if domains and domains not in tries:
                tries.append(domains)
        last = first
        for domains in tries:
            try:
                found = judge(squared(layout, domains), domains)
            except SymderiveError:
                continue
            if not self.seen:
                if found.verdict.upheld:
                    return self._weakened(layout, domains, found, judge)
                last = found
            elif found.verdict.status is Status.refuted:
                vague = last.verdict.status is not Status.refuted
                if vague or len(found.wrong) < len(last.wrong):  # some parts are right for data of this kind
                    last = self._taken(found, domains)
        return last

    def _taken(self, found: _Found, domains: Mapping[int, Domain]) -> _Found:
        """The judgement with what the data are taken to be."""
        slots = self.program.slots
        return found.noted(*(f"{s.part.path} is taken to be {domains[s.number]}" for s in slots if s.number in domains))

    def _weakened(
        self,
        layout: Layout,
        domains: Mapping[int, Domain],
        found: _Found,
        judge: Callable[[Layout, Mapping[int, Domain]], _Found],
    ) -> _Found:
        """What is upheld for a kind of data, with no more assumed than it needs."""
        kept = dict(domains)
        for number in list(kept) if len(kept) <= 4 else []:
            fewer = {k: v for k, v in kept.items() if k != number}
            try:
                other = judge(squared(layout, fewer), fewer)
            except SymderiveError:
                continue
            if fewer and other.verdict.upheld:
                kept, found = fewer, other
        return self._taken(found, kept)

    # -- for every shape ------------------------------------------------------------------------

    def _symbolic(self, layout: Layout, domains: Mapping[int, Domain]) -> _Found:
        """The claim at points, and where it is not refuted there by proof."""
        found = self._looks(layout, domains)
        return found if found.verdict.status is Status.refuted else self._proved(found)

    def _looks(self, layout: Layout, domains: Mapping[int, Domain]) -> _Found:
        """A first look by power series: what is wrong is found before anything is derived."""
        reading = read(self.program, layout, domains)
        endless = _endless(reading)
        if endless and not domains and not self.seen:
            near = {s.number: NEAR for s in self.program.slots if s.symbolic} | assumptions(self.program)
            note = f"entries are taken to be within {NEAR}: {endless} in the code stands for what they never reach"
            return self._looks(layout, near).noted(note)
        wrt = _changing(reading)
        looked = self._looked_at(reading, wrt)
        fit = len(looked) == len(wrt)
        looked |= {n: check(reading.claimed[n], "==", 0) for n in reading.wrt if n not in wrt}
        if any(v.status is Status.refuted for v in looked.values()):
            return self._wrong(reading, looked)
        if not fit and (counts := reading.layout.counted(reading)):
            raise CountedError(counts, reading.layout)
        if not fit:
            return _Found(Verdict(Status.undecided, self.claim, reason="the shapes differ"), True, reading)
        evidence = _merged([v.evidence for v in looked.values() if v.evidence is not None])
        status = min(weakest(looked.values()), Status.checked)
        reason = next((v.reason for v in looked.values() if v.status is status and not status.upheld), "")
        whole = Verdict(status, self.claim, reason=reason, evidence=evidence)
        return replace(self._put_together(reading, whole, looked, {}), looked=looked)

    def _proved(self, found: _Found) -> _Found:
        """The claim beside the gradient as it is derived; what was found at points where that takes too long."""
        reading = found.reading
        assert reading is not None
        try:
            return run_within(self.proving, lambda: self._derived(reading, _changing(reading))).noted(*found.notes)
        except OutOfTime:
            tick()  # the limit may be that of the whole
            late = f"no proof in {self.proving or 0:.3g} seconds; judged at points, all entries, by power series"
            return found.noted(late)

    def _derived(self, reading: Reading, wrt: Mapping[str, Array]) -> _Found:
        """The claim beside the gradient as it is derived."""
        verdicts: dict[str, Verdict] = {}
        results: dict[str, Array] = {}
        if wrt:
            derivation = gradient(reading.loss, list(wrt.values()) if len(wrt) > 1 else next(iter(wrt.values())))
            claimed = {name: reading.claimed[name] for name in wrt}
            whole = check(derivation, "==", claimed if len(wrt) > 1 else next(iter(claimed.values())))
            results = {name: derivation.results[(name,) if len(wrt) > 1 else ()] for name in wrt}
            parts = whole.parts if len(wrt) > 1 else (whole,)
            verdicts = dict(zip(wrt, parts, strict=True))
        else:
            whole = Verdict(Status.proved, self.claim, reason="the loss depends on no parameter")
        for name, array in reading.wrt.items():
            if name not in wrt:
                verdicts[name] = check(reading.claimed[name], "==", 0)
                results[name] = Array(build.zeros(array.node.shape))
        return self._put_together(reading, whole, verdicts, results)

    def _sized(self, reading: Reading) -> str:
        """What is said of parameters whose gradient has a number for a size."""
        layout = reading.layout
        told = [
            f"the shape of {part.path} is taken as given: {told_shape(layout.shape(slot, None))}"
            for part, slot in zip(self.program.parts, self.program.slots, strict=False)
            if reading.sizes is None and not layout.fixed.keys().isdisjoint(layout.axes[slot.number])
        ]
        return "; ".join(told)

    def _looked_at(self, reading: Reading, wrt: Mapping[str, Array], points: int = POINTS) -> dict[str, Verdict]:
        """The claim for each parameter by power series; empty where the shapes do not fit."""
        found: dict[str, Verdict] = {}
        for name, array in wrt.items():
            claimed = reading.claimed[name].node
            assert isinstance(array.node, Leaf)
            if claimed.shape == array.node.shape:
                found[name] = judge_derivative(reading.loss.node, array.node, claimed, seed=self.seed, points=points)
            else:
                return {}
        return found

    def _wrong(self, reading: Reading, looked: Mapping[str, Verdict]) -> _Found:
        """The verdict on parts of which some are refuted; what is right is looked for afterwards."""
        wrong = {self.paths[name]: v for name, v in looked.items() if v.status is Status.refuted}
        worst = next(iter(wrong.values()))
        reason = "\n".join(x for x in (_note(reading), worst.reason, self._sized(reading)) if x)
        verdict = replace(worst, claim=self.claim, reason=reason, hint="", trace=())
        return _Found(verdict, True, reading, looked, dict.fromkeys(wrong, ("", "")))

    def _explained(self, found: _Found) -> _Found:
        """The same with what was claimed of each wrong part, what is right, and what the difference is."""
        reading = found.reading
        assert reading is not None
        shown: dict[str, tuple[str, str]] = {}
        hints: dict[str, str] = {}
        sides: dict[str, tuple[Node, Node, tuple[Relation, ...]]] = {}
        derived = ""
        for name, verdict in found.looked.items():
            if verdict.status is not Status.refuted:
                continue
            path = self.paths[name]
            derivation = gradient(reading.loss, reading.wrt[name])
            truth, claimed = derivation.results[()], reading.claimed[name]
            derived = str(truth)
            shown[path] = (_short(claimed), _short(truth))
            sides[path] = (truth.node, claimed.node, derivation.conditions)
            kinds = ("factor", "transpose", "mask")
            said = verdict.hint or hint(truth.node, "==", claimed.node, derivation.conditions, names=NAMES, kinds=kinds)
            if said:
                hints[path] = said
        alone = len(reading.wrt) == 1 and reading.sizes is None
        return replace(found, wrong=shown, hints=hints, sides=sides, derived=derived if alone else "")

    def _termed(self, found: _Found, wrong: Sequence[str]) -> _Found:
        """The same with the terms that wrong parts without a hint lack or have too much."""
        weak = dict(found.weak)

        def look() -> Verdict:
            for path in wrong:
                truth, claimed, conditions = found.sides[path]
                said = hint(truth, "==", claimed, conditions, names=NAMES, kinds=("term", "absent"))
                if said:
                    weak[path] = said
            return found.verdict

        within(EXPLAINING, self.claim, look)
        return replace(found, weak=weak)

    def mended(self, found: _Found, runs: Runs, trial: Trial | None) -> _Found:
        """The same with hints from the code: one edit of it that would make wrong parts right."""
        fails = trial is not None and trial.fails
        if not fails and found.verdict.status is not Status.refuted:
            return found
        assert trial is not None
        wrong = [p for p in runs.paths if p in found.wrong or (trial.check is not None and p in trial.check.wrong)]
        if all(p in found.hints for p in wrong):
            return found
        plain = runs.explain(trial) if fails and found.reading is None else {}
        if plain.keys() >= set(wrong):
            return replace(found, hints=plain)
        told: list[Mended] = []

        def search() -> Verdict:
            near = trial if fails else next((fresh for fresh in runs.fresh() if fresh.fails), trial)
            mending = Mending(runs, near.values, wrong)
            told.extend(mending.search(lambda grad, paths: self._stands(found.reading, grad, paths)))
            return found.verdict

        within(MENDING, self.claim, search)
        hints = {p: text for p, text in found.hints.items() if not any(p in m.paths for m in told)}
        hints |= {", ".join(m.paths): m.words for m in told}
        covered = {*hints, *(p for m in told for p in m.paths)}
        left = [p for p in wrong if p not in covered]
        found = self._termed(found, [p for p in left if p in found.sides])
        weak = {p: found.weak[p] for p in left if p in found.weak}
        weak = weak or {p: text for p, text in (plain or runs.explain(trial)).items() if p in left}
        return replace(found, hints=hints | weak)

    def _stands(self, reading: Reading | None, grad: Callable[..., Any], paths: Sequence[str]) -> bool:
        """Whether another gradient stands for some parameters: before the judge, or as it runs where it is not read."""
        program = Program(self.program.loss, grad, self.program.params, self.program.data)
        program = program.as_given(s.number for s in self.program.slots if not s.symbolic)
        if reading is None:
            runs = Runs(program, self.seed)
            trials = [runs.given(), *islice(runs.fresh(), 4)]
            return all(t.check is None or not set(paths) & set(t.check.wrong) for t in trials)
        for signs in ("", "data", "all"):  # right for data of the kind given is right enough
            domains = {**assumptions(program, signs), **reading.domains}
            try:
                layout = squared(reading.layout, domains) if reading.sizes is None else reading.layout.copy()
                again = read(program, layout, domains, reading.sizes, reading.fixed)
            except SymderiveError:
                return False
            looked = self._looked_at(again, {n: array for n, array in again.wrt.items() if self.paths[n] in paths}, 6)
            if looked and all(verdict.upheld for verdict in looked.values()):
                return True
        return False

    def _put_together(
        self, reading: Reading, whole: Verdict, verdicts: Mapping[str, Verdict], results: Mapping[str, Array]
    ) -> _Found:
        wrong = {name: v for name, v in verdicts.items() if v.status is Status.refuted}
        status = weakest([whole, *verdicts.values()]) if not wrong else Status.refuted
        worst = next((v for v in (*wrong.values(), whole, *verdicts.values()) if v.status is status), whole)
        reason = whole.reason if whole.status is status else worst.reason
        reason = "\n".join(x for x in (_note(reading), reason, self._sized(reading)) if x)
        if reading.forced:
            status = Status.refuted if status is Status.refuted else Status.undecided
        verdict = replace(
            whole,
            status=status,
            claim=self.claim,
            reason=reason,
            counterexample=worst.counterexample if status is Status.refuted else None,
            trace=whole.trace if status is Status.proved else (),
            hint="",
            parts=(),
        )
        shown = {
            self.paths[name]: (_short(reading.claimed[name]), _short(results[name]))
            for name in wrong
        }
        said = {self.paths[name]: v.hint for name, v in wrong.items() if v.hint}
        hints = {path: text for path, text in said.items() if _is_telling(text)}
        weak = {path: text for path, text in said.items() if path not in hints}
        only = str(next(iter(results.values()))) if len(results) == 1 else ""
        return _Found(verdict, True, reading, wrong=shown, hints=hints, weak=weak, derived=only)

    # -- at sizes -------------------------------------------------------------------------------

    def _concrete(self, layout: Layout, domains: Mapping[int, Domain], why: str) -> _Found:
        verdicts: list[Verdict] = []
        told: dict[str, None] = {}
        evidence: list[Evidence] = []
        chosen: dict[str, None] = {}
        for reading in concrete(self.program, layout, domains, np.random.default_rng(self.seed)):
            told[reading.layout.told(reading.sizes or {})] = None
            chosen.update(dict.fromkeys(s.part.path for s in self.program.slots if s.number in reading.fixed))
            for name, array in reading.wrt.items():
                assert isinstance(array.node, Leaf)
                verdict = self._entry(reading, name, array.node)
                if verdict.status is Status.refuted:
                    return self._refuted(reading, name, verdict, why)
                verdicts.append(verdict)
                evidence += [verdict.evidence] if verdict.evidence is not None else []
        status = min(weakest(verdicts), Status.checked)
        worst = next((v for v in verdicts if v.status is status), None)
        reason = f"read at {' and at '.join(told)} only: {why}"
        if chosen:
            reason += f"; {', '.join(chosen)}: a few choices of values of the kind given"
        if worst is not None and not status.upheld:
            reason = f"{worst.reason}\n{reason}"
        return _Found(Verdict(status, self.claim, reason=reason, evidence=_merged(evidence)))

    def _entry(self, reading: Reading, name: str, leaf: Leaf) -> Verdict:
        """The claim for one parameter at fixed sizes."""
        claimed = reading.claimed[name].node
        if claimed.shape != leaf.shape:
            raise ShapeError(f"the gradient by {self.paths[name]} has another shape than {self.paths[name]}")
        large = sum(1 for _ in reading.loss.node.walk()) > LARGE
        return judge_derivative(reading.loss.node, leaf, claimed, seed=self.seed, points=4 if large else 16)

    def _refuted(self, reading: Reading, name: str, verdict: Verdict, why: str) -> _Found:
        told = reading.layout.told(reading.sizes or {})
        fixed = [
            f"{s.part.path} = {np.array2string(reading.fixed[s.number], threshold=12)}"
            for s in self.program.slots
            if s.number in reading.fixed
        ]
        reason = "; ".join([f"read at {told}", *fixed, why])
        looked = {name: verdict}
        for other, array in reading.wrt.items():
            if other != name:
                assert isinstance(array.node, Leaf)
                looked[other] = self._entry(reading, other, array.node)
        looked = {other: looked[other] for other in reading.wrt}
        found = self._wrong(reading, looked)
        return replace(found, verdict=replace(found.verdict, reason=f"{found.verdict.reason}\n{reason}"))


def _changing(reading: Reading) -> dict[str, Array]:
    """The parameters that the loss has."""
    used = set(reading.loss.node.leaves())
    return {name: array for name, array in reading.wrt.items() if array.node in used}


def _endless(reading: Reading) -> str:
    """A number that stands for infinity, as the -1e9 of a mask before a softmax does; empty where there is none."""
    roots = [reading.loss.node, *(array.node for array in reading.claimed.values())]
    numbers = {n.value for root in roots for n in root.walk() if isinstance(n, Number) and n.value.is_Integer}
    return str(max((n for n in numbers if abs(n) >= ENDLESS), key=abs, default=""))


def _note(reading: Reading) -> str:
    """What is said where only the gradient needs dimensions to be equal."""
    if not reading.forced:
        return ""
    pairs = ", ".join(f"{a} = {b}" for a, b in reading.forced)
    return f"the shapes of the gradient fit only where {pairs}; the loss does not need that"


def _merged(evidence: Sequence[Evidence]) -> Evidence | None:
    if not evidence:
        return None
    bits = [e.bits for e in evidence if e.bits is not None]
    return replace(
        evidence[0],
        points=sum(e.points for e in evidence),
        skipped=sum(e.skipped for e in evidence),
        unresolved=sum(e.unresolved for e in evidence),
        bits=min(bits) if bits else None,
        sizes=(),
    )


def _about_definedness(verdict: Verdict) -> bool:
    """Whether a verdict is what it is because a side is undefined somewhere."""
    point = verdict.counterexample
    if verdict.status is Status.refuted:
        return point is not None and (point.lhs_value is None or point.rhs_value is None) and bool(point.values)
    return verdict.status is Status.undecided


def _is_telling(hint: str) -> bool:
    """Whether a hint about the formula says it all, and is no condition that the author did not mean."""
    return bool(hint) and not hint.startswith("true if")


def _short(value: Array) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else ""


# -- what is said -------------------------------------------------------------------------------


def _told(runs: Runs, trial: Trial | None, found: _Found) -> Verdict:
    """The verdict with its comparison, what is wrong, and what would be right."""
    several = len(runs.paths) > 1
    verdict = found.verdict
    check = trial.check if trial is not None else None
    hints = [f"{path}: {text}" if several else text for path, text in found.hints.items()]
    lines: list[str] = []
    if trial is not None and trial.fails:
        if verdict.upheld:
            note = "the formula as it is read is right, but the code as it runs is not (integers, overflow, precision?)"
            verdict = replace(verdict, status=Status.undecided, reason=f"{note}\n{verdict.reason}", trace=())
        lines += _report(runs, trial, found)
    elif found.derived and verdict.status is Status.refuted:
        lines.append(f"derived: {found.derived}")
    if several or not found.derived:
        lines += _formulas(found)
    if trial is not None and trial.silent:
        check = None
        lines.append("finite differences say nothing here: " + (
            "the loss is not finite" if trial.check is None else trial.check.note
        ))
    lines += list(runs.damaged)
    first = [*lines, verdict.reason] if trial is not None and trial.fails else [verdict.reason, *lines]
    return replace(
        verdict, reason="\n".join(line for line in first if line), hint="; ".join(hints), cross_check=check
    )


def _formulas(found: _Found) -> list[str]:
    """``W2: hand ...; derived: ...`` for every wrong parameter."""
    lines: list[str] = []
    for path, (claimed, derived) in found.wrong.items():
        shown = [text for text in (f"hand {claimed}" * bool(claimed), f"derived: {derived}" * bool(derived)) if text]
        lines.append(f"{path}: {'; '.join(shown) or 'wrong'}")
    return lines


def off_by(check: CrossCheck) -> float:
    """How far the worst entry is off, relative to the finite difference; inf where that is 0."""
    return check.absolute_error / abs(check.estimated) if check.estimated else float("inf")


def _report(runs: Runs, trial: Trial, found: _Found) -> list[str]:
    """The comparison with finite differences, the worst entry first."""
    check = trial.check
    assert check is not None
    count = check.checked + check.directions
    wrong = f" (wrong: {', '.join(check.wrong)})" if len(runs.paths) > 1 and check.wrong else ""
    lines = [
        f"gradient disagrees with central differences in {check.failing} of {count} components{wrong}",
        f"worst: {check.worst}  hand {check.claimed:.6g}   finite difference {check.estimated:.6g}   "
        f"abs {check.absolute_error:.1e}  rel {off_by(check):.1e}",
    ]
    point = runs.point(trial.values)
    shown = ", ".join(f"{k} = {np.array2string(v, precision=4, threshold=8)}" for k, v in point.items() if v.size <= 64)
    where = f"point: {' '.join(shown.split()) or trial.where}   seed {runs.seed}"
    if trial.values:
        where += f" ({trial.where})"
    lines.append(f"derived: {found.derived}      {where}" if found.derived else where)
    return lines


__all__ = ["check_gradient", "off_by"]
