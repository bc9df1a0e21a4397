"""The same numbers as scikit-learn's, with the same settings, from the same data."""

import warnings
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.decomposition as theirs

from sklearn.pipeline import make_pipeline
from sklearn.utils._param_validation import InvalidParameterError

import orthant as ours

PARTS = Path(__file__).resolve().parents[3] / "docs" / "parts.png"
pytestmark = pytest.mark.filterwarnings("ignore")


def data(kind="dense", dtype=np.float64, positive=False):
    rng = np.random.RandomState(7)
    X = rng.gamma(1.0, size=(60, 5)) @ rng.gamma(1.0, size=(5, 33)) + rng.random_sample((60, 33))
    if not positive:
        X[rng.random_sample(X.shape) < 0.6] = 0
    X = X.astype(dtype)
    if kind == "fortran":
        return np.asfortranarray(X)
    return X if kind == "dense" else getattr(sp, kind)(X)


def alike(a, b, rtol):
    # an entry near 0 is told to the size of the largest
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.max(b))


def compared(make, X, rtol=1e-6, steps=False, theirs_X=None):
    a, b = make(ours), make(theirs)
    Wa, Wb = a.fit_transform(X), b.fit_transform(X if theirs_X is None else theirs_X)
    assert a.n_iter_ == b.n_iter_
    alike(Wa, Wb, rtol)
    alike(a.components_, b.components_, rtol)
    np.testing.assert_allclose(a.reconstruction_err_, b.reconstruction_err_, rtol=1e-6)
    alike(a.transform(X), b.transform(X if theirs_X is None else theirs_X), rtol)
    assert a.components_.dtype == b.components_.dtype and Wa.dtype == Wb.dtype
    assert a.n_features_in_ == b.n_features_in_ and a.n_components_ == b.n_components_
    if steps:
        assert a.n_steps_ == b.n_steps_


KINDS = ["dense", "fortran", "csr_array", "csc_array", "csr_matrix", "csc_matrix"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("init", [None, "random", "nndsvd", "nndsvda", "nndsvdar"])
def test_cd(kind, init):
    compared(lambda m: m.NMF(4, init=init, random_state=3), data(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("beta", ["frobenius", "kullback-leibler", 0.5, 1.5, 3])
def test_mu(kind, beta):
    compared(lambda m: m.NMF(4, solver="mu", beta_loss=beta, random_state=3), data(kind), theirs_X=right(kind, beta))


def right(kind, beta):
    """What scikit-learn is given in the place of columns, which it takes for rows under other losses than the Frobenius one."""
    return data("csr_array") if kind.startswith("csc") and beta not in (2, "frobenius") else None


@pytest.mark.parametrize("name", ["NMF", "MiniBatchNMF"])
def test_sparse_columns_are_a_fault_there(name):
    options = dict(beta_loss=1, init="random", random_state=0, max_iter=100)
    if name == "NMF":
        options["solver"] = "mu"
    X = data()
    kinds = (np.asarray, sp.csr_array, sp.csc_array)
    a, b = ([getattr(m, name)(3, **options).fit(f(X)).reconstruction_err_ for f in kinds] for m in (ours, theirs))
    np.testing.assert_allclose(a, b[0], rtol=1e-6)
    assert b[1] == pytest.approx(b[0], rel=1e-6) and b[2] != pytest.approx(b[0], rel=1e-4)


def test_itakura_saito():
    make = lambda m: m.NMF(4, solver="mu", beta_loss="itakura-saito", random_state=3)  # noqa: E731
    compared(make, data(positive=True))


@pytest.mark.parametrize("solver", ["cd", "mu"])
@pytest.mark.parametrize("penalty", [(0.01, "same", 0.5), (0.02, 0.0, 1.0), (0.005, 0.03, 0.0)])
def test_penalties(solver, penalty):
    alpha_W, alpha_H, l1_ratio = penalty
    # with one factor penalised alone the other grows without end, and what is left of digits shrinks
    compared(
        lambda m: m.NMF(
            4, init="random", solver=solver, alpha_W=alpha_W, alpha_H=alpha_H, l1_ratio=l1_ratio, random_state=0
        ),
        data(),
        rtol=1e-5 if alpha_H == 0 else 1e-6,
    )


def test_shuffled():
    compared(lambda m: m.NMF(4, init="random", shuffle=True, random_state=0), data())


@pytest.mark.parametrize("kind", ["dense", "csr_array", "csc_array"])
@pytest.mark.parametrize("beta", [1, 2, 0.5])
@pytest.mark.parametrize("fresh", [False, True])
def test_minibatch(kind, beta, fresh):
    compared(
        lambda m: m.MiniBatchNMF(4, batch_size=16, beta_loss=beta, fresh_restarts=fresh, random_state=0, max_iter=20),
        data(kind),
        steps=True,
        theirs_X=right(kind, beta),
    )


def test_single_precision():
    X = data(dtype=np.float32)
    for solver in ("cd", "mu"):
        a, b = (m.NMF(4, solver=solver, random_state=0) for m in (ours, theirs))
        Wa, Wb = a.fit_transform(X), b.fit_transform(X)
        # mu looks at its rule every ten iterations
        assert abs(a.n_iter_ - b.n_iter_) <= (1 if solver == "cd" else 10) and Wa.dtype == Wb.dtype == np.float32
        np.testing.assert_allclose(a.reconstruction_err_, b.reconstruction_err_, rtol=1e-5)


@pytest.mark.parametrize("update_H", [True, False])
def test_function(update_H):
    X, rng = data(), np.random.RandomState(0)
    W, H = rng.random_sample((60, 4)), rng.random_sample((4, 33))
    keep = W.copy(), H.copy()
    init = "custom" if update_H else None
    W_given = W if update_H else None
    a = ours.non_negative_factorization(X, W_given, H, 4, init=init, update_H=update_H)
    assert np.array_equal(W, keep[0]) and np.array_equal(H, keep[1])  # they are read, not overwritten
    b = theirs.non_negative_factorization(X, None if W_given is None else W.copy(), H.copy(), 4, init=init, update_H=update_H)
    alike(a[0], b[0], 1e-8)
    alike(a[1], b[1], 1e-8)
    assert a[2] == b[2]


def state_of(rng):
    state = rng.get_state(legacy=False)
    return state["state"]["key"].tolist(), state["state"]["pos"], state["has_gauss"], state["gauss"]


@pytest.mark.parametrize("before", [0, 1, 5, 623, 624, 2001])
@pytest.mark.parametrize(
    "options",
    [dict(init="random"), dict(init="nndsvdar"), dict(init=None), dict(init="random", shuffle=True, max_iter=9)],
    ids=str,
)
def test_a_generator_is_gone_on_with(before, options):
    generators, results = [np.random.RandomState(5), np.random.RandomState(5)], []
    for module, rng in zip((ours, theirs), generators):
        rng.random_sample(before // 2)
        rng.standard_normal(before % 2)  # leaves one in the cache
        model = module.NMF(3, random_state=rng, **options)
        model.fit(data())
        results.append(model.components_)
    alike(*results, 1e-6)
    assert state_of(generators[0])[:3] == state_of(generators[1])[:3]
    if state_of(generators[1])[2]:
        assert state_of(generators[0])[3] == pytest.approx(state_of(generators[1])[3], rel=1e-15)


def test_numpys_own_generator():
    results = []
    for module in (ours, theirs):
        np.random.seed(11)
        model = module.NMF(3, init="random").fit(data())
        results.append((model.components_, np.random.random_sample()))
    alike(results[0][0], results[1][0], 1e-6)
    assert results[0][1] == results[1][1]


def test_minibatch_generator():
    generators, results = [np.random.RandomState(5), np.random.RandomState(5)], []
    for module, rng in zip((ours, theirs), generators):
        results.append(module.MiniBatchNMF(3, init="random", random_state=rng, batch_size=20).fit(data()).components_)
        results.append(module.MiniBatchNMF(3, init="random", random_state=rng).partial_fit(data()).components_)
    alike(results[0], results[2], 1e-6)
    alike(results[1], results[3], 1e-6)
    assert state_of(generators[0]) == state_of(generators[1])


def test_partial_fits():
    X, models = data(), [m.MiniBatchNMF(4, init="random", random_state=0, batch_size=20) for m in (ours, theirs)]
    for model in models:
        for start in (0, 20, 40):
            model.partial_fit(X[start : start + 20])
        model.partial_fit(X[:7])
    a, b = models
    assert a.n_steps_ == b.n_steps_ == 4
    alike(a.components_, b.components_, 1e-9)
    alike(a.transform(X), b.transform(X), 1e-9)
    # and after a fit
    for model in models:
        model.fit(X)
        model.partial_fit(X[:20])
    assert a.n_steps_ == b.n_steps_
    alike(a.components_, b.components_, 1e-9)


def test_the_documents_example():
    X = np.array([[1, 1], [2, 1], [3, 1.2], [4, 1], [5, 0.8], [6, 1]])
    model = ours.NMF(n_components=2, init="random", random_state=0)
    W = model.fit_transform(X)
    assert str(np.round(W, 8)) == str(
        np.array(
            [
                [0.0, 0.46880684],
                [0.55699523, 0.3894146],
                [1.00331638, 0.41925352],
                [1.6733999, 0.22926926],
                [2.34349311, 0.03927954],
                [2.78981512, 0.06911798],
            ]
        )
    )
    assert str(np.round(model.components_, 8)) == str(np.array([[2.09783018, 0.30560234], [2.13443044, 2.13171694]]))
    assert model.n_iter_ == 30
    assert model.reconstruction_err_ == pytest.approx(0.00115993492160, rel=1e-10)


def test_the_image_example():
    """The other document's: an image, five components, and the image again, with the import alone changed."""
    image = np.asarray(matplotlib.image.imread(PARTS), dtype=np.float64)
    results = []
    for module in (ours, theirs):
        model = module.NMF(n_components=5, init="random", random_state=0)
        W = model.fit_transform(image)
        results.append((model.n_iter_, f"{model.reconstruction_err_:.6f}", model.inverse_transform(W)))
    assert results[0][:2] == results[1][:2]
    np.testing.assert_allclose(results[0][2], results[1][2], rtol=1e-6, atol=1e-6)


def warned(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [(w.category.__name__, str(w.message)) for w in caught]


def test_warnings_are_of_the_callers_line():
    X = data()
    calls = [
        lambda: ours.NMF(3, max_iter=1).fit(X),
        lambda: ours.NMF(3, max_iter=1).fit_transform(X),
        lambda: ours.MiniBatchNMF(3, max_iter=1).fit(X),
        lambda: ours.non_negative_factorization(X, n_components=3, max_iter=1),
        lambda: ours.non_negative_factorization(X, W=X, n_components=3),
        lambda: ours.NMF(3, solver="mu", init="nndsvd").fit(X),
        lambda: make_pipeline(ours.NMF(3, max_iter=1)).fit(X),
    ]
    for call in calls:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert caught and all(w.filename == __file__ for w in caught)


@pytest.mark.parametrize(
    "options", [dict(max_iter=2), dict(max_iter=2, tol=0), dict(solver="mu", init="nndsvd"), dict(solver="mu", max_iter=10), dict(solver="mu", max_iter=10, tol=0.5)], ids=str
)
def test_warnings(options):
    for call in ("fit", "fit_transform"):
        a, b = (warned(lambda: getattr(m.NMF(3, **options), call)(data())) for m in (ours, theirs))
        assert a == b


@pytest.mark.parametrize(
    "options",
    [
        dict(n_components=0),
        dict(n_components="many"),
        dict(n_components=np.array([2, 3])),
        dict(tol=-1),
        dict(tol=np.inf),
        dict(random_state=np.random),
        dict(max_iter=0),
        dict(max_iter=2.5),
        dict(alpha_W=-1.0),
        dict(alpha_H="other"),
        dict(l1_ratio=2),
        dict(beta_loss="least-squares"),
        dict(random_state="seed"),
        dict(shuffle="yes"),
        dict(beta_loss="itakura-saito", solver="mu"),
        dict(beta_loss=1.0),
    ],
    ids=str,
)
def test_errors(options):
    raised = []
    for module in (ours, theirs):
        with pytest.raises((ValueError, TypeError)) as info:
            module.NMF(**options).fit(data())
        raised.append(info.value)
    a, b = raised
    assert isinstance(a, ValueError) and isinstance(b, ValueError)
    assert isinstance(a, InvalidParameterError) == isinstance(b, InvalidParameterError)
    # what is wrong is said in the same words; what is possible is more here
    assert str(a).split(" must be ")[0][:45] == str(b).split(" must be ")[0][:45]


@pytest.mark.parametrize(
    "options",
    [
        dict(n_components=np.int64(3), tol=np.float32(1e-3), max_iter=np.int32(20), random_state=np.int64(3)),
        dict(n_components=3, shuffle=False, alpha_W=False, tol=False, max_iter=3, random_state=0),
        dict(n_components=3, max_iter=10**20, random_state=0, shuffle=np.bool_(False)),
        dict(n_components=None, max_iter=5, random_state=0),
    ],
    ids=str,
)
def test_parameters_of_other_types(options):
    compared(lambda m: m.NMF(**options), data(), rtol=1e-5)
    compared(lambda m: m.MiniBatchNMF(batch_size=10**20, **{k: v for k, v in options.items() if k != "shuffle"}), data(), rtol=1e-5)


def test_figures_are_numpys():
    model = ours.NMF(3, random_state=0).fit(data())
    assert isinstance(model.reconstruction_err_, np.float64) and isinstance(model.n_iter_, int)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("kind", ["dense", "csr_array"])
def test_bad_entries(bad, kind):
    X = data()
    X[3, 2] = bad
    X = X if kind == "dense" else sp.csr_array(X)
    for model in (ours.NMF(3), ours.MiniBatchNMF(3)):
        with pytest.raises(ValueError, match="row 3, column 2"):
            model.fit(X)
        with pytest.raises(ValueError, match="row 3, column 2"):
            model.fit(data()).transform(X)


@pytest.mark.parametrize("module", [ours, theirs], ids=["ours", "theirs"])
@pytest.mark.parametrize(
    "options, apart",
    [
        (dict(solver="mu", init="nndsvd"), 0.36),
        (dict(solver="mu", init="nndsvd", tol=1e-9, max_iter=20000), 0.36),
        (dict(solver="mu", init="nndsvda"), 0.044),
        (dict(solver="mu", init="nndsvda", tol=1e-9, max_iter=20000), 0.0003),
        (dict(solver="mu", init="random"), 0.064),
        (dict(solver="mu", init="random", tol=1e-9, max_iter=20000), 0.00008),
        (dict(solver="cd", init="nndsvd"), 0.0002),
    ],
    ids=str,
)
def test_transform_of_the_data_of_the_fit(module, options, apart):
    """The numbers of docs/python.md."""
    X = np.random.RandomState(0).random_sample((60, 20))
    model = module.NMF(4, random_state=0, **options)
    W = model.fit_transform(X)
    again = model.transform(X)
    assert np.abs(W - again).max() / W.max() == pytest.approx(apart, rel=0.1)
    if options["init"] == "nndsvd" and options["solver"] == "mu":
        # none but what thousands of iterations have shrunk to nothing
        assert round(100 * np.mean(W == 0)) == 39 and np.mean(again == 0) < 0.02
        errors = [np.linalg.norm(X - w @ model.components_) / np.linalg.norm(X) for w in (W, again)]
        if "tol" not in options:
            assert [round(e, 4) for e in errors] == [0.4263, 0.4202]
