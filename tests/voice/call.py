"""A call between two peers, as programs make one: rung, accepted, hung up over JSON-RPC."""
import time


class Call:
    """Alice rings bob, who accepts; ends with its value."""

    def __init__(self, alice, bob):
        self._alice, self._bob = alice, bob
        alice.call("calls.ring", person=bob.me["person"])
        incoming = bob.until("calls.list", lambda calls: any(_state(call) == "incoming" for call in calls))
        self._id = next(call["call"] for call in incoming if _state(call) == "incoming")
        self.accepted_at = time.monotonic()
        bob.call("calls.accept", call=self._id)
        for peer in (alice, bob):
            peer.until("calls.list", lambda calls: any(_state(call) == "active" for call in calls))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._alice.call("calls.hang_up", call=self._id)
        for peer in (self._alice, self._bob):
            peer.until("calls.list", lambda calls: not calls)


def _state(call):
    return call["state"]["state"]
