"""`claim`: statements that are no plain relation, each kind one row.

A kind says how it is written, which options it takes, and how it is decided.  What it decides it
decides by proofs (`derivation.proofs`, `derivation.inequalities`) and by the judge; nothing here
knows a formula of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any, final

from sympy import Expr

from symderive.calculus.definedness import requirements
from symderive.calculus.differentiate import pair
from symderive.calculus.signs import sign_of
from symderive.calculus.simplify import simplify
from symderive.checking.check import check, prove, within
from symderive.checking.convexity import concave, convex, second_derivative, strictly_convex, strongly_convex, twin
from symderive.checking.critical_points import Surface, judge_extremum
from symderive.checking.hints import proportion
from symderive.checking.lipschitz import lipschitz
from symderive.checking.sides import Claim, Reader, is_triple, listed, read_claim, shortened
from symderive.derivation.derivation import Derivation
from symderive.derivation.derive import gradient, variables
from symderive.derivation.inequalities import prove_equality_case, prove_psd
from symderive.derivation.proofs import prove_equal
from symderive.errors import (
    JudgementConflictError,
    ReadError,
    ShapeError,
    UnknownNameError,
    UnsupportedError,
)
from symderive.judgement.judge import judge_relation
from symderive.judgement.verdicts import Status, Verdict, weakest
from symderive.language import build
from symderive.language.arrays import Array, exact, joined_nodes, shape_text
from symderive.language.domains import real
from symderive.language.nodes import ONE, ZERO, Contraction, Differential, Leaf, Map, Named, Node, Number, Sum
from symderive.language.statements import Relation, names_in

OPPOSITE = {"==": "!=", "!=": "==", "<=": ">", ">": "<=", ">=": "<", "<": ">="}


@final
@dataclass(frozen=True)
class Options:
    """What a claim may be given by keyword; each kind takes some of them."""

    wrt: Any = None
    given: Any = ()
    when: Any = None
    at: Any = None
    subject_to: Any = ()
    domains: Any = None
    shapes: Any = None
    modulus: Any = None

    def reader(self, sides: Sequence[Any], extra: Iterable[Any] = ()) -> Reader:
        """The sides and ``extra`` relations (then what is given) read in one scope."""
        return Reader(sides, [*extra, *listed(self.given)], self.domains, self.shapes)


@final
@dataclass(frozen=True)
class Kind:
    """One kind of claim: its name, how it is written, the options it takes and may take, how it is decided."""

    name: str
    usage: str
    takes: tuple[str, ...]
    decide: Callable[[tuple[Any, ...], Options], Verdict] = field(repr=False)
    may: tuple[str, ...] = ()


def claim(
    kind: str,
    *args: Any,
    wrt: Any = None,
    given: Any = (),
    when: Any = None,
    at: Any = None,
    subject_to: Any = (),
    domains: Any = None,
    shapes: Any = None,
    modulus: Any = None,
    timeout: float | None = None,
) -> Verdict:
    """Judge a statement that is no plain relation.

    ============================================================ =============================================
    ``claim("relation", a, "==", b)``                            as `symderive.check`
    ``claim("equality_case", a, "==", b, when=(p, "==", q))``    a == b exactly where p == q
    ``claim("same_minimisers", f, g, wrt=q)``                    f and g have the same minimisers over q
    ``claim("exists", a, "!=", b)``                              some point of the domains has it: a witness
    ``claim("psd", M)``                                          M is symmetric and vᵀMv >= 0 for every v
    ``claim("convex", loss, wrt=w)``                             loss is convex in w (or in several arrays)
    ``claim("concave", loss, wrt=w)``                            -loss is convex
    ``claim("strictly_convex", loss, wrt=w)``                    it lies strictly below its chords
    ``claim("strongly_convex", loss, wrt=w)``                    loss - m‖w‖²/2 is convex for some m > 0; ``modulus=m``
    ``claim("lipschitz", loss, wrt=w, modulus=L)``               its gradient has the Lipschitz constant L
    ``claim("minimum", f, wrt=[x, y], at=[0, 1])``               a local minimum; also "maximum" and "saddle"
    ``claim("stationary", f, wrt=p, at=p0,``                     p0 satisfies the Lagrange condition
    ``      subject_to=[(np.sum(p), "==", 1)])``
    ============================================================ =============================================

    Formulas may be Arrays, numbers, SymPy expressions, texts or NumPy functions, as in `symderive.check`;
    ``given``, ``domains``, ``shapes`` and ``timeout`` are as there.

    Returns
    -------
    Verdict
        ``proved`` has a trace, or for ``exists`` the exact witness; ``refuted`` an exact point.

    Raises
    ------
    UnknownNameError
        No such kind (the kinds are listed), or no such array.
    UnsupportedError, ShapeError, ReadError, DomainError
        The statement cannot be read, or makes no sense for these shapes and domains.

    Sources: Boyd & Vandenberghe, Convex Optimization, 3.1 and 5.5; Cover & Thomas, ch. 2.

    >>> import numpy as np, symderive as sd
    >>> n, d = sd.dims("n d")
    >>> X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    >>> sd.claim("convex", np.sum((X @ w - y) ** 2), wrt=w).status.value
    'proved'
    """
    row = KINDS.get(kind) if isinstance(kind, str) else None
    if row is None:
        near = get_close_matches(str(kind), KINDS, 2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UnknownNameError(f"no kind of claim is called {kind!r:.60}; the kinds are {', '.join(KINDS)}{hint}")
    options = Options(wrt, given, when, at, subject_to, domains, shapes, modulus)
    default = Options()
    for item in fields(Options):
        value = getattr(options, item.name)
        used = value is not None and not (isinstance(value, tuple | list) and not value)
        if used and value is not getattr(default, item.name) and item.name not in (*row.takes, *row.may, *_EVERYWHERE):
            raise UnsupportedError(f'claim("{kind}", ...) takes no {item.name}; it is written {row.usage}')
    for name in row.takes:
        if getattr(options, name) is None:
            raise UnsupportedError(f'claim("{kind}", ...) needs {name}=...; it is written {row.usage}')
    for derivation in args:
        if isinstance(derivation, Derivation) and derivation.conditions:
            options = replace(options, given=[*listed(options.given), *derivation.conditions])
    return within(timeout, f"a claim of kind {kind}", lambda: _resting_on(args, row.decide(args, options)))


def _resting_on(args: Iterable[Any], verdict: Verdict) -> Verdict:
    """A claim about derived results is no stronger than their derivations."""
    for derivation in args:
        if isinstance(derivation, Derivation) and verdict.status > derivation.verdict.status:
            base = derivation.verdict
            if base.status is Status.refuted:
                raise JudgementConflictError(f"a derivation is refuted; this is a bug in symderive\n{base}")
            reason = f"{verdict.reason}; {derivation.lhs_text} itself is {base.status.value}"
            verdict = replace(verdict, status=base.status, reason=reason, trace=())
    return verdict


_EVERYWHERE = ("given", "domains", "shapes")


def _count(kind: str, args: tuple[Any, ...], *counts: int) -> None:
    if len(args) not in counts:
        raise ReadError(f"this claim is written {KINDS[kind].usage}; got {len(args)} formulas")


# -- relations and their equality cases -----------------------------------------------------


def _relation(args: tuple[Any, ...], options: Options) -> Verdict:
    _count("relation", args, 1, 3)
    return check(*args, domains=options.domains, given=options.given, shapes=options.shapes)


def _read_when(options: Options, args: tuple[Any, ...]) -> tuple[Claim, Relation]:
    assumptions = [options.when, *listed(options.given)]
    read = read_claim(*args, domains=options.domains, given=assumptions, shapes=options.shapes)
    when, *given = read.given
    return replace(read, given=tuple(given)), when


def _equality_case(args: tuple[Any, ...], options: Options) -> Verdict:
    """Both directions: equality where ``when`` holds, and nowhere else."""
    _count("equality_case", args, 1, 3)
    read, when = _read_when(options, args)
    if read.op not in ("==", ">=", "<="):
        raise ReadError(f"an equality case is of ==, >= or <=, got {read.op!r}")
    if when.op != "==":
        raise ReadError(f"when= is an equality such as (p, '==', q), got {when}")
    lhs, rhs = read.relation.lhs, read.relation.rhs
    there = Relation(lhs, "==", rhs)
    text = shortened(f"{read.text.replace(f' {read.op} ', ' == ', 1)} if and only if {when}")
    tried: list[str] = []
    for attempt in (_proportional, _by_inequality):
        verdict = attempt(there, when, read)
        if verdict.status is Status.proved:
            backward = judge_relation(when, given=(*read.given, there), points=12)
            if backward.status is Status.refuted:
                raise JudgementConflictError(f"the proof says {text}, the judge says no\n{backward}")
            return replace(verdict, claim=text)
        if verdict.reason:
            tried.append(verdict.reason)
    forward = judge_relation(there, given=(*read.given, when), claim=f"{there} where {when}")
    backward = judge_relation(when, given=(*read.given, there), claim=f"{when} where {there}")
    status = weakest((forward, backward))
    worst = forward if forward.status is status else backward
    reason = f"{worst.claim}: {worst.reason}"
    if status is not Status.refuted and tried:
        reason += f"; no proof: {'; '.join(tried)}"
    return Verdict(
        status,
        text,
        reason=reason,
        counterexample=worst.counterexample,
        conditions=read.given,
        parts=(forward, backward),
    )


def _proportional(there: Relation, when: Relation, read: Claim) -> Verdict:
    """lhs - rhs is a nonzero constant times the difference that ``when`` speaks of."""
    shape, other = there.lhs.shape or there.rhs.shape, when.lhs.shape or when.rhs.shape
    undecided = Verdict(Status.undecided, str(there))
    if shape != other:
        return undecided
    gap, wanted = _difference(there), _difference(when)
    factor = proportion(wanted, gap, read.given)
    if factor is None or str(sign_of(factor, read.given)) not in ("+", "-", "nonzero"):
        return undecided
    scaled = build.multiply(build.broadcast(factor, wanted.shape), wanted)
    verdict = prove_equal(gap, scaled, given=read.given)
    return replace(
        verdict,
        reason=f"the difference of the sides is {Array(factor)} times that of {when}, and {Array(factor)} is not 0",
    )


def _by_inequality(there: Relation, when: Relation, read: Claim) -> Verdict:
    """The equality case of an inequality that is proved from lemmas."""
    ops = (read.op,) if read.op != "==" else (">=", "<=")
    found = Verdict(Status.undecided, str(there))
    for op in ops:
        one_way = Relation(there.lhs, op, there.rhs)
        if judge_relation(one_way, given=read.given, points=8).status is Status.refuted:
            continue
        found = prove_equality_case(one_way, when, read.given)
        if found.status is Status.proved:
            return found
    return found


def _difference(relation: Relation) -> Node:
    shape = relation.lhs.shape or relation.rhs.shape
    return build.add([(ONE, relation.lhs), (-ONE, relation.rhs)], shape)


# -- existence ------------------------------------------------------------------------------


def _exists(args: tuple[Any, ...], options: Options) -> Verdict:
    """One exact point with disjoint balls proves it."""
    _count("exists", args, 1, 3)
    read = read_claim(*args, domains=options.domains, given=options.given, shapes=options.shapes)
    relation = read.relation
    shape = relation.lhs.shape or relation.rhs.shape
    text = shortened(f"there is a point with {read.text}" + (" in some entry" if shape else ""))
    negation = Relation(relation.lhs, OPPOSITE[relation.op], relation.rhs)
    verdict = judge_relation(negation, given=read.given)
    if verdict.status is Status.refuted and not _has_values(verdict):
        needed = tuple(dict.fromkeys((*requirements(relation.lhs), *requirements(relation.rhs))))
        verdict = judge_relation(negation, given=(*read.given, *needed))
    point = verdict.counterexample
    if verdict.status is Status.refuted and point is not None and _has_values(verdict):
        where = "" if not point.entry else f" in entry [{', '.join(map(str, point.entry))}]"
        return Verdict(
            Status.proved,
            text,
            reason=f"at {point.point} the left side{where} is {point.lhs}, the right side {point.rhs}",
            trace=(f"witness: {point.point}", f"left side{where}: {point.lhs}", f"right side{where}: {point.rhs}"),
            evidence=verdict.evidence,
            conditions=read.given,
        )
    opposite = prove(negation, read.given) if negation.op != "!=" else verdict
    if opposite.status is Status.proved:
        return replace(opposite, status=Status.refuted, claim=text, reason=f"the opposite is proved: {negation}")
    looked = f"; {verdict.evidence}" if verdict.evidence is not None else ""
    return Verdict(Status.undecided, text, reason=f"no witness was found{looked}", conditions=read.given)


def _has_values(verdict: Verdict) -> bool:
    point = verdict.counterexample
    return point is not None and point.lhs_value is not None and point.rhs_value is not None


# -- minimisers -----------------------------------------------------------------------------


def _same_minimisers(args: tuple[Any, ...], options: Options) -> Verdict:
    """The change of f is a positive constant times the change of g, whatever is changed."""
    _count("same_minimisers", args, 2)
    reader = options.reader(args)
    f, g = reader.arrays
    for side in (f, g):
        if side.ndim:
            raise ShapeError(f"minimisers are of scalars; one side has shape {shape_text(side.dims)}")
    leaves = _leaves(f, g, wrt=options.wrt)
    given = tuple(reader.relations)
    _free_of(given, leaves, "same_minimisers")
    names = ", ".join(leaf.name for leaf in leaves)
    text = shortened(f"{f} and {g} have the same minimisers over {names}")
    taken = names_in((f.node, g.node, *leaves), given)
    others: dict[Node, Node] = {leaf: twin(leaf, taken, "other_") for leaf in leaves}
    gaps = [build.add([(ONE, s.node), (-ONE, build.substitute(s.node, others))], ()) for s in (f, g)]
    factor: Node = Number(ONE)
    verdict = prove_equal(gaps[0], gaps[1], given=given)
    if not verdict.upheld:
        found = proportion(gaps[1], gaps[0], given)
        if found is not None and sign_of(found, given).positive and not set(found.leaves()) & set(leaves):
            factor = found
            verdict = prove_equal(gaps[0], build.multiply(factor, gaps[1]), given=given)
    if verdict.upheld:
        if factor is Number(ONE):
            rest = simplify(build.add([(ONE, f.node), (-ONE, g.node)], ())).node
            free = not set(rest.leaves()) & set(leaves)
            how = f"their difference is {Array(rest)}, which does not depend on {names}" if free else (
                f"their difference does not depend on {names}"
            )
        else:
            how = f"the change of the first is {Array(factor)} times the change of the second, whatever {names} is"
        if verdict.status is not Status.proved:
            how = f"{how} ({verdict.reason})"
        return replace(verdict, claim=text, reason=how)
    reason = f"their difference depends on {names}, which does not settle where the minima are"
    point = verdict.counterexample
    if point is not None:
        reason += f" (the change of the first is {point.lhs}, of the second {point.rhs})"
    return Verdict(Status.undecided, text, reason=reason, conditions=given, evidence=verdict.evidence)


# -- matrices and convexity -----------------------------------------------------------------


def _psd(args: tuple[Any, ...], options: Options) -> Verdict:
    """Symmetric, and vᵀMv >= 0."""
    _count("psd", args, 1)
    reader = options.reader([args[0]])
    (matrix,) = reader.arrays
    if matrix.ndim != 2 or matrix.dims[0] != matrix.dims[1]:
        raise ShapeError(f"psd is said of a square matrix; this has shape {shape_text(matrix.dims)}")
    given = tuple(reader.relations)
    node = _laid(matrix)
    text = shortened(f"{matrix} is positive semidefinite")
    symmetric = prove_equal(node, build.view(node, (1, 0), node.shape), given=given)
    if symmetric.status is Status.refuted:
        return replace(symmetric, claim=text, reason=f"it is not symmetric: {symmetric.reason}")
    leaf = Leaf("M", (node.shape[0],), real)
    form = prove_psd(node, leaf, given)
    status = weakest((symmetric, form))
    worst = form if form.status is status else symmetric
    what = "vᵀMv >= 0 for every v, and M is symmetric" if status is Status.proved else worst.reason
    return replace(form, status=status, claim=text, reason=what, trace=form.trace if status is Status.proved else (),
                   parts=(symmetric, form))


def _curved(kind: str, args: tuple[Any, ...], options: Options) -> tuple[Array, tuple[Leaf, ...], Reader]:
    """The loss, the arrays that change and what was read, for claims about curvature."""
    _count(kind, args, 1)
    reader = options.reader([args[0], *([] if options.modulus is None else [options.modulus])])
    loss = reader.arrays[0]
    if loss.ndim:
        raise ShapeError(f"{kind} is said of a scalar; this has shape {shape_text(loss.dims)}")
    leaves = _leaves(loss, wrt=options.wrt)
    _free_of(tuple(reader.relations), leaves, kind)
    return loss, leaves, reader


def _convex(args: tuple[Any, ...], options: Options) -> Verdict:
    """The second differential is >= 0 in every direction; below a chord where there is none."""
    loss, leaves, reader = _curved("convex", args, options)
    return convex(loss, leaves, tuple(reader.relations))


def _concave(args: tuple[Any, ...], options: Options) -> Verdict:
    """The negative is convex."""
    loss, leaves, reader = _curved("concave", args, options)
    return concave(loss, leaves, tuple(reader.relations))


def _strictly_convex(args: tuple[Any, ...], options: Options) -> Verdict:
    """Strictly below the chords."""
    loss, leaves, reader = _curved("strictly_convex", args, options)
    return strictly_convex(loss, leaves, tuple(reader.relations))


def _strongly_convex(args: tuple[Any, ...], options: Options) -> Verdict:
    """Convex after a multiple of the squared length is taken off."""
    loss, leaves, reader = _curved("strongly_convex", args, options)
    modulus = reader.arrays[1] if options.modulus is not None else None
    return strongly_convex(loss, leaves, tuple(reader.relations), modulus)


def _lipschitz(args: tuple[Any, ...], options: Options) -> Verdict:
    """|D²f[v, v]| <= L·‖v‖²: by the constant in closed form, or refuted at a point and direction."""
    loss, leaves, reader = _curved("lipschitz", args, options)
    claimed, given = reader.arrays[1], tuple(reader.relations)
    names = ", ".join(leaf.name for leaf in leaves)
    text = shortened(f"the gradient of {loss} by {names} has the Lipschitz constant {claimed}")
    if claimed.ndim or set(claimed.node.leaves()) & set(leaves):
        raise UnsupportedError(f"a Lipschitz constant is a scalar that does not change with {names}, got {claimed}")
    found = lipschitz(loss, [Array(leaf) for leaf in leaves], given=given)
    if found.constant is not None:
        enough = prove(Relation(found.constant.node, "<=", claimed.node), given)
        if enough.status is Status.proved:
            reason = f"{found.constant} is a constant, and {enough.claim}"
            trace = (*found.verdict.trace, *enough.trace)
            return replace(found.verdict, claim=text, reason=reason, trace=trace, parts=(found.verdict, enough))
    if any(leaf.domain.structures for leaf in leaves):
        return Verdict(Status.undecided, text, reason=found.verdict.reason, conditions=given)
    second = second_derivative(loss.node, leaves, given)
    bound = build.multiply(claimed.node, second.length)
    for sign, op in ((ONE, "<="), (-ONE, ">=")):
        verdict = judge_relation(Relation(second.form, op, build.scale(sign, bound)), given=given, claim=text)
        if verdict.status is Status.refuted:
            reason = f"the second derivative along {second.along} is larger than {claimed} allows"
            return replace(verdict, reason=reason)
    known = "" if found.constant is None else f"; {found.constant} is one"
    return Verdict(Status.undecided, text, reason=f"it was neither shown nor refuted{known}", conditions=given)


# -- stationary points ------------------------------------------------------------------------


def _stationary(args: tuple[Any, ...], options: Options) -> Verdict:
    """∇f is a combination of the constraints' gradients, and the point is feasible."""
    _count("stationary", args, 1)
    raw = options.subject_to
    wanted = [raw] if isinstance(raw, str | Relation | Array) or is_triple(raw) else list(raw or ())
    reader = options.reader([args[0], options.at], wanted)
    f, at = reader.arrays
    if f.ndim:
        raise ShapeError(f"a stationary point is of a scalar; this has shape {shape_text(f.dims)}")
    leaves = _leaves(f, wrt=options.wrt)
    if len(leaves) != 1:
        raise UnsupportedError("a stationary point is by one array")
    leaf = leaves[0]
    constraints, given = reader.relations[: len(wanted)], tuple(reader.relations[len(wanted) :])
    if len(constraints) > 1:
        raise UnsupportedError("stationary takes at most one constraint; join several into one, or check the gradient")
    for constraint in constraints:
        if constraint.op != "==" or constraint.lhs.shape or constraint.rhs.shape:
            raise UnsupportedError(f"a constraint is one equality of scalars, got {constraint}")
    if leaf in at.node.walk():
        raise ReadError(f"at= must not contain {leaf.name} itself")
    if at.ndim and at.dims != leaf.shape:
        raise ShapeError(f"at= has shape {shape_text(at.dims)}, but {leaf.name} has shape {shape_text(leaf.shape)}")
    place = build.broadcast(_laid(at), leaf.shape)
    text = shortened(f"{leaf.name} == {at} is a stationary point of {f}")
    if constraints:
        text = shortened(f"{text} subject to {constraints[0]}")

    def there(node: Node) -> Node:
        return build.substitute(build.without_names(node), {leaf: place})

    slope = gradient(f, Array(leaf))
    made = there(slope.result.node)
    inside = _feasible(leaf, place, given)
    rough = _smooth_at(f.node, leaf, place, made, given)
    if rough is not None and inside.status is not Status.refuted:
        return replace(rough, claim=text)
    parts = [inside, slope.verdict]
    if not constraints:
        parts.append(prove_equal(made, build.zeros(leaf.shape), given=given))
        how = "the gradient there is 0"
    else:
        constraint = constraints[0]
        gap = Array(_difference(constraint))
        normal = gradient(gap, Array(leaf))
        other = there(normal.result.node)
        parts += [prove_equal(there(constraint.lhs), there(constraint.rhs), given=given), normal.verdict]
        multiplier = _multiplier(simplify(made).node, simplify(other).node)
        scaled = build.multiply(build.broadcast(multiplier, leaf.shape), other)
        last = prove_equal(made, scaled, given=given)
        if last.status is Status.refuted and not _has_values(last):
            last = replace(last, status=Status.undecided, reason=f"no multiplier was found: {last.reason}", hint="")
        parts.append(last)
        how = f"the gradient there is {Array(multiplier)} times the constraint's (the Lagrange multiplier)"
    status = weakest(parts)
    worst = next(p for p in parts if p.status is status)
    return Verdict(
        status,
        text,
        reason=how if status.upheld else f"{worst.claim}: {worst.reason}",
        counterexample=worst.counterexample if status is Status.refuted else None,
        trace=tuple(line for p in parts for line in p.trace) if status is Status.proved else (),
        conditions=given,
        parts=tuple(parts),
    )


def _extremum(kind: str) -> Callable[[tuple[Any, ...], Options], Verdict]:
    """A row's decision: the point is a local minimum, maximum or saddle."""

    def decide(args: tuple[Any, ...], options: Options) -> Verdict:
        _count(kind, args, 1)
        reader = options.reader([args[0]])
        (f,) = reader.arrays
        if f.ndim:
            raise ShapeError(f"a {kind} is of a scalar; this has shape {shape_text(f.dims)}")
        leaves = _leaves(f, wrt=options.wrt)
        if all(not leaf.rank for leaf in leaves):
            _free_of(tuple(reader.relations), leaves, kind)
            return judge_extremum(kind, Surface(f, leaves), _numbers(options.at, leaves))
        return _array_extremum(kind, args, options, f, leaves, tuple(reader.relations))

    return decide


def _numbers(at: Any, leaves: Sequence[Leaf]) -> dict[str, Expr]:
    """Exact numbers by name, from a mapping, a sequence, or one number."""
    if isinstance(at, Mapping):
        given = {(k.name if isinstance(k, Array) else str(k)): v for k, v in at.items()}
    elif len(leaves) == 1 and not isinstance(at, list | tuple):
        given = {leaves[0].name: at}
    else:
        values = list(at) if isinstance(at, list | tuple) else [at]
        if len(values) != len(leaves):
            raise ReadError(f"at= needs a number for each of {', '.join(x.name for x in leaves)}, got {len(values)}")
        given = {leaf.name: v for leaf, v in zip(leaves, values, strict=True)}
    if set(given) != {leaf.name for leaf in leaves}:
        names = ", ".join(leaf.name for leaf in leaves)
        raise UnknownNameError(f"at= names {', '.join(given)}, but the variables are {names}")
    numbers: dict[str, Expr] = {}
    for leaf in leaves:
        value = given[leaf.name]
        node = value.node if isinstance(value, Array) else None
        made = node.value if isinstance(node, Number) else exact(value)
        if not made.is_number or made.is_real is False:
            raise ReadError(f"at= takes real numbers for scalar variables, got {value} for {leaf.name}")
        numbers[leaf.name] = made
    return numbers


def _array_extremum(
    kind: str, args: tuple[Any, ...], options: Options, f: Array, leaves: Sequence[Leaf], given: tuple[Relation, ...]
) -> Verdict:
    """Stationary, and f is convex or concave, or the Hessian there definite."""
    stationary = _stationary(args, options)
    (leaf,) = leaves
    claim_text = shortened(f"{leaf.name} == {options.at} is a {kind} of {f}")
    if stationary.status is not Status.proved:
        return replace(stationary, claim=claim_text)
    undecided = Verdict(Status.undecided, claim_text, conditions=given, parts=(stationary,))
    if kind == "saddle":
        return replace(undecided, reason="it is stationary; saddles are decided for scalar variables")
    bowl = convex(f, leaves, given) if kind == "minimum" else concave(f, leaves, given)
    if bowl.status is Status.proved:
        word = "convex" if kind == "minimum" else "concave"
        trace = (*stationary.trace, *bowl.trace)
        reason = f"it is stationary, and f is {word}, so that it is a global {kind}"
        return replace(undecided, status=Status.proved, reason=reason, trace=trace, parts=(stationary, bowl))
    return replace(undecided, reason=f"it is stationary, but {bowl.claim} was not proved: {bowl.reason}")


def _smooth_at(f: Node, leaf: Leaf, place: Node, slope: Node, given: tuple[Relation, ...]) -> Verdict | None:
    """None where the judge sees the derivative there; at a kink nothing is stationary by its gradient."""
    claimed = Relation(Differential(f), "==", pair(slope, Differential(leaf), 0))
    here = Relation(leaf, "==", place)
    verdict = judge_relation(claimed, given=(*given, here), changing=(leaf,), points=12)
    looked = verdict.evidence
    if verdict.status is Status.checked and looked is not None and not looked.skipped:
        return None
    reason = f"that there is a derivative at {here} was not seen: {verdict.reason}"
    return Verdict(Status.undecided, f"{Array(f)} has a derivative at {here}", reason=reason)


def _feasible(leaf: Leaf, place: Node, given: tuple[Relation, ...]) -> Verdict:
    """The point lies in the declared domain."""
    claim_text = f"{Array(place)} lies in the domain of {leaf.name} ({leaf.domain})"
    entries = leaf.domain.entries
    parts: list[Verdict] = []
    if entries.low.is_finite:
        low = Relation(place, ">" if entries.low_open else ">=", Number(entries.low))
        parts.append(prove(low, given))
    if entries.high.is_finite and not (leaf.domain.has("simplex") and entries.high == 1):
        high = Relation(place, "<" if entries.high_open else "<=", Number(entries.high))
        parts.append(prove(high, given))
    if leaf.domain.has("simplex") and not leaf.domain.has("one_hot"):
        total = build.reduce_sum(place, [leaf.domain.axis("simplex")])
        parts.append(prove_equal(total, build.ones(total.shape), given=given))
    others = [s for s, _ in leaf.domain.structures if s != "simplex"]
    if others or entries.values is not None or entries.integer or entries.nonzero:
        parts.append(Verdict(Status.undecided, claim_text, reason=f"membership of {leaf.domain} is not decided here"))
    status = weakest(parts)
    worst = next((p for p in parts if p.status is status), None)
    return Verdict(
        status,
        claim_text,
        reason=worst.reason if worst is not None else "the domain is everything",
        counterexample=worst.counterexample if worst is not None else None,
        trace=tuple(line for p in parts for line in p.trace),
        parts=tuple(parts),
    )


def _multiplier(slope: Node, normal: Node) -> Node:
    """slope / normal in one entry, as a scalar."""
    if build.is_zero(slope):
        return Number(ZERO)
    if not slope.shape:
        return simplify(build.multiply(slope, build.power(normal, -1))).node
    first, second = _uniform(slope), _uniform(normal)
    if first is None or second is None:
        index = (0,) * slope.rank
        first, second = Array(slope)[index].node, Array(normal)[index].node
    return short_logs(simplify(build.multiply(first, build.power(second, -1))).node)


def short_logs(node: Node) -> Node:
    """log(1/k) as -log(k), log(1) as 0."""
    found: dict[Node, Node] = {}
    for part in node.walk():
        if isinstance(part, Map) and part.function == "log" and isinstance(part.arguments[0], Number):
            value = part.arguments[0].value
            top, bottom = value.as_numer_denom()
            if value == 1:
                found[part] = Number(ZERO)
            elif top == 1:
                found[part] = build.scale(-1, build.apply("log", Number(bottom)))
    return simplify(build.substitute(node, found)).node if found else node


def _uniform(node: Node) -> Node | None:
    """The one value of an array that is visibly the same in every entry."""
    if not node.shape:
        return node
    match node:
        case Contraction():
            kept = range(node.out_rank)
            if any(label in kept for _, labels in node.factors for label in labels):
                return None
            dims = {k: d for k, d in enumerate(node.label_dims) if k >= node.out_rank}
            return build.contract(node.coefficient, node.factors, (), dims)
        case Sum():
            terms = [(w, _uniform(t)) for w, t in node.terms]
            return None if any(t is None for _, t in terms) else build.add([(w, t) for w, t in terms if t], ())
        case Map():
            parts = [_uniform(a) for a in node.arguments]
            found = [p for p in parts if p is not None]
            if len(found) != len(parts):
                return None
            if node.function == "power" and isinstance(found[1], Number):
                return build.power(found[0], found[1].value)
            return build.apply(node.function, *found)
        case Named():
            return _uniform(node.body)
    return None


# -- what all kinds share -----------------------------------------------------------------


def _laid(array: Array) -> Node:
    """The node with its axes in the order in which the array shows them."""
    nodes = joined_nodes((array,), "claim")
    return nodes[0]


def _leaves(first: Array, *others: Array, wrt: Any) -> tuple[Leaf, ...]:
    """The declared arrays that ``wrt`` means; each occurs in one of the formulas."""
    both = Array(build.add([(ONE, a.node) for a in (first, *others)], ())) if others else first
    if isinstance(wrt, Array) and isinstance(wrt.node, Leaf):
        wrt = wrt.name
    elif isinstance(wrt, list | tuple):
        wrt = [w.name if isinstance(w, Array) and isinstance(w.node, Leaf) else w for w in wrt]
    found, _ = variables(both, wrt)
    leaves: list[Leaf] = []
    for item in found:
        if not isinstance(item.node, Leaf):
            raise UnsupportedError(f"wrt takes declared arrays here; {item.name} is a definition")
        leaves.append(item.node)
    return tuple(leaves)


def _free_of(given: Sequence[Relation], leaves: Sequence[Leaf], kind: str) -> None:
    for relation in given:
        tied = [leaf.name for leaf in leaves for side in (relation.lhs, relation.rhs) if leaf in side.walk()]
        if tied:
            raise UnsupportedError(
                f"{kind}: what is given may not restrict {tied[0]} ({relation}); declare its domain instead"
            )


KINDS: dict[str, Kind] = {
    row.name: row
    for row in (
        Kind("relation", 'claim("relation", lhs, "==", rhs)', (), _relation),
        Kind(
            "equality_case", 'claim("equality_case", lhs, "==", rhs, when=(p, "==", q))', ("when",), _equality_case
        ),
        Kind("same_minimisers", 'claim("same_minimisers", f, g, wrt=q)', ("wrt",), _same_minimisers),
        Kind("exists", 'claim("exists", lhs, "!=", rhs)', (), _exists),
        Kind("psd", 'claim("psd", matrix)', (), _psd),
        Kind("convex", 'claim("convex", loss, wrt=w)', ("wrt",), _convex),
        Kind("concave", 'claim("concave", loss, wrt=w)', ("wrt",), _concave),
        Kind("strictly_convex", 'claim("strictly_convex", loss, wrt=w)', ("wrt",), _strictly_convex),
        Kind(
            "strongly_convex",
            'claim("strongly_convex", loss, wrt=w, modulus=m)',
            ("wrt",),
            _strongly_convex,
            ("modulus",),
        ),
        Kind("lipschitz", 'claim("lipschitz", loss, wrt=w, modulus=L)', ("wrt", "modulus"), _lipschitz),
        *(
            Kind(kind, f'claim("{kind}", f, wrt=[x, y], at=[0, 1])', ("wrt", "at"), _extremum(kind))
            for kind in ("minimum", "maximum", "saddle")
        ),
        Kind(
            "stationary",
            'claim("stationary", f, wrt=p, at=point, subject_to=[(np.sum(p), "==", 1)])',
            ("wrt", "at", "subject_to"),
            _stationary,
        ),
    )
}
"""The kinds of claims, by name."""

__all__ = ["KINDS", "Kind", "claim", "short_logs"]
