//! A resource of the caller's own beside the server (RFC 6750), and a page for people.

use smallgate_core::codec::json::Writer;
use smallgate_core::http::{Body, Header, Request, route_name};
use smallgate_core::oauth::{Answer, Permit, ResourceRefusal, Shown, drive};
use smallgate_core::profile;
use smallgate_core::store::Store;
use smallgate_tests::rig::{HERE, Reply, Rig};

use crate::support::{Act, ROTATING, Scripted, basic};

fn token(rig: &mut Rig, scope: &str) -> String {
    let body = format!("grant_type=client_credentials&scope={scope}");
    rig.token(Some(&basic("demo")), &body)
        .member("access_token")
}

fn told(answer: &Answer<'_>) -> Reply {
    let response = answer.response();
    let headers = response.headers();
    Reply {
        status: response.status(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: String::from_utf8(response.body().to_vec()).expect("text"),
        events: answer.events().map(|event| format!("{event:?}")).collect(),
    }
}

/// Asks for a resource that takes `scope`, and lets `act` answer whoever may.
fn asked(
    rig: &Rig,
    store: &mut impl Store,
    (target, token): (&str, Option<&str>),
    scope: &str,
    act: impl FnOnce(Permit<'_, '_>),
) -> Reply {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = authorization
        .iter()
        .map(|value| Header {
            name: "authorization",
            value: value.as_bytes(),
        })
        .collect();
    let mut body = [];
    let request = Request {
        method: "GET",
        target,
        headers: &headers,
        body: Body::Whole(&mut body),
        source: HERE,
    };
    let mut out = vec![0; 4096];
    let step = rig
        .server
        .authorize(&request, scope, rig.clock, &rig.throttle, &mut out);
    let mut answer = drive(step, store);
    if let Some(permit) = answer.permit() {
        act(permit);
    }
    told(&answer)
}

fn lit(json: &mut Writer<'_>) {
    json.begin_object();
    json.member_bool("lit", true);
    json.end_object();
}

const LAMP: &str = "/lamp";

#[test]
fn a_good_token_opens_it_and_the_resource_answers() {
    let mut rig = Rig::new(profile::STANDARD);
    let token = token(&mut rig, "read");
    let mut store = std::mem::take(&mut rig.store);
    for scope in ["read", ""] {
        let reply = asked(
            &rig,
            &mut store,
            (LAMP, Some(&token)),
            scope,
            |mut permit| {
                assert_eq!(permit.claims().client_id, Some("demo"));
                assert_eq!(permit.token().claims().subject, Some("demo"));
                assert!(permit.allows("read") && !permit.allows("read write"));
                permit.record("lamp", "on");
                permit.json(&mut lit);
            },
        );
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (200, r#"{"lit":true}"#)
        );
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(
            reply.events,
            [
                r#"ResourceChanged { resource: "lamp", state: "on", client: Some("demo"), subject: Some("demo") }"#
            ]
        );
    }
    let dropped = asked(&rig, &mut store, (LAMP, Some(&token)), "read", |_permit| ());
    assert_eq!((dropped.status, dropped.body.as_str()), (500, ""));
}

#[test]
fn r42_who_may_not_is_told_what_it_takes() {
    let mut rig = Rig::new(profile::STANDARD);
    let token = token(&mut rig, "read");
    let mut store = std::mem::take(&mut rig.store);
    let never = |_: Permit<'_, '_>| panic!("it may not");
    let reply = asked(&rig, &mut store, (LAMP, Some(&token)), "read write", never);
    let challenge = concat!(
        r#"Bearer realm="smallgate", error="insufficient_scope", "#,
        r#"error_description="The token's scope does not suffice.", scope="read write""#
    );
    assert_eq!(reply.status, 403);
    assert_eq!(reply.header("www-authenticate"), Some(challenge));
    assert_eq!(reply.member("error"), "insufficient_scope");
    assert!(reply.events[0].contains("InsufficientScope, client: Some(\"demo\")"));

    let nobody = asked(&rig, &mut store, (LAMP, None), "read", never);
    assert_eq!(nobody.status, 401);
    let bare = Some(r#"Bearer realm="smallgate""#);
    assert_eq!(nobody.header("www-authenticate"), bare);
    assert_eq!(nobody.json(), serde_json::json!({}));

    let query = format!("{LAMP}?access_token={token}");
    let reply = asked(&rig, &mut store, (&query, Some(&token)), "read", never);
    assert_eq!(reply.status, 400);
    let value = reply.header("www-authenticate").expect("a challenge");
    assert!(
        value.contains("invalid_request") && !value.contains("scope="),
        "{value}"
    );
}

#[test]
fn a_resource_says_no_in_its_own_words() {
    let mut rig = Rig::new(profile::STANDARD);
    let token = token(&mut rig, "read");
    let mut store = std::mem::take(&mut rig.store);
    let asked = |store: &mut _, act: fn(Permit<'_, '_>)| {
        asked(&rig, store, (LAMP, Some(&token)), "read", act)
    };
    let reply = asked(&mut store, |permit| {
        permit.refuse(ResourceRefusal::method("GET, PUT"));
    });
    assert_eq!(
        (reply.status, reply.header("allow")),
        (405, Some("GET, PUT"))
    );
    assert_eq!(reply.member("error"), "invalid_request");
    let reply = asked(&mut store, |permit| {
        permit.refuse(ResourceRefusal::invalid(404, "There is no such lamp."));
    });
    assert_eq!((reply.status, reply.header("allow")), (404, None));
    assert_eq!(reply.member("error_description"), "There is no such lamp.");
    let reply = asked(&mut store, |permit| permit.insufficient("write"));
    assert_eq!(reply.status, 403);
    let value = reply.header("www-authenticate").expect("a challenge");
    assert!(value.ends_with(r#", scope="write""#), "{value}");
    assert!(reply.events.concat().contains("InsufficientScope"));
}

#[test]
fn r24_a_grants_token_opens_nothing_without_its_grant() {
    let mut rig = Rig::new(ROTATING);
    let token = token(&mut rig, "read");
    let mut store = std::mem::take(&mut rig.store);
    let yes = |permit: Permit<'_, '_>| permit.json(&mut lit);
    let reply = asked(&rig, &mut store, (LAMP, Some(&token)), "read", yes);
    assert_eq!(reply.status, 200);

    let mut silent = Scripted::new(&mut store, &[Act::Do]);
    silent.unreadable = true;
    let reply = asked(&rig, &mut silent, (LAMP, Some(&token)), "read", yes);
    assert_eq!(reply.status, 503);
    assert_eq!(reply.header("retry-after"), Some("5"));
    assert!(reply.events.concat().contains("StoreUnavailable"));

    let mut empty = Rig::new(ROTATING).store;
    let reply = asked(&rig, &mut empty, (LAMP, Some(&token)), "read", yes);
    assert_eq!(reply.status, 401);
    assert!(reply.events.concat().contains("Revoked"));
}

#[test]
fn an_answer_beside_the_server_has_its_form() {
    let mut out = [0; 1024];
    let reply = told(&Answer::refusal(&mut out, ResourceRefusal::method("GET")));
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET")));
    assert_eq!(reply.member("error"), "invalid_request");

    let mut out = [0; 2048];
    let rows = [
        ("Name", Shown::Text("<a> & \"b\"")),
        ("Uptime", Shown::Number(4_294_967_295, " s")),
    ];
    let reply = told(&Answer::page(&mut out, "Status", "All is well.", &rows));
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let text = reply.body;
    assert!(
        text.contains("<h1>Status</h1>\n<p>All is well.</p>\n<dl>\n"),
        "{text}"
    );
    assert!(
        text.contains("<dt>Name</dt>\n<dd>&lt;a&gt; &amp; &quot;b&quot;</dd>\n"),
        "{text}"
    );
    assert!(
        text.contains("<dd>4294967295 s</dd>\n</dl>\n</main>"),
        "{text}"
    );

    let mut cramped = [0; 300];
    let reply = told(&Answer::page(&mut cramped, "Status", "All is well.", &rows));
    assert_eq!((reply.status, reply.body.as_str()), (500, ""));
}

#[test]
fn each_route_has_a_name_for_the_metrics() {
    let name = |path| route_name(&profile::STANDARD, path);
    for (path, expected) in [
        ("/oauth/token", "token"),
        ("/oauth/authorize", "authorize"),
        ("/oauth/revoke", "revoke"),
        ("/oauth/introspect", "introspect"),
        ("/.well-known/oauth-authorization-server", "metadata"),
        ("/jwks.json", "jwks"),
        ("/me/", "me"),
    ] {
        assert_eq!(name(path), Some(expected), "{path}");
    }
    assert_eq!(name("/oauth"), None);
    for profile in profile::ALL {
        let found = profile::named(profile.name).map(|found| found.token_path);
        assert_eq!(found, Some(profile.token_path));
    }
    assert!(profile::named("standar").is_none());
}
