"""Runs of scikit-learn and of orthant's programs. What each run gave is kept for the record."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

import threadpoolctl
from sklearn.decomposition import NMF

TOL, MAX_ITER = 1e-4, 1000
# scikit-learn's solver and beta_loss for each loss
RULES = {"frobenius": ("cd", "frobenius"), "kl": ("mu", "kullback-leibler"), "is": ("mu", "itakura-saito")}


class Bench:
    """What a table measures with. `runs` has every run since the table began, in order."""

    def __init__(self, options, targets, folder):
        self.options, self.cell, self.folder, self.runs = options, targets.cell, pathlib.Path(folder), []
        self.seeds = ", ".join(map(str, options.seeds))

    def size(self, full, tiny):
        return tiny if self.options.tiny else full

    def pause(self):
        """BLAS threads spin for a while after their last call."""
        time.sleep(self.options.pause)

    def keep(self, program, problem, settings, result):
        of = {name: getattr(problem, name) for name in ("name", "k", "dtype", "loss")} if problem else {}
        self.runs.append({"program": program, "problem": of, "settings": settings, "result": result})
        return result

    def scikit_learn(self, problem, seed, tol=TOL, max_iter=MAX_ITER, threads=None, with_loss=False):
        """A whole fit. The residual's loss takes long, and is for those who ask; it is not in the time."""
        solver, loss = RULES[problem.loss]
        settings = dict(random_state=seed, solver=solver, beta_loss=loss, tol=tol, max_iter=max_iter)
        model = NMF(problem.k, init="random", **settings)
        with threadpoolctl.threadpool_limits(threads) if threads else contextlib.nullcontext():
            begin = time.perf_counter()
            w = model.fit_transform(problem.x)
            seconds = time.perf_counter() - begin
        reported = 0.5 * float(model.reconstruction_err_) ** 2
        result = {"seconds": seconds, "iterations": int(model.n_iter_), "reported_loss": reported}
        if with_loss:
            result["loss"] = problem.loss_of(w, model.components_)
        return self.keep("scikit-learn", problem, settings | {"threads": threads or self.options.threads}, result)

    def warm_up(self, problem):
        self.scikit_learn(problem, 0, tol=0.0, max_iter=2)
        self.runs.pop()

    def orthant(self, problem, seed, solver, threads=None, **more):
        """A whole fit by orthant-bench-time, in a process of its own."""
        settings = dict(seed=seed, solver=solver, threads=threads or self.options.threads, **more)
        data = dict(data=problem.path, k=problem.k, loss=problem.loss, f32=problem.dtype == "float32")
        result = json.loads(self.program("orthant-bench-time", **data, **settings).splitlines()[-1])
        (result["seconds"],) = result["seconds"]  # of one fit
        return self.keep("orthant-bench-time", problem, settings, result)

    def products(self, **settings):
        """What orthant-bench-products says of the machine, and its cases."""
        settings |= dict(runs=self.options.rounds, tiny=self.options.tiny)
        machine, *cases = map(json.loads, self.program("orthant-bench-products", json=True, **settings).splitlines())
        self.keep("orthant-bench-products", None, settings, {"machine": machine, "cases": cases})
        return machine, cases

    def sparse(self, what, path, problem=None, **settings):
        result = json.loads(self.program("orthant-bench-sparse", what, path, **settings))
        return self.keep(f"orthant-bench-sparse {what}", problem, settings, result)

    def program(self, name, *words, **settings):
        """What a program prints. A setting that is None or False is left out, and one that is True is a flag."""
        time_program = pathlib.Path(self.options.program)
        command = [time_program if name == "orthant-bench-time" else time_program.with_name(name), *words]
        for setting, value in settings.items():
            if value is not None and value is not False:
                command += [f"--{setting.replace('_', '-')}"] + ([] if value is True else [value])
        command = list(map(str, command))
        # The programs link OpenBLAS to compare with it; its idle threads would take time from theirs.
        alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=alone)
        if done.returncode != 0:
            sys.exit(f"bench: {' '.join(command)}\n{done.stderr}")
        return done.stdout
