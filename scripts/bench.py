#!/usr/bin/env python3
"""Orthant beside scikit-learn and beside gemm, in turn on the same data, in one run.

time         scikit-learn: NMF(k, init="random", random_state=seed, solver="cd", tol=1e-4, max_iter=1000), the whole
             fit_transform timed: its start is in, importing and making the data are not.
             orthant: the program orthant-bench-time, the whole fit timed, threads and start included, in a process of
             its own, until its objective is at most scikit-learn's final one ("strict"), and until it is within 0.1 %
             of it; --solver says by which method.
cd           the compatible rule against scikit-learn's from the same start: an iteration, and a whole fit.
divergences  Kullback–Leibler and Itakura–Saito by multiplicative updates on a made spectrogram: time per iteration
             over 200 iterations from the same start, and time to scikit-learn's loss after them.
divergence-time  time to the losses of scikit-learn's mu after 200 and 1000 iterations for Kullback–Leibler, on the same
             spectrogram and on sparse counts, and for Itakura–Saito, by what --solver names, newton, extrapolated-mm,
             extrapolated-joint-mm and mm; where each ends; an iteration of mu by both.
threads      an iteration on one thread and on all, of both.
pace         the last iterations of two hundred against the first, by every method but als, anls and pg, in both
             precisions and layouts.
products     the fused pass of an iteration against the two products alone by gemm, faer and OpenBLAS, one thread.
ranks        the pass at ranks that fill no register against the next that does.
shapes       the pass over other shapes and orders of V.
memory       the most memory of a fit of a gigabyte.

Sparse data, in single precision: from scripts/planted_sparse.py with seed 0, 20000×10000 with 0.5 % of the entries as
tf-idf (k = 32) and as counts (k = 32, Kullback–Leibler), and 30000×2000 with 8 % as logarithms of counts (k = 20).

sparse         an iteration of the same rule by both, from the same start: cd, and mu for Kullback–Leibler; and a whole
               fit by both, with its loss.
sparse-time    as time, by --solver and by hals, both Frobenius problems, each start once.
sparse-threads an iteration on one thread and on two, of all three.
sparse-memory  the most memory of a fit against what the matrix and the factors take, of all three; how fast an
               iteration of cd is, and how fast it could be if only rows had to be gathered. With --big also of counts
               of 1000000×30000 with 100 million entries, which the program orthant-bench-sparse makes, with seed 0:
               a gigabyte of memory and one of disk.

--only time,cd runs a subset. Both start from the same numbers. The runs alternate: one of each, then the next of each.
Losses are half the squared Frobenius norm of the residual, in double precision. The record is printed and written to
benches/record/<date>-<processor>.md (with the names of the subset after it). Run it through scripts/bench, which builds
the programs and clears what would make BLAS use other kernels than the processor's own.

What a cell should be is in benches/targets.json and stands beside the cell. A target is {"least": …} or {"most": …} of the
ratio, or of the share, by one of these names; a name may go on, after a comma, to say which cells it is for, and the
longest that fits counts:
    time, strict and time, within 0.1 %              [, planted 2000×2000[, float32]]
    starts that reach it
    cd and threads                                   [, planted 2000×2000[, float32]]
    pace                                             [, spectrogram 1025×2000[, mm]]
    share of peak, pass against faer (gemm, OpenBLAS)  [, float32[, k=32]]
    odd rank                                         [, float32[, k=17]]
    shapes                                           [, float32] or [, 960×20000, row-major]
    divergence                                       , kl, spectrogram 1025×2000, 200, auto
    divergence step                                  , kl, spectrogram 1025×2000
    sparse and sparse threads                        [, tf-idf 20000×10000]
    sparse time, strict and sparse time, within 0.1 %  [, tf-idf 20000×10000, auto[, float32]]
    sparse starts that reach it                      [, tf-idf 20000×10000, auto]
    sparse mean loss                                 [, tf-idf 20000×10000, auto]: over scikit-learn's
    sparse memory                                    [, counts 1000000×30000]: over matrix and factors
    share of gathering                               [, counts 1000000×30000]
"""

import argparse
import datetime
import itertools
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import scipy
import scipy.sparse as sp
import sklearn
import threadpoolctl
from sklearn.datasets import load_digits
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

import planted_sparse
from planted import images, planted, spectrogram
from records import ROOT, cores, markdown, processor, revision, slug

NEAR = 1e-3  # "within 0.1 %"
TOL, MAX_ITER = 1e-4, 1000
WHOLE = 200  # iterations of a whole fit at most, as scikit-learn's default
SPARSE_MAX_ITER = 400  # orthant's to scikit-learn's loss of sparse data: some starts never reach it
DATA_SEED = 0  # the seeds of --seeds are those of the starts
DTYPES = (np.float64, np.float32)
TARGETS = json.loads((ROOT / "benches" / "targets.json").read_text())


def check_targets():
    kinds = ["time, strict", "time, within 0.1 %", "starts that reach it", "cd", "threads", "pace", "share of peak"]
    kinds += ["pass against faer", "pass against gemm", "pass against OpenBLAS", "odd rank", "shapes"]
    kinds += ["sparse", "sparse threads", "sparse time, strict", "sparse time, within 0.1 %", "sparse mean loss"]
    kinds += ["sparse starts that reach it", "sparse memory", "share of gathering", "divergence", "divergence step"]
    for name, target in TARGETS.items():
        if not any(name == kind or name.startswith(kind + ", ") for kind in kinds):
            sys.exit(f"bench: benches/targets.json: {name} is no cell's name; see --help")
        if list(target) not in (["least"], ["most"]):
            sys.exit(f"bench: benches/targets.json: {name} has neither least nor most")


def beside_target(text, value, *names):
    """The cell, and what it should be by the first of these names that has a target."""
    target = next((TARGETS[name] for name in names if name in TARGETS), None)
    if target is None:
        return text
    ((kind, bound),) = target.items()
    met = value is not None and (value >= bound if kind == "least" else value <= bound)
    return f"{text} ({'≥' if kind == 'least' else '≤'} {bound:g}: {'met' if met else 'NOT met'})"


def loss_of(x, w, h):
    residual = x.astype(np.float64) - w.astype(np.float64) @ h.astype(np.float64)
    return 0.5 * float(np.vdot(residual, residual))


def sklearn_run(x, k, seed, tol=TOL, max_iter=MAX_ITER, loss="frobenius"):
    solver, beta_loss = {
        "kl": ("mu", "kullback-leibler"),
        "is": ("mu", "itakura-saito"),
    }.get(loss, ("cd", loss))
    model = NMF(k, init="random", random_state=seed, solver=solver, beta_loss=beta_loss, tol=tol, max_iter=max_iter)
    begin = time.perf_counter()
    w = model.fit_transform(x)
    seconds = time.perf_counter() - begin
    return seconds, w, model


def run_program(command):
    command = [str(c) for c in command]
    # the programs link OpenBLAS to compare with it; its idle threads would take time from theirs
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=alone)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command)}\n{done.stderr}")
    return done.stdout


def orthant_run(options, path, k, seed, solver, dtype, *more, threads=None):
    command = [options.program, "--data", path, "--k", k, "--seed", seed, "--solver", solver, *more]
    command += ["--threads", threads or options.threads] + (["--f32"] if dtype == np.float32 else [])
    return json.loads(run_program(command).strip().splitlines()[-1])


def datasets(options):
    """Name, rank and maker of each problem."""
    if options.tiny:
        yield "planted 120×90", 5, lambda dtype: planted(120, 90, 5, DATA_SEED, dtype=dtype)
        yield "images 200×784", 7, lambda dtype: images(200, DATA_SEED, dtype)
        return
    yield "planted 2000×2000", 32, lambda dtype: planted(2000, 2000, 32, DATA_SEED, dtype=dtype)
    yield "planted 5000×5000", 64, lambda dtype: planted(5000, 5000, 64, DATA_SEED, dtype=dtype)
    yield "images 10000×784", 49, lambda dtype: images(10_000, DATA_SEED, dtype)


def each_problem(options, folder, more=()):
    """Name, rank, element type, matrix and its file, of every problem."""
    for dtype in DTYPES:
        for name, k, make in [*datasets(options), *more]:
            x = make(dtype)
            path = pathlib.Path(folder) / "x.npy"
            np.save(path, x)
            yield name, k, dtype, x, path


def one_start(name, x, k, seed, options, path):
    dtype = x.dtype.type
    single = dtype == np.float32
    theirs, ours, near = [], [], []
    target, n_iter = None, None
    goes_on = {"strict": True, "near": True}
    for run in range(options.runs):
        time.sleep(options.pause)  # BLAS threads spin for a while after their last call
        seconds, w, model = sklearn_run(x, k, seed)
        theirs.append(seconds)
        if target is None:
            target, n_iter = loss_of(x, w, model.components_), model.n_iter_
        time.sleep(options.pause)
        for kind, runs, goal in (("strict", ours, target), ("near", near, target * (1.0 + NEAR))):
            if goes_on[kind]:
                more = ["--target", repr(goal), "--max-iter", MAX_ITER]
                more += ["--converge"] if run == 0 and kind == "strict" else []
                runs.append(orthant_run(options, path, k, seed, options.solver, dtype, *more))
                # a start that does not reach it would take all its iterations every time
                goes_on[kind] = reached(runs[-1], goal, single)
    return dict(
        name=name,
        k=k,
        seed=seed,
        dtype=x.dtype.name,
        theirs=statistics.median(theirs),
        target=target,
        n_iter=n_iter,
        strict=median_run(ours, target, single),
        near=median_run(near, target * (1.0 + NEAR), single),
        own=ours[0],
    )


def reached(run, target, single):
    """Whether its loss is the target's.

    The program stops on its own objective, which it has from Gram matrices, and reports the residual's: the two
    differ by rounding.
    """
    return run["loss"] <= target * (1.0 + (1e-6 if single else 1e-10))


def median_run(runs, target, single):
    """Median time, iterations and loss when it stopped; no time if the target was not reached."""
    seconds = statistics.median(s for r in runs for s in r["seconds"])
    return dict(
        seconds=seconds if all(reached(r, target, single) for r in runs) else None,
        iterations=runs[-1]["iterations"],
        loss=runs[-1]["loss"],
    )


def milliseconds(seconds):
    return f"{1e3 * seconds:.1f}" if seconds is not None else "not reached"


def ratio(theirs, run):
    return f"{theirs / run['seconds']:.2f}" if run["seconds"] else "–"


HEADER = [
    "data", "k", "seed", "dtype",
    "scikit-learn ms", "its iterations", "its loss",
    "orthant ms, strict", "iterations", "loss then", "ratio",
    "orthant ms, within 0.1 %", "iterations", "loss then", "ratio",
    "orthant ms, until it converges", "iterations", "its loss",
]  # fmt: skip


def row(r):
    strict, near, own = r["strict"], r["near"], r["own"]
    limit = " (limit)" if r["n_iter"] == MAX_ITER else ""
    return [
        r["name"], str(r["k"]), str(r["seed"]), r["dtype"],
        milliseconds(r["theirs"]), f"{r['n_iter']}{limit}", f"{r['target']:.8g}",
        milliseconds(strict["seconds"]), str(strict["iterations"]), f"{strict['loss']:.8g}", ratio(r["theirs"], strict),
        milliseconds(near["seconds"]), str(near["iterations"]), f"{near['loss']:.8g}", ratio(r["theirs"], near),
        milliseconds(own.get("final_seconds")), str(own.get("final_iterations", "–")), f"{own['final_loss']:.8g}",
    ]  # fmt: skip


def overall(results, which=""):
    """Medians over the starts of each problem, a start that does not reach the loss counting as never.

    Targets are those whose names begin with `which`.
    """
    heads = [
        "data", "k", "dtype", "starts", "scikit-learn ms", "its mean loss",
        "orthant ms, strict", "ratio", "starts that reach it, share",
        "orthant ms, within 0.1 %", "ratio", "starts that reach it, share",
        "orthant's mean loss, until it converges",
    ]  # fmt: skip
    rows = []
    for key in dict.fromkeys((r["name"], r["k"], r["dtype"]) for r in results):
        group = [r for r in results if (r["name"], r["k"], r["dtype"]) == key]
        name, k, dtype = key
        theirs = statistics.median(r["theirs"] for r in group)
        mean_theirs = statistics.fmean(r["target"] for r in group)
        mean_ours = statistics.fmean(r["own"]["final_loss"] for r in group)
        row = [name, str(k), dtype, str(len(group)), milliseconds(theirs), f"{mean_theirs:.8g}"]
        for kind, words in (("strict", f"{which}time, strict"), ("near", f"{which}time, within 0.1 %")):
            seconds = [r[kind]["seconds"] for r in group]
            count = sum(s is not None for s in seconds)
            ours = statistics.median(math.inf if s is None else s for s in seconds)
            ours = None if ours == math.inf else ours
            value = theirs / ours if ours else None
            row += [
                milliseconds(ours),
                beside_target(
                    f"{value:.2f}" if value else "–", value, f"{words}, {name}, {dtype}", f"{words}, {name}", words
                ),
                beside_target(
                    f"{count} of {len(group)}, {count / len(group):.2g}", count / len(group),
                    f"{which}starts that reach it, {name}", f"{which}starts that reach it",
                ),
            ]  # fmt: skip
        over = mean_ours / mean_theirs
        mean = f"{mean_ours:.8g}, {over:.6f} of its"
        rows.append([*row, beside_target(mean, over, f"{which}mean loss, {name}", f"{which}mean loss")])
    return markdown(heads, rows)


def times(options, folder):
    """Time to scikit-learn's loss."""
    more = []
    if not options.tiny:
        more = [("digits 1797×64", 16, lambda dtype: load_digits().data.astype(dtype))]
    results = []
    for name, k, dtype, x, path in each_problem(options, folder, more):
        sklearn_run(x, k, 0, max_iter=2)  # warms up
        for seed in options.seeds:
            results.append(one_start(name, x, k, seed, options, path))
            r = results[-1]
            say(
                f"{name} k={k} seed={seed} {r['dtype']}: scikit-learn {milliseconds(r['theirs'])} ms, "
                f"orthant {milliseconds(r['strict']['seconds'])} ms, "
                f"within 0.1 %: {milliseconds(r['near']['seconds'])} ms"
            )
    return f"""## Time to scikit-learn's loss

- scikit-learn: `NMF(k, init="random", random_state=seed, solver="cd", tol={TOL:g}, max_iter={MAX_ITER})`, the whole of
  `fit_transform`, its start included; importing and making the data are not.
- orthant, {options.solver}: a whole fit in a process of its own, threads and start included, from the same start, until
  its objective is at most scikit-learn's final one ("strict"), and until it is within 0.1 % of it; at most {MAX_ITER}
  iterations.
- {options.threads} threads for both. The starts' seeds are {', '.join(map(str, options.seeds))}; times are medians of
  {options.runs} runs of each in turn, then of the starts, of which one that does not reach the loss counts as never.

{overall(results)}

Start by start:

{markdown(HEADER, [row(r) for r in results])}
"""


def between(few, many, count):
    """Seconds an iteration, from runs of few and of more iterations in turn."""
    return statistics.median(m - f for f, m in zip(few, many)) / count


RULE_HEADS = [
    "scikit-learn ms an iteration", "orthant", "ratio",
    "scikit-learn ms, whole fit", "its iterations", "its loss", "orthant ms", "iterations", "loss", "ratio",
]  # fmt: skip


def by_the_same_rule(options, x, path, k, solver, loss, few, many, *names):
    """An iteration and a whole fit of both by the same rule: the cells under RULE_HEADS.

    Names are those of the ratio of an iteration, whose target is beside it.
    """
    dtype, seed = x.dtype.type, options.seeds[0]
    one = lambda *more: orthant_run(options, path, k, seed, solver, dtype, "--loss", loss, *more)
    theirs, ours = {few: [], many: []}, {few: [], many: []}
    sklearn_run(x, k, seed, tol=0.0, max_iter=2, loss=loss)
    for _ in range(options.runs):
        for count in (few, many):
            time.sleep(options.pause)
            theirs[count].append(sklearn_run(x, k, seed, tol=0.0, max_iter=count, loss=loss)[0])
            time.sleep(options.pause)
            run = one("--max-iter", count)
            ours[count].append(run["seconds"][0])
    assert run["iterations"] == many
    t, o = between(theirs[few], theirs[many], many - few), between(ours[few], ours[many], many - few)
    time.sleep(options.pause)
    seconds, w, model = sklearn_run(x, k, seed, max_iter=WHOLE, loss=loss)
    time.sleep(options.pause)
    own = one("--max-iter", WHOLE, "--converge")
    loss_there = sparse_loss(x, w, model.components_, loss) if sp.issparse(x) else loss_of(x, w, model.components_)
    say(
        f"{names[0]} k={k} {solver}: scikit-learn {1e3 * t:.2f} ms an iteration, orthant {1e3 * o:.2f}; "
        f"whole fits {seconds:.3f} s and {own['final_seconds']:.3f} s"
    )
    return [
        f"{1e3 * t:.2f}", f"{1e3 * o:.2f}", beside_target(f"{t / o:.2f}", t / o, *names),
        milliseconds(seconds), str(model.n_iter_), f"{loss_there:.8g}",
        milliseconds(own["final_seconds"]), str(own["final_iterations"]), f"{own['final_loss']:.8g}",
        f"{seconds / own['final_seconds']:.2f}",
    ]  # fmt: skip


def compatible(options, folder):
    """The compatible rule and scikit-learn's, iteration by iteration and in whole fits."""
    few, many = (2, 6) if options.tiny else (5, 25)
    lines = []
    for name, k, dtype, x, path in each_problem(options, folder):
        kind = np.dtype(dtype).name
        names = f"cd, {name}, {kind}", f"cd, {name}", "cd"
        cells = by_the_same_rule(options, x, path, k, "cd", "frobenius", few, many, *names)
        lines.append([name, str(k), kind, *cells])
    return f"""## The compatible rule

scikit-learn's `solver="cd"` and orthant's `cd`, from the same start (seed {options.seeds[0]}), {options.threads} threads. An
iteration is the difference of a fit of {many} and one of {few}, both with `tol=0`, median of {options.runs} in turn. A whole fit has
`tol={TOL:g}` and at most {WHOLE} iterations, scikit-learn's defaults, and its start in; one of each.

{markdown(["data", "k", "dtype", *RULE_HEADS], lines)}
"""


# What each loss is fitted by, the plainest first; als, anls and pg, which take as many steps as they need, are left out.
PACE_SOLVERS = {
    "frobenius": ["cd", "hals", "extrapolated-hals", "mu"],
    "kl": ["mu", "mm", "extrapolated-mm", "newton", "extrapolated-newton", "joint-mm", "extrapolated-joint-mm"],
    "is": ["mu", "mm", "extrapolated-mm"],
}
PACE_ITERATIONS = 200


def pace_problems(options, folder):
    """Name, rank, loss, element type and file of what is looked at for slowing down."""
    for name, k, dtype, x, path in each_problem(options, folder):
        if not name.startswith("planted 5000"):
            yield name, k, "frobenius", dtype, path
            np.save(path, np.asfortranarray(x))
            yield f"{name}, column-major", k, "frobenius", dtype, path
    rows, cols, k = (60, 50, 4) if options.tiny else (1025, 2000, 32)
    path = pathlib.Path(folder) / "spectrogram.npy"
    for dtype in DTYPES:
        np.save(path, spectrogram(rows, cols, k, DATA_SEED, dtype))
        for loss in ("kl", "is"):
            yield f"spectrogram {rows}×{cols}", k, loss, dtype, path
    for name, k, loss, _, _, path in sparse_problems(options, folder):
        yield name, k, loss, np.float32, path


def pace(options, folder):
    """Whether iterations slow down over a fit."""
    iterations, lines = 20 if options.tiny else PACE_ITERATIONS, []
    for name, k, loss, dtype, path in pace_problems(options, folder):
        for solver, init in itertools.product(PACE_SOLVERS[loss], ("random", "nndsvda")):
            time.sleep(options.pause)
            more = ["--loss", loss, "--init", init, "--max-iter", iterations]
            runs = [orthant_run(options, path, k, options.seeds[0], solver, dtype, *more)]
            by = lambda run: run["last_seconds"] / run["first_seconds"]
            # machines are noisy: what is above the target is measured twice more
            while by(runs[0]) > TARGETS["pace"]["most"] and len(runs) < 3:
                runs.append(orthant_run(options, path, k, options.seeds[0], solver, dtype, *more))
            run = sorted(runs, key=by)[len(runs) // 2]
            first, last = run["first_seconds"], run["last_seconds"]
            kind = np.dtype(dtype).name
            cell = beside_target(f"{last / first:.2f}", last / first, f"pace, {name}, {solver}", f"pace, {name}", "pace")
            say(f"pace {name} {kind} {loss} {solver} {init}: {1e3 * first:.2f} ms at first, {1e3 * last:.2f} at the end")
            cells = [f"{1e3 * first:.2f}", f"{1e3 * last:.2f}", cell, str(run["iterations"]), f"{run['loss']:.8g}"]
            lines.append([name, str(k), kind, loss, solver, init, *cells])
    heads = ["data", "k", "dtype", "loss", "solver", "init", "ms at first", "at the end", "ratio", "iterations", "its loss"]
    return f"""## Whether iterations slow down

Fits of {iterations} iterations with `tol=0`, {options.threads} threads, the start's seed {options.seeds[0]}: the median time of iterations 2 to 11, and of
the last tenth, of one run; where the ratio was above the target, of that of three with the median ratio. The ratio is the last over the first, so that *less* is better. Subnormal numbers,
which factors once gathered, made it up to twelve. Extrapolated fits begin with plain iterations, which take no time for
extrapolation; and by columns a restart costs half a pass, and near a minimum many iterations restart.

{markdown(heads, lines)}
"""


def uniform(options):
    """What the threads table has beside the problems: orthant's own sizes."""
    m, n, ranks = (96, 80, (3,)) if options.tiny else (4800, 4000, (16, 32, 64, 128))
    make = lambda dtype: np.random.RandomState(1).uniform(size=(m, n)).astype(dtype)
    return [(f"uniform {m}×{n}", k, make) for k in ranks]


def threads(options, folder):
    """An iteration on one thread and on all."""
    few, many = (2, 6) if options.tiny else (5, 25)
    counts, lines, seed = (1, options.threads), [], options.seeds[0]
    if options.threads == 1:
        return "## Threads\n\nThere is one core.\n"
    for name, k, dtype, x, path in each_problem(options, folder, uniform(options)):
        kind = np.dtype(dtype).name
        solvers = [options.solver] if name.startswith("uniform") else [options.solver, "cd"]
        ours = {(solver, count): [] for solver in dict.fromkeys(solvers) for count in counts}
        theirs = {(i, count): [] for i in (few, many) for count in counts}
        for _ in range(options.runs):
            for solver, count in ours:
                time.sleep(options.pause)
                run = orthant_run(options, path, k, seed, solver, dtype, "--max-iter", many, threads=count)
                ours[solver, count].append(run["iteration_seconds"])
            for i, count in theirs if "cd" in solvers else ():
                time.sleep(options.pause)
                with threadpoolctl.threadpool_limits(count):
                    theirs[i, count].append(sklearn_run(x, k, seed, tol=0.0, max_iter=i)[0])

        def line(who, one, all_):
            say(f"{name} k={k} {kind} {who}: {1e3 * one:.2f} ms an iteration on 1 thread, {1e3 * all_:.2f} on {counts[1]}")
            cell = f"{one / all_:.2f}"
            if not who.startswith("scikit"):
                cell = beside_target(cell, one / all_, f"threads, {name}, {kind}", f"threads, {name}", "threads")
            lines.append([name, str(k), kind, who, f"{1e3 * one:.2f}", f"{1e3 * all_:.2f}", cell])

        for solver in dict.fromkeys(solvers):
            line(f"orthant, {solver}", *(statistics.median(ours[solver, count]) for count in counts))
        if "cd" in solvers:
            line(
                "scikit-learn, cd",
                *(between(theirs[few, count], theirs[many, count], many - few) for count in counts),
            )
    heads = ["data", "k", "dtype", "who", "ms an iteration, 1 thread", f"{counts[1]} threads", "ratio"]
    return f"""## Threads

An iteration of a whole fit of {many} (orthant: the median time from one to the next; scikit-learn: the difference to a fit
of {few}), median of {options.runs} in turn, start {seed}. scikit-learn's threads are limited by threadpoolctl.

{markdown(heads, lines)}
"""


def divergences(options, folder):
    """Rows of the table of KL and IS: scikit-learn's mu, ours step by step the same, and our own to the same loss."""
    rows, cols, k, iterations = (60, 50, 4, 20) if options.tiny else (1025, 2000, 32, 200)
    path = pathlib.Path(folder) / "spectrogram.npy"
    lines = []
    for dtype in DTYPES:
        for loss, name in (("kl", "kullback-leibler"), ("is", "itakura-saito")):
            theirs, mu, mm, losses = [], [], [], []
            for seed in options.seeds[: 1 if options.tiny else 3]:
                x = spectrogram(rows, cols, k, seed, dtype)
                np.save(path, x)
                model = NMF(
                    k, init="random", random_state=seed, solver="mu", beta_loss=name, tol=0.0, max_iter=iterations
                )
                time.sleep(options.pause)
                begin = time.perf_counter()
                model.fit_transform(x)
                theirs.append(time.perf_counter() - begin)
                target = 0.5 * float(model.reconstruction_err_) ** 2
                time.sleep(options.pause)
                one = lambda solver, *more: orthant_run(options, path, k, seed, solver, dtype, "--loss", loss, *more)
                mu.append(one("mu", "--max-iter", iterations))
                goal = repr(target * (1.0 + 1e-6))
                mm.append(one("mm", "--target", goal, "--max-iter", 2 * iterations))
                if mm[-1]["iterations"] == 2 * iterations:
                    sys.exit(f"bench: {name}, seed {seed}: mm did not reach scikit-learn's loss")
                losses.append((target, mu[-1]["loss"], mm[-1]["loss"]))
                say(
                    f"{name} {np.dtype(dtype).name} seed={seed}: scikit-learn {theirs[-1]:.2f} s, "
                    f"orthant {mu[-1]['seconds'][0]:.2f} s"
                )
            seconds = lambda runs: statistics.median(r["seconds"][0] for r in runs)
            t, u, o = statistics.median(theirs), seconds(mu), seconds(mm)
            a, b, c = losses[0]
            per = 1e3 / iterations
            lines.append([
                f"{name}, {rows}×{cols}", str(k), np.dtype(dtype).name, f"{per * t:.2f}", f"{per * u:.2f}", f"{t / u:.2f}",
                f"{1e3 * t:.0f}", f"{1e3 * o:.0f}", f"{t / o:.2f}", f"{a:.8g}", f"{b:.8g}", f"{c:.8g}",
            ])  # fmt: skip
    heads = [
        "loss, data", "k", "dtype", "scikit-learn ms an iteration", "orthant, mu", "ratio",
        f"scikit-learn ms for {iterations}", "orthant ms to its loss, mm", "ratio",
        "its loss, first seed", "mu", "mm",
    ]  # fmt: skip
    return f"""## Kullback–Leibler and Itakura–Saito

Multiplicative updates from `init="random"` with the same seeds, `tol=0`, medians of up to three seeds, {options.threads}
threads. Start-up is in; orthant takes the loss after every iteration, scikit-learn never. The data is
`scripts/planted.py --spectrogram`'s, with the start's seed.

{markdown(heads, lines)}
"""


# iterations of scikit-learn whose losses are to be reached; only the first is run, a loss further on is of our own mu,
# which is the same step by step, and its time by scikit-learn's own rate
DIVERGENCE_ITERATIONS = (200, 1000)


def divergence_problems(options, folder):
    """Name, rank, loss, matrix and its file, of what divergences are timed on."""
    rows, cols, k = (60, 50, 4) if options.tiny else (1025, 2000, 32)
    x, path = spectrogram(rows, cols, k, DATA_SEED, np.float32), pathlib.Path(folder) / "spectrogram.npy"
    np.save(path, x)
    yield f"spectrogram {rows}×{cols}", k, "kl", x, path
    yield f"spectrogram {rows}×{cols}", k, "is", x, path
    for name, k, loss, _, x, path in sparse_problems(options, folder):
        if loss == "kl":
            yield name, k, loss, x, path


# what is timed beside the automatic choice
DIVERGENCE_SOLVERS = {"kl": ["newton", "extrapolated-mm", "extrapolated-joint-mm", "mm"], "is": ["mm"]}


def divergence_time(options, folder):
    """Time to the losses that scikit-learn's multiplicative updates reach."""
    first, far = (10, 30) if options.tiny else DIVERGENCE_ITERATIONS
    few = max(first // 10, 2)
    lines, steps = [], []
    for name, k, loss, x, path in divergence_problems(options, folder):
        solvers = list(dict.fromkeys([options.solver, *DIVERGENCE_SOLVERS[loss]]))
        runs = {(solver, count): [] for solver in solvers for count in (first, far)}
        theirs, goals, ends = [], {first: [], far: []}, {solver: [] for solver in solvers}
        each = {"theirs": [], "ours": []}
        sklearn_run(x, k, 0, tol=0.0, max_iter=2, loss=loss)
        for seed in options.seeds:
            one = lambda solver, *more: orthant_run(
                options, path, k, seed, solver, np.float32, "--loss", loss, *more
            )
            time.sleep(options.pause)
            seconds, _, model = sklearn_run(x, k, seed, tol=0.0, max_iter=first, loss=loss)
            theirs.append(seconds)
            goals[first].append(0.5 * float(model.reconstruction_err_) ** 2)
            time.sleep(options.pause)
            start = sklearn_run(x, k, seed, tol=0.0, max_iter=few, loss=loss)[0]
            each["theirs"].append((seconds - start) / (first - few))
            time.sleep(options.pause)
            start, whole = (one("mu", "--max-iter", count)["seconds"][0] for count in (few, first))
            each["ours"].append((whole - start) / (first - few))
            goals[far].append(one("mu", "--max-iter", far)["loss"])
            time.sleep(options.pause)
            for solver in solvers:
                for count in (first, far):
                    goal = goals[count][-1] * (1.0 + 1e-6)
                    more = ["--converge"] if count == far else []
                    run = one(solver, "--target", repr(goal), "--max-iter", 2 * far, *more)
                    runs[solver, count].append((run, goal))
                ends[solver].append(run["final_loss"])
                say(f"{name} {loss} seed={seed} {solver}: {seconds:.2f} s and {run['seconds'][0]:.2f} s")
        t, o = (statistics.median(each[who]) for who in ("theirs", "ours"))
        steps.append([
            f"{loss}, {name}", str(k), f"{1e3 * t:.2f}", f"{1e3 * o:.2f}",
            beside_target(f"{t / o:.2f}", t / o, f"divergence step, {loss}, {name}"),
        ])  # fmt: skip
        for solver in solvers:
            line = [f"{loss}, {name}", str(k), solver]
            for count in (first, far):
                t = statistics.median(theirs) * count / first
                # a loss is in single precision where it was run to, and in double at its end
                near = lambda run, goal: run["loss"] <= goal * (1.0 + 1e-6)
                done = [run["seconds"][0] if near(run, goal) else math.inf for run, goal in runs[solver, count]]
                o, met = statistics.median(done), sum(map(math.isfinite, done))
                label = f"divergence, {loss}, {name}, {count}, {solver}"
                number = statistics.median(run["iterations"] for run, _ in runs[solver, count])
                line += [
                    f"{1e3 * t:.0f}", f"{1e3 * o:.0f}", f"{number:g}", beside_target(f"{t / o:.2f}", t / o, label),
                    f"{met} of {len(done)}",
                ]  # fmt: skip
            mean = statistics.fmean
            close = sum(end <= goal * 1.001 for end, goal in zip(ends[solver], goals[far]))
            ends_at = mean(ends[solver]) / mean(goals[far])
            line += [
                f"{mean(goals[first]):.8g}", f"{mean(goals[far]):.8g}",
                f"{mean(ends[solver]):.8g}, {ends_at:.6f} of that", f"{close} of {len(ends[solver])}",
            ]  # fmt: skip
            lines.append(line)
    heads = ["loss, data", "k", "solver"]
    for count in (first, far):
        heads += [
            f"scikit-learn ms for {count}", "orthant ms to its loss", "iterations", "ratio", "starts that reach it",
        ]  # fmt: skip
    heads += [
        f"its mean loss after {first}", f"after {far}", "orthant's, until it converges", f"within 0.1 % of {far}",
    ]  # fmt: skip
    return f"""## Divergences: time to a loss

float32, {options.threads} threads for both, the same starts (`init="random"`, seeds {', '.join(map(str, options.seeds))}), medians over
them. scikit-learn: `solver="mu"`, `tol=0`, the whole of `fit_transform`, {first} iterations; its time for {far} is by its own
rate, its loss after them by orthant's `mu`, which is the same step by step. orthant: a whole fit, start included, until its
objective is there, give or take two millionths. The spectrogram is `scripts/planted.py --spectrogram`'s, the counts are `scripts/planted_sparse.py`'s.

{markdown(heads, lines)}

An iteration of `mu` by both: the difference of {first} and {few} iterations. orthant takes the loss after every one, scikit-learn
never.

{markdown(["loss, data", "k", "scikit-learn ms an iteration", "orthant", "ratio"], steps)}
"""


def products_program(options, *more):
    """What orthant-bench-products says of the machine, and its cases."""
    program = pathlib.Path(options.program).with_name("orthant-bench-products")
    command = [program, "--json", "--runs", options.rounds, *more] + (["--tiny"] if options.tiny else [])
    machine, *cases = [json.loads(line) for line in run_program(command).splitlines()]
    return machine, cases


def rate(case, seconds):
    return 4e-9 * case["rows"] * case["cols"] * case["k"] / seconds


PASS = """One thread. The pass is everything that an iteration does with V: both products, a coordinate sweep over W, its Gram
matrix. V is uniform, from `benches/src/lib.rs` with seed 1; rates are 4mnk over the time, medians of rounds in turn."""


def products(options, _):
    """The fused pass against gemms alone."""
    more = ["--shapes", "96x80", "--ranks", "3,17"] if options.tiny else []
    _, cases = products_program(options, *more)
    peers = list(cases[0]["peers"])
    lines = []
    for case in cases:
        dtype, k, seconds, peak = case["dtype"], case["k"], case["seconds"], case["peak_gflops"]
        share = rate(case, seconds) / peak
        line = [
            f"{case['rows']}×{case['cols']}", dtype, str(k), str(case["block"]), f"{peak:.0f}",
            f"{case['read_gbs']:.1f}", f"{case['roof_gflops']:.0f}", f"{rate(case, seconds):.1f}",
            beside_target(
                f"{100 * share:.0f} %", share, f"share of peak, {dtype}, k={k}", f"share of peak, {dtype}", "share of peak"
            ),
        ]  # fmt: skip
        for peer in peers:
            ratio = case["peers"][peer] / seconds
            name = f"pass against {peer}"
            line += [
                f"{rate(case, case['peers'][peer]):.1f}",
                beside_target(f"{ratio:.2f}", ratio, f"{name}, {dtype}, k={k}", f"{name}, {dtype}", name),
            ]
        lines.append(line)
    heads = ["V", "dtype", "k", "block", "peak GFLOP/s", "reads GB/s", "roofline", "pass GFLOP/s", "share of peak"]
    heads += [head for peer in peers for head in (f"{peer} GFLOP/s", "ratio")]
    return f"""## The fused pass against two gemms alone

{PASS}
The gemms are the two products alone, faer's in the faster of two orders. The peak is that of multiply-adds on registers;
the roofline is that, or what reading V once allows at the rate at which one core reads an array of V's size, if that is
less.

{markdown(heads, lines)}
"""


ODD = {17: 32, 31: 32, 33: 48, 50: 64}


def ranks(options, _):
    """Ranks that fill no register."""
    more = ["--shapes", "96x80"] if options.tiny else []
    every = ",".join(map(str, sorted({*ODD, *ODD.values()})))
    _, cases = products_program(options, "--alone", "--ranks", every, *more)
    found = {(case["dtype"], case["k"]): case for case in cases}
    lines = []
    for dtype in dict.fromkeys(case["dtype"] for case in cases):
        for odd, even in ODD.items():
            a, b = found[dtype, odd], found[dtype, even]
            ratio = a["seconds"] / b["seconds"]
            lines.append([
                f"{a['rows']}×{a['cols']}", dtype, str(odd), f"{1e3 * a['seconds']:.2f}", f"{rate(a, a['seconds']):.1f}",
                str(even), f"{1e3 * b['seconds']:.2f}", f"{rate(b, b['seconds']):.1f}",
                beside_target(f"{ratio:.2f}", ratio, f"odd rank, {dtype}, k={odd}", f"odd rank, {dtype}", "odd rank"),
            ])  # fmt: skip
    heads = ["V", "dtype", "k", "ms", "GFLOP/s", "against k", "ms", "GFLOP/s", "time over time"]
    return f"""## Ranks that fill no register

{PASS}

{markdown(heads, lines)}
"""


def shapes(options, _):
    """Other shapes and orders of V."""
    every = ["4800x4000", "4800x4000c", "4800x4096", "4800x4096c", "960x20000", "20000x960"]
    every, some = (["96x80", "96x80c", "48x300"], "3,17") if options.tiny else (every, "16,32,64,128")
    _, cases = products_program(options, "--alone", "--ranks", some, "--shapes", ",".join(every))
    lines = []
    for case in cases:
        dtype, k = case["dtype"], case["k"]
        base = next(c for c in cases if (c["dtype"], c["k"]) == (dtype, k))
        ratio = rate(case, case["seconds"]) / rate(base, base["seconds"])
        order = "column-major" if case["col_major"] else "row-major"
        shape = f"{case['rows']}×{case['cols']}"
        cell = f"{ratio:.2f}"
        if case is not base:
            cell = beside_target(cell, ratio, f"shapes, {shape}, {order}", f"shapes, {dtype}", "shapes")
        lines.append([
            shape, order, dtype, str(k), str(case["block"]), f"{1e3 * case['seconds']:.2f}",
            f"{rate(case, case['seconds']):.1f}", cell,
        ])  # fmt: skip
    heads = ["V", "order", "dtype", "k", "block", "ms", "GFLOP/s", "against the first's rate"]
    return f"""## Shapes and orders

{PASS}
A column-major V is read as Vᵀ by rows, and the pass is one over that. 4096 columns are a power of two apart.

{markdown(heads, lines)}
"""


def memory(options, folder):
    """The most memory of a fit, against V + 6(m+n)k + the lanes' sums + 32 MB."""
    m, n, k = (300, 200, 5) if options.tiny else (16_384, 16_384, 32)
    lines = []
    cases = [(np.float32, loss) for loss in ("frobenius", "kl", "is")]
    cases += [] if options.tiny else [(np.float64, "frobenius")]
    for dtype, loss in cases:
        rows = m if dtype == np.float32 else m // 2
        path = pathlib.Path(folder) / "large.npy"
        rng = np.random.RandomState(1)
        x = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(rows, n))
        for first in range(0, rows, 256):
            x[first : first + 256] = rng.uniform(1e-6, 1.0, size=x[first : first + 256].shape)
        x.flush()
        del x
        run = orthant_run(options, path, k, 0, options.solver, dtype, "--loss", loss, "--max-iter", 3)
        path.unlink()
        size = np.dtype(dtype).itemsize
        parts = [rows * n * size, 6 * (rows + n) * k * size, run["lane_bytes"], 32 << 20]
        peak, most = run["peak_bytes"], sum(parts)
        say(f"memory {rows}×{n} {np.dtype(dtype).name} {loss}: {peak} bytes at the peak, {most} at most")
        if peak is None:
            cell = "not known on this system"
        else:
            cell = f"{peak / 1e6:.1f} (≤ {most / 1e6:.1f}: {'met' if peak <= most else 'NOT met'})"
        lines.append([
            f"{rows}×{n}", str(k), np.dtype(dtype).name, loss, str(options.threads), *(f"{part / 1e6:.1f}" for part in parts), cell,
        ])  # fmt: skip
    heads = ["V", "k", "dtype", "loss", "threads", "V, MB", "6(m+n)k", "lanes' sums", "32 MiB", "peak, MB"]
    return f"""## Memory

The most resident memory of the whole process, program and reading the file included, over three iterations of
{options.solver} on uniform data; MB are 10⁶ bytes.

{markdown(heads, lines)}
"""


# Rows, columns, topics and density of the sparse problems where it is only to be seen that they work.
TINY_SPARSE = {
    "topics": dict(rows=150, cols=90, topics=5, density=0.06),
    "cells": dict(rows=200, cols=60, topics=4, density=0.1),
}


def sparse_problems(options, folder):
    """Name, rank, loss, the rule that both have, matrix and its file, of every sparse problem."""
    sizes = TINY_SPARSE if options.tiny else planted_sparse.PROBLEMS
    for words, problem, kind, loss, solver in (
        ("tf-idf", "topics", "tfidf", "frobenius", "cd"),
        ("log counts", "cells", "log", "frobenius", "cd"),
        ("counts", "topics", "counts", "kl", "mu"),
    ):
        size = sizes[problem]
        x = planted_sparse.KINDS[kind](planted_sparse.counts(**size, seed=DATA_SEED, dtype=np.float32))
        path = pathlib.Path(folder) / "x.npz"
        sp.save_npz(path, x, compressed=False)
        yield f"{words} {size['rows']}×{size['cols']}", size["topics"], loss, solver, x, path


def sparse_loss(x, w, h, loss):
    """D(X|WH) in double precision, without what is dense."""
    x, w, h = x.astype(np.float64), w.astype(np.float64), h.astype(np.float64)
    if loss == "frobenius":
        return 0.5 * float(np.vdot(x.data, x.data) - 2.0 * np.vdot(w, x @ h.T) + np.vdot(w.T @ w, h @ h.T))
    found = float(np.vdot(w.sum(axis=0), h.sum(axis=1)))
    for row in range(0, x.shape[0], 1000):
        part = x[row : row + 1000].tocoo()
        p = np.einsum("ek,ke->e", w[row + part.row], h[:, part.col])
        found += float(np.sum(part.data * np.log(part.data / np.maximum(p, np.finfo(np.float32).eps)) - part.data))
    return found


def sparse(options, folder):
    """The rules that both have on sparse data, iteration by iteration and in whole fits."""
    few, many = (2, 6) if options.tiny else (5, 20)
    lines = []
    for name, k, loss, solver, x, path in sparse_problems(options, folder):
        cells = by_the_same_rule(options, x, path, k, solver, loss, few, many, f"sparse, {name}", "sparse")
        lines.append([name, f"{x.nnz}", str(k), solver, *cells])
    return f"""## Sparse data, by the rules that both have

float32, from the same start (seed {options.seeds[0]}), {options.threads} threads; tf-idf and log counts for the Frobenius
loss, counts for Kullback–Leibler. An iteration is the difference of a fit of {many} and one of {few}, both with `tol=0`, median of
{options.runs} in turn. A whole fit has `tol={TOL:g}` and at most {WHOLE} iterations, scikit-learn's defaults, and its start in; one of
each. Of Kullback–Leibler, orthant takes the loss after every iteration, scikit-learn in every tenth.

{markdown(["data", "entries", "k", "rule", *RULE_HEADS], lines)}
"""


def sparse_time(options, folder):
    """Time to scikit-learn's loss on sparse data."""
    results = []
    solvers = list(dict.fromkeys([options.solver, "hals"]))
    for name, k, loss, _, x, path in sparse_problems(options, folder):
        if loss != "frobenius":
            continue
        sklearn_run(x, k, 0, max_iter=2)  # warms up
        for seed in options.seeds:
            time.sleep(options.pause)
            theirs, w, model = sklearn_run(x, k, seed)
            target = sparse_loss(x, w, model.components_, loss)
            near_target = target * (1.0 + NEAR)
            time.sleep(options.pause)
            for solver in solvers:
                to = lambda goal, *more: orthant_run(
                    options, path, k, seed, solver, np.float32,
                    "--target", repr(goal), "--max-iter", SPARSE_MAX_ITER, *more,
                )  # fmt: skip
                strict, near = to(target, "--converge"), to(near_target)
                results.append(dict(
                    name=f"{name}, {solver}", k=k, seed=seed, dtype="float32",
                    theirs=theirs, target=target, n_iter=model.n_iter_,
                    strict=median_run([strict], target, True), near=median_run([near], near_target, True),
                    own=strict,
                ))  # fmt: skip
                r = results[-1]
                say(
                    f"{r['name']} k={k} seed={seed}: scikit-learn {milliseconds(r['theirs'])} ms, "
                    f"orthant {milliseconds(r['strict']['seconds'])} ms, "
                    f"within 0.1 %: {milliseconds(r['near']['seconds'])} ms"
                )
    results.sort(key=lambda r: r["name"])
    return f"""## Sparse data: time to scikit-learn's loss

- scikit-learn: `NMF(k, init="random", random_state=seed, solver="cd", tol={TOL:g}, max_iter={MAX_ITER})`, the whole of
  `fit_transform`, its start included.
- orthant, {' and '.join(solvers)}: a whole fit, threads and start included, until its objective is at most scikit-learn's
  final one ("strict"), and until it is within 0.1 % of it; at most {SPARSE_MAX_ITER} iterations. hals, and auto where it makes
  a sketch, begin at the same start; auto on a sample of the rows at one of the same seed.
- float32, {options.threads} threads for both. The starts' seeds are {', '.join(map(str, options.seeds))}, each run once, in turn; a
  start that does not reach the loss counts as never. Ratios that should be 15 are meant to be 30.

{overall(results, "sparse ")}

Start by start:

{markdown(HEADER, [row(r) for r in results])}
"""


def sparse_threads(options, folder):
    """An iteration on one thread and on two, of sparse data."""
    many, lines, seed = 6 if options.tiny else 25, [], options.seeds[0]
    if options.threads == 1:
        return "## Sparse data: threads\n\nThere is one core.\n"
    for name, k, loss, solver, x, path in sparse_problems(options, folder):
        each = {(rule, count): [] for rule in dict.fromkeys((solver, options.solver)) for count in (1, 2)}
        for _ in range(options.runs):
            for (rule, count), seconds in each.items():
                time.sleep(options.pause)
                more = ["--loss", loss, "--max-iter", many]
                run = orthant_run(options, path, k, seed, rule, np.float32, *more, threads=count)
                seconds.append(run["iteration_seconds"])
        for rule in dict.fromkeys(rule for rule, _ in each):
            one, two = (statistics.median(each[rule, count]) for count in (1, 2))
            say(f"{name} k={k} {rule}: {1e3 * one:.2f} ms an iteration on 1 thread, {1e3 * two:.2f} on 2")
            cell = beside_target(f"{one / two:.2f}", one / two, f"sparse threads, {name}", "sparse threads")
            lines.append([name, str(k), rule, f"{1e3 * one:.2f}", f"{1e3 * two:.2f}", cell])
    heads = ["data", "k", "rule", "ms an iteration, 1 thread", "2 threads", "ratio"]
    return f"""## Sparse data: threads

float32. The median time from one iteration to the next in a fit of {many}, median of {options.runs} in turn, start {seed}.

{markdown(heads, lines)}
"""


def large_sparse(options, folder):
    """Name, rank, rows, columns, entries and file of the large problem."""
    rows, cols, entries, k = (2000, 300, 20_000, 5) if options.tiny else (1_000_000, 30_000, 100_000_000, 20)
    program = pathlib.Path(options.program).with_name("orthant-bench-sparse")
    path = pathlib.Path(folder) / "large.npz"
    size = ["--rows", rows, "--cols", cols, "--entries", entries, "--topics", k, "--seed", DATA_SEED]
    made = json.loads(run_program([program, "make", path, *size]))
    return f"counts {rows}×{cols}", k, "frobenius", "cd", (rows, cols, made["entries"]), path


def sparse_memory(options, folder):
    """The most memory of fits of sparse data, and their rates."""
    program = pathlib.Path(options.program).with_name("orthant-bench-sparse")
    problems = (
        (name, k, loss, solver, (*x.shape, x.nnz), path)
        for name, k, loss, solver, x, path in sparse_problems(options, folder)
    )
    large = (large_sparse(options, folder) for _ in range(options.big or options.tiny))
    lines, rates = [], []
    for name, k, loss, solver, (m, n, entries), path in itertools.chain(problems, large):
        # float32 values, indices and offsets of 32 bits, as scipy has them
        parts = [8 * entries + 4 * (m + 1), 4 * (m + n) * k]
        for rule in dict.fromkeys((solver, options.solver)):
            more = ["--loss", loss, "--max-iter", 6 if options.tiny else 10]
            run = orthant_run(options, path, k, 0, rule, np.float32, *more)
            peak, cell = run["peak_bytes"], "not known on this system"
            if peak is not None:
                over = peak / sum(parts)
                cell = beside_target(f"{over:.3f}", over, f"sparse memory, {name}", "sparse memory")
            shown = "–" if peak is None else f"{peak / 1e6:.1f}"
            say(f"sparse memory {name} k={k} {rule}: {shown} MB at the peak, {sum(parts) / 1e6:.1f} of data and factors")
            lines.append([name, str(entries), str(k), rule, *(f"{part / 1e6:.1f}" for part in parts), shown, cell])
            if rule == "cd":
                seconds = run["iteration_seconds"]
                gather = [program, "gather", path, "--k", k, "--threads", options.threads]
                gathered = json.loads(run_program(gather))["rows_per_second"]
                share = 2.0 * entries / gathered / seconds
                say(f"{name} k={k} {rule}: {1e3 * seconds:.2f} ms an iteration, {100 * share:.0f} % of gathering's rate")
                rates.append([
                    name, str(k), f"{1e3 * seconds:.2f}", f"{4e-9 * entries * k / seconds:.1f}",
                    f"{1e-6 * gathered:.0f}", f"{4e-9 * gathered * k:.1f}",
                    beside_target(f"{100 * share:.0f} %", share, f"share of gathering, {name}", "share of gathering"),
                ])  # fmt: skip
        path.unlink()
    heads = ["data", "entries", "k", "rule", "matrix, MB", "factors", "peak, MB", "peak over matrix and factors"]
    rate_heads = ["data", "k", "ms an iteration", "GFLOP/s", "gathers rows, 10⁶/s", "GB/s", "share of that"]
    return f"""## Sparse data: memory and rates

float32, {options.threads} threads. The most resident memory of the whole process, program and reading the file included, over
{6 if options.tiny else 10} iterations; MB are 10⁶ bytes, the matrix is values, indices and offsets of 4 bytes each. For small data the
program alone is a good part.

{markdown(heads, lines)}

An iteration of cd needs, for each entry, a row of H and a row of the sums for H, 4k flops. Were these all, and only read, it
would take as long as to gather two rows of k numbers for each entry, in the matrix's order and on as many threads, from a
table of as many rows as V has columns, and to add them up in registers: that rate is the roofline (`orthant-bench-sparse
gather`, the fastest of five rounds). The sweeps' flops are not counted.

{markdown(rate_heads, rates)}
"""


def versions(options):
    shape = ["--shapes", "48x64", "--ranks", "8", "--alone"]
    machine, cases = products_program(options, *shape)
    peaks = ", ".join(f"{case['peak_gflops']:.0f} GFLOP/s in {case['dtype']}" for case in cases)
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip()
    lines = [
        f"- processor: {processor()}, {options.threads} cores used by both; {platform.system()}",
        f"- one core multiplies and adds {peaks}; reads {machine['near_gbs']:.0f} GB/s from its caches, "
        f"{machine['memory_gbs']:.1f} from memory",
        f"- orthant {revision()}, {options.solver}, kernels {machine['isa']}; {rustc}",
        f"- OpenBLAS beside the pass: {'kernels ' + machine['openblas'] if machine['openblas'] else 'not installed'}",
        f"- scikit-learn {sklearn.__version__}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"Python {platform.python_version()}",
    ]
    for pool in threadpoolctl.threadpool_info():
        lines.append(
            f"- {pool.get('prefix')}: {pool.get('internal_api')} {pool.get('version')}, "
            f"kernels {pool.get('architecture', 'unknown')}, {pool.get('num_threads')} threads"
        )
    return "\n".join(lines)


def say(text):
    print(text, flush=True)


SECTIONS = {
    "time": times,
    "cd": compatible,
    "divergences": divergences,
    "divergence-time": divergence_time,
    "threads": threads,
    "pace": pace,
    "products": products,
    "ranks": ranks,
    "shapes": shapes,
    "memory": memory,
    "sparse": sparse,
    "sparse-time": sparse_time,
    "sparse-threads": sparse_threads,
    "sparse-memory": sparse_memory,
}


def option(name, value):
    """As it is typed."""
    if value is True:
        return f" --{name}"
    if isinstance(value, list):
        value = (" " if name == "seeds" else ",").join(map(str, value))
    return f" --{name} {value}"


def sections(text):
    names = text.split(",")
    for name in names:
        if name not in SECTIONS:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(SECTIONS)}")
    return [name for name in SECTIONS if name in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=sections, default=list(SECTIONS), help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--tiny", action="store_true", help="small problems: only to see that it works")
    parser.add_argument("--big", action="store_true", help="sparse-memory also with 100 million entries")
    parser.add_argument("--runs", type=int, default=5, help="runs of each program on each problem (default 5)")
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds of the pass and the gemms (default 9)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of the starts")
    parser.add_argument("--solver", default="auto", help="orthant's, as its --solver (default auto)")
    parser.add_argument("--threads", type=int, default=cores(), help="default: all cores")
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between runs")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--program", default=str(target / "release/orthant-bench-time"))
    parser.add_argument("--record", help="the record file; default benches/record/<date>-<processor>.md")
    options = parser.parse_args()
    if options.tiny:
        options.runs, options.rounds, options.pause = min(options.runs, 2), 1, 0.0
        options.seeds = options.seeds[:2]
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        if name in os.environ:
            sys.exit(f"bench: {name} is set, which would change BLAS: use scripts/bench")
    check_targets()
    warnings.simplefilter("ignore", ConvergenceWarning)

    with tempfile.TemporaryDirectory() as folder, threadpoolctl.threadpool_limits(options.threads):
        about = versions(options)
        parts = [SECTIONS[name](options, folder) for name in options.only]
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    whole = options.only == list(SECTIONS)
    unsaid = ("record", "program")  # where files are is no part of what was measured
    said = {k: v for k, v in vars(options).items() if k not in unsaid and v != parser.get_default(k)}
    command = "scripts/bench" + "".join(option(name, value) for name, value in said.items())
    text = f"""# Bench, {today}

`{command}`

What is compared was run in turn, in this one run. Losses are ½‖X − WH‖² in double precision. A cell with a target has it
beside, and whether it was met. Ratios above 1 are in orthant's favour, but where the head says otherwise.

{about}

Data, from `scripts/planted.py` with seed {DATA_SEED}: planted X = max(0, W·H + E) with ‖E‖ a tenth of ‖W·H‖; images of 28×28 from
49 parts. The digits are scikit-learn's `load_digits`. Sparse data is from `scripts/planted_sparse.py` with seed {DATA_SEED}.

{chr(10).join(parts)}"""
    print("\n" + text)
    if not options.tiny or options.record:
        name = f"{today}-{slug()}" + ("" if whole else "-" + "-".join(options.only))
        record = pathlib.Path(options.record or ROOT / "benches" / "record" / f"{name}.md")
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(text)
        print(f"recorded in {record}")


if __name__ == "__main__":
    main()
