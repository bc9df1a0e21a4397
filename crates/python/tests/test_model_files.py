"""Fitted models as files: what is kept, what other programs make of them, and files that are damaged."""

import json
import os
import pathlib
import pickle
import struct
import subprocess

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import orthant
from orthant import NMF, Factor, MiniBatchNMF, Study

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA = pathlib.Path(__file__).resolve().parent / "data"
PROGRAM = pathlib.Path(os.environ.get("ORTHANT_PROGRAMS", ROOT / "target/debug")) / "orthant"
the_command = pytest.mark.skipif(not PROGRAM.exists(), reason="the command is not built")


def problem(m=30, n=8, seed=0):
    rng = np.random.RandomState(seed)
    return rng.poisson(4 * rng.gamma(1.0, size=(m, 3)) @ rng.gamma(1.0, size=(3, n))) + 1.0


def parts(path):
    """The header and the bytes of a file, by the definition of safetensors."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def rewritten(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def command(folder, *arguments):
    ran = subprocess.run([PROGRAM, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


MODELS = [
    NMF(3, random_state=0),
    NMF(3, solver="mu", beta_loss="kullback-leibler", init="random", random_state=7, tol=1e-6, max_iter=500),
    NMF(3, solver="auto", beta_loss=1.5, alpha_W=0.01, alpha_H=0.02, l1_ratio=np.float64(0.3), random_state=np.int64(4)),
    NMF(3, solver="auto", scale="balanced", n_jobs=1, holdout=0.1, missing="nan", max_iter=np.int32(30), random_state=0),
    NMF("auto", solver="hals", stop="violation", sweeps=2, compress=False, random_state=0, tol=0),
    MiniBatchNMF(3, batch_size=10, random_state=0),
    MiniBatchNMF(3, beta_loss="itakura-saito", forget_factor=0.5, transform_max_iter=9, max_no_improvement=None, random_state=1),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_model_comes_back(model, dtype, tmp_path):
    frame = pd.DataFrame(problem().astype(dtype), columns=[f"gene {j} ü" for j in range(8)])
    model = clone(model).fit(frame)
    path = tmp_path / "model.safetensors"
    model.save(path)
    again = orthant.load(str(path))
    assert type(again) is type(model) and again.get_params() == model.get_params()
    mine, other = vars(model), vars(again)
    kept = [name for name in mine if name.endswith("_") and not name.startswith("_")]
    assert {"components_", "feature_names_in_", "n_features_in_", "n_iter_", "reconstruction_err_"} <= set(kept)
    for name in kept:
        np.testing.assert_array_equal(other[name], mine[name], err_msg=name)
        assert type(other[name]) is type(mine[name]), name
    assert set(kept) == {name for name in other if name.endswith("_") and not name.startswith("_")}
    assert again.components_.dtype == dtype
    new = frame.iloc[:5] + 1
    np.testing.assert_array_equal(again.transform(new), model.transform(new))
    with pytest.raises(ValueError, match="feature names should match"):
        again.transform(new.rename(columns=str.upper))
    assert again.explain_() == model.explain_()
    # what was read is written again, and can be pickled and fitted
    again.save(tmp_path / "again")
    assert parts(tmp_path / "again") == parts(path)
    pickle.loads(pickle.dumps(again)).fit(frame).save(tmp_path / "pickled")
    assert parts(tmp_path / "pickled")[1] == parts(path)[1]



EXAMPLE = PROGRAM.parent / "examples/model"


@pytest.mark.skipif(not EXAMPLE.exists(), reason="the example is not built")
def test_models_go_from_the_crate_to_python_and_back(tmp_path):
    def printed(path):
        ran = subprocess.run([EXAMPLE, path], capture_output=True, text=True, check=True)
        return np.array([[float(x) for x in line.split()] for line in ran.stdout.splitlines()])

    components = printed(tmp_path / "of the crate")
    read = orthant.load(tmp_path / "of the crate")
    np.testing.assert_array_equal(read.components_, components)
    assert read.transform(components).shape == (2, 2)
    model = NMF(3, solver="auto", beta_loss="kullback-leibler", random_state=0).fit(problem())
    model.save(tmp_path / "of Python")
    np.testing.assert_array_equal(printed(tmp_path / "of Python"), model.components_)


def test_weights_of_features_come_back(tmp_path):
    X = problem()
    model = NMF(3, solver="auto", random_state=0).fit(X, feature_weight=np.arange(1.0, 9.0))
    model.save(tmp_path / "m")
    again = orthant.load(tmp_path / "m")
    np.testing.assert_array_equal(again.feature_weight_, np.arange(1.0, 9.0))
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    plain = NMF(3, solver="auto", random_state=0).fit(X)
    plain.components_ = model.components_
    assert np.abs(again.transform(X) - plain.transform(X)).max() > 1e-3


def test_the_file_is_what_its_format_says(tmp_path):
    frame = pd.DataFrame(problem(), columns=list("abcdefgh"))
    model = NMF(3, solver="auto", beta_loss="kullback-leibler", alpha_W=0.1, random_state=5).fit(frame)
    model.save(tmp_path / "m")
    header, data = parts(tmp_path / "m")
    assert header["H"] == {"dtype": "F64", "shape": [3, 8], "data_offsets": [0, 192]}
    np.testing.assert_array_equal(np.frombuffer(data, "<f8").reshape(3, 8), model.components_)
    manifest = json.loads(header["__metadata__"]["orthant"])
    assert manifest["format"] == 1 and manifest["columns"] == list("abcdefgh")
    assert manifest["options"]["rank"] == 3 and manifest["options"]["seed"] == 5
    assert manifest["penalty"] == {"alpha_w": 0.1, "alpha_h": 0.1, "l1_ratio": 0.0}
    assert manifest["report"]["iterations"] == model.n_iter_


def test_a_start_that_was_given_is_named(tmp_path):
    X, rng = problem(), np.random.RandomState(1)
    model = NMF(3, init="custom", solver="hals")
    model.fit(X, W=rng.random_sample((30, 3)), H=rng.random_sample((3, 8))).save(tmp_path / "m")
    assert json.loads(parts(tmp_path / "m")[0]["__metadata__"]["orthant"])["options"]["init"] == "custom"
    assert orthant.load(tmp_path / "m").init == "custom"


def test_components_of_another_origin(tmp_path):
    """A model that was put together by hand, of integers by columns."""
    model = NMF(2, solver="auto")
    model.components_ = np.asfortranarray([[1, 0, 2], [0, 3, 0]])
    model.save(tmp_path / "m")
    again = orthant.load(tmp_path / "m")
    np.testing.assert_array_equal(again.components_, model.components_)
    np.testing.assert_allclose(again.transform([[2.0, 6, 4]]), [[2, 2]])
    assert not hasattr(again, "n_iter_")
    model.components_ = -model.components_
    with pytest.raises(ValueError, match="Negative values"):
        model.save(tmp_path / "m")
    with pytest.raises(ValueError, match="not fitted yet"):
        NMF(2).save(tmp_path / "n")
    assert os.listdir(tmp_path) == ["m"]


def test_what_a_file_does_not_hold_is_said(tmp_path):
    X = problem()
    model = NMF(
        3,
        solver="auto",
        random_state=np.random.RandomState(0),
        callback=lambda it: False,
        checkpoint=tmp_path / "c",
        H=Factor(upper=100.0),
    ).fit(X)
    model.save(tmp_path / "m")
    again = orthant.load(tmp_path / "m")
    assert again.remarks_ == [*model.remarks_, "the file does not hold H, callback, checkpoint, random_state"]
    assert (again.H, again.callback, again.checkpoint, again.random_state) == (None, None, None, None)
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    consensus = Study([2], n_replicates=3).fit(X).consensus(2)
    consensus.save(tmp_path / "m")
    again = orthant.load(tmp_path / "m")
    assert again.remarks_[-1] == "the file does not hold consensus_"
    np.testing.assert_array_equal(again.transform(X), consensus.transform(X))


def test_partial_fit_does_not_go_on_from_a_file(tmp_path):
    X = problem()
    model = MiniBatchNMF(3, random_state=0).partial_fit(X).partial_fit(X)
    model.save(tmp_path / "m")
    again = orthant.load(tmp_path / "m")
    assert again.n_steps_ == 2 and not hasattr(again, "n_iter_")
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    with pytest.raises(ValueError, match="partial_fit cannot go on from components alone"):
        again.partial_fit(X)
    # figures of a fit are not those of what was learnt since
    model.fit(X).partial_fit(X).save(tmp_path / "m")
    header = parts(tmp_path / "m")[0]
    assert json.loads(header["__metadata__"]["orthant"])["report"] is None


def test_a_subclass_is_saved_as_what_it_is_of(tmp_path):
    class Mine(NMF):
        def __init__(self, n_components=2, mine=0, **more):
            super().__init__(n_components, **more)
            self.mine = mine

    X = problem()
    Mine(random_state=3).fit(X).save(tmp_path / "m")
    assert repr(orthant.load(tmp_path / "m")) == "NMF(n_components=2, random_state=3)"


@the_command
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize(
    "options",
    [
        ("--loss", "kl"),
        ("--solver", "cd", "--init", "random", "--tol", "1e-3"),
        ("--solver", "hals", "--alpha-w", "0.1", "--scale", "none", "--f32"),
        ("--minibatch", "--batch-size", "10"),
        ("--loss", "1.5", "--max-seconds", "1000", "--threads", "1"),
    ],
    ids=" ".join,
)
def test_files_of_the_command(options, tmp_path):
    """Each reads what the other has written, with the same weights of new samples to the bit."""
    X = problem()
    frame = pd.DataFrame(X, columns=[f"c{j}" for j in range(8)])
    frame.to_csv(tmp_path / "x.csv", index=False)
    command(tmp_path, "fit", "x.csv", "-k", 3, "--seed", 2, "-o", "out", "--quiet", *options)
    model = orthant.load(tmp_path / "out")
    np.testing.assert_array_equal(model.components_, np.load(tmp_path / "out/H.npy"))
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert model.n_iter_ == report["iterations"] and model.reconstruction_err_ == report["reconstruction_error"]
    assert model.random_state == 2 and list(model.feature_names_in_) == list(frame.columns)
    same = ["--compatible"] if "cd" in options or "--minibatch" in options else []
    model.save(tmp_path / "python.safetensors")
    for path in ("out", "python.safetensors"):
        command(tmp_path, "transform", path, "x.csv", "-o", "w.npy", "--quiet", *same)
        np.testing.assert_array_equal(model.transform(X), np.load(tmp_path / "w.npy"))
    # the command finds in the file what it would find in its own: the data, the report, the weights
    theirs, mine = (
        json.loads(parts(tmp_path / path)[0]["__metadata__"]["orthant"])
        for path in ("out/model.safetensors", "python.safetensors")
    )
    for name in ("input", "report", "weights", "columns", "loss", "dtype"):
        assert mine[name] == theirs[name], name
    assert mine["options"]["method"] == theirs["options"]["method"] and mine["options"]["stop"] == theirs["options"]["stop"]
    # a fit with the parameters of the file, too
    again = clone(model).fit(X.astype(model.components_.dtype))
    np.testing.assert_array_equal(again.components_, model.components_)


@the_command
def test_what_goes_with_topics_is_kept(tmp_path):
    (tmp_path / "texts.txt").write_text("apple pear plum\napple plum pear\nbolt nut gear\nnut bolt screw\napple pear\nbolt gear\n")
    command(tmp_path, "topics", "texts.txt", "--lines", "-k", 2, "-o", "out", "--min-df", 1)
    model = orthant.load(tmp_path / "out")
    assert {"apple", "bolt"} <= set(model.feature_names_in_)
    model.save(tmp_path / "python.safetensors")
    of_command = command(tmp_path, "topics", "--model", "out", "--lines", "texts.txt")
    assert command(tmp_path, "topics", "--model", "python.safetensors", "--lines", "texts.txt") == of_command


def test_components_alone(tmp_path):
    """A file that says nothing of a fit, as any program can write."""
    H = np.array([[1.0, 0, 2], [0, 3, 0]], np.float32)
    manifest = {
        "format": 1,
        "orthant": "0.1.0",
        "dtype": "float32",
        "penalty": {"alpha_w": 0.5, "alpha_h": None, "l1_ratio": 1.0},
        "options": None,
        "input": None,
        "columns": None,
        "report": None,
    }
    header = {
        "__metadata__": {"orthant": json.dumps(manifest)},
        "H": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    }
    path = tmp_path / "m"
    rewritten(path, header, H.tobytes())
    model = orthant.load(path)
    assert repr(model) == "NMF(alpha_W=0.5, l1_ratio=1.0, n_components=2, solver='auto')"
    # ½(2 − w)²·5 + 0.5·3·w and ½(6 − 3w)² + 0.5·3·w are least where their slopes are 0
    np.testing.assert_allclose(model.transform(np.array([[2.0, 6, 4]], np.float32)), [[2 - 1.5 / 5, 2 - 1.5 / 9]], rtol=1e-6)


def test_a_file_of_version_0_1(tmp_path):
    """What 0.1.0 wrote is read by every later version. `tests/data/make_model.py` says how it was made."""
    model = orthant.load(DATA / "model-0.1.0.safetensors")
    assert isinstance(model, NMF)
    assert (model.solver, model.beta_loss, model.n_components, model.alpha_W) == ("auto", "kullback-leibler", 2, 0.01)
    assert list(model.feature_names_in_) == ["apple", "pear", "plum", "bolt", "nut"] and model.n_iter_ > 1
    header, data = parts(DATA / "model-0.1.0.safetensors")
    H = np.frombuffer(data, "<f8").reshape(header["H"]["shape"])
    np.testing.assert_array_equal(model.components_, H)
    # stationary: for each weight the slope of the objective is 0, or not below 0 where the weight is 0
    X = pd.DataFrame([[3.0, 2, 1, 0.5, 1], [1, 1, 1, 5, 4]], columns=model.feature_names_in_)
    W = model.transform(X)
    slope = H.sum(axis=1) - (X.to_numpy() / (W @ H)) @ H.T + 0.01 * 5 * W
    assert np.abs(W * slope).max() < 1e-6 and slope.min() > -1e-6
    batches = orthant.load(DATA / "minibatch-0.1.0.safetensors")
    assert isinstance(batches, MiniBatchNMF) and batches.components_.dtype == np.float32 and batches.batch_size == 3
    assert batches.transform(np.ones((2, 5), np.float32)).shape == (2, 2)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    NMF(3, solver="auto", random_state=0).fit(problem()).save(path)
    return path


def test_there_is_no_such_file(saved):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        orthant.load(saved.parent / "nowhere")
    with pytest.raises(FileNotFoundError, match="model.safetensors"):
        orthant.load(ROOT)
    with pytest.raises(OSError, match="cannot write .*nowhere"):
        orthant.load(saved).save(saved.parent / "nowhere" / "m")


def test_foreign_and_cut_files(saved):
    whole = saved.read_bytes()
    for wrong in [b"", b"1,2\n3,4\n", whole[:-1], whole[:100], whole[:7], pickle.dumps(NMF(2))]:
        saved.write_bytes(wrong)
        with pytest.raises(ValueError, match="model.safetensors"):
            orthant.load(saved)


def test_no_damage_is_worse_than_an_error(saved):
    whole = saved.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for at in rng.integers(len(whole), size=rng.integers(1, 4)):
            damaged[at] = rng.integers(256)
        saved.write_bytes(damaged)
        try:
            orthant.load(saved)
        except ValueError as error:
            assert "model.safetensors" in str(error)


def changed(path, **said):
    header, data = parts(path)
    text = json.loads(header["__metadata__"]["orthant.python"])
    for name, value in said.items():
        text[name] = {**text[name], **value} if isinstance(value, dict) else value
    header["__metadata__"]["orthant.python"] = json.dumps(text)
    rewritten(path, header, data)


@pytest.mark.parametrize(
    "said, words",
    [
        ({"class": "Study"}, "'Study' is neither NMF nor MiniBatchNMF"),
        ({"class": ["NMF"]}, "unhashable"),
        ({"parameters": {"novelty": 3}}, "it has the parameters novelty, which orthant .* does not know"),
        ({"parameters": {"callback": "print"}}, "parameters callback"),
        ({"parameters": {"solver": "best"}}, "The 'solver' parameter of NMF must be"),
        ({"parameters": {"alpha_W": 0.5}}, "alpha_W is 0.5 in one place and 0.0 in another"),
        ({"parameters": {"beta_loss": 1}}, "beta_loss is 1.0 in one place and 2.0 in another"),
        ({"parameters": []}, "list"),
        ({"attributes": {"kkt_residual_": "much"}}, "str"),
        ({"attributes": {"loss_curve_": ["x"]}}, "could not convert"),
    ],
    ids=str,
)
def test_what_is_said_is_checked(said, words, saved):
    changed(saved, **said)
    with pytest.raises(ValueError, match=rf"(?s)model\.safetensors: not a valid model file: .*{words}"):
        orthant.load(saved)


def test_nothing_but_attributes_is_taken(saved):
    changed(saved, attributes={"transform": 3, "components_": [1], "__class__": "x"})
    assert orthant.load(saved).transform(problem()).shape == (30, 3)


def test_deep_and_broken_json(saved):
    header, data = parts(saved)
    for text in ("[" * 100_000, "{", "null", "3", '{"class": "NMF"}'):
        header["__metadata__"]["orthant.python"] = text
        rewritten(saved, header, data)
        with pytest.raises(ValueError, match="model.safetensors"):
            orthant.load(saved)


def test_a_newer_file(saved):
    header, data = parts(saved)
    manifest = json.loads(header["__metadata__"]["orthant"])
    header["__metadata__"]["orthant"] = json.dumps({**manifest, "format": 2})
    rewritten(saved, header, data)
    with pytest.raises(ValueError, match="model.safetensors.* 2"):
        orthant.load(saved)
