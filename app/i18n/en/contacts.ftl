# Contacts and strangers, wherever they are shown.

terminal-requests-wait = { $count ->
    [one] 1 person asks to be a contact: /requests shows who.
   *[other] { $count } people ask to be contacts: /requests shows who.
}
terminal-no-requests = Nobody asks to be a contact.
terminal-requests-how = /accept PERSON, /decline PERSON (they are not told) or /block PERSON.
terminal-requested = { $who } [{ $fingerprint }] asks to be a contact: /accept, /decline or /block
terminal-no-words = (without words)
terminal-became-contacts = { $who } and you are contacts now.
terminal-accepted-us = { $who } has accepted you.
terminal-declined = Declined. { $who } is not told.
terminal-now-blocked = { $who } is blocked: no connection, no message, and nothing of theirs in rooms. /unblock takes it back.
terminal-now-unblocked = { $who } is no longer blocked. All is as it was before.
terminal-now-verified = { $who } is verified.
terminal-now-unverified = { $who } is no longer verified.
terminal-safety-how = Compare these words with { $who }, face to face or in a call: if they are the same on both sides, nobody stands between you. Then: /verify
terminal-introduced = { $to } is told of { $who }.
terminal-introduces = introduces { $name } [{ $fingerprint }] to you: /add asks them
terminal-asks = asks to be a contact
terminal-asked = asked, not delivered yet
terminal-unanswered = asked, waiting for an answer
terminal-blocked = blocked
terminal-verified = verified
terminal-introduced-by = introduced by { $who }
terminal-named-like = NOT your contact { $contact }: same name, another key
terminal-wait-unanswered = { $place } has your request; they go when it is accepted.
terminal-asking = { $who } is asked to be a contact.
export-introduces = introduces { $name } [{ $fingerprint }]

# In the window.
section-requests = Requests
request-title = { $name } wants to write to you
request-note = { $fingerprint } · { $time }
request-sentence = They see nothing of you yet. If you accept, their message begins your chat. If you decline, they are not told.
request-wordless = wants to write to you
accept = Accept
decline = Decline
block = Block
unblock = Unblock
blocked-sentence = You blocked { $name }: no connection, no message, and nothing of theirs in rooms. They are not told.
stranger-sentence = { $name } is no contact yet. Your first message goes as a request, and begins the chat once it is accepted.
contact-asks = Wants to be a contact
contact-asks-sentence = { $name } waits for your answer.
contact-is-not-sentence = Only your request reaches { $name }, and only theirs reaches you.
contact-asked = Asked to be a contact
contact-asked-sentence = Your request goes to { $name } when you meet.
contact-unanswered = Waiting for an answer
contact-unanswered-sentence = { $name } has your request. What you write waits here until it is accepted.
contact-withdraw = Take back
contact-blocked = Blocked
contact-blocked-sentence = Nothing of { $name } reaches you, and they are not told. All is as before once you unblock them.
introduced-by = Introduced by { $name }.
named-like = Not your contact { $name } ({ $theirs }): the same name, but another key ({ $fingerprint }). Anybody can call themselves that.
verified = Safety number compared
verified-sentence = You compared the safety number: nobody stands between you.
safety-compare = Compare safety number
safety-title = Safety number with { $name }
safety-sentence = Read these words to each other, face to face or in a call, or hold the pictures side by side. If they are the same for { $name }, nobody stands between you.
safety-mark = They are the same
safety-unmark = Take the mark back
introduces = Introduces { $name }
introduced-ask = Ask { $name } to be a contact
introduced-open = Open the chat with { $name }
introduce = Introduce…
introduce-title = Introduce { $name }
introduce-sentence = To whom? They learn what { $name } is called and can ask to be a contact, and the request says that you introduced them.
introduce-nobody = No other contact.
introduced = { $to } is told of { $name }.
waiting-unanswered = waits until { $name } accepts
error-blocked = You have blocked this person.
error-too-long-to-ask = The first message to somebody who has not accepted you yet may be { $max } bytes long; this one has { $size }.
error-echo = Echo lives in this program: it is always a contact.
error-no-request = This person does not ask to be a contact.
error-not-a-contact = Only contacts can be introduced, and only to contacts.
error-not-two-people = Nobody is introduced to themselves, nor to Echo.
