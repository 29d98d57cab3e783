//! Whole exchanges of a server whose secrets are unknown to memcheck.

use base64ct::{Base64, Encoding};
use smallgate_core::oauth::{
    Client, Configuration, HandleKeys, MasterKey, PasswordHash, Slot, User, drive,
};
use smallgate_core::profile::{BREAKOUT, DRESSIPI, Profile, STANDARD, TEEN_QUOTES};
use smallgate_core::secret::SecretHash;
use smallgate_core::time::UnixTime;
use smallgate_tests::rig::{self, HERE, Message, Rig, keep};

use super::memcheck::public;
use super::{hidden, hidden_text, octets};

/// With the colon it fills two quads of base64, so that what is secret begins with a quad.
pub(crate) const CLIENT: &str = "login";
/// As `smallgate secret new` makes them: base64url.
pub(crate) const SECRET: &str = "s6BhdRkqt3_s6BhdRkqt3-s6BhdRkqt3_s6BhdRkqt3";

const FORM: (&str, &[u8]) = ("content-type", b"application/x-www-form-urlencoded");

/// What comes after `Basic `: the secret's part is secret.
pub(crate) fn basic_credentials() -> String {
    let known = Base64::encode_string(format!("{CLIENT}:").as_bytes());
    assert!(!known.ends_with('='));
    hidden_text(&known, &Base64::encode_string(SECRET.as_bytes()))
}

/// What a configuration keeps of a client's secret or of an API key.
fn kept() -> SecretHash {
    let hash = hidden(SecretHash::of(SECRET.as_bytes()).octets().to_vec());
    SecretHash::new(hash.try_into().expect("32 octets"))
}

fn configuration(profile: Profile) -> Configuration<'static> {
    let configuration = rig::configuration(profile);
    let template = configuration.clients.first().expect("the rig has clients");
    Configuration {
        clients: keep([Client {
            id: CLIENT,
            secret: Some(kept()),
            ..*template
        }]),
        ..configuration
    }
}

/// A server whose handles and login forms are made with a key that is secret.
fn with_secret_handles(profile: Profile) -> Rig {
    let master: [u8; 32] = octets::<32>().try_into().expect("32 octets");
    Rig::with(Configuration {
        handle_keys: HandleKeys {
            current: MasterKey::new(master),
            slot: Slot::A,
            previous: None,
        },
        ..rig::configuration(profile)
    })
}

/// Asks, and gives the status and the body: what was answered is known to who asked.
fn ask(
    rig: &mut Rig,
    method: &str,
    target: &str,
    headers: &[(&str, &[u8])],
    body: &str,
) -> (u16, String) {
    let message = Message {
        method,
        target,
        headers,
        body: body.as_bytes(),
        source: HERE,
    };
    let (status, mut body) = rig.exchange(message, |step, store| {
        let answer = drive(step, store);
        let response = answer.response();
        (response.status(), response.body().to_vec())
    });
    public(&mut body);
    (status, String::from_utf8(body).expect("text"))
}

fn token(rig: &mut Rig, fields: &[(&str, &[u8])], body: &str) -> (u16, String) {
    let path = rig.server.configuration().profile.token_path;
    let headers: Vec<_> = [FORM].iter().chain(fields).copied().collect();
    ask(rig, "POST", path, &headers, body)
}

/// The secret is secret on its way and where it is kept.
pub(crate) fn client_secret_by_basic() {
    let mut rig = Rig::with(configuration(STANDARD));
    let value = hidden_text("Basic ", "") + &basic_credentials();
    let fields: [(&str, &[u8]); 1] = [("authorization", value.as_bytes())];
    let (status, _) = token(&mut rig, &fields, "grant_type=client_credentials");
    assert_eq!(status, 200);
}

/// What is kept is secret; a form is read octet by octet.
pub(crate) fn client_secret_by_post() {
    let mut rig = Rig::with(configuration(STANDARD));
    let form =
        |secret| format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={secret}");
    assert_eq!(token(&mut rig, &[], &form(SECRET)).0, 200);
    assert_eq!(token(&mut rig, &[], &form("another")).0, 401);
}

/// The key is secret on its way and where it is kept.
pub(crate) fn api_key() {
    let mut rig = Rig::with(Configuration {
        api_key: Some(kept()),
        ..rig::configuration(DRESSIPI)
    });
    let form =
        "grant_type=refresh_token&redirect_uri=urn:ietf:wg:oauth:2.0:oob:auto&client_id=public";
    let key = hidden_text("", SECRET);
    let (_, body) = token(&mut rig, &[("x-api-key", key.as_bytes())], form);
    assert!(body.contains("refresh_token"), "the key was good: {body}");
}

/// The hash that is kept is secret.
pub(crate) fn password() {
    let hash = PasswordHash::new("password", [3; 16], 2).hash;
    let hash = hidden(hash.to_vec()).try_into().expect("32 octets");
    let mut rig = Rig::with(Configuration {
        users: keep([User {
            username: "alice",
            subject: "94173",
            password: PasswordHash {
                iterations: 2,
                salt: [3; 16],
                hash,
            },
            grants_not_before: UnixTime(0),
        }]),
        ..rig::configuration(BREAKOUT)
    });
    let basic = Base64::encode_string(format!("demo:{}", rig::SECRET).as_bytes());
    let basic = format!("Basic {basic}");
    let fields: [(&str, &[u8]); 1] = [("authorization", basic.as_bytes())];
    let form = |password| format!("grant_type=password&username=alice&password={password}");
    assert_eq!(token(&mut rig, &fields, &form("password")).0, 200);
    assert_eq!(token(&mut rig, &fields, &form("passwort")).0, 400);
}

/// The key of all refresh tokens is secret, and so is one that is made, until it is sent.
pub(crate) fn refresh_token() {
    let mut rig = with_secret_handles(TEEN_QUOTES);
    let client = format!("client_id=demo&client_secret={}", rig::SECRET);
    let (_, granted) = token(
        &mut rig,
        &[],
        &format!("grant_type=client_credentials&{client}"),
    );
    let handle = member(&granted, "\"refresh_token\":\"");
    let form = format!("grant_type=refresh_token&refresh_token={handle}&{client}");
    assert_eq!(token(&mut rig, &[], &form).0, 200);
    // 44 characters end in no stray bits: another last one is another MAC.
    let last = if handle.ends_with('A') { "B" } else { "A" };
    let forged = format!("{}{last}", &handle[..handle.len() - 1]);
    let form = format!("grant_type=refresh_token&refresh_token={forged}&{client}");
    assert_eq!(token(&mut rig, &[], &form).0, 400);
}

/// The key of all login forms is secret, and so is a code that is made, until it is sent.
pub(crate) fn login_form() {
    let mut rig = with_secret_handles(STANDARD);
    let query = "response_type=code&client_id=demo&redirect_uri=https://client.example/cb";
    let target = format!("/oauth/authorize?{query}");
    let (status, page) = ask(&mut rig, "GET", &target, &[], "");
    assert_eq!(status, 200);
    let field = member(&page, "form_token\" value=\"");
    let form = format!(
        "{query}&form_token={field}&decision=approve&username=admin@break-out.org&password="
    );
    let fields = [FORM, ("sec-fetch-site", &b"same-origin"[..])];
    let (status, _) = ask(
        &mut rig,
        "POST",
        "/oauth/authorize",
        &fields,
        &format!("{form}password"),
    );
    assert!((302..=303).contains(&status), "{status}");
}

/// What stands between `before` and the next quotation mark.
fn member(text: &str, before: &str) -> String {
    let (_, rest) = text.split_once(before).expect(before);
    rest.split('"').next().expect("an end").to_owned()
}
