# Sound: devices, voice processing, the sound check.

sound-default = As the system chooses
sound-speaker = Loudspeaker
sound-no-speaker = No loudspeaker found.
sound-speaker-busy = Another program uses the loudspeaker.
sound-ring = Test ring
sound-ringing = Ringing…

sound-check = Sound check
sound-check-sentence = Say something for three seconds, then hear yourself as others would. The recording is not kept.
sound-check-do = Record and play back
sound-check-stop = Stop
sound-check-recording = Recording: speak now…
sound-check-playing = Playing: do you hear yourself?
sound-check-good = The microphone hears you well (peak { $level } dBFS).
sound-check-soft = The microphone hears you, but you are very quiet (peak { $level } dBFS). Speak closer to it, or turn it up in the system's settings.
sound-check-silent = The microphone heard next to nothing (peak { $level } dBFS). Is it muted, or the wrong one?
sound-check-clipped = You are too loud for the microphone (peak { $level } dBFS). Turn it down in the system's settings.
sound-check-heard = The microphone also heard the loudspeaker, after { $ms } ms. Echo cancellation takes that out.
sound-check-unheard = The microphone did not hear the loudspeaker. With headphones that is right; else check which loudspeaker is chosen and how loud it is.
sound-check-delay = Coding and buffering add { $ms } ms.
sound-check-xruns = { $count ->
    [one] Sound broke off once: the machine or the device was too slow.
   *[other] Sound broke off { $count } times: the machine or the device was too slow.
}
sound-check-unprocessed = Voice processing failed and was left out.
sound-check-busy = Another sound check is running.
sound-check-in-a-call = A call goes on or rings: the sound can be checked after it.
sound-check-nothing = The microphone is open, but nothing comes from it.
sound-check-stuck = The loudspeaker is open, but takes no sound.
sound-check-broken-off = The sound check was broken off.

sound-echo = Echo cancellation
sound-echo-sentence = Takes out of your voice what your loudspeaker plays, so that others do not hear themselves.
sound-noise = Noise suppression
sound-noise-sentence = Turns down fans, traffic and other steady noise.
sound-gain = Even loudness
sound-gain-sentence = Turns a quiet voice up and a loud one down.

terminal-sound-record = Speak now, for three seconds…
terminal-sound-play = Now listen…
terminal-sound-rang = That was the ring.
terminal-sound-chosen = From now on: { $name }.
terminal-sound-unknown = There is no device called { $name }; /sound devices lists them.
terminal-sound-on = That is on from now on.
terminal-sound-off = That is off from now on.
