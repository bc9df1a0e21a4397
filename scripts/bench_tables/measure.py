"""How tables measure: in turn, with pauses, by medians."""

import statistics


def alternate(bench, actions, turns=None):
    """Takes each action once a turn, in order, each after a pause. Returns what each gave in all turns."""
    given = {key: [] for key in actions}
    for _ in range(turns or bench.options.runs):
        for key, action in actions.items():
            bench.pause()
            given[key].append(action())
    return given


def median(runs, key="seconds"):
    return statistics.median(run[key] for run in runs)


def between(few, many, count):
    """Seconds an iteration, from runs of few iterations and runs of `count` more, in turn."""
    return statistics.median(m["seconds"] - f["seconds"] for f, m in zip(few, many)) / count


def ms(seconds, digits=2):
    return f"{1e3 * seconds:.{digits}f}"
