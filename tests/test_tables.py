"""The CSV loader: exact numbers, and one clear error for each way a file can be broken."""

import numpy as np
import pytest

from symderive.errors import DataError
from symderive.shipped import DATA
from symderive.training.tables import load_table

GOOD = "height,weight,label\n1.5,2e3,0\n-0.25,7,1\n"


@pytest.fixture
def csv(tmp_path):
    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_reads_features_and_target(csv):
    table = load_table(csv(GOOD), target="label")
    assert table.names == ("height", "weight")
    assert table.X.dtype == table.y.dtype == np.float64
    np.testing.assert_array_equal(table.X, [[1.5, 2000.0], [-0.25, 7.0]])
    np.testing.assert_array_equal(table.y, [0.0, 1.0])
    assert table.X.flags.c_contiguous
    assert table.y.flags.c_contiguous


def test_without_target_every_column_is_a_feature(csv):
    table = load_table(csv(GOOD))
    assert table.y is None
    assert table.X.shape == (2, 3)


def test_columns_in_the_order_asked_for(csv):
    table = load_table(csv(GOOD), ["weight", "height"], target="label")
    np.testing.assert_array_equal(table.X[0], [2000.0, 1.5])


def test_a_column_that_is_not_asked_for_may_hold_text(csv):
    table = load_table(csv("id,x\nabc,1\nnan,2\n"), ["x"])
    np.testing.assert_array_equal(table.X, [[1.0], [2.0]])


def test_byte_order_mark_blank_lines_and_spaces(csv):
    table = load_table(csv(b"\xef\xbb\xbf a , b\r\n\r\n 1 , 2\r\n\r\n"))
    assert table.names == ("a", "b")
    np.testing.assert_array_equal(table.X, [[1.0, 2.0]])


def test_bare_names_are_found_in_folders(csv):
    folder = csv(GOOD, "mine.csv").parent
    assert load_table("mine", folders=[folder]).X.shape == (2, 3)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", {}, ["empty"]),
        ("a,b\n", {}, ["no rows"]),
        ("a,b\n1,2\n3\n", {}, ["data row 2 has 1 fields", "names 2"]),
        ("a,b\n1,2\n3,4,5\n", {}, ["data row 2 has 3 fields"]),
        ("a,b\n1,x y\n", {}, ["data row 1", "'b'", "'x y'"]),
        ("a,b\n1,\n", {}, ["data row 1", "'b'", "is empty"]),
        ("a,b\n1,2\n1,nan\n", {}, ["data row 2", "'b'", "nan"]),
        ("a,b\n-inf,2\n", {}, ["'a'", "-inf"]),
        ("a,b\n1e999,2\n", {}, ["'a'", "inf"]),
        ("a,b\n1_000,2\n", {}, ["'1_000'"]),
        ("a,b\n١,2\n", {}, ["'a'", "a number is needed"]),
        ("a,a\n1,2\n", {}, ["twice", "'a'"]),
        ("a,\n1,2\n", {}, ["column 2", "no name"]),
        ("1,2\n3,4\n", {}, ["starts with numbers"]),
        (GOOD, {"target": "lable"}, ["no column 'lable'", "did you mean 'label'?"]),
        (GOOD, {"columns": ["zzz"]}, ["no column 'zzz'", "'height', 'weight', 'label'"]),
        (GOOD, {"columns": ["label"], "target": "label"}, ["asked twice", "'label'"]),
        ("y\n1\n", {"target": "y"}, ["no feature column"]),
        (b"a,b\n\xff\xfe,2\n", {}, ["not a CSV file"]),
        ('a,b\n"1,2\n', {}, ["not a CSV file"]),
    ],
)
def test_one_clear_error_for_each_broken_file(csv, text, options, words):
    path = csv(text)
    with pytest.raises(DataError) as caught:
        load_table(path, **options)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_missing_files_and_names(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load_table(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="is a folder"):
        load_table(tmp_path)
    (tmp_path / "diabetis.csv").write_text(GOOD)
    with pytest.raises(DataError, match=r"no data set is called 'diabete'; did you mean .*'diabetis'"):
        load_table("diabete", folders=[tmp_path])


def test_a_long_list_of_columns_is_cut_short(csv):
    header = ",".join(f"column{i}" for i in range(40))
    with pytest.raises(DataError, match="and 32 more"):
        load_table(csv(f"{header}\n{','.join(['1'] * 40)}\n"), ["q"])


def test_classes(csv):
    table = load_table(csv(GOOD), target="label")
    assert table.require_classes() is table
    with pytest.raises(DataError, match=r"the label 0 .*data row 1.*must be -1, 1"):
        table.require_classes((-1, 1))
    with pytest.raises(DataError, match="no row with label 2"):
        table.require_classes((0, 1, 2))
    with pytest.raises(DataError, match="no row with label 1"):
        load_table(csv("x,label\n1,0\n2,0\n"), target="label").require_classes()
    with pytest.raises(DataError, match="without a target"):
        load_table(csv(GOOD)).require_classes()


def test_standardized(csv):
    table = load_table(csv("a,b,y\n1,10,5\n2,30,6\n3,20,7\n"), target="y").standardized()
    np.testing.assert_allclose(table.X.mean(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(table.X.std(axis=0), 1)
    np.testing.assert_array_equal(table.y, [5, 6, 7])
    with pytest.raises(DataError, match="constant columns: 'a'"):
        load_table(csv("a,b\n0.1,1\n0.1,2\n0.1,3\n")).standardized()


needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shipped data sets were deleted")


@needs_data
def test_breast_cancer_is_scikit_learns():
    datasets = pytest.importorskip("sklearn.datasets")
    table = load_table("breast_cancer", target="benign").require_classes()
    theirs = datasets.load_breast_cancer()
    assert table.X.shape == (569, 30)
    np.testing.assert_array_equal(table.X, theirs.data)
    np.testing.assert_array_equal(table.y, theirs.target)


@needs_data
def test_diabetes_is_scikit_learns():
    datasets = pytest.importorskip("sklearn.datasets")
    table = load_table("diabetes", target="progression")
    theirs = datasets.load_diabetes(scaled=False)
    assert table.X.shape == (442, 10)
    np.testing.assert_array_equal(table.X, theirs.data)
    np.testing.assert_array_equal(table.y, theirs.target)


def test_a_relative_path_is_found_from_the_folders(tmp_path):
    (tmp_path / "numbers").mkdir()
    (tmp_path / "numbers" / "own.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert load_table("numbers/own.csv", folders=[tmp_path]).X.tolist() == [[1.0, 2.0]]
    with pytest.raises(DataError, match="no such file"):
        load_table("numbers/other.csv", folders=[tmp_path])
