"""`MiniBatchNMF`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _orthant
from ._base import BaseNMF, Iteration, Random, TRUTH, UNIT, at_least, or_none
from ._estimator import check_is_fitted

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["MiniBatchNMF"]


class MiniBatchNMF(BaseNMF):
    """Non-negative matrix factorization by batches of samples, in the place of `sklearn.decomposition.MiniBatchNMF`.

    Parameters
    ----------
    n_components : int, None or 'auto', default='auto'
        Number of components.
    init : str or None, default=None
        Where to start, as in `NMF`. None is 'nndsvda' where n_components ≤ min(n_samples, n_features), else 'random'.
    batch_size : int, default=1024
        Samples in a batch.
    beta_loss : float or {'frobenius', 'kullback-leibler', 'itakura-saito'}, default='frobenius'
        The β-divergence to minimise.
    tol : float, default=1e-4
        The fit stops when a step moves H by no more than this share of it; 0 never does.
    max_no_improvement : int or None, default=10
        The fit stops after so many steps that do not lower the mean cost of the batches; None never does.
    max_iter : int, default=200
        Limit on the passes over X.
    alpha_W, alpha_H : float, default=0.0 and 'same'
        Penalties on W and on H.
    l1_ratio : float, default=0.0
        The L1 share of the penalties.
    forget_factor : float, default=0.7
        How much of the past is left after a pass.
    fresh_restarts : bool, default=False
        Whether each step solves for W anew.
    fresh_restarts_max_iter : int, default=30
        Limit on the updates of W in that.
    transform_max_iter : int or None, default=None
        Limit on the updates of W in `transform`; None is `max_iter`.
    random_state : int, RandomState instance or None, default=None
        Of the start.
    verbose : int, default=0
        Show the progress of fits: a bar if tqdm is installed, else lines.
    n_jobs : int or None, default=None
        Threads, as `NMF` has it.
    callback : callable or None, default=None
        Called after each step on a batch, as `NMF` has it.
    max_seconds : float or None, default=None
        Time limit of fits, kept to a second. TimeoutError where no step has ended by then.
    checkpoint, checkpoint_seconds, resume
        Where fits are kept and gone on from, as `NMF` has them; not what `partial_fit` learns.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        H.
    n_components_ : int
        Number of components.
    reconstruction_err_ : float
        √(2·D(X|WH)), of a fit.
    n_iter_ : int
        Passes over X that a fit began.
    n_steps_ : int
        Batches learnt from.
    n_features_in_ : int
        Features seen.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names that are all strings.
    loss_curve_ : ndarray of shape (n_steps_,)
        The mean cost of each batch of a fit.
    kkt_residual_, stop_reason_, component_totals_, component_shares_, remarks_
        As `NMF` has them, of a fit.

    See Also
    --------
    NMF : All samples at once.

    References
    ----------
    .. [1] Lefèvre, Bach & Févotte, Online algorithms for nonnegative matrix factorization with the Itakura–Saito
       divergence, 2011, doi:10.1109/ASPAA.2011.6082314.

    Examples
    --------
    >>> import numpy as np
    >>> from orthant import MiniBatchNMF
    >>> X = np.array([[1, 1], [2, 1], [3, 1.2], [4, 1], [5, 0.8], [6, 1]])
    >>> model = MiniBatchNMF(n_components=2, init="random", random_state=0)
    >>> model.fit_transform(X).shape
    (6, 2)
    """

    _allowed = {
        **BaseNMF._allowed,
        "max_no_improvement": or_none(at_least(1)),
        "batch_size": at_least(1),
        "forget_factor": UNIT,
        "fresh_restarts": TRUTH,
        "fresh_restarts_max_iter": at_least(1),
        "transform_max_iter": or_none(at_least(1)),
    }

    def __init__(
        self,
        n_components: int | str | None = "auto",
        *,
        init: str | None = None,
        batch_size: int = 1024,
        beta_loss: float | str = "frobenius",
        tol: float = 1e-4,
        max_no_improvement: int | None = 10,
        max_iter: int = 200,
        alpha_W: float = 0.0,
        alpha_H: float | str = "same",
        l1_ratio: float = 0.0,
        forget_factor: float = 0.7,
        fresh_restarts: bool = False,
        fresh_restarts_max_iter: int = 30,
        transform_max_iter: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        n_jobs: int | None = None,
        callback: Callable[[Iteration], Any] | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_seconds: float = 60.0,
        resume: bool = False,
    ) -> None:
        self.n_components = n_components
        self.init = init
        self.batch_size = batch_size
        self.beta_loss = beta_loss
        self.tol = tol
        self.max_no_improvement = max_no_improvement
        self.max_iter = max_iter
        self.alpha_W = alpha_W
        self.alpha_H = alpha_H
        self.l1_ratio = l1_ratio
        self.forget_factor = forget_factor
        self.fresh_restarts = fresh_restarts
        self.fresh_restarts_max_iter = fresh_restarts_max_iter
        self.transform_max_iter = transform_max_iter
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.callback = callback
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds
        self.resume = resume

    def _batch_options(self, random: Random, watch: Any = None) -> dict[str, Any]:
        return {
            "common": self._options(random, solver="mu", watch=watch),
            "batch_size": min(int(self.batch_size), sys.maxsize),
            "forget_factor": float(self.forget_factor),
            "fresh_restarts": bool(self.fresh_restarts),
            "fresh_restarts_max_iter": min(int(self.fresh_restarts_max_iter), sys.maxsize),
            "transform_max_iter": self.transform_max_iter,
            "max_no_improvement": self.max_no_improvement,
        }

    def fit_transform(self, X: Any, y: Any = None, W: Any = None, H: Any = None) -> NDArray[np.floating[Any]]:
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

        Returns
        -------
        W : ndarray of shape (n_samples, n_components)
            The weights.
        """
        self._check_parameters()
        X = self._data(X, reset=True)
        W, H = self._factors(X, W, H, True)
        with Random(self.random_state) as random:
            found = self._followed(
                lambda watch: _orthant.minibatch_fit(X, self._batch_options(random, watch), W, H)
            )
            random.drew(found["random_state"])
        self._warn(found, sklearns=True)
        self.n_steps_ = found["n_steps"]
        self._explanation = found["explanation"]
        self._learn(found["learnt"])
        return self._keep(found)

    def partial_fit(self, X: Any, y: Any = None, W: Any = None, H: Any = None) -> Self:
        """Learn from one batch more.

        It is one step: `callback`, `verbose`, `max_seconds` and `checkpoint` are of `fit` and `fit_transform`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The batch; no entry below 0.
        y : Ignored
            There by convention.
        W, H : array-like, default=None
            Where to start, with ``init='custom'``, which needs both; of the first batch alone.

        Returns
        -------
        self : object
            The estimator.
        """
        self._check_parameters()
        first = not hasattr(self, "components_")
        X = self._data(X, reset=first)
        before = None
        if first:
            W, H = self._factors(X, W, H, True)
        else:
            W = H = None
            before = self._before(X.dtype)
            # the figures of an earlier fit are of other components
            self._record = None
        with Random(self.random_state if first else 0) as random:
            found = _orthant.minibatch_step(X, self._batch_options(random), before, W, H)
            random.drew(found["random_state"])
        self.n_steps_ = getattr(self, "n_steps_", 0) + 1
        self._learn(found["learnt"])
        if found["learnt"] is not None:
            self.components_ = found["learnt"]["components"]
        elif first:
            self.components_ = np.zeros((self._n_components, X.shape[1]), X.dtype)
        self.n_components_ = self.components_.shape[0]
        self._explanation = (
            f"method    mu, beta_loss {self.beta_loss}: mini-batches have multiplicative updates\n"
            f"batches   {self.n_steps_} so far, the last of {X.shape[0]} rows: partial_fit takes each as it comes\n"
        )
        return self

    def _learn(self, learnt: dict[str, Any] | None) -> None:
        """Keeps what the next batch goes on from, beside the components."""
        self._learnt = None if learnt is None else {k: v for k, v in learnt.items() if k != "components"}

    def _before(self, dtype: Any) -> dict[str, Any] | None:
        """What a batch goes on from; nothing, where all batches so far were 0."""
        if not hasattr(self, "_learnt"):
            raise ValueError(
                "partial_fit cannot go on from components alone, such as those of a model file: what it goes on from is kept "
                "by the estimator itself and by its pickle"
            )
        if self._learnt is None:
            return None
        sums = {key: np.asarray(self._learnt[key], dtype) for key in ("numerator", "denominator")}
        return {**self._learnt, **sums, "components": self._components(dtype)}

    def transform(self, X: Any) -> NDArray[np.floating[Any]]:
        """Find the weights of samples by the components that were learnt.

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
        self._n_components = self.components_.shape[0]
        return _orthant.minibatch_transform(X, self._components(X.dtype), self._batch_options(Random(0)))
