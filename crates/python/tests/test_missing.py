"""Missing entries are an error that counts them, wherever an array goes in."""

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
    "X has 3 masked entries of 84, the first at row 2, column 1 (counting from 0). Missing entries cannot be fitted yet: "
    "fill them (numpy.ma.filled), or leave out the rows that have any (numpy.ma.compress_rows)."
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
