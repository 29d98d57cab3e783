//! The life of a grant as requests: what a browser, a client and a thief do to
//! a [`Rig`], and a store that lets others in between.

use std::cell::RefCell;
use std::fmt::Write as _;

use smallgate_core::codec::base64url;
use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::jose::Algorithm;
use smallgate_core::oauth::{
    AuthorizationServer, Client, Clock, Configuration, Grant, GrantId, HandleKeys, PasswordHash,
    Step, Throttle, User,
};
use smallgate_core::profile::Profile;
use smallgate_core::scope::ScopeNames;
use smallgate_core::secret::{Entropy, SecretHash};
use smallgate_core::store::{Committed, Loaded, MemoryStore, Seen, Store, StoreUnavailable, Write};
use smallgate_core::time::{Seconds, UnixTime};

use crate::rig::{self, GRANTS, Reply, Rig, SECRET, finish};

/// Parameters, names and values.
pub type Pairs<'p> = &'p [(&'p str, &'p str)];

/// The redirect URI that the rig's clients have.
pub const REDIRECT: &str = "https://client.example/cb";
/// The rig's user.
pub const USERNAME: &str = "admin@break-out.org";
/// The user's password.
pub const PASSWORD: &str = "password";
/// A code verifier.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Its S256 challenge (both from RFC 7636 appendix B).
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const FORM: &[Header<'static>] = &[Header {
    name: "content-type",
    value: b"application/x-www-form-urlencoded",
}];

/// A client of the rig, and whether it has a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who(pub &'static str, pub bool);

/// A confidential client.
pub const DEMO: Who = Who("demo", true);
/// Another one.
pub const OTHER: Who = Who("other", true);
/// A public client.
pub const PUBLIC: Who = Who("public", false);

impl Who {
    /// What it says of itself in a body.
    #[must_use]
    pub fn pairs(self) -> Vec<(&'static str, &'static str)> {
        let secret = self.1.then_some(("client_secret", SECRET));
        [("client_id", self.0)].into_iter().chain(secret).collect()
    }
}

/// Lives as long as the process: tests are short.
pub fn keep<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// `application/x-www-form-urlencoded`.
#[must_use]
pub fn encode(pairs: Pairs<'_>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        for (at, text) in [name, value].into_iter().enumerate() {
            if at == 1 {
                out.push('=');
            }
            for octet in text.bytes() {
                if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
                    out.push(char::from(octet));
                } else {
                    write!(out, "%{octet:02X}").expect("a string takes all");
                }
            }
        }
    }
    out
}

/// Reads `application/x-www-form-urlencoded`.
#[must_use]
pub fn decode(text: &str) -> Vec<(String, String)> {
    let one = |text: &str| {
        let mut octets = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, left @ ..] = rest {
            rest = left;
            match first {
                b'+' => octets.push(b' '),
                b'%' => {
                    let digits = std::str::from_utf8(&left[..2]).expect("two digits");
                    octets.push(u8::from_str_radix(digits, 16).expect("two digits"));
                    rest = &left[2..];
                }
                other => octets.push(*other),
            }
        }
        String::from_utf8(octets).expect("UTF-8")
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (one(name), one(value))
        })
        .collect()
}

/// The parameters in the query of a URI.
#[must_use]
pub fn query(uri: &str) -> Vec<(String, String)> {
    decode(uri.split_once('?').expect("a query").1)
}

/// The value called `name`, which is there once.
#[must_use]
pub fn value<'p>(pairs: &'p [(String, String)], name: &str) -> &'p str {
    let mut values = pairs.iter().filter(|(known, _)| known == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => value,
        other => panic!("{name} is not there once: {other:?}"),
    }
}

/// The hidden fields of a page, as a browser reads them.
#[must_use]
pub fn hidden(html: &str) -> Vec<(String, String)> {
    html.split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"").expect("a value");
            let (value, _) = rest.split_once("\">").expect("an end");
            (name.to_owned(), unescape(value))
        })
        .collect()
}

/// The text behind HTML's character references, those that a page here uses.
#[must_use]
pub fn unescape(html: &str) -> String {
    assert!(!html.contains(['<', '>', '"', '\'']), "not text: {html}");
    html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// The S256 challenge of a verifier.
#[must_use]
pub fn challenge(verifier: &str) -> String {
    use sha2::{Digest, Sha256};
    let mut out = [0; 43];
    base64url::encode(&Sha256::digest(verifier.as_bytes()), &mut out)
        .expect("43 characters")
        .to_owned()
}

/// The rig's configuration for `profile`, made once a thread: its password is
/// slow to hash.
fn template(profile: Profile) -> &'static Configuration<'static> {
    thread_local! {
        static MADE: RefCell<Vec<&'static Configuration<'static>>> = const { RefCell::new(Vec::new()) };
    }
    let same = |made: &&&'static Configuration<'static>| {
        let made = &made.profile;
        (made.algorithm, made.client_authentication, made.grant_types)
            == (
                profile.algorithm,
                profile.client_authentication,
                profile.grant_types,
            )
    };
    MADE.with_borrow_mut(|made| match made.iter().find(same) {
        Some(found) => found,
        None => {
            let new = keep(rig::configuration(profile));
            made.push(new);
            new
        }
    })
}

/// A configuration that can be changed and built again.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The profile.
    pub profile: Profile,
    /// The issuer.
    pub issuer: &'static str,
    /// The clients.
    pub clients: Vec<Client<'static>>,
    /// The users.
    pub users: Vec<User<'static>>,
    /// The names of the scopes.
    pub scopes: Vec<&'static str>,
    /// The keys of handles.
    pub handle_keys: HandleKeys,
    /// Grants made before this are void.
    pub grants_not_before: u64,
    /// How far the clocks of a fleet may be apart.
    pub skew: u32,
    /// The API key.
    pub api_key: Option<SecretHash>,
}

impl Settings {
    /// What the rig has, with tokens and passwords that cost little.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let profile = Profile {
            algorithm: Algorithm::Hs256,
            ..profile
        };
        let configuration = template(profile);
        Settings {
            profile,
            issuer: configuration.issuer,
            clients: configuration.clients.to_vec(),
            users: configuration
                .users
                .iter()
                .map(|user| User {
                    password: PasswordHash::new(PASSWORD, [3; 16], 2),
                    ..*user
                })
                .collect(),
            scopes: configuration.scopes.all().to_vec(),
            handle_keys: configuration.handle_keys.clone(),
            grants_not_before: 0,
            skew: 0,
            api_key: None,
        }
    }

    /// The same with `change`.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.clone();
        change(&mut settings);
        settings
    }

    /// The client called `id`.
    pub fn client(&mut self, id: &str) -> &mut Client<'static> {
        let found = self.clients.iter_mut().find(|client| client.id == id);
        found.expect("the client is there")
    }

    /// The configuration.
    #[must_use]
    pub fn build(&self) -> Configuration<'static> {
        let names: &'static [&'static str] = keep(self.scopes.clone());
        let template = template(self.profile);
        Configuration {
            profile: self.profile,
            audience: template.audience,
            signer: template.signer,
            verifiers: template.verifiers,
            limits: template.limits,
            issuer: self.issuer,
            clients: keep(self.clients.clone()),
            users: keep(self.users.clone()),
            scopes: ScopeNames::new(names).expect("the names are good"),
            handle_keys: self.handle_keys.clone(),
            grants_not_before: UnixTime(self.grants_not_before),
            skew: Seconds(self.skew),
            api_key: self.api_key,
        }
    }

    /// A rig with these settings.
    #[must_use]
    pub fn rig(&self) -> Rig {
        Rig::with(self.build())
    }
}

impl Rig {
    /// Goes on with other settings, as after a restart: the grants stay.
    pub fn reconfigure(&mut self, settings: &Settings) {
        let built = AuthorizationServer::new(settings.build());
        self.server = built.expect("the configuration is good");
    }

    /// A form to any endpoint.
    pub fn post(&mut self, target: &str, pairs: Pairs<'_>) -> Reply {
        let content_type = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", target, &[content_type], &encode(pairs))
    }

    fn authorization_path(&self) -> &'static str {
        let profile = &self.server.configuration().profile;
        profile.authorization_path.expect("there is an endpoint")
    }

    /// The authorization request, as a link.
    pub fn ask(&mut self, pairs: Pairs<'_>) -> Reply {
        let target = format!("{}?{}", self.authorization_path(), encode(pairs));
        self.send("GET", &target, &[], "")
    }

    /// The form that `page` shows, filled in by the rig's user.
    pub fn approve(&mut self, page: &Reply) -> Reply {
        let login = [("username", USERNAME), ("password", PASSWORD)];
        self.submit(page, &login, "approve")
    }

    /// The form that `page` shows, filled in.
    pub fn submit(&mut self, page: &Reply, more: Pairs<'_>, decision: &str) -> Reply {
        let fields = hidden(&page.body);
        assert!(!fields.is_empty(), "no form: {page:?}");
        let mut pairs: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        pairs.extend(more);
        pairs.push(("decision", decision));
        let path = self.authorization_path();
        self.post(path, &pairs)
    }

    /// A code for `who`, which asks with `more` besides.
    pub fn code(&mut self, who: Who, more: Pairs<'_>) -> String {
        let pairs = [&[("response_type", "code"), ("client_id", who.0)], more].concat();
        let page = self.ask(&pairs);
        let answer = self.approve(&page);
        assert_eq!(answer.status, 303, "{answer:?}");
        let location = answer.header("location").expect("a redirect");
        value(&query(location), "code").to_owned()
    }

    /// A code with a challenge, redeemed: the grant's first tokens.
    pub fn first_tokens(&mut self, who: Who) -> Reply {
        let code = self.code(who, ASK_S256);
        let reply = self.redeem(who, &code, &[("code_verifier", VERIFIER)]);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply
    }

    /// A token request of `who`.
    pub fn token_request(&mut self, who: Who, pairs: Pairs<'_>) -> Reply {
        let path = self.server.configuration().profile.token_path;
        let pairs = [pairs, &who.pairs()].concat();
        self.post(path, &pairs)
    }

    /// Redeems a code.
    pub fn redeem(&mut self, who: Who, code: &str, more: Pairs<'_>) -> Reply {
        self.token_request(who, &[&redemption(code), more].concat())
    }

    /// Uses a refresh token.
    pub fn refresh(&mut self, who: Who, token: &str, more: Pairs<'_>) -> Reply {
        self.token_request(who, &[&refreshing(token), more].concat())
    }

    /// The only grant that is stored.
    #[must_use]
    pub fn grant(&self) -> Grant {
        assert_eq!(self.store.len(), 1, "one grant");
        let record = self.store.records().next().expect("one grant");
        record.grant().expect("a good record")
    }

    /// A server, a clock, entropy and patience: what an exchange begins with.
    pub fn parts(&self) -> (&AuthorizationServer<'static>, Clock, &Throttle<'static>) {
        (&self.server, self.clock, &self.throttle)
    }
}

/// What an authorization request says to have a challenge.
pub const ASK_S256: Pairs<'static> = &[
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// A token request that redeems a code.
#[must_use]
pub fn redemption(code: &str) -> [(&str, &str); 2] {
    [("grant_type", "authorization_code"), ("code", code)]
}

/// A token request that uses a refresh token.
#[must_use]
pub fn refreshing(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

/// A request that owns what its exchange borrows, so that several can be under
/// way at once.
#[derive(Debug)]
pub struct Call {
    target: String,
    body: Vec<u8>,
    out: Vec<u8>,
    entropy: [u8; Entropy::SIZE],
}

impl Call {
    /// A form to `target`. The entropy is drawn from `seed`, which nobody else
    /// has.
    #[must_use]
    pub fn new(target: &str, pairs: Pairs<'_>, seed: u64) -> Self {
        let mut call = Call::vacant();
        call.fill(target, pairs, seed);
        call
    }

    /// A call to be filled in later.
    #[must_use]
    pub fn vacant() -> Self {
        Call {
            target: String::new(),
            body: Vec::new(),
            out: Vec::new(),
            entropy: [0; Entropy::SIZE],
        }
    }

    /// Makes it a form to `target`.
    pub fn fill(&mut self, target: &str, pairs: Pairs<'_>, seed: u64) {
        use sha2::{Digest, Sha256};
        target.clone_into(&mut self.target);
        self.body = encode(pairs).into_bytes();
        self.out = vec![0; AuthorizationServer::ROOM];
        for (at, chunk) in self.entropy.chunks_mut(32).enumerate() {
            let hash = Sha256::digest([!seed.to_le_bytes()[0], at as u8]);
            let hash = Sha256::digest([&hash[..], &seed.to_le_bytes()].concat());
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }

    /// Begins the exchange.
    pub fn begin<'x>(
        &'x mut self,
        (server, clock, throttle): (&'x AuthorizationServer<'x>, Clock, &'x Throttle<'x>),
    ) -> Step<'x> {
        let request = Request {
            method: "POST",
            target: &self.target,
            headers: FORM,
            body: Body::Whole(&mut self.body),
            source: Source::v4([127, 0, 0, 1]),
        };
        let entropy = Entropy::new(self.entropy);
        server.begin(request, clock, entropy, throttle, &mut self.out)
    }
}

/// What an exchange asks of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A load.
    Load,
    /// A commit that writes.
    Write,
    /// A commit that confirms.
    Confirm,
}

/// A store with something in between: `meddle` is called before each operation
/// with the store behind it, and may answer a commit in its place.
pub struct Meddled<'s, F> {
    store: &'s mut MemoryStore<GRANTS>,
    meddle: F,
    /// What was asked for so far.
    pub asked: Vec<Operation>,
}

impl<'s, F> Meddled<'s, F>
where
    F: FnMut(usize, Operation, &mut MemoryStore<GRANTS>) -> Option<Committed>,
{
    /// Puts `meddle` before `store`. It is told how many operations of the same
    /// kind there were before.
    pub fn new(store: &'s mut MemoryStore<GRANTS>, meddle: F) -> Self {
        Meddled {
            store,
            meddle,
            asked: Vec::new(),
        }
    }

    fn before(&mut self, operation: Operation) -> Option<Committed> {
        let earlier = self.asked.iter().filter(|asked| **asked == operation);
        let count = earlier.count();
        self.asked.push(operation);
        (self.meddle)(count, operation, self.store)
    }
}

impl<F> Store for Meddled<'_, F>
where
    F: FnMut(usize, Operation, &mut MemoryStore<GRANTS>) -> Option<Committed>,
{
    fn load(&mut self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        match self.before(Operation::Load) {
            Some(_) => Err(StoreUnavailable),
            None => self.store.load(id),
        }
    }

    fn commit(&mut self, now: UnixTime, id: &GrantId, seen: Seen, write: Write<'_>) -> Committed {
        let operation = match write {
            Write::Record(_) => Operation::Write,
            Write::Confirm => Operation::Confirm,
        };
        match self.before(operation) {
            Some(committed) => committed,
            None => self.store.commit(now, id, seen, write),
        }
    }
}

/// Runs `call` against `rig`, with `meddle` before its store; the reply, and
/// what was asked of the store.
pub fn meddled(
    rig: &mut Rig,
    mut call: Call,
    meddle: impl FnMut(usize, Operation, &mut MemoryStore<GRANTS>) -> Option<Committed>,
) -> (Reply, Vec<Operation>) {
    let step = call.begin((&rig.server, rig.clock, &rig.throttle));
    let mut store = Meddled::new(&mut rig.store, meddle);
    let reply = finish(step, &mut store);
    (reply, store.asked)
}
