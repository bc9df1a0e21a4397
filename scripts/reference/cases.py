"""The grid: which cases there are, and which of them the ordinary run and the committed set take.

A case is a dict of plain values; `seed` fixes its data. Cases come in strata of one solver, beta and dtype, each
a product of starts, penalties and shuffles in a fixed order. Every fifth of a stratum is in the ordinary run: 5
divides none of the extents, so that every value, and nearly every pair of values, gets its share.
"""

import itertools

import numpy as np
from data import KINDS, POSITIVE, ZEROS

EVERY = 5
BETAS = [2.0, 1.0, 0.0, 0.5, 1.5, 3.0, -1.0]
INITS = ["custom", "random", "nndsvd", "nndsvda", "nndsvdar", "default"]
# shuffle, and what random_state is
SHUFFLES = [(False, "int"), (True, "int"), (True, "instance")]

# name: (alpha_W, alpha_H, l1_ratio), None for "same". Short decimals, so that they survive text unchanged.
PENALTIES = {
    "none": (0.0, 0.0, 0.0),
    "l1-both": (0.002, 0.002, 1.0),
    "l2-both": (0.003, 0.003, 0.0),
    "mixed-both": (0.002, 0.001, 0.5),
    "same": (0.0015, None, 0.5),
    "l1-w": (0.002, 0.0, 1.0),
    "l2-w": (0.003, 0.0, 0.0),
    "mixed-w": (0.002, 0.0, 0.25),
    "l1-h": (0.0, 0.002, 1.0),
    "l2-h": (0.0, 0.003, 0.0),
    "mixed-h": (0.0, 0.002, 0.75),
}
# for f32 and minibatch, where the whole product would be long
FEW_PENALTIES = ["none", "l1-both", "l2-w", "mixed-h", "none", "same", "l1-w"]


def beta_name(beta):
    return f"{beta:g}"


def case(solver, beta, dtype, order, shape, k, penalty, data, init, **other):
    m, n = shape
    alpha_w, alpha_h, l1_ratio = PENALTIES[penalty]
    if m > 300:  # the weights grow with m and n; keep the penalties from emptying the factors
        alpha_w, alpha_h = alpha_w / 10, None if alpha_h is None else alpha_h / 10
    out = dict(
        solver=solver,
        beta=beta,
        dtype=dtype,
        order=order,
        m=m,
        n=n,
        k=k,
        penalty=penalty,
        alpha_w=float(f"{alpha_w:.6g}"),
        alpha_h=None if alpha_h is None else float(f"{alpha_h:.6g}"),
        l1_ratio=l1_ratio,
        data=data,
        init=init,
        shuffle=False,
        random_state="int",
        start_zeros=False,
        transform_rows=m,
        batches=None,
    )
    return out | other


def named(number, case):
    """The case with its name and its seed, which both say where it stands in its list."""
    parts = [f"{number:04}", case["solver"]]
    if case["solver"] != "cd":
        parts.append(f"beta{beta_name(case['beta'])}")
    parts += ["f64" if case["dtype"] == "float64" else "f32", case["order"], case["init"], case["penalty"]]
    if case["shuffle"]:
        parts.append("shuffle")
    if case["random_state"] == "instance":
        parts.append("instance")
    if case["batches"]:
        parts.append("partial")
    elif case.get("fresh_restarts"):
        parts.append("fresh")
    return dict(name="-".join(parts), seed=1000 + number) | case


def products(solver, beta, dtype):
    """(init, penalty, further options) of one stratum, before sizes and data."""
    full = dtype == "float64"
    some = list(PENALTIES) if full else FEW_PENALTIES[:4]
    if solver == "cd":
        rows = itertools.product(INITS, SHUFFLES, some)
        rows = [(init, penalty, dict(shuffle=s, random_state=r)) for init, (s, r), penalty in rows]
        # the plain ones twice, of other sizes
        return rows + [row for row in rows if full and not row[2]["shuffle"]]
    if solver == "mu":
        rows = list(itertools.product(INITS, some if full else FEW_PENALTIES[:3]))
        return [
            (init, penalty, dict(random_state="instance" if i % 3 == 2 and init != "custom" else "int"))
            for i, (init, penalty) in enumerate(rows)
        ]
    # (fresh_restarts, max_no_improvement, partial_fit)
    ways = [(False, 10, False), (True, None, False), (False, None, True), (False, 3, False), (True, 3, False)]
    ways += [(False, None, False), (True, 10, True)]
    rows = []
    for i in range(14 if full else 5):
        fresh, patience, partial = ways[i % len(ways)]
        options = dict(
            fresh_restarts=fresh,
            max_no_improvement=patience,
            partial=partial,
            forget_factor=[0.7, 0.9, 0.5, 1.0][(i + int(beta)) % 4],
        )
        # starts and penalties at paces of their own, shifted by beta
        shift = BETAS.index(beta)
        rows.append((INITS[(5 * i + shift) % 6], FEW_PENALTIES[(3 * i + shift + i // 7) % 7], options))
    return rows


def unequal_batches(rng, m, at_least):
    """Three to six batches that make up m rows, the first of at least so many."""
    count = rng.randint(3, 7)
    first = max(at_least, int(0.3 * m))
    rest = m - first
    cuts = np.sort(rng.choice(np.arange(1, rest), size=count - 2, replace=False))
    return [int(first)] + [int(b) for b in np.diff(np.concatenate([[0], cuts, [rest]]))]


def sized(rng, solver, beta, dtype, init, penalty, options, big):
    """The case with a shape, data and what depends on them."""
    mini = solver == "minibatch"
    svd = init.startswith("nndsvd")
    if big:  # Fortran order, no multiple of 8
        m, n, order = rng.randint(301, 420), rng.randint(301, 420), "F"
        k = rng.choice([5, 7, 9, 11, 13, 17, 21, 27, 30, 33])
    else:
        m, n, order = rng.randint(1, 120), rng.randint(1, 120), "CF"[rng.randint(2)]
        if mini:
            m = max(m, 24)
        k = rng.randint(1, 20)
        if svd:
            k = min(k, m, n)
    kinds = KINDS if beta > 0.0 else POSITIVE
    other = dict(options)
    other["start_zeros"] = bool(rng.randint(3) == 0) and init == "custom"
    other["transform_rows"] = int(m if rng.randint(2) else (m + 1) // 2)
    if mini:
        other["batch_size"] = int(rng.choice([64, 100, 128]) if big else rng.randint(8, max(9, m // 2)))
        partial = other.pop("partial")
        passes = (3, 10) if big else (20, 80)
        other["max_iter"] = passes[0] if other["fresh_restarts"] else passes[1]
        if partial:
            if not big:
                k = min(k, m // 3, n) if svd else min(k, m // 3)
            other["batches"] = unequal_batches(rng, m, int(k))
    elif solver == "cd":
        other["max_iter"] = 200
    elif big:
        other["max_iter"] = 100 if beta in (1.0, 2.0) else 60
    else:
        other["max_iter"] = 200 if beta in (1.0, 2.0) else 120
    data = kinds[rng.randint(len(kinds))]
    return case(solver, beta, dtype, order, (int(m), int(n)), int(k), penalty, data, init, **other)


def all_cases():
    """The whole grid, and for each of its cases whether the ordinary run has it."""
    strata = [("cd", 2.0, "float64"), ("cd", 2.0, "float32")]
    strata += [(s, b, d) for s in ("mu", "minibatch") for d in ("float64", "float32") for b in BETAS]
    cases = []
    for at, (solver, beta, dtype) in enumerate(strata):
        rng = np.random.RandomState(100 + at)
        for i, (init, penalty, options) in enumerate(products(solver, beta, dtype)):
            # a quarter is big, of the ordinary run as of the rest, and another one in each stratum
            big = (i // EVERY + i % EVERY) % 4 == (at + at // 4) % 4
            one = sized(rng, solver, beta, dtype, init, penalty, options, big)
            # of the data with zeros every other case is given as sparse
            if one["data"] in ZEROS and i % 4 in (1, 3):
                one["order"] = "csr" if i % 4 == 1 else "csc"
            cases.append((one, i % EVERY == at % EVERY))
    for solver, beta in (("mu", 1.0), ("mu", 2.0), ("mu", 0.5)):
        tiny = case(solver, beta, "float64", "C", (20, 15), 4, "none", "tiny", "random", max_iter=100)
        cases.append((tiny, beta == 1.0))
    return [(named(i + 1, one), live) for i, (one, live) in enumerate(cases)]


def live_cases():
    return [one for one, live in all_cases() if live]


def long_cases():
    return [one for one, _ in all_cases()]


def committed_cases():
    """Small ones, of every solver, beta, start, shuffle and way through MiniBatchNMF."""
    f64, f32 = "float64", "float32"

    def cd(dtype, order, m, n, k, penalty, data, init, zeros=False, shuffle=False, random_state="int"):
        options = dict(start_zeros=zeros, shuffle=shuffle, random_state=random_state, max_iter=200)
        options["transform_rows"] = m if k % 2 else (m + 1) // 2
        return case("cd", 2.0, dtype, order, (m, n), k, penalty, data, init, **options)

    def mu(beta, dtype, order, m, n, k, penalty, data, init, zeros=False, random_state="int"):
        options = dict(start_zeros=zeros, random_state=random_state, max_iter=200 if beta in (1.0, 2.0) else 100)
        options["transform_rows"] = m if k % 2 else (m + 1) // 2
        return case("mu", beta, dtype, order, (m, n), k, penalty, data, init, **options)

    def mini(beta, dtype, m, n, k, penalty, data, init, fresh, patience, batch, forget=0.7, batches=None, order="C"):
        options = dict(batch_size=batch, forget_factor=forget, fresh_restarts=fresh, max_no_improvement=patience)
        options |= dict(batches=batches, max_iter=15 if fresh else 60)
        return case("minibatch", beta, dtype, order, (m, n), k, penalty, data, init, **options)

    cases = [
        cd(f64, "C", 13, 9, 3, "none", "uniform", "custom"),
        cd(f64, "C", 17, 23, 5, "l1-both", "uniform", "custom", zeros=True),
        cd(f64, "F", 21, 11, 4, "l2-both", "planted", "custom"),
        cd(f64, "C", 19, 14, 7, "mixed-both", "planted", "custom", zeros=True),
        cd(f64, "F", 22, 15, 5, "l1-w", "sparse", "custom"),
        cd(f64, "F", 15, 26, 6, "l1-h", "planted", "custom", zeros=True),
        cd(f64, "C", 1, 12, 1, "none", "uniform", "custom"),
        cd(f64, "C", 12, 1, 2, "none", "uniform", "custom"),
        cd(f64, "C", 5, 4, 7, "mixed-both", "uniform", "default"),
        cd(f64, "C", 16, 12, 3, "none", "zero-lines", "custom"),
        cd(f64, "C", 18, 16, 4, "none", "wide", "custom"),
        cd(f64, "C", 20, 15, 4, "none", "uniform", "random"),
        cd(f64, "F", 15, 20, 6, "same", "planted", "random", shuffle=True, random_state="instance"),
        cd(f64, "C", 14, 17, 5, "none", "uniform", "custom", shuffle=True),
        cd(f64, "C", 17, 13, 4, "l2-w", "counts", "nndsvd"),
        cd(f64, "F", 13, 18, 5, "mixed-h", "sparse", "nndsvda", shuffle=True),
        cd(f64, "C", 18, 12, 3, "none", "planted", "nndsvdar", shuffle=True, random_state="instance"),
        cd(f64, "C", 12, 14, 6, "l2-h", "counts", "default"),
        cd(f32, "C", 16, 13, 4, "none", "uniform", "custom", zeros=True),
        cd(f32, "F", 20, 11, 5, "mixed-both", "planted", "nndsvda"),
        cd(f32, "C", 13, 17, 3, "none", "uniform", "random", shuffle=True),
        mu(2.0, f64, "C", 13, 9, 3, "none", "uniform", "custom"),
        mu(2.0, f64, "F", 17, 12, 5, "l1-both", "planted", "default"),
        mu(2.0, f64, "C", 11, 19, 4, "l2-both", "counts", "nndsvd"),
        mu(1.0, f64, "C", 14, 12, 4, "none", "counts", "custom"),
        mu(1.0, f64, "F", 12, 16, 3, "mixed-both", "sparse", "random"),
        mu(1.0, f64, "C", 15, 11, 5, "l2-h", "planted", "nndsvdar", random_state="instance"),
        mu(0.0, f64, "C", 13, 11, 3, "none", "uniform+", "custom"),
        mu(0.0, f64, "F", 12, 14, 4, "l1-h", "gamma", "nndsvda"),
        mu(0.5, f64, "C", 11, 13, 4, "l2-w", "counts", "random"),
        mu(0.5, f64, "F", 14, 10, 3, "none", "planted+", "nndsvd"),
        mu(1.5, f64, "C", 13, 12, 4, "same", "planted", "custom", zeros=True),
        mu(1.5, f64, "C", 10, 14, 3, "none", "sparse", "nndsvda"),
        mu(3.0, f64, "C", 12, 11, 3, "mixed-w", "uniform", "random"),
        mu(3.0, f64, "F", 11, 13, 4, "none", "counts", "default"),
        mu(-1.0, f64, "C", 12, 10, 3, "none", "uniform+", "random"),
        mu(-1.0, f64, "F", 10, 12, 2, "l2-both", "counts+", "custom"),
        mu(1.0, f32, "C", 12, 14, 4, "l1-w", "planted", "custom"),
        mu(0.0, f32, "F", 13, 10, 3, "none", "gamma", "random"),
        mini(2.0, f64, 24, 10, 3, "none", "uniform", "custom", False, 10, 8),
        mini(2.0, f64, 21, 12, 4, "mixed-both", "planted", "nndsvda", True, None, 7),
        mini(1.0, f64, 26, 9, 3, "l1-both", "counts", "random", False, 3, 10, 0.9),
        mini(1.0, f64, 22, 11, 4, "none", "counts", "custom", False, 10, 8, batches=[8, 3, 7, 4]),
        mini(0.0, f64, 20, 10, 3, "none", "gamma", "nndsvdar", True, 10, 9, 0.5),
        mini(0.5, f64, 23, 9, 3, "l2-w", "planted+", "default", False, None, 8),
        mini(1.5, f64, 20, 11, 3, "same", "sparse", "random", False, 10, 6, batches=[9, 5, 6]),
        mini(3.0, f64, 21, 10, 3, "none", "uniform", "nndsvd", False, 10, 8, 1.0),
        mini(-1.0, f64, 20, 9, 2, "none", "uniform+", "custom", False, 10, 7),
        mini(2.0, f32, 22, 10, 3, "none", "uniform", "random", False, 10, 8),
        cd(f64, "csr", 22, 15, 5, "none", "sparse", "random"),
        cd(f64, "csc", 15, 21, 4, "mixed-both", "sparse", "random", shuffle=True),
        cd(f64, "csr", 18, 14, 4, "l1-w", "zero-lines", "custom", zeros=True),
        cd(f64, "csc", 16, 19, 5, "none", "sparse", "nndsvda"),
        cd(f64, "csr", 20, 13, 3, "l1-both", "counts", "nndsvd"),
        cd(f32, "csr", 17, 13, 4, "none", "sparse", "random"),
        mu(2.0, f64, "csc", 14, 18, 4, "l2-w", "sparse", "random"),
        mu(2.0, f64, "csr", 15, 12, 3, "none", "sparse", "nndsvdar", random_state="instance"),
        mu(1.0, f64, "csr", 19, 14, 4, "none", "sparse", "random"),
        mu(1.0, f64, "csc", 13, 17, 5, "mixed-both", "counts", "nndsvda"),
        mu(1.0, f64, "csr", 16, 15, 4, "l1-w", "zero-lines", "custom"),
        mu(1.0, f32, "csc", 14, 12, 3, "none", "sparse", "random"),
        mu(0.0, f64, "csr", 12, 10, 3, "none", "gamma", "custom"),
        mu(0.5, f64, "csr", 13, 11, 3, "l2-w", "sparse", "custom"),
        mu(1.5, f64, "csc", 12, 14, 4, "none", "counts", "random"),
        mu(3.0, f64, "csr", 11, 12, 3, "none", "sparse", "nndsvda"),
        mini(2.0, f64, 25, 11, 3, "none", "sparse", "random", False, 10, 8, order="csr"),
        mini(2.0, f64, 22, 12, 4, "l1-w", "counts", "nndsvda", True, None, 7, order="csc"),
        mini(1.0, f64, 24, 10, 3, "mixed-both", "sparse", "custom", False, 3, 9, 0.9, order="csr"),
        mini(1.0, f64, 23, 12, 3, "none", "counts", "random", False, 10, 8, batches=[9, 4, 10], order="csc"),
    ]
    return [named(i + 1, one) for i, one in enumerate(cases)]
