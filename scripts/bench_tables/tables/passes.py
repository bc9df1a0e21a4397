"""The fused pass of an iteration alone, by orthant-bench-products on one thread."""

from ..measure import ms
from ..table import Grid, table
from ..targets import Kind

SHARE = Kind("share of peak", ", {dtype}", ", k={k}")
AGAINST = Kind("pass against {peer}", ", {dtype}", ", k={k}")
ODD_RANK = Kind("odd rank", ", {dtype}", ", k={k}", k="17")
SHAPES, ONE_SHAPE = Kind("shapes", ", {dtype}"), Kind("shapes, {shape}, {order}")
ODD = {17: 32, 31: 32, 33: 48, 50: 64}
PASS = """One thread. The pass is everything that an iteration does with V: both products, a coordinate sweep over W,
its Gram matrix. V is uniform, from `benches/src/lib.rs` with seed 1; rates are 4mnk over the time, medians of rounds in
turn."""


def shape_of(case):
    return f"{case['rows']}×{case['cols']}"


def rate(case, seconds=None):
    """GFLOP/s, by default of the pass."""
    return 4e-9 * case["rows"] * case["cols"] * case["k"] / (seconds or case["seconds"])


@table("products", "The fused pass against two gemms alone", SHARE, AGAINST)
def products(bench):
    """Compares the fused pass of an iteration with the two products alone by gemm, faer and OpenBLAS, on one thread."""
    _, cases = bench.products(shapes=bench.size(None, "96x80"), ranks=bench.size(None, "3,17"))
    heads = "V | dtype | k | block | peak GFLOP/s | reads GB/s | roofline | pass GFLOP/s | share of peak"
    grid = Grid(heads + "".join(f" | {peer} GFLOP/s | ratio" for peer in cases[0]["peers"]))
    for case in cases:
        of, share = dict(dtype=case["dtype"], k=case["k"]), rate(case) / case["peak_gflops"]
        cells = [shape_of(case), case["dtype"], case["k"], case["block"], f"{case['peak_gflops']:.0f}"]
        cells += [f"{case['read_gbs']:.1f}", f"{case['roof_gflops']:.0f}", f"{rate(case):.1f}"]
        cells += [bench.cell(share, SHARE, text=f"{100 * share:.0f} %", **of)]
        for peer, seconds in case["peers"].items():
            cells += [f"{rate(case, seconds):.1f}", bench.cell(seconds / case["seconds"], AGAINST, peer=peer, **of)]
        grid.add(*cells)
    return f"""{PASS} The gemms are the two products alone, faer's in the faster of two orders. The peak is that of
        multiply-adds on registers; the roofline is that, or what reading V once allows at the rate at which one core
        reads an array of V's size, if that is less.""", grid


@table("ranks", "Ranks that fill no register", ODD_RANK)
def ranks(bench):
    """Compares the pass at ranks that fill no register with the next that does."""
    every = ",".join(map(str, sorted({*ODD, *ODD.values()})))
    _, cases = bench.products(alone=True, ranks=every, shapes=bench.size(None, "96x80"))
    found = {(case["dtype"], case["k"]): case for case in cases}
    grid = Grid("V | dtype | k | ms | GFLOP/s | against k | ms | GFLOP/s | time over time")
    for dtype in dict.fromkeys(case["dtype"] for case in cases):
        for a, b in ((found[dtype, odd], found[dtype, even]) for odd, even in ODD.items()):
            cell = bench.cell(a["seconds"] / b["seconds"], ODD_RANK, dtype=dtype, k=a["k"])
            both = (text for case in (a, b) for text in (case["k"], ms(case["seconds"]), f"{rate(case):.1f}"))
            grid.add(shape_of(a), dtype, *both, cell)
    return PASS, grid


@table("shapes", "Shapes and orders", SHAPES, ONE_SHAPE)
def shapes(bench):
    """Measures the pass over other shapes and orders of V."""
    every = bench.size("4800x4000,4800x4000c,4800x4096,4800x4096c,960x20000,20000x960", "96x80,96x80c,48x300")
    _, cases = bench.products(alone=True, ranks=bench.size("16,32,64,128", "3,17"), shapes=every)
    grid, bases = Grid("V | order | dtype | k | block | ms | GFLOP/s | against the first's rate"), {}
    for case in cases:
        of = dict(shape=shape_of(case), order="column-major" if case["col_major"] else "row-major", dtype=case["dtype"])
        base = bases.setdefault((case["dtype"], case["k"]), case)
        cell = bench.cell(rate(case) / rate(base), *(() if case is base else (ONE_SHAPE, SHAPES)), **of)
        grid.add(*of.values(), case["k"], case["block"], ms(case["seconds"]), f"{rate(case):.1f}", cell)
    return f"""{PASS} A column-major V is read as Vᵀ by rows, and the pass is one over that. 4096 columns are a power of
        two apart.""", grid
