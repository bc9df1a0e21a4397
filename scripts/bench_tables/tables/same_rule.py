"""The rules that both have, iteration by iteration and in whole fits."""

from functools import partial

from .. import problems
from ..measure import alternate, between, ms
from ..programs import TOL
from ..table import Grid, table
from ..targets import Kind

CD = Kind("cd", ", {data}", ", {dtype}")
SPARSE = Kind("sparse", ", {data}", data="tf-idf 20000×10000")
WHOLE = 200  # iterations of a whole fit at most, as scikit-learn's default
HEADS = (
    "scikit-learn ms an iteration | orthant | ratio"
    " | scikit-learn ms, whole fit | its iterations | its loss | orthant ms | iterations | loss | ratio"
)


def by_the_same_rule(bench, problem, few, many, kind):
    """The cells under HEADS. The kind is that of the ratio of an iteration."""
    one = {"theirs": partial(bench.scikit_learn, problem, bench.options.seeds[0], tol=0.0)}
    one["ours"] = partial(bench.orthant, problem, bench.options.seeds[0], problem.rule)
    bench.warm_up(problem)
    runs = alternate(
        bench, {(who, count): partial(one[who], max_iter=count) for count in (few, many) for who in one}
    )
    assert runs["ours", many][-1]["iterations"] == many
    theirs, ours = (between(runs[who, few], runs[who, many], many - few) for who in one)
    whole = {"theirs": partial(one["theirs"], tol=TOL, max_iter=WHOLE, with_loss=True)}
    whole["ours"] = partial(one["ours"], max_iter=WHOLE, converge=True)
    (fit,), (own,) = alternate(bench, whole, turns=1).values()
    yield from (ms(theirs), ms(ours), bench.cell(theirs / ours, kind, data=problem.name, dtype=problem.dtype))
    yield from (ms(fit["seconds"], 1), fit["iterations"], f"{fit['loss']:.8g}")
    yield from (ms(own["final_seconds"], 1), own["final_iterations"], f"{own['final_loss']:.8g}")
    yield f"{fit['seconds'] / own['final_seconds']:.2f}"


@table("cd", "The compatible rule", CD)
def compatible(bench):
    """Compares the compatible rule with scikit-learn's from the same start, by an iteration and by a whole fit."""
    o, grid, (few, many) = bench.options, Grid(f"data | k | dtype | {HEADS}"), bench.size((5, 25), (2, 6))
    for problem in problems.dense(bench):
        grid.add(problem.name, problem.k, problem.dtype, *by_the_same_rule(bench, problem, few, many, CD))
    return f"""scikit-learn's `solver="cd"` and orthant's `cd`, from the same start (seed {o.seeds[0]}), {o.threads}
        threads. An iteration is the difference of a fit of {many} and one of {few}, both with `tol=0`, median of
        {o.runs} in turn. A whole fit has `tol={TOL:g}` and at most {WHOLE} iterations, scikit-learn's defaults, and its
        start in; one of each.""", grid


@table("sparse", "Sparse data, by the rules that both have", SPARSE)
def sparse(bench):
    """Compares the rules that both have, cd, and mu for Kullback–Leibler, from the same start, by an iteration and by a
    whole fit with its loss.
    """
    o, grid, (few, many) = bench.options, Grid(f"data | entries | k | rule | {HEADS}"), bench.size((5, 20), (2, 6))
    for problem in problems.sparse(bench):
        cells = by_the_same_rule(bench, problem, few, many, SPARSE)
        grid.add(problem.name, problem.entries, problem.k, problem.rule, *cells)
    return f"""float32, from the same start (seed {o.seeds[0]}), {o.threads} threads; tf-idf and log counts for the
        Frobenius loss, counts for Kullback–Leibler. An iteration is the difference of a fit of {many} and one of {few},
        both with `tol=0`, median of {o.runs} in turn. A whole fit has `tol={TOL:g}` and at most {WHOLE} iterations,
        scikit-learn's defaults, and its start in; one of each. Of Kullback–Leibler, orthant takes the loss after every
        iteration, scikit-learn in every tenth.""", grid
