//! Cookies an owner gives as a secret: reading the usual ways of exporting them, and putting them into a browser.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::BrowserError;
use crate::cdp::Client;

/// Why text is no cookies. It quotes none of it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieProblem {
    /// No format was recognised.
    #[error("this is neither a JSON export, nor a cookies.txt, nor a line as in \"name=value; other=value\"")]
    Format,
    /// It looks like JSON, and cannot be read as cookies.
    #[error("the JSON is not a list of cookies, each with a name, a value and a domain (line {line})")]
    Json {
        /// The line, from 1.
        line: usize,
    },
    /// A line of a cookies.txt does not have its parts.
    #[error("line {line} does not have the seven parts of a cookies.txt, divided by tabs")]
    Line {
        /// The line, from 1.
        line: usize,
    },
    /// There are cookies, and none is for these hosts.
    #[error("there is no cookie for {hosts} in it")]
    OtherHosts {
        /// The hosts.
        hosts: String,
    },
}

/// One cookie.
pub struct Cookie {
    name: String,
    value: Zeroizing<String>,
    /// Without a leading dot; `None` where the text does not say.
    domain: Option<String>,
    /// Whether it is for that host alone.
    is_host_only: bool,
    path: String,
    is_secure: bool,
    is_http_only: bool,
    same_site: Option<&'static str>,
    /// Seconds since 1970; `None` for a cookie of the session.
    expires: Option<f64>,
}

/// Reads a JSON list as browser extensions export it, a `cookies.txt`, or what a request's `Cookie` header has.
pub fn parse(text: &str) -> Result<Vec<Cookie>, CookieProblem> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let cookies = if text.starts_with(['[', '{']) {
        from_json(text)?
    } else if text.contains('\t') || text.starts_with("# ") {
        from_file(text)?
    } else {
        from_header(text)?
    };
    if cookies.is_empty() { Err(CookieProblem::Format) } else { Ok(cookies) }
}

fn from_json(text: &str) -> Result<Vec<Cookie>, CookieProblem> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Shape {
        List(Vec<Exported>),
        Within { cookies: Vec<Exported> },
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Exported {
        name: String,
        value: String,
        domain: String,
        path: Option<String>,
        #[serde(default)]
        secure: bool,
        #[serde(default)]
        http_only: bool,
        host_only: Option<bool>,
        same_site: Option<String>,
        #[serde(alias = "expires")]
        expiration_date: Option<f64>,
    }
    let shape: Shape = serde_json::from_str(text).map_err(|error| CookieProblem::Json { line: error.line() })?;
    let (Shape::List(list) | Shape::Within { cookies: list }) = shape;
    let cookie = |given: Exported| Cookie {
        is_host_only: given.host_only.unwrap_or(!given.domain.starts_with('.')),
        name: given.name,
        value: Zeroizing::new(given.value),
        domain: Some(host(&given.domain)),
        path: given.path.unwrap_or_else(|| "/".to_owned()),
        is_secure: given.secure,
        is_http_only: given.http_only,
        same_site: given.same_site.and_then(|name| match name.to_ascii_lowercase().as_str() {
            "strict" => Some("Strict"),
            "lax" => Some("Lax"),
            "none" | "no_restriction" => Some("None"),
            _ => None,
        }),
        expires: given.expiration_date.filter(|time| *time > 0.0),
    };
    Ok(list.into_iter().map(cookie).collect())
}

fn from_file(text: &str) -> Result<Vec<Cookie>, CookieProblem> {
    let mut cookies = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (line, is_http_only) = match line.strip_prefix("#HttpOnly_") {
            Some(line) => (line, true),
            None => (line, false),
        };
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<&str> = line.trim_end_matches('\r').split('\t').collect();
        let [domain, subdomains, path, secure, expires, name, value] = parts[..] else {
            return Err(CookieProblem::Line { line: index + 1 });
        };
        cookies.push(Cookie {
            name: name.to_owned(),
            value: Zeroizing::new(value.to_owned()),
            domain: Some(host(domain)),
            is_host_only: !subdomains.eq_ignore_ascii_case("true"),
            path: path.to_owned(),
            is_secure: secure.eq_ignore_ascii_case("true"),
            is_http_only,
            same_site: None,
            expires: expires.parse().ok().filter(|time| *time > 0.0),
        });
    }
    Ok(cookies)
}

fn from_header(text: &str) -> Result<Vec<Cookie>, CookieProblem> {
    let text = match text.get(..7) {
        Some(name) if name.eq_ignore_ascii_case("cookie:") => &text[7..],
        _ => text,
    };
    let pairs = text.split([';', '\n']).map(str::trim).filter(|pair| !pair.is_empty());
    let cookie = |pair: &str| {
        let (name, value) =
            pair.split_once('=').filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace))?;
        Some(Cookie {
            name: name.to_owned(),
            value: Zeroizing::new(value.to_owned()),
            domain: None,
            is_host_only: true,
            path: "/".to_owned(),
            is_secure: false,
            is_http_only: false,
            same_site: None,
            expires: None,
        })
    };
    pairs.map(cookie).collect::<Option<_>>().ok_or(CookieProblem::Format)
}

fn host(domain: &str) -> String {
    domain.trim_start_matches('.').to_ascii_lowercase()
}

/// The cookies that belong to one of these origins; those that do not say go to the first. Nothing of any other host is kept.
pub(crate) fn only_for(cookies: Vec<Cookie>, origins: &[&str]) -> Result<Vec<Cookie>, CookieProblem> {
    let hosts: Vec<&str> = origins.iter().filter_map(|origin| host_of(origin)).collect();
    let reaches = |cookie: &Cookie, host: &str| match cookie.domain.as_deref() {
        None => true,
        Some(domain) if host == domain => true,
        Some(domain) => !cookie.is_host_only && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
    };
    let kept: Vec<_> = cookies.into_iter().filter(|cookie| hosts.iter().any(|host| reaches(cookie, host))).collect();
    if kept.is_empty() { Err(CookieProblem::OtherHosts { hosts: hosts.join(", ") }) } else { Ok(kept) }
}

fn host_of(origin: &str) -> Option<&str> {
    let (_, rest) = origin.split_once("://")?;
    Some(rest.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(rest, |(host, _)| host))
}

/// Puts cookies into the browser; those that do not say where they belong at `origin`.
pub(crate) fn set(client: &Client, cookies: &[Cookie], origin: &str) -> Result<(), BrowserError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Param<'c> {
        name: &'c str,
        value: &'c str,
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        domain: Option<&'c str>,
        path: &'c str,
        secure: bool,
        http_only: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        same_site: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires: Option<f64>,
    }
    #[derive(Serialize)]
    struct Params<'c> {
        cookies: Vec<Param<'c>>,
    }
    // A cookie for one host alone is set by an address there, and says no domain.
    let address = |cookie: &Cookie| match &cookie.domain {
        None => Some(origin.to_owned()),
        Some(domain) if cookie.is_host_only => {
            let scheme = if cookie.is_secure { "https" } else { "http" };
            Some(format!("{scheme}://{domain}{}", cookie.path))
        }
        Some(_) => None,
    };
    let param = |cookie| {
        let url = address(cookie);
        Param {
            name: &cookie.name,
            value: &cookie.value,
            domain: cookie.domain.as_deref().filter(|_| url.is_none()),
            url,
            path: &cookie.path,
            secure: cookie.is_secure,
            http_only: cookie.is_http_only,
            same_site: cookie.same_site,
            expires: cookie.expires,
        }
    };
    let cookies = cookies.iter().map(param);
    let answer = client.send(None, "Storage.setCookies", &Params { cookies: cookies.collect() })?.wait(crate::cdp::PATIENCE);
    match answer {
        // A refusal could quote one.
        Err(BrowserError::Refused { method, .. }) => {
            Err(BrowserError::Refused { method, message: "a cookie was not accepted".to_owned() })
        }
        other => other.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, Option<String>, bool)> {
        let told = |c: Cookie| (c.name, c.value.to_string(), c.domain, c.is_host_only);
        parse(text).unwrap_or_else(|problem| panic!("{problem}")).into_iter().map(told).collect()
    }

    #[test]
    fn each_usual_export_is_read() {
        let cookie = |name: &str, domain: Option<&str>, host| (name.into(), "v=1".into(), domain.map(str::to_owned), host);
        let json = r#"[{"name":"a","value":"v=1","domain":".example.com","path":"/","expirationDate":1999999999.5,
            "hostOnly":false,"httpOnly":true,"sameSite":"no_restriction","secure":true,"session":false,"storeId":"0"}]"#;
        assert_eq!(read(json), [cookie("a", Some("example.com"), false)]);
        let within = r#"{"cookies":[{"name":"a","value":"v=1","domain":"www.example.com","expires":-1}],"origins":[]}"#;
        assert_eq!(read(within), [cookie("a", Some("www.example.com"), true)]);
        let file = "# Netscape HTTP Cookie File\n\n.example.com\tTRUE\t/\tTRUE\t1999999999\ta\tv=1\n\
                    #HttpOnly_www.example.com\tFALSE\t/\tFALSE\t0\tb\tv=1\r\n";
        assert_eq!(read(file), [cookie("a", Some("example.com"), false), cookie("b", Some("www.example.com"), true)]);
        assert_eq!(read("Cookie: a=v=1; b=v=1;"), [cookie("a", None, true), cookie("b", None, true)]);
    }

    #[test]
    fn what_is_no_cookies_is_named_by_its_line_and_never_quoted() {
        let problem = |text| parse(text).err().unwrap();
        assert_eq!(problem("hunter2"), CookieProblem::Format);
        assert_eq!(problem(""), CookieProblem::Format);
        assert_eq!(problem("[]"), CookieProblem::Format);
        assert_eq!(problem("# Netscape\na\tb"), CookieProblem::Line { line: 2 });
        assert!(matches!(problem("[{\"name\":\"hunter2\"}]"), CookieProblem::Json { .. }));
        assert!(!problem("[{\"name\":\"hunter2\"}]").to_string().contains("hunter2"));
    }

    #[test]
    fn only_cookies_of_the_given_origins_are_kept() {
        let names = |text: &str, origins: &[&str]| -> Vec<String> {
            only_for(parse(text).unwrap(), origins).map(|all| all.into_iter().map(|c| c.name).collect()).unwrap_or_default()
        };
        let file = "# x\n.example.com\tTRUE\t/\tTRUE\t0\ta\t1\nexample.com\tFALSE\t/\tTRUE\t0\tb\t1\n\
                    .other.test\tTRUE\t/\tTRUE\t0\tc\t1\n.ample.com\tTRUE\t/\tTRUE\t0\td\t1\n";
        assert_eq!(names(file, &["https://www.example.com"]), ["a"]);
        assert_eq!(names(file, &["https://example.com:8443"]), ["a", "b"]);
        assert_eq!(names(file, &["https://nowhere.test"]), Vec::<String>::new());
        assert_eq!(names("a=1", &["https://nowhere.test"]), ["a"]);
    }
}
