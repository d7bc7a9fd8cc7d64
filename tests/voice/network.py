"""Two places with one wire between them: `wire.py`, held by those who measure."""
import json
import subprocess
import sys
import time
from pathlib import Path


class Network:
    """The namespaces `a` and `b`, and the weather between them. Ends with its value."""

    def __init__(self, seed):
        self._wire = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("wire.py")), str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._wire.stdout.readline()
        if not line:
            raise RuntimeError("no network of our own: that needs root, iproute2 and /dev/net/tun")
        self.a, self.b = json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._wire.stdin.close()
        self._wire.wait()

    def weather(self, there, back=None):
        """From now on it is like this from a to b, and the way back too unless that has its own."""
        self._ask(there=vars(there), back=vars(back or there))

    def counts(self):
        """What passed so far in each direction, and when that was."""
        return {**self._ask(), "at": time.monotonic()}

    def _ask(self, **words):
        self._wire.stdin.write(json.dumps(words) + "\n")
        self._wire.stdin.flush()
        return json.loads(self._wire.stdout.readline())


def kbit_a_second(before, after):
    """What travelled from a to b meanwhile, headers of IP counted, before any of it was lost."""
    return (after["there"]["bytes"] - before["there"]["bytes"]) * 8 / (after["at"] - before["at"]) / 1000
