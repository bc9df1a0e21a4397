"""What the tables factorise, made by scripts/planted.py and scripts/planted_sparse.py."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.datasets import load_digits

import planted_sparse
from planted import images, planted, spectrogram

DATA_SEED = 0  # the seeds of --seeds are those of the starts
DTYPES = ("float64", "float32")
MAKERS = {
    "planted": lambda m, n, k, seed, dtype: planted(m, n, k, seed, dtype=dtype),
    "images": lambda m, n, k, seed, dtype: images(m, seed, dtype),
    "digits": lambda m, n, k, seed, dtype: load_digits().data.astype(dtype),
    "spectrogram": spectrogram,
    "uniform": lambda m, n, k, seed, dtype: np.random.RandomState(1).uniform(size=(m, n)).astype(dtype),
}
TINY_SPARSE = {
    "topics": dict(rows=150, cols=90, topics=5, density=0.06),
    "cells": dict(rows=200, cols=60, topics=4, density=0.1),
}


@dataclasses.dataclass
class Problem:
    name: str
    k: int
    dtype: str
    path: pathlib.Path
    x: Any = None  # where it is not in the file alone
    loss: str = "frobenius"
    rule: str = "cd"  # that scikit-learn and orthant both have
    shape: tuple = ()
    entries: int = 0  # of a sparse matrix

    def loss_of(self, w, h):
        """D(X|WH) in double precision; of sparse data, without what is dense."""
        x, w, h = (factor.astype(np.float64) for factor in (self.x, w, h))
        if not sp.issparse(x):
            residual = x - w @ h
            return 0.5 * float(np.vdot(residual, residual))
        if self.loss == "frobenius":
            return 0.5 * float(np.vdot(x.data, x.data) - 2.0 * np.vdot(w, x @ h.T) + np.vdot(w.T @ w, h @ h.T))
        found = float(np.vdot(w.sum(axis=0), h.sum(axis=1)))
        for row in range(0, x.shape[0], 1000):
            part = x[row : row + 1000].tocoo()
            p = np.einsum("ek,ke->e", w[row + part.row], h[:, part.col])
            found += float(np.sum(part.data * np.log(part.data / np.maximum(p, np.finfo(np.float32).eps)) - part.data))
        return found


def made(bench, kind, m, n, k, dtype, seed=DATA_SEED, **more):
    x, path = MAKERS[kind](m, n, k, seed, dtype), bench.folder / "x.npy"
    np.save(path, x)
    return Problem(f"{kind} {m}×{n}", k, dtype, path, x, **more)


def dense(bench, *more):
    """Every dense problem in both precisions. `more` are others."""
    every = [("planted", 2000, 2000, 32), ("planted", 5000, 5000, 64), ("images", 10_000, 784, 49)]
    every = bench.size(every, [("planted", 120, 90, 5), ("images", 200, 784, 7)])
    return (made(bench, *of, dtype) for dtype in DTYPES for of in (*every, *more))


def column_major(problem):
    """The same in columns, in the same file."""
    np.save(problem.path, np.asfortranarray(problem.x))
    return dataclasses.replace(problem, name=f"{problem.name}, column-major")


def spectrograms(bench, dtype, losses=("kl", "is"), seed=DATA_SEED):
    """A problem for each loss, with the same spectrogram."""
    problem = made(bench, "spectrogram", *bench.size((1025, 2000, 32), (60, 50, 4)), dtype, seed, rule="mu")
    return [dataclasses.replace(problem, loss=loss) for loss in losses]


def sparse(bench, losses=("frobenius", "kl")):
    """Sparse data is in single precision, from scripts/planted_sparse.py with seed 0. It is 20000×10000 with 0.5 % of
    the entries, as tf-idf (k = 32) and as counts (k = 32, Kullback–Leibler), and 30000×2000 with 8 %, as logarithms of
    counts (k = 20).
    """
    for words, problem, kind, loss, rule in (
        ("tf-idf", "topics", "tfidf", "frobenius", "cd"),
        ("log counts", "cells", "log", "frobenius", "cd"),
        ("counts", "topics", "counts", "kl", "mu"),
    ):
        if loss in losses:
            size, path = bench.size(planted_sparse.PROBLEMS, TINY_SPARSE)[problem], bench.folder / "x.npz"
            x = planted_sparse.KINDS[kind](planted_sparse.counts(**size, seed=DATA_SEED, dtype=np.float32))
            sp.save_npz(path, x, compressed=False)
            name = f"{words} {size['rows']}×{size['cols']}"
            yield Problem(name, size["topics"], "float32", path, x, loss, rule, x.shape, int(x.nnz))


def large_sparse(bench):
    """Counts that a program makes, which takes no memory here."""
    m, n, entries, k = bench.size((1_000_000, 30_000, 100_000_000, 20), (2000, 300, 20_000, 5))
    path = bench.folder / "large.npz"
    made = bench.sparse("make", path, rows=m, cols=n, entries=entries, topics=k, seed=DATA_SEED)
    return Problem(f"counts {m}×{n}", k, "float32", path, shape=(m, n), entries=made["entries"])


def large_uniform(bench, m, n, k, dtype, loss):
    """Uniform numbers that are made in the file, by parts, which takes little memory here."""
    rng, path = np.random.RandomState(1), bench.folder / "large.npy"
    x = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(m, n))
    for first in range(0, m, 256):
        x[first : first + 256] = rng.uniform(1e-6, 1.0, size=x[first : first + 256].shape)
    x.flush()
    return Problem(f"uniform {m}×{n}", k, dtype, path, loss=loss)
