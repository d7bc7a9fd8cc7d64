//! What stands in a chat with somebody who is no contact: what they ask, what we asked, or that they
//! are blocked.

use iced::widget::{column, container, row, space, text};
use iced::{Center, Fill, Padding};
use kinmesh_core::{Acquaintance, OpeningView, PersonView, RequestView};
use kinmesh_model::initial;
use kinmesh_proto::ConversationId;

use super::Message;
use crate::i18n::{tr, tr_args};
use crate::screen::contact::{self, Act};
use crate::screen::{Cx, words};
use crate::theme::{self, column as width, size, space as gap};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, AvatarSize, Element, emoji};

/// In the place of the history: what somebody asks who waits for our answer.
pub(super) fn request<'a>(person: &'a PersonView, cx: &'a Cx) -> Option<Element<'a, Message>> {
    let request = cx.overview.requests.iter().find(|request| request.person == person.person)?;
    let card = container(card(person, request, cx)).max_width(width::REQUEST);
    Some(container(card).center(Fill).padding(gap::XL).into())
}

fn card<'a>(person: &'a PersonView, request: &'a RequestView, cx: &'a Cx) -> Element<'a, Message> {
    let face = cx.names.face(person.person);
    let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Large, Some(face.online));
    let title = tr_args("request-title", &[("name", face.name.clone().into())]);
    let at = words::moment(cx.clock.moment(request.received_ms));
    let note = tr_args("request-note", &[("fingerprint", face.fingerprint.into()), ("time", at.into())]);
    let lines = column![
        ellipsis(title).size(size::TEXT).font(theme::SEMIBOLD),
        ellipsis(note).size(size::CAPTION).style(theme::text::secondary),
    ];
    let said = request
        .text
        .as_deref()
        .map(|words| text(words).size(size::TEXT).font(emoji::font(words)).line_height(theme::LINE));
    let by = contact::introduced_by(request.introduced_by, cx).map(widget::secondary);
    let warning = contact::warning(person, cx).map(warn);
    let about = text(tr("request-sentence")).size(size::CAPTION).style(theme::text::secondary);
    let act = |act| Message::Contact(person.person, act);
    let actions = row![
        widget::danger(tr("block"), act(Act::Block)),
        space::horizontal(),
        widget::quiet(tr("decline"), act(Act::Decline)),
        widget::primary(tr("accept"), Some(act(Act::Accept))),
    ];
    let content = column![row![avatar, lines.width(Fill)].spacing(gap::M).align_y(Center)]
        .push(warning)
        .push(by)
        .push(said)
        .push(about.line_height(theme::LINE))
        .push(actions.spacing(gap::S).align_y(Center));
    container(content.spacing(gap::M)).padding(gap::L).style(theme::container::card).into()
}

fn warn<'a>(words: String) -> Element<'a, Message> {
    text(words).size(size::SECONDARY).line_height(theme::LINE).style(theme::text::bad).into()
}

/// In the place of the composer: that somebody is blocked.
pub(super) fn blocked<'a>(person: &PersonView) -> Element<'a, Message> {
    let words = widget::secondary(tr_args("blocked-sentence", &[("name", person.name.as_str().into())]));
    let undo = widget::quiet(tr("unblock"), Message::Contact(person.person, Act::Unblock));
    let content = row![container(words).width(Fill), undo].spacing(gap::M);
    let padding = Padding::from(gap::XL).top(gap::S);
    container(widget::card(content.align_y(Center))).padding(padding).into()
}

/// Above the composer: what becomes of a message to somebody who is no contact, and whom they are not.
pub(super) fn note<'a>(person: &PersonView, cx: &Cx) -> Option<Element<'a, Message>> {
    let name = [("name", person.name.as_str().into())];
    let chat = ConversationId::Direct(person.person);
    let is_waiting = |opening: &OpeningView| opening.conversation == chat && opening.refused.is_none();
    let is_invited = cx.overview.openings.iter().any(is_waiting);
    let sentence = match person.acquaintance {
        // Who was invited need not ask; what becomes of the invitation stands beside it.
        Acquaintance::Stranger | Acquaintance::Asked { .. } if is_invited => None,
        Acquaintance::Stranger => Some(tr_args("stranger-sentence", &name)),
        Acquaintance::Asked { delivered: false } => Some(tr_args("contact-asked-sentence", &name)),
        Acquaintance::Asked { delivered: true } => Some(tr_args("contact-unanswered-sentence", &name)),
        Acquaintance::Asks | Acquaintance::Contact | Acquaintance::Blocked => None,
    };
    let warning = contact::warning(person, cx).map(warn);
    let sentence = sentence.map(|words| {
        text(words).size(size::SECONDARY).line_height(theme::LINE).style(theme::text::secondary)
    });
    if warning.is_none() && sentence.is_none() {
        return None;
    }
    let content = column![].push(warning).push(sentence).spacing(gap::XS);
    Some(container(content).padding(Padding::from([gap::XS, gap::XL])).width(Fill).into())
}
