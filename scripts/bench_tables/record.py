"""The record of a run: the machine, the tables in Markdown, and all that was measured in JSON beside them."""

import json
import platform
import subprocess

import numpy as np
import scipy
import sklearn
import threadpoolctl

from records import processor, revision

from .problems import DATA_SEED
from .table import Grid, markdown


def machine(bench):
    found, cases = bench.products(shapes="48x64", ranks="8", alone=True)
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip()
    pools = threadpoolctl.threadpool_info()
    return found | dict(
        processor=processor(), system=platform.system(), threads=bench.options.threads, solver=bench.options.solver,
        peak_gflops={case["dtype"]: case["peak_gflops"] for case in cases}, revision=revision(), rustc=rustc,
        sklearn=sklearn.__version__, numpy=np.__version__, scipy=scipy.__version__, python=platform.python_version(),
        pools=[{name: value for name, value in pool.items() if name != "filepath"} for pool in pools],
    )  # fmt: skip


def about(m):
    peaks = ", ".join(f"{gflops:.0f} GFLOP/s in {dtype}" for dtype, gflops in m["peak_gflops"].items())
    reads = f"{m['near_gbs']:.0f} GB/s from its caches, {m['memory_gbs']:.1f} from memory"
    return [
        f"processor: {m['processor']}, {m['threads']} cores used by both; {m['system']}",
        f"one core multiplies and adds {peaks}; reads {reads}",
        f"orthant {m['revision']}, {m['solver']}, kernels {m['isa']}; {m['rustc']}",
        f"OpenBLAS beside the pass: {'kernels ' + m['openblas'] if m['openblas'] else 'not installed'}",
        f"scikit-learn {m['sklearn']}, numpy {m['numpy']}, scipy {m['scipy']}, Python {m['python']}",
        *(
            f"{pool.get('prefix')}: {pool.get('internal_api')} {pool.get('version')}, "
            f"kernels {pool.get('architecture', 'unknown')}, {pool.get('num_threads')} threads"
            for pool in m["pools"]
        ),
    ]


def text(date, command, machine, measured):
    """The record in Markdown. `measured` are the tables, their parts and their runs."""
    parts = [
        """What is compared was run in turn, in this one run. Losses are ½‖X − WH‖² in double precision. A cell with a
        target has it beside, and whether it was met. Ratios above 1 are in orthant's favour, but where the head says
        otherwise.""",
        about(machine),
        f"""Data, from `scripts/planted.py` with seed {DATA_SEED}: planted X = max(0, W·H + E) with ‖E‖ a tenth of
        ‖W·H‖; images of 28×28 from 49 parts. The digits are scikit-learn's `load_digits`. Sparse data is from
        `scripts/planted_sparse.py` with seed {DATA_SEED}.""",
    ]
    for table, parts_of_table, _ in measured:
        parts += [f"## {table.title}", *parts_of_table]
    return "\n\n".join((f"# Bench, {date}", f"`{command}`", *map(markdown, parts))) + "\n"


def raw(date, command, machine, options, measured):
    tables = {
        table.name: {"grids": [part.raw() for part in parts if isinstance(part, Grid)], "runs": runs}
        for table, parts, runs in measured
    }
    return pretty(dict(date=date, command=command, machine=machine, options=options, tables=tables)) + "\n"


def pretty(value, indent="\n"):
    """JSON, with as much on a line as fits."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) <= 1000 or not isinstance(value, (dict, list)):
        return flat
    inner = indent + " "
    if isinstance(value, list):
        return f"[{inner}{f',{inner}'.join(pretty(item, inner) for item in value)}{indent}]"
    items = (f"{json.dumps(key)}: {pretty(item, inner)}" for key, item in value.items())
    return f"{{{inner}{f',{inner}'.join(items)}{indent}}}"
