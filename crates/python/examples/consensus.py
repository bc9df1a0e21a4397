"""Consensus NMF of single-cell-like counts, with Orthant in the place of scikit-learn.

The workflow is that of Kotliar et al., Identifying gene expression programs of cell-type identity and cellular activity
with single-cell RNA-Seq, eLife 2019, doi:10.7554/eLife.43803: counts are scaled by genes, factorised from many random
starts, the programs of all of them clustered, those far from any other left out, and the medians of clusters are the
consensus programs, from which the cells' usage is found again.

    python consensus.py [--cells 3000] [--genes 1000] [--programs 8] [--starts 20]
"""

import argparse
import time
import warnings

import numpy as np
import sklearn.decomposition
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

import orthant


def counts(cells, genes, programs, seed=0):
    """Counts of a Poisson distribution around usage times programs, and the programs."""
    rng = np.random.default_rng(seed)
    spectra = rng.gamma(0.15, size=(programs, genes)) + 1e-3
    spectra /= spectra.sum(axis=1, keepdims=True)
    usage = rng.dirichlet(np.full(programs, 0.25), size=cells)
    depth = rng.lognormal(np.log(3000), 0.4, size=(cells, 1))
    return rng.poisson(depth * (usage @ spectra)).astype(np.float64), spectra


def consensus(factorise, X, k, starts):
    """Consensus programs and the cells' usage of them."""
    spectra = np.concatenate([factorise(X, n_components=k, init="random", random_state=seed)[1] for seed in range(starts)])
    spectra /= np.linalg.norm(spectra, axis=1, keepdims=True)
    neighbours = max(1, int(0.3 * starts))
    distances = NearestNeighbors(n_neighbors=neighbours + 1).fit(spectra).kneighbors(spectra)[0][:, 1:].mean(axis=1)
    kept = spectra[distances < 0.5]
    labels = KMeans(k, n_init=10, random_state=1).fit_predict(kept)
    programs = np.stack([np.median(kept[labels == c], axis=0) for c in range(k)])
    programs /= programs.sum(axis=1, keepdims=True)
    usage = factorise(X, H=programs, n_components=k, update_H=False)[0]
    return programs, usage / usage.sum(axis=1, keepdims=True)


def matched(a, b):
    """The cosines of the programs of a with those of b that they belong to."""
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    rows, columns = linear_sum_assignment(-a @ b.T)
    return (a @ b.T)[rows, columns], columns


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", type=int, default=3000)
    parser.add_argument("--genes", type=int, default=1000)
    parser.add_argument("--programs", type=int, default=8)
    parser.add_argument("--starts", type=int, default=20)
    options = parser.parse_args()
    X, planted = counts(options.cells, options.genes, options.programs)
    X = X[:, X.sum(axis=0) > 0]
    print(f"{X.shape[0]} cells, {X.shape[1]} genes, {options.programs} programs, {options.starts} starts")
    warnings.simplefilter("ignore")  # a start that takes all its iterations is one of many

    kl = dict(beta_loss="kullback-leibler", tol=1e-4, max_iter=1000)
    found = {}
    for label, factorise, more in [
        ("scikit-learn", sklearn.decomposition.non_negative_factorization, dict(solver="mu")),
        ("orthant, the import changed", orthant.non_negative_factorization, dict(solver="mu")),
        ('orthant, solver="auto"', orthant.non_negative_factorization, dict(solver="auto")),
    ]:
        began = time.perf_counter()
        programs, usage = consensus(lambda *a, **b: factorise(*a, **b, **kl, **more), X, options.programs, options.starts)
        seconds = time.perf_counter() - began
        found[label] = programs, usage
        genes = np.flatnonzero(planted.sum(axis=0) > 0)[: X.shape[1]] if planted.shape[1] != X.shape[1] else slice(None)
        truth = matched(programs, planted[:, genes])[0].min()
        cosines, order = matched(programs, found["scikit-learn"][0])
        moved = np.abs(usage - found["scikit-learn"][1][:, order]).max()
        print(
            f"{label:28s} {seconds:7.2f} s; cosine with the planted programs {truth:.4f} at least, with scikit-learn's "
            f"{cosines.min():.6f}; usage differs by {moved:.1e} at most"
        )


if __name__ == "__main__":
    main()
