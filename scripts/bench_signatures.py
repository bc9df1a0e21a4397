#!/usr/bin/env python3
"""How long `orthant signatures` takes at its defaults: a planted catalogue of 96 mutation types and 21 samples.

Six signatures are Dirichlet(0.3), activities 2000·Gamma(0.7, 1), counts Poisson; seed 22 of numpy's default generator. 1 to 25
signatures, 100 fits of each, every one of resampled counts, and 5 with data held out; report and signatures written.

    cargo build --release && python scripts/bench_signatures.py
"""

import os
import pathlib
import resource
import subprocess
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = pathlib.Path(os.environ.get("ORTHANT_PROGRAMS", ROOT / "target/release")) / "orthant"


def catalogue(path):
    rng = np.random.default_rng(22)
    changes = ["C>A", "C>G", "C>T", "T>A", "T>C", "T>G"]
    types = [f"{before}[{change}]{after}" for change in changes for before in "ACGT" for after in "ACGT"]
    H = rng.dirichlet(np.full(96, 0.3), size=6)
    W = rng.gamma(0.7, 1.0, size=(21, 6)) * 2000
    counts = rng.poisson(W @ H)
    with open(path, "w") as out:
        out.write("Type\t" + "\t".join(f"S{i}" for i in range(21)) + "\n")
        for name, row in zip(types, counts.T, strict=True):
            out.write(name + "\t" + "\t".join(map(str, row)) + "\n")


def timed(folder, *arguments):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run([COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = next(line for line in ran.stdout.splitlines() if line.startswith(("recommended", "nothing")))
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{' '.join(arguments)}: {wall:.1f} s, {processor:.1f} s of processor time; {answer}", flush=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        catalogue(pathlib.Path(folder) / "catalogue.tsv")
        timed(folder, "signatures", "catalogue.tsv", "-o", "out")
        timed(folder, "signatures", "catalogue.tsv", "-k", "1..12", "-o", "few")
        timed(folder, "signatures", "catalogue.tsv", "-k", "1..12", "--vary", "starts", "-o", "starts")


if __name__ == "__main__":
    main()
