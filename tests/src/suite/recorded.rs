//! Requests as the services document them, and every error, beside recorded
//! answers.

use super::session::{Session, basic, basic_octets};
use super::setups::{BREAKOUT, DEMO, QUOTES, breakout, standard, teen_quotes};
use crate::golden::Golden;
use crate::host::{Host, Setup};
use crate::wire::{Request, Response};

/// A session whose exchanges are compared.
pub(super) struct Recorded<H: Host> {
    pub(super) session: Session<H>,
    golden: Golden,
    clock_set: bool,
}

impl<H: Host> Recorded<H> {
    pub(super) fn start(service: &'static str, setup: Setup) -> Self {
        Recorded {
            clock_set: setup.clock_set,
            session: Session::start(setup),
            golden: Golden::of(service),
        }
    }

    pub(super) fn ask(&mut self, name: &str, request: Request) -> Response {
        let response = self.session.ask(&request);
        let compared = match self.session.host.clock() {
            Some(_) => response.clone(),
            None => at_first(&response),
        };
        let mut compared = H::framed_as_others(compared);
        if !self.clock_set && compared.header("date").is_none() {
            // "An origin server without a clock MUST NOT generate a Date header
            // field." (RFC 9110 §6.6.1) The desktop has another one for it.
            compared
                .headers
                .push(("date".to_owned(), "none".to_owned()));
        }
        self.golden.compare(name, &request, &compared);
        response
    }

    /// Asks with a body that stays short, which not every host has words for.
    fn ask_too_late(&mut self, name: &str, request: Request) {
        if self.session.host.says_when_a_body_is_late() {
            self.ask(name, request);
            return;
        }
        let mut wire = self.session.wire();
        wire.send(&request.octets());
        assert!(wire.ends(), "{name}: an answer, or none at all");
        self.golden.pass_over(name);
    }

    /// Goes on with another host.
    pub(super) fn another(self, setup: Setup) -> Self {
        let Recorded {
            session, golden, ..
        } = self;
        drop(session);
        Recorded {
            clock_set: setup.clock_set,
            session: Session::start(setup),
            golden,
        }
    }

    pub(super) fn finish(self) {
        self.golden.finish();
    }
}

/// A throttled answer as it is in the window's first second: the wait grows
/// shorter where the clock goes on. One that a test turns stands still, and has
/// to say the whole wait.
fn at_first(response: &Response) -> Response {
    const WINDOW: u64 = 60;
    let mut response = response.clone();
    if response.status == 429
        && let Some((_, value)) = response
            .headers
            .iter_mut()
            .find(|(name, _)| name == "retry-after")
        && value.parse().is_ok_and(|left| (1..=WINDOW).contains(&left))
    {
        *value = WINDOW.to_string();
    }
    response
}

/// BreakOut's document: header fields in its order, Basic value and length
/// live.
fn breakout_password(user: &str, password: &str) -> Request {
    let form = format!("username={user}&password={password}&grant_type=password&scope=read+write");
    Request::bare("POST /oauth/token HTTP/1.1")
        .header("Authorization", &basic(BREAKOUT))
        .header("Accept", "application/json")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Host", "yourdomain.org")
        .header("Connection", "close")
        .header("Content-Length", &form.len().to_string())
        .content(&form)
}

fn breakout_refresh(token: &str) -> Request {
    let form = format!("refresh_token={token}&grant_type=refresh_token");
    Request::bare("POST /oauth/token HTTP/1.1")
        .header("Authorization", &basic(BREAKOUT))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Host", "yourdomain.org")
        .header("Connection", "close")
        .header("Content-Length", &form.len().to_string())
        .content(&form)
}

fn breakout_me(token: &str) -> Request {
    Request::bare("GET /me/ HTTP/1.1")
        .header("Authorization", &format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .header("Host", "yourdomain.org")
        .header("Connection", "close")
}

/// A form with Basic, as `curl -u` sends it.
pub(super) fn form(path: &str, client: Option<(&str, &str)>, body: &str) -> Request {
    let request = Request::new("POST", path);
    match client {
        Some(client) => request.header("Authorization", &basic(client)),
        None => request,
    }
    .form(body)
}

pub fn golden_breakout<H: Host>() {
    // The document's password is a word that log lines hold.
    let mut documented = breakout();
    documented.toml = documented.toml.replace(super::setups::USER.1, "password");
    let documented = documented.tables("[throttle]\nfailures = 3\nwindow = 60");
    let mut it = Recorded::<H>::start("breakout", documented);
    let request = breakout_password("admin%40break-out.org", "password");
    assert_eq!(request.body.len(), 85, "the document's Content-Length");
    let tokens = it.ask("password", request);
    it.ask("me", breakout_me(&tokens.member("access_token")));
    let refresh = tokens.member("refresh_token");
    let refreshed = it.ask("refresh", breakout_refresh(&refresh));
    it.ask(
        "me-after-refresh",
        breakout_me(&refreshed.member("access_token")),
    );

    let token = |body: &str| form("/oauth/token", Some(BREAKOUT), body);
    it.ask(
        "invalid_grant-password",
        breakout_password("admin%40break-out.org", "wrong"),
    );
    it.ask(
        "invalid_grant-user",
        breakout_password("nobody%40break-out.org", "password"),
    );
    it.ask(
        "invalid_grant-refresh",
        breakout_refresh("YOURREFRESHTOKEN"),
    );
    it.ask(
        "invalid_request-missing",
        token("grant_type=password&username=x"),
    );
    it.ask("invalid_request-repeated", token("scope=read&scope=read"));
    it.ask(
        "invalid_request-content-type",
        Request::new("POST", "/oauth/token").body("text/plain", "x"),
    );
    let wider = format!("refresh_token={refresh}&grant_type=refresh_token&scope=galaxy");
    it.ask("invalid_scope", token(&wider));
    it.ask(
        "unsupported_grant_type",
        token("grant_type=client_credentials"),
    );
    it.ask(
        "unauthorized_client",
        form(
            "/oauth/token",
            Some(("narrow", DEMO.1)),
            "grant_type=password",
        ),
    );
    it.ask(
        "invalid_client",
        form(
            "/oauth/token",
            Some(("breakout_app", "987654321")),
            "grant_type=password",
        ),
    );
    it.ask("me-without-token", Request::new("GET", "/me/"));
    it.ask("me-with-a-bad-token", breakout_me("YOURACCESSTOKENHERE"));
    // The document's requests letter by letter, placeholders and all.
    let literally = |mut request: Request, length: &str| {
        for (name, value) in &mut request.headers {
            match name.as_str() {
                "Authorization" => *value = "Basic BASE64ENCODEDCLIENTCREDENTIALS".to_owned(),
                "Content-Length" => *value = length.to_owned(),
                _ => {}
            }
        }
        request
    };
    let password = breakout_password("admin%40break-out.org", "password");
    it.ask("documented-password", literally(password, "85"));
    let refresh = breakout_refresh("YOURREFRESHTOKEN");
    it.ask_too_late("documented-refresh", literally(refresh, "75"));
    for _ in 0..3 {
        it.session
            .ask(&breakout_password("admin%40break-out.org", "wrong"));
    }
    it.ask(
        "temporarily_unavailable-throttled",
        breakout_password("admin%40break-out.org", "password"),
    );
    it.finish();
}

fn quotes_json() -> Request {
    let (id, secret) = QUOTES;
    let body = format!(
        "{{\n   \"grant_type\":\"client_credentials\",\n   \"client_id\":\"{id}\",\n   \
         \"client_secret\":\"{secret}\",\n}}"
    );
    Request::new("POST", "/oauth").body("application/json", &body)
}

fn quotes(body: &str) -> Request {
    let (id, secret) = QUOTES;
    form(
        "/oauth",
        None,
        &format!("grant_type={body}&client_id={id}&client_secret={secret}"),
    )
}

/// The document's texts, byte by byte, where the wire can show them: four
/// belong to endpoints that this service does not have here.
const QUOTES_TEXTS: [(&str, u16, &str, &str); 9] = [
    (
        "invalid_request",
        400,
        "invalid_request",
        "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed. Check the \"grant_type\" parameter.",
    ),
    (
        "unauthorized_client",
        400,
        "unauthorized_client",
        "The client is not authorized to request an access token using this method.",
    ),
    (
        "invalid_scope",
        400,
        "invalid_scope",
        "The requested scope is invalid, unknown, or malformed. Check the \"galaxy\" scope.",
    ),
    (
        "temporarily_unavailable",
        400,
        "temporarily_unavailable",
        "The authorization server is currently unable to handle the request due to a temporary overloading or maintenance of the server.",
    ),
    (
        "unsupported_grant_type",
        501,
        "unsupported_grant_type",
        "The authorization grant type \"implicit\" is not supported by the authorization server",
    ),
    (
        "invalid_client",
        401,
        "invalid_client",
        "Client authentication failed",
    ),
    (
        "invalid_client-unknown",
        401,
        "invalid_client",
        "Client authentication failed",
    ),
    (
        "invalid_refresh",
        400,
        "invalid_request",
        "The refresh token is invalid.",
    ),
    (
        "temporarily_unavailable-throttled",
        429,
        "temporarily_unavailable",
        "The authorization server is currently unable to handle the request due to a temporary overloading or maintenance of the server.",
    ),
];

pub fn golden_teen_quotes<H: Host>() {
    let mut it = Recorded::<H>::start(
        "teen-quotes",
        teen_quotes().tables("[throttle]\nfailures = 3"),
    );
    let tokens = it.ask("client_credentials-json", quotes_json());
    it.ask("client_credentials-form", quotes("client_credentials"));
    let refresh = tokens.member("refresh_token");
    it.ask(
        "refresh",
        quotes(&format!("refresh_token&refresh_token={refresh}")),
    );
    let bearer = format!("Bearer {}", tokens.member("access_token"));
    it.ask(
        "me",
        Request::new("GET", "/me/").header("Authorization", &bearer),
    );

    let narrow = format!(
        "grant_type=client_credentials&client_id=narrow&client_secret={}",
        DEMO.1
    );
    let mut errors = vec![
        it.ask("invalid_request", quotes("")),
        it.ask("unauthorized_client", form("/oauth", None, &narrow)),
        it.ask(
            "invalid_scope",
            quotes("client_credentials&scope=read+galaxy"),
        ),
        it.ask("unsupported_grant_type", quotes("implicit")),
    ];
    let wrong = |id: &str| {
        let body =
            format!("grant_type=client_credentials&client_id={id}&client_secret=wrong-secret");
        form("/oauth", None, &body)
    };
    errors.push(it.ask("invalid_client", wrong("42")));
    errors.push(it.ask("invalid_client-unknown", wrong("43")));
    let bad = "refresh_token&refresh_token=x5Oewf7PUw38J07lwEnJXSyXolwZ1KMdxxH2bxFJ";
    errors.push(it.ask("invalid_refresh", quotes(bad)));
    it.ask(
        "invalid_request-json",
        Request::new("POST", "/oauth").body("application/json", "{,}"),
    );
    it.ask(
        "invalid_request-missing-refresh_token",
        quotes("refresh_token"),
    );
    for _ in 0..3 {
        it.session.ask(&wrong("42"));
    }
    errors.push(it.ask(
        "temporarily_unavailable-throttled",
        quotes("client_credentials"),
    ));
    it = it.another(teen_quotes().clock_unset());
    errors.insert(
        3,
        it.ask("temporarily_unavailable", quotes("client_credentials")),
    );
    for ((name, status, error, text), found) in QUOTES_TEXTS.iter().zip(&errors) {
        assert_eq!(found.outcome(), (*status, (*error).to_owned()), "{name}");
        assert_eq!(found.member("error_description"), *text, "{name}");
    }
    assert_eq!(errors.len(), QUOTES_TEXTS.len());
    it.finish();
}

pub fn golden_standard<H: Host>() {
    let mut it = Recorded::<H>::start("standard", standard().tables("[throttle]\nfailures = 3"));
    let token = |body: &str| form("/oauth/token", Some(DEMO), body);
    let first = "grant_type=client_credentials";
    let tokens = it.ask(
        "client_credentials-basic",
        token(&format!("{first}&scope=read+write")),
    );
    let posted = format!("{first}&client_id={}&client_secret={}", DEMO.0, DEMO.1);
    it.ask(
        "client_credentials-post",
        form("/oauth/token", None, &posted),
    );
    let bearer = format!("Bearer {}", tokens.member("access_token"));
    it.ask(
        "me",
        Request::new("GET", "/me/").header("Authorization", &bearer),
    );
    it.ask(
        "me-head",
        Request::new("HEAD", "/me/").header("Authorization", &bearer),
    );
    it.ask("me-without-token", Request::new("GET", "/me/"));
    it.ask(
        "me-with-a-bad-token",
        Request::new("GET", "/me/").header("Authorization", "Bearer x"),
    );
    let in_query = Request::new("GET", "/me/?access_token=x");
    it.ask("me-with-a-token-in-the-query", in_query);

    it.ask(
        "invalid_request-query",
        form("/oauth/token?a=b", Some(DEMO), first),
    );
    it.ask("invalid_request-missing", token("scope=read"));
    it.ask("invalid_request-body", token("a=%"));
    it.ask(
        "invalid_request-two-methods",
        form("/oauth/token", Some(DEMO), &posted),
    );
    it.ask("invalid_request-too-long", token(&"a".repeat(1025)));
    it.ask(
        "invalid_request-content-type",
        Request::new("POST", "/oauth/token").body("application/json", "{}"),
    );
    it.ask(
        "invalid_client",
        form("/oauth/token", Some(("demo", "wrong-secret")), first),
    );
    it.ask("invalid_client-none", form("/oauth/token", None, first));
    let unreadable = basic_octets(b"no colon");
    it.ask(
        "invalid_client-unreadable",
        Request::new("POST", "/oauth/token")
            .header("Authorization", &unreadable)
            .form(first),
    );
    it.ask("invalid_scope", token(&format!("{first}&scope=admin")));
    it.ask(
        "invalid_grant-code",
        token("grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA"),
    );
    it.ask(
        "invalid_grant-refresh",
        token("grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA"),
    );
    it.ask(
        "unsupported_grant_type",
        token("grant_type=password&username=a&password=b-password"),
    );
    it.ask(
        "unauthorized_client",
        form("/oauth/token", Some(("narrow", DEMO.1)), first),
    );
    super::recorded_codes::standard_codes(&mut it);
    it.ask("not-found", Request::new("GET", "/nothing"));
    it.ask("method-not-allowed", Request::new("GET", "/oauth/token"));
    for _ in 0..3 {
        it.session.token(("demo", "wrong-secret"), first);
    }
    it.ask("temporarily_unavailable-throttled", token(first));
    it = it.another(standard().clock_unset());
    it.ask("temporarily_unavailable", token(first));
    it.finish();
}
