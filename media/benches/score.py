#!/usr/bin/env python3
"""PESQ-WB of what voice.rs wrote, against what was said.

usage: score.py SPEECH.raw HEARD_DIR     (needs numpy, scipy, pesq from PyPI)

Both are 48 kHz, one channel, 32-bit floats. Scores are means over segments of 8.4 seconds, each shifted
by the delay that fits it best: what a listener rates is the voice, not how long it took.
"""
import sys
from pathlib import Path

import numpy as np
from pesq import pesq
from scipy.signal import fftconvolve, resample_poly

RATE, SEGMENT, LATEST = 48_000, int(8.4 * 48_000), 48_000


def shift(said, heard):
    """Samples by which `heard` is late."""
    likeness = fftconvolve(heard[: len(said) + LATEST], said[::-1], mode="valid")
    return int(np.argmax(np.abs(likeness)))


def scores(said, heard):
    for start in range(0, len(said) - SEGMENT - LATEST, SEGMENT):
        piece = said[start : start + SEGMENT]
        late = shift(piece, heard[start : start + SEGMENT + LATEST])
        other = heard[start + late : start + late + SEGMENT]
        down = lambda sound: resample_poly(sound.astype(float), 1, 3)
        yield pesq(16_000, down(piece), down(other), "wb")


said = np.fromfile(sys.argv[1], dtype=np.float32)
for file in sorted(Path(sys.argv[2]).glob("*.raw")):
    found = list(scores(said, np.fromfile(file, dtype=np.float32)))
    print(f"{file.stem:<10} PESQ-WB {np.mean(found):.2f}, worst {np.min(found):.2f} of {len(found)}")
