"""The made-up catalogue of signatures.md: catalogue.tsv, and the signatures behind it, planted.tsv.

    python docs/gallery/make_catalogue.py [FOLDER]

numpy's RandomState is frozen: the same files come out everywhere.
"""

import sys
from pathlib import Path

import numpy as np

SUBSTITUTIONS = ["C>A", "C>G", "C>T", "T>A", "T>C", "T>G"]
TYPES = [(before, change, after) for change in SUBSTITUTIONS for before in "ACGT" for after in "ACGT"]


def signature(rng, weight):
    """At sum 1: the weight of each type times a number between 0.5 and 1.5."""
    x = np.array([weight(*kind) for kind in TYPES]) * rng.uniform(0.5, 1.5, size=96)
    return x / x.sum()


def write(path, corner, columns, table):
    with open(path, "w", newline="\n") as file:
        print(corner, *columns, sep="\t", file=file)
        for (before, change, after), row in zip(TYPES, table):
            print(f"{before}[{change}]{after}", *row, sep="\t", file=file)


out = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
rng = np.random.RandomState(0)
planted = {
    # idealised: what each is known for, and a little of everything else
    "deamination": signature(rng, lambda before, change, after: 1 if change == "C>T" and after == "G" else 0.02),
    "APOBEC": signature(rng, lambda before, change, after: 1 if before == "T" and change in ("C>T", "C>G") and after in "AT" else 0.01),
    "smoke": signature(rng, lambda before, change, after: {"C>A": 1, "T>A": 0.2}.get(change, 0.08)),
    "UV": signature(rng, lambda before, change, after: 1 if change == "C>T" and before in "CT" and after != "G" else 0.03),
}
activities = rng.gamma(0.8, 800, size=(40, 4))
counts = rng.poisson(activities @ list(planted.values()))
write(out / "catalogue.tsv", "type", [f"tumour{i:02}" for i in range(1, 41)], counts.T)
write(out / "planted.tsv", "type", planted, np.round(np.array(list(planted.values())).T, 6))
