"""What the classes have in common: parameters, random numbers, starts, and how a fit is followed."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable
from numbers import Integral, Real
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _orthant
from ._estimator import FLOATS, ConvergenceWarning, Estimator, InvalidParameterBase, check_is_fitted, validated
from ._integers import exact
from ._missing import counted, present
from ._score import mean_loss
from ._starts import factor, needed

if TYPE_CHECKING:
    from typing_extensions import Self

LOSSES = {"frobenius": 2.0, "kullback-leibler": 1.0, "itakura-saito": 0.0}
SKLEARN_INITS = ("random", "nndsvd", "nndsvda", "nndsvdar", "custom")
INITS = (*SKLEARN_INITS, "scaled-random", "exact-nndsvd", "exact-nndsvda", "spa")


class InvalidParameterError(InvalidParameterBase):
    """A parameter of a type or value that is not possible; where scikit-learn is installed, its exception too."""


def warn(text: str, category: type[Warning]) -> None:
    """Warns at the line that called this package, through scikit-learn's own or not."""
    level = 1
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in ("orthant", "sklearn"):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


class Iteration(NamedTuple):
    """A finished iteration, as a callback sees it.

    Attributes
    ----------
    number : int
        From 1; for `MiniBatchNMF` that of the batch.
    max_iter : int
        The limit on it.
    objective : float
        The loss with its penalties.
    loss : float
        The β-divergence of X from W·H; ½‖X − WH‖² for the Frobenius loss.
    relative_error : float
        ‖X − WH‖/‖X‖, and what takes its place for other losses.
    step : float
        How far the iteration moved, over the size of X.
    restarted : bool
        Whether an extrapolated solver goes back to the best factors.
    seconds : float
        Since the fit began.
    """

    number: int
    max_iter: int
    objective: float
    loss: float
    relative_error: float
    step: float
    restarted: bool
    seconds: float


class Progress:
    """A bar on standard error if tqdm is installed, a line every ten iterations on standard output if not."""

    def __init__(self, label: str, total: int) -> None:
        self._bar = None
        try:
            from tqdm.auto import tqdm
        except ImportError:
            self._label = label
        else:
            self._bar = tqdm(total=total, desc=label, unit="it", leave=True)

    def show(self, it: Iteration) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(f"error {it.relative_error:.6g}", refresh=False)
            self._bar.update()
        elif it.number % 10 == 0 or it.number == it.max_iter:
            print(
                f"{self._label}: iteration {it.number} after {it.seconds:.3f} seconds, objective {it.objective:.6g}, "
                f"relative error {it.relative_error:.6g}"
            )

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class Random:
    """A `random_state` for one fit: an integer, or a generator that is moved on by what the fit has drawn.

    A generator that another fit is drawing from (on another thread, or the fit whose callback this one is in) gives a seed.
    """

    _lock = threading.Lock()
    # those that fits are drawing from
    _busy: set[int] = set()

    def __init__(self, random_state: Any) -> None:
        self.seed = 0
        self.state = None
        self._drawn: tuple[int, float | None] | None = None
        self._generator: np.random.RandomState | None = None
        if isinstance(random_state, Integral):
            self.seed = int(random_state)
            return
        generator = np.random.mtrand._rand if random_state is None else random_state
        with self._lock:
            state = generator.get_state(legacy=False)
            if state["bit_generator"] != "MT19937" or id(generator) in self._busy:
                # another kind of generator's numbers cannot be gone on with
                self.seed = int(generator.randint(2**32, dtype=np.uint32))
                return
            self._busy.add(id(generator))
        self._generator = generator
        cached = float(state["gauss"]) if state["has_gauss"] else None
        key = np.ascontiguousarray(state["state"]["key"], dtype=np.uint32)
        self.state = (key, int(state["state"]["pos"]), cached)

    @classmethod
    def _begin_anew(cls) -> None:
        """In a child of fork, which has none of the fits, nor whoever holds the lock."""
        cls._lock, cls._busy = threading.Lock(), set()

    def drew(self, drawn: tuple[int, float | None] | None) -> None:
        """So many words were drawn, and this normal is kept for the next."""
        self._drawn = drawn

    def __enter__(self) -> Random:
        return self

    def __exit__(self, *failure: Any) -> None:
        """Moves the caller's generator to where the fit's stands; a word on, where the fit has failed."""
        if self._generator is None:
            return
        words, cached = self._drawn or (1, None)
        while words > 0:
            some = min(words, 1 << 20)
            self._generator.bytes(4 * some)
            words -= some
        with self._lock:
            state = self._generator.get_state(legacy=False)
            gauss = (int(cached is not None), 0.0 if cached is None else cached)
            if (state["has_gauss"], state["gauss"]) != gauss:
                state["has_gauss"], state["gauss"] = gauss
                self._generator.set_state(state)
            self._busy.discard(id(self._generator))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Random._begin_anew)


def threads(n_jobs: int | None) -> int:
    """Threads for `n_jobs`: as joblib counts them; by default all cores, or what the environment says."""
    cores = _orthant.cores()
    if n_jobs is None:
        for name in ("ORTHANT_NUM_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS"):
            text = os.environ.get(name, "").split(",")[0].strip()
            if text.isdigit() and int(text) > 0:
                return min(int(text), cores)
        return cores
    return min(n_jobs, cores) if n_jobs > 0 else max(1, cores + 1 + n_jobs)


def native(X: Any) -> Any:
    """X as the fit can look at it: itself, unless its elements are not aligned or its parts not side by side."""
    if isinstance(X, np.ndarray):
        aligned = X.flags.aligned and all(stride % X.itemsize == 0 for stride in X.strides)
        return X if aligned else X.copy()
    parts = (X.indptr, X.indices, X.data)
    indexed = parts[0].dtype in (np.int32, np.int64) and parts[1].dtype in (np.int32, np.int64)
    if indexed and all(part.flags.aligned and part.flags.c_contiguous for part in parts):
        return X
    X = X.copy()
    X.indptr, X.indices = X.indptr.astype(np.int64), X.indices.astype(np.int64)
    X.data = np.ascontiguousarray(X.data)
    return X


def is_integer(value: Any) -> bool:
    return isinstance(value, Integral)


def is_number(value: Any) -> bool:
    return isinstance(value, Real) and abs(float(value)) <= sys.float_info.max


def is_truth(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def among(names: tuple[str, ...]) -> str:
    return "a str among {" + ", ".join(sorted(repr(name) for name in names)) + "}"


def at_least(least: int) -> tuple[Callable[[Any], bool], str]:
    return (lambda x: is_integer(x) and x >= least, f"an int in the range [{least}, inf)")


def from_zero() -> tuple[Callable[[Any], bool], str]:
    return (lambda x: is_number(x) and x >= 0, "a float in the range [0.0, inf)")


def or_none(allowed: tuple[Callable[[Any], bool], str]) -> tuple[Callable[[Any], bool], str]:
    test, text = allowed
    return (lambda x: x is None or test(x), text + " or None")


UNIT = (lambda x: is_number(x) and 0 <= x <= 1, "a float in the range [0.0, 1.0]")
TRUTH = (is_truth, "a bool")


def check_parameters(estimator: Any, allowed: dict[str, tuple[Callable[[Any], bool], str]]) -> None:
    """Raises an error for the first parameter that is not what is allowed."""
    for name, (test, text) in allowed.items():
        value = getattr(estimator, name)
        if not test(value):
            raise InvalidParameterError(
                f"The {name!r} parameter of {type(estimator).__name__} must be {text}. Got {value!r} instead."
            )


class BaseNMF(Estimator):
    """What `NMF` and `MiniBatchNMF` have in common."""

    # parameters
    n_components: int | str | None
    init: str | None
    beta_loss: float | str
    tol: float
    max_iter: int
    random_state: int | np.random.RandomState | None
    alpha_W: float
    alpha_H: float | str
    l1_ratio: float
    verbose: int
    n_jobs: int | None
    callback: Callable[[Iteration], Any] | None
    max_seconds: float | None
    checkpoint: str | os.PathLike[str] | None
    checkpoint_seconds: float
    resume: bool
    # what a fit finds
    components_: NDArray[np.floating[Any]]
    n_components_: int
    reconstruction_err_: np.float64
    n_iter_: int
    loss_curve_: NDArray[np.float64]
    kkt_residual_: float
    stop_reason_: str
    component_totals_: NDArray[np.float64]
    remarks_: list[str]
    _n_components: Any
    _record: str | None
    _explanation: str

    # what is allowed, by parameter
    _allowed: dict[str, tuple[Callable[[Any], bool], str]] = {
        "n_components": (
            lambda x: x is None or isinstance(x, str) and x == "auto" or is_integer(x) and x >= 1,
            "an int in the range [1, inf), None or a str among {'auto'}",
        ),
        "init": (lambda x: x is None or isinstance(x, str) and x in INITS, among(INITS) + " or None"),
        "beta_loss": (
            lambda x: isinstance(x, str) and x in LOSSES or is_number(x),
            among(tuple(LOSSES)) + " or a float",
        ),
        "tol": from_zero(),
        "max_iter": at_least(1),
        "random_state": (
            lambda x: x is None
            or isinstance(x, np.random.RandomState)
            or is_integer(x)
            and 0 <= x < 2**32,
            "an int in the range [0, 4294967295], an instance of 'numpy.random.mtrand.RandomState' or None",
        ),
        "alpha_W": from_zero(),
        "alpha_H": (
            lambda x: isinstance(x, str) and x == "same" or is_number(x) and x >= 0,
            "a float in the range [0.0, inf) or a str among {'same'}",
        ),
        "l1_ratio": UNIT,
        "verbose": (lambda x: is_truth(x) or is_integer(x) and x >= 0, "an int in the range [0, inf) or a bool"),
        "n_jobs": (lambda x: x is None or is_integer(x) and x != 0, "an int other than 0 or None"),
        "callback": (lambda x: x is None or callable(x), "a callable or None"),
        "max_seconds": or_none(from_zero()),
        "checkpoint": (lambda x: x is None or isinstance(x, (str, os.PathLike)), "a str, an instance of 'os.PathLike' or None"),
        "checkpoint_seconds": from_zero(),
        "resume": TRUTH,
    }

    def _check_parameters(self) -> None:
        check_parameters(self, self._allowed)

    @property
    def _beta(self) -> float:
        return LOSSES[self.beta_loss] if isinstance(self.beta_loss, str) else float(self.beta_loss)

    def _factors(self, X: Any, W: Any, H: Any, update_H: bool) -> tuple[Any, Any]:
        """W and H to start from, or H to keep; and how many components there are."""
        m, n = X.shape
        rank = n if self.n_components is None else self.n_components
        generated = update_H and self.init != "custom"
        if update_H:
            self._one_for_each_feature = generated and (self.n_components is None or rank == "auto")
        if generated:
            if W is not None or H is not None:
                warn(
                    "When init!='custom', provided W or H are ignored. Set  init='custom' to use them as initialization.",
                    RuntimeWarning,
                )
            self._n_components = n if rank == "auto" else rank
            if self.init in ("nndsvd", "nndsvda", "nndsvdar") and self._n_components > min(m, n):
                raise ValueError(
                    f"init = '{self.init}' can only be used when n_components <= min(n_samples, n_features)"
                )
            return None, None
        if not update_H and W is not None:
            warn("When update_H=False, the provided initial W is not used.", RuntimeWarning)
        given, of_h = {"W": W, "H": H}, (rank, n)
        if not update_H:
            needed({"H": of_h}, given, "update_H=False finds W for a given H", "")
            H = factor(H, "H", of_h, X.dtype)
            self._n_components = H.shape[0]
            return None, native(H)
        shapes = {"W": (m, rank), "H": of_h}
        needed(shapes, given, "init='custom' starts from W and H", ", or choose another init")
        H = factor(H, "H", of_h, X.dtype)
        self._n_components = H.shape[0]
        W = factor(W, "W", (m, self._n_components), X.dtype)
        return native(W), native(H)

    def _options(self, random: Random, *, solver: str, watch: Any = None, started: bool = False) -> dict[str, Any]:
        alpha_H = self.alpha_W if isinstance(self.alpha_H, str) else self.alpha_H
        return {
            "whom": type(self).__name__,
            "rank": int(self._n_components),
            "solver": solver,
            "beta": self._beta,
            "init": None if started or self.init == "custom" else self.init,
            "tol": float(self.tol),
            "max_iter": min(int(self.max_iter), sys.maxsize),
            "alpha_w": float(self.alpha_W),
            "alpha_h": float(alpha_H),
            "l1_ratio": float(self.l1_ratio),
            "shuffle": False,
            "scale": None,
            "extrapolate": None,
            "sweeps": None,
            "compress": None,
            "memory_limit": None,
            "missing": None,
            "holdout": None,
            "products": "fused",
            "stop": None,
            "seed": random.seed,
            "state": random.state,
            "threads": threads(self.n_jobs),
            "max_seconds": None if self.max_seconds is None else float(self.max_seconds),
            "checkpoint": None if self.checkpoint is None else os.fspath(self.checkpoint),
            "checkpoint_seconds": float(self.checkpoint_seconds),
            "resume": bool(self.resume),
            "watch": watch,
        }

    def _followed(self, call: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Calls `call(watch)` with what shows progress and calls the callback, if there is a need."""
        try:
            return self._watched(call)
        except MemoryError as error:
            if not getattr(self, "_one_for_each_feature", False):
                raise
            hint = f"n_components was not given, so that there are {self._n_components}, one for each feature"
            raise MemoryError(f"{error}; {hint}: fewer take less") from None

    def _watched(self, call: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        if not self.verbose and self.callback is None:
            return call(None)
        bars: list[Progress] = []

        def watch(seen: tuple[Any, ...]) -> bool:
            it = Iteration(*seen)
            if self.verbose:
                if not bars:
                    bars.append(Progress(type(self).__name__, it.max_iter))
                bars[0].show(it)
            answer = None if self.callback is None else self.callback(it)
            # what a callback happens to return is no answer
            return isinstance(answer, (bool, np.bool_)) and bool(answer)

        try:
            return call(watch)
        finally:
            for bar in bars:
                bar.close()

    def _warn(self, found: dict[str, Any], *, sklearns: bool) -> None:
        if found["unwritten"] is not None:
            warn(f"A checkpoint was not written: {found['unwritten']}", RuntimeWarning)
        # scikit-learn's also where the last iteration that is allowed was the one to converge
        if self.tol > 0 and (found["stop_reason"] == "max_iter" or sklearns and found["n_iter"] == self.max_iter):
            text = f"Maximum number of iterations {self.max_iter} reached. Increase it to improve convergence."
        elif found["stop_reason"] == "max_seconds":
            text = f"The time limit of {self.max_seconds} seconds was reached after {found['n_iter']} iterations."
        else:
            return
        warn(text, ConvergenceWarning)

    def _keep(self, found: dict[str, Any]) -> NDArray[np.floating[Any]]:
        """The attributes of a fit; W."""
        self.components_ = found["h"]
        self.n_components_ = self.components_.shape[0]
        self.n_iter_ = found["n_iter"]
        self.reconstruction_err_ = np.float64(found["reconstruction_err"])
        self.loss_curve_ = found["loss_curve"]
        self.kkt_residual_ = found["kkt_residual"]
        self.stop_reason_ = found["stop_reason"]
        self.component_totals_ = found["component_totals"]
        self.remarks_ = found["warnings"]
        # for files: what only they have a use for, and nothing of a file that was read
        self._record = found["record"]
        self._attachments: dict[str, str] = {}
        W: NDArray[np.floating[Any]] = found["w"]
        return W

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Learn the components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data; no entry below 0.
        y : Ignored
            There by convention.
        **params : dict
            ``W`` and ``H``, and of `NMF` ``entry_weight``, ``observed``, ``sample_weight`` and ``feature_weight``, for
            `fit_transform`.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        model: Any = self
        model.fit_transform(X, **params)
        return self

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """How well the components explain samples: minus the mean loss of an entry of X, at most 0. The greater the better.

        The weights of the samples are those of `transform`, and the loss is the β-divergence of `beta_loss`, ½(x − wh)² for the
        Frobenius loss, without penalties. What is not observed (`missing`) is left out, and features count as they did in the fit. As
        it is a mean, scores of samples of any number are alike, which is what grid searches compare.

        More components explain any data better, also new samples: to find how many there are, hold entries out (`holdout`) or use
        `orthant.Study`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : Ignored
            There by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each sample counts in the mean.

        Returns
        -------
        score : float
            Minus the mean loss.
        """
        check_is_fitted(self)
        self._check_parameters()
        X = self._data(X, reset=False)
        samples = counted(sample_weight, None).get("lines", [None])[0]
        if samples is not None and not (len(samples) == X.shape[0] and np.isfinite(samples).all() and (samples >= 0).all()):
            raise ValueError(f"sample_weight is to have {X.shape[0]} numbers of at least 0, one for each sample")
        return -mean_loss(
            X,
            self._weights(X),
            present(self.components_, "H"),
            self._beta,
            missing=getattr(self, "missing", None),
            samples=samples,
            features=getattr(self, "feature_weight_", None),
        )

    def _weights(self, X: Any) -> NDArray[np.floating[Any]]:
        """What `transform` finds for data that is checked."""
        raise NotImplementedError

    @property
    def component_shares_(self) -> NDArray[np.float64]:
        """Each component's share of all of WH: `component_totals_` over their sum; zeros where WH is 0."""
        totals = self.component_totals_
        shares: NDArray[np.float64] = totals / (totals.sum() or 1.0)
        return shares

    def explain_(self) -> str:
        """What the last fit did, and why: a line for each choice.

        Returns
        -------
        text : str
            Solver, start, layout or batches, threads and memory, with reasons.
        """
        check_is_fitted(self)
        return self._explanation

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to a file, which `orthant.load` and the command ``orthant`` read.

        It is a safetensors file: the components, the parameters, the names and weights of the features, and how the fit ended. It has
        neither W nor the data. A `callback`, a checkpoint, a generator given as `random_state`, and `W` and `H` of `NMF` are not
        kept: ``load`` has the defaults in their place, and says so in `remarks_`. Nor is what `MiniBatchNMF.partial_fit` goes on from.

        Parameters
        ----------
        path : str or PathLike
            The file, written whole or not at all.
        """
        from ._model import save  # which has the classes

        save(self, path)

    def inverse_transform(self, X: Any) -> NDArray[np.floating[Any]]:
        """Give data back from weights: W·H.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_components)
            Weights W.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Their product with the components.
        """
        check_is_fitted(self)
        product: NDArray[np.floating[Any]] = present(X, "X") @ present(self.components_, "H")
        return product

    @property
    def _n_features_out(self) -> int:
        return int(self.components_.shape[0])

    def _present(self, X: Any) -> Any:
        """X, in which nothing may be missing."""
        return present(X, "X")

    def _data(self, X: Any, *, reset: bool) -> Any:
        """X, checked and as the fit can look at it; of the components' type where these are there already."""
        X = exact(self._present(X))
        if reset:
            return native(validated(self, X, reset=True))
        dtype = self.components_.dtype
        return native(validated(self, X, reset=False, dtype=dtype if dtype in FLOATS else FLOATS))

    def _components(self, dtype: Any) -> NDArray[np.floating[Any]]:
        """The components as the fit can look at them, of this type: whoever put them there may have chosen another."""
        H = present(self.components_, "H")
        components: NDArray[np.floating[Any]] = native(np.asarray(H, dtype))
        return components
