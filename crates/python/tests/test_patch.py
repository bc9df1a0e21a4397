"""Orthant under scikit-learn's names: in programs that are not edited, and without a trace afterwards."""

import os
import pickle
import subprocess
import sys
import textwrap
import threading
import types

import numpy as np
import pytest
import sklearn.decomposition
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import orthant
from orthant import patch_sklearn, patched_sklearn, unpatch_sklearn

NAMES = ("NMF", "MiniBatchNMF", "non_negative_factorization")
SKLEARNS = {name: getattr(sklearn.decomposition, name) for name in NAMES}
# imported before anything is patched, under names of its own
from sklearn.decomposition import NMF as Before  # noqa: E402
from sklearn.decomposition import non_negative_factorization as factorise  # noqa: E402


def problem(m=40, n=10, seed=0):
    rng = np.random.RandomState(seed)
    return rng.gamma(1.0, size=(m, 3)) @ rng.gamma(1.0, size=(3, n))


def names():
    """Every global name of every module that is scikit-learn's or a stand-in, and what it is."""
    wanted = {id(of) for of in (*SKLEARNS.values(), *(getattr(orthant._patch, name) for name in NAMES))}
    return {
        (module, name): value
        for module, of in list(sys.modules.items())
        if isinstance(of, types.ModuleType) and module != "orthant._patch"
        for name, value in list(vars(of).items())
        if id(value) in wanted
    }


@pytest.fixture(autouse=True)
def no_trace():
    before = names()
    yield
    unpatch_sklearn()
    assert names() == before
    assert not orthant._patch._state.originals and not orthant._patch._state.changed


def run(folder, *arguments, code=None, ends=0):
    if code is not None:
        (folder / "script.py").write_text(textwrap.dedent(code))
    out = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
    assert out.returncode == ends, out.stderr
    return out.stderr if ends else out.stdout


def test_names_that_were_imported_before_too():
    X = problem()
    of_sklearn = Before(3, random_state=0, init="random").fit(X)
    patch_sklearn()
    patch_sklearn()
    assert issubclass(Before, orthant.NMF) and Before is sklearn.decomposition.NMF
    assert Before.__name__ == "NMF" and "solver='auto'" in repr(Before(solver="auto"))
    model = Before(3, random_state=0, init="random").fit(X)
    assert isinstance(model, Before) and isinstance(model, orthant.NMF) and not isinstance(of_sklearn, Before)
    np.testing.assert_allclose(model.components_, of_sklearn.components_, rtol=1e-6, atol=1e-12)
    assert model.n_iter_ == of_sklearn.n_iter_
    # what only Orthant's function takes
    assert factorise(X, n_components=2, solver="auto", random_state=0)[1].shape == (2, 10)
    unpatch_sklearn()
    assert Before is SKLEARNS["NMF"] and factorise is SKLEARNS["non_negative_factorization"]
    unpatch_sklearn()


def test_orthants_own_names_stay():
    of_orthant = types.ModuleType("of_orthant")
    of_orthant.NMF = orthant.NMF
    sys.modules["of_orthant"] = of_orthant
    try:
        with patched_sklearn():
            assert of_orthant.NMF is orthant.NMF
        assert of_orthant.NMF is orthant.NMF
    finally:
        del sys.modules["of_orthant"]


def test_modules_that_are_imported_meanwhile_are_restored(tmp_path, monkeypatch):
    (tmp_path / "imported_meanwhile.py").write_text("from sklearn.decomposition import NMF as Model\nfrom orthant import NMF\n")
    monkeypatch.syspath_prepend(tmp_path)
    with patched_sklearn():
        import imported_meanwhile

        assert issubclass(imported_meanwhile.Model, orthant.NMF)
    assert imported_meanwhile.Model is SKLEARNS["NMF"] and imported_meanwhile.NMF is orthant.NMF
    # one that has left sys.modules
    with patched_sklearn():
        del sys.modules["imported_meanwhile"]
        assert issubclass(imported_meanwhile.Model, orthant.NMF)
    assert imported_meanwhile.Model is SKLEARNS["NMF"]


def test_lazy_modules_are_not_loaded(monkeypatch):
    class Lazy(types.ModuleType):
        def __getattribute__(self, name):
            raise AssertionError("loaded")

    monkeypatch.setitem(sys.modules, "lazy", Lazy("lazy"))
    monkeypatch.setitem(sys.modules, "none", None)
    monkeypatch.setitem(sys.modules, "odd", 3)
    patch_sklearn()
    unpatch_sklearn()
    monkeypatch.undo()


def test_blocks_inside_one_another():
    with patched_sklearn():
        with patched_sklearn():
            pass
        assert issubclass(Before, orthant.NMF)
        patch_sklearn()
        unpatch_sklearn()
        assert issubclass(Before, orthant.NMF)
    assert Before is SKLEARNS["NMF"]
    patch_sklearn()
    with patched_sklearn():
        pass
    assert issubclass(Before, orthant.NMF)
    unpatch_sklearn()
    with pytest.raises(RuntimeError, match="mine"), patched_sklearn():
        raise RuntimeError("mine")
    assert Before is SKLEARNS["NMF"]


def test_threads():
    wrong = []
    barrier = threading.Barrier(8)

    def work():
        barrier.wait()
        for _ in range(20):
            with patched_sklearn():
                if not issubclass(Before, orthant.NMF):
                    wrong.append("not patched inside a block")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and Before is SKLEARNS["NMF"]


def test_pickles():
    X = problem()
    of_sklearn = Before(2, random_state=0).fit(X)
    before = pickle.dumps(of_sklearn)
    with patched_sklearn():
        assert pickle.dumps(of_sklearn) == before
        assert type(pickle.loads(before)) is SKLEARNS["NMF"]
        model = Before(2, random_state=0).fit(X)
        assert type(pickle.loads(pickle.dumps(model))) is Before
        after = pickle.dumps(model)
        assert pickle.loads(pickle.dumps(factorise)) is factorise
    again = pickle.loads(after)
    assert isinstance(again, orthant.NMF)
    np.testing.assert_array_equal(again.transform(X), model.transform(X))


def test_a_model_that_was_made_meanwhile_is_saved(tmp_path):
    with patched_sklearn():
        model = sklearn.decomposition.MiniBatchNMF(2, random_state=0).fit(problem())
        model.save(tmp_path / "m")
    assert type(orthant.load(tmp_path / "m")) is orthant.MiniBatchNMF


def test_grid_searches():
    X, y = problem(), np.arange(40) % 2
    grid = {"nmf__n_components": [2, 3]}
    plain = GridSearchCV(make_pipeline(Before(random_state=0), LogisticRegression()), grid, cv=2).fit(X, y)
    with patched_sklearn():
        pipe = make_pipeline(Before(random_state=0), LogisticRegression())
        searched = [GridSearchCV(pipe, grid, cv=2, n_jobs=jobs).fit(X, y) for jobs in (1, 2)]
    for search in searched:
        assert isinstance(search.best_estimator_["nmf"], orthant.NMF)
        np.testing.assert_array_equal(search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])


SCRIPT = """
    import sys
    import helper  # lies beside it
    import numpy as np
    from sklearn.decomposition import NMF, MiniBatchNMF, non_negative_factorization

    class Mine(NMF):
        pass

    X = np.random.RandomState(0).random_sample((20, 6))
    model = Mine(2, init="random", random_state=0).fit(X)
    print([of.__module__.split(".")[0] for of in (NMF, MiniBatchNMF, non_negative_factorization)])
    print(__name__, helper.here, sys.argv, f"{model.reconstruction_err_:.10f}", sys.modules["__main__"].Mine is Mine)
    sys.exit(int(sys.argv[1]))
"""


def test_a_program_that_is_not_edited(tmp_path):
    (tmp_path / "helper.py").write_text("here = 'beside'")
    plain = run(tmp_path, "script.py", "0", "--verbose", code=SCRIPT).splitlines()
    patched = run(tmp_path, "-m", "orthant", "script.py", "0", "--verbose").splitlines()
    assert plain[0] == "['sklearn', 'sklearn', 'sklearn']" and patched[0] == "['orthant', 'orthant', 'orthant']"
    assert plain[1] == patched[1] and plain[1].startswith("__main__ beside ['script.py', '0', '--verbose'] ")
    assert plain[1].endswith(" True")
    # as a module; and from another folder, with a status of its own
    assert run(tmp_path, "-m", "orthant", "-m", "script", "0").splitlines()[0] == patched[0]
    (tmp_path / "elsewhere").mkdir()
    run(tmp_path / "elsewhere", "-m", "orthant", "../script.py", "3", ends=3)


def test_the_program_itself(tmp_path, monkeypatch, capsys):
    from orthant.__main__ import main

    def ended(*arguments):
        monkeypatch.setattr(sys, "argv", ["orthant", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr()

    for arguments, code, out, err in [
        (["--help"], 0, "usage: python -m orthant SCRIPT", ""),
        ([], 2, "", "usage: python -m orthant SCRIPT"),
        (["--version"], 0, orthant.__version__ + "\n", ""),
        (["nowhere.py"], "python -m orthant: there is no file nowhere.py", "", ""),
        (["--fast", "x.py"], "python -m orthant: there is no option --fast; there are -m, --help and --version", "", ""),
        (["-m"], "python -m orthant: -m needs the name of a module", "", ""),
    ]:
        found, said = ended(*arguments)
        assert found == code and said.out.startswith(out) and said.err.startswith(err), arguments
    assert Before is SKLEARNS["NMF"]
    out = run(tmp_path, "-m", "orthant", "script.py", code="def f():\n    raise KeyError('x')\nf()", ends=1)
    assert "in f" in out and out.endswith("KeyError: 'x'\n")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_of_fork_has_it(tmp_path):
    code = """
        import multiprocessing
        import orthant
        import sklearn.decomposition

        def which(_):
            return issubclass(sklearn.decomposition.NMF, orthant.NMF)

        orthant.patch_sklearn()
        with multiprocessing.get_context("fork").Pool(1) as pool:
            print(pool.map(which, [0]))
        orthant.unpatch_sklearn()
        with multiprocessing.get_context("fork").Pool(1) as pool:
            print(pool.map(which, [0]))
    """
    assert run(tmp_path, "script.py", code=code) == "[True]\n[False]\n"


def test_without_scikit_learn(tmp_path):
    code = """
        import sys
        sys.modules["sklearn"] = None
        import orthant
        for call in (orthant.patch_sklearn, orthant.patched_sklearn().__enter__):
            try:
                call()
            except ImportError as error:
                print(error)
        orthant.unpatch_sklearn()
    """
    words = "patch_sklearn needs scikit-learn 1.6 or later, which is not installed\n"
    assert run(tmp_path, "script.py", code=code) == 2 * words
