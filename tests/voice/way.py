"""What one direction of a network does to packets: decides when each arrives, if at all.

Knows no socket, no clock and no chance but its seed, so that the same seed loses the same packets.
"""
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Weather:
    """How a direction treats its packets."""

    loss: float = 0.0
    """Share that is lost, 0 to 1."""
    mean_run: float = 1.0
    """Mean length of a run of losses (Gilbert's model); 1 is loss without memory."""
    delay_ms: float = 0.0
    """What every packet takes."""
    jitter_ms: float = 0.0
    """Mean of an exponential delay of each packet on its own, so packets overtake each other."""
    rate_kbit: float | None = None
    """A bottleneck in front of all that, headers of IP counted."""
    queue_ms: float = 500.0
    """What may wait before the bottleneck; what would wait longer is dropped."""


class Way:
    """One direction, with what has passed it so far."""

    def __init__(self, seed, weather=Weather()):
        self.weather = weather
        self.packets = self.bytes = self.lost = self.dropped = 0
        self._chance = random.Random(seed)
        self._is_losing = False
        self._free_at = 0.0

    def arrival(self, now, size):
        """When a packet of this size that is sent now arrives, in seconds; None: never."""
        self.packets += 1
        self.bytes += size
        leaves = self._leave_bottleneck(now, size)
        if leaves is None:
            self.dropped += 1
            return None
        if self._loses():
            self.lost += 1
            return None
        jitter = self._chance.expovariate(1 / self.weather.jitter_ms) if self.weather.jitter_ms else 0.0
        return leaves + (self.weather.delay_ms + jitter) / 1000

    def counts(self):
        return {"packets": self.packets, "bytes": self.bytes, "lost": self.lost, "dropped": self.dropped}

    def _leave_bottleneck(self, now, size):
        if self.weather.rate_kbit is None:
            return now
        starts = max(now, self._free_at)
        if (starts - now) * 1000 > self.weather.queue_ms:
            return None
        self._free_at = starts + size * 8 / (self.weather.rate_kbit * 1000)
        return self._free_at

    def _loses(self):
        loss, run, chance = self.weather.loss, self.weather.mean_run, self._chance.random()
        if run <= 1:
            return chance < loss
        leave = 1 / run
        enter = loss * leave / (1 - loss)
        self._is_losing = chance > leave if self._is_losing else chance < enter
        return self._is_losing
