"""Parts of handwritten digits: the script of digits.md.

    python docs/gallery/digits.py [FOLDER FOR THE PICTURE]
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from orthant import NMF

X, digit = load_digits(return_X_y=True)
train, test = slice(0, 1200), slice(1200, None)
print(f"{X.shape[0]} pictures × {X.shape[1]} pixels, from {X.min():.0f} (paper) to {X.max():.0f} (ink)")


def lost(X, W, H):
    return np.linalg.norm(X - W @ H) / np.linalg.norm(X)


model = NMF(16, solver="auto", scale="h-max", random_state=0)
W = model.fit_transform(X[train])
H = model.components_
print(f"16 parts lose {lost(X[train], W, H):.0%} of 1200 pictures; {np.mean(H < 0.05):.0%} of their pixels are empty")

W_test = model.transform(X[test])
print(f"they lose {lost(X[test], W_test, H):.0%} of 597 pictures that they were not learnt from")

eigen = PCA(16).fit(X[train])
print(f"16 principal components: {np.mean(eigen.components_ < 0):.0%} of their pixels are negative")

classifier = KNeighborsClassifier(3).fit(W, digit[train])
accuracy = classifier.score(W_test, digit[test])
print(f"read by their 16 weights: {accuracy:.0%} of these 597 digits")
assert accuracy >= 0.9

# The picture.
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import matplotlib.pyplot as plt  # noqa: E402

out = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
figure = plt.figure(figsize=(8, 5.4), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1.3, 1])
left, right = top.subfigures(1, 2)
left.suptitle("16 parts", fontsize=11)
right.suptitle("16 principal components (red is negative)", fontsize=11)
for part, panel in zip(H, left.subplots(4, 4).flat):
    panel.imshow(part.reshape(8, 8), cmap="gray_r", vmin=0)
    panel.axis("off")
for part, panel in zip(eigen.components_, right.subplots(4, 4).flat):
    end = abs(part).max()
    panel.imshow(-part.reshape(8, 8), cmap="RdGy", vmin=-end, vmax=end)
    panel.axis("off")
bottom.suptitle("New digits, what 16 parts keep of them, and the four parts that each has most of", fontsize=11)
rows = bottom.subplots(3, 10)
for i in range(10):
    of = np.flatnonzero(digit[test] == i)[0]
    strongest = np.argsort(-W_test[of] * H.sum(axis=1))[:4]
    few = W_test[of, strongest] @ H[strongest]
    for panel, picture in zip(rows[:, i], [X[test][of], W_test[of] @ H, few]):
        panel.imshow(picture.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        panel.axis("off")
figure.savefig(out / "digits.png", dpi=90)
print("drawn:", out / "digits.png")
