"""Made `model-0.1.0.safetensors` and `minibatch-0.1.0.safetensors` with Orthant 0.1.0. Later versions read them as they are."""

import pathlib

import numpy as np
import pandas as pd

from orthant import NMF, MiniBatchNMF

HERE = pathlib.Path(__file__).resolve().parent
basket = pd.DataFrame(
    [[3, 2, 1, 0, 0], [6, 4, 2, 0, 0], [0, 0, 0, 5, 4], [0, 0, 0, 10, 8]],
    columns=["apple", "pear", "plum", "bolt", "nut"],
    dtype=float,
)
model = NMF(2, solver="auto", beta_loss="kullback-leibler", alpha_W=0.01, random_state=0)
model.fit(basket + 0.1).save(HERE / "model-0.1.0.safetensors")
batches = MiniBatchNMF(2, batch_size=3, random_state=0)
batches.fit(np.asarray(basket, np.float32)).save(HERE / "minibatch-0.1.0.safetensors")
