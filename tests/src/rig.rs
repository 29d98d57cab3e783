//! A server in this process: the core alone, with the demo's clients, a clock
//! in the test's hand and entropy that counts. For what needs no socket.

use std::cell::Cell;

use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::jose::{Es256SigningKey, Hs256Key, Signer, Verifier};
use smallgate_core::oauth::{
    AuthorizationServer, Client, Clock, Configuration, HandleKeys, Limits, MasterKey, PasswordHash,
    Slot, Step, Throttle, ThrottlePolicy, ThrottleSlot, User, drive,
};
use smallgate_core::profile::{GrantType, GrantTypes, Profile, RedirectUriRule};
use smallgate_core::scope::{ScopeNames, ScopeSet};
use smallgate_core::secret::{Entropy, SecretHash};
use smallgate_core::store::{MemoryStore, Store};
use smallgate_core::time::{Seconds, UnixTime};

const FORM: &str = "application/x-www-form-urlencoded";

/// How many grants the rig's store keeps.
pub const GRANTS: usize = 64;

/// The time a rig starts at.
pub const START: UnixTime = UnixTime(1_800_000_000);

/// The secret that every confidential client of a rig has.
pub const SECRET: &str = "demo-secret-demo-secret-demo-secret";

/// A server and what it needs.
pub struct Rig {
    /// The server.
    pub server: AuthorizationServer<'static>,
    /// Its grants.
    pub store: MemoryStore<GRANTS>,
    /// Its patience.
    pub throttle: Throttle<'static>,
    /// The time, as the next exchange sees it.
    pub clock: Clock,
    draws: Cell<u64>,
}

/// A request to a rig.
#[derive(Clone, Copy)]
pub struct Message<'m> {
    /// The method.
    pub method: &'m str,
    /// The request target.
    pub target: &'m str,
    /// The header fields.
    pub headers: &'m [(&'m str, &'m [u8])],
    /// The body.
    pub body: &'m [u8],
    /// Where it comes from.
    pub source: Source,
}

/// Where requests come from unless a test says otherwise: `127.0.0.1`.
pub const HERE: Source = Source::v4([127, 0, 0, 1]);

/// An answer, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// The events, printed.
    pub events: Vec<String>,
}

impl Reply {
    /// The value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    /// A member of the body that is a string.
    pub fn member(&self, name: &str) -> String {
        self.json()[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in {}", self.body))
            .to_owned()
    }
}

/// Lives as long as the process: tests are short.
pub fn keep<T>(value: T) -> &'static T {
    keep_mut(value)
}

fn keep_mut<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

/// The demo's clients as `profile` has them.
pub fn configuration(profile: Profile) -> Configuration<'static> {
    let names: &'static [&'static str] = &["read", "write", "ROLE_USER"];
    let scopes = ScopeNames::new(names).expect("the names are scope tokens");
    let all = ScopeSet::from_bits(0b111);
    let default = ScopeSet::from_bits(0b001);
    let redirect_uris: &[&str] = match profile.redirect_uri {
        RedirectUriRule::Fixed(uri) => keep([uri]),
        RedirectUriRule::AsAuthorized => &["https://client.example/cb"],
    };
    let client = |id, secret: Option<&str>, grant_types| Client {
        id,
        secret: secret.map(|secret| SecretHash::of(secret.as_bytes())),
        grant_types,
        scopes: all,
        default_scopes: default,
        redirect_uris,
        grants_not_before: UnixTime(0),
    };
    let public = GrantTypes::of(&[GrantType::AuthorizationCode, GrantType::RefreshToken]);
    let mut clients = Vec::new();
    if profile.client_authentication.basic || profile.client_authentication.post {
        clients.push(client("demo", Some(SECRET), profile.grant_types));
        clients.push(client("other", Some(SECRET), profile.grant_types));
    }
    if profile.client_authentication.none {
        clients.push(client("public", None, public));
    }
    let user = User {
        username: "admin@break-out.org",
        subject: "94173",
        password: PasswordHash::new("password", [3; 16], 1000),
        grants_not_before: UnixTime(0),
    };
    let (signer, verifier): (&dyn Signer, &dyn Verifier) = match profile.algorithm {
        smallgate_core::jose::Algorithm::Hs256 => {
            let key = keep(Hs256Key::new(&[7; 32], Some("k1")).expect("32 octets"));
            (key, key)
        }
        smallgate_core::jose::Algorithm::Es256 => {
            let key = keep(Es256SigningKey::new(&[7; 32], Some("k1")).expect("a scalar"));
            (key, keep(key.verifying_key()))
        }
    };
    Configuration {
        profile,
        issuer: "https://as.example",
        audience: "https://rs.example",
        clients: keep(clients),
        users: keep([user]),
        scopes,
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
    }
}

impl Rig {
    /// A rig for `profile` with the demo's clients.
    pub fn new(profile: Profile) -> Self {
        Self::with(configuration(profile))
    }

    /// A rig for `configuration`.
    pub fn with(configuration: Configuration<'static>) -> Self {
        let slots: Vec<_> = (0..64).map(|_| ThrottleSlot::new()).collect();
        Rig {
            server: AuthorizationServer::new(configuration).expect("the configuration is good"),
            store: MemoryStore::new(),
            throttle: Throttle::new(keep(slots), ThrottlePolicy::DEFAULT, [5; 16]),
            clock: Clock::at(START),
            draws: Cell::new(0),
        }
    }

    /// Lets `seconds` pass.
    pub fn pass(&mut self, seconds: u64) {
        let now = self.clock.now.expect("the clock is set");
        self.clock.now = Some(UnixTime(now.0 + seconds));
    }

    /// A form to the token endpoint, from `127.0.0.1`.
    pub fn token(&mut self, authorization: Option<&str>, body: &str) -> Reply {
        let path = self.server.configuration().profile.token_path;
        let mut headers = vec![("content-type", FORM)];
        headers.extend(authorization.map(|value| ("authorization", value)));
        self.send("POST", path, &headers, body)
    }

    /// `GET /me/` with a token.
    pub fn me(&mut self, token: &str) -> Reply {
        let value = format!("Bearer {token}");
        self.send("GET", "/me/", &[("authorization", &value)], "")
    }

    /// Any request.
    pub fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect();
        let message = Message {
            method,
            target,
            headers: &headers,
            body: body.as_bytes(),
            source: HERE,
        };
        self.exchange(message, finish)
    }

    /// A form to the token endpoint from any address.
    pub fn token_from(&mut self, source: Source, authorization: Option<&str>, body: &str) -> Reply {
        let mut headers = vec![("content-type", FORM.as_bytes())];
        headers.extend(authorization.map(|value| ("authorization", value.as_bytes())));
        let message = Message {
            method: "POST",
            target: self.server.configuration().profile.token_path,
            headers: &headers,
            body: body.as_bytes(),
            source,
        };
        self.exchange(message, finish)
    }

    /// Begins to answer `message`, and leaves the rest to `go_on`.
    pub fn exchange<T>(
        &mut self,
        message: Message<'_>,
        go_on: impl FnOnce(Step<'_>, &mut MemoryStore<GRANTS>) -> T,
    ) -> T {
        let mut octets = message.body.to_vec();
        let mut out = vec![0; 4096];
        let entropy = self.entropy();
        let headers: Vec<_> = message
            .headers
            .iter()
            .map(|(name, value)| Header { name, value })
            .collect();
        let request = Request {
            method: message.method,
            target: message.target,
            headers: &headers,
            body: Body::Whole(&mut octets),
            source: message.source,
        };
        let step = self
            .server
            .begin(request, self.clock, entropy, &self.throttle, &mut out);
        go_on(step, &mut self.store)
    }

    /// Begins a form to the token endpoint and stops at the first step, so that
    /// several can be under way at once.
    pub fn begin(&self, authorization: Option<&str>, body: &str) -> Step<'_> {
        let mut headers = vec![Header {
            name: "content-type",
            value: FORM.as_bytes(),
        }];
        headers.extend(authorization.map(|value| Header {
            name: "authorization",
            value: keep(value.to_owned()).as_bytes(),
        }));
        let request = Request {
            method: "POST",
            target: self.server.configuration().profile.token_path,
            headers: keep(headers),
            body: Body::Whole(keep_mut(body.as_bytes().to_vec())),
            source: HERE,
        };
        let out = keep_mut(vec![0; 4096]);
        let entropy = self.entropy();
        self.server
            .begin(request, self.clock, entropy, &self.throttle, out)
    }

    /// Entropy that no other exchange of this rig gets.
    pub fn entropy(&self) -> Entropy {
        use sha2::{Digest, Sha256};
        let draw = self.draws.get() + 1;
        self.draws.set(draw);
        let mut octets = [0; Entropy::SIZE];
        for (at, chunk) in octets.chunks_mut(32).enumerate() {
            let hash = Sha256::digest([draw.to_le_bytes(), at.to_le_bytes()].concat());
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
        Entropy::new(octets)
    }
}

/// Drives an exchange to its end and copies what it said.
pub fn finish(step: Step<'_>, store: &mut impl Store) -> Reply {
    let answer = drive(step, store);
    let response = answer.response();
    Reply {
        status: response.status(),
        headers: response
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: String::from_utf8(response.body().to_vec()).expect("the body is text"),
        events: answer.events().map(|event| format!("{event:?}")).collect(),
    }
}
