from ..problems import sparse
from ..programs import MAX_ITER, TOL
from ..table import table
from ..targets import Kind
from .starts import overall, start_by_start

SPARSE_MAX_ITER = 400  # orthant's: some starts never reach scikit-learn's loss
EXAMPLE = "tf-idf 20000×10000"
KINDS = (
    Kind("sparse time, strict", ", {data}, {solver}", ", {dtype}", data=EXAMPLE),
    Kind("sparse time, within 0.1 %", ", {data}, {solver}", ", {dtype}", data=EXAMPLE),
    Kind("sparse starts that reach it", ", {data}, {solver}", data=EXAMPLE),
    Kind("sparse mean loss", ", {data}, {solver}", data=EXAMPLE, note=": over scikit-learn's"),
)


@table("sparse-time", "Sparse data: time to scikit-learn's loss", *KINDS)
def sparse_times(bench):
    """Measures what time does, by --solver and by hals, on both Frobenius problems. Each start runs once."""
    o = bench.options
    solvers = list(dict.fromkeys([o.solver, "hals"]))
    every = sparse(bench, ["frobenius"])
    each, groups = start_by_start(bench, every, "{data}, {solver}", solvers, 1, SPARSE_MAX_ITER)
    each.rows.sort(key=lambda row: row[0])
    about = [
        f"""scikit-learn: `NMF(k, init="random", random_state=seed, solver="cd", tol={TOL:g}, max_iter={MAX_ITER})`, the
        whole of `fit_transform`, its start included.""",
        f"""orthant, {' and '.join(solvers)}: a whole fit, threads and start included, until its objective is at most
        scikit-learn's final one ("strict"), and until it is within 0.1 % of it; at most {SPARSE_MAX_ITER} iterations.
        hals, and auto where it makes a sketch, begin at the same start; auto on a sample of the rows at one of the same
        seed.""",
        f"""float32, {o.threads} threads for both. The starts' seeds are {bench.seeds}, each run once, in turn; a start
        that does not reach the loss counts as never. Ratios that should be 15 are meant to be 30.""",
    ]
    return about, overall(bench, dict(sorted(groups.items())), *KINDS), "Start by start:", each
