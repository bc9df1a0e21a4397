"""Parameters of fits, as the native module and files say them."""

from __future__ import annotations

from typing import Any

from ._base import LOSSES

__all__ = ["as_parameters"]


def as_parameters(options: dict[str, Any]) -> dict[str, Any]:
    """Options of fits by the names and values that `NMF` has for them."""
    names = {beta: name for name, beta in LOSSES.items()}
    alpha_H = options["alpha_H"]
    return {
        **options,
        "beta_loss": names.get(options["beta_loss"], options["beta_loss"]),
        "alpha_H": "same" if alpha_H is None else alpha_H,
    }
