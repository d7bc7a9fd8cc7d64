# Invitations: made, opened, taken back; what a link leads to.

invite-to-room = { $name } invites you into the room #{ $room } on Kinmesh.

invite-to-chat = { $name } invites you to a chat on Kinmesh.

invites-title = Invitations

invite-new = Invite somebody

invite-new-room = Invite into #{ $room }

invite-chat-sentence = Whoever opens it chats with you, and you are in each other's contacts.

invite-room-sentence = Whoever opens it is in the room. The room is public: an invitation brings people together and keeps nobody out.

invite-valid = Good for

expiry-hour = an hour

expiry-day = a day

expiry-week = a week

expiry-never = ever

invite-people = For

uses-one = one person

uses-ten = ten people

uses-any = anybody

invite-make = Make invitation

invite-give = Show the picture to a camera, or send the link or the file by any other way.

invite-no-picture = This invitation is too long for a picture: send the link or the file.

invite-copy = Copy link

invite-copied = Invitation copied

invite-file = Where the file goes

invite-save = Save as file

invite-saved = The invitation is in { $file }.

invite-until = good until { $time }

invite-for-ever = good until it is taken back

invite-left = { $count } of { $of } left

invite-any-left = for anybody, used by { $used }

invite-not-counted = open to everybody

invite-expired = expired

invite-used-up = used by everybody it was for

invite-for-chat = A chat with you

invite-show = Show

invite-revoke = Take back

invite-forget = Remove

invite-none = You have made no invitations.

invites-made = Made by you

invites-opened = Opened by you

invite-dismiss = Dismiss

invites-handler = Open kinmesh:// links with this program

invites-handler-sentence = Links and invitation files that you click on this desktop come here.

opening-waiting = Waiting for { $name } to come online

opening-asking = Asking { $name }…

opening-expired = { $name }'s invitation had expired when you two met

opening-used-up = { $name }'s invitation was used up by others

opening-revoked = { $name } has taken the invitation back

opening-unknown = { $name } does not know of this invitation

link-open = Open a link

link-open-do = Open

link-chat-sentence = It leads to a chat with { $name } (key { $fingerprint }). They will see your name, and you will be in each other's contacts.

link-room-sentence = It leads into the public room #{ $room }. { $name } (key { $fingerprint }) made it.

link-way-sentence = { $count ->
    [one] It leads into the mesh through one address.
   *[other] It leads into the mesh through { $count } addresses.
}

link-way-room-sentence = { $count ->
    [one] It leads into the public room #{ $room }, through one address.
   *[other] It leads into the public room #{ $room }, through { $count } addresses.
}

link-expires = Good until { $time }.

error-invite-damaged = This invitation is damaged: letters are missing or wrong. Copy it once more, from its first letter to its last.

error-invite-newer = This invitation was made by a newer version of Kinmesh than yours.

error-invite-expired = This invitation has expired. Ask for a new one.

error-invite-not = This is not a Kinmesh invitation.

error-invite-blocked = This invitation is from somebody you blocked. Unblock them first.
error-invite-own = This is an invitation of your own: it is for others.

error-openings-full = Too many opened invitations wait already. Dismiss some in the settings.

error-invites-full = There are too many invitations. Take some of them back in the settings.

error-invite-unknown = There is no such invitation any more.

error-invite-name = Give yourself a name first: an invitation says who invites.

error-invite = The invitation cannot be made: { $fault }

error-invite-file = The file cannot be used: { $fault }

toast-invite-used = { $name } has used your invitation: you are in each other's contacts.

toast-opening-accepted = { $name } has let you in: you are in each other's contacts.

terminal-invite-saved = It is in { $file }, too.

terminal-no-invites = You have made no invitation, and none that you opened waits. /invite makes one.

terminal-no-such-invite = /invites lists no such invitation.

terminal-invite-revoked = It is good no more.

terminal-arrived = You were given a link: { $words } /open follows it.

terminal-way = { $count ->
    [one] A way into the mesh through one address{ $room }.
   *[other] A way into the mesh through { $count } addresses{ $room }.
}

terminal-invite-used = { $who } has used your invitation: you are in each other's contacts.

terminal-invite-accepted = { $who } has let you in: you are in each other's contacts.

terminal-invite-chat = a chat with you

terminal-invite-expired = expired

terminal-invite-used-up = used up

terminal-invite-left = { $count ->
    [one] 1 use left
   *[other] { $count } uses left
}

terminal-invite-any = for anybody

terminal-invite-until = good until { $time }

terminal-invite-forever = good until it is taken back

terminal-invite-waits = Waiting for { $who } to come online.

terminal-invite-asking = Asking { $who }.

terminal-invite-refused-expired = { $who }: the invitation had expired when you two met.

terminal-invite-refused-used-up = { $who }: the invitation was used up by others.

terminal-invite-refused-revoked = { $who }: the invitation was taken back.

terminal-invite-refused-unknown = { $who }: the invitation is not known there.

presence-never = you have not met yet

waiting-never = { $count ->
    [one] Waits for { $name } to come online. It goes when you meet.
   *[other] { $count } wait for { $name } to come online. They go when you meet.
}

terminal-wait-never = you have not met { $place } yet
