"""Arrays of every kind lead to the same numbers, and are not copied."""

import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from orthant import NMF, MiniBatchNMF, non_negative_factorization

pytestmark = pytest.mark.filterwarnings("ignore")


def counts(m=50, n=30):
    return np.random.RandomState(1).poisson(1.0, (m, n)).astype(float)


def fitted(X, **options):
    return NMF(4, init="random", random_state=0, max_iter=20, **options).fit(X).components_


KINDS = {
    "fortran": np.asfortranarray,
    "reversed": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "part": lambda X: np.pad(X, 3)[3:-3, 3:-3],
    "every other": lambda X: np.repeat(np.repeat(X, 2, 0), 3, 1)[::2, ::3],
    "list": lambda X: X.tolist(),
    "integers": lambda X: X.astype(np.int32),
    "bytes": lambda X: X.astype(np.uint8),
    "half": lambda X: X.astype(np.float16),
    "other endian": lambda X: X.astype(">f8"),
    "unaligned": lambda X: np.frombuffer(b"." + X.tobytes(), np.uint8)[1:].view(np.float64).reshape(X.shape),
    "field": lambda X: np.rec.fromarrays([X, X.astype(np.int8)], names="a,b")["a"],
    "frame": pd.DataFrame,
    "object": lambda X: X.astype(object),
}


@pytest.mark.parametrize("kind", KINDS)
def test_dense(kind):
    X = counts()
    np.testing.assert_allclose(fitted(KINDS[kind](X)), fitted(X), rtol=1e-9, atol=1e-12)


SPARSE = {
    "int64 indices": lambda X: wide(sp.csr_array(X)),
    "coo": sp.coo_array,
    "lil": sp.lil_array,
    "bsr": sp.bsr_array,
    "dok": sp.dok_array,
    "unsorted": lambda X: shuffled(sp.csr_array(X)),
    "duplicates": lambda X: doubled(X),
    "stored zeros": lambda X: zeroed(sp.csr_array(X)),
    "integers": lambda X: sp.csr_matrix(X.astype(np.int64)),
    "csc of int64": lambda X: wide(sp.csc_matrix(X)),
}


def wide(X):
    X.indptr, X.indices = X.indptr.astype(np.int64), X.indices.astype(np.int64)
    return X


def shuffled(X):
    for i in range(X.shape[0]):
        a, b = X.indptr[i : i + 2]
        X.indices[a:b], X.data[a:b] = X.indices[a:b][::-1].copy(), X.data[a:b][::-1].copy()
    X.has_sorted_indices = False
    return X


def doubled(X):
    X = sp.coo_array(X)
    i, j, v = np.r_[X.row, X.row], np.r_[X.col, X.col], np.r_[X.data, X.data] / 2
    order = np.argsort(i, kind="stable")
    indptr = np.r_[0, np.cumsum(np.bincount(i, minlength=X.shape[0]))]
    return sp.csr_array((v[order], j[order], indptr), shape=X.shape)


def zeroed(X):
    X = X.tolil()
    X = sp.csr_array(X)
    X.data[::5] = 0
    return X


@pytest.mark.parametrize("kind", SPARSE)
@pytest.mark.parametrize("options", [dict(), dict(solver="mu", beta_loss=1), dict(solver="mu", beta_loss=0.5), dict(solver="auto")], ids=str)
def test_sparse(kind, options):
    X = SPARSE[kind](counts())
    before = X.copy()
    np.testing.assert_allclose(fitted(X, **options), fitted(sp.csr_array(X.toarray()), **options), rtol=1e-9, atol=1e-12)
    if hasattr(X, "indptr"):  # as it was, untidy
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(X, part), getattr(before, part))


def test_read_only_and_mapped(tmp_path):
    X = counts()
    expected = fitted(X)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert not mapped.flags.writeable
    np.testing.assert_array_equal(fitted(mapped), expected)
    X.flags.writeable = False
    np.testing.assert_array_equal(fitted(X), expected)
    S = sp.csr_array(counts())
    expected = fitted(S)
    for part in (S.data, S.indices, S.indptr):
        part.flags.writeable = False
    np.testing.assert_array_equal(fitted(S), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_are_kept(dtype):
    X = counts().astype(dtype)
    for model in (NMF(3, solver="auto"), NMF(3), MiniBatchNMF(3)):
        W = model.fit_transform(X)
        assert W.dtype == model.components_.dtype == dtype
        # the other type is converted to the components'
        other = counts().astype(np.float64 if dtype == np.float32 else np.float32)
        assert model.transform(other).dtype == dtype
    W, H, _ = non_negative_factorization(X, H=np.ones((3, 30), np.float16), update_H=False)
    assert W.dtype == H.dtype == dtype


def test_odd_shapes():
    for shape in ((1, 7), (7, 1), (1, 1), (3, 17), (17, 3)):
        X = np.arange(1.0, shape[0] * shape[1] + 1).reshape(shape)
        for solver in ("cd", "mu", "auto", "anls"):
            model = NMF(1, solver=solver, init="random", random_state=0)
            assert model.fit_transform(X).shape == (shape[0], 1) and model.components_.shape == (1, shape[1])
    for wrong in (np.zeros((0, 3)), np.zeros((3, 0)), np.ones(3), np.ones((2, 2, 2))):
        with pytest.raises(ValueError):
            NMF(1).fit(wrong)


def test_views_over_one_another():
    row = counts(1, 30)
    np.testing.assert_allclose(fitted(np.broadcast_to(row, (50, 30))), fitted(np.repeat(row, 50, 0)), rtol=1e-9)
    windows = np.lib.stride_tricks.sliding_window_view(np.arange(1.0, 80), 30)
    np.testing.assert_array_equal(fitted(windows), fitted(windows.copy()))


def test_zeros():
    for model in (NMF(2), MiniBatchNMF(2), NMF(2, solver="auto", beta_loss=1)):
        W = model.fit_transform(np.zeros((5, 4)))
        assert not W.any() and not model.components_.any() and model.stop_reason_ == "zero_data"
        assert model.reconstruction_err_ == 0
    online = MiniBatchNMF(2, init="random", random_state=0).partial_fit(np.zeros((5, 4)))
    online.partial_fit(counts(5, 4) + 1)
    assert online.n_steps_ == 2 and online.components_.any()


def test_the_data_is_let_go():
    """Nothing of the data is held after a call, whether it ends well or not."""
    X, S = counts(), sp.csr_array(counts())
    held = lambda: [sys.getrefcount(x) for x in (X, S, S.data, S.indices, S.indptr)]  # noqa: E731
    outside = held()
    for data in (X, S):
        before = held()
        for model in (NMF(3, random_state=0), MiniBatchNMF(3, random_state=0), NMF(3, callback=lambda it: it.number == 2)):
            model.fit(data)
            assert held() == before
            model.transform(data)
            assert held() == before
    X[0, 0], S.data[0] = -1, -1
    for data in (X, S):
        with pytest.raises(ValueError, match="Negative") as info:
            NMF(3).fit(data)
        del info
    del data
    assert held() == outside


PEAK = """
    import resource, sys
    import numpy as np
    import scipy.sparse as sp
    from orthant import NMF, MiniBatchNMF
    kind, solver, beta = sys.argv[1], sys.argv[2], float(sys.argv[3])
    rng = np.random.default_rng(0)
    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    small = rng.random((64, 64), np.float32)
    def model():
        if solver == "minibatch":
            return MiniBatchNMF(4, init="random", random_state=0, beta_loss=beta, max_iter=1, tol=0)
        return NMF(4, init="random", random_state=0, solver=solver, beta_loss=beta, max_iter=2, tol=0)
    model().fit(small)
    if kind in "CF":
        X = np.empty((8000, 6250), np.float32, order=kind)
        for i in range(0, 8000, 100):
            X[i : i + 100] = rng.random((100, 6250), np.float32) + np.float32(0.01)
        size = X.nbytes
    else:
        each = 2500
        data = np.ones(8000 * each, np.float32)
        indices = np.tile(np.arange(0, 2 * each, 2, dtype=np.int32), 8000)
        indptr = np.arange(0, 8000 * each + 1, each, dtype=np.int32)
        shape = (8000, 2 * each)
        X = sp.csr_array((data, indices, indptr), shape=shape) if kind == "csr" else sp.csc_array((data, indices, indptr), shape=shape[::-1])
        size = data.nbytes + indices.nbytes
    before = peak()
    model().fit(X)
    print((peak() - before) * 2**20 / size)
"""


@pytest.mark.parametrize(
    "kind, solver, beta",
    [("C", "cd", 2), ("F", "cd", 2), ("C", "mu", 1), ("csr", "cd", 2), ("csc", "cd", 2), ("csr", "mu", 1), ("C", "auto", 2), ("C", "minibatch", 2)],
)
def test_the_data_is_not_copied(kind, solver, beta):
    """The peak of memory rises by less than a fifth of the 200 MB (160 MB if sparse) of the data."""
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PEAK), kind, solver, str(beta)], capture_output=True, text=True, check=True
    )
    assert float(out.stdout) < 0.2
