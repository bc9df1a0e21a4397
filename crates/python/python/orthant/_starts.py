"""W and H as a caller gives them: checked, and of the type of X."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._missing import present

__all__ = ["factor", "needed"]


def shown(shape: tuple[Any, Any]) -> str:
    """A shape in words; "auto" is any number of components."""
    return "({}, {})".format(*("n_components" if side == "auto" else side for side in shape))


def needed(shapes: dict[str, tuple[Any, Any]], given: dict[str, Any], why: str, instead: str) -> None:
    """Raises an error that names those of the factors in `shapes` that are not given."""
    missing = [name for name in shapes if given[name] is None]
    if missing:
        shape = " and ".join(f"{name} of shape {shown(shapes[name])}" for name in missing)
        verb = "is" if len(missing) == 1 else "are"
        raise ValueError(f"{why}, but {' and '.join(missing)} {verb} missing. Give {shape}{instead}.")


def numbers(A: Any, name: str) -> np.ndarray:
    """A as an array of real numbers, of any type."""
    A = present(A, name)
    if hasattr(A, "tocsr"):
        raise TypeError(
            f"Sparse data was passed for {name}, but dense data is required. Use {name}.toarray() to convert it."
        )
    array: np.ndarray = np.asarray(A)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            pass
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} has to be an array of real numbers, but is one of {array.dtype}.")
    return array


def factor(A: Any, name: str, shape: tuple[Any, Any], dtype: np.dtype[Any]) -> np.ndarray:
    """`A`, the factor `name`, as an array of this type, if it is of this shape and can be a factor.

    The words are scikit-learn's, and go on to say where and what is needed.
    """
    array = numbers(A, name)
    whom = f"NMF (input {name})"
    if array.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead, passed to {whom}: {name} has shape {array.shape}, not "
            f"{shown(shape)}."
        )
    for at, which in enumerate(("first", "second")):
        if shape[at] != "auto" and array.shape[at] != shape[at]:
            raise ValueError(
                f"Array with wrong {which} dimension passed to {whom}. Expected {shape[at]}, but got {array.shape[at]}: "
                f"{name} has shape {array.shape}, not {shown(shape)}."
            )
    if array.size == 0:
        raise ValueError(f"Array passed to {whom} is empty: {name} has shape {array.shape}.")
    # what is too large for the type becomes infinity, and is refused
    with np.errstate(over="ignore"):
        array = array.astype(dtype, copy=False)

    def first(found: np.ndarray) -> str:
        row, col = np.argwhere(found)[0]
        return f"The first is {array[row, col]} at row {row}, column {col} (counting from 0)."

    finite = np.isfinite(array)
    if not finite.all():
        if np.isnan(array).any():
            raise ValueError(f"Input {name} contains NaN.\n{first(np.isnan(array))}")
        raise ValueError(f"Input {name} contains infinity or a value too large for {dtype}.\n{first(~finite)}")
    if np.min(array) < 0:
        raise ValueError(f"Negative values in data passed to {whom}.\n{first(array < 0)}")
    if np.max(array) == 0:
        raise ValueError(f"Array passed to {whom} is full of zeros.")
    return array
