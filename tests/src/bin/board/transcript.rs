//! `transcript`: what the gateway answers on the board, from a token by each grant
//! to a refusal for each reason.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use smallgate_tests::board::{LISTENING, SOURCE, ZEROS, is_lit, provisioned, says};
use smallgate_tests::machine::{Eeprom, Elf, Machine, Plan};
use smallgate_tests::simulator::Temporary;
use smallgate_tests::suite::browser::{asking, code_in, demo, filled_in, redemption};
use smallgate_tests::suite::session::{basic, post, refresh_form};
use smallgate_tests::suite::setups::{BREAKOUT, DEMO, ES256, ISSUER, keys};
use smallgate_tests::transcript::Transcript;
use smallgate_tests::wire::{Request, Response, Wire};

use crate::Options;

/// How long a board may take to listen, and a sensor to be read again.
const PATIENCE: Duration = Duration::from_secs(30);

/// The user of both demonstrations.
const USER: (&str, &str) = ("admin@break-out.org", "password");
/// A client that may do little.
const GUEST: (&str, &str) = ("guest", "guest-secret-guest-secret-guest-secret");

const STANDARD: &str = include_str!("../../../../host-sim/demo/standard.toml");
const PASSWORDS: &str = include_str!("../../../../host-sim/demo/breakout.toml");

/// Beside what the demonstration has: a sensor that nobody has plugged in, a client
/// that may ask for its own tokens alone.
const MORE: &str = r#"
[[device]]
name = "attic"
kind = "emc1413"
address = 0x4d

[[client]]
id = "guest"
secret = "guest-secret-guest-secret-guest-secret"
grants = ["client_credentials"]
scopes = ["read"]
"#;

/// Boards of one firmware.
struct Boards {
    firmware: Arc<Elf>,
}

impl Boards {
    fn start(&self, image: &[u8], clock: Option<u64>) -> Result<Machine, String> {
        let mut machine = Machine::start(&Plan {
            firmware: Arc::clone(&self.firmware),
            image: image.to_vec(),
            clock,
            eeprom: Eeprom::Begun,
            port: 0,
            counts: false,
            network: None,
            // This is the program's first thread.
            dies_with_thread: true,
        })?;
        match machine.wait_for(PATIENCE, |lines| says(lines, LISTENING))? {
            true => Ok(machine),
            false => Err(format!("it does not listen: {:?}", machine.log()?)),
        }
    }
}

/// What a board's clock is to say that starts now: the boards before it are not
/// ahead of it.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() + 1)
}

/// A configuration, packed.
fn packed(text: &str) -> Result<Vec<u8>, String> {
    let keys = keys(ES256);
    let file = Temporary::new(&format!("issuer = \"{ISSUER}\"\n{text}\n{keys}"));
    provisioned(&[file.path()]).map(|(image, _)| image)
}

pub(crate) fn transcript(options: &Options) -> Result<(), String> {
    let boards = Boards {
        firmware: Arc::new(Elf::read(&options.firmware)?),
    };
    let image = packed(&format!("{STANDARD}{MORE}"))?;
    let mut said = Transcript::default();

    said.part("Tokens");
    let board = boards.start(&image, Some(now()))?;
    let tokens = grants(&mut said, &board);
    passwords(&mut said, &boards.start(&packed(PASSWORDS)?, Some(now()))?);
    said.part("Devices");
    devices(&mut said, &board, &tokens)?;
    said.part("Devices, refused");
    refused_devices(&mut said, &board, &tokens);
    said.part("Tokens, refused");
    refused_tokens(&mut said, &board, &tokens);
    drop(board);

    said.part("A token that has expired: the same board a day later");
    let later = boards.start(&image, Some(now() + 86_400))?;
    let own = tokens.all.as_str();
    let request = bearer("GET", "/devices/temperature", own);
    said.ask(later.address(), "expired", &request, (401, "expired"));
    drop(later);
    said.part("No clock: the same board without its real-time clock");
    let unset = boards.start(&image, None)?;
    let at = unset.address();
    let unavailable = (503, "temporarily_unavailable");
    let request = client_credentials("read");
    said.ask(at, "no token is issued", &request, unavailable);
    let request = bearer("GET", "/devices/temperature", own);
    said.ask(at, "no token is taken", &request, unavailable);
    let request = Request::new("GET", "/");
    let page = said.ask(at, "the page for people", &request, (200, ""));
    let tells = page.text().contains("not set");
    said.hold("the page says that the clock is not set", tells);
    drop(unset);
    said.part("No entropy: the same board, whose source gives zeros");
    let copy = Temporary::new("");
    let source = boards.firmware.constant(SOURCE)?;
    let starved = boards
        .firmware
        .patched(copy.path().as_ref(), source, ZEROS)?;
    let starved = Boards {
        firmware: Arc::new(starved),
    };
    let starved = starved.start(&image, Some(now()))?;
    let at = starved.address();
    let request = client_credentials("read");
    said.ask(at, "no token is issued", &request, unavailable);
    let request = bearer("GET", "/devices/temperature", own);
    said.ask(at, "a token is taken", &request, (200, "Cel"));
    drop(starved);
    let exchanges = said.end()?;
    crate::run::tell(&format!("{exchanges} exchanges, all as expected"));
    Ok(())
}

/// What the later parts need.
struct Tokens {
    /// A client's own, for reading and writing.
    all: String,
    reader: String,
    /// Of a user's grant.
    granted: Response,
}

fn client_credentials(scope: &str) -> Request {
    let form = format!("grant_type=client_credentials&scope={scope}");
    post("/oauth/token", Some(&basic(DEMO)), &form)
}

fn bearer(method: &str, target: &str, token: &str) -> Request {
    Request::new(method, target).header("Authorization", &format!("Bearer {token}"))
}

fn put(token: &str, body: &str) -> Request {
    bearer("PUT", "/devices/relay", token).body("application/json", body)
}

fn grants(said: &mut Transcript, board: &Machine) -> Tokens {
    let at = board.address();
    let token = |form: &str| post("/oauth/token", Some(&basic(DEMO)), form);
    let mut own = |title, scope| {
        let answer = said.ask(at, title, &client_credentials(scope), (200, "Bearer"));
        answer.member("access_token")
    };
    let all = own("client_credentials: a client for itself", "read+write");
    let reader = own("the same, to read alone", "read");
    let form = said.ask(
        at,
        "authorization_code with PKCE: a browser asks for the form",
        &asking(&demo()),
        (200, "text/html"),
    );
    let filled_in = filled_in(&form, "approve", USER);
    let title = "the user signs in and approves; the browser is sent to the client";
    let sent = said.ask(at, title, &filled_in, (303, "code="));
    let code = code_in(&sent).unwrap_or_default();
    let title = "the client redeems the code, with the verifier";
    let request = token(&redemption(&code));
    let granted = said.ask(at, title, &request, (200, "refresh_token"));
    let request = token(&refresh_form(&granted));
    let title = "refresh_token: it is replaced";
    let granted = said.ask(at, title, &request, (200, "refresh_token"));
    Tokens {
        all,
        reader,
        granted,
    }
}

fn passwords(said: &mut Transcript, board: &Machine) {
    let form = "grant_type=password&username=admin%40break-out.org&password=password&scope=read";
    let request = post("/oauth/token", Some(&basic(BREAKOUT)), form);
    let title = "password, on a board of profile breakout";
    said.ask(board.address(), title, &request, (200, "refresh_token"));
}

fn devices(said: &mut Transcript, board: &Machine, tokens: &Tokens) -> Result<(), String> {
    let at = board.address();
    let read = |name: &str| bearer("GET", &format!("/devices{name}"), &tokens.reader);
    let temperature = read("/temperature");
    for (degrees, title) in [
        (21, "the sensor"),
        (30, "the sensor, now that it is warmer"),
    ] {
        board.set_temperature(degrees)?;
        let words = format!("\"value\":{degrees},");
        // It is read once a second.
        let deadline = Instant::now() + PATIENCE;
        while !Wire::open(at).ask(&temperature).text().contains(&words) {
            if Instant::now() > deadline {
                return Err(format!("the board does not see {degrees} degrees"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        said.ask(at, title, &temperature, (200, &words));
    }
    for on in [true, false] {
        let title = if on {
            "the relay, on"
        } else {
            "the relay, off"
        };
        let words = format!("\"value\":{on}");
        let request = put(&tokens.all, &format!("{{\"value\":{on}}}"));
        said.ask(at, title, &request, (200, &words));
        said.hold("the board's lamp shows it", is_lit(board, 0)? == on);
    }
    let title = "the list, with a sensor that nobody has plugged in";
    said.ask(at, title, &read(""), (200, "device_failed"));
    Ok(())
}

fn refused_devices(said: &mut Transcript, board: &Machine, tokens: &Tokens) {
    const ASKED: &str = "/devices/temperature";
    let at = board.address();
    let Tokens { all, reader, .. } = tokens;
    let granted = tokens.granted.member("access_token");
    let in_query = Request::new("GET", &format!("{ASKED}?access_token={reader}"));
    let long = format!("{{\"value\":true,\"padding\":\"{}\"}}", "x".repeat(1100));
    let form = bearer("PUT", "/devices/relay", all).form("value=true");
    let revocation = format!("token={granted}");
    let revocation = post("/oauth/revoke", Some(&basic(DEMO)), &revocation);
    for (title, request, expected) in [
        (
            "no token",
            Request::new("GET", ASKED),
            (401, "Bearer realm"),
        ),
        (
            "no token that is good",
            bearer("GET", ASKED, "x.y.z"),
            (401, "invalid_token"),
        ),
        ("a token in the query", in_query, (400, "invalid_request")),
        (
            "a scope too few",
            put(reader, "{\"value\":true}"),
            (403, "insufficient_scope"),
        ),
        (
            "no such device",
            bearer("GET", "/devices/cellar", reader),
            (404, "invalid_request"),
        ),
        (
            "no such method",
            bearer("DELETE", "/devices/relay", all),
            (405, "GET, HEAD, PUT"),
        ),
        (
            "a sensor is not switched",
            bearer("PUT", ASKED, all),
            (405, "GET, HEAD"),
        ),
        (
            "no such value",
            put(all, "{\"value\":1}"),
            (400, "invalid_request"),
        ),
        ("too long", put(all, &long), (413, "invalid_request")),
        ("not JSON", form, (415, "invalid_request")),
        (
            "nobody at its address",
            bearer("GET", "/devices/attic", reader),
            (502, "device_failed"),
        ),
        (
            "a user's token is good",
            bearer("GET", ASKED, &granted),
            (200, "Cel"),
        ),
        ("its client revokes it", revocation, (200, "")),
        (
            "and it opens nothing",
            bearer("GET", ASKED, &granted),
            (401, "revoked"),
        ),
    ] {
        said.ask(at, title, &request, expected);
    }
}

fn refused_tokens(said: &mut Transcript, board: &Machine, tokens: &Tokens) {
    const OWN: &str = "grant_type=client_credentials";
    let at = board.address();
    let token = |client, form: &str| post("/oauth/token", Some(&basic(client)), form);
    let wrong = ("guest", "not-the-secret-of-the-client-guest");
    let ask = |request: &Request| Wire::open(at).ask(request);
    let code = code_in(&ask(&filled_in(&ask(&asking(&demo())), "approve", USER)));
    let redeemed = token(DEMO, &redemption(&code.unwrap_or_default()));
    let title = "another code is redeemed";
    let granted = said.ask(at, title, &redeemed, (200, "refresh_token"));
    let access = granted.member("access_token");
    for (title, request, expected) in [
        ("the code comes again", redeemed, (400, "invalid_grant")),
        (
            "which has revoked the refresh token",
            token(DEMO, &refresh_form(&granted)),
            (400, "invalid_grant"),
        ),
        (
            "and the access token",
            bearer("GET", "/devices/temperature", &access),
            (401, "revoked"),
        ),
        (
            "no client",
            post("/oauth/token", None, OWN),
            (401, "invalid_client"),
        ),
        (
            "no grant type",
            token(DEMO, "scope=read"),
            (400, "invalid_request"),
        ),
        (
            "an unknown scope",
            token(DEMO, &format!("{OWN}&scope=all")),
            (400, "invalid_scope"),
        ),
        (
            "a scope of others",
            token(GUEST, &format!("{OWN}&scope=write")),
            (400, "invalid_scope"),
        ),
        (
            "an unknown grant type",
            token(DEMO, "grant_type=magic"),
            (400, "unsupported_grant_type"),
        ),
        (
            "a grant type that the client is not registered for",
            token(GUEST, &refresh_form(&tokens.granted)),
            (400, "unauthorized_client"),
        ),
        ("a wrong secret", token(wrong, OWN), (401, "invalid_client")),
    ] {
        said.ask(at, title, &request, expected);
    }
    for _ in 0..9 {
        Wire::open(at).ask(&token(wrong, OWN));
    }
    let title = "the right secret after ten wrong ones, from where they came from";
    said.ask(at, title, &token(GUEST, OWN), (429, "retry-after"));
}
