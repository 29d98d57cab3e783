//! What `tests/r12_callgrind.rs` runs under callgrind: one request, answered in
//! one function that is counted, and the answer on standard output.

use std::env;
use std::process::ExitCode;

use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::oauth::{Answer, Client, Clock, Configuration, PasswordHash, User, drive};
use smallgate_core::profile::{BREAKOUT, DRESSIPI, Profile, STANDARD, TEEN_QUOTES};
use smallgate_core::secret::{Entropy, SecretHash};
use smallgate_core::time::UnixTime;
use smallgate_tests::rig::{Rig, SECRET, START, configuration};

/// How many clients and users there are. The tests name the first and the last.
const MANY: usize = 50;

/// Everybody's secret and password.
const RIGHT: &str = "right-secret-right-secret-right-secr";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["basic", id, secret] => {
            let basic = format!("Basic {}", base64(&format!("{id}:{secret}")));
            answer(
                STANDARD,
                Some(&basic),
                "grant_type=client_credentials",
                RIGHT,
            )
        }
        ["post", id, secret] => {
            let form =
                format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
            answer(STANDARD, None, &form, RIGHT)
        }
        ["password", username, password] => {
            let basic = format!(
                "Basic {}",
                base64(&format!("{}:{RIGHT}", name("client", 0)))
            );
            let form = format!("grant_type=password&username={username}&password={password}");
            answer(BREAKOUT, Some(&basic), &form, RIGHT)
        }
        // The request is the same, octet for octet: what the server knows differs.
        ["kept-for-basic", id, octet] => {
            let basic = format!("Basic {}", base64(&format!("{id}:{RIGHT}")));
            let kept = wrong_in(RIGHT, octet);
            answer(
                STANDARD,
                Some(&basic),
                "grant_type=client_credentials",
                &kept,
            )
        }
        ["kept-for-post", id, octet] => {
            let form =
                format!("grant_type=client_credentials&client_id={id}&client_secret={RIGHT}");
            answer(STANDARD, None, &form, &wrong_in(RIGHT, octet))
        }
        ["api-key", _, octet] => {
            let form = "grant_type=refresh_token&redirect_uri=urn:ietf:wg:oauth:2.0:oob:auto&client_id=public";
            let kept = wrong_in(RIGHT, octet);
            let rig = Rig::with(Configuration {
                api_key: Some(SecretHash::of(kept.as_bytes())),
                ..configuration(DRESSIPI)
            });
            answer_of(rig, Some(("x-api-key", RIGHT)), form)
        }
        ["handle", _, octet] => {
            let mut rig = Rig::new(TEEN_QUOTES);
            let client = format!("client_id=demo&client_secret={SECRET}");
            let granted = rig.token(None, &format!("grant_type=client_credentials&{client}"));
            let token = with_wrong_mac(&granted.member("refresh_token"), octet);
            let form = format!("grant_type=refresh_token&refresh_token={token}&{client}");
            answer_of(rig, None, &form)
        }
        ["early", _, octet] => {
            let wrong = wrong_in(RIGHT, octet);
            println!("{}", early_counted(RIGHT.as_bytes(), wrong.as_bytes()));
        }
        ["leaky", id, secret] => {
            let clients: &[Client<'_>] = &clients(STANDARD, RIGHT);
            let known = leaky_counted(clients, id, secret);
            println!("{known}");
        }
        _ => {
            eprintln!("r12_subject HOW NAME SECRET");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// `right` but for its "first" or "final" octet.
///
/// Both are made in the same way, so that what is allocated later lies where it
/// would have: `memcmp` takes other steps where a page ends.
fn wrong_in(right: &str, octet: &str) -> String {
    let mut octets = right.as_bytes().to_vec();
    let at = if octet == "first" {
        0
    } else {
        octets.len() - 1
    };
    octets[at] = b'x';
    String::from_utf8(octets).expect("ASCII")
}

/// A refresh token whose MAC, its last 16 octets, is wrong in one of them.
fn with_wrong_mac(token: &str, octet: &str) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let mut octets = Base64UrlUnpadded::decode_vec(token).expect("a handle");
    let mac = octets.len() - 16;
    let at = if octet == "first" {
        mac
    } else {
        octets.len() - 1
    };
    octets[at] ^= 1;
    Base64UrlUnpadded::encode_string(&octets)
}

/// Answers one request to a server whose clients all have the secret `kept`, and
/// prints everything of the answer.
fn answer(profile: Profile, authorization: Option<&str>, form: &str, kept: &str) {
    let rig = Rig::with(Configuration {
        clients: Vec::leak(clients(profile, kept)),
        users: Vec::leak(users()),
        ..configuration(profile)
    });
    answer_of(
        rig,
        authorization.map(|value| ("authorization", value)),
        form,
    );
}

/// The same for a rig that is there already, with one more header field.
fn answer_of(mut rig: Rig, field: Option<(&str, &str)>, form: &str) {
    let profile = rig.server.configuration().profile;
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    headers.extend(field);
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| Header {
            name,
            value: value.as_bytes(),
        })
        .collect();
    let mut body = form.as_bytes().to_vec();
    let request = Request {
        method: "POST",
        target: profile.token_path,
        headers: &headers,
        body: Body::Whole(&mut body),
        source: Source::v4([127, 0, 0, 1]),
    };
    let mut out = vec![0; 2048];
    let answer = answer_counted(&mut rig, request, &mut out);
    let response = answer.response();
    println!("{}", response.status());
    for (name, value) in response.headers() {
        println!("{name}: {value}");
    }
    println!("\n{}", String::from_utf8_lossy(response.body()));
}

/// Counted from its first instruction to its last. There is no closure in it,
/// since one would carry its name.
#[inline(never)]
fn answer_counted<'x>(rig: &'x mut Rig, request: Request<'_, 'x>, out: &'x mut [u8]) -> Answer<'x> {
    let entropy = Entropy::new([1; Entropy::SIZE]);
    let clock = Clock::at(START);
    let step = rig
        .server
        .begin(request, clock, entropy, &rig.throttle, out);
    drive(step, &mut rig.store)
}

/// How it is done wrongly: an unknown client's secret is not even hashed. The
/// measuring must see that.
#[inline(never)]
fn leaky_counted(clients: &[Client<'_>], id: &str, secret: &str) -> bool {
    for client in clients {
        if client.id == id {
            let given = SecretHash::of(secret.as_bytes());
            return client.secret.is_some_and(|known| known.matches(&given));
        }
    }
    false
}

/// How a comparison tells where the first wrong octet is.
#[inline(never)]
fn early_counted(right: &[u8], given: &[u8]) -> bool {
    for (right, given) in right.iter().zip(given) {
        if right != given {
            return false;
        }
    }
    true
}

/// `client-00` and so on: all of one length, so that requests are too.
fn name(kind: &str, number: usize) -> String {
    format!("{kind}-{number:02}")
}

fn clients(profile: Profile, secret: &str) -> Vec<Client<'static>> {
    let template = configuration(profile);
    let template = template.clients.first().expect("the rig has clients");
    (0..MANY)
        .map(|number| Client {
            id: String::leak(name("client", number)),
            secret: Some(SecretHash::of(secret.as_bytes())),
            grant_types: profile.grant_types,
            ..*template
        })
        .collect()
}

fn users() -> Vec<User<'static>> {
    (0..MANY)
        .map(|number| User {
            username: String::leak(name("user", number)),
            subject: String::leak(name("subject", number)),
            password: PasswordHash::new(RIGHT, [3; 16], 100),
            grants_not_before: UnixTime(0),
        })
        .collect()
}

/// Base64 with padding (RFC 4648 §4), from base64url.
fn base64(text: &str) -> String {
    let mut out = [0; 256];
    let url = smallgate_core::codec::base64url::encode(text.as_bytes(), &mut out);
    let mut text = url
        .expect("a short text")
        .replace('-', "+")
        .replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}
