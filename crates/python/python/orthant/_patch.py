"""Orthant in the place of scikit-learn's `NMF`, `MiniBatchNMF` and `non_negative_factorization`, in programs that are not edited.

While it is so, every global name of a module that was one of scikit-learn's three is the stand-in that is defined here. A stand-in is
an object of its own, so that names which were imported from `orthant` itself can be told apart and stay as they are. The module that defines
scikit-learn's three stays as it is: by its names its own objects are pickled.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import threading
import types
import weakref
from collections.abc import Iterator
from typing import Any

from . import _minibatch, _nmf
from ._estimator import HAVE_SKLEARN

__all__ = ["patch_sklearn", "patched_sklearn", "unpatch_sklearn"]


class NMF(_nmf.NMF):
    """`orthant.NMF` under the name of `sklearn.decomposition.NMF`."""


class MiniBatchNMF(_minibatch.MiniBatchNMF):
    """`orthant.MiniBatchNMF` under the name of `sklearn.decomposition.MiniBatchNMF`."""


def non_negative_factorization(*args: Any, **kwargs: Any) -> Any:
    """`orthant.non_negative_factorization` under the name of `sklearn.decomposition.non_negative_factorization`."""
    return _nmf.non_negative_factorization(*args, **kwargs)


non_negative_factorization.__signature__ = inspect.signature(_nmf.non_negative_factorization)  # type: ignore[attr-defined]

STAND_INS = {of.__name__: of for of in (NMF, MiniBatchNMF, non_negative_factorization)}
# where scikit-learn defines what they stand in for
DEFINED = "sklearn.decomposition._nmf"


class _State:
    """Who wants it: `patch_sklearn`, and contexts. All under the lock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.asked = False
        self.contexts = 0
        # scikit-learn's by their names, while they are replaced
        self.originals: dict[str, Any] = {}
        # the modules that were changed: one may leave sys.modules meanwhile
        self.changed: list[weakref.ref[types.ModuleType]] = []

    def settle(self) -> None:
        """Replaces, or restores, what is wanted now."""
        wanted = self.asked or self.contexts > 0
        if wanted and not self.originals:
            originals = _sklearns()
            self.changed = _exchange(_modules(), {id(of): STAND_INS[name] for name, of in originals.items()})
            self.originals = originals
        elif not wanted and self.originals:
            meanwhile = [module for module in (ref() for ref in self.changed) if module is not None]
            _exchange(
                [*_modules(), *meanwhile], {id(STAND_INS[name]): of for name, of in self.originals.items()}
            )
            self.originals, self.changed = {}, []


_state = _State()


def _child() -> None:
    """In a child of fork, where nobody holds the lock."""
    _state.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_child)


def _sklearns() -> dict[str, Any]:
    if not HAVE_SKLEARN:
        raise ImportError("patch_sklearn needs scikit-learn 1.6 or later, which is not installed")
    import sklearn.decomposition  # binds the names in the first place

    defined = sys.modules[DEFINED]
    return {name: getattr(defined, name) for name in STAND_INS}


def _modules() -> list[types.ModuleType]:
    """All modules whose names may be replaced."""
    kept = (DEFINED, __name__)
    return [module for name, module in list(sys.modules.items()) if name not in kept and isinstance(module, types.ModuleType)]


def _exchange(modules: list[types.ModuleType], by_id: dict[int, Any]) -> list[weakref.ref[types.ModuleType]]:
    """Puts other objects in the place of those of these ids, in the globals of modules; the modules that had any."""
    changed = []
    for module in modules:
        # as it is: a lazy module would be loaded by a plain look at it
        names = types.ModuleType.__getattribute__(module, "__dict__")
        found = [(name, by_id[id(value)]) for name, value in list(names.items()) if id(value) in by_id]
        names.update(found)
        if found:
            changed.append(weakref.ref(module))
    return changed


def patch_sklearn() -> None:
    """Put Orthant in the place of scikit-learn's `NMF`, `MiniBatchNMF` and `non_negative_factorization`, until `unpatch_sklearn`.

    It holds for the names of `sklearn.decomposition`, for every module that has imported them already, and for those that will. It
    does not reach what is kept elsewhere: objects and subclasses that were made before, default arguments, entries of lists and dicts,
    and `sklearn.decomposition._nmf`, which defines them. Called twice, it is as if called once.

    What is made meanwhile is of classes derived from Orthant's: `isinstance` with `orthant.NMF` is true, with
    ``sklearn.decomposition.NMF`` while the name is replaced, and pickles are read wherever `orthant` is installed, replaced or not.
    Pickles of scikit-learn's own objects give scikit-learn's.

    Processes that are forked have it too. Those that are spawned begin anew, and have to call it.

    Raises
    ------
    ImportError
        Where scikit-learn is not installed, or is older than 1.6.

    Examples
    --------
    >>> import orthant
    >>> import sklearn.decomposition
    >>> orthant.patch_sklearn()
    >>> issubclass(sklearn.decomposition.NMF, orthant.NMF)
    True
    >>> orthant.unpatch_sklearn()
    >>> issubclass(sklearn.decomposition.NMF, orthant.NMF)
    False
    """
    with _state.lock:
        _state.asked, before = True, _state.asked
        try:
            _state.settle()
        except BaseException:
            _state.asked = before
            raise


def unpatch_sklearn() -> None:
    """Undo `patch_sklearn`: every name is scikit-learn's again, also in modules that were imported meanwhile.

    Where nothing was patched it does nothing. Inside ``with patched_sklearn()`` the names come back when that ends.
    """
    with _state.lock:
        _state.asked = False
        _state.settle()


@contextlib.contextmanager
def patched_sklearn() -> Iterator[None]:
    """`patch_sklearn` for a ``with`` block: the names are scikit-learn's again at its end.

    Blocks may be inside one another, and on several threads; the names are of the whole process, and come back with the last of them.

    Examples
    --------
    >>> import orthant
    >>> import sklearn.decomposition
    >>> with orthant.patched_sklearn():
    ...     model = sklearn.decomposition.NMF(2)
    >>> isinstance(model, orthant.NMF)
    True
    """
    with _state.lock:
        _state.contexts += 1
        try:
            _state.settle()
        except BaseException:
            _state.contexts -= 1
            raise
    try:
        yield
    finally:
        with _state.lock:
            _state.contexts -= 1
            _state.settle()
