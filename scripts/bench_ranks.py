#!/usr/bin/env python3
"""What it costs that ranks share a fit: an iteration of two threads of one process, and of two ranks of one thread.

The data is that of scripts/bench_out_of_core.py: noisy and planted float32, 100000×2500, and sparse counts, 60000×10000, as `orthant convert`
writes them. Fits start at random and read the file in each pass, which is in the system's cache; one more has it in memory.
An iteration is what a fit with ten more takes longer, divided by ten, by the command's own clock; whole commands of twelve iterations are
timed from outside, with the start of all processes. Medians, all sides in turn.

The command is built with MPI: cargo build --release -p orthant-cli --features mpi

    scripts/bench_ranks.py             writes benches/record/<date>-<processor>-ranks.md
    scripts/bench_ranks.py --tiny      little data: does it all still run; no record
    scripts/bench_ranks.py --turns 5   turns of each side; default 3
    scripts/bench_ranks.py --folder DIR    where the files are made
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import bench_out_of_core as data
import records

# a container may have but one user
ALLOWED = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
RANKS = ["mpirun", "-n", "2", "--oversubscribe", "--bind-to", "none"]


def run(before, path, how, iterations, folder, more):
    """A fit's report, and the seconds of the whole command."""
    command = [*before, data.PROGRAM, "fit", path, *how.split(), "--init", "random", "--tol", "0", *more]
    command += ["--max-iter", str(iterations), "--json", "-q", "-o", folder / "out"]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **ALLOWED})
    return json.loads(done.stdout), time.monotonic() - began


def side(path, how, folder, before, more):
    """Seconds of an iteration, of the whole command, and the final loss."""
    (few, _), (many, whole) = (run(before, path, how, n, folder, more) for n in (2, 12))
    return (many["seconds_total"] - few["seconds_total"]) / 10, whole, many["loss"]


def converted(path, rows, columns):
    """Sparse counts, as `orthant convert` writes them."""
    loose = path.with_name("scipy.npz")
    data.make_sparse(loose, rows, columns)
    subprocess.run([data.PROGRAM, "convert", loose, path, "-q"], check=True)
    loose.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--folder")
    args = parser.parse_args()
    table = []
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        folder = pathlib.Path(folder)
        dense, counts = folder / "planted.npy", folder / "counts.npz"
        data.make(dense, 800 if args.tiny else 100_000)
        converted(counts, *((1000, 400) if args.tiny else (60_000, 10_000)))
        # so that one process reads its file, too, and there is room for the factors
        little = [("7MB", "150kB"), (data.LITTLE, "90MB")][not args.tiny]
        for path, how, limit in [
            (dense, "-k 20 --solver hals", little[0]),
            (dense, "-k 50 --solver hals", little[0]),
            (dense, "-k 10 --loss kl --solver mm", little[0]),
            (counts, "-k 20 --solver hals", little[1]),
            (counts, "-k 20 --loss kl --solver mm", little[1]),
        ]:
            sides = [
                ([], ["--threads", "2"]),
                ([], ["--threads", "2", "--memory-limit", limit]),
                (RANKS, ["--threads", "1"]),
            ]
            turns = [[side(path, how, folder, *of) for of in sides] for _ in range(1 if args.tiny else args.turns)]
            here, there, ranks = ([statistics.median(turn[at][what] for turn in turns) for what in (0, 1)] for at in range(3))
            losses = {turn[at][2] for turn in turns for at in (1, 2)}
            row = [path.name, how, f"{here[0]:.4f} s", f"{there[0]:.4f} s", f"{ranks[0]:.4f} s", f"{ranks[0] / there[0]:.2f}×"]
            row += [f"{ranks[0] / here[0]:.2f}×", f"{there[1]:.2f} s and {ranks[1]:.2f} s", " and ".join(f"{x:.6e}" for x in losses)]
            print(*row, sep=" | ", flush=True)
            table.append(row)
    heads = ["data", "fit", "2 threads, in memory", "2 threads, from the file", "2 ranks", "ranks/file", "ranks/memory"]
    heads += ["whole command, threads from the file and ranks", "final loss from the file"]
    body = f"An iteration:\n\n{records.markdown(heads, table)}\n"
    print(body)
    if not args.tiny:
        records.write("bench_ranks.py", "ranks", body)


if __name__ == "__main__":
    main()
