"""Non-negative matrix factorization: X ≈ W·H with no entry below zero.

`NMF`, `MiniBatchNMF` and `non_negative_factorization` stand where scikit-learn's of these names do: the same
parameters, attributes, warnings and, with the default settings, the same numbers. ``solver="auto"`` is the fast way.
`Study` finds how many components there are, and which of them can be trusted, and `Programs` gene expression programs in the counts of
single cells. `load` reads a model that was saved, `read` the
matrix of a file, `anndata.nmf` takes single cells, and
`patch_sklearn` or ``python -m orthant script.py`` puts the three in the place of scikit-learn's in a program that is not edited.

>>> import numpy as np
>>> from orthant import NMF
>>> X = np.array([[1, 1], [2, 1], [3, 1.2], [4, 1], [5, 0.8], [6, 1]])
>>> model = NMF(n_components=2, init="random", random_state=0)
>>> W = model.fit_transform(X)
>>> W.shape, model.components_.shape, model.n_iter_
((6, 2), (2, 2), 30)
"""

from . import anndata
from ._base import InvalidParameterError, Iteration
from ._consensus import Consensus
from ._gene_programs import GenePrograms
from ._known import Factor
from ._minibatch import MiniBatchNMF
from ._model import load
from ._nmf import NMF, non_negative_factorization
from ._orthant import __version__, solvers
from ._patch import patch_sklearn, patched_sklearn, unpatch_sklearn
from ._programs import Programs
from ._read import Table, read
from ._study import Study

__all__ = [
    "NMF",
    "Consensus",
    "Factor",
    "GenePrograms",
    "InvalidParameterError",
    "Iteration",
    "MiniBatchNMF",
    "Programs",
    "Study",
    "Table",
    "__version__",
    "anndata",
    "load",
    "non_negative_factorization",
    "patch_sklearn",
    "patched_sklearn",
    "read",
    "solvers",
    "unpatch_sklearn",
]
