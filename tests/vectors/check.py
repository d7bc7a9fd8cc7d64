#!/usr/bin/env python3
"""Makes every test vector of docs/protocol.md again, from that page alone.

Nothing of Kinmesh is used: BLAKE3 and CBOR are written here, Ed25519 and XChaCha20-Poly1305 are those
of libsodium (PyNaCl). Whoever writes another implementation may begin with this file.

    check.py [docs/protocol.md]
"""

import base64
import re
import struct
import sys
import unicodedata
from pathlib import Path

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt
from nacl.signing import SigningKey

NOW = 1_793_000_000_000
CLOCK = NOW * 65_536 + 1

# BLAKE3 --------------------------------------------------------------------------------------------

IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED, CONTEXT, MATERIAL = (1 << bit for bit in range(7))
MASK = 0xFFFFFFFF


def rotate(word, by):
    return (word >> by | word << (32 - by)) & MASK


def compress(chaining, block, counter, flags):
    """The first eight words of a compression, as the next chaining value."""
    words = list(struct.unpack("<16I", block.ljust(64, b"\0")))
    state = chaining + IV[:4] + [counter & MASK, counter >> 32, len(block), flags]

    def mix(a, b, c, d, x, y):
        for word, (left, right) in ((x, (16, 12)), (y, (8, 7))):
            state[a] = (state[a] + state[b] + word) & MASK
            state[d] = rotate(state[d] ^ state[a], left)
            state[c] = (state[c] + state[d]) & MASK
            state[b] = rotate(state[b] ^ state[c], right)

    for _ in range(7):
        for n in range(4):
            mix(n, 4 + n, 8 + n, 12 + n, words[2 * n], words[2 * n + 1])
        for n in range(4):
            mix(n, 4 + (n + 1) % 4, 8 + (n + 2) % 4, 12 + (n + 3) % 4, words[8 + 2 * n], words[9 + 2 * n])
        words = [words[n] for n in PERMUTATION]
    return [state[n] ^ state[n + 8] for n in range(8)]


def subtree(data, key, chunk, flags, root):
    """The chaining value of some whole chunks, the first of which has this number."""
    if len(data) <= 1024:
        blocks = [data[at : at + 64] for at in range(0, max(len(data), 1), 64)]
        chaining = key
        for n, block in enumerate(blocks):
            start = CHUNK_START if n == 0 else 0
            end = CHUNK_END | root if n == len(blocks) - 1 else 0
            chaining = compress(chaining, block, chunk, flags | start | end)
        return chaining
    left = 1 << ((len(data) - 1) // 1024).bit_length() - 1
    halves = subtree(data[: left * 1024], key, chunk, flags, 0)
    halves = halves + subtree(data[left * 1024 :], key, chunk + left, flags, 0)
    return compress(key, struct.pack("<16I", *halves), 0, flags | PARENT | root)


def blake3(data, key=None, flags=0):
    key = IV if key is None else list(struct.unpack("<8I", key))
    return struct.pack("<8I", *subtree(data, key, 0, flags, ROOT))


def derive_key(context, material):
    return blake3(material, blake3(context.encode(), flags=CONTEXT), MATERIAL)


def keyed(key, data):
    return blake3(data, key, KEYED)


# CBOR ----------------------------------------------------------------------------------------------


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | code]) + number.to_bytes(size, "big")
    raise ValueError(number)


def cbor(value):
    """The shortest encoding; maps keep the order in which they were written down."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    pairs = (cbor(key) + cbor(item) for key, item in value.items())
    return head(5, len(value)) + b"".join(pairs)


# The protocol --------------------------------------------------------------------------------------


def base32(data):
    return base64.b32encode(data).decode().lower().rstrip("=")


def number(value):
    return value.to_bytes(8, "big")


class Person:
    """A person with one device."""

    def __init__(self, person_seed, device_seed):
        self.person_key, self.device_key = SigningKey(person_seed), SigningKey(device_seed)
        self.person, self.device = bytes(self.person_key.verify_key), bytes(self.device_key.verify_key)
        covered = b"kinmesh device certificate 1\0" + self.person + self.device + number(NOW)
        self.signature = self.person_key.sign(covered).signature

    def certificate(self):
        return {"p": self.person, "d": self.device, "t": NOW, "s": self.signature}

    def signed_bytes(self, domain, form):
        return domain.encode() + b"\0" + self.person + self.device + form

    def envelope(self, domain, body, form=None):
        signed = self.signed_bytes(domain, body if form is None else form)
        return {"b": body, "c": self.certificate(), "s": self.device_key.sign(signed).signature}


def entry(author, tag, content, prev):
    """Body and signed form of an entry."""
    top = {"g": tag, "h": CLOCK, "n": 1, "p": prev}
    if content["k"] in ("edit", "delete", "reaction"):
        top["t"] = content["t"]
    return cbor(top) + cbor(content), blake3(cbor(content)) + cbor(top)


def pair(one, other):
    return min(one, other) + max(one, other)


def cleaned(name):
    """A room's name as it is kept. What may not stand in one is not looked for here."""
    return unicodedata.normalize("NFC", " ".join(name.lstrip("# ").split()))


def folded(name):
    fold = lambda text: unicodedata.normalize("NFKC", text)
    return fold(fold(name).lower())


def ticket(value):
    inside = b"\1" + cbor(value)
    return "kinmesh://invite/" + base32(inside + derive_key("kinmesh 2026-11 ticket checksum", inside)[:4])


class Vectors:
    """The block of vectors, taken line by line."""

    def __init__(self, document):
        block = re.search(r"## Test vectors.*?```text\n(.*?)```", document, re.S).group(1)
        self.lines = [line.split(": ", 1) for line in block.splitlines()]
        self.taken = 0
        self.wrong = []

    def given(self, name):
        """A value to begin with."""
        value = next(value for found, value in self.lines if found == name)
        self.expect(name, value)
        return bytes.fromhex(value)

    def expect(self, name, value):
        value = value.hex() if isinstance(value, bytes) else str(value)
        found = self.lines[self.taken] if self.taken < len(self.lines) else ["the end", ""]
        self.taken += 1
        if found != [name, value]:
            self.wrong.append(f"{name}: {value}\n   there: {': '.join(found)}")

    def cbor(self, name, value):
        self.expect(name, cbor(value))

    def signed(self, name, author, domain, body, form=None):
        envelope = author.envelope(domain, body, form)
        self.expect(f"{name} body", body)
        self.expect(f"{name} signed bytes", author.signed_bytes(domain, body if form is None else form))
        self.expect(f"{name} signature", envelope["s"])
        self.cbor(f"{name} envelope", envelope)
        return envelope


def persons(vectors):
    seed = vectors.given
    alice = Person(seed("alice person seed"), seed("alice device seed"))
    vectors.expect("alice person", alice.person)
    vectors.expect("alice device", alice.device)
    vectors.expect("alice person as text", base32(alice.person))
    short = base32(blake3(alice.person)[:5])
    vectors.expect("alice fingerprint", f"{short[:4]}-{short[4:]}")
    vectors.expect("alice namespace", derive_key("kinmesh 2026-11 person namespace", alice.person))
    vectors.expect("alice certificate time", NOW)
    vectors.expect("alice certificate signature", alice.signature)
    vectors.cbor("alice certificate", alice.certificate())
    bob = Person(seed("bob person seed"), seed("bob device seed"))
    vectors.expect("bob person", bob.person)
    chat = derive_key("kinmesh 2026-11 direct conversation", pair(alice.person, bob.person))
    vectors.expect("tag of the chat of alice and bob", chat)
    return alice, bob, chat


def rooms(vectors):
    for typed in ("lobby", "Ｌobby", "#Straße  林"):
        name = cleaned(typed)
        room = derive_key("kinmesh 2026-11 public room", folded(name).encode())
        vectors.expect("room name", name)
        vectors.expect("room name folded", folded(name))
        vectors.expect("room id", room)
        vectors.expect("room topic", topic("kinmesh 2026-11 room topic", room))
        vectors.expect("room namespace", derive_key("kinmesh 2026-11 room namespace", room))
    return derive_key("kinmesh 2026-11 public room", b"lobby")


def topic(context, material):
    return derive_key(context, material).hex()[:32]


def spoken(vectors, alice, bob, lobby, chat):
    """Entries, presences, and what carries them."""
    prev = [[NOW * 65_536, bytes([5] * 32)]]
    content = {"k": "text", "x": "你好, mesh"}
    body, form = entry(alice, lobby, content, prev)
    envelope = vectors.signed("entry", alice, "kinmesh entry 1", body, form)
    entry_id = blake3(alice.signed_bytes("kinmesh entry 1", form))
    key = [CLOCK, entry_id]
    vectors.expect("entry id", entry_id)
    erased = body[: -len(cbor(content))] + cbor({"k": "erased", "h": blake3(cbor(content))})
    vectors.cbor("entry envelope once erased", envelope | {"b": erased})
    vectors.cbor("content of a reply", {"k": "text", "x": "hello", "t": key})
    vectors.cbor("content of an edit", {"k": "edit", "x": "hello!", "t": key})
    vectors.cbor("content of a delete", {"k": "delete", "t": key})
    vectors.cbor("content of a reaction", {"k": "reaction", "x": "👍", "t": key, "o": True})
    vectors.cbor("content of an introduction", {"k": "introduction", "p": bob.person, "n": "Bob"})
    vectors.expect("entry key as text", f"{CLOCK:016x}-{base32(entry_id)}")
    frame = {"entries": {"e": [envelope], "a": 0}}
    vectors.cbor("room frame with the entry", frame)
    message = topic("kinmesh 2026-11 room topic", lobby).encode() + cbor(frame)
    vectors.expect("gossip message id of that frame in the lobby", blake3(message)[:20])

    def presence(room, state="here"):
        return cbor({"r": room, "n": "Alice", "l": "", "u": NOW, "t": NOW + 1, "a": state})

    here = vectors.signed("presence in the lobby", alice, "kinmesh presence 1", presence(lobby))
    vectors.cbor("room frame with the presence", {"presence": here})
    for name, state in (("away", "away"), ("gone", "left")):
        said = alice.envelope("kinmesh presence 1", presence(lobby, state))
        vectors.cbor(f"envelope of who is {name} in the lobby", said)
    vectors.signed("typing in the lobby", alice, "kinmesh typing 1", cbor({"r": lobby, "t": NOW}))
    vectors.cbor("hello", {"w": alice.envelope("kinmesh presence 1", presence(None))})
    vectors.cbor("hello of nobody", None)
    mine = alice.envelope("kinmesh entry 1", *entry(alice, chat, content, prev))
    vectors.cbor("chat request with one entry for bob", {"deliver": [mine]})
    vectors.cbor("chat request to become a contact", {"ask": {"e": mine, "i": None}})
    introduced = {"k": "introduction", "p": alice.person, "n": "Alice"}
    introduced = bob.envelope("kinmesh entry 1", *entry(bob, chat, introduced, prev))
    vectors.cbor("chat request of who was introduced", {"ask": {"e": None, "i": introduced}})
    vectors.cbor("chat request that tells of acceptance", "accepted")
    reasons = ("invalid", "wrong_conversation", "clock_ahead", "not_author", "over_quota", "too_old")
    receipts = ["stored"] + [{"refused": reason} for reason in reasons]
    vectors.cbor("chat response with each receipt", {"receipts": receipts})
    vectors.cbor("chat response busy", "busy")
    vectors.cbor("chat response that the two are contacts", "accepted")
    vectors.cbor("chat response to who is no contact", "ask_first")
    vectors.cbor("chat request that tells what was read", {"read": {"k": key}})
    vectors.cbor("chat request that tells of writing", "typing")
    vectors.cbor("chat response to either", "noted")
    node = "node=/ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3KooWEXAMPLE"
    vectors.expect("join link", f"kinmesh://join?{node}&room=Boat+%26+%E6%9E%97")
    return envelope, key


def catching_up(vectors, alice, lobby, envelope, key):
    every, since = {"f": None, "t": None}, {"f": key, "t": None}
    # One entry's sum is its id.
    digest = {"n": 1, "s": key[1], "w": key}
    pack = {"c": [alice.certificate()], "e": [{"c": 0, "b": envelope["b"], "s": envelope["s"]}]}
    vectors.cbor("digest of the entry", digest)
    for name, ask in (
        ("compare", {"compare": {"r": every, "d": digest}}),
        ("reconcile", {"reconcile": {"r": since, "f": b"\x61"}}),
        ("fetch by ids", {"fetch": {"ids": {"r": since, "i": [key[1]]}}}),
        ("fetch by range", {"fetch": {"range": since}}),
        ("push", {"push": pack}),
    ):
        vectors.cbor(f"sync request to {name}", {"g": lobby, "a": ask})
    vectors.cbor("sync response digest", {"digest": {"d": digest, "w": key}})
    vectors.cbor("sync response reconciled", {"reconciled": b"\x61"})
    vectors.cbor("sync response entries", {"entries": pack})
    vectors.cbor("sync response receipts", {"receipts": ["stored", {"refused": "over_quota"}]})
    vectors.cbor("sync response busy", "busy")
    vectors.cbor("sync response not here", "not_here")


def trust(vectors, alice, bob):
    token = vectors.given("token of the ticket")
    device = {"d": alice.device, "a": ["/ip4/192.0.2.7/udp/4001/quic-v1"]}
    value = {"k": token, "p": alice.person, "n": "Alice", "d": [device], "b": [], "r": None, "x": NOW, "u": 1}
    vectors.expect("ticket", ticket(value))
    vectors.expect("ticket in a picture", ticket(value).upper())
    node = "/ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3KooWEXAMPLE"
    public = value | {"b": [node], "r": {"public": "lobby"}, "x": None, "u": None}
    vectors.expect("ticket into the lobby", ticket(public))
    vectors.expect("ticket into a private room", ticket(value | {"r": {"private": bytes([9] * 32)}}))
    name = derive_key("kinmesh 2026-11 ticket name", token)[:16]
    proof = keyed(derive_key("kinmesh 2026-11 ticket proof", token), alice.person + bob.person)
    vectors.expect("name of the ticket", name)
    vectors.expect("proof of bob to alice", proof)
    vectors.cbor("invite request", {"redeem": {"i": name, "p": proof}})
    vectors.cbor("invite response accepted", "accepted")
    for refusal in ("used_up", "expired", "revoked", "unknown"):
        vectors.cbor(f"invite response {refusal.replace('_', ' ')}", {"refused": refusal})
    vectors.cbor("invite response busy", "busy")
    bits = int.from_bytes(derive_key("kinmesh 2026-11 safety number", pair(alice.person, bob.person)), "big")
    numbers = [bits >> 256 - 11 * (n + 1) & 2047 for n in range(12)]
    vectors.expect("safety number of alice and bob in numbers", " ".join(map(str, numbers)))
    words = vectors.lines[vectors.taken][1]
    vectors.expect("safety number of alice and bob", words)
    # The list itself is BIP-39's, in the order of the alphabet.
    if [word for _, word in sorted(zip(numbers, words.split()))] != sorted(words.split()):
        vectors.wrong.append("the words of the safety number are not those of its numbers")


def private_room(vectors, alice, bob):
    nonce = vectors.given("nonce of the private room")
    steps = [vectors.given("first step with a secret"), vectors.given("second step with a secret")]
    secrets = [vectors.given("first secret"), vectors.given("second secret")]
    room = derive_key("kinmesh 2026-11 private room", alice.person + nonce)
    vectors.expect("private room of alice", room)
    epoch = derive_key("kinmesh 2026-11 epoch commitment", room + secrets[0])
    vectors.expect("commitment to its first secret", epoch)

    def key_of(count):
        chosen = sorted(zip(steps, secrets))[:count]
        return derive_key("kinmesh 2026-11 room key", room + b"".join(step + secret for step, secret in chosen))

    for count, which in ((1, "of its first secret"), (2, "of both secrets")):
        vectors.expect(f"topic {which}", topic("kinmesh 2026-11 private topic", key_of(count)))
        day = key_of(count) + number(20_752)
        vectors.expect(
            f"namespace {which} on day 20752", derive_key("kinmesh 2026-11 private namespace", day)
        )
    vectors.expect("tag of its control log", derive_key("kinmesh 2026-11 control log", room))
    key, content = key_of(2), cbor({"k": "text", "x": "secret"})
    place = room + alice.person + alice.device + number(CLOCK) + number(1)
    nonces = derive_key("kinmesh 2026-11 sealing nonce", key)
    once = keyed(nonces, number(len(place)) + place + content)[:24]
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(content, place, once, key)
    vectors.cbor("sealed content", {"k": "sealed", "b": {"e": sorted(steps), "n": once, "b": sealed}})

    def sealed_body(said, name):
        """The whole entry. What it changes stands in the header, in the clear."""
        clear = cbor(said)
        once = keyed(nonces, number(len(place)) + place + clear)[:24]
        sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(clear, place, once, key)
        top = {"g": room, "h": CLOCK, "n": 1, "p": []} | ({"t": said["t"]} if "t" in said else {})
        content = cbor({"k": "sealed", "b": {"e": sorted(steps), "n": once, "b": sealed}})
        body, form = cbor(top) + content, blake3(content) + cbor(top)
        vectors.signed(name, alice, "kinmesh entry 1", body, form)

    if crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, place, once, key) != content:
        vectors.wrong.append("what was sealed does not open")
    sealed_body({"k": "text", "x": "secret"}, "sealed entry")
    edited = [NOW * 65_536, bytes([5] * 32)]
    sealed_body({"k": "edit", "x": "a better secret", "t": edited}, "sealed edit")
    log = derive_key("kinmesh 2026-11 control log", room)
    step = entry(alice, log, {"k": "control", "c": "leave"}, [edited])
    vectors.signed("step", alice, "kinmesh entry 1", *step)
    place, frame = b"kinmesh gossip", b"a frame"
    once = keyed(nonces, number(len(place)) + place + frame)[:24]
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(frame, place, once, key)
    vectors.expect("frame sealed with both secrets", once + sealed)

    seat = {"p": bob.person, "r": "member"}
    settings = {"n": "Boat", "t": "", "h": "from_joining"}
    for name, step in (
        ("create", {"create": {"o": nonce, "s": settings, "m": [seat], "e": epoch, "f": None}}),
        (
            "create that carries another room on",
            {"create": {"o": nonce, "s": settings, "m": [], "e": epoch, "f": bytes([9] * 32)}},
        ),
        ("add", {"add": {"m": seat, "e": epoch}}),
        ("remove", {"remove": {"p": bob.person, "e": epoch}}),
        ("remove from a time on", {"remove": {"p": bob.person, "e": epoch, "w": NOW}}),
        ("leave", "leave"),
        ("role", {"set_role": seat}),
        ("settings", {"set_settings": settings}),
        ("settings in full", {"set_settings": settings | {"d": "knock", "w": 30_000, "k": 30}}),
        ("picture", {"set_picture": bytes.fromhex("89504e47")}),
        ("no picture", {"set_picture": None}),
        ("rotate", {"rotate": {"e": epoch}}),
    ):
        vectors.cbor(f"content of the step {name}", {"k": "control", "c": step})
    vectors.cbor("content of an invitation", {"k": "invitation", "x": "Boat", "r": room})
    vectors.cbor("sync request for secrets", {"g": room, "a": {"secrets": steps}})
    vectors.cbor("sync response with a secret", {"secrets": [[steps[0], secrets[0]]]})


def calls(vectors, alice, bob, lobby):
    channel = derive_key("kinmesh 2026-11 voice channel", lobby)[:16]
    vectors.expect("voice channel of the lobby", channel)
    vectors.expect("voice channel of the lobby as text", base32(channel))
    vectors.signed("voice in the lobby", alice, "kinmesh voice 1", cbor({"r": lobby, "t": NOW, "a": True}))
    call, line = bytes([10] * 16), 7
    reach = {"d": bob.device, "a": ["/ip4/192.0.2.7/udp/4001/quic-v1"]}
    party = [{"p": alice.person, "w": None}, {"p": bob.person, "w": reach}]
    for name, request in (
        ("that rings", {"ring": {"c": call, "l": line, "p": [bob.person]}}),
        ("that accepts", {"accept": {"c": call, "l": line}}),
        ("that declines", {"decline": {"c": call, "x": "later"}}),
        ("that declines without a word", {"decline": {"c": call, "x": None}}),
        ("that gives up", {"cancel": {"c": call}}),
        ("that joins", {"join": {"c": call, "l": line}}),
        ("with the party", {"party": {"c": call, "p": party}}),
        ("with a state", {"state": {"c": call, "m": True, "h": False}}),
        ("that hands over", {"transfer": {"c": call, "p": bob.person}}),
        ("that leaves", {"end": {"c": call}}),
    ):
        vectors.cbor(f"call request {name}", request)
    for name, response in (
        ("noted", "noted"),
        ("joined", {"joined": {"l": line}}),
        ("busy", "busy"),
        ("crossed", {"crossed": {"c": call}}),
        ("without such a call", "no_such_call"),
        ("to who is no contact", "contacts_only"),
        ("full", "full"),
        ("later", "later"),
    ):
        vectors.cbor(f"call response {name}", response)
    vectors.cbor("content of an answered call", {"k": "call", "x": "answered", "s": 61})
    for outcome in ("missed", "declined", "busy", "cancelled", "failed"):
        vectors.cbor(f"content of a {outcome} call", {"k": "call", "x": outcome})


def media(vectors):
    vectors.cbor("media packet", [0x01020304, 7, 9, b"\xaa" * 3, 1, b"\xbb" * 2, 3, b"\xcc"])
    vectors.cbor("media response with a report", [700, 25, 12, 3, 18, -4])
    vectors.cbor("media response without a line", None)


def founded_room(vectors, alice, bob, key):
    nonce = bytes([7] * 16)
    room = derive_key("kinmesh 2026-11 founded room", alice.person + nonce)
    vectors.expect("founded room of alice", room)
    settings = {"n": "Square", "t": "", "h": "all", "d": "knock", "w": 30_000, "k": 30}
    for name, step in (
        ("create in public", {"create": {"o": nonce, "s": settings, "m": [], "e": None, "f": None}}),
        ("remove in public", {"remove": {"p": bob.person, "e": None, "w": 1_793_000_000_000}}),
        ("hide", {"hide": {"t": [key], "o": True, "x": "spam"}}),
        ("mute", {"mute": {"p": bob.person, "u": 1_793_000_060_000}}),
        ("mute from a time on", {"mute": {"p": bob.person, "u": 1_793_000_060_000, "w": NOW}}),
    ):
        vectors.cbor(f"content of the step {name}", {"k": "control", "c": step})
    vectors.cbor("room of a ticket into it", {"founded": {"i": room, "n": "Square"}})
    log = derive_key("kinmesh 2026-11 control log", room)
    vectors.cbor("sync request to knock", {"g": log, "a": {"knock": "let me in"}})
    vectors.cbor("sync response knocked", "knocked")


def main():
    here = Path(__file__).resolve().parent
    document = Path(sys.argv[1]) if len(sys.argv) > 1 else here / "../../docs/protocol.md"
    vectors = Vectors(document.read_text(encoding="utf-8"))
    alice, bob, chat = persons(vectors)
    lobby = rooms(vectors)
    envelope, key = spoken(vectors, alice, bob, lobby, chat)
    catching_up(vectors, alice, lobby, envelope, key)
    trust(vectors, alice, bob)
    private_room(vectors, alice, bob)
    calls(vectors, alice, bob, lobby)
    media(vectors)
    founded_room(vectors, alice, bob, key)
    left = [name for name, _ in vectors.lines[vectors.taken :]]
    for fault in vectors.wrong:
        print(fault, file=sys.stderr)
    if left:
        print(f"not made again: {', '.join(left)}", file=sys.stderr)
    if vectors.wrong or left:
        sys.exit(1)
    print(f"{vectors.taken} vectors hold")


if __name__ == "__main__":
    main()
