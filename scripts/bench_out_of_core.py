#!/usr/bin/env python3
"""What it costs that data is not in memory: an iteration of the command's fits, with the data loaded and read from its file.

The data is made by numpy's default_rng(0): W·H with ten components, both gamma of shape ½, plus noise that is uniform up to 0.1 (float32);
or Poisson counts with such means, as float32 and in one byte each. Fits start at random. An iteration is what a fit with ten more takes
longer, divided by ten, by the command's own clock; medians, the two sides in turn. The file is in the system's cache.

    larger than memory: a file that the cache cannot hold, so that each pass comes from the disk. Its rate is compared with that of
    reading the file from end to end by `dd` with direct access, in blocks of 4 MiB; and the peak of resident memory is that of the process.

    --sparse: Poisson counts, 60000×10000, whose means are W·H with ten components, W gamma of shape ½ and H of shape 0.2, scaled so that
    about 3.5 % are not 0. scipy's save_npz writes them as float32 with indices of 32 bits, not packed, and `orthant convert` makes
    of that counts of one byte with indices of two.

    scripts/bench_out_of_core.py                 1 GB; writes benches/record/<date>-<processor>-out-of-core.md
    scripts/bench_out_of_core.py --sparse        sparse data instead; writes …-out-of-core-sparse.md
    scripts/bench_out_of_core.py --large 30e9    and a file of so many bytes, which should be more than memory is free
    scripts/bench_out_of_core.py --tiny          the same of 2 MB: does it all still run; no record
    scripts/bench_out_of_core.py --turns 5       turns of each side; default 3
    scripts/bench_out_of_core.py --folder DIR    where the files are made
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

import numpy as np
import records
import scipy.sparse

COLUMNS = 2500
PROGRAM = pathlib.Path(os.environ.get("ORTHANT_PROGRAMS", records.ROOT / "target" / "release")) / "orthant"
# so that data is read from its file, and there is room for the factors
LITTLE = "900MB"


def make(path, rows, counts=None):
    """Writes the data block by block, never all in memory."""
    r = np.random.default_rng(0)
    H = r.gamma(0.5, size=(10, COLUMNS)).astype(np.float32)
    V = np.lib.format.open_memmap(path, "w+", counts or np.float32, shape=(rows, COLUMNS))
    for first in range(0, rows, 4000):
        P = r.gamma(0.5, size=(min(4000, rows - first), 10)).astype(np.float32) @ H
        noisy = np.minimum(r.poisson(P), 255) if counts else P + 0.1 * r.random(P.shape, np.float32)
        V[first : first + len(P)] = noisy
    V.flush()


def make_sparse(path, rows, columns):
    """Writes counts as scipy does, and returns them."""
    r = np.random.default_rng(0)
    H = r.gamma(0.2, size=(10, columns))
    H *= 0.0075 / H.mean()
    parts = []
    for first in range(0, rows, 4000):
        counts = r.poisson(r.gamma(0.5, size=(min(4000, rows - first), 10)) @ H)
        parts.append(scipy.sparse.csr_matrix(np.minimum(counts, 255).astype(np.float32)))
    V = scipy.sparse.vstack(parts, format="csr")
    scipy.sparse.save_npz(path, V, compressed=False)
    return V


def fit(path, how, iterations, folder, limit=None):
    """A fit's report."""
    command = [PROGRAM, "fit", path, *how.split(), "--init", "random", "--tol", "0", "--max-iter", str(iterations)]
    command += ["--json", "--f32"] + (["--memory-limit", limit] if limit else [])
    done = subprocess.run([*command, "-o", folder / "out"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def iteration(path, how, folder, limit=None):
    """Seconds of an iteration, and the final loss."""
    few, many = (fit(path, how, n, folder, limit) for n in (2, 12))
    return (many["seconds_total"] - few["seconds_total"]) / 10, many["loss"]


def compared(args, folder):
    rows = 800 if args.tiny else 100_000
    limit = "7MB" if args.tiny else LITTLE
    paths = {name: folder / f"{name}.npy" for name in ("noisy", "counts-f4", "counts-u1")}
    make(paths["noisy"], rows)
    make(paths["counts-f4"], rows, np.float32)
    make(paths["counts-u1"], rows, np.uint8)
    table = []
    for what, here, there, how in [
        ("float32, frobenius, k = 5", "noisy", "noisy", "-k 5 --solver hals"),
        ("float32, frobenius, k = 20", "noisy", "noisy", "-k 20 --solver hals"),
        ("float32, frobenius, k = 50", "noisy", "noisy", "-k 50 --solver hals"),
        ("float32, kl, k = 10", "noisy", "noisy", "-k 10 --loss kl --solver mm"),
        ("one byte, frobenius, k = 20", "counts-f4", "counts-u1", "-k 20 --solver hals"),
        ("one byte, kl, k = 10", "counts-f4", "counts-u1", "-k 10 --loss kl --solver mm"),
    ]:
        turns = [
            (iteration(paths[here], how, folder), iteration(paths[there], how, folder, limit)) for _ in range(args.turns)
        ]
        a, b = (statistics.median(turn[side][0] for turn in turns) for side in (0, 1))
        losses = {turn[side][1] for turn in turns for side in (0, 1)}
        row = [what, f"{a:.4f} s", f"{b:.4f} s", f"{b / a:.2f}×", " and ".join(f"{loss:.6e}" for loss in losses)]
        print(*row, sep=" | ", flush=True)
        table.append(row)
    for path in paths.values():
        path.unlink()
    size = rows * COLUMNS
    heads = ["data and fit", "loaded", "read from the file", "ratio", "final loss"]
    intro = f"An iteration on {rows}×{COLUMNS}, {size * 4 / 1e9:.1f} GB as float32 and {size / 1e9:.1f} GB in one byte each:"
    return f"{intro}\n\n{records.markdown(heads, table)}\n"


def compared_sparse(args, folder):
    rows, columns = (1000, 400) if args.tiny else (60_000, 10_000)
    limit = "150kB" if args.tiny else "90MB"
    paths = {name: folder / f"{name}.npz" for name in ("float32", "converted")}
    V = make_sparse(paths["float32"], rows, columns)
    began = time.monotonic()
    subprocess.run([PROGRAM, "convert", paths["float32"], paths["converted"], "-q"], check=True)
    converting = time.monotonic() - began
    sizes = {name: path.stat().st_size for name, path in paths.items()}
    memory = V.nnz * 8 + 8 * (rows + 1)
    table = []
    for there in ("float32", "converted"):
        for how in ("-k 5 --solver hals", "-k 20 --solver hals", "-k 20 --loss kl --solver mm"):
            turns = [
                (iteration(paths["float32"], how, folder), iteration(paths[there], how, folder, limit))
                for _ in range(args.turns)
            ]
            a, b = (statistics.median(turn[side][0] for turn in turns) for side in (0, 1))
            losses = {turn[side][1] for turn in turns for side in (0, 1)}
            said = " and ".join(f"{loss:.6e}" for loss in losses)
            table.append([there, how, f"{a:.4f} s", f"{b:.4f} s", f"{b / a:.2f}×", said])
            print(*table[-1], sep=" | ", flush=True)
    heads = ["file", "fit", "loaded", "read from the file", "ratio", "final loss"]
    intro = (
        f"An iteration on {rows}×{columns} with {V.nnz} entries: {memory / 1e6:.1f} MB in memory as float32, "
        f"{sizes['float32'] / 1e6:.1f} MB in scipy's file, {sizes['converted'] / 1e6:.1f} MB converted "
        f"({sizes['converted'] / memory:.2f} of what it is in memory), in {converting:.2f} s:"
    )
    return f"{intro}\n\n{records.markdown(heads, table)}\n"


def larger(args, folder):
    path = folder / "large.npy"
    rows = int(args.large / 4 / COLUMNS)
    make(path, rows)
    rate = re.compile(r", ([0-9.]+) s")
    read = ["dd", f"if={path}", "of=/dev/null", "bs=4M", "iflag=direct"]
    disk = float(rate.findall(subprocess.run(read, capture_output=True, text=True, check=True).stderr)[-1])
    size = path.stat().st_size
    timed = ["/usr/bin/env", "time", "-f", "%M"] if shutil.which("time") else []
    seconds, resident = {}, 0
    for n in (1, 3):
        command = [*timed, PROGRAM, "fit", path, "-k", "20", "--solver", "hals", "--init", "random", "--tol", "0"]
        command += ["--max-iter", str(n), "--json", "--memory-limit", LITTLE, "-o", folder / "out"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds[n] = json.loads(done.stdout)["seconds_total"]
        resident = int(done.stderr.split()[-1]) if timed else 0
    one = (seconds[3] - seconds[1]) / 2
    memory = f"{resident / 1e6:.2f} GB" if timed else "not measured"
    rows_of = [
        ["from end to end by dd", f"{disk:.1f} s", f"{size / disk / 1e6:.0f} MB/s", ""],
        ["an iteration", f"{one:.1f} s", f"{size / one / 1e6:.0f} MB/s", f"{disk / one:.2f}"],
    ]
    heads = ["what", "time", "rate", "share of the disk's rate"]
    free = int(re.search(r"MemAvailable: +(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) * 1024 / 1e9
    return (
        f"\nLarger than memory: {rows}×{COLUMNS} float32, {size / 1e9:.1f} GB where {free:.1f} GB of memory are free, frobenius, k = 20. "
        f"Resident memory at the peak: {memory}.\n\n{records.markdown(heads, rows_of)}\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--large", type=float)
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--folder")
    args = parser.parse_args()
    if args.tiny:
        args.turns = 1
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        folder = pathlib.Path(folder)
        body = compared_sparse(args, folder) if args.sparse else compared(args, folder)
        if args.large:
            body += larger(args, folder)
    print(body)
    if not args.tiny:
        what = "out-of-core-sparse" if args.sparse else "out-of-core"
        records.write("bench_out_of_core.py", what, body)


if __name__ == "__main__":
    main()
