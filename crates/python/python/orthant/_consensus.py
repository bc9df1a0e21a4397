"""`Consensus`: what is known of the components that came back in a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Consensus", "framed"]


def framed(columns: dict[str, np.ndarray]) -> Any:
    """A DataFrame where pandas is there; else the columns as they are."""
    try:
        import pandas
    except ImportError:
        return columns
    return pandas.DataFrame(columns)


@dataclass(frozen=True, eq=False, repr=False)
class Consensus:
    """What is known of the consensus of a study's fits: `consensus_` of what `Study.consensus` gives.

    Tables are pandas' DataFrames where pandas is there, and else dicts of arrays.

    Attributes
    ----------
    W : ndarray of shape (n_samples, n_components)
        The weights of the samples that were studied.
    components : DataFrame or dict
        A row for each component: `silhouette` and `support`, which say how well it is found again, the number of its `members`, its
        `total` in the units of X, and its `share` of all totals.
    q25, q50, q75, sem : ndarray of shape (n_components, n_features)
        Quartiles and standard error of each entry of H over a component's members, each at sum 1.
    members : DataFrame or dict
        A row for each component of each fit: `replicate` and `row` say which it is, `component` where it belongs, or −1 where it was
        left out, and `density` is its mean distance to its neighbours.
    threshold : float or None
        The density from which components were left out; None where all are kept.
    labels : ndarray of shape (n_samples,)
        The component that gives most to each sample; −1 where none gives anything.
    gap : float
        The loss over that of the best fit, less 1.
    remarks : list of str
        What whoever uses it should know.
    """

    W: np.ndarray
    components: Any
    q25: np.ndarray
    q50: np.ndarray
    q75: np.ndarray
    sem: np.ndarray
    members: Any
    threshold: float | None
    labels: np.ndarray
    gap: float
    remarks: list[str]

    def __repr__(self) -> str:
        return f"Consensus(n_components={self.W.shape[1]}, threshold={self.threshold}, gap={self.gap:.3g})"
