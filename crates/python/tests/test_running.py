"""How a fit runs: beside other threads, interrupted, watched, in children, again and again."""

import gc
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import scipy.sparse as sp

import orthant
from orthant import NMF, MiniBatchNMF

pytestmark = pytest.mark.filterwarnings("ignore")


def problem(m=200, n=100, dtype=np.float64):
    rng = np.random.RandomState(0)
    return (rng.gamma(1.0, size=(m, 5)) @ rng.gamma(1.0, size=(5, n)) + rng.random_sample((m, n))).astype(dtype)


def long_fit(**options):
    return NMF(8, init="random", random_state=0, tol=0, max_iter=10**7, **options)


def test_other_threads_run_meanwhile():
    """A counter in Python goes on while a fit of half a second runs."""
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    before = counted[0]
    long_fit(max_seconds=0.5).fit(problem())
    during = counted[0] - before
    done.set()
    thread.join()
    assert during > 100


INTERRUPTED = """
    import signal, sys, threading, time, os
    import numpy as np
    import orthant
    from orthant import NMF, MiniBatchNMF
    rng = np.random.default_rng(0)
    X = rng.random(({m}, {n}))
    threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    try:
        {fit}
    except KeyboardInterrupt:
        print(time.monotonic() - began)
    W = NMF(2, init="random", random_state=0).fit_transform(X[:50, :20])
    print(W.shape)
"""


@pytest.mark.parametrize(
    "fit, m, n",
    [
        ("NMF(8, tol=0, max_iter=10**7, init='random').fit(X)", 300, 200),
        ("NMF(8, tol=0, max_iter=10**7, init='random', solver='auto', beta_loss=1).fit(X)", 300, 200),
        ("MiniBatchNMF(8, tol=0, max_no_improvement=None, max_iter=10**7, init='random').fit(X)", 300, 200),
        ("NMF(8, tol=0, max_iter=10**7, init='random', callback=lambda it: None).fit(X)", 300, 200),
        # an iteration that takes longer than a second
        ("NMF(400, tol=0, max_iter=10**7, init='random', solver='mu', beta_loss=0.5, n_jobs=1).fit(X)", 3000, 2000),
        # while the start is made
        ("NMF(600, init='exact-nndsvd', solver='hals', n_jobs=1).fit(X)", 3000, 2000),
    ],
)
def test_ctrl_c(fit, m, n):
    code = textwrap.dedent(INTERRUPTED).format(fit=fit, m=m, n=n)
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert out.returncode == 0, out.stderr
    seconds, shape = out.stdout.splitlines()
    assert float(seconds) < 2.0 and shape == "(50, 2)"


def test_a_limit_of_time_is_kept_within_an_iteration():
    """An iteration here takes many seconds."""
    X = np.random.default_rng(0).random((3000, 2000))
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="time limit of 0.5 s passed before the first iteration"):
        NMF(400, tol=0, init="random", solver="mu", beta_loss=0.5, n_jobs=1, max_seconds=0.5).fit(X)
    assert time.monotonic() - began < 3.0


SCRIBBLED = """
    import numpy as np, scipy.sparse as sp
    from orthant import NMF, MiniBatchNMF
    rng = np.random.default_rng(0)
    for make in (sp.csr_matrix, sp.csc_matrix):
        for index in (np.int32, np.int64):
            for dtype in (np.float32, np.float64, np.int32):
                for estimator, options in [
                    (NMF, dict(solver="auto")),
                    (NMF, dict(solver="cd")),
                    (NMF, dict(solver="anls")),
                    (NMF, dict(solver="mu", beta_loss=1)),
                    (NMF, dict(solver="auto", beta_loss=1)),
                    (NMF, dict(solver="newton", beta_loss=1)),
                    (NMF, dict(solver="mm", beta_loss=1.5)),
                    (MiniBatchNMF, dict(batch_size=100)),
                ]:
                    X = make(sp.random(400, 300, 0.1, random_state=0, data_rvs=lambda n: rng.integers(1, 9, n)).astype(dtype))
                    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)

                    def scribble(it):
                        X.indices[::3] = {value}
                        X.indptr[1:-1] = 2**31 - 1
                        return it.number == 3

                    try:
                        estimator(4, init="random", random_state=0, tol=0, callback=scribble, **options).fit(X)
                    except Exception:
                        pass
    print("alive")
"""


@pytest.mark.parametrize("value", ["2**31 - 1", "-1", "0"])
def test_indices_that_change_during_a_fit_do_not_end_the_process(value):
    code = textwrap.dedent(SCRIBBLED).format(value=value)
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (out.returncode, out.stdout) == (0, "alive\n"), out.stderr


def test_callback():
    seen = []
    model = NMF(3, init="random", random_state=0, callback=seen.append).fit(problem())
    assert [it.number for it in seen] == list(range(1, model.n_iter_ + 1))
    np.testing.assert_array_equal([it.objective for it in seen], model.loss_curve_)
    assert all(isinstance(it, orthant.Iteration) and it.max_iter == 200 for it in seen)
    same = NMF(3, init="random", random_state=0).fit(problem())
    np.testing.assert_array_equal(model.components_, same.components_)

    stopped = NMF(3, init="random", random_state=0, callback=lambda it: it.number == 4).fit(problem())
    assert stopped.n_iter_ == 4 and stopped.stop_reason_ == "callback"
    np.testing.assert_array_equal(stopped.components_, NMF(3, init="random", random_state=0, max_iter=4).fit(problem()).components_)

    def stop(it):
        raise StopIteration

    assert NMF(3, callback=stop).fit(problem()).n_iter_ == 1
    numpys = NMF(3, callback=lambda it: it.relative_error < np.float64(10)).fit(problem())  # an np.bool_
    assert numpys.n_iter_ == 1
    assert NMF(3, max_iter=5, tol=0, callback=lambda it: np.ones(3)).fit(problem()).n_iter_ == 5

    def fail(it):
        raise LookupError("not found")

    with pytest.raises(LookupError, match="not found"):
        long_fit(callback=fail).fit(problem())
    batches = []
    model = MiniBatchNMF(3, random_state=0, batch_size=50, callback=batches.append).fit(problem())
    assert len(batches) == model.n_steps_


def test_a_signal_is_the_last_that_a_callback_hears_of():
    """The exception of a signal's handler ends the fit, and is not followed by another call."""
    code = """
        import signal, sys
        import numpy as np
        from orthant import NMF
        class Late(Exception):
            pass
        over = []
        def handler(*_):
            over.append(True)
            raise Late
        def callback(it):
            if over:
                raise LookupError
        signal.signal(signal.SIGALRM, handler)
        X = np.random.default_rng(0).random((300, 200))
        for _ in range(5):
            over.clear()
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            try:
                NMF(8, tol=0, max_iter=10**7, init="random", callback=callback).fit(X)
            except Late:
                print("late")
    """
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert out.stdout == "late\n" * 5, out.stderr


def test_interrupted_data_is_let_go():
    code = """
        import os, signal, sys, threading, time
        import numpy as np
        from orthant import NMF
        X = np.random.default_rng(0).random((3000, 2000))
        before = sys.getrefcount(X)
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        try:
            NMF(400, tol=0, init="random", solver="mu", beta_loss=0.5, n_jobs=1).fit(X)
        except KeyboardInterrupt:
            print("interrupted")
        # the traceback is gone
        for _ in range(600):
            if sys.getrefcount(X) == before:
                print("let go")
                break
            time.sleep(0.1)
    """
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert out.stdout == "interrupted\nlet go\n", out.stderr


def test_a_process_ends_while_a_daemon_fits():
    code = """
        import threading, time
        import numpy as np
        from orthant import NMF
        X = np.random.default_rng(0).random((300, 200))
        for callback in (None, lambda it: None):
            fit = NMF(8, tol=0, max_iter=10**7, init="random", callback=callback).fit
            threading.Thread(target=fit, args=(X,), daemon=True).start()
        time.sleep(0.3)
        print("ends")
    """
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert (out.returncode, out.stdout) == (0, "ends\n"), out.stderr


@pytest.mark.parametrize("given", [None, "shared"])
def test_fits_at_once_do_not_share_a_start(given):
    """Of one generator each fit has numbers of its own: on threads, inside a callback, and after a fit that failed."""
    X = problem(60, 40)
    np.random.seed(0)
    rng = None if given is None else np.random.RandomState(0)
    model = lambda **more: NMF(5, init="random", max_iter=1, tol=0, random_state=rng, **more)  # noqa: E731
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: float(model().fit(X).reconstruction_err_), range(40)))
    assert len(found) == 40

    inner = []
    outer = model(callback=lambda it: inner.append(model().fit(X).reconstruction_err_)).fit(X)
    assert inner[0] != outer.reconstruction_err_

    def fail(it):
        seen.append(it.objective)
        raise LookupError

    seen = []
    for _ in range(3):
        with pytest.raises(LookupError):
            model(callback=fail).fit(X)
    assert len(set(seen)) == 3


def test_a_callback_that_fits():
    inner = []

    def fit(it):
        if it.number <= 3:
            inner.append(NMF(2, init="random", random_state=0, callback=deeper if it.number == 2 else None).fit(problem(20, 10)).n_iter_)

    def deeper(it):
        inner.append(NMF(2, init="random", random_state=0).fit(problem(10, 10)).n_iter_)
        return True

    NMF(3, init="random", random_state=0, callback=fit).fit(problem())
    assert len(inner) == 4


def test_time_limit():
    began = time.monotonic()
    with pytest.warns(UserWarning, match="time limit"):
        model = long_fit(max_seconds=0.2).fit(problem())
    assert time.monotonic() - began < 2 and model.stop_reason_ == "max_seconds"


def test_threads_do_not_change_a_bit():
    X = problem(400, 300)
    for options in (dict(), dict(solver="auto"), dict(solver="auto", beta_loss=1), dict(solver="mu", beta_loss=0.5)):
        results = [NMF(5, random_state=0, n_jobs=n, max_iter=20, **options).fit(X).components_ for n in (1, 2, -1, None)]
        for other in results[1:]:
            np.testing.assert_array_equal(results[0], other)


def test_number_of_threads(monkeypatch):
    from orthant._base import threads

    cores = orthant._orthant.cores()
    for name in ("ORTHANT_NUM_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert threads(None) == threads(-1) == threads(10**6) == cores
    assert threads(1) == 1 and threads(-cores) == 1 and threads(-cores - 5) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads(None) == 1 and threads(-1) == cores
    model = NMF(2, n_jobs=1).fit(problem())
    assert "threads   1" in model.explain_()
    with pytest.raises(ValueError, match="n_jobs"):
        NMF(2, n_jobs=0).fit(problem())


def test_eight_threads():
    problems = [problem(60 + i, 40) for i in range(8)]
    expected = [NMF(3, random_state=0).fit(X).components_ for X in problems]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            found = pool.map(lambda X: NMF(3, random_state=0).fit(X).components_, problems)
            for a, b in zip(found, expected):
                np.testing.assert_array_equal(a, b)


def fit_in_child(seed):
    return NMF(3, init="random", random_state=seed).fit(problem()).components_.sum()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    expected = [fit_in_child(seed) for seed in range(4)]  # a pool of this process comes first
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map_async(fit_in_child, range(4)).get(timeout=60) == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forks_while_fits_run():
    """Children of a process whose other threads are fitting fit themselves."""
    code = """
        import os, threading, sys
        import numpy as np
        from orthant import NMF
        X = np.random.default_rng(0).random((60, 40))
        expected = NMF(3, init="random", random_state=0).fit(X).components_
        stop = False
        def fits():
            while not stop:
                NMF(3, init="random", random_state=0).fit(X)
        threads = [threading.Thread(target=fits) for _ in range(4)]
        for t in threads: t.start()
        bad = 0
        for _ in range(30):
            child = os.fork()
            if child == 0:
                same = np.array_equal(NMF(3, init="random", random_state=0).fit(X).components_, expected)
                os._exit(0 if same else 1)
            bad += os.waitpid(child, 0)[1]
        stop = True
        for t in threads: t.join()
        print(bad)
    """
    out = subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert out.stdout.strip() == "0", out.stderr


def test_loky():
    expected = [fit_in_child(seed) for seed in range(4)]
    for backend in ("loky", "threading", "multiprocessing"):
        assert joblib.Parallel(2, backend=backend, timeout=60)(joblib.delayed(fit_in_child)(s) for s in range(4)) == expected


def memory():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc here")
def test_ten_thousand_fits():
    X, S = problem(30, 20), sp.csr_array(problem(30, 20))
    models = [NMF(2, init="random", random_state=0, max_iter=3), MiniBatchNMF(2, init="random", random_state=0, max_iter=1)]
    first = [m.fit(X).components_ for m in models]

    def rounds(n):
        for _ in range(n):
            for model in models:
                model.fit(X)
                model.fit(S)
            with pytest.raises(ValueError):
                models[0].fit(-X)

    rounds(250)
    gc.collect()
    before, began = memory(), threading.active_count()
    rounds(2500)
    gc.collect()
    assert memory() - before < 4 << 20
    assert threading.active_count() == began
    with open("/proc/self/status") as f:
        assert int(next(line for line in f if line.startswith("Threads")).split()[1]) < 100
    for model, components in zip(models, first):
        np.testing.assert_array_equal(model.fit(X).components_, components)


def test_progress(capsys, monkeypatch):
    NMF(3, init="random", random_state=0, verbose=1).fit(problem())
    shown = capsys.readouterr()
    assert "NMF" in shown.err and "error" in shown.err and not shown.out
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    model = NMF(3, init="random", random_state=0, verbose=1).fit(problem())
    shown = capsys.readouterr()
    assert shown.out.count("iteration") == model.n_iter_ // 10 + (model.n_iter_ == 200 and model.n_iter_ % 10 != 0) and not shown.err
