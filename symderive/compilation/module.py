"""The text of a whole kernel module: imports, input checks, and one function for each output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr, Symbol

from symderive.compilation.numpy_printer import (
    LINE,
    Statements,
    imports,
    number_source,
    quoted,
    shared_factors,
    wrapped,
)
from symderive.compilation.operations import Op, operations
from symderive.compilation.plan import Plan
from symderive.language.arrays import shape_text
from symderive.language.nodes import Leaf

__all__ = ["BUILTINS", "Part", "Routine", "module_source"]

#: Names that generated code uses beside NumPy's: no array may be called so.
BUILTINS = frozenset(
    {"float", "int", "min", "max", "ValueError", "cho_solve", "lu_solve", "solve_triangular", "dgetrf"}
)


#: The functions that a module defines for itself where it needs them.
HELPERS = {"lu": "_factored", "others": "_other_products"}


@dataclass(frozen=True)
class Part:
    """One returned array; ``keys`` is its place in nested dicts, () for the array itself."""

    keys: tuple[str, ...]
    op: Op


@dataclass(frozen=True)
class Routine:
    """A function to be written: what it returns, group by group (value, then gradient)."""

    name: str
    summary: str
    plan: Plan
    groups: tuple[tuple[Part, ...], ...]
    directions: tuple[tuple[str, Leaf], ...] = ()
    is_plain: bool = True  # one direction, not a dict of them


def module_source(
    formula: str,
    title: str,
    leaves: Sequence[Leaf],
    asked: Sequence[Symbol],
    least: Sequence[tuple[Expr, Expr]],
    routines: Sequence[Routine],
) -> str:
    """The module's source; it imports NumPy and SciPy alone."""
    writer = _Writer(leaves, asked, least)
    lines = ['"""' + title, "", *wrapped(formula.replace("\\", "\\\\"), "    "), ""]
    lines += wrapped(writer.inputs(), "")
    lines += ["", "Computes in float64. Written by symderive; needs NumPy and SciPy alone.", '"""', ""]
    outputs = [[part.op for group in r.groups for part in group] for r in routines]
    lines += imports([(ops, writer.names(r)) for ops, r in zip(outputs, routines, strict=True)])
    for routine in routines:
        lines += ["", "", *writer.function(routine)]
    lines += writer.helpers(outputs)
    lines += ["", "", *writer.checks()]
    return "\n".join(line.rstrip() for line in lines) + "\n"


class _Writer:
    def __init__(
        self, leaves: Sequence[Leaf], asked: Sequence[Symbol], least: Sequence[tuple[Expr, Expr]]
    ) -> None:
        self._leaves = leaves
        self._asked = asked
        self._least = least
        self._names = [leaf.name for leaf in leaves]
        self._taken = {*self._names, "np", *(str(s) for leaf in leaves for d in leaf.shape for s in d.free_symbols)}
        self._taken |= {str(s) for s in asked}
        self._flag = self._free("check")
        self._checker = self._free("_checked")
        self._helpers = {kind: self._free(name) for kind, name in HELPERS.items()}

    def _free(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def names(self, routine: Routine) -> set[str]:
        """The names that mean arrays and dimensions in a routine."""
        return {*self._taken, *routine.plan.names.values()}

    def inputs(self) -> str:
        """The inputs with their shapes and domains, as one paragraph."""
        parts = []
        for leaf in self._leaves:
            shape = shape_text(leaf.shape) if leaf.shape else "a scalar"
            parts.append(f"{leaf.name}: {shape}, {leaf.domain}")
        parts += [f"{s}: an integer >= 1" for s in self._asked]
        return "Inputs: " + "; ".join(parts) + "."

    def _header(self, name: str, directions: Sequence[str] = ()) -> list[str]:
        options = [*(f"{s}" for s in self._asked), f"{self._flag}=True"]
        parameters = [*directions, *self._names, "*", *options]
        return _signature(name, parameters)

    def function(self, routine: Routine) -> list[str]:
        """The lines of one function."""
        parts = [part for group in routine.groups for part in group]
        direction = "v" if "v" not in self._taken else self._free("v_")
        directions = [direction] if routine.directions else []
        taken = {*self._taken, *directions, *(leaf.name for _, leaf in routine.directions)}
        statements = Statements(routine.plan, [part.op for part in parts], taken, self._helpers)
        seen: set[Op] = set()
        texts: dict[tuple[int, tuple[str, ...]], str] = {}
        for number, group in enumerate(routine.groups):
            for part in group:
                text = statements.text(part.op)
                if part.op.rank == 0:
                    text = text if part.op.kind == "var" else f"float({text})"
                elif part.op in seen:
                    text += ".copy()"
                seen.add(part.op)
                texts[number, part.keys] = text
        returned = [
            _nested({part.keys: texts[number, part.keys] for part in group}, LINE - 12)
            for number, group in enumerate(routine.groups)
        ]
        body = _docstring(routine.summary)
        body += self._admission()
        if routine.directions and not (routine.is_plain and routine.directions[0][1].name == direction):
            for key, leaf in routine.directions:
                body.append(f"{leaf.name} = {direction}" + ("" if routine.is_plain else f'["{key}"]'))
        body += self._dimensions(statements.dims, [leaf for _, leaf in routine.directions])
        body += statements.lines
        result = ", ".join(lines[0] for lines in returned)
        if len(result) + 11 <= LINE and all(len(lines) == 1 for lines in returned):
            body.append(f"return {result}")
        elif len(returned) == 1:
            first, *rest = returned[0]
            body += [f"return {first}", *rest]
        else:
            body += ["return (", *(f"    {line}" for *most, last in returned for line in (*most, last + ",")), ")"]
        lines = self._header(routine.name, directions)
        if any(op.kind == "map" and op.data == "where" for op in operations([part.op for part in parts])):
            # np.where computes both branches; the one that is not taken may be undefined.
            lines.insert(0, '@np.errstate(divide="ignore", invalid="ignore", over="ignore")')
        return lines + [f"    {line}" for line in body]

    def _admission(self) -> list[str]:
        names = ", ".join(self._names)
        if not self._names:
            return []
        left = names if len(self._names) > 1 else f"{names},"
        options = "".join(f", {s}={s}" for s in self._asked)
        line = f"{left} = {self._checker}({names}{options})"
        if len(line) + 8 <= LINE:
            return [f"if {self._flag}:", f"    {line}"]
        inputs = wrapped(names + "," + options.removeprefix(",") + ("," if options else ""), "        ", LINE - 4)
        targets = wrapped(names + ",", "        ", LINE - 4)
        return [f"if {self._flag}:", "    (", *targets, f"    ) = {self._checker}(", *inputs, "    )"]

    def _dimensions(self, needed: set[Symbol], directions: Sequence[Leaf]) -> list[str]:
        lines: list[str] = []
        left = {s for s in needed if s not in self._asked}
        for leaf in [*self._leaves, *directions]:
            here = [dim for dim in leaf.shape if isinstance(dim, Symbol) and dim in left]
            if not here:
                continue
            if len(here) == leaf.rank > 1 and len(set(here)) == leaf.rank:
                lines.append(f"{', '.join(map(str, here))} = {leaf.name}.shape")
            else:
                lines += [f"{dim} = {leaf.name}.shape[{leaf.shape.index(dim)}]" for dim in dict.fromkeys(here)]
            left -= set(here)
        return lines

    def helpers(self, outputs: Sequence[Sequence[Op]]) -> list[str]:
        """The functions that the code calls besides NumPy's and SciPy's."""
        lines: list[str] = []
        if any(shared_factors(ops) for ops in outputs):
            lines += [
                "",
                "",
                f"def {self._helpers['lu']}(matrix, label):",
                '    """LU factors for lu_solve; LinAlgError where the matrix is singular."""',
                "    factors, pivots, info = dgetrf(matrix)",
                "    if info > 0:",
                '        raise np.linalg.LinAlgError(f"{label} is singular")',
                "    return factors, pivots",
            ]
        if any(op.kind == "others" for ops in outputs for op in operations(ops)):
            lines += [
                "",
                "",
                f"def {self._helpers['others']}(a):",
                '    """For each entry the product of the others along the last axis; a zero does no harm."""',
                "    before, after = np.ones_like(a), np.ones_like(a)",
                "    before[..., 1:] = np.cumprod(a[..., :-1], axis=-1)",
                "    after[..., :-1] = np.cumprod(a[..., :0:-1], axis=-1)[..., ::-1]",
                "    return before * after",
            ]
        return lines

    def checks(self) -> list[str]:
        """The function that checks the inputs of the saved module."""
        parameters = [*self._names, *(["*"] if self._asked else []), *map(str, self._asked)]
        signature = _signature(self._checker, parameters)
        body = ['"""The inputs as finite float64 arrays of fitting shapes; ValueError otherwise."""']
        body += [f"{leaf.name} = np.asarray({leaf.name}, dtype=float)" for leaf in self._leaves]
        known = set(self._asked)
        table: list[str] = []
        for leaf in self._leaves:
            name = leaf.name
            needed = shape_text(leaf.shape) if leaf.shape else "(), a scalar"
            fresh = [
                i
                for i, dim in enumerate(leaf.shape)
                if isinstance(dim, Symbol) and dim not in known and leaf.shape.index(dim) == i
            ]
            if fresh:
                body += [
                    f"if {name}.ndim != {leaf.rank}:",
                    f'    raise ValueError(f"{name} needs shape {needed}, got {{{name}.shape}}")',
                ]
            if len(fresh) == leaf.rank > 1:
                body.append(f"{', '.join(map(str, leaf.shape))} = {name}.shape")
            else:
                body += [f"{leaf.shape[i]} = {name}.shape[{i}]" for i in fresh]
            known |= {leaf.shape[i] for i in fresh}
            sizes = ", ".join(number_source(dim)[0] for dim in leaf.shape)
            sizes = f"({sizes},)" if leaf.rank == 1 else f"({sizes})"
            table.append(f'    ("{name} {shape_text(leaf.shape)}", {name}, {sizes}),')
        label, array, shape = self._free("name"), self._free("array"), self._free("shape")
        body += [f"for {label}, {array}, {shape} in (", *table, "):"]
        body += [
            f"    if {array}.shape != {shape} or {array}.size == 0:",
            f'        raise ValueError(f"{{{label}}} needs shape {{{shape}}}, got {{{array}.shape}}")',
            f"    if not np.all(np.isfinite({array})):",
            f'        raise ValueError(f"{{{label}}} has entries that are not finite")',
        ]
        for dim, least in self._least:
            size, need = number_source(dim)[0], number_source(least)[0]
            body += [f"if {size} < {need}:", f'    raise ValueError("{size} must be at least {need}")']
        for leaf in self._leaves:
            test = _domain_test(leaf)
            if test:
                body += [f"if not {test}:", f"    raise ValueError({quoted(f'{leaf.name} must be in {leaf.domain}')})"]
        returned = ", ".join(f"{leaf.name}" if leaf.rank else f"float({leaf.name})" for leaf in self._leaves)
        line = f"return {returned}{',' if len(self._leaves) == 1 else ''}"
        if len(line) + 4 <= LINE:
            body.append(line)
        else:
            body += ["return (", *wrapped(returned + ",", "    ", LINE - 4), ")"]
        return [*signature, *(f"    {line}" for line in body)] if self._leaves else []


def _signature(name: str, parameters: Sequence[str]) -> list[str]:
    text = f"def {name}({', '.join(parameters)}):"
    if len(text) <= LINE:
        return [text]
    return [f"def {name}(", *wrapped(", ".join(parameters) + ",", "    "), "):"]


def _docstring(text: str) -> list[str]:
    if len(text) + 10 <= LINE:
        return [f'"""{text}"""']
    first, *rest = wrapped(f'"""{text}', "", LINE - 4)
    return [first, *rest, '"""']


def _domain_test(leaf: Leaf) -> str:
    """A condition that entries in the domain meet, as text; empty where nothing is to be tested."""
    entries, name = leaf.domain.entries, leaf.name
    tests: list[str] = []
    if entries.values is not None:
        tests.append(f"np.all(np.isin({name}, [{', '.join(number_source(v)[0] for v in entries.values)}]))")
    else:
        if entries.low.is_finite:
            tests.append(f"np.all({name} {'>' if entries.low_open else '>='} {number_source(entries.low)[0]})")
        if entries.high.is_finite:
            tests.append(f"np.all({name} {'<' if entries.high_open else '<='} {number_source(entries.high)[0]})")
        if entries.nonzero:
            tests.append(f"np.all({name} != 0)")
        if entries.integer:
            tests.append(f"np.all({name} == np.round({name}))")
    for structure, axis in leaf.domain.structures:
        if structure in ("simplex", "one_hot"):
            tests.append(f"np.allclose({name}.sum(axis={axis}), 1, rtol=0, atol=1e-8)")
        elif structure == "unit_norm":
            tests.append(f"np.allclose(({name} ** 2).sum(axis={axis}), 1, rtol=0, atol=1e-8)")
        elif structure in ("symmetric", "psd", "spd", "correlation"):
            tests.append(f"np.allclose({name}, {name}.T)")
    return tests[0] if len(tests) == 1 else f"({' and '.join(tests)})" if tests else ""


def _nested(parts: Mapping[tuple[str, ...], str], room: int) -> list[str]:
    """The source of an array, or of a dict of what is in its place; over several lines where it is long."""
    if () in parts:
        return [parts[()]]
    inner: dict[str, dict[tuple[str, ...], str]] = {}
    for keys, text in parts.items():
        inner.setdefault(keys[0], {})[keys[1:]] = text
    items = {key: _nested(rest, room - len(key) - 9) for key, rest in inner.items()}
    if all(len(lines) == 1 for lines in items.values()):
        short = "{" + ", ".join(f'"{key}": {lines[0]}' for key, lines in items.items()) + "}"
        if len(short) <= room:
            return [short]
    made = ["{"]
    for key, (first, *rest) in items.items():
        whole = [f'    "{key}": {first}', *(f"    {line}" for line in rest)]
        made += [*whole[:-1], whole[-1] + ","]
    return [*made, "}"]
