"""The tables in the documentation are those of the code: a row that is added or renamed shows up here."""

import re
from pathlib import Path

import numpy as np
import pytest
import scipy.special

from symderive.checking.claims import KINDS
from symderive.compilation.stable import RULES
from symderive.derivation.chains import CITATIONS
from symderive.derivation.derive import CONVENTIONS
from symderive.derivation.proofs import LEMMAS
from symderive.language import domains
from symderive.language.arrays import ARRAY_FUNCTIONS, UFUNCS
from symderive.language.functions import FUNCTIONS
from symderive.language.text_functions import METHODS, PYTHON_ROWS, ROWS
from symderive.training.minimize import METHODS as FITS

DOCS = Path(__file__).resolve().parent.parent / "docs"
PACKAGE = DOCS.parent / "symderive"

#: They are known, to say that they compare numbers and what compares formulas.
REFUSED = {np.allclose, np.isclose, np.array_equal}


def page(name):
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def code(text):
    return "`" + text.replace("|", "\\|") + "`"


def rows(*cells):
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def functions():
    return rows(
        *(
            (
                code(f.numpy if "." in f.numpy else f"scipy.special.{f.numpy}"),
                code(", ".join(f.arguments)),
                " and ".join(code(r) for r in f.requires) or "everywhere",
                ", ".join("-" if d is None else code(d) for d in f.derivative),
                ", ".join(code(f"{k} = 0") for k in f.kinks),
            )
            for f in FUNCTIONS.values()
        )
    )


GENERATED = {
    "language": (functions,),
    "derivations": (
        lambda: rows(*((code(c.name), c.statement, ", ".join(map(code, c.opens)) if c.name != "definition" else "all")
                       for c in CITATIONS.values())),
        lambda: rows(*((code(name), statement) for name, statement in CONVENTIONS.items())),
    ),
    "verdicts": (
        lambda: rows(*((code(x.name), code(f"{x.big} {'>' if x.strict else '>='} {x.small}"),
                        " and ".join(map(code, x.requires)) or "always") for x in LEMMAS.values())),
    ),
    "programs": (lambda: "\n".join(f"{k}. {rule.name}" for k, rule in enumerate(RULES, 1)),),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "made"),
    [(name, make()) for name, makers in GENERATED.items() for make in makers],
    ids=lambda value: value if "\n" not in value else value.partition("\n")[0][:30],
)
def test_generated_tables(name, made):
    """The page has the table as the code has it; where it has not, this is the table to paste."""
    assert made in page(name), f"docs/{name}.md should have\n{made}"


def names(name, table):
    """The names in backquotes of the table (or list) behind ``<!-- table -->``."""
    text = page(name)
    mark = f"<!-- {table} -->\n"
    assert mark in text
    return set(re.findall(r"`([^`]+)`", text.partition(mark)[2].partition("\n\n")[0]))


def ufuncs():
    homes = {"scipy.special": scipy.special, "np": np}
    found = {name: home for home, module in homes.items() for name in UFUNCS if hasattr(module, name)}
    return {f"{home}.{name}" for name, home in found.items()}


def array_functions():
    return {f"{f.__module__.replace('numpy', 'np')}.{f.__name__}" for f in ARRAY_FUNCTIONS if f not in REFUSED}


def declared_domains():
    made = {name for name, value in vars(domains).items() if isinstance(value, domains.Domain) and name[0] != "_"}
    return {f"sd.{name}" for name in (*made, "interval", "integers", "labels")}


@pytest.mark.parametrize(
    ("name", "table", "meant"),
    [
        ("language", "ufuncs", ufuncs()),
        ("language", "array functions", array_functions()),
        ("language", "functions of text", set(ROWS)),
        ("language", "methods of text", set(METHODS)),
        ("language", "Python's functions", set(PYTHON_ROWS)),
        ("language", "domains", declared_domains()),
        ("verdicts", "kinds", set(KINDS)),
        ("programs", "methods", set(FITS)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_complete_lists(name, table, meant):
    shown = names(name, table)
    assert shown == meant, f"missing {sorted(meant - shown)}, not there {sorted(shown - meant)}"


def test_architecture_names_every_module():
    text = page("architecture")
    modules = [p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py") if not p.name.startswith("_")]
    missing = [m for m in modules if f"`{m.rpartition('/')[2]}`" not in text and f"`{m}`" not in text]
    assert not missing, f"docs/architecture.md does not name {sorted(missing)}"
    paths = re.findall(r"`((?:[a-z]+/)+[a-z_]+\.py)`", text)
    assert not [p for p in paths if not (PACKAGE / p).is_file() and not (PACKAGE.parent / p).is_file()]
