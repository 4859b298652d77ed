//! The practice provider: a small web shop to try sign-ins on, and a second one shaped like a large retailer's, with a switch for
//! every bad mood a real site can have. Newcomers connect their first accounts to it, and the tests of browser sources run against it.
//!
//! Everything is in memory and nothing is real: the accounts and their passwords are printed on its front page. It uses nothing of
//! Freehold's own crates, as a site on the web would not.

mod account;
mod amazon;
mod captcha;
mod catalogue;
mod certificate;
mod count;
mod lang;
mod mood;
mod order;
mod path;
mod qr;
mod reply;
mod serve;
mod session;
mod shop;
mod sign_in;
mod tokens;
mod totp;
mod upload;
mod visitor;
mod weather;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use jiff::Timestamp;
use tokio::sync::oneshot;

pub use account::{SecondFactor, Site};
pub use count::{AccountCounts, Counts};
pub use mood::{Area, Captcha, Code, Moods};
pub use order::Market;
pub use world::NoSuchAccount;

use world::Shared;

/// Tells the time; handed in, so that tests decide when a code expires.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where the shops listen, and by which clock.
#[derive(Clone)]
pub struct Options {
    /// The practice shop and its control page, over plain HTTP. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The Amazon-shaped shop, over TLS. Port 0 takes a free one.
    pub tls_listen: SocketAddr,
    /// Where the certificate of `tls_listen` is kept, so that its key's hash stays the same; without one it is made anew.
    pub folder: Option<PathBuf>,
    /// What the time is.
    pub clock: Clock,
}

impl Default for Options {
    /// Free ports on 127.0.0.1, no folder, the system's clock.
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { listen: any, tls_listen: any, folder: None, clock: Arc::new(system_clock) }
    }
}

#[expect(clippy::disallowed_methods, reason = "the practice provider is not of the server, and has nothing of its core")]
fn system_clock() -> Timestamp {
    Timestamp::now()
}

/// Why the practice provider did not start.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    /// An address could not be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The certificate could not be made or used.
    #[error("the certificate: {0}")]
    Certificate(String),
    /// The server's thread could not be started.
    #[error("the practice provider's thread: {0}")]
    Thread(io::Error),
}

/// A running practice provider. Dropping it stops it at once.
pub struct Practice {
    /// Where the practice shop and the control page are, over plain HTTP.
    pub http: SocketAddr,
    /// Where the Amazon-shaped shop is, over TLS.
    pub tls: SocketAddr,
    /// The SHA-256 of the certificate's public key in base64, as Chromium's `--ignore-certificate-errors-spki-list` takes it.
    pub spki: String,
    world: Shared,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Practice {
    /// Starts both shops on a thread of their own and returns when they accept connections.
    ///
    /// # Errors
    /// [`PracticeError`] names the address, the file or the step that failed.
    pub fn start(options: Options) -> Result<Self, PracticeError> {
        let certificate = certificate::ensure(options.folder.as_deref())?;
        let (listener, http) = listen(options.listen)?;
        let (tls_listener, tls) = listen(options.tls_listen)?;
        let world = Shared::new(options.clock);
        let (stop, stopped) = oneshot::channel();
        let (started, is_started) = mpsc::channel();
        let served = world.clone();
        let thread = std::thread::Builder::new()
            .name("practice".to_owned())
            .spawn(move || serve::run(listener, tls_listener, certificate.tls, &served, &started, stopped))
            .map_err(PracticeError::Thread)?;
        is_started.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())).map_err(PracticeError::Thread)?;
        Ok(Self { http, tls, spki: certificate.spki, world, stop: Some(stop), thread: Some(thread) })
    }

    /// The address of a page of the practice shop: `url("/orders")`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// The moods as they are now.
    #[must_use]
    pub fn moods(&self) -> Moods {
        self.world.lock().moods.clone()
    }

    /// Changes moods: `practice.set_moods(|moods| moods.popup = true)`.
    pub fn set_moods(&self, change: impl FnOnce(&mut Moods)) {
        change(&mut self.world.lock().moods);
    }

    /// What has happened since the start, or since [`Practice::reset`].
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.world.lock().counts.clone()
    }

    /// Puts another account into every session that is signed in to this one, as a site does where two people share a browser.
    ///
    /// # Errors
    /// [`NoSuchAccount`] if the site has none of either name.
    pub fn swap_account(&self, site: Site, name: &str, other: &str) -> Result<(), NoSuchAccount> {
        let mut world = self.world.lock();
        let (name, other) = (world.account(site, name)?.name, world.account(site, other)?.name);
        let signed_in = world.sessions.values_mut().filter(|session| session.site == site);
        for (account, _) in signed_in.filter_map(|session| session.account.as_mut()).filter(|(account, _)| *account == name)
        {
            *account = other;
        }
        Ok(())
    }

    /// Ends every session, as a site does when its sessions run out. Remembered browsers stay remembered.
    pub fn expire_sessions(&self) {
        self.world.lock().expire_sessions();
    }

    /// Changes an account's password; its sessions stay.
    ///
    /// # Errors
    /// [`NoSuchAccount`] if the site has none of that name.
    pub fn set_password(&self, site: Site, name: &str, password: &str) -> Result<(), NoSuchAccount> {
        self.world.lock().account_mut(site, name).map(|account| password.clone_into(&mut account.password))
    }

    /// Changes what an account asks for after its password.
    ///
    /// # Errors
    /// [`NoSuchAccount`] if the site has none of that name.
    pub fn set_second_factor(&self, site: Site, name: &str, second_factor: SecondFactor) -> Result<(), NoSuchAccount> {
        self.world.lock().account_mut(site, name).map(|account| account.second_factor = second_factor)
    }

    /// Places an order of today in an account and returns its number.
    ///
    /// # Errors
    /// [`NoSuchAccount`] if the site has none of that name.
    pub fn place_order(&self, market: Market, name: &str) -> Result<String, NoSuchAccount> {
        self.world.lock().place_order(market, name)
    }

    /// The code in the newest text to an account's phone, if one was sent.
    #[must_use]
    pub fn texted_code(&self, site: Site, name: &str) -> Option<String> {
        let world = self.world.lock();
        world.texts.iter().rev().find(|text| text.site == site && text.account == name).map(|text| text.code.clone())
    }

    /// The letters in the picture that whoever is signing in to an account is to type.
    #[must_use]
    pub fn captcha_letters(&self, site: Site, name: &str) -> Option<String> {
        let world = self.world.lock();
        let sessions = world.sessions.values().filter(|session| session.site == site);
        let mut attempts = sessions.filter_map(|session| session.attempt.as_ref());
        attempts.find(|attempt| attempt.account == Some(name)).map(|attempt| attempt.captcha.clone())
    }

    /// An account's recovery codes that still work.
    ///
    /// # Errors
    /// [`NoSuchAccount`] if the site has none of that name.
    pub fn recovery_codes(&self, site: Site, name: &str) -> Result<Vec<String>, NoSuchAccount> {
        self.world.lock().account(site, name).map(|account| account.recovery.iter().cloned().collect())
    }

    /// What an account's authenticator shows now.
    ///
    /// # Errors
    /// [`NoSuchAccount`] if the site has none of that name.
    pub fn authenticator_code(&self, site: Site, name: &str) -> Result<String, NoSuchAccount> {
        let world = self.world.lock();
        let now = world.now();
        world.account(site, name).map(|account| totp::code(account.seed, totp::step(now)))
    }

    /// Answers the approvals that wait on an account's phone, and says how many there were.
    pub fn answer_phone(&self, site: Site, name: &str, approve: bool) -> usize {
        self.world.lock().answer_phone(site, name, approve)
    }

    /// Everything as it was at the start: accounts, sessions, moods, counts.
    pub fn reset(&self) {
        self.world.lock().reset();
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(address: SocketAddr) -> Result<(std::net::TcpListener, SocketAddr), PracticeError> {
    let listened = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    listened().map_err(|source| PracticeError::Listen { address, source })
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> PracticeError {
    let path = path.to_owned();
    move |source| PracticeError::File { path, source }
}
