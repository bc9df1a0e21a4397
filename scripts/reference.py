#!/usr/bin/env python3
"""Write scikit-learn's factorisations as reference cases for the parity tests.

    reference.py --committed DIR    the small set kept in the repository (under 400 KB)
    reference.py --live DIR         the large set that scripts/test makes on the spot

DIR gets `cases.json`, a list with one entry a case, and one npz file a case:

    X             the data, C or Fortran order, float64 or float32
    W0 H0         the start
    W1 H1, W5 H5  after 1 and after 5 iterations with tol=0
    W H           after a whole fit, tol=1e-4 and max_iter=200

The penalties' weights, the number of iterations of the whole fit and its reconstruction error are in the
list, and in `n_iter_at` the numbers of iterations at this and at looser tolerances, since many fits use all 200
at 1e-4. A case with `"init": "random"` was started by scikit-learn itself from the integer `seed`; W0 and H0
are then what its generator gave. Every number follows from this file and the pinned versions.

How well a case is determined is measured, not assumed: each is run again with every entry of X, W0 and H0
changed at random by at most one unit in the last place. `spread` says how far scikit-learn's own W and H then
moved (after 1 step, after 5, and the loss of the whole fit), and `n_iter_at` has the least and the most
iterations of these runs beside the first one's. `stale` is the first iteration in which scikit-learn skipped a
coordinate for its zero Hessian although an L1 penalty on it puts the minimum at 0, so that a value from before
stays (null if that never happens).
"""

import argparse
import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.decomposition import NMF
from sklearn.decomposition._nmf import _initialize_nmf, _update_coordinate_descent
from sklearn.exceptions import ConvergenceWarning

TOL = 1e-4
MAX_ITER = 200
TOLS = [1e-1, 1e-2, 1e-3, TOL]
PERTURBED_RUNS = 3

# (name, alpha_W, alpha_H, l1_ratio); alphas are short decimals, so that they survive text unchanged.
PENALTIES = [
    ("none", 0.0, 0.0, 0.0),
    ("l1-both", 0.002, 0.002, 1.0),
    ("l2-both", 0.003, 0.003, 0.0),
    ("mixed-both", 0.002, 0.001, 0.5),
    ("none", 0.0, 0.0, 0.0),
    ("l1-w", 0.002, 0.0, 1.0),
    ("l1-h", 0.0, 0.002, 1.0),
    ("l2-w", 0.003, 0.0, 0.0),
    ("none", 0.0, 0.0, 0.0),
    ("l2-h", 0.0, 0.003, 0.0),
    ("mixed-w", 0.002, 0.0, 0.25),
    ("mixed-h", 0.0, 0.002, 0.75),
]


def planted(rng, m, n, k):
    w = rng.gamma(1.0, size=(m, k)) * (rng.uniform(size=(m, k)) < 0.5)
    h = rng.gamma(1.0, size=(k, n)) * (rng.uniform(size=(k, n)) < 0.5)
    x = w @ h
    noise = rng.standard_normal(size=x.shape)
    x += noise * (0.1 * np.linalg.norm(x) / max(np.linalg.norm(noise), 1e-300))
    return np.maximum(x, 0.0)


def make_data(rng, kind, m, n, k):
    if kind == "uniform":
        return rng.uniform(size=(m, n))
    if kind == "planted":
        return planted(rng, m, n, k)
    if kind == "sparse":
        return rng.exponential(size=(m, n)) * (rng.uniform(size=(m, n)) < 0.2)
    if kind == "counts":
        return rng.poisson(3.0, size=(m, n)).astype(np.float64)
    if kind == "wide":
        return 10.0 ** rng.uniform(-3.0, 3.0, size=(m, n))
    if kind == "zero-lines":
        x = rng.uniform(size=(m, n))
        x[rng.uniform(size=m) < 0.2] = 0.0
        x[:, rng.uniform(size=n) < 0.2] = 0.0
        x[0, 0] = 1.0  # not all zero
        return x
    raise ValueError(kind)


def make_start(rng, x, k, zeros):
    m, n = x.shape
    scale = 2.0 * np.sqrt(x.mean() / k)
    w, h = scale * rng.uniform(size=(m, k)), scale * rng.uniform(size=(k, n))
    if zeros:
        w[rng.uniform(size=w.shape) < 0.2] = 0.0
        h[rng.uniform(size=h.shape) < 0.2] = 0.0
    return w, h


def run(case, x, w0, h0, tol, max_iter, **options):
    """One call of scikit-learn, on copies: its solvers overwrite the start they are given."""
    model = NMF(
        n_components=case["k"],
        solver=case["solver"],
        tol=tol,
        max_iter=max_iter,
        alpha_W=case["alpha_w"],
        alpha_H=case["alpha_h"],
        l1_ratio=case["l1_ratio"],
        **options,
    )
    if w0 is None:
        w = model.fit_transform(x)
    else:
        w = model.fit_transform(x, W=w0.copy(), H=h0.copy())
    return np.ascontiguousarray(w), np.ascontiguousarray(model.components_), model


def results(case, x, w0, h0):
    """Factors after 1 and 5 steps and after the whole fit, and the iterations at every tolerance."""
    w1, h1, _ = run(case, x, w0, h0, 0.0, 1, init="custom")
    w5, h5, _ = run(case, x, w0, h0, 0.0, 5, init="custom")
    whole = [run(case, x, w0, h0, tol, MAX_ITER, init="custom") for tol in TOLS]
    w, h, model = whole[-1]
    n_iter = [int(m.n_iter_) for _, _, m in whole]
    return dict(W1=w1, H1=h1, W5=w5, H5=h5, W=w, H=h), n_iter, float(model.reconstruction_err_)


def loss(x, w, h):
    residual = x.astype(np.float64) - w.astype(np.float64) @ h.astype(np.float64)
    return 0.5 * float(np.vdot(residual, residual))


def moved(a, reference):
    largest = float(np.abs(a.astype(np.float64) - reference).max())
    return 0.0 if largest == 0.0 else largest / max(float(np.abs(reference).max()), 1e-300)


def perturbed(rng, a):
    """Every entry changed by at most one unit in the last place; zeros stay, and so does the memory order."""
    out = a.copy(order="K")
    out *= 1.0 + np.finfo(a.dtype).eps * rng.randint(-1, 2, size=a.shape).astype(a.dtype)
    return out


def first_stale(case, x, w0, h0, n_iter):
    """The first iteration that leaves a coordinate with zero Hessian and an L1 penalty where it is."""
    m, n = x.shape
    l1_w, l2_w = n * case["alpha_w"] * case["l1_ratio"], n * case["alpha_w"] * (1.0 - case["l1_ratio"])
    l1_h, l2_h = m * case["alpha_h"] * case["l1_ratio"], m * case["alpha_h"] * (1.0 - case["l1_ratio"])
    w, ht = np.ascontiguousarray(w0.copy()), np.ascontiguousarray(h0.T.copy())

    def stale(old, other, l1, l2):
        dead = (other == 0.0).all(axis=0)
        return l1 > 0.0 and l2 == 0.0 and bool((old[:, dead] > 0.0).any())

    for number in range(1, n_iter + 1):
        if stale(w, ht, l1_w, l2_w):
            return number
        _update_coordinate_descent(x, w, ht, l1_w, l2_w, False, None)
        if stale(ht, w, l1_h, l2_h):
            return number
        _update_coordinate_descent(x.T, ht, w, l1_h, l2_h, False, None)
    return None


def write(folder, case):
    rng = np.random.RandomState(case["seed"])
    m, n, k = case["m"], case["n"], case["k"]
    dtype = np.dtype(case["dtype"])
    x = make_data(rng, case["data"], m, n, k).astype(dtype)
    x = np.asfortranarray(x) if case["order"] == "F" else np.ascontiguousarray(x)
    if case["init"] == "random":
        w0, h0 = _initialize_nmf(x, k, init="random", random_state=case["seed"])
        _, _, own = run(case, x, None, None, TOL, MAX_ITER, init="random", random_state=case["seed"])
    else:
        w0, h0 = (a.astype(dtype) for a in make_start(rng, x, k, case["start_zeros"]))
    arrays, n_iter, error = results(case, x, w0, h0)
    for name, a in arrays.items():
        if not np.isfinite(a).all():
            raise SystemExit(f"{case['name']}: scikit-learn returned entries of {name} that are not finite")
    if case["init"] == "random" and own.n_iter_ != n_iter[-1]:
        raise SystemExit(f"{case['name']}: scikit-learn disagrees with itself about its own start")

    spread = dict(one=0.0, five=0.0, loss=0.0)
    least, most = list(n_iter), list(n_iter)
    target = loss(x, arrays["W"], arrays["H"])
    for number in range(PERTURBED_RUNS):
        shaken = np.random.RandomState(number)
        other, other_n_iter, _ = results(case, *(perturbed(shaken, a) for a in (x, w0, h0)))
        for key, names in (("one", ("W1", "H1")), ("five", ("W5", "H5"))):
            spread[key] = max([spread[key]] + [moved(other[a], arrays[a]) for a in names])
        if target > 0.0:
            spread["loss"] = max(spread["loss"], abs(loss(x, other["W"], other["H"]) - target) / target)
        least = [min(a, b) for a, b in zip(least, other_n_iter)]
        most = [max(a, b) for a, b in zip(most, other_n_iter)]

    np.savez_compressed(folder / f"{case['name']}.npz", X=x, W0=w0, H0=h0, **arrays)
    case["max_iter"] = MAX_ITER
    case["n_iter_at"] = [list(row) for row in zip(TOLS, n_iter, least, most)]
    case["reconstruction_err"] = error
    case["spread"] = {key: float(f"{value:.3g}") for key, value in spread.items()}
    case["stale"] = first_stale(case, x, w0, h0, n_iter[-1]) if case["solver"] == "cd" else None


def case(number, solver, dtype, order, m, n, k, penalty, data, init, start_zeros=False, big=False):
    name, alpha_w, alpha_h, l1_ratio = penalty
    if big:  # the weights grow with m and n; keep the penalties from emptying the factors
        alpha_w, alpha_h = alpha_w / 10, alpha_h / 10
    return dict(
        name=f"{number:03}-{solver}-{dtype}-{order}-{init}-{name}",
        solver=solver,
        dtype=dtype,
        order=order,
        m=m,
        n=n,
        k=k,
        alpha_w=float(f"{alpha_w:.6g}"),
        alpha_h=float(f"{alpha_h:.6g}"),
        l1_ratio=l1_ratio,
        data=data,
        init=init,
        start_zeros=start_zeros,
        seed=1000 + number,
    )


def committed_cases():
    none, l1, l2, mixed = PENALTIES[0], PENALTIES[1], PENALTIES[2], PENALTIES[3]
    f64, f32 = "float64", "float32"
    rows = [
        ("cd", f64, "C", 13, 9, 3, none, "uniform", "custom", False),
        ("cd", f64, "C", 17, 23, 5, l1, "uniform", "custom", True),
        ("cd", f64, "C", 21, 11, 4, l2, "planted", "custom", False),
        ("cd", f64, "C", 19, 14, 7, mixed, "planted", "custom", True),
        ("cd", f64, "F", 13, 9, 3, none, "uniform", "custom", True),
        ("cd", f64, "F", 22, 15, 5, PENALTIES[5], "sparse", "custom", False),
        ("cd", f64, "F", 15, 26, 6, PENALTIES[6], "planted", "custom", True),
        ("cd", f64, "C", 24, 10, 9, PENALTIES[7], "counts", "custom", False),
        ("cd", f64, "F", 9, 24, 9, PENALTIES[9], "counts", "custom", False),
        ("cd", f64, "C", 1, 12, 1, none, "uniform", "custom", False),
        ("cd", f64, "C", 12, 1, 2, none, "uniform", "custom", False),
        ("cd", f64, "C", 5, 4, 7, mixed, "uniform", "custom", False),
        ("cd", f64, "C", 16, 12, 3, none, "zero-lines", "custom", False),
        ("cd", f64, "C", 18, 16, 4, none, "wide", "custom", False),
        ("cd", f64, "C", 20, 15, 4, none, "uniform", "random", False),
        ("cd", f64, "F", 15, 20, 6, mixed, "planted", "random", False),
        ("mu", f64, "C", 13, 9, 3, none, "uniform", "custom", False),
        ("mu", f64, "F", 17, 12, 5, l1, "planted", "custom", True),
        ("mu", f64, "C", 11, 19, 4, l2, "counts", "custom", False),
        ("mu", f64, "C", 14, 12, 4, mixed, "sparse", "random", False),
        ("cd", f32, "C", 16, 13, 4, none, "uniform", "custom", True),
        ("cd", f32, "F", 20, 11, 5, mixed, "planted", "custom", False),
        ("cd", f32, "C", 13, 17, 3, none, "uniform", "random", False),
        ("mu", f32, "C", 12, 14, 4, l1, "planted", "custom", False),
    ]
    return [case(i + 1, *row) for i, row in enumerate(rows)]


def live_cases(count_cd, count_mu, count_f32):
    rng = np.random.RandomState(20)
    kinds = ["uniform", "planted", "sparse", "counts", "wide", "zero-lines"]
    cases = []

    def add(solver, dtype, i, big):
        penalty = PENALTIES[i % len(PENALTIES)]
        kind = kinds[(i // len(PENALTIES) + i) % len(kinds)]
        if big:  # Fortran order, no multiple of 8
            m, n, order = rng.randint(301, 420), rng.randint(301, 420), "F"
            k = rng.choice([5, 7, 9, 11, 13, 17, 21, 27, 30, 33])
        else:
            m, n, order = rng.randint(1, 120), rng.randint(1, 120), "CF"[rng.randint(2)]
            k = rng.randint(1, 20)
        init = "random" if i % 5 == 4 else "custom"
        cases.append(
            case(len(cases) + 1, solver, dtype, order, int(m), int(n), int(k), penalty, kind, init, i % 3 == 0, big)
        )

    for i in range(count_cd):
        add("cd", "float64", i, i % 4 == 3)
    for i in range(count_mu):
        add("mu", "float64", i, i % 8 == 7)
    for i in range(count_f32):
        add("mu" if i % 4 == 3 else "cd", "float32", i, i % 8 == 6)
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--committed", metavar="DIR", type=pathlib.Path)
    where.add_argument("--live", metavar="DIR", type=pathlib.Path)
    parser.add_argument("--long", action="store_true", help="four times as many live cases")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    folder = options.committed or options.live
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.npz"):
        old.unlink()
    times = 4 if options.long else 1
    cases = committed_cases() if options.committed else live_cases(240 * times, 40 * times, 40 * times)
    for one in cases:
        write(folder, one)
    listing = dict(scikit_learn=sklearn.__version__, numpy=np.__version__, cases=cases)
    (folder / "cases.json").write_text(json.dumps(listing, indent=1) + "\n")
    print(f"{len(cases)} cases of scikit-learn {sklearn.__version__} in {folder}")


if __name__ == "__main__":
    main()
