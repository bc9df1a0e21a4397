import math
import statistics
from itertools import chain

from ..measure import between, median, ms
from ..problems import sparse, spectrograms
from ..table import Grid, table
from ..targets import Kind
from .divergences import nearly

SOUND = "spectrogram 1025×2000"
TIME = Kind("divergence, {loss}, {data}, {count}, {solver}", data=SOUND)
STEP = Kind("divergence step, {loss}, {data}", data=SOUND)
# What is timed beside the automatic choice.
SOLVERS = {"kl": ["newton", "extrapolated-mm", "extrapolated-joint-mm", "mm"], "is": ["mm"]}


def to_losses(bench, problem, few, first, far):
    """The fits of both from every start: by scikit-learn, by our own mu, and by each solver to the losses to reach.

    Only the first loss is of a fit by scikit-learn. The far one is of our own mu, which is the same step by step.
    """
    theirs, mu, goals = {first: [], few: []}, {few: [], first: [], far: []}, {first: [], far: []}
    runs = {solver: {first: [], far: []} for solver in (bench.options.solver, *SOLVERS[problem.loss])}
    bench.warm_up(problem)
    for seed in bench.options.seeds:
        for count, fits in theirs.items():
            bench.pause()
            fits.append(bench.scikit_learn(problem, seed, tol=0.0, max_iter=count))
        bench.pause()
        for count, fits in mu.items():
            fits.append(bench.orthant(problem, seed, "mu", max_iter=count))
        goals[first].append(theirs[first][-1]["reported_loss"])
        goals[far].append(mu[far][-1]["loss"])
        bench.pause()
        for solver in runs:
            for count, fits in runs[solver].items():
                more = dict(target=nearly(goals[count][-1]), max_iter=2 * far, converge=count == far)
                fits.append(bench.orthant(problem, seed, solver, **more))
    return theirs, mu, runs, goals


@table("divergence-time", "Divergences: time to a loss", TIME, STEP)
def divergence_time(bench):
    """Measures the time to the losses of scikit-learn's mu after 200 and 1000 iterations, for Kullback–Leibler on the
    same spectrogram and on sparse counts, and for Itakura–Saito. Orthant fits by what --solver names, newton,
    extrapolated-mm, extrapolated-joint-mm and mm. The table also shows where each ends, and an iteration of mu by both.
    """
    first, far = bench.size((200, 1000), (10, 30))
    few = max(first // 10, 2)
    to_loss = " | scikit-learn ms for {} | orthant ms to its loss | iterations | ratio | starts that reach it"
    grid = Grid(
        f"loss, data | k | solver{to_loss.format(first)}{to_loss.format(far)}"
        f" | its mean loss after {first} | after {far} | orthant's, until it converges | within 0.1 % of {far}"
    )
    steps = Grid("loss, data | k | scikit-learn ms an iteration | orthant | ratio")
    for problem in chain(spectrograms(bench, "float32"), sparse(bench, ["kl"])):
        label, of = f"{problem.loss}, {problem.name}", dict(loss=problem.loss, data=problem.name)
        theirs, mu, runs, goals = to_losses(bench, problem, few, first, far)
        means = [statistics.fmean(losses) for losses in goals.values()]
        for solver, fits_to in runs.items():
            cells = [label, problem.k, solver]
            for count, fits in fits_to.items():
                met = [fit["loss"] <= nearly(nearly(goal)) for fit, goal in zip(fits, goals[count])]
                ours = statistics.median(fit["seconds"] if ok else math.inf for fit, ok in zip(fits, met))
                seconds = median(theirs[first]) * count / first
                ratio = bench.cell(seconds / ours, TIME, count=count, solver=solver, **of)
                cells += [ms(seconds, 0), ms(ours, 0), f"{median(fits, 'iterations'):g}", ratio]
                cells += [f"{sum(met)} of {len(met)}"]
            ends = [fit["final_loss"] for fit in fits_to[far]]
            mean, close = statistics.fmean(ends), sum(end <= goal * 1.001 for end, goal in zip(ends, goals[far]))
            cells += [f"{loss:.8g}" for loss in means]
            grid.add(*cells, f"{mean:.8g}, {mean / means[-1]:.6f} of that", f"{close} of {len(ends)}")
        their_step, step = (between(fits[few], fits[first], first - few) for fits in (theirs, mu))
        steps.add(label, problem.k, ms(their_step), ms(step), bench.cell(their_step / step, STEP, **of))
    return [
        f"""float32, {bench.options.threads} threads for both, the same starts (`init="random"`, seeds {bench.seeds}),
        medians over them. scikit-learn: `solver="mu"`, `tol=0`, the whole of `fit_transform`, {first} iterations; its
        time for {far} is by its own rate, its loss after them by orthant's `mu`, which is the same step by step.
        orthant: a whole fit, start included, until its objective is there, give or take two millionths. The spectrogram
        is `scripts/planted.py --spectrogram`'s, the counts are `scripts/planted_sparse.py`'s.""",
        grid,
        f"""An iteration of `mu` by both: the difference of {first} and {few} iterations. orthant takes the loss after
        every one, scikit-learn never.""",
        steps,
    ]
