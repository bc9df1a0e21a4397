"""Files as arrays: what numpy, pandas and scipy wrote, and what cannot be read."""

import gzip
import pathlib
import warnings

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp

import orthant
from orthant import NMF

FRAME = pd.DataFrame([[3.0, 0.5, 0.0], [0.0, 2.0, 1.0]], index=["ann", "bob"], columns=["apple", "bolt", "nut ü"])


def test_tables_of_text(tmp_path):
    FRAME.to_csv(tmp_path / "a.csv")
    X, rows, columns = orthant.read(tmp_path / "a.csv")
    assert X.dtype == np.float64 and isinstance(X, np.ndarray)
    np.testing.assert_array_equal(X, FRAME)
    assert (rows, columns) == (list(FRAME.index), list(FRAME.columns))
    table = orthant.read(str(tmp_path / "a.csv"), dtype=np.float32, transpose=True)
    assert table.X.dtype == np.float32 and table.column_names == ["ann", "bob"]
    np.testing.assert_array_equal(table.X, FRAME.T)
    pd.testing.assert_frame_equal(orthant.read(tmp_path / "a.csv").frame(), FRAME)
    FRAME.to_csv(tmp_path / "b.txt", sep=";", decimal=",", index=False)
    pd.testing.assert_frame_equal(orthant.read(tmp_path / "b.txt", decimal=",").frame(), FRAME.reset_index(drop=True))
    with gzip.open(tmp_path / "c.gz", "wt") as out:
        FRAME.to_csv(out, sep="\t")
    np.testing.assert_array_equal(orthant.read(tmp_path / "c.gz", drop="bolt").X, FRAME[["apple", "nut ü"]])
    # the names are what a model knows features by
    model = NMF(2, random_state=0).fit(orthant.read(tmp_path / "a.csv").frame())
    assert list(model.feature_names_in_) == list(FRAME.columns)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint8])
def test_arrays(dtype, order, tmp_path):
    A = np.asarray(np.random.RandomState(0).randint(100, size=(5, 3)), dtype=dtype, order=order)
    np.save(tmp_path / "a.npy", A)
    X, rows, columns = orthant.read(tmp_path / "a.npy")
    np.testing.assert_array_equal(X, A)
    assert X.dtype == (np.float32 if dtype == np.float32 else np.float64) and rows is columns is None
    assert X.flags.c_contiguous if order == "C" else X.flags.f_contiguous
    np.savez(tmp_path / "a.npz", first=A, second=A + 1)
    np.testing.assert_array_equal(orthant.read(tmp_path / "a.npz", layer="second").X, A + 1)


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_array])
def test_sparse_matrices(form, tmp_path):
    A = form(sp.random(20, 7, 0.2, random_state=0, dtype=np.float32))
    sp.save_npz(tmp_path / "a.npz", A)
    X = orthant.read(tmp_path / "a.npz").X
    assert X.format == A.format and X.dtype == np.float32 and X.shape == (20, 7) and X.nnz == A.nnz
    np.testing.assert_array_equal(X.toarray(), A.toarray())
    np.testing.assert_array_equal(orthant.read(tmp_path / "a.npz", transpose=True).X.toarray(), A.toarray().T)
    np.testing.assert_array_equal(
        NMF(2, solver="auto", random_state=0).fit(X).components_, NMF(2, solver="auto", random_state=0).fit(A).components_
    )
    scipy.io.mmwrite(tmp_path / "a.mtx", A)
    table = orthant.read(tmp_path / "a.mtx", dtype="float32")
    np.testing.assert_allclose(table.X.toarray(), A.toarray(), rtol=1e-6)
    assert table.frame().shape == (20, 7)


def test_a_folder_of_10x_genomics(tmp_path):
    scipy.io.mmwrite(tmp_path / "matrix.mtx", sp.coo_matrix(FRAME.T.to_numpy().astype(int)))
    (tmp_path / "barcodes.tsv").write_text("ann\nbob\n")
    (tmp_path / "features.tsv").write_text("".join(f"id{j}\t{name}\tGene Expression\n" for j, name in enumerate(FRAME.columns)))
    X, rows, columns = orthant.read(tmp_path, transpose=True)
    np.testing.assert_array_equal(X.toarray(), FRAME.to_numpy().astype(int))
    assert rows == ["ann", "bob"] and columns == list(FRAME.columns)
    with pytest.warns(UserWarning, match="features"):
        orthant.read(tmp_path)


def test_lists_of_entries_and_pictures(tmp_path):
    (tmp_path / "l.csv").write_text("ann,apple,3\nbob,bolt,2\nann,bolt,1\n")
    X, rows, columns = orthant.read(tmp_path / "l.csv", triplets=True)
    assert (X.toarray().tolist(), rows, columns) == ([[3, 1], [0, 2]], ["ann", "bob"], ["apple", "bolt"])
    picture = np.random.RandomState(0).randint(256, size=(4, 5, 3)).astype(np.uint8)
    matplotlib.image.imsave(tmp_path / "p.png", picture)
    with pytest.warns(UserWarning, match="channels=True"):
        grey = orthant.read(tmp_path / "p.png").X
    np.testing.assert_allclose(grey, picture @ [0.2126, 0.7152, 0.0722], rtol=0, atol=0.5 + 1e-9)  # whole levels
    np.testing.assert_array_equal(orthant.read(tmp_path / "p.png", channels=True).X, np.hstack(list(np.moveaxis(picture, 2, 0))))


IO = pathlib.Path(__file__).resolve().parents[2] / "io/tests/data"


@pytest.mark.skipif(not IO.exists(), reason="the files are those of orthant-io's tests")
def test_files_of_other_programs():
    """Spreadsheets and files that are packed hold what pandas wrote as text, and h5ad and loom what `make.py` says."""
    expected = pd.read_csv(IO / "tables/pandas-index.csv", index_col=0)
    for name in ("pandas.xlsx", "pandas.ods", "pandas.csv.bz2", "pandas.csv.xz", "pandas.csv.zst", "pandas.csv.zip"):
        pd.testing.assert_frame_equal(orthant.read(IO / "tables" / name).frame(), expected, check_names=False)
    N, cells = [[1, 0, 2], [0, 0, 0], [0, 3, 0], [4, 5, 0]], ["AAAC", "AAAG", "AACC", "AACG"]
    for name in ("plain.h5ad.gz", "dense_gzip.h5ad.gz", "plain.loom.gz"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a gene is there twice
            X, rows, columns = orthant.read(IO / "cells" / name)
        assert (X.toarray() if sp.issparse(X) else X).tolist() == N and rows == cells and columns[0] == "TP53"


def test_missing_values_and_guesses(tmp_path):
    (tmp_path / "m.csv").write_text("a,b\n1,NA\n,4\n")
    with pytest.raises(ValueError, match="m.csv: line 2, field 2") as error:
        orthant.read(tmp_path / "m.csv")
    assert "missing='nan'" in str(error.value) and "ReadOptions" not in str(error.value)
    np.testing.assert_array_equal(orthant.read(tmp_path / "m.csv", missing="nan").X, [[1, np.nan], [np.nan, 4]])
    (tmp_path / "y.csv").write_text("1990,1991,1992\n1,2,3\n4,5,6\n")
    with pytest.warns(UserWarning, match="header='no'") as caught:
        assert orthant.read(tmp_path / "y.csv").column_names == ["1990", "1991", "1992"]
    assert caught[0].filename == __file__
    assert orthant.read(tmp_path / "y.csv", header="no").X.shape == (3, 3)


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        orthant.read(tmp_path / "nowhere.csv")
    (tmp_path / "w.csv").write_text("a,b\n1,x\n2,y\n")
    with pytest.raises(ValueError, match="w.csv.*'x'|w.csv.*b"):
        orthant.read(tmp_path / "w.csv", labels="no")
    np.save(tmp_path / "a.npy", np.ones((3, 4)))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-5])
    with pytest.raises(ValueError, match="a.npy: cut short"):
        orthant.read(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"header": True}, "'header' parameter of read must be a str among"),
        ({"dtype": "int32"}, "'dtype' parameter"),
        ({"missing": "zeros"}, "'missing' parameter"),
        ({"transpose": 1}, "'transpose' parameter of read must be a bool"),
        ({"decimal": ";"}, "'decimal' parameter"),
        ({"delimiter": "xyz"}, "delimiter: "),
        ({"channels": True, "transpose": True}, "do not go together"),
        ({"triplets": True, "labels": "yes"}, "labels has no meaning"),
    ],
    ids=str,
)
def test_options_are_checked(options, words, tmp_path):
    FRAME.to_csv(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=words):
        orthant.read(tmp_path / "a.csv", **options)
