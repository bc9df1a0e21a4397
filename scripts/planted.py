#!/usr/bin/env python3
"""Planted non-negative matrices, made spectrograms and made images: what the benches factorise.

    planted.py OUT.npy [--rows 2000] [--cols 2000] [--rank 32] [--seed 0] [--noise 0.1] [--f32]
    planted.py OUT.npy --spectrogram [--rows …] [--cols …] [--rank …] [--seed …] [--f32]
    planted.py OUT.npy --images [--rows 10000] [--seed 0] [--f32]

X = max(0, W·H + E). The entries of W (rows × rank) and H (rank × cols) are gamma with shape 1 and scale 1 (so
exponential), each then set to zero with probability one half; E is Gaussian noise with ‖E‖ = noise·‖W·H‖
(Frobenius). The numbers come from numpy's RandomState, which is frozen: a seed means the same matrix
everywhere, but for the rounding of the product W·H.

With --spectrogram X = (W·H)∘G + 1e-4, positive everywhere: W and H are gamma with shape 0.5 and scale 1, G is gamma
with shape 2 and mean 1, the noise of a power spectrum averaged twice.

With --images each row is an image of 28×28, somewhat as a handwritten digit: W·H + E, cut to 0 and 1. The 49 rows of H
are parts: Gaussian bumps of height 1 about a 7×7 grid 4 apart, each centre moved by up to 1 in either direction, of
standard deviation 1.5 to 2.5. An image has each part with probability 8/49, with a weight between 0 and 1. E is Gaussian
with standard deviation 0.05. The entries are rounded to single precision in either type, so that both see the same images.
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


def images(rows, seed, dtype=np.float64):
    rng = np.random.RandomState(seed)
    row, col = np.divmod(np.arange(49), 7)
    centres = np.stack([row, col], axis=1) * 4.0 + 1.5 + rng.uniform(-1.0, 1.0, size=(49, 2))
    widths = rng.uniform(1.5, 2.5, size=49)
    pixels = np.stack(np.divmod(np.arange(784), 28), axis=1)
    squares = ((centres[:, None, :] - pixels[None, :, :]) ** 2).sum(axis=2)
    h = np.exp(-0.5 * squares / widths[:, None] ** 2)
    w = rng.uniform(size=(rows, 49)) * (rng.uniform(size=(rows, 49)) < 8 / 49)
    x = w @ h + 0.05 * rng.standard_normal(size=(rows, 784))
    return np.clip(x, 0.0, 1.0).astype(np.float32).astype(dtype)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT.npy")
    parser.add_argument("--rows", type=int, help="default 2000, of images 10000")
    parser.add_argument("--cols", type=int, default=2000)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--f32", action="store_true")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--spectrogram", action="store_true")
    kind.add_argument("--images", action="store_true")
    o = parser.parse_args()
    dtype = np.float32 if o.f32 else np.float64
    if o.images:
        np.save(o.out, images(o.rows or 10_000, o.seed, dtype))
    elif o.spectrogram:
        np.save(o.out, spectrogram(o.rows or 2000, o.cols, o.rank, o.seed, dtype))
    else:
        np.save(o.out, planted(o.rows or 2000, o.cols, o.rank, o.seed, o.noise, dtype))


if __name__ == "__main__":
    main()
