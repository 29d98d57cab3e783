//! The `oauth2` crate (5.x) as a client of the binary. It is told nothing but
//! where the endpoints are.

use std::convert::Infallible;
use std::net::SocketAddr;

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IntrospectionUrl, PkceCodeChallenge, RedirectUrl,
    RefreshToken, RequestTokenError, ResourceOwnerPassword, ResourceOwnerUsername, RevocationUrl,
    Scope, TokenIntrospectionResponse, TokenResponse, TokenUrl,
};
use smallgate_tests::flow::value;
use smallgate_tests::host::Host;
use smallgate_tests::simulator::Simulator;
use smallgate_tests::suite::browser::{code_in, filled_in, sent_to};
use smallgate_tests::suite::session::Session;
use smallgate_tests::suite::setups::{self, BREAKOUT, DEMO, QUOTES, USER};
use smallgate_tests::wire::{Request, Wire};

type Client =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

fn client(address: SocketAddr, path: &str, (id, secret): (&str, &str)) -> Client {
    let url = format!("http://{address}{path}");
    BasicClient::new(ClientId::new(id.to_owned()))
        .set_client_secret(ClientSecret::new(secret.to_owned()))
        .set_token_uri(TokenUrl::new(url).expect("a URL"))
}

/// Carries the crate's request over a connection of its own: a transport, and
/// nothing of OAuth.
fn carry(request: HttpRequest) -> Result<HttpResponse, Infallible> {
    let (head, body) = request.into_parts();
    let authority = head
        .uri
        .authority()
        .expect("an absolute URL")
        .as_str()
        .to_owned();
    let mut sent = Request::bare(&format!("{} {} HTTP/1.1", head.method, head.uri.path()));
    sent = sent.header("Host", &authority);
    for (name, value) in &head.headers {
        sent = sent.header(name.as_str(), value.to_str().expect("text"));
    }
    sent = sent
        .header("Content-Length", &body.len().to_string())
        .content(std::str::from_utf8(&body).expect("text"));
    let answer = Wire::open(authority.parse().expect("an address")).ask(&sent);
    let mut response = oauth2::http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    Ok(response.body(answer.body).expect("a response"))
}

fn subject(session: &Session<Simulator>, response: &BasicTokenResponse) -> String {
    session.me(response.access_token().secret()).member("sub")
}

#[test]
fn client_credentials_on_standard() {
    let session = Session::<Simulator>::start(setups::standard());
    let client = client(session.host.address(), "/oauth/token", DEMO);
    for auth in [AuthType::BasicAuth, AuthType::RequestBody] {
        let response = client
            .clone()
            .set_auth_type(auth)
            .exchange_client_credentials()
            .add_scope(Scope::new("read".to_owned()))
            .add_scope(Scope::new("write".to_owned()))
            .request(&carry)
            .expect("tokens");
        assert_eq!(response.token_type().as_ref(), "bearer");
        assert_eq!(
            response.expires_in(),
            Some(std::time::Duration::from_secs(3600))
        );
        let scopes: Vec<_> = response
            .scopes()
            .unwrap()
            .iter()
            .map(|scope| scope.as_str())
            .collect();
        assert_eq!(scopes, ["read", "write"]);
        assert!(response.refresh_token().is_none());
        assert_eq!(subject(&session, &response), "demo");
    }
}

/// The crate form-encodes both halves of Basic, as RFC 6749 §2.3.1 says.
#[test]
fn r15_difficult_credentials_on_standard() {
    let difficult = ("urn:example:app+1", "s:e%c r&e=t+/that is long enough");
    let setup = setups::standard().client(difficult.0, difficult.1);
    let session = Session::<Simulator>::start(setup);
    let client = client(session.host.address(), "/oauth/token", difficult);
    let response = client
        .exchange_client_credentials()
        .request(&carry)
        .expect("tokens");
    assert_eq!(subject(&session, &response), difficult.0);
}

#[test]
fn password_and_refresh_on_breakout() {
    let session = Session::<Simulator>::start(setups::breakout());
    let client = client(session.host.address(), "/oauth/token", BREAKOUT);
    let log_in = |password: &str| {
        client
            .exchange_password(
                &ResourceOwnerUsername::new(USER.0.to_owned()),
                &ResourceOwnerPassword::new(password.to_owned()),
            )
            .add_scope(Scope::new("read".to_owned()))
            .request(&carry)
    };
    let login = log_in(USER.1).expect("tokens");
    assert_eq!(subject(&session, &login), "94173");
    let refresh = login.refresh_token().expect("a refresh token").clone();
    for _ in 0..2 {
        let again = client
            .exchange_refresh_token(&refresh)
            .request(&carry)
            .expect("tokens");
        assert_eq!(again.refresh_token().unwrap().secret(), refresh.secret());
        assert_eq!(subject(&session, &again), "94173");
    }
    match log_in("another password").expect_err("it is wrong") {
        RequestTokenError::ServerResponse(error) => {
            assert_eq!(error.error(), &BasicErrorResponseType::InvalidGrant);
            assert!(error.error_description().is_some());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn client_credentials_and_refresh_on_teen_quotes() {
    let session = Session::<Simulator>::start(setups::teen_quotes());
    let client =
        client(session.host.address(), "/oauth", QUOTES).set_auth_type(AuthType::RequestBody);
    let first = client
        .exchange_client_credentials()
        .request(&carry)
        .expect("tokens");
    assert_eq!(
        first.expires_in(),
        Some(std::time::Duration::from_secs(604_800))
    );
    let r1 = first.refresh_token().expect("a refresh token").clone();
    let second = client
        .exchange_refresh_token(&r1)
        .request(&carry)
        .expect("tokens");
    assert_ne!(second.refresh_token().unwrap().secret(), r1.secret());
    assert_eq!(subject(&session, &second), "42");
    let spent = RefreshToken::new("x5Oewf7PUw38J07lwEnJXSyXolwZ1KMdxxH2bxFJ".to_owned());
    match client
        .exchange_refresh_token(&spent)
        .request(&carry)
        .expect_err("it is no good")
    {
        RequestTokenError::ServerResponse(error) => {
            assert_eq!(error.error(), &BasicErrorResponseType::InvalidRequest);
            let description = error.error_description().expect("a text");
            assert_eq!(description, "The refresh token is invalid.");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn errors_are_understood() {
    let session = Session::<Simulator>::start(setups::standard());
    let address = session.host.address();
    let refused = |who: (&str, &str), scope: &str| {
        let asked = client(address, "/oauth/token", who)
            .exchange_client_credentials()
            .add_scope(Scope::new(scope.to_owned()))
            .request(&carry);
        match asked.expect_err("it is refused") {
            RequestTokenError::ServerResponse(error) => error.error().clone(),
            other => panic!("{other:?}"),
        }
    };
    use BasicErrorResponseType as E;
    assert_eq!(refused(DEMO, "admin"), E::InvalidScope);
    assert_eq!(refused(("demo", "wrong-secret"), "read"), E::InvalidClient);
    assert_eq!(refused(("narrow", DEMO.1), "read"), E::UnauthorizedClient);
}

/// Everything the crate can do with a code: it makes the challenge and the
/// state, the test is the browser.
#[test]
fn r22_r45_code_with_pkce_refresh_introspection_and_revocation_on_standard() {
    let session = Session::<Simulator>::start(setups::standard());
    let url = |path: &str| format!("http://{}{path}", session.host.address());
    let confidential = BasicClient::new(ClientId::new(DEMO.0.to_owned()))
        .set_client_secret(ClientSecret::new(DEMO.1.to_owned()))
        .set_redirect_uri(RedirectUrl::new(setups::CALLBACK.to_owned()).expect("a URL"));
    let loopback = RedirectUrl::new("http://127.0.0.1:49152/cb".to_owned()).expect("a URL");
    let public = BasicClient::new(ClientId::new(setups::APP.to_owned())).set_redirect_uri(loopback);
    for client in [confidential, public] {
        let client = client
            .set_auth_uri(AuthUrl::new(url("/oauth/authorize")).expect("a URL"))
            .set_token_uri(TokenUrl::new(url("/oauth/token")).expect("a URL"))
            .set_introspection_url(IntrospectionUrl::new(url("/oauth/introspect")).expect("a URL"));
        let revoke = url("/oauth/revoke").replace("http:", "https:");
        let client = client.set_revocation_url(RevocationUrl::new(revoke).expect("a URL"));

        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (asked, state) = client
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("read".to_owned()))
            .add_scope(Scope::new("write".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let query = asked.query().expect("a request");
        let page = session.ask(&Request::new("GET", &format!("/oauth/authorize?{query}")));
        let answer = session.ask(&filled_in(&page, "approve", USER));
        let sent = sent_to(&answer, client.redirect_uri().expect("one").as_str());
        assert_eq!(value(&sent, "state"), state.secret());
        assert_eq!(value(&sent, "iss"), setups::ISSUER);

        let first = client
            .exchange_code(AuthorizationCode::new(value(&sent, "code").to_owned()))
            .set_pkce_verifier(verifier)
            .request(&carry)
            .expect("tokens");
        assert_eq!(subject(&session, &first), "94173");
        assert_eq!(first.scopes().map(Vec::len), Some(2));
        let refresh = first.refresh_token().expect("a refresh token");
        let second = client
            .exchange_refresh_token(refresh)
            .add_scope(Scope::new("read".to_owned()))
            .request(&carry)
            .expect("tokens");
        assert_eq!(second.scopes().map(Vec::len), Some(1));
        let newest = second.refresh_token().expect("a refresh token").clone();
        assert_ne!(newest.secret(), refresh.secret());

        let told = client.introspect(second.access_token()).request(&carry);
        let may_ask = client.client_id().as_str() == DEMO.0;
        match told {
            Ok(about) => {
                assert!(may_ask && about.active());
                assert_eq!(about.sub(), Some("94173"));
                assert_eq!(about.username(), Some(USER.0));
                assert_eq!(about.client_id(), Some(client.client_id()));
                assert_eq!(about.iss(), Some(setups::ISSUER));
            }
            Err(RequestTokenError::ServerResponse(error)) => {
                assert!(!may_ask, "{error:?}");
                assert_eq!(error.error(), &BasicErrorResponseType::InvalidClient);
            }
            other => panic!("{other:?}"),
        }

        client
            .revoke_token(newest.clone().into())
            .expect("an https URL")
            .request(&carry)
            .expect("revoked");
        let access = second.access_token().secret();
        assert_eq!(session.me(access).status, 401);
        if may_ask {
            let told = client.introspect(second.access_token()).request(&carry);
            assert!(!told.expect("an answer").active());
        }
        match client.exchange_refresh_token(&newest).request(&carry) {
            Err(RequestTokenError::ServerResponse(error)) => {
                assert_eq!(error.error(), &BasicErrorResponseType::InvalidGrant);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The code is read off the page.
#[test]
fn code_and_refresh_on_dressipi_and_drillster() {
    let session = Session::<Simulator>::start(setups::dressipi());
    let url = |session: &Session<Simulator>, path: &str| {
        format!("http://{}{path}", session.host.address())
    };
    let out_of_band = RedirectUrl::new(setups::OUT_OF_BAND.to_owned()).expect("a URI");
    let client = BasicClient::new(ClientId::new(setups::DRESSIPI.to_owned()))
        .set_redirect_uri(out_of_band)
        .set_auth_uri(AuthUrl::new(url(&session, "/oauth/authorize")).expect("a URL"))
        .set_token_uri(TokenUrl::new(url(&session, "/oauth/token")).expect("a URL"));
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let asked = client.authorize_url(CsrfToken::new_random);
    let (asked, _) = asked.set_pkce_challenge(challenge).url();
    let first = client
        .exchange_code(AuthorizationCode::new(code(&session, &asked)))
        .set_pkce_verifier(verifier)
        .request(&carry)
        .expect("tokens");
    assert_eq!(subject(&session, &first), "94173");
    let second = client
        .exchange_refresh_token(first.refresh_token().expect("a refresh token"))
        // The document wants it on both grants; RFC 6749 on the first alone.
        .add_extra_param("redirect_uri", setups::OUT_OF_BAND)
        .request(&carry)
        .expect("tokens");
    assert_eq!(subject(&session, &second), "94173");

    let session = Session::<Simulator>::start(setups::drillster());
    for auth in [AuthType::BasicAuth, AuthType::RequestBody] {
        let client = self::client(
            session.host.address(),
            "/daas/oauth/token",
            setups::DRILLSTER,
        )
        .set_auth_type(auth)
        .set_auth_uri(AuthUrl::new(url(&session, "/oauth/authorize")).expect("a URL"));
        let (asked, _) = client.authorize_url(CsrfToken::new_random).url();
        let first = client
            .exchange_code(AuthorizationCode::new(code(&session, &asked)))
            .request(&carry)
            .expect("tokens");
        let second = client
            .exchange_refresh_token(first.refresh_token().expect("a refresh token"))
            .request(&carry)
            .expect("tokens");
        assert_eq!(subject(&session, &second), "94173");
    }
}

/// What a browser gets for the URL that the crate made.
fn code(session: &Session<Simulator>, asked: &oauth2::url::Url) -> String {
    let query = asked.query().expect("a request");
    let page = session.ask(&Request::new("GET", &format!("/oauth/authorize?{query}")));
    let answer = session.ask(&filled_in(&page, "approve", USER));
    code_in(&answer).unwrap_or_else(|| panic!("no code: {}", answer.pretty()))
}
