"""Fitted models as files: those of the command ``orthant``, with what Python knows besides.

A file has the components and a manifest. What the manifest has no place for is in a text of its own beside it, `KEY`: the parameters
that are not at their defaults, and attributes. It is JSON, so that nothing in a file is ever run.
"""

from __future__ import annotations

import json
import math
import os
from numbers import Integral, Real
from typing import Any

import numpy as np

from . import _orthant
from ._base import BaseNMF, Random, check_parameters
from ._estimator import FLOATS, check_is_fitted
from ._minibatch import MiniBatchNMF
from ._missing import present
from ._nmf import NMF
from ._parameters import as_parameters

__all__ = ["load", "save"]

# the metadata of a file is 'orthant.python'
KEY = "python"
CLASSES: dict[str, type[NMF] | type[MiniBatchNMF]] = {"NMF": NMF, "MiniBatchNMF": MiniBatchNMF}
# of one run, on one machine
OF_RUNS = ("callback", "checkpoint", "checkpoint_seconds", "resume")
# attributes by their types; the manifest has others
NUMBERS = ("kkt_residual_", "heldout_error_", "n_steps_")
CURVES = ("loss_curve_", "component_totals_")
# what a directory of results of the command has
IN_DIRECTORY = "model.safetensors"


def save(model: BaseNMF, path: str | os.PathLike[str]) -> None:
    """Writes a fitted model."""
    check_is_fitted(model, "components_")
    model._check_parameters()
    name = next(name for name, of in CLASSES.items() if isinstance(model, of))
    H = np.asarray(present(model.components_, "H"))
    H = np.ascontiguousarray(H, H.dtype if H.dtype in FLOATS else np.float64)
    model._n_components = H.shape[0]
    seeded = isinstance(model.random_state, Integral)
    random = Random(model.random_state if seeded else 0)
    made: Any = model
    batches = isinstance(model, MiniBatchNMF)
    options = made._batch_options(random) if batches else made._fit_options(random)
    common = options.get("common", options)
    common["init"] = model.init
    names = getattr(model, "feature_names_in_", None)
    weight = getattr(model, "feature_weight_", None)
    beside = {
        "path": os.fspath(path),
        "columns": None if names is None else [str(name) for name in names],
        "column_weights": None if weight is None else [float(x) for x in weight],
        "record": getattr(model, "_record", None),
        "attachments": {**getattr(model, "_attachments", {}), KEY: json.dumps(_said(model, name))},
    }
    _orthant.model_save(H, options, batches, beside)


def _said(model: BaseNMF, name: str) -> dict[str, Any]:
    """What Python says of a model."""
    parameters: dict[str, Any] = {}
    left_out = []
    for key, default in _defaults(CLASSES[name]).items():
        value = getattr(model, key)
        if value is default or isinstance(value, (str, Real)) and value == default:
            continue
        if key in OF_RUNS or not isinstance(value, (str, Real, type(None))):
            left_out.append(key)
            continue
        parameters[key] = _plain(value)
    attributes = {key: _plain(getattr(model, key)) for key in NUMBERS if hasattr(model, key)}
    attributes.update({key: [_plain(x) for x in getattr(model, key)] for key in CURVES if hasattr(model, key)})
    if hasattr(model, "consensus_"):
        left_out.append("consensus_")
    return {
        "class": name,
        "parameters": parameters,
        "attributes": attributes,
        "explanation": getattr(model, "_explanation", None),
        "left_out": left_out,
    }


def _defaults(of: type[BaseNMF]) -> dict[str, Any]:
    fresh = of()
    return {name: getattr(fresh, name) for name in sorted(vars(fresh))}


def _plain(value: Any) -> Any:
    """The value as JSON has it: None for NaN and for infinities."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return value


def load(path: str | os.PathLike[str]) -> NMF | MiniBatchNMF:
    """Read a fitted model: a file of `NMF.save` or `MiniBatchNMF.save`, or the ``model.safetensors`` of the command ``orthant``.

    Parameters
    ----------
    path : str or PathLike
        The file, or a directory of results of the command.

    Returns
    -------
    model : NMF or MiniBatchNMF
        Fitted, with the parameters of the fit, so that `transform` gives the same bits. Of a file that does not say how it was fitted
        (one that another program made of components), ``solver`` is 'auto'.

    Raises
    ------
    OSError
        Where the file cannot be read; FileNotFoundError where there is none.
    ValueError
        Where the file is no model, is damaged, or has the format of a later version.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import orthant
    >>> X = np.array([[1, 1], [2, 1], [3, 1.2], [4, 1], [5, 0.8], [6, 1]])
    >>> model = orthant.NMF(2, solver="auto", random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     model.save(path)
    ...     again = orthant.load(path)
    >>> again
    NMF(n_components=2, random_state=0, solver='auto')
    >>> np.array_equal(again.transform(X), model.transform(X))
    True
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        path = os.path.join(path, IN_DIRECTORY)
    found = _orthant.model_load(path)
    try:
        return _estimator(found, path)
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a valid model file: {error}") from error


def _estimator(found: dict[str, Any], path: str) -> NMF | MiniBatchNMF:
    H = found["h"]
    text = found["attachments"].pop(KEY, None)
    if text is None:
        said = _of_manifest(found, path)
    else:
        said = json.loads(text)
    parameters = said["parameters"]
    if said["class"] not in CLASSES:
        raise ValueError(f"{said['class']!r} is neither NMF nor MiniBatchNMF")
    of = CLASSES[said["class"]]
    unknown = sorted(parameters.keys() - (_defaults(of).keys() - set(OF_RUNS)))
    if unknown:
        raise ValueError(
            f"it has the parameters {', '.join(unknown)}, which orthant {_orthant.__version__} does not know; it was written by "
            f"{found['writer']}"
        )
    model = of(**parameters)
    check_parameters(model, model._allowed)
    _agree(model, found["parameters"])
    for key, value in said["attributes"].items():
        if key in NUMBERS:
            setattr(model, key, math.nan if value is None else value + 0)
        elif key in CURVES:
            setattr(model, key, np.array([math.nan if x is None else x for x in value], np.float64))
    report = found["report"]
    model.remarks_ = []
    if report is not None:
        model.n_iter_ = report["n_iter"]
        model.reconstruction_err_ = np.float64(report["reconstruction_err"])
        model.stop_reason_ = report["stop_reason"]
        model.remarks_ = report["warnings"]
    if said["left_out"]:
        model.remarks_.append(f"the file does not hold {', '.join(map(str, said['left_out']))}")
    model.components_ = H
    model.n_components_, model.n_features_in_ = H.shape
    if found["columns"] is not None:
        model.feature_names_in_ = np.array(found["columns"], object)
    if isinstance(model, NMF):
        model.feature_weight_ = found["column_weights"]
    elif found["column_weights"] is not None:
        raise ValueError("MiniBatchNMF has no weights of features")
    model._explanation = str(said["explanation"] or f"read from {path}, which does not say more")
    model._record = found["record"]
    model._attachments = found["attachments"]
    return model


def _of_manifest(found: dict[str, Any], path: str) -> dict[str, Any]:
    """What a file of another program says, in the same form."""
    of_fit = as_parameters(found["parameters"])
    batches = found["batches"]
    if "solver" not in of_fit:
        # the loss and the penalties alone
        parameters = {**of_fit, "solver": "auto"}
    elif batches is None:
        parameters = of_fit
    else:
        parameters = {key: value for key, value in of_fit.items() if key in _defaults(MiniBatchNMF)}
        parameters.update(batches)
    return {
        "class": "NMF" if batches is None else "MiniBatchNMF",
        "parameters": {**parameters, "n_components": found["h"].shape[0]},
        "attributes": {},
        "explanation": f"read from {path}, which orthant {found['writer']} has written",
        "left_out": [],
    }


def _agree(model: NMF | MiniBatchNMF, manifest: dict[str, Any]) -> None:
    """The two places that say what `transform` goes by say the same."""
    alpha_W, alpha_H = float(model.alpha_W), model.alpha_H
    mine = {
        "beta_loss": model._beta,
        "alpha_W": alpha_W,
        "alpha_H": alpha_W if isinstance(alpha_H, str) else float(alpha_H),
        "l1_ratio": float(model.l1_ratio),
    }
    for name, value in mine.items():
        other = manifest[name]
        other = manifest["alpha_W"] if other is None else other
        if value != other:
            raise ValueError(f"{name} is {value} in one place and {other} in another")
