"""Programs of single cells: the script of cells.md.

    python docs/gallery/cells.py [FOLDER FOR THE PICTURE]
"""

import numpy as np

from orthant import Study

rng = np.random.RandomState(0)
cells, genes = 240, 150
programs = rng.gamma(0.2, size=(5, genes)) + 0.02
programs /= programs.sum(axis=1, keepdims=True)

kind = np.sort(rng.randint(4, size=cells))
divides = np.where(rng.uniform(size=cells) < 0.35, rng.uniform(0.2, 0.7, size=cells), 0.0)
usage = np.zeros((cells, 5))
usage[np.arange(cells), kind] = 1 - divides
usage[:, 4] = divides

depth = rng.lognormal(np.log(500), 0.3, size=(cells, 1))
X = rng.poisson(depth * (usage @ programs)).astype(float)
print(f"{cells} cells × {genes} genes, {X.sum(axis=1).mean():.0f} counts a cell, {np.mean(X == 0):.0%} zeros")

study = Study(range(3, 8), n_replicates=6, beta_loss="kullback-leibler").fit(X)
print(f"{study.k_} programs: {study.why_}")

model = study.consensus(study.k_)
found = model.components_
found_usage = model.transform(X)
found_usage /= found_usage.sum(axis=1, keepdims=True)


def cosines(a, b):
    a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (a, b))
    return a @ b.T


alike = cosines(programs, found)
match = alike.argmax(axis=1)
print("cosines with the planted programs:", *alike.max(axis=1).round(3))
assert sorted(match) == list(range(5)) and alike.max(axis=1).min() >= 0.9

cycle = found_usage[:, match[4]]
print(f"division, planted and found: correlation {np.corrcoef(divides, cycle)[0, 1]:.3f}")
assert np.corrcoef(divides, cycle)[0, 1] >= 0.9

# The picture.
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import matplotlib.pyplot as plt  # noqa: E402

out = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
table = study.table_
figure = plt.figure(figsize=(9, 5.4), layout="constrained")
top, bottom = figure.subfigures(2, 1)
losses, found_again, divided = top.subplots(1, 3)
losses.errorbar(table["k"], table["heldout"], yerr=table["heldout_se"], marker="o", capsize=3)
losses.set_title("Loss on counts held out", fontsize=10)
found_again.plot(table["k"], table["silhouette_min"], marker="o", color="C1")
found_again.set_title("Silhouette of the least stable", fontsize=10)
found_again.set_ylim(-0.05, 1.05)
for panel in [losses, found_again]:
    panel.axvline(study.k_, color="0.8", zorder=0)
    panel.set_xlabel("programs")
divided.plot(divides, cycle, ".", markersize=4)
divided.plot([0, 0.75], [0, 0.75], color="0.7", zorder=0)
divided.set_title("Share of the division program", fontsize=10)
divided.set_xlabel("planted")
divided.set_ylabel("found")
panel = bottom.subplots()
order = np.lexsort([divides, kind])
names = ["type A", "type B", "type C", "type D", "division"]
drawn = panel.imshow(found_usage[order][:, match].T, cmap="Blues", aspect="auto", interpolation="nearest", vmin=0, vmax=1)
panel.set_yticks(range(5), [f"program of {name}" for name in names])
middles = [np.flatnonzero(kind[order] == t).mean() for t in range(4)]
panel.set_xticks(middles, [f"cells of {name}" for name in names[:4]])
panel.tick_params(length=0)
for edge in np.flatnonzero(np.diff(kind[order])) + 0.5:
    panel.axvline(edge, color="0.6", linewidth=0.8)
bottom.colorbar(drawn, ax=panel, label="share of the cell")
figure.savefig(out / "cells.png", dpi=90)
print("drawn:", out / "cells.png")
