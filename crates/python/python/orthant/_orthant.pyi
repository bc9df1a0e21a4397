"""The native half: what the classes call, with arguments that they have checked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__version__: str

def fit(
    x: Any,
    options: dict[str, Any],
    w: NDArray[np.floating] | None = None,
    h: NDArray[np.floating] | None = None,
    update_h: bool = True,
    weights: Any = None,
    observed: Any = None,
    known: Any = None,
    lines: Any = None,
) -> dict[str, Any]: ...
def transform(
    x: Any, h: NDArray[np.floating], options: dict[str, Any], columns: NDArray[np.float64] | None = None
) -> NDArray[np.floating]: ...
def minibatch_fit(
    x: Any,
    options: dict[str, Any],
    w: NDArray[np.floating] | None = None,
    h: NDArray[np.floating] | None = None,
) -> dict[str, Any]: ...
def minibatch_step(
    x: Any,
    options: dict[str, Any],
    before: dict[str, Any] | None = None,
    w: NDArray[np.floating] | None = None,
    h: NDArray[np.floating] | None = None,
) -> dict[str, Any]: ...
def minibatch_transform(x: Any, h: NDArray[np.floating], options: dict[str, Any]) -> NDArray[np.floating]: ...
def model_save(
    h: NDArray[np.floating], options: dict[str, Any], batches: bool, beside: dict[str, Any]
) -> None: ...
def read(path: str, how: dict[str, Any]) -> dict[str, Any]: ...
def model_load(path: str) -> dict[str, Any]: ...

class Ranks:
    @property
    def dtype(self) -> str: ...
    def summary(self) -> dict[str, Any]: ...
    def parameters(self) -> dict[str, Any]: ...
    def consensus(
        self,
        x: Any,
        rank: int,
        density: str,
        threads: int,
        weights: Any = None,
        observed: Any = None,
    ) -> dict[str, Any]: ...
    def report(
        self,
        x: Any,
        name: str,
        features: list[str] | None,
        command: str,
        threads: int,
        weights: Any = None,
        observed: Any = None,
    ) -> str: ...
    def sample_consensus(self, rank: int, most: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...

class Cells:
    def scaled(self) -> Any: ...
    def figures(self) -> dict[str, Any]: ...

def programs_prepare(x: Any, most: int, chosen: list[int] | None, fractions: bool, ranks: list[int]) -> Cells: ...
def programs_found(ranks: Ranks, cells: Cells, rank: int, threshold: float, threads: int) -> dict[str, Any]: ...
def programs_k_selection(
    ranks: Ranks, cells: Cells, threads: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]: ...
def programs_spectra(ranks: Ranks, rank: int) -> NDArray[np.floating]: ...
def study_fit(x: Any, options: dict[str, Any], weights: Any = None, observed: Any = None) -> Ranks: ...
def study_open(path: str, limits: tuple[float, float, float, float], threads: int) -> Ranks: ...
def study_unpack(
    manifest: str, jobs: list[tuple[str, bytes]], limits: tuple[float, float, float, float], as_cnmf: bool
) -> Ranks: ...
def solvers(beta: float | None = None) -> list[str]: ...
def cores() -> int: ...
