# Anywhere
back = Back
cancel = Cancel
close = Close
copied = Copied
save = Save
saved = Saved
settings = Settings
you = you
window-title-unread = Kinmesh ({ $unread })

# First start
onboarding-question = What should people call you?
onboarding-promise = No account, no password: your name is all it takes.
onboarding-name = Your name
onboarding-start = Start
onboarding-have-link = I have a join link
onboarding-have-archive = I have an archive
restore-title = Bring everything back
restore-sentence = An archive holds keys, contacts, rooms and all messages of a device. This one goes on as that device.
restore-file = The archive, such as ~/kinmesh-2026-11-21.age
restore-passphrase = Its passphrase
restore-do = Import
restore-done = { $conversations } conversations with { $entries } messages and changes, { $people } people, your keys and your settings are here.

# Sidebar
me-cut-off = cut off
me-online = online on this device
search-hint = Search people and rooms
search-nothing = Nothing found.
section-rooms = Rooms
section-chats = Chats
section-nearby = Nearby on this network
section-online = Online
section-away = Contacts
section-members = Members
section-more = { $count } more: search to find them
lobby-offer = Everybody on the mesh meets in the lobby.
lobby-join = Join the lobby
nothing-open = Choose a conversation on the left, or join a room by its name.

# Conversations
members-count = { $count ->
    [one] 1 member
   *[other] { $count } members
}
room-subtitle = { $members }, { $online } online · public room
room-public = Public room
room-public-sentence = Anybody who knows its name can join and read.
room-leave = Leave room
room-left = You left this room
room-left-sentence = You left this room. Its history stays on this device.
room-rejoin = Join again
room-join = Join a room
room-join-do = Join
room-join-sentence = Everybody who types the same name is in the same room. It is made when the first one joins.
room-name = Name of the room
invite = Invite somebody
invite-sentence = The link leads to this room, for as long as this device can be reached.
link-copy = Copy link
link-copied = Link copied
conversation-empty-short = No messages yet
conversation-empty-room = No messages yet. Say hello.
conversation-empty-chat = No messages with { $name } yet.
conversation-empty-echo = Echo answers whatever you write, without any network.
composer-hint = Message { $title }
entry-unreadable = This message needs a newer version of Kinmesh.
log-later = { $count ->
    [one] 1 newer message
   *[other] { $count } newer messages
}
new = New
new-since = New since { $time }
details = Details
preview-me = You: { $text }
preview-other = { $name }: { $text }
delivery-queued = Queued on this device
delivery-sent = { $members ->
    [one] Sent to 1 member
   *[other] Sent to { $members } members
}
delivery-delivered = Delivered: it is on the other's disk
delivery-failed = Failed: { $reason }
delivery-read = Read
entry-deleted = This message was deleted.
quote-missing = The message this answers is not here yet.
gap = Something is missing here. It comes when somebody who has it is reached.
edited = edited
edits-show = Earlier texts
edits-title = All texts of this message
log-latest = Jump to newest
reply = Reply
react = React
react-any = Any other emoji, then Enter
more = More
copy = Copy
edit = Edit
delete = Delete
delete-everyone = Delete for everyone
delete-ask = Delete for everyone?
delete-sentence = Everybody who has it erases it as soon as they hear of it. Who has read it already has read it.
composer-reply = Reply to { $name }
composer-edit = Edit message
composer-leave = Leave it (Escape)
and-more = and { $count } more
typing-one = { $name } is typing…
typing-two = { $a } and { $b } are typing…
typing-many = { $count } people are typing…
waiting-offline = { $count ->
    [one] Waits: { $name } is offline since { $since }. It goes when you meet.
   *[other] { $count } wait: { $name } is offline since { $since }. They go when you meet.
}
waiting-connecting = { $count ->
    [one] Waits for a connection to { $name }, since { $since }
   *[other] { $count } wait for a connection to { $name }, since { $since }
}
waiting-refused = { $count ->
    [one] Waits: { $name }’s device cannot take it now. It is tried again.
   *[other] { $count } wait: { $name }’s device cannot take them now. They are tried again.
}
waiting-no-answer = { $count ->
    [one] Waits: { $name }’s device does not answer. It is tried again.
   *[other] { $count } wait: { $name }’s device does not answer. They are tried again.
}
waiting-alone = { $count ->
    [one] Waits since { $since }: nobody else is here now. It goes when a member comes.
   *[other] { $count } wait since { $since }: nobody else is here now. They go when a member comes.
}
waiting-unreadable = { $count ->
    [one] Waits since { $since }: this device’s disk does not give it back. It goes when the disk works again.
   *[other] { $count } wait since { $since }: this device’s disk does not give them back. They go when the disk works again.
}

# What of a room's history is here. Members are the others.
syncing = { $count ->
    [one] comparing with 1 member…
   *[other] comparing with { $count } members…
}
complete = You have everything
complete-all = { $members ->
    [one] that the other member has.
   *[other] that all { $members } other members have.
}
complete-some = { $unreachable ->
    [0] that { $agreeing } of { $members } other members have.
    [one] that { $agreeing } of { $members } other members have; 1 unreachable since { $since }.
   *[other] that { $agreeing } of { $members } other members have; { $unreachable } unreachable since { $since }.
}
complete-comparing = Comparing
complete-comparing-sentence = You have everything that { $agreeing } of { $members } other members have. What { $comparing } more have is being compared.
complete-away = { $unreachable } unreachable since { $since }.
complete-beyond = { $beyond ->
    [one] 1 more is here without a connection to you: what they have comes through the others.
   *[other] { $beyond } more are here without a connection to you: what they have comes through the others.
}
complete-unknown = Nobody to compare with
complete-nobody = { $members ->
    [one] The other member is unreachable since { $since }. What they wrote meanwhile comes when you meet.
   *[other] All { $members } other members are unreachable since { $since }. What they wrote meanwhile comes when you meet.
}
complete-alone = You have everything
complete-alone-sentence = Nobody else was seen in this room so far.
refusal-invalid = it is not properly signed
refusal-wrong-conversation = it belongs to another conversation
refusal-clock-ahead = this computer's clock is too far ahead
refusal-not-author = the sender is not its author
refusal-over-quota = its author has written too much in a day
refusal-too-old = the room does not keep what is so old

# Search over all messages
search-messages = Search messages
search-messages-hint = Words, in any script
search-here = Search in here
search-open = Search (Ctrl F)
search-for = Search messages for “{ $text }”
search-invite = Type a word, or choose whose messages and when. Typed, that is from:, in:, after: and before:, such as after:2026-11-01.
search-asking = Searching…
search-found = { $count ->
    [one] 1 message
   *[other] { $count } messages, newest first
}
search-newest = The newest { $count } messages
search-more = Show older ones
search-everywhere = Everywhere
search-everybody = Everybody
search-me = Me
search-any-time = Any time
search-today = Today
search-week = Last 7 days
search-month = Last 30 days
search-year = Last year
search-chat = Chat with { $name }
search-indexing = The search is being prepared: { $percent } %. The newest messages are found already.

# People
person-find = Find somebody
person-find-sentence = Among the people this device has seen, by name or fingerprint.
person-find-hint = Name or fingerprint
person-rename = Rename
person-rename-title = Private name
person-rename-sentence = What do you call { $name }? Only you see it. Leave it empty to use their own name.
person-own-name = Calls themselves { $name }.
contact-is = In your contacts
contact-is-not = Not in your contacts
contact-sentence = Contacts stay in your list while they are away.
contact-add = Ask to be a contact
contact-remove = Remove
fingerprint-sentence = Their fingerprint tells them from others of the same name. Compare it when you meet.
echo-title = Answers without any network
echo-sentence = Echo lives in this program. What you write to it stays on this device.
presence-echo = Answers without any network
presence-echo-short = test messages
presence-online = online since { $since } · { $route }
presence-offline = offline · last seen { $since }
since = since { $since }
route-local = inside this program
route-lan = direct, on this network
route-internet = direct, over the internet
route-mesh = through members of a room
route-local-short = here
route-lan-short = LAN
route-internet-short = internet
route-mesh-short = via room

# Connection
network = Connection
connection-direct = { $people ->
    [one] Direct to 1 person · { $over }
   *[other] Direct to { $people } people · { $over }
}
connection-direct-with-bootstrap = { $people ->
    [one] Direct to 1 person · { $over } · bootstrap{"\u00A0"}reached
   *[other] Direct to { $people } people · { $over } · bootstrap{"\u00A0"}reached
}
connection-direct-without-bootstrap = { $people ->
    [one] Direct to 1 person · { $over } · bootstrap unreachable, going on without it
   *[other] Direct to { $people } people · { $over } · bootstrap unreachable, going on without it
}
connection-broken = Cut off until Kinmesh starts again.
connection-looking = Looking for people…
connection-looking-lan = Looking for people on this network…
connection-alone = At the bootstrap node. Nobody else is here yet.
connection-bootstrap-unreachable = Bootstrap unreachable. Looking for people without it…
reach-lan = LAN
reach-internet = internet
reach-both = LAN and internet
bootstrap-connecting = Connecting…
bootstrap-connected = Connected
bootstrap-unreachable = Not reached, tried again by itself: { $reason }
network-no-bootstrap = No bootstrap node is set. People on this network are found without one.
network-link-hint = kinmesh://join?… or an address
network-follow = Connect
network-own-link = Your own link brings others to this device.

# Settings
settings-profile = You
settings-history = Your history
settings-export = Export everything
settings-export-sentence = One file with your keys, contacts, rooms, all messages and settings, locked by a passphrase. Nobody can help you without it. A file of the same name is replaced.
settings-export-one = One conversation
settings-export-one-sentence = “…” in its header writes one room or chat as Markdown or JSON, without a passphrase.
settings-import = Import
settings-import-sentence = An archive makes a device of its own: start Kinmesh on a new computer, or with --data and a new directory, and choose “I have an archive”.
export-open = Export…
export-title = Export { $title }
export-sentence = The file has no passphrase: whoever opens it can read it. One of the same name is replaced.
export-markdown = Markdown, to read
export-json = JSON, for programs
export-file = Where to, such as ~/Documents/kinmesh.age
export-passphrase = Passphrase
export-again = The same once more
export-mistyped = The two passphrases are not the same.
export-do = Export
export-progress = { $posts ->
    [one] 1 message written…
   *[other] { $posts } messages written…
}
archive-locking = Locking it with the passphrase…
strength-weak = Weak: it can be guessed in a day. Use four rare words or more.
strength-fair = Fair: it takes years to guess.
strength-strong = Strong: nobody guesses it.
settings-look = Look and language
settings-sound = Sound
settings-name = Name
settings-status = Status line
settings-status-hint = One line beside your name, or nothing
settings-fingerprint = Your fingerprint. It tells you from others of the same name.
settings-privacy = Privacy
privacy-receipts = Read receipts
privacy-receipts-sentence = In a chat, the other sees what you have read, and you see what they have read. Both must have this on.
privacy-typing = Typing
privacy-typing-sentence = Others see that you are writing, and you see it of them.
settings-theme = Theme
settings-language = Language
theme-system = As the system
theme-light = Light
theme-dark = Dark
language-system = As the system
sound-microphone = Microphone
sound-opening = Opening the microphone…
sound-speak = Speak: the bar moves when the microphone hears you. Nothing is recorded.
sound-none = No microphone found.
sound-busy = Another program uses the microphone.
sound-denied = The system does not allow this program to use the microphone.
sound-system = The sound system does not answer.

# What went wrong
peer-broken = A fault in Kinmesh has cut you off: nothing is sent or received any more. Your history is safe. Please start Kinmesh again.
store-fault-full = Nothing new can be stored: the disk is full. Messages are not lost, but no new ones are taken until there is room.
store-fault-io = Nothing new can be stored: the disk refuses. Messages are not lost, but no new ones are taken until it works again.
store-fault-damaged = Part of the history is damaged. Start Kinmesh again: it then examines and mends the history.
store-mended = New messages can be stored again.
store-rebuilt-damage = The history was damaged. { $kept } messages and changes could be read and are here; { $lost ->
    [0] as far as can be known, nothing is missing
   *[other] at least { $lost } are missing, and come back from others who have them
}. The damaged history is kept in { $path }.
store-rebuilt-format = The history was written by an earlier version whose { $lost } messages cannot be carried over. They can be read in { $path }.
error-post-unknown = This message is not on this device.
error-post-not-yours = Somebody else wrote this message.
error-post-deleted = This message was deleted.
error-not-an-emoji = A reaction is one emoji.
error-name-empty = A name is needed.
error-name-too-long = The name is too long: at most { $max } characters.
error-name-control = The name holds characters that cannot be seen. Type it again.
error-node-gone = The program is ending.
error-busy = Too much at once. Try again in a moment.
error-store = It could not be stored: { $fault }
error-not-stored-here = It could not be stored here: { $fault }. Others may have it: then it comes back from them.
error-search = The history cannot be searched at the moment.
error-send-empty = There is nothing to send.
error-send-too-long = Too long: this has { $size } KiB, and one message holds { $max } KiB. Shorten it or send it in parts.
error-outbox-full = Too many messages wait to go out. They go when somebody can take them.
error-not-joined = You are not in this room.
error-unknown-person = This person is not known on this device.
error-too-many-rooms = No more than { $max } rooms at once. Leave one first.
error-link = This is not a join link. It starts with kinmesh://join, or is an address that ends in /p2p/ and an id.
error-no-peer-id = The address must end in /p2p/ and the id of who answers there.
error-ourselves = That is this device itself.
error-file = { $file }: { $fault }
error-export = Not exported: { $fault }
error-import = Not imported: { $fault }
error-archive-passphrase = The passphrase is wrong.
error-archive-none = This is not an archive of Kinmesh.
error-archive-newer = A newer Kinmesh wrote this archive: update first.
error-archive-cut = The archive ends too early: part of it is missing.
error-archive-damaged = The archive is damaged, or part of it is missing.
error-archive-work = The passphrase of this archive takes too much memory to check.
error-restore-place = Everything is in { $dir }, and could not be moved from there: { $fault }. Close Kinmesh and start it with --data and that directory.
error-restore-start = Everything is here. Close Kinmesh and start it again: { $fault }
error-restore-broken-off = The import was broken off. Close Kinmesh and start it again.
error-settings = The settings could not be saved: { $fault }

# Days. A day is built here so that every language may order it as it likes.
weekday-short = { $weekday ->
    [mon] Mon
    [tue] Tue
    [wed] Wed
    [thu] Thu
    [fri] Fri
    [sat] Sat
   *[sun] Sun
}
day-short = { $day } { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
}
day-full = { $weekday ->
    [mon] Monday
    [tue] Tuesday
    [wed] Wednesday
    [thu] Thursday
    [fri] Friday
    [sat] Saturday
   *[sun] Sunday
}, { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
}
day-full-year = { $weekday ->
    [mon] Monday
    [tue] Tuesday
    [wed] Wednesday
    [thu] Thursday
    [fri] Friday
    [sat] Saturday
   *[sun] Sunday
}, { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }
