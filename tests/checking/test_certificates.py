"""Certificates: judged again without what finds proofs; whatever is changed in one is noticed and said."""

import copy
import json
import subprocess
import sys

import numpy as np
import pytest

import symderive as sd
from symderive.checking.certificates import _digest, certificate, read_certificates, replay, replayed
from symderive.errors import ReadError, UnsupportedError

UNIT = sd.interval(0, 1)
CLAIMS = {
    "equality": (["expit(-x) == 1 - expit(x)"], {}),
    "inequality": (["x + 1/x >= 2"], {"domains": {"x": sd.positive}}),
    "strict": (["log(p) < 0"], {"domains": {"p": UNIT}}),
    "below": (["1 + x <= exp(x)"], {}),
    "given": (["a*x <= b*x"], {"given": ["a <= b"], "domains": {"x": sd.nonnegative}}),
    "arrays": (["(X @ w - y) @ (X @ w - y) == np.sum((X @ w - y)**2)"], {"shapes": {"X": "n d", "w": "d", "y": "n"}}),
    "gibbs": (
        ["np.sum(p*np.log(p/q)) >= 0"],
        {"shapes": {"p": "k", "q": "k"}, "domains": dict.fromkeys("pq", sd.simplex & sd.positive)},
    ),
    "finite": (["k*k >= k"], {"domains": {"k": sd.integers(0, 9)}}),
    "search only": (["sin(x) <= x + x**6"], {"domains": {"x": sd.nonnegative}}),
    "false": (["x*x >= x"], {}),
    "false by little": (["x == x + 1e-12"], {}),
    "undefined": (["x/x == 1"], {}),
    "false for arrays": (["X @ w == w @ X"], {"shapes": {"X": "d d", "w": "d"}}),
    "false under what is given": (["a*x <= b*x"], {"given": ["a <= b"]}),
    "labels": (["y**3 == y"], {"domains": {"y": sd.labels(-1, 1)}}),
    "open": (["log(x) == log(x)"], {}),
}


def judged(name):
    texts, options = CLAIMS[name]
    return sd.check(*texts, **options)


@pytest.fixture(scope="module")
def files():
    """Certificates as they come from a file."""
    return {name: json.loads(json.dumps(certificate(judged(name)))) for name in CLAIMS}


@pytest.mark.parametrize("name", CLAIMS)
def test_certificates_replay(files, name):
    outcome = replay(files[name])
    assert outcome.ok, outcome
    assert outcome.status == judged(name).status
    assert outcome.points == len(files[name]["points"])
    assert bool(files[name]["trace"]) == (outcome.status == "proved")


def test_what_a_certificate_says(files):
    file = files["strict"]
    assert file["claim"] == "log(p) < 0"
    assert file["domains"] == {"p": {"low": 0, "high": 1}}
    assert set(file["versions"]) == {"symderive", "sympy", "python-flint"}
    assert file["evidence"]["points"] == len(file["points"])
    point = file["points"][0]
    value = float(eval(point["values"]["p"]))
    assert 0 < value < 1
    middle = float(point["lhs"][0].strip("[]").split(" +/- ")[0])
    assert abs(middle - np.log(value)) < 1e-12
    assert "expit" in files["equality"]["claim"]


def leaves(value, path=()):
    """The paths to everything in a document that has no parts."""
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from leaves(inner, (*path, key))
    else:
        yield path


def changed(document, path, value):
    made = copy.deepcopy(document)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return made


def other(value):
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return value[:-1] + ("1" if value[-1:] != "1" else "2")
        case None:
            return 0
    return "x"


@pytest.mark.parametrize("name", ["equality", "inequality", "false", "finite"])
def test_every_change_is_noticed(files, name):
    """Each leaf of the file changed, and each part of it left out."""
    file = files[name]
    paths = list(leaves(file))
    every = max(1, len(paths) // 60)
    for path in paths[::every]:
        inner = file
        for key in path:
            inner = inner[key]
        outcome = replay(changed(file, path, other(inner)))
        assert not outcome.ok, path
        assert outcome.problems
    for key in file:
        outcome = replay({k: v for k, v in file.items() if k != key})
        assert not outcome.ok, key
        assert f"it has no {key!r}" in outcome.problems


def forged(file, **parts):
    """The file with other parts and a digest that fits."""
    made = {**copy.deepcopy(file), **parts}
    made["digest"] = _digest(made)
    return made


@pytest.mark.parametrize("name", ["inequality", "false"])
def test_nothing_raises(files, name):
    """Any leaf replaced by anything, with a digest that fits."""
    file = files[name]
    paths = list(leaves(file))
    weird = ([], {}, None, -1, 10**30, "x", "", True, [[1]], {"part": "Line"}, "9" * 500)
    for k, path in enumerate(paths[:: max(1, len(paths) // 40)]):
        made = changed(file, path, weird[k % len(weird)])
        made["digest"] = _digest(made)
        for text in replay(made).problems:
            assert text


def problem(file):
    outcome = replay(file)
    assert not outcome.ok
    assert not any("digest" in text for text in outcome.problems)
    return "; ".join(outcome.problems)


@pytest.mark.parametrize("name", [n for n in CLAIMS if n not in ("equality", "arrays", "labels")])
def test_a_status_cannot_be_raised(files, name):
    """With a digest that fits: whatever is not proved by its lines is not taken for proved."""
    file = files[name]
    if file["status"] != "proved":
        assert problem(forged(file, status="proved"))
    without = forged(file, trace=[], status="proved")
    assert "proof" in problem(without) or "points" in problem(without) or "refutes" in problem(without)


@pytest.mark.parametrize("status", ["proved", "certified", "checked"])
def test_a_refuted_claim_is_not_upheld(files, status):
    assert "but" in problem(forged(files["false"], status=status))
    assert "the judge refutes the claim" in problem(forged(files["false"], status=status))
    assert problem(forged(files["search only"], status="refuted"))
    assert problem(forged(files["open"], status=status))


def test_another_claim_is_noticed(files):
    assert "what was judged is" in problem(forged(files["strict"], claim="log(p) < 1"))
    assert "what was judged is" in problem(forged(files["strict"], claim="__import__('os')"))
    lhs, _, rhs = files["strict"]["relation"]
    assert problem(forged(files["strict"], relation=[rhs, "<", lhs]))
    assert "must be one of" in problem(forged(files["strict"], relation=[lhs, "~", rhs]))
    text = files["strict"]["claim"].replace("<", "==")
    assert "refutes" in problem(forged(files["strict"], relation=[lhs, "==", rhs], claim=text))


def test_a_wider_domain_is_noticed(files):
    """The proof of log p < 0 on (0, 1) is none on (0, 2)."""
    nodes = json.loads(json.dumps(files["strict"]["nodes"]).replace('"high": 1', '"high": 2'))
    assert nodes != files["strict"]["nodes"]
    assert "domains are not those" in problem(forged(files["strict"], nodes=nodes))
    wider = forged(files["strict"], nodes=nodes, domains={"p": {"low": 0, "high": 2}})
    assert "the judge refutes the claim" in problem(wider)


def test_all_that_is_wrong_is_said(files):
    problems = replay({**files["false"], "status": "proved"}).problems
    assert "the digest does not fit: the file was changed after it was written" in problems
    assert "proved, but it has no points at which the sides agree" in problems
    assert problems[2].startswith("proved, but the judge refutes the claim: at x = ")


def test_what_was_given_cannot_be_dropped(files):
    assert "refutes" in problem(forged(files["given"], given=[]))


def test_a_changed_proof_is_noticed(files):
    for name in ("inequality", "gibbs", "below"):
        trace = files[name]["trace"]
        for k in range(len(trace)):
            assert "proof" in problem(forged(files[name], trace=trace[:k] + trace[k + 1 :]))
        assert "proof" in problem(forged(files[name], trace=[*trace, *trace]))
    lines = files["equality"]["trace"]
    assert "is not known" in problem(forged(files["equality"], trace=[{**lines[0], "rule": "trust me"}]))
    assert "no part of a proof" in problem(forged(files["equality"], trace=[{"part": "eval", "text": "1"}]))
    assert problem(forged(files["equality"], trace=[{"part": "Line"}]))
    assert problem(forged(files["equality"], trace="trust me"))


def test_a_condition_that_is_not_given_is_noticed(files):
    """A line under a condition proves nothing where the condition fails, even where the judge finds no fault."""
    file = files["below"]
    [first, *rest] = file["trace"]
    lhs, _, rhs = file["relation"]
    line = {**first, "conditions": [{"relation": [rhs, ">", lhs]}]}
    assert "which is not given" in problem(forged(file, trace=[line, *rest]))


def test_a_weak_proof_proves_no_strict_claim():
    weak = json.loads(json.dumps(certificate(sd.check("exp(x) + x**2 >= 0"))))
    assert {line["op"] for line in weak["trace"]} <= {"==", ">="}
    lhs, _, rhs = weak["relation"]
    strict = forged(weak, relation=[lhs, ">", rhs], claim="exp(x) + x**2 > 0", evidence=None)
    assert "do not add up to >" in problem(strict)


def test_a_changed_point_is_noticed(files):
    file = files["strict"]

    def with_point(**parts):
        return forged(file, points=[{**file["points"][0], **parts}, *file["points"][1:]])

    assert "not in the domain" in problem(with_point(values={"p": "3/2"}))
    assert "enclosures" in problem(with_point(values={"p": "1/17"}))
    assert "enclosures" in problem(with_point(lhs=["[-1.5 +/- 1]"]))
    assert "enclosures" in problem(with_point(lhs=["[0 +/- 1000]"]))
    assert "enclosures" in problem(with_point(lhs=["nan"]))
    assert "enclosures" in problem(with_point(lhs=[]))
    assert "the judge 'agrees'" in problem(with_point(outcome="differs"))
    assert "bits" in problem(with_point(bits=99))
    assert "has values of" in problem(with_point(values={"q": "1/2"}))
    assert "has sizes of" in problem(with_point(sizes={"n": 3}))
    assert problem(with_point(values={"p": "1/0"}))
    assert problem(with_point(values={"p": "9" * 30_000}))
    assert problem(with_point(values={"p": ["1/2"]}))
    assert "no points" in problem(forged(file, points=[]))
    wrong = files["false"]
    agreeing = forged(wrong, points=[{**wrong["points"][0], "values": {"x": "2"}}])
    assert "does not refute" in problem(agreeing)


def test_changed_evidence_is_noticed(files):
    evidence = {**files["search only"]["evidence"], "points": 10**6}
    assert "evidence" in problem(forged(files["search only"], evidence=evidence))
    assert "evidence" in problem(forged(files["search only"], seed=1))


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("equality", {"bits": "x"}, "bits must be 128"),
        ("equality", {"bits": 10**30}, "bits must be 128"),
        ("equality", {"bits": 128.0}, "bits must be 128"),
        ("false", {"bits": None}, "bits must be 128"),
        ("false", {"seed": "x"}, "seed must be an integer"),
        ("false", {"seed": -1}, "seed must be an integer"),
        ("false", {"seed": True}, "seed must be an integer"),
        ("false", {"evidence": "many points"}, "no evidence beside its point"),
        ("false", {"trace": None}, "trace must be a list"),
        ("finite", {"trace": {}}, "trace must be a list"),
        ("false", {"trace": [1]}, "empty where nothing is proved"),
        ("labels", {"domain": "labels(0, 1)"}, "is written 'labels(0, 1)', and is another"),
        ("labels", {"domain": "; echo"}, "is written '; echo', and is another"),
    ],
    ids=str,
)
def test_parts_that_nothing_else_leans_on_are_looked_at(files, name, damage, said):
    file = copy.deepcopy(files[name])
    changed = {key: value for key, value in damage.items() if key != "domain"}
    if "domain" in damage:
        leaf = next(node for node in file["nodes"] if "leaf" in node)
        leaf["domain"]["text"] = damage["domain"]
    assert said in problem(forged(file, **changed))


@pytest.mark.parametrize(
    "damage",
    [
        {},
        {"kind": "verdict"},
        {"nodes": [{"leaf": "__class__", "shape": [], "domain": {}}]},
        {"nodes": [{"map": "exec", "arguments": [0]}]},
        {"nodes": "x"},
        {"relation": [10**6, "==", 0]},
        {"relation": None},
        {"points": [{"sizes": {}, "values": {"x": [[[[[[[[[[[[0]]]]]]]]]]]]}}]},
        {"seed": "x"},
        {"status": ["proved"]},
        {"given": [[0, "==", 0]] * 3},
        {"extra": 1},
        {"nodes": [{"number": ["^", 9, ["^", 9, ["^", 9, 9]]]}]},
        {"nodes": [{"leaf": "x", "shape": [10**9], "domain": {"text": "real"}}]},
    ],
    ids=str,
)
def test_damaged_certificates_do_not_raise(files, damage):
    outcome = replay({**files["equality"], **damage} if damage else {})
    assert not outcome.ok
    assert all(text and "\n" not in text for text in outcome.problems)
    assert replayed({"certificate": {**files["equality"], **damage}})["ok"] is False or not damage


def test_files_of_certificates(files):
    one = json.dumps(files["equality"])
    assert len(read_certificates(one)) == 1
    several = {"symderive": 1, "kind": "certificates", "certificates": [files["equality"], files["false"]]}
    assert len(read_certificates(json.dumps(several))) == 2
    nothing = ("", "[]", "1", '{"kind": "certificates"}', '{"kind": "certificates", "certificates": [1]}', "[" * 10**5)
    for text in nothing:
        with pytest.raises(ReadError):
            read_certificates(text)


def test_what_has_no_certificate():
    x = sd.array("x")
    with pytest.raises(UnsupportedError, match="there is no certificate"):
        sd.certificate(sd.claim("convex", x**2, wrt=x))
    verdict = sd.check("x*x >= 0")
    with pytest.raises(UnsupportedError, match="same process"):
        sd.certificate(sd.Verdict.from_dict(verdict.as_dict()))


def test_a_derived_gradient_has_a_certificate():
    n, d = sd.dims("n d")
    X, w, y = sd.array("X", n, d), sd.array("w", d), sd.array("y", n)
    g = sd.gradient(np.sum((X @ w - y) ** 2), w)
    wrong = sd.check(g, "==", "X.T @ (X @ w - y)")
    assert replay(sd.certificate(wrong)).ok


#: What finds proofs and formulas. The judge, the normal form and the checker are what a replay rests on.
AUTHORS = (
    "calculus.differentiate", "calculus.forward", "calculus.simplify", "calculus.naming", "derivation.inequalities",
    "derivation.derive", "derivation.derivation", "derivation.rules", "checking.check", "checking.claims",
    "checking.hints", "derivation.squares", "checking.convexity", "compilation", "rendering", "probability",
)  # fmt: skip


def test_a_replay_imports_no_author(files, tmp_path):
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(files["inequality"]), encoding="utf-8")
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from symderive.checking.certificates import read_certificates, replay\n"
        f"[file] = read_certificates(Path({str(path)!r}).read_text(encoding='utf-8'))\n"
        "assert replay(file).ok\n"
        "print(*(name.removeprefix('symderive.') for name in sys.modules if name.startswith('symderive.')))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(result.stdout.split())
    assert "derivation.checker" in loaded
    assert "judgement.judge" in loaded
    assert not loaded & set(AUTHORS)
