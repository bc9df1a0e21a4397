"""The table of faults, in Python: its cases as arrays and sparse matrices of every kind, by every solver that they concern."""

import itertools
import json
import pathlib
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from orthant import NMF, MiniBatchNMF, Study, _orthant, non_negative_factorization

TABLE = json.loads((pathlib.Path(__file__).parents[2] / "verify/data/faults.json").read_text())
NAMES = {"k": "n_components", "alpha_w": "alpha_W", "alpha_h": "alpha_H", "threads": "n_jobs", "beta": "beta_loss"}
CASES = [
    pytest.param(case, id=f"{fault['number']}-{number}")
    for fault in TABLE["faults"]
    for number, case in enumerate(fault.get("cases", []))
    if "python" in case.get("faces", ["python"])
]

pytestmark = pytest.mark.filterwarnings("ignore")


def matrix(case, key="set"):
    """V, or what it is to be the same as."""
    if "shape" in case:
        return np.zeros(case["shape"])
    X = np.array([[float(x) for x in row] for row in case.get("v", TABLE["data"])])
    for i, j, x in case.get(key, []):
        X[i, j] = float(x)
    X = np.ldexp(X, case.get("times", 0))
    X = np.ldexp(X, np.array(case.get("row_times", [0] * len(X)), int)[:, None])
    return np.ldexp(X, np.array(case.get("column_times", [0] * X.shape[1]), int)[None, :])


def padded(X):
    return np.pad(X, 2, constant_values=np.nan)[2:-2, 2:-2]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def sparse(of, X):
    """With the zeros left out, and with −0."""
    i, j = np.nonzero(np.ascontiguousarray(X).view(f"u{X.itemsize}"))
    return of(sp.coo_array((X[i, j], (i, j)), shape=X.shape))


def rows(X):
    """A copy by rows that coo's own conversion would not tidy."""
    return sp.csr_array((X.data, X.col, np.r_[0, np.cumsum(np.bincount(X.row, minlength=X.shape[0]))]), shape=X.shape)


LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "read-only": read_only,
    "backwards": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "gaps": padded,
    "every other": lambda X: np.repeat(np.repeat(X, 2, 0), 2, 1)[::2, ::2],
    "csr": lambda X: sparse(rows, X),
    "csc": lambda X: sparse(lambda A: rows(A).tocsc(), X),
    "csr_matrix": lambda X: sparse(lambda A: sp.csr_matrix(rows(A)), X),
    "coo": lambda X: sparse(lambda A: A, X),
}


def raw(parts, by_columns=False):
    """scipy's constructors would refuse what is wrong."""
    m, n = parts["shape"]
    X = sp.csc_array((n, m)) if by_columns else sp.csr_array((m, n))
    X.indptr, X.indices = np.array(parts["indptr"], np.int32), np.array(parts["indices"], np.int32)
    X.data = np.array(parts["values"], float)
    return X


def inputs(case):
    """V in every kind of array that can hold it: its name, a maker, and what `same` compares it with."""
    like = np.ldexp(matrix(case, "as"), -case.get("times", 0)) if case.get("gives") == "scaled" else matrix(case, "as")
    if "parts" in case:
        for by_columns in (False, True):
            tidy = sp.csc_array(like.T) if by_columns else sp.csr_array(like)
            yield f"by columns: {by_columns}", lambda b=by_columns: raw(case["parts"], b), tidy
        return
    if case.get("integers"):
        X = np.array(case["v"], np.int64)
        for kind, dtype in itertools.product(LAYOUTS, (np.int64, np.uint64, np.int32, np.int8)):
            if kind != "gaps" and X.max() <= np.iinfo(dtype).max:
                make = LAYOUTS[kind]
                yield f"{kind} {dtype.__name__}", lambda d=dtype, m=make: m(X.astype(d)), make(X.astype(float))
        if X.max() > 2**53:
            yield "frame", lambda: pd.DataFrame(X), None
        return
    X = matrix(case)
    starts = [np.array(rows, float) for rows in case.get("start", {}).values()]
    for kind, dtype in itertools.product(LAYOUTS, (np.float64, np.float32)):
        if X.size == 0 and kind not in ("C", "F"):
            continue
        if all(np.array_equal(A.astype(dtype).astype(float), A, equal_nan=True) for A in [X, *starts]):
            yield f"{kind} {dtype.__name__}", lambda d=dtype, m=LAYOUTS[kind]: m(X.astype(d)), LAYOUTS[kind](like.astype(dtype))


def options(case):
    given = {NAMES.get(name, name): value for name, value in case.get("options", {}).items()}
    for name in ("alpha_W", "alpha_H", "tol", "beta_loss"):
        if name in given:
            given[name] = float(given[name])
    return {"n_components": 2, "random_state": 0, "n_jobs": 1, "max_iter": 30, **given}


def betas(case):
    return case.get("beta", [2, 1, 0.5, 1.5, 3])


def models(case):
    """An estimator for each loss and solver."""
    given = options(case)
    for beta in betas(case):
        solvers = [given["solver"]] if "solver" in given else _orthant.solvers(float(beta))
        for solver in solvers:
            yield NMF(**{"beta_loss": float(beta), **given, "solver": solver})


def known(model, n):
    """The model, with components that it has from other data of as many features."""
    X = 1 + (3 * np.arange(6)[:, None] + 5 * np.arange(n)) % 7.0
    return model.set_params(init="random").fit(X)


def calls(case, n):
    """What is called with V: its name, and a function that gives W and H as far as it finds them, and the model."""
    start = {name.upper(): np.array(rows, float) for name, rows in case.get("start", {}).items()}
    custom = {"init": "custom"} if start else {}
    kinds = case.get("calls", ["fit", "transform", "batches"])
    for model in models(case):
        name = f"{model.solver}, {model.beta_loss}"

        def fit(X, model=model):
            model = type(model)(**{**model.get_params(), **custom})
            return model.fit_transform(X, **start), model.components_, model

        def function(X, model=model):
            given = {**model.get_params(), **custom}
            for of_the_class_alone in ("holdout", "W", "H"):
                del given[of_the_class_alone]
            W, H, iterations = non_negative_factorization(X, **start, **given)
            return W, H, None

        def transform(X, model=model):
            return known(model, n).transform(X), None, None

        if "fit" in kinds:
            yield "fit, " + name, fit
            if "says" not in case and case.get("error") != "rank":
                yield "function, " + name, function
        if "transform" in kinds:
            yield "transform, " + name, transform
    if "batches" in kinds:
        for beta in betas(case):
            given = dict(n_components=2, random_state=0, beta_loss=float(beta), batch_size=2, n_jobs=1)

            def batches(X, given=given):
                model = MiniBatchNMF(init="random", **given)
                return model.fit_transform(X), model.components_, None

            def learnt(X, given=given):
                # nothing is learnt of zeros
                model = MiniBatchNMF(init="random", **given).partial_fit(X)
                return None, getattr(model, "components_", None), None

            def weights(X, given=given):
                return known(MiniBatchNMF(**given), n).transform(X), None, None

            yield f"batches, {beta}", batches
            yield f"partial_fit, {beta}", learnt
            yield f"transform of batches, {beta}", weights


def studies(case):
    """A study of one fit for each loss, and its consensus, where a study takes what the case has."""
    given = options(case)
    other = case.get("error") == "rank of the start" or case.get("gives") == "scaled"  # in its own words; to a tolerance of its own
    if "fit" not in case.get("calls", ["fit"]) or "start" in case or "max_seconds" in given or other:
        return
    for beta in betas(case):
        study = Study(**{"beta_loss": float(beta), "n_replicates": 1, "holdout": "none", **given})

        def consensus(X, study=study):
            model = study.fit(X).consensus(study.n_components)
            return model.consensus_.W, model.components_, None

        yield f"study, {beta}", consensus


def parts(X):
    if isinstance(X, pd.DataFrame):
        return [X.to_numpy()]
    if sp.issparse(X):
        return [X.row, X.col, X.data] if X.format == "coo" else [X.indptr, X.indices, X.data]
    return [X]


def refused(case, error, what):
    """Whether an exception is the one that the case says."""
    words = TABLE["errors"][case["error"]]
    assert type(error).__name__ in (words["raises"], "InvalidParameterError"), f"{what}: {error!r}"
    row, col = case.get("at", (0, 0))
    places = {"row": row, "col": col, "value": case.get("value", ""), "count": case.get("count", "")}
    text = case.get("says", {}).get("python", words["python"])
    for name, value in places.items():
        text = text.replace(f"{{{name}}}", str(value))
    said = str(error).replace("non_negative_factorization", "NMF").replace("Study", "NMF")
    assert text in said, f"{what}: {error}, and not: {text}"
    if "at" in case:
        assert f"row {row}, column {col}" in said, f"{what}: {error}"


def apart(a, b):
    return np.abs(a - b).max() / np.abs(b).max()


def given(case, X, found, call, like, what):
    W, H, model = found
    double = X.dtype != np.float32 if hasattr(X, "dtype") else True
    factors = [factor for factor in (W, H) if factor is not None]
    assert all(np.isfinite(factor).all() and not np.signbit(factor).any() for factor in factors), f"{what}: {found}"
    gives, times = case["gives"], case.get("times", 0)

    def product(W, H, times=0):
        return np.ldexp(W.astype(float), -(times // 2)) @ np.ldexp(H.astype(float), times // 2 - times)

    if gives in ("zero factors", "emptied"):
        # of a partial_fit H is what it starts from
        assert W is None or not any(factor.any() for factor in factors), f"{what}: {found}"
        assert gives == "emptied" or model is None or (model.stop_reason_, model.reconstruction_err_) == ("zero_data", 0)
    elif gives == "zero lines":
        assert W is None or not W[case.get("rows", [])].any(), f"{what}: {W}"
        assert H is None or not H[:, case.get("columns", [])].any(), f"{what}: {H}"
    elif gives == "same":
        for ours, theirs in zip(found[:2], call(like)[:2]):
            assert (ours is None) == (theirs is None)
            if ours is not None:
                assert np.array_equal(ours, theirs), f"{what}: {ours}, not {theirs}"
    elif gives == "scaled":
        plain = call(like)
        assert apart(product(W, H, times), product(*plain[:2])) <= (1e-9 if double else 1e-3), what
    elif gives == "exact":
        assert apart(product(W, H), matrix(case)) <= (1e-6 if double else 1e-5), what
    elif gives == "leading pair":
        U, s, V = np.linalg.svd(matrix(case))
        assert apart(product(W, H), s[0] * np.outer(U[:, 0], V[0])) <= (1e-9 if double else 1e-5), what
    else:
        assert gives == "finite"
    if model is not None and "warns" in case:
        assert any(case["warns"] in remark for remark in model.remarks_), f"{what}: {model.remarks_}"
    if model is not None and "iterations" in case:
        assert model.n_iter_ == case["iterations"], f"{what}: {model.n_iter_}"


@pytest.mark.parametrize("case", CASES)
def test_table(case):
    runs = 0
    for which, (kind, make, like) in enumerate(inputs(case)):
        X = make()
        before = [part.copy() for part in parts(X)]
        for number, (name, call) in enumerate(itertools.chain(calls(case, X.shape[1]), studies(case))):
            # all kinds by the first, and every fourth by each
            if number > 0 and (number + which) % 4 > 0 and "parts" not in case:
                continue
            what = f"{kind}, {name}"
            runs += 1
            if "error" in case:
                with pytest.raises((ValueError, MemoryError)) as info:
                    call(X)
                    pytest.fail(f"{what}: no error")
                refused(case, info.value, what)
            else:
                given(case, X, call(X), call, like, what)
            for part, was in zip(parts(X), before):
                assert np.array_equal(part, was, equal_nan=part.dtype.kind == "f"), f"{what}: the data was changed"
    assert runs


def data():
    return np.array(TABLE["data"], float)


def test_integers_that_no_double_is():
    for bad, good in ((2**53 + 1, 2**53 + 2), (2**63 - 1, 2**62)):
        X = np.ones((4, 3), np.int64)
        X[2, 1] = X[3, 0] = bad
        frame = pd.DataFrame(X)
        for given in (X, X.astype(np.uint64), np.asfortranarray(X), sp.csr_array(X), sp.csc_array(X), sp.coo_array(X), frame):
            for call in (NMF(2).fit, MiniBatchNMF(2).fit, MiniBatchNMF(2).partial_fit, NMF(2).fit(X % 7 + 1.0).transform):
                with pytest.raises(ValueError, match=rf"X contains {bad}, which no float64 is, at row (2, column 1|3, column 0) "):
                    call(given)
        X[2, 1] = X[3, 0] = good
        model = NMF(1, random_state=0)
        assert np.array_equal(model.fit_transform(X), model.fit_transform(X.astype(float)))


# auto chooses by the layout, and is tried on each by the table
@pytest.mark.parametrize("solver", [name for name in _orthant.solvers(2.0) if name != "auto"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_layouts(solver, dtype):
    """Faults 28, 32 and 33: every layout leads to the same factors after a step, and none is written to."""
    # of sparse data other numbers of sweeps pay
    sweeps = 1 if solver == "hals" else None
    options = dict(solver=solver, init="random", random_state=0, max_iter=1, tol=0, sweeps=sweeps)
    expected = NMF(2, **options).fit(data().astype(dtype))
    for kind, make in LAYOUTS.items():
        X = make(data().astype(dtype))
        before = [part.copy() for part in parts(X)]
        model = NMF(2, **options).fit(X)
        assert apart(model.components_, expected.components_) <= (1e-11 if dtype == np.float64 else 1e-4), kind
        model.transform(X)
        assert all(np.array_equal(part, was) for part, was in zip(parts(X), before)), kind


def test_extents_beyond_all_memory():
    """Faults 29 and 30."""
    wide = sp.csr_array((np.ones(1), np.array([(1 << 40) - 1]), np.array([0, 1])), shape=(1, 1 << 40))
    endless = np.broadcast_to(1.0, (1 << 58, 2))
    for model in (NMF(1 << 27, init="random"), MiniBatchNMF(1 << 27, init="random")):
        with pytest.raises((MemoryError, ValueError), match="more than can be addressed|bytes|32 bits|cannot"):
            model.fit(wide)
    with pytest.raises(MemoryError):
        NMF(1 << 20, init="random", solver="hals").fit(endless)


@pytest.mark.parametrize("of", [NMF, MiniBatchNMF])
def test_other_features(of):
    """Fault 50."""
    model = of(2, init="random", random_state=0).fit(data())
    for n in (1, 3, 5):
        for X in (np.ones((3, n)), sp.csr_array(np.ones((3, n)))):
            with pytest.raises(ValueError, match=f"X has {n} features, but {of.__name__} is expecting 4 features"):
                model.transform(X)
    with pytest.raises(ValueError):
        model.inverse_transform(np.ones((3, 5)))
    with pytest.raises(ValueError, match="H has shape"):
        non_negative_factorization(data(), H=np.ones((2, 3)), update_H=False, n_components=2)


@pytest.mark.parametrize("beta", [2, 1, 0.5, 1.5, 3])
def test_bad_batches(beta):
    """Fault 51: what was learnt stays as it is, and learning goes on."""
    model = MiniBatchNMF(2, init="random", random_state=0, beta_loss=beta).partial_fit(data())
    learnt = model.components_.copy()
    bad = data()
    bad[3, 2] = np.nan
    negative = data()
    negative[0, 1] = -1
    for X, text in [
        (np.zeros((0, 4)), "0 sample"),
        (np.ones((3, 3)), "expecting 4 features"),
        (bad, "row 3, column 2"),
        (sp.csr_array(bad), "row 3, column 2"),
        (negative, "row 0, column 1"),
    ]:
        with pytest.raises(ValueError, match=text):
            model.partial_fit(X)
        assert np.array_equal(model.components_, learnt) and model.n_steps_ == 1
    model.partial_fit(np.zeros((3, 4)))
    assert np.array_equal(model.components_, learnt)
    model.partial_fit(data())
    assert not np.array_equal(model.components_, learnt)
