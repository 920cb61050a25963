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
from typing import TYPE_CHECKING, Any

from symderive import __version__
from symderive.cli.statuses import INTERRUPTED, MISSING, REFUTED, UPHELD, USAGE, status_of, worst
from symderive.errors import (
    GradientMismatchError,
    JudgementConflictError,
    LibraryError,
    MissingExtraError,
    ReadError,
    SymderiveError,
)

if TYPE_CHECKING:
    from symderive.language.arrays import Array

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
    options = ("-k",) if argv[:1] == ["check"] else ()
    arguments = _parser().parse_args([a if a in options else _positional(a) for a in argv])
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

    _add_check(commands)
    return parser


CHECK_EXAMPLES = """\
examples:
  symderive check "expit(-x) == 1 - expit(x)"
  symderive check "log(x**2)" "==" "2*log(x)" --domain "x=positive"
  symderive check "a*x <= b*x" --given "a <= b" --domain "x=nonnegative" --timeout 10
  symderive check "A @ inv(A) == sd.eye(d)" --shape A=d,d --domain "A=spd"
  symderive check claims.toml more.json -k "entropy not jensen" --workers 4 --timeout 20
  symderive check claims.toml --report report.html --report results.json --require proved
  symderive check claims.toml --json --fail-fast
  symderive check "exp(x) >= 1 + x" --certificate proof.json
  symderive check --replay proof.json
  symderive check fit.py:loss:grad

A claim file has its claims, domains and what is expected of them in TOML or JSON; see docs/claims.md.
Formulas and files are read, never executed.

exit status: 0 as claimed or as the file expects, 1 refuted, or a certificate does not hold, 2 usage or
reading error, 3 undecided or below --require, 4 something is not installed, 130 interrupted (what was done is shown)"""


def _add_check(commands: Any) -> None:
    check = commands.add_parser(
        "check",
        help="prove, certify, check or refute relations, in texts or claim files",
        description="Prove, certify, check or refute claims: relations between NumPy texts, or files of them.",
        epilog=CHECK_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.set_defaults(command=_check)
    check.add_argument(
        "claim",
        nargs="+",
        metavar="CLAIM",
        help='"LHS == RHS" in one text, LHS RELATION RHS in three, a claim file (.toml, .json), or FILE.py:LOSS:GRAD, '
        "two NumPy functions of (params, *data) in a file that you trust; several will do",
    )
    _add_scope(check)
    check.add_argument("--given", action="append", default=[], metavar="RELATION", help='e.g. "x < y"; repeatable')
    check.add_argument("-k", dest="only", default="", metavar="WORDS", help="only claims with these words in id, "
                       "title, tags or text; `not` before a word excludes it")  # fmt: skip
    check.add_argument("--timeout", type=_positive, metavar="SECONDS", help="for each claim (in files: 60)")
    check.add_argument("--memory", type=_positive, metavar="MB", help="for each claim (in workers: 2000)")
    check.add_argument("--workers", type=_count, metavar="N", help="processes that judge (default: one a processor)")
    check.add_argument("--fail-fast", action="store_true", help="stop at the first claim that is not as expected")
    check.add_argument("--report", type=Path, action="append", default=[], metavar="FILE",
                       help="write a page: .html, .md or .json; repeatable")  # fmt: skip
    check.add_argument("--certificate", type=Path, metavar="FILE", help="write what others can judge again, as JSON")
    check.add_argument("--replay", action="store_true",
                       help="the CLAIMs are files that --certificate wrote: judge them again")  # fmt: skip
    check.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    _add_lang(check)
    _add_require(check)


def _positive(text: str) -> float:
    """A positive number on the command line."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is no positive number")
    return value


def _count(text: str) -> int:
    """A number of workers."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= 256:
        raise argparse.ArgumentTypeError(f"between 1 and 256, not {text}")
    return value


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
    return worst(status_of(verdict, arguments.require) for verdict in verdicts)


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
    return status_of(derivation.verdict, arguments.require)


def _check(arguments: argparse.Namespace) -> int:
    from symderive.cli.check import run_check

    return run_check(arguments)


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
