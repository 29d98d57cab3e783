//! The `oauth2` crate (5.x) as a client of the binary. It is told nothing but
//! where the endpoints are.

use std::convert::Infallible;
use std::net::SocketAddr;

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    RefreshToken, RequestTokenError, ResourceOwnerPassword, ResourceOwnerUsername, Scope,
    TokenResponse, TokenUrl,
};
use smallgate_tests::host::Host;
use smallgate_tests::simulator::Simulator;
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
