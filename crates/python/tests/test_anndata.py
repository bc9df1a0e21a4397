"""AnnData objects: with a stand-in that has their attributes, and with anndata itself where it is installed."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import orthant


def counts(m=40, n=12):
    rng = np.random.RandomState(0)
    return rng.poisson(3 * rng.gamma(1.0, size=(m, 3)) @ rng.gamma(1.0, size=(3, n))).astype(np.float32)


def stand_in(**more):
    genes = [f"gene{j}" for j in range(12)]
    return SimpleNamespace(**{"X": counts(), "layers": {}, "var_names": genes, "obsm": {}, "varm": {}, "uns": {}, **more})


def test_results_are_where_scanpy_looks(tmp_path):
    adata = stand_in(X=np.log1p(counts()), layers={"counts": sp.csr_matrix(counts())})
    model = orthant.anndata.nmf(adata, 3, layer="counts", beta_loss="kullback-leibler", tol=1e-5)
    same = orthant.NMF(3, solver="auto", beta_loss="kullback-leibler", tol=1e-5, random_state=0)
    W = same.fit_transform(sp.csr_matrix(counts()))
    np.testing.assert_array_equal(adata.obsm["X_nmf"], W)
    np.testing.assert_array_equal(adata.varm["NMF"], same.components_.T)
    assert adata.uns["nmf"]["params"] == {
        "n_components": 3,
        "solver": "auto",
        "beta_loss": "kullback-leibler",
        "tol": 1e-5,
        "random_state": 0,
        "layer": "counts",
    }
    assert adata.uns["nmf"]["n_iter"] == same.n_iter_ and adata.uns["nmf"]["stop_reason"] == "converged"
    assert abs(adata.uns["nmf"]["component_shares"].sum() - 1) < 1e-12
    model.save(tmp_path / "m")
    assert list(orthant.load(tmp_path / "m").feature_names_in_) == adata.var_names
    of_x = orthant.anndata.nmf(adata, 2, solver="cd", init="random", random_state=1)
    np.testing.assert_array_equal(
        of_x.components_, orthant.NMF(2, init="random", random_state=1).fit(np.log1p(counts())).components_
    )
    assert adata.obsm["X_nmf"].shape == (40, 2) and adata.uns["nmf"]["params"]["solver"] == "cd"


def test_what_is_not_there():
    adata = stand_in(layers={"counts": counts(), "spliced": counts()})
    with pytest.raises(ValueError, match="no layer 'count'; the layers are 'counts', 'spliced'"):
        orthant.anndata.nmf(adata, 2, layer="count")
    with pytest.raises(ValueError, match="no adata.X; the layers are 'counts'"):
        orthant.anndata.nmf(stand_in(X=None, layers={"counts": counts()}), 2)
    with pytest.raises(ValueError, match="to_memory"):
        orthant.anndata.nmf(stand_in(isbacked=True), 2)
    with pytest.raises(TypeError, match="sovler"):
        orthant.anndata.nmf(adata, 2, sovler="cd")
    assert adata.obsm == adata.varm == adata.uns == {}


def test_with_anndata_itself(tmp_path):
    anndata = pytest.importorskip("anndata")
    # anndata does not write every type that pandas has for texts
    obs, var = (
        pd.DataFrame(index=pd.Index([f"{name}{i}" for i in range(count)], dtype=object)) for name, count in [("cell", 40), ("gene", 12)]
    )
    adata = anndata.AnnData(sp.csr_matrix(counts()), obs, var, layers={"dense": counts()})
    model = orthant.anndata.nmf(adata, 3)
    some = adata[:20].copy()
    orthant.anndata.nmf(some, 2, layer="dense", memory_limit=None, scale="h-max")
    assert some.obsm["X_nmf"].shape == (20, 2)
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = anndata.read_h5ad(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(again.obsm["X_nmf"], adata.obsm["X_nmf"])
    np.testing.assert_array_equal(again.varm["NMF"], model.components_.T)
    assert again.uns["nmf"]["params"]["n_components"] == 3 and again.uns["nmf"]["stop_reason"] == "converged"
    backed = anndata.read_h5ad(tmp_path / "a.h5ad", backed="r")
    with pytest.raises(ValueError, match="to_memory"):
        orthant.anndata.nmf(backed, 3)
