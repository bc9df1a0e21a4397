"""A spectrum with known parts: the script of spectrum.md.

    python docs/gallery/spectrum.py [FOLDER FOR THE PICTURE]
"""

import numpy as np

from orthant import NMF, Factor

rng = np.random.RandomState(0)
shift = np.linspace(400, 1800, 351)


def bands(*places_heights_widths):
    """A pure spectrum: Lorentzian bands, at sum 1."""
    spectrum = sum(height / (1 + ((shift - place) / width) ** 2) for place, height, width in places_heights_widths)
    return spectrum / spectrum.sum()


sugar = bands((520, 0.9, 10), (850, 0.7, 12), (1070, 1.0, 16), (1125, 1.0, 14), (1345, 0.6, 18))
alcohol = bands((432, 0.3, 10), (880, 1.0, 9), (1050, 0.5, 12), (1095, 0.4, 12), (1455, 0.7, 16))
unknown = bands((620, 0.5, 8), (1003, 1.0, 7), (1035, 0.3, 8), (1205, 0.4, 12), (1605, 0.6, 10))

mostly = np.linspace(0.0, 1.0, 40)
little = rng.uniform(0.0, 0.2, size=40)
amounts = np.column_stack([mostly * (1 - little), (1 - mostly) * (1 - little), little])
X = rng.poisson(200000 * amounts @ [sugar, alcohol, unknown]).astype(float)
print(f"{X.shape[0]} samples × {X.shape[1]} places, {X.sum(axis=1).mean():.0f} photons each")

known = np.array([sugar, alcohol])
model = NMF(3, solver="auto", beta_loss="kullback-leibler", H=Factor(fixed=known), random_state=0)
W = model.fit_transform(X)
H = model.components_
assert (H[:2] == known).all()


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


print(f"the unknown substance: cosine {cosine(H[2], unknown):.4f} with the truth")

def farthest(W, H):
    """The largest error of a share, in percentage points."""
    shares = W * H.sum(axis=1)
    return 100 * abs(shares / shares.sum(axis=1, keepdims=True) - amounts).max()


print(f"the shares of the three substances are at most {farthest(W, H):.1f} percentage points off")

free = NMF(3, solver="auto", beta_loss="kullback-leibler", random_state=0)
W_free = free.fit_transform(X)
order = [int(np.argmax([cosine(h, s) for h in free.components_])) for s in [sugar, alcohol, unknown]]
W_free, H_free = W_free[:, order], free.components_[order]
print(f"with nothing known: cosine {cosine(H_free[2], unknown):.4f}, {farthest(W_free, H_free):.1f} percentage points")
assert cosine(H[2], unknown) >= 0.99 and farthest(W, H) <= 2

# The picture.
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import matplotlib.pyplot as plt  # noqa: E402

out = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
figure, (mixtures, found, shares) = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained", width_ratios=[1.2, 1.2, 1])
for i in [0, 13, 26, 39]:
    mixtures.plot(shift, X[i] / 1000 + 2 * (i // 13), color="0.3", linewidth=0.8)
mixtures.set_title("Four of 40 mixtures", fontsize=11)
mixtures.set_ylabel("thousand photons, each 2 above the last")
for row, (name, spectrum, component) in enumerate(zip(["sugar", "alcohol", "unknown"], [sugar, alcohol, unknown], H)):
    component = component / component.sum()
    found.plot(shift, 0.045 * row + component, color=f"C{row}")
    if row == 2:
        found.plot(shift, 0.045 * row + spectrum, "--", color="black", linewidth=0.8, label="the truth")
    found.text(1790, 0.045 * row - 0.002, name + (" (known)" if row < 2 else ""), ha="right", va="top", color=f"C{row}")
found.set_yticks([])
found.set_ylim(-0.015, 0.165)
found.legend(frameon=False)
found.set_title("The three components", fontsize=11)
for panel in [mixtures, found]:
    panel.set_xlabel("Raman shift, cm⁻¹")
share = W[:, 2] * H[2].sum() / (W * H.sum(axis=1)).sum(axis=1)
free_share = W_free[:, 2] * H_free[2].sum() / (W_free * H_free.sum(axis=1)).sum(axis=1)
shares.plot([0, 20], [0, 20], color="0.8", zorder=0)
shares.plot(100 * amounts[:, 2], 100 * free_share, "x", color="0.5", markersize=4, label="nothing known")
shares.plot(100 * amounts[:, 2], 100 * share, ".", color="C2", label="two known")
shares.set_title("Share of the unknown, %", fontsize=11)
shares.set_xlabel("true")
shares.set_ylabel("found")
shares.legend(frameon=False)
figure.savefig(out / "spectrum.png", dpi=90)
print("drawn:", out / "spectrum.png")
