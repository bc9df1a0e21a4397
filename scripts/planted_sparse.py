#!/usr/bin/env python3
"""Sparse matrices as texts and cells have them: what the sparse benches factorise.

    planted_sparse.py OUT.npz [--kind counts|tfidf|log] [--rows …] [--cols …] [--topics …] [--density …] [--seed 0] [--f32]

Poisson topics. A topic is a distribution over the columns: gamma numbers of shape 0.1 times the column's frequency,
1/(rank of the column + 10), ranks in a drawn order, scaled to sum 1. A row is a mixture of topics, gamma numbers of
shape 0.15 scaled to sum 1, with a length from a log-normal distribution (σ = 0.5). Its entries are independent Poisson
numbers with mean length × mixture × topics. The mean length is such that about --density of the entries are not 0.
Numbers come from numpy's RandomState, which is frozen: a seed means the same counts everywhere.

counts: as they are. tfidf: times ln((1 + m)/(1 + number of rows with an entry)) + 1, rows scaled to norm 1, which is
what scikit-learn's TfidfTransformer does. log: ln(1 + 10000·count/row sum).
"""

import argparse

import numpy as np
import scipy.sparse as sp

# the problems of the benches
PROBLEMS = {
    "topics": dict(rows=20_000, cols=10_000, topics=32, density=0.005),
    "cells": dict(rows=30_000, cols=2_000, topics=20, density=0.08),
}


def draw(rows, cols, topics, density, rng):
    """Row and column of every token."""
    common = 1.0 / (10.0 + rng.permutation(cols))
    parts = rng.gamma(0.1, size=(topics, cols)) * common
    parts /= parts.sum(axis=1, keepdims=True)
    mixture = rng.gamma(0.15, size=(rows, topics)) + 1e-12
    mixture /= mixture.sum(axis=1, keepdims=True)
    size = np.exp(0.5 * rng.standard_normal(rows))
    # the expected number of entries that are not 0 rises with the length: found on some rows, by bisection
    some = rng.permutation(rows)[:200]
    rate = (mixture[some] @ parts) * size[some, None]
    low, high = 1.0, 1e9
    for _ in range(60):
        length = np.sqrt(low * high)
        found = -np.expm1(-length * rate).mean()
        low, high = (length, high) if found < density else (low, length)
    # tokens of a row and a topic are Poisson; which column each falls on is drawn by the topic
    tokens = rng.poisson(length * size[:, None] * mixture)
    at = [np.repeat(np.arange(rows), tokens[:, t]) for t in range(topics)]
    where = [np.searchsorted(np.cumsum(parts[t])[:-1], rng.uniform(size=len(at[t]))) for t in range(topics)]
    return np.concatenate(at), np.concatenate(where)


def counts(rows, cols, topics, density, seed, dtype=np.float64):
    rng = np.random.RandomState(seed)
    row, col = draw(rows, cols, topics, density, rng)
    x = sp.coo_matrix((np.ones(len(row), dtype), (row, col)), shape=(rows, cols)).tocsr()
    x.sum_duplicates()
    return x


def tfidf(x):
    m = x.shape[0]
    frequency = np.bincount(x.indices, minlength=x.shape[1])
    weight = np.log((1.0 + m) / (1.0 + frequency)) + 1.0
    out = x.astype(np.float64)
    out.data *= weight[out.indices]
    norm = np.sqrt(np.add.reduceat(out.data**2, out.indptr[:-1].clip(max=len(out.data) - 1)))
    norm[np.diff(out.indptr) == 0] = 1.0
    out.data /= np.repeat(norm, np.diff(out.indptr))
    return out.astype(x.dtype)


def log_counts(x):
    out = x.astype(np.float64)
    sums = np.asarray(out.sum(axis=1)).ravel()
    out.data = np.log1p(1e4 * out.data / np.repeat(np.maximum(sums, 1.0), np.diff(out.indptr)))
    return out.astype(x.dtype)


KINDS = {"counts": lambda x: x, "tfidf": tfidf, "log": log_counts}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT.npz")
    parser.add_argument("--kind", choices=KINDS, default="counts")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--cols", type=int, default=10_000)
    parser.add_argument("--topics", type=int, default=32)
    parser.add_argument("--density", type=float, default=0.005)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--f32", action="store_true")
    o = parser.parse_args()
    dtype = np.float32 if o.f32 else np.float64
    sp.save_npz(o.out, KINDS[o.kind](counts(o.rows, o.cols, o.topics, o.density, o.seed, dtype)), compressed=False)


if __name__ == "__main__":
    main()
