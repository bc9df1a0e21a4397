"""What an estimator is: scikit-learn's base classes and checks where it is installed, and as much as is needed where not."""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import Any

import numpy as np

__all__ = [
    "ConvergenceWarning",
    "Estimator",
    "InvalidParameterBase",
    "NotFittedError",
    "Parameters",
    "check_is_fitted",
    "validated",
]


class _InvalidParameterError(ValueError, TypeError):
    """A parameter of a type or value that is not possible."""


InvalidParameterBase: type[Exception] = _InvalidParameterError

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.exceptions import ConvergenceWarning, NotFittedError
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    HAVE_SKLEARN = False
    if "sklearn" in sys.modules and sys.modules["sklearn"] is not None:
        warnings.warn(
            f"scikit-learn {getattr(sys.modules['sklearn'], '__version__', '')} is older than the 1.6 that Orthant goes "
            "with: its classes will not be scikit-learn's estimators",
            ImportWarning,
            stacklevel=3,
        )
else:
    HAVE_SKLEARN = True
    try:
        from sklearn.utils._param_validation import InvalidParameterError as InvalidParameterBase
    except ImportError:  # it is no public name there
        pass

FLOATS = [np.float64, np.float32]

if HAVE_SKLEARN:
    Parameters = BaseEstimator

    class Estimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
        """scikit-learn's."""

        def __sklearn_tags__(self):
            tags = super().__sklearn_tags__()
            tags.input_tags.positive_only = True
            tags.input_tags.sparse = True
            tags.transformer_tags.preserves_dtype = ["float64", "float32"]
            return tags

    def validated(estimator: Parameters, X: Any, *, reset: bool, dtype: Any = FLOATS) -> Any:
        """X as an array or a sparse matrix by rows or columns, of floats; values are looked at by the fit."""
        return validate_data(
            estimator, X, accept_sparse=("csr", "csc"), dtype=dtype, reset=reset, ensure_all_finite=False
        )

else:

    class ConvergenceWarning(UserWarning):  # type: ignore[no-redef]
        """The iteration limit came before convergence."""

    class NotFittedError(ValueError, AttributeError):  # type: ignore[no-redef]
        """The estimator is asked for what only a fit makes."""

    class Parameters:  # type: ignore[no-redef]
        """Parameters are the constructor's arguments, as scikit-learn has it."""

        n_features_in_: int
        feature_names_in_: np.ndarray

        @classmethod
        def _names(cls) -> list[str]:
            parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
            return sorted(p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """The parameters, by name."""
            return {name: getattr(self, name) for name in self._names()}

        def set_params(self, **params: Any) -> Parameters:
            """Sets parameters by name."""
            for name, value in params.items():
                if name not in self._names():
                    raise ValueError(
                        f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {self._names()!r}."
                    )
                setattr(self, name, value)
            return self

        def __repr__(self) -> str:
            defaults = inspect.signature(type(self).__init__).parameters
            changed = (
                f"{name}={value!r}"
                for name, value in self.get_params().items()
                if value is not defaults[name].default and value != defaults[name].default
            )
            return f"{type(self).__name__}({', '.join(changed)})"

    class Estimator(Parameters):  # type: ignore[no-redef]
        """Gives features of its own in the place of others."""

        @property
        def _n_features_out(self) -> int:
            raise NotImplementedError

        def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
            """The class's name in lower case with a number for each component."""
            check_is_fitted(self)
            name = type(self).__name__.lower()
            return np.asarray([f"{name}{i}" for i in range(self._n_features_out)], dtype=object)

    def check_is_fitted(estimator: Any, attributes: str = "components_") -> None:
        if not hasattr(estimator, attributes):
            raise NotFittedError(
                f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments "
                "before using this estimator."
            )

    def _names_of(X: Any) -> Any:
        columns = getattr(X, "columns", None)
        if columns is None:
            return None
        names = np.asarray(columns, dtype=object)
        return names if all(isinstance(name, str) for name in names) else None

    def validated(estimator: Parameters, X: Any, *, reset: bool, dtype: Any = FLOATS) -> Any:
        names = _names_of(X)
        if hasattr(X, "tocsr"):
            out = X if X.format in ("csr", "csc") else X.tocsr()
            if out.dtype.kind == "c":
                raise ValueError("Complex data not supported")
            if out.dtype not in FLOATS:
                out = out.astype(np.float64)
        else:
            out = np.asarray(X)
            if out.dtype.kind == "c":
                raise ValueError("Complex data not supported")
            if out.dtype not in FLOATS:
                try:
                    out = out.astype(np.float64)
                except (TypeError, ValueError) as error:
                    raise ValueError(
                        f"X has entries that are missing or no numbers: {error}. Fill them, or leave out their rows or columns."
                    ) from error
            if out.ndim != 2:
                raise ValueError(
                    f"Expected 2D array, got {out.ndim}D array instead. Reshape your data either using "
                    "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it contains a "
                    "single sample."
                )
        if 0 in out.shape:
            what = ("sample(s)", "feature(s)")[out.shape[0] != 0]
            raise ValueError(f"Found array with 0 {what} (shape={out.shape}) while a minimum of 1 is required.")
        if not isinstance(dtype, list):
            out = out.astype(dtype, copy=False)
        if reset:
            estimator.n_features_in_ = out.shape[1]
            if names is not None:
                estimator.feature_names_in_ = names
            elif hasattr(estimator, "feature_names_in_"):
                del estimator.feature_names_in_
        else:
            name = type(estimator).__name__
            known = getattr(estimator, "feature_names_in_", None)
            if names is not None and known is not None and not np.array_equal(names, known):
                raise ValueError("The feature names should match those that were passed during fit.")
            if out.shape[1] != getattr(estimator, "n_features_in_", out.shape[1]):
                raise ValueError(
                    f"X has {out.shape[1]} features, but {name} is expecting {estimator.n_features_in_} features as "
                    "input."
                )
        return out
