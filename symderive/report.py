"""What `symderive run` says about a subject, and the files that it writes.

The order is the one in which a reader asks: what is the loss, why is this its gradient, what else is
claimed and how well does it stand, which program follows, does it train, where are the pages. The
terminal and the pages get the same blocks; the terminal gets each section when it is ready.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from symderive.compilation.kernel import Kernel
from symderive.compilation.kernel import compile as compile_kernel
from symderive.derivation.derivation import Derivation
from symderive.judgement.verdicts import Verdict
from symderive.language.arrays import Array
from symderive.library import Item, Objective, Subject
from symderive.rendering.documents import document_of, write_document
from symderive.rendering.model import (
    Block,
    Code,
    Curve,
    Definitions,
    Heading,
    Note,
    Row,
    Steps,
    Table,
    Text,
    claim_blocks,
    definitions_of,
    derivation_blocks,
    derivation_title,
    foreign,
    math,
)
from symderive.rendering.sentences import cross_check_text, say
from symderive.rendering.terminal import text_blocks
from symderive.rendering.words import words
from symderive.training.minimize import minimize

__all__ = ["PAGES", "report"]

#: The pages that are written, by the format that writes them.
PAGES = {"html": "page.html", "latex": "page.tex"}


def report(subject: Subject, out: Path, detail: str = "brief", lang: str = "en") -> list[Verdict]:
    """Print what the subject shows, train its objectives, write pages and kernels to ``out/NAME/``.

    Returns the verdicts, in order, for the exit status.

    Raises
    ------
    GradientMismatchError
        A gradient disagrees with finite differences: nothing is trained with it.
    LibraryError, DataError, TrainingError
        An objective's data cannot be used, or a fit cannot start.
    """
    folder = out / subject.name
    folder.mkdir(parents=True, exist_ok=True)
    title = subject.titles.get(lang, subject.title)
    print(text_blocks((Heading(1, title),), lang))
    blocks: list[Block] = []
    for section in _sections(subject, folder, detail, lang):
        print("\n" + text_blocks(section, lang), flush=True)
        blocks += section
    document = document_of(title, tuple(blocks), lang)
    for form, name in PAGES.items():
        (folder / name).write_text(write_document(document, form) + "\n", encoding="utf-8")
    labels = words(lang)
    listed = labels["comma"].join(sorted(str(path) for path in folder.iterdir()))
    print(f"\n{labels['written']}{labels['colon']}{listed}\n", flush=True)
    return [verdict for item in subject.items if (verdict := _verdict(item)) is not None]


def _verdict(item: Item) -> Verdict | None:
    value = item.value
    if isinstance(value, Objective):
        return None
    return value if isinstance(value, Verdict) else value.verdict


def _sections(subject: Subject, folder: Path, detail: str, lang: str) -> Iterator[tuple[Block, ...]]:
    if subject.text:
        yield (Text(subject.text),)
    for item in subject.items:
        value = item.value
        heading = Heading(2, item.title.capitalize())
        if isinstance(value, Objective):
            yield _stated(value, lang)
        elif isinstance(value, Verdict):
            yield claim_blocks(value, item.title, lang, detail)
        else:
            if isinstance(value, Derivation) or value.title:
                heading = Heading(2, derivation_title(value, lang))
            yield (heading, *derivation_blocks(value, detail, lang))
    for item in subject.items:
        if isinstance(item.value, Objective):
            kernel = compile_kernel(item.value.loss, wrt=item.value.wrt, order=2, name=item.value.name)
            path = kernel.save(folder / f"{item.value.name}.py")
            yield Heading(2, _titled("program", path.name, lang)), Code(kernel.source)
            if item.value.data is not None:
                yield _training(item.value, kernel, lang)


def _titled(word: str, name: str, lang: str) -> str:
    labels = words(lang)
    return f"{labels[word]}{labels['colon']}{name}"


def _stated(objective: Objective, lang: str) -> tuple[Block, ...]:
    """The loss, as it was written."""
    labels = words(lang)
    sought = [objective.wrt] if isinstance(objective.wrt, Array) else objective.wrt
    definitions: tuple[Definitions, ...] = definitions_of([objective.loss], labels["where"])
    return (
        Heading(2, _titled("objective", objective.name, lang)),
        Text(labels["minimise"].format(wrt=labels["comma"].join(array.name for array in sought))),
        Steps((Row("", foreign("L", "L"), math(objective.loss)),)),
        *definitions,
    )


def _training(objective: Objective, kernel: Kernel, lang: str) -> tuple[Block, ...]:
    """A fit by each method, with the cross-check that came before it."""
    labels = words(lang)
    data = objective.numbers()
    fits = {method: minimize(kernel, data=data, method=method) for method in objective.methods}
    meant = fits[objective.methods[0]]
    reference = _flat(meant.x)
    rows = []
    for method, fit in fits.items():
        away = np.abs(_flat(fit.x) - reference).max() / max(1.0, np.abs(reference).max())
        size = np.abs(_flat(fit.jac)).max()
        note = labels["reference"] if fit is meant else f"{away:.1e}"
        rows.append((method, str(fit.nit), f"{fit.fun:.12g}", f"{size:.1e}", f"{fit.seconds:.2f}", note))
    head = ("method", "iterations", "loss", "gradient_size", "seconds", "difference")
    source = f"{objective.data}{labels['semicolon']}" if isinstance(objective.data, str) else ""
    shapes = labels["comma"].join(
        labels["is"].format(name=name, shape=" × ".join(map(str, value.shape)))
        if value.shape
        else f"{name} = {value:g}"
        for name, value in data.items()
    )
    return (
        Heading(2, _titled("training", objective.name, lang)),
        Note(labels["data"], source + shapes),
        *([Note(labels["cross_check"], cross_check_text(meant.cross_check, lang))] if meant.cross_check else []),
        Table(tuple(labels[word] for word in head), tuple(rows)),
        *(Note(method, say(fit.message, lang)) for method, fit in fits.items() if not fit.success),
        Curve(labels["curve"], tuple((method, fit.history) for method, fit in fits.items())),
    )


def _flat(value: object) -> np.ndarray:
    """The entries of an array, or of a dict of arrays by name, in one vector."""
    parts = value.values() if isinstance(value, dict) else [value]
    return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in parts])
