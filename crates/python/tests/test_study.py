"""`Study`: planted components are found, folders are the command's to the bit, and what cannot be studied is refused in words."""

import copy
import csv
import fcntl
import inspect
import json
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pandas as pd
import pytest
import scipy.optimize
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.decomposition import non_negative_factorization
from sklearn.exceptions import NotFittedError
from sklearn.metrics import silhouette_samples

from orthant import NMF, Consensus, Study

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("ORTHANT_PROGRAMS", ROOT / "target/debug")) / "orthant"
the_command = pytest.mark.skipif(not PROGRAM.exists(), reason="the command is not built")


def planted(k=3, m=60, n=24, seed=0, level=4.0):
    """Counts with k groups of columns, and their means."""
    rng = np.random.default_rng(seed)
    H = rng.gamma(1.0, size=(k, n)) * (np.arange(n) % k == np.arange(k)[:, None])
    W = level * rng.gamma(1.0, size=(m, k))
    return rng.poisson(W @ H).astype(float), H


X, H = planted()


def orthant(folder, *arguments, ends=0):
    ran = subprocess.run([PROGRAM, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == ends, ran.stderr
    return ran.stderr if ends else ran.stdout


def jobs(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "jobs").iterdir())}


def record(content):
    """The tensors of a file of a job, read by the format's definition."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    types = {"F64": "<f8", "F32": "<f4", "U16": "<u2"}
    return {
        name: np.frombuffer(content[8 + length :][slice(*of["data_offsets"])], types[of["dtype"]]).reshape(of["shape"])
        for name, of in header.items()
        if name != "__metadata__"
    }


def columns(path):
    """A table with the numbers that are written in it."""

    def cell(text):
        try:
            return float(text or "nan")
        except ValueError:
            return text

    with open(path, newline="") as file:
        return pd.DataFrame([{name: cell(text) for name, text in row.items()} for row in csv.DictReader(file)])


def cosines(A, B):
    A, B = (M / np.linalg.norm(M, axis=1, keepdims=True) for M in (A, B))
    return A @ B.T


@pytest.mark.parametrize("seed", range(3))
def test_the_planted_number_is_recommended(seed):
    X, H = planted(4, 80, 40, seed, 8.0)
    study = Study(range(2, 8), n_replicates=8, beta_loss="kullback-leibler", random_state=seed).fit(X)
    assert (study.k_, study.holdout_) == (4, "thin") and study.overdispersion_ < 0.1
    assert "4 components are found again" in study.why_ and 4 in study.stable_
    assert study.rules_["least loss on data held out"] == 4
    model = study.consensus()
    assert cosines(model.components_, H).max(axis=1).min() > 0.98
    assert model.consensus_.components["support"].min() == 1


VARIATIONS = ("resample", "noise=0.1", "rows=0.7", "halves")


@the_command
@pytest.mark.parametrize("vary", VARIATIONS)
def test_data_can_be_varied(vary, tmp_path):
    """The planted number comes out, with the command's bits, and what is said of fits is said of X."""
    np.save(tmp_path / "X.npy", X)
    arguments = ("-k", "2..4", "-n", 6, "--loss", "kl", "--vary", vary)
    orthant(tmp_path, "study", "X.npy", *arguments, "-o", "theirs")
    study = Study(range(2, 5), n_replicates=6, vary=vary, beta_loss="kullback-leibler").fit(X, path=tmp_path / "ours")
    assert study.k_ == 3 and Study.open(tmp_path / "theirs").vary == vary
    ours = jobs(tmp_path / "ours")
    assert ours == jobs(tmp_path / "theirs")
    name = vary.partition("=")[0]
    assert sum(job.startswith(f"{name}-k3-") for job in ours) == 6
    # the best weights of a fit's components for all of X, by scikit-learn
    losses = []
    for replicate in range(6):
        components = record(ours[f"{name}-k3-r{replicate}-f0.safetensors"])["H"]
        W, _, _ = non_negative_factorization(
            X, H=components, n_components=3, update_H=False, solver="mu", beta_loss="kullback-leibler", tol=1e-10, max_iter=5000
        )
        losses.append(kullback_leibler(X, W @ components))
    assert study.table_["loss_best"][1] == pytest.approx(min(losses), rel=1e-3)
    assert study.table_["loss_median"][1] == pytest.approx(np.median(losses), rel=1e-3)


def kullback_leibler(X, Y):
    some = X > 0
    return (X[some] * np.log(X[some] / Y[some])).sum() - X.sum() + Y.sum()


def test_measurements_are_held_out_in_blocks():
    assert Study([2, 3], n_replicates=3).fit(X + 0.25).holdout_ == "block"
    assert Study([2, 3], n_replicates=3, holdout="window").fit(X + 0.25).holdout_ == "window"
    none = Study([2, 3], n_replicates=3, holdout="none").fit(X)
    assert none.holdout_ is None and none.overdispersion_ is None and np.isnan(none.table_["heldout"]).all()


MATRICES = {
    "dense.npy": (X, np.save),
    "columns.npy": (np.asfortranarray(X), np.save),
    "single.npy": (X.astype(np.float32), np.save),
    "rows.npz": (sp.csr_matrix(X), sp.save_npz),
    "columns.npz": (sp.csc_matrix(X), sp.save_npz),
}


@the_command
@pytest.mark.parametrize("name", MATRICES)
def test_a_study_is_the_commands(name, tmp_path):
    """Table, fits and consensus, to the bit."""
    A, save = MATRICES[name]
    save(tmp_path / name, A)
    orthant(tmp_path, "study", name, "-k", "2..4", "-n", 5, "--loss", "kl", "--seed", 3, "-o", "theirs")
    study = Study(range(2, 5), n_replicates=5, beta_loss="kullback-leibler", random_state=3)
    study.fit(A, path=tmp_path / "ours")
    theirs = columns(tmp_path / "theirs/table.csv")
    for table in (study.table_, clone(study).fit(A).table_):
        pd.testing.assert_frame_equal(table, theirs, check_exact=True, check_dtype=False)
    assert jobs(tmp_path / "ours") == jobs(tmp_path / "theirs")
    said = json.loads((tmp_path / "theirs/study.json").read_text())
    assert (study.k_, study.why_, study.holdout_) == (said["recommended"], said["reason"], said["holdout"])
    assert study.rules_ == {rule["name"]: rule["rank"] for rule in said["rules"]} and study.remarks_ == said["remarks"]
    written = json.loads((tmp_path / "ours/study.json").read_text())
    del said["study"]["origin"]
    assert written == said

    for density in ("auto", "off", "0.3"):
        orthant(tmp_path, "pick", "theirs", "-k", 3, "-o", "three", "--density", density)
        model = study.consensus(3, density=density if density.isalpha() else float(density))
        found = model.consensus_
        assert np.array_equal(np.load(tmp_path / "three/W.npy"), found.W)
        assert np.array_equal(np.load(tmp_path / "three/H.npy"), model.components_)
        assert model.components_.dtype == found.W.dtype == A.dtype
        spread = np.load(tmp_path / "three/spread.npz")
        assert all(np.array_equal(spread[name], getattr(found, name)) for name in ("q25", "q50", "q75", "sem"))
        components = columns(tmp_path / "three/components.csv")
        for column in ("silhouette", "support", "members", "total", "share"):
            assert np.array_equal(components[column], found.components[column]), column
        number = {f"component_{t}": t for t in range(3)}
        labels = columns(tmp_path / "three/labels.csv")["component"].map(number).fillna(-1)
        assert np.array_equal(labels, found.labels)
        members = columns(tmp_path / "three/density.csv")
        members["component"] = members["component"].map(number).fillna(-1)
        pd.testing.assert_frame_equal(found.members, members, check_exact=True, check_dtype=False)
        report = json.loads((tmp_path / "three/report.json").read_text())
        assert model.n_iter_ == report["iterations"]


@the_command
def test_a_folder_is_gone_on_with_by_either(tmp_path):
    np.save(tmp_path / "X.npy", X)
    orthant(tmp_path, "study", "X.npy", "-k", "2,3", "-n", 3, "--alpha-w", 0.01, "-o", "both")
    before = jobs(tmp_path / "both")
    study = Study(range(2, 5), n_replicates=5, alpha_W=0.01).fit(X, path=tmp_path / "both")
    between = jobs(tmp_path / "both")
    assert len(before) == 2 * (3 + 5) and len(between) == 3 * (5 + 5)
    assert all(between[name] == content for name, content in before.items())
    orthant(tmp_path, "study", "X.npy", "-k", "6", "-n", 5, "--alpha-w", 0.01, "-o", "both")
    opened = Study.open(tmp_path / "both")
    assert list(opened.table_["k"]) == [2, 3, 4, 6] and list(study.table_["k"]) == [2, 3, 4]
    whole = Study([2, 3, 4, 6], n_replicates=5, alpha_W=0.01).fit(X)
    pd.testing.assert_frame_equal(opened.table_, whole.table_, check_exact=True)
    # what pick reads names the data
    orthant(tmp_path, "pick", "both", "-k", 3)
    assert np.array_equal(np.load(tmp_path / "both/k03/H.npy"), opened.consensus(3, X).components_)

    # begun here it does not
    whole.fit(X, path=tmp_path / "ours")
    assert "it does not say where its data is; name it by --data FILE" in orthant(tmp_path, "pick", "ours", "-k", 3, ends=1)
    orthant(tmp_path, "pick", "ours", "-k", 3, "--data", "X.npy")
    assert np.array_equal(np.load(tmp_path / "ours/k03/H.npy"), np.load(tmp_path / "both/k03/H.npy"))
    holes = X.copy()
    holes[3, 5] = np.nan
    np.save(tmp_path / "holes.npy", holes)
    model = Study(3, n_replicates=3, missing="nan").fit(holes, path=tmp_path / "holes").consensus(3)
    orthant(tmp_path, "pick", "holes", "-k", 3, "--data", "holes.npy")
    assert np.array_equal(np.load(tmp_path / "holes/k03/H.npy"), model.components_)
    Study(3, n_replicates=2).fit(X, path=tmp_path / "weighted", entry_weight=1 + X % 2)
    said = orthant(tmp_path, "pick", "weighted", "-k", 3, "--data", "X.npy", ends=1)
    assert "its entries are weighted, and it does not say by which file" in said


def test_an_opened_study_has_the_parameters_of_its_folder(tmp_path):
    options = dict(
        n_replicates=2, n_folds=3, holdout="thin", solver="hals", extrapolate=True, sweeps=2, tol=1e-6, max_iter=50, random_state=7,
        alpha_W=0.001, alpha_H=0.002, l1_ratio=0.5, stop="progress", compress=False, memory_limit=1 << 30,
    )
    study = Study([2, 4], **options).fit(X, path=tmp_path / "study")
    opened = Study.open(str(tmp_path / "study"), stable_mean=0.5, n_jobs=2)
    assert opened.get_params() == {**study.get_params(), "stable_mean": 0.5, "n_jobs": 2}
    others = dict(solver="cd", init="random", shuffle=True, scale="h-max", missing="nan", holdout="none", n_replicates=1)
    Study([3], **others).fit(X, path=tmp_path / "other")
    found = Study.open(tmp_path / "other").get_params()
    assert {name: found[name] for name in others} == others and found["alpha_H"] == "same" and found["beta_loss"] == "frobenius"
    # so that it can be gone on with
    opened.n_components = [2, 3]
    assert list(opened.fit(X, path=tmp_path / "study").table_["k"]) == [2, 3, 4]
    mine = Study(2, beta_loss=0.5, n_replicates=1, products="gemm", holdout="none")
    with pytest.raises(ValueError, match="gemm or BLAS"):
        mine.fit(X)
    assert Study.open(mine.set_params(products="fused").fit(X, path=tmp_path / "p") and tmp_path / "p").beta_loss == 0.5


def test_every_parameter_is_said_of_a_folder():
    """What is added to `Study` has to be known of a study in a folder too, or be a matter of the run."""
    own = {*inspect.signature(Study).parameters} - {"stable_mean", "stable_min", "stable_support", "stable_cosine", "n_jobs", "verbose"}
    assert {*Study(2, n_replicates=1, holdout="none").fit(X)._ranks.parameters()} == own


def test_threads_and_folders_change_no_bit(tmp_path):
    A = sp.random_array((700, 300), density=0.2, rng=np.random.default_rng(1), format="csr")
    one, two = (Study([3, 5], n_replicates=3, n_jobs=n_jobs).fit(A) for n_jobs in (1, 2))
    kept = Study([3, 5], n_replicates=3, n_jobs=2).fit(A, path=tmp_path / "study")
    for other in (two, kept, Study.open(tmp_path / "study", n_jobs=1)):
        pd.testing.assert_frame_equal(one.table_, other.table_, check_exact=True)
        ours, theirs = one.consensus(5), other.consensus(5, A)
        assert np.array_equal(ours.components_, theirs.components_)
        assert np.array_equal(ours.consensus_.W, theirs.consensus_.W)


def test_statistics_by_other_libraries(tmp_path):
    """Quartiles by numpy, silhouettes by scikit-learn, weights by scipy, from the files of the fits."""
    study = Study([4], n_replicates=6, holdout="none").fit(X, path=tmp_path / "study")
    model = study.consensus(4, density="off")
    found = model.consensus_
    records = [record(content) for content in jobs(tmp_path / "study").values()]
    stacked = np.vstack([of["H"] for of in records])
    assert list(found.members["replicate"]) == [r for r in range(6) for _ in range(4)]
    component = found.members["component"].to_numpy()
    assert sorted(component) == sorted(list(range(4)) * 6) and found.threshold is None
    shares = stacked / stacked.sum(axis=1, keepdims=True)
    for t in range(4):
        q25, q50, q75 = np.quantile(shares[component == t], [0.25, 0.5, 0.75], axis=0)
        for name, expected in (("q25", q25), ("q50", q50), ("q75", q75)):
            np.testing.assert_allclose(getattr(found, name)[t], expected, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(model.components_[t], q50 / q50.sum(), rtol=1e-12)
    silhouettes = silhouette_samples(stacked, component, metric="cosine")
    of_components = [silhouettes[component == t].mean() for t in range(4)]
    np.testing.assert_allclose(found.components["silhouette"], of_components, atol=1e-9)
    np.testing.assert_allclose(study.table_["silhouette_mean"], silhouettes.mean(), atol=1e-9)
    np.testing.assert_allclose(study.table_["silhouette_min"], min(of_components), atol=1e-9)
    W = np.vstack([scipy.optimize.nnls(model.components_.T, row)[0] for row in X])
    np.testing.assert_allclose(found.W, W, atol=1e-5 * W.max())
    given = (found.W * model.components_.sum(axis=1)).argmax(axis=1)
    assert np.array_equal(found.labels, np.where(X.sum(axis=1) > 0, given, -1))
    np.testing.assert_allclose(found.components["total"], found.W.sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(model.reconstruction_err_, np.linalg.norm(X - found.W @ model.components_), rtol=1e-9)
    assert found.gap == pytest.approx(0.5 * model.reconstruction_err_**2 / study.table_["loss_best"][0] - 1, abs=1e-9)

    matrix, rows = study.sample_consensus(4)
    labels = np.array([of["labels"] for of in records], int)
    together = (labels[:, :, None] == labels[:, None, :]).mean(axis=0)
    assert sorted(rows) == list(range(len(X)))
    np.testing.assert_allclose(matrix, together[np.ix_(rows, rows)], rtol=1e-15)
    some, drawn = study.sample_consensus(4, most=20)
    np.testing.assert_allclose(some, together[np.ix_(drawn, drawn)], rtol=1e-15)
    assert some.shape == (20, 20)
    pairs = together[np.triu_indices(len(X), 1)]
    np.testing.assert_allclose(study.table_["dispersion"], (4 * (together - 0.5) ** 2).mean(), rtol=1e-12)
    np.testing.assert_allclose(study.table_["pac"], ((pairs > 0.1) & (pairs <= 0.9)).mean(), atol=1e-12)


@pytest.mark.parametrize("solver", ["auto", "cd", "mu"])
def test_a_consensus_is_an_nmf(solver):
    study = Study([2, 3], n_replicates=4, solver=solver, max_iter=60, alpha_W=1e-3).fit(X)
    model = study.consensus(3)
    assert type(model) is NMF and isinstance(model.consensus_, Consensus) and model.n_components_ == 3
    assert "the medians of" in model.explain_() and repr(model.consensus_).startswith("Consensus(n_components=3, ")
    new = planted(seed=9)[0]
    plain = NMF(**model.get_params())
    plain.components_ = model.components_.copy()
    assert np.array_equal(model.transform(new), plain.transform(new))
    assert model.inverse_transform(model.transform(new)).shape == new.shape
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.transform(new), plain.transform(new)) and np.array_equal(again.consensus_.W, model.consensus_.W)
    # its parameters are those of a fit
    assert clone(model).set_params(max_iter=500).fit(X).n_features_in_ == 24
    with pytest.raises(ValueError, match="X has 5 features, but NMF is expecting 24"):
        model.transform(np.ones((2, 5)))


def test_frames_and_types():
    frame = pd.DataFrame(X, columns=[f"gene{j}" for j in range(24)])
    study = Study(3, n_replicates=3).fit(frame)
    assert list(study.feature_names_in_) == list(frame.columns) == list(study.consensus(3).feature_names_in_)
    assert list(study.consensus(3, frame).feature_names_in_) == list(frame.columns) and study.n_features_in_ == 24
    with pytest.raises(ValueError, match="feature names should match"):
        study.consensus(3).transform(frame.rename(columns={"gene0": "other"}))
    single = Study(3, n_replicates=3).fit(X.astype(np.float32))
    assert single.consensus(3).components_.dtype == single.consensus(3).consensus_.W.dtype == np.float32
    # data of the other type is converted
    assert np.array_equal(single.consensus(3, X).components_, single.consensus(3).components_)
    for of in (sp.csr_array, sp.csc_array, sp.coo_array, np.asfortranarray):
        other = Study(3, n_replicates=3).fit(of(X)).consensus(3).components_
        assert cosines(other, H).max(axis=1).min() > 0.97
    integers = Study(3, n_replicates=3).fit(X.astype(int))
    assert np.array_equal(integers.consensus(3).components_, Study(3, n_replicates=3).fit(X).consensus(3).components_)


def test_missing_entries_and_weights(tmp_path):
    rng = np.random.default_rng(4)
    out = rng.random(X.shape) < 0.2
    holes = np.where(out, np.nan, X)
    options = dict(n_components=[2, 3], n_replicates=4, beta_loss="kullback-leibler")
    by_nan = Study(missing="nan", **options).fit(holes)
    assert by_nan.holdout_ == "window" and by_nan.overdispersion_ is None
    masked = Study(missing="nan", **options).fit(np.ma.array(X, mask=out))
    by_zeros = Study(**options).fit(X, entry_weight=1.0 * ~out)
    by_pattern = Study(**options).fit(np.where(out, 1e9, X), observed=~out)
    pd.testing.assert_frame_equal(by_nan.table_, masked.table_, check_exact=True)
    for other in (by_zeros, by_pattern):
        np.testing.assert_allclose(by_nan.table_["loss_best"], other.table_["loss_best"], rtol=1e-5)
        assert cosines(by_nan.consensus(3).components_, other.consensus(3).components_).max(axis=1).min() > 1 - 1e-6
    # what is under a hole has no part: another number there leads to the same bits
    assert np.array_equal(
        by_pattern.consensus(3).components_, Study(**options).fit(np.where(out, 7, X), observed=~out).consensus(3).components_
    )
    assert by_nan.consensus(3).transform(holes).shape == (60, 3)

    weights = 1 + rng.random(X.shape)
    study = Study(**options).fit(X, entry_weight=weights, path=tmp_path / "study")
    opened = Study.open(tmp_path / "study")
    assert np.array_equal(opened.consensus(3, X, entry_weight=weights).components_, study.consensus(3).components_)
    with pytest.raises(ValueError, match="entries are weighted in one of them"):
        opened.consensus(3, X)
    with pytest.raises(ValueError, match="its entries have other weights than these"):
        opened.consensus(3, X, entry_weight=weights + 1)
    with pytest.raises(ValueError, match="entry_weight and observed go with X"):
        study.consensus(3, entry_weight=weights)
    with pytest.raises(ValueError, match="entry_weight and observed are both given"):
        Study(**options).fit(X, entry_weight=weights, observed=~out)
    with pytest.raises(ValueError, match="weights is .* there and .* here"):
        Study(**options).fit(X, path=tmp_path / "study")
    sparse = sp.csr_array(X + (rng.random(X.shape) < 0.3))
    by_zeros = Study(missing="zeros", **options).fit(sparse)
    assert by_zeros.holdout_ == "window" and by_zeros.consensus(3).components_.shape == (3, 24)


def test_seeds():
    one = Study(3, n_replicates=3, random_state=np.random.RandomState(5)).fit(X)
    other = Study(3, n_replicates=3, random_state=np.random.RandomState(5).randint(2**32, dtype=np.uint32)).fit(X)
    pd.testing.assert_frame_equal(one.table_, other.table_, check_exact=True)
    assert Study(3, n_replicates=3, random_state=1).fit(X).table_["loss_best"][0] != one.table_["loss_best"][0]
    np.random.seed(0)
    first, second = (Study(3, n_replicates=3, random_state=None).fit(X) for _ in range(2))
    assert first.table_["loss_best"][0] != second.table_["loss_best"][0]


def test_scikit_learns_manner(tmp_path):
    study = Study([2, 3], n_replicates=3, beta_loss="kullback-leibler")
    assert clone(study).get_params() == study.get_params() and repr(study).startswith("Study(beta_loss=")
    assert Study().set_params(n_replicates=5).n_replicates == 5 and Study().n_components == range(2, 13)
    for call in (lambda: study.consensus(3), lambda: study.sample_consensus(3)):
        with pytest.raises(NotFittedError):
            call()
    assert study.fit(X) is study
    in_folder = clone(study).fit(X, path=tmp_path / "study")
    opened = Study.open(tmp_path / "study")
    expected = study.consensus(3).components_
    for of in (study, in_folder, opened):
        for again in (pickle.loads(pickle.dumps(of)), copy.deepcopy(of)):
            pd.testing.assert_frame_equal(again.table_, study.table_, check_exact=True)
            assert again.get_params() == of.get_params() and again.k_ == study.k_ and again.rules_ == study.rules_
            assert np.array_equal(again.consensus(3, X).components_, expected)
            assert np.array_equal(again.sample_consensus(3)[0], study.sample_consensus(3)[0])
    # without its folder
    kept = pickle.dumps(in_folder)
    for path in (tmp_path / "study/jobs").iterdir():
        path.unlink()
    assert np.array_equal(pickle.loads(kept).consensus(3).components_, expected)
    with pytest.raises(ValueError, match="3 components were not studied; there are fits of 2, 3"):
        in_folder.consensus(3)


def refused(text, **options):
    with pytest.raises((ValueError, TypeError), match=text):
        Study(**{"n_components": [2], "n_replicates": 2, **options}).fit(X)


def test_what_cannot_be_studied_is_refused():
    ranks = r"'n_components' parameter of Study must be an int in the range \[1, inf\) or a collection of"
    for wrong in (0, -1, 2.0, "7", [], [0], [2, 2.5], range(1, 10**12), np.ones((2, 2), int), iter([2, 3]), None):
        refused(ranks, n_components=wrong)
    for name, wrong in (
        ("n_replicates", 0), ("n_folds", 1), ("holdout", "some"), ("holdout", 0.1), ("solver", "svd"), ("beta_loss", "kl"), ("init", "custom"),
        ("tol", -1), ("max_iter", 0), ("alpha_W", -1), ("missing", "all"), ("random_state", -1), ("stable_mean", 1.5), ("stable_cosine", "x"),
        ("n_jobs", 0), ("verbose", "x"), ("products", "mkl"), ("memory_limit", 0), ("vary", "start"), ("vary", "noise=2"), ("vary", "rows=1"),
        ("vary", "halves=2"), ("vary", 0.1),
    ):
        refused(f"'{name}' parameter of Study must be", **{name: wrong})
    refused("ranks .*65535 or more", n_components=70_000)
    refused("a study of several fits from the start nndsvda, which would be the same fit", init="nndsvda", solver="cd")
    refused("solver 'hals' does not handle beta_loss = 1", beta_loss=1, solver="hals")
    refused("window.*is not supported|holdout window goes with it", missing="nan", holdout="thin")
    refused("a compressed start for cd", solver="cd", compress=True)
    refused("shuffle=True goes with solver='cd'", shuffle=True)
    with pytest.raises(MemoryError, match="may take 1000"):
        Study(2, n_replicates=2, memory_limit=1000).fit(X)
    with pytest.raises(ValueError, match="thinning data that is not counts is not supported; holdout block goes with any data"):
        Study(2, holdout="thin").fit(X + 0.5)
    with pytest.raises(ValueError, match="1.5, at row 0, column 0 .* is not a count"):
        Study(2, vary="resample").fit(X + 0.5)
    with pytest.raises(TypeError, match="max_seconds"):
        Study(max_seconds=3)
    for wrong, text in ((-X, "Negative values in data passed to Study"), (np.full((4, 3), np.nan), "Input X contains NaN"),
                        (np.ones(3), "Expected 2D array"), (np.zeros((0, 3)), "minimum of 1"), (np.ma.array(X, mask=X > 3), "masked entries")):
        with pytest.raises(ValueError, match=text):
            Study(2, n_replicates=2).fit(wrong)
    study = Study([2, 3], n_replicates=2).fit(X)
    for k in (9, 0, 2.5, "2"):
        with pytest.raises(ValueError, match="9 components were not studied; there are fits of 2, 3|k must be an int"):
            study.consensus(k)
    for density in (0, 3, "some", float("nan")):
        with pytest.raises(ValueError, match="density .* is not possible: auto, off, or a number above 0 and up to 2"):
            study.consensus(2, density=density)
    with pytest.raises(ValueError, match="the density threshold 0.000 leaves nothing of component . of 2: .*raise the threshold"):
        study.consensus(2, density=1e-300)
    for most in (1, 10**9, 2.5):
        with pytest.raises(ValueError, match="most must be an int"):
            study.sample_consensus(2, most)
    with pytest.raises(ValueError, match="data with another fingerprint than this"):
        study.consensus(2, X + 1)
    changed = X.copy()
    study = Study(2, n_replicates=2).fit(changed)
    changed[3, 4] += 1
    with pytest.raises(ValueError, match="data with another fingerprint than this"):
        study.consensus(2)
    unknown = Study(2, n_replicates=1, holdout="none").fit(X)
    assert unknown.k_ is None
    with pytest.raises(ValueError, match=r"nothing is recommended \(.*\): say how many components"):
        unknown.consensus()


def test_folders_that_cannot_be_used_are_refused(tmp_path):
    path = tmp_path / "study"
    Study([2], n_replicates=2).fit(X, path=path)
    with pytest.raises(ValueError, match="a study from a folder does not have the data that was studied: give it as X"):
        Study.open(path).consensus(2)
    before = jobs(path)
    for other, text in (
        (lambda: Study([2]).fit(X + 1, path=path), "its data is not this data"),
        (lambda: Study([2]).fit(X.astype(np.float32), path=path), "its data is not this data"),
        (lambda: Study([2], random_state=5).fit(X, path=path), "options.seed is 0 there and 5 here"),
        (lambda: Study([2], n_folds=4).fit(X, path=path), "folds is 5 there and 4 here"),
    ):
        with pytest.raises(ValueError, match=text):
            other()
    assert jobs(path) == before
    with pytest.raises(ValueError, match="not a study: there is no manifest.json"):
        Study.open(tmp_path / "nothing")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thesis.txt").write_text("")
    with pytest.raises(ValueError, match="not a study: there is thesis.txt in it"):
        Study([2]).fit(X, path=tmp_path / "other")
    assert os.listdir(tmp_path / "other") == ["thesis.txt"]
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Study([2]).fit(X, path=tmp_path / "file")
    with pytest.raises(TypeError):
        Study([2]).fit(X, path=3)
    with open(path / ".study.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="another run works on this study"):
            Study([2], n_replicates=3).fit(X, path=path)
    name = next(iter(before))
    damaged = bytearray(before[name])
    damaged[-3] ^= 1
    for content in (bytes(damaged), before[name][:40], b""):
        (path / "jobs" / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            Study.open(path)
    (path / "jobs" / name).unlink()
    Study([2], n_replicates=2).fit(X, path=path)
    assert jobs(path) == before
    for text in ("{", "{}", "null", (path / "manifest.json").read_text().replace('"rows": 60', '"rows": 0').replace('"rows":60', '"rows":0')):
        (path / "manifest.json").write_text(text)
        with pytest.raises(ValueError, match="not a study: .*manifest.json"):
            Study.open(path)


def test_odd_data():
    """Ranks above that of the data, one component, one fit, rows that are the same, a row without anything, zeros."""
    exact = np.outer(1 + np.arange(12) % 5, [1, 2, 0, 3, 1, 1]) + np.outer(np.arange(12) % 3, [0, 1, 4, 0, 2, 1])
    study = Study(range(1, 9), n_replicates=4).fit(exact)
    assert list(study.table_["k"]) == list(range(1, 9)) and study.k_ is not None and np.isfinite(study.table_["explained"]).all()
    assert study.table_["explained"][1] == pytest.approx(1, abs=1e-6)
    assert any("the silhouette of a single component is 1 by convention" in remark for remark in study.remarks_)
    one = study.consensus(1)
    u, s, vt = np.linalg.svd(exact)
    np.testing.assert_allclose(one.components_[0], np.abs(vt[0]) / np.abs(vt[0]).sum(), rtol=1e-4)
    alone = Study([2, 3], n_replicates=1).fit(X)
    assert np.isnan(alone.table_["silhouette_mean"]).all() and alone.consensus(2).consensus_.components["members"].tolist() == [1, 1]
    same = Study([2, 3], n_replicates=3).fit(np.tile(X[:5], (12, 1)))
    assert all(np.ptp(same.consensus(3).consensus_.W[i::5], axis=0).max() <= 1e-6 * X.sum() for i in range(5))
    empty = X.copy()
    empty[7] = 0
    found = Study([3], n_replicates=3).fit(empty).consensus(3).consensus_
    assert found.labels[7] == -1 and (np.delete(found.labels, 7) >= 0)[empty.sum(axis=1)[np.arange(60) != 7] > 0].all()
    assert not found.W[7].any()


def test_nothing_but_zeros():
    for beta in (2, 1, 1.5):
        zeros = Study([2], n_replicates=2, beta_loss=beta).fit(np.zeros((6, 5)))
        assert list(zeros.table_["k"]) == [2] and zeros.table_["loss_best"][0] == 0
        model = zeros.consensus(2)
        assert not model.consensus_.W.any() and (model.consensus_.labels == -1).all() and not model.components_.any()


def test_tables_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    study = Study([2, 3], n_replicates=2).fit(X)
    assert isinstance(study.table_, dict) and study.table_["k"].tolist() == [2, 3] and study.table_["k"].dtype == np.int64
    found = study.consensus(2).consensus_
    assert list(found.components) == ["silhouette", "support", "members", "total", "share"] and found.members["row"].tolist() == [0, 1, 0, 1]


def test_progress_is_shown(capfd, monkeypatch, tmp_path):
    study = Study([2], n_replicates=20, holdout="none")
    study.fit(X, path=tmp_path / "study")
    assert capfd.readouterr() == ("", "")
    study.set_params(verbose=1, n_replicates=30).fit(X, path=tmp_path / "study")
    shown = capfd.readouterr()
    assert shown.out == "" and "30/30" in shown.err and "20/30" in shown.err and "0/30" not in shown.err.replace("20/30", "").replace("30/30", "")
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    study.fit(X)
    shown = capfd.readouterr()
    assert shown.out.splitlines() == [f"Study: {done} of 30 fits" for done in range(3, 31, 3)] and shown.err == ""
    # nothing to do, nothing to show
    study.fit(X, path=tmp_path / "study")
    assert capfd.readouterr() == ("", "")


def big():
    return np.random.default_rng(0).random((600, 400))


def test_other_threads_run_meanwhile():
    ticks, over = [], threading.Event()

    def tick():
        while not over.wait(0.01):
            ticks.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    began = time.perf_counter()
    Study([8, 10], n_replicates=4, holdout="none", tol=0, max_iter=60, n_jobs=1).fit(big())
    took = time.perf_counter() - began
    over.set()
    thread.join()
    assert len([t for t in ticks if began < t < began + took]) > 0.2 * took / 0.01


INTERRUPTED = """
    import sys
    import numpy as np
    from orthant import Study

    X = np.random.default_rng(0).random((600, 400))
    print("ready", flush=True)
    try:
        Study([6], n_replicates=400, holdout="none", n_jobs=1).fit(X, path=sys.argv[1] if len(sys.argv) > 1 else None)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
@pytest.mark.parametrize("kept", [True, False])
def test_ctrl_c_keeps_what_is_done(kept, tmp_path):
    path = tmp_path / "study"
    command = [sys.executable, "-c", textwrap.dedent(INTERRUPTED), *([path] if kept else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    until = time.monotonic() + 60
    while kept and time.monotonic() < until and not list(path.glob("jobs/start-*")):
        time.sleep(0.05)
    time.sleep(0.5)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n" and time.monotonic() - sent < 5
    assert process.wait(timeout=30) == 0
    if not kept:
        return
    done = jobs(path)
    assert 0 < len(done) < 400
    # gone on with, it is what an uninterrupted one is
    few = Study([6], n_replicates=len(done) + 2, holdout="none")
    pd.testing.assert_frame_equal(few.fit(big(), path=path).table_, clone(few).fit(big()).table_, check_exact=True)
    assert all(jobs(path)[name] == content for name, content in done.items())


def test_the_report_is_one_page_of_the_same_bytes(tmp_path):
    study = Study([2, 3, 4], n_replicates=4, random_state=1, n_jobs=2).fit(X)
    study.report(tmp_path / "page.html", name="counts")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Recommended: k = 3" in page and ".fit(counts)" in page
    assert "<script" not in page and "http" not in page.replace("http://www.w3.org", "")
    assert sorted(os.listdir(tmp_path)) == ["page.html"]
    # on other threads, and from a folder, which needs the data
    other = Study([2, 3, 4], n_replicates=4, random_state=1, n_jobs=1).fit(X, path=tmp_path / "s")
    other.report(tmp_path / "other.html", name="counts")
    assert (tmp_path / "other.html").read_text(encoding="utf-8") == page
    opened = Study.open(tmp_path / "s")
    with pytest.raises(ValueError, match="give it as X"):
        opened.report(tmp_path / "none.html")
    frame = pd.DataFrame(X, columns=[f"gene<{j}>" for j in range(X.shape[1])])
    Study([2, 3], n_replicates=3, n_jobs=1).fit(frame).report(tmp_path / "named.html")
    named = (tmp_path / "named.html").read_text(encoding="utf-8")
    assert "gene&lt;" in named and "gene<" not in named
    with pytest.raises(ValueError, match="another fingerprint"):
        opened.report(tmp_path / "none.html", X + 1)
    assert not (tmp_path / "none.html").exists()


FORKED = """
    import os
    import numpy as np
    from orthant import Study

    X = np.random.default_rng(0).poisson(3.0, size=(60, 20))

    def all_of_it():
        study = Study([2, 3], n_replicates=3).fit(X)
        study.consensus(2)
        return study.sample_consensus(2)[0].sum()

    expected = all_of_it()
    child = os.fork()
    if child == 0:
        os._exit(0 if all_of_it() == expected else 1)
    print(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore")
def test_a_child_of_fork_studies_too():
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(FORKED)], capture_output=True, text=True, timeout=60)
    assert out.stdout == "0\n", out.stderr
