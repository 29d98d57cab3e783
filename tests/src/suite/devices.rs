//! Devices behind tokens: what is told to whom.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::browser::{demo, redemption};
use super::session::{Session, basic, refresh_form};
use super::setups::{DEMO, DEVICES, standard, teen_quotes};
use crate::host::{Host, Setup};
use crate::wire::{Request, Response};

/// Longer than it takes until all sensors were read once more.
const SOON: Duration = Duration::from_secs(15);

pub(super) fn start<H: Host>(setup: Setup) -> Session<H> {
    let mut session = Session::<H>::start(setup.tables(DEVICES));
    session.host.unplug("attic");
    session
}

pub(super) fn token<H: Host>(session: &Session<H>, scope: &str) -> String {
    let form = format!("grant_type=client_credentials&scope={scope}");
    session.token(DEMO, &form).member("access_token")
}

pub(super) fn get<H: Host>(session: &Session<H>, target: &str, token: &str) -> Response {
    let request = Request::new("GET", target);
    session.ask(&request.header("Authorization", &format!("Bearer {token}")))
}

pub(super) fn read<H: Host>(session: &Session<H>, name: &str, token: &str) -> Response {
    get(session, &format!("/devices/{name}"), token)
}

pub(super) fn put(name: &str, token: &str, body: &str) -> Request {
    Request::new("PUT", &format!("/devices/{name}"))
        .header("Authorization", &format!("Bearer {token}"))
        .body("application/json", body)
}

pub(super) fn switch<H: Host>(session: &Session<H>, name: &str, token: &str, on: bool) -> Response {
    session.ask(&put(name, token, &json!({ "value": on }).to_string()))
}

pub(super) fn document(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("{}", response.text()))
}

pub(super) fn challenge(response: &Response) -> &str {
    response.header("www-authenticate").unwrap_or_default()
}

/// Reads until the answer is as `wanted`.
pub(super) fn until<H: Host>(
    session: &Session<H>,
    name: &str,
    token: &str,
    wanted: impl Fn(&Response) -> bool,
) -> Response {
    let deadline = Instant::now() + SOON;
    loop {
        let response = read(session, name, token);
        if wanted(&response) {
            return response;
        }
        let said = (response.status, response.text());
        assert!(Instant::now() < deadline, "{name} stays {said:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn devices_are_told_to_whom_they_may_be<H: Host>() {
    let session = start::<H>(standard());
    for target in [
        "/devices",
        "/devices/cellar",
        "/devices/nothing",
        "/devices/",
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let stranger = session.ask(&Request::new(method, target));
            assert_eq!(stranger.status, 401, "{method} {target}");
            assert_eq!(challenge(&stranger), "Bearer realm=\"smallgate\"");
            assert_eq!(stranger.text(), "{}", "nothing is said");
        }
        let forged = get(&session, target, "x.y.z");
        assert_eq!(forged.outcome(), (401, "invalid_token".to_owned()));
        let query = get(&session, &format!("{target}?access_token=a"), "x.y.z");
        assert_eq!(query.outcome(), (400, "invalid_request".to_owned()));
    }
    let reader = token(&session, "read");
    let list = get(&session, "/devices", &reader);
    assert_eq!(list.status, 200, "{}", list.text());
    assert_eq!(list.header("cache-control"), Some("no-store"));
    let list = document(&list);
    let names: Vec<_> = list["devices"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|device| (device["name"].as_str(), device["kind"].as_str()))
        .collect();
    let device = |name, kind| (Some(name), Some(kind));
    let readable = [
        device("cellar", "temperature"),
        device("relay", "output"),
        device("lamp-2", "output"),
        device("button", "input"),
    ];
    assert_eq!(names, readable, "the attic takes another scope");
    for (name, kind) in readable {
        let name = name.expect("a name");
        let one = document(&read(&session, name, &reader));
        assert_eq!(
            (one["name"].as_str(), one["kind"].as_str()),
            (Some(name), kind)
        );
    }
    for unknown in ["nothing", "", "cellar/", "Cellar", "cell%61r"] {
        let response = read(&session, unknown, &reader);
        assert_eq!(
            response.outcome(),
            (404, "invalid_request".to_owned()),
            "{unknown}"
        );
    }
    assert_eq!(get(&session, "/devicesx", &reader).status, 404);
    let head = Request::new("HEAD", "/devices/relay");
    let head = session.ask(&head.header("Authorization", &format!("Bearer {reader}")));
    assert_eq!((head.status, head.body.len()), (200, 0));
}

pub fn a_temperature_set_from_outside_comes_back<H: Host>() {
    let mut session = start::<H>(standard());
    let reader = token(&session, "read");
    for degrees in [21_u8, 84] {
        session.host.set_temperature("cellar", degrees);
        let shown = until(&session, "cellar", &reader, |response| {
            response.status == 200 && document(response)["value"] == json!(degrees)
        });
        let shown = document(&shown);
        assert_eq!(shown["unit"], "Cel");
        assert!(shown["age"].as_u64().is_some_and(|age| age <= 5), "{shown}");
        let stranger = session.ask(&Request::new("GET", "/devices/cellar"));
        assert_eq!((stranger.status, stranger.text()), (401, "{}"));
    }
}

pub fn an_output_is_switched_and_seen_outside<H: Host>() {
    let mut setup = standard();
    // Whom the lamp's rule is for.
    setup.toml = setup.toml.replace(
        "scopes = [\"read\", \"write\"]\n",
        "scopes = [\"read\", \"write\", \"admin\"]\n",
    );
    let session = start::<H>(setup);
    let all = token(&session, "read+write+admin");
    assert!(!session.host.is_high("relay", 0));
    for on in [true, true, false, true] {
        let done = switch(&session, "relay", &all, on);
        assert_eq!(done.status, 200, "{}", done.text());
        let expected = json!({"name": "relay", "kind": "output", "value": on});
        assert_eq!(document(&done), expected);
        assert_eq!(document(&read(&session, "relay", &all)), expected);
        assert_eq!(session.host.is_high("relay", 0), on);
    }
    // Who did it is in the log.
    session.log_with(|log| {
        let lines = log.lines().filter(|line| line.contains("resource_changed"));
        let mut last = lines.skip(3);
        last.next().is_some_and(|line| {
            let has = |word: &str| line.contains(word);
            has("relay") && has("\"on\"") && has("client") && has("subject") && has("demo")
        })
    });
    // What was read can be written back.
    let shown = read(&session, "relay", &all);
    let back = put("relay", &all, shown.text());
    assert_eq!(session.ask(&back).status, 200);
    for on in [true, false, true] {
        let done = document(&switch(&session, "lamp-2", &all, on));
        assert_eq!(done["value"], json!(on));
        assert!(session.host.is_high("relay", 0), "it is another one");
    }
}

pub fn an_input_is_pressed_outside<H: Host>() {
    let mut session = start::<H>(standard());
    let all = token(&session, "read+write");
    let released = json!({"name": "button", "kind": "input", "value": false});
    assert_eq!(document(&read(&session, "button", &all)), released);
    let written = switch(&session, "button", &all, true);
    assert_eq!(
        (written.status, written.header("allow")),
        (405, Some("GET, HEAD"))
    );
    if !session.host.press("button", true) {
        return session.out_of_reach("devices: a button that is pressed");
    }
    assert_eq!(
        document(&read(&session, "button", &all))["value"],
        json!(true)
    );
    session.host.press("button", false);
    assert_eq!(document(&read(&session, "button", &all)), released);
}

pub fn scopes_are_asked_for_by_device_and_method<H: Host>() {
    let session = start::<H>(standard());
    let (reader, writer) = (token(&session, "read"), token(&session, "write"));
    let insufficient = |response: &Response, scope: &str| {
        assert_eq!(response.outcome(), (403, "insufficient_scope".to_owned()));
        let said = challenge(response);
        assert!(said.contains("error=\"insufficient_scope\""), "{said}");
        assert!(said.ends_with(&format!("scope=\"{scope}\"")), "{said}");
    };
    insufficient(&switch(&session, "relay", &reader, true), "write");
    insufficient(&read(&session, "relay", &writer), "read");
    insufficient(&read(&session, "cellar", &writer), "read");
    insufficient(&read(&session, "attic", &reader), "read write");
    insufficient(&read(&session, "attic", &writer), "read write");
    insufficient(&switch(&session, "lamp-2", &writer, true), "admin");
    assert!(!session.host.is_high("relay", 0), "nothing was switched");
    // The scope comes before what is wrong with the body.
    insufficient(&session.ask(&put("relay", &reader, "{")), "write");
    for token in [&reader, &writer] {
        assert_eq!(
            read(&session, "lamp-2", token).status,
            200,
            "any token will do"
        );
    }
    let list = document(&get(&session, "/devices", &writer));
    let devices = list["devices"].as_array().expect("a list");
    assert_eq!(devices.len(), 1, "{list}");
    assert_eq!(devices[0]["name"], "lamp-2");
    // Whoever may write may not therefore read, nor see what became of it: the
    // answer to a writer is what was written.
    assert_eq!(switch(&session, "relay", &writer, true).status, 200);
    assert!(session.host.is_high("relay", 0));
}

pub fn a_token_revoked_while_in_use_opens_nothing<H: Host>() {
    let mut session = start::<H>(teen_quotes().tables("[lifetimes]\ngrace = 1"));
    let r1 = session.quote("grant_type=client_credentials&scope=read+write");
    let r2 = session.quote(&refresh_form(&r1));
    let tokens = [r1.member("access_token"), r2.member("access_token")];
    for token in &tokens {
        assert_eq!(switch(&session, "relay", token, true).status, 200);
        assert_eq!(read(&session, "relay", token).status, 200);
    }
    session.host.pass(2);
    assert_eq!(session.quote(&refresh_form(&r1)).status, 400);
    for token in &tokens {
        for response in [
            switch(&session, "relay", token, false),
            read(&session, "relay", token),
            get(&session, "/devices", token),
            read(&session, "nothing", token),
        ] {
            assert_eq!(response.outcome(), (401, "invalid_token".to_owned()));
            assert!(challenge(&response).contains("The token was revoked."));
        }
    }
    assert!(session.host.is_high("relay", 0), "it stays as it was");
}

pub fn a_token_revoked_by_its_client_opens_nothing<H: Host>() {
    let session = start::<H>(standard());
    let tokens = session.token(DEMO, &redemption(&session.code(&demo())));
    let (access, own) = (tokens.member("access_token"), token(&session, "read+write"));
    for token in [&access, &own] {
        assert_eq!(switch(&session, "relay", token, true).status, 200);
    }
    let form = format!("token={access}");
    let revoked = session.post("/oauth/revoke", Some(&basic(DEMO)), &form);
    assert_eq!(revoked.status, 200, "{}", revoked.text());
    for response in [
        switch(&session, "relay", &access, false),
        read(&session, "relay", &access),
        get(&session, "/devices", &access),
    ] {
        assert_eq!(response.outcome(), (401, "invalid_token".to_owned()));
        assert!(challenge(&response).contains("The token was revoked."));
    }
    assert!(session.host.is_high("relay", 0), "it stays as it was");
    // Another grant of the same client is none of its business.
    assert_eq!(switch(&session, "relay", &own, false).status, 200);
}

pub fn requests_that_a_device_does_not_understand_are_refused<H: Host>() {
    let session = start::<H>(standard());
    let all = token(&session, "read+write");
    let relay = |body: &str| session.ask(&put("relay", &all, body)).outcome();
    let invalid = |status: u16| (status, "invalid_request".to_owned());
    for body in [
        "",
        "true",
        "{}",
        r#"{"Value":true}"#,
        r#"{"value":true"#,
        r#"{"value":true}x"#,
        r#"{"value":1}"#,
        r#"{"value":"true"}"#,
        r#"{"value":null}"#,
        r#"{"value":true,"value":false}"#,
        r#"{"value":true,"v\u0061lue":false}"#,
        r#"{"value":true,"a":[[[[[[1]]]]]]}"#,
    ] {
        assert_eq!(relay(body), invalid(400), "{body}");
    }
    let long = format!(r#"{{"value":true,"a":"{}"}}"#, "x".repeat(1100));
    assert_eq!(relay(&long), invalid(413));
    let bearer = format!("Bearer {all}");
    let bare = Request::new("PUT", "/devices/relay").header("Authorization", &bearer);
    let form = session.ask(&bare.clone().form("value=true"));
    assert_eq!(form.outcome(), invalid(415));
    let charset = bare.body("Application/JSON; charset=utf-8", r#"{"value":false}"#);
    assert_eq!(session.ask(&charset).status, 200);
    assert!(
        !session.host.is_high("relay", 0),
        "nothing of that switched it"
    );
    for (method, target, allow) in [
        ("POST", "/devices", "GET, HEAD"),
        ("PUT", "/devices", "GET, HEAD"),
        ("PUT", "/devices/cellar", "GET, HEAD"),
        ("DELETE", "/devices/relay", "GET, HEAD, PUT"),
        ("put", "/devices/relay", "GET, HEAD, PUT"),
    ] {
        let request = Request::new(method, target).header("Authorization", &bearer);
        let refused = session.ask(&request);
        assert_eq!(
            (refused.status, refused.header("allow")),
            (405, Some(allow))
        );
    }
}

pub fn a_page_says_what_this_is<H: Host>() {
    let session = start::<H>(standard());
    let page = session.ask(&Request::new("GET", "/"));
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    let text = page.text();
    for said in [
        "<html lang=\"en\">",
        "standard",
        "https://as.example",
        "<dd>set</dd>",
        "<dd>healthy</dd>",
        "<dd>5</dd>",
    ] {
        assert!(text.contains(said), "{said} is not in {text}");
    }
    for device in ["cellar", "relay"] {
        assert!(!text.contains(device), "{device} is in {text}");
    }
    let posted = session.ask(&Request::new("POST", "/").form("a=b"));
    assert_eq!(
        (posted.status, posted.header("allow")),
        (405, Some("GET, HEAD"))
    );
    let query = session.ask(&Request::new("GET", "/?a=b"));
    assert_eq!(query.status, 200);
}
