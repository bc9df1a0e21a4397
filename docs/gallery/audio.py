"""Separation of sounds: the script of audio.md.

    python docs/gallery/audio.py [FOLDER FOR THE PICTURE AND THE SOUNDS]
"""

import numpy as np
from scipy import signal

from orthant import NMF

RATE = 8000
rng = np.random.RandomState(0)
time = np.arange(6 * RATE) / RATE


def string(pitch, starts):
    """A plucked string: eight harmonics, of which the higher ones are weaker and end sooner."""
    sound = np.zeros_like(time)
    for start in starts:
        age = np.maximum(time - start, 0.0)
        for n in range(1, 9):
            sound += (time >= start) * np.sin(2 * np.pi * n * pitch * age) * np.exp(-age * (1.5 + n / 2)) / n
    return sound


def brush(starts):
    """A brushed drum: noise that ends soon."""
    age = np.min([np.where(time >= start, time - start, np.inf) for start in starts], axis=0)
    return 1.5 * rng.standard_normal(time.size) * np.exp(-30 * age)


names = ["C", "E", "G", "drum"]
sources = np.array([
    string(262, [0.0, 2.0, 3.0, 4.5]),
    string(330, [0.5, 2.0, 3.5, 4.5]),
    string(392, [1.0, 3.0, 3.5, 4.5]),
    brush(np.arange(0.25, 6.0, 0.5)),
])
mixture = sources.sum(axis=0)

frequencies, moments, spectrum = signal.stft(mixture, RATE, nperseg=512, noverlap=384)
V = abs(spectrum).T
print(f"{V.shape[0]} moments × {V.shape[1]} frequencies")

model = NMF(4, solver="auto", beta_loss="kullback-leibler", random_state=0)
W = model.fit_transform(V)
H = model.components_

separated = []
for c in range(4):
    share = np.outer(W[:, c], H[c]) / np.maximum(W @ H, 1e-12)
    sound = signal.istft(share.T * spectrum, RATE, nperseg=512, noverlap=384)[1]
    separated.append(sound[: time.size])


def decibels(source, estimate):
    return 10 * np.log10(np.sum(source**2) / np.sum((source - estimate) ** 2))


match = {}
for name, source in zip(names, sources):
    quality = [decibels(source, estimate) for estimate in separated]
    match[name] = int(np.argmax(quality))
    print(f"{name:4} is component {match[name]}: {max(quality):.1f} dB; in the mixture {decibels(source, mixture):.1f} dB")
    assert max(quality) >= 6
assert len(set(match.values())) == 4

# The picture and the sounds.
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import matplotlib.pyplot as plt  # noqa: E402
from scipy.io import wavfile  # noqa: E402

out = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
figure = plt.figure(figsize=(9, 5.6), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.2])
panel = top.subplots()
loudness = 20 * np.log10(np.maximum(V.T, 1e-6) / V.max())
drawn = panel.pcolormesh(moments, frequencies, loudness, cmap="Greys", vmin=-60, vmax=0, rasterized=True)
panel.set_ylim(0, 3000)
panel.set_title("The mixture", fontsize=11)
panel.set_xlabel("s")
panel.set_ylabel("Hz")
top.colorbar(drawn, ax=panel, label="dB")
left, right = bottom.subfigures(1, 2, width_ratios=[1, 1.6])
left.suptitle("H: what sounds", fontsize=11)
right.suptitle("W: and when", fontsize=11)
for row, (name, what, when) in enumerate(zip(names, left.subplots(4, 1, sharex=True), right.subplots(4, 1, sharex=True))):
    c = match[name]
    what.plot(frequencies, H[c], color=f"C{row}")
    what.set_xlim(0, 3000)
    what.set_ylabel(name, rotation=0, ha="right", va="center")
    when.plot(moments, W[:, c], color=f"C{row}")
    when.set_xlim(0, 6)
    for panel in [what, when]:
        panel.set_yticks([])
        panel.spines[["top", "right", "left"]].set_visible(False)
what.set_xlabel("Hz")
when.set_xlabel("s")
figure.savefig(out / "audio.png", dpi=80)
for name, sound in [("mixture", mixture)] + [(name, separated[c]) for name, c in match.items()]:
    wavfile.write(out / f"audio-{name}.wav", RATE, (sound / abs(mixture).max() * 32000).astype(np.int16))
print("drawn:", out / "audio.png", "and to listen to:", out / "audio-*.wav")
