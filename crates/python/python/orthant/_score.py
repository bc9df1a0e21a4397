"""How well components explain data: the mean loss of an entry."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["mean_loss"]

# an entry of WH that is 0 where X is not would make a divergence of β ≤ 1 infinite: the loss of a fit has this in its place
FLOOR = 2.0**-23
# entries that are looked at together
BLOCK = 1 << 20


def mean_loss(
    X: Any,
    W: np.ndarray,
    H: np.ndarray,
    beta: float,
    *,
    missing: str | None = None,
    samples: np.ndarray | None = None,
    features: np.ndarray | None = None,
) -> float:
    """The mean over the observed entries of d(x | wh), in double precision.

    Sparse data is taken at its entries for β of 1 and 2, or where its zeros are missing, and else some rows at a time.
    """
    m, n = X.shape
    W, H = np.asarray(W, np.float64), np.asarray(H, np.float64)
    r = np.ones(m) if samples is None else samples
    c = np.ones(n) if features is None else features
    if hasattr(X, "tocsr") and (missing == "zeros" or beta in (1.0, 2.0)):
        total, count = _at_entries(X.tocsr(), W, H, beta, r, c, missing == "zeros")
    else:
        total, count = _by_rows(X, W, H, beta, r, c, missing)
    if count == 0:
        raise ValueError("there is nothing to score: no entry that counts is observed")
    return max(total, 0.0) / count


def _divergence(x: np.ndarray, p: np.ndarray, beta: float) -> np.ndarray:
    """d_β(x | p), entry by entry."""
    value: np.ndarray
    if beta == 2.0:
        value = 0.5 * (x - p) ** 2
        return value
    there = x > 0
    if beta <= 1.0:
        p = np.where(there & (p == 0), FLOOR, p)
    x1, p1 = np.where(there, x, 1.0), np.where(there, p, 1.0)
    if beta == 1.0:
        return np.where(there, x1 * np.log(x1 / p1) - x1 + p1, p)
    if beta == 0.0:
        return np.where(there, x1 / p1 - np.log(x1 / p1) - 1.0, np.inf)
    with np.errstate(divide="ignore"):
        # where x is 0 and β is negative, infinite
        of_zeros = np.where(p > 0, np.where(p > 0, p, 1.0) ** beta / beta, 0.0) if beta > 0 else np.inf
    value = (x1**beta + (beta - 1.0) * p1**beta - beta * x1 * p1 ** (beta - 1.0)) / (beta * (beta - 1.0))
    return np.where(there, value, of_zeros)


def _by_rows(
    X: Any, W: np.ndarray, H: np.ndarray, beta: float, r: np.ndarray, c: np.ndarray, missing: str | None
) -> tuple[float, float]:
    m, n = X.shape
    X = X.tocsr() if hasattr(X, "tocsr") else X
    total = count = 0.0
    step = max(1, BLOCK // n)
    for begin in range(0, m, step):
        rows = slice(begin, min(begin + step, m))
        x = X[rows].toarray() if hasattr(X, "tocsr") else X[rows]
        x = np.asarray(x, np.float64)
        weight = np.outer(r[rows], c)
        if missing is not None:
            seen = ~np.isnan(x) if missing == "nan" else x != 0
            x, weight = np.where(seen, x, 1.0), np.where(seen, weight, 0.0)
        loss = _divergence(x, W[rows] @ H, beta)
        total += float(np.sum(loss * weight, where=weight > 0))
        count += float(weight.sum())
    return total, count


def _at_entries(
    X: Any, W: np.ndarray, H: np.ndarray, beta: float, r: np.ndarray, c: np.ndarray, zeros_missing: bool
) -> tuple[float, float]:
    if not zeros_missing and not X.has_canonical_format:
        # entries that are there twice are one
        X = X.copy()
        X.sum_duplicates()
    counts = np.diff(X.indptr)
    rows, ht = np.repeat(np.arange(X.shape[0]), counts), np.ascontiguousarray(H.T)
    total = count = 0.0
    step = max(1, BLOCK // W.shape[1])
    for begin in range(0, X.nnz, step):
        some = slice(begin, begin + step)
        i, j = rows[some], X.indices[some]
        x, p = np.asarray(X.data[some], np.float64), np.einsum("et,et->e", W[i], ht[j])
        weight, loss = r[i] * c[j], _divergence(x, p, beta)
        if zeros_missing:
            count += float(weight.sum())
        else:
            # what all entries add as zeros is added below
            loss = loss - (0.5 * p * p if beta == 2.0 else p)
        total += float(np.sum(loss * weight, where=weight > 0))
    if zeros_missing:
        return total, count
    if beta == 2.0:
        total += 0.5 * float(np.sum(((W.T * r) @ W) * ((H * c) @ H.T)))
    else:
        total += float((r @ W) @ (H @ c))
    return total, float(r.sum() * c.sum())
