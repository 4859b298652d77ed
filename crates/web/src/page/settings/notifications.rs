//! How the owner is reached: the channels, quiet hours, and what was sent.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::Problem;
use freehold_core::id::ChannelId;
use freehold_engine::view::{ChannelView, DeliveryView, MessageView, NeedView, NotificationsView, TestView};
use freehold_engine::{ChannelKind, Form, QuietHours};

use super::{Section, about_input};
use crate::admit::Visitor;
use crate::api::Named;
use crate::body::FormBody;
use crate::done::Done;
use crate::form::{self, FieldView, Start};
use crate::page::details::give_passphrase;
use crate::page::text::When;
use crate::page::{Frame, Page, Under, go_to_saying, show, show_with};
use crate::refused::Refused;
use crate::status::Sign;

#[derive(Template)]
#[template(path = "settings/notifications.html")]
pub(in crate::page) struct NotificationsPage {
    pub(in crate::page) frame: Frame,
    address: String,
    address_is_local: bool,
    channels: Vec<ChannelCard>,
    kinds: Vec<(&'static str, &'static str)>,
    quiet: Option<QuietHours>,
    quiet_until: Option<When>,
    zone: String,
    needs: Vec<NeedRow>,
    messages: Vec<MessageRow>,
    told: Told,
}

/// What the form just sent has to say.
#[derive(Default)]
pub(in crate::page) struct Told {
    pub(in crate::page) problem: Option<Problem>,
    pub(in crate::page) test: Option<TestView>,
}

struct ChannelCard {
    id: ChannelId,
    kind: &'static str,
    label: String,
    secret: &'static str,
    sign: Option<Sign>,
    last: Option<When>,
    note: Option<String>,
    blocked: Option<String>,
}

struct NeedRow {
    path: String,
    title: String,
    sentence: String,
    arose: When,
    told: &'static str,
    when: Option<When>,
}

struct MessageRow {
    path: String,
    text: String,
    kind: &'static str,
    made: When,
    deliveries: Vec<DeliveryRow>,
}

struct DeliveryRow {
    sign: Sign,
    label: String,
    note: Option<String>,
    next: Option<When>,
}

#[derive(Template)]
#[template(path = "settings/channel.html")]
pub(in crate::page) struct ChannelPage {
    pub(in crate::page) frame: Frame,
    /// Where the form goes.
    to: String,
    is_new: bool,
    has_secret: bool,
    description: Option<String>,
    fields: Vec<FieldView>,
    asks_passphrase: bool,
    problem: Option<Problem>,
}

pub(crate) async fn show_page(visitor: Visitor) -> Page {
    again(&visitor, StatusCode::OK, Told::default()).await
}

pub(crate) async fn test(visitor: Visitor, Named(id): Named<ChannelId>) -> Page {
    match visitor.ask(move |engine, caller| engine.test_channel(caller, id)).await {
        Ok(test) => again(&visitor, StatusCode::OK, Told { test: Some(test), ..Told::default() }).await,
        Err(refused) => told_or_refused(&visitor, refused).await,
    }
}

pub(crate) async fn set_quiet(visitor: Visitor, body: FormBody) -> Page {
    let text = |name| body.text(name).unwrap_or_default().to_owned();
    let (start, end, zone) = (text("start"), text("end"), text("zone"));
    let ends = body.text("none").is_some();
    let set = visitor.ask(move |engine, caller| {
        let hours = if ends { None } else { Some(QuietHours::read(&start, &end, &zone)?) };
        engine.set_quiet_hours(caller, hours)
    });
    match set.await {
        Ok(()) if ends => go_to_saying(Done::QuietHoursEnded, Section::Notifications.path()),
        Ok(()) => go_to_saying(Done::QuietHoursSet, Section::Notifications.path()),
        Err(refused) => told_or_refused(&visitor, refused).await,
    }
}

pub(crate) async fn remove(visitor: Visitor, Named(id): Named<ChannelId>) -> Page {
    visitor.ask(move |engine, caller| engine.remove_channel(caller, id)).await?;
    go_to_saying(Done::ChannelRemoved, Section::Notifications.path())
}

pub(crate) async fn show_new(visitor: Visitor, Named(kind): Named<String>) -> Page {
    let (kind, form) = new_form(&visitor, &kind).await?;
    Ok(show(&channel_page(kind, &form, None, &Start::Defaults, !visitor.is_reauthenticated(), None)))
}

pub(crate) async fn add(visitor: Visitor, Named(kind): Named<String>, body: FormBody) -> Page {
    let (kind, form) = new_form(&visitor, &kind).await?;
    save(visitor, kind, &form, None, body).await
}

pub(crate) async fn show_channel(visitor: Visitor, Named(id): Named<ChannelId>) -> Page {
    let (channel, form) = channel_form(&visitor, id).await?;
    let start = Start::Settings(&channel.settings);
    Ok(show(&channel_page(channel.kind, &form, Some(&channel), &start, !visitor.is_reauthenticated(), None)))
}

pub(crate) async fn replace(visitor: Visitor, Named(id): Named<ChannelId>, body: FormBody) -> Page {
    let (channel, form) = channel_form(&visitor, id).await?;
    save(visitor, channel.kind, &form, Some(channel), body).await
}

async fn save(
    mut visitor: Visitor,
    kind: ChannelKind,
    form: &Form,
    channel: Option<ChannelView>,
    mut body: FormBody,
) -> Page {
    let fields = form::secrets(form, "", &mut body);
    let id = channel.as_ref().map(|channel| channel.id);
    let saved = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(move |engine, caller| engine.save_channel(caller, id, kind, fields)).await,
        Err(refused) => Err(refused),
    };
    match saved {
        Ok(_) => go_to_saying(Done::ChannelSaved, Section::Notifications.path()),
        Err(Refused(problem)) if form::is_about_input(&problem) => {
            let asks = !visitor.is_reauthenticated();
            let page = channel_page(kind, form, channel.as_ref(), &Start::Typed(&body), asks, Some(problem));
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(refused) => Err(refused),
    }
}

async fn new_form(visitor: &Visitor, kind: &str) -> Result<(ChannelKind, Form), Refused> {
    let kind = ChannelKind::parse(kind).ok_or_else(Refused::not_found)?;
    let facts = visitor.ask(|engine, caller| engine.notifications(caller)).await?;
    let of = facts.kinds.into_iter().find(|of| of.kind == kind).ok_or_else(Refused::not_found)?;
    Ok((kind, of.form))
}

async fn channel_form(visitor: &Visitor, id: ChannelId) -> Result<(ChannelView, Form), Refused> {
    let facts = visitor.ask(|engine, caller| engine.notifications(caller)).await?;
    let channel = facts.channels.into_iter().find(|channel| channel.id == id).ok_or_else(Refused::not_found)?;
    let of = facts.kinds.into_iter().find(|of| of.kind == channel.kind).ok_or_else(Refused::not_found)?;
    Ok((channel, of.form))
}

async fn told_or_refused(visitor: &Visitor, refused: Refused) -> Page {
    let problem = about_input(refused)?;
    again(visitor, StatusCode::UNPROCESSABLE_ENTITY, Told { problem: Some(problem), ..Told::default() }).await
}

async fn again(visitor: &Visitor, status: StatusCode, told: Told) -> Page {
    let facts = visitor.ask(|engine, caller| engine.notifications(caller)).await?;
    let mut page = page(facts, told);
    page.frame.tell(visitor);
    Ok(show_with(status, &page))
}

pub(in crate::page) fn channel_page(
    kind: ChannelKind,
    form: &Form,
    channel: Option<&ChannelView>,
    start: &Start<'_>,
    asks_passphrase: bool,
    problem: Option<Problem>,
) -> ChannelPage {
    let title = match channel {
        None => format!("Be reached by {}", kind.in_sentence()),
        Some(channel) => channel.label.clone(),
    };
    ChannelPage {
        frame: Frame::new(title, Under::Settings),
        to: match channel {
            None => format!("/settings/notifications/add/{}", kind.as_str()),
            Some(channel) => format!("/settings/notifications/channels/{}", channel.id),
        },
        is_new: channel.is_none(),
        has_secret: channel.is_some_and(|channel| channel.has_secret),
        description: form.description.clone(),
        fields: form::fields(form, "", start, problem.as_ref()),
        asks_passphrase,
        problem,
    }
}

pub(in crate::page) fn page(facts: NotificationsView, told: Told) -> NotificationsPage {
    NotificationsPage {
        frame: Frame::of_settings(Section::Notifications),
        address: facts.address,
        address_is_local: facts.address_is_local,
        channels: facts.channels.into_iter().map(card).collect(),
        kinds: ChannelKind::ALL.map(|kind| (kind.as_str(), kind.in_sentence())).to_vec(),
        zone: facts.quiet.as_ref().map_or(facts.server_zone, |quiet| quiet.zone.clone()),
        quiet: facts.quiet,
        quiet_until: facts.quiet_until.map(When),
        needs: facts.needs.into_iter().map(need).collect(),
        messages: facts.messages.into_iter().map(message).collect(),
        told,
    }
}

fn card(channel: ChannelView) -> ChannelCard {
    ChannelCard {
        id: channel.id,
        kind: channel.kind.label(),
        label: channel.label,
        secret: match (channel.has_secret, channel.kind) {
            (false, _) => "None is saved.",
            (true, ChannelKind::Ntfy) => "The access token is sealed in the vault.",
            (true, ChannelKind::Email) => "The password is sealed in the vault.",
        },
        sign: channel.last.as_ref().map(sign),
        last: channel.last.as_ref().map(|last| When(last.at)),
        note: channel.last.and_then(|last| last.note),
        blocked: channel.blocked,
    }
}

fn need(need: NeedView) -> NeedRow {
    NeedRow {
        path: need.path,
        title: need.title,
        sentence: need.sentence,
        arose: When(need.arose_at),
        told: need.message,
        when: need.message_at.map(When),
    }
}

fn message(message: MessageView) -> MessageRow {
    MessageRow {
        path: message.path,
        text: format!("{}: {}", message.title, message.body),
        kind: match message.kind {
            "reminder" => "Reminder",
            "summary" => "Several at once",
            "test" => "Test",
            _ => "One need",
        },
        made: When(message.made_at),
        deliveries: message
            .deliveries
            .into_iter()
            .map(|delivery| DeliveryRow {
                sign: sign(&delivery),
                label: delivery.label,
                note: delivery.note,
                next: delivery.next_at.map(When),
            })
            .collect(),
    }
}

fn sign(delivery: &DeliveryView) -> Sign {
    let shape = match delivery.state {
        "sent" => "fresh",
        "failed" => "broken",
        "sending" => "running",
        "unknown" => "needs_owner",
        "dropped" => "paused",
        _ => "waiting",
    };
    Sign { word: delivery.sentence, shape }
}
