//! How a client says who it is (RFC 6749 §2.3), and what becomes of one that says it badly.

use base64ct::{Base64, Encoding};
use smallgate_core::oauth::{Client, Configuration};
use smallgate_core::profile::{self, Profile};
use smallgate_tests::rig::{Reply, Rig, SECRET, configuration, keep};

use crate::support::basic;

const REQUEST: &str = "grant_type=client_credentials";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn refused(reply: &Reply, cause: &str) {
    let told = reply.events.concat();
    assert!(told.contains(&format!("cause: {cause} ")), "{told}");
}

/// The demo's configuration, its first client changed.
fn changed(
    profile: Profile,
    change: impl FnOnce(&mut Vec<Client<'static>>),
) -> Configuration<'static> {
    let mut configuration = configuration(profile);
    let mut clients = configuration.clients.to_vec();
    change(&mut clients);
    configuration.clients = keep(clients);
    configuration
}

#[test]
fn r02_parameters_in_the_query_are_refused_and_an_empty_query_is_none() {
    let mut rig = Rig::new(profile::STANDARD);
    let authorization = basic("demo");
    let headers = [FORM, ("authorization", authorization.as_str())];
    let reply = rig.send("POST", "/oauth/token?", &headers, REQUEST);
    assert_eq!(reply.status, 200);
    let reply = rig.send("POST", "/oauth/token?a=b", &headers, REQUEST);
    assert_eq!(reply.status, 400);
    refused(&reply, "QueryPresent");
}

#[test]
fn r02_a_body_is_json_where_the_profile_takes_it_and_the_header_says_so() {
    let mut rig = Rig::new(profile::TEEN_QUOTES);
    let path = profile::TEEN_QUOTES.token_path;
    let body = format!(
        r#"{{"grant_type":"client_credentials","client_id":"demo","client_secret":"{SECRET}",}}"#
    );
    for kind in ["application/json", "Application/JSON ; charset=utf-8"] {
        let reply = rig.send("POST", path, &[("content-type", kind)], &body);
        assert_eq!(reply.status, 200, "{kind}: {}", reply.body);
    }
    for kind in ["text/json", "application/jsonp", ""] {
        let reply = rig.send("POST", path, &[("content-type", kind)], &body);
        refused(&reply, "ContentType");
    }
    let json = ("content-type", "application/json");
    let standard = &profile::STANDARD;
    let reply = Rig::new(*standard).send("POST", standard.token_path, &[json], &body);
    refused(&reply, "ContentType");
}

/// "the authorization server MUST respond with an HTTP 401 (Unauthorized)
/// status code" to who used the header (RFC 6749 §5.2); others get what the
/// profile says.
#[test]
fn r11_the_status_of_a_wrong_secret_is_that_of_how_it_came() {
    let mut lenient = profile::STANDARD;
    lenient.errors.invalid_client.status = 400;
    let mut rig = Rig::new(lenient);
    let wrong = Base64::encode_string(b"demo:wrong");
    let by_header = rig.token(Some(&format!("Basic {wrong}")), REQUEST);
    assert_eq!(by_header.status, 401);
    assert!(by_header.header("www-authenticate").is_some());
    let in_body = format!("{REQUEST}&client_id=demo&client_secret=wrong");
    let in_body = rig.token(None, &in_body);
    assert_eq!(in_body.status, 400);
    assert_eq!(in_body.header("www-authenticate"), None);
    assert_eq!(by_header.body, in_body.body);
}

#[test]
fn r10_a_client_id_beside_the_header_is_the_headers() {
    let mut rig = Rig::new(profile::STANDARD);
    let authorization = basic("demo");
    for (id, status) in [("demo", 200), ("other", 400), ("nobody", 400), ("", 200)] {
        let reply = rig.token(Some(&authorization), &format!("{REQUEST}&client_id={id}"));
        assert_eq!(reply.status, status, "{id}: {}", reply.body);
        if ["other", "nobody"].contains(&id) {
            assert_eq!(reply.member("error"), "invalid_request");
            refused(&reply, "OtherClientId");
        }
    }
}

/// An id as it is sent and the same form-decoded may be two clients: then
/// neither is meant.
#[test]
fn r15_an_id_that_may_be_two_clients_is_nobodys() {
    let named = |ids: &'static [&'static str]| {
        let changed = changed(profile::STANDARD, |clients| {
            for (client, id) in clients.iter_mut().zip(ids) {
                client.id = id;
            }
        });
        Rig::with(changed).token(Some(&basic("a+b")), REQUEST)
    };
    assert_eq!(named(&["a+b"]).status, 200);
    assert_eq!(named(&["a b"]).status, 200);
    let both = named(&["a+b", "a b"]);
    assert_eq!(both.status, 401);
    refused(&both, "UnknownClient");
}

#[test]
fn r05_credentials_are_as_long_as_the_limit_and_no_longer() {
    let authorization = basic("demo");
    let length = authorization.len() - "Basic ".len();
    let answered = |most: usize| {
        let mut configuration = configuration(profile::STANDARD);
        configuration.limits.basic = most;
        Rig::with(configuration).token(Some(&authorization), REQUEST)
    };
    assert_eq!(answered(length).status, 200);
    assert_eq!(answered(length + 1).status, 200);
    let longer = answered(length - 1);
    assert_eq!(longer.status, 401);
    refused(&longer, "BasicMalformed");
}

/// Where each client has a secret, one that shows none is not looked up, so that
/// the log does not tell names that are known from others.
#[test]
fn r09_without_a_secret_nobody_is_looked_up() {
    let mut rig = Rig::new(profile::BREAKOUT);
    for id in ["demo", "nobody"] {
        let reply = rig.token(None, &format!("grant_type=password&client_id={id}"));
        assert_eq!(reply.status, 401, "{id}");
        refused(&reply, "NoClientAuthentication");
    }
    let mut rig = Rig::new(profile::STANDARD);
    let reply = rig.token(None, "grant_type=refresh_token&client_id=nobody");
    refused(&reply, "UnknownClient");
    let reply = rig.token(None, "grant_type=refresh_token&client_id=demo");
    refused(&reply, "NoClientAuthentication");
}

/// A client without a secret has none that could be right, not even that of the
/// hash that stands in for it.
#[test]
fn r13_a_public_client_has_no_secret_that_is_right() {
    let mut rig = Rig::new(profile::STANDARD);
    for secret in ["", "x", SECRET] {
        let plain = Base64::encode_string(format!("public:{secret}").as_bytes());
        let reply = rig.token(Some(&format!("Basic {plain}")), REQUEST);
        assert_eq!(reply.status, 401, "{secret}");
        refused(&reply, "WrongSecret");
    }
}

#[test]
fn r16_r51_who_waits_and_who_was_locked_out_is_in_the_log() {
    let mut rig = Rig::new(profile::STANDARD);
    let wrong = Base64::encode_string(b"demo:wrong");
    let wrong = format!("Basic {wrong}");
    for failure in 1..=10 {
        let reply = rig.token(Some(&wrong), REQUEST);
        let told = reply.events.concat();
        assert!(told.contains(r#"Refused { client: Some("demo")"#), "{told}");
        let locked = r#"LockedOut { account: Client, client: Some("demo") }"#;
        assert_eq!(told.contains(locked), failure == 10, "{told}");
    }
    let reply = rig.token(Some(&wrong), REQUEST);
    assert_eq!(
        reply.events,
        [r#"Refused { client: Some("demo"), cause: Throttled(Seconds(60)) }"#]
    );
}

#[test]
fn r17_a_grant_type_that_is_not_the_clients_is_refused() {
    use smallgate_core::profile::{GrantType, GrantTypes};
    let refreshing = GrantTypes::of(&[GrantType::AuthorizationCode, GrantType::RefreshToken]);
    let configuration = changed(profile::STANDARD, |clients| {
        clients[0].grant_types = refreshing;
    });
    let mut rig = Rig::with(configuration);
    let reply = rig.token(Some(&basic("demo")), REQUEST);
    assert_eq!(reply.status, 400);
    assert_eq!(reply.member("error"), "unauthorized_client");
    refused(&reply, "GrantTypeNotAllowed");
    assert_eq!(rig.token(Some(&basic("other")), REQUEST).status, 200);
}

#[test]
fn r05_a_body_is_as_large_as_the_configuration_lets_it_be() {
    let answered = |octets, parameters| {
        let mut configuration = configuration(profile::STANDARD);
        configuration.limits.body = octets;
        configuration.limits.parameters = parameters;
        let body = format!("{REQUEST}&scope=read");
        Rig::with(configuration).token(Some(&basic("demo")), &body)
    };
    let length = REQUEST.len() + "&scope=read".len();
    assert_eq!(answered(length, 2).status, 200);
    refused(&answered(length - 1, 2), "BodyTooLong");
    refused(&answered(length, 1), "Body(TooManyParameters)");
}
