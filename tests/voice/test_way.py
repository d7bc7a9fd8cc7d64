"""The weather is what it says: shares, runs, delays and the bottleneck. Needs Python alone."""
import itertools
import statistics
import unittest

from way import Way, Weather

PACKETS = 50_000


def arrivals(weather, seed=7, packets=PACKETS, every_ms=20, size=150):
    """When each of a steady row of packets was sent and arrives."""
    way = Way(seed, weather)
    sent = [number * every_ms / 1000 for number in range(packets)]
    return way, [(at, way.arrival(at, size)) for at in sent]


class WayTest(unittest.TestCase):
    def test_a_clear_way_takes_no_time(self):
        _, packets = arrivals(Weather())
        self.assertTrue(all(sent == arrives for sent, arrives in packets))

    def test_so_many_are_lost(self):
        for loss in (0.05, 0.1, 0.2):
            way, packets = arrivals(Weather(loss=loss))
            share = sum(arrives is None for _, arrives in packets) / PACKETS
            self.assertAlmostEqual(share, loss, delta=0.01)
            self.assertEqual(way.lost, sum(arrives is None for _, arrives in packets))

    def test_losses_come_in_runs(self):
        _, packets = arrivals(Weather(loss=0.1, mean_run=3))
        lost = [arrives is None for _, arrives in packets]
        runs = [len(list(run)) for is_lost, run in itertools.groupby(lost) if is_lost]
        self.assertAlmostEqual(sum(lost) / PACKETS, 0.1, delta=0.01)
        self.assertAlmostEqual(statistics.mean(runs), 3, delta=0.2)

    def test_jitter_comes_on_top_of_the_delay_and_lets_packets_overtake(self):
        _, packets = arrivals(Weather(delay_ms=20, jitter_ms=30))
        took = [(arrives - sent) * 1000 for sent, arrives in packets]
        self.assertGreaterEqual(min(took), 20 - 1e-6)
        self.assertAlmostEqual(statistics.mean(took), 50, delta=1)
        self.assertTrue(any(a > b for (_, a), (_, b) in itertools.pairwise(packets)))

    def test_a_bottleneck_lets_no_more_through_than_it_carries(self):
        way, packets = arrivals(Weather(rate_kbit=48, queue_ms=200))
        heard = [(sent, arrives) for sent, arrives in packets if arrives is not None]
        span = heard[-1][1] - heard[0][1]
        self.assertAlmostEqual(len(heard) * 150 * 8 / span / 1000, 48, delta=1)
        self.assertLessEqual(max(arrives - sent for sent, arrives in heard), 0.2 + 150 * 8 / 48_000 + 1e-6)
        self.assertEqual(way.dropped, PACKETS - len(heard))

    def test_a_bottleneck_that_is_wide_enough_only_takes_its_time(self):
        _, packets = arrivals(Weather(rate_kbit=120))
        self.assertTrue(all(abs(arrives - sent - 0.01) < 1e-9 for sent, arrives in packets))

    def test_the_same_seed_is_the_same_weather(self):
        weather = Weather(loss=0.2, mean_run=3, jitter_ms=10)
        self.assertEqual(arrivals(weather, seed=3)[1], arrivals(weather, seed=3)[1])
        self.assertNotEqual(arrivals(weather, seed=3)[1], arrivals(weather, seed=4)[1])


if __name__ == "__main__":
    unittest.main()
