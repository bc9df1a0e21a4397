"""What scikit-learn's MiniBatchNMF makes of a case: a fit, or a sequence of partial fits."""

import numpy as np
from data import data_of, full, handed, moved, perturbed
from fits import (
    BELOW_EPSILON,
    NON_FINITE,
    PERTURBED_RUNS,
    finite,
    from_seed,
    generated_start,
    init_of,
    measure,
    penalties,
    random_state,
    short,
    start_spread,
)
from sklearn.decomposition import MiniBatchNMF

TOLS = [1e-2, 1e-4]


def model_of(case, tol, max_iter, **options):
    options = (
        dict(
            n_components=case["k"],
            init=init_of(case),
            beta_loss=case["beta"],
            tol=tol,
            max_iter=max_iter,
            batch_size=case["batch_size"],
            forget_factor=case["forget_factor"],
            fresh_restarts=case["fresh_restarts"],
            max_no_improvement=case["max_no_improvement"],
            random_state=random_state(case),
        )
        | penalties(case)
        | options
    )
    return MiniBatchNMF(**options)


def fit(case, x, start, tol, max_iter, **options):
    """One fit from a copy of the start, or without one from the seed."""
    x = handed(case, x)
    if start is None:
        model = model_of(case, tol, max_iter, **options)
        w = model.fit_transform(x)
    else:
        model = model_of(case, tol, max_iter, init="custom", **options)
        w = model.fit_transform(x, W=start[0].copy(), H=start[1].copy())
    return np.ascontiguousarray(w), np.ascontiguousarray(model.components_), model


def whole_fit(case, x, start):
    """W and H after 1 and 3 passes over X without a criterion and after the whole fit, steps at every tolerance."""
    w1, h1, _ = fit(case, x, start, 0.0, 1, max_no_improvement=None)
    w3, h3, _ = fit(case, x, start, 0.0, 3, max_no_improvement=None)
    whole = [fit(case, x, start, tol, case["max_iter"]) for tol in TOLS]
    w, h, model = whole[-1]
    arrays = dict(W1=w1, H1=h1, W3=w3, H3=h3, W=w, H=h)
    return arrays, [int(m.n_steps_) for _, _, m in whole], model


def partial_fits(case, x, start):
    """H after the first batch, the third and the last, and the weights of all of X for the last H."""
    model = model_of(case, TOLS[-1], case["max_iter"], **({} if start is None else dict(init="custom")))
    arrays, first = {}, 0
    x = handed(case, x)
    for number, rows in enumerate(case["batches"], start=1):
        given = dict(W=start[0].copy(), H=start[1].copy()) if number == 1 and start is not None else {}
        model.partial_fit(x[first : first + rows], **given)
        if number in (1, 3):
            arrays[f"H{number}"] = np.ascontiguousarray(model.components_.copy())
        first += rows
    arrays["H"] = np.ascontiguousarray(model.components_.copy())
    arrays["W"] = np.ascontiguousarray(model.transform(x))
    return arrays, [int(model.n_steps_)], model


def transform(case, x, model):
    """scikit-learn's transform of X by the fitted model, and its spread."""
    x = handed(case, x)
    w = np.ascontiguousarray(model.transform(x))
    if not np.isfinite(w).all():
        return w, dict(spread=0.0, exception=NON_FINITE)
    spread, h = 0.0, model.components_
    for number in range(PERTURBED_RUNS):
        shaken = np.random.RandomState(number)
        model.components_ = perturbed(shaken, h)
        spread = max(spread, moved(model.transform(perturbed(shaken, x)), w))
    return w, dict(spread=short(spread), exception=None)


def one_step_from_seed(case, x):
    """What `from_seed` looks at: W and H after a pass, or H after a batch."""
    if case["batches"]:
        return dict(H1=partial_fits(case | dict(batches=case["batches"][:1]), x, None)[0]["H1"])
    return dict(zip(("W1", "H1"), fit(case, x, None, 0.0, 1, max_no_improvement=None)))


def steps_from_seed(case, x):
    if case["batches"]:
        return int(partial_fits(case, x, None)[2].n_steps_)
    return int(fit(case, x, None, TOLS[-1], case["max_iter"])[2].n_steps_)


def run(case):
    """The arrays of the case's file; what belongs into the listing is added to the case."""
    x, start = data_of(case)
    first = x[: case["batches"][0]] if case["batches"] else x
    spread = dict(start=0.0, zeros=0, steps={}, loss=0.0)
    if start is None:
        start = generated_start(case, first, random_state(case))
        spread["start"], spread["zeros"] = start_spread(case, first, start, generated_start)
    case |= dict(exception=None, transform=None, from_seed=None, n_iter=None, reconstruction_err=None, spread=spread)
    if not finite(dict(enumerate(start))):
        case["exception"] = NON_FINITE
        return dict(X=full(x), W0=start[0], H0=start[1])
    results = partial_fits if case["batches"] else whole_fit
    arrays, n_steps, model = results(case, x, start)
    error = None if case["batches"] else float(model.reconstruction_err_)
    case["n_iter"] = None if case["batches"] else int(model.n_iter_)
    least = most = n_steps
    if not finite(arrays) or (error is not None and not np.isfinite(error)):
        case["exception"] = NON_FINITE
        error = None
    elif case["data"] == "tiny":
        case["exception"] = BELOW_EPSILON
    else:
        steps, loss, least, most = measure(
            case, x, start, arrays, n_steps, lambda x, s: results(case, x, s)[:2]
        )
        spread.update(steps=steps, loss=loss)
        if case["init"] != "custom":
            case["from_seed"] = from_seed(
                case,
                x,
                arrays,
                n_steps[-1],
                lambda x: one_step_from_seed(case, x),
                lambda x: steps_from_seed(case, x),
            )
        arrays["WT"], case["transform"] = transform(case, x, model)
    tols = TOLS if not case["batches"] else TOLS[-1:]
    case["n_steps_at"] = [list(row) for row in zip(tols, n_steps, least, most)]
    case["reconstruction_err"] = error
    return dict(X=full(x), W0=start[0], H0=start[1]) | arrays
