//! The configuration: what is read, and in which line what is refused.

use std::path::PathBuf;
use std::time::Duration;

use smallgate_core::jose::Algorithm;
use smallgate_core::oauth::{Limits, ThrottlePolicy};
use smallgate_core::profile::{self, GrantType, Rotation};
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_firmware::devices::{Device, Kind, Pin};

use super::{Built, ConfigError, Document};
use crate::keys::{self, Made};
use crate::region::Region;

const URL: &str = "http://127.0.0.1:8080";
const HASH: &str = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
const PASSWORD: &str =
    "pbkdf2-sha256:10000:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn parse(text: &str) -> Result<Document, ConfigError> {
    Document::parse("test.toml".to_owned(), text.to_owned(), PathBuf::new())
}

/// A region for the rest of the test.
fn region() -> &'static Region {
    Box::leak(Box::default())
}

fn build(text: &str) -> Result<Built<'static>, ConfigError> {
    let document = parse(text)?;
    document.server_settings()?;
    document.store_settings()?;
    document.build(region(), &Made::default(), None, URL)
}

/// Asserts that `text` is refused in the line marked by `# here`, with `words`
/// in what is said, and what to do about it.
#[track_caller]
fn refused(text: &str, words: &str) {
    let error = match build(text) {
        Ok(_) => panic!("not refused:\n{text}"),
        Err(error) => error,
    };
    let expected = text.lines().position(|line| line.ends_with("# here"));
    assert_eq!(
        error.line(),
        expected.map(|line| line + 1),
        "{error}\n{text}"
    );
    let said = error.to_string();
    assert!(said.contains(words), "{said}");
    assert!(said.starts_with("test.toml"), "{said}");
    let remedy = said.split_once("\n  remedy: ").map(|(_, remedy)| remedy);
    assert!(remedy.is_some_and(|remedy| remedy.len() > 9), "{said}");
}

fn client(lines: &str) -> String {
    format!("[[client]]\nid = 'a'\n{lines}\n")
}

#[test]
fn an_empty_file_is_a_standard_server_without_clients() {
    let built = build("").unwrap();
    let configuration = built.server.configuration();
    assert_eq!(configuration.profile.name, "standard");
    assert_eq!((configuration.issuer, configuration.audience), (URL, URL));
    assert!(configuration.clients.is_empty());
    let notes = built.notes;
    assert!(!notes.demo && notes.signing_key_made && notes.handle_key_made && notes.issuer_assumed);
}

#[test]
fn everything_configured_arrives() {
    let signing = keys::print_private(&keys::make(Algorithm::Hs256).unwrap()).unwrap();
    let retired = keys::print_public(&keys::make(Algorithm::Es256).unwrap()).unwrap();
    let text = format!(
        r#"
        profile = "breakout"
        issuer = "https://as.example"
        audience = "https://rs.example"
        scopes = ["a", "b"]
        rotation = "rotate"
        grants_not_before = "2026-01-01T00:00:00Z"
        [server]
        listen = "127.0.0.1:9"
        header_timeout = 3
        body_timeout = "4s"
        idle_timeout = "5 minutes"
        stop_timeout = 6
        connections = 7
        connections_per_source = 3
        trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]
        [limits]
        body = 2000
        parameters = 9
        basic = 100
        token = 2048
        [lifetimes]
        access_token = "1h"
        refresh_idle = 5
        grace = 0
        [throttle]
        failures = 3
        window = "2m"
        [keys]
        signing = '''{signing}'''
        verifying = ['''{retired}''']
        handle = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        handle_previous = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        slot = "b"
        [[client]]
        id = "c"
        secret = "{HASH}"
        grants = ["password", "refresh_token"]
        scopes = ["b"]
        redirect_uris = ["https://client.example/cb"]
        grants_not_before = 2026-01-02T00:00:00Z
        [[user]]
        username = "u"
        sub = "1"
        password = "{PASSWORD}"
        grants_not_before = 2026-01-03T00:00:00+00:00
        "#
    );
    let settings = parse(&text).unwrap().server_settings().unwrap();
    assert_eq!(settings.listen, Some("127.0.0.1:9".parse().unwrap()));
    assert_eq!(settings.header_timeout, Duration::from_secs(3));
    assert_eq!(settings.body_timeout, Duration::from_secs(4));
    assert_eq!(settings.idle_timeout, Duration::from_secs(300));
    assert_eq!(settings.stop_timeout, Duration::from_secs(6));
    assert_eq!(settings.connections, 7);
    assert_eq!(settings.connections_per_source, 3);
    assert_eq!(settings.trusted_proxies.len(), 2);

    let built = build(&text).unwrap();
    let configuration = built.server.configuration();
    assert_eq!(configuration.issuer, "https://as.example");
    assert_eq!(configuration.audience, "https://rs.example");
    assert_eq!(configuration.profile.rotation, Rotation::Rotate);
    assert_eq!(configuration.profile.lifetimes.access_token, Seconds(3600));
    assert_eq!(configuration.profile.lifetimes.refresh_idle, Seconds(5));
    assert_eq!(configuration.profile.lifetimes.grace, Seconds(0));
    assert_eq!(
        configuration.profile.lifetimes.code,
        profile::BREAKOUT.lifetimes.code
    );
    assert_eq!(configuration.limits.body, 2000);
    assert_eq!(configuration.limits.parameters, 9);
    assert_eq!(configuration.limits.basic, 100);
    assert_eq!(configuration.limits.token, 2048);
    assert_eq!(configuration.grants_not_before, UnixTime(1_767_225_600));
    assert_eq!(configuration.signer.algorithm(), Algorithm::Hs256);
    assert_eq!(configuration.verifiers.len(), 2);
    assert!(configuration.handle_keys.previous.is_some());
    assert_eq!(
        (built.throttle.failures, built.throttle.window),
        (3, Seconds(120))
    );
    let client = &configuration.clients[0];
    assert!(client.grant_types.contains(GrantType::Password));
    assert_eq!(
        (client.scopes.bits(), client.default_scopes.bits()),
        (0b10, 0b10)
    );
    assert_eq!(client.redirect_uris, ["https://client.example/cb"]);
    assert_eq!(client.grants_not_before, UnixTime(1_767_312_000));
    let user = &configuration.users[0];
    assert_eq!(
        (user.username, user.subject, user.password.iterations),
        ("u", "1", 10_000)
    );
    assert_eq!(user.grants_not_before, UnixTime(1_767_398_400));
    assert!(!built.notes.signing_key_made && !built.notes.handle_key_made);
}

#[test]
fn scopes_that_are_not_said_are_all_and_the_first() {
    let text = client(&format!(
        "secret = '{HASH}'\ngrants = ['client_credentials']"
    ));
    let built = build(&text).unwrap();
    let client = &built.server.configuration().clients[0];
    assert_eq!(
        (client.scopes.bits(), client.default_scopes.bits()),
        (0b11, 0b01)
    );
}

#[test]
fn unknown_keys_are_refused_where_they_stand() {
    refused("\nprofle = 'standard' # here", "profle");
    refused("[server]\n\nport = 1 # here", "port");
    refused(&client("grants = []\ncolour = 'red' # here"), "colour");
    refused("[keys]\nprivate = '' # here", "private");
}

#[test]
fn broken_toml_is_refused_where_it_breaks() {
    refused("profile = 'standard'\nissuer = = # here", "");
    refused(
        "profile = 'standard'\nprofile = 'standard' # here",
        "duplicate",
    );
    refused("demo = 'yes' # here", "boolean");
    refused("\n[[client]] # here\nid = 'a'", "grants");
}

#[test]
fn what_the_toml_reader_refuses_has_a_remedy_of_its_own() {
    refused("profle = 'standard' # here", "remedy: correct the name");
    refused(
        "\n[[client]] # here\nid = 'a'",
        "remedy: write it into this table",
    );
    refused("demo = true\ndemo = true # here", "remedy: keep one");
    refused("issuer = = # here", "remedy: write KEY = VALUE");
    refused("issuer = 1 # here", "remedy: write it in quotes");
    refused("demo = 'yes' # here", "remedy: write true or false");
    refused("scopes = 'read' # here", "remedy: write a list");
    refused("keys = 'a' # here", "remedy: open a table");
    refused("[limits]\nbody = 'a' # here", "remedy: write it as");
}

#[test]
fn a_file_that_is_not_there_has_a_remedy() {
    let Err(error) = Document::read(std::path::Path::new("nowhere.toml")) else {
        panic!("it is there");
    };
    let said = error.to_string();
    assert!(
        said.contains("\n  remedy: check the path, or begin one with `smallgate config example > nowhere.toml`"),
        "{said}"
    );
}

#[test]
fn r51_a_value_of_the_wrong_type_is_not_repeated() {
    const KEY: &str =
        r#"{"kty":"oct","k":"q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"}, expected hush"#;
    for (text, secret, expected) in [
        (
            format!("[keys]\nverifying = '''{KEY}''' # here"),
            "q83v",
            "a sequence",
        ),
        (
            format!("[keys]\nverifying = '''{KEY}''' # here"),
            "hush",
            "a sequence",
        ),
        (
            client("secret = 5782327532485079 # here\ngrants = []"),
            "5782327532485079",
            "a string",
        ),
        (
            client("grants = []\nsecret = 57823275.25 # here"),
            "57823275",
            "a string",
        ),
        ("keys = \"hush\" # here".to_owned(), "hush", "a table"),
        ("demo = 'hush' # here".to_owned(), "hush", "a boolean"),
    ] {
        refused(
            &text,
            &format!("a value of the wrong type, expected {expected}"),
        );
        let Err(error) = build(&text) else {
            panic!("not refused: {text}");
        };
        assert!(!error.to_string().contains(secret), "{error}");
    }
}

#[test]
fn values_are_refused_where_they_stand() {
    for (text, words) in [
        ("\nprofile = 'x' # here", "standard, drillster"),
        ("rotation = 'sometimes' # here", "\"reuse\""),
        ("scopes = ['a', 'a'] # here", "twice"),
        ("scopes = ['a b'] # here", "scope token"),
        (
            "grants_not_before = '2026-01-01' # here",
            "2026-01-01T00:00:00Z",
        ),
        ("grants_not_before = 2026-01-01 # here", "offset"),
        ("issuer = '' # here", "URL"),
        ("issuer = 'https://as.example/?x' # here", "without query"),
        ("profile = 'standard'\napi_key = 'x' # here", "API key"),
        ("[server]\nlisten = '8080' # here", "127.0.0.1:8080"),
        ("[server]\nidle_timeout = 0 # here", "at least 1 second"),
        ("[server]\nbody_timeout = 'soon' # here", "length of time"),
        ("[server]\nconnections = 0 # here", "from 1 to"),
        (
            "[server]\nconnections = 9\nconnections_per_source = 10 # here",
            "from 1 to 9",
        ),
        (
            "[server]\ntrusted_proxies = [\n'10.0.0.0/8',\n'proxy'] # here",
            "no network",
        ),
        ("[limits]\nbody = 70000 # here", "65535"),
        ("[limits]\nbasic = 257 # here", "256"),
        ("[lifetimes]\naccess_token = -1 # here", "negative"),
        ("[lifetimes]\ncode = 601 # here", "600"),
        ("[lifetimes]\ngrace = 1\nrefresh_idle = 0 # here", "zero"),
        ("[lifetimes]\ngrace = 301 # here", "at most 5 minutes"),
        ("[lifetimes]\ngrace = '1 week' # here", "at most 5 minutes"),
        ("[throttle]\nfailures = 255 # here", "254"),
        ("[throttle]\nfailures = 0 # here", "from 1 to 254"),
        (
            "[throttle]\nfailures = 1\nwindow = 0 # here",
            "from 1 second to 1 day",
        ),
        (
            "[throttle]\nwindow = 86401 # here",
            "86401 seconds are out of range",
        ),
        ("[keys]\nsigning = 'secret' # here", "smallgate key new"),
        (
            "[keys]\nsigning = 'file:/nowhere/key' # here",
            "/nowhere/key can not be read",
        ),
        (
            "[keys]\nverifying = ['file:/nowhere/key'] # here",
            "remedy: put a JWK there",
        ),
        ("[keys]\nhandle = 'AAAA' # here", "43 characters"),
        ("[keys]\nslot = 'c' # here", "\"a\""),
        (
            "[keys]\nhandle_previous = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' # here",
            "without a current one",
        ),
    ] {
        refused(text, words);
    }
}

#[test]
fn clients_are_refused_where_it_is_wrong() {
    for (lines, words) in [
        ("grants = ['implicit'] # here", "authorization_code"),
        (
            "grants = ['password'] # here",
            "does not have the grant type `password`",
        ),
        (
            "grants = ['client_credentials'] # here",
            "smallgate secret new",
        ),
        ("grants = []\nscopes = ['admin'] # here", "no scope `admin`"),
        (
            "grants = []\nscopes = ['read']\ndefault_scopes = ['write'] # here",
            "may not ask for",
        ),
        ("grants = []\nredirect_uris = ['/cb'] # here", "whole"),
        (
            "grants = []\nredirect_uris = ['https://a.example/cb#f'] # here",
            "fragment",
        ),
        (
            "grants = []\n[[client]]\nid = 'a' # here\ngrants = []",
            "earlier one",
        ),
        (
            "grants = []\n[[client]]\nid = 'ä' # here\ngrants = []",
            "printable ASCII",
        ),
    ] {
        refused(&client(lines), words);
    }
}

#[test]
fn a_public_client_whose_refresh_tokens_do_not_rotate_is_refused() {
    refused(
        &format!(
            "rotation = 'reuse'\n{}",
            client("grants = ['refresh_token'] # here")
        ),
        "rotation = \"rotate\"",
    );
}

#[test]
fn r14_weak_secrets_are_refused_without_demo_and_not_repeated() {
    for secret in ["short", "twenty-two characters!", "sha256:00", "sha256:"] {
        let text = client(&format!("grants = []\nsecret = '{secret}' # here"));
        refused(&text, "secret new");
        let Err(error) = build(&text) else {
            panic!("not refused");
        };
        assert!(
            secret.len() < 8 || !error.to_string().contains(secret),
            "{error}"
        );
    }
    assert!(build(&client("grants = []\nsecret = '0123456789abcdefghij-_'")).is_ok());
}

#[test]
fn demo_lifts_the_rule_for_secrets_and_passwords() {
    let text = format!(
        "demo = true\n{}[[user]]\nusername = 'u'\nsub = '1'\npassword = 'password'",
        client("grants = []\nsecret = 'short'")
    );
    let built = build(&text).unwrap();
    assert_eq!(
        built.server.configuration().users[0].password.iterations,
        10_000
    );
    assert!(built.notes.demo);
    refused(
        "[[user]]\nusername = 'u'\nsub = '1'\npassword = 'password' # here",
        "user new",
    );
}

#[test]
fn bounds_themselves_are_good() {
    for (grace, failures, window) in [(0, 1, 1), (300, 254, 86_400)] {
        let text = format!(
            "[lifetimes]\ngrace = {grace}\n[throttle]\nfailures = {failures}\nwindow = {window}"
        );
        let built = build(&text).unwrap();
        assert_eq!(
            built.server.configuration().profile.lifetimes.grace,
            Seconds(grace)
        );
        assert_eq!(
            (built.throttle.failures, built.throttle.window),
            (failures, Seconds(window))
        );
    }
}

#[test]
fn password_hashes_of_few_iterations_are_for_demonstrations() {
    let user = |iterations: &str| {
        let password = PASSWORD.replace("10000", iterations);
        format!("[[user]]\nusername = 'u'\nsub = '1'\npassword = '{password}' # here")
    };
    for iterations in ["1", "9999"] {
        refused(&user(iterations), "smallgate user new");
        refused(&user(iterations), "demo = true");
        let built = build(&format!("demo = true\n{}", user(iterations))).unwrap();
        let password = &built.server.configuration().users[0].password;
        assert_eq!(password.iterations.to_string(), iterations);
    }
    assert!(build(&user("10000")).is_ok());
}

#[test]
fn r47_users_are_told_apart_from_clients_and_each_other() {
    let user = |lines: &str| format!("[[user]]\n{lines}\npassword = '{PASSWORD}'\n");
    let alice = user("username = 'alice'\nsub = '1'");
    refused(
        &format!(
            "{}{}",
            client("grants = []"),
            user("username = 'u'\nsub = 'a' # here")
        ),
        "client's id",
    );
    refused(
        &format!("{alice}{}", user("username = 'alice' # here\nsub = '2'")),
        "earlier one",
    );
    refused(
        &format!("{alice}{}", user("username = 'bob' # here\nsub = '1'")),
        "earlier one",
    );
    refused(&user("username = '' # here\nsub = '1'"), "empty");
}

#[test]
fn several_keys_need_key_ids() {
    let text = r#"[keys]
        signing = '{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'
        verifying = ['{"kty":"oct","k":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'] # here"#;
    refused(text, "\"kid\"");
}

#[test]
fn a_profile_asked_for_must_be_the_files() {
    let document = parse("\nprofile = 'standard'").unwrap();
    assert!(
        document
            .build(region(), &Made::default(), Some(&profile::STANDARD), URL)
            .is_ok()
    );
    let Err(error) = document.build(region(), &Made::default(), Some(&profile::BREAKOUT), URL)
    else {
        panic!("not refused");
    };
    assert_eq!(error.line(), Some(2));
    let unnamed = parse("")
        .unwrap()
        .build(region(), &Made::default(), Some(&profile::BREAKOUT), URL)
        .unwrap();
    assert_eq!(unnamed.server.configuration().profile.name, "breakout");
}

#[test]
fn a_key_file_is_found_beside_the_configuration() {
    let folder = std::env::temp_dir().join(format!("smallgate-keys-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let made = keys::make(Algorithm::Es256).unwrap();
    std::fs::write(
        folder.join("key.jwk"),
        keys::print_private(&made).unwrap() + "\n",
    )
    .unwrap();
    let text = "[keys]\nsigning = 'file:key.jwk'".to_owned();
    let built = Document::parse("test.toml".to_owned(), text, folder.clone())
        .unwrap()
        .build(region(), &Made::default(), None, URL)
        .unwrap();
    assert_eq!(built.server.configuration().signer.key_id(), made.key_id());
    std::fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn r48_a_private_key_in_a_file_that_others_may_read_is_noted() {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("smallgate-modes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let signing = keys::make(Algorithm::Hs256).unwrap();
    let retired = keys::make(Algorithm::Es256).unwrap();
    for (name, text) in [
        ("signing", keys::print_private(&signing).unwrap()),
        ("private", keys::print_private(&retired).unwrap()),
        ("public", keys::print_public(&retired).unwrap()),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    for (verifying, mode, exposed) in [
        ("private", 0o600, &[][..]),
        ("private", 0o640, &["signing", "private"]),
        ("private", 0o602, &["signing", "private"]),
        ("public", 0o644, &["signing"]),
    ] {
        for name in ["signing", verifying] {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder.join(name), mode).unwrap();
        }
        let text = format!("[keys]\nsigning = 'file:signing'\nverifying = ['file:{verifying}']");
        let built = Document::parse("test.toml".to_owned(), text, folder.clone())
            .unwrap()
            .build(region(), &Made::default(), None, URL)
            .unwrap();
        let expected: Vec<_> = exposed.iter().map(|name| folder.join(name)).collect();
        assert_eq!(built.notes.exposed_keys, expected, "{verifying} {mode:o}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let Err(error) = Document::read(&PathBuf::from("/nowhere/gateway.toml")) else {
        panic!("read");
    };
    assert!(
        error
            .to_string()
            .starts_with("/nowhere/gateway.toml: can not be read")
    );
}

/// Once as it is, and once with the lines switched on that are commented out.
#[test]
fn the_example_is_good_and_so_is_every_line_in_it() {
    let built = build(super::EXAMPLE).unwrap_or_else(|error| panic!("{error}"));
    assert!(!built.notes.demo && !built.notes.issuer_assumed);

    let signing = keys::print_private(&keys::make(Algorithm::Es256).unwrap()).unwrap();
    let retired = keys::print_public(&keys::make(Algorithm::Es256).unwrap()).unwrap();
    let text: String = super::EXAMPLE
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
        .collect::<String>()
        .replace(
            "NEW HANDLE KEY",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        )
        .replace(
            "OLD HANDLE KEY",
            "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        )
        .replace("file:signing.jwk", &signing)
        .replace("file:retired.jwk", &retired);
    let folder = super::tls::tests::folder("example");
    let build = |text: &str| {
        Document::parse("test.toml".to_owned(), text.to_owned(), folder.clone())
            .and_then(|document| document.build(region(), &Made::default(), None, URL))
    };
    let built = build(&text).unwrap_or_else(|error| panic!("{error}"));
    let configuration = built.server.configuration();
    assert!(!built.notes.signing_key_made && !built.notes.handle_key_made);
    assert_eq!(configuration.verifiers.len(), 2);
    assert!(configuration.handle_keys.previous.is_some());
    // What it says are the defaults, are.
    assert_eq!(configuration.profile.lifetimes, profile::STANDARD.lifetimes);
    assert_eq!(configuration.limits, Limits::DEFAULT);
    assert_eq!(built.throttle, ThrottlePolicy::DEFAULT);
    let settings = |text: &str| {
        Document::parse("test.toml".to_owned(), text.to_owned(), folder.clone())
            .and_then(|document| document.server_settings())
            .unwrap()
    };
    let (said, default) = (settings(&text), settings(""));
    assert_eq!(said.header_timeout, default.header_timeout);
    assert_eq!(said.body_timeout, default.body_timeout);
    assert_eq!(said.idle_timeout, default.idle_timeout);
    assert_eq!(said.stop_timeout, default.stop_timeout);
    assert_eq!(said.connections, default.connections);
    assert_eq!(said.connections_per_source, default.connections_per_source);
    assert!(said.tls.is_some() && default.tls.is_none());
    std::fs::remove_dir_all(folder).unwrap();
    let settings = |text| parse(text).unwrap().store_settings().unwrap();
    let (said, default) = (settings(&text), settings(""));
    assert_eq!(said.replicas, default.replicas);
    assert_eq!(said.grants, default.grants);
}

#[test]
fn devices_are_read_with_their_rules() {
    let text = r#"
        scopes = ["read", "write", "water"]
        [[device]]
        name = "cellar"
        kind = "emc1413"
        address = 0x4c
        [[device]]
        name = "pump-1"
        kind = "output"
        pin = 3
        active_low = true
        read = ""
        write = "write water"
        [[device]]
        name = "float_switch"
        kind = "input"
        pin = 0
        read = "water"
        "#;
    let pin = |number, active_low| Pin { number, active_low };
    let device = |name, kind, read, write| Device {
        name,
        kind,
        read,
        write,
    };
    let expected = [
        device("cellar", Kind::Emc1413 { address: 0x4C }, "read", ""),
        device("pump-1", Kind::Output(pin(3, true)), "", "write water"),
        device("float_switch", Kind::Input(pin(0, false)), "water", ""),
    ];
    assert_eq!(build(text).unwrap().devices, expected);
}

#[test]
fn devices_that_can_not_be_are_refused_by_their_line() {
    let with = |lines: &str| format!("[[device]]\n{lines}\n");
    let output = "kind = 'output'\npin = 0";
    for name in ["''", "'A'", "'a b'", "'a/b'"] {
        refused(
            &with(&format!("name = {name} # here\n{output}")),
            "no name for a device",
        );
    }
    let sensor = "name = 'a'\nkind = 'emc1413'";
    for (lines, words) in [
        (
            "name = 'a'\nkind = 'tmp105' # here".to_owned(),
            "no kind of device `tmp105`",
        ),
        (format!("{sensor} # here"), "has an address"),
        (
            format!("{sensor}\naddress = 0x80 # here"),
            "no address of 7 bits",
        ),
        (
            format!("{sensor}\naddress = -1 # here"),
            "no address of 7 bits",
        ),
        (
            format!("{sensor}\naddress = 0x4c\npin = 1 # here"),
            "has no pin",
        ),
        (
            format!("{sensor}\naddress = 0x4c\nwrite = '' # here"),
            "not written to",
        ),
        (
            format!("{sensor}\naddress = 0x4c\nactive_low = true # here"),
            "neither on nor off",
        ),
        (
            format!("{sensor}\naddress = 0x4c\nread = 'paint' # here"),
            "no scope `paint`",
        ),
        (
            format!("{sensor}\naddress = 0x4c\nread = 'read  write' # here"),
            "no scope ``",
        ),
        ("name = 'a'\nkind = 'output' # here".to_owned(), "has a pin"),
        (
            "name = 'a'\nkind = 'input'\npin = 32 # here".to_owned(),
            "no board has such a pin",
        ),
        (
            format!("name = 'a'\n{output}\naddress = 1 # here"),
            "a pin has no address",
        ),
    ] {
        refused(&with(&lines), words);
    }
    let one = with(&format!("name = 'a'\n{output}"));
    refused(
        &(one.clone() + &with(&format!("name = 'a' # here\n{output}"))),
        "has this name",
    );
    let eight: String = (0..8)
        .map(|at| one.replace("'a'", &format!("'a{at}'")))
        .collect();
    assert_eq!(build(&eight).unwrap().devices.len(), 8);
    refused(
        &(eight + &with(&format!("name = 'b' # here\n{output}"))),
        "more than 8 devices",
    );
    // Tokens of this profile name no scopes, so no rule could be kept.
    let dressipi = |rules: &str| {
        format!("profile = 'dressipi'\n[[device]]\nname = 'a'{rules}\n{output}\nwrite = ''")
    };
    refused(&dressipi(" # here"), "name no scopes");
    assert!(build(&dressipi("\nread = ''")).is_ok());
}

#[test]
fn a_store_that_gateways_share_is_read() {
    let settings = |lines: &str| {
        parse(&format!("[store]\n{lines}"))
            .unwrap()
            .store_settings()
    };
    let read = settings("replicas = 5\ngrants = 7\nuser = 'a'\npassword = 'b'").unwrap();
    assert_eq!((read.replicas, read.grants), (5, 7));
    let (user, password) = read.user.unwrap();
    assert_eq!((user.as_str(), password.as_str()), ("a", "b"));
    assert!(settings("").unwrap().user.is_none());
}

#[test]
fn what_is_wrong_with_a_store_that_gateways_share_is_told() {
    let table = |line: &str| format!("[store]\n{line} # here");
    refused(&table("replicas = 4"), "an even number of copies");
    refused(&table("replicas = 7"), "from 1 to 5");
    refused(&table("grants = 0"), "from 1 to");
    refused(&table("user = 'a'"), "`user` without `password`");
    refused(&table("password = 'a'"), "`password` without `user`");
    refused(&table("key = 'a'"), "`key` without `certificate`");
    refused(
        &table("ca = '/nowhere/ca.pem'"),
        "/nowhere/ca.pem can not be read",
    );
    let file = "[store]\nuser = 'a'\npassword = 'file:/nowhere/word' # here";
    refused(file, "/nowhere/word can not be read");
    refused(&table("servers = 'a'"), "unknown field");
}
