"""The story behind the pictures in docs/images. Run by screenshots.sh.

Starts a bootstrap node and headless peers (docs/rpc.md), lets them talk, and photographs the window
of one of them. Every wait ends on an event or on what the screen shows, or fails after a minute.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

WORK, IMAGES = Path(sys.argv[1]), Path(sys.argv[2])
BUILT = Path(os.environ.get("CARGO_TARGET_DIR") or "target") / "debug"
PROGRAM, BOOTSTRAP = BUILT / "kinmesh", BUILT / "kinmesh-bootstrap"
LISTEN = ["--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--no-mdns"]
DEADLINE_S = 60
ROOM, LOBBY, HIKE = "Boat club", "lobby", "周末徒步"


def until(what, ask):
    """Asks until the answer is yes."""
    end = time.monotonic() + DEADLINE_S
    while not (answer := ask()):
        if time.monotonic() > end:
            raise SystemExit(f"screenshots: waited in vain for {what}")
        time.sleep(0.1)
    return answer


class Peer:
    """A headless peer that is spoken to line by line."""

    def __init__(self, name, link):
        self.data = WORK / re.sub(r"\W", "", name)
        command = [PROGRAM, "rpc", "--data", self.data, "--name", name, "--join", link, *LISTEN]
        log = open(WORK / "peers.log", "a")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.calls = 0

    def call(self, method, **params):
        self.calls += 1
        request = {"jsonrpc": "2.0", "id": self.calls, "method": method, "params": params}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self.calls:
                if "error" in answer:
                    raise SystemExit(f"screenshots: {method}: {answer['error']}")
                return answer["result"]
        raise SystemExit(f"screenshots: the peer ended during {method}")

    def join(self, room):
        return self.call("rooms.join", name=room)

    def befriend(self, name, other, own_name):
        """Becomes a contact of somebody, who accepts."""
        self.call("contacts.add", person=self.person(name))
        me = other.person(own_name)
        until("the request", lambda: me in [r["person"] for r in other.call("contacts.requests")])
        other.call("contacts.accept", person=me)
        is_contact = lambda p: p["name"] == name and p["acquaintance"]["state"] == "contact"
        until("the acceptance", lambda: any(is_contact(p) for p in self.call("people.list")))

    def say(self, conversation, text, **reply):
        return self.call("conversation.send", conversation=conversation, text=text, **reply)["key"]

    def react(self, conversation, key, emoji):
        self.call("conversation.react", conversation=conversation, key=key, emoji=emoji)

    def reactions(self, conversation, key):
        entry = self.call("conversation.entry", conversation=conversation, key=key)
        return sum(len(reaction["people"]) for reaction in entry["reactions"])

    def has(self, conversation, key):
        return key in [entry["key"] for entry in self.call("conversation.page", conversation=conversation)]

    def knows(self, *names):
        online = [p["name"] for p in self.call("people.list") if p["online"]["state"] == "online"]
        return all(name in online for name in names)

    def person(self, name):
        return next(p["person"] for p in self.call("people.list") if p["name"] == name)

    def end(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait(DEADLINE_S)


class Window:
    """The real window, on the display that is there for it alone."""

    def __init__(self, data, theme, *options):
        data.mkdir(exist_ok=True)
        settings = data / "settings.toml"
        kept = [line for line in settings.read_text().splitlines() if not line.startswith("theme")] if settings.exists() else []
        settings.write_text("\n".join([f'theme = "{theme}"', 'language = "en"', *[l for l in kept if not l.startswith("language")]]) + "\n")
        log = open(WORK / "window.log", "a")
        self.process = subprocess.Popen([PROGRAM, "--data", data, *LISTEN, *options], stderr=log)
        self.id = until("the window", lambda: xdotool("search", "--onlyvisible", "--name", "Kinmesh", check=False).split())[0]
        xdotool("windowmove", self.id, "0", "0", "windowsize", "--sync", self.id, "1240", "800", "windowfocus", "--sync", self.id)
        self.settle()

    def look(self):
        return subprocess.run(["import", "-window", "root", "rgb:-"], check=True, capture_output=True).stdout

    def settle(self):
        """Waits until the picture is drawn and stands still for less than a cursor takes to blink."""
        seen, since = None, time.monotonic()

        def still():
            nonlocal seen, since
            now = self.look()
            if now != seen or len(set(now)) < 8:
                seen, since = now, time.monotonic()
            return time.monotonic() - since > 0.3

        until("the window to stand still", still)

    def type(self, text):
        xdotool("type", "--delay", "30", text)

    def key(self, *keys):
        xdotool("key", *keys)

    def photograph(self, name):
        xdotool("mousemove", "640", "300")
        self.settle()
        target = IMAGES / f"{name}.png"
        subprocess.run(["import", "-window", "root", "-depth", "8", "-strip", target], check=True)
        print(f"screenshots: {target}")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE_S)


def xdotool(*arguments, check=True):
    return subprocess.run(["xdotool", *arguments], check=check, capture_output=True, text=True).stdout


def start_bootstrap():
    command = [BOOTSTRAP, "run", "--data", WORK / "bootstrap", "--listen", LISTEN[1]]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=open(WORK / "bootstrap.log", "w"), text=True)
    for line in process.stdout:
        if link := re.search(r"kinmesh://\S+", line):
            return process, link[0]
    raise SystemExit("screenshots: the bootstrap node did not start")


def talk(lin, others):
    """What was said before the window is opened."""
    ana, bo, jonas, mira = (others[name] for name in ["Ana Duarte", "Bo", "Jonas", "Mira"])
    rooms = {room: lin.join(room) for room in [HIKE, LOBBY, ROOM]}
    for peer in others.values():
        for room in rooms:
            peer.join(room)
    until("everybody to see everybody", lambda: lin.knows(*others) and all(p.knows("Lin 林") for p in others.values()))

    for name in ["Ana Duarte", "Bo", "Mira"]:
        others[name].befriend("Lin 林", lin, name)

    def said(peer, conversation, text, hearer=lin, **reply):
        key = peer.say(conversation, text, **reply)
        until(f"“{text}” to arrive", lambda: hearer.has(conversation_of(conversation, peer, hearer), key))
        return key

    def conversation_of(conversation, speaker, hearer):
        if "room" in conversation:
            return conversation
        return {"direct": hearer.person(names[speaker])}

    names = {peer: name for name, peer in others.items()} | {lin: "Lin 林"}
    said(mira, {"direct": mira.person("Lin 林")}, "Pulling out on Thursday, see you on the water")
    said(lin, {"direct": lin.person("Bo")}, "got it, thanks", bo)
    said(ana, rooms[ROOM], "Wind is 12 knots from the west, dropping after four.")
    who = said(ana, rooms[ROOM], "Who brings the second life jacket? I can take the kayak on the roof, but not both.")
    for peer, emoji in [(bo, "🙋"), (jonas, "🙋"), (jonas, "👍")]:
        until("the question to arrive", lambda: peer.has(rooms[ROOM], who))
        peer.react(rooms[ROOM], who, emoji)
    until("the reactions", lambda: lin.reactions(rooms[ROOM], who) == 3)
    said(lin, rooms[ROOM], "I do. 我还有一件备用的 — leaving at three.", ana, reply_to=who)
    for room in [*rooms.values(), {"direct": lin.person("Mira")}]:
        page = lin.call("conversation.page", conversation=room)
        if page:
            lin.call("conversation.mark_read", conversation=room, up_to=page[-1]["key"])
    return rooms


def go_on(window, others, rooms):
    """What is said while the window is open, in another room than the one that is seen."""
    ana, bo, jonas = others["Ana Duarte"], others["Bo"], others["Jonas"]
    until("the window's peer", lambda: all(p.knows("Lin 林") for p in (ana, bo, jonas)))
    jonas.say(rooms[HIKE], "周六八点见 🎒")
    for n in range(11):
        jonas.say(rooms[LOBBY], f"hello {n}")
    ana.say(rooms[LOBBY], "the bootstrap is back up")
    ana.say({"direct": ana.person("Lin 林")}, "Call me when you're back")
    bo.say(rooms[ROOM], "The slip code is 4471. Gate closes at 21:00. שלום!")
    window.settle()


def main():
    window = Window(WORK / "first", "light")
    window.photograph("onboarding")
    window.end()
    bootstrap, link = start_bootstrap()
    lin = Peer("Lin 林", link)
    others = {name: Peer(name, link) for name in ["Ana Duarte", "Bo", "Jonas", "Mira", "Tomás"]}
    rooms = talk(lin, others)
    lin.end()
    others["Mira"].end()
    window = Window(lin.data, "light", "--join", link)
    go_on(window, others, rooms)
    window.key("ctrl+k")
    window.type("Boat")
    window.key("Return")
    window.settle()
    window.type("Great. I'll tell Mira when she is back online.")
    window.key("Return")
    window.photograph("room-light")
    window.key("ctrl+shift+f")
    window.type("jacket")
    window.photograph("search")
    window.key("Escape")
    window.end()
    window = Window(lin.data, "dark", "--join", link)
    window.key("ctrl+k")
    window.type("Boat")
    window.key("Return")
    window.photograph("room-dark")
    window.end()
    for name in ["Ana Duarte", "Bo", "Jonas", "Tomás"]:
        others[name].end()
    bootstrap.terminate()
    bootstrap.wait(DEADLINE_S)


if __name__ == "__main__":
    main()
