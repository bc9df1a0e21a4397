"""`score` and the shares of components, against scikit-learn's divergence and plain loops."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.decomposition._nmf import _beta_divergence
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from orthant import NMF, MiniBatchNMF, _score

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
BETAS = [2.0, 1.0, 0.0, 1.5, 0.5, 3.0, -0.7]


def problem(m=30, n=8, seed=0, zeros=True):
    rng = np.random.RandomState(seed)
    X = rng.poisson(2 * rng.gamma(1.0, size=(m, 3)) @ rng.gamma(1.0, size=(3, n))).astype(float)
    return X if zeros else X + 0.5


def of_entry(x, p, beta):
    """The definition."""
    if beta == 1:
        return (x * math.log(x / p) if x else 0.0) - x + p
    if beta == 0:
        return x / p - math.log(x / p) - 1
    return (x**beta + (beta - 1) * p**beta - beta * x * p ** (beta - 1)) / (beta * (beta - 1))


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("block", [1, 50, 1 << 20])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix, sp.csc_array])
def test_it_is_minus_the_mean_loss(form, block, beta, monkeypatch):
    monkeypatch.setattr(_score, "BLOCK", block)
    X = problem(zeros=beta > 0)
    model = NMF(3, solver="auto", beta_loss=beta, random_state=0).fit(X)
    new = form(problem(12, seed=1, zeros=beta > 0))
    W, H = model.transform(new), model.components_
    score = model.score(new)
    assert type(score) is float
    assert score == pytest.approx(-_beta_divergence(np.asarray(problem(12, seed=1, zeros=beta > 0)), W, H, beta) / (12 * 8), rel=1e-9)
    # of the solvers whose transform is scikit-learn's
    model = NMF(3, solver="mu", beta_loss=beta, init="random", random_state=0).fit(X)
    loss = _beta_divergence(problem(12, seed=1, zeros=beta > 0), model.transform(new), model.components_, beta)
    assert model.score(new) == pytest.approx(-loss / (12 * 8), rel=1e-9)


@pytest.mark.parametrize("beta", [2.0, 1.0, 0.5, 1.5])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_samples_and_features_count(form, beta):
    X, r, c = problem(), np.arange(30) % 3.0, np.arange(1.0, 9.0)
    model = NMF(3, solver="auto", beta_loss=beta, random_state=0).fit(X, feature_weight=c)
    W, H = model.transform(form(X)), model.components_
    P = W @ H
    expected = sum(r[i] * c[j] * of_entry(X[i, j], P[i, j], beta) for i in range(30) for j in range(8)) / (r.sum() * c.sum())
    assert model.score(form(X), sample_weight=r) == pytest.approx(-expected, rel=1e-9)
    often = np.repeat(X, r.astype(int), axis=0)
    assert model.score(form(often)) == pytest.approx(-expected, rel=1e-9)
    for wrong in (r[:-1], -r, np.full(30, np.nan)):
        with pytest.raises(ValueError, match="30 numbers of at least 0"):
            model.score(form(X), sample_weight=wrong)
    with pytest.raises(ValueError, match="nothing to score"):
        model.score(form(X), sample_weight=np.zeros(30))


@pytest.mark.parametrize("beta", [2.0, 1.0, 1.5])
def test_what_is_not_observed_is_left_out(beta):
    X = problem(zeros=False)
    holes = X.copy()
    holes[np.random.RandomState(2).random_sample(X.shape) < 0.2] = np.nan
    zeros = sp.csr_array(np.nan_to_num(holes))
    for missing, data in [("nan", holes), ("zeros", np.nan_to_num(holes)), ("zeros", zeros), ("nan", np.ma.masked_invalid(holes))]:
        # of sparse data whose zeros are missing, only these find weights
        solver = "mu" if sp.issparse(data) else "auto"
        model = NMF(2, solver=solver, init="random", beta_loss=beta, missing=missing, random_state=0).fit(data)
        P = model.transform(data) @ model.components_
        seen = [(i, j) for i in range(30) for j in range(8) if not np.isnan(holes[i, j])]
        expected = np.mean([of_entry(X[i, j], P[i, j], beta) for i, j in seen])
        assert model.score(data) == pytest.approx(-expected, rel=1e-9)


def test_entries_that_are_there_twice_are_one():
    X = sp.csr_array((np.array([1.0, 2, 3, 4]), np.array([0, 0, 1, 2]), np.array([0, 3, 4])), shape=(2, 3))
    for beta in (2.0, 1.0):
        model = NMF(1, solver="auto", beta_loss=beta, random_state=0).fit(X.toarray())
        assert model.score(X) == pytest.approx(model.score(X.toarray()), rel=1e-9)
    assert X.nnz == 4


def test_an_entry_that_is_explained_by_nothing():
    for beta in (1.0, 0.5, 0.0, -1.0):
        model = NMF(1, solver="auto", beta_loss=beta)
        model.components_ = np.array([[1.0, 0.0]])
        assert -1e14 < model.score([[1.0, 1.0]]) < -1
        assert np.isfinite(model.score(sp.csr_array([[1.0, 1.0]])))


def test_grid_searches_need_no_scoring():
    X = problem()
    search = GridSearchCV(NMF(random_state=0, solver="auto"), {"n_components": [1, 3]}, cv=3).fit(X)
    assert search.best_params_ == {"n_components": 3}
    scores = cross_val_score(make_pipeline(MaxAbsScaler(), MiniBatchNMF(2, random_state=0)), X, cv=3)
    assert scores.shape == (3,) and (scores < 0).all()
    frame = pd.DataFrame(X, columns=list("abcdefgh"))
    model = NMF(2, random_state=0).set_output(transform="pandas").fit(frame)
    assert model.score(frame) == NMF(2, random_state=0).fit(X).score(X)
    with pytest.raises(ValueError, match="X has 7 features, but NMF is expecting 8"):
        NMF(2, random_state=0).fit(X).score(X[:, 1:])
    with pytest.raises(ValueError, match="not fitted"):
        NMF(2).score(X)


def test_shares():
    X = problem()
    for model in (NMF(3, solver="auto", random_state=0), MiniBatchNMF(3, random_state=0)):
        W = model.fit_transform(X)
        parts = [np.outer(W[:, t], model.components_[t]).sum() for t in range(3)]
        np.testing.assert_allclose(model.component_shares_, np.array(parts) / sum(parts), rtol=1e-9)
    assert NMF(2).fit(np.zeros((3, 4))).component_shares_.tolist() == [0, 0]
    assert not hasattr(NMF(2), "component_shares_")
