"""Files that `orthant convert` writes, as numpy, scipy and the package read them."""

import os
import pathlib
import subprocess

import numpy as np
import orthant
import pytest
import scipy.io
import scipy.sparse

ROOT = pathlib.Path(__file__).parents[3]
PROGRAM = pathlib.Path(os.environ.get("ORTHANT_PROGRAMS", ROOT / "target/debug")) / "orthant"
pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="the command is not built")


def convert(folder, *args):
    subprocess.run([PROGRAM, "convert", *args, "-q"], check=True, cwd=folder)


def counts(dtype, largest=9, shape=(40, 30)):
    r = np.random.default_rng(0)
    V = r.poisson(0.4, size=shape).astype(dtype)
    V[3, 4] = largest
    return V


@pytest.mark.parametrize(("largest", "width"), [(255, np.uint8), (256, np.uint16), (70_000, np.uint32), (0.5, None)])
@pytest.mark.parametrize("layout", [scipy.sparse.csr_array, scipy.sparse.csc_array, scipy.sparse.coo_array])
def test_scipy_reads_a_sparse_matrix(tmp_path, layout, largest, width):
    V = counts(np.float32, largest)
    scipy.sparse.save_npz(tmp_path / "in.npz", layout(V))
    convert(tmp_path, "in.npz", "out.npz", "--memory-limit", "1kB")
    found = scipy.sparse.load_npz(tmp_path / "out.npz")
    assert found.format == ("csc" if layout is scipy.sparse.csc_array else "csr")
    assert found.dtype == (width or np.float32)
    np.testing.assert_array_equal(found.toarray(), V)
    with np.load(tmp_path / "out.npz") as parts:
        assert (parts["indices"].dtype, parts["indptr"].dtype) == (np.uint16, np.int64)
        assert parts["precision"] == b"float32"
    table = orthant.read(tmp_path / "out.npz")
    assert table.X.dtype == np.float32 and (table.X != scipy.sparse.csr_array(V)).nnz == 0


@pytest.mark.parametrize("order", ["C", "F"])
def test_numpy_reads_a_dense_matrix(tmp_path, order):
    V = np.asarray(counts(np.float64), order=order)
    np.save(tmp_path / "in.npy", V)
    for name in ("out.npz", "out.npy"):
        convert(tmp_path, "in.npy", name)
        found = np.load(tmp_path / name)
        found = found if name == "out.npy" else found["matrix"]
        assert found.dtype == np.uint8 and found.flags.f_contiguous == (order == "F")
        np.testing.assert_array_equal(found, V)
        np.testing.assert_array_equal(orthant.read(tmp_path / name).X, V)


def test_names_are_those_of_the_file(tmp_path):
    V = counts(np.int64)
    scipy.io.mmwrite(tmp_path / "matrix.mtx", scipy.sparse.coo_array(V))
    genes, cells = [f"größe {i}" for i in range(40)], [f"cell{i}" for i in range(30)]
    (tmp_path / "features.tsv").write_text("".join(f"{gene}\n" for gene in genes), encoding="utf-8")
    (tmp_path / "barcodes.tsv").write_text("".join(f"{cell}\n" for cell in cells), encoding="utf-8")
    # by rows or by columns, as mmwrite has it: some lines at a time, and turned round
    convert(tmp_path, "matrix.mtx", "out.npz", "--memory-limit", "1kB", "--transpose")
    with np.load(tmp_path / "out.npz") as parts:
        assert parts["row_names"].tolist() == cells and parts["column_names"].tolist() == genes
    table = orthant.read(tmp_path / "out.npz")
    assert (table.row_names, table.column_names) == (cells, genes)
    np.testing.assert_array_equal(table.X.toarray(), V.T)
