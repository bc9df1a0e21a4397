#!/usr/bin/env python3
"""What known components, bounds and held-out entries cost, beside a fit without them; prints a table.

Data as in bench_missing.py; the known components are those that the data was made of. Seconds are medians of three, the two sides in
turn: an iteration is a hundredth of what 120 iterations take more than 20. The last row is whole fits.
"""

import numpy as np
from bench_missing import planted, timed
from orthant import NMF, Factor


def iteration(X, k, **options):
    """Seconds of an iteration, by two fits of which one goes on for 100 more."""

    def fits():
        (few, many), _ = timed(*(lambda n=n: fit(X, k, tol=0, max_iter=n, **options) for n in (20, 120)))
        return (many - few) / 100

    return fits


def fit(X, k, **options):
    options = {"solver": "auto", "compress": False, **options}
    return NMF(k, random_state=0, init="random", scale="none", **options).fit(X)


def main():
    print("| case | without | with | ratio |\n|---|---|---|---|")

    def row(what, a, b, digits=4):
        print(f"| {what} | {a:.{digits}f} s | {b:.{digits}f} s | {b / a:.2f}× |", flush=True)

    m, n, k = 3000, 2000, 14
    r = np.random.RandomState(0)
    H, W = r.gamma(0.5, size=(k, n)), r.gamma(0.5, size=(m, k))
    X = W @ H + 0.05 * r.random_sample((m, n))
    known = Factor(fixed=H[:10])
    for order in ("C", "F"):
        A = np.asarray(X, order=order)
        row(
            f"{m}×{n} float64, order {order}, k = {k}, 10 components known, an iteration",
            iteration(A, k)(),
            iteration(A, k, H=known)(),
        )
    kl = {"beta_loss": "kullback-leibler"}
    row("the same, Kullback–Leibler by Newton's steps", iteration(X, k, **kl)(), iteration(X, k, H=known, **kl)())
    bounds = {"W": Factor(upper=1e3), "H": Factor(lower=1e-3, upper=1e3)}
    row("the same, all components free, bounds on both factors", iteration(X, k)(), iteration(X, k, **bounds)())
    P = planted(2000, 2000, 32)
    (a, b), (p, q) = timed(lambda: fit(P, 32, tol=1e-5), lambda: fit(P, 32, tol=1e-5, holdout=0.05))
    row(f"2000×2000 float32, k = 32, 5 % held out, to convergence ({p.n_iter_} and {q.n_iter_} iterations)", a, b, 3)


if __name__ == "__main__":
    main()
