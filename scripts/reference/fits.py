"""What scikit-learn's NMF makes of a case, and how far that moves with its input's last place."""

import numpy as np
from data import ORDERS, data_of, divergence, full, handed, moved, perturbed
from sklearn.decomposition import NMF, non_negative_factorization
from sklearn.decomposition._nmf import _initialize_nmf, _update_coordinate_descent

TOLS = [1e-2, 1e-3, 1e-4]
PERTURBED_RUNS = 3
SVD = ("nndsvd", "nndsvda", "nndsvdar", "default")

NON_FINITE = "scikit-learn returned non-finite"
BELOW_EPSILON = "entries below scikit-learn's EPSILON"
ALIASED = "scikit-learn adds the L1 weight again in every iteration"


def random_state(case):
    """The integer, or a fresh generator that start and shuffle then share."""
    return np.random.RandomState(case["seed"]) if case["random_state"] == "instance" else case["seed"]


def init_of(case):
    return None if case["init"] == "default" else case["init"]


def generated_start(case, x, rng, init=None):
    """scikit-learn's start; an instance `rng` is left where it stands afterwards."""
    return _initialize_nmf(x, case["k"], init=init or init_of(case), random_state=rng)


def steps_from_seed(case):
    """Whether the shuffle goes on with the generator that made the start, so that no fit can begin at W0, H0."""
    return case["init"] != "custom" and case["shuffle"] and case["random_state"] == "instance"


def penalties(case):
    return dict(
        alpha_W=case["alpha_w"],
        alpha_H="same" if case["alpha_h"] is None else case["alpha_h"],
        l1_ratio=case["l1_ratio"],
    )


def options_of(case):
    return dict(
        n_components=case["k"],
        solver=case["solver"],
        beta_loss=case["beta"],
        shuffle=case["shuffle"],
        random_state=random_state(case),
        **penalties(case),
    )


def fit(case, x, start, tol, max_iter):
    """One fit, from a copy of the start, which scikit-learn's solvers overwrite, or without one from the seed."""
    options = options_of(case) | dict(tol=tol, max_iter=max_iter)
    x = handed(case, x)
    if start is None:
        model = NMF(init=init_of(case), **options)
        w = model.fit_transform(x)
    else:
        model = NMF(init="custom", **options)
        w = model.fit_transform(x, W=start[0].copy(), H=start[1].copy())
    return np.ascontiguousarray(w), np.ascontiguousarray(model.components_), model


def results(case, x, start):
    """Factors after 1 and 5 steps and after the whole fit, the iterations at every tolerance, and the error."""
    w1, h1, _ = fit(case, x, start, 0.0, 1)
    w5, h5, _ = fit(case, x, start, 0.0, 5)
    whole = [fit(case, x, start, tol, case["max_iter"]) for tol in TOLS]
    w, h, model = whole[-1]
    arrays = dict(W1=w1, H1=h1, W5=w5, H5=h5, W=w, H=h)
    return arrays, [int(m.n_iter_) for _, _, m in whole], float(model.reconstruction_err_)


def rows_to_transform(case, x):
    """X itself, or its last rows in reverse."""
    rows = case["transform_rows"]
    return x if rows == case["m"] else ORDERS[case["order"]](full(x)[: -rows - 1 : -1])


def weights(case, x, h):
    w, _, n_iter = non_negative_factorization(
        handed(case, x), H=h.copy(), update_H=False, tol=TOLS[-1], max_iter=case["max_iter"], **options_of(case)
    )
    return np.ascontiguousarray(w), n_iter


def transform(case, x, h):
    """W for a fixed H, with its iterations and its spread; nothing if scikit-learn takes no H that is all zero."""
    if not h.any():
        return None, None
    x = rows_to_transform(case, x)
    w, n_iter = weights(case, x, h)
    entry = dict(n_iter=[n_iter, n_iter, n_iter], spread=0.0, exception=None)
    if case["solver"] == "mu" and case["beta"] == 1.0 and case["alpha_w"] * case["l1_ratio"] > 0.0:
        entry["exception"] = ALIASED
    elif not np.isfinite(w).all():
        entry["exception"] = NON_FINITE
    else:
        for number in range(PERTURBED_RUNS):
            shaken = np.random.RandomState(number)
            other, other_n_iter = weights(case, perturbed(shaken, x), perturbed(shaken, h))
            entry["spread"] = max(entry["spread"], moved(other, w))
            entry["n_iter"][1] = min(entry["n_iter"][1], other_n_iter)
            entry["n_iter"][2] = max(entry["n_iter"][2], other_n_iter)
        entry["spread"] = short(entry["spread"])
    return w, entry


def start_spread(case, x, start, build):
    """How far the start moves, and how many entries of the SVD's factors cross the cut at 1e-6."""
    spread, flips = 0.0, 0
    svd = case["init"] in SVD and case["k"] <= min(x.shape)
    plain = build(case, x, random_state(case), "nndsvd") if svd else None
    for number in range(PERTURBED_RUNS):
        near = perturbed(np.random.RandomState(number), x)
        other = build(case, near, random_state(case))
        spread = max([spread] + [moved(a, b) for a, b in zip(other, start)])
        if svd:
            cut = build(case, near, random_state(case), "nndsvd")
            flips = max(flips, sum(int(((a == 0.0) != (b == 0.0)).sum()) for a, b in zip(cut, plain)))
    return short(spread), flips


def first_stale(case, x, start, n_iter):
    """The first iteration that leaves a coordinate with zero Hessian and an L1 penalty where it is."""
    m, n = x.shape
    alpha_h = case["alpha_w"] if case["alpha_h"] is None else case["alpha_h"]
    if case["l1_ratio"] < 1.0 or max(case["alpha_w"], alpha_h) == 0.0:
        return None
    l1_w, l1_h = n * case["alpha_w"], m * alpha_h
    rng = np.random.RandomState(case["seed"])
    if steps_from_seed(case):
        generated_start(case, x, rng)
    w, ht = np.ascontiguousarray(start[0].copy()), np.ascontiguousarray(start[1].T.copy())

    def stale(old, other, l1):
        dead = (other == 0.0).all(axis=0)
        return l1 > 0.0 and bool((old[:, dead] > 0.0).any())

    for number in range(1, n_iter + 1):
        if stale(w, ht, l1_w):
            return number
        _update_coordinate_descent(x, w, ht, l1_w, 0.0, case["shuffle"], rng)
        if stale(ht, w, l1_h):
            return number
        _update_coordinate_descent(x.T, ht, w, l1_h, 0.0, case["shuffle"], rng)
    return None


def from_seed(case, x, arrays, count, one_step, whole):
    """The count of a whole fit from the seed, and how far the start's own spread carries after a step."""
    if whole(x) != count:
        raise RuntimeError(f"{case['name']}: scikit-learn disagrees with itself about its own start")
    counts, spread = [count], 0.0
    for number in range(PERTURBED_RUNS):
        near = perturbed(np.random.RandomState(number), x)
        counts.append(whole(near))
        spread = max([spread] + [moved(other, arrays[name]) for name, other in one_step(near).items()])
    return dict(count=[count, min(counts), max(counts)], spread=short(spread))


def short(value):
    return float(f"{value:.3g}")


def finite(arrays):
    return all(np.isfinite(a).all() for a in arrays.values())


def measure(case, x, start, arrays, counts, again):
    """Spread of the arrays and of the loss, and the least and the most counts, over perturbed runs of `again`."""
    steps = sorted({int(name[1:]) for name in arrays if name[1:].isdigit() and name[1:] != "0"})
    spread, loss_spread = {str(s): 0.0 for s in steps}, 0.0
    least, most = list(counts), list(counts)
    target = divergence(x, arrays["W"], arrays["H"], case["beta"])
    for number in range(PERTURBED_RUNS):
        shaken = np.random.RandomState(number)
        near = None if start is None else tuple(perturbed(shaken, a) for a in start)
        other, other_counts = again(perturbed(shaken, x), near)
        if not finite(other):
            spread, loss_spread = dict.fromkeys(spread, 1e300), 1e300
            break
        for s in steps:
            names = [f"{factor}{s}" for factor in "WH" if f"{factor}{s}" in arrays]
            spread[str(s)] = max([spread[str(s)]] + [moved(other[a], arrays[a]) for a in names])
        if 0.0 < target < np.inf:
            off = abs(divergence(x, other["W"], other["H"], case["beta"]) - target) / target
            loss_spread = max(loss_spread, off)
        least = [min(a, b) for a, b in zip(least, other_counts)]
        most = [max(a, b) for a, b in zip(most, other_counts)]
    return {s: short(v) for s, v in spread.items()}, short(loss_spread), least, most


def run(case):
    """The arrays of the case's file; what belongs into the listing is added to the case."""
    x, start = data_of(case)
    spread = dict(start=0.0, zeros=0, steps={}, loss=0.0)
    if start is None:
        start = generated_start(case, x, random_state(case))
        spread["start"], spread["zeros"] = start_spread(case, x, start, generated_start)
    case |= dict(exception=None, stale=None, transform=None, from_seed=None, reconstruction_err=None, spread=spread)
    if not finite(dict(enumerate(start))):
        case["exception"] = NON_FINITE
        return dict(X=full(x), W0=start[0], H0=start[1])
    given = None if steps_from_seed(case) else start
    case["steps_from"] = "seed" if given is None else "start"
    arrays, n_iter, error = results(case, x, given)
    least = most = n_iter
    if not finite(arrays) or not np.isfinite(error):
        case["exception"] = NON_FINITE
        error = None
    elif case["data"] == "tiny":
        case["exception"] = BELOW_EPSILON
    else:
        steps, loss, least, most = measure(
            case, x, given, arrays, n_iter, lambda x, s: results(case, x, s)[:2]
        )
        spread.update(steps=steps, loss=loss)
        if case["init"] != "custom":
            case["from_seed"] = from_seed(
                case,
                x,
                arrays,
                n_iter[-1],
                lambda x: dict(zip(("W1", "H1"), fit(case, x, None, 0.0, 1))),
                lambda x: int(fit(case, x, None, TOLS[-1], case["max_iter"])[2].n_iter_),
            )
        arrays["WT"], case["transform"] = transform(case, x, arrays["H"])
        if case["solver"] == "cd":
            case["stale"] = first_stale(case, x, start, n_iter[-1])
    case["n_iter_at"] = [list(row) for row in zip(TOLS, n_iter, least, most)]
    case["reconstruction_err"] = error
    return dict(X=full(x), W0=start[0], H0=start[1]) | {k: a for k, a in arrays.items() if a is not None}
