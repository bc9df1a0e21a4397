"""Writes the HDF5 files beside it: one matrix in every way that h5py, anndata and loompy keep one.

Rows of N are cells. Files are packed, which makes little of HDF5's empty tables.
"""

import gzip
import io
import tempfile
import warnings
from pathlib import Path

import anndata
import h5py
import hdf5plugin
import loompy
import numpy as np
import pandas as pd
import scipy.sparse as sp

warnings.simplefilter("ignore")
here = Path(__file__).parent
N = np.array([[1, 0, 2], [0, 0, 0], [0, 3, 0], [4, 5, 0]])
obs, var = ["AAAC", "AAAG", "AACC", "AACG"], ["TP53", "MYC", "MYC"]


def pack(name, data):
    with gzip.GzipFile(here / f"{name}.gz", "wb", mtime=0) as out:
        out.write(data)


def hdf5(name, fill, **options):
    memory = io.BytesIO()
    with h5py.File(memory, "w", **options) as f:
        fill(f)
    pack(name, memory.getvalue())


def written(name, write):
    """A file by a program that wants a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        pack(name, path.read_bytes())


def tenx(f, group, data="i4", index="i8", pointer="i8", text="S18", replaced={}, **options):
    """A group as Cell Ranger 2 has it, the genome's name being the group's."""
    genes = sp.csc_matrix(N.T)
    parts = dict(
        data=genes.data.astype(data),
        indices=genes.indices.astype(index),
        indptr=genes.indptr.astype(pointer),
        shape=np.array(genes.shape, "i4"),
        barcodes=np.array(obs, text),
        genes=np.array(["ENSG1", "ENSG2", "ENSG3"], text),
        gene_names=np.array(var, text),
    )
    group = f.create_group(group)
    for name, value in (parts | replaced).items():
        if value is not None:
            group.create_dataset(name, data=value, **options)


def types(f):
    """A group for each type of elements, and of indices."""
    for dtype in "i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 >i2 >i4 >i8 >u2 >u4 >f2 >f4 >f8".split():
        tenx(f, dtype, data=dtype)
    for dtype in "i1 i2 i4 i8 u1 u2 u4 u8 >i4 >u8".split():
        tenx(f, f"index {dtype}", index=dtype, pointer=dtype)
    for name, dtype in [("bool", "bool"), ("complex", "c16"), ("long double", "f16")]:
        tenx(f, name, data=dtype)


def storage(f):
    """A group for each way to keep its parts."""
    tenx(f, "contiguous")
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    tenx(f, "compact", dcpl=compact)
    tenx(f, "chunks of 1", chunks=(1,))
    tenx(f, "chunks of 2", chunks=(2,))
    tenx(f, "growing", chunks=(2,), maxshape=(None,))
    tenx(f, "gzip", compression="gzip")
    tenx(f, "gzip 9, shuffled, summed", compression="gzip", compression_opts=9, shuffle=True, fletcher32=True)
    tenx(f, "lzf", compression="lzf")
    tenx(f, "lzf, shuffled", compression="lzf", shuffle=True)
    tenx(f, "summed", fletcher32=True, chunks=(2,))
    tenx(f, "text of any length", text=h5py.string_dtype())
    tenx(f, "text of any length, ascii", text=h5py.string_dtype("ascii"))
    tenx(f, "text of a length", text=h5py.string_dtype(length=5))
    tenx(f, "text of any length, packed", text=h5py.string_dtype(), compression="gzip")


def filters(f):
    """Filters that are not HDF5's own."""
    for name, filter in [
        ("blosc2", hdf5plugin.Blosc2()),
        ("bitshuffle", hdf5plugin.Bitshuffle()),
        ("bzip2", hdf5plugin.BZip2()),
        ("lz4", hdf5plugin.LZ4()),
        ("zstd", hdf5plugin.Zstd()),
    ]:
        tenx(f, name, chunks=(2,), **filter)


def broken(f):
    """Parts that are no matrix, each in its group."""
    tenx(f, "whole")
    tenx(f, "names that are numbers", replaced=dict(barcodes=[7, 8, 9, 10], gene_names=[4, 5, 6]))
    for name, part, value in [
        ("few offsets", "indptr", [0, 2, 2, 3]),
        ("falling offsets", "indptr", [0, 2, 1, 3, 5]),
        ("negative offset", "indptr", [0, -1, 2, 3, 5]),
        ("index outside", "indices", [0, 2, 1, 0, 3]),
        ("huge index", "indices", [0, 2, 1, 0, 1 << 40]),
        ("few values", "data", [1, 2, 3, 4]),
        ("inexact", "data", [1, 2, 3, 4, -(1 << 53) - 1]),
        ("three sides", "shape", [3, 4, 1]),
        ("many rows", "shape", [3, 1 << 40]),
        ("many columns", "shape", [1 << 40, 4]),
        ("few barcodes", "barcodes", [7]),
        ("many genes", "gene_names", [1, 2, 3, 4]),
        ("real indices", "indices", [0.0, 2, 1, 0, 1]),
        ("beyond single", "data", [1.0, 2, 3, 4, 1e300]),
        ("no data", "data", None),
    ]:
        tenx(f, name, replaced={part: None if value is None else np.array(value)})


def annotated():
    frames = dict(obs=pd.DataFrame(index=obs), var=pd.DataFrame(index=var))
    for name, x, options in [
        ("plain", sp.csr_matrix(N.astype("f4")), {}),
        ("gzip", sp.csr_matrix(N.astype("f4")), dict(compression="gzip")),
        ("lzf", sp.csc_matrix(N.astype("f8")), dict(compression="lzf")),
        ("dense_gzip", N.astype("f4"), dict(compression="gzip")),
        ("dense_lzf", N.astype("i8"), dict(compression="lzf")),
        ("dense_zstd", N.astype("f4"), dict(compression=hdf5plugin.FILTERS["zstd"])),
    ]:
        written(f"{name}.h5ad", lambda path: anndata.AnnData(x, **frames).write_h5ad(path, **options))
    # columns of every kind beside the index, which has a name, and what scanpy leaves in a file
    table = pd.DataFrame(
        dict(
            cell=obs,
            cluster=pd.Categorical(["a", "b", "a", "b"]),
            n_genes=[2, 0, 1, 2],
            doublet=[True, False, False, True],
            note=pd.array(["x", None, "y", "z"], dtype="string"),
        )
    ).set_index("cell")
    whole = anndata.AnnData(sp.csr_matrix(N.astype("f4")), table, frames["var"])
    whole.layers["counts"] = sp.csc_matrix(N)
    whole.obsm["X_pca"] = np.ones((4, 2))
    whole.obsp["distances"] = sp.csr_matrix(np.eye(4))
    whole.uns["neighbors"] = dict(params=dict(n_neighbors=15, method="umap"))
    whole.raw = anndata.AnnData(sp.csr_matrix(np.hstack([N, N])), table, pd.DataFrame(index=list("abcdef")))
    written("scanpy.h5ad", lambda path: whole.write_h5ad(path))


def chunks():
    """A matrix of more than one block, in chunks of any size."""
    x = (np.arange(1300 * 130) * 7 % 251).astype("f4").reshape(1300, 130)
    for at, chunk in enumerate([None, (1, 130), (70, 11), (1300, 130), (1000, 3)]):
        options = dict(chunks=chunk, shuffle=True) if chunk else {}
        hdf5(f"chunks_{at}.h5ad", lambda f: f.create_dataset("X", data=x, **options))
    growing = dict(chunks=(100, 50), maxshape=(None, None))
    hdf5("chunks_growing.h5ad", lambda f: f.create_dataset("X", data=x, **growing))
    hdf5("chunks_latest.h5ad", lambda f: f.create_dataset("X", data=x, chunks=(70, 11)), libver="latest")
    hdf5("chunks_tree.h5ad", lambda f: f.create_dataset("X", data=x, **growing), libver="latest")
    hdf5("hdf5_2.h5ad", lambda f: f.create_dataset("X", data=x[:4], chunks=(2, 130), compression="gzip"), libver="latest")
    hdf5("vector.h5ad", lambda f: f.create_dataset("X", data=[1.0, 2.0]))
    # what was never written is 0, or what is said
    unwritten = dict(shape=(3, 2), dtype="f8", chunks=(1, 2))

    def filled(f):
        f.create_dataset("X", **unwritten)[1] = [5, 6]
        f.create_dataset("layers/filled", **unwritten, fillvalue=7)[1] = [5, 6]
        f.create_dataset("layers/unwritten", shape=(3, 2), dtype="f8")

    hdf5("filled.h5ad", filled)


def multiome(f):
    """As Cell Ranger ARC and Cell Ranger 3 with antibodies have it."""
    kinds = ["Gene Expression", "Antibody Capture", "Gene Expression"]
    matrix = f.create_group("matrix")
    genes = sp.csc_matrix(N.T.astype("i4"))
    for part in ["data", "indices", "indptr"]:
        matrix.create_dataset(part, data=getattr(genes, part), compression="gzip")
    matrix.create_dataset("shape", data=np.array(genes.shape, "i4"))
    matrix.create_dataset("barcodes", data=np.array(obs, "S18"))
    for name, value in dict(id=["ENSG1", "CD3", "ENSG3"], name=["TP53", "CD3", "MYC"], feature_type=kinds).items():
        matrix.create_dataset(f"features/{name}", data=np.array(value, "S20"))


def loom():
    rows = dict(Gene=np.array(var), Accession=np.array(["ENSG1", "ENSG2", "ENSG3"]))
    columns = dict(CellID=np.array(obs))
    written("plain.loom", lambda path: loompy.create(str(path), N.T, rows, columns))
    layers = {"": sp.coo_matrix(N.T), "spliced": sp.coo_matrix(2 * N.T)}
    written("layers.loom", lambda path: loompy.create(str(path), layers, rows, columns))
    frames = dict(obs=pd.DataFrame(index=obs), var=pd.DataFrame(index=list("abc")))
    written("anndata.loom", lambda path: anndata.AnnData(N.astype("f4"), **frames).write_loom(path))


for version in ["earliest", "v114"]:
    hdf5(f"types_{version}.h5", types, libver=version)
    hdf5(f"storage_{version}.h5", storage, libver=version)
hdf5("filters.h5", filters)
hdf5("broken.h5", broken)
hdf5("multiome.h5", multiome)
annotated()
chunks()
loom()
