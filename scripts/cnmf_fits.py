"""Runs cNMF's own program, unchanged, by scikit-learn and through `python -m orthant`, and compares times and results.

cNMF (Kotliar et al. 2019, doi:10.7554/eLife.43803) makes many fits of single-cell counts in its step `factorize`, each by scikit-learn's
`non_negative_factorization`: by coordinate descent for the Frobenius loss, and by multiplicative updates for Kullback–Leibler. Both
contenders run the same prepared folder, the same solver and the same seeds, and take turns. Each step is a process, and what counts is
all of it: importing, reading and writing too. Then cNMF's steps `combine` and `consensus` make programs of the spectra of each.

    scripts/cnmf-fits                  writes benches/record/<date>-<processor>-cnmf.md
    scripts/cnmf-fits --tiny           small sizes, no record: does it all still run
    scripts/cnmf-fits --turns 3        turns of each contender; default 1
"""

import argparse
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version

import anndata
import numpy as np
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

import records

NAME = "run"
CNMF = pathlib.Path(sys.executable).with_name("cnmf")
PROGRAMS = {"scikit-learn": [sys.executable, CNMF], "orthant": [sys.executable, "-m", "orthant", CNMF]}
LOSSES = {"frobenius": "`cd`", "kullback-leibler": "`mu`"}


def counts(cells, genes, programs=8, seed=0):
    """Counts of a Poisson distribution around usage times programs."""
    rng = np.random.default_rng(seed)
    spectra = rng.gamma(0.15, size=(programs, genes)) + 1e-3
    spectra /= spectra.sum(axis=1, keepdims=True)
    usage = rng.dirichlet(np.full(programs, 0.25), size=cells)
    depth = rng.lognormal(np.log(3000), 0.4, size=(cells, 1))
    return rng.poisson(depth * (usage @ spectra)).astype(np.float64)


def run(program, folder, *arguments):
    """Wall and processor seconds of a step of cNMF, in a process of its own."""
    command = [*map(str, program), *map(str, arguments), "--output-dir", str(folder), "--name", NAME]
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    out = subprocess.run(command, capture_output=True, text=True, env=environment)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if out.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{out.stderr}")
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def frame(path):
    """The numbers of a file of cNMF's."""
    with np.load(path, allow_pickle=True) as file:
        return np.asarray(file["data"], np.float64)


def farthest(one, other):
    """The largest difference of two matrices, relative to the largest entry."""
    return np.abs(one - other).max() / np.abs(one).max()


def cosines(one, other):
    """Those of rows of the one with the rows of the other that they belong to."""
    one, other = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (one, other))
    rows, columns = linear_sum_assignment(-one @ other.T)
    return (one @ other.T)[rows, columns]


def spectra(folder):
    """Those of every fit, by file."""
    return {path.name: frame(path) for path in sorted((folder / NAME / "cnmf_tmp").glob(f"{NAME}.spectra.k_*.iter_*.df.npz"))}


def consensus(folder, k):
    """The programs that cNMF makes of the spectra, with all of them kept."""
    run(PROGRAMS["scikit-learn"], folder, "combine")
    run(PROGRAMS["scikit-learn"], folder, "consensus", "--components", k, "--local-density-threshold", 2)
    (made,) = (folder / NAME / "cnmf_tmp").glob(f"{NAME}.spectra.k_{k}.dt_*.consensus.df.npz")
    return frame(made)


def compared(folder, loss, data, ks, starts, genes, turns):
    """A row of the table."""
    prepared = folder / f"prepared-{loss}"
    step = ["-c", data, "-k", *ks, "--n-iter", starts, "--numgenes", genes, "--seed", 14, "--beta-loss", loss]
    run(PROGRAMS["scikit-learn"], prepared, "prepare", *step)
    times = {name: [] for name in PROGRAMS}
    for turn in range(turns):
        order = list(PROGRAMS.items())
        for name, program in order if turn % 2 == 0 else order[::-1]:
            place = folder / f"{name}-{loss}"
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(prepared, place)
            times[name].append(run(program, place, "factorize"))
            print(loss, name, "%.1f s, %.1f s of processors" % times[name][-1], flush=True)
    theirs, ours = (spectra(folder / f"{name}-{loss}") for name in PROGRAMS)
    assert theirs.keys() == ours.keys() and len(ours) == len(ks) * starts
    apart = [farthest(theirs[name], ours[name]) for name in theirs]
    least = min(cosines(theirs[name], ours[name]).min() for name in theirs)
    programs = [consensus(folder / f"{name}-{loss}", ks[-1]) for name in PROGRAMS]
    wall, cpu = ({name: statistics.median(t[i] for t in times[name]) for name in PROGRAMS} for i in (0, 1))
    return [
        loss,
        LOSSES[loss],
        str(len(ours)),
        *(f"{wall[name]:.1f} s, {cpu[name]:.1f} s" for name in PROGRAMS),
        f"{wall['scikit-learn'] / wall['orthant']:.1f}, {cpu['scikit-learn'] / cpu['orthant']:.1f}",
        f"{statistics.median(apart):.1e}, {max(apart):.1e}",
        f"{1 - least:.1e}",
        f"{1 - cosines(*programs).min():.1e}",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--turns", type=int, default=1)
    options = parser.parse_args()
    cells, genes, most = (200, 300, 150) if options.tiny else (1500, 4000, 2000)
    ks, starts = ([3, 4], 4) if options.tiny else ([7, 9], 4)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        table = anndata.AnnData(sp.csr_matrix(counts(cells, genes)))
        table.write_h5ad(folder / "counts.h5ad")
        rows = [compared(folder, loss, folder / "counts.h5ad", ks, starts, most, options.turns) for loss in LOSSES]
    heads = [
        "loss",
        "solver",
        "fits",
        *PROGRAMS,
        "ratios",
        "spectra apart: median, most",
        "1 − least cosine",
        "the same of programs",
    ]
    body = f"""\
cNMF {version("cnmf")}, unchanged: its step `factorize` by `cnmf factorize` and by `python -m orthant $(which cnmf) factorize`.

Simulated counts of {cells} cells and {genes} genes by 8 programs, of which cNMF takes the {most} most variable; k = {", ".join(map(str, ks))} with
{starts} starts each. The solver, the tolerance of 1e-4 and the limit of 1000 iterations are cNMF's. Seconds are of the whole process, as one
waits and of all processors; medians of {options.turns}, and the ratio of each. Spectra of the same seed are compared as they are: the largest
difference over the largest entry. Programs are what cNMF's `combine` and `consensus` make of them, at k = {ks[-1]}.

{records.markdown(heads, rows)}"""
    if options.tiny:
        print("\n" + body)
    else:
        records.write("cnmf-fits", "cnmf", body)


if __name__ == "__main__":
    main()
