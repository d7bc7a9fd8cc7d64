"""What became of a voice between a mouth and an ear: delay, quality, gaps, echo.

Takes two channels of one recording. Knows no device, no network and no program.
"""
import numpy as np
from pesq import NoUtterancesError, pesq
from pystoi import stoi
from scipy.signal import fftconvolve, resample_poly

from sound import PAUSE_RMS, RATE, dbfs, rms

# Longest delay that is looked for.
LATEST = int(1.5 * RATE)
# One score is for so much of a voice: what PESQ is made for.
SEGMENT = int(8.4 * RATE)
# How alike two pieces must be for their shift to count as a delay.
LIKENESS_MIN = 0.3
# PESQ's worst: what is heard is not speech at all.
PESQ_WORST = 1.04
GAP_S, LEVEL_STEP_S = 0.01, 0.001
GAP_DBFS, VOICE_DBFS = -50, -30
# How long a voice must speak on around a gap: delays that wander by less make none.
AROUND_GAP_S = 0.03


def shift(said, heard):
    """By how many samples `heard` is late, and how alike the two are then. `heard` is the longer one."""
    products = fftconvolve(heard, said[::-1], mode="valid")
    energy = np.cumsum(np.concatenate(([0.0], heard.astype(float) ** 2)))
    norm = np.sqrt(np.sum(said.astype(float) ** 2) * (energy[len(said):] - energy[: -len(said)]).clip(0))
    # Where next to nothing is heard, next to everything is alike.
    likeness = np.abs(products) / np.maximum(norm, norm.max() / 100 + 1e-9)
    late = int(np.argmax(likeness))
    return late, float(likeness[late])


def delays(mouth, ear, window_s=2.0, step_s=0.5, likeness_min=LIKENESS_MIN):
    """Rows of (middle of a window in seconds, delay in ms), for each in which somebody speaks and is heard."""
    window, step = int(window_s * RATE), int(step_s * RATE)
    found = []
    for start in range(0, len(mouth) - window - LATEST, step):
        said = mouth[start : start + window]
        if rms(said) < PAUSE_RMS:
            continue
        late, likeness = shift(said, ear[start : start + window + LATEST])
        if likeness > likeness_min:
            found.append(((start + window / 2) / RATE, late / RATE * 1000))
    if not found:
        raise ValueError(f"nothing of what was said was heard: the ear has {dbfs(ear):.0f} dBFS")
    return np.array(found)


def segments(mouth, ear, skipped_s):
    """Pairs of what was said and what was heard of it, each shifted by the delay that fits it best.

    What is rated is the voice, not how long it took. Leaves out so much of the beginning.
    """
    speaks = np.flatnonzero(np.abs(mouth) > 0.02)
    start = speaks[0] + int(skipped_s * RATE)
    while start + SEGMENT < speaks[-1] + RATE // 2 and start + SEGMENT + LATEST < len(mouth):
        said = mouth[start : start + SEGMENT]
        late, _ = shift(said, ear[start : start + SEGMENT + LATEST])
        yield said, ear[start + late : start + late + SEGMENT]
        start += SEGMENT


def pesq_wb(pairs):
    """PESQ for wide-band sound (ITU-T P.862.2), a score for each pair."""
    return [_pesq(said, heard) for said, heard in pairs]


def _pesq(said, heard):
    if not heard.any():
        return PESQ_WORST  # Which the library cannot tell.
    try:
        return pesq(16_000, _at_16_khz(said), _at_16_khz(heard), "wb")
    except NoUtterancesError:
        return PESQ_WORST


def intelligibility(pairs):
    """STOI, the short-time objective intelligibility: 1 is all, 0.75 is still good."""
    return [float(stoi(_at_16_khz(said), _at_16_khz(heard), 16_000)) for said, heard in pairs]


def gaps(mouth, ear, delay_ms):
    """How often the ear hears nothing for 10 ms while the mouth speaks without a pause."""
    late = int(delay_ms / 1000 * RATE)
    ear = ear[late:]
    mouth = mouth[: len(ear)]
    silent = _levels(ear) < GAP_DBFS
    # All of the levels around: neither the end of a word nor a delay that wanders a little makes a gap.
    around = int(2 * AROUND_GAP_S / LEVEL_STEP_S) + 1
    speaks_on = np.convolve(_levels(mouth) > VOICE_DBFS, np.ones(around), mode="same") > around - 0.5
    gap = silent & speaks_on
    return int(np.sum(gap[1:] & ~gap[:-1]) + gap[0])


def echo_return_loss(echo, back):
    """By how many dB what comes back is quieter than the echo that entered the microphone."""
    return dbfs(echo) - dbfs(back)


def back_to_base(found, spike_end_s, base_ms, tolerance_ms=15.0):
    """Seconds after a spike until the delay stays within so much of what it was."""
    late = found[(found[:, 0] >= spike_end_s) & (found[:, 1] > base_ms + tolerance_ms)]
    return float(late[-1, 0] - spike_end_s) if len(late) else 0.0


def first_of(mouth, ear, from_s, window_s=0.05, likeness_min=0.8):
    """The second from which on the ear hears what the mouth said up to half a second before, and not a tone."""
    window, latest = int(window_s * RATE), RATE // 2
    for start in range(int(from_s * RATE), len(ear) - window, RATE // 200):
        piece = ear[start : start + window]
        if rms(piece) < PAUSE_RMS or start < latest:
            continue
        _, likeness = shift(piece, mouth[start - latest : start + window])
        if likeness > likeness_min:
            return start / RATE
    raise ValueError("nothing of what was said was heard")


def _levels(sound):
    """Of 10 ms each, a new one each millisecond, in dBFS."""
    step = int(LEVEL_STEP_S * RATE)
    energy = np.cumsum(np.concatenate(([0.0], sound.astype(float) ** 2)))[::step]
    steps = int(GAP_S / LEVEL_STEP_S)
    return 10 * np.log10((energy[steps:] - energy[:-steps]).clip(0) / (GAP_S * RATE) + 1e-12)


def _at_16_khz(sound):
    return resample_poly(sound.astype(float), 1, 3)
