#!/usr/bin/env python3
"""Planted non-negative matrices and made spectrograms: what the benches factorise.

    planted.py OUT.npy [--rows 2000] [--cols 2000] [--rank 32] [--seed 0] [--noise 0.1] [--f32]

X = max(0, W·H + E). The entries of W (rows × rank) and H (rank × cols) are gamma with shape 1 and scale 1 (so
exponential), each then set to zero with probability one half; E is Gaussian noise with ‖E‖ = noise·‖W·H‖
(Frobenius). The numbers come from numpy's RandomState, which is frozen: a seed means the same matrix
everywhere, but for the rounding of the product W·H.

With --spectrogram X = (W·H)∘G + 1e-4, positive everywhere: W and H are gamma with shape 0.5 and scale 1, G is gamma
with shape 2 and mean 1, the noise of a power spectrum averaged twice.
"""

import argparse

import numpy as np


def planted(rows, cols, rank, seed, noise=0.1, dtype=np.float64):
    rng = np.random.RandomState(seed)
    w = rng.gamma(1.0, size=(rows, rank)) * (rng.uniform(size=(rows, rank)) < 0.5)
    h = rng.gamma(1.0, size=(rank, cols)) * (rng.uniform(size=(rank, cols)) < 0.5)
    x = w @ h
    e = rng.standard_normal(size=x.shape)
    x += e * (noise * np.linalg.norm(x) / np.linalg.norm(e))
    return np.maximum(x, 0.0).astype(dtype)


def spectrogram(rows, cols, rank, seed, dtype=np.float64):
    rng = np.random.RandomState(seed)
    w, h = rng.gamma(0.5, size=(rows, rank)), rng.gamma(0.5, size=(rank, cols))
    return ((w @ h) * rng.gamma(2.0, 0.5, size=(rows, cols)) + 1e-4).astype(dtype)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT.npy")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--cols", type=int, default=2000)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--f32", action="store_true")
    parser.add_argument("--spectrogram", action="store_true")
    o = parser.parse_args()
    dtype = np.float32 if o.f32 else np.float64
    if o.spectrogram:
        np.save(o.out, spectrogram(o.rows, o.cols, o.rank, o.seed, dtype))
    else:
        np.save(o.out, planted(o.rows, o.cols, o.rank, o.seed, o.noise, dtype))


if __name__ == "__main__":
    main()
