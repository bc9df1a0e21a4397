"""The matrices of the cases: data of several kinds, custom starts, and changes in the last place."""

import numpy as np
import scipy.sparse

# What the data looks like; those of POSITIVE have no zeros, as beta <= 0 wants it.
KINDS = ["uniform", "planted", "sparse", "counts", "wide", "zero-lines"]
POSITIVE = ["uniform+", "gamma", "wide", "counts+", "planted+"]
# Those that are mostly, or partly, zeros.
ZEROS = ["sparse", "zero-lines", "counts"]

ORDERS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "csr": scipy.sparse.csr_array,
    "csc": scipy.sparse.csc_array,
}


def full(x):
    """X with its zeros."""
    return x.toarray() if scipy.sparse.issparse(x) else x


def handed(case, x):
    """X as scikit-learn is given it. Its multiplicative updates go wrong on csc for beta other than 2: they put X.data,
    by columns, beside products that are by rows. It gets the same matrix by rows then."""
    return x.tocsr() if case["order"] == "csc" and case["beta"] != 2.0 else x


def planted(rng, m, n, k):
    w = rng.gamma(1.0, size=(m, k)) * (rng.uniform(size=(m, k)) < 0.5)
    h = rng.gamma(1.0, size=(k, n)) * (rng.uniform(size=(k, n)) < 0.5)
    x = w @ h
    noise = rng.standard_normal(size=x.shape)
    x += noise * (0.1 * np.linalg.norm(x) / max(np.linalg.norm(noise), 1e-300))
    return np.maximum(x, 0.0)


def make_data(rng, kind, m, n, k):
    if kind == "uniform":
        x = rng.uniform(size=(m, n))
    elif kind == "uniform+":
        x = rng.uniform(0.05, 1.0, size=(m, n))
    elif kind == "tiny":
        x = 1e-8 * rng.uniform(0.5, 1.0, size=(m, n))
    elif kind == "gamma":
        x = rng.gamma(2.0, size=(m, n))
    elif kind == "planted":
        x = planted(rng, m, n, k)
    elif kind == "planted+":
        x = 0.1 + planted(rng, m, n, k)
    elif kind == "sparse":
        x = rng.exponential(size=(m, n)) * (rng.uniform(size=(m, n)) < 0.2)
    elif kind == "counts":
        x = rng.poisson(3.0, size=(m, n)).astype(np.float64)
    elif kind == "counts+":
        x = 1.0 + rng.poisson(3.0, size=(m, n))
    elif kind == "wide":
        x = 10.0 ** rng.uniform(-3.0, 3.0, size=(m, n))
    elif kind == "zero-lines":
        x = rng.uniform(size=(m, n))
        x[rng.uniform(size=m) < 0.2] = 0.0
        x[:, rng.uniform(size=n) < 0.2] = 0.0
    else:
        raise ValueError(kind)
    if not x.any():
        x[0, 0] = 1.0
    return x


def make_start(rng, x, rows, k, zeros):
    """Factors for a custom start of the first `rows` rows; with `zeros`, a fifth of their entries are 0."""
    scale = 2.0 * np.sqrt(x.mean() / k)
    w, h = scale * rng.uniform(size=(rows, k)), scale * rng.uniform(size=(k, x.shape[1]))
    if zeros:
        for a in (w, h):
            a[rng.uniform(size=a.shape) < 0.2] = 0.0
            a[0, 0] = scale  # scikit-learn takes no start that is all zero
    return w.astype(x.dtype), h.astype(x.dtype)


def data_of(case):
    """X, and W0 and H0 if the case brings its own start."""
    rng = np.random.RandomState(case["seed"])
    x = make_data(rng, case["data"], case["m"], case["n"], case["k"]).astype(case["dtype"])
    start = None
    if case["init"] == "custom":
        rows = case["batches"][0] if case.get("batches") else case["m"]
        start = make_start(rng, x, rows, case["k"], case["start_zeros"])
    return ORDERS[case["order"]](x), start


def perturbed(rng, a):
    """Every entry changed by at most one unit in the last place; zeros stay, and so does the memory order."""
    if scipy.sparse.issparse(a):
        out = a.copy()
        out.data = perturbed(rng, a.data)
        return out
    out = a.copy(order="K")
    out *= 1.0 + np.finfo(a.dtype).eps * rng.randint(-1, 2, size=a.shape).astype(a.dtype)
    return out


def moved(a, reference):
    """max |a - reference| over max |reference|."""
    a, reference = a.astype(np.float64), reference.astype(np.float64)
    largest = float(np.abs(a - reference).max())
    return 0.0 if largest == 0.0 else largest / max(float(np.abs(reference).max()), 1e-300)


def divergence(x, w, h, beta):
    """The beta-divergence of X from WH in double precision, by its definition; it may be infinite."""
    x = full(x).astype(np.float64)
    y = w.astype(np.float64) @ h.astype(np.float64)
    if beta == 2.0:
        return 0.5 * float(np.vdot(x - y, x - y))
    with np.errstate(all="ignore"):
        if beta == 1.0:
            terms = np.where(x > 0.0, x * np.log(x / y), 0.0) - x + y
        elif beta == 0.0:
            terms = x / y - np.log(x / y) - 1.0
        else:
            cross = np.where(x > 0.0, x * y ** (beta - 1.0), 0.0)
            terms = (x**beta + (beta - 1.0) * y**beta - beta * cross) / (beta * (beta - 1.0))
        return float(terms.sum())
