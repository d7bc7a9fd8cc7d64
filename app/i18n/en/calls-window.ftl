# Calls in the window. What all faces say of calls is in calls.ftl.
window-title-rings = { $who } is calling · Kinmesh

call-ring = Call
call-back = Call back
call-again = Call again
call-write = Write instead
call-hint-offline = { $name } is not connected, so it cannot ring there.
voice-enter = Enter voice
voice-in = In voice
voice-nobody = Nobody is in the voice channel yet.
voice-people = In the voice channel: { $names }
voice-more = +{ $count }

# How far a call is, beside the name of who is called
call-now-calling = calling…
call-now-ringing = ringing…
call-now-rings = is calling you
call-now-connecting = connecting…
call-now-held = on hold · { $duration }
call-now-reconnecting = cut off for { $seconds } s, trying again
call-rings-for-party = is calling you into a call with { $names }
call-voice-of = Voice in { $room }
call-voice-alone = Nobody else is here yet.
call-of = Call of { $count }

# A call that rings
call-accept = Accept
call-decline = Decline
call-decline-with = Decline with a message
call-ignore = Ignore
call-keys = Ctrl Shift: A accepts, D declines, W writes, I ignores
call-why-later = I will call you back.
call-why-busy = I cannot talk now. In an hour?
call-why-write = I cannot talk. Write to me?
call-why-hint = In your own words

# In a call
call-mute = Mute
call-unmute = Unmute
call-deafen = Deafen
call-undeafen = Hear again
call-hold = Hold
call-unhold = Go on
call-cancel = Cancel
call-hang-up = Hang up
call-talk = Hold to talk: F9
call-talking = You are heard
call-talk-sentence = Others hear you while you hold F9 or this button.
call-column = Show or hide the call
call-column-close = Hide the call, which goes on
call-add = Add somebody
call-transfer = Transfer
call-transferring = Ringing { $name } to take your place…
call-adding = Ringing { $name } for this call…
call-quality = Sound: { $quality }
call-figures-show = Figures
call-figures-hide = Hide
call-figures-own = Your voice: { $kbps } kbit/s
call-volume = Volume
call-party-muted = muted
call-party-held = on hold
call-party-cut-off = cut off
call-words = Is it them?
call-words-sentence = If it is { $name }, you both see these words. Read some aloud, and let them read on.
call-words-verified = You compared these words with { $name } before.
call-words-show = Show the words
call-words-hide = Hide the words
percent = { $number } %

# Choosing a contact for a call
call-add-title = Add somebody to the call
call-add-sentence = It rings there, and whoever answers talks with all of you.
call-transfer-title = Transfer the call
call-transfer-sentence = The other person rings whom you choose. You leave once they talk.
call-with-nobody = None of your contacts is online who is not in the call.

# Settings
sound-send = When you are heard in a call
sound-send-open = Always
sound-send-voice = While I speak
sound-send-key = While I hold F9
sound-send-open-sentence = All that the microphone hears is sent.
sound-send-voice-sentence = Your voice is sent, and not what is quieter than it.
sound-send-key-sentence = Nothing is sent unless you hold F9, or the button in the call.
sound-calls-ring = Ring tone
sound-calls-ring-sentence = A call that comes in is heard, not only seen.

# Errors
error-call-not-a-contact = Only contacts can be called.
error-call-in-a-call = You are in a call already.
error-call-over = This call is over.
error-call-not-standing = This can be done once somebody has answered, in a call of two.
error-call-offline = They are not connected, so it cannot ring there.
error-voice-full = The voice channel is full.
error-call-of-a-room = Whoever is in the room can enter its voice channel; nobody is brought into it.
error-call-too-long = The message may have { $max } bytes at most.
