"""Speech to be carried: eight voices of espeak-ng in four languages, always the same."""
import subprocess
from math import gcd

import numpy as np
from scipy.signal import resample_poly

from sound import RATE

# Sentences of the Harvard list, and Aesop's fable that phoneticians let people read.
LINES = (
    ("en-us+m3", "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. "
                 "It is easy to tell the depth of a well."),
    ("en-gb+f2", "These days a chicken leg is a rare dish. Rice is often served in round bowls. "
                 "The juice of lemons makes fine punch."),
    ("en-us+f4", "The box was thrown beside the parked truck. The hogs were fed chopped corn and garbage. "
                 "Four hours of steady work faced us."),
    ("en-gb+m1", "A large size in stockings is hard to sell. The boy was there when the sun rose. "
                 "A rod is used to catch pink salmon."),
    ("de+m2", "Der Nordwind und die Sonne stritten sich, wer von ihnen der stärkere sei. "
              "Da kam ein Wanderer des Weges."),
    ("fr+f3", "La bise et le soleil se disputaient, chacun assurant qu'il était le plus fort, "
              "quand ils ont vu un voyageur."),
    ("en-us+m7", "The source of the huge river is the clear spring. Kick the ball straight and follow through. "
                 "Help the woman get back to her feet."),
    ("es+f1", "El viento norte y el sol discutían por saber quién era el más fuerte de los dos, "
              "cuando pasó un viajero."),
)
PEAK = 10 ** (-6 / 20)
PAUSE_S = 0.5
WORDS_A_MINUTE = 155


def speech():
    """All of it, about 67 seconds."""
    pause = np.zeros(int(PAUSE_S * RATE))
    return np.concatenate([part for line in LINES for part in (pause, _say(*line), pause)])


def _say(voice, text):
    command = ["espeak-ng", "-v", voice, "-s", str(WORDS_A_MINUTE), "--stdout", text]
    spoken = subprocess.run(command, capture_output=True, check=True).stdout
    # What it writes into a pipe names no length in its header; the samples are what follows it.
    at = spoken.index(b"data") + 8
    rate = int.from_bytes(spoken[24:28], "little")
    sound = np.frombuffer(spoken[at : at + (len(spoken) - at) // 2 * 2], dtype="<i2").astype(float)
    common = gcd(RATE, rate)
    sound = resample_poly(sound, RATE // common, rate // common)
    return sound * (PEAK / np.max(np.abs(sound)))
