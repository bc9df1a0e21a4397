from itertools import chain

from ..measure import ms
from ..problems import large_sparse, sparse
from ..table import Grid, table
from ..targets import Kind
from .memory import UNKNOWN, mb

LARGE = "counts 1000000×30000"
SPARSE = Kind("sparse memory", ", {data}", data=LARGE, note=": over matrix and factors")
GATHERING = Kind("share of gathering", ", {data}", data=LARGE)


@table("sparse-memory", "Sparse data: memory and rates", SPARSE, GATHERING)
def sparse_memory(bench):
    """Measures the most memory of a fit against what the matrix and the factors take, on all three. It shows how fast
    an iteration of cd is, and how fast it could be if only rows had to be gathered. With --big it also fits counts of
    1000000×30000 with 100 million entries, which the program orthant-bench-sparse makes with seed 0: a gigabyte of
    memory and one of disk.
    """
    o, iterations = bench.options, bench.size(10, 6)
    grid = Grid("data | entries | k | rule | matrix, MB | factors | peak, MB | peak over matrix and factors")
    rates = Grid("data | k | ms an iteration | GFLOP/s | gathers rows, 10⁶/s | GB/s | share of that")
    large = (large_sparse(bench) for _ in range(o.big or o.tiny))
    for problem in chain(sparse(bench), large):
        name, entries, k, (m, n) = problem.name, problem.entries, problem.k, problem.shape
        # float32 values, indices and offsets of 32 bits, as scipy has them
        parts = [8 * entries + 4 * (m + 1), 4 * (m + n) * k]
        for rule in dict.fromkeys((problem.rule, o.solver)):
            run = bench.orthant(problem, 0, rule, max_iter=iterations)
            shown, cell, peak = "–", UNKNOWN, run["peak_bytes"]
            if peak is not None:
                over = peak / sum(parts)
                shown, cell = mb(peak), bench.cell(over, SPARSE, text=f"{over:.3f}", data=name)
            grid.add(name, entries, k, rule, *map(mb, parts), shown, cell)
            if rule == "cd":
                seconds = run["iteration_seconds"]
                gathered = bench.sparse("gather", problem.path, problem, k=k, threads=o.threads)["rows_per_second"]
                share = 2.0 * entries / gathered / seconds
                cell = bench.cell(share, GATHERING, text=f"{100 * share:.0f} %", data=name)
                speed = f"{4e-9 * entries * k / seconds:.1f}", f"{1e-6 * gathered:.0f}", f"{4e-9 * gathered * k:.1f}"
                rates.add(name, k, ms(seconds), *speed, cell)
        problem.path.unlink()
    return [
        f"""float32, {o.threads} threads. The most resident memory of the whole process, program and reading the file
        included, over {iterations} iterations; MB are 10⁶ bytes, the matrix is values, indices and offsets of 4 bytes
        each. For small data the program alone is a good part.""",
        grid,
        """An iteration of cd needs, for each entry, a row of H and a row of the sums for H, 4k flops. Were these all,
        and only read, it would take as long as to gather two rows of k numbers for each entry, in the matrix's order
        and on as many threads, from a table of as many rows as V has columns, and to add them up in registers: that
        rate is the roofline (`orthant-bench-sparse gather`, the fastest of five rounds). The sweeps' flops are not
        counted.""",
        rates,
    ]
