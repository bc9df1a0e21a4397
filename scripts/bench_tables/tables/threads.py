"""An iteration on one thread and on more."""

from functools import partial
from itertools import product

from .. import problems
from ..measure import alternate, between, median, ms
from ..table import Grid, table
from ..targets import Kind

THREADS = Kind("threads", ", {data}", ", {dtype}")
SPARSE = Kind("sparse threads", ", {data}", data="tf-idf 20000×10000")
ONE_CORE = ("There is one core.",)


def in_turn(bench, problem, solvers, counts, many, few=None):
    """For each solver, the seconds of an iteration on each number of threads; with `few`, also by scikit-learn's cd."""
    actions, seed, fits = {}, bench.options.seeds[0], (few, many) if few else ()
    for solver, count in product(solvers, counts):
        actions[solver, count] = partial(bench.orthant, problem, seed, solver, threads=count, max_iter=many)
    for i, count in product(fits, counts):
        actions[i, count] = partial(bench.scikit_learn, problem, seed, tol=0.0, max_iter=i, threads=count)
    runs = alternate(bench, actions)
    seconds = {solver: [median(runs[solver, count], "iteration_seconds") for count in counts] for solver in solvers}
    return seconds, [between(runs[few, count], runs[many, count], many - few) for count in counts if few]


@table("threads", "Threads", THREADS)
def threads(bench):
    """Measures an iteration on one thread and on all, by both."""
    o, (few, many) = bench.options, bench.size((5, 25), (2, 6))
    if o.threads == 1:
        return ONE_CORE
    grid = Grid(f"data | k | dtype | who | ms an iteration, 1 thread | {o.threads} threads | ratio")
    own = bench.size([("uniform", 4800, 4000, k) for k in (16, 32, 64, 128)], [("uniform", 96, 80, 3)])
    for problem in problems.dense(bench, *own):
        of, plain = (problem.name, problem.k, problem.dtype), not problem.name.startswith("uniform")
        solvers = dict.fromkeys([o.solver, "cd"] if plain else [o.solver])
        ours, theirs = in_turn(bench, problem, solvers, (1, o.threads), many, few if plain else None)
        for solver, (one, all_) in ours.items():
            cell = bench.cell(one / all_, THREADS, data=problem.name, dtype=problem.dtype)
            grid.add(*of, f"orthant, {solver}", ms(one), ms(all_), cell)
        if plain:
            grid.add(*of, "scikit-learn, cd", *map(ms, theirs), f"{theirs[0] / theirs[1]:.2f}")
    return f"""An iteration of a whole fit of {many} (orthant: the median time from one to the next; scikit-learn: the
        difference to a fit of {few}), median of {o.runs} in turn, start {o.seeds[0]}. scikit-learn's threads are
        limited by threadpoolctl.""", grid


@table("sparse-threads", "Sparse data: threads", SPARSE)
def sparse_threads(bench):
    """Measures an iteration on one thread and on two, on all three."""
    o, many = bench.options, bench.size(25, 6)
    if o.threads == 1:
        return ONE_CORE
    grid = Grid("data | k | rule | ms an iteration, 1 thread | 2 threads | ratio")
    for problem in problems.sparse(bench):
        ours, _ = in_turn(bench, problem, dict.fromkeys((problem.rule, o.solver)), (1, 2), many)
        for rule, (one, two) in ours.items():
            cell = bench.cell(one / two, SPARSE, data=problem.name)
            grid.add(problem.name, problem.k, rule, ms(one), ms(two), cell)
    return f"""float32. The median time from one iteration to the next in a fit of {many}, median of {o.runs} in turn,
        start {o.seeds[0]}.""", grid
