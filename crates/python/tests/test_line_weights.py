"""Samples and features that count unlike: against scikit-learn on data where they are there as often."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.decomposition
from orthant import NMF
from scipy.optimize import nnls

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# a penalty that is even where lines count unlike
CASES = [("cd", 2, 0.0), ("cd", 2, 0.002), ("mu", 2, 0.0), ("mu", 1, 0.0), ("mu", 1, 0.002), ("mu", 1.5, 0.0)]


def data(m=20, n=12, k=3):
    rng = np.random.RandomState(1)
    X = rng.random_sample((m, k)) @ rng.random_sample((k, n)) + 0.1 * rng.random_sample((m, n))
    return X, 0.1 + rng.random_sample((m, k)), 0.1 + rng.random_sample((k, n))


@pytest.mark.parametrize(("solver", "beta", "alpha"), CASES)
@pytest.mark.parametrize("kind", [np.asarray, np.asfortranarray, sp.csr_array, sp.csc_array])
def test_a_weight_of_two_is_there_twice(solver, beta, alpha, kind):
    X, W, H = data()
    rows, columns = 1 + np.arange(20) % 3, 1 + np.arange(12) % 2
    how = dict(init="custom", solver=solver, beta_loss=beta, tol=0, max_iter=15, alpha_W=alpha, l1_ratio=float(beta == 1))
    theirs = sklearn.decomposition.NMF(3, **how)
    often = np.repeat(np.repeat(X, rows, 0), columns, 1)
    V = theirs.fit_transform(often, W=np.repeat(W, rows, 0), H=np.repeat(H, columns, 1))
    ours = NMF(3, **how)
    U = ours.fit_transform(kind(X), W=W, H=H, sample_weight=rows, feature_weight=columns)
    np.testing.assert_allclose(np.repeat(U, rows, 0), V, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(np.repeat(ours.components_, columns, 1), theirs.components_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(ours.reconstruction_err_, theirs.reconstruction_err_, rtol=1e-8)
    # transform counts features as the fit did; that of 'mu' begins at the mean of its own data
    if solver == "mu":
        return
    V = theirs.transform(often)
    U = pickle.loads(pickle.dumps(ours)).transform(kind(X))
    np.testing.assert_allclose(np.repeat(U, rows, 0), V, rtol=1e-6, atol=1e-8)


def test_transform_goes_to_the_minimum_by_the_weights_of_features():
    X, _, _ = data()
    columns = np.arange(12) / 4
    model = NMF(3, solver="auto", random_state=0, tol=1e-12, max_iter=5000)
    W = model.fit_transform(X, feature_weight=columns)
    np.testing.assert_array_equal(model.feature_weight_, columns)
    np.testing.assert_allclose(model.transform(X), W, rtol=1e-3, atol=1e-4)
    weighted = X * np.sqrt(columns), model.components_ * np.sqrt(columns)
    for w, x in zip(model.transform(X), weighted[0]):
        np.testing.assert_allclose(w, nnls(weighted[1].T, x)[0], rtol=1e-6, atol=1e-7)
    # a fit without them has none
    model.fit(X)
    assert model.feature_weight_ is None


def test_a_sample_of_weight_zero_has_no_part():
    X, _, _ = data()
    other = X.copy()
    other[4] = 50
    rows = np.where(np.arange(20) == 4, 0.0, 1.0)
    a = NMF(2, solver="hals", alpha_W=1e-4, random_state=0).fit(X, sample_weight=rows)
    b = NMF(2, solver="hals", alpha_W=1e-4, random_state=0).fit(other, sample_weight=rows)
    np.testing.assert_array_equal(a.components_, b.components_)


def test_wrong_weights_are_refused():
    X, _, _ = data()
    for given, words in [
        ({"sample_weight": np.ones(3)}, "20"),
        ({"sample_weight": -np.ones(20)}, "Negative"),
        ({"feature_weight": np.full(12, np.nan)}, "NaN"),
        ({"feature_weight": np.zeros(12)}, "above 0"),
        ({"sample_weight": np.ones((20, 1))}, "dimensions"),
    ]:
        with pytest.raises(ValueError, match=words):
            NMF(2).fit(X, **given)
    with pytest.raises(ValueError, match="Kullback"):
        NMF(2, alpha_W=0.1, l1_ratio=1).fit(X, sample_weight=np.arange(20))


def test_threads_change_nothing():
    X, _, _ = data(400, 60)
    rows = np.linspace(0.1, 5, 400)
    one = NMF(5, solver="auto", random_state=0, n_jobs=1).fit(X, sample_weight=rows)
    two = NMF(5, solver="auto", random_state=0, n_jobs=2).fit(X, sample_weight=rows)
    np.testing.assert_array_equal(one.components_, two.components_)
