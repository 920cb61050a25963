"""Claim files: what they say is read, and every kind of damage gives one error that says where."""

import json

import pytest

import symderive as sd
from symderive.checking.claim_files import EXPECTED, FileClaim, meets, read_claim_file
from symderive.errors import ReadError
from symderive.judgement.verdicts import Verdict


def written(folder, text, name="claims.toml"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


GOOD = """
title = "Entropies"
description = "Two of them."
[defaults]
domains = { p = "interval(0, 1)", q = "interval(0, 1)" }
given = ["p < q"]
tags = ["entropy"]
timeout = 0.5

[[claim]]
id = "binary"
title = "The entropy of a coin"
claim = "-p*log(p) - (1-p)*log(1-p) >= 0"

[[claim]]
lhs = "p"
op = ">"
rhs = "q"
given = "p <= 1/2"
expect = "refuted"
tags = ["order"]
memory = 100
timeout = 3
domains = { p = "interval(0, 1/2)" }

[[claim]]
id = 17
kind = "convex"
claim = "np.sum((X @ w - y)**2)"
wrt = "w"
shapes = { X = "n d", w = "d", y = "n" }
"""


def test_what_a_file_says(tmp_path):
    file = read_claim_file(written(tmp_path, GOOD))
    assert (file.title, file.description) == ("Entropies", "Two of them.")
    coin, order, convex = file.claims
    assert coin == FileClaim(
        "binary", ("-p*log(p) - (1-p)*log(1-p) >= 0",), "The entropy of a coin",
        domains={"p": "interval(0, 1)"}, tags=("entropy",), timeout=0.5,
    )  # fmt: skip
    assert order == FileClaim(
        "2", ("p", ">", "q"), domains={"p": "interval(0, 1/2)", "q": "interval(0, 1)"},
        given=("p < q", "p <= 1/2"), expect="refuted", tags=("entropy", "order"), timeout=3, memory=100,
    )  # fmt: skip
    assert (convex.id, convex.kind, convex.wrt, convex.domains) == ("17", "convex", ("w",), {})
    assert [FileClaim.from_dict(json.loads(json.dumps(c.as_dict()))) for c in file.claims] == list(file.claims)


def test_the_same_in_json(tmp_path):
    claims = [{"id": "a", "claim": "x == x", "domains": {"x": "positive"}}, {"lhs": "x", "op": "==", "rhs": "x"}]
    file = read_claim_file(written(tmp_path, json.dumps({"claim": claims, "title": "T"}), "c.JSON"))
    assert [c.text for c in file.claims] == ["x == x", "x == x"]
    assert read_claim_file(written(tmp_path, json.dumps(claims), "list.json")).title == "list"


def test_claims_are_judged_as_they_say(tmp_path):
    coin, order, convex = read_claim_file(written(tmp_path, GOOD)).claims
    assert coin.judge().status == "proved"
    refuted = order.judge()
    assert refuted.status == "refuted"
    values = refuted.counterexample.values
    assert values["p"] < values["q"]
    assert values["p"] < 0.5
    assert convex.judge().status == "proved"
    claim = FileClaim("1", ("np.sum(a**3)",), kind="convex", shapes={"a": "n"})
    assert claim.judge().status == "refuted"
    assert FileClaim("1", ("a**4",), kind="strictly_convex").judge().upheld


DAMAGE = {
    "no toml": ("claim = [", "not TOML"),
    "line of a toml error": ("\n\nx = = 1", "line 3"),
    "key twice": ('[[claim]]\nclaim = "x == x"\nclaim = "x == x"', "not TOML"),
    "no claims": ('title = "x"', "no claims"),
    "empty": ("", "no claims"),
    "unknown key": ('[[claim]]\nclam = "x == x"', "claim 1: unknown key 'clam'; did you mean 'claim'?"),
    "unknown key of the file": ("titel = 'x'", "the file: unknown key 'titel'; did you mean 'title'?"),
    "unknown default": ("[defaults]\ndomain = {}", "defaults: unknown key 'domain'; did you mean 'domains'?"),
    "key that is like none": ('[[claim]]\nxyz = 1', "there are id, title, claim"),
    "named claim": ('[[claim]]\nid = "gibbs"\nlhss = "x"', "claim 1 ('gibbs'): unknown key 'lhss'"),
    "wrong type": ('[[claim]]\nclaim = 3', "claim 1: claim must be a text, got a number"),
    "claims no list": ('claim = "x == x"', "must be a list"),
    "claim no table": ('claim = ["x == x"]', "claim 1: must be a table of keys and values, got a text"),
    "domains no table": ('[[claim]]\nclaim = "x == x"\ndomains = ["x"]', "domains must give a text for each name"),
    "domain no text": ('[[claim]]\nclaim = "x == x"\ndomains = { x = 1 }', "x must be a text, got a number"),
    "given no text": ('[[claim]]\nclaim = "x == x"\ngiven = [1]', "given must be a text, got a number"),
    "a truth value": ('[[claim]]\nclaim = true', "got a truth value"),
    "duplicate id": (
        '[[claim]]\nid = "a"\nclaim = "x == x"\n[[claim]]\nclaim = "y == y"\n[[claim]]\nid = "a"\nclaim = "x == x"',
        "claim 3: the id 'a' is that of claim 1 too",
    ),
    "id like a number": (
        '[[claim]]\nid = "2"\nclaim = "x == x"\n[[claim]]\nclaim = "y == y"', "claim 2: the id '2' is that of claim 1"
    ),
    "unknown domain": ('[[claim]]\nclaim = "x == x"\ndomains = { x = "positiv" }', "x: not a domain; there are"),
    "domain that is code": (
        '[[claim]]\nclaim = "x == x"\ndomains = { x = "__import__(\'os\')" }', "domains.x: not a domain"
    ),
    "domain called wrongly": (
        '[[claim]]\nclaim = "x == x"\ndomains = { x = "interval(1)" }', "domains.x: interval is not called like that"
    ),
    "domain of nan": ('[[claim]]\nclaim = "x == x"\ndomains = { x = "interval(nan, 1)" }', "domains.x"),
    "nested domain": ('[[claim]]\nclaim = "x == x"\ndomains = { x = "' + "(" * 190 + '" }', "domains.x"),
    "default domain": ('[defaults]\ndomains = { x = "nope" }', "defaults: domains.x: not a domain"),
    "name": ('[[claim]]\nclaim = "x == x"\ndomains = { "x y" = "real" }', "domains: 'x y' is no name"),
    "bad relation": ('[[claim]]\nlhs = "x"\nop = "=<"\nrhs = "x"', "op must be one of ==, <=, >=, <, >, !=, got '=<'"),
    "side missing": ('[[claim]]\nlhs = "x"\nop = "=="', "claim 1: has no rhs"),
    "side empty": ('[[claim]]\nlhs = "x"\nop = "=="\nrhs = " "', "claim 1: rhs is empty"),
    "nothing": ('[[claim]]\nid = "a"', "states nothing"),
    "both": ('[[claim]]\nclaim = "x == x"\nlhs = "x"', "not both"),
    "empty claim": ('[[claim]]\nclaim = ""', "claim is empty"),
    "expect": ('[[claim]]\nclaim = "x == x"\nexpect = "refutd"', "got 'refutd'; did you mean 'refuted'?"),
    "kind": ('[[claim]]\nclaim = "x"\nkind = "convx"', "did you mean 'convex'?"),
    "kind that is not for files": ('[[claim]]\nclaim = "x"\nkind = "stationary"', "is not for files"),
    "wrt of a relation": ('[[claim]]\nclaim = "x == x"\nwrt = "x"', "wrt belongs to a kind"),
    "nan": ('[[claim]]\nclaim = "x == x"\ntimeout = nan', "timeout must be a positive number, got nan"),
    "negative": ('[[claim]]\nclaim = "x == x"\nmemory = -1', "memory must be a positive number"),
    "truth for a number": ('[[claim]]\nclaim = "x == x"\ntimeout = true', "timeout must be a number, got"),
    "nothing for a time": ('[[claim]]\nclaim = "x == x"\ntimeout = 0', "timeout must be a positive number, got 0"),
    "no end of time": ('[[claim]]\nclaim = "x == x"\ntimeout = 1e9', "timeout must be a positive number, got"),
    "text for a number": ('[[claim]]\nclaim = "x == x"\ntimeout = "5"', "timeout must be a number, got a text"),
    "date": ("[[claim]]\nclaim = 2020-01-01", "got a date"),
    "long": ('[[claim]]\nclaim = "' + "x" * 20_001 + '"', "20001 characters"),
    "nul": ('[[claim]]\nclaim = "x \\u0000 == x"', "NUL"),
    "nested arrays": ("x = " + "[" * 100_000, "nested too deeply"),
    "not utf-8": ('[[claim]]\nid = "café"'.encode("latin-1"), "line 2: not UTF-8 (byte 0xe9)"),
    "huge integer": ("x = " + "9" * 5000, "not TOML"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_files(tmp_path, kind):
    text, problem = DAMAGE[kind]
    path = written(tmp_path, text)
    with pytest.raises(ReadError) as error:
        read_claim_file(path)
    assert str(error.value).startswith(f"{path}: ")
    assert problem in str(error.value)
    assert len(str(error.value)) < 1200 + len(str(path))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"claim": [}', "line 1 column 12"),
        ('{"claim": [{"claim": "x == x", "timeout": NaN}]}', "NaN is no number of JSON"),
        ('{"claim": [{"claim": "x == x", "claim": "y == y"}]}', "the key 'claim' stands twice"),
        ('"x == x"', "the file: must be a table"),
        ('{"claim": [{"claim": null}]}', "must be a text, got null"),
        ('{"claim": [{"claim": "x == x", "timeout": 1e999}]}', "positive number, got inf"),
        ("[" * 100_000, "nested too deeply"),
        ('{"claim": [{"claim": "x == x", "timeout": ' + "9" * 5000 + "}]}", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        ("[]", "no claims"),
        (json.dumps([{"claim": "x == x"}] * 10_001), "at most 10000 claims"),
    ],
)
def test_damaged_json(tmp_path, text, problem):
    with pytest.raises(ReadError) as error:
        read_claim_file(written(tmp_path, text, "claims.json"))
    assert problem in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ReadError, match="No such file"):
        read_claim_file(tmp_path / "none.toml")
    with pytest.raises(ReadError, match="irectory"):
        read_claim_file(tmp_path)
    with pytest.raises(ReadError, match=r"ends in \.toml or \.json"):
        read_claim_file(written(tmp_path, "", "claims.yaml"))
    with pytest.raises(ReadError, match="at most 4000000 bytes"):
        read_claim_file(written(tmp_path, b"#" * 4_000_001))


def test_a_byte_order_mark_is_no_damage(tmp_path):
    path = written(tmp_path, b"\xef\xbb\xbf" + GOOD.encode())
    assert len(read_claim_file(path).claims) == 3


@pytest.mark.parametrize("expect", EXPECTED)
def test_what_is_expected(expect):
    reached = [s for s in sd.Status if meets(Verdict(s, "x"), expect)]
    wanted = {"upheld": ["proved", "certified", "checked"], "certified": ["proved", "certified"],
              "checked": ["proved", "certified", "checked"]}.get(expect, [expect])  # fmt: skip
    assert reached == wanted
