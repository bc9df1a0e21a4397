"""Topics of texts: scikit-learn's pipeline with one import changed.

The texts are the docstrings of numpy, scipy and scikit-learn: some thousands, about a dozen matters, and there wherever
these are installed.

    python topics.py [--topics 10]
"""

import argparse
import importlib
import inspect
import pkgutil
import time
import warnings

import numpy as np
import sklearn.decomposition
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

import orthant


def docstrings():
    """The distinct docstrings of public functions and classes, in order of their names."""
    found = {}
    for package in ("numpy", "scipy", "sklearn"):
        root = importlib.import_module(package)
        for module in sorted(pkgutil.walk_packages(root.__path__, package + "."), key=lambda m: m.name):
            if any(part.startswith("_") or part in ("tests", "conftest", "externals") for part in module.name.split(".")):
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    members = sorted(vars(importlib.import_module(module.name)).items())
            except Exception:  # what a package cannot import here has no docstrings to give
                continue
            for name, member in members:
                public = not name.startswith("_") and (inspect.isfunction(member) or inspect.isclass(member))
                if public and len(text := inspect.getdoc(member) or "") > 400:
                    found.setdefault(text, f"{module.name}.{name}")
    return list(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--topics", type=int, default=10)
    parser.add_argument("--texts", type=int, default=None, help="so many texts alone")
    options = parser.parse_args()
    texts = docstrings()[: options.texts]
    print(f"{len(texts)} texts")
    kept = {}
    for label, NMF, more in [
        ("scikit-learn", sklearn.decomposition.NMF, {}),
        ("orthant, the import changed", orthant.NMF, {}),
        ('orthant, solver="auto"', orthant.NMF, {"solver": "auto", "tol": 1e-5}),
    ]:
        words = TfidfVectorizer(max_df=0.5, min_df=5, stop_words="english", token_pattern=r"[a-z]{3,}")
        model = NMF(options.topics, init="nndsvd", random_state=0, max_iter=400, **more)
        pipeline = make_pipeline(words, model)
        X = words.fit_transform(texts)
        seconds = []
        for _ in range(5):
            began = time.perf_counter()
            model.fit(X)
            seconds.append(time.perf_counter() - began)
        W = pipeline.fit_transform(texts)
        names = words.get_feature_names_out()
        top = [[str(names[j]) for j in np.argsort(-topic)[:8]] for topic in model.components_]
        kept[label] = top, W.argmax(axis=1)
        print(f"\n{label}: {np.median(seconds):.3f} s a fit, {model.n_iter_} iterations, error {model.reconstruction_err_:.6f}")
        if label == "scikit-learn":
            print(*(" ".join(topic) for topic in top), sep="\n")
        else:
            their_top, their_topic = kept["scikit-learn"]
            share = np.mean(kept[label][1] == their_topic)
            same = sum(a == b for a, b in zip(top, their_top))
            print(f"{same} of {len(top)} topics have the same eight words in the same order; {share:.2%} of the texts the same first topic")


if __name__ == "__main__":
    main()
