"""What is known of W and H is kept, and bounds hold."""

import pickle

import numpy as np
import orthant
import pandas as pd
import pytest
import scipy.sparse as sp
from orthant import NMF, Factor
from scipy.optimize import lsq_linear
from sklearn.base import clone

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = [("auto", 2), ("cd", 2), ("hals", 2), ("mu", 1.5), ("newton", 1), ("mm", 0.5), ("auto", 0)]


def mixtures(m=40, n=12):
    rng = np.random.RandomState(3)
    H = rng.random_sample((3, n)) * (rng.random_sample((3, n)) < 0.6)
    W = rng.random_sample((m, 3)) * (rng.random_sample((m, 3)) < 0.7)
    return W @ H + 0.01, H


@pytest.mark.parametrize(("solver", "beta"), SOLVERS)
@pytest.mark.parametrize("kind", [np.asarray, np.asfortranarray, sp.csr_array, np.float32])
def test_known_components_are_kept(solver, beta, kind):
    X, H = mixtures()
    X = kind(X)
    model = NMF(3, solver=solver, beta_loss=beta, H=Factor(fixed=H[:1], upper=1.5), W=Factor(lower=0.001))
    if sp.issparse(X) and beta not in (1, 2):
        X = X.toarray()
    W = model.fit_transform(X)
    np.testing.assert_array_equal(model.components_[0], H[0].astype(X.dtype))
    assert (model.components_ <= 1.5).all()
    assert (W >= W.dtype.type(0.001)).all()


def test_single_entries_are_found_and_others_kept():
    X, H = mixtures()
    known = np.where(np.arange(H.size).reshape(H.shape) % 3 == 0, H, np.nan)
    model = NMF(3, solver="auto", H=Factor(fixed=pd.DataFrame(known)), random_state=0).fit(X)
    np.testing.assert_array_equal(model.components_[~np.isnan(known)], H[~np.isnan(known)])


def test_rows_are_those_of_scipys_bounded_least_squares():
    """With every component known the problem is convex: one free entry is put where it has one value."""
    X, H = mixtures()
    W = NMF(3, solver="hals", tol=0, max_iter=3000, W=Factor(upper=0.4), H=Factor(fixed=np.vstack([H[:2], [[*H[2, :-1], np.nan]]]))).fit_transform(X)
    # the free entry decides the last column alone
    H = H[:, :-1]
    for w, x in zip(W, X[:, :-1]):
        best = lsq_linear(H.T, x, (0, 0.4), method="bvls", tol=1e-14).x
        assert np.linalg.norm(x - w @ H) >= np.linalg.norm(x - best @ H) - 1e-9
        assert np.abs(w - best).max() < 0.2


def test_parameters_go_through_clone_pickle_and_repr():
    model = NMF(3, random_state=0, H=Factor(fixed=np.ones((1, 12)), upper=2.0))
    assert "fixed=array of 1×12, upper=2.0" in repr(model.H)
    copy = pickle.loads(pickle.dumps(clone(model)))
    np.testing.assert_array_equal(copy.H.fixed, model.H.fixed)
    X, _ = mixtures()
    np.testing.assert_array_equal(copy.fit(X).components_, model.fit(X).components_)
    # new samples are solved for, with what was found
    assert copy.transform(X[:5]).shape == (5, 3)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"H": Factor(fixed=np.full((1, 12), np.nan))}, "NaN throughout"),
        ({"H": Factor(fixed=np.ones((3, 12)))}, "fixed throughout"),
        ({"H": Factor(fixed=np.ones((2, 11)))}, "fixed H"),
        ({"H": Factor(fixed=-np.ones((1, 12)))}, "fixed H"),
        ({"H": Factor(fixed=np.ones(12))}, "1 dimensions"),
        ({"H": Factor(fixed=[["a"] * 12])}, "not an array of numbers"),
        ({"W": Factor(lower=2.0, upper=1.0)}, "upper bound there"),
        ({"W": Factor(upper=np.nan)}, "upper bound of W"),
        ({"W": Factor(upper=1.0), "solver": "anls"}, "solver anls"),
        ({"W": Factor(upper=1.0), "scale": "h-sum"}, "scale"),
        ({"W": np.ones((40, 3))}, "orthant.Factor"),
    ],
)
def test_what_is_wrong_is_said(parameters, words):
    X, _ = mixtures()
    with pytest.raises(ValueError, match=words):
        NMF(3, **parameters).fit(X)


def test_starts_outside_are_put_within_with_a_remark():
    X, _ = mixtures()
    model = NMF(3, init="custom", H=Factor(upper=0.5))
    model.fit_transform(X, W=np.ones((40, 3)), H=np.ones((3, 12)))
    assert any("36 entries of the start are outside their bounds" in remark for remark in model.remarks_)


def test_it_is_public():
    assert orthant.Factor is Factor and "Factor" in orthant.__all__


def test_held_out_error_is_that_of_the_entries_left_out():
    X, _ = mixtures()
    model = NMF(3, solver="auto", holdout=0.05, random_state=0)
    W = model.fit_transform(X)
    assert model.heldout_error_ > 0
    worse = NMF(1, solver="auto", holdout=0.05, random_state=0).fit(X)
    assert worse.heldout_error_ > model.heldout_error_
    assert W.shape == (40, 3)
    assert not hasattr(NMF(3).fit(X), "heldout_error_")
    for share in (0, 0.7, True, "x"):
        with pytest.raises(ValueError, match="holdout"):
            NMF(3, holdout=share).fit(X)
    with pytest.raises(ValueError, match="sparse"):
        NMF(3, holdout=0.1).fit(sp.csr_array(X))
