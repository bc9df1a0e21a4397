"""Topics in texts: the script of topics.md.

    python docs/gallery/topics.py [FOLDER FOR THE PICTURES]
"""

import importlib
import inspect

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import normalized_mutual_info_score

from orthant import NMF

MODULES = ["cluster.hierarchy", "fft", "integrate", "interpolate", "io", "linalg", "ndimage", "optimize", "signal"]
MODULES += ["sparse", "sparse.csgraph", "sparse.linalg", "spatial", "spatial.distance", "special", "stats"]

texts = {}  # each text, and the module that it is from
for name in MODULES:
    module = importlib.import_module("scipy." + name)
    for function in sorted(module.__all__):
        text = inspect.getdoc(getattr(module, function)) or ""
        if len(text) > 400:
            texts.setdefault(text.split("Examples\n--------")[0], name)
origin = np.array(list(texts.values()))
print(f"{len(texts)} texts")

vectorizer = TfidfVectorizer(token_pattern="[a-z]{3,}", stop_words="english", min_df=5, max_df=0.25)
X = vectorizer.fit_transform(texts)
words = vectorizer.get_feature_names_out()
print(f"{X.shape[0]} texts × {X.shape[1]} words, of which a text has {X.nnz / X.shape[0]:.0f}")

model = NMF(10, solver="auto", random_state=0)
W = model.fit_transform(X)
H = model.components_
for t in range(10):
    print(f"topic {t}:", *words[np.argsort(-H[t])[:6]])

topic = W.argmax(axis=1)
agreement = normalized_mutual_info_score(origin, topic)
print(f"topics and modules agree to {agreement:.2f} (1: the same, 0: nothing to do with each other)")
assert agreement >= 0.5

# The pictures.
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import matplotlib.pyplot as plt  # noqa: E402

out = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
figure, panels = plt.subplots(2, 5, figsize=(10, 4.4), layout="constrained", sharex=True)
for t, panel in enumerate(panels.flat):
    best = np.argsort(-H[t])[:7][::-1]
    panel.barh(words[best], 100 * H[t, best] / H[t].sum())
    panel.set_title(f"topic {t}", fontsize=10)
    panel.spines[["top", "right"]].set_visible(False)
figure.supxlabel("share of the topic, %", fontsize=10)
figure.savefig(out / "topics.png", dpi=90)

share = np.array([[np.mean(topic[origin == name] == t) for t in range(10)] for name in MODULES])
figure, panel = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
drawn = panel.imshow(100 * share, cmap="Blues", aspect="auto", vmin=0, vmax=100)
panel.set_yticks(range(len(MODULES)), ["scipy." + name for name in MODULES])
panel.set_xticks(range(10))
panel.set_xlabel("topic")
figure.colorbar(drawn, label="share of the module's texts, %")
figure.savefig(out / "topics-modules.png", dpi=90)
print("drawn:", out / "topics.png", out / "topics-modules.png")
