"""Derivation files: found by name or path, described without running them, loaded in order."""

import textwrap

import numpy as np
import pytest

import symderive as sd
from symderive.errors import DataError, LibraryError
from symderive.library import describe, find, load
from symderive.shipped import DERIVATIONS

SOURCE = '''
"""Ridge regression: the penalty joins the normal equations.

More words.
"""

import numpy as np

import symderive as sd

TITLE = {"en": "Ridge regression", "zh": "岭回归"}

n, d = sd.dims("n d")
A, v, t, c = sd.array("A", n, d), sd.array("v", d), sd.array("t", n), sd.array("c", domain=sd.positive)
loss = np.sum((A @ v - t) ** 2) + c * (v @ v)

RIDGE = sd.objective("ridge", loss, wrt=v, data="points", constants={"c": 2.0})
GRADIENT = sd.gradient(loss, v)
_HIDDEN = sd.gradient(loss, t)
AGAIN = GRADIENT
IS_TRUE = sd.check("x + x", "==", "2*x", shapes={"x": ""})
'''


@pytest.fixture
def folder(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    write("ridge.py", SOURCE)
    write("data/points.csv", "a,b,target\n1,2,3\n4,5,6\n7,8,10\n")
    write("_helper.py", "raise SystemExit\n")
    write("deep/other.py", '"""Other."""\n')
    write("deep/.hidden/no.py", "")
    write.path = tmp_path
    return write


def test_describe_does_not_run_the_file(folder):
    path = folder("bad.py", '"""One line.\n\nMore."""\nTITLE = "A title"\nraise SystemExit("it ran")\n')
    found = describe(path)
    assert (found.name, found.title, found.summary) == ("bad", "A title", "One line.")
    assert describe(folder.path / "ridge.py").titles == {"en": "Ridge regression", "zh": "岭回归"}
    assert describe(folder.path / "deep/other.py").title == "Other"
    assert describe(folder("no_title.py", "x = 1\n")).title == "No title"


def test_find(folder):
    path = folder.path
    assert find(path / "ridge.py") == [path / "ridge.py"]
    assert find(path) == [path / "deep" / "other.py", path / "ridge.py"]
    assert find() == sorted(find())


def test_what_cannot_be_found(folder):
    with pytest.raises(LibraryError, match="no such file"):
        find(folder.path / "nothing.py")
    with pytest.raises(LibraryError, match="no subject is called 'nothing_like_it'"):
        find("nothing_like_it")
    (folder.path / "empty").mkdir()
    with pytest.raises(LibraryError, match="no derivation file"):
        find(folder.path / "empty")
    with pytest.raises(LibraryError, match="has 2 derivation files"):
        load(folder.path)


def test_close_names_are_suggested():
    if not (shipped := find()):
        pytest.skip("the shipped subjects were deleted")
    name = shipped[0].stem
    with pytest.raises(LibraryError, match=rf"did you mean .*{name}"):
        find(name[:-1] + "x")
    assert find(f"{shipped[0].parent.name}/{name}") == [shipped[0]]


def test_items_in_the_order_of_the_file(folder):
    subject = load(folder.path / "ridge.py")
    assert [item.name for item in subject.items] == ["RIDGE", "GRADIENT", "IS_TRUE"]
    assert [item.title for item in subject.items] == ["ridge", "gradient", "is true"]
    assert subject.title == "Ridge regression"
    assert subject.summary == "Ridge regression: the penalty joins the normal equations."
    assert isinstance(subject.items[1].value, sd.Derivation)


def test_a_table_is_given_to_the_arrays_by_their_rank(folder):
    ridge = load(folder.path / "ridge.py").items[0].value
    numbers = ridge.numbers()
    assert set(numbers) == {"A", "t", "c"}
    np.testing.assert_array_equal(numbers["A"], [[1, 2], [4, 5], [7, 8]])
    np.testing.assert_array_equal(numbers["t"], [3, 6, 10])
    assert numbers["c"] == 2.0


def declare(**options):
    n, d = sd.dims("n d")
    A, v = sd.array("A", n, d), sd.array("v", d)
    t = sd.array("t", n, domain=sd.labels(0, 1))
    loss = np.sum(np.logaddexp(0, A @ v) - t * (A @ v))
    return sd.objective("small", loss, wrt=v, **options)


def test_standardized_features(folder):
    path = folder("two.csv", "a,b,t\n1,2,0\n4,5,1\n7,9,1\n")
    numbers = declare(data=str(path), standardize=True).numbers()
    np.testing.assert_allclose(numbers["A"].mean(axis=0), 0, atol=1e-15)
    np.testing.assert_array_equal(numbers["t"], [0, 1, 1])


def test_the_target_by_name(folder):
    path = folder("first.csv", "t,a\n0,2\n1,5\n")
    np.testing.assert_array_equal(declare(data=str(path), target="t").numbers()["A"], [[2], [5]])


def test_labels_must_be_those_of_the_domain(folder):
    path = folder("two.csv", "a,t\n1,1\n4,1\n")
    with pytest.raises(DataError, match="no row with label 0"):
        declare(data=str(path)).numbers()
    path = folder("two.csv", "a,t\n1,1\n4,-1\n")
    with pytest.raises(DataError, match="has the label -1"):
        declare(data=str(path)).numbers()


def test_numbers_may_be_given_themselves():
    numbers = declare(data={"A": [[1, 2]], "t": [1]}).numbers()
    assert numbers["A"].dtype == float


def test_what_an_objective_refuses():
    n = sd.dims("n")
    v = sd.array("v", n)
    with pytest.raises(LibraryError, match="must be a scalar; its shape is"):
        sd.objective("name", v, wrt=v)
    with pytest.raises(LibraryError, match="plain name"):
        sd.objective("../name", v @ v, wrt=v)
    with pytest.raises(LibraryError, match="no data"):
        sd.objective("name", v @ v, wrt=v).numbers()
    with pytest.raises(LibraryError, match="one matrix and at most one vector"):
        sd.objective("name", v @ v, wrt=v, data="diabetes").numbers()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import symderive as sd\nx = 1\ny = 1 / 0\n", ["line 3", "ZeroDivisionError"]),
        ("import symderive as sd\nsd.read('w @', w='d')\n", ["line 2"]),
        ("import nothing_of_this_name\n", ["line 1", "nothing_of_this_name"]),
        ("raise SystemExit(3)\n", ["line 1", "SystemExit"]),
        ("x = (\n", ["line 1", "not Python"]),
        ("x = 1\n", ["shows nothing"]),
        ("TITLE = str(1)\n", ["line 1", "TITLE"]),
        ("x = '\0'\n", ["not Python"]),
    ],
)
def test_a_broken_file_names_its_line(folder, text, words):
    path = folder("broken.py", text)
    with pytest.raises(LibraryError) as caught:
        load(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)


def test_dataclasses_in_a_subject(folder):
    head = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    path = folder(
        "with_class.py", f"{head}@dataclass\nclass P:\n    x: int\n" + textwrap.dedent(SOURCE).lstrip()
    )
    assert load(path).items


@pytest.mark.parametrize("path", find(), ids=lambda path: path.stem)
def test_every_shipped_subject_says_what_it_is(path):
    subject = describe(path)
    assert set(subject.titles) >= {"en", "zh"}
    assert subject.summary.endswith(".")
    assert path.is_relative_to(DERIVATIONS)
