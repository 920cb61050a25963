"""Pages in Chinese: no English word is left in them but names and the author's own texts."""

import ast
import html
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from derivation.corpus import ROWS as CORPUS
from scipy.special import expit

import symderive as sd
from symderive.cli import main
from symderive.derivation.rules import BOOKS
from symderive.judgement.verdicts import Counterexample, CrossCheck, Evidence, Status, Verdict
from symderive.language.array_functions import ARRAY_FUNCTIONS
from symderive.language.functions import FUNCTIONS
from symderive.language.text_functions import METHODS, PYTHON_ROWS, ROWS
from symderive.rendering.documents import write
from symderive.rendering.latex import escape_latex
from symderive.rendering.model import Note, Table, Text
from symderive.rendering.sentences import SENTENCES, say
from symderive.rendering.terminal import columns, text_blocks
from symderive.rendering.words import LANGUAGES

PACKAGE = Path(__file__).resolve().parent.parent.parent / "symderive"

_TABLES = (FUNCTIONS, ARRAY_FUNCTIONS, ROWS, METHODS, PYTHON_ROWS)
_NUMPY = "np sd linalg axis keepdims compute uv full matrices None False eigh svd slogdet tri diag"
_DOMAINS = "real positive nonnegative labels simplex symmetric spd integers interval one hot invertible orthogonal"
_MORE = "softplus logabsdet ismax tanh Box Cox Mv inf"

#: Names that Chinese prose spells as they are: of functions, domains and people.
NAMES = {
    *(word for table in _TABLES for name in table for word in re.split(r"[._]", name)),
    *(word for author in BOOKS for word in re.findall(r"\w+", author)),
    *f"{_NUMPY} {_DOMAINS} {_MORE}".split(),
}


def english(text, *own):
    """The English words in a text, but names, those of ``own``, and changes such as dw."""
    text = re.sub(r"\bsd\.(integral|series|derivative)\b", "", text)
    words = set(re.findall(r"(?<![A-Za-z\\_])[A-Za-z]{2,}(?![A-Za-z])", text))
    owned = {word for name in own for word in re.findall(r"[A-Za-z]+", name)}
    return sorted(word for word in words - NAMES - owned if not re.fullmatch("d[A-Za-z]", word))


n, d, h, m, k = sd.dims("n d h m k")
X, w, b, y = sd.array("X", n, d), sd.array("w", d), sd.array("b"), sd.array("y", n)
labels = sd.array("y", n, domain=sd.labels(0, 1))
z = sd.let("z", X @ w + b)


def perceptron():
    """Three layers with tanh, squared loss and a batch."""
    features, target = sd.array("X", n, d), sd.array("Y", n, m)
    weights = [sd.array("W1", d, h), sd.array("W2", h, k), sd.array("W3", k, m)]
    biases = [sd.array("b1", h), sd.array("b2", k), sd.array("b3", m)]
    hidden = features
    for weight, bias in zip(weights[:2], biases[:2], strict=True):
        hidden = np.tanh(hidden @ weight + bias)
    out = hidden @ weights[2] + biases[2]
    return sd.gradient(np.sum((out - target) ** 2) / n, [a for pair in zip(weights, biases, strict=True) for a in pair])


u, t = sd.array("u"), sd.array("t", domain=sd.positive)
S = sd.array("S", d, d, domain=sd.symmetric)
DERIVATIONS = {
    "least squares": sd.gradient(np.sum((X @ w - y) ** 2) / n, w),
    "logistic": sd.gradient(np.sum(np.logaddexp(0, z) - labels * z) / n, [w, b]),
    "perceptron": perceptron(),
    "hessian": sd.hessian(np.sum(np.log(1 + np.exp(X @ w))), w),
    "jacobian": sd.jacobian(sd.softmax(w), w),
    "differential": sd.differential(w @ S @ w, w),
    "kink": sd.gradient(np.sum(np.abs(X @ w - y)) + np.sum(np.maximum(w, 0)), w),
    "convention": sd.gradient(w @ S @ w, S, convention="symmetric"),
    "determinant": sd.gradient(np.log(np.linalg.det(S)), S),
    "constant": sd.gradient(np.sum(y), w),
    "chain": sd.chain(sd.D(np.log1p(np.exp(u)), u))
    .to(np.exp(u) / (1 + np.exp(u)), by="chain rule")
    .to(expit(u), by=["sigmoid", "expit"]),
    "chain with the wrong rule": sd.chain(1 - expit(u)).to(expit(-u), by="logarithm"),
    "chain without a derivative": sd.chain(sd.D(np.exp(u), u)).to(np.exp(u), by="algebra"),
    "false chain": sd.chain(1 - expit(u)).to(expit(u), by="sigmoid"),
}


def own_names(value):
    """The names that the author of a derivation chose."""
    scope = getattr(value, "scope", {})
    made = {"delta", "value", "output"}
    return (*scope, *made, *(node.name for link in getattr(value, "links", ()) for node in link.after.node.leaves()))


@pytest.mark.parametrize("detail", ["brief", "full"])
@pytest.mark.parametrize("name", DERIVATIONS)
def test_no_english_in_text(name, detail):
    value = DERIVATIONS[name]
    text = value.to_text(document=True, detail=detail, lang="zh")
    assert english(text, *own_names(value)) == []
    assert len(re.findall(r"[\u4e00-\u9fff]", text)) > 40


def prose(page, form):
    """A page without its formulas and programs."""
    if form == "html":
        body = page.partition("<body>")[2]
        body = re.sub(r"<(math|pre|code|svg)\b.*?</\1>", " ", body, flags=re.DOTALL)
        titles = " ".join(re.findall(r'title="([^"]*)"', body))
        return html.unescape(re.sub(r"<[^>]*>", " ", body)) + titles
    if form == "markdown":
        body = re.sub(r"\$\$.*?\$\$|(?<!\\)\$.*?(?<!\\)\$|```.*?```|`[^`]*`", " ", page, flags=re.DOTALL)
        return html.unescape(re.sub(r"</?(details|summary)>", " ", body))
    body = page.partition(r"\begin{document}")[2].partition(r"\end{document}")[0]
    body = re.sub(r"\\setlength\{.*?\}\{.*?\}", " ", body)
    body = re.sub(r"\\text\{\\footnotesize(.*?)\}|\\tag\*\{\\footnotesize(.*)\}", r" $\1\2$ ", body)
    kept = re.findall(r"\\tag\*\{(.*)\}|\\intertext\{(.*)\}", page)
    body = re.sub(r"\\begin\{align\*\}.*?\\end\{align\*\}", " ", body, flags=re.DOTALL)
    body = " ".join([body, *(part for pair in kept for part in pair)])
    body = re.sub(r"\$.*?\$", " ", body, flags=re.DOTALL)
    body = re.sub(r"\\(begin|end)\{[a-z*]*\}", " ", body)
    return re.sub(r"\\[A-Za-z]+|[0-9.]+(pt|em)", " ", body)


@pytest.mark.parametrize("form", ["html", "markdown", "latex"])
@pytest.mark.parametrize("detail", ["brief", "full"])
@pytest.mark.parametrize("name", DERIVATIONS)
def test_no_english_on_pages(name, detail, form):
    value = DERIVATIONS[name]
    page = write(value, form, document=True, detail=detail, lang="zh")
    assert english(prose(page, form), *own_names(value)) == []
    in_english = write(value, form, document=True, detail=detail)
    assert len(english(prose(in_english, form), *own_names(value))) > 8, "the test reads the page"


# -- verdicts -------------------------------------------------------------------------------------------

p, q = sd.array("p", n, domain=sd.simplex), sd.array("q", n, domain=sd.simplex & sd.positive)
A = sd.array("A", d, d)


def verdicts():
    g = DERIVATIONS["least squares"]
    yield sd.check(expit(-u), "==", 1 - expit(u))
    yield sd.check("log(x**2)", "==", "2*log(x)", shapes={"x": ""})
    yield sd.check("x / x", "==", "1", shapes={"x": ""})
    yield sd.check("x * y == 1", given=["x > 0"], shapes={"x": "", "y": ""})
    yield sd.check("x**2 + 1", ">", "0", shapes={"x": ""})
    yield sd.check("x**2", "<", "x", shapes={"x": ""})
    yield sd.check("x <= x + 1e-9", shapes={"x": ""})
    yield sd.check("log(x) == log(x)", shapes={"x": ""})
    yield sd.check("np.sin(2*x)", "==", "2*np.sin(x)*np.cos(x)", shapes={"x": ""})
    yield sd.check("digamma(x) < log(x)", domains={"x": sd.positive})
    yield sd.check("sd.integral(exp(-x), x, 0, inf) == 1")
    yield sd.check("sd.series(a**k/gamma(k + 1), k, 0, inf) == exp(a)", domains={"a": sd.positive})
    yield sd.check("sd.derivative(tanh(x), x) == 1 - tanh(x)**2")
    yield sd.check("x*log(x) >= x - 1", domains={"x": sd.positive})
    yield sd.check(np.sum(p * np.log(p / q)), ">=", 0)
    yield sd.check(g, "==", "X.T @ (X @ w - y) / n")
    yield sd.check(g, "==", "2 * X.T @ (y - X @ w) / n")
    yield sd.check(g, "==", "2 * X.T @ (X @ w - y) / n")
    yield sd.check(A @ w, "==", A.T @ w)
    yield sd.check(labels**2, "==", labels)
    yield sd.claim("convex", np.sum((X @ w - y) ** 2), wrt=w)
    yield sd.claim("convex", u**3, wrt=u)
    yield sd.claim("convex", np.abs(u), wrt=u)
    yield sd.claim("psd", X.T @ X)
    yield sd.claim("psd", A)
    yield sd.claim("exists", u**2, "==", 2)
    yield sd.claim("exists", u**2, "<", 0)
    yield sd.claim("equality_case", np.sum(p * np.log(p / q)), ">=", 0, when=(p, "==", q))
    yield sd.claim("same_minimisers", np.sum(w**2), 2 * np.sum(w**2) + 1, wrt=w)
    yield sd.claim("stationary", (u - 1) ** 2, wrt=u, at=1)
    yield sd.claim("stationary", (u - 1) ** 2, wrt=u, at=2)


VERDICTS = list(verdicts())


def test_the_verdicts_are_of_every_kind():
    assert {verdict.status for verdict in VERDICTS} >= {Status.proved, Status.refuted, Status.checked, Status.undecided}
    assert sum(bool(verdict.hint) for verdict in VERDICTS) >= 3
    assert sum(bool(verdict.trace) for verdict in VERDICTS) >= 5


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: f"{verdict.status}: {verdict.claim}")
def test_no_english_in_verdicts(verdict):
    for detail in ("brief", "full"):
        text = write(verdict, "text", document=True, detail=detail, lang="zh")
        assert english(text, "other") == [], text


def test_the_parts_of_a_verdict_are_said_in_chinese():
    verdict = Verdict(
        Status.refuted,
        "x == y",
        reason="the claim is wrong at an exact point of its domain",
        counterexample=Counterexample(
            {"n": 2}, {"x": (1, 2)}, "undefined (division by 0)", "3", entry=(1,), note="proved"
        ),
        hint="wrong sign: the claim is minus the gradient",
        evidence=Evidence("ball arithmetic", ({"n": 2},), 5, 90, 0, 1, 2, 3, 4, ("no point with x > 0 was met",)),
        cross_check=CrossCheck(False, "w", (1,), 1.0, 2.0, 0.5, 1.0, 1e-6, 1e-9, 4, 2, 3, "2 entries are at a kink"),
        conditions=("x > 0",),
    )
    text = "".join(write(verdict, "text", lang="zh").split())
    for part in (
        "[已否定]命题：x==y",
        "理由：命题在其定义域的一个精确点上不成立",
        "条件为：x>0",
        "反例：在n=2,x=[1,2]处；左边的分量[1]：无定义（除以0）；右边的分量[1]：3；已证明",
        "提示：符号错误：所给结果是梯度的相反数",
        "证据：球算术：5个点，90位，维数(n=2)，1点跳过，2点未决，3次抽取不满足假设，为寻找反例求值4次，种子0；"
        "未遇到满足x>0的点",
        "有限差分核对：梯度与有限差分不符（4个分量与2个随机方向，其中3个）；最差w[1]：所给1，有限差分2，"
        "相对误差5.0e-01，绝对误差1.0e+00，步长1.0e-06，误差估计1.0e-09；2个分量处在折点上",
    ):
        assert part in text, part


@pytest.mark.parametrize("english_row", SENTENCES)
def test_a_sentence_keeps_its_places(english_row):
    chinese = SENTENCES[english_row]
    places = {int(place) for place in re.findall(r"{([0-9])}", chinese)}
    assert places == set(range(english_row.count("{}")))
    filled = english_row.replace("{}", "x1")
    assert english(say(filled, "zh")) == []
    assert say(filled, "en") == filled


FORMULAS = [
    *(text for row in CORPUS for text in (row.loss, *row.gradients.values()) if " where " not in text),
    *(str(line.after) for value in DERIVATIONS.values() for line in value.steps if "where" not in str(line.after)),
    "expit(np.log(p / (1 - p))) == p",
    "f (x) + g (y)",
    "left * right + holds",
]


def test_formulas_stay_as_they_are():
    assert [text for text in FORMULAS if say(text, "zh") != text] == []
    assert say("np.sum(r**2), where r = X @ w - y", "zh") == "np.sum(r**2)，其中 r = X @ w - y"


# -- every sentence of the sources -----------------------------------------------------------------------

#: The modules whose sentences reach verdicts.
SPEAKING = (
    "judgement/*.py",
    "checking/check.py",
    "checking/claims.py",
    "checking/con*.py",
    "checking/curvature.py",
    "checking/gradients.py",
    "checking/hints.py",
    "derivation/chains.py",
    "derivation/inequalities.py",
    "calculus/normal_form.py",
    "calculus/signs.py",
)

#: Texts that are no sentence of a verdict: calls, patterns, what ``str`` of evidence is made of, names of
#: rules, which have rows; and pieces of sentences that stand whole in the table.
NOT_SAID = {
    "too close to tell apart", "out of range", "true if",
    "; did you mean {}?", "; the rules are {}", "the functions cannot be run at this point: {}: {}", "definition of {}",
    'claim("relation", lhs, "==", rhs)', 'claim("equality_case", lhs, "==", rhs, when=(p, "==", q))',
    'claim("exists", lhs, "!=", rhs)', 'claim("psd", matrix)', 'claim("convex", loss, wrt=w)',
    'claim("concave", loss, wrt=w)', 'claim("strictly_convex", loss, wrt=w)',
    'claim("strongly_convex", loss, wrt=w, modulus=m)', 'claim("lipschitz", loss, wrt=w, modulus=L)',
    'claim("{}", f, wrt=[x, y], at=[0, 1])',
    'claim("stationary", f, wrt=p, at=point, subject_to=[(np.sum(p), "==", 1)])',
    "{} is the gradient of {} by ", "finite differences say nothing here: ", "scipy.special",
    "scipy.optimize", "at the end", " in {} from {}",
    "chain rule", "product rule", "nonnegative by its sign",
    "positive by its sign", "an inequality with a trace", "the equality case", "<{} of shape {}>",
    "gradient {} finite differences{} ({}); worst {}: claimed {}, finite difference {}, relative error {}, "
    "absolute {}, step {}, error estimate {}", " and {} random directions", "agrees with", "disagrees with",
    " in {} of {}", "draws outside the assumptions", "evaluations of a search for a violation", "cross-check: {}",
    "  end to end:",
    "both sides are undefined", "the two sides could not be told apart, which a strict relation needs,", "true if ",
    "{} at {}{}; {} other points agree", "it is convex ({}), and no segment on which it is affine was found; ",
    "its second derivative along {} does not depend on the point and is not > 0 here", "{}, which is >= 0{}",
    "{}, so that it is affine along that direction", "halfway between two points of the domain {} lies above",
    "{} the chord", "the second derivative is not > 0 along the direction {} at an exact point",
    "{}, so that no m > 0 is below it", "the second derivative {}along any direction {} is {}",
    "{} is {} 0 by the signs of its factors",
    "the second derivative along a direction is {} at an exact point of the domain",
}  # fmt: skip


def sentences():
    """(place, sentence) for every text with two words or more that is no docstring and no error's message."""
    for path in sorted(path for pattern in SPEAKING for path in PACKAGE.glob(pattern)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr):
                silent.add(id(node.value))
            if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.Dict):
                silent |= {id(part) for part in ast.walk(node) if part is not node}
        for node in ast.walk(tree):
            text = ""
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            if isinstance(node, ast.JoinedStr):
                text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            if id(node) not in silent and len(re.findall(r"(?<![\w\\])[a-z]{2,}(?![\w(])", text)) >= 2:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", text


def test_every_sentence_of_a_verdict_has_a_chinese_one():
    """Where one is missing, it is listed: add a row to SENTENCES in symderive/rendering/sentences.py."""
    found = list(sentences())
    assert len(found) > 200
    said = ((place, text) for place, text in found if text not in NOT_SAID)
    assert [pair for pair in said if english(say(pair[1].replace("{}", "x1"), "zh"))] == []
    assert [text for text in NOT_SAID if text not in {text for _, text in found}] == []


# -- the command line and reports ----------------------------------------------------------------------

SUBJECT = '''"""最小二乘：残差的平方和。

梯度是残差乘以特征矩阵的转置。
"""

import numpy as np

import symderive as sd

TITLE = {"en": "Least squares", "zh": "最小二乘"}

n, d = sd.dims("n d")
X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
loss = np.sum((X @ w - y) ** 2) / n
J = sd.objective("J", loss, wrt=w, data={"X": np.eye(3), "y": np.arange(3.0)})
G = sd.gradient(loss, w, title={"en": "The gradient", "zh": "梯度的推导"})
C = sd.claim("convex", loss, wrt=w)
'''


def test_a_report_is_chinese(tmp_path, capsys):
    file = tmp_path / "subject.py"
    file.write_text(SUBJECT, encoding="utf-8")
    assert main(["run", str(file), "--out", str(tmp_path / "out"), "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    program = (tmp_path / "out" / "subject" / "J.py").read_text(encoding="utf-8")
    code = {line.strip() for line in program.splitlines()}
    shown = "\n".join(line for line in shown.splitlines() if line.strip() not in code)
    own = ("X", "w", "y", "loss", "newton", "lbfgs", "page", "tex", "html", "subject", "py", "out", str(tmp_path))
    assert english(shown, *own) == []
    assert "最小二乘" in shown
    assert "梯度的推导" in shown
    assert "共 2 个判定" in shown
    page = (tmp_path / "out" / "subject" / "page.html").read_text(encoding="utf-8")
    assert english(prose(page, "html"), *own) == []
    tex = (tmp_path / "out" / "subject" / "page.tex").read_text(encoding="utf-8")
    assert r"{ctexart}" in tex


def test_the_command_line_answers_in_chinese(capsys):
    derive = ["derive", "np.sum((X @ w - y)**2)", "--shape", "X=n,d", "--shape", "w=d", "--shape", "y=n", "--wrt", "w"]
    assert main([*derive, "--lang", "zh", "--detail", "full"]) == 0
    shown = capsys.readouterr().out
    assert "链式法则" in shown
    assert english(shown, "dL", "dw") == []
    assert main(["check", "x**2 >= 0", "--shape", "x=", "--lang", "zh"]) == 0
    assert capsys.readouterr().out.startswith("[已证明] 命题：x**2 >= 0")
    assert main(["check", "x >= 0", "--shape", "x=", "--lang", "zh"]) == 1
    assert english(capsys.readouterr().out) == []


# -- how Chinese text is laid out ------------------------------------------------------------------------


def test_chinese_characters_take_two_columns():
    assert columns("梯度 w") == 6
    for width in range(40, 60):
        text = text_blocks((Note("理由", "一阶近似下，" * 20),), "zh", width)
        assert max(columns(line) for line in text.split("\n")) <= width
        assert not re.search(r"\n\s*[，。；：）、]", text), "no line begins with a closing mark"
        assert "".join(text.split()) == "理由：" + "一阶近似下，" * 20
    table = text_blocks((Table(("方法", "loss"), (("newton", "1.5"), ("牛顿法", "2"))),), "zh").split("\n")
    assert len({columns(line) for line in table}) == 1


@pytest.mark.parametrize("width", [40, 96])
def test_wrapping_loses_nothing(width):
    text = DERIVATIONS["perceptron"].to_text(lang="zh")
    blocks = (Text(" ".join(text.split())),)
    assert "".join(text_blocks(blocks, "zh", width).split()) == "".join(text.split())


def test_every_language_has_every_label_and_every_place():
    for key, text in LANGUAGES["en"].items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", LANGUAGES["zh"][key])), key


def test_what_no_chinese_font_has_is_shown_by_its_code():
    assert escape_latex("梯度", "xelatex") == "梯度"
    assert escape_latex("\U0001f3b2", "xelatex") == r"\texttt{U+1F3B2}"


# -- pages ---------------------------------------------------------------------------------------------


def need(engine):
    """Skip where a page cannot be set, naming what is missing."""
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    found = subprocess.run(["kpsewhich", "ctexart.cls"], capture_output=True, check=False).stdout
    if engine == "xelatex" and not found:
        pytest.skip("ctex is not installed")


def compiled(page, engine, folder):
    """The log of an engine; a failure to compile fails the test."""
    need(engine)
    (folder / "page.tex").write_text(page, encoding="utf-8")
    command = [engine, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    log = (folder / "page.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    return log


@pytest.mark.parametrize("detail", ["brief", "full"])
@pytest.mark.parametrize("name", ["least squares", "logistic", "perceptron", "chain", "kink"])
def test_chinese_compiles_with_xelatex(name, detail, tmp_path):
    log = compiled(DERIVATIONS[name].to_latex(document=True, detail=detail, lang="zh"), "xelatex", tmp_path)
    complaints = re.findall(r".*(?:Warning|Overfull|Missing character).*", log)
    assert [line for line in complaints if "fontspec" not in line] == []  # which scripts a font names is not ours
    if shutil.which("pdftotext"):
        done = subprocess.run(["pdftotext", "page.pdf", "-"], cwd=tmp_path, capture_output=True, check=True, text=True)
        assert "已证明" in done.stdout


@pytest.mark.parametrize(("engine", "lang"), [("pdflatex", "en"), ("xelatex", "zh")])
def test_a_perceptron_of_three_layers_fits_a_page(engine, lang, tmp_path):
    log = compiled(DERIVATIONS["perceptron"].to_latex(document=True, lang=lang), engine, tmp_path)
    assert re.search(r"Output written on page\.pdf \(1 page", log), "back-propagation through three layers is one page"
