# Export and import: what `kinmesh export` and its like say, and words in the files they write.

archive-ask-new = Passphrase for the archive:

archive-ask-again = The same once more:

archive-ask = Passphrase of the archive:

archive-progress = { $entries } of { $of } messages and changes

archive-exported = { $file } holds { $conversations } conversations with { $entries } messages and changes, { $people } people, your keys and your settings.

archive-keep-safe = Whoever has this file and its passphrase can read everything in it and speak as you.

archive-imported = { $dir } holds { $conversations } conversations with { $entries } messages and changes, { $people } people, your keys and your settings, as they were on { $made }.

archive-one-place = One device lives in one place: from now on start Kinmesh here only. Two running copies of one device are not supported.

archive-refused-entries = { $count } messages or changes do not carry the signature of their author, and were left out.

archive-refused-files = { $count } files belong to a version of Kinmesh that this one does not know, and were left out.

archive-conversation-exported = { $posts } messages are in { $file }.

export-made = Exported from Kinmesh by { $who }, { $when }

export-edited = edited { $when }

export-answers = answers { $who }, { $when }

export-answers-missing = answers a message of { $when } that is not here

export-deleted = taken back by its author

export-unreadable = written by a later version of Kinmesh

export-gap = Something is missing here.

export-time-unknown = at an unknown time
