//! Revocation, introspection, metadata and JWKS: R48 to R50.

use super::browser::{demo, redemption};
use super::session::{Session, basic, post, refresh_form};
use super::setups::{
    APP, DEMO, ISSUER, KEY_SECRETS, OTHER, QUOTES, breakout, dressipi, drillster, standard,
    teen_quotes,
};
use crate::golden::members;
use crate::host::{Host, Setup};
use crate::wire::{Request, Response};

const REVOKE: &str = "/oauth/revoke";
const INTROSPECT: &str = "/oauth/introspect";
const METADATA: &str = "/.well-known/oauth-authorization-server";
const JWKS: &str = "/jwks.json";

fn tokens<H: Host>(session: &Session<H>) -> Response {
    let response = session.token(DEMO, &redemption(&session.code(&demo())));
    assert_eq!(response.status, 200, "{}", response.text());
    response
}

fn show<H: Host>(session: &Session<H>, path: &str, client: (&str, &str), token: &str) -> Response {
    session.post(path, Some(&basic(client)), &format!("token={token}"))
}

fn assert_done(response: &Response) {
    assert_eq!((response.status, response.text()), (200, ""));
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

fn assert_inactive<H: Host>(session: &Session<H>, client: (&str, &str), token: &str) {
    let response = show(session, INTROSPECT, client, token);
    assert_eq!(
        (response.status, response.text()),
        (200, r#"{"active":false}"#)
    );
}

pub fn r49_revocation_takes_the_whole_grant<H: Host>() {
    let session = Session::<H>::start(standard());
    for shown in ["refresh_token", "access_token"] {
        let first = tokens(&session);
        let second = session.token(DEMO, &refresh_form(&first));
        assert_done(&show(&session, REVOKE, DEMO, &second.member(shown)));
        for response in [&first, &second] {
            let access = response.member("access_token");
            let me = session.me(&access);
            assert_eq!(me.outcome(), (401, "invalid_token".to_owned()));
            assert_inactive(&session, DEMO, &access);
            assert_inactive(&session, DEMO, &response.member("refresh_token"));
            let refused = session.token(DEMO, &refresh_form(response));
            assert_eq!(refused.outcome(), (400, "invalid_grant".to_owned()));
        }
        // Once more is no harm.
        assert_done(&show(&session, REVOKE, DEMO, &second.member(shown)));
    }
    session.log_with(|log| log.matches("Requested").count() == 2);
}

pub fn r49_unknown_tokens_are_200_and_strangers_revoke_nothing<H: Host>() {
    let session = Session::<H>::start(standard());
    let first = tokens(&session);
    let (access, refresh) = (first.member("access_token"), first.member("refresh_token"));
    for token in ["x", "a.b.c", "45ghiukldjahdnhzdauz", &"A".repeat(44)] {
        assert_done(&show(&session, REVOKE, DEMO, token));
    }
    for token in [&access, &refresh] {
        assert_done(&show(&session, REVOKE, OTHER, token));
        let public = format!("client_id={APP}&token={token}");
        assert_done(&session.post(REVOKE, None, &public));
    }
    assert_eq!(session.me(&access).status, 200);
    // Nor does anybody who is no client at all.
    for refused in [
        session.post(REVOKE, None, &format!("token={refresh}")),
        show(&session, REVOKE, ("demo", "wrong-secret"), &refresh),
        show(&session, REVOKE, ("nobody", DEMO.1), &refresh),
    ] {
        assert_eq!(refused.outcome(), (401, "invalid_client".to_owned()));
    }
    let none = session.post(REVOKE, Some(&basic(DEMO)), "token_type_hint=access_token");
    assert_eq!(none.outcome(), (400, "invalid_request".to_owned()));
    assert_eq!(session.ask(&Request::new("GET", REVOKE)).status, 405);
    assert_eq!(session.token(DEMO, &refresh_form(&first)).status, 200);
}

pub fn r50_introspection_tells_clients_alone<H: Host>() {
    let session = Session::<H>::start(standard());
    let first = tokens(&session);
    let access = first.member("access_token");
    let told = show(&session, INTROSPECT, DEMO, &access);
    assert_eq!(told.status, 200);
    let about = told.json();
    assert_eq!(
        members(told.text()),
        [
            "active",
            "scope",
            "client_id",
            "username",
            "token_type",
            "exp",
            "iat",
            "sub",
            "iss",
            "jti",
            "aud"
        ]
    );
    assert_eq!(
        (&about["active"], &about["sub"], &about["iss"]),
        (&true.into(), &"94173".into(), &ISSUER.into())
    );
    let ends = about["exp"].as_u64().expect("a number");
    assert!(ends.abs_diff(session.host.now() + 3600) < 30, "{ends}");
    let refresh = show(&session, INTROSPECT, DEMO, &first.member("refresh_token"));
    assert_eq!(refresh.json()["active"], true);
    // A resource server is a client too, and asks about access tokens.
    assert_eq!(
        show(&session, INTROSPECT, OTHER, &access).json()["active"],
        true
    );
    assert_inactive(&session, OTHER, &first.member("refresh_token"));
    for token in ["x", "a.b.c", &access[..access.len() - 1]] {
        assert_inactive(&session, DEMO, token);
    }
    for refused in [
        session.post(INTROSPECT, None, &format!("token={access}")),
        session.post(INTROSPECT, None, &format!("client_id={APP}&token={access}")),
        show(&session, INTROSPECT, ("demo", "wrong-secret"), &access),
    ] {
        assert_eq!(refused.outcome(), (401, "invalid_client".to_owned()));
    }
    assert_eq!(session.ask(&Request::new("GET", INTROSPECT)).status, 405);
    drop(session);
    let brief = standard().tables("[lifetimes]\naccess_token = 2");
    let mut session = Session::<H>::start(brief);
    let access = session
        .token(DEMO, "grant_type=client_credentials")
        .member("access_token");
    assert_eq!(
        show(&session, INTROSPECT, DEMO, &access).json()["active"],
        true
    );
    session.host.pass(2);
    assert_inactive(&session, DEMO, &access);
}

pub fn r48_metadata_tells_what_there_is<H: Host>() {
    let session = Session::<H>::start(standard());
    let response = session.ask(&Request::new("GET", METADATA));
    assert_eq!(response.status, 200);
    let metadata = response.json();
    assert_eq!(metadata["issuer"], ISSUER);
    // Every endpoint it names is there, and answers as such.
    for (name, status) in [
        ("token_endpoint", 405),
        ("authorization_endpoint", 400),
        ("revocation_endpoint", 405),
        ("introspection_endpoint", 405),
        ("jwks_uri", 200),
    ] {
        let url = metadata[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}"));
        let path = url.strip_prefix(ISSUER).expect("this server's");
        assert_eq!(
            session.ask(&Request::new("GET", path)).status,
            status,
            "{name}"
        );
    }
    // Every grant type it names is known at the token endpoint, no other is.
    let named = metadata["grant_types_supported"]
        .as_array()
        .expect("a list");
    for grant in [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "password",
        "implicit",
    ] {
        let refused = session.token(DEMO, &format!("grant_type={grant}&scope=galaxy"));
        let supported = refused.outcome().1 != "unsupported_grant_type";
        assert_eq!(named.contains(&grant.into()), supported, "{grant}");
    }
    // So is every way to authenticate.
    let named = &metadata["token_endpoint_auth_methods_supported"];
    assert_eq!(
        *named,
        serde_json::json!(["client_secret_basic", "client_secret_post", "none"])
    );
    assert_eq!(
        metadata["code_challenge_methods_supported"],
        serde_json::json!(["S256"])
    );
    assert_eq!(
        metadata["authorization_response_iss_parameter_supported"],
        true
    );
}

pub fn r48_jwks_holds_public_keys_alone<H: Host>() {
    for setup in [standard(), standard().next_key()] {
        let session = Session::<H>::start(setup.clone());
        let response = session.ask(&Request::new("GET", JWKS));
        assert_eq!(
            response.header("content-type"),
            Some("application/jwk-set+json")
        );
        for secret in KEY_SECRETS {
            assert!(!response.text().contains(secret));
        }
        let keys = response.json();
        let keys = keys["keys"].as_array().expect("a list");
        assert_eq!(
            keys.len(),
            if setup.toml.contains("verifying") {
                2
            } else {
                1
            }
        );
        for key in keys {
            assert_eq!((&key["kty"], &key["crv"]), (&"EC".into(), &"P-256".into()));
            assert!(key["d"].is_null() && key["k"].is_null(), "{key}");
        }
        // A stranger verifies a token with nothing but this.
        let token = session.token(DEMO, "grant_type=client_credentials");
        let token = token.member("access_token");
        let kid = keyed(&token);
        assert!(keys.iter().any(|key| key["kid"] == kid), "{kid}");
    }
    let mut symmetric = standard();
    symmetric.toml = symmetric.toml.replace(
        symmetric.toml.split('\'').nth(1).expect("a key"),
        teen_quotes().toml.split('\'').nth(1).expect("a key"),
    );
    let session = Session::<H>::start(symmetric);
    assert_eq!(
        session.ask(&Request::new("GET", JWKS)).text(),
        r#"{"keys":[]}"#
    );
}

fn keyed(token: &str) -> serde_json::Value {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let header = token.split('.').next().expect("a header");
    let header = Base64UrlUnpadded::decode_vec(header).expect("base64url");
    let header: serde_json::Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].clone()
}

pub fn r48_services_have_none_of_it<H: Host>() {
    let setups: [fn() -> Setup; 4] = [drillster, teen_quotes, dressipi, breakout];
    for setup in setups {
        let session = Session::<H>::start(setup());
        for path in [METADATA, JWKS] {
            assert_eq!(
                session.ask(&Request::new("GET", path)).status,
                404,
                "{path}"
            );
        }
        for path in [REVOKE, INTROSPECT] {
            let refused = session.ask(&post(path, Some(&basic(QUOTES)), "token=x"));
            assert_eq!(refused.status, 404, "{path}");
        }
    }
}
