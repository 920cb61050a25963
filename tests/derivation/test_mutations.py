"""A claimed gradient that is a little off is refuted; the textbook's own is upheld."""

import pytest
from derivation.families import FAMILIES
from derivation.oracle import declared

import symderive as sd


def mutants(text: str) -> dict[str, str]:
    """Claims that are wrong, by what is wrong with them."""
    line, *rest = text.split(", where ", 1)
    tail = f", where {rest[0]}" if rest else ""
    found = {"factor 2": f"2 * ({line}){tail}", "sign": f"-({line}){tail}", "shift": f"{line} + 1e-12{tail}"}
    if line.endswith(" / n"):
        found["missing 1/n"] = line.removesuffix(" / n") + tail
    for term in (" + lam * w", " + 2 * lam * w", " + lam * W", " + 2 * lam * U", " + 2 * lam * V"):
        if line.endswith(term):
            found["dropped ridge"] = line.removesuffix(term) + tail
    if "X.T @ " in line:
        found["transposed"] = line.replace("X.T @ ", "X @ ", 1) + tail
    return found


CASES = [
    (family, name, (k * 7 + j) % len(family.spellings))
    for k, family in enumerate(FAMILIES)
    for j, name in enumerate(family.gradients)
]


@pytest.mark.parametrize(
    ("family", "name", "spelling"), CASES, ids=[f"{f.name}-{n}-{k}".replace(" ", "_") for f, n, k in CASES]
)
def test_wrong_claims_are_refuted(family, name, spelling):
    loss = sd.read(family.spellings[spelling], **declared(family.shapes, family.domains))
    derivation = sd.gradient(loss, name)
    right = sd.check(derivation, "==", family.gradients[name])
    assert right.upheld, right
    for what, text in mutants(family.gradients[name]).items():
        verdict = sd.check(derivation, "==", text)
        assert verdict.status == "refuted", f"{what}: {text}\n{verdict}"
        if what in ("factor 2", "sign", "missing 1/n", "transposed"):
            assert verdict.hint, f"{what}: {text}\n{verdict}"
