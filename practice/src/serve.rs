//! Connections: accepting them, in the clear and over TLS, until the practice provider is dropped.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, mpsc};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower::ServiceExt;

use crate::amazon;
use crate::shop;
use crate::world::Shared;

/// Serves both shops until `stop` is ready or its sender gone. Whether it could start goes to `started`.
pub(crate) fn run(
    listener: TcpListener,
    tls_listener: TcpListener,
    tls: Arc<ServerConfig>,
    world: &Shared,
    started: &mpsc::Sender<io::Result<()>>,
    stop: oneshot::Receiver<()>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    // Dropping the runtime drops every connection: a site that ends does not wait for its visitors.
    runtime.block_on(async {
        let listeners = tokio::net::TcpListener::from_std(listener)
            .and_then(|plain| tokio::net::TcpListener::from_std(tls_listener).map(|tls| (plain, tls)));
        let (plain, secure) = match listeners {
            Ok(listeners) => listeners,
            Err(error) => {
                let _ = started.send(Err(error));
                return;
            }
        };
        tokio::spawn(accept(plain, shop::router(world.clone()), None));
        tokio::spawn(accept(secure, amazon::router(world.clone()), Some(TlsAcceptor::from(tls))));
        let _ = started.send(Ok(()));
        let _ = stop.await;
    });
}

async fn accept(listener: tokio::net::TcpListener, router: Router, acceptor: Option<TlsAcceptor>) {
    loop {
        // A connection that broke before it was accepted is its visitor's matter.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (router, acceptor) = (router.clone(), acceptor.clone());
        tokio::spawn(async move {
            match acceptor {
                None => talk(stream, router).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        talk(stream, router).await;
                    }
                }
            }
        });
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, router: Router) {
    let service =
        hyper::service::service_fn(move |request: Request<Incoming>| router.clone().oneshot(request.map(Body::new)));
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
