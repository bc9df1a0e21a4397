"""`Programs`: preparation and refits by numpy's and pandas' definitions, cNMF's own functions where it is installed, and the command's bits."""

import csv
import importlib.util
import os
import pathlib
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.optimize
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import silhouette_score

from orthant import GenePrograms, Programs, Study

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("ORTHANT_PROGRAMS", ROOT / "target/debug")) / "orthant"
the_command = pytest.mark.skipif(not PROGRAM.exists(), reason="the command is not built")


def simulated(cells=500, genes=1000, identities=6, seed=14):
    """Counts of cells with an identity each, of which some of three identities have an activity program too; usages and spectra.

    In the manner of scsim, with which cNMF was tested: gamma means, log-normal libraries and differential expression, gamma-Poisson
    counts. The program is up to 70 % of a cell that has it.
    """
    rng = np.random.default_rng(seed)
    base = rng.gamma(0.6, 1.0, genes) + 0.02
    changed = rng.random((identities, genes)) < 0.06
    spectra = base * np.where(changed, rng.lognormal(1.6, 0.5, (identities, genes)), 1.0)
    active = rng.random(genes) < 0.08
    program = base * np.where(active, rng.lognormal(1.8, 0.5, genes), 1.0)
    spectra = np.vstack([spectra, program])
    spectra /= spectra.sum(axis=1, keepdims=True)
    identity = rng.integers(identities, size=cells)
    active = (identity < 3) & (rng.random(cells) < 0.35)
    share = np.where(active, rng.uniform(0.1, 0.7, cells), 0.0)
    usages = np.zeros((cells, identities + 1))
    usages[np.arange(cells), identity] = 1 - share
    usages[:, -1] = share
    means = usages @ spectra * rng.lognormal(8.6, 0.4, (cells, 1))
    counts = rng.poisson(means * rng.gamma(20.0, 1 / 20.0, means.shape))
    return counts.astype(float), usages, spectra


COUNTS, USAGES, SPECTRA = simulated()
CELLS = [f"cell{i}" for i in range(len(COUNTS))]
GENES = [f"gene{j}" for j in range(COUNTS.shape[1])]


# pandas before 3 reads numbers to the last digit only if it is told
EXACT = {"float_precision": "round_trip"} if pd.__version__ < "3" else {}


def stand_in(X=COUNTS, **more):
    named = {"obs_names": CELLS[: X.shape[0]], "var_names": GENES[: X.shape[1]]}
    return SimpleNamespace(**{"X": X, "layers": {}, **named, "obsm": {}, "varm": {}, "uns": {}, **more})


def small():
    """200 cells and 300 genes, a cell and a gene of them without a count."""
    X = COUNTS[:200, :300].copy()
    X[5] = X[:, 7] = 0
    return X


def tpm_of(X):
    return X / X.sum(axis=1, keepdims=True) * 1e6


def overdispersion(T):
    """The ratio of each gene, from the definition in cNMF's paper and program, by pandas."""
    mean, fano = pd.Series(T.mean(axis=0)), pd.Series(T.var(axis=0) / T.mean(axis=0))
    top = mean.sort_values(ascending=False).index[:20]
    a = (T.std(axis=0) / T.mean(axis=0))[top].min()
    box = (fano > fano.quantile(0.1)) & (fano < fano.quantile(0.9)) & (mean > mean.quantile(0.1)) & (mean < mean.quantile(0.9))
    return (fano / (a**2 * mean + fano[box].median())).to_numpy()


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csc_array, lambda X: X.astype(np.float32), lambda X: X.astype(int)])
def test_counts_are_prepared_by_definition(kind):
    X = small()
    programs = Programs(3, n_replicates=2, n_genes=120, holdout="none").fit(kind(X))
    kept, columns = X.sum(axis=1) > 0, X.sum(axis=0) > 0
    assert (programs.cells_ == np.flatnonzero(kept)).all() and (programs.genes_in_ == np.flatnonzero(columns)).all()
    counts = X[kept][:, columns]
    T = tpm_of(counts)
    ratio = overdispersion(T)
    np.testing.assert_allclose(programs.genes_["fano_ratio"], ratio, rtol=1e-10)
    np.testing.assert_allclose(programs.genes_["mean"], T.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(programs.genes_["variance"], T.var(axis=0), rtol=1e-10)
    chosen = np.sort(np.argsort(-ratio)[:120])
    assert (np.flatnonzero(programs.genes_["fitted"]) == chosen).all()
    assert programs.fitted_names_[0] == str(np.flatnonzero(columns)[chosen[0]])
    scaled = programs.study_._held[0]
    assert sp.issparse(scaled) == sp.issparse(kind(X))
    scaled = scaled.toarray() if sp.issparse(scaled) else scaled
    np.testing.assert_allclose(scaled, (counts / counts.std(axis=0, ddof=1))[:, chosen], rtol=1e-6 if scaled.dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
def test_programs_are_by_definition(loss):
    X = small()
    programs = Programs([4], n_replicates=6, n_genes=120, beta_loss=loss, holdout="none").fit(sp.csr_array(X))
    found = programs.consensus(4, 0.3)
    T = tpm_of(X[programs.cells_][:, programs.genes_in_])
    fitted = np.flatnonzero(programs.genes_["fitted"])
    # medians of directions that are near others, at sum 1
    units = unit(programs.spectra(4))
    distances = np.sort(np.linalg.norm(units[:, None] - units[None], axis=2), axis=1)
    np.testing.assert_allclose(found.members["density"], distances[:, 1:2].mean(axis=1), atol=1e-6)
    labels = found.members["component"].to_numpy()
    assert ((labels >= 0) == (found.members["density"] < 0.3)).all()
    medians = np.stack([np.median(units[labels == t], axis=0) for t in range(4)])
    np.testing.assert_allclose(found.spectra.T, medians / medians.sum(axis=1, keepdims=True), atol=1e-12)
    # the weights of the scaled counts, from which the rest follows
    scaled = programs.study_._held[0].toarray()
    U = found.weights.to_numpy()
    shares = U / U.sum(axis=1, keepdims=True)
    assert (np.diff(shares.sum(axis=0)) <= 0).all()
    scores = np.linalg.lstsq(U, (T - T.mean(axis=0)) / T.std(axis=0), rcond=None)[0]
    np.testing.assert_allclose(found.scores.T, scores, atol=1e-8 * np.abs(scores).max())
    assert (found.top_genes(7).iloc[:, 2] == found.gene_names[np.argsort(-scores[2])[:7]]).all()
    deviation = T[:, fitted].std(axis=0)
    reference = found.spectra_tpm.to_numpy() / found.spectra_tpm.to_numpy().sum(axis=0) * 1e6
    np.testing.assert_allclose(found.reference, reference[fitted] / deviation[:, None], rtol=1e-10)
    np.testing.assert_allclose(found.shares.sum(axis=1), 1)
    A = (found.spectra_tpm.to_numpy()[fitted] / deviation[:, None]).T
    V = T[:, fitted] / T[:, fitted].std(axis=0, ddof=1)
    if loss == "frobenius":
        for i in range(0, len(V), 17):
            np.testing.assert_allclose(U[i], scipy.optimize.nnls(found.spectra.to_numpy(), scaled[i])[0], atol=1e-6 * U[i].max())
        for j in range(0, T.shape[1], 23):
            best = scipy.optimize.nnls(shares, T[:, j])[0]
            np.testing.assert_allclose(found.spectra_tpm.iloc[j], best, atol=1e-6 * T[:, j].max())
        for i in range(0, len(V), 17):
            best = scipy.optimize.nnls(A.T, V[i])[0]
            np.testing.assert_allclose(found.usages.iloc[i], best, atol=1e-6 * np.abs(best).max())
    else:
        # no step along a coordinate makes the divergence less
        def slopes(V, W, H):
            return H.sum(axis=1) - (V / np.maximum(W @ H, 1e-300)) @ H.T

        for V, W, H in [(scaled, U, found.spectra.to_numpy().T), (T.T, found.spectra_tpm.to_numpy(), shares.T), (V, found.usages.to_numpy(), A)]:
            slope = slopes(V, W, H) / H.sum(axis=1)
            assert (slope > -1e-5).all() and np.abs(slope * W).max() < 1e-5 * W.max()


def test_stability_and_error_by_definition():
    programs = Programs([3, 5], n_replicates=5, n_genes=100, holdout="none").fit(small())
    selection = programs.k_selection()
    scaled = programs.study_._held[0]
    for row, k in zip(selection.itertuples(), [3, 5]):
        model = programs.study_.consensus(k, density="off")
        labels = model.consensus_.members["component"]
        assert row.k == k
        assert abs(row.silhouette - silhouette_score(unit(programs.spectra(k)), labels)) < 1e-6
        error = ((scaled - model.consensus_.W @ model.components_) ** 2).sum()
        assert abs(row.prediction_error - error) < 1e-9 * error


def test_simulated_programs_are_found():
    """Six identities and an activity program, as in cNMF's tutorial: each is found, compared as the fit sees it, and the usage too."""
    programs = Programs(range(5, 9), n_replicates=10, n_genes=500).fit(sp.csr_array(COUNTS))
    assert programs.k_ == 7, programs.why_
    found = programs.consensus(7, 0.2)
    fitted = [int(name) for name in found.fitted_names]
    deviation = tpm_of(COUNTS)[:, fitted].std(axis=0)
    ours, planted = found.spectra_tpm.to_numpy().T[:, fitted] / deviation, SPECTRA[:, fitted] / deviation
    cosine = unit(ours) @ unit(planted).T
    assert sorted(cosine.argmax(axis=0)) == list(range(7)) and cosine.max(axis=0).min() > 0.9, cosine.max(axis=0)
    place = cosine.argmax(axis=0)
    shares = found.shares.to_numpy()[:, place]
    assert np.corrcoef(shares[:, -1], USAGES[:, -1])[0, 1] > 0.9
    assert (shares[:, :-1].argmax(axis=1) == USAGES[:, :-1].argmax(axis=1)).mean() > 0.95
    # its genes are those that the program raises
    raised = SPECTRA[-1] / SPECTRA[:-1].max(axis=0)
    top = [int(name) for name in found.top_genes(20).iloc[:, place[-1]]]
    assert np.mean(raised[top] > 1.2) > 0.9


@the_command
def test_programs_are_the_commands(tmp_path):
    """From the same counts, to the bit: fits, tables, and a folder that each goes on with."""
    X = small()
    frame = pd.DataFrame(X.astype(int), CELLS[:200], GENES[:300])
    frame.to_csv(tmp_path / "counts.tsv", sep="\t")
    options = ("-n", "4", "--genes", "90", "--density-threshold", "0.4", "--quiet")

    def command(*more):
        ran = subprocess.run([PROGRAM, "programs", "counts.tsv", *options, *more], cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr

    command("-k", "3..4", "-o", "theirs", "--pick", "4", "--cnmf-names=cells")
    programs = Programs([3, 4], n_replicates=4, n_genes=90).fit(frame.astype(float), path=tmp_path / "ours")
    jobs = {path.name: path.read_bytes() for path in (tmp_path / "theirs/jobs").iterdir()}
    assert jobs == {path.name: path.read_bytes() for path in (tmp_path / "ours/jobs").iterdir()}
    found = programs.consensus(4, 0.4)

    def read(name):
        return pd.read_csv(tmp_path / "theirs" / name, sep="\t", index_col=0, **EXACT)

    for name in ("usages", "spectra", "spectra_tpm", "scores", "top_genes"):
        ours = found.top_genes() if name == "top_genes" else getattr(found, name)
        pd.testing.assert_frame_equal(read(f"k04/{name}.tsv"), ours, check_exact=True, check_names=False)
    for name in ("usages.k_4.dt_0_4.consensus", "gene_spectra_score.k_4.dt_0_4", "starcat_spectra.k_4.dt_0_4"):
        ours = {"u": found.usages, "g": found.scores.T, "s": found.reference.T}[name[0]]
        theirs = read(f"cells/cells.{name}.txt")
        assert (theirs.to_numpy() == ours.to_numpy()).all() and list(theirs.columns)[-1:] == [{"u": "4"}.get(name[0], ours.columns[-1])]
    genes = read("genes.tsv")
    assert (genes["fano_ratio"].to_numpy() == programs.genes_["fano_ratio"].to_numpy()).all()
    assert list(genes.index[genes["fitted"] == "yes"]) == list(programs.fitted_names_)
    selection = programs.k_selection()
    theirs = read("k_selection.tsv")
    assert (theirs["silhouette"].to_numpy() == selection["silhouette"].to_numpy()).all()
    assert (theirs["prediction_error"].to_numpy() == selection["prediction_error"].to_numpy()).all()
    command("-k", "3..5", "-o", "ours")
    assert list(Study.open(tmp_path / "ours").table_["k"]) == [3, 4, 5]


def test_anndata_is_filled(tmp_path):
    X = small()
    adata = stand_in(np.log1p(X), layers={"counts": sp.csr_matrix(X)})
    genes = [GENES[j] for j in range(299, 199, -1)]
    programs = Programs(3, n_replicates=3, holdout="none").fit(adata, layer="counts", genes=genes)
    assert list(programs.fitted_names_) == genes and programs.cell_names_[5] == "cell6"
    found = programs.consensus(3)
    found.annotate(adata)
    assert adata.obsm["X_programs"].shape == (200, 3) and adata.varm["programs_scores"].shape == (300, 3)
    assert (adata.obsm["X_programs"][5] == 0).all() and (adata.varm["programs_tpm"][7] == 0).all()
    np.testing.assert_array_equal(adata.obsm["X_programs"][6], found.usages.loc["cell6"])
    np.testing.assert_array_equal(adata.varm["programs_tpm"][8], found.spectra_tpm.loc["gene8"])
    np.testing.assert_array_equal(adata.varm["programs_spectra"][250], found.spectra.loc["gene250"])
    assert (adata.varm["programs_spectra"][:200] == 0).all()
    assert list(adata.uns["programs"]["fitted"]) == genes and len(adata.uns["programs"]["support"]) == 3
    with pytest.raises(ValueError, match="200 cells × 299 genes, and the programs are of 200 × 300"):
        found.annotate(stand_in(X[:, :299]))
    # anndata itself, and what its files can hold
    if importlib.util.find_spec("anndata") is not None:
        import anndata

        whole = anndata.AnnData(X, obs=pd.DataFrame(index=CELLS[:200]), var=pd.DataFrame(index=GENES[:300]))
        same = Programs(3, n_replicates=3, holdout="none").fit(whole, genes=genes).consensus(3)
        same.annotate(whole)
        whole.write_h5ad(tmp_path / "whole.h5ad")
        again = anndata.read_h5ad(tmp_path / "whole.h5ad")
        np.testing.assert_array_equal(again.varm["programs_scores"], whole.varm["programs_scores"])
        assert list(again.uns["programs"]["names"]) == ["program_0", "program_1", "program_2"]


def test_pickles_clones_and_names(tmp_path, monkeypatch):
    programs = Programs([3], n_replicates=3, n_genes=50, holdout="none").fit(small())
    found = programs.consensus(3)
    again = pickle.loads(pickle.dumps(programs))
    np.testing.assert_array_equal(again.consensus(3).usages, found.usages)
    assert again.k_selection().equals(programs.k_selection())
    assert clone(programs).get_params() == programs.get_params() and "n_genes=50" in repr(programs)
    assert repr(pickle.loads(pickle.dumps(found))) == "GenePrograms(n_programs=3, density_threshold=0.5)"
    programs.report(tmp_path / "page.html", name="cells.h5ad")
    page = (tmp_path / "page.html").read_text()
    assert "Programs(" in page and ".fit(cells.h5ad)" in page
    # without pandas there are arrays, and their names
    monkeypatch.setitem(sys.modules, "pandas", None)
    bare = programs.consensus(3)
    assert isinstance(bare, GenePrograms) and isinstance(bare.usages, np.ndarray) and isinstance(bare.members, dict)
    assert bare.top_genes(4).shape == (4, 3) and list(bare.program_names) == ["program_0", "program_1", "program_2"]
    np.testing.assert_array_equal(bare.spectra, found.spectra)
    assert bare.shares.shape == (199, 3)


def test_threads_change_no_bit():
    one, two = (
        Programs([3], n_replicates=3, n_genes=50, n_jobs=n).fit(sp.csr_array(small())).consensus(3) for n in (1, 2)
    )
    for name in ("usages", "spectra", "weights", "spectra_tpm", "scores", "reference"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_what_cannot_be_done_is_said():
    X = small()
    programs = Programs([3], n_replicates=2, n_genes=50, holdout="none")
    for data, why in [
        (np.log1p(X), "is not a count: programs are found in raw counts, and a fraction is what logarithms"),
        (X - 1, "never below 0, as scaled or centred data"),
        (np.zeros((4, 4)), "there is no count above 0 in the data"),
        (X[:2], "3 programs are more than the 2 cells"),
    ]:
        with pytest.raises(ValueError, match=why):
            programs.fit(data)
    clone(programs).set_params(fractions=True).fit(np.log1p(X))
    with pytest.warns(UserWarning, match="299 of 2000 genes that were asked for are fitted"):
        clone(programs).set_params(n_genes=2000).fit(X)
    for genes, why in [
        (["TP53", "gene3"], "1 of 2 genes are not there, 'TP53'"),
        (["gene3", "gene3"], "'gene3' is there twice"),
        ("gene3", "a collection of at least one name"),
        (["gene1", "gene2"], "3 programs are more than the 2 genes"),
    ]:
        with pytest.raises(ValueError, match=why):
            programs.fit(stand_in(X), genes=genes)
    with pytest.raises(ValueError, match="names of genes that are strings"):
        programs.fit(X, genes=["a"])
    with pytest.raises(ValueError, match="'a' is the name of 2 genes"):
        programs.fit(stand_in(X[:, :2], var_names=["a", "a"]), genes=["a"])
    with pytest.raises(ValueError, match="there is no layer 'x'"):
        programs.fit(stand_in(X), layer="x")
    with pytest.raises(ValueError, match="layer goes with an AnnData object"):
        programs.fit(X, layer="x")
    with pytest.raises(ValueError, match="on disk"):
        programs.fit(stand_in(X, isbacked=True))
    with pytest.raises(NotFittedError):
        Programs().consensus(3)
    with pytest.raises(ValueError, match="'n_genes' parameter of Programs must be an int in the range"):
        Programs(n_genes=0).fit(X)
    programs.fit(X)
    with pytest.raises(ValueError, match="4 components were not studied"):
        programs.consensus(4)
    with pytest.raises(ValueError, match="leaves nothing of component"):
        programs.consensus(3, 1e-9)
    with pytest.raises(ValueError, match="density_threshold must be"):
        programs.consensus(3, 3.0)
    # a cell with counts of other genes alone
    X[9, 10:], X[9, 3] = 0, 2
    with pytest.warns(UserWarning, match="1 cells have no count of a gene that is fitted, 'cell9'"):
        idle = programs.fit(stand_in(X), genes=GENES[10:80]).consensus(3)
    assert (idle.usages.loc["cell9"] == 0).all()


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """A run of cNMF that is prepared."""
    pytest.importorskip("cnmf", reason="cnmf is not installed: its own functions are compared with where it is")
    import anndata
    import cnmf
    import yaml

    folder = tmp_path_factory.mktemp("cnmf")
    counts = anndata.AnnData(sp.csr_matrix(COUNTS), obs=pd.DataFrame(index=CELLS), var=pd.DataFrame(index=GENES))
    counts.write_h5ad(folder / "counts.h5ad")
    run = cnmf.cNMF(output_dir=str(folder), name="sim")
    run.prepare(str(folder / "counts.h5ad"), components=[6, 7], n_iter=10, seed=14, num_highvar_genes=500)
    # its minima to the last digits, and not to its tolerance of 1e-4
    parameters = pathlib.Path(run.paths["nmf_run_parameters"])
    told = {**yaml.safe_load(parameters.read_text()), "tol": 1e-13, "max_iter": 100_000}
    parameters.write_text(yaml.dump(told))
    return run


@pytest.fixture(scope="module")
def ours():
    return Programs([5, 6, 7, 8], n_replicates=10, n_genes=500, holdout="none").fit(stand_in(sp.csr_array(COUNTS)))


def test_preparation_is_cnmfs(theirs, ours):
    import anndata

    norm = anndata.read_h5ad(theirs.paths["normalized_counts"])
    assert list(norm.var_names) == list(ours.fitted_names_)
    scaled = ours.study_._held[0]
    assert abs(norm.X - scaled).max() < 1e-12 * abs(scaled).max()

@pytest.mark.parametrize("k, threshold, left_out", [(7, 0.5, 0), (5, 0.2, 2), (8, 0.3, 4), (6, 2.0, 0)])
def test_consensus_of_the_same_spectra_is_cnmfs(theirs, ours, k, threshold, left_out):
    """Where what is like few others is left out, k means and the matching of fits have the same clusters."""
    import cnmf

    spectra = ours.spectra(k)
    names = [f"iter{r}_topic{t + 1}" for r in range(10) for t in range(k)]
    cnmf.cnmf.save_df_to_npz(pd.DataFrame(spectra, names, ours.fitted_names_), theirs.paths["merged_spectra"] % k)
    pathlib.Path(theirs.paths["local_density_cache"] % k).unlink(missing_ok=True)
    theirs.consensus(k, threshold, show_clustering=False)
    found = ours.consensus(k, threshold)
    assert (found.members["component"] < 0).sum() == left_out

    def read(name):
        file = theirs.paths[name] % (k, str(threshold).replace(".", "_"))
        return pd.read_csv(file, sep="\t", index_col=0).to_numpy()

    density = np.load(theirs.paths["local_density_cache"] % k, allow_pickle=True)["data"].ravel()
    np.testing.assert_allclose(found.members["density"], density, atol=1e-6)
    for name, ours_, tolerance in [
        ("consensus_spectra__txt", found.spectra.T, 1e-6),
        ("gene_spectra_tpm__txt", found.spectra_tpm.T, 1e-6),
        ("gene_spectra_score__txt", found.scores.T, 1e-6),
        ("consensus_usages__txt", found.usages, 1e-6),
        ("starcat_spectra__txt", found.reference.T, 1e-6),
    ]:
        them = read(name)
        apart = np.abs(them - ours_.to_numpy()).max() / np.abs(them).max()
        print(f"k = {k}, threshold {threshold}: {name} apart by {apart:.1e} of the largest")
        assert apart < tolerance, name

def test_stability_and_error_are_cnmfs(theirs, ours):
    import cnmf

    selection = ours.k_selection().set_index("k")
    for k in (6, 7):
        row = selection.loc[k]
        names = [f"iter{r}_topic{t + 1}" for r in range(10) for t in range(k)]
        merged = pd.DataFrame(ours.spectra(k), names, ours.fitted_names_)
        cnmf.cnmf.save_df_to_npz(merged, theirs.paths["merged_spectra"] % k)
        stats = theirs.consensus(k, skip_density_and_return_after_stats=True, show_clustering=False)["stats"]
        print(f"k = {k}: silhouette {row.silhouette:.6f} and {stats['silhouette']:.6f}")
        assert abs(stats["silhouette"] - row.silhouette) < 1e-6
        assert abs(stats["prediction_error"] - row.prediction_error) < 1e-6 * row.prediction_error

@the_command
def test_cnmf_reads_the_commands_files(theirs, tmp_path):
    import cnmf

    counts = pathlib.Path(theirs.output_dir) / "counts.h5ad"
    options = ("-k", "7", "-n", "4", "--genes", "500", "--holdout", "none", "--pick", "7", "--cnmf-names=mine", "--quiet")
    ran = subprocess.run([PROGRAM, "programs", counts, *options, "-o", "out"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    usage, scores, tpm, top = cnmf.cNMF(output_dir=str(tmp_path / "out"), name="mine").load_results(7, 0.5)
    assert usage.shape == (500, 7) and scores.shape == tpm.shape == (1000, 7) and top.shape == (100, 7)
    with open(tmp_path / "out/k07/top_genes.tsv") as file:
        lines = list(csv.reader(file, delimiter="\t"))[1:]
    assert (top.to_numpy() == np.asarray(lines)[:, 1:]).all()
