//! A server with a store on a flash, and what its clients know.

use smallgate_core::codec::base64url;
use smallgate_core::oauth::{
    AuthorizationServer, Clock, GrantId, Record, Throttle, ThrottlePolicy,
};
use smallgate_core::profile::STANDARD;
use smallgate_core::store::Store;
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_firmware::store::FlashStore;

use super::flash::Chip;
use crate::flow::{
    ASK_S256, Call, PASSWORD, Pairs, Settings, USERNAME, VERIFIER, Who, hidden, query, redemption,
    refreshing,
};
use crate::rig::{Reply, START, finish};

/// More slots than half of a flash's cells, so that the flash sets the limit.
pub const SLOTS: usize = 64;

/// How long a code is good, in seconds.
pub(super) const CODE: u64 = 60;
/// How long a predecessor is good.
pub(super) const GRACE: u64 = 10;

/// The server that all devices are.
pub struct Servers {
    server: AuthorizationServer<'static>,
    throttle: Throttle<'static>,
}

impl Servers {
    /// A server whose codes expire within the life.
    #[must_use]
    pub fn new() -> Self {
        let settings = Settings::new(STANDARD).with(|settings| {
            let lifetimes = &mut settings.profile.lifetimes;
            let seconds = |seconds: u64| Seconds(seconds.try_into().expect("short"));
            lifetimes.code = seconds(CODE);
            lifetimes.grace = seconds(GRACE);
            lifetimes.access_token = seconds(5);
        });
        Servers {
            server: AuthorizationServer::new(settings.build()).expect("good"),
            throttle: Throttle::new(&[], ThrottlePolicy::DEFAULT, [0; 16]),
        }
    }
}

impl Default for Servers {
    fn default() -> Self {
        Self::new()
    }
}

/// A grant as its client knows it.
#[derive(Clone, Debug)]
pub struct Known {
    /// Whose it is.
    pub who: Who,
    /// Its id, as its handles say.
    pub id: GrantId,
    /// Its code.
    pub code: String,
    /// When the code ends.
    pub code_ends: u64,
    /// The refresh tokens that came with a 200.
    pub tokens: Vec<String>,
    /// It was revoked, or gave way, and somebody was told.
    pub is_over: bool,
}

impl Known {
    /// Whether its newest handle should work.
    #[must_use]
    pub fn is_good(&self, now: u64) -> bool {
        !self.is_over && (!self.tokens.is_empty() || now < self.code_ends)
    }

    /// The newest that its client has.
    #[must_use]
    pub fn newest(&self) -> &str {
        self.tokens.last().unwrap_or(&self.code)
    }
}

/// A server, its flash and its clock.
#[derive(Clone)]
pub struct Device<'s, C: Chip> {
    servers: &'s Servers,
    /// Its store.
    pub store: FlashStore<C, SLOTS>,
    /// The time.
    pub now: u64,
    since: u64,
    seed: u64,
}

impl<'s, C: Chip> Device<'s, C> {
    /// A new one.
    #[must_use]
    pub fn new(servers: &'s Servers, sectors: usize) -> Self {
        let mut store = FlashStore::new(C::factory(sectors));
        store.open().expect("a new flash opens");
        Device {
            servers,
            store,
            now: START.0,
            since: START.0,
            seed: 0,
        }
    }

    /// The power is back: what the flash holds is opened, a second later.
    ///
    /// # Errors
    ///
    /// Why it can not be opened.
    pub fn restart(&mut self) -> Result<(), String> {
        let mut flash = self.store.flash().clone();
        flash.revive();
        self.store = FlashStore::new(flash);
        self.now += 1;
        self.since = self.now;
        self.store.open().map_err(|error| error.to_string())
    }

    /// The record of a grant as the store has it.
    ///
    /// # Errors
    ///
    /// The flash fails.
    pub fn record(&mut self, id: &GrantId) -> Result<Option<Record>, String> {
        let loaded = self.store.load(id).map_err(|error| error.to_string())?;
        Ok(loaded.record)
    }

    fn ask(&mut self, target: &str, pairs: Pairs<'_>) -> Reply {
        self.seed += 1;
        let clock = Clock {
            now: Some(UnixTime(self.now)),
            floor: UnixTime(0),
            serving_since: UnixTime(self.since),
        };
        let mut call = Call::new(target, pairs, self.seed);
        let step = call.begin((&self.servers.server, clock, &self.servers.throttle));
        finish(step, &mut self.store)
    }

    /// The user approves, and the client has a code unless the store is full.
    pub fn authorize(&mut self, who: Who) -> Option<Known> {
        let ask = [ASK_S256, &[("response_type", "code"), ("client_id", who.0)]].concat();
        let page = self.ask("/oauth/authorize", &ask);
        let fields = hidden(&page.body);
        let login = [
            ("username", USERNAME),
            ("password", PASSWORD),
            ("decision", "approve"),
        ];
        let pairs: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain(login)
            .collect();
        let answer = self.ask("/oauth/authorize", &pairs);
        let location = query(answer.header("location")?);
        let (_, code) = location.into_iter().find(|(name, _)| name == "code")?;
        Some(Known {
            who,
            id: id_of(&code),
            code,
            code_ends: self.now + CODE,
            tokens: Vec::new(),
            is_over: false,
        })
    }

    /// A token request.
    fn token(&mut self, who: Who, pairs: Pairs<'_>) -> Reply {
        self.ask("/oauth/token", &[pairs, &who.pairs()].concat())
    }

    /// Presents a code.
    pub fn redeem(&mut self, grant: &Known) -> Reply {
        let verifier = [("code_verifier", VERIFIER)];
        let pairs = [&redemption(&grant.code)[..], &verifier].concat();
        self.token(grant.who, &pairs)
    }

    /// Presents a refresh token.
    pub fn refresh(&mut self, grant: &Known, token: &str) -> Reply {
        self.token(grant.who, &refreshing(token))
    }

    /// Presents the newest handle that the client has.
    pub fn newest(&mut self, grant: &Known) -> Reply {
        match grant.tokens.last() {
            Some(token) => self.refresh(grant, token),
            None => self.redeem(grant),
        }
    }

    /// Asks for an end (RFC 7009).
    pub fn revoke(&mut self, grant: &Known) -> Reply {
        let pairs = [&[("token", grant.newest())][..], &grant.who.pairs()].concat();
        self.ask("/oauth/revoke", &pairs)
    }
}

/// The grant that a handle is of.
fn id_of(handle: &str) -> GrantId {
    let mut room = [0; 33];
    let octets = base64url::decode(handle.as_bytes(), &mut room).expect("a handle is base64url");
    let id = octets.get(1..13).and_then(|id| id.try_into().ok());
    GrantId(id.expect("a handle has an id"))
}
