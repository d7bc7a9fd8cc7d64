"""The measures find what was put there. Needs what requirements.txt names, and espeak-ng."""
import unittest

import numpy as np

import heard
from sound import RATE, without_pauses
from speech import speech

SAID = speech()[: 30 * RATE]


def late(sound, ms):
    return np.concatenate((np.zeros(int(ms / 1000 * RATE)), sound))[: len(sound)]


class HeardTest(unittest.TestCase):
    def test_a_delay_is_found(self):
        found = heard.delays(SAID, late(SAID, 87.5) + 0.001 * np.random.default_rng(1).normal(size=len(SAID)))
        self.assertTrue(np.allclose(found[:, 1], 87.5, atol=0.05))

    def test_a_delay_that_changes_is_followed_and_the_way_back_timed(self):
        ear = late(SAID, 50)
        ear[10 * RATE : 14 * RATE] = late(SAID, 250)[10 * RATE : 14 * RATE]
        found = heard.delays(SAID, ear, window_s=0.5, step_s=0.1, likeness_min=0.6)
        self.assertAlmostEqual(heard.back_to_base(found, 12, 50), 1.75, delta=0.3)
        self.assertEqual(heard.back_to_base(found, 15, 50), 0)

    def test_who_hears_nothing_is_told_so(self):
        with self.assertRaisesRegex(ValueError, "nothing of what was said"):
            heard.delays(SAID, np.zeros(len(SAID)))

    def test_what_came_unharmed_has_the_best_score_and_noise_costs(self):
        noise = 0.02 * np.random.default_rng(2).normal(size=len(SAID))
        clean = list(heard.segments(SAID, late(SAID, 60), 1))
        noisy = list(heard.segments(SAID, late(SAID, 60) + noise, 1))
        self.assertEqual(len(clean), 3)
        self.assertGreater(min(heard.pesq_wb(clean)), 4.6)
        self.assertLess(max(heard.pesq_wb(noisy)), 3)
        self.assertGreater(min(heard.intelligibility(clean)), 0.99)
        self.assertLess(max(heard.intelligibility(noisy)), 0.99)

    def test_silence_has_the_worst_score(self):
        silence = [(said, np.zeros(len(said))) for said, _ in heard.segments(SAID, SAID, 1)]
        self.assertEqual(set(heard.pesq_wb(silence)), {heard.PESQ_WORST})

    def test_gaps_are_counted_where_somebody_speaks_and_pauses_are_none(self):
        self.assertEqual(heard.gaps(SAID, late(SAID, 40), 40), 0)
        self.assertEqual(heard.gaps(SAID, late(SAID, 60), 40), 0)
        ear = late(SAID, 40)
        speaks = np.flatnonzero(
            np.convolve(heard._levels(SAID) > heard.VOICE_DBFS, np.ones(150), mode="same") > 149.5)
        places = speaks[:: len(speaks) // 6][1:6] * RATE // 1000 + int(0.04 * RATE)
        for place in places:
            ear[place : place + int(0.012 * RATE)] = 0
        self.assertEqual(heard.gaps(SAID, ear, 40), len(places))

    def test_an_echo_is_weighed(self):
        self.assertAlmostEqual(heard.echo_return_loss(SAID, 0.1 * SAID), 20, delta=0.1)

    def test_the_first_of_a_voice_is_found_after_a_tone(self):
        mouth = without_pauses(SAID)
        ear = late(mouth, 60)
        tone = 0.3 * np.sin(np.arange(5 * RATE) / RATE * 2 * np.pi * 440)
        ear[: len(tone)] = tone
        self.assertAlmostEqual(heard.first_of(mouth, ear, 3), 5, delta=0.04)


if __name__ == "__main__":
    unittest.main()
