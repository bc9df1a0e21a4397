"""The options that scikit-learn does not have reach the solvers, and those that do not go together are refused."""

import numpy as np
import pytest
import scipy.sparse as sp
from orthant import NMF, non_negative_factorization

X = np.random.default_rng(5).gamma(0.5, size=(60, 4)) @ np.random.default_rng(6).gamma(0.5, size=(4, 35)) + 0.01


def fitted(**options):
    return NMF(4, random_state=0, max_iter=60, **options).fit(X)


def test_sweeps_are_made():
    for solver, loss in (("hals", "frobenius"), ("auto", "frobenius"), ("newton", "kullback-leibler")):
        one, three = (fitted(solver=solver, beta_loss=loss, sweeps=sweeps, tol=0) for sweeps in (1, 3))
        assert three.loss_curve_[1] < one.loss_curve_[1]
        assert "3 over W" in three.explain_()
    assert "extrapolated newton" in fitted(solver="auto", beta_loss="kullback-leibler", sweeps=2).explain_()
    with pytest.raises(ValueError, match="number of sweeps with cd .* hals and newton sweep"):
        fitted(sweeps=2)


def test_a_solver_is_extrapolated_or_not():
    hals, on, auto = (fitted(tol=0, **which) for which in ({"solver": "hals"}, {"solver": "hals", "extrapolate": True}, {"solver": "auto"}))
    assert "extrapolated hals" in on.explain_() and "extrapolated" not in hals.explain_()
    assert np.array_equal(on.components_, auto.components_) and on.loss_curve_[-1] < hals.loss_curve_[-1]
    off = fitted(solver="auto", extrapolate=False, tol=0)
    assert np.array_equal(off.components_, hals.components_)
    with pytest.raises(ValueError, match="extrapolation of cd .* auto and hals can be"):
        fitted(extrapolate=True)


def test_a_start_is_compressed_or_not():
    assert "sketch of" in fitted(solver="auto", compress=True).explain_()
    assert "sketch of" not in fitted(solver="auto", compress=False).explain_()
    with pytest.raises(ValueError, match="compressed start for cd"):
        fitted(compress=True)


def test_memory_is_limited():
    assert np.isfinite(fitted(solver="auto", memory_limit=1 << 30).reconstruction_err_)
    with pytest.raises((ValueError, MemoryError), match="1000"):
        fitted(solver="auto", memory_limit=1000)


def test_where_all_features_are_components_the_error_says_so():
    for model in (NMF(memory_limit=1000), NMF(None, memory_limit=1000)):
        with pytest.raises(MemoryError, match="n_components was not given, so that there are 35"):
            model.fit(X)
    with pytest.raises(MemoryError) as failed:
        NMF(4, memory_limit=1000).fit(X)
    assert "n_components" not in str(failed.value)


def test_products_are_those_asked_for():
    fused, gemm = (fitted(solver="hals", products=products, tol=0) for products in ("fused", "gemm"))
    assert "gemm" in gemm.explain_() and "gemm" not in fused.explain_()
    assert np.allclose(fused.loss_curve_, gemm.loss_curve_, rtol=1e-9)
    with pytest.raises(ValueError, match="sparse data with gemm"):
        NMF(4, products="gemm").fit(sp.csr_matrix(X))
    with pytest.raises(ValueError, match="gemm or BLAS products"):
        fitted(solver="auto", beta_loss=1, products="gemm")


def test_the_stopping_rule_is_the_one_asked_for():
    rules = {rule: NMF(4, random_state=0, max_iter=5000, stop=rule).fit(X).n_iter_ for rule in (None, "violation", "progress")}
    assert rules[None] == rules["violation"] != rules["progress"]
    # every ten iterations
    assert NMF(4, random_state=0, max_iter=5000, stop="error-decrease", tol=1e-3).fit(X).n_iter_ % 10 == 0
    with pytest.raises(ValueError, match="stopping mu on the violation"):
        fitted(solver="mu", stop="violation")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("sweeps", 0), ("sweeps", 1.5), ("extrapolate", "on"), ("compress", 1), ("memory_limit", -1), ("products", "mkl"), ("stop", "error_decrease")],
)
def test_what_is_out_of_range_is_refused(name, wrong):
    with pytest.raises(ValueError, match=f"'{name}' parameter of NMF must be"):
        fitted(**{name: wrong})


def test_the_function_has_them_too():
    options = {"n_components": 4, "solver": "hals", "extrapolate": True, "random_state": 0, "sweeps": 2, "scale": "h-max"}
    W, H, _ = non_negative_factorization(X, **options)
    assert np.allclose(H.max(axis=1), 1)
    model = NMF(**options)
    assert np.array_equal(model.fit_transform(X), W)
    with pytest.raises(ValueError, match="scale h-max where H is given"):
        non_negative_factorization(X, H=H, update_H=False, **options)
