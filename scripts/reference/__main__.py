#!/usr/bin/env python3
"""Write scikit-learn's factorisations as reference cases for the parity tests.

    python scripts/reference --committed DIR    the small set kept in the repository (under 700 KB)
    python scripts/reference --live DIR         the set that scripts/test makes on the spot
    python scripts/reference --live DIR --long  the whole grid that the former is a fifth of

DIR gets `cases.json`, a list with one entry a case, and one npz file a case:

    X                the data, float64 or float32, in C or Fortran order; with its zeros where the case was sparse
    W0 H0            the start, the case's own or what scikit-learn generated
    W1 H1, W5 H5     after 1 and after 5 iterations with tol=0 (MiniBatchNMF: 1 and 3 passes; H alone after
                     1 and 3 batches of partial_fit)
    W H              after a whole fit, tol=1e-4 and the case's max_iter
    WT               the weights of `transform_rows` rows of X with that H fixed: X itself, or its last rows
                     backwards (for MiniBatchNMF its own transform of X)

The listing says what was asked for (solver, beta, penalties, init, shuffle, whether random_state was the integer
`seed` or a RandomState of it that start and shuffle shared), and what came out: `n_iter_at`, the iterations at
three tolerances, `n_steps_at` and `n_iter` of MiniBatchNMF, `reconstruction_err`. All steps begin at W0 and H0, but
with `"steps_from": "seed"`, where the shuffle goes on with the generator that made the start. Every number
follows from these files and the pinned versions.

How well a case is determined is measured, not assumed: each is run again with every entry of X, W0 and H0
changed at random by at most one unit in the last place. `spread` says how far scikit-learn's own answers then
moved: W and H after so many `steps`, the `loss` of the whole fit relative to itself, the generated `start` by
changes in X alone, and how many `zeros` of an SVD start came or went at its cut at 1e-6. `n_iter_at` and
`n_steps_at` have the least and the most counts of these runs beside the first one's. `from_seed` is about fits
that make their own start of the changed X: counts as these, and the spread after 1 step.

What is not to be compared says why: `stale` is the first iteration in which scikit-learn's descent skipped a
coordinate for its zero Hessian although an L1 penalty on it puts the minimum at 0, so that a value from before
stays (null if that never happens); `exception` gives a reason for the whole case or for its transform.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import time
import warnings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads only wait
os.environ.setdefault("OMP_NUM_THREADS", "1")

import cases  # noqa: E402
import fits  # noqa: E402
import minibatch  # noqa: E402
import numpy as np  # noqa: E402
import sklearn  # noqa: E402


def write(job):
    """Runs one case, writes its file and returns its entry of the listing."""
    folder, case, compressed = job
    warnings.simplefilter("ignore")
    begin = time.perf_counter()
    with np.errstate(all="ignore"):
        try:
            arrays = (minibatch if case["solver"] == "minibatch" else fits).run(case)
        except ValueError as error:
            raise RuntimeError(case["name"]) from error
    save = np.savez_compressed if compressed else np.savez
    save(folder / f"{case['name']}.npz", **arrays)
    return case, time.perf_counter() - begin


def times(timed):
    """Seconds by solver and beta."""
    totals = {}
    for case, seconds in timed:
        key = f"{case['solver']} beta {case['beta']:g}"
        count, total = totals.get(key, (0, 0.0))
        totals[key] = (count + 1, total + seconds)
    return "\n".join(f"  {key:20} {count:4} cases {total:7.1f} s" for key, (count, total) in totals.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--committed", metavar="DIR", type=pathlib.Path)
    where.add_argument("--live", metavar="DIR", type=pathlib.Path)
    parser.add_argument("--long", action="store_true", help="all live cases instead of every fifth")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    options = parser.parse_args()
    folder = options.committed or options.live
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.npz"):
        old.unlink()
    if options.committed:
        chosen = cases.committed_cases()
    else:
        chosen = cases.long_cases() if options.long else cases.live_cases()
    jobs = [(folder, case, bool(options.committed)) for case in chosen]
    if options.jobs > 1:
        with multiprocessing.Pool(options.jobs) as pool:
            timed = pool.map(write, jobs, chunksize=1)
    else:
        timed = [write(job) for job in jobs]
    written = [case for case, _ in timed]
    listing = dict(scikit_learn=sklearn.__version__, numpy=np.__version__, cases=written)
    (folder / "cases.json").write_text(compact(listing) + "\n")
    print(f"{len(written)} cases of scikit-learn {sklearn.__version__} in {folder}\n{times(timed)}")


def compact(listing):
    """JSON with one line a case."""
    head = {key: value for key, value in listing.items() if key != "cases"}
    lines = ",\n".join("  " + json.dumps(case) for case in listing["cases"])
    return json.dumps(head, indent=1)[:-2] + ',\n "cases": [\n' + lines + "\n ]\n}"


if __name__ == "__main__":
    main()
