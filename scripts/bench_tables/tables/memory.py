import numpy as np

from ..problems import large_uniform
from ..table import Grid, table
from ..targets import Cell

UNKNOWN = "not known on this system"


def mb(size):
    return f"{size / 1e6:.1f}"


@table("memory", "Memory")
def memory(bench):
    """Measures the most memory of a fit of a gigabyte."""
    o, (m, n, k) = bench.options, bench.size((16_384, 16_384, 32), (300, 200, 5))
    cases = [(m, "float32", loss) for loss in ("frobenius", "kl", "is")]
    grid = Grid("V | k | dtype | loss | threads | V, MB | 6(m+n)k | lanes' sums | 32 MiB | peak, MB")
    for m, dtype, loss in cases + bench.size([(m // 2, "float64", "frobenius")], []):
        problem = large_uniform(bench, m, n, k, dtype, loss)
        run = bench.orthant(problem, 0, o.solver, max_iter=3)
        problem.path.unlink()
        size, peak = np.dtype(dtype).itemsize, run["peak_bytes"]
        parts = [m * n * size, 6 * (m + n) * k * size, run["lane_bytes"], 32 << 20]
        most = sum(parts)
        cell = UNKNOWN if peak is None else Cell(mb(peak), peak).judged("the sum", "most", most, mb(most))
        grid.add(f"{m}×{n}", k, dtype, loss, o.threads, *map(mb, parts), cell)
    return f"""The most resident memory of the whole process, program and reading the file included, over three
        iterations of {o.solver} on uniform data; MB are 10⁶ bytes.""", grid
