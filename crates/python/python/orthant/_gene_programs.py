"""`GenePrograms`: what `Programs.consensus` finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["GenePrograms", "table"]


def table(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> Any:
    """A DataFrame where pandas is there; else the values."""
    try:
        import pandas
    except ImportError:
        return np.ascontiguousarray(values)
    return pandas.DataFrame(np.ascontiguousarray(values), index=rows, columns=columns)


@dataclass(frozen=True, eq=False, repr=False)
class GenePrograms:
    """The gene expression programs of a number of them, in the order of their mean share of the cells' usages.

    Tables are DataFrames with names where pandas is there, and else arrays, whose names are `cell_names`, `gene_names`, `fitted_names` and
    `program_names`. `program_0` is cNMF's program 1.

    Attributes
    ----------
    usages : DataFrame or ndarray of shape (n_cells, k)
        How much each cell uses each program.
    spectra : DataFrame or ndarray of shape (n_fitted_genes, k)
        The programs that came back, at sum 1, over the genes that are fitted, at unit variance.
    weights : DataFrame or ndarray of shape (n_cells, k)
        How much of each spectrum the fitted counts of a cell are made of: usages before they are fitted again.
    spectra_tpm : DataFrame or ndarray of shape (n_genes, k)
        The programs in transcripts per million, over all genes.
    scores : DataFrame or ndarray of shape (n_genes, k)
        Coefficients of the standardised transcripts per million on the usages: the largest mark a program.
    reference : DataFrame or ndarray of shape (n_fitted_genes, k)
        `spectra_tpm` at sum 10⁶ over the standard deviations of the genes, as starCAT takes a reference.
    stability : DataFrame or dict
        A row for each program: `silhouette` and `support`, which say how well it is found again.
    members : DataFrame or dict
        A row for each spectrum of each fit: `replicate` and `row` say which it is, `component` to which program it belongs, or −1 where it
        was left out, and `density` is its mean distance to its neighbours.
    density_threshold : float
        From which density spectra were left out.
    cell_names, gene_names, fitted_names, program_names : ndarray
        Names.
    """

    usages: Any
    spectra: Any
    weights: Any
    spectra_tpm: Any
    scores: Any
    reference: Any
    stability: Any
    members: Any
    density_threshold: float
    cell_names: np.ndarray
    gene_names: np.ndarray
    fitted_names: np.ndarray
    program_names: np.ndarray
    _shape: tuple[int, int] = field(repr=False)
    _cells: np.ndarray = field(repr=False)
    _genes: np.ndarray = field(repr=False)
    _fitted: np.ndarray = field(repr=False)

    def __repr__(self) -> str:
        return f"GenePrograms(n_programs={len(self.program_names)}, density_threshold={self.density_threshold})"

    @property
    def shares(self) -> Any:
        """The usages of each cell at sum 1, as cNMF's `load_results` gives them; a cell that uses nothing has zeros."""
        usages = np.asarray(self.usages)
        sums = usages.sum(axis=1, keepdims=True)
        return table(np.divide(usages, sums, out=np.zeros_like(usages), where=sums > 0), self.cell_names, self.program_names)

    def top_genes(self, n: int = 100) -> Any:
        """The genes of the largest scores of each program, the largest first.

        Parameters
        ----------
        n : int, default=100
            How many.

        Returns
        -------
        genes : DataFrame or ndarray of shape (n, k)
            Their names.
        """
        order = np.argsort(-np.asarray(self.scores), axis=0, kind="stable")[:n]
        return table(self.gene_names[order], np.arange(1, len(order) + 1), self.program_names)

    def annotate(self, adata: Any, name: str = "programs") -> None:
        """Fill the AnnData object that was fitted, or one with its cells and genes in their order.

        - ``adata.obsm["X_programs"]``: usages, cells × programs;
        - ``adata.varm["programs_scores"]``, ``adata.varm["programs_tpm"]`` and ``adata.varm["programs_spectra"]``: genes × programs, the last
          of the genes that are fitted;
        - ``adata.uns["programs"]``: a dict of ``names``, ``density_threshold``, ``fitted`` (the names of the genes that are), and
          ``silhouette`` and ``support`` of each program.

        What was left out for want of counts, and genes that are not fitted, have zeros.

        Parameters
        ----------
        adata : AnnData
            Any object with its attributes.
        name : str, default='programs'
            What the entries are called.

        Raises
        ------
        ValueError
            For an object of another shape.
        """
        m, n = self._shape
        found = (len(adata.obs_names), len(adata.var_names))
        if found != (m, n):
            raise ValueError(f"adata has {found[0]} cells × {found[1]} genes, and the programs are of {m} × {n}")

        def whole(values: Any, rows: np.ndarray, count: int) -> np.ndarray:
            out = np.zeros((count, len(self.program_names)))
            out[rows] = np.asarray(values)
            return out

        adata.obsm[f"X_{name}"] = whole(self.usages, self._cells, m)
        adata.varm[f"{name}_scores"] = whole(self.scores, self._genes, n)
        adata.varm[f"{name}_tpm"] = whole(self.spectra_tpm, self._genes, n)
        adata.varm[f"{name}_spectra"] = whole(self.spectra, self._genes[self._fitted], n)
        adata.uns[name] = {
            "names": np.asarray([str(program) for program in self.program_names]),
            "density_threshold": self.density_threshold,
            "fitted": np.asarray([str(gene) for gene in self.fitted_names]),
            "silhouette": np.asarray(self.stability["silhouette"]),
            "support": np.asarray(self.stability["support"]),
        }
