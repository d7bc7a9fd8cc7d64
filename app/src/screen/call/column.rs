//! The call that goes on as a column: with whom, how it goes, what can be done about it.

use iced::widget::{Column, button, column, container, row, scrollable, slider, space, text};
use iced::{Center, Fill, Padding};
use kinmesh_core::{CallState, CallView, PartyView};
use kinmesh_model::{Face, call as model, initial};
use kinmesh_proto::{ConversationId, PersonId, SafetyNumber, limits};

use super::bar::{deafening, ending, holding, is_standing, muting, talk};
use super::{Message, State, only_other, tone};
use crate::calls::{self, Quality};
use crate::i18n::{tr, tr_args};
use crate::screen::devices::choose;
use crate::screen::dialog::safety;
use crate::screen::{Cx, words};
use crate::settings::{Activation, Sound};
use crate::theme::button::Round;
use crate::theme::{self, Theme, column as width, side, size, space as gap};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, AvatarSize, Element, Icon};

/// As loud as they come.
pub(super) const FULL_PERCENT: f32 = 100.0;
/// The loudest that the slider offers: what is quiet at twice its loudness is quiet for another reason.
const LOUDEST_PERCENT: u16 = 200;
/// A step of the slider.
const STEP_PERCENT: u16 = 5;
/// Words of a safety number in a line: twelve make six lines in a narrow column.
const WORDS_PER_LINE: usize = 2;

/// Draws it.
pub(super) fn view<'a>(
    state: &'a State,
    call: &'a CallView,
    sound: &Sound,
    cx: &'a Cx,
) -> Element<'a, Message> {
    let close = widget::icon_button(Icon::Close, false, tr("call-column-close"), Message::ToggleColumn);
    let head = container(row![space::horizontal(), close]).padding([gap::S, gap::S]);
    let content = column![]
        .push(with_whom(state, call, cx))
        .push(buttons(state, call))
        .push(others(call))
        .push(is_standing(call).then(|| about(state, call, sound, cx)))
        .spacing(gap::L)
        .padding(Padding::from(gap::L).top(0.0))
        .width(Fill);
    let content = column![head, scrollable(content).height(Fill)];
    container(content).height(Fill).style(theme::container::panel).into()
}

/// With one other: their face, name, and how far it is. With several: the place, and each of them.
fn with_whom<'a>(state: &State, call: &CallView, cx: &Cx) -> Element<'a, Message> {
    let far = text(words::calls::state(call, cx.clock.now_ms()));
    let far = far.size(size::TEXT).style(theme::text::secondary).align_x(Center);
    let transfer = call.transfer_to.map(|to| {
        let name = [("name", cx.names.face(to).full_name().into())];
        widget::secondary(tr_args("call-transferring", &name)).align_x(Center)
    });
    let about = match only_other(call, cx) {
        Some(face) => one(state, call, &face).push(far),
        None => {
            let title = match call.conversation {
                ConversationId::Room(_) | ConversationId::Control(_) => words::calls::who(call, cx),
                ConversationId::Direct(_) => {
                    tr_args("call-of", &[("count", (call.parties.len() + 1).into())])
                }
            };
            column![text(title).size(size::TITLE).font(theme::SEMIBOLD), far].spacing(gap::XS)
        }
    };
    about.push(transfer).width(Fill).align_x(Center).into()
}

fn one<'a>(state: &State, call: &CallView, face: &Face) -> Column<'a, Message, Theme> {
    let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Call, None);
    let name = text(face.name.clone()).size(size::TITLE).font(theme::SEMIBOLD);
    let fingerprint = face.name_clashes.then(|| widget::secondary(face.fingerprint.clone()));
    let marks = call.parties.first().and_then(marks).map(widget::secondary);
    column![widget::speaking(avatar, state.anybody_speaks(call)), widget::name(name, face.verified)]
        .push(fingerprint)
        .push(marks)
        .spacing(gap::S)
        .align_x(Center)
}

/// That somebody is silent or holds the call, in words.
fn marks(party: &PartyView) -> Option<String> {
    let marks = [party.muted.then(|| tr("call-party-muted")), party.held.then(|| tr("call-party-held"))];
    let marks: Vec<_> = marks.into_iter().flatten().collect();
    (!marks.is_empty()).then(|| marks.join(", "))
}

/// The round buttons in a row.
fn buttons<'a>(state: &State, call: &CallView) -> Element<'a, Message> {
    let switch = |(icon, words): (Icon, String), on, message| {
        widget::round_button(icon, if on { Round::On } else { Round::Off }, words, message)
    };
    let deafened = state.sound.deafened;
    let parts = is_standing(call).then(|| {
        row![
            switch(muting(call.muted), call.muted, Message::Mute(!call.muted)),
            switch(deafening(deafened), deafened, Message::Deafen(!deafened)),
            switch(holding(call.held), call.held, Message::Hold(!call.held)),
        ]
        .spacing(gap::L)
    });
    let end = widget::round_button(Icon::HangUp, Round::End, ending(call), Message::HangUp);
    container(row![].push(parts).push(end).spacing(gap::L)).center_x(Fill).into()
}

/// Whom else one can bring into it.
fn others<'a>(call: &CallView) -> Option<Element<'a, Message>> {
    let is_private = matches!(call.conversation, ConversationId::Direct(_)) && is_standing(call);
    let add = (is_private && call.parties.len() + 1 < limits::CALL_PARTY_MAX)
        .then(|| with_icon(Icon::AddPerson, tr("call-add"), Message::Add));
    let transfer = (is_private && !model::is_shared(call) && call.transfer_to.is_none())
        .then(|| with_icon(Icon::HandOver, tr("call-transfer"), Message::Transfer));
    (add.is_some() || transfer.is_some()).then(|| {
        let links = row![].push(add).push(transfer).spacing(gap::S);
        container(links).center_x(Fill).into()
    })
}

fn with_icon<'a>(icon: Icon, words: String, message: Message) -> Element<'a, Message> {
    let words = text(words).size(size::SECONDARY).font(theme::MEDIUM);
    let face = row![icon.view(side::ICON_MARK).style(theme::icon::quiet), words];
    button(face.spacing(gap::S).align_y(Center))
        .padding([gap::S, gap::M])
        .style(theme::button::quiet)
        .on_press(message)
        .into()
}

/// How it goes, who is in it and how loud, with what one hears, and whether it is them.
fn about<'a>(state: &'a State, call: &'a CallView, sound: &Sound, cx: &'a Cx) -> Element<'a, Message> {
    let key = (state.sound.activation == Activation::PushToTalk).then(|| {
        let words = widget::secondary(tr("call-talk-sentence"));
        widget::card(column![talk(state), words].spacing(gap::S))
    });
    column![]
        .push(state.fault(call).map(fault_card))
        .push(key)
        .push(quality(state, call, cx))
        .push(people(state, call, cx))
        .push(devices(state, sound))
        .push(verification(state, call, cx))
        .spacing(gap::M)
        .into()
}

fn fault_card<'a>(words: String) -> Element<'a, Message> {
    widget::card(text(words).size(size::SECONDARY).line_height(theme::LINE).style(theme::text::bad))
}

/// How it goes in words; the figures where they are wanted.
fn quality<'a>(state: &State, call: &CallView, cx: &Cx) -> Option<Element<'a, Message>> {
    let quality = state.quality(call)?;
    let words = match quality {
        Quality::Unknown => calls::words::quality(quality),
        _ => tr_args("call-quality", &[("quality", calls::words::quality(quality).into())]),
    };
    let words = text(words).size(size::SECONDARY).font(theme::MEDIUM);
    let more = if state.shows_figures { "call-figures-hide" } else { "call-figures-show" };
    let more = widget::link(tr(more), Message::ToggleFigures);
    let line = row![widget::dot(tone(quality)), words.width(Fill), more].spacing(gap::S).align_y(Center);
    let figures = state.shows_figures.then(|| figures(state, call, cx));
    Some(widget::card(column![line].push(figures).spacing(gap::S)))
}

fn figures<'a>(state: &State, call: &CallView, cx: &Cx) -> Element<'a, Message> {
    let is_shared = model::is_shared(call);
    let of_parties = model::company(call, &cx.names).into_iter().filter_map(|(party, face)| {
        let figures = calls::words::figures(state.figures_of(call, party.person)?);
        let named = if is_shared { format!("{}: {figures}", face.full_name()) } else { figures };
        Some(widget::secondary(named).into())
    });
    let own = state.sound_of(call).map(|sound| {
        let kbps = sound.figures.own.bitrate_bps / 1000;
        widget::secondary(tr_args("call-figures-own", &[("kbps", kbps.into())])).into()
    });
    column(of_parties.chain(own).collect::<Vec<_>>()).spacing(gap::S).into()
}

/// Everybody in a call, and how loud each is.
fn people<'a>(state: &State, call: &CallView, cx: &Cx) -> Option<Element<'a, Message>> {
    let company = model::company(call, &cx.names);
    if company.is_empty() {
        return Some(widget::card(widget::secondary(tr("call-voice-alone"))));
    }
    if let ([(party, _)], true) = (company.as_slice(), only_other(call, cx).is_some()) {
        let words = text(tr("call-volume")).size(size::SECONDARY).font(theme::SEMIBOLD);
        return Some(widget::card(column![words, volume(state, party.person)].spacing(gap::XS)));
    }
    let rows = company.into_iter().map(|(party, face)| person(state, call, &party, &face));
    Some(widget::card(column(rows).spacing(gap::M)))
}

fn person<'a>(state: &State, call: &CallView, party: &PartyView, face: &Face) -> Element<'a, Message> {
    let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Small, None);
    let avatar = widget::speaking(avatar, state.speaks(call, party));
    let name = ellipsis(face.full_name()).size(size::NAME).font(theme::SEMIBOLD);
    let far = words::calls::party(party.state).or_else(|| marks(party));
    let is_heard = far.is_none() || party.muted || party.held;
    let far = far.map(|words| text(words).size(size::CAPTION).style(theme::text::secondary).into());
    let icons = [party.muted.then_some(Icon::MicrophoneOff), party.held.then_some(Icon::Hold)];
    let icons =
        icons.into_iter().flatten().map(|icon| icon.view(side::ICON_MARK).style(theme::icon::quiet).into());
    let end = row(icons.chain(far).collect::<Vec<_>>()).spacing(gap::XS).align_y(Center);
    let volume = is_heard.then(|| volume(state, party.person));
    let lines = column![widget::ends(name, Some(end.into()))].push(volume);
    row![avatar, lines.width(Fill)].spacing(gap::S).align_y(Center).into()
}

/// How loud somebody is played.
fn volume<'a>(state: &State, person: PersonId) -> Element<'a, Message> {
    let factor = state.sound.volumes.get(&person).copied().unwrap_or(1.0);
    let percent = (factor * FULL_PERCENT).round() as u16;
    let slide = slider(0..=LOUDEST_PERCENT, percent, move |percent| Message::Volume(person, percent));
    let slide = slide.step(STEP_PERCENT).shift_step(1_u16).height(side::HANDLE);
    let number = text(tr_args("percent", &[("number", percent.into())])).size(size::CAPTION);
    let number = number.style(theme::text::secondary).width(width::PERCENT).align_x(iced::Right);
    row![slide, number].spacing(gap::S).align_y(Center).into()
}

/// Another microphone or loudspeaker, in the middle of the call.
fn devices<'a>(state: &State, sound: &Sound) -> Option<Element<'a, Message>> {
    let device = |words: &str, list: Option<Element<'a, Message>>| {
        let words = text(tr(words)).size(size::SECONDARY).font(theme::SEMIBOLD);
        list.map(|list| column![words, list].spacing(gap::XS))
    };
    let input = device("sound-microphone", choose(&state.inputs, sound.input.as_deref(), Message::Input));
    let output = device("sound-speaker", choose(&state.outputs, sound.output.as_deref(), Message::Output));
    (input.is_some() || output.is_some())
        .then(|| widget::card(column![].push(input).push(output).spacing(gap::M)))
}

/// Words to read to each other: who hears the right ones talks with the right person.
fn verification<'a>(state: &State, call: &CallView, cx: &Cx) -> Option<Element<'a, Message>> {
    let face = only_other(call, cx).filter(|_| matches!(call.state, CallState::Active { .. }))?;
    let person = call.parties.first()?.person;
    if cx.person(person).is_none_or(|person| person.is_echo) {
        return None;
    }
    let name = [("name", face.name.as_str().into())];
    let (title, sentence) = match face.verified {
        true => (tr("verified"), tr_args("call-words-verified", &name)),
        false => (tr("call-words"), tr_args("call-words-sentence", &name)),
    };
    let title = text(title).size(size::SECONDARY).font(theme::SEMIBOLD);
    let number = SafetyNumber::of(cx.overview.me.person, person);
    let words = state.shows_words.then(|| safety::words(&number, WORDS_PER_LINE));
    let same = (state.shows_words && !face.verified)
        .then(|| widget::primary(tr("safety-mark"), Some(Message::Verify(person))));
    let toggle = if state.shows_words { "call-words-hide" } else { "call-words-show" };
    let toggle = widget::link(tr(toggle), Message::ToggleWords);
    let actions = row![toggle, space::horizontal()].push(same).align_y(Center);
    Some(widget::card(column![title, widget::secondary(sentence)].push(words).push(actions).spacing(gap::S)))
}
