//! Codes, from the form to the token, beside recorded answers; and what
//! `standard` says of its tokens and of itself.

use super::browser::{asking, code_in, demo, filled_in, redemption, with};
use super::recorded::{Recorded, form};
use super::services::{
    DRILLSTER_ASK, dressipi_ask, dressipi_code, dressipi_form, dressipi_json, dressipi_refresh,
    with_key,
};
use super::session::refresh_form;
use super::setups::{API_KEY, APP, CALLBACK, DEMO, DRESSIPI, DRILLSTER, USER, dressipi, drillster};
use crate::flow::{Pairs, VERIFIER};
use crate::host::Host;
use crate::wire::Request;

/// A wrong password, for which the form is shown again.
const WRONG: (&str, &str) = (USER.0, "wrong-password");

impl<H: Host> Recorded<H> {
    /// The form, what becomes of it, and the code.
    fn code(&mut self, pairs: Pairs<'_>) -> String {
        let page = self.ask("authorize", asking(pairs));
        self.ask(
            "authorize-wrong-password",
            filled_in(&page, "approve", WRONG),
        );
        self.ask("authorize-denied", filled_in(&page, "deny", ("", "")));
        let nobody = with(pairs, "client_id", Some("nobody"));
        self.ask("authorize-unknown-client", asking(&nobody));
        let elsewhere = with(pairs, "redirect_uri", Some("https://evil.example/cb"));
        self.ask("authorize-bad-redirect_uri", asking(&elsewhere));
        let implicit = with(pairs, "response_type", Some("token"));
        self.ask("authorize-unsupported_response_type", asking(&implicit));
        let foreign = Request::new("POST", "/oauth/authorize")
            .header("Origin", "https://evil.example")
            .form("client_id=x&decision=approve");
        self.ask("authorize-foreign-origin", foreign);
        let answer = self.ask("authorize-approved", filled_in(&page, "approve", USER));
        code_in(&answer).expect("a code")
    }

    fn me(&mut self, name: &str, token: &str) {
        let bearer = format!("Bearer {token}");
        let request = Request::new("GET", "/me/").header("Authorization", &bearer);
        self.ask(name, request);
    }
}

/// What else there is in profile `standard`.
pub(super) fn standard_codes<H: Host>(it: &mut Recorded<H>) {
    let token = |body: &str| form("/oauth/token", Some(DEMO), body);
    let code = it.code(&demo());
    let wrong = redemption(&code).replace(VERIFIER, &VERIFIER.replace("dBjft", "dBjfu"));
    it.ask("invalid_grant-verifier", token(&wrong));
    let first = it.ask("authorization_code", token(&redemption(&code)));
    it.me("me-of-a-user", &first.member("access_token"));
    let second = it.ask("refresh", token(&refresh_form(&first)));
    let narrower = refresh_form(&second) + "&scope=read";
    let third = it.ask("refresh-narrower", token(&narrower));
    let (access, refresh) = (third.member("access_token"), third.member("refresh_token"));

    let show = |path: &str, token: &str| form(path, Some(DEMO), &format!("token={token}"));
    it.ask(
        "introspect-access_token",
        show("/oauth/introspect", &access),
    );
    it.ask(
        "introspect-refresh_token",
        show("/oauth/introspect", &refresh),
    );
    it.ask("introspect-unknown", show("/oauth/introspect", "x"));
    let nobody = format!("client_id={APP}&token=x");
    it.ask(
        "introspect-without-a-secret",
        form("/oauth/introspect", None, &nobody),
    );
    it.ask("revoke-unknown", show("/oauth/revoke", "x"));
    it.ask(
        "revoke-without-a-client",
        form("/oauth/revoke", None, "token=x"),
    );
    it.ask("revoke", show("/oauth/revoke", &refresh));
    it.ask("introspect-revoked", show("/oauth/introspect", &access));
    it.me("me-after-revocation", &access);
    it.ask("invalid_grant-revoked", token(&refresh_form(&third)));
    it.ask("invalid_grant-replayed", token(&redemption(&code)));
    let metadata = "/.well-known/oauth-authorization-server";
    it.ask("metadata", Request::new("GET", metadata));
    it.ask("jwks", Request::new("GET", "/jwks.json"));
}

/// The document's form: its fields in its order, its lines joined by `&`.
fn drillster_token(grant: &str) -> Request {
    let (id, secret) = DRILLSTER;
    drillster_form(&format!("client_id={id}&client_secret={secret}&{grant}"))
}

fn drillster_form(body: &str) -> Request {
    form("/daas/oauth/token", None, body)
}

pub fn golden_drillster<H: Host>() {
    let throttle = "[throttle]\nfailures = 3\nwindow = 60";
    let mut it = Recorded::<H>::start("drillster", drillster().tables(throttle));
    let code = it.code(&DRILLSTER_ASK);
    let code = format!("grant_type=authorization_code&code={code}");
    let first = it.ask("authorization_code", drillster_token(&code));
    it.me("me", &first.member("access_token"));
    it.ask("refresh", drillster_token(&refresh_form(&first)));
    it.ask("invalid_grant-replayed", drillster_token(&code));
    it.me("me-after-replay", &first.member("access_token"));

    // The example request of the document, letter by letter.
    let literal = "grant_type=authorization_code&code=cIEL8h";
    it.ask("documented", drillster_token(literal));
    let header = |client, body: &str| form("/daas/oauth/token", Some(client), body);
    it.ask("documented-with-basic", header(DRILLSTER, literal));

    let missing = drillster_token("grant_type=authorization_code");
    it.ask("invalid_request-missing", missing);
    let repeated = format!("{literal}&code=cIEL8h");
    it.ask("invalid_request-repeated", drillster_token(&repeated));
    let twice = format!(
        "client_id={}&client_secret={}&{literal}",
        DRILLSTER.0, DRILLSTER.1
    );
    it.ask("invalid_request-two-methods", header(DRILLSTER, &twice));
    let wrong = format!(
        "client_id={}&client_secret=wrong-secret&{literal}",
        DRILLSTER.0
    );
    it.ask("invalid_client", drillster_form(&wrong));
    let wrong = header((DRILLSTER.0, "wrong-secret"), literal);
    it.ask("invalid_client-basic", wrong);
    it.ask("invalid_client-none", drillster_form(literal));
    let unknown = "grant_type=refresh_token&refresh_token=ca9ff8d9-c62e-424c-b57c-68f544d8d07e";
    it.ask("invalid_grant-refresh", drillster_token(unknown));
    it.ask("unauthorized_client", header(("narrow", DEMO.1), literal));
    let password = "grant_type=password&username=a&password=b-password";
    it.ask("unsupported_grant_type", drillster_token(password));
    let code = it.session.code(&DRILLSTER_ASK);
    let code = format!("grant_type=authorization_code&code={code}");
    let tokens = it.session.ask(&drillster_token(&code));
    let wider = refresh_form(&tokens) + "&scope=ROLE_ADMIN";
    it.ask("invalid_scope", drillster_token(&wider));
    for _ in 0..3 {
        it.session.ask(&drillster_form(&format!(
            "client_id={}&client_secret=wrong-secret&{literal}",
            DRILLSTER.0
        )));
    }
    it.ask(
        "temporarily_unavailable-throttled",
        drillster_token(literal),
    );
    it = it.another(drillster().clock_unset());
    it.ask("temporarily_unavailable", drillster_token(literal));
    it.finish();
}

pub fn golden_dressipi<H: Host>() {
    let mut it = Recorded::<H>::start("dressipi", dressipi());
    let code = it.code(&dressipi_ask());
    let wrong = VERIFIER.replace("dBjft", "dBjfu");
    let wrong = with(&dressipi_code(&code), "code_verifier", Some(&wrong));
    it.ask("invalid_grant-verifier", dressipi_form(&wrong));
    let first = it.ask(
        "authorization_code-form",
        dressipi_form(&dressipi_code(&code)),
    );
    let token = first.member("refresh_token");
    let second = it.ask("refresh-form", dressipi_form(&dressipi_refresh(&token)));
    let token = second.member("refresh_token");
    let third = it.ask("refresh-json", dressipi_json(&dressipi_refresh(&token)));
    let own = Request::new("GET", "/me/").header("x-dressipi-jwt", &third.member("access_token"));
    it.ask("me", own);
    it.me("me-by-authorization", &third.member("access_token"));
    let bad = Request::new("GET", "/me/").header("x-dressipi-jwt", "x");
    it.ask("me-with-a-bad-token", bad);
    let code = it.session.code(&dressipi_ask());
    it.ask(
        "authorization_code-json",
        dressipi_json(&dressipi_code(&code)),
    );
    it.ask(
        "invalid_grant-replayed",
        dressipi_json(&dressipi_code(&code)),
    );

    let good = dressipi_code("cIEL8h");
    it.ask("invalid_grant-code", dressipi_form(&good));
    let unknown = "WzEsWzk0MTczXSwiaGF5ZFJDalRqX1R6RlhzQnlrnXoiLCIxNTcx1TA4MjcyLjM4NDM0NCJd--df2b0e0d9fc63bf536ba2bb807ec7b0d127145ba";
    it.ask(
        "invalid_grant-refresh",
        dressipi_form(&dressipi_refresh(unknown)),
    );
    for (name, parameter, value) in [
        ("invalid_request-redirect_uri-missing", "redirect_uri", None),
        (
            "invalid_request-redirect_uri",
            "redirect_uri",
            Some(CALLBACK),
        ),
        ("invalid_request-code", "code", None),
        ("invalid_client-none", "client_id", None),
        ("invalid_client", "client_id", Some("nobody")),
        ("unsupported_grant_type", "grant_type", Some("password")),
    ] {
        it.ask(name, dressipi_form(&with(&good, parameter, value)));
    }
    let broken = "{\"grant_type\":\"refresh_token\",}";
    it.ask(
        "invalid_request-json",
        Request::new("POST", "/oauth/token").body("application/json", broken),
    );
    let basic = form(
        "/oauth/token",
        Some((DRESSIPI, "")),
        "grant_type=refresh_token",
    );
    it.ask("invalid_client-basic", basic);

    it = it.another(with_key());
    let code = it.session.code(&dressipi_ask());
    let request = || dressipi_json(&dressipi_code(&code));
    it.ask("invalid_client-api-key-missing", request());
    let wrong = "an-api-key-of-no-use";
    it.ask(
        "invalid_client-api-key",
        request().header("x-api-key", wrong),
    );
    it.ask(
        "authorization_code-api-key",
        request().header("x-api-key", API_KEY),
    );
    it = it.another(dressipi().clock_unset());
    it.ask("temporarily_unavailable", dressipi_form(&good));
    it.finish();
}
