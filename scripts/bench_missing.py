#!/usr/bin/env python3
"""What missing entries and weights cost, beside a fit without them; prints a table.

Data: max(0, W·H + E) with exponential factors of which half the entries are 0, normal E of 5 % of ‖WH‖, from numpy's
RandomState(0); entries are missing at random by RandomState(1). Each row is the median of three, the two sides in turn.
"""

import time

import numpy as np
import scipy.sparse as sp
from orthant import NMF


def planted(m, n, k, dtype=np.float32):
    r = np.random.RandomState(0)
    part = lambda *shape: r.exponential(size=shape) * (r.random_sample(shape) < 0.5)
    wh = part(m, k) @ part(k, n)
    return np.maximum(0, wh + 0.05 * np.sqrt((wh**2).mean()) * r.standard_normal((m, n))).astype(dtype)


def holes(X, share):
    out = X.copy()
    out[np.random.RandomState(1).random_sample(X.shape) < share] = np.nan
    return out


def timed(*calls):
    """Medians of the seconds of each, and what the last of each returned."""
    seconds, results = [[] for _ in calls], [None] * len(calls)
    for _ in range(3):
        for i, call in enumerate(calls):
            began = time.perf_counter()
            results[i] = call()
            seconds[i].append(time.perf_counter() - began)
    return [float(np.median(s)) for s in seconds], results


def to_loss(X, k, target, **options):
    """A fit that ends once its objective is at most the target."""
    def reached(it):
        return it.objective <= target

    def fit():
        model = NMF(k, random_state=0, tol=0, max_iter=2000, callback=reached, **options)
        model.fit(X)
        return model

    return fit


def row(what, a, b, note):
    print(f"| {what} | {a:.3f} s | {b:.3f} s | {b / a:.2f}× | {note} |", flush=True)


def main():
    print("| case | without | with | ratio | losses |\n|---|---|---|---|---|")
    X = planted(2000, 2000, 32)
    N = holes(X, 0.05)
    seen = 1 - np.isnan(N).mean()
    # 1 % above where a long fit ends, of each
    plain = NMF(32, solver="auto", random_state=0, tol=1e-7, max_iter=2000).fit(X).reconstruction_err_ ** 2 / 2
    partial = NMF(32, solver="auto", random_state=0, tol=1e-7, max_iter=2000, missing="nan").fit(N).reconstruction_err_ ** 2 / 2
    options = {"solver": "auto"}
    (a, b), (p, q) = timed(
        to_loss(X, 32, 1.01 * plain, **options), to_loss(N, 32, 1.01 * partial, missing="nan", **options)
    )
    note = f"to 1.01 of {plain:.0f} in {p.n_iter_}; of {partial:.0f}, {seen:.3f} of the entries, in {q.n_iter_} iterations"
    row("2000×2000, k = 32, 5 % NaN, auto, to equal loss", a, b, note)

    def iterations(X, k, count, **options):
        return lambda: NMF(k, random_state=0, init="random", tol=0, max_iter=count, **options).fit(X)

    for solver in ("mm", "newton"):
        args = {"solver": solver, "beta_loss": "kullback-leibler"}
        (a, b), _ = timed(iterations(X, 32, 20, **args), iterations(N, 32, 20, missing="nan", **args))
        row(f"the same, Kullback–Leibler, {solver}, 20 iterations", a, b, "")

    m, n, k, count = 5000, 10000, 20, 8_300_000
    r = np.random.RandomState(2)
    at = np.sort(r.permutation(np.unique(r.randint(0, m * n, int(count * 1.095))))[:count])
    w, h = r.exponential(size=(m, k)), r.exponential(size=(n, k))
    rows, cols = at // n, at % n
    values = np.concatenate([np.einsum("ij,ij->i", w[i], h[j]) for i, j in zip(np.array_split(rows, 50), np.array_split(cols, 50))])
    V = sp.csr_matrix((values.astype(np.float32), (rows, cols)), shape=(m, n))
    (a, b), (p, q) = timed(
        iterations(V, k, 20, solver="hals"), iterations(V, k, 20, solver="hals", missing="zeros")
    )
    row(f"{m}×{n} sparse, {V.nnz} entries, k = {k}, zeros missing, hals, 20 iterations", a, b, f"‖error‖ {q.reconstruction_err_:.0f} of {np.linalg.norm(values):.0f} where observed")
    args = {"solver": "newton", "beta_loss": "kullback-leibler"}
    (a, b), _ = timed(iterations(V, k, 10, **args), iterations(V, k, 10, missing="zeros", **args))
    row("the same, Kullback–Leibler, newton, 10 iterations", a, b, "")

    # uncertainties: to the objective at which the multiplicative rule (LS-NMF) ends
    A, U = planted(657, 26, 7, np.float64) + 0.01, 0.05 + np.random.RandomState(3).exponential(size=(657, 26))
    omega = 1 / U**2
    weighted = lambda model: model.fit(A, entry_weight=omega)
    for k in (6, 8):
        slow = lambda: weighted(NMF(k, solver="mu", init="random", random_state=0, tol=0, max_iter=5000))
        target = slow().reconstruction_err_ ** 2 / 2
        fast = lambda: weighted(
            NMF(k, solver="auto", init="random", random_state=0, tol=0, max_iter=5000, callback=lambda it: it.objective <= target)
        )
        (a, b), (p, q) = timed(slow, fast)
        row(f"657×26 with uncertainties, k = {k}: mu (LS-NMF), 5000 iterations, and auto to its objective", a, b,
            f"{target:.1f}, {q.reconstruction_err_**2 / 2:.1f} in {q.n_iter_} iterations")


if __name__ == "__main__":
    main()
