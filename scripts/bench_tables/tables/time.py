from ..problems import dense
from ..programs import MAX_ITER, TOL
from ..table import table
from ..targets import Kind
from .starts import overall, start_by_start

KINDS = (
    Kind("time, strict", ", {data}", ", {dtype}"),
    Kind("time, within 0.1 %", ", {data}", ", {dtype}"),
    Kind("starts that reach it", ", {data}"),
)


@table("time", "Time to scikit-learn's loss", *KINDS)
def times(bench):
    """Measures the time to scikit-learn's loss. scikit-learn fits NMF(k, init="random", random_state=seed, solver="cd",
    tol=1e-4, max_iter=1000), and its time is that of the whole fit_transform: the start counts, importing and making
    the data do not. The program orthant-bench-time fits in a process of its own, and its time is that of the whole fit:
    threads and the start count. It fits until its objective is at most scikit-learn's final one ("strict"), and until
    it is within 0.1 % of it. --solver says by which method.
    """
    o = bench.options
    every = dense(bench, *bench.size([("digits", 1797, 64, 16)], []))
    each, groups = start_by_start(bench, every, "{data}", [o.solver], o.runs, MAX_ITER)
    about = [
        f"""scikit-learn: `NMF(k, init="random", random_state=seed, solver="cd", tol={TOL:g}, max_iter={MAX_ITER})`, the
        whole of `fit_transform`, its start included; importing and making the data are not.""",
        f"""orthant, {o.solver}: a whole fit in a process of its own, threads and start included, from the same start,
        until its objective is at most scikit-learn's final one ("strict"), and until it is within 0.1 % of it; at most
        {MAX_ITER} iterations.""",
        f"""{o.threads} threads for both. The starts' seeds are {bench.seeds}; times are medians of {o.runs} runs of
        each in turn, then of the starts, of which one that does not reach the loss counts as never.""",
    ]
    return about, overall(bench, groups, *KINDS), "Start by start:", each
