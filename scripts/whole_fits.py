"""Times whole fits at default settings from Python: scikit-learn's NMF, Orthant's in its place, and Orthant's own method.

The contenders are scikit-learn's NMF with the solver for the loss ("cd" for Frobenius, "mu" for the others); the same
script with only the import changed; and orthant's NMF(solver="auto"). All else is the classes' defaults. These are init=None,
tol=1e-4 and max_iter=200 for all three: orthant's NMF has no other defaults for "auto". There, however, init=None is
"scaled-random" instead of "nndsvda", and tol is relative to the objective. So "auto" can end in another minimum, and the
table has the loss of each, computed here from X, W and H in double precision, the same way for all.

Each fit is a process of its own. The contenders take turns, in an order that alternates. What counts is the whole call of
fit_transform, which includes the start and making threads; importing and reading the file do not count. How long
iterations take is measured in one more fit, with a callback, whose time does not count.

    scripts/whole-fits                  writes benches/record/<date>-<processor>-whole-fits.md
    scripts/whole-fits --tiny           small sizes, no record: does it all still run
    scripts/whole-fits --turns 5        turns of each contender; default 3
    scripts/whole-fits --seed 1         random_state; default 0
    scripts/whole-fits --only "counts 20000×10000 float32"   the problems whose name and type have this in them
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
import sklearn.decomposition
from scipy.special import kl_div

import planted_sparse
import records
from planted import images, planted, spectrogram

DATA_SEED = 0
DTYPES = ("float32", "float64")
MAX_ITER = sklearn.decomposition.NMF().max_iter
# the package of each contender
PACKAGES = {"scikit-learn": "sklearn.decomposition", "import changed": "orthant", "auto": "orthant"}
ORTHANTS = ("import changed", "auto")
FIRST = 10  # iterations behind the mean "at first"
BLOCK = 1 << 22  # entries of W·H that are computed at a time

# One process of a contender. It has one fit to do; in a tiny run, one of each problem.
FITS = """
import json, sys, time, warnings
import numpy as np
import scipy.sparse as sp
from {package} import NMF

warnings.simplefilter("ignore")
for job in json.loads(sys.argv[1]):
    X = np.load(job["data"]) if job["data"].endswith(".npy") else sp.load_npz(job["data"])
    ends = []
    if job["followed"]:
        job["options"]["callback"] = lambda it: ends.append(it.seconds)
    model = NMF(**job["options"])
    began = time.perf_counter()
    W = model.fit_transform(X)
    seconds = time.perf_counter() - began
    np.savez(job["factors"], w=W, h=model.components_)
    print(json.dumps({{"seconds": seconds, "iterations": model.n_iter_, "ends": ends}}))
"""


class Problem(NamedTuple):
    name: str
    dtype: str
    loss: str
    k: int
    make: Callable[[], Any]


def problems(tiny):
    sizes = {"rows": 200, "cols": 150, "topics": 4, "density": 0.05}
    topics, cells = (sizes, sizes) if tiny else (planted_sparse.PROBLEMS["topics"], planted_sparse.PROBLEMS["cells"])
    counts = lambda of: planted_sparse.counts(**of, seed=DATA_SEED)  # noqa: E731
    m, n, k = (120, 90, 5) if tiny else (5000, 5000, 64)
    pictures, parts = (150, 7) if tiny else (10_000, 49)
    bins, frames, notes = (60, 50, 4) if tiny else (1025, 2000, 32)
    sized = lambda of: f"{of['rows']}×{of['cols']}"  # noqa: E731
    each = [
        (f"planted {m}×{n}", "frobenius", k, lambda: planted(m, n, k, DATA_SEED)),
        (f"images {pictures}×784", "frobenius", parts, lambda: images(pictures, DATA_SEED)),
        (f"tf-idf {sized(topics)}", "frobenius", topics["topics"], lambda: planted_sparse.tfidf(counts(topics))),
        (f"log counts {sized(cells)}", "frobenius", cells["topics"], lambda: planted_sparse.log_counts(counts(cells))),
        (f"counts {sized(topics)}", "kullback-leibler", topics["topics"], lambda: counts(topics)),
        *(
            (f"spectrogram {bins}×{frames}", loss, notes, lambda: spectrogram(bins, frames, notes, DATA_SEED))
            for loss in ("kullback-leibler", "itakura-saito")
        ),
    ]
    return [Problem(name, dtype, loss, k, make) for name, loss, k, make in each for dtype in DTYPES]


def arguments(contender, problem, seed):
    chosen = {"n_components": problem.k, "random_state": seed}
    if contender == "auto":
        chosen["solver"] = "auto"
    elif problem.loss != "frobenius":
        chosen["solver"] = "mu"
    if problem.loss != "frobenius":
        chosen["beta_loss"] = problem.loss
    return chosen


def environment():
    """This process's without what would give BLAS other kernels, or a contender another number of threads than its own."""
    preset = lambda name: name.startswith(("OPENBLAS_", "ORTHANT_")) or name.endswith("_NUM_THREADS")  # noqa: E731
    return {name: value for name, value in os.environ.items() if not preset(name)}


def in_python(code, *more):
    done = subprocess.run([sys.executable, "-c", code, *more], capture_output=True, text=True, env=environment())
    if done.returncode != 0:
        sys.exit(f"whole fits: {' '.join(more)}\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def fits(contender, group, paths, seed, followed=False):
    """A fit of each problem of the group in one process, and where its factors are."""
    jobs = [
        {
            "data": str(path),
            "options": arguments(contender, problem, seed),
            "factors": str(path.with_name(f"{path.stem}-{contender}.npz")),
            "followed": followed,
        }
        for problem, path in zip(group, paths)
    ]
    done = in_python(FITS.format(package=PACKAGES[contender]), json.dumps(jobs))
    return [{**fit, "factors": job["factors"]} for fit, job in zip(done, jobs, strict=True)]


def blocks(x, w, h):
    """Some entries of X at a time and those of W·H in the same places: of a sparse matrix those that are stored."""
    if sp.issparse(x):
        x, ht = x.tocoo(), np.ascontiguousarray(h.T)
        step = max(1, BLOCK // h.shape[0])
        for at in range(0, x.nnz, step):
            part = slice(at, at + step)
            yield x.data[part].astype(np.float64), np.einsum("ek,ek->e", w[x.row[part]], ht[x.col[part]])
    else:
        step = max(1, BLOCK // x.shape[1])
        for at in range(0, x.shape[0], step):
            yield x[at : at + step].astype(np.float64), w[at : at + step] @ h


def loss_of(x, w, h, loss):
    """½‖X − WH‖², or the divergence of X from WH, in double precision.

    For the divergences an entry of WH is at least the machine epsilon of float32, as in scikit-learn.
    """
    w, h = w.astype(np.float64), h.astype(np.float64)
    least = np.finfo(np.float32).eps
    total = 0.0
    for v, vh in blocks(x, w, h):
        if loss == "frobenius":
            # for a sparse matrix: what the stored entries change
            total += 0.5 * float(np.sum((v - vh) ** 2) - (np.sum(vh**2) if sp.issparse(x) else 0.0))
        elif loss == "kullback-leibler":
            total += float(np.sum(kl_div(v, np.maximum(vh, least))) - (np.sum(vh) if sp.issparse(x) else 0.0))
        else:
            ratio = v / np.maximum(vh, least)
            total += float(np.sum(ratio - np.log(ratio) - 1.0))
    if sp.issparse(x):
        # and the loss as if all of X were 0
        total += 0.5 * float(np.vdot(w.T @ w, h @ h.T)) if loss == "frobenius" else float(w.sum(axis=0) @ h.sum(axis=1))
    return total


def pace(ends):
    """Mean seconds of iterations 2 to 11, and of the last tenth. The time of the first iteration has the start in it."""
    each = np.diff(ends)
    if len(each) == 0:
        return None
    return float(each[:FIRST].mean()), float(each[-max(1, len(each) // 10) :].mean())


def measured(group, turns, seed, folder):
    """For each problem of the group: the times, iterations and loss of each contender, and the pace of Orthant's."""
    paths, data = [], []
    for number, problem in enumerate(group):
        x = problem.make().astype(problem.dtype)
        path = folder / f"{number}{'.npz' if sp.issparse(x) else '.npy'}"
        if sp.issparse(x):
            sp.save_npz(path, x, compressed=False)
        else:
            np.save(path, x)
        paths.append(path)
        data.append(x)
    results = [{contender: {"seconds": [], "iterations": []} for contender in PACKAGES} for _ in group]
    for turn in range(turns):
        for contender in list(PACKAGES)[:: 1 if turn % 2 == 0 else -1]:
            for result, fit in zip(results, fits(contender, group, paths, seed)):
                result[contender]["seconds"].append(fit["seconds"])
                result[contender]["iterations"].append(fit["iterations"])
                result[contender]["factors"] = fit["factors"]
    for problem, x, result in zip(group, data, results):
        for run in result.values():
            with np.load(run["factors"]) as factors:
                run["loss"] = loss_of(x, factors["w"], factors["h"], problem.loss)
    for contender in ORTHANTS:
        for result, fit in zip(results, fits(contender, group, paths, seed, followed=True)):
            result[contender]["pace"] = pace(fit["ends"])
    for path in folder.iterdir():
        path.unlink()
    for problem, result in zip(group, results):
        summary = ", ".join(
            f"{contender} {seconds(statistics.median(run['seconds']))} s, {iterations(run)} iterations, {run['loss']:.8g}"
            for contender, run in result.items()
        )
        print(f"{problem.name} {problem.dtype} {problem.loss}: {summary}", flush=True)
    return results


def seconds(time):
    return f"{time:.1f}" if time >= 100 else f"{time:.2f}" if time >= 10 else f"{time:.3f}"


def iterations(run):
    """How many there were; those of every turn, should they differ."""
    return "/".join(f"{n} (limit)" if n == MAX_ITER else str(n) for n in sorted(set(run["iterations"])))


def fit_table(results):
    heads = ["data", "dtype", "loss", "k"]
    for contender in PACKAGES:
        heads += [f"{contender}: seconds", "iterations", "loss"] + (["ratio"] if contender in ORTHANTS else [])
    rows = []
    for problem, result in results:
        theirs = statistics.median(result["scikit-learn"]["seconds"])
        row = [problem.name, problem.dtype, problem.loss, str(problem.k)]
        for contender, run in result.items():
            ours = statistics.median(run["seconds"])
            row += [seconds(ours), iterations(run), f"{run['loss']:.8g}"]
            row += [f"{theirs / ours:.2f}"] if contender in ORTHANTS else []
        rows.append(row)
    return records.markdown(heads, rows)


def pace_table(results):
    heads = ["data", "dtype", "loss"]
    for contender in ORTHANTS:
        heads += [f"{contender}: at first, ms", "at the end, ms"]
    rows = []
    for problem, result in results:
        row = [problem.name, problem.dtype, problem.loss]
        for contender in ORTHANTS:
            of = result[contender]["pace"]
            row += [f"{1e3 * time:.2f}" for time in of] if of else ["–", "–"]
        rows.append(row)
    return records.markdown(heads, rows)


def turn_table(results):
    rows = [
        [problem.name, problem.dtype, problem.loss]
        + [", ".join(seconds(time) for time in run["seconds"]) for run in result.values()]
        for problem, result in results
    ]
    return records.markdown(["data", "dtype", "loss", *PACKAGES], rows)


def blas():
    """What multiplies for scikit-learn: the libraries, their kernels and threads, in a process as its fits have."""
    code = "import json, numpy, scipy.linalg, threadpoolctl; print(json.dumps(threadpoolctl.threadpool_info()))"
    (pools,) = in_python(code)
    libraries = {
        f"{pool['internal_api']} {pool['version']}, kernels {pool.get('architecture', 'unknown')}, {pool['num_threads']} threads"
        for pool in pools
        if pool["user_api"] == "blas"
    }
    return "; ".join(sorted(libraries)) or "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    turns = 1 if options.tiny else options.turns
    each = [problem for problem in problems(options.tiny) if options.only in f"{problem.name} {problem.dtype}"]
    if not each:
        parser.error(f"no problem has {options.only!r} in its name and type")
    # processes take longer to begin than tiny fits do
    groups = [each] if options.tiny else [[problem] for problem in each]
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for group in groups:
            results += zip(group, measured(group, turns, options.seed, pathlib.Path(folder)))
    tables = fit_table(results), pace_table(results), turn_table(results)
    if options.tiny:
        print("\n" + "\n\n".join(tables))
        return
    body = f"""\
BLAS of numpy and scipy: {blas()}.
Variables `OPENBLAS_*`, `ORTHANT_*` and `*_NUM_THREADS` were not set for the fits.

The contenders, with `random_state={options.seed}` and nothing else given:

```python
# scikit-learn: from sklearn.decomposition import NMF
# import changed: from orthant import NMF
NMF(k, random_state={options.seed}).fit_transform(X)                            # Frobenius
NMF(k, random_state={options.seed}, solver="mu", beta_loss=…).fit_transform(X)  # other losses

# auto: from orthant import NMF
NMF(k, random_state={options.seed}, solver="auto", beta_loss=…).fit_transform(X)
```

So `init=None`, `tol=1e-4` and `max_iter={MAX_ITER}` for all three. With `"auto"` the first two mean something else: the start is
`"scaled-random"` instead of `"nndsvda"`, and the tolerance is relative to the objective. So it can end in another minimum.

Data, all with seed {DATA_SEED}: planted, images and spectrogram from `scripts/planted.py`; tf-idf, log counts and counts, which are
sparse, from `scripts/planted_sparse.py`. It is made in double precision and rounded.

## Whole fits

Seconds are those of `fit_transform`: start and threads are in, importing and reading the file are not. Each fit is a process
of its own. The contenders took turns, in an order that alternates; seconds are medians of {turns} turns, and a ratio is
scikit-learn's over the contender's. The loss is computed from X, W and H by one function in double precision, the same for all:
½‖X − WH‖², or the divergence, where an entry of WH counts as at least 1.2e-7, as in scikit-learn. *(limit)* marks fits that
`max_iter` ended.

{tables[0]}

## Iterations

Milliseconds that an iteration took: the mean of iterations 2 to 11 (the time of the first has the start in it), and of the last
tenth of them. They are from one more fit, with a callback, which takes time too. scikit-learn has no callback.

{tables[1]}

## Turns

Seconds of each turn.

{tables[2]}"""
    only = re.sub(r"[^a-z0-9]+", "-", options.only.lower()).strip("-")
    records.write("whole-fits", f"whole-fits-{only}" if only else "whole-fits", body)


if __name__ == "__main__":
    main()
