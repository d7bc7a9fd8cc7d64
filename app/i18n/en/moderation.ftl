# Moderation, on all faces.

entry-withheld = Hidden

withheld-hidden = Hidden by { $who }

withheld-hidden-reason = Hidden by { $who }: { $reason }

withheld-muted = Not shown: { $who } muted its author

withheld-put-out = Not shown: { $who } put its author out

withheld-not-let-in = Not shown: its author was not let in

withheld-too-soon = Not shown: its author did not wait as this room asks

withheld-entry = Hidden by you, for you alone

withheld-author = Hidden: you do not want to see this person here

withheld-look = Show anyway

hide-here = Hide for me

show-here = Show again for me

hide-author-here = Hide this person for me

show-author-here = Show this person again

hide-everyone = Hide for everyone

show-everyone = Show to everyone again

error-muted = An admin of this room muted you. Try again later.

error-put-out = An admin put you out of this room.

error-not-let-in = An admin of this room has to let you in first.

error-too-soon = This room asks everybody to wait: { $seconds } more seconds.

error-hidden-full = So much is hidden in this room that it takes no more.

error-hide-count = Not so many messages at once.

error-too-slow = Nobody is made to wait for longer than an hour.
error-keeps-too-long = A room keeps what is said for at most 3650 days, or for ever.

error-knock-is-in = You are in this room already.

error-knock-none = They do not ask to be let in any more.

error-knock-too-long = At most { $max } bytes can be said.

founded = Public room with admins

founded-open-sentence = Anybody who has its link can enter, read and write. Its admins can hide messages, mute people and put them out.

founded-knock-sentence = Anybody who has its link can come and listen. Who wants to write and see what was written is let in by an admin.

founded-by = Founded by { $name } (key { $fingerprint }).

founded-knocks = { $name } wants to be let in

founded-knock = Ask to be let in

founded-stop-knocking = No longer ask

founded-outside-sentence = An admin has to let you in.

founded-knocking-sentence = You asked to be let in. An admin sees it when you are connected.

founded-put-out-sentence = An admin put you out of this room.

room-subtitle-founded = { $members }, { $online } online · public room with admins

room-is-public = Public

room-is-public-sentence = Anybody who has the link can enter; you moderate.

room-is-knocked-at = People knock

room-is-knocked-at-sentence = Who wants to write asks an admin first.

room-is-slow = Slow mode

room-is-slow-sentence = Everybody but admins waits 30 seconds between two messages.

room-new-public-sentence = Anybody who has its link can enter and read. You are its first admin: you can hide messages, mute people and put them out.

room-rules = Rules

room-slow-on = Slow mode on

room-slow-off = Slow mode off

room-slow-sentence = Everybody but admins waits { $seconds } seconds between two messages.

room-not-slow-sentence = Nobody has to wait between two messages.

room-door-knock = People must knock

room-door-open = Open to everybody

room-mute = Mute for 1 h

room-unmute = Unmute

link-founded-room-sentence = It leads into the public room { $room }, to which { $name } (key { $fingerprint }) invites you. Everybody there will see your name.

terminal-founded = public with admins

terminal-founded-knock = public with admins, who writes is let in

terminal-founded-awaits-log = public with admins, waiting for a member to bring it

terminal-founded-outside = public with admins, you have to /knock

terminal-founded-knocking = public with admins, you knock

terminal-founded-put-out = public with admins, you were put out

terminal-nobody-decides = Nobody decides about this room.

terminal-rule-set = It is so from now on.

terminal-hidden = Hidden from everybody; /unhide takes it back.

terminal-shown = Shown again.

terminal-folded = Hidden for you alone; /unfold takes it back.

terminal-unfolded = Shown again.

terminal-muted = { $who } is muted; /unsilence takes it back.

terminal-unmuted = { $who } may write again.

terminal-is-muted = muted until { $time }

terminal-ignored = You no longer see what { $who } writes here; /unskip takes it back.

terminal-unignored = You see what { $who } writes here.

terminal-knocking = You asked to be let in. An admin sees it when you are connected.

terminal-turned-away = { $who } is turned away, and is not told.

terminal-knocks = { $who } wants to be let into { $place }: { $text } (/admit or /turnaway)

# What a room keeps
room-kept = What is kept

room-keeps-all-sentence = Everything that is said is kept.

room-keeps-sentence = What is older than { $days } days is removed from every member's device. A shorter time than before takes hold after a week.

room-keep-ever = For ever

room-keep-days = { $days } days
