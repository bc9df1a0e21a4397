"""What scikit-learn's tools do with the classes."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import polars
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from orthant import NMF, MiniBatchNMF

pytestmark = pytest.mark.filterwarnings("ignore")


# With the settings that scikit-learn gives its own classes for these checks: with the defaults neither its classes nor these
# come near enough to convergence for fit_transform and transform to agree.
@parametrize_with_checks(
    [
        NMF(max_iter=500),
        MiniBatchNMF(batch_size=10, max_iter=20, fresh_restarts=True),
        NMF(solver="auto"),
        NMF(solver="auto", beta_loss="kullback-leibler"),
    ]
)
def test_checks(estimator, check):
    check(estimator)


def problem(m=60, n=12, seed=0):
    rng = np.random.RandomState(seed)
    return rng.gamma(1.0, size=(m, 3)) @ rng.gamma(1.0, size=(3, n)), rng.randint(2, size=m)


def test_grid_search():
    X, y = problem()
    pipe = Pipeline([("nmf", NMF(random_state=0)), ("classify", LogisticRegression())])
    grid = {"nmf__n_components": [2, 3], "nmf__solver": ["cd", "auto"]}
    serial = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    parallel = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(serial.cv_results_["mean_test_score"], parallel.cv_results_["mean_test_score"])
    assert serial.best_params_ == parallel.best_params_
    assert serial.predict(X).shape == (60,)


def test_column_transformer_and_union():
    X, _ = problem()
    frame = pd.DataFrame(X, columns=[f"gene{j}" for j in range(12)])
    columns = ColumnTransformer(
        [("left", NMF(2, random_state=0), [f"gene{j}" for j in range(6)]), ("right", "passthrough", ["gene7"])]
    ).set_output(transform="pandas")
    out = columns.fit_transform(frame)
    assert list(out.columns) == ["left__nmf0", "left__nmf1", "right__gene7"]
    union = FeatureUnion([("a", NMF(2, random_state=0)), ("b", MiniBatchNMF(3, random_state=0))])
    assert union.fit_transform(X).shape == (60, 5)
    assert list(union.get_feature_names_out()) == ["a__nmf0", "a__nmf1", "b__minibatchnmf0", "b__minibatchnmf1", "b__minibatchnmf2"]


def test_set_output_and_names():
    X, _ = problem()
    frame = pd.DataFrame(X, columns=[f"gene{j}" for j in range(12)], index=[f"cell{i}" for i in range(60)])
    model = NMF(2, random_state=0).set_output(transform="pandas")
    W = model.fit_transform(frame)
    assert list(W.columns) == ["nmf0", "nmf1"] and list(W.index) == list(frame.index)
    assert list(model.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        model.transform(frame.rename(columns={"gene0": "other"}))
    plain = NMF(2, random_state=0).fit(X)
    # a frame's columns are contiguous, and so sums are taken in another order
    np.testing.assert_allclose(plain.components_, model.components_, rtol=1e-8)
    from_polars = NMF(2, random_state=0).fit(polars.DataFrame(X, schema=list(frame.columns)))
    np.testing.assert_allclose(plain.components_, from_polars.components_, rtol=1e-8)
    assert list(from_polars.feature_names_in_) == list(frame.columns)


def test_texts():
    texts = ["cats purr", "dogs bark", "cats and dogs", "stars shine", "the sun and stars", "stars and moons"] * 3
    topics = make_pipeline(TfidfVectorizer(), NMF(2, random_state=0))
    W = topics.fit_transform(texts)
    assert W.shape == (18, 2) and topics.transform(["stars"]).argmax() == W[5].argmax() != W[0].argmax()


@pytest.mark.parametrize("model", [NMF(3, random_state=0, solver="auto"), MiniBatchNMF(3, random_state=0, batch_size=20)])
def test_pickles(model, tmp_path):
    X, _ = problem()
    W = clone(model).fit(X).transform(X)
    model.fit(X)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.transform(X), W)
    joblib.dump(model, tmp_path / "model.joblib")
    np.testing.assert_array_equal(joblib.load(tmp_path / "model.joblib").transform(X), W)
    if isinstance(model, MiniBatchNMF):
        np.testing.assert_array_equal(
            again.partial_fit(X[:20]).components_, model.partial_fit(X[:20]).components_
        )
    # in another process
    np.save(tmp_path / "X.npy", X)
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(again))
    code = "import pickle, sys, numpy as np; m = pickle.load(open(sys.argv[1], 'rb')); print(m.transform(np.load(sys.argv[2])).sum().hex())"
    out = subprocess.run([sys.executable, "-c", code, tmp_path / "model.pickle", tmp_path / "X.npy"], capture_output=True, text=True, check=True)
    assert float.fromhex(out.stdout.strip()) == again.transform(X).sum()


def test_parameters():
    model = NMF(3, solver="auto", n_jobs=2)
    again = clone(model)
    assert again.get_params() == model.get_params() and again is not model
    assert repr(model) == "NMF(n_components=3, n_jobs=2, solver='auto')"
    assert NMF().set_params(n_components=5).n_components == 5
    with pytest.raises(ValueError, match="Invalid parameter"):
        NMF().set_params(components=5)
    with pytest.raises(NotFittedError):
        NMF().transform(problem()[0])


def test_theirs_parameters_are_ours():
    """A job's parameters go on working: names, order and defaults are scikit-learn's, and what is new comes after, by name."""
    import inspect

    import sklearn.decomposition as theirs

    import orthant as ours

    for name in ("NMF", "MiniBatchNMF", "non_negative_factorization"):
        a, b = (list(inspect.signature(getattr(m, name)).parameters.values()) for m in (ours, theirs))
        shared = a[: len(b)]
        assert [(p.name, p.kind, p.default) for p in shared] == [(p.name, p.kind, p.default) for p in b]
        own = [] if name == "MiniBatchNMF" else ["scale", "stop", "extrapolate", "sweeps", "compress", "memory_limit",
        "missing", *(["holdout", "W", "H"] if name == "NMF" else []), "products"]
        kept = ["checkpoint", "checkpoint_seconds", "resume"]
        assert [p.name for p in a[len(b) :]] == [*own, "n_jobs", "callback", "max_seconds", *kept]
        assert all(p.kind is p.KEYWORD_ONLY for p in a[len(b) :])
    for name in ("NMF", "MiniBatchNMF"):
        public = {m for m in dir(getattr(theirs, name)) if not m.startswith("_")}
        assert public <= set(dir(getattr(ours, name)))


def test_sparse_inverse():
    X, _ = problem()
    model = NMF(2, random_state=0).fit(X)
    W = model.transform(X)
    np.testing.assert_allclose(model.inverse_transform(sp.csr_array(W)), model.inverse_transform(W))
    np.testing.assert_allclose(model.inverse_transform(W), W @ model.components_)
