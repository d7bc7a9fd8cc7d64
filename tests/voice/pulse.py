"""A private PulseAudio with devices that programs take for real, and a recording of all of them on one clock.

One null sink of four channels is both mouth and ear of two people. So a delay between what one said and what
the other heard is a shift between two channels of one recording, and needs no second clock.
"""
import os
import subprocess
import tempfile
import threading
import time
import wave
from pathlib import Path

import numpy as np

from sound import RATE

CHANNELS = ("front-left", "front-right", "rear-left", "rear-right")
# Channels of a recording: what alice says, what bob hears of it, and the way back.
MOUTH_A, EAR_B, MOUTH_B, EAR_A = range(4)
# How loud a microphone hears the loudspeaker beside it, and what comes back from a wall.
ECHO_STRAIGHT, ECHO_WALL = 0.4, 0.2
PATIENCE_S = 20
# What may wait in a recorder, and in each half of a copy: with 10 ms there the copy breaks off now and then.
RECORDER_LATENCY, COPY_LATENCY = "--latency-msec=10", "--latency-msec=20"


class Pulse:
    """Sinks `mouth_a`, `ear_b`, `mouth_b`, `ear_a`; sources `mic_a`, `mic_b` hear the mouths.

    `ear_b_aloud` is bob's loudspeaker where his microphone hears it, once `add_echo` was called.
    """

    def __init__(self):
        self._dir = tempfile.TemporaryDirectory(prefix="kinmesh-voice-")
        self._copies = []
        self.dir = Path(self._dir.name)
        socket = self.dir / "native"
        # For programs that use these devices; nothing of the user's own sound system is touched.
        self.environment = {"PULSE_SERVER": f"unix:{socket}", "XDG_RUNTIME_DIR": str(self.dir)}
        self._tools = {**os.environ, **self.environment, "HOME": str(self.dir)}
        self._tools.pop("DBUS_SESSION_BUS_ADDRESS", None)
        with (self.dir / "log").open("w") as log:
            self._server = subprocess.Popen(
                ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--realtime=no",
                 f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}",
                 f"--load=module-null-sink sink_name=air rate={RATE} channels=4 channel_map={','.join(CHANNELS)} "
                 "format=float32le"],
                env=self._tools, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._wait_until_it_answers()
            self._add_devices()
        except BaseException:
            self.end()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        for copy in self._copies:
            copy.terminate()
            copy.wait()
        self._server.terminate()
        self._server.wait()
        self._dir.cleanup()

    def play(self, sink, sound):
        """Starts to play; the result is the player, to be waited for or ended."""
        file = self.dir / f"{sink}.wav"
        with wave.open(str(file), "wb") as out:
            out.setnchannels(1), out.setsampwidth(2), out.setframerate(RATE)
            out.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
        return self.tool("paplay", "-d", sink, str(file))

    def record(self):
        return Recording(self)

    def copy(self, source, sink):
        """The rig's floor: carries sound from a microphone to an ear with as little between as there can be."""
        form = ("--raw", "--format=float32le", f"--rate={RATE}", "--channels=1", COPY_LATENCY)
        listener = self.tool("parec", "-d", source, *form, stdout=subprocess.PIPE)
        speaker = self.tool("pacat", "-d", sink, *form, stdin=listener.stdout)
        listener.stdout.close()
        return listener, speaker

    def add_echo(self):
        """Lets bob's microphone hear `ear_b_aloud`: straight, and by a wall of his room later by what a copy takes.

        The wall is a copy, not a loopback of PulseAudio: in a circle that would cut sound into ever smaller
        pieces, until the server does nothing else.
        """
        self.control("set-sink-volume", "ear_b_aloud", "1.0", str(ECHO_STRAIGHT))
        self._add_source("wall", "front-right")
        self.control("set-source-volume", "wall", str(ECHO_WALL))
        self._copies.extend(self.copy("wall", "mouth_b"))

    def tool(self, *words, **pipes):
        return subprocess.Popen(words, env=self._tools, stderr=subprocess.DEVNULL, **pipes)

    def control(self, *words):
        subprocess.run(["pactl", *words], env=self._tools, stdout=subprocess.DEVNULL, check=True)

    def _wait_until_it_answers(self):
        end = time.monotonic() + PATIENCE_S
        while self.tool("pactl", "info", stdout=subprocess.DEVNULL).wait():
            if time.monotonic() > end:
                raise RuntimeError(f"PulseAudio does not answer: {(self.dir / 'log').read_text()}")
            time.sleep(0.05)

    def _add_devices(self):
        for sink, channels in {
            "mouth_a": "front-left", "ear_b": "front-right", "mouth_b": "rear-left", "ear_a": "rear-right",
            "ear_b_aloud": "front-right,rear-left",
        }.items():
            names = channels if "," in channels else "mono"
            self.control("load-module", "module-remap-sink", f"sink_name={sink}", "master=air",
                         f"channels={1 + channels.count(',')}", f"channel_map={names}",
                         f"master_channel_map={channels}", "remix=no")
        self._add_source("mic_a", "front-left")
        self._add_source("mic_b", "rear-left")

    def _add_source(self, name, channel):
        self.control("load-module", "module-remap-source", f"source_name={name}", "master=air.monitor",
                     "channels=1", "channel_map=mono", f"master_channel_map={channel}", "remix=no")


class Recording:
    """All four channels, from now until it is stopped, and which sample belongs to which moment."""

    def __init__(self, pulse):
        form = ("--raw", "--format=float32le", f"--rate={RATE}", "--channels=4",
                f"--channel-map={','.join(CHANNELS)}", RECORDER_LATENCY)
        self._recorder = pulse.tool("parec", "-d", "air.monitor", *form, stdout=subprocess.PIPE)
        self._pieces = []
        self._frames = 0
        self._began = None
        self._runs = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        if not self._runs.wait(PATIENCE_S):
            self.stop()
            raise RuntimeError("nothing can be recorded")

    def second(self, moment):
        """Where in the recording a moment of time.monotonic() is, but for the recorder's own delay."""
        return moment - self._began

    def stop(self):
        """Ends it; the result has one column for each channel."""
        self._recorder.terminate()
        self._recorder.wait()
        self._thread.join()
        sound = np.frombuffer(b"".join(self._pieces), dtype=np.float32)
        return sound[: len(sound) // 4 * 4].reshape(-1, 4)

    def _read(self):
        read = 0
        while piece := os.read(self._recorder.stdout.fileno(), 1 << 16):
            self._pieces.append(piece)
            read += len(piece)
            # A late piece was held up; the earliest tells when sample 0 was heard.
            began = time.monotonic() - read / 16 / RATE
            self._began = began if self._began is None else min(self._began, began)
            self._runs.set()
        self._recorder.stdout.close()
