//! Any query to the authorization endpoint, with `form_urlencoded` as the oracle
//! of what it says: nobody is sent anywhere but to where the client is registered,
//! `state` comes back as it was sent, and the form that is shown for it, filled in,
//! gives a code that its client can redeem.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use smallgate_core::oauth::{Limits, Throttle, ThrottlePolicy, ThrottleSlot};
use smallgate_core::profile::STANDARD;
use smallgate_core::store::MemoryStore;
use smallgate_fuzz::{REDIRECT_URI, Server, Written, answered, server};

const ENDPOINT: &str = "/oauth/authorize";

thread_local! {
    static SERVER: Server = server(&STANDARD);
}

fuzz_target!(|input: &[u8]| SERVER.with(|server| {
    let Ok(query) = std::str::from_utf8(input) else {
        return;
    };
    // As a request line has it.
    if query.bytes().any(|octet| octet <= b' ' || octet == 0x7F) {
        return;
    }
    let mut life = Life {
        server,
        store: MemoryStore::new(),
        draw: 0,
    };
    let page = life.asked("GET", &format!("{ENDPOINT}?{query}"), "");
    let said = Said::by(query);
    page.judge(&said);
    let Some(form) = page.form() else {
        return;
    };
    // What is shown is for a request that was good.
    assert_eq!(said.one("client_id"), Some("demo"));
    assert_eq!(said.one("response_type"), Some("code"));
    for (name, value) in &form {
        assert!(
            name == "form_token" || said.one(name) == Some(value.as_str()),
            "{name}"
        );
    }
    let mut filled = form_urlencoded::Serializer::new(String::new());
    filled.extend_pairs(&form);
    filled.extend_pairs([
        ("username", "alice"),
        ("password", "password"),
        ("decision", "approve"),
    ]);
    let filled = filled.finish();
    let done = life.asked("POST", ENDPOINT, &filled);
    // A browser may write more octets for the same text than were asked with.
    if filled.len() > Limits::DEFAULT.body {
        assert_eq!(done.status, 413);
        return;
    }
    done.judge(&said);
    let sent = done.location.as_deref().expect("it was approved");
    let sent = Said::by(
        sent.strip_prefix(REDIRECT_URI)
            .expect("registered")
            .trim_start_matches('?'),
    );
    let code = sent.one("code").expect("a code");
    if said.pairs.contains_key("code_challenge") {
        return;
    }
    let mut redeemed = form_urlencoded::Serializer::new(String::new());
    redeemed.extend_pairs([("grant_type", "authorization_code"), ("code", code)]);
    redeemed.extend_pairs(said.one("redirect_uri").map(|uri| ("redirect_uri", uri)));
    let body = redeemed.finish();
    assert_eq!(life.asked("POST", "*", &body).status, 200);
    assert_eq!(life.asked("POST", "*", &body).status, 400);
}));

/// What a query says.
struct Said {
    pairs: HashMap<String, Vec<String>>,
}

impl Said {
    fn by(query: &str) -> Self {
        let mut pairs: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            pairs.entry(name.into()).or_default().push(value.into());
        }
        Said { pairs }
    }

    /// The value of what is said once; "Parameters sent without a value MUST be
    /// treated as if they were omitted from the request" (RFC 6749 section 3.1).
    fn one(&self, name: &str) -> Option<&str> {
        match self.pairs.get(name).map(Vec::as_slice) {
            Some([value]) if !value.is_empty() => Some(value),
            _ => None,
        }
    }
}

/// A server and what it keeps.
struct Life<'s> {
    server: &'s Server,
    store: MemoryStore<8>,
    draw: u8,
}

impl Life<'_> {
    fn asked(&mut self, method: &str, target: &str, body: &str) -> Reply {
        let slots = [const { ThrottleSlot::new() }; 8];
        let throttle = Throttle::new(&slots, ThrottlePolicy::DEFAULT, [5; 16]);
        let mut headers = vec![(
            "content-type",
            b"application/x-www-form-urlencoded".to_vec(),
        )];
        if target == "*" {
            headers.push(("authorization", b"Basic ZGVtbzpzZWNyZXQ=".to_vec()));
        }
        let written = Written {
            method,
            target,
            headers,
            body: body.as_bytes(),
        };
        self.draw += 1;
        let look = |status, headers: &[(&str, &str)], body: &[u8]| Reply {
            status,
            location: headers
                .iter()
                .find(|(name, _)| *name == "location")
                .map(|(_, value)| (*value).to_owned()),
            body: String::from_utf8(body.to_vec()).expect("UTF-8"),
        };
        answered(
            self.server,
            &throttle,
            &mut self.store,
            &written,
            self.draw,
            look,
        )
    }
}

struct Reply {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Reply {
    /// Who is sent where, and with what.
    fn judge(&self, said: &Said) {
        assert_eq!(self.location.is_some(), self.status == 303);
        let Some(location) = &self.location else {
            assert!(
                [200, 400, 413, 414, 429, 503].contains(&self.status),
                "{}",
                self.status
            );
            return;
        };
        assert_eq!(said.one("client_id"), Some("demo"));
        assert!([None, Some(REDIRECT_URI)].contains(&said.one("redirect_uri")));
        let query = location.strip_prefix(REDIRECT_URI).expect("registered");
        let sent = Said::by(query.strip_prefix('?').expect("an answer"));
        assert_eq!(sent.one("iss"), Some("https://as.example"));
        assert_eq!(sent.one("state"), said.one("state"));
        assert_ne!(sent.one("code").is_some(), sent.one("error").is_some());
    }

    /// The hidden fields of the form, if one is shown.
    fn form(&self) -> Option<Vec<(String, String)>> {
        if self.status != 200 {
            return None;
        }
        let hidden = self.body.split("<input type=\"hidden\" name=\"").skip(1);
        let fields = hidden.map(|field| {
            let (name, rest) = field.split_once("\" value=\"").expect("a value");
            let (value, _) = rest.split_once('"').expect("its end");
            (name.to_owned(), text(value))
        });
        Some(fields.collect())
    }
}

/// What a browser makes of an attribute's text.
fn text(html: &str) -> String {
    assert!(!html.contains(['<', '>', '\'']), "{html}");
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('&') {
        let (name, after) = after.split_once(';').expect("a reference");
        text += before;
        text.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => panic!("&{other};"),
        });
        rest = after;
    }
    text + rest
}
