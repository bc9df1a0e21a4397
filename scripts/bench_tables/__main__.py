"""Orthant beside scikit-learn and beside gemm, in turn on the same data, in one run.

--only time,cd runs a subset. Both start from the same numbers. The runs alternate: one of each, then the next of each.
Losses are half the squared Frobenius norm of the residual, in double precision. The record is printed and written to
benches/record/<date>-<processor>.md (with the names of the subset after it), and every measurement to a .json beside
it. Run it through scripts/bench, which builds the programs and clears what would make BLAS use other kernels than the
processor's own.
"""

import argparse
import datetime
import os
import pathlib
import sys
import tempfile
import warnings

import threadpoolctl
from sklearn.exceptions import ConvergenceWarning

from records import ROOT, cores, slug

from . import problems, record, targets
from .programs import Bench
from .table import filled
from .tables import TABLES

KINDS = [kind for table in TABLES.values() for kind in table.kinds]


def description():
    tables = (filled(table.__doc__, f"{name:15}  ", " " * 17) for name, table in TABLES.items())
    kinds = (f"    {kind.help}" for kind in KINDS)
    sparse = filled(problems.sparse.__doc__)
    return "\n\n".join((__doc__.strip(), "\n".join(tables), sparse, targets.__doc__.strip(), "\n".join(kinds)))


def subset(text):
    names = text.split(",")
    for name in names:
        if name not in TABLES:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(TABLES)}")
    return [name for name in TABLES if name in names]


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=description(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", type=subset, default=list(TABLES), help=f"some of {','.join(TABLES)}")
    add("--tiny", action="store_true", help="small problems: only to see that it works")
    add("--big", action="store_true", help="sparse-memory also with 100 million entries")
    add("--runs", type=int, default=5, help="runs of each program on each problem (default 5)")
    add("--rounds", type=int, default=9, help="timed rounds of the pass and the gemms (default 9)")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of the starts")
    add("--solver", default="auto", help="orthant's, as its --solver (default auto)")
    add("--threads", type=int, default=cores(), help="default: all cores")
    add("--pause", type=float, default=0.25, help="seconds between runs")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    add("--program", default=str(target / "release/orthant-bench-time"))
    add("--record", help="the record file; default benches/record/<date>-<processor>.md")
    return parser


def as_typed(name, value):
    if isinstance(value, list):
        value = (" " if name == "seeds" else ",").join(map(str, value))
    return f" --{name}" if value is True else f" --{name} {value}"


def main():
    parser = arguments()
    options = parser.parse_args()
    if options.record and options.record.endswith(".json"):
        parser.error("argument --record: the record is Markdown, and its JSON goes beside it")
    if options.tiny:
        options.runs, options.rounds, options.pause = min(options.runs, 2), 1, 0.0
        options.seeds = options.seeds[:2]
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        if name in os.environ:
            sys.exit(f"bench: {name} is set, which would change BLAS: use scripts/bench")
    goals = targets.Targets(KINDS)
    warnings.simplefilter("ignore", ConvergenceWarning)

    measured = []
    with tempfile.TemporaryDirectory() as folder, threadpoolctl.threadpool_limits(options.threads):
        machine = record.machine(Bench(options, goals, folder))
        for table in map(TABLES.get, options.only):
            bench = Bench(options, goals, folder)
            print(f"\n{table.title}", flush=True)
            measured.append((table, table(bench), bench.runs))
    date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    # Paths say nothing of what was measured.
    said = {name: value for name, value in vars(options).items() if name not in ("record", "program")}
    changed = {name: value for name, value in said.items() if value != parser.get_default(name)}
    command = "scripts/bench" + "".join(as_typed(name, value) for name, value in changed.items())
    text = record.text(date, command, machine, measured)
    print("\n" + text)
    if not options.tiny or options.record:
        name = "-".join((date, slug(), *changed.get("only", ())))
        path = pathlib.Path(options.record or ROOT / "benches" / "record" / f"{name}.md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.with_suffix(".json").write_text(record.raw(date, command, machine, said, measured))
        print(f"recorded in {path} and {path.with_suffix('.json')}")


if __name__ == "__main__":
    main()
