"""The Python code in the documents runs, and the examples say what they should."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import pytest

ROOT = Path(__file__).resolve().parents[3]


def blocks(path):
    return re.findall(r"^```python\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "docs/python.md", "docs/study.md", "docs/programs.md", "crates/python/README.md"])
def test_code(name, tmp_path):
    for folder in ["docs", "examples"]:
        (tmp_path / folder).symlink_to(ROOT / folder)
    code = "\n".join(blocks(ROOT / name))
    assert "orthant" in code
    environment = {**os.environ, "MPLBACKEND": "Agg", "MPLCONFIGDIR": str(tmp_path)}
    out = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert out.returncode == 0, out.stderr
    if name == "README.md":
        assert "'bolt', 'nut'] [[0.    0.    0.    0.556 0.444]" in out.stdout, out.stdout
        assert matplotlib.image.imread(tmp_path / "five.png").shape[:2] == (414, 414)
    if name == "docs/python.md":
        assert out.stdout.startswith("30 0.00115993492\nconverged "), out.stdout


RECIPES = {re.search(r"(?:import|from) (\w+)", block)[1] + f" {i}": block for i, block in enumerate(blocks(ROOT / "docs/recipes.md"))}


@pytest.mark.parametrize("name", RECIPES)
def test_recipes(name, tmp_path):
    """Each runs as it stands, where the libraries that it is for are installed."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "MPLCONFIGDIR": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path)}
    for module in set(re.findall(r"^(?:import|from) (\w+)", RECIPES[name], re.MULTILINE)):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    out = subprocess.run([sys.executable, "-c", RECIPES[name]], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    for line in re.findall(r"^print\(.*\)  # (.*)$", RECIPES[name], re.MULTILINE):
        assert line in out.stdout, out.stdout


def example(name, *arguments):
    command = [sys.executable, ROOT / "crates" / "python" / "examples" / name, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_topics_are_scikit_learns():
    out = example("topics.py", "--topics", 5, "--texts", 300)
    assert "orthant, the import changed" in out and "5 of 5 topics have the same eight words" in out, out
    assert "100.00% of the texts the same first topic" in out, out


def test_consensus_is_scikit_learns():
    out = example("consensus.py", "--cells", 300, "--genes", 120, "--programs", 4, "--starts", 6)
    same = next(line for line in out.splitlines() if line.startswith("orthant, the import changed"))
    cosine = float(re.search(r"with scikit-learn's (\S+);", same)[1])
    moved = float(re.search(r"differs by (\S+) at most", same)[1])
    assert cosine > 0.999999 and moved < 1e-4, out
    fast = next(line for line in out.splitlines() if line.startswith('orthant, solver="auto"'))
    assert float(re.search(r"with scikit-learn's (\S+);", fast)[1]) > 0.99, out


TYPED = """
import numpy as np
import orthant
from numpy.typing import NDArray
from orthant import NMF, Consensus, MiniBatchNMF, Study, Table, load, non_negative_factorization, patched_sklearn, read

X = np.ones((4, 3))
model: NMF = NMF(2, solver="auto", callback=lambda it: it.number == 3).fit(X)
W: NDArray[np.floating] = model.transform(X)
H: NDArray[np.floating] = model.components_
text: str = model.explain_()
online: MiniBatchNMF = MiniBatchNMF(2).partial_fit(X)
text = online.explain_()
study: Study = Study(range(2, 4), n_replicates=2).fit(X, path="study")
consensus: NMF = Study.open("study").consensus(2, X)
of_samples: Consensus = consensus.consensus_
n_iter: int = non_negative_factorization(X, n_components=2)[2]
model.save("m")
again: NMF | MiniBatchNMF = load("m")
score: float = again.score(X)
table: Table = read("a.csv", header="no")
with patched_sklearn():
    cells: NMF = orthant.anndata.nmf(object(), 3, layer="counts")
cells.set_params(tol=1e-3).set_output(transform="pandas").get_params()
NMF("2", slover="cd")  # E
"""


def test_types(tmp_path):
    """mypy finds the package's types, and what is wrong by them; in the package itself it finds nothing."""
    (tmp_path / "user.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", tmp_path / "user.py"]
    out = subprocess.run(command, capture_output=True, text=True).stdout
    errors = [line for line in out.splitlines() if ": error:" in line]
    line = 1 + TYPED.splitlines().index('NMF("2", slover="cd")  # E')
    assert len(errors) == 1 and f"user.py:{line}:" in errors[0] and "slover" in errors[0], out
    package = ROOT / "crates" / "python"
    command = [sys.executable, "-m", "mypy", "--config-file", package / "pyproject.toml", "-p", "orthant"]
    out = subprocess.run(
        [*command, "--cache-dir", tmp_path / "cache"], cwd=package / "python", capture_output=True, text=True
    )
    assert out.returncode == 0, out.stdout
