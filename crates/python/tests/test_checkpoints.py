"""Fits that are kept in a file and gone on with."""

import numpy as np
import pytest

import orthant
from orthant import NMF, MiniBatchNMF, non_negative_factorization


@pytest.fixture
def X():
    return np.random.RandomState(3).random_sample((80, 50))


def stops_at(number):
    return lambda it: it.number == number


MODELS = [
    NMF(4, random_state=0, tol=0, max_iter=30),
    NMF(4, random_state=np.random.RandomState(5), shuffle=True, init="random", tol=0, max_iter=30),
    NMF(4, solver="mu", beta_loss="kullback-leibler", random_state=0, tol=0, max_iter=30),
    NMF(4, solver="auto", random_state=0, tol=0, max_iter=30),
    NMF(4, solver="auto", beta_loss=1.5, random_state=0, tol=0, max_iter=30),
    MiniBatchNMF(4, batch_size=20, random_state=0, tol=0, max_no_improvement=None, max_iter=30),
]


@pytest.mark.parametrize("model", MODELS, ids=[str(number) for number in range(len(MODELS))])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_fit_that_is_gone_on_with_has_the_bits_of_one_without_a_break(model, dtype, X, tmp_path):
    X, path = X.astype(dtype), tmp_path / "fit.checkpoint"
    from sklearn.base import clone

    whole = clone(model)
    W = whole.fit_transform(X)
    part = clone(model).set_params(checkpoint=path, checkpoint_seconds=0, callback=stops_at(11)).fit(X)
    assert part.stop_reason_ == "callback" and path.exists()
    rest = clone(model).set_params(checkpoint=str(path), resume=True, n_jobs=1)
    assert np.array_equal(rest.fit_transform(X), W)
    assert np.array_equal(rest.components_, whole.components_)
    assert np.array_equal(rest.loss_curve_, whole.loss_curve_)
    assert (rest.n_iter_, rest.stop_reason_) == (whole.n_iter_, whole.stop_reason_)
    if isinstance(model.random_state, np.random.RandomState):
        # both generators stand where the fit left them
        assert rest.random_state.randint(2**31) == whole.random_state.randint(2**31)
    # weights of samples are not kept
    assert np.array_equal(rest.transform(X), whole.transform(X))


def test_weights_for_given_components_are_kept_too(X, tmp_path):
    H = np.random.RandomState(0).random_sample((4, 50))
    options = dict(H=H, n_components=4, update_H=False, tol=0, max_iter=20)
    W = non_negative_factorization(X, **options)[0]
    kept = dict(checkpoint=tmp_path / "c", checkpoint_seconds=0.0)
    non_negative_factorization(X, **options, **kept, callback=stops_at(7))
    assert np.array_equal(non_negative_factorization(X, **options, **kept, resume=True)[0], W)
    with pytest.raises(ValueError, match="not the one that is given"):
        non_negative_factorization(X, **{**options, "H": H + 1}, **kept, resume=True)


def test_nothing_is_written_before_it_is_time(X, tmp_path):
    path = tmp_path / "c"
    NMF(3, random_state=0, max_iter=50, tol=0, checkpoint=path, callback=stops_at(5)).fit(X)
    assert not path.exists()
    NMF(3, random_state=0, max_iter=5, tol=0, checkpoint=path).fit(X)
    assert path.exists()


def test_what_cannot_be_gone_on_from_is_an_error(X, tmp_path):
    path = tmp_path / "c"
    model = NMF(3, random_state=0, max_iter=5, tol=0, checkpoint=path)
    model.fit(X)
    with pytest.raises(FileExistsError, match="resume=True"):
        model.fit(X)
    model.set_params(resume=True).fit(X)
    with pytest.raises(ValueError, match="data with other entries"):
        model.fit(X + 1)
    with pytest.raises(ValueError, match="rank: 3, and here rank: 2"):
        NMF(2, random_state=0, max_iter=5, tol=0, checkpoint=path, resume=True).fit(X)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="checkpoint"):
        model.fit(X)


def test_a_checkpoint_that_cannot_be_written_is_a_warning(X, tmp_path):
    model = NMF(3, random_state=0, max_iter=5, tol=0, checkpoint=tmp_path / "no" / "c")
    with pytest.warns(RuntimeWarning, match="A checkpoint was not written: .*no"):
        W = model.fit_transform(X)
    assert np.array_equal(W, NMF(3, random_state=0, max_iter=5, tol=0).fit_transform(X))


@pytest.mark.parametrize("name, value", [("checkpoint", 3), ("checkpoint_seconds", -1), ("resume", "yes")])
def test_parameters_are_checked(name, value, X):
    for model in (NMF(2), MiniBatchNMF(2)):
        with pytest.raises(orthant._base.InvalidParameterError, match=name):
            model.set_params(**{name: value}).fit(X)
