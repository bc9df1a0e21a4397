#!/usr/bin/env python3
"""Write scikit-learn's NNDSVD starts, which the tests of crates/orthant/src/init compare with.

    .venv/bin/python scripts/starts_reference.py > crates/orthant/src/init/nndsvd_reference.txt

A line a case, then W (m×k) and H (k×n), row by row, on a line each, every number as the shortest text that reads
back as itself. The case is

    m n k parts noise dtype init random_state next

where the data follow from m, n, parts and noise as in `data` below, in whole 64ths, so that both sides have them to
the bit; `random_state` is `int` (the integer 3) or `state` (one RandomState(3) for all draws), and `next` is the
first normal number that this RandomState gives after the start (0 for `int`).
"""

import numpy as np
from sklearn.decomposition._nmf import _initialize_nmf

CASES = [
    # m, n, k, parts, noise, dtype
    (8, 6, 3, 3, 4, "float64"),  # a basis larger than the matrix
    (6, 9, 2, 3, 4, "float64"),  # the same, transposed
    (60, 50, 3, 4, 4, "float64"),  # k below a tenth: 7 rounds
    (50, 60, 3, 4, 4, "float64"),
    (40, 30, 5, 6, 4, "float64"),  # not below: 4 rounds
    (31, 45, 6, 6, 4, "float64"),
    (20, 15, 4, 2, 0, "float64"),  # rank 2
    (37, 29, 3, 4, 4, "float32"),
    (29, 37, 2, 4, 4, "float32"),
    # noise alone: the rounds do not settle, so that their number, the draws and the order of the factors all show
    (60, 50, 3, 0, 256, "float64"),
    (40, 64, 5, 0, 256, "float64"),
]
ALL_FILLS = {0, 1, 3, 7, 8}


def data(m, n, parts, noise):
    """Parts of falling weight plus noise, from a linear congruential generator."""
    state = 1

    def draw():
        nonlocal state
        state = (1103515245 * state + 12345) % 2**31
        return state >> 16

    a = [[draw() % 16 if draw() % 3 else 0 for _ in range(parts)] for _ in range(m)]
    b = [[draw() % 16 if draw() % 3 else 0 for _ in range(parts)] for _ in range(n)]
    x = np.empty((m, n))
    for i in range(m):
        for j in range(n):
            exact = sum(2 ** (parts - t) * a[i][t] * b[j][t] for t in range(parts))
            x[i, j] = (exact + (draw() % noise if noise else 0)) / 64
    return x


def text(x):
    return " ".join(repr(float(x)) for x in np.asarray(x).ravel())


for number, (m, n, k, parts, noise, dtype) in enumerate(CASES):
    x = data(m, n, parts, noise).astype(dtype)
    for init in ["nndsvd", "nndsvda", "nndsvdar"] if number in ALL_FILLS else ["nndsvd"]:
        for kind in ["int", "state"] if init == "nndsvdar" else ["int"]:
            random_state = 3 if kind == "int" else np.random.RandomState(3)
            w, h = _initialize_nmf(x, k, init=init, random_state=random_state)
            assert w.dtype == h.dtype == x.dtype and np.isfinite(w).all() and np.isfinite(h).all()
            after = 0.0 if kind == "int" else random_state.standard_normal()
            print(m, n, k, parts, noise, dtype, init, kind, repr(float(after)))
            print(text(w))
            print(text(h))
