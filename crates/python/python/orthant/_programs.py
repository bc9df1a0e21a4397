"""`Programs`: gene expression programs of single cells, as cNMF finds them."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _orthant
from ._base import TRUTH, at_least, check_parameters, is_number, native, threads, warn
from ._consensus import framed
from ._estimator import Parameters, check_is_fitted, validated
from ._gene_programs import GenePrograms, table
from ._integers import exact
from ._study import Study

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Programs"]

# of `Study`, what a study of programs takes as it is
OF_STUDY = (
    "n_components",
    "n_replicates",
    "vary",
    "holdout",
    "solver",
    "beta_loss",
    "init",
    "tol",
    "max_iter",
    "memory_limit",
    "random_state",
    "stable_mean",
    "stable_min",
    "stable_support",
    "stable_cosine",
    "n_jobs",
    "verbose",
)


class _Study(Study):
    """A study whose consensus is cNMF's."""

    _as_cnmf = True


class Programs(Parameters):
    """Gene expression programs in the counts of single cells, as cNMF finds them.

    Cells and genes without a count are left out, the genes are chosen that vary most for their mean, and each is scaled to unit
    variance. A `Study` of these numbers says how many programs there are; `consensus` has those that came back, with the usages of
    cells and every program over all genes. `fit` is cNMF's ``prepare``, ``factorize`` and ``combine``.

    Parameters
    ----------
    n_components : int or collection of int, default=range(5, 11)
        Numbers of programs.
    n_replicates : int, default=100
        Fits of each, from starts of their own.
    n_genes : int, default=2000
        How many genes are fitted, at most: those that vary most for their mean.
    fractions : bool, default=False
        Whether numbers with fractions are taken for counts, as estimated or corrected counts have them.
    vary, holdout, solver, beta_loss, init, tol, max_iter, memory_limit, random_state
        As of `Study`. Scaled counts are held out in blocks.
    stable_mean, stable_min, stable_support, stable_cosine : float, default=0.8, 0.2, 0.8, 0.8
        What is called stable, as of `Study`.
    n_jobs : int or None, default=None
        Threads, as of `NMF`. The result is the same to the bit on any number.
    verbose : int, default=0
        Show how many fits are done.

    Attributes
    ----------
    study_ : Study
        The study of the scaled counts, with its table, rules, remarks and `sample_consensus`.
    k_, why_, table_
        Those of `study_`: the number of programs that is recommended, why, and a row for each number.
    genes_ : DataFrame or dict of ndarray
        A row for each gene with a count: `gene`, its name; `mean`, `variance`, `fano`, `expected_fano` and `fano_ratio` in transcripts per
        million; `fitted`, whether it is. A DataFrame where pandas is there.
    cell_names_, gene_names_, fitted_names_ : ndarray
        The names of the cells and the genes that have counts, and of the genes that are fitted; their numbers from 0, as text, where X has
        no names.
    cells_, genes_in_ : ndarray
        The rows and the columns of X that these are.

    See Also
    --------
    Study : How many components there are, in other data.

    Notes
    -----
    The same programs have the same bits as of the command ``orthant programs``.

    Examples
    --------
    >>> import numpy as np
    >>> from orthant import Programs
    >>> rng = np.random.default_rng(0)
    >>> kinds = np.arange(90)[:, None] % 3 == np.arange(60) % 3  # three kinds of cells, each with genes of its own
    >>> counts = rng.poisson(np.where(kinds, 6.0, 0.5))
    >>> programs = Programs([2, 3, 4], n_replicates=8, n_genes=50).fit(counts)
    >>> programs.k_
    3
    >>> found = programs.consensus(3)
    >>> np.shape(found.usages), np.shape(found.spectra_tpm)
    ((90, 3), (60, 3))
    """

    _allowed = {
        **{name: Study._allowed[name] for name in OF_STUDY},
        "n_genes": at_least(1),
        "fractions": TRUTH,
    }

    def __init__(
        self,
        n_components: int | Collection[int] = range(5, 11),
        *,
        n_replicates: int = 100,
        n_genes: int = 2000,
        fractions: bool = False,
        vary: str = "starts",
        holdout: str = "auto",
        solver: str = "auto",
        beta_loss: float | str = "frobenius",
        init: str | None = None,
        tol: float | None = None,
        max_iter: int | None = None,
        random_state: int | np.random.RandomState | None = 0,
        memory_limit: int | None = None,
        stable_mean: float = 0.8,
        stable_min: float = 0.2,
        stable_support: float = 0.8,
        stable_cosine: float = 0.8,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.n_replicates = n_replicates
        self.n_genes = n_genes
        self.fractions = fractions
        self.vary = vary
        self.holdout = holdout
        self.solver = solver
        self.beta_loss = beta_loss
        self.init = init
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.memory_limit = memory_limit
        self.stable_mean = stable_mean
        self.stable_min = stable_min
        self.stable_support = stable_support
        self.stable_cosine = stable_cosine
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        layer: str | None = None,
        genes: Collection[str] | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Prepare the counts and make the fits.

        Parameters
        ----------
        X : AnnData, DataFrame, ndarray or sparse matrix of shape (n_cells, n_genes)
            Raw counts, cells in rows. Of an AnnData object, or one with its attributes, `X` or a layer is taken.
        y : Ignored
            There by convention.
        layer : str or None, default=None
            The layer of an AnnData object; None is its `X`.
        genes : collection of str or None, default=None
            The names of the genes that are fitted; None chooses `n_genes`.
        path : str, PathLike or None, default=None
            A folder that keeps the results of all fits, as of `Study.fit`.

        Returns
        -------
        self : object
            With `study_`, and its attributes `k_`, `why_` and `table_`.

        Raises
        ------
        ValueError
            For data that is not counts, more programs than there are cells or genes, and genes that are not there.
        """
        check_parameters(self, self._allowed)
        X, cells, columns = _counts(X, layer)
        X = native(validated(self, exact(X), reset=True))
        known = columns is not None and all(isinstance(name, str) for name in columns)
        if known and len(columns) == X.shape[1]:
            self.feature_names_in_ = np.asarray(columns, object)
        self._counts = X
        self._chosen = None if genes is None else _columns(genes, columns if known else None)
        prepared = self._prepare()
        figures = prepared.figures()
        self.cells_, self.genes_in_ = figures["cells"], figures["genes"]
        self.cell_names_ = _names(cells, X.shape[0])[self.cells_]
        self.gene_names_ = _names(columns, X.shape[1])[self.genes_in_]
        self._fitted = figures["chosen"]
        self.fitted_names_ = self.gene_names_[self._fitted]
        fitted = np.zeros(len(self.gene_names_), bool)
        fitted[self._fitted] = True
        of_genes = {name: figures[name] for name in ("mean", "variance", "fano", "expected_fano", "fano_ratio")}
        self.genes_ = framed({"gene": self.gene_names_, **of_genes, "fitted": fitted})
        self._warn(figures["idle"])
        study = _Study(**{name: getattr(self, name) for name in OF_STUDY})
        self.study_ = study.fit(self._scaled(prepared), path=path)
        self.k_, self.why_, self.table_ = study.k_, study.why_, study.table_
        return self

    def _prepare(self) -> _orthant.Cells:
        ranks = self.n_components if isinstance(self.n_components, Collection) else [self.n_components]
        asked = [int(k) for k in ranks]
        self._cells = _orthant.programs_prepare(self._counts, int(self.n_genes), self._chosen, bool(self.fractions), asked)
        return self._cells

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__() if hasattr(super(), "__getstate__") else self.__dict__
        # it is made anew from the counts
        return {name: value for name, value in state.items() if name != "_cells"}

    def _scaled(self, prepared: _orthant.Cells) -> Any:
        """What is fitted, with the names of its genes."""
        found = prepared.scaled()
        if not isinstance(found, dict):
            return found
        import scipy.sparse

        return scipy.sparse.csr_array((found["data"], found["indices"], found["indptr"]), shape=found["shape"])

    def _warn(self, idle: np.ndarray) -> None:
        asked = int(self.n_genes) if self._chosen is None else len(self._chosen)
        if len(self._fitted) < asked:
            warn(
                f"{len(self._fitted)} of {asked} genes that were asked for are fitted, as {len(self.gene_names_)} genes have counts",
                UserWarning,
            )
        if len(idle):
            warn(
                f"{len(idle)} cells have no count of a gene that is fitted, {self.cell_names_[idle[0]]!r} among them: their usages are 0",
                UserWarning,
            )

    def k_selection(self) -> Any:
        """Stability and error of each number of programs, as cNMF has them.

        Returns
        -------
        table : DataFrame or dict of ndarray
            A row for each number: `k`; `silhouette`, the mean over the spectra of all fits at length 1, by Euclidean distances;
            `prediction_error`, ‖X − usages·spectra‖² of the scaled counts, with no spectrum left out.
        """
        check_is_fitted(self, "study_")
        k, silhouette, error = _orthant.programs_k_selection(self.study_._ranks, self._at_hand(), threads(self.n_jobs))
        return framed({"k": k, "silhouette": silhouette, "prediction_error": error})

    def spectra(self, k: int | None = None) -> np.ndarray:
        """The spectra of all fits of `k` programs, as they were found.

        Parameters
        ----------
        k : int or None, default=None
            Number of programs; None is the one that is recommended.

        Returns
        -------
        spectra : ndarray of shape (n_replicates * k, n_fitted_genes)
            A fit below the other.
        """
        check_is_fitted(self, "study_")
        return _orthant.programs_spectra(self.study_._ranks, self.study_._rank(k))

    def _at_hand(self) -> _orthant.Cells:
        return self._cells if hasattr(self, "_cells") else self._prepare()

    def consensus(self, k: int | None = None, density_threshold: float = 0.5) -> GenePrograms:
        """The programs that came back in the fits of `k` of them.

        Parameters
        ----------
        k : int or None, default=None
            Number of programs; None is the one that is recommended.
        density_threshold : float, default=0.5
            Spectra are left out whose mean distance to their nearest like ones is not below this; 2 keeps all.

        Returns
        -------
        programs : GenePrograms
            Usages, spectra, scores, and the genes that mark each program.

        Raises
        ------
        ValueError
            If the threshold leaves nothing of a program; it names a threshold that would.
        """
        check_is_fitted(self, "study_")
        if not is_number(density_threshold) or not 0 < density_threshold <= 2:
            raise ValueError(f"density_threshold must be a float in the range (0.0, 2.0]. Got {density_threshold!r} instead.")
        k = self.study_._rank(k)
        found = _orthant.programs_found(
            self.study_._ranks, self._at_hand(), k, float(density_threshold), threads(self.n_jobs)
        )
        for remark in found["remarks"]:
            warn(remark, UserWarning)
        names = np.asarray([f"program_{t}" for t in range(k)], object)
        return GenePrograms(
            usages=table(found["usages"], self.cell_names_, names),
            spectra=table(found["spectra"].T, self.fitted_names_, names),
            weights=table(found["weights"], self.cell_names_, names),
            spectra_tpm=table(found["spectra_tpm"].T, self.gene_names_, names),
            scores=table(found["scores"].T, self.gene_names_, names),
            reference=table(found["reference"].T, self.fitted_names_, names),
            stability=framed({"silhouette": found["silhouette"], "support": found["support"]}),
            members=framed(found["members"]),
            density_threshold=float(density_threshold),
            cell_names=self.cell_names_,
            gene_names=self.gene_names_,
            fitted_names=self.fitted_names_,
            program_names=names,
            _shape=self._counts.shape,
            _cells=self.cells_,
            _genes=self.genes_in_,
            _fitted=self._fitted,
        )

    def report(self, path: str | os.PathLike[str], *, name: str = "counts") -> None:
        """Write the study of the programs as one page of HTML, as `Study.report`.

        Parameters
        ----------
        path : str or PathLike
            The file, written whole or not at all.
        name : str, default='counts'
            What the page calls the counts.
        """
        check_is_fitted(self, "study_")
        # threads change no bit of the page
        said = repr(type(self)(**{**self.get_params(deep=False), "n_jobs": None, "verbose": 0}))
        features = [str(gene) for gene in self.fitted_names_]
        self.study_._write(path, *self.study_._held, name, features, f"{' '.join(said.split())}.fit({name})")


def _counts(X: Any, layer: str | None) -> tuple[Any, Any, Any]:
    """A matrix, the names of its rows, and those of its columns."""
    if hasattr(X, "obs_names") and hasattr(X, "var_names"):
        if getattr(X, "isbacked", False):
            raise ValueError("the data is on disk: read it by adata.to_memory()")
        listed = ", ".join(map(repr, X.layers)) or "none"
        if layer is not None and layer not in X.layers:
            raise ValueError(f"there is no layer {layer!r}; the layers are {listed}")
        matrix = X.X if layer is None else X.layers[layer]
        if matrix is None:
            raise ValueError(f"there is no adata.X; the layers are {listed}")
        return matrix, np.asarray(X.obs_names, object), np.asarray(X.var_names, object)
    if layer is not None:
        raise ValueError("layer goes with an AnnData object")
    if hasattr(X, "columns") and hasattr(X, "index"):
        return X, np.asarray(X.index, object), np.asarray(X.columns, object)
    return X, None, None


def _names(names: Any, count: int) -> np.ndarray:
    return np.asarray([str(at) for at in (range(count) if names is None else names)], object)


def _columns(genes: Collection[str], columns: Any) -> list[int]:
    """Where these genes are."""
    if columns is None:
        raise ValueError("genes can be chosen by name only where the counts have names of genes that are strings")
    if isinstance(genes, str) or not len(genes):
        raise ValueError(f"genes must be a collection of at least one name. Got {genes!r} instead.")
    places: dict[str, list[int]] = {}
    for j, name in enumerate(columns):
        places.setdefault(name, []).append(j)
    wanted = list(genes)
    unknown = [name for name in wanted if name not in places]
    if unknown:
        raise ValueError(f"{len(unknown)} of {len(wanted)} genes are not there, {unknown[0]!r} among them")
    for name in wanted:
        if len(places[name]) > 1:
            raise ValueError(f"{name!r} is the name of {len(places[name])} genes")
    if len(set(wanted)) < len(wanted):
        twice = next(name for name in wanted if wanted.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice")
    return [places[name][0] for name in wanted]
