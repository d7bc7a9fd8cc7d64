"""What is measured: each scene is a call on a network of its own weather, from which figures come.

A scene runs once a round, on a sound system, a network and programs of its own.
"""
import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import heard
from call import Call
from network import Network, kbit_a_second
from peer import Peer, befriend
from pulse import EAR_A, EAR_B, MOUTH_A, MOUTH_B, Pulse
from sound import RATE, without_pauses
from way import Weather

# Time for a call to find out what its network is like; spoken through, and not rated.
SETTLE_S = 6
# What is still on its way when the speaker ends.
TAIL_S = 2.0
# A microphone is open and rung tones are over before anything is measured.
PAUSE_S = 1.0
# Who sends less than this while speaking speaks to nobody, or around the wire.
MEDIA_MIN_KBIT = 8
SPIKE_MS, SPIKE_S = 200, 2.0


@dataclass(frozen=True)
class Effort:
    """How much is said in a scene."""

    speech: np.ndarray
    """What is rated."""
    long_s: float
    """How long the scene without a gap lasts."""
    watch_s: float
    """How long a processor is watched."""

    def spoken(self):
        """What is said: first something to settle by, then what is rated."""
        return np.concatenate((self.speech[-SETTLE_S * RATE :], self.speech))


class Place:
    """Two contacts with a microphone and an ear each, and one wire between them."""

    def __init__(self, program, seed, loudspeaker_b="ear_b"):
        with contextlib.ExitStack() as stack:
            self.pulse = stack.enter_context(Pulse())
            self.network = stack.enter_context(Network(seed))
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kinmesh-voice-")))
            start = lambda name, end, *links: self._start(stack, program, name, home, end, links)
            self.alice = start("Alice", self.network.a)
            link = f"{self.alice.address}/p2p/{self._peer_id()}"
            self.bob = start("Bob", self.network.b, link)
            befriend(self.alice, self.bob)
            use(self.alice, "mic_a", "ear_a")
            use(self.bob, "mic_b", loudspeaker_b)
            self._stack = stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _start(self, stack, program, name, home, end, links):
        peer = Peer(program, name, home, end, self.pulse.environment, links)
        stack.callback(peer.end)
        return peer

    def _peer_id(self):
        status = self.alice.until("network.status", lambda status: status["listening"])
        return status["listening"][0].rsplit("/", 1)[1]


def use(peer, microphone, loudspeaker):
    """Lets a peer hear and speak through these; all else stays as the program has it by itself."""
    change_sound(peer, input=f"pulseaudio:{microphone}", output=f"pulseaudio:{loudspeaker}")


def change_sound(peer, **changed):
    peer.call("sound.set", **{**peer.call("sound.get"), **changed})


def floor(_program, effort, _seed):
    """What the rig does to a voice by itself: from microphone to ear with nothing but a copy between."""
    with Pulse() as pulse:
        copy = pulse.copy("mic_a", "ear_b")
        try:
            recording = pulse.record()
            pulse.play("mouth_a", effort.spoken()).wait()
            time.sleep(TAIL_S)
            sound = recording.stop()
        finally:
            for tool in copy:
                tool.terminate()
                tool.wait()
    return rated(sound[:, MOUTH_A], sound[:, EAR_B])


def spoken_through(weather, back=None, processed=True):
    """Alice speaks through this weather, bob listens."""

    def scene(program, effort, seed):
        with Place(program, seed) as place:
            if not processed:
                for peer in (place.alice, place.bob):
                    change_sound(peer, echo_cancellation=False, noise_suppression=False, gain_control=False)
            place.network.weather(weather, back)
            with Call(place.alice, place.bob):
                sound, kbit = speak(place, effort.spoken())
        return {**rated(sound[:, MOUTH_A], sound[:, EAR_B]), "kbit": kbit}

    return scene


def set_up(program, effort, seed):
    """Alice speaks all the while; how long after bob's accept does he hear her?"""
    with Place(program, seed) as place:
        recording = place.pulse.record()
        speaker = place.pulse.play("mouth_a", without_pauses(effort.speech))
        time.sleep(PAUSE_S)
        with Call(place.alice, place.bob) as call:
            time.sleep(TAIL_S)
        speaker.terminate()
        accepted_s = recording.second(call.accepted_at)
        sound = recording.stop()
    first_s = heard.first_of(sound[:, MOUTH_A], sound[:, EAR_B], accepted_s)
    return {"set_up_ms": (first_s - accepted_s) * 1000}


def spike(program, effort, seed):
    """For two seconds everything takes 200 ms longer. How long until the delay is what it was?"""
    usual = Weather(delay_ms=10)
    with Place(program, seed) as place:
        place.network.weather(usual)
        with Call(place.alice, place.bob):
            time.sleep(PAUSE_S)
            recording = place.pulse.record()
            speaker = place.pulse.play("mouth_a", without_pauses(effort.speech))
            time.sleep(SETTLE_S)
            began_s = recording.second(time.monotonic())
            place.network.weather(Weather(delay_ms=usual.delay_ms + SPIKE_MS))
            time.sleep(SPIKE_S)
            place.network.weather(usual)
            over_s = recording.second(time.monotonic())
            speaker.wait()
            sound = recording.stop()
    found = heard.delays(sound[:, MOUTH_A], sound[:, EAR_B], window_s=0.5, step_s=0.1, likeness_min=0.6)
    before = found[(found[:, 0] < began_s) & (found[:, 0] > began_s - SETTLE_S / 2)]
    base_ms = float(np.median(before[:, 1]))
    highest_ms = float(found[found[:, 0] > began_s, 1].max())
    return {"recovery_s": heard.back_to_base(found, over_s, base_ms), "delay_ms": base_ms, "highest_ms": highest_ms}


def long_and_clean(program, effort, seed):
    """How often is there nothing to hear while somebody speaks, with nothing in between?"""
    times = int(np.ceil(effort.long_s * RATE / len(effort.speech)))
    with Place(program, seed) as place, Call(place.alice, place.bob):
        sound, kbit = speak(place, np.tile(effort.speech, times))
    mouth, ear = sound[:, MOUTH_A], sound[:, EAR_B]
    delay_ms = float(np.median(settled(heard.delays(mouth, ear, step_s=2.0))))
    return {"gaps": heard.gaps(mouth, ear, delay_ms), "delay_ms": delay_ms, "kbit": kbit}


def silence(program, effort, seed):
    """Nobody says a word. What travels all the same?"""
    with Place(program, seed) as place, Call(place.alice, place.bob):
        time.sleep(SETTLE_S)
        before = place.network.counts()
        time.sleep(effort.watch_s)
        return {"kbit_silent": kbit_a_second(before, place.network.counts())}


def processor(program, effort, seed):
    """Both speak at once. What does the busier of the two programs take of a core?"""
    with Place(program, seed) as place, Call(place.alice, place.bob):
        half = len(effort.speech) // 2
        speakers = [
            place.pulse.play("mouth_a", effort.speech),
            place.pulse.play("mouth_b", np.roll(effort.speech, half)),
        ]
        time.sleep(SETTLE_S)
        peers, start = (place.alice, place.bob), time.monotonic()
        before = [peer.processor_s() for peer in peers]
        time.sleep(effort.watch_s)
        took = [peer.processor_s() - already for peer, already in zip(peers, before)]
        lapse = time.monotonic() - start
        for speaker in speakers:
            speaker.terminate()
    return {"processor": max(took) / lapse * 100}


def echo(program, effort, seed):
    """Alice speaks, bob's microphone hears his loudspeaker. How much quieter does she hear herself?"""
    with Place(program, seed, loudspeaker_b="ear_b_aloud") as place:
        place.pulse.add_echo()
        with Call(place.alice, place.bob):
            sound, _ = speak(place, effort.spoken())
    settled_at = int((PAUSE_S + SETTLE_S) * RATE)
    entered, back = sound[settled_at:, MOUTH_B], sound[settled_at:, EAR_A]
    return {"echo_loss_db": heard.echo_return_loss(entered, back)}


def speak(place, sound):
    """Alice says this in a call that stands: what was recorded, and what travelled meanwhile."""
    time.sleep(PAUSE_S)
    recording = place.pulse.record()
    before = place.network.counts()
    place.pulse.play("mouth_a", sound).wait()
    kbit = kbit_a_second(before, place.network.counts())
    time.sleep(TAIL_S)
    recorded = recording.stop()
    if kbit < MEDIA_MIN_KBIT:
        raise RuntimeError(f"only {kbit:.1f} kbit/s passed the wire while somebody spoke")
    return recorded, kbit


def rated(mouth, ear):
    """Delay, quality and intelligibility of what was said after settling."""
    delay_ms = settled(heard.delays(mouth, ear))
    pairs = list(heard.segments(mouth, ear, SETTLE_S))
    scores = heard.pesq_wb(pairs)
    return {
        "delay_ms": float(np.median(delay_ms)),
        "delay_p5_ms": float(np.percentile(delay_ms, 5)),
        "delay_p95_ms": float(np.percentile(delay_ms, 95)),
        "highest_ms": float(delay_ms.max()),
        "pesq": float(np.mean(scores)),
        "pesq_worst": float(np.min(scores)),
        "stoi": float(np.mean(heard.intelligibility(pairs))),
    }


def settled(found):
    return found[found[:, 0] > found[0, 0] + SETTLE_S, 1]
