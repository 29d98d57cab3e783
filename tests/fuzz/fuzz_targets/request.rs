//! Any request, to all profiles, twice: an answer that is well formed, and an
//! access token that its server takes.
//!
//! The input is read as one writes a request down: a line with method and
//! target, lines of header fields, an empty line, the body. The target `*` is
//! the profile's token endpoint.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::jose::{Algorithm, Es256SigningKey, Hs256Key, Signer, Verifier};
use smallgate_core::oauth::{
    AuthorizationServer, Client, Clock, Configuration, HandleKeys, Limits, MasterKey, PasswordHash,
    Slot, Throttle, ThrottlePolicy, ThrottleSlot, User, drive,
};
use smallgate_core::profile::{self, Profile, RedirectUriRule};
use smallgate_core::scope::{ScopeNames, ScopeSet};
use smallgate_core::secret::{Entropy, SecretHash};
use smallgate_core::store::MemoryStore;
use smallgate_core::time::{Seconds, UnixTime};

const NOW: UnixTime = UnixTime(1_800_000_000);

type Server = AuthorizationServer<'static>;

thread_local! {
    static SERVERS: Vec<Server> = profile::ALL.into_iter().map(server).collect();
}

fuzz_target!(|input: &[u8]| SERVERS.with(|servers| {
    let Some(written) = Written::read(input) else {
        return;
    };
    for server in servers {
        let slots = [const { ThrottleSlot::new() }; 8];
        let throttle = Throttle::new(&slots, ThrottlePolicy::DEFAULT, [5; 16]);
        let mut store = MemoryStore::<8>::new();
        for draw in [1, 2] {
            let token = ask(server, &throttle, &mut store, &written, draw);
            if let Some(token) = token {
                let me = Written {
                    method: "GET",
                    target: "/me/",
                    headers: vec![("authorization", format!("Bearer {token}").into_bytes())],
                    body: &[],
                };
                assert_eq!(status(server, &throttle, &mut store, &me), 200);
            }
        }
    }
}));

/// A request as it is written down.
struct Written<'i> {
    method: &'i str,
    target: &'i str,
    headers: Vec<(&'i str, Vec<u8>)>,
    body: &'i [u8],
}

impl<'i> Written<'i> {
    fn read(input: &'i [u8]) -> Option<Self> {
        let (head, body) = match input.windows(2).position(|end| end == b"\n\n") {
            Some(at) => (&input[..at], &input[at + 2..]),
            None => (input, &[][..]),
        };
        let mut lines = head.split(|octet| *octet == b'\n');
        let (method, target) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
        let headers = lines.filter_map(|line| {
            let colon = line.iter().position(|octet| *octet == b':')?;
            let value = line[colon + 1..].trim_ascii().to_vec();
            Some((std::str::from_utf8(&line[..colon]).ok()?, value))
        });
        Some(Written {
            method,
            target,
            headers: headers.collect(),
            body,
        })
    }
}

/// What `server` says to `written`, handed to `look`.
fn answered<T>(
    server: &Server,
    throttle: &Throttle<'_>,
    store: &mut MemoryStore<8>,
    written: &Written<'_>,
    draw: u8,
    look: impl FnOnce(u16, &[(&str, &str)], &[u8]) -> T,
) -> T {
    let target = match written.target {
        "*" => server.configuration().profile.token_path,
        target => target,
    };
    let headers: Vec<_> = written
        .headers
        .iter()
        .map(|(name, value)| Header { name, value })
        .collect();
    let mut body = written.body.to_vec();
    let request = Request {
        method: written.method,
        target,
        headers: &headers,
        body: Body::Whole(&mut body),
        source: Source::v4([10, 0, 0, 1]),
    };
    let mut out = [0; Server::ROOM];
    let entropy = Entropy::new([draw; Entropy::SIZE]);
    let step = server.begin(request, Clock::at(NOW), entropy, throttle, &mut out);
    let answer = drive(step, store);
    let response = answer.response();
    let headers: Vec<_> = response.headers().collect();
    look(response.status(), &headers, response.body())
}

fn status(
    server: &Server,
    throttle: &Throttle<'_>,
    store: &mut MemoryStore<8>,
    written: &Written<'_>,
) -> u16 {
    answered(server, throttle, store, written, 3, |status, _, _| status)
}

/// Judges an answer, and gives the access token in it.
fn ask(
    server: &Server,
    throttle: &Throttle<'_>,
    store: &mut MemoryStore<8>,
    written: &Written<'_>,
    draw: u8,
) -> Option<String> {
    answered(
        server,
        throttle,
        store,
        written,
        draw,
        |status, headers, body| {
            assert!([200, 303].contains(&status) || (400..=503).contains(&status));
            for (name, value) in headers {
                assert!(!name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic()));
                assert!(value.bytes().all(|octet| (0x20..=0x7E).contains(&octet)));
            }
            let value = |wanted| {
                headers
                    .iter()
                    .find(|(name, _)| *name == wanted)
                    .map(|(_, value)| *value)
            };
            // RFC 6750 section 3.1 has challenges with 400 and 403 too.
            match value("www-authenticate") {
                Some(_) => assert!([400, 401, 403].contains(&status)),
                None => assert_ne!(status, 401),
            }
            if value("content-type") != Some("application/json") || body.is_empty() {
                return None;
            }
            let json: serde_json::Value = serde_json::from_slice(body).expect("JSON");
            // Who gave no token is told nothing more (RFC 6750 section 3.1).
            let bare = status == 401 && json.as_object().is_some_and(|object| object.is_empty());
            assert_eq!(json["error"].is_string(), status >= 400 && !bare);
            Some(json["access_token"].as_str()?.to_owned())
        },
    )
}

fn server(profile: &Profile) -> Server {
    let (signer, verifier): (&'static dyn Signer, &'static dyn Verifier) = match profile.algorithm {
        Algorithm::Hs256 => {
            let key = keep(Hs256Key::new(&[7; 32], Some("k1")).expect("32 octets"));
            (key, key)
        }
        Algorithm::Es256 => {
            let key = keep(Es256SigningKey::new(&[7; 32], Some("k1")).expect("a scalar"));
            (key, keep(key.verifying_key()))
        }
    };
    let redirect_uris: &[&str] = match profile.redirect_uri {
        RedirectUriRule::Fixed(uri) => keep([uri]),
        RedirectUriRule::AsAuthorized => &["https://client.example/cb"],
    };
    // A profile of public clients has no others.
    let has_secrets = profile.client_authentication.basic || profile.client_authentication.post;
    let client = Client {
        id: "demo",
        secret: has_secrets.then(|| SecretHash::of(b"secret")),
        grant_types: profile.grant_types,
        scopes: ScopeSet::from_bits(0b11),
        default_scopes: ScopeSet::from_bits(0b01),
        redirect_uris,
        grants_not_before: UnixTime(0),
    };
    let user = User {
        username: "alice",
        subject: "94173",
        password: PasswordHash::new("password", [3; 16], 1),
        grants_not_before: UnixTime(0),
    };
    AuthorizationServer::new(Configuration {
        profile: *profile,
        issuer: "https://as.example",
        audience: "https://as.example",
        clients: keep([client]),
        users: keep([user]),
        scopes: ScopeNames::new(&["read", "write"]).expect("scope tokens"),
        signer,
        verifiers: keep([verifier]),
        handle_keys: HandleKeys {
            current: MasterKey::new([9; 32]),
            slot: Slot::A,
            previous: None,
        },
        api_key: None,
        grants_not_before: UnixTime(0),
        skew: Seconds(0),
        limits: Limits::DEFAULT,
    })
    .expect("the configuration is good")
}

/// For the rest of the process's life.
fn keep<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}
