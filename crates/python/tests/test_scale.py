"""The scale and the order of components."""

import numpy as np
import pytest
from orthant import NMF

X = np.random.default_rng(3).gamma(0.5, size=(40, 4)) @ np.random.default_rng(4).gamma(0.5, size=(4, 25))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler", 1.5])
def test_own_fits_have_weights_in_the_units_of_the_data(loss, dtype):
    model = NMF(4, solver="auto", beta_loss=loss, random_state=0, max_iter=500)
    W = model.fit_transform(X.astype(dtype))
    assert np.allclose(model.components_.sum(axis=1), 1, rtol=1e-5 if dtype == np.float32 else 1e-12)
    totals = model.component_totals_
    assert np.all(np.diff(totals) <= 0)
    assert np.allclose(W.sum(axis=0, dtype=float), totals, rtol=1e-4)
    assert W.max() <= 4 * X.sum(axis=1).max()
    assert np.allclose(model.transform(X.astype(dtype)), W, atol=0.05 * W.max())


@pytest.mark.parametrize(
    ("scale", "size"),
    [
        ("h-sum", lambda W, H: H.sum(axis=1)),
        ("h-max", lambda W, H: H.max(axis=1)),
        ("balanced", lambda W, H: np.linalg.norm(W, axis=0) / np.linalg.norm(H, axis=1)),
    ],
)
def test_scales_that_are_asked_for(scale, size):
    plain = NMF(4, solver="auto", random_state=0, scale="none")
    W0 = plain.fit_transform(X)
    for solver in ("auto", "cd"):
        model = NMF(4, solver=solver, random_state=0, scale=scale)
        W = model.fit_transform(X)
        assert np.allclose(size(W, model.components_), 1, rtol=1e-12)
        if solver == "auto":
            assert np.allclose(W @ model.components_, W0 @ plain.components_, rtol=1e-12)


def test_scikit_learns_solvers_keep_its_scale():
    sklearn = pytest.importorskip("sklearn.decomposition")
    for solver in ("cd", "mu"):
        ours = NMF(4, solver=solver, init="random", random_state=0, max_iter=50).fit(X)
        theirs = sklearn.NMF(4, solver=solver, init="random", random_state=0, max_iter=50).fit(X)
        assert np.allclose(ours.components_, theirs.components_, rtol=1e-6)


def test_a_scale_that_is_fixed_is_not_chosen():
    with pytest.raises(ValueError, match="scale h-sum with a penalty"):
        NMF(4, solver="auto", alpha_W=0.1, scale="h-sum").fit(X)
    for wrong in ("h-mean", 3, True):
        with pytest.raises(ValueError, match="'scale' parameter of NMF must be"):
            NMF(4, scale=wrong).fit(X)
    W, H = np.ones((40, 2)), np.random.default_rng(0).random((2, 25))
    model = NMF(2, solver="auto", init="custom", max_iter=1)
    model.fit_transform(X, W=W, H=H)
    assert not np.allclose(model.components_.sum(axis=1), 1)
