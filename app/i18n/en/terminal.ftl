# The terminal face: `kinmesh chat`.

terminal-you = you

terminal-welcome = You are { $name } [{ $fingerprint }]. /help lists the commands.

terminal-no-name = You have no name yet, so nobody sees you: /name NAME gives you one.

terminal-talking = You are talking to { $place }.

terminal-no-conversation = Nobody would hear that: /join a room or /chat with somebody first.

terminal-line-too-long = A line holds at most { $max } bytes; this one was not sent.

terminal-refused = Not done: { $reason }.

terminal-unknown-command = There is no command /{ $word }; /help lists them.

terminal-usage = Usage: { $usage }

terminal-help =
    Plain lines go to the room or chat you are in; // sends a line that begins with a slash.
    /rooms                     rooms you are in or were in
    /join NAME                 join a room and talk there
    /leave                     leave the room you talk in
    /create NAME               a private room: only who is let in knows of it and can read
    /enter                     enter the private room to which somebody invites here
    /admit PERSON              let a contact into it; /expel puts somebody out
    /admin PERSON              let somebody decide who is in; /unadmin takes it back
    /carry-on                  carry this private room on in a new one, when all admins are gone
    /found NAME                a public room of which you are the first admin
    /door open|knock           who may write there: everybody, or whom an admin let in
    /slow 30s|10m|off          how long everybody but admins waits between two messages
    /keep 30d|ever             for how long what is said is kept
    /picture FILE|off          give the room a picture (PNG or JPEG), or take it away
    /hide last|N|sN [REASON]   hide a message from everybody; /unhide takes it back
    /silence PERSON 10m|3h|7d  show nothing that somebody writes; /unsilence takes it back
    /knock [TEXT]              ask the admins to let you in; /turnaway PERSON declines who asks
    /look N|sN                 show a message that is hidden
    /fold last|N|sN            hide a message for you alone; /unfold takes it back
    /skip PERSON               hide what somebody writes here for you alone; /unskip
    /who                       who is in the room
    /people                    everybody you know of
    /chat PERSON               talk with one person from now on
    /msg PERSON TEXT           one message to one person; names with spaces stand in "..."
    /history [N]               the last N messages here, numbered from the newest
    /search WORDS              find messages anywhere; from:NAME in:ROOM after:2026-11-01
                               before:2026-12-01 narrow it; they are numbered s1, s2, ...
    /more                      older ones that were found
    /go sN                     talk where that one was said, and see what was said around it
    /reply last|N|sN TEXT      answer a message
    /edit last|N|sN TEXT       give a message of yours another text
    /delete last|N|sN          take a message of yours back, for everyone
    /edits last|N|sN           what a message said before
    /react last|N|sN EMOJI     put an emoji to a message; /unreact takes it back
    /export FILE.md|FILE.json  this conversation as a file for people, or for programs
    /export all FILE           everything of yours in an archive, sealed with a passphrase
    /receipts on|off           whether others learn what you have read, and you of them
    /typing on|off             whether others see that you are writing, and you of them
    /requests                  who asks to be a contact
    /accept PERSON             let them in; /decline turns them away and does not tell them
    /block PERSON              keep somebody out altogether; /unblock takes it back
    /contacts                  your contacts
    /add PERSON                ask somebody to be a contact
    /rename PERSON [NICKNAME]  your own name for somebody; nothing takes it back
    /remove PERSON             remove a contact
    /safety PERSON             words to compare with somebody, so that nobody stands between you
    /verify PERSON             note that they are the same; /unverify takes it back
    /introduce PERSON TO-WHOM  pass a contact on to another contact
    /link                      a link that brings others here
    /invite [here] [3h|7d|forever] [N|any] [FILE.kinmesh]
                               invite somebody to a chat with you, or here into this room
    /invites                   invitations you made, i1, i2, ..., and opened, o1, o2, ...
    /revoke iN|oN              take one back, or give one up
    /open LINK|FILE            open an invitation or another link
    /connect LINK              enter the mesh through somebody's link or address
    /status                    how you stand with the network
    /call PERSON               ring a contact; /call alone says how the call goes
    /accept                    take the call that rings; /decline [WORDS] turns it down,
                               /ignore lets it ring there and not here
    /hangup                    leave the call
    /mute, /deafen, /hold      be silent, hear nobody, both until you come back
    /volume PERSON PERCENT     how loud you hear somebody
    /bring PERSON              ring one more contact for the call; /transfer rings them for you
    /voice                     enter the voice channel of the room you talk in
    /talk                      be heard or not, where you talk with a key: /sound send key
    /sound                     check the microphone and the loudspeaker; /sound devices lists them
    /name NAME                 what others see you called
    /about [TEXT]              the line others see beside your name
    /quit                      end

terminal-time-unknown = ??:??

terminal-unreadable = (written by a later version of Kinmesh)

terminal-deleted = (deleted)

terminal-edited = (edited)

terminal-gap = (something is missing here; it comes when somebody who has it is reached)

terminal-answers = (answers { $who }: { $text })

terminal-no-such-message = There is no such message here; /history numbers them.

terminal-found-nothing = Nothing was found.

terminal-found-more = /more shows older ones.

terminal-no-search = There is nothing more: /search WORDS looks for something.

terminal-no-such-hit = The last search has no such number.

terminal-search-progress = The search index is being made anew, { $indexed } of { $total } messages and changes so far; the newest are found first.

terminal-search-whole = A search finds everything again.

terminal-writing = { $who } is writing …

terminal-receipts = Read receipts are { $state }.

terminal-typing-shared = Telling that somebody writes is { $state }.

terminal-read = read

terminal-waiting = { $count ->
    [one] 1 message waits: { $reason }
   *[other] { $count } messages wait: { $reason }
}

terminal-wait-sending = they are on their way.

terminal-wait-offline = { $place } is offline since { $time }; they go when you meet.

terminal-wait-connecting = connecting to { $place }.

terminal-wait-refused = the device of { $place } cannot take them now; they go by themselves.

terminal-wait-no-answer = { $place } does not answer; they go by themselves.

terminal-wait-alone = nobody else is here; they go when somebody comes.

terminal-wait-unreadable = they cannot be read from this device's disk; they go when it works again.

terminal-complete = complete with { $agreeing } of { $members } others

terminal-unreachable = { $count ->
    [one] 1 away since { $time }
   *[other] { $count } away since { $time }
}

terminal-queued = queued

terminal-sent = { $members ->
    [one] sent to 1 member
   *[other] sent to { $members } members
}

terminal-delivered = delivered

terminal-failed = failed: { $reason }

terminal-refused-invalid = the other side says it is not properly signed

terminal-refused-conversation = the other side says it belongs to another conversation

terminal-refused-clock = your clock is ahead of theirs by minutes

terminal-refused-author = the other side says you are not its author

terminal-refused-quota = you have written more in a day than anybody keeps

terminal-not-sent = { $count ->
    [one] 1 message has not left this device yet.
   *[other] { $count } messages have not left this device yet.
}

terminal-lagged = { $missed } events came too fast to show; /history has the messages.

terminal-online = here since { $time }

terminal-offline = last seen { $time }

terminal-own-name = calls themselves { $name }

terminal-contact = contact

terminal-route-local = on this device

terminal-route-lan = local network

terminal-route-internet = internet

terminal-route-mesh = through fellow members

terminal-room-numbers = { $members ->
    [one] 1 member
   *[other] { $members } members
}, { $online } here, { $unread } unread

terminal-room-left = left

terminal-no-rooms = You are in no room: /join lobby is a good start.

terminal-not-in-a-room = You are talking in no room.

terminal-left = You left { $place }; its history stays here.

terminal-nobody = Nobody yet.

terminal-nobody-called = Nobody here is called { $name }; /people lists everybody.

terminal-many-called = That could be several people; use the fingerprint instead of the name:

terminal-no-history = Nothing was said here yet.

terminal-added = { $who } is a contact now.

terminal-removed = { $who } is no contact any more.

terminal-renamed = You see them as { $name } now.

terminal-nickname-gone = You see them under their own name again.

terminal-connecting = Connecting; /status tells how it goes. It is remembered for the next start.

terminal-named = You are called { $name } now.

terminal-about-set = Others see it beside your name now.

terminal-member-joined = { $who } is in { $place }

terminal-member-left = { $who } left { $place }

terminal-peers = Connected peers: { $lan } on the local network, { $internet } over the internet.

terminal-no-bootstrap = No bootstrap node is configured: /connect LINK adds one. Peers on the local network need none.

terminal-listening = Listening on { $address }

terminal-bootstrap-connecting = connecting

terminal-bootstrap-connected = connected

terminal-bootstrap-unreachable = not reached, tried again by itself: { $reason }

terminal-store-works = The history store works again.
