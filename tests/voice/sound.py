"""Sound as arrays of samples: their rate, how loud they are, what is a pause."""
import numpy as np

RATE = 48_000
# What is quieter is a pause.
PAUSE_RMS = 0.01


def rms(sound):
    return float(np.sqrt(np.mean(np.square(sound, dtype=float))))


def dbfs(sound):
    return 20 * np.log10(rms(sound) + 1e-9)


def without_pauses(sound):
    """The same with its pauses cut, so that there is something to hear at any time."""
    block = RATE // 50
    pieces = sound[: len(sound) // block * block].reshape(-1, block)
    return np.concatenate([piece for piece in pieces if rms(piece) > PAUSE_RMS])
