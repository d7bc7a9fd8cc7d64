# The passphrase on what lies on this disk.

vault-ask = Passphrase of this peer:

vault-ask-new = New passphrase:

vault-forgotten = Nobody can recover a forgotten passphrase: without it, your messages and your identity are lost. Export an archive first, or write the passphrase down.

vault-is-set = Keys, messages and search index on this disk are sealed. From now on Kinmesh asks for the passphrase when it starts.

vault-is-changed = The passphrase is changed.

vault-is-removed = The passphrase is removed: what lies on this disk can be read by whoever can read your files.

unlock-title = Kinmesh is locked

unlock-passphrase = Passphrase

unlock-show = Show what I type

unlock-do = Unlock

unlock-opening = Unlocking…

unlock-wrong = That is not the passphrase. Next try in { $seconds } s.

unlock-wait = Next try in { $seconds } s.

settings-passphrase = Passphrase

settings-passphrase-none = This disk has no lock. Your key files can be read by your account only (mode 0600), but whoever has the disk, or runs as you, can read all messages and speak as you. A passphrase seals keys, messages and the search index.

settings-passphrase-set = Keys, messages and the search index on this disk are sealed. What stays readable: how much there is and when it was written, and the settings with the addresses of the nodes you enter through.

settings-passphrase-old = Present passphrase

settings-passphrase-new = New passphrase

settings-passphrase-again = The new one once more

settings-passphrase-do-set = Set passphrase

settings-passphrase-do-change = Change passphrase

settings-passphrase-do-remove = Remove passphrase

settings-passphrase-working = Writing everything anew. Kinmesh is offline until that is done.

settings-lock-after = Lock by itself

settings-lock-after-sentence = After this long without a key or the pointer. While it is locked, Kinmesh is offline.

settings-lock-never = Never

settings-lock-minutes = { $minutes ->
    [one] 1 minute
   *[other] { $minutes } minutes
}

settings-lock-now = Lock now
