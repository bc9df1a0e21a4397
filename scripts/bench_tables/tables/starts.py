"""What the tables of the time to scikit-learn's loss have in common."""

import math
import statistics
from itertools import product

from ..measure import alternate, median, ms
from ..programs import MAX_ITER
from ..table import Grid

NEAR = 1e-3  # "within 0.1 %"
# A program stops on its own objective, which it has from Gram matrices, and reports the residual's. Rounding makes them
# differ.
ROUNDING = {"float32": 1e-6, "float64": 1e-10}
HEADS = (
    "data | k | seed | dtype | scikit-learn ms | its iterations | its loss"
    " | orthant ms, strict | iterations | loss then | ratio | orthant ms, within 0.1 % | iterations | loss then | ratio"
    " | orthant ms, until it converges | iterations | its loss"
)
ALL_HEADS = (
    "data | k | dtype | starts | scikit-learn ms | its mean loss"
    " | orthant ms, strict | ratio | starts that reach it, share"
    " | orthant ms, within 0.1 % | ratio | starts that reach it, share | orthant's mean loss, until it converges"
)


def in_turn(bench, problem, seed, solvers, turns, max_iter):
    """Fits by scikit-learn, and after each one by every solver to its loss ("strict"), and near it."""
    fits, goals, runs = [], {}, {solver: {"strict": [], "near": []} for solver in solvers}

    def theirs():
        fits.append(bench.scikit_learn(problem, seed, with_loss=not fits))
        goals.update(strict=fits[0]["loss"], near=fits[0]["loss"] * (1.0 + NEAR))

    def ours():
        for solver, (which, goal) in product(solvers, goals.items()):
            done = runs[solver][which]
            # A start that does not reach it would take all its iterations every time.
            if all(run["reached"] for run in done):
                own = which == "strict" and not done
                run = bench.orthant(problem, seed, solver, target=goal, max_iter=max_iter, converge=own)
                run["reached"] = run["loss"] <= goal * (1.0 + ROUNDING[problem.dtype])
                done.append(run)

    alternate(bench, {"theirs": theirs, "ours": ours}, turns)
    return fits, runs


def milliseconds(seconds):
    return ms(seconds, 1) if math.isfinite(seconds) else "not reached"


def quotient(value):
    return f"{value:.2f}" if value else "–"


def start_by_start(bench, every, label, solvers, turns, max_iter):
    """The grid of the starts, and of each problem's starts the numbers that `overall` needs."""
    grid, groups = Grid(HEADS), {}
    for problem in every:
        bench.warm_up(problem)
        for seed in bench.options.seeds:
            fits, runs = in_turn(bench, problem, seed, solvers, turns, max_iter)
            theirs, n_iter, loss = median(fits), fits[0]["iterations"], fits[0]["loss"]
            for solver, to in runs.items():
                of = dict(data=problem.name, solver=solver, dtype=problem.dtype)
                name, own = label.format(**of), to["strict"][0]
                cells = [name, problem.k, seed, problem.dtype, ms(theirs, 1)]
                cells += [f"{n_iter} (limit)" if n_iter == MAX_ITER else n_iter, f"{loss:.8g}"]
                numbers = [theirs, loss, own["final_loss"]]
                for done in to.values():
                    last = done[-1]
                    ours = median(done) if last["reached"] else math.inf
                    cells += [milliseconds(ours), last["iterations"], f"{last['loss']:.8g}", quotient(theirs / ours)]
                    numbers.append(ours)
                grid.add(*cells, ms(own["final_seconds"], 1), own["final_iterations"], f"{own['final_loss']:.8g}")
                groups.setdefault((name, problem.k, problem.dtype), (of, []))[1].append(numbers)
    return grid, groups


def overall(bench, groups, strict, near, reach, *mean_loss):
    """The grid of medians over the starts of each problem. The kinds are those of the cells."""
    grid = Grid(ALL_HEADS)
    for head, (of, starts) in groups.items():
        theirs, losses, own, *seconds = zip(*starts)
        theirs, loss, own = statistics.median(theirs), statistics.fmean(losses), statistics.fmean(own)
        count = len(starts)
        cells = [*head, count, ms(theirs, 1), f"{loss:.8g}"]
        for kind, ours in zip((strict, near), seconds):
            met, ours = sum(map(math.isfinite, ours)), statistics.median(ours)
            cells += [milliseconds(ours), bench.cell(theirs / ours, kind, text=quotient(theirs / ours), **of)]
            cells += [bench.cell(met / count, reach, text=f"{met} of {count}, {met / count:.2g}", **of)]
        grid.add(*cells, bench.cell(own / loss, *mean_loss, text=f"{own:.8g}, {own / loss:.6f} of its", **of))
    return grid
