"""The command line: `symderive run`, `list`, `derive` and `check`.

Exit statuses: 0 upheld; 1 refuted, or a cross-check that fails; 2 a usage or reading error;
3 undecided, or below the bar that ``--require`` sets; 4 a missing extra, named with its install
line; 130 interrupted.

The engine is imported inside the commands: ``--help`` and ``--version`` answer at once, without
loading SymPy.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from symderive import __version__
from symderive.errors import (
    GradientMismatchError,
    JudgementConflictError,
    LibraryError,
    MissingExtraError,
    ReadError,
    SymderiveError,
)

if TYPE_CHECKING:
    from symderive.judgement.verdicts import Verdict
    from symderive.language.arrays import Array

UPHELD, REFUTED, USAGE, UNDECIDED, MISSING, INTERRUPTED = 0, 1, 2, 3, 4, 130

FORMATS = ("text", "latex", "markdown", "html", "json")

#: The bars that --require can set.
BARS = ("proved", "certified", "checked")

def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    try:
        return _main(sys.argv[1:] if argv is None else list(argv))
    except KeyboardInterrupt:
        print("symderive: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has seen enough. Python would complain once more when
        # it flushes at exit, so that flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UPHELD


def _main(argv: list[str]) -> int:
    arguments = _parser().parse_args([_positional(argument) for argument in argv])
    try:
        status = arguments.command(arguments)
        sys.stdout.flush()
        return status
    except MissingExtraError as error:
        return _complain(error, MISSING)
    except (GradientMismatchError, JudgementConflictError) as error:
        return _complain(error, REFUTED)
    except SymderiveError as error:
        return _complain(error, USAGE)


def _complain(error: SymderiveError, status: int) -> int:
    sys.stdout.flush()
    print(f"symderive: {error}", file=sys.stderr)
    return status


def _positional(argument: str) -> str:
    """A formula may start with a minus sign, which argparse takes for an option unless it has a space."""
    return f" {argument}" if re.match(r"-[^-h]|-h.", argument) else argument


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="symderive",
        description="Write a loss in NumPy; get its derivation, its proof, its program and its fit.",
        epilog="exit status: 0 upheld, 1 refuted, 2 usage or reading error, 3 undecided or below --require, "
        "4 something is not installed",
    )
    parser.add_argument("--version", action="version", version=f"symderive {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    run = commands.add_parser(
        "run",
        help="derive, judge, compile and train a subject, and write its pages",
        description="Derive, judge, compile and train subjects, and write their pages and kernels. "
        "A FILE.py is run as Python: name files that you trust.",
    )
    run.set_defaults(command=_run)
    run.add_argument("source", nargs="*", metavar="NAME|FILE.py", help="a shipped subject, a file, or a folder")
    run.add_argument("--all", action="store_true", help="every shipped subject")
    run.add_argument(
        "--out",
        type=Path,
        default=Path("build"),
        metavar="DIR",
        help="where pages and kernels go (default: build)",
    )
    _add_detail(run)
    _add_require(run)

    listing = commands.add_parser("list", help="list the shipped subjects, or those of a folder")
    listing.set_defaults(command=_list)
    listing.add_argument("source", nargs="*", metavar="NAME|FOLDER", help="(default: what is shipped)")

    derive = commands.add_parser(
        "derive",
        help="derive a gradient, Jacobian or Hessian from NumPy text",
        description="Derive a gradient, Jacobian or Hessian from NumPy text, line by line.",
        epilog='example: symderive derive "np.sum((X @ w - y)**2)" --shape X=n,d --shape w=d --shape y=n --wrt w',
    )
    derive.set_defaults(command=_derive)
    derive.add_argument("text", metavar="TEXT", help="the function, in NumPy; it is read, never executed")
    _add_scope(derive)
    derive.add_argument("--wrt", action="append", required=True, metavar="NAME", help="the variable; repeatable")
    derive.add_argument("--order", type=int, choices=(1, 2), default=1, help="2 for the Hessian (default: 1)")
    _add_detail(derive)
    derive.add_argument("--format", choices=FORMATS, default="text", help="(default: text)")
    derive.add_argument("--out", type=Path, metavar="FILE", help="write a whole document there instead")
    _add_require(derive)

    check = commands.add_parser(
        "check",
        help="prove, certify, check or refute a relation",
        description="Prove, certify, check or refute a relation between two NumPy texts.",
        epilog='example: symderive check "expit(-x) == 1 - expit(x)" --shape x=',
    )
    check.set_defaults(command=_check)
    check.add_argument(
        "claim", nargs="+", metavar="CLAIM", help='"LHS == RHS" in one text, or LHS RELATION RHS in three'
    )
    _add_scope(check)
    check.add_argument("--given", action="append", default=[], metavar="RELATION", help='e.g. "x < y"; repeatable')
    _add_lang(check)
    _add_require(check)
    return parser


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="NAME=DIMS",
        help="declare an array: X=n,d a matrix, w=d a vector, x= a scalar; repeatable",
    )
    parser.add_argument(
        "--domain",
        action="append",
        default=[],
        metavar="NAME=DOMAIN",
        help="where it ranges: y=labels(0,1), x=positive, p=simplex, x=interval(0,inf); repeatable",
    )


def _add_detail(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--detail", choices=("brief", "full"), default="brief", help="how fine the steps are")
    _add_lang(parser)


def _add_lang(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lang", choices=("en", "zh"), default="en", help="language of rules, verdicts and labels")


def _add_require(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--require", choices=BARS, default="checked", help="the weakest status that passes")


def _run(arguments: argparse.Namespace) -> int:
    from symderive import library
    from symderive.rendering.words import words
    from symderive.report import report

    if not arguments.source and not arguments.all:
        raise LibraryError("name a subject, a file or a folder, or say --all; `symderive list` shows them")
    sources = [*([None] if arguments.all else []), *arguments.source]
    paths = [path for source in sources for path in library.find(source)]
    verdicts = []
    for path in dict.fromkeys(paths):
        verdicts += report(library.load(path), arguments.out, arguments.detail, arguments.lang)
    labels = words(arguments.lang)
    counts = Counter(str(verdict.status) for verdict in verdicts)
    listed = (labels["counted"].format(count=count, status=labels[status]) for status, count in counts.items())
    print(labels["verdicts"].format(count=len(verdicts), counts=labels["comma"].join(listed)))
    statuses = [_status(verdict, arguments.require) for verdict in verdicts]
    return max(statuses, key=(UPHELD, UNDECIDED, REFUTED).index, default=UPHELD)


def _list(arguments: argparse.Namespace) -> int:
    from symderive import library

    found = [library.describe(path) for source in arguments.source or [None] for path in library.find(source)]
    if not found:
        print("no subjects came with this installation")
    width = max((len(subject.name) for subject in found), default=0)
    topic = None
    for subject in found:
        if subject.topic != topic:
            topic = subject.topic
            print(topic)
        print(f"  {subject.name:<{width}}  {subject.title}. {subject.summary}")
    return UPHELD


def _derive(arguments: argparse.Namespace) -> int:
    import symderive as sd
    from symderive.rendering.documents import write
    from symderive.rendering.words import words

    scope = _scope(arguments)
    for name in arguments.wrt:
        if name not in scope:
            raise sd.UnknownNameError(f"--wrt {name}: no such array; declare it with --shape {name}=...")
    function = sd.read(arguments.text.strip(), **scope)
    kind = sd.hessian if arguments.order == 2 else sd.gradient if function.shape == () else sd.jacobian
    wrt = [scope[name] for name in arguments.wrt]
    derivation = kind(function, wrt[0] if len(wrt) == 1 else wrt)
    form, whole = arguments.format, arguments.out is not None
    text = write(derivation, form, document=whole, detail=arguments.detail, lang=arguments.lang)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
        labels = words(arguments.lang)
        print(f"{labels['written']}{labels['colon']}{arguments.out}")
    else:
        print(text)
    return _status(derivation.verdict, arguments.require)


def _check(arguments: argparse.Namespace) -> int:
    import symderive as sd
    from symderive.rendering.documents import write

    if len(arguments.claim) not in (1, 3):
        raise ReadError('a claim is one text, "LHS == RHS", or three: LHS RELATION RHS; quote each')
    declared = _scope(arguments)
    shapes = {name: array.dims for name, array in declared.items()}
    domains = {name: array.domain for name, array in declared.items()}
    claim = (text.strip() for text in arguments.claim)
    verdict = sd.check(*claim, shapes=shapes, domains=domains, given=arguments.given)
    print(verdict if arguments.lang == "en" else write(verdict, "text", lang=arguments.lang))
    return _status(verdict, arguments.require)


def _status(verdict: Verdict, bar: str) -> int:
    """The exit status that a verdict earns under the bar."""
    if verdict.status == "refuted" or (verdict.cross_check is not None and not verdict.cross_check.ok):
        return REFUTED
    return UPHELD if verdict.status >= bar else UNDECIDED


def _scope(arguments: argparse.Namespace) -> dict[str, Array]:
    """The arrays that --shape and --domain declare."""
    import symderive as sd
    from symderive.language.domain_text import read_domain
    from symderive.language.reading import read_shape

    shapes = dict(_assignment(text, "--shape", "X=n,d") for text in arguments.shape)
    domains = {}
    for text in arguments.domain:
        name, value = _assignment(text, "--domain", "y=labels(0,1)")
        if name not in shapes:
            raise sd.UnknownNameError(f"--domain {text}: declare the array too, with --shape {name}=...")
        domains[name] = read_domain(value)
    return {
        name: sd.array(name, *read_shape(text, name), domain=domains.get(name, sd.real))
        for name, text in shapes.items()
    }


def _assignment(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise ReadError(f"{option} needs NAME=..., for example {option} {example}; got {text!r}")
    return name.strip(), value.strip()
