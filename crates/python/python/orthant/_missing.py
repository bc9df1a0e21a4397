"""Missing entries: NaN where they may be missing, and else refused, as an array without its mask is other data."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["observed", "present", "weighed"]


def present(A: Any, name: str) -> Any:
    """`A` without its mask, if it has one that masks no entry; an error if it masks any. All else is left as it is."""
    at = ""
    if isinstance(A, np.ma.MaskedArray):
        count = int(np.ma.getmaskarray(A).sum())
        if count == 0:
            return np.ma.getdata(A)
        at = f" of {A.size}"
        if A.ndim == 2:
            row, col = np.argwhere(np.ma.getmaskarray(A))[0]
            at += f", the first at row {row}, column {col} (counting from 0)"
    elif isinstance(A, (list, tuple)):
        # numpy makes an array of masked rows without a word of their masks
        count = sum(masked(row) for row in A)
        if count == 0:
            return A
    else:
        return A
    entries = "entry" if count == 1 else "entries"
    raise ValueError(
        f"{name} has {count} masked {entries}{at}. NMF with missing='nan' takes those of a masked array as not observed; "
        "or fill them (numpy.ma.filled), or leave out the rows that have any (numpy.ma.compress_rows)."
    )


def observed(A: Any) -> Any:
    """`A` with NaN for masked entries, and for those that pandas has no value for. All else is left as it is."""
    if isinstance(A, np.ma.MaskedArray):
        floats = A if A.dtype.kind == "f" else A.astype(np.float64)
        return np.ma.filled(floats, np.nan)
    if isinstance(A, (list, tuple)):
        return present(A, "X")
    dtypes = getattr(A, "dtypes", None)
    if hasattr(A, "isna") and dtypes is not None and any(not isinstance(dtype, np.dtype) for dtype in dtypes):
        return A.astype(np.float64)
    return A


def masked(row: Any) -> int:
    """How many entries of a row are masked."""
    if isinstance(row, np.ma.MaskedArray):
        return int(np.ma.getmaskarray(row).sum())
    if isinstance(row, (list, tuple)):
        return sum(x is np.ma.masked for x in row)
    return 0


def weighed(X: Any, entry_weight: Any, observed: Any) -> dict[str, Any]:
    """How much entries of X count, as the fit can look at it."""
    if entry_weight is None and observed is None:
        return {}
    if entry_weight is not None and observed is not None:
        raise ValueError("entry_weight and observed are both given: what is not observed has an entry_weight of 0")
    name, A = ("entry_weight", entry_weight) if observed is None else ("observed", observed)
    if hasattr(A, "tocsr"):
        A = A.tocsr().astype(X.dtype)
        if observed is not None:
            A.data = np.ones_like(A.data)
    else:
        A = np.asarray(present(A, name))
        if observed is not None:
            A = A.astype(bool)
        A = np.ascontiguousarray(A, X.dtype)
        if A.ndim != 2:
            raise ValueError(f"{name} has {A.ndim} dimensions, and X has 2")
    return {"weights": A} if observed is None else {"observed": A}


def counted(sample_weight: Any, feature_weight: Any) -> dict[str, Any]:
    """How often samples and features count, as the fit can look at it."""
    if sample_weight is None and feature_weight is None:
        return {}
    return {"lines": [_line(sample_weight, "sample_weight"), _line(feature_weight, "feature_weight")]}


def _line(weight: Any, name: str) -> np.ndarray | None:
    if weight is None:
        return None
    line: np.ndarray = np.asarray(present(weight, name), dtype=np.float64)
    if line.ndim != 1:
        raise ValueError(f"{name} has {line.ndim} dimensions, and is to have 1")
    return line
