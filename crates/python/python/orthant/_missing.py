"""Missing entries: masks are refused where they hide something, as an array without its mask is other data."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["present"]


def present(A: Any, name: str) -> Any:
    """`A` without its mask, if it has one that masks no entry; an error if it masks any. All else is left as it is."""
    if isinstance(A, np.ma.MaskedArray):
        count, size = int(np.ma.count_masked(A)), A.size
        data = np.ma.getdata(A)
    elif isinstance(A, (list, tuple)):
        # numpy makes an array of masked rows without a word of their masks
        count, size = sum(masked(row) for row in A), None
        data = A
    else:
        return A
    if count == 0:
        return data
    entries = "entry" if count == 1 else "entries"
    of = "" if size is None else f" of {size}"
    at = ""
    if size is not None and A.ndim == 2:
        row, col = np.argwhere(np.ma.getmaskarray(A))[0]
        at = f", the first at row {row}, column {col} (counting from 0)"
    raise ValueError(
        f"{name} has {count} masked {entries}{of}{at}. Missing entries cannot be fitted yet: fill them "
        "(numpy.ma.filled), or leave out the rows that have any (numpy.ma.compress_rows)."
    )


def masked(row: Any) -> int:
    """How many entries of a row are masked."""
    if isinstance(row, np.ma.MaskedArray):
        return int(np.ma.count_masked(row))
    if isinstance(row, (list, tuple)):
        return sum(x is np.ma.masked for x in row)
    return 0
