//! What fuzz targets share: a server of each profile, and how a request to it is
//! written down.

use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::jose::{Algorithm, Es256SigningKey, Hs256Key, Signer, Verifier};
use smallgate_core::oauth::{
    AuthorizationServer, Client, Clock, Configuration, HandleKeys, Limits, MasterKey, PasswordHash,
    Slot, Throttle, User, drive,
};
use smallgate_core::profile::{Profile, RedirectUriRule};
use smallgate_core::scope::{ScopeNames, ScopeSet};
use smallgate_core::secret::{Entropy, SecretHash};
use smallgate_core::store::MemoryStore;
use smallgate_core::time::{Seconds, UnixTime};

/// When all of it happens.
pub const NOW: UnixTime = UnixTime(1_800_000_000);

/// Where the client `demo` may be sent back to, where a profile does not say it.
pub const REDIRECT_URI: &str = "https://client.example/cb";

/// A server for the rest of the process's life.
pub type Server = AuthorizationServer<'static>;

/// A request as it is written down.
pub struct Written<'i> {
    /// As in the request line.
    pub method: &'i str,
    /// The same; `*` is the profile's token endpoint.
    pub target: &'i str,
    /// Names and values.
    pub headers: Vec<(&'i str, Vec<u8>)>,
    /// All of it.
    pub body: &'i [u8],
}

impl<'i> Written<'i> {
    /// Reads a line with method and target, lines of header fields, an empty line,
    /// and the body.
    pub fn read(input: &'i [u8]) -> Option<Self> {
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
pub fn answered<T>(
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

/// The server of a profile, with the client `demo`, whose secret is `secret`, and
/// the user `alice`, whose password is `password`.
pub fn server(profile: &Profile) -> Server {
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
        RedirectUriRule::AsAuthorized => &[REDIRECT_URI],
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
