//! What is taken out of answers and events before a connector gets them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Hosts;
use super::hosts::Place;

/// Headers that are as good as a session.
const SESSION_HEADERS: [&str; 4] = ["cookie", "set-cookie", "authorization", "proxy-authorization"];

/// Leaves the cookies of the hosts.
pub(super) fn cookies(answer: &mut Value, hosts: &Hosts) {
    keep_cookies(&mut answer["cookies"], hosts, |cookie| cookie);
}

/// Blanks the entries of pages elsewhere: what a sign-in passed through may have something in its address.
pub(super) fn history(answer: &mut Value, hosts: &Hosts) {
    for entry in answer["entries"].as_array_mut().into_iter().flatten() {
        let inside = |key: &str| entry[key].as_str().is_none_or(|url| hosts.place(url) == Place::Inside);
        if !(inside("url") && inside("userTypedURL")) {
            for (key, blank) in [("url", "about:blank"), ("userTypedURL", "about:blank"), ("title", "")] {
                entry[key] = blank.into();
            }
        }
    }
}

/// Leaves, of a request's headers as sent, the cookies of the hosts; and what else is a session only where it went to one of them.
pub(super) fn sent_headers(event: &mut Value, hosts: &Hosts) {
    keep_cookies(&mut event["associatedCookies"], hosts, |entry| &entry["cookie"]);
    let sent: Vec<String> = event["associatedCookies"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entry| entry["blockedReasons"].as_array().is_none_or(Vec::is_empty))
        .filter_map(|entry| entry["cookie"]["name"].as_str().map(str::to_owned))
        .collect();
    let Some(headers) = event["headers"].as_object_mut() else { return };
    let authority = ["host", ":authority"].iter().find_map(|name| header(headers, name));
    if authority.is_some_and(|authority| hosts.has_authority(authority)) {
        return;
    }
    headers.retain(|name, value| {
        if name.eq_ignore_ascii_case("cookie") {
            let name_of = |pair: &&str| pair.split('=').next().unwrap_or_default().trim().to_owned();
            let pairs = value.as_str().unwrap_or_default().split("; ");
            let kept: Vec<&str> = pairs.filter(|pair| sent.contains(&name_of(pair))).collect();
            let kept = kept.join("; ");
            let some = !kept.is_empty();
            *value = kept.into();
            return some;
        }
        !is_session(name)
    });
}

/// Takes cookies out of headers as they came, whoever they are from: a response does not say where it is from, and the connector's own
/// are in `Network.getCookies`.
pub(super) fn received_headers(event: &mut Value, hosts: &Hosts) {
    for (list, cookie) in [("blockedCookies", "cookie"), ("exemptedCookies", "cookie")] {
        if event.get(list).is_some() {
            keep_cookies(&mut event[list], hosts, |entry| &entry[cookie]);
        }
    }
    without_session(event);
    for part in ["request", "response"] {
        if event.get(part).is_some() {
            without_session(&mut event[part]);
        }
    }
}

/// A request or a response as an event tells it.
pub(super) struct Seen {
    /// The request's id.
    pub(super) id: String,
    /// Whether what it fetches is from one of the hosts.
    pub(super) inside: bool,
    /// The event, where something had to be taken out.
    pub(super) changed: Option<Value>,
}

/// Reads `Network.requestWillBeSent` and `Network.responseReceived`; `None` for what is neither.
pub(super) fn request(event: &str, hosts: &Hosts) -> Option<Seen> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Told {
        request_id: String,
        request: Option<At>,
        response: Option<At>,
        redirect_response: Option<At>,
    }
    #[derive(Deserialize)]
    struct At {
        url: String,
    }
    let told: Told = serde_json::from_str(event).ok()?;
    let elsewhere = |at: &Option<At>| at.as_ref().is_some_and(|at| !hosts.has(&at.url));
    let parts = [("request", &told.request), ("response", &told.response), ("redirectResponse", &told.redirect_response)];
    let parts: Vec<&str> = parts.into_iter().filter(|(_, at)| elsewhere(at)).map(|(part, _)| part).collect();
    let changed = (!parts.is_empty()).then(|| serde_json::from_str(event).ok()).flatten().map(|mut event: Value| {
        parts.iter().for_each(|part| without_session(&mut event[*part]));
        event
    });
    Some(Seen { id: told.request_id, inside: !elsewhere(&told.request) && !elsewhere(&told.response), changed })
}

fn keep_cookies(list: &mut Value, hosts: &Hosts, cookie: impl Fn(&Value) -> &Value) {
    if let Some(list) = list.as_array_mut() {
        list.retain(|entry| cookie(entry)["domain"].as_str().is_some_and(|domain| hosts.has_cookie(domain)));
    }
}

fn without_session(part: &mut Value) {
    let Some(part) = part.as_object_mut() else { return };
    part.remove("headersText");
    part.remove("requestHeadersText");
    for name in ["headers", "requestHeaders"] {
        if let Some(headers) = part.get_mut(name).and_then(Value::as_object_mut) {
            headers.retain(|name, _| !is_session(name));
        }
    }
}

fn header<'a>(headers: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
}

fn is_session(header: &str) -> bool {
    SESSION_HEADERS.iter().any(|name| header.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hosts() -> Hosts {
        Hosts::new(["www.shop.example"])
    }

    #[test]
    fn cookies_of_other_hosts_are_left_out() {
        let mut answer = json!({ "cookies": [
            { "name": "a", "domain": ".shop.example" }, { "name": "b", "domain": "other.example" }, { "name": "c" },
        ] });
        cookies(&mut answer, &hosts());
        assert_eq!(answer, json!({ "cookies": [{ "name": "a", "domain": ".shop.example" }] }));
    }

    #[test]
    fn a_header_of_cookies_keeps_those_of_the_hosts_and_names_of_blocked_ones_do_not_count() {
        let of = |name: &str, domain: &str, blocked: &[&str]| json!({ "cookie": { "name": name, "domain": domain }, "blockedReasons": blocked });
        let mut event = json!({
            "associatedCookies": [of("a", ".shop.example", &[]), of("b", "other.example", &[]), of("b", ".shop.example", &["SecureOnly"])],
            "headers": { "Cookie": "a=1; b=2", "Authorization": "x", "Accept": "*/*" },
        });
        sent_headers(&mut event, &hosts());
        assert_eq!(event["headers"], json!({ "Cookie": "a=1", "Accept": "*/*" }));
        let mut own = json!({ "associatedCookies": [], "headers": { ":authority": "www.shop.example", "cookie": "a=1" } });
        let before = own.clone();
        sent_headers(&mut own, &hosts());
        assert_eq!(own, before);
    }

    #[test]
    fn no_event_about_a_response_tells_what_it_set() {
        let mut event = json!({
            "headers": { "Set-Cookie": "a=1", "Content-Type": "x" }, "headersText": "Set-Cookie: a=1", "blockedCookies": [],
            "response": { "requestHeaders": { "Cookie": "a=1" }, "requestHeadersText": "Cookie: a=1", "headers": {} },
        });
        received_headers(&mut event, &hosts());
        assert!(!event.to_string().contains("a=1"), "{event}");
    }

    #[test]
    fn what_a_request_fetches_from_elsewhere_is_told_apart_and_stripped() {
        let event = |url: &str| {
            json!({ "requestId": "1", "request": { "url": url, "headers": { "Authorization": "x" } } }).to_string()
        };
        let inside = request(&event("https://www.shop.example/x"), &hosts()).unwrap();
        assert!(inside.inside && inside.changed.is_none() && inside.id == "1");
        let elsewhere = request(&event("https://other.example/x"), &hosts()).unwrap();
        assert!(!elsewhere.inside);
        assert_eq!(elsewhere.changed.unwrap()["request"]["headers"], json!({}));
    }

    #[test]
    fn pages_elsewhere_are_blanks_in_the_history() {
        let mut answer = json!({ "entries": [
            { "id": 1, "url": "https://login.example/?code=1", "userTypedURL": "", "title": "code" },
            { "id": 2, "url": "https://www.shop.example/", "userTypedURL": "", "title": "Shop" },
        ] });
        history(&mut answer, &hosts());
        assert_eq!(
            answer["entries"][0],
            json!({ "id": 1, "url": "about:blank", "userTypedURL": "about:blank", "title": "" })
        );
        assert_eq!(answer["entries"][1]["title"], "Shop");
    }
}
