#!/usr/bin/env python3
"""Time to scikit-learn's loss, both programs in turn on the same data, in one run.

scikit-learn:  NMF(k, init="random", random_state=seed, solver="cd", tol=1e-4, max_iter=200), the whole
               fit_transform timed: its start is in, importing and making the data are not.
orthant:       the program orthant-bench-time, the whole fit timed, threads and start included, until its
               objective is at most scikit-learn's final one ("strict"), and until it is within 0.1 % of it.

Then Kullback–Leibler and Itakura–Saito, by multiplicative updates on a made spectrogram: time per iteration over
200 iterations from the same start, and time to scikit-learn's loss after them.

Then the fused pass of an iteration against the two products alone by gemm, and by OpenBLAS where it is installed.

Both use all cores and start from the same numbers. The runs alternate: one of each, then the next of each.
Losses are half the squared Frobenius norm of the residual, in double precision. The table is printed and
written to benches/record/<date>-<processor>.md. Run it through scripts/bench, which builds the program and
clears what would make BLAS use other kernels than the processor's own.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import scipy
import sklearn
import threadpoolctl
from sklearn.datasets import load_digits
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from planted import planted, spectrogram

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEAR = 1e-3  # "within 0.1 %"
TOL, MAX_ITER = 1e-4, 200


def loss_of(x, w, h):
    residual = x.astype(np.float64) - w.astype(np.float64) @ h.astype(np.float64)
    return 0.5 * float(np.vdot(residual, residual))


def sklearn_run(x, k, seed):
    model = NMF(k, init="random", random_state=seed, solver="cd", tol=TOL, max_iter=MAX_ITER)
    begin = time.perf_counter()
    w = model.fit_transform(x)
    seconds = time.perf_counter() - begin
    return seconds, loss_of(x, w, model.components_), model.n_iter_


def orthant_run(program, path, k, seed, solver, target, threads, single, *more):
    command = [program, "--data", path, "--k", k, "--seed", seed, "--solver", solver, *more]
    command += ["--target", repr(target), "--runs", 1, "--threads", threads] + (["--f32"] if single else [])
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))}\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def problems(options):
    if options.tiny:
        for dtype in (np.float64, np.float32):
            yield "planted 120×90", planted(120, 90, 5, 0, dtype=dtype), 5, 0
        return
    for dtype in (np.float64, np.float32):
        for seed in options.seeds:
            yield "planted 2000×2000", planted(2000, 2000, 32, seed, dtype=dtype), 32, seed
        digits = load_digits().data.astype(dtype)
        for seed in options.seeds:
            yield f"digits {digits.shape[0]}×{digits.shape[1]}", digits, 16, seed


def one_problem(name, x, k, seed, options, folder):
    path = pathlib.Path(folder) / "x.npy"
    np.save(path, x)
    single = x.dtype == np.float32
    theirs, ours, near = [], [], []
    _, target, n_iter = sklearn_run(x, k, seed)  # warms up, and says what loss to reach
    for _ in range(options.runs):
        time.sleep(options.pause)  # BLAS threads spin for a while after their last call
        theirs.append(sklearn_run(x, k, seed)[0])
        time.sleep(options.pause)
        run = lambda loss: orthant_run(
            options.program, path, k, seed, options.solver, loss, options.threads, single
        )
        ours.append(run(target))
        near.append(run(target * (1.0 + NEAR)))
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
        own=ours[-1],
        isa=ours[-1].get("isa", "unknown"),
    )


def median_run(runs, target, single):
    """Median time, iterations and loss when it stopped; no time if the target was not reached.

    The program stops on its own objective, which it has from Gram matrices, and reports the residual's: the two
    differ by rounding.
    """
    rounding = 1e-6 if single else 1e-10
    reached = all(r["loss"] <= target * (1.0 + rounding) for r in runs)
    seconds = statistics.median(s for r in runs for s in r["seconds"])
    return dict(
        seconds=seconds if reached else None, iterations=runs[-1]["iterations"], loss=runs[-1]["loss"]
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


def table(rows):
    lines = [HEADER, ["---"] * len(HEADER)] + rows
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def overall(results):
    """Medians over the seeds of each problem, with both numbers behind every ratio."""
    lines = []
    for key in dict.fromkeys((r["name"], r["k"], r["dtype"]) for r in results):
        group = [r for r in results if (r["name"], r["k"], r["dtype"]) == key]
        theirs = statistics.median(r["theirs"] for r in group)
        parts = []
        for kind, words in (("strict", "to its loss"), ("near", "to within 0.1 % of it")):
            seconds = [r[kind]["seconds"] for r in group]
            missed = sum(s is None for s in seconds)
            if missed:
                parts.append(f"{words}: not reached on {missed} of {len(group)} seeds")
            else:
                ours = statistics.median(seconds)
                parts.append(
                    f"{words}: {1e3 * ours:.1f} ms against {1e3 * theirs:.1f} ms, {theirs / ours:.2f} times as fast"
                )
        lines.append(f"- {key[0]}, k = {key[1]}, {key[2]}, {'one seed' if len(group) == 1 else f'medians of {len(group)} seeds'}: " + "; ".join(parts))
    return "\n".join(lines)


def divergences(options, folder):
    """Rows of the table of KL and IS: scikit-learn's mu, ours step by step the same, and our own to the same loss."""
    rows, cols, k, iterations = (60, 50, 4, 20) if options.tiny else (1025, 2000, 32, 200)
    path = pathlib.Path(folder) / "spectrogram.npy"
    lines = []
    for dtype in (np.float64, np.float32):
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
                one = lambda solver, target, limit: orthant_run(
                    options.program, path, k, seed, solver, target, options.threads, dtype == np.float32,
                    "--loss", loss, "--max-iter", limit,
                )  # fmt: skip
                mu.append(one("mu", -1.0, iterations))
                mm.append(one("mm", target * (1.0 + 1e-6), 2 * iterations))
                if mm[-1]["iterations"] == 2 * iterations:
                    sys.exit(f"bench: {name}, seed {seed}: mm did not reach scikit-learn's loss")
                losses.append((target, mu[-1]["loss"], mm[-1]["loss"]))
                print(f"{name} {np.dtype(dtype).name} seed={seed}: scikit-learn {theirs[-1]:.2f} s, orthant "
                      f"{mu[-1]['seconds'][0]:.2f} s", flush=True)
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
    return "\n".join("| " + " | ".join(line) + " |" for line in [heads, ["---"] * len(heads)] + lines)


def cores():
    """Those that this process may run on, where the system can say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor():
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions(options, isa):
    lines = [f"- processor: {processor()}, {options.threads} cores used by both; {platform.system()}"]
    lines.append(
        f"- scikit-learn {sklearn.__version__}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"Python {platform.python_version()}"
    )
    for pool in threadpoolctl.threadpool_info():
        lines.append(
            f"- {pool.get('prefix')}: {pool.get('internal_api')} {pool.get('version')}, "
            f"kernels {pool.get('architecture', 'unknown')}, {pool.get('num_threads')} threads"
        )
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip()
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    lines.append(f"- orthant {described or 'unversioned'}, {options.solver}, kernels {isa}; {rustc}")
    return "\n".join(lines)


def products(options):
    """The fused pass against gemm alone, as the program orthant-bench-products prints it."""
    command = [pathlib.Path(options.program).with_name("orthant-bench-products")]
    command += ["--rows", 96, "--cols", 80, "--ranks", "3,17", "--runs", 1] if options.tiny else []
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="one small problem: only to see that it works")
    parser.add_argument("--runs", type=int, default=5, help="runs of each program on each problem (default 5)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--solver", default="hals", choices=["hals", "cd"], help="orthant's (default hals)")
    parser.add_argument("--threads", type=int, default=cores(), help="default: all cores")
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between runs")
    parser.add_argument("--program", default=str(ROOT / "target/release/orthant-bench-time"))
    parser.add_argument("--record", help="the record file; default benches/record/<date>-<processor>.md")
    options = parser.parse_args()
    if options.tiny:
        options.runs, options.pause = min(options.runs, 2), 0.0
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        if name in os.environ:
            sys.exit(f"bench: {name} is set, which would change BLAS: use scripts/bench")
    warnings.simplefilter("ignore", ConvergenceWarning)

    results = []
    with tempfile.TemporaryDirectory() as folder, threadpoolctl.threadpool_limits(options.threads):
        for name, x, k, seed in problems(options):
            results.append(one_problem(name, x, k, seed, options, folder))
            r = results[-1]
            print(
                f"{name} k={k} seed={seed} {r['dtype']}: scikit-learn {milliseconds(r['theirs'])} ms, "
                f"orthant {milliseconds(r['strict']['seconds'])} ms, "
                f"within 0.1 %: {milliseconds(r['near']['seconds'])} ms",
                flush=True,
            )
        about = versions(options, results[-1]["isa"])
        by_divergence = divergences(options, folder)
        against_gemm = products(options)
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    text = f"""# Time to scikit-learn's loss, {today}

`scripts/bench{'' if not options.tiny else ' --tiny'}`, medians of {options.runs} runs of each program, in turn.

- scikit-learn: `NMF(k, init="random", random_state=seed, solver="cd", tol={TOL:g}, max_iter={MAX_ITER})`, the whole of
  `fit_transform`, its start included; importing and making the data are not.
- orthant: a whole fit, threads and start included, from the same start, until its objective is at most
  scikit-learn's final one ("strict"), and until it is within 0.1 % of it.
- Losses are ½‖X − WH‖² in double precision. The planted data is `scripts/planted.py`'s, the digits are
  scikit-learn's `load_digits`.

{about}

{overall(results)}

{table([row(r) for r in results])}

## Kullback–Leibler and Itakura–Saito

Multiplicative updates from `init="random"` with the same seeds, `tol=0`, medians of up to three seeds, all cores. Start-up is
in; orthant takes the loss after every iteration, scikit-learn never. The data is `scripts/planted.py --spectrogram`'s.

{by_divergence}

## The fused pass against two gemms alone

One thread. The pass is everything that an iteration does with V: both products, a coordinate sweep over W, its Gram
matrix. The gemms are the two products alone. In turn, medians; V uniform, from `benches/src/lib.rs` with seed 1; rates
are 4mnk over the time, the peak is that of multiply-adds on registers.

{against_gemm}"""
    print("\n" + text)
    if not options.tiny or options.record:
        slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", processor().lower())).strip("-")
        record = pathlib.Path(options.record or ROOT / "benches" / "record" / f"{today}-{slug}.md")
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(text)
        print(f"recorded in {record}")


if __name__ == "__main__":
    main()
