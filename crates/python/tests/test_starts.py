"""W and H as they are given: converted where they can be, and else an error that names them."""

import re
import warnings

import numpy as np
import orthant as ours
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.decomposition as theirs
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import InvalidParameterError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def data(dtype=np.float64):
    return np.random.RandomState(0).random_sample((12, 7)).astype(dtype)


def start(dtype=np.float64):
    rng = np.random.RandomState(1)
    W, H = 1 + 9 * rng.random_sample((12, 3)), 1 + 9 * rng.random_sample((3, 7))
    return W.astype(dtype), H.astype(dtype)


def function(X, W, H):
    W, H, _ = ours.non_negative_factorization(X, W, H, 3, init="custom", max_iter=5)
    return W, H


def of(cls, call):
    def fitted(X, W, H):
        model = cls(3, init="custom", max_iter=5)
        W = getattr(model, call)(X, W=W, H=H)
        return (model.transform(X) if call != "fit_transform" else W), model.components_

    return fitted


WAYS = {
    "function": function,
    "fit": of(ours.NMF, "fit"),
    "fit_transform": of(ours.NMF, "fit_transform"),
    "minibatch fit": of(ours.MiniBatchNMF, "fit"),
    "minibatch fit_transform": of(ours.MiniBatchNMF, "fit_transform"),
    "partial_fit": of(ours.MiniBatchNMF, "partial_fit"),
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


@each_way
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("other", [np.float64, np.float32, np.float16, np.longdouble, np.int64, np.uint8, bool, object])
def test_another_type_is_converted(way, dtype, other):
    X, (W, H) = data(dtype), start(other)
    expected = way(X, *(A.astype(np.float64).astype(dtype) for A in (W, H)))
    for given in ((W, H), (W.astype(dtype), H), (W, H.astype(dtype))):
        before = [A.copy() for A in given]
        got = way(X, *given)
        for a, b in zip(got, expected, strict=True):
            assert a.dtype == dtype and np.array_equal(a, b)
        assert all(np.array_equal(a, b) for a, b in zip(given, before)), "what is given is not changed"


@each_way
def test_other_kinds_of_arrays(way):
    X, (W, H) = data(), start()
    expected = way(X, W, H)
    for given in (
        (W.tolist(), H.tolist()),
        (pd.DataFrame(W), pd.DataFrame(H)),
        (np.asfortranarray(W), H[::-1][::-1]),
    ):
        for a, b in zip(way(X, *given), expected, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("solver", ["cd", "mu", "hals"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("other", [np.float64, np.float32, np.float16, np.int64])
def test_components_of_another_type_are_converted(solver, dtype, other):
    X, (_, H) = data(dtype), start(other)
    W, same, _ = ours.non_negative_factorization(X, H=H, update_H=False, solver=solver)
    expected, _, _ = ours.non_negative_factorization(X, H=H.astype(dtype), update_H=False, solver=solver)
    assert W.dtype == same.dtype == dtype and np.array_equal(W, expected) and np.array_equal(same, H.astype(dtype))
    model = ours.NMF(3, solver=solver).fit(X)
    model.components_ = H
    if H.dtype not in (np.float32, np.float64):
        W = model.transform(X)
        model.components_ = H.astype(dtype)
        assert W.dtype == dtype and np.array_equal(W, model.transform(X))


def test_components_of_another_type_between_batches():
    X = data()
    a, b = (ours.MiniBatchNMF(3, random_state=0).partial_fit(X) for _ in range(2))
    H = np.ceil(10 * a.components_)
    a.components_, b.components_ = H, H.astype(np.int64)
    assert np.array_equal(a.transform(X), b.transform(X))
    assert np.array_equal(a.partial_fit(X).components_, b.partial_fit(X).components_)
    a.components_ = a.components_.astype(np.float32)
    assert a.partial_fit(X).components_.dtype == np.float32


def says(text, error=ValueError):
    return pytest.raises(error, match=re.escape(text))


@each_way
def test_one_alone(way):
    X, (W, H) = data(), start()
    begin = "init='custom' starts from W and H, but "
    with says(begin + "W is missing. Give W of shape (12, 3), or choose another init."):
        way(X, None, H)
    with says(begin + "H is missing. Give H of shape (3, 7), or choose another init."):
        way(X, W, None)
    with says(begin + "W and H are missing. Give W of shape (12, 3) and H of shape (3, 7), or choose another init."):
        way(X, None, None)


def test_one_alone_where_the_number_of_components_is_open():
    X, (W, H) = data(), start()
    with says("H is missing. Give H of shape (n_components, 7), or"):
        ours.NMF(init="custom").fit(X, W=W)
    with says("W is missing. Give W of shape (12, 7), or"):
        ours.NMF(None, init="custom").fit(X, H=H)
    with says("update_H=False finds W for a given H, but H is missing. Give H of shape (n_components, 7)."):
        ours.non_negative_factorization(X, update_H=False)
    with says("update_H=False finds W for a given H, but H is missing. Give H of shape (3, 7)."):
        ours.non_negative_factorization(X, n_components=3, init="custom", update_H=False)


@each_way
def test_sizes(way):
    X, (W, H) = data(), start()
    ones = np.ones
    begin = "Array with wrong {} dimension passed to NMF (input {}). Expected {}, but got {}: {}"
    for given, words in [
        ((W, ones((4, 7))), begin.format("first", "H", 3, 4, "H has shape (4, 7), not (3, 7).")),
        ((W, H.T), begin.format("first", "H", 3, 7, "H has shape (7, 3), not (3, 7).")),
        ((W, ones((3, 6))), begin.format("second", "H", 7, 6, "H has shape (3, 6), not (3, 7).")),
        ((W[:11], H), begin.format("first", "W", 12, 11, "W has shape (11, 3), not (12, 3).")),
        ((ones((12, 4)), H), begin.format("second", "W", 3, 4, "W has shape (12, 4), not (12, 3).")),
        ((W[0], H), "Expected 2D array, got 1D array instead, passed to NMF (input W): W has shape (3,), not (12, 3)."),
        ((W, 3.0), "Expected 2D array, got 0D array instead, passed to NMF (input H): H has shape (), not (3, 7)."),
    ]:
        with says(words):
            way(X, *given)


def test_sizes_where_the_number_of_components_is_open():
    X, (W, H) = data(), start()
    model = ours.NMF(init="custom")
    with says("(input W). Expected 3, but got 2: W has shape (12, 2), not (12, 3)."):
        model.fit(X, W=W[:, :2], H=H)
    with says("(input H). Expected 7, but got 12: H has shape (3, 12), not (n_components, 7)."):
        model.fit(X, W=W, H=W.T)
    with says("Array passed to NMF (input H) is empty: H has shape (0, 7)."):
        model.fit(X, W=W[:, :0], H=H[:0])
    assert model.fit(X, W=W, H=H).n_components_ == 3


@each_way
@pytest.mark.parametrize("name", ["W", "H"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_entries(way, name, dtype):
    X, at = data(dtype), ["W", "H"].index(name)
    place = "The first is {} at row 1, column 2 (counting from 0)."
    for bad, words in [
        (np.nan, f"Input {name} contains NaN.\n" + place.format("nan")),
        (np.inf, f"Input {name} contains infinity or a value too large for {np.dtype(dtype)}.\n" + place.format("inf")),
        (-np.inf, f"Input {name} contains infinity or a value too large for {np.dtype(dtype)}.\n" + place.format("-inf")),
        (-0.5, f"Negative values in data passed to NMF (input {name}).\n" + place.format("-0.5")),
    ]:
        given = start(dtype)
        given[at][1, 2] = bad
        with says(words):
            way(X, *given)
    given = list(start(dtype))
    given[at] = np.zeros_like(given[at])
    with says(f"Array passed to NMF (input {name}) is full of zeros."):
        way(X, *given)


@each_way
def test_what_the_type_of_the_data_cannot_hold(way):
    W, H = start()
    H[2, 3] = 1e39
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        with says("Input H contains infinity or a value too large for float32.\nThe first is inf at row 2, column 3"):
            way(data(np.float32), W, H)
    with says("Array passed to NMF (input W) is full of zeros."):
        way(data(np.float32), W * 1e-60, start()[1])


@each_way
def test_what_is_no_array_of_real_numbers(way):
    X, (W, H) = data(), start()
    with says("H has to be an array of real numbers, but is one of complex128."):
        way(X, W, H * 1j)
    with says("W has to be an array of real numbers, but is one of <U"):
        way(X, W.astype(str), H)
    with says("W has to be an array of real numbers, but is one of object."):
        way(X, np.array([["a", None, 1]] * 12, object), H)
    with says("Sparse data was passed for H, but dense data is required. Use H.toarray() to convert it.", TypeError):
        way(X, W, sp.csr_array(H))


def test_factors_without_custom_are_ignored_as_in_scikit_learn():
    X, (W, H) = data(), start()
    for name in ("NMF", "MiniBatchNMF"):
        for given in (dict(W=W), dict(H=H), dict(W=W, H=H), dict(H="anything")):
            texts, found = [], []
            for module in (ours, theirs):
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    model = getattr(module, name)(3, init="nndsvda", random_state=0, tol=0, max_iter=3)
                    found.append(model.fit_transform(X, **given))
                texts.append([(w.category, str(w.message)) for w in caught])
            assert texts[0] == texts[1] and texts[0][0][0] is RuntimeWarning
            np.testing.assert_allclose(*found, rtol=1e-9)


@pytest.mark.parametrize("solver", ["cd", "mu"])
@pytest.mark.parametrize("init", [None, "custom", "random"])
@pytest.mark.parametrize("with_W", [False, True])
def test_W_is_found_from_H_as_in_scikit_learn(solver, init, with_W):
    X, (W, H) = data(), start()
    given = dict(W=W if with_W else None, H=H, n_components=3, init=init, update_H=False, solver=solver)
    texts, found = [], []
    for module in (ours, theirs):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found.append(module.non_negative_factorization(X, **given))
        texts.append([(w.category, str(w.message)) for w in caught])
    assert texts[0] == texts[1] and any(w[0] is RuntimeWarning for w in texts[0]) == with_W
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-8)
    assert found[0][2] == found[1][2] and np.array_equal(found[0][1], H)


@pytest.mark.parametrize("update_H", [1, 0, 1.0, "False", "no", None, [], np.array([True])], ids=repr)
def test_update_H_is_a_bool(update_H):
    X, (W, H) = data(), start()
    errors = []
    for module in (ours, theirs):
        with pytest.raises((ValueError, TypeError)) as info:
            module.non_negative_factorization(X, W, H, 3, init="custom", update_H=update_H)
        errors.append(info.value)
    a, b = errors
    assert isinstance(a, ours.InvalidParameterError) and isinstance(b, InvalidParameterError)
    assert isinstance(a, InvalidParameterError) and isinstance(a, TypeError) and isinstance(a, ValueError)
    a, b = str(a).split(" must be "), str(b).split(" must be ")
    assert a[0] == b[0] == "The 'update_H' parameter of non_negative_factorization"
    assert a[1] == f"a bool. Got {update_H!r} instead."


def test_update_H_of_numpy():
    X, (W, H) = data(), start()
    for true, false in ((True, False), (np.True_, np.False_)):
        assert not np.array_equal(ours.non_negative_factorization(X, W, H, init="custom", update_H=true)[1], H)
        assert np.array_equal(ours.non_negative_factorization(X, H=H, update_H=false)[1], H)
