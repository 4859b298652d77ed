//! Connections: accepting them, TLS, limits, and a stop that lets requests finish.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower::ServiceExt;

use crate::app::Connection;

/// Connections open at once; more wait to be accepted.
const CONNECTIONS: usize = 512;
/// For a TLS handshake, and for a request's head.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For what is under way when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// Serves the console and the API on a TCP listener until `shutdown` is ready, then lets requests under way finish.
///
/// # Errors
/// What the listener failed with, if it cannot accept any more.
pub async fn serve_tcp(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<ServerConfig>>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let server = Server::new(router);
    let acceptor = tls.map(TlsAcceptor::from);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (permit, accepted) = tokio::select! {
            () = &mut shutdown => break,
            accepted = async { (server.permit().await, listener.accept().await) } => accepted,
        };
        let Some((stream, peer)) = keep_going(accepted)? else { continue };
        // A key or a frame is not held back for more to send along with it; where that cannot be, it is only slower.
        let _ = stream.set_nodelay(true);
        let connection = server.connection(Some(peer.ip().to_canonical()));
        let (router, acceptor) = (server.router.clone(), acceptor.clone());
        tokio::spawn(async move {
            let _permit = permit;
            match acceptor {
                None => talk(stream, router, connection).await,
                Some(acceptor) => {
                    // A failed handshake is the other side's matter: scanners and plain HTTP make many.
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        talk(stream, router, connection).await;
                    }
                }
            }
        });
    }
    server.stop().await;
    Ok(())
}

/// Serves the CLI on a Unix socket until `shutdown` is ready. Only processes of this server's own user, or root, are heard; that is
/// necessary and not sufficient, since every request needs the token too.
///
/// # Errors
/// What the listener failed with, if it cannot accept any more.
pub async fn serve_unix(listener: UnixListener, router: Router, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let server = Server::new(router);
    let own = rustix::process::geteuid().as_raw();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (permit, accepted) = tokio::select! {
            () = &mut shutdown => break,
            accepted = async { (server.permit().await, listener.accept().await) } => accepted,
        };
        let Some((stream, _)) = keep_going(accepted)? else { continue };
        let peer = stream.peer_cred().map(|peer| peer.uid());
        if !matches!(peer, Ok(uid) if uid == own || uid == 0) {
            tracing::warn!("another user's process at the CLI's socket was turned away");
            continue;
        }
        let (router, connection) = (server.router.clone(), server.connection(None));
        tokio::spawn(async move {
            let _permit = permit;
            talk(stream, router, connection).await;
        });
    }
    server.stop().await;
    Ok(())
}

struct Server {
    router: Router,
    slots: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

impl Server {
    fn new(router: Router) -> Self {
        Self { router, slots: Arc::new(Semaphore::new(CONNECTIONS)), stopping: watch::Sender::new(false) }
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    fn connection(&self, peer: Option<IpAddr>) -> Connection {
        Connection { peer, stopping: self.stopping.subscribe() }
    }

    /// Waits until every connection is closed, or the grace is over.
    async fn stop(self) {
        self.stopping.send_replace(true);
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        if tokio::time::timeout(GRACE, self.slots.acquire_many(all)).await.is_err() {
            tracing::warn!("some requests were still under way when the server stopped");
        }
    }
}

/// One connection, from its first request to its last.
async fn talk<S>(stream: S, router: Router, connection: Connection)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut stopping = connection.stopping.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = &mut served => ended,
        () = stopped(&mut stopping) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Ready once the server stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop too.
    let _stopped = stopping.wait_for(|stopping| *stopping).await;
}

/// A connection that broke before it was accepted is no reason to stop; a listener that is broken is.
fn keep_going<T>(accepted: io::Result<T>) -> io::Result<Option<T>> {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    match accepted {
        Ok(accepted) => Ok(Some(accepted)),
        Err(error) if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | WouldBlock) => Ok(None),
        Err(error) => Err(error),
    }
}
