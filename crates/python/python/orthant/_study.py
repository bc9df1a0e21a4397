"""`Study`: how many components there are, and which can be trusted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _orthant
from ._base import UNIT, Random, at_least, check_parameters, is_integer, native, or_none, threads
from ._consensus import Consensus, framed
from ._estimator import Parameters, check_is_fitted, validated
from ._integers import exact
from ._missing import weighed
from ._nmf import NMF
from ._parameters import as_parameters

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Study"]

VARIATIONS = ("starts", "resample", "noise", "rows", "halves")
HOLDOUTS = ("auto", "thin", "block", "window", "none")
# more numbers of components are a slip of the hand, and a matrix of more samples takes gigabytes
MOST = 10_000
# of `NMF`, what each fit of a study takes as it is
OF_FITS = (
    "solver",
    "beta_loss",
    "init",
    "tol",
    "max_iter",
    "alpha_W",
    "alpha_H",
    "l1_ratio",
    "shuffle",
    "scale",
    "stop",
    "extrapolate",
    "sweeps",
    "compress",
    "memory_limit",
    "missing",
    "products",
)
LIMITS = ("stable_mean", "stable_min", "stable_support", "stable_cosine")
COUNTS = ("k", "fits", "failed", "unconverged")


def is_ranks(value: Any) -> bool:
    if is_integer(value):
        return bool(value >= 1)
    some = isinstance(value, Collection) and not isinstance(value, (str, bytes)) and 0 < len(value) <= MOST
    return some and all(is_integer(k) and k >= 1 for k in value)


def is_variation(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    name, of, number = value.partition("=")
    if not of:
        return name in VARIATIONS
    try:
        x = float(number)
    except ValueError:
        return False
    return name == "noise" and 0 < x <= 1 or name == "rows" and 0 < x < 1


class Jobs:
    """A bar on standard error if tqdm is installed, a line for each tenth of the fits on standard output if not."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._tenths = 0

    def show(self, job: tuple[int, int, int]) -> None:
        done, jobs, rank = job
        if self._tenths == 0:
            self._tenths = 1
            try:
                from tqdm.auto import tqdm
            except ImportError:
                pass
            else:
                # those before are of an earlier run
                self._bar = tqdm(total=jobs, initial=done - 1, desc="Study", unit="fit")
        if self._bar is not None:
            self._bar.set_postfix_str(f"{rank} components", refresh=False)
            self._bar.update(done - self._bar.n)
        elif 10 * done // jobs >= self._tenths:
            self._tenths = 10 * done // jobs + 1
            print(f"Study: {done} of {jobs} fits")

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class Study(Parameters):
    """How many components there are, and which of them can be trusted.

    Of each number of components many fits are made, each from a start of its own, and some of data of which a part is held out. A
    number is recommended whose components predict what was held out, and are found again from other starts.

    Parameters
    ----------
    n_components : int or collection of int, default=range(2, 13)
        Numbers of components.
    n_replicates : int, default=30
        Fits of each, from starts of their own.
    vary : {'starts', 'resample', 'noise', 'noise=E', 'rows', 'rows=SHARE', 'halves'}, default='starts'
        What differs between the fits of a number of components besides their starts: nothing; X of counts, drawn again with the totals
        of its rows ('resample'); every entry, times a number of its own from 1 - E to 1 + E ('noise=0.03'; 'noise' is 0.015); the
        rows, of which each fit has a random share ('rows=0.5'; 'rows' is 0.8) or one half ('halves', two fits for each random
        division). Losses and labels are those of X in any case.
    holdout : {'auto', 'thin', 'block', 'window', 'none'}, default='auto'
        How data is held out: 'thin' shares each count out among folds at random; 'block' fits a quarter of X and is tested on the
        opposite one; 'window' holds out one of every twenty entries, of dense X and where entries are missing or weighted. 'auto' is
        the first of these that goes with X.
    n_folds : int, default=5
        Parts that counts are shared out among.
    solver, beta_loss, init, alpha_W, alpha_H, l1_ratio, shuffle, scale, stop, extrapolate, sweeps, compress, missing, products
        Of each fit, as `NMF` has them; the default of `solver` is 'auto'. Starts that are always the same go with one replicate,
        or where `vary` is not 'starts'.
    tol : float or None, default=None
        Tolerance of each fit. None is 1e-4 for the solvers 'cd' and 'mu', and 1e-5 for the others.
    max_iter : int or None, default=None
        Limit of the iterations of each fit. None is 200 for the solvers 'cd' and 'mu', and 500 for the others.
    memory_limit : int or None, default=None
        The most bytes that fits may take besides X, all that run at once.
    random_state : int, RandomState instance or None, default=0
        What the seeds of all fits follow from. Of a generator, or None, one number is drawn: only an int can be gone on with in a
        folder.
    stable_mean, stable_min, stable_support, stable_cosine : float, default=0.8, 0.2, 0.8, 0.8
        A number of components is stable where the mean silhouette is at least the first, the least silhouette of a component
        the second, and the least support the third: the share of the fits in which a component comes back, which is within a
        cosine of the fourth to the middle of its like.
    n_jobs : int or None, default=None
        Threads, as of `NMF`. The result is the same to the bit on any number.
    verbose : int, default=0
        Show how many fits are done: a bar if tqdm is installed, else lines.

    Attributes
    ----------
    k_ : int or None
        The number of components that is recommended; None where nothing speaks for any.
    why_ : str
        Why, in a sentence.
    table_ : DataFrame or dict of ndarray
        A row for each number of components, a DataFrame where pandas is there, and else a dict of columns: `k`, `fits`, `failed`,
        `unconverged`, `loss_best`, `loss_median`, `loss_iqr`, `explained`, `heldout`, `heldout_se`, `silhouette_mean`,
        `silhouette_min`, `support_min`, `instability`, `cophenetic`, `dispersion`, `pac`, `bic`, `iterations_median`. What cannot
        be said is NaN.
    stable_ : list of int
        The numbers of components that are stable.
    rules_ : dict
        What other rules say of the same table: a number, or None, by the name of the rule.
    remarks_ : list of str
        What whoever takes a number should know: fits that failed, or ended at their limit of iterations, and the like.
    holdout_ : str or None
        How data was held out.
    overdispersion_ : float or None
        Where counts were thinned, how much more they vary than Poisson ones: φ of a variance of p + φp².
    n_features_in_ : int
        Features of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names that are all strings.

    See Also
    --------
    NMF : One fit.

    Notes
    -----
    The same study has the same bits as of the command ``orthant study``, and in a folder each goes on with what the other has done.
    A fitted study holds X, for `consensus`; so does its pickle, with the results of all fits.

    Examples
    --------
    >>> import numpy as np
    >>> from orthant import Study
    >>> i, j = np.arange(45)[:, None], np.arange(18)
    >>> X = np.where(i % 3 == j % 3, 1 + (i * 7 + j * 3) % 5, 0)  # three groups of columns, each with its own rows
    >>> study = Study(range(2, 6), n_replicates=6).fit(X)
    >>> study.k_
    3
    >>> list(study.table_["k"]), study.holdout_
    ([2, 3, 4, 5], 'thin')
    >>> model = study.consensus(3)
    >>> model.components_.shape, model.transform(X[:10]).shape, model.consensus_.W.shape
    ((3, 18), (10, 3), (45, 3))
    """

    _allowed = {
        "n_components": (
            is_ranks,
            f"an int in the range [1, inf) or a collection of at least 1 and at most {MOST} such ints",
        ),
        "n_replicates": at_least(1),
        "vary": (
            is_variation,
            "a str among {'starts', 'resample', 'noise', 'rows', 'halves'}, 'noise=E' with E in the range (0, 1], or 'rows=SHARE' with a "
            "share in the range (0, 1)",
        ),
        "holdout": (
            lambda x: isinstance(x, str) and x in HOLDOUTS,
            "a str among {" + ", ".join(map(repr, HOLDOUTS)) + "}",
        ),
        "n_folds": at_least(2),
        **{name: NMF._allowed[name] for name in OF_FITS},
        "tol": or_none(NMF._allowed["tol"]),
        "max_iter": or_none(NMF._allowed["max_iter"]),
        "init": (
            lambda x: NMF._allowed["init"][0](x) and x != "custom",
            NMF._allowed["init"][1].replace("'custom', ", ""),
        ),
        **{name: UNIT for name in LIMITS},
        **{name: NMF._allowed[name] for name in ("random_state", "n_jobs", "verbose")},
    }

    # whether consensus factors are made as cNMF makes them
    _as_cnmf = False

    def __init__(
        self,
        n_components: int | Collection[int] = range(2, 13),
        *,
        n_replicates: int = 30,
        vary: str = "starts",
        holdout: str = "auto",
        n_folds: int = 5,
        solver: str = "auto",
        beta_loss: float | str = "frobenius",
        init: str | None = None,
        tol: float | None = None,
        max_iter: int | None = None,
        random_state: int | np.random.RandomState | None = 0,
        alpha_W: float = 0.0,
        alpha_H: float | str = "same",
        l1_ratio: float = 0.0,
        shuffle: bool = False,
        scale: str | None = None,
        stop: str | None = None,
        extrapolate: bool | None = None,
        sweeps: int | None = None,
        compress: bool | None = None,
        memory_limit: int | None = None,
        missing: str | None = None,
        products: str = "fused",
        stable_mean: float = 0.8,
        stable_min: float = 0.2,
        stable_support: float = 0.8,
        stable_cosine: float = 0.8,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.n_replicates = n_replicates
        self.vary = vary
        self.holdout = holdout
        self.n_folds = n_folds
        self.solver = solver
        self.beta_loss = beta_loss
        self.init = init
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.alpha_W = alpha_W
        self.alpha_H = alpha_H
        self.l1_ratio = l1_ratio
        self.shuffle = shuffle
        self.scale = scale
        self.stop = stop
        self.extrapolate = extrapolate
        self.sweeps = sweeps
        self.compress = compress
        self.memory_limit = memory_limit
        self.missing = missing
        self.products = products
        self.stable_mean = stable_mean
        self.stable_min = stable_min
        self.stable_support = stable_support
        self.stable_cosine = stable_cosine
        self.n_jobs = n_jobs
        self.verbose = verbose

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        stable_mean: float = 0.8,
        stable_min: float = 0.2,
        stable_support: float = 0.8,
        stable_cosine: float = 0.8,
        n_jobs: int | None = None,
    ) -> Self:
        """The study in a folder, of `fit` or of the command ``orthant study``, as it stands.

        It does not have the data: `consensus` has to be given it.

        Parameters
        ----------
        path : str or PathLike
            The folder.
        stable_mean, stable_min, stable_support, stable_cosine : float, default=0.8, 0.2, 0.8, 0.8
            What is called stable.
        n_jobs : int or None, default=None
            Threads.

        Returns
        -------
        study : Study
            With the parameters that the folder says.
        """
        study = cls(
            stable_mean=stable_mean,
            stable_min=stable_min,
            stable_support=stable_support,
            stable_cosine=stable_cosine,
            n_jobs=n_jobs,
        )
        check_parameters(study, cls._allowed)
        ranks = _orthant.study_open(os.fspath(path), study._limits, threads(n_jobs))
        study.set_params(**as_parameters(ranks.parameters()))
        study._keep(ranks)
        return study

    @property
    def _limits(self) -> tuple[float, float, float, float]:
        return tuple(float(getattr(self, name)) for name in LIMITS)  # type: ignore[return-value]

    def _fits(self) -> NMF:
        """A fit of the study; what is left to its solver has any value here."""
        parameters = {name: getattr(self, name) for name in OF_FITS}
        if self.tol is None:
            parameters["tol"] = 0.0
        if self.max_iter is None:
            parameters["max_iter"] = 1
        return NMF(1, **parameters, n_jobs=self.n_jobs)

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        generator: Any = np.random.mtrand._rand if self.random_state is None else self.random_state
        return int(generator.randint(2**32, dtype=np.uint32))

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        path: str | os.PathLike[str] | None = None,
        entry_weight: Any = None,
        observed: Any = None,
    ) -> Self:
        """Make the fits, and find out how many components there are.

        Ctrl-C ends it. What is done by then is kept in the folder, if there is one, and the same call goes on from there.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data; no entry below 0.
        y : Ignored
            There by convention.
        path : str, PathLike or None, default=None
            A folder that keeps the results of all fits, made if need be. Of a study that is there already only what is missing is
            done: more numbers of components, or more replicates. X and the parameters of the fits have to be the same.
        entry_weight : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            How much each entry of X counts in the loss, as of `NMF.fit_transform`.
        observed : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Which entries of X are observed, as of `NMF.fit_transform`.

        Returns
        -------
        self : object
            The study, with `table_`, `k_` and `why_`.
        """
        check_parameters(self, self._allowed)
        fits = self._fits()
        fits._check_parameters()
        X = native(validated(self, exact(fits._present(X)), reset=True))
        weights = weighed(X, entry_weight, observed)
        jobs = Jobs()
        fits._n_components = 1
        of_fits = fits._fit_options(Random(self._seed()), watch=jobs.show if self.verbose else None)
        alpha_H = None if isinstance(self.alpha_H, str) else float(self.alpha_H)
        of_fits.update(whom=type(self).__name__, alpha_h=alpha_H)
        for name in ("tol", "max_iter"):
            if getattr(self, name) is None:
                of_fits[name] = None
        ranks = self.n_components if isinstance(self.n_components, Collection) else [self.n_components]
        options = {
            "fits": of_fits,
            "ranks": [int(k) for k in ranks],
            "replicates": int(self.n_replicates),
            "vary": self.vary,
            "holdout": self.holdout,
            "folds": int(self.n_folds),
            "thresholds": self._limits,
            "path": None if path is None else os.fspath(path),
            "as_cnmf": self._as_cnmf,
        }
        try:
            found = _orthant.study_fit(X, options, **weights)
        finally:
            jobs.close()
        self._keep(found)
        self._held = (X, weights)
        return self

    def _keep(self, ranks: _orthant.Ranks) -> None:
        """The attributes of a study."""
        found = ranks.summary()
        self._ranks = ranks
        self.table_ = framed(
            {name: column.astype(np.int64) if name in COUNTS else column for name, column in found["table"].items()}
        )
        self.k_ = found["rank"]
        self.why_ = found["reason"]
        self.stable_ = found["stable"]
        self.rules_ = found["rules"]
        self.remarks_ = found["remarks"]
        self.holdout_ = found["holdout"]
        self.overdispersion_ = found["overdispersion"]

    def _rank(self, k: int | None) -> int:
        if k is None:
            k = self.k_
        if k is None:
            raise ValueError(f"nothing is recommended ({self.why_}): say how many components")
        if not is_integer(k) or k < 1:
            raise ValueError(f"k must be an int in the range [1, inf). Got {k!r} instead.")
        return int(k)

    def _studied(self, model: NMF, X: Any, entry_weight: Any, observed: Any) -> tuple[Any, dict[str, Any]]:
        """The data of the study as the module takes it, which `model` gets the features of, and its weights."""
        if X is not None:
            X = model._data(X, reset=True)
            if X.dtype != self._ranks.dtype:
                X = native(X.astype(self._ranks.dtype))
            return X, weighed(X, entry_weight, observed)
        if entry_weight is not None or observed is not None:
            raise ValueError("entry_weight and observed go with X: give it too")
        if not hasattr(self, "_held"):
            raise ValueError("a study from a folder does not have the data that was studied: give it as X")
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                setattr(model, name, getattr(self, name))
        return self._held

    def consensus(
        self,
        k: int | None = None,
        X: Any = None,
        *,
        density: float | str = "auto",
        entry_weight: Any = None,
        observed: Any = None,
    ) -> NMF:
        """The components that came back in the fits of `k` components, as a fitted `NMF`.

        Components of all fits are matched one to one, those that are like few others are left out, and of each cluster the median
        is taken. The weights of X are then found with these components as they are. The largest component comes first.

        Parameters
        ----------
        k : int or None, default=None
            Number of components; None is the one that is recommended.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            The data that was studied; None is that of `fit`. A study from a folder has to be given it.
        density : float, 'auto' or 'off', default='auto'
            Components are left out whose mean distance to their neighbours is not below this, at most 2; 'auto' finds it, and
            'off' keeps all.
        entry_weight, observed : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Those of the study, beside X.

        Returns
        -------
        model : NMF
            Fitted, to the components of the consensus, with the parameters of the fits. Its attribute `consensus_` is a
            `Consensus`: the weights of X, how well each component is found again, how its entries are spread, and what was left
            out.
        """
        check_is_fitted(self, "table_")
        k = self._rank(k)
        model = NMF(k, missing=self.missing, n_jobs=self.n_jobs)
        X, weights = self._studied(model, X, entry_weight, observed)
        # a number is said in full
        said = density if isinstance(density, str) else repr(float(density))
        found = self._ranks.consensus(X, k, said, threads(self.n_jobs), **weights)
        model.set_params(**as_parameters(found["parameters"]))
        W = model._keep(found)
        kept = int((found["members"]["component"] >= 0).sum())
        model._explanation = (
            f"the consensus of {len(found['members']['row']) // k} fits of a study: the medians of {kept} of their components; "
            f"{model.n_iter_} iterations for the weights of the samples"
        )
        model.consensus_ = Consensus(
            W=W,
            components=framed(
                {
                    "silhouette": found["silhouette"],
                    "support": found["support"],
                    "members": found["size"],
                    "total": model.component_totals_,
                    "share": found["share"],
                }
            ),
            members=framed(found["members"]),
            **{name: found[name] for name in ("q25", "q50", "q75", "sem", "threshold", "labels", "gap", "remarks")},
        )
        return model

    def sample_consensus(self, k: int | None = None, most: int = 500) -> tuple[np.ndarray, np.ndarray]:
        """How often the fits of `k` components put two samples together, as the component that gives most to each says.

        Parameters
        ----------
        k : int or None, default=None
            Number of components; None is the one that is recommended.
        most : int, default=500
            The most samples to compare, up to 10,000. If there are more, a fixed random subset of this size is used.

        Returns
        -------
        matrix : ndarray of shape (s, s)
            For each pair of samples the share of the fits that put them together.
        rows : ndarray of shape (s,)
            Which samples these are, in the order of a tree of them by average linkage.
        """
        check_is_fitted(self, "table_")
        if not is_integer(most) or not 2 <= most <= MOST:
            raise ValueError(f"most must be an int in the range [2, {MOST}]. Got {most!r} instead.")
        return self._ranks.sample_consensus(self._rank(k), int(most))

    def report(
        self,
        path: str | os.PathLike[str],
        X: Any = None,
        *,
        name: str = "X",
        entry_weight: Any = None,
        observed: Any = None,
    ) -> None:
        """Write the study as one page of HTML: the recommendation with its reasons, figures, and how to repeat it.

        The page has its figures in it, loads nothing and has no script. The same study makes the same bytes.

        Parameters
        ----------
        path : str or PathLike
            The file, written whole or not at all.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            The data that was studied; None is that of `fit`. A study from a folder has to be given it.
        name : str, default='X'
            What the page calls the data.
        entry_weight, observed : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Those of the study, beside X.
        """
        check_is_fitted(self, "table_")
        model = NMF(missing=self.missing, n_jobs=self.n_jobs)
        X, weights = self._studied(model, X, entry_weight, observed)
        names = getattr(model, "feature_names_in_", None)
        features = None if names is None else [str(feature) for feature in names]
        # threads change no bit of the page
        parameters = {**self.get_params(deep=False), "n_jobs": None, "verbose": 0}
        said = " ".join(repr(type(self)(**parameters)).split())
        self._write(path, X, weights, name, features, f"{said}.fit({name})")

    def _write(
        self,
        path: str | os.PathLike[str],
        X: Any,
        weights: dict[str, Any],
        name: str,
        features: list[str] | None,
        said: str,
    ) -> None:
        """Writes the page, whole or not at all; `said` is how the study is made again."""
        html = self._ranks.report(X, name, features, said, threads(self.n_jobs), **weights)
        staged = f"{os.fspath(path)}.{os.getpid()}.tmp"
        try:
            with open(staged, "w", encoding="utf-8", newline="\n") as out:
                out.write(html)
            os.replace(staged, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(staged)
