"""Missing entries are not observed where that is asked for, and else an error that counts them, wherever an array goes in."""

import re

import numpy as np
import orthant
import pandas as pd
import polars as pl
import pytest
from orthant import NMF, MiniBatchNMF, non_negative_factorization

CLASSES = [NMF, MiniBatchNMF]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def data():
    return np.random.RandomState(0).random_sample((12, 7))


def masked(A, *at):
    """A without the entries at these places."""
    mask = np.zeros(A.shape, bool)
    for place in at:
        mask[place] = True
    return np.ma.array(A, mask=mask)


def says(text):
    return pytest.raises(ValueError, match="^" + re.escape(text))


THREE = (2, 1), (2, 4), (9, 0)
TEXT = (
    "X has 3 masked entries of 84, the first at row 2, column 1 (counting from 0). NMF with missing='nan' takes "
    "those of a masked array as not observed; or fill them (numpy.ma.filled), or leave out the rows that have any (numpy.ma.compress_rows)."
)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_masked_data(cls, dtype):
    whole = (10 * data()).astype(dtype)
    X = masked(whole, *THREE)
    model = cls(3, random_state=0).fit(whole)
    for call in (cls(3).fit, cls(3).fit_transform, model.transform):
        with says(TEXT):
            call(X)
    with says("X has 1 masked entry of 84, the first at row 11, column 6 "):
        model.transform(masked(whole, (11, 6)))
    # what the message names works
    assert cls(3).fit_transform(np.ma.filled(X, 0)).shape == (12, 3)
    assert cls(3).fit_transform(np.ma.compress_rows(X)).shape == (10, 3)


def test_masked_batches():
    model = MiniBatchNMF(3, random_state=0)
    with says(TEXT):
        model.partial_fit(masked(data(), *THREE))
    model.partial_fit(data())
    before = model.components_.copy()
    with says(TEXT):
        model.partial_fit(masked(data(), *THREE))
    assert np.array_equal(model.components_, before) and model.n_steps_ == 1


def test_masked_data_of_the_function():
    with says(TEXT):
        non_negative_factorization(masked(data(), *THREE), n_components=3)
    with says(TEXT):
        non_negative_factorization(masked(data(), *THREE), H=np.ones((3, 7)), update_H=False)


@pytest.mark.parametrize("cls", CLASSES)
def test_masked_weights(cls):
    model = cls(3, random_state=0)
    W = model.fit_transform(data())
    with says("X has 2 masked entries of 36, the first at row 0, column 2 (counting from 0)."):
        model.inverse_transform(masked(W, (0, 2), (5, 1)))
    product = model.inverse_transform(np.ma.array(W))
    assert type(product) is np.ndarray and np.array_equal(product, W @ model.components_)


def test_masked_starts():
    X, W, H = data(), np.ones((12, 3)), np.ones((3, 7))
    for cls in CLASSES:
        model = cls(3, init="custom")
        calls = [lambda W, H: model.fit(X, W=W, H=H), lambda W, H: model.fit_transform(X, W=W, H=H)]
        if cls is MiniBatchNMF:
            calls.append(lambda W, H: model.partial_fit(X, W=W, H=H))
        for call in calls:
            with says("W has 1 masked entry of 36, the first at row 3, column 0 (counting from 0)."):
                call(masked(W, (3, 0)), H)
            with says("H has 2 masked entries of 21, the first at row 0, column 6 (counting from 0)."):
                call(W, masked(H, (0, 6), (2, 2)))
    with says("W has 1 masked entry"):
        non_negative_factorization(X, masked(W, (3, 0)), H, init="custom")
    with says("H has 1 masked entry"):
        non_negative_factorization(X, H=masked(H, (1, 0)), update_H=False)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("solver", ["cd", "auto"])
def test_masked_components(cls, solver):
    """Those that someone has put in their place."""
    model = cls(3, random_state=0, **({"solver": solver} if cls is NMF else {})).fit(data())
    W = model.transform(data())
    model.components_ = np.ma.array(model.components_)
    assert np.array_equal(model.transform(data()), W) and type(model.inverse_transform(W)) is np.ndarray
    model.components_[1, 2] = np.ma.masked
    for call in (model.transform, lambda X: model.inverse_transform(W)):
        with says("H has 1 masked entry of 21, the first at row 1, column 2 "):
            call(data())


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("mask", [np.ma.nomask, False, np.zeros((12, 7), bool)], ids=["none", "scalar", "array"])
def test_a_mask_that_hides_nothing_is_no_mask(cls, mask):
    X, W, H = data(), 1 + data()[:, :3], 1 + data()[:3]
    ma = [np.ma.array(A, mask=mask if np.shape(mask) != X.shape else np.zeros(A.shape, bool)) for A in (X, W, H)]
    a, b = cls(3, init="custom"), cls(3, init="custom")
    assert np.array_equal(a.fit_transform(X, W=W, H=H), b.fit_transform(ma[0], W=ma[1], H=ma[2]))
    assert np.array_equal(a.components_, b.components_)
    assert np.array_equal(a.transform(X), b.transform(ma[0]))
    assert type(b.components_) is type(b.transform(ma[0])) is np.ndarray


def test_masked_data_without_a_mask_is_not_copied():
    X = np.asfortranarray(data())
    seen = orthant._missing.present(np.ma.array(X), "X")
    assert type(seen) is np.ndarray and np.shares_memory(seen, X)


@pytest.mark.parametrize("kind", [list, tuple])
def test_masked_rows(kind):
    """numpy takes no notice of the masks of rows."""
    X = masked(data(), *THREE)
    text = TEXT.replace(" of 84, the first at row 2, column 1 (counting from 0)", "")
    with says(text):
        NMF(3).fit(kind(X))
    rows = kind([[0.5, np.ma.masked], [1.0, 2.0]])
    with says("X has 1 masked entry. "):
        NMF(1).fit(rows)
    whole = kind(np.ma.array(data()))
    model = NMF(3, random_state=0)
    assert np.array_equal(model.fit_transform(whole), model.fit_transform(data()))
    with says("H has 1 masked entry. "):
        non_negative_factorization(data(), H=kind(masked(np.ones((3, 7)), (1, 1))), update_H=False)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("kind", ["NA", "Int64", "None", "polars"])
def test_what_other_libraries_call_missing(cls, kind):
    X = {
        "NA": pd.DataFrame({"a": pd.array([1.0, None, 3.0], "Float64"), "b": pd.array([1.0, 2.0, 3.0], "Float64")}),
        "Int64": pd.DataFrame({"a": pd.array([1, None, 3], "Int64"), "b": pd.array([1, 2, 3], "Int64")}),
        "None": np.array([[1.0, 1.0], [None, 2.0], [3.0, 3.0]], object),
        "polars": pl.DataFrame({"a": [1.0, None, 3.0], "b": [1.0, 2.0, 3.0]}),
    }[kind]
    with pytest.raises(ValueError, match=r"Input X contains NaN(.|\n)*row 1, column 0"):
        cls(1).fit(X)


def observed_loss(X, W, H):
    return 0.5 * np.nansum((X - W @ H) ** 2)


@pytest.mark.parametrize("solver", ["cd", "mu", "auto", "hals", "anls"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_missing_entries_are_not_observed(solver, order):
    X = data()
    X[2, 1] = X[2, 4] = X[9, 0] = np.nan
    X = np.asarray(X, order=order)
    model = NMF(3, solver=solver, init="random", random_state=0, missing="nan", max_iter=2000)
    W = model.fit_transform(X)
    assert abs(model.reconstruction_err_**2 / 2 - observed_loss(X, W, model.components_)) < 1e-12
    # no other data gives these factors with the entries filled in
    with pytest.raises(ValueError, match="Input X contains NaN"):
        NMF(3, solver=solver, init="random", random_state=0).fit(X)
    again = model.transform(X)
    assert observed_loss(X, again, model.components_) < 1.05 * observed_loss(X, W, model.components_)
    filled = np.where(np.isnan(X), W @ model.components_, X)
    on_filled = NMF(3, solver=solver, init="custom", max_iter=2000).fit_transform(filled, W=W, H=model.components_)
    # a fixed point of the one is one of the other
    assert abs(on_filled - W).max() < 0.2


@pytest.mark.parametrize("beta_loss", ["frobenius", "kullback-leibler", "itakura-saito", 1.5])
def test_what_marks_missing_entries_does_not_matter(beta_loss):
    X = data()
    X[2, 1] = X[2, 4] = X[9, 0] = np.nan
    fits = []
    for A in (
        X,
        np.ma.masked_invalid(X),
        masked(np.where(np.isnan(X), 77.0, X), *THREE),
        pd.DataFrame(X),
        pd.DataFrame(X).astype("Float64"),
        pl.DataFrame(X),
    ):
        model = NMF(3, solver="mu", beta_loss=beta_loss, init="random", random_state=0, missing="nan")
        W = model.fit_transform(A)
        fits.append((W, model.components_, model.transform(A)))
    # frames can lie by columns
    for fit in fits[1:]:
        assert all(np.allclose(a, b, rtol=1e-8) for a, b in zip(fit, fits[0]))
    zeros = NMF(3, solver="mu", beta_loss=beta_loss, init="random", random_state=0, missing="zeros")
    W = zeros.fit_transform(np.where(np.isnan(X), 0.0, X))
    assert np.allclose(W, fits[0][0], rtol=1e-8)


def test_masked_integers():
    whole = (10 * data()).astype(np.int64)
    W = NMF(3, random_state=0, init="random", missing="nan").fit_transform(masked(whole, *THREE))
    X = whole.astype(float)
    X[2, 1] = X[2, 4] = X[9, 0] = np.nan
    assert np.array_equal(W, NMF(3, random_state=0, init="random", missing="nan").fit_transform(X))


def test_lines_without_observations():
    X = data()
    X[:, 3] = np.nan
    with says("column 3 (counting from 0) has no observed entry"):
        NMF(2, missing="nan").fit(X)
    with says("no entry of V is observed"):
        NMF(2, missing="nan").fit(np.full((3, 4), np.nan))
    X = data()
    X[0, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        NMF(2, missing="nan").fit(X)
    with pytest.raises(ValueError, match="'missing' parameter of NMF must be a str among"):
        NMF(2, missing="inf").fit(data())


def test_tags():
    sklearn = pytest.importorskip("sklearn.utils")
    assert sklearn.get_tags(NMF(missing="nan")).input_tags.allow_nan
    assert not sklearn.get_tags(NMF()).input_tags.allow_nan


def weighted_loss(X, omega, W, H):
    return 0.5 * np.sum(np.where(omega > 0, omega * (X - W @ H) ** 2, 0.0))


@pytest.mark.parametrize("solver", ["cd", "auto", "hals", "mu"])
def test_weights_of_entries(solver):
    X, omega = 0.1 + data(), np.random.RandomState(1).exponential(size=(12, 7))
    omega[2, 1] = omega[9, 0] = 0.0
    model = NMF(2, solver=solver, random_state=0, max_iter=3000, tol=1e-8)
    W = model.fit_transform(X, entry_weight=omega)
    found = weighted_loss(X, omega, W, model.components_)
    assert abs(model.reconstruction_err_**2 / 2 - found) < 1e-9 * found
    # moving any one factor's entry makes it no better
    for place in [(0, 0), (5, 1)]:
        for step in (1e-3, -1e-3):
            moved = W.copy()
            moved[place] = max(0.0, moved[place] + step)
            assert weighted_loss(X, omega, moved, model.components_) >= found - 1e-6
    # what stands where nothing is observed is not looked at
    holes = np.where(omega > 0, X, np.nan)
    assert np.array_equal(W, NMF(2, solver=solver, random_state=0, max_iter=3000, tol=1e-8).fit_transform(holes, entry_weight=omega))
    sparse = pytest.importorskip("scipy.sparse")
    again = NMF(2, solver=solver, random_state=0, max_iter=3000, tol=1e-8)
    assert np.array_equal(W, again.fit_transform(X, entry_weight=sparse.csr_matrix(omega)))


def test_observed_patterns():
    X, observed = data(), np.random.RandomState(1).random_sample((12, 7)) < 0.8
    observed[:, 0] = observed[0] = True
    W = NMF(2, solver="hals", random_state=0).fit_transform(X, observed=observed)
    assert np.array_equal(W, NMF(2, solver="hals", random_state=0).fit_transform(X, entry_weight=observed.astype(float)))
    sparse = pytest.importorskip("scipy.sparse")
    pattern = sparse.csr_matrix(observed)
    assert np.array_equal(W, NMF(2, solver="hals", random_state=0).fit_transform(X, observed=pattern))
    with says("entry_weight and observed are both given"):
        NMF(2).fit(X, entry_weight=np.ones(X.shape), observed=observed)


def test_zeros_of_sparse_data_that_are_missing():
    sparse = pytest.importorskip("scipy.sparse")
    full = np.outer(np.arange(1.0, 13), np.arange(1.0, 8))
    observed = np.random.RandomState(1).random_sample(full.shape) < 0.6
    observed[:, 0] = observed[0] = True
    for form in (sparse.csr_matrix, sparse.csc_matrix):
        X = form(np.where(observed, full, 0.0))
        model = NMF(1, solver="auto", missing="zeros", random_state=0, tol=1e-10)
        W = model.fit_transform(X)
        assert abs(W @ model.components_ - full).max() < 1e-2
    # a 0 that is stored is observed
    X = sparse.csr_matrix((np.array([1.0, 0.0, 2.0]), np.array([0, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    model = NMF(1, solver="auto", missing="zeros", random_state=0, tol=1e-12, max_iter=2000)
    W = model.fit_transform(X)
    assert abs(W @ model.components_)[0, 1] < 1e-5


def test_bad_weights():
    X, omega = data(), np.ones((12, 7))
    omega[3, 2] = -1.0
    with pytest.raises(ValueError, match=r"Negative values(.|\n)*entry_weight(.|\n)*row 3, column 2"):
        NMF(2).fit(X, entry_weight=omega)
    omega[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"entry_weight contains NaN(.|\n)*row 3, column 2"):
        NMF(2).fit(X, entry_weight=omega)
    with says("weights is 3×4, but 12×7 is needed"):
        NMF(2).fit(X, entry_weight=np.ones((3, 4)))
    with says("anls where entries have weights"):
        NMF(2, solver="anls").fit(X, entry_weight=np.ones(X.shape))
