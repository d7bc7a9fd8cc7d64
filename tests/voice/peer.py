"""A real `kinmesh rpc` in a network namespace, spoken to over JSON-RPC, and what it takes of a processor."""
import json
import os
import subprocess
import threading
import time

# Far above what anything here takes, on a busy machine too.
PATIENCE_S = 60


class Refused(RuntimeError):
    """The program answered a call with an error."""


class Peer:
    """Lives in a directory of its own; ends with its standard input."""

    def __init__(self, program, name, home, end, environment, join=()):
        data = home / name
        self.address = f"/ip4/{end['address']}/udp/4001/quic-v1"
        command = ["ip", "netns", "exec", end["namespace"], str(program), "rpc", "--data", str(data), "--name", name,
                   "--listen", self.address, "--no-mdns", *(word for link in join for word in ("--join", link))]
        self._log = data.with_suffix(".log")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, text=True)
        self._changed = threading.Condition()
        self._answers = {}
        self._told = 0
        self._asked = 0
        self._ended = False
        threading.Thread(target=self._listen, daemon=True).start()
        self.me = self.call("profile.get")

    def call(self, method, **params):
        """Calls a method; the result is its result."""
        self._asked += 1
        request = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        with self._changed:
            self._wait(f"no answer to {method}", lambda: self._asked in self._answers)
            answer = self._answers.pop(self._asked)
        if "error" in answer:
            raise Refused(f"{method}: {answer['error']}")
        return answer["result"]

    def until(self, method, fits, **params):
        """Calls a method now and after all that the peer tells, until its result fits."""
        end = time.monotonic() + PATIENCE_S
        while True:
            told = self._told
            result = self.call(method, **params)
            if fits(result):
                return result
            with self._changed:
                self._wait(f"{method} never fits; last it was {result}", lambda: self._told > told, end)

    def processor_s(self):
        """Processor time taken so far."""
        # proc(5): utime is field 14 and stime 15; the name before them ends with the last parenthesis.
        fields = open(f"/proc/{self._process.pid}/stat").read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def _wait(self, what, fits, end=None):
        left = PATIENCE_S if end is None else max(0.0, end - time.monotonic())
        if not self._changed.wait_for(lambda: fits() or self._ended, left) or not fits():
            raise RuntimeError(f"{what}\n--- the program's log ends so:\n{self._log.read_text()[-4000:]}")

    def _listen(self):
        for line in self._process.stdout:
            line = json.loads(line)
            with self._changed:
                if "id" in line and "method" not in line:
                    self._answers[line["id"]] = line
                else:
                    self._told += 1
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def befriend(one, other):
    """Makes them contacts, as people do: one asks, the other accepts."""
    rooms = [peer.call("rooms.join", name="lobby") for peer in (one, other)]
    them = other.me["person"]
    one.until("people.list", lambda people: any(known["person"] == them for known in people))
    one.call("contacts.add", person=them)
    asks = lambda requests: any(request["person"] == one.me["person"] for request in requests)
    other.until("contacts.requests", asks)
    other.call("contacts.accept", person=one.me["person"])
    for peer, contact in ((one, them), (other, one.me["person"])):
        ready = lambda people: any(
            known["person"] == contact and known["contact"] and known["online"]["state"] == "online"
            for known in people)
        peer.until("people.list", ready)
    # What a room says all the while would travel beside the voice.
    for peer, room in zip((one, other), rooms):
        peer.call("rooms.leave", room=room["room"])
