//! A browser as small as the tests need: cookies, redirects, forms and elements by id.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Redirects followed before it is called endless.
const REDIRECTS: usize = 20;

/// One browser at one host, with the page it shows.
pub(crate) struct Browser {
    address: SocketAddr,
    host: String,
    tls: Option<(Arc<ClientConfig>, &'static str)>,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) language: &'static str,
    page: Answer,
}

/// What came back, after redirects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The path and query it came from.
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    cookies: Vec<String>,
}

impl Browser {
    pub(crate) fn plain(address: SocketAddr) -> Self {
        let page = Answer::default();
        Self { address, host: address.to_string(), tls: None, cookies: BTreeMap::new(), language: "en", page }
    }

    pub(crate) fn secure(address: SocketAddr, host: &'static str, trusted: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(trusted).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { host: host.to_owned(), tls: Some((Arc::new(config), host)), ..Self::plain(address) }
    }

    /// Follows redirects to a page and shows it.
    pub(crate) fn visit(&mut self, path: &str) -> Answer {
        let answer = self.request("GET", path, "", "");
        self.follow(answer)
    }

    /// One request, and no redirect followed.
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.request("GET", path, "", "")
    }

    pub(crate) fn post_json(&mut self, path: &str, json: &str) -> Answer {
        self.request("POST", path, "application/json", json)
    }

    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.request("POST", path, "application/x-www-form-urlencoded", &form(fields))
    }

    /// Fills the form with an id (or a name) on the page that is shown, its hidden fields included, and submits it.
    pub(crate) fn submit(&mut self, form_id: &str, typed: &[(&str, &str)]) -> Answer {
        let (action, mut fields) = self.page.form(form_id);
        for (name, value) in typed {
            fields.retain(|(other, _)| other != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = self.post(&action, &fields);
        self.follow(answer)
    }

    /// Uploads a file with the form that is shown.
    pub(crate) fn upload(&mut self, form_id: &str, field: &str, content: &str) -> Answer {
        let (action, _) = self.page.form(form_id);
        let body = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"me.png\"\r\n\r\n{content}\r\n--edge--\r\n"
        );
        let answer = self.request("POST", &action, "multipart/form-data; boundary=edge", &body);
        self.follow(answer)
    }

    /// What is shown now.
    pub(crate) fn page(&self) -> &Answer {
        &self.page
    }

    fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..REDIRECTS {
            let Some(location) = answer.headers.get("location").filter(|_| (300..400).contains(&answer.status)).cloned()
            else {
                break;
            };
            answer = self.get(&location);
        }
        self.page = answer.clone();
        answer
    }

    fn request(&mut self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAccept-Language: {}\r\nCookie: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.host,
            self.language,
            cookies.join("; "),
            body.len(),
        );
        let mut stream = TcpStream::connect(self.address).unwrap();
        let mut raw = Vec::new();
        match &self.tls {
            None => {
                stream.write_all(request.as_bytes()).unwrap();
                stream.read_to_end(&mut raw).unwrap();
            }
            Some((config, host)) => {
                let name = ServerName::try_from(*host).unwrap();
                let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(config), name).unwrap(), stream);
                stream.write_all(request.as_bytes()).unwrap();
                // The server closes without a word of farewell, which ends the answer all the same.
                let _ = stream.read_to_end(&mut raw);
            }
        }
        let answer = Answer::parse(path, &String::from_utf8_lossy(&raw));
        for cookie in &answer.cookies {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

impl Answer {
    fn parse(path: &str, raw: &str) -> Self {
        let (head, body) = raw.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer from {path}: {raw:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
        let cookies = headers.iter().filter(|(name, _)| *name == "set-cookie").map(|(_, value)| (*value).to_owned());
        Self {
            status,
            path: path.to_owned(),
            cookies: cookies.collect(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.to_owned(),
        }
    }

    /// Whether an element with this id is there.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.body.contains(&format!("id=\"{id}\""))
    }

    /// The text right inside the element with this id.
    pub(crate) fn text(&self, id: &str) -> String {
        let after = self.body.split(&format!("id=\"{id}\"")).nth(1).unwrap_or_else(|| panic!("no #{id} in {}", self.body));
        let inside = after.split_once('>').unwrap().1;
        inside.split('<').next().unwrap().trim().replace("&#38;", "&").replace("&amp;", "&")
    }

    /// Every value of an attribute, in order.
    pub(crate) fn all(&self, attribute: &str) -> Vec<String> {
        let start = format!(" {attribute}=\"");
        let parts = self.body.split(&start).skip(1);
        parts.map(|part| part.split('"').next().unwrap().replace("&amp;", "&")).collect()
    }

    fn form(&self, id: &str) -> (String, Vec<(String, String)>) {
        let found = self.body.split("<form ").skip(1).find(|form| {
            let tag = form.split('>').next().unwrap();
            tag.contains(&format!("id=\"{id}\"")) || tag.contains(&format!("name=\"{id}\""))
        });
        let form = found.unwrap_or_else(|| panic!("no form {id} in {}", self.body)).split("</form>").next().unwrap();
        let attribute = |tag: &str, name: &str| {
            tag.split(&format!("{name}=\"")).nth(1).map(|rest| rest.split('"').next().unwrap().to_owned())
        };
        let inputs = form.split("<input ").skip(1).map(|input| input.split('>').next().unwrap());
        let hidden = inputs.filter(|input| input.contains("type=\"hidden\""));
        let fields = hidden.map(|input| (attribute(input, "name").unwrap(), attribute(input, "value").unwrap()));
        (attribute(form, "action").unwrap(), fields.collect())
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| {
        text.bytes()
            .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect::<String>()
    };
    fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&")
}
