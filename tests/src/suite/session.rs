//! A host and what was said to it: at its end no secret that went either way
//! may stand in its log (R8).

use std::cell::RefCell;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};

use super::setups::{API_KEY, BREAKOUT, DEMO, DRILLSTER, KEY_SECRETS, OTHER, QUOTES, USER};
use crate::host::{Host, Setup};
use crate::wire::{Request, Response, Wire};

/// A host that is being tested.
pub struct Session<H: Host> {
    /// The host.
    pub host: H,
    secrets: RefCell<Vec<String>>,
}

/// `Basic` and the credentials as they are, not form-encoded.
pub fn basic((id, secret): (&str, &str)) -> String {
    basic_octets(format!("{id}:{secret}").as_bytes())
}

/// `Basic` and any octets.
pub fn basic_octets(octets: &[u8]) -> String {
    format!("Basic {}", Base64::encode_string(octets))
}

impl<H: Host> Session<H> {
    /// Starts a host.
    pub fn start(setup: Setup) -> Self {
        let known = [
            DEMO.1,
            OTHER.1,
            QUOTES.1,
            BREAKOUT.1,
            DRILLSTER.1,
            API_KEY,
            USER.1,
        ];
        Session {
            host: H::start(&setup.whole()),
            secrets: RefCell::new(
                known
                    .iter()
                    .chain(&KEY_SECRETS)
                    .map(|text| (*text).into())
                    .collect(),
            ),
        }
    }

    /// Something that can not be shown on this host.
    ///
    /// # Panics
    ///
    /// The host does not say so.
    pub fn out_of_reach(&self, what: &str) {
        assert!(
            H::out_of_reach().contains(&what),
            "{what} is left out, and the host does not say so"
        );
        eprintln!("out of this host's reach: {what}");
    }

    /// A new connection.
    pub fn wire(&self) -> Wire {
        Wire::open(self.host.address())
    }

    /// Sends a request on a connection of its own.
    pub fn ask(&self, request: &Request) -> Response {
        self.ask_over(self.wire(), request)
    }

    /// Sends a request from another address of this machine.
    pub fn ask_from(&self, source: IpAddr, request: &Request) -> Response {
        self.ask_over(Wire::open_from(source, self.host.address()), request)
    }

    fn ask_over(&self, mut wire: Wire, request: &Request) -> Response {
        self.heard(request);
        let response = wire.ask(request);
        self.said(&response);
        response
    }

    /// Sends a form to `path` with an `Authorization` field, if any.
    pub fn post(&self, path: &str, authorization: Option<&str>, form: &str) -> Response {
        self.ask(&post(path, authorization, form))
    }

    /// A form of a client to `/oauth/token`.
    pub fn token(&self, client: (&str, &str), form: &str) -> Response {
        self.post("/oauth/token", Some(&basic(client)), form)
    }

    /// A form of Teen Quotes' client to `/oauth`, credentials in the body.
    pub fn quote(&self, form: &str) -> Response {
        let (id, secret) = QUOTES;
        let form = format!("client_id={id}&client_secret={secret}&{form}");
        self.post("/oauth", None, &form)
    }

    /// A password request of BreakOut's client and user.
    pub fn log_in(&self) -> Response {
        let response = self.token(BREAKOUT, &password_form(USER));
        assert_eq!(response.status, 200, "{}", response.text());
        response
    }

    /// `GET /me/` with a token.
    pub fn me(&self, token: &str) -> Response {
        let bearer = format!("Bearer {token}");
        self.ask(&Request::new("GET", "/me/").header("Authorization", &bearer))
    }

    /// Keeps what may not be logged of a request.
    pub fn heard(&self, request: &Request) {
        let mut secrets = self.secrets.borrow_mut();
        for (name, value) in &request.headers {
            if name.eq_ignore_ascii_case("authorization") {
                secrets.extend(value.split_once(' ').map(|(_, value)| value.to_owned()));
            }
            if ["x-api-key", "x-dressipi-jwt"].contains(&name.as_str()) {
                secrets.push(value.clone());
            }
        }
        let body = String::from_utf8_lossy(&request.body);
        let secret = [
            "client_secret",
            "password",
            "refresh_token",
            "code",
            "access_token",
            "token",
            "code_verifier",
        ];
        for piece in body.split('&') {
            if let Some((name, value)) = piece.split_once('=')
                && secret.contains(&name)
            {
                secrets.push(value.to_owned());
            }
        }
    }

    /// Keeps what may not be logged of an answer.
    pub fn said(&self, response: &Response) {
        self.secrets
            .borrow_mut()
            .extend(super::browser::code_in(response));
        let Ok(body) = serde_json::from_slice::<serde_json::Value>(&response.body) else {
            return;
        };
        for name in ["access_token", "refresh_token"] {
            let token = body[name].as_str().map(str::to_owned);
            self.secrets.borrow_mut().extend(token);
        }
    }

    /// Waits until the log satisfies `wanted`, and gives it.
    pub fn log_with(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.log_within(Duration::from_secs(10), wanted)
    }

    /// The same for something that may take longer.
    pub fn log_within(&self, limit: Duration, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + limit;
        loop {
            let log = self.host.log();
            if wanted(&log) {
                return log;
            }
            assert!(Instant::now() < deadline, "not in the log: {log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The secrets that are in `log`.
    pub fn leaked(&self, log: &str) -> Vec<String> {
        let secrets = self.secrets.borrow();
        // Shorter ones are found by chance, and BreakOut's documented password
        // is a word that any log has.
        let found_by_chance = |secret: &str| secret.len() < 8 || secret == "password";
        let long = secrets.iter().filter(|secret| !found_by_chance(secret));
        long.filter(|secret| log.contains(secret.as_str()))
            .cloned()
            .collect()
    }

    /// How many secrets it knows of.
    pub fn secrets(&self) -> usize {
        self.secrets.borrow().len()
    }
}

impl<H: Host> Drop for Session<H> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let log = self.host.log();
            assert_eq!(self.leaked(&log), Vec::<String>::new(), "in {log}");
        }
    }
}

/// A form to `path`.
pub fn post(path: &str, authorization: Option<&str>, form: &str) -> Request {
    let request = Request::new("POST", path);
    match authorization {
        Some(value) => request.header("Authorization", value),
        None => request,
    }
    .form(form)
}

/// BreakOut's form.
pub fn password_form((name, password): (&str, &str)) -> String {
    let (name, password) = (encoded(name), encoded(password));
    format!("username={name}&password={password}&grant_type=password&scope=read+write")
}

/// `application/x-www-form-urlencoded`, everything but letters and digits.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|octet| match octet {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(octet).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// A form of a refresh token.
pub fn refresh_form(response: &Response) -> String {
    format!(
        "grant_type=refresh_token&refresh_token={}",
        response.member("refresh_token")
    )
}
