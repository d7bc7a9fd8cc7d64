# Calls: what they are, how they end, how they sound; on every face.

call-note-answered = Call, { $duration }
call-note-unanswered = Call, no answer
call-note-missed = Missed call
call-note-missed-busy = Missed call while you were in another one
call-note-cancelled = Call, given up before an answer
call-note-declined = Call, declined
call-note-busy = Call, they were in another one
call-note-failed = Call, but no voice got through

call-calling = Calling { $who } …
call-ringing = It rings at { $who } …
call-incoming = { $who } rings you
call-connecting = Connecting with { $who } …
call-active = In a call with { $who }, { $duration }
call-reconnecting = The connection with { $who } is gone for { $seconds } s; it is tried again.

call-ended = The call with { $who } is over.
call-declined = { $who } declined.
call-declined-with = { $who } declined: { $text }
call-you-declined = You declined the call of { $who }.
call-cancelled = { $who } rings no longer.
call-you-cancelled = You gave the call to { $who } up.
call-unanswered = { $who } did not answer. Write instead: it arrives when they look.
call-missed = You missed a call of { $who }.
call-ignored = It rings on at { $who }, and no longer here.
call-busy = { $who } is in another call.
call-offline = { $who } is not connected, so it cannot ring there. Write instead: it arrives when you meet.
call-no-path = { $who } accepted, but no voice got through within 8 seconds: your networks do not let it pass. Write instead, that may still arrive.
call-lost = { $who } was cut off and did not come back.
call-not-a-contact = { $who } does not have you as a contact, so you cannot call them.
call-too-old = The program of { $who } cannot take calls yet. Write instead.
call-full = As many people are in this call as fit.

call-quality-unknown = nothing heard yet
call-quality-good = good
call-quality-fair = something gets lost, still clear
call-quality-late = clear, but late
call-quality-poor = words get lost
call-quality-bad = hardly to be understood

call-path-quic = QUIC
call-path-tcp = TCP: what is lost holds up the rest
call-path-none = in this program
call-figures = delay { $delay } ms, round trip { $round } ms, jitter { $jitter } ms, buffer { $buffer } ms, lost { $lost } %, made up { $made } %, { $path }

call-no-microphone = No microphone was found: you can listen, and nobody hears you.
call-microphone-busy = Another program uses the microphone: you can listen, and nobody hears you.
call-microphone-denied = The system does not allow this program to use the microphone: you can listen, and nobody hears you.
call-microphone-system = The sound system does not answer: nobody hears you.
call-no-loudspeaker = No loudspeaker works: you hear nobody.

terminal-call-none = There is no call. /call PERSON rings somebody, /voice enters the voice channel of the room you talk in.
terminal-call-how = /accept takes the call, /decline [WORDS] turns it down, /ignore lets it ring there only.
terminal-call-muted = You are muted.
terminal-call-unmuted = You are heard again.
terminal-call-deafened = You hear nobody of the call.
terminal-call-undeafened = You hear the others again.
terminal-call-held = The call waits: nobody hears you, and you hear nobody.
terminal-call-unheld = The call goes on.
terminal-call-talking = You are heard while this is on.
terminal-call-talked = You are not heard any more.
terminal-call-no-key = Only for push-to-talk: /sound send key turns that on.
terminal-call-volume = { $who } is played at { $percent } %.
terminal-call-adding = It rings at { $who } for this call …
terminal-call-transferring = The other rings { $who }; you leave once they are in the call.
terminal-call-bitrate = Your voice: { $kbps } kbit/s
terminal-call-party-calling = { $who }: called …
terminal-call-party-ringing = { $who }: it rings there …
terminal-call-party-connecting = { $who }: connecting …
terminal-call-party-cut-off = { $who }: cut off
terminal-call-party = { $who }: { $quality }
terminal-call-party-muted = muted
terminal-call-party-held = holds the call
terminal-call-party-speaking = speaks
terminal-sound-send-open = Your voice is always sent in a call.
terminal-sound-send-voice = Your voice is sent in a call while you speak.
terminal-sound-send-key = Your voice is sent in a call while /talk is on.
terminal-call-begun = You are in a call with { $who }.
terminal-call-cut-off = The connection with { $who } is gone; it is tried again for 20 seconds.
terminal-call-joined = { $who } is in the call.
terminal-call-left = { $who } is not in the call any more.
terminal-voice-entered = You are in the voice channel of { $place }.
terminal-voice-left = You left the voice channel of { $place }.
