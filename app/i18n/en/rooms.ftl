# Private rooms, on all faces.

invites-to = Invites you to the private room { $name }

invites-to-yours = Invitation to the private room { $name }

entry-sealed = Sealed with a key that is not here

error-room-not-in = You are not in this room.

error-room-not-admin = Only admins of the room decide that.

error-room-is-member = You are in the room already.

error-room-no-member = They are not in the room.

error-room-last-admin = A room needs an admin: make somebody else one first.
error-room-senior = They founded the room, or you are an admin through them: you cannot take that from them.
error-room-is-public = That is a public room.
error-room-log-full = So much was decided in this room that it takes no more.

error-room-too-many = At most { $max } people at once.

error-room-no-invitation = There is no such invitation.

error-room-no-key = The room's key is not here yet: it comes from a member who is connected.

terminal-invites-to = invites you to the private room { $name }: /enter opens it

terminal-sealed = (sealed with a key that is not here)

terminal-admitted = { $who } is let in.

terminal-expelled = { $who } is put out. They keep what they have, and read nothing more.

terminal-made-admin = { $who } is an admin now.

terminal-made-member = { $who } is no admin any more.

terminal-carries-on = carries on { $room }

terminal-carried-on-in = carried on in { $room }

terminal-admin = admin

terminal-private = private

terminal-private-admin = private, you are an admin

terminal-private-awaits-log = private, waiting for a member to bring it

terminal-private-awaits-key = private, waiting for a member to give the key

terminal-private-out = private, you are not in it any more

room-private = Private room

room-private-sentence = Only its members can read. Newcomers get what was written before. Who is put out keeps what they have.

room-private-keeps-past-sentence = Only its members can read. Newcomers read from when they came. Who is put out keeps what they have.

room-awaits-log = Waiting for a member who brings the room here.

room-awaits-key = Waiting for a member who gives the newest key.

room-out = You are not in it any more. What you have of it stays.

room-admin = You are an admin

room-admin-sentence = You decide who is in. An invitation is a link that lets its bearer in while this device can be reached.

room-role-admin = Admin

room-admit = Let a contact in

room-admit-sentence = They get an invitation in your chat with them. Who is in already gets it again.

room-admit-nobody = No other contact.

room-admitted = { $name } is let in.

room-make-admin = Make admin

room-make-member = No admin any more

room-expel = Put out

room-enter = Enter the room

room-open = Open the room

room-new = New private room

room-new-instead = A private room instead

room-new-do = Create

room-new-sentence = Only who is let in knows of it and can read. You can let people in as soon as it is there.

room-topic = What it is about (may be empty)

room-keeps-past = Keep the past from newcomers

room-keeps-past-sentence = They read what is written from when they came.

room-left-private = You are not in this room any more.

invite-to-private-room = { $name } invites you into a private room on Kinmesh.

invite-private-room-sentence = Whoever has the link is let into this room, and becomes a contact of yours, while this device can be reached.

link-private-room-sentence = It leads into a private room of { $name } (key { $fingerprint }). They will see your name, you will be in each other's contacts, and the room opens when the two of you are online.

room-subtitle-private = { $members }, { $online } online · private room

room-invited-again = { $name } gets the invitation again.

room-carries-on = Carries on { $name }

room-carries-on-sentence = What was written there before stays there.

room-carried-on-in = Carried on in { $name }

room-carried-on-in-sentence = This room stays as it is, with what was written in it.

room-carry-on-title = If nobody decides any more

room-carry-on = Carry this room on

room-carry-on-short = When all admins are gone for good, any member can carry the room on in a new one.

room-carry-on-sentence = A new private room is made, called and kept like this one. You decide in it. Whoever is in this room finds an invitation here. This room stays as it is, with what was written in it.

room-carry-on-do = Carry on

room-picture = Picture

room-picture-title = Picture of the room

room-picture-sentence = A PNG or JPEG. Its middle is made small; everybody who is in the room sees it. Nothing else in the file goes out, such as where a photo was taken.

room-picture-file = Picture file

room-picture-do = Use it

room-picture-remove = Remove the picture

error-picture-none = That is not a picture in PNG or JPEG.

error-picture-too-large = That picture is too large: at most 64 MiB and 16,384 pixels a side.

terminal-picture-set = The room has this picture now.

terminal-picture-gone = The room has no picture now.
