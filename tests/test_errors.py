"""The exception family: one base, the built-in a NumPy user expects, messages that show the place."""

import pickle

import pytest

from symderive import errors
from symderive.errors import MissingExtraError, ReadError, SymderiveError

CLASSES = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", CLASSES)
def test_one_base(kind):
    assert issubclass(kind, SymderiveError)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.ShapeError, ValueError),
        (errors.DomainError, ValueError),
        (errors.UnknownNameError, ValueError),
        (errors.DataError, ValueError),
        (errors.LibraryError, ValueError),
        (errors.ReadError, ValueError),
        (errors.UnsupportedError, NotImplementedError),
        (errors.TrainingError, RuntimeError),
        (errors.GradientMismatchError, errors.TrainingError),
        (errors.JudgementConflictError, RuntimeError),
        (errors.MissingExtraError, ImportError),
    ],
)
def test_caught_by_the_builtin_in_its_place(kind, builtin):
    assert issubclass(kind, builtin)


def caret(error):
    _, shown, below = str(error).splitlines()
    return shown[below.index("^")]


def test_the_caret_stands_under_the_column():
    error = ReadError("no such name", "a + bad", 5)
    assert str(error) == "no such name (column 5)\n  a + bad\n      ^"
    assert (error.text, error.column, error.problem) == ("a + bad", 5, "no such name")


def test_a_long_text_is_cut_around_the_column():
    text = "x + " * 500 + "! + " + "y + " * 500
    error = ReadError("unexpected", text, text.index("!") + 1)
    assert caret(error) == "!"
    assert max(map(len, str(error).splitlines())) < 90


def test_wide_characters_move_the_caret_by_two():
    shown, below = str(ReadError("no", "损失+?", 4)).splitlines()[1:]
    assert below == "  " + " " * 5 + "^"
    assert shown == "  损失+?"


def test_control_characters_never_reach_the_terminal():
    message = str(ReadError("no", "a\x1b[31m\n\u202eb", 8))
    assert "\x1b" not in message
    assert "\u202e" not in message
    assert len(message.splitlines()) == 3


@pytest.mark.parametrize("column", [None, 1, 4, 5, 99])
def test_any_column_gives_a_message(column):
    assert str(ReadError("cut off", "a +", column)).startswith("cut off")


@pytest.mark.parametrize(
    "error", [ReadError("no", "text", 2), MissingExtraError("dask", "dask"), errors.DataError("x")]
)
def test_errors_survive_a_process_boundary(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_missing_extra_names_its_install_line():
    assert 'python -m pip install "symderive[plot]"' in str(MissingExtraError("matplotlib", "plot"))
