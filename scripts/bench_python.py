"""Times fits from Python against the same fits from Rust, and against scikit-learn's.

The fits have a fixed number of iterations (tol=0) from init="random" with the same seed, so that all three do the same work
where the solver is scikit-learn's. Rust and Python take turns, one process each a turn, in an order that alternates; a turn is
a few fits, and its time the median of those after the first, which finds caches and threads cold. Whatever a call does counts:
checks, the start, arrays in and out. Rust makes its threads anew for each fit, as a program does that gives their number;
Python keeps them.

    scripts/bench-python                  writes benches/record/<date>-<processor>-python.md
    scripts/bench-python --tiny           small sizes, no record: does it all still run
    scripts/bench-python --turns 9        turns of each; default 7
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
import scipy.sparse as sp

import planted_sparse
import records
from planted import planted, spectrogram

# Python's part, in a process of its own.
TURN = """
import json, sys, time, warnings
import numpy as np
import scipy.sparse as sp
which, path, options, fits = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
if which == "orthant":
    from orthant import NMF
else:
    from sklearn.decomposition import NMF
warnings.simplefilter("ignore")
X = np.load(path) if path.endswith(".npy") else sp.load_npz(path)
seconds = []
for _ in range(fits):
    began = time.perf_counter()
    model = NMF(init="random", random_state=0, tol=0.0, **options)
    model.fit_transform(X)
    seconds.append(time.perf_counter() - began)
print(json.dumps({"seconds": seconds, "loss": 0.5 * float(model.reconstruction_err_) ** 2, "iterations": model.n_iter_}))
"""


def problems(tiny, folder):
    """Name, file, components, solver, loss and iterations of what is timed."""
    dense = folder / "planted.npy"
    rows, cols, k = (120, 90, 5) if tiny else (2000, 2000, 32)
    np.save(dense, planted(rows, cols, k, 0, dtype=np.float32))
    many = 5 if tiny else 50
    yield f"planted {rows}×{cols}", dense, k, "cd", 2, many
    yield f"planted {rows}×{cols}", dense, k, "auto", 2, many
    sizes = {"rows": 200, "cols": 150, "topics": 4, "density": 0.05} if tiny else planted_sparse.PROBLEMS["topics"]
    counts = planted_sparse.counts(**sizes, seed=0, dtype=np.float32)
    shape, k = f"{sizes['rows']}×{sizes['cols']}", sizes["topics"]
    sp.save_npz(folder / "tfidf.npz", planted_sparse.tfidf(counts), compressed=False)
    sp.save_npz(folder / "counts.npz", counts, compressed=False)
    yield f"tf-idf {shape}", folder / "tfidf.npz", k, "cd", 2, many
    yield f"tf-idf {shape}", folder / "tfidf.npz", k, "auto", 2, many
    yield f"counts {shape}", folder / "counts.npz", k, "mu", 1, 5 if tiny else 20
    yield f"counts {shape}", folder / "counts.npz", k, "auto", 1, 5 if tiny else 20
    rows, cols, k = (60, 50, 4) if tiny else (1025, 2000, 32)
    np.save(folder / "spectrogram.npy", spectrogram(rows, cols, k, 0, np.float32))
    yield f"spectrogram {rows}×{cols}", folder / "spectrogram.npy", k, "mu", 1, 5 if tiny else 50


def told(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))}\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def in_rust(path, k, solver, beta, iterations, fits, threads):
    built = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", records.ROOT / "target")) / "release"
    program = pathlib.Path(os.environ.get("ORTHANT_PROGRAMS", built)) / "orthant-bench-time"
    command = [program, "--data", path, "--k", k, "--solver", solver, "--loss", beta, "--max-iter", iterations]
    return told([*command, "--runs", fits, "--threads", threads, "--f32"])


def in_python(which, path, k, solver, beta, iterations, fits, threads):
    options = {"n_components": k, "solver": solver, "beta_loss": beta, "max_iter": iterations}
    if which == "orthant":
        options["n_jobs"] = threads
    return told([sys.executable, "-c", TURN, which, path, json.dumps(options), fits])


def one(problem, turns, fits, threads):
    name, path, k, solver, beta, iterations = problem
    rust, python, theirs, losses = [], [], [], {}
    middle = lambda run: statistics.median(run["seconds"][1:] or run["seconds"])  # noqa: E731
    for turn in range(turns):
        both = [
            ("rust", rust, lambda: in_rust(path, k, solver, beta, iterations, fits, threads)),
            ("python", python, lambda: in_python("orthant", path, k, solver, beta, iterations, fits, threads)),
        ]
        for which, into, run in both if turn % 2 == 0 else both[::-1]:
            found = run()
            into.append(middle(found))
            losses[which] = found["loss"]
    if solver in ("cd", "mu"):
        for _ in range(min(turns, 3)):
            found = in_python("sklearn", path, k, solver, beta, iterations, 2, threads)
            theirs.append(middle(found))
            losses["sklearn"] = found["loss"]
    pairs = statistics.median(p / r for p, r in zip(python, rust))
    r, p = statistics.median(rust), statistics.median(python)
    print(f"{name} {solver}: Rust {1e3 * r:.1f} ms, Python {1e3 * p:.1f} ms, {pairs:.3f}", flush=True)
    row = [name, str(k), solver, f"{beta}", str(iterations), f"{1e3 * r:.1f}", f"{1e3 * p:.1f}", f"{pairs:.3f}"]
    if theirs:
        t = statistics.median(theirs)
        row += [f"{1e3 * t:.0f}", f"{t / p:.1f}"]
    else:
        row += ["–", "–"]
    return row + [f"{losses[w]:.8g}" if w in losses else "–" for w in ("rust", "python", "sklearn")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--fits", type=int, default=4, help="in a turn")
    options = parser.parse_args()
    turns = 1 if options.tiny else options.turns
    threads = records.cores()
    with tempfile.TemporaryDirectory() as folder:
        rows = [one(problem, turns, options.fits, threads) for problem in problems(options.tiny, pathlib.Path(folder))]
    if options.tiny:
        return
    heads = [
        "data, f32", "k", "solver", "β", "iterations", "Rust ms a fit", "Python ms a fit", "Python / Rust",
        "scikit-learn ms", "ratio", "loss: Rust", "Python", "scikit-learn",
    ]  # fmt: skip
    body = f"""\
A fit from `init="random"`, seed 0, `tol=0`, by so many iterations, whatever the call does counted. Rust and Python take turns,
{turns} each, one process a turn; a turn's time is the median of its fits but the first, {options.fits - 1} of them. *Python /
Rust* is the median of the turns' ratios. Rust makes its threads anew for each fit; Python keeps them. The data is `scripts/planted.py`'s and `scripts/planted_sparse.py`'s, seed 0.

{records.markdown(heads, rows)}"""
    records.write("bench-python", "python", body)


if __name__ == "__main__":
    main()
