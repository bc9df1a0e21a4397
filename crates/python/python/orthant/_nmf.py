"""`NMF` and `non_negative_factorization`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _known, _orthant
from ._base import BaseNMF, InvalidParameterError, Iteration, Random, TRUTH, among, is_integer, is_number, is_truth, warn
from ._consensus import Consensus
from ._estimator import check_is_fitted
from ._known import Factor
from ._missing import counted, observed, weighed

__all__ = ["NMF", "non_negative_factorization"]

SOLVERS = tuple(_orthant.solvers())
# scikit-learn's, number for number
COMPATIBLE = ("cd", "mu")
SCALES = ("h-sum", "h-max", "balanced", "none")
STOPS = ("violation", "error-decrease", "progress")
PRODUCTS = ("fused", "gemm", "blas")
MISSING = ("nan", "zeros")
# how many of something, if it is said
COUNT = (lambda x: x is None or is_integer(x) and x >= 1, "an int in the range [1, inf) or None")

FACTOR = (lambda x: x is None or isinstance(x, Factor), "an instance of 'orthant.Factor' or None")


class NMF(BaseNMF):
    """Non-negative matrix factorization, in the place of `sklearn.decomposition.NMF`.

    Finds W ≥ 0 and H ≥ 0 whose product is near to X ≥ 0, by minimising

    .. math::

        D_\\beta(X \\mid WH) + \\alpha_W r n \\sum W + \\tfrac12 \\alpha_W (1-r) n \\|W\\|_F^2
        + \\alpha_H r m \\sum H + \\tfrac12 \\alpha_H (1-r) m \\|H\\|_F^2

    for X of m samples and n features, with the L1 share r = `l1_ratio`.

    Parameters
    ----------
    n_components : int, None or 'auto', default='auto'
        Number of components. 'auto' takes it from ``W`` and ``H`` if they are given, else, as None does, all features.
    init : str or None, default=None
        Where to start: 'random', 'nndsvd', 'nndsvda', 'nndsvdar' as in scikit-learn; 'scaled-random' (the same times
        the scalar that fits best), 'exact-nndsvd' and 'exact-nndsvda' (by an exact SVD), 'spa' (successive projection),
        or 'custom', with ``W`` and ``H`` given to `fit_transform`. None is 'nndsvda' where n_components ≤
        min(n_samples, n_features) and else 'random' for the solvers 'cd' and 'mu', and 'scaled-random' for others.
    solver : str, default='cd'
        'cd' and 'mu' are scikit-learn's, step by step. 'auto' is the fastest for the loss: 'hals' for 'frobenius', 'newton'
        for 'kullback-leibler', 'mm' for the others, all extrapolated. `orthant.solvers()` names all, `orthant.solvers(beta)`
        those of a loss.
    beta_loss : float or {'frobenius', 'kullback-leibler', 'itakura-saito'}, default='frobenius'
        The β-divergence to minimise: β = 2, 1, 0 or any number. With β ≤ 0 every entry of X has to be positive.
    tol : float, default=1e-4
        Tolerance of the solver's stopping rule. For 'cd' and 'mu' it is scikit-learn's; for others the fit stops when
        the objective falls by no more than `tol` times itself, and steps are no more than √tol of X.
    max_iter : int, default=200
        Iteration limit.
    random_state : int, RandomState instance or None, default=None
        Of the start, and of `shuffle`. A generator is left as scikit-learn would leave it.
    alpha_W, alpha_H : float, default=0.0 and 'same'
        Penalties on W and on H.
    l1_ratio : float, default=0.0
        The L1 share of the penalties.
    verbose : int, default=0
        Show the progress of fits: a bar if tqdm is installed, else lines.
    shuffle : bool, default=False
        Take the components in a random order; only for 'cd'.
    scale : {'h-sum', 'h-max', 'balanced', 'none'} or None, default=None
        How W and H share the size of a component: rows of H sum to 1, so that W is in the units of X; their largest entry is
        1; both have one norm; or as the iterations end. But for 'none' the component with the largest total comes first. None
        is 'h-sum', but 'none' with a penalty, ``init='custom'`` and the solvers 'cd' and 'mu'. With a penalty there is no
        other.
    stop : {'violation', 'error-decrease', 'progress'} or None, default=None
        The stopping rule, whose tolerance is `tol`: scikit-learn's for 'cd', scikit-learn's for 'mu', or that of the other
        solvers. None is the one that belongs to the solver. 'violation' is for 'cd' and 'hals' alone.
    extrapolate : bool or None, default=None
        Whether each iteration starts from where both factors would be if they went on as in the last one, with restarts where
        the objective rises; for 'hals', 'newton', 'joint-mm', 'auto', and 'mm' for other losses than 'frobenius'. None
        extrapolates 'auto' and takes the others as they are.
    sweeps : int or None, default=None
        Sweeps over each factor per iteration, of 'hals' and 'newton', and of 'auto' where it comes to one of them. None takes
        as many as pay.
    compress : bool or None, default=None
        Improve the start on a sketch of X, or find it on a sample of the rows of sparse X, before X itself is iterated on; for
        'auto' and extrapolated 'hals'. None leaves it to 'auto'; the others do not.
    memory_limit : int or None, default=None
        The most bytes that a fit may take besides X. It leaves out what only saves time, and raises an error if the rest
        does not fit.
    missing : {'nan', 'zeros'} or None, default=None
        Which entries of X are not observed and have no part in the fit: those that are NaN, with the masked entries of a
        masked array and pandas' NA; or those that are 0. None allows neither. `transform` takes them as the fit does. X is
        dense then.
    holdout : float or None, default=None
        The share of the entries that is held out of a fit, above 0 and at most 0.5, to see how well it predicts them
        (`heldout_error_`). Of sparse X only with missing='zeros'.
    W, H : Factor or None, default=None
        What is known of W and of H before a fit: entries that are fixed, and bounds (`orthant.Factor`). For 'auto', 'hals', 'cd',
        'newton', 'mm' and 'mu'. `transform` finds the weights of new samples without them.
    products : {'fused', 'gemm', 'blas'}, default='fused'
        What multiplies X by the factors, for the Frobenius loss and dense X: kernels that read X once per iteration, gemm
        in Rust, or BLAS where the package was built with it.
    n_jobs : int or None, default=None
        Threads, counted as joblib does. None is all cores, or as many as ``ORTHANT_NUM_THREADS`` or
        ``OMP_NUM_THREADS`` says. The result is the same to the bit on any number.
    callback : callable or None, default=None
        Called with an `orthant.Iteration` after each iteration of a fit, which ends, with what it has, if it returns True
        or raises StopIteration.
    max_seconds : float or None, default=None
        Time limit of fits, kept to a second. TimeoutError where no iteration has ended by then.
    checkpoint : str, PathLike or None, default=None
        A file that fits are kept in while they run and when they end, written whole or not at all. A file that is there already
        is an error unless `resume` is true.
    checkpoint_seconds : float, default=60.0
        Seconds from one checkpoint to the next.
    resume : bool, default=False
        Go on from the checkpoint, if the file is there, with the same X and the same parameters, but for `max_iter`,
        `max_seconds` and `n_jobs`. The result is, to the bit, that of a fit without a break.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        H.
    n_components_ : int
        Number of components.
    reconstruction_err_ : float
        √(2·D(X|WH)), which is ‖X − WH‖ for the Frobenius loss.
    heldout_error_ : float
        The mean loss of an entry that was held out, where `holdout` says that some are.
    feature_weight_ : ndarray of shape (n_features,) or None
        The `feature_weight` of the fit.
    n_iter_ : int
        Iterations done.
    n_features_in_ : int
        Features seen in the fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names that are all strings.
    loss_curve_ : ndarray of shape (n_iter_,)
        The objective after each iteration.
    kkt_residual_ : float
        How far from stationary the result is, relative to X; 0 at a stationary point. It does not change when components
        are rescaled.
    stop_reason_ : str
        'converged', 'max_iter', 'max_seconds', 'callback' or 'zero_data'.
    component_totals_ : ndarray of shape (n_components,)
        The sum of all entries of each component's part of WH, in the units of X.
    component_shares_ : ndarray of shape (n_components,)
        The same over the sum of all of them.
    remarks_ : list of str
        What the fit found worth knowing that no exception or warning says.

    See Also
    --------
    MiniBatchNMF : By batches of samples, for data that comes in parts.
    non_negative_factorization : The same as a function.

    Notes
    -----
    X is not copied if it is an array of float32 or float64, in C or Fortran order or any strides, or a sparse matrix by
    rows or by columns. Other threads run while a fit does. Ctrl-C ends it.

    References
    ----------
    .. [1] Cichocki & Phan, Fast local algorithms for large scale nonnegative matrix and tensor factorizations, 2009,
       doi:10.1587/transfun.E92.A.708.
    .. [2] Févotte & Idier, Algorithms for nonnegative matrix factorization with the β-divergence, 2011,
       doi:10.1162/NECO_a_00168.
    .. [3] Ang & Gillis, Accelerating nonnegative matrix factorization algorithms using extrapolation, 2019,
       doi:10.1162/neco_a_01157.

    Examples
    --------
    >>> import numpy as np
    >>> from orthant import NMF
    >>> X = np.array([[1, 1], [2, 1], [3, 1.2], [4, 1], [5, 0.8], [6, 1]])
    >>> model = NMF(n_components=2, init="random", random_state=0)
    >>> W = model.fit_transform(X)
    >>> np.round(W[0], 5).tolist()
    [0.0, 0.46881]
    >>> round(float(model.reconstruction_err_), 8)
    0.00115993

    The fast way:

    >>> fast = NMF(n_components=2, solver="auto", random_state=0).fit(X)
    >>> bool(fast.reconstruction_err_ < 0.01)
    True
    """

    # what is known of it where it comes from a study
    consensus_: Consensus
    heldout_error_: float
    feature_weight_: NDArray[np.float64] | None

    _allowed = {
        **BaseNMF._allowed,
        "solver": (lambda x: isinstance(x, str) and x in SOLVERS, among(SOLVERS)),
        "shuffle": TRUTH,
        "scale": (lambda x: x is None or isinstance(x, str) and x in SCALES, among(SCALES) + " or None"),
        "stop": (lambda x: x is None or isinstance(x, str) and x in STOPS, among(STOPS) + " or None"),
        "extrapolate": (lambda x: x is None or is_truth(x), "an instance of 'bool' or None"),
        "sweeps": COUNT,
        "compress": (lambda x: x is None or is_truth(x), "an instance of 'bool' or None"),
        "memory_limit": COUNT,
        "missing": (lambda x: x is None or isinstance(x, str) and x in MISSING, among(MISSING) + " or None"),
        "holdout": (
            lambda x: x is None or is_number(x) and not is_truth(x) and 0 < x <= 0.5,
            "a float in the range (0, 0.5] or None",
        ),
        "W": FACTOR,
        "H": FACTOR,
        "products": (lambda x: isinstance(x, str) and x in PRODUCTS, among(PRODUCTS)),
    }

    def __init__(
        self,
        n_components: int | str | None = "auto",
        *,
        init: str | None = None,
        solver: str = "cd",
        beta_loss: float | str = "frobenius",
        tol: float = 1e-4,
        max_iter: int = 200,
        random_state: int | np.random.RandomState | None = None,
        alpha_W: float = 0.0,
        alpha_H: float | str = "same",
        l1_ratio: float = 0.0,
        verbose: int = 0,
        shuffle: bool = False,
        scale: str | None = None,
        stop: str | None = None,
        extrapolate: bool | None = None,
        sweeps: int | None = None,
        compress: bool | None = None,
        memory_limit: int | None = None,
        missing: str | None = None,
        holdout: float | None = None,
        W: Factor | None = None,
        H: Factor | None = None,
        products: str = "fused",
        n_jobs: int | None = None,
        callback: Callable[[Iteration], Any] | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_seconds: float = 60.0,
        resume: bool = False,
    ) -> None:
        self.n_components = n_components
        self.init = init
        self.solver = solver
        self.beta_loss = beta_loss
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.alpha_W = alpha_W
        self.alpha_H = alpha_H
        self.l1_ratio = l1_ratio
        self.verbose = verbose
        self.shuffle = shuffle
        self.scale = scale
        self.stop = stop
        self.extrapolate = extrapolate
        self.sweeps = sweeps
        self.compress = compress
        self.memory_limit = memory_limit
        self.missing = missing
        self.holdout = holdout
        self.W = W
        self.H = H
        self.products = products
        self.n_jobs = n_jobs
        self.callback = callback
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds
        self.resume = resume

    def _check_parameters(self) -> None:
        super()._check_parameters()
        fitting = _orthant.solvers(self._beta)
        if self.solver not in fitting:
            raise ValueError(
                f"Invalid beta_loss parameter: solver {self.solver!r} does not handle beta_loss = {self.beta_loss!r}; "
                f"{', '.join(fitting)} do"
            )
        if self.solver == "mu" and self.init == "nndsvd":
            warn(
                "The multiplicative update ('mu') solver cannot update zeros present in the initialization, and so leads "
                "to poorer results when used jointly with init='nndsvd'. You may try init='nndsvda' or init='nndsvdar' "
                "instead.",
                UserWarning,
            )
        if self.shuffle and self.solver != "cd":
            if self.solver != "mu":
                raise ValueError(f"shuffle=True goes with solver='cd' alone, not with {self.solver!r}")
            warn("shuffle=True does nothing with solver='mu'", UserWarning)

    def _present(self, X: Any) -> Any:
        return observed(X) if self.missing == "nan" else super()._present(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "nan"
        return tags

    def _fit_options(self, random: Random, *, watch: Any = None, started: bool = False) -> dict[str, Any]:
        """The options of a fit, all of them."""
        return {
            **self._options(random, solver=self.solver, watch=watch, started=started),
            "shuffle": bool(self.shuffle) and self.solver == "cd",
            "scale": self.scale,
            "stop": self.stop,
            "extrapolate": None if self.extrapolate is None else bool(self.extrapolate),
            "sweeps": None if self.sweeps is None else int(self.sweeps),
            "products": self.products,
            "missing": self.missing,
            "holdout": None if self.holdout is None else float(self.holdout),
            "memory_limit": None if self.memory_limit is None else min(int(self.memory_limit), sys.maxsize),
            "compress": None if self.compress is None else bool(self.compress),
        }

    def _factorise(
        self,
        X: Any,
        W: Any = None,
        H: Any = None,
        update_H: bool = True,
        transforms: bool = False,
        weights: Any = None,
        observed: Any = None,
        lines: Any = None,
    ) -> dict[str, Any]:
        parts = ((self.W, "W"), (self.H, "H"))
        W, H = self._factors(X, W, H, update_H)
        with Random(self.random_state) as random:

            def call(watch: Any) -> dict[str, Any]:
                options = self._fit_options(random, watch=watch, started=H is not None)
                if transforms:
                    # they are of fits of both factors
                    options.update(scale=None, compress=None, holdout=None, max_seconds=None, checkpoint=None)
                known = [_known.of(None if transforms else of, name, X.dtype) for of, name in parts]
                return _orthant.fit(X, options, W, H, update_H, weights, observed, known, lines)

            found = call(None) if transforms else self._followed(call)
            random.drew(found["random_state"])
        self._warn(found, sklearns=self.solver in COMPATIBLE)
        return found

    def fit_transform(
        self,
        X: Any,
        y: Any = None,
        W: Any = None,
        H: Any = None,
        entry_weight: Any = None,
        observed: Any = None,
        sample_weight: Any = None,
        feature_weight: Any = None,
    ) -> NDArray[np.floating[Any]]:
        """Learn the components, and return the weights of the samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data; no entry below 0.
        y : Ignored
            There by convention.
        W : array-like of shape (n_samples, n_components), default=None
            Where to start, with ``init='custom'``, which needs both. It is not changed; another type than that of X is
            converted.
        H : array-like of shape (n_components, n_features), default=None
            The same of H.
        entry_weight : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            How much each entry of X counts in the loss: numbers of at least 0; what counts 0, or is not stored, is not observed.
            For uncertainties ``u``, ``1 / u**2``.
        observed : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Which entries of X are observed: True, or what is stored. The others may hold any number or NaN. Not together with
            `entry_weight`.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts: numbers of at least 0. A sample of weight 2 is there twice, its penalty too; one of
            weight 0 has no part in H.
        feature_weight : array-like of shape (n_features,), default=None
            How often each feature counts, likewise. `transform` counts them so too.

        Returns
        -------
        W : ndarray of shape (n_samples, n_components)
            The weights.
        """
        self._check_parameters()
        X = self._data(X, reset=True)
        lines = counted(sample_weight, feature_weight)
        found = self._factorise(X, W, H, **weighed(X, entry_weight, observed), **lines)
        self.feature_weight_ = lines.get("lines", [None, None])[1]
        self._explanation = found["explanation"]
        if self.holdout is not None:
            self.heldout_error_ = found["heldout"]
        return self._keep(found)

    def transform(self, X: Any) -> NDArray[np.floating[Any]]:
        """Find the weights of samples by the components that were learnt.

        With the solvers 'cd' and 'mu' as scikit-learn: by the same updates, stopping for all rows together. With the
        others each row is brought to its own minimum, to 1e-8, whatever rows are beside it and whatever `tol` and `max_iter`
        say of fits.

        For the data of the fit this is near the W that `fit_transform` returned, which is that of the last iteration, but
        not the same; with ``solver='mu', init='nndsvd'`` it can be far from it, because multiplicative updates keep the
        zeros of a start.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        W : ndarray of shape (n_samples, n_components)
            Their weights.
        """
        check_is_fitted(self)
        self._check_parameters()
        return self._weights(self._data(X, reset=False))

    def _weights(self, X: Any) -> NDArray[np.floating[Any]]:
        columns = getattr(self, "feature_weight_", None)
        if self.solver in COMPATIBLE:
            lines = None if columns is None else [None, columns]
            found = self._factorise(X, H=self.components_, update_H=False, transforms=True, lines=lines)
            W: NDArray[np.floating[Any]] = found["w"]
            return W
        self._n_components = self.components_.shape[0]
        options = self._options(Random(0), solver=self.solver)
        options["missing"] = self.missing
        return _orthant.transform(X, self._components(X.dtype), options, columns)


def non_negative_factorization(
    X: Any,
    W: Any = None,
    H: Any = None,
    n_components: int | str | None = "auto",
    *,
    init: str | None = None,
    update_H: bool = True,
    solver: str = "cd",
    beta_loss: float | str = "frobenius",
    tol: float = 1e-4,
    max_iter: int = 200,
    alpha_W: float = 0.0,
    alpha_H: float | str = "same",
    l1_ratio: float = 0.0,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
    shuffle: bool = False,
    scale: str | None = None,
    stop: str | None = None,
    extrapolate: bool | None = None,
    sweeps: int | None = None,
    compress: bool | None = None,
    memory_limit: int | None = None,
    missing: str | None = None,
    products: str = "fused",
    n_jobs: int | None = None,
    callback: Callable[[Iteration], Any] | None = None,
    max_seconds: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_seconds: float = 60.0,
    resume: bool = False,
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]], int]:
    """Factorise X, in the place of `sklearn.decomposition.non_negative_factorization`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The data; no entry below 0.
    W : array-like of shape (n_samples, n_components), default=None
        Where to start, with ``init='custom'``.
    H : array-like of shape (n_components, n_features), default=None
        The same of H; or, with ``update_H=False``, H itself.
    n_components : int, None or 'auto', default='auto'
        Number of components.
    init : str or None, default=None
        Where to start.
    update_H : bool, default=True
        Whether H is to be found too.
    solver, beta_loss, tol, max_iter, alpha_W, alpha_H, l1_ratio, random_state, verbose, shuffle
        As `NMF` has them.
    scale, stop, extrapolate, sweeps, compress, memory_limit, missing, products, n_jobs, callback, max_seconds
        As `NMF` has them. With ``update_H=False`` there is no scale and no compressed start.
    checkpoint, checkpoint_seconds, resume
        As `NMF` has them.

    Returns
    -------
    W : ndarray of shape (n_samples, n_components)
        Weights.
    H : ndarray of shape (n_components, n_features)
        Components.
    n_iter : int
        Iterations done.

    Examples
    --------
    >>> import numpy as np
    >>> from orthant import non_negative_factorization
    >>> X = np.array([[1, 1], [2, 1], [3, 1.2], [4, 1], [5, 0.8], [6, 1]])
    >>> W, H, n_iter = non_negative_factorization(X, n_components=2, init="random", random_state=0)
    >>> n_iter
    30
    """
    if not is_truth(update_H):
        raise InvalidParameterError(
            f"The 'update_H' parameter of non_negative_factorization must be a bool. Got {update_H!r} instead."
        )
    model = NMF(
        n_components,
        init=init,
        solver=solver,
        beta_loss=beta_loss,
        tol=tol,
        max_iter=max_iter,
        random_state=random_state,
        alpha_W=alpha_W,
        alpha_H=alpha_H,
        l1_ratio=l1_ratio,
        verbose=verbose,
        shuffle=shuffle,
        scale=scale,
        stop=stop,
        extrapolate=extrapolate,
        sweeps=sweeps,
        compress=compress,
        memory_limit=memory_limit,
        missing=missing,
        products=products,
        n_jobs=n_jobs,
        callback=callback,
        max_seconds=max_seconds,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds,
        resume=resume,
    )
    model._check_parameters()
    X = model._data(X, reset=True)
    found = model._factorise(X, W, H, bool(update_H))
    return found["w"], found["h"], found["n_iter"]
