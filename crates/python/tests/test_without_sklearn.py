"""scikit-learn, scipy, pandas and tqdm are not needed."""

import subprocess
import sys
import textwrap

CODE = """
    import sys
    for name in ("sklearn", "scipy", "pandas", "polars", "tqdm", "joblib"):
        sys.modules[name] = None
    import pickle
    import warnings
    import numpy as np
    import orthant
    from orthant import NMF, MiniBatchNMF

    X = np.array([[1, 1], [2, 1], [3, 1.2], [4, 1], [5, 0.8], [6, 1]])
    model = NMF(n_components=2, init="random", random_state=0)
    assert repr(model) == "NMF(init='random', n_components=2, random_state=0)", repr(model)
    W = model.fit_transform(X)
    assert model.n_iter_ == 30 and abs(W[0, 1] - 0.46880684) < 1e-8
    assert model.n_features_in_ == 2 and list(model.get_feature_names_out()) == ["nmf0", "nmf1"]
    assert pickle.loads(pickle.dumps(model)).transform(X).shape == (6, 2)
    assert model.set_params(max_iter=1).get_params()["max_iter"] == 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit([[1, 2], [3, 4]])
    assert "Maximum number of iterations 1 reached" in str(caught[0].message)
    for wrong, text in [
        (X[:, :1], "X has 1 features, but NMF is expecting 2 features as input."),
        (np.ones(3), "Expected 2D array, got 1D array instead"),
        (np.zeros((0, 2)), "0 sample(s)"),
        (X * 1j, "Complex data"),
        (np.array([[1.0, 2.0], [type("NA", (), {})(), 3.0]], object), "X has entries that are missing or no numbers: "),
        ([["1", "b"]], "X has entries that are missing or no numbers: could not convert string to float: "),
        (np.ma.array(X, mask=X > 5), "X has 1 masked entry of 12, the first at row 5, column 0 (counting from 0)."),
    ]:
        try:
            model.transform(wrong)
        except ValueError as error:
            assert text in str(error), error
        else:
            raise AssertionError(text)
    try:
        NMF().transform(X)
    except orthant._estimator.NotFittedError as error:
        assert "not fitted yet" in str(error)
    try:
        model.set_params(other=1)
    except ValueError as error:
        assert "Invalid parameter" in str(error)
    MiniBatchNMF(2, random_state=0).partial_fit(X).partial_fit(X)
    fresh = NMF(2)
    fresh.components_ = model.components_
    assert fresh.transform(X).shape == (6, 2)
    study = orthant.Study([1, 2], n_replicates=3)
    assert repr(study) == "Study(n_components=[1, 2], n_replicates=3)", repr(study)
    try:
        study.consensus(2)
    except orthant._estimator.NotFittedError as error:
        assert "Study instance is not fitted yet" in str(error)
    else:
        raise AssertionError("fitted")
    study.fit(X)
    assert list(study.table_)[:2] == ["k", "fits"] and study.table_["k"].tolist() == [1, 2] and study.n_features_in_ == 2
    again = pickle.loads(pickle.dumps(study)).consensus(2)
    assert again.transform(X).shape == (6, 2) and again.consensus_.components["members"].tolist() == [3, 3]
    class Mine(NMF):
        def __init__(self, n_components=2, **more):
            super().__init__(n_components, **more)
    assert Mine().get_params() == {"n_components": 2}
    print("done")
"""


def test_without():
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(CODE)], capture_output=True, text=True)
    assert out.stdout == "done\n", out.stderr
