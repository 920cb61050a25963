"""`check`: is a relation between two formulas true?  Proved, certified, checked, refuted or undecided."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import combinations
from typing import Any

from sympy import Symbol

from symderive.calculus.openings import has_binding
from symderive.checking.closing import prove_opened, without_bindings
from symderive.checking.hints import hint
from symderive.checking.sides import MIRROR, Claim, read_claim, same_shape, shortened
from symderive.deadline import OutOfTime, run_within, tick
from symderive.derivation.derivation import Derivation
from symderive.derivation.inequalities import prove_inequality
from symderive.derivation.proofs import prove_equal
from symderive.errors import DataError, JudgementConflictError, ReadError, ShapeError, UnsupportedError
from symderive.judgement.judge import judge_edges, judge_relation
from symderive.judgement.verdicts import Counterexample, Status, Verdict, weakest
from symderive.language import build
from symderive.language.arrays import Array, joined_nodes, shape_text
from symderive.language.domains import Domain
from symderive.language.nodes import Named
from symderive.language.reading import read_text
from symderive.language.statements import Claimed, Relation
from symderive.language.sympy_bounds import bounded
from symderive.language.text_reader import defined_names

CLOSELY, FEW = 20_000, 6
"""Bits, and points, of a second look at equalities that have no proof."""

HINTING = 6.0
"""How long it is looked for what would be true."""

SECONDS = 60.0
"""How long a claim may take where nothing else is said."""

#: Most parts of a SymPy expression that is printed while it is not judged yet.
MOST_SHOWN = 1000


def check(
    lhs: Any,
    op: str | None = None,
    rhs: Any = None,
    *,
    domains: Mapping[Any, Domain] | None = None,
    given: Any = (),
    shapes: Mapping[Any, Any] | None = None,
    timeout: float | None = SECONDS,
) -> Verdict:
    """Judge ``lhs op rhs``, entrywise, at every point of the declared domains and of ``given``.

    Parameters
    ----------
    lhs, rhs : Array, number, SymPy expression, text, NumPy function or Derivation
        Text is read as it stands (``x/x`` is not 1 at 0) and never executed; its names are those
        of the other side, of ``shapes`` and of ``domains``.  Where nothing is declared at all, a
        name is a real scalar.  With a Derivation on one side, the other side is read in its scope
        (a mapping by name where it is by several variables).  One text ``"lhs == rhs"`` will do.
    op : "==", "<=", ">=", "<", ">" or "!="
    domains : by symbol or name; restricts further what is declared already
    given : relations, texts such as ``"p < q"``, triples ``(p, "<", q)``, SymPy relations
    shapes : ``{"X": "n d", "w": "d"}``, as in `symderive.read`
    timeout : seconds after which the answer is ``undecided``; None for no limit

    Returns
    -------
    Verdict
        ``proved`` with a trace, ``checked`` with its evidence, ``refuted`` with an exact point and,
        where one was found, a hint, or ``undecided`` with the reason.

    Raises
    ------
    ReadError, UnknownNameError, UnsupportedError
        A side cannot be read.
    ShapeError
        The shapes differ and neither side is a scalar; both are named.  (A claimed *gradient* of
        the wrong shape is refuted instead.)
    DomainError
        A domain is empty or contradicts another.

    >>> import symderive as sd
    >>> sd.check("log(x**2)", "==", "2*log(x)").hint
    'true if x > 0'
    >>> sd.check("log(x**2) == 2*log(x)", domains={"x": sd.positive}).status.value
    'proved'
    >>> sd.check("x + 1/x", ">=", 2, domains={"x": sd.positive}).upheld
    True
    """
    options: dict[str, Any] = {"domains": domains, "given": given, "shapes": shapes}
    if isinstance(rhs, Derivation) and not isinstance(lhs, Derivation) and op in MIRROR:
        lhs, op, rhs = rhs, MIRROR[op], lhs
    if isinstance(lhs, Derivation):
        derivation = lhs
        shown = f"{derivation.lhs_text} {op} {'...' if isinstance(rhs, Mapping) else _shown(rhs)}"
        return within(timeout, shortened(shown), lambda: _derived(derivation, op, rhs, options))
    shown = shortened(" ".join(_shown(part) for part in (lhs, op, rhs) if part is not None))
    return within(timeout, shown, lambda: verdict_of(read_claim(lhs, op, rhs, **options)))


def within(seconds: float | None, claim: str, run: Callable[[], Verdict]) -> Verdict:
    """The verdict of ``run``, or ``undecided`` where time, memory or the depth of Python's calls runs out."""
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds == seconds
    if seconds is not None and not number:
        raise DataError(f"timeout is a number of seconds, or None for no limit; got {seconds!r}")
    try:
        return run_within(seconds, run)
    except MemoryError:
        return Verdict(Status.undecided, claim, reason="stopped: it needs more memory than there is")
    except RecursionError:
        return Verdict(Status.undecided, claim, reason="stopped: it is nested too deeply")
    except OutOfTime:
        tick()  # the limit may be that of a claim around this one
        if seconds is None:
            raise
        return Verdict(Status.undecided, claim, reason=f"stopped after {seconds:g} seconds")


def verdict_of(claim: Claim, names: tuple[str, str] = ("the left side", "the right side")) -> Verdict:
    """The verdict on a claim that is read: proof first, then the judge, then a hint."""
    verdict = prove(claim.relation, claim.given)
    verdict = replace(verdict, claim=claim.text, statement=Claimed(claim.relation, claim.given))
    if verdict.status is Status.refuted and not verdict.hint:
        verdict = replace(verdict, hint=_hinted(claim, names, verdict.counterexample))
    return verdict


def _hinted(claim: Claim, names: tuple[str, str], at: Counterexample | None) -> str:
    """A hint; none where it is looked for too long: what is refuted stays refuted."""

    def look() -> str:
        relation = without_bindings(claim.relation, claim.given)
        return hint(relation.lhs, relation.op, relation.rhs, claim.given, names=names, at=at)

    try:
        return run_within(HINTING, look)
    except OutOfTime:
        tick()  # the limit may be that of a claim around this one
        return ""


def prove(relation: Relation, given: tuple[Relation, ...] = ()) -> Verdict:
    """A relation by the strongest means there are for it."""
    if has_binding(relation.lhs, relation.rhs):
        return prove_opened(relation, given, prove)
    match relation.op:
        case "==":
            verdict = prove_equal(relation.lhs, relation.rhs, given=given)
        case "!=":
            verdict = judge_relation(relation, given=given)
        case _:
            verdict = prove_inequality(relation, given=given)
    return _looked_at_closely(verdict, relation, given)


def _looked_at_closely(verdict: Verdict, relation: Relation, given: tuple[Relation, ...]) -> Verdict:
    """A relation between scalars that has no proof, at places that are rare and, an equality, with very many bits.

    erf(50) is 1 but for 2**-3600; 1/(x² - 2)² is > 0 but at √2.
    """
    sides = (relation.lhs, relation.rhs)
    scalars = not any(n.shape for side in sides for n in (side, *side.leaves()))
    if verdict.status not in (Status.checked, Status.undecided) or not scalars:
        return verdict
    found = judge_edges(relation, given=given, agreed=verdict.evidence.points if verdict.evidence else 0)
    if found is None and relation.op == "==" and verdict.status is Status.checked:
        found = judge_relation(relation, given=given, bits=CLOSELY, points=FEW)
    return found if found is not None and found.status.strength < verdict.status.strength else verdict


def _shown(side: Any) -> str:
    if isinstance(side, str):
        return shortened(side)
    if (count := bounded(side)) > MOST_SHOWN:  # SymPy sorts what it prints, for seconds
        return f"(a formula of {count} parts)"
    name = getattr(side, "__name__", None)
    return str(name) if callable(side) and name else shortened(str(side))


# -- claims about derivations -------------------------------------------------------------


def _derived(derivation: Derivation, op: str | None, rhs: Any, options: Mapping[str, Any]) -> Verdict:
    """A claimed result of a derivation; for several variables one part each."""
    if op is None:
        raise ReadError("say what is claimed of the derivation: check(g, '==', 'X.T @ r')")
    results = derivation.results
    if set(results) == {()}:
        verdict = _part(derivation, (), op, rhs, options)
        parts: tuple[Verdict, ...] = (verdict,)
    else:
        if not isinstance(rhs, Mapping):
            names = ", ".join("/".join(k) for k in results)
            raise ReadError(f"the derivation is by several arrays ({names}): claim a mapping from name to formula")
        claimed = dict(_flat(rhs))
        if set(claimed) != set(results):
            given_keys, wanted = (", ".join(sorted("/".join(k) for k in keys)) for keys in (claimed, results))
            raise ReadError(f"the claim is about {given_keys}, but the derivation is by {wanted}")
        parts = tuple(_part(derivation, key, op, claimed[key], options) for key in results)
    if any(p.status is Status.refuted for p in parts):
        if derivation.end_to_end.status is Status.refuted:
            raise JudgementConflictError(f"the derivation itself is refuted; this is a bug in symderive\n{derivation}")
        worst = next(p for p in parts if p.status is Status.refuted)
        return worst if len(parts) == 1 else replace(worst, parts=parts)
    base = derivation.verdict
    status = weakest((*parts, base))
    worst = next((v for v in (*parts, base) if v.status is status), base)
    claim = "; ".join(p.claim for p in parts)
    reason = parts[0].reason
    if status is Status.proved:
        reason = f"it has the normal form of the derived {derivation.kind}, whose every line is proved"
    elif worst is base:
        reason = f"equal to the derived {derivation.kind}, which is {base.status.value}"
        reason += f": {base.reason}" if base.reason else ""
    elif not status.upheld:
        reason = worst.reason
    return Verdict(
        status,
        claim,
        reason=reason,
        conditions=tuple(dict.fromkeys(c for p in parts for c in p.conditions)),
        trace=tuple(line for p in parts for line in p.trace) if status is Status.proved else (),
        evidence=parts[0].evidence if len(parts) == 1 else None,
        parts=parts if len(parts) > 1 else (),
        end_to_end=base.end_to_end,
    )


def _flat(value: Mapping[Any, Any], keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, inner in value.items():
        key = (*keys, name.name if isinstance(name, Array) else str(name))
        if isinstance(inner, Mapping):
            yield from _flat(inner, key)
        else:
            yield key, inner


def _part(derivation: Derivation, key: tuple[str, ...], op: str, rhs: Any, options: Mapping[str, Any]) -> Verdict:
    """One claimed array against one derived array."""
    truth = derivation.results[key]
    label = _label(derivation, key)
    text = shortened(f"{label} {op} {_shown(rhs)}")
    what = derivation.kind if derivation.kind != "differential" else "result"
    names = (f"the {what}", "the claim")
    given = [*derivation.conditions, *_given(options["given"])]
    truth, scope = _beside(derivation, truth, rhs)
    try:
        claim = read_claim(truth, op, rhs, **{**options, "given": given}, scope=scope)
    except ShapeError as error:
        return _misshapen(derivation, truth, op, rhs, text, str(error), given)
    if callable(rhs) and not isinstance(rhs, Array):
        text = shortened(f"{label} {op} {claim.rhs}")
    return verdict_of(replace(claim, text=text), names)


def _beside(derivation: Derivation, truth: Array, claimed: Any) -> tuple[Array, dict[str, Array]]:
    """The derived array and the names in play, less names that were made for printing and the claim defines itself."""
    if not isinstance(claimed, str):
        return truth, derivation.scope
    authored = {n.name for n in derivation.subject.node.walk() if isinstance(n, Named)}
    own = {name for name in defined_names(claimed) if name not in authored}
    opened = {n: n.body for n in truth.node.walk() if isinstance(n, Named) and n.name in own}
    scope = {name: array for name, array in derivation.scope.items() if name not in own}
    node = truth.node
    while opened:
        node = build.substitute(node, opened)
        opened = {n: n.body for n in node.walk() if isinstance(n, Named) and n.name in own}
    return Array(node, truth.axes), scope


def _label(derivation: Derivation, key: tuple[str, ...]) -> str:
    if not key:
        return derivation.lhs_text
    labels = {step.lhs for step in derivation.steps}
    ends = [f"∇_{key[0]}"] if len(key) == 1 else [f"∇²_{key[0]}", f"/∂{key[0]}∂{key[1]}"]
    return next((x for x in sorted(labels) for e in ends if x.startswith(e) or x.endswith(e)), "/".join(key))


def _given(given: Any) -> list[Any]:
    return [given] if isinstance(given, str) else list(given)


def _misshapen(
    derivation: Derivation,
    truth: Array,
    op: str,
    rhs: Any,
    text: str,
    problem: str,
    given: Sequence[Any],
) -> Verdict:
    """A claimed derivative whose shapes do not fit: refuted at sizes where they do not."""
    made: Array | None = None
    problem = problem.splitlines()[0]
    with suppress(ShapeError):
        made = read_claim(rhs, op, rhs, scope=derivation.scope, given=given).lhs
    symbols = sorted({s for a in derivation.scope.values() for d in a.dims for s in d.free_symbols}, key=str)
    sizes = {Symbol(str(symbol), integer=True, positive=True): 2 + k for k, symbol in enumerate(symbols)}
    shape = _shape_at(truth, sizes)
    if made is None:
        claimed, why = "undefined (the shapes do not fit)", f"the claim is not defined: {problem}"
    else:
        claimed = f"shape {_shape_at(made, sizes)}"
        why = f"the claim has shape {shape_text(made.dims)}, the {derivation.kind} has {shape_text(truth.dims)}"
    counterexample = Counterexample(
        sizes={str(k): v for k, v in sizes.items()}, values={}, lhs=f"shape {shape}", rhs=claimed
    )
    found = ""
    if op == "==" and made is not None and made.ndim == 2 and _equal(truth, made.T):
        found = "missing transpose: the claim is right transposed, (...).T"
    if not found and op == "==" and isinstance(rhs, str):
        found = _transposed_part(derivation, truth, rhs)
    if not found and "transposed" in problem:
        found = f"missing transpose: {problem.split(';')[-1].strip()}"
    return Verdict(Status.refuted, text, reason=why, counterexample=counterexample, hint=found)


def _shape_at(array: Array, sizes: Mapping[Symbol, int]) -> tuple[int, ...]:
    return tuple(int(d.xreplace(sizes)) for d in array.dims)  # type: ignore[arg-type]


def _equal(a: Array, b: Array) -> bool:
    """Whether two arrays of one shape stand the judge's look."""
    try:
        same_shape(a, b, "==")
    except ShapeError:
        return False
    left, right = joined_nodes((a, b), "==")
    return judge_relation(Relation(left, "==", right), points=8).upheld


def _transposed_part(derivation: Derivation, truth: Array, text: str) -> str:
    """Transpose one or two matrices in a claimed text until it is right."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    places = [n.col_offset for n in ast.walk(tree) if isinstance(n, ast.Name) and _is_matrix(derivation, n.id)]
    for count in (1, 2):
        for chosen in combinations(places[:6], count):
            mended = ast.unparse(_Transposer(frozenset(chosen)).visit(ast.parse(text.strip(), mode="eval")))
            try:
                candidate = read_text(mended, derivation.scope)
            except (ReadError, ShapeError, UnsupportedError):
                continue
            if candidate.dims == truth.dims and _equal(truth, candidate):
                return f"missing transpose: {mended} would be right"
    return ""


def _is_matrix(derivation: Derivation, name: str) -> bool:
    found = derivation.scope.get(name)
    return found is not None and found.ndim == 2


class _Transposer(ast.NodeTransformer):
    """Puts ``.T`` behind the names at some columns, or takes it away where it stands."""

    def __init__(self, columns: frozenset[int]) -> None:
        self.columns = columns

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Take ``.T`` away."""
        if node.attr == "T" and isinstance(node.value, ast.Name) and node.value.col_offset in self.columns:
            return node.value
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Put ``.T`` behind."""
        if node.col_offset in self.columns:
            return ast.Attribute(value=node, attr="T", ctx=ast.Load())
        return node


__all__ = ["check", "prove", "verdict_of", "within"]
