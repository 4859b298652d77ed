//! A certificate that is renewed under a running server, whose time the test owns.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use freehold_engine::{Engine, EngineConfig, RunLimits, Windows};
use freehold_vault::OsRng;
use freehold_web::{Addresses, Door, TrustedProxies, WebConfig};
use rustls::client::ClientConnection;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, StreamOwned};

use super::*;

/// Time that goes on when it is told to, for the server and for who looks at its certificate.
#[derive(Debug)]
struct Hand(Mutex<Timestamp>);

impl Hand {
    fn go_on(&self, hours: i64) {
        *self.0.lock().expect("not poisoned") += SignedDuration::from_hours(hours);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("not poisoned")
    }
}

impl TimeProvider for Hand {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.now().as_second().unsigned_abs())))
    }
}

/// A connection of a browser that trusts the CA and nothing else.
struct Visit(StreamOwned<ClientConnection, TcpStream>);

impl Visit {
    fn open(to: SocketAddr, authority: &[u8], clock: &Arc<Hand>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(authority.to_vec())).expect("a CA");
        let config = ClientConfig::builder_with_details(Arc::new(default_provider()), clock.clone())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = ClientConnection::new(Arc::new(config), "localhost".try_into().expect("a name")).expect("a client");
        let mut visit = Self(StreamOwned::new(client, TcpStream::connect(to).expect("connected")));
        visit.ask().map(|()| visit)
    }

    /// One request on the connection that is open.
    fn ask(&mut self) -> Result<(), String> {
        let port = self.0.sock.peer_addr().expect("connected").port();
        let request = format!("GET /healthz HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
        self.0.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while !answer.ends_with(b"ok\n") {
            let count = self.0.read(&mut piece).map_err(|error| error.to_string())?;
            assert_ne!(count, 0, "closed: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&piece[..count]);
        }
        Ok(())
    }

    fn certificate(&self) -> Vec<u8> {
        self.0.conn.peer_certificates().expect("shown")[0].to_vec()
    }
}

fn engine(folder: &std::path::Path, clock: Arc<Hand>) -> Engine {
    let config = EngineConfig {
        data_dir: folder.join("data"),
        key_file: folder.join("vault.key"),
        scratch: folder.join("scratch"),
        connector_dirs: Vec::new(),
        bundled: Vec::new(),
        launcher: "/bin/false".into(),
        search_path: Vec::new(),
        reduced_sandbox: false,
        parallel_runs: 1,
        browsers: None,
        windows: Windows::None,
        stand_ins: Vec::new(),
        run_limits: RunLimits::default(),
        address: "https://localhost".to_owned(),
    };
    std::fs::create_dir(&config.scratch).expect("a folder");
    Engine::open(config, clock, Arc::new(OsRng)).expect("an engine")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_renewed_before_its_end_and_nobody_is_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Hand(Mutex::new("2026-03-01T08:00:00Z".parse().expect("a time"))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let listen = listener.local_addr().expect("an address");
    let addresses = Addresses { listen, public_origin: None, tls: true };
    let file = folder.path().join("console-ca.pem");
    let certificate =
        Certificate::open(&Tls::LocalCa, file, addresses.hosts(), clock.clone(), Arc::new(OsRng)).expect("a certificate");
    let served = certificate.served();
    let web =
        WebConfig { addresses, trusted_proxies: TrustedProxies::default(), served: served.clone(), cli_token_hash: [0; 32] };
    let router = freehold_web::router(engine(folder.path(), clock.clone()), web, Door::Tcp);
    tokio::spawn(freehold_web::serve_tcp(listener, router, Some(certificate.server()), std::future::pending()));

    let look = move || {
        let Served::LocalCa { authority, .. } = served.borrow().clone() else { panic!("not of the CA") };
        let open = || Visit::open(listen, &authority.der, &clock);
        let mut first = open().expect("let in");
        clock.go_on(20 * 24 - 1);
        assert!(!certificate.look().expect("nothing failed"), "too early");
        assert_eq!(open().expect("let in").certificate(), first.certificate());
        clock.go_on(1);
        assert!(certificate.look().expect("nothing failed"), "due");
        assert!(!certificate.look().expect("nothing failed"), "done");
        let second = open().expect("let in");
        assert_ne!(second.certificate(), first.certificate());
        first.ask().expect("whoever was there goes on");
        let Served::LocalCa { certificate: told, .. } = served.borrow().clone() else { panic!("not of the CA") };
        assert_eq!(told.der, second.certificate(), "what is told is what is shown");

        // The control: a server that had not looked in time would be turned away from, until it looks.
        clock.go_on(31 * 24);
        assert!(open().err().expect("over").contains("xpired"));
        assert!(certificate.look().expect("nothing failed"));
        open().expect("let in");
    };
    tokio::task::spawn_blocking(look).await.expect("it held");
}

#[test]
fn one_that_cannot_be_made_leaves_the_old_and_is_tried_again_within_the_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Hand(Mutex::new("2026-03-01T08:00:00Z".parse().expect("a time"))));
    let file = folder.path().join("console-ca.pem");
    let hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let certificate =
        Certificate::open(&Tls::LocalCa, file.clone(), hosts, clock.clone(), Arc::new(OsRng)).expect("a certificate");
    let kept = std::fs::read(&file).expect("the CA");
    std::fs::write(&file, "damaged").expect("written");
    clock.go_on(20 * 24);
    certificate.look().expect_err("damaged");
    assert!(!certificate.look().expect("not tried at once"));
    std::fs::write(&file, kept).expect("put back");
    clock.go_on(1);
    assert!(certificate.look().expect("it is whole"));
}
