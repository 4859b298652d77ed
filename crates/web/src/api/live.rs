//! The live view: a ticket for it, and the socket that frames come out of and the owner's input goes into.
//!
//! The socket's first message is the ticket, so that it is in no address and no log. After that, frames go out as binary messages,
//! the owner's files come in as such, and everything else goes both ways as JSON, in the words of [`freehold_engine::live::message`].

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::{Extension, Json};
use freehold_core::{InteractionId, ProblemCode, Timestamp};
use freehold_engine::live::Viewer;
use freehold_engine::live::message::{FromClient, Said, ToClient};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::{Answer, Named};
use crate::admit::Visitor;
use crate::app::Connection;
use crate::body::Secret;
use crate::download;
use crate::origin::Site;
use crate::refused::Refused;

/// The largest message taken. What is pasted is smaller, and so is a part of a file.
const LARGEST: usize = 512 << 10;
/// For the ticket after the socket was opened.
const TICKET_WITHIN: Duration = Duration::from_secs(10);
/// Between two signs of life; the page counts on them.
const ALIVE_EVERY: Duration = Duration::from_secs(4);
/// A viewer that is not heard for so long is gone: its browser answers pings by itself.
const DEAD_AFTER: Duration = Duration::from_secs(30);
/// Inputs that wait for the browser. A viewer that sends more waits.
const INPUTS: usize = 64;

/// A way in, once. To be sent as the first message of the socket.
#[derive(Serialize)]
pub(crate) struct Ticket {
    ticket: String,
    expires_at: Timestamp,
}

pub(crate) async fn ticket(visitor: Visitor, Named(id): Named<InteractionId>) -> Answer<Ticket> {
    let made = visitor.ask(move |engine, caller| engine.live_ticket(caller, id)).await?;
    Ok(Json(Ticket { ticket: made.ticket.reveal().to_owned(), expires_at: made.expires_at }))
}

/// A file that a page has handed out, for whoever a ticket let in.
pub(crate) async fn saved(visitor: Visitor, Named((id, file)): Named<(InteractionId, u32)>) -> Result<Response, Refused> {
    Ok(download::saved(visitor.ask(move |engine, caller| engine.live_download(caller, id, file)).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hello {
    ticket: Secret,
}

/// The socket. Browsers send cookies with a socket that any page opens, so the page's origin has to be this server's own.
pub(crate) async fn socket(
    visitor: Visitor,
    site: Option<Extension<Site>>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    let origin = headers.get(header::ORIGIN).map(|origin| origin.as_bytes());
    if site.is_some_and(|Extension(site)| origin != Some(site.origin.as_bytes())) {
        return Err(Refused::new(
            ProblemCode::Forbidden,
            "This socket was not opened by a page of this server.",
            "Open the page here and do it again.",
        ));
    }
    let upgrade = upgrade.map_err(|_| {
        Refused::new(ProblemCode::BadInput, "This address is a WebSocket.", "Open the page of the interaction instead.")
    })?;
    let stopping = connection.map(|Extension(connection)| connection.stopping);
    Ok(upgrade.max_message_size(LARGEST).on_upgrade(move |socket| async move {
        // A broken connection is the other side's matter.
        let _broken = serve(socket, visitor, stopping).await;
    }))
}

type Sent = Result<(), axum::Error>;

async fn serve(mut socket: WebSocket, visitor: Visitor, stopping: Option<watch::Receiver<bool>>) -> Sent {
    let hello = match timeout(TICKET_WITHIN, socket.recv()).await {
        Ok(Some(Ok(Message::Text(text)))) => serde_json::from_str::<Hello>(&text).ok(),
        _ => None,
    };
    let Some(Hello { ticket: Secret(ticket) }) = hello else { return Ok(()) };
    match visitor.ask(move |engine, caller| engine.live_join(caller, &ticket)).await {
        Ok(viewer) => bridge(socket, Arc::new(viewer), stopping).await,
        Err(Refused(problem)) => {
            let refused = serde_json::json!({ "kind": "not_let_in", "problem": problem });
            socket.send(Message::text(refused.to_string())).await?;
            socket.send(Message::Close(None)).await
        }
    }
}

/// Carries messages between a socket and a viewer, which blocks, until one of them ends.
async fn bridge(socket: WebSocket, viewer: Arc<Viewer>, stopping: Option<watch::Receiver<bool>>) -> Sent {
    let (sender, receiver) = socket.split();
    // What is under way is limited by the viewer's own credit, so this holds next to nothing.
    let (out, outgoing) = mpsc::channel(1);
    let (input, mut inputs) = mpsc::channel(INPUTS);
    let watching = Arc::clone(&viewer);
    tokio::task::spawn_blocking(move || watch_view(&watching, &out));
    let driving = Arc::clone(&viewer);
    tokio::task::spawn_blocking(move || {
        while let Some(given) = inputs.blocking_recv() {
            match given {
                Given::Input(input) => driving.input(input),
                Given::Bytes(bytes) => driving.bytes(&bytes),
            }
        }
    });
    let stopped = async {
        match stopping {
            Some(mut stopping) => drop(stopping.wait_for(|stopping| *stopping).await),
            None => std::future::pending().await,
        }
    };
    let sent = tokio::select! {
        sent = send_all(sender, outgoing) => sent,
        () = take_all(receiver, input) => Ok(()),
        () = stopped => Ok(()),
    };
    // At once, so that whoever comes next, or the same again, need not wait for a seat that is empty.
    tokio::task::spawn_blocking(move || viewer.leave());
    sent
}

/// What comes in at the socket.
enum Given {
    Input(FromClient),
    /// Of a file.
    Bytes(Bytes),
}

/// Hands on what the viewer is told, until its end or the socket's.
fn watch_view(viewer: &Viewer, out: &mpsc::Sender<Message>) {
    while !out.is_closed() {
        let (message, last) = match viewer.next(ALIVE_EVERY) {
            Some(ToClient::Frame(frame)) => (Message::binary(frame.to_bytes()), false),
            Some(ToClient::Said(said)) => {
                let text = serde_json::to_string(&said).unwrap_or_default();
                (Message::text(text), matches!(said, Said::Closed { .. }))
            }
            None => (Message::text(r#"{"kind":"alive"}"#), false),
        };
        if out.blocking_send(message).is_err() || last {
            return;
        }
    }
}

async fn send_all(mut sender: SplitSink<WebSocket, Message>, mut outgoing: mpsc::Receiver<Message>) -> Sent {
    let mut pinged = Instant::now();
    while let Some(message) = outgoing.recv().await {
        if pinged.elapsed() > ALIVE_EVERY {
            pinged = Instant::now();
            sender.send(Message::Ping(Default::default())).await?;
        }
        sender.send(message).await?;
    }
    sender.send(Message::Close(None)).await
}

/// Takes the viewer's input until it leaves, is not heard any more, or sends what no page of ours does.
async fn take_all(mut receiver: SplitStream<WebSocket>, input: mpsc::Sender<Given>) {
    while let Ok(Some(Ok(message))) = timeout(DEAD_AFTER, receiver.next()).await {
        let given = match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(given) => Given::Input(given),
                // Its own message might quote what was typed.
                Err(_) => return tracing::debug!("a viewer sent what is no input"),
            },
            Message::Binary(bytes) => Given::Bytes(bytes),
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return,
        };
        if input.send(given).await.is_err() {
            return;
        }
    }
}
