"""Integers that no float64 is: an error, where numpy would round them without a word."""

from __future__ import annotations

from typing import Any

import numpy as np

EXACT = 1 << 53


def exact(X: Any) -> Any:
    """X, if each of its integers is exact in double precision; an error with the first that is not, and its place."""
    found = None
    if isinstance(X, np.ndarray):
        found = inexact(X)
    elif hasattr(X, "tocsr") and wide(X.dtype):
        A = X if X.format in ("csr", "csc") else X.tocsr()
        # of parts that do not go together the fit tells
        if len(A.indices) == len(A.data) and (at := inexact(A.data)) is not None:
            line = int(np.searchsorted(A.indptr, at[0][0], side="right")) - 1
            index = int(A.indices[at[0][0]])
            found = ((line, index) if A.format == "csr" else (index, line), at[1])
    elif hasattr(X, "iloc") and hasattr(X, "dtypes"):
        columns = [(j, X.iloc[:, j].array) for j, dtype in enumerate(X.dtypes) if getattr(dtype, "kind", "") in "iu"]
        places = [((at[0][0], j), at[1]) for j, column in columns if (at := inexact(np.asarray(column))) is not None]
        found = min(places, default=None)
    if found is not None:
        (i, j), value = found
        raise ValueError(
            f"X contains {value}, which no float64 is, at row {i}, column {j} (counting from 0): integers are exact up to "
            "2^53. Scale or round them first."
        )
    return X


def wide(dtype: np.dtype) -> bool:
    """Whether such integers can be beyond those that are exact."""
    return dtype.kind in "iu" and dtype.itemsize >= 8


def inexact(values: np.ndarray) -> tuple[tuple[int, ...], int] | None:
    """The first integer that is not exact: its place, and itself."""
    if not wide(values.dtype):
        return None
    for place in np.argwhere(values > EXACT):
        at = tuple(int(index) for index in place)
        value = int(values[at])
        if int(float(value)) != value:
            return at, value
    return None
