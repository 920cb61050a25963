"""Imports point downwards only: the table of floors, held over the source itself."""

import ast
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "symderive"

#: From the ground up. A module may import its own floor and the floors below it.
FLOORS = (
    ("errors", "shipped", "deadline", "version"),
    ("language",),
    ("judgement",),
    ("calculus",),
    ("derivation",),
    ("checking",),
    ("probability",),
    ("compilation",),
    ("training",),
    ("rendering",),
    ("integrations",),
    ("library",),
    ("report",),
    ("cli",),
    ("__main__",),
)
FLOOR = {part: level for level, parts in enumerate(FLOORS) for part in parts}

#: The judge does not know the author: one bug must not be able to vouch for itself.
ALLOWED = {"judgement": {"errors", "deadline", "language", "judgement"}}

#: Modules that load their own package late, for start-up time.
LAZY = {"__init__.py", "__main__.py"}

#: Values that write themselves (``str``, ``.latex``, ``to_html``) load their writer when first asked.
ON_DEMAND = {
    "language/arrays.py": "symderive.language.views",
    "derivation/written.py": "symderive.rendering.documents",
}

FILES = sorted(PACKAGE.rglob("*.py"))


def module(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in FILES}


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def own_imports(path):
    """(imported module of ours, statement) for each import in the file."""
    found = []
    package = module(path) if path.name == "__init__.py" else module(path).rpartition(".")[0]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, *([base] if base else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            while name and name not in MODULES:
                name = name.rpartition(".")[0]
            if name:
                found.append((name, node))
    return found


def part(name):
    return name.split(".")[1] if "." in name else ""


@cache
def inside_a_function(path):
    tree = parsed(path)
    return {
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }


@cache
def only_for_types(path):
    tree = parsed(path)
    return {
        node.lineno
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for node in ast.walk(block)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if part(module(path))],  # all but the package's own table of names
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_imports_point_downwards(path):
    own = part(module(path))
    assert own in FLOOR, f"symderive/{own} has no floor; give it one in the table of this test"
    for name, node in own_imports(path):
        other = part(name)
        if other == "":
            assert path.name in LAZY, f"line {node.lineno}: import from the module that has it, not from symderive"
            continue
        assert FLOOR[other] <= FLOOR[own], f"line {node.lineno}: {own} imports {other}, which is above it"
        if own in ALLOWED:
            assert other in ALLOWED[own], f"line {node.lineno}: {own} may import only {sorted(ALLOWED[own])}"


@pytest.mark.parametrize("path", [path for path in FILES if path.name not in LAZY], ids=lambda path: path.stem)
def test_own_modules_are_imported_at_the_top(path):
    late = inside_a_function(path)
    found = [(name, node.lineno) for name, node in own_imports(path) if node.lineno in late]
    found += [
        (node.args[0].value, node.lineno)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module")
        if isinstance(node.args[0], ast.Constant) and node.args[0].value.startswith("symderive")
    ]
    allowed = ON_DEMAND.get(str(path.relative_to(PACKAGE)))
    refused = [f"line {line}: {name}" for name, line in found if not (allowed and name.startswith(allowed))]
    assert not refused, "an import in a function hides a cycle"


def test_no_cycles():
    edges = {
        name: {
            other
            for other, node in own_imports(path)
            if other != name and node.lineno not in inside_a_function(path) | only_for_types(path)
        }
        for name, path in MODULES.items()
    }
    # A package's __init__ that re-exports is not imported *from* by its own modules.
    done, trail = set(), []

    def visit(name):
        assert name not in trail, "a cycle: " + " -> ".join([*trail[trail.index(name) :], name])
        if name in done:
            return
        trail.append(name)
        for other in sorted(edges[name]):
            visit(other)
        trail.pop()
        done.add(name)

    for name in sorted(edges):
        visit(name)


def test_the_table_has_no_floor_twice():
    assert len(FLOOR) == sum(len(parts) for parts in FLOORS)
    assert all(FLOOR[low[0]] < FLOOR[high[0]] for low, high in pairwise(FLOORS))
