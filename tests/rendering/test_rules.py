"""Rules as rows: whatever a derivation, a proof or a chain cites has a row, and every row is right and used."""

import ast
import re
import subprocess
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import scipy.special
from derivation.corpus import ROWS
from derivation.families import FAMILIES
from derivation.oracle import declared, dimensions
from scipy.special import expit

import symderive as sd
from symderive.derivation.chains import CITATIONS, Chain
from symderive.derivation.derivation import Step
from symderive.derivation.derive import ROUTES
from symderive.derivation.proofs import LEMMAS
from symderive.derivation.rules import BOOKS, CHINESE_NAMES, REQUIREMENTS, RULES, SETTING, cited, is_rule, known, rule
from symderive.errors import UnknownNameError
from symderive.language.array_functions import ARRAY_FUNCTIONS
from symderive.language.functions import FUNCTIONS
from symderive.language.reading import read_text
from symderive.rendering.documents import write
from symderive.rendering.json import from_json
from symderive.rendering.latex import latex_page
from symderive.rendering.mathml import mathml
from symderive.rendering.model import Document, rules_of

from .test_chinese import need

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "symderive"


def keys_of(steps):
    """Every rule that some steps cite, those inside them included."""
    for step in steps:
        if isinstance(step, Step):
            yield from step.rule.split(", ")
            yield from step.uses
            yield from keys_of(step.substeps)
        else:
            yield from (row.key for row in step.rules)


def keys_in(value):
    """Every rule that a derivation, a chain or the trace of a verdict cites."""
    if isinstance(value, sd.Verdict):
        lines = value.trace
        return {key for line in lines for key in (*line.rule.split("; "), *(i.lemma for i in line.instances))}
    return set(keys_of(value.steps))


# -- every name has a row ---------------------------------------------------------------------------


def corpus():
    for row in ROWS:
        yield pytest.param(row.loss, row.shapes, row.domains, row.gradients, id=row.name)
    for family in FAMILIES:
        for number, loss in enumerate(family.spellings):
            yield pytest.param(loss, family.shapes, family.domains, family.gradients, id=f"{family.name}-{number}")


@pytest.mark.parametrize(("loss", "shapes", "domains", "gradients"), list(corpus()))
def test_a_derivation_cites_rows_only(loss, shapes, domains, gradients):
    arrays = declared(shapes, domains)
    read = read_text(loss, {**dimensions(shapes), **arrays})
    for name, route in product(gradients, ROUTES):
        derivation = sd.gradient(read, arrays[name], route=route)
        found = keys_in(derivation)
        assert found
        assert not [key for key in found if not is_rule(key)]
        for step in derivation.steps:
            assert step.statement
            assert step.reason
            assert len(step.rules) == len({*step.rule.split(", "), *step.uses})


#: Modules whose functions return what a node becomes, with the rule that says so.
REWRITING = ("simplify", "matrix_laws")


def cited_in_sources():
    """(file, name) for every rule name that a module of the calculus or of derivations spells out."""
    paths = [*PACKAGE.glob("calculus/*.py"), *PACKAGE.glob("derivation/*.py")]
    for path in sorted(path for path in paths if path.stem != "rules"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            found: list[ast.expr | None] = []
            match node:
                case ast.Call(
                    func=ast.Name(id="Rewrite" | "Step") | ast.Attribute(attr="_record" | "_step"), args=args
                ):
                    found = args[2:3]
                case ast.Assign(targets=[ast.Name(id="rule")], value=value):
                    found = [value]
                case ast.FunctionDef(returns=ast.Subscript(slice=ast.Tuple() as kinds)) if path.stem in REWRITING:
                    if ast.unparse(kinds) != "(Node, str)":
                        continue
                    returned = [r.value for r in ast.walk(node) if isinstance(r, ast.Return)]
                    found = [r.elts[1] for r in returned if isinstance(r, ast.Tuple)]
                case ast.Tuple(elts=[ast.Constant() as name, ast.Name(id=law)]) if (
                    law.startswith("_") and path.stem == "matrix_laws"
                ):
                    found = [name]  # a table of laws: ("inverse of a transpose", _inverse_of_transpose)
            for value in found:
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                    yield path.name, value.value


def test_no_row_hides_another():
    """A table by key keeps the last of two rows, and says nothing of the first."""
    source = ast.parse((PACKAGE / "derivation" / "rules.py").read_text(encoding="utf-8"))
    calls = [n for n in ast.walk(source) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Rule"]
    keys = [n.args[0].value for n in calls if isinstance(n.args[0], ast.Constant)]
    assert len(keys) == len(RULES)
    assert sorted(keys) == sorted(RULES)


def test_every_rule_that_the_sources_name_has_a_row():
    found = set(cited_in_sources())
    assert len(found) > 40
    assert not [pair for pair in sorted(found) if not is_rule(pair[1])], "add a row to symderive/derivation/rules.py"


@pytest.mark.parametrize("name", CITATIONS)
def test_what_a_line_may_cite_has_a_row(name):
    assert CITATIONS[name].statement == rule(name).form.text


def test_a_function_cites_its_definition():
    u = sd.array("u")
    chain = sd.chain(expit(u)).to(1 / (1 + np.exp(-u)), by="expit")
    (row,) = chain.links[0].rules
    assert row.name("zh") == "expit 的定义"
    assert row.form.text == "expit(x) = 1 / (1 + np.exp(-x))"


def test_an_unknown_rule_is_refused_with_near_names():
    with pytest.raises(UnknownNameError, match="no rule named 'chain rul'; did you mean chain rule"):
        rule("chain rul")
    assert not is_rule("derivative of nothing")
    assert cited("chain rule", "because", "chain rule") == (rule("chain rule"),)


# -- every row is complete, right and used ------------------------------------------------------------------


def used_by_example(row):
    scope = {"np": np, "sd": sd, "expit": expit}
    exec(SETTING, scope)
    return eval(row.example, scope)


@pytest.mark.parametrize("row", list(RULES.values()), ids=lambda row: row.key)
def test_the_example_uses_the_rule_and_stands(row):
    value = used_by_example(row)
    assert row.key in keys_in(value)
    verdict = value if isinstance(value, sd.Verdict) else value.verdict
    assert verdict.upheld, verdict
    if isinstance(value, Chain):
        assert value.reached.status == "proved"


@pytest.mark.parametrize("key", known())
def test_a_row_says_everything_in_both_languages(key):
    row = rule(key)
    assert row.key == key
    assert ", " not in key
    assert "; " not in key
    for lang in ("en", "zh"):
        assert row.name(lang)
        assert row.reason(lang)
        assert row.cite(lang)
    assert bool(row.conditions("en")) == bool(row.conditions("zh"))
    assert row.form.text
    assert row.form.latex
    written = mathml(row.form.latex)
    assert "<mtext>" not in written, "HTML does not read this formula"
    assert row.name("zh") != row.name("en") or not re.search(r"[a-z]{3,}", row.name("en").replace("log", ""))
    authors = [re.split(r", (?=ch\.|[0-9])", part)[0] for part in row.source.split("; ")]
    assert set(authors) <= set(BOOKS)


def test_every_book_is_cited_and_every_chinese_name_is_of_a_function():
    sources = "; ".join(rule(key).source for key in known())
    assert [author for author in BOOKS if author not in sources] == []
    assert set(CHINESE_NAMES) <= {*FUNCTIONS, *ARRAY_FUNCTIONS}


def test_what_array_functions_require_is_said_in_words():
    asked = {text for row in ARRAY_FUNCTIONS.values() for text in (row.requires, row.kink) if text}
    assert asked == set(REQUIREMENTS)
    assert rule("derivative of inv").conditions("zh") == "A 可逆"


def test_sources_are_cited_in_both_languages():
    assert rule("logarithm").cite() == "DLMF, 4.8"
    assert rule("logarithm").cite("zh") == "DLMF，4.8 节"
    assert rule("chain rule").cite("zh") == "Magnus、Neudecker，第 5 章"
    with pytest.raises(UnknownNameError, match="there are en, zh"):
        rule("chain rule").name("fr")


# -- the generated forms, against finite differences of NumPy and SciPy -------------------------------------

NUMBERS = {"np": np, **{name: getattr(scipy.special, name) for name in dir(scipy.special) if name[0] != "_"}}
ROW_NAMES = NUMBERS | {"np": np, "log": np.log, "exp": np.exp, "floor": np.floor, "cos": np.cos, "abs": abs}
ROW_NAMES |= {name: getattr(np, name) for name in ("cbrt", "hypot", "maximum", "where", "sign", "trunc", "rint")}

POINTS = ((0.37, 0.61, 1.3), (-0.42, 0.83, 0.55), (1.7, 0.29, 2.2), (2.3, 1.9, 0.7), (0.8, 2.6, 1.45))


def partials(row):
    """(variable, left side, right side) for each equation of a generated form."""
    for part in re.split(r", (?=[d∂]/[d∂])", row.form.text):
        head, _, right = part.partition(" = ")
        operator, _, left = head.partition(" ")
        yield operator.partition("/")[2][1:], left, right


def holds(condition, point):
    """Whether a condition holds at a point, with room for a finite difference."""
    steps = (0.0, 1e-4, -1e-4)
    moved = [{**point, name: value + step} for name, value in point.items() for step in steps]
    return all(bool(eval(condition, ROW_NAMES, m)) for m in moved)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if f"derivative of {name}" not in RULES])
def test_a_generated_form_is_the_derivative(name):
    row = rule(f"derivative of {name}")
    free = [argument for argument in FUNCTIONS[name].arguments if argument not in FUNCTIONS[name].orders]
    tried = 0
    for numbers in POINTS:
        point = dict(zip(free, numbers, strict=False))
        if row.conditions() and not holds(row.conditions(), point):
            continue
        for variable, left, right in partials(row):
            here, step = point[variable], 1e-5
            ahead, behind = (float(eval(left, NUMBERS, {**point, variable: here + h})) for h in (step, -step))
            slope = (ahead - behind) / (2 * step)
            assert float(eval(right, NUMBERS, point)) == pytest.approx(slope, rel=1e-6, abs=1e-6), (left, point)
            tried += 1
    assert tried, "no point of the list meets the row's conditions"


@pytest.mark.parametrize("name", LEMMAS)
def test_the_form_of_a_lemma_holds(name):
    row, lemma = rule(name), LEMMAS[name]
    tried = 0
    for numbers in ((0.3, 1.4), (2.0, 0.5), (-1.5, 0.7), (1.0, 1.0)):
        point = dict(zip(lemma.arguments, numbers, strict=False))
        if not row.conditions() or eval(row.conditions(), ROW_NAMES, point):
            assert eval(row.form.text, ROW_NAMES, point)
            tried += 1
    assert tried


# -- what steps say -----------------------------------------------------------------------------------------

n, d = sd.dims("n d")
X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
z = sd.let("z", X @ w)
LOGISTIC = sd.gradient(np.sum(np.logaddexp(0, z) - y * z) / n, w)


def test_a_step_has_name_form_conditions_and_reason():
    step = LOGISTIC.steps[1]
    assert (step.rule, step.uses) == ("chain rule", ("derivative of logaddexp", "common factor"))
    assert [row.name("zh") for row in step.rules] == ["链式法则", "logaddexp 的导数", "提取公因式"]
    assert step.statement == "d f(u) = f'(u)·du"
    assert step.reason == "; ".join(row.reason() for row in step.rules)
    kinked = sd.gradient(np.sum(np.abs(w)), w).steps[1]
    assert [str(condition) for condition in kinked.conditions] == ["w != 0"]


def test_two_arguments_that_change_are_a_total_derivative():
    t = sd.array("t", n)
    assert "total derivative" in sd.gradient(np.sum(np.logaddexp(t, t**2)), t).steps[1].uses
    assert "total derivative" not in sd.gradient(np.sum(np.logaddexp(0, t)), t).steps[1].uses


def test_algebra_inside_a_line_is_named():
    u = sd.array("u")
    assert any("algebra" in step.uses for step in sd.gradient(u**2 / (1 + u), u).steps)


def test_opening_a_definition_is_named_by_it():
    assert LOGISTIC.steps[2].uses == ("definition of z",)
    assert LOGISTIC.steps[2].rules[1].name("zh") == "z 的定义"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_brief_names_the_rules_and_full_explains_them(lang):
    rows = [rule(key) for key in dict.fromkeys(keys_of(LOGISTIC.steps))]
    brief, full = (LOGISTIC.to_text(detail=detail, lang=lang) for detail in ("brief", "full"))
    for row in rows:
        assert row.name(lang) in brief
        assert row.form.text not in brief
        assert " ".join(row.form.text.split()) in " ".join(full.split())
    assert rule("chain rule").reason(lang) not in "".join(brief.split("\n"))
    for written, row in ((full, rule("chain rule")), (full, rule("linearity"))):
        words = "".join(written.split())
        assert "".join(row.reason(lang).split()) in words
        assert "".join(row.conditions(lang).split()) in words


@pytest.mark.parametrize("form", ["latex", "html", "markdown"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_format_explains_at_full_detail_only(form, lang):
    brief, full = (write(LOGISTIC, form, detail=detail, lang=lang) for detail in ("brief", "full"))
    row = rule("read off the derivative")
    assert row.name(lang) in brief
    assert row.name(lang) in full
    stated = mathml(row.form.latex) if form == "html" else row.form.latex
    assert stated not in brief
    assert full.count(stated) == 2, "where it is first used, and among the rules at the end"
    assert row.reason(lang)[:10] in full
    assert row.reason(lang)[:10] not in brief


def test_the_rules_of_a_chain_and_of_a_proof_are_explained():
    u, p = sd.array("u"), sd.array("p", n, domain=sd.simplex)
    chain = sd.chain(1 - expit(u)).to(expit(-u), by="sigmoid")
    assert rule("sigmoid").form.text not in str(chain)
    assert rule("sigmoid").form.text in chain.to_text(detail="full")
    q = sd.array("q", n, domain=sd.simplex & sd.positive)
    verdict = sd.check(np.sum(p * np.log(p / q)), ">=", 0)
    assert "x log(x/y) >= x - y" in keys_in(verdict)
    assert rule("x log(x/y) >= x - y").reason() not in " ".join(write(verdict, "text").split())
    assert rule("x log(x/y) >= x - y").reason() in " ".join(write(verdict, "text", detail="full").split())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_json_says_the_rules_and_comes_back(lang):
    text = LOGISTIC.to_json(lang=lang)
    assert rule("chain rule").reason(lang) in text
    back = from_json(text)
    assert [(step.rule, step.uses) for step in back.steps] == [(step.rule, step.uses) for step in LOGISTIC.steps]


def test_a_title_for_each_language_is_used_and_comes_back():
    title = {"en": "Least squares", "zh": "最小二乘"}
    derivation = sd.gradient(np.sum((X @ w - y) ** 2), w, title=title)
    assert derivation.to_latex(document=True, lang="zh").count("最小二乘") == 1
    assert "Least squares" in derivation.to_html(document=True)
    assert from_json(derivation.to_json()).title == title


# -- all rules on a page ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("engine", "lang"), [("pdflatex", "en"), ("xelatex", "zh")])
def test_all_rules_compile(engine, lang, tmp_path):
    need(engine)
    page = Document("rules", rules_of([rule(key) for key in known()], lang), lang)
    (tmp_path / "page.tex").write_text(latex_page(page), encoding="utf-8")
    command = [engine, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=300, check=False)
    log = (tmp_path / "page.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    complaints = re.findall(r".*(?:Warning|Overfull|Missing character).*", log)
    assert [line for line in complaints if "fontspec" not in line] == []  # which scripts a font names is not ours


def cell(text):
    return text.replace("|", "\\|")


def code(text):
    return f"`{cell(text)}`"


def table(*rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def written_rules():
    """The rows that are written by hand, and the lemmas."""
    rows = [rule(key) for key in (*RULES, *LEMMAS)]
    return table(*((cell(r.name()), code(r.form.text), cell(r.conditions()), cell(r.reason()), r.cite()) for r in rows))


def chinese_rules():
    rows = [rule(key) for key in (*RULES, *LEMMAS)]
    return table(*((cell(r.name("zh")), cell(r.conditions("zh")), cell(r.reason("zh")), r.cite("zh")) for r in rows))


def generated_rules():
    rows = [rule(key) for key in known() if key not in RULES and key not in LEMMAS]
    return table(*((cell(r.name()), cell(r.name("zh")), code(r.form.text), cell(r.conditions())) for r in rows))


@pytest.mark.parametrize("made", [written_rules, chinese_rules, generated_rules])
def test_the_page_of_the_rules_has_the_tables(made):
    """Where the page has them not as the code has them, this is the table to paste."""
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert made() in page, f"docs/rules.md should have\n{made()}"
    assert all(f"*{author}*: {title}" in page for author, title in BOOKS.items())
