"""What is known of a factor before a fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._missing import observed

__all__ = ["Factor", "of"]


class Factor:
    """What is known of W or of H: entries that are fixed, and bounds of the others.

    Parameters
    ----------
    fixed : array-like or None, default=None
        Of the factor's shape: numbers are kept as they are, and NaN is found. With fewer components than the model has (rows of
        H, columns of W), these are its first ones.
    lower : float, array-like or None, default=None
        No entry is below; at least 0.
    upper : float, array-like or None, default=None
        No entry is above.

    Examples
    --------
    >>> import numpy as np
    >>> from orthant import NMF, Factor
    >>> known, other = np.array([1.0, 0, 2, 0, 1]), np.array([0.0, 3, 1, 1, 0])
    >>> X = np.outer(np.arange(30) % 4, known) + np.outer(np.arange(30) % 3, other)
    >>> model = NMF(2, solver="auto", H=Factor(fixed=[known])).fit(X)
    >>> model.components_[0]
    array([1., 0., 2., 0., 1.])
    """

    def __init__(self, fixed: Any = None, *, lower: Any = None, upper: Any = None) -> None:
        self.fixed = fixed
        self.lower = lower
        self.upper = upper

    def __repr__(self) -> str:
        def of(value: Any) -> str:
            return repr(value) if np.ndim(value) == 0 else "array of " + "×".join(map(str, np.shape(value)))

        said = [f"{name}={of(value)}" for name, value in vars(self).items() if value is not None]
        return f"Factor({', '.join(said)})"


def of(factor: Any, name: str, dtype: np.dtype[Any]) -> tuple[Any, Any, Any]:
    """The parts of a factor as arrays of that type, numbers and None."""
    if factor is None:
        return (None, None, None)

    def part(what: str, value: Any, number: bool) -> Any:
        if value is None:
            return None
        if np.ma.isMaskedArray(value) or hasattr(value, "isna"):
            value = observed(value)
        try:
            array = np.ascontiguousarray(value, dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{what} of {name} is not an array of numbers: {error}") from error
        if number and np.ndim(value) == 0:
            return float(value)
        if np.ndim(value) != 2:
            raise ValueError(f"{what} of {name} has {np.ndim(value)} dimensions, and {name} has 2")
        return array

    return (
        part("fixed", factor.fixed, False),
        part("lower", factor.lower, True),
        part("upper", factor.upper, True),
    )
