"""Writes the files beside it. The matrix in them, unless said otherwise, is V, or N where there are integers only."""

import gzip
import io
import warnings
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.io
import scipy.sparse as sp

warnings.simplefilter("ignore")
here = Path(__file__).parent
V = np.array([[1, 0, 2.5], [0, 0, 0], [0, 3, 0], [4, 0.5, 0]])
N = np.array([[1, 0, 2], [0, 0, 0], [0, 3, 0], [4, 5, 0]])
S = np.array([[2, 1, 0], [1, 0, 0.25], [0, 0.25, 3]])
K = np.array([[0, -1, 0], [1, 0, -0.25], [0, 0.25, 0]])


def market():
    def write(name, matrix, **options):
        scipy.io.mmwrite(here / name, matrix, **options)

    write("real.mtx", sp.csr_array(V), comment="by rows")
    write("by_columns.mtx", sp.csc_array(V))
    write("integer.mtx", sp.csr_array(N))
    write("unsigned.mtx", sp.csr_array(N.astype("u4")))
    write("pattern.mtx", sp.csr_array(V), field="pattern")
    write("symmetric.mtx", sp.csr_array(S), symmetry="symmetric")
    write("skew.mtx", sp.csr_array(K), symmetry="skew-symmetric")
    write("array.mtx", V)
    write("array_integer.mtx", N)
    write("array_symmetric.mtx", S, symmetry="symmetric")
    write("array_skew.mtx", K, symmetry="skew-symmetric")
    write("complex.mtx", sp.csr_array(V * 1j))
    write("hermitian.mtx", sp.csr_array(S + K * 1j), symmetry="hermitian")


def archives():
    for dtype in "i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 bool".split():
        sp.save_npz(here / f"csr_{dtype}.npz", sp.csr_array(N.astype(dtype)))
    sp.save_npz(here / "csr.npz", sp.csr_matrix(V))
    sp.save_npz(here / "csc.npz", sp.csc_matrix(V))
    sp.save_npz(here / "coo.npz", sp.coo_array(V))
    sp.save_npz(here / "stored.npz", sp.csc_array(V), compressed=False)
    for name in ["bsr", "dia"]:
        sp.save_npz(here / f"{name}.npz", sp.csr_array(V).asformat(name))
    sp.save_npz(here / "complex.npz", sp.csr_array(V * 1j))
    parts = sp.csr_array(V)
    common = dict(format=b"csr", shape=np.array(V.shape), data=parts.data)
    for name, i, p in [("i8", "i8", "i8"), ("big", ">i4", ">i8"), ("mixed", "u4", "i4")]:
        indices, indptr = parts.indices.astype(i), parts.indptr.astype(p)
        np.savez_compressed(here / f"index_{name}.npz", **common, indices=indices, indptr=indptr)
    half = common | dict(data=parts.data.astype(">f2"), format=np.array("csr"))
    np.savez_compressed(here / "csr_f2.npz", **half, indices=parts.indices, indptr=parts.indptr)
    coords = np.array(sp.coo_array(V).coords)
    np.savez_compressed(here / "coords.npz", **(common | dict(format=b"coo")), coords=coords)
    # V as sums: columns out of order, one twice, and a zero
    indptr, indices = np.array([0, 3, 4, 5, 7], "i4"), np.array([2, 0, 2, 1, 1, 1, 0], "i4")
    data = np.array([1.5, 1, 1, 0, 3, 0.5, 4])
    untidy = common | dict(data=data, indices=indices, indptr=indptr)
    np.savez_compressed(here / "untidy.npz", **untidy)
    large = sp.csc_array(np.array([[1, 0], [0, 2**53 + 1]]))
    sp.save_npz(here / "beyond_i8.npz", large)
    sp.save_npz(here / "beyond_f4.npz", sp.coo_array(np.array([[0, 1e300], [1, 0]])))
    np.savez(here / "dense.npz", V)
    np.savez_compressed(here / "dense_named.npz", v=np.asfortranarray(V, "f4"), genes=np.array(["a", "b", "c"]))
    np.savez(here / "two.npz", w=V, h=V.T, n=np.array([1, 2]))
    np.savez(here / "vector.npz", x=np.array([1.0, 2.0]))


obs, var = ["AAAC", "AAAG", "AACC", "AACG"], ["TP53", "MYC", "MYC"]


def hdf5(name, fill):
    """A file, packed, which makes little of HDF5's empty tables."""
    memory = io.BytesIO()
    fill(memory)
    with gzip.GzipFile(here / f"{name}.gz", "wb", mtime=0) as out:
        out.write(memory.getvalue())


def annotated():
    def write(name, x, **more):
        data = anndata.AnnData(x, pd.DataFrame(index=obs), pd.DataFrame(index=var), **more)

        def fill(memory):
            with h5py.File(memory, "w") as f:
                anndata.io.write_elem(f, "/", data)

        hdf5(name, fill)
        return data

    write("csr.h5ad", sp.csr_matrix(V))
    write("csc.h5ad", sp.csc_matrix(V.astype("f4")))
    write("dense.h5ad", V.astype("f4"))
    write("bool.h5ad", sp.csr_matrix(V != 0))
    write("half.h5ad", V.astype("f2"))
    write("large.h5ad", sp.csr_matrix(np.pad([[2**53 + 1]], ((2, 1), (1, 1)))))
    layers = dict(counts=sp.csr_matrix(N.astype("i8")), scaled=V * 2)
    more = anndata.AnnData(
        sp.csr_matrix(np.hstack([N, N])), pd.DataFrame(index=obs), pd.DataFrame(index=list("abcdef"))
    )
    write("layers.h5ad", sp.csr_matrix(V), layers=layers, raw=dict(X=more.X, var=more.var))
    write("empty.h5ad", None, shape=V.shape, layers=layers)

    # as anndata 0.6 wrote it
    def old(memory):
        with h5py.File(memory, "w") as f:
            x = f.create_group("X")
            x.attrs["h5sparse_format"], x.attrs["h5sparse_shape"] = "csr", V.shape
            parts = sp.csr_matrix(V)
            for part in ["data", "indices", "indptr"]:
                x.create_dataset(part, data=getattr(parts, part))
            f.create_dataset("obs", data=np.array([(b"AAAC", 1)] * 4, dtype=[("index", "S4"), ("n", "i8")]))
            f.create_dataset("var", data=np.array([(b"a", 1)] * 3, dtype=[("index", "S4"), ("n", "i8")]))

    hdf5("legacy.h5ad", old)


def cell_ranger():
    """Cells are rows of V; its transpose by columns, genes × cells, has the same parts."""

    def parts(group):
        genes = sp.csc_matrix(N.T.astype("i4"))
        for part in ["data", "indices", "indptr"]:
            index = "i8" if part != "data" else "i4"
            group.create_dataset(part, data=getattr(genes, part).astype(index), compression="gzip")
        group.create_dataset("shape", data=np.array(genes.shape, "i4"))
        group.create_dataset("barcodes", data=np.array(obs, "S18"))

    ids = np.array(["ENSG1", "ENSG2", "ENSG3"], "S15")

    def three(memory):
        with h5py.File(memory, "w") as f:
            matrix = f.create_group("matrix")
            parts(matrix)
            features = matrix.create_group("features")
            features.create_dataset("id", data=ids)
            features.create_dataset("name", data=np.array(var, "S12"))
            features.create_dataset("feature_type", data=np.array(["Gene Expression"] * 3, "S15"))
            features.create_dataset("genome", data=np.array(["GRCh38"] * 3, "S6"))

    def two(genomes):
        def fill(memory):
            with h5py.File(memory, "w") as f:
                for genome in genomes:
                    group = f.create_group(genome)
                    parts(group)
                    group.create_dataset("genes", data=ids)
                    group.create_dataset("gene_names", data=np.array(var, "S12"))

        return fill

    hdf5("cellranger_3.h5", three)
    hdf5("cellranger_2.h5", two(["GRCh38"]))
    hdf5("two_genomes.h5", two(["GRCh38", "mm10"]))

    def other(memory):
        with h5py.File(memory, "w") as f:
            f.create_dataset("table", data=V)

    hdf5("other.h5", other)


market()
archives()
annotated()
cell_ranger()
