"""The library's own solvers, one word away."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError

import orthant
from orthant import NMF, MiniBatchNMF

pytestmark = pytest.mark.filterwarnings("ignore")


def problem(m=120, n=80):
    rng = np.random.RandomState(0)
    return rng.gamma(0.5, size=(m, 4)) @ rng.gamma(0.5, size=(4, n)) + 0.1 * rng.random_sample((m, n)) + 1e-3


def divergence(X, P, beta):
    if beta == 2:
        return 0.5 * np.sum((X - P) ** 2)
    if beta == 1:
        return np.sum(X * np.log(X / P) - X + P)
    if beta == 0:
        return np.sum(X / P - np.log(X / P) - 1)
    return np.sum((X**beta + (beta - 1) * P**beta - beta * X * P ** (beta - 1)) / (beta * (beta - 1)))


@pytest.mark.parametrize("beta", [2, 1, 0, 0.5, 1.5])
def test_every_solver_of_a_loss(beta):
    X = problem()
    mu = NMF(4, solver="mu", beta_loss=beta, random_state=0, max_iter=2000, tol=1e-6).fit(X)
    solvers = orthant.solvers(beta)
    assert "auto" in solvers and "mu" in solvers and ("cd" in solvers) == (beta == 2)
    for solver in solvers:
        model = NMF(4, solver=solver, beta_loss=beta, random_state=0, tol=1e-6, max_iter=1000)
        W = model.fit_transform(X)
        assert W.min() >= 0 and model.components_.min() >= 0
        found = divergence(X, W @ model.components_, beta)
        assert model.reconstruction_err_ == pytest.approx(np.sqrt(2 * found), rel=1e-6)
        assert model.loss_curve_.size == model.n_iter_
        # other minima than mu's, by a few percent here; als is not monotone
        assert model.reconstruction_err_ < 1.1 * mu.reconstruction_err_
        # H is what it was, so W found anew fits as well, but for where the solver's own rule stops
        again = model.transform(X)
        assert divergence(X, again @ model.components_, beta) < found * 1.01


def test_pairs_that_do_not_work():
    with pytest.raises(ValueError, match=r"solver 'cd' does not handle beta_loss = 'kullback-leibler'; auto, .*mu.* do"):
        NMF(2, beta_loss="kullback-leibler").fit(problem())
    with pytest.raises(ValueError, match="'newton' does not handle beta_loss = 'frobenius'"):
        NMF(2, solver="newton").fit(problem())
    with pytest.raises(ValueError, match="must be a str among"):
        NMF(2, solver="fast").fit(problem())
    with pytest.raises(ValueError, match="shuffle"):
        NMF(2, solver="hals", shuffle=True).fit(problem())
    with pytest.warns(UserWarning, match="shuffle"):
        NMF(2, solver="mu", shuffle=True).fit(problem())
    with pytest.raises(ValueError, match="cannot find 500 components"):
        NMF(500, solver="hals", init="spa").fit(problem())


def test_transform_is_by_rows():
    X = problem()
    model = NMF(4, solver="auto", random_state=0).fit(X)
    np.testing.assert_array_equal(model.transform(X)[10:12], model.transform(X[10:12]))


def test_attributes():
    model = NMF(4, solver="auto", beta_loss=1, random_state=0, tol=1e-7, max_iter=1000).fit(sp.csr_array(problem()))
    assert model.stop_reason_ == "converged" and 0 <= model.kkt_residual_ < 1e-2
    assert isinstance(model.remarks_, list)
    text = model.explain_()
    assert "extrapolated newton" in text and "threads" in text
    wide = NMF(4, random_state=0, init="random").fit(problem(3, 80))
    assert any("rank 4 is above" in remark for remark in wide.remarks_)


def test_what_mini_batches_did_is_explained():
    X = problem(53, 20)

    def line(model, word):
        (found,) = [line for line in model.explain_().splitlines() if line.startswith(word)]
        return found

    model = MiniBatchNMF(4, batch_size=10, forget_factor=0.5, max_iter=3, tol=0, n_jobs=1, random_state=0).fit(X)
    assert "6 a pass, of 10 rows, the last of 3" in line(model, "batches")
    assert f"{0.5 ** (10 / 53):.4f} of it is left" in line(model, "past")  # as scikit-learn's _rho
    assert "nndsvda: the default" in line(model, "start") and "53×20" in line(model, "data")
    assert "after 3 passes" in line(model, "stop") and "moves H" not in line(model, "stop")
    assert line(model, "threads").startswith("threads   1:")
    # a step for each batch of the passes that were done
    assert model.n_steps_ <= 6 * 3
    whole = MiniBatchNMF(25, init="random", fresh_restarts=True, beta_loss="kullback-leibler", max_iter=2, random_state=0).fit(sp.csr_array(X))
    assert "1 a pass, of all 53 rows: V has no more rows" in line(whole, "batches") and "as asked" in line(whole, "start")
    assert "kullback-leibler" in line(whole, "method") and "up to 30 updates" in line(whole, "weights")
    wide = MiniBatchNMF(25, max_iter=2, random_state=0).fit(X)
    assert "random: the default where k is above a side" in line(wide, "start")
    online = MiniBatchNMF(2).partial_fit(X).partial_fit(X[:7])
    assert "2 so far, the last of 7 rows" in line(online, "batches")
    with pytest.raises(NotFittedError):
        MiniBatchNMF(2).explain_()


@pytest.mark.parametrize("init", ["scaled-random", "exact-nndsvd", "exact-nndsvda", "spa"])
def test_starts(init):
    model = NMF(4, init=init, random_state=0).fit(problem())
    assert model.reconstruction_err_ < 0.5 * np.linalg.norm(problem())
