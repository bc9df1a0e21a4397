"""Single cells: `nmf` factorises an AnnData object, and puts the results where scanpy's tools look.

anndata itself is not imported: any object with its attributes will do.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from ._nmf import NMF

__all__ = ["nmf"]


def nmf(adata: Any, n_components: int, *, layer: str | None = None, **options: Any) -> NMF:
    """Factorise the cells × genes of an AnnData object.

    It fills, as ``scanpy.pp.pca`` does:

    - ``adata.obsm["X_nmf"]``: W, cells × components;
    - ``adata.varm["NMF"]``: H transposed, genes × components;
    - ``adata.uns["nmf"]``: a dict of how the fit was made and ended: ``params``, ``n_iter``, ``reconstruction_err``, ``stop_reason``,
      ``component_totals`` and ``component_shares``.

    Parameters
    ----------
    adata : AnnData
        Cells in rows, in memory. Counts are best fitted with ``beta_loss="kullback-leibler"``.
    n_components : int
        Number of components.
    layer : str or None, default=None
        The layer to factorise; None is ``adata.X``.
    **options
        Parameters of `NMF`. The defaults of two are others than there: ``solver="auto"`` and ``random_state=0``.

    Returns
    -------
    model : NMF
        The fitted model, with the names of the genes.

    Raises
    ------
    ValueError
        Where there is no such layer, or the data is on disk ("backed").

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> import orthant
    >>> counts = np.outer([1, 2, 3], [4, 0, 5, 6])
    >>> cells = SimpleNamespace(X=None, layers={"counts": counts}, var_names=list("abcd"), obsm={}, varm={}, uns={})
    >>> model = orthant.anndata.nmf(cells, 1, layer="counts", beta_loss="kullback-leibler")
    >>> cells.obsm["X_nmf"].round(6).tolist(), cells.varm["NMF"].shape
    ([[15.0], [30.0], [45.0]], (4, 1))
    """
    if getattr(adata, "isbacked", False):
        raise ValueError("the data is on disk: read it by adata.to_memory()")
    if layer is None:
        X = adata.X
        if X is None:
            raise ValueError(f"there is no adata.X; the layers are {_listed(adata)}")
    elif layer in adata.layers:
        X = adata.layers[layer]
    else:
        raise ValueError(f"there is no layer {layer!r}; the layers are {_listed(adata)}")
    given = {"solver": "auto", "random_state": 0, **options}
    model = NMF(n_components, **given)
    W = model.fit_transform(X)
    names = np.asarray(adata.var_names, object)
    if all(isinstance(name, str) for name in names):
        model.feature_names_in_ = names
    # what a file of AnnData can hold
    params: dict[str, Any] = {name: value for name, value in given.items() if isinstance(value, (str, Real))}
    params.update(n_components=n_components, beta_loss=model.beta_loss)
    if layer is not None:
        params["layer"] = layer
    adata.obsm["X_nmf"] = W
    adata.varm["NMF"] = np.ascontiguousarray(model.components_.T)
    adata.uns["nmf"] = {
        "params": params,
        "n_iter": model.n_iter_,
        "reconstruction_err": float(model.reconstruction_err_),
        "stop_reason": model.stop_reason_,
        "component_totals": model.component_totals_,
        "component_shares": model.component_shares_,
    }
    return model


def _listed(adata: Any) -> str:
    return ", ".join(map(repr, adata.layers)) or "none"
