import sys
from itertools import product

from .. import problems
from ..measure import median, ms
from ..programs import RULES
from ..table import Grid, table


def nearly(loss):
    """What counts as the loss: a program has it in single precision where it stops, and in double at its end."""
    return loss * (1.0 + 1e-6)


@table("divergences", "Kullback–Leibler and Itakura–Saito")
def divergences(bench):
    """Measures multiplicative updates for Kullback–Leibler and Itakura–Saito on a made spectrogram: the time per
    iteration over 200 iterations from the same start, and the time to scikit-learn's loss after them.
    """
    count = bench.size(200, 20)
    grid = Grid(
        "loss, data | k | dtype | scikit-learn ms an iteration | orthant, mu | ratio"
        f" | scikit-learn ms for {count} | orthant ms to its loss, mm | ratio | its loss, first seed | mu | mm"
    )
    for dtype, loss in product(problems.DTYPES, ("kl", "is")):
        fits, steps, own = [], [], []
        for seed in bench.options.seeds[: bench.size(3, 1)]:
            (problem,) = problems.spectrograms(bench, dtype, [loss], seed)
            bench.pause()
            fits.append(bench.scikit_learn(problem, seed, tol=0.0, max_iter=count))
            goal = nearly(fits[-1]["reported_loss"])
            bench.pause()
            steps.append(bench.orthant(problem, seed, "mu", max_iter=count))
            own.append(bench.orthant(problem, seed, "mm", target=goal, max_iter=2 * count))
            if own[-1]["iterations"] == 2 * count:
                sys.exit(f"bench: {RULES[loss][1]}, seed {seed}: mm did not reach scikit-learn's loss")
        theirs, mu, mm = map(median, (fits, steps, own))
        cells = [f"{RULES[loss][1]}, {problem.name.removeprefix('spectrogram ')}", problem.k, dtype]
        cells += [ms(theirs / count), ms(mu / count), f"{theirs / mu:.2f}"]
        cells += [ms(theirs, 0), ms(mm, 0), f"{theirs / mm:.2f}"]
        grid.add(*cells, *(f"{loss:.8g}" for loss in (fits[0]["reported_loss"], steps[0]["loss"], own[0]["loss"])))
    return f"""Multiplicative updates from `init="random"` with the same seeds, `tol=0`, medians of up to three seeds,
        {bench.options.threads} threads. Start-up is in; orthant takes the loss after every iteration, scikit-learn
        never. The data is `scripts/planted.py --spectrogram`'s, with the start's seed.""", grid
