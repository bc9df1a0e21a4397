"""Times reading a table of numbers from a csv file: Orthant's reader, and polars' read_csv beside it.

The files are made by numpy's RandomState(0) and written by polars: 200 columns f0, f1, …, without row names.

    doubles     exponential, as short as they stand for the same double (17 digits and more)
    decimals    the same with four decimal places
    counts      Poisson, with a mean of 3

Each reading is a process of its own, in turn; the file is in the system's cache. Of Orthant it is `orthant fit --explain` of the release
profile, which reads the table into a matrix, checks that nothing is negative, and says what a fit would do: the whole process counts.
Of polars only the call of read_csv counts, which ends with columns. Both have all cores.

    scripts/bench_read.py               files of 1 GB in a temporary folder; writes benches/record/<date>-<processor>-read.md
    scripts/bench_read.py --bytes 1e8   smaller ones; no record
    scripts/bench_read.py --tiny        the same of 100 kB: does it all still run
    scripts/bench_read.py --turns 7     turns of each reader; default 5
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import polars as pl

import records

COLUMNS = 200
GIGABYTE = 10**9
# how many bytes an entry takes, its comma included
PROBLEMS = {"doubles": 19.3, "decimals": 7.1, "counts": 2.0}
TARGET = 0.5

POLARS = """
import json, sys, time
import polars as pl

began = time.perf_counter()
table = pl.read_csv(sys.argv[1])
print(json.dumps({"seconds": time.perf_counter() - began, "shape": "×".join(map(str, table.shape))}))
"""


def write(problem, path, size):
    """Writes about that many bytes, a part at a time."""
    rng = np.random.RandomState(0)
    rows = max(2, int(size / PROBLEMS[problem] / COLUMNS))
    with open(path, "wb") as out:
        for first in range(0, rows, 10_000):
            shape = (min(10_000, rows - first), COLUMNS)
            part = rng.poisson(3, shape) if problem == "counts" else rng.exponential(size=shape)
            frame = pl.DataFrame(part, schema=[f"f{j}" for j in range(COLUMNS)], orient="row")
            frame.write_csv(out, include_header=first == 0, float_precision=4 if problem == "decimals" else None)
    return path.stat().st_size


def run(command):
    """What a process said, its seconds, and the most memory that it had, in bytes."""
    began = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))}: exit status {process.returncode}")
    return said, seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def by_orthant(path):
    program = pathlib.Path(os.environ.get("ORTHANT_PROGRAMS", records.ROOT / "target" / "release")) / "orthant"
    said, seconds, peak = run([program, "fit", path, "-k", 2, "--explain", "--quiet"])
    return {"seconds": seconds, "shape": said.split()[1].rstrip(":"), "peak": peak}


def by_polars(path):
    said, _, peak = run([sys.executable, "-c", POLARS, path])
    return json.loads(said) | {"peak": peak}


def one(problem, path, turns):
    readers = {"orthant": by_orthant, "polars": by_polars}
    found = {name: [] for name in readers}
    for turn in range(turns):
        for name, read in list(readers.items())[:: 1 if turn % 2 == 0 else -1]:
            found[name].append(read(path))
    shape = found["orthant"][0]["shape"]
    if shape != found["polars"][0]["shape"]:
        sys.exit(f"bench: {problem}: orthant read {shape}, polars {found['polars'][0]['shape']}")
    seconds = {name: statistics.median(each["seconds"] for each in all_of) for name, all_of in found.items()}
    ratio = statistics.median(p["seconds"] / o["seconds"] for o, p in zip(found["orthant"], found["polars"]))
    size = path.stat().st_size
    rate = {name: f"{size / 1e6 / taken:.0f}" for name, taken in seconds.items()}
    peak = {name: f"{(each[0]['peak']) / size:.2f}" for name, each in found.items()}
    print(f"{problem}: {rate['orthant']} MB/s, polars {rate['polars']} MB/s, {ratio:.2f}", flush=True)
    return [
        problem, f"{size / 1e6:.0f} MB, {shape}", f"{seconds['orthant']:.2f}", f"{seconds['polars']:.2f}",
        rate["orthant"], rate["polars"], f"{ratio:.2f}", f"≥ {TARGET}", peak["orthant"], peak["polars"],
    ]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytes", type=float, default=GIGABYTE)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    size, turns = (10**5, 1) if options.tiny else (options.bytes, options.turns)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "table.csv"
        for problem in PROBLEMS:
            write(problem, path, size)
            rows.append(one(problem, path, turns))
    if size < GIGABYTE:
        return
    heads = [
        "data", "file", "Orthant s", "polars s", "Orthant MB/s", "polars MB/s", "rate / polars'", "target",
        "Orthant peak / file", "polars peak / file",
    ]  # fmt: skip
    body = f"""\
polars {pl.__version__}. Medians of {turns} readings each, in turn, each in a process of its own, with the file in the system's cache; *rate / polars'*
is the median of the turns' ratios. The head of the script says what is read. Peaks are of the whole process.

{records.markdown(heads, rows)}"""
    records.write("bench_read.py", "read", body)


if __name__ == "__main__":
    main()
