"""Every shipped subject: it loads, all that it says stands, and the names in it mean nothing."""

import re

import pytest

import symderive as sd
from symderive.calculus.differentiate import pair
from symderive.derivation.chains import Chain
from symderive.derivation.checker import replay
from symderive.derivation.derivation import Derivation
from symderive.derivation.proofs import Line, prove_equal
from symderive.judgement.verdicts import Verdict
from symderive.language import build
from symderive.language.nodes import Differential
from symderive.library import Objective, describe, find, load

PATHS = {path.stem: path for path in find()}
SUBJECTS = {name: load(path) for name, path in PATHS.items()}

#: What the shipped identities must come out as; a name that is not here is upheld.
PROVED = {
    "least_squares": {"GRADIENT", "IN_TEXTBOOKS", "HESSIAN", "CONVEX", "NORMAL_EQUATIONS", "SCORE", "SAME_FIT"},
    "logistic_regression": {
        "GRADIENT", "IN_TEXTBOOKS", "HESSIAN", "CONVEX", "LOG_ODDS", "SIGMOID_DERIVATIVE", "BERNOULLI", "SCORE",
    },
    "entropy": {"AT_MOST_LOG_K", "ONLY_UNIFORM", "STATIONARY", "CONCAVE", "NOT_NEGATIVE", "GAP_IS_A_DIVERGENCE"},
    "kl_divergence": {"NOT_NEGATIVE", "ZERO_ONLY_IF_EQUAL", "NOT_SYMMETRIC", "CONVEX_IN_THE_PAIR", "TO_A_SOFTMAX"},
    "cross_entropy": {"DECOMPOSITION", "SAME_MINIMISERS", "BY_THE_LOGITS", "CLASSIFICATION", "CONVEX"},
}  # fmt: skip


def verdicts(subject):
    for item in subject.items:
        if not isinstance(item.value, Objective):
            yield item.name, item.value if isinstance(item.value, Verdict) else item.value.verdict


def within(verdict):
    """A verdict and the verdicts that it rests on."""
    yield verdict
    for part in verdict.parts:
        yield from within(part)


@pytest.mark.parametrize("name", PATHS)
def test_it_stands(name):
    found = dict(verdicts(SUBJECTS[name]))
    for label, verdict in found.items():
        assert verdict.upheld, f"{label}: {verdict}"
    for label in PROVED.get(name, ()):
        assert found[label].status == "proved", f"{label}: {found[label]}"


@pytest.mark.parametrize("name", PATHS)
def test_it_reads_like_a_page(name):
    description = describe(PATHS[name])
    assert set(description.titles) >= {"en", "zh"}
    assert "Source" in description.text
    assert len(description.text.splitlines()) >= 5


@pytest.mark.parametrize("name", PATHS)
def test_cited_rules_lead_from_line_to_line(name):
    for item in SUBJECTS[name].items:
        if isinstance(item.value, Chain):
            assert item.value.reached.status == "proved", item.value.reached


def lines(subject):
    """(before, after, changing, given) of every equality that a page of the subject prints as proved."""
    for item in subject.items:
        value = item.value
        if isinstance(value, Derivation):
            for step in value.steps:
                if step.relation != ":=" and step.verdict.status == "proved":
                    after = step.after.node
                    if step.relation == "=>":
                        after = pair(after, Differential(step.changing[0]), step.before.node.rank)
                    yield step.before.node, after, step.changing, (*step.given, *step.conditions)
        elif isinstance(value, Chain):
            for link in value.links:
                if link.verdict.status == "proved":
                    before, after, changing = link._sides()
                    yield before, after, changing, link.given
        elif isinstance(value, Verdict):
            for line in value.trace:
                changes = isinstance(line, Line) and any(isinstance(n, Differential) for n in line.before.walk())
                if isinstance(line, Line) and line.op == "==" and not changes:
                    yield line.before, line.after, (), line.conditions


@pytest.mark.parametrize("name", PATHS)
def test_every_printed_equality_replays_and_none_is_proved_a_little_off(name):
    count = 0
    for before, after, changing, given in dict.fromkeys(lines(SUBJECTS[name])):
        proof = prove_equal(before, after, given=given, changing=changing)
        assert proof.status == "proved", proof
        assert replay(proof.trace, given, changing).ok
        little = sd.Array(build.number(0)) + 1e-12
        off = build.add([(1, after), (1, little.node)], after.shape)
        if changing:  # a differential is linear in the change, so what is off is a multiple of it
            off = build.scale(1 + little.node.value, after)
        wrong = prove_equal(before, off, given=given, changing=changing)
        if not build.is_zero(after) or not changing:
            assert not wrong.upheld, wrong
        count += 1
    assert count


@pytest.mark.parametrize("name", PATHS)
def test_renaming_everything_changes_nothing(name, tmp_path):
    text = PATHS[name].read_text(encoding="utf-8")
    head, _, body = text.partition('"""')[2].partition('"""')
    names = set(re.findall(r'sd\.(?:array|let)\("(\w+)"', body)) | set("ndk")
    names |= {x for group in re.findall(r'for name in "(\w+)"', body) for x in group}
    for number, old in enumerate(sorted(names)):
        # not keyword arguments of functions, but the names that are given values
        body = re.sub(rf"\b{old}\b(?!=)|^{old}(?= =)", f"q{chr(97 + number)}", body, flags=re.M)
    assert not re.search(r"\bX\b", body)
    path = tmp_path / f"{name}_renamed.py"
    path.write_text(f'"""{head}"""{body}', encoding="utf-8")
    before = [v.status for _, v in verdicts(SUBJECTS[name])]
    after = [v.status for _, v in verdicts(load(path))]
    assert after == before


def test_a_certificate_rests_on_proved_parts():
    """Nothing is proved whose parts are weaker."""
    for subject in SUBJECTS.values():
        for label, verdict in verdicts(subject):
            for part in within(verdict):
                assert part.status != "refuted", f"{subject.name}.{label}: {part}"
