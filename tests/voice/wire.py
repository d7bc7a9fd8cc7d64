#!/usr/bin/env python3
"""A wire between two network namespaces: the only way between two programs, with weather on it.

usage: wire.py SEED        (needs root, iproute2 and /dev/net/tun)

Makes two namespaces with one address each, and a TUN device in either. Whatever a program in one of them
sends to the other comes through this process as whole IP packets, QUIC, TCP and dials to addresses that
peers learned from each other alike: no packet can go around it. Nothing reaches the outside, and all of it
is gone when standard input ends.

Commands are lines of JSON, each answered by one: {"there": weather, "back": weather} changes the weather
of the directions it names; the answer counts what passed. The first line, unasked, names the namespaces.
"""
import fcntl
import heapq
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time

from way import Way, Weather

ADDRESSES = ("10.77.0.1", "10.77.0.2")
# linux/if_tun.h: IP packets, without the four bytes in front of each.
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
PACKET_MAX = 65_536
DEVICE = "wire"


class End:
    """One end: a namespace and the device in it."""

    def __init__(self, side, address):
        self.namespace = f"kmw{os.getpid()}{side}"
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        # Named after the process until it is in its namespace: others may run at the same time.
        device = self.namespace
        fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
        ip("netns", "add", self.namespace)
        ip("link", "set", device, "netns", self.namespace, "name", DEVICE)
        inside = ("-n", self.namespace)
        ip(*inside, "address", "add", f"{address}/24", "dev", DEVICE)
        ip(*inside, "link", "set", "lo", "up")
        ip(*inside, "link", "set", DEVICE, "up")

    def packets(self):
        """All that wait to be carried to the other end."""
        while True:
            try:
                yield os.read(self.tun, PACKET_MAX)
            except BlockingIOError:
                return

    def deliver(self, packet):
        try:
            os.write(self.tun, packet)
        except OSError:
            pass  # A full or vanished device loses packets, as networks do.

    def remove(self):
        os.close(self.tun)
        subprocess.run(["ip", "netns", "delete", self.namespace], stderr=subprocess.DEVNULL, check=False)


class Wire:
    def __init__(self, ends, seed):
        self.ends = ends
        self.ways = (Way(seed), Way(seed + 1))
        self._under_way = []  # (arrives, number, receiving end, packet)
        self._number = 0

    def run(self):
        """Carries packets until standard input ends."""
        sources = [end.tun for end in self.ends] + [sys.stdin.fileno()]
        while True:
            # select and not asyncio, whose sleeps are rounded up to whole milliseconds.
            ready, _, _ = select.select(sources, [], [], self._patience())
            self._deliver_due()
            for side in (0, 1):
                if self.ends[side].tun in ready:
                    self._take_from(side)
            if sys.stdin.fileno() in ready and not self._obey():
                return
            self._deliver_due()

    def _patience(self):
        return max(0.0, self._under_way[0][0] - time.monotonic()) if self._under_way else None

    def _deliver_due(self):
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            _, _, end, packet = heapq.heappop(self._under_way)
            end.deliver(packet)

    def _take_from(self, side):
        for packet in self.ends[side].packets():
            if packet[0] >> 4 != 4:
                continue  # Chatter of IPv6 about the link itself.
            arrives = self.ways[side].arrival(time.monotonic(), len(packet))
            if arrives is not None:
                self._number += 1
                heapq.heappush(self._under_way, (arrives, self._number, self.ends[1 - side], packet))

    def _obey(self):
        line = sys.stdin.readline()
        if not line:
            return False
        command = json.loads(line)
        for way, name in zip(self.ways, ("there", "back")):
            if name in command:
                way.weather = Weather(**command[name])
        say({name: way.counts() for way, name in zip(self.ways, ("there", "back"))})
        return True


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"ip {' '.join(words)}: {done.stderr.strip()}")


def say(value):
    print(json.dumps(value), flush=True)


def main():
    # Ends by itself after SIGTERM, too: namespaces outlive the processes that made them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # Ctrl+C is for who started this; its end ends standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ends = []
    try:
        for side, address in zip("ab", ADDRESSES):
            ends.append(End(side, address))
        say([{"namespace": end.namespace, "address": address} for end, address in zip(ends, ADDRESSES)])
        Wire(ends, int(sys.argv[1])).run()
    finally:
        for end in ends:
            end.remove()


if __name__ == "__main__":
    main()
