"""Programs at either end of the wire meet its weather, and nothing else. Needs root and Python alone."""
import json
import subprocess
import sys
import unittest

from network import Network
from way import Weather

PACKETS, EVERY_S = 150, 0.005
PORT = 7000
ANSWER = f"""
import socket
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("0.0.0.0", {PORT}))
print("ready", flush=True)
while True:
    here.sendto(*here.recvfrom(2000))
"""
# Prints how long each packet that came back took, in ms.
ASK = f"""
import json, socket, struct, sys, threading, time
there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
there.settimeout(0.5)
there.connect((sys.argv[1], {PORT}))
took = []
def listen():
    while True:
        try:
            sent, = struct.unpack_from("d", there.recv(2000))
        except TimeoutError:
            return
        took.append((time.monotonic() - sent) * 1000)
listener = threading.Thread(target=listen)
listener.start()
for _ in range({PACKETS}):
    there.send(struct.pack("d", time.monotonic()).ljust(100))
    time.sleep({EVERY_S})
listener.join()
print(json.dumps(sorted(took)))
"""


class WireTest(unittest.TestCase):
    def setUp(self):
        self.network = self.enterContext(Network(5))
        answerer = self.inside(self.network.a, ANSWER)
        self.addCleanup(lambda: (answerer.kill(), answerer.wait(), answerer.stdout.close()))
        self.assertEqual(answerer.stdout.readline(), "ready\n")

    def inside(self, end, script, *args):
        command = ["ip", "netns", "exec", end["namespace"], sys.executable, "-c", script, *args]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def round_trips(self, weather):
        self.network.weather(weather)
        said, _ = self.inside(self.network.b, ASK, self.network.a["address"]).communicate()
        return json.loads(said)

    def test_packets_meet_the_weather_and_are_counted(self):
        near, far = self.round_trips(Weather()), self.round_trips(Weather(delay_ms=30))
        self.assertEqual((len(near), len(far)), (PACKETS, PACKETS))
        self.assertLess(near[PACKETS // 2], 5)
        self.assertGreaterEqual(far[0], 60)
        self.assertLess(far[PACKETS // 2], 65)
        counts = self.network.counts()
        # 100 bytes and the headers of UDP and IP, both times.
        self.assertEqual(counts["back"], {"packets": 2 * PACKETS, "bytes": 2 * PACKETS * 128, "lost": 0, "dropped": 0})

        came = self.round_trips(Weather(loss=0.2))
        counts = self.network.counts()
        lost = counts["there"]["lost"] + counts["back"]["lost"]
        self.assertEqual(len(came), PACKETS - lost)
        self.assertGreater(lost, PACKETS // 5)


if __name__ == "__main__":
    unittest.main()
