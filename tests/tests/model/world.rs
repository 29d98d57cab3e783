//! The real servers and store, what the honest clients and the thief know, and
//! the reference beside them.

use std::collections::BTreeMap;

use proptest::test_runner::TestCaseError;
use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::oauth::{
    self, AuthorizationServer, Clock, GrantId, Step, Throttle, ThrottlePolicy,
};
use smallgate_core::profile::STANDARD;
use smallgate_core::secret::Entropy;
use smallgate_core::store::{Committed, MemoryStore, Store, Write};
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_tests::flow::{
    ASK_S256, Call, DEMO, OTHER, PASSWORD, PUBLIC, Pairs, Settings, USERNAME, VERIFIER, Who,
    hidden, query, redemption, refreshing, value,
};
use smallgate_tests::rig::{GRANTS, Reply, START, finish};

use super::Operation;
use super::reference::{self, Exchange, Grant, Outcome, Presented, State, Wish};

/// As many grants as a case makes: fewer than their owner may have.
const MOST: usize = 10;

type Checked = Result<(), TestCaseError>;

macro_rules! holds {
    ($($told:tt)*) => { proptest::prop_assert!($($told)*) };
}
macro_rules! same {
    ($($told:tt)*) => { proptest::prop_assert_eq!($($told)*) };
}

/// One server with everything, one without a client, one without the user.
pub(crate) struct Servers {
    servers: [AuthorizationServer<'static>; 3],
    throttle: Throttle<'static>,
}

impl Servers {
    pub(crate) fn new() -> Self {
        let all = Settings::new(STANDARD).with(|settings| {
            let lifetimes = &mut settings.profile.lifetimes;
            let seconds = |seconds: u64| Seconds(seconds.try_into().expect("short"));
            lifetimes.code = seconds(reference::CODE);
            lifetimes.refresh_idle = seconds(reference::IDLE);
            lifetimes.refresh_absolute = seconds(reference::ABSOLUTE);
            lifetimes.access_token = seconds(reference::ACCESS);
            lifetimes.grace = seconds(reference::GRACE);
        });
        let no_client = all.with(|settings| settings.clients.retain(|client| client.id != "demo"));
        let no_user = all.with(|settings| settings.users.clear());
        let server = |settings: &Settings| AuthorizationServer::new(settings.build());
        Servers {
            servers: [&all, &no_client, &no_user].map(|settings| server(settings).expect("good")),
            // Patience is not what is looked at here.
            throttle: Throttle::new(&[], ThrottlePolicy::DEFAULT, [0; 16]),
        }
    }
}

macro_rules! counts {
    ($($name:ident),*) => {
        /// What happened, so that a quiet model is noticed.
        #[derive(Clone, Copy, Debug, Default)]
        pub(crate) struct Counts { $(pub(crate) $name: u64),* }

        impl Counts {
            pub(crate) fn plus(self, other: &Counts) -> Counts {
                Counts { $($name: self.$name + other.$name),* }
            }

            pub(crate) fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }
    };
}
counts! {
    operations, steps, exchanges, conflicts, tokens, repeats, refused, unavailable_clients,
    revoked_by_replay, revoked_on_request, responses_lost, access_checks, predecessors_told, calm_at_the_end, honest_at_the_end
}

/// A grant as everybody outside sees it.
struct Known {
    id: GrantId,
    who: Who,
    code: String,
    /// What was sent, by generation.
    refresh: BTreeMap<u32, String>,
    /// Access tokens and when they end.
    access: Vec<(String, u64)>,
    /// The newest that the honest client holds; 0 for the code.
    held: u32,
    /// The honest client sent the code, whatever came of it.
    code_sent: bool,
    /// Nobody but the honest client came, and nobody revoked.
    clean: bool,
    /// No response to the honest client was lost, and none took longer than
    /// grace.
    calm: bool,
    reference: Grant,
}

struct Flight<'x> {
    step: Option<Step<'x>>,
    wish: Wish,
    grant: usize,
    honest: bool,
    exchange: Exchange,
}

pub(crate) struct World<'x> {
    servers: &'x Servers,
    which: usize,
    now: u64,
    serving_since: u64,
    store: MemoryStore<GRANTS>,
    seed: u64,
    calls: std::slice::IterMut<'x, Call>,
    flights: Vec<Flight<'x>>,
    grants: Vec<Known>,
    pub(crate) counts: Counts,
}

impl<'x> World<'x> {
    /// Room for what is under way in a case of so many operations.
    pub(crate) fn room(operations: usize) -> Vec<Call> {
        // Each begins one at most, and the end one for each grant.
        (0..operations + MOST).map(|_| Call::vacant()).collect()
    }

    pub(crate) fn new(servers: &'x Servers, calls: &'x mut [Call]) -> Self {
        World {
            servers,
            which: 0,
            now: START.0,
            serving_since: START.0,
            store: MemoryStore::new(),
            seed: 0,
            calls: calls.iter_mut(),
            flights: Vec::new(),
            grants: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn clock(&self) -> Clock {
        Clock {
            now: Some(UnixTime(self.now)),
            floor: UnixTime(0),
            serving_since: UnixTime(self.serving_since),
        }
    }

    fn server(&self) -> &'x AuthorizationServer<'static> {
        &self.servers.servers[self.which]
    }

    fn seed(&mut self) -> u64 {
        self.seed += 1;
        self.seed
    }

    /// A request that nobody interrupts.
    fn at_once(&mut self, target: &str, pairs: Pairs<'_>) -> Reply {
        let mut call = Call::new(target, pairs, self.seed());
        let step = call.begin((self.server(), self.clock(), &self.servers.throttle));
        finish(step, &mut self.store)
    }

    pub(crate) fn apply(&mut self, operation: Operation) -> Checked {
        self.counts.operations += 1;
        let touched = match operation {
            Operation::Authorize { client } => self.authorize(client)?,
            Operation::Pass { seconds } => {
                self.now += u64::from(seconds);
                None
            }
            Operation::Configure { which } => {
                self.which = usize::from(which) % 6;
                if self.which > 2 {
                    self.which = 0;
                }
                None
            }
            Operation::Restart => {
                for flight in self.flights.drain(..) {
                    self.grants[flight.grant].calm &= !flight.honest;
                }
                self.serving_since = self.now;
                None
            }
            Operation::Honest { grant, lost } => match self.honest(grant)? {
                Some(flight) => self.finish(flight, lost)?,
                None => None,
            },
            Operation::HonestBegins { grant } => {
                self.honest(grant)?;
                None
            }
            Operation::Thief { grant, which } => match self.thief(grant, which)? {
                Some(flight) => self.finish(flight, false)?,
                None => None,
            },
            Operation::ThiefBegins { grant, which } => {
                self.thief(grant, which)?;
                None
            }
            Operation::Revoke { grant, which } => match self.revocation(grant, which)? {
                Some(flight) => self.finish(flight, false)?,
                None => None,
            },
            Operation::RevokeBegins { grant, which } => {
                self.revocation(grant, which)?;
                None
            }
            Operation::Stranger { grant, which } => self.stranger(grant, which)?,
            Operation::Step { flight, lost } => self.one_step(flight, lost)?,
            Operation::Finish { flight, lost } => match self.flights.len() {
                0 => None,
                count => self.finish(usize::from(flight) % count, lost)?,
            },
        };
        self.check(touched)
    }

    fn authorize(&mut self, client: u8) -> Result<Option<usize>, TestCaseError> {
        let who = [DEMO, PUBLIC, OTHER][usize::from(client) % 3];
        if self.grants.len() == MOST || self.which != 0 {
            return Ok(None);
        }
        let ask = [ASK_S256, &[("response_type", "code"), ("client_id", who.0)]].concat();
        let page = self.at_once("/oauth/authorize", &ask);
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
        let before: Vec<_> = self.store.records().map(oauth::Record::id).collect();
        let answer = self.at_once("/oauth/authorize", &pairs);
        same!(answer.status, 303);
        let id = self.store.records().map(oauth::Record::id);
        let id = id.into_iter().find(|id| !before.contains(id));
        let location = query(answer.header("location").expect("a redirect"));
        self.grants.push(Known {
            id: id.expect("a grant was made"),
            who,
            code: value(&location, "code").to_owned(),
            refresh: BTreeMap::new(),
            access: Vec::new(),
            held: 0,
            code_sent: false,
            clean: true,
            calm: true,
            reference: Grant {
                state: State::Pending,
                created: self.now,
                rotated: self.now,
                version: 0,
            },
        });
        Ok(Some(self.grants.len() - 1))
    }

    fn choose(&self, grant: u8) -> Option<usize> {
        usize::from(grant).checked_rem(self.grants.len())
    }

    /// Anything of a grant that ever was in a response.
    fn anything(&self, grant: usize, which: u8) -> Presented {
        let refresh = &self.grants[grant].refresh;
        match usize::from(which) % (refresh.len() + 1) {
            0 => Presented::Code,
            at => Presented::Refresh(*refresh.keys().nth(at - 1).expect("so many")),
        }
    }

    /// An honest client presents the newest that it holds, and no other before
    /// it has heard of that.
    fn honest(&mut self, grant: u8) -> Result<Option<usize>, TestCaseError> {
        let Some(at) = self.choose(grant) else {
            return Ok(None);
        };
        let known = &mut self.grants[at];
        let presented = match known.held {
            0 => Presented::Code,
            generation => Presented::Refresh(generation),
        };
        let mut mine = self
            .flights
            .iter()
            .filter(|flight| flight.honest && flight.grant == at);
        if mine.any(|flight| flight.exchange.presented != presented) {
            return Ok(None);
        }
        if presented == Presented::Code {
            // A code has no second chance, and an honest client knows that.
            if std::mem::replace(&mut known.code_sent, true) {
                return Ok(None);
            }
        }
        self.begin(at, presented, true)
    }

    fn thief(&mut self, grant: u8, which: u8) -> Result<Option<usize>, TestCaseError> {
        let Some(at) = self.choose(grant) else {
            return Ok(None);
        };
        self.grants[at].clean = false;
        self.begin(at, self.anything(at, which), false)
    }

    fn revocation(&mut self, grant: u8, which: u8) -> Result<Option<usize>, TestCaseError> {
        let Some(at) = self.choose(grant) else {
            return Ok(None);
        };
        let known = &mut self.grants[at];
        let Some(position) = usize::from(which).checked_rem(known.refresh.len()) else {
            return Ok(None);
        };
        known.clean = false;
        let who = known.who;
        let token = known
            .refresh
            .values()
            .nth(position)
            .expect("so many")
            .clone();
        let pairs = [&[("token", token.as_str())][..], &who.pairs()].concat();
        self.launch(at, "/oauth/revoke", &pairs, Presented::Revocation, false)
    }

    /// Another client has it, and gets nothing for it: nothing is asked of the
    /// store, and nothing is revoked.
    fn stranger(&mut self, grant: u8, which: u8) -> Result<Option<usize>, TestCaseError> {
        let Some(at) = self.choose(grant) else {
            return Ok(None);
        };
        let presented = self.anything(at, which);
        let known = &self.grants[at];
        let stranger = if known.who == OTHER { PUBLIC } else { OTHER };
        let pairs = [&self.request(at, presented)[..], &stranger.pairs()].concat();
        let mut call = Call::new("/oauth/token", &pairs, u64::MAX);
        let step = call.begin((self.server(), self.clock(), &self.servers.throttle));
        holds!(
            matches!(step, Step::Done(_)),
            "a stranger reached the store"
        );
        let reply = finish(step, &mut self.store);
        same!(reply.status, 400);
        same!(reply.member("error"), "invalid_grant");
        Ok(Some(at))
    }

    fn request(&self, grant: usize, presented: Presented) -> Vec<(&str, &str)> {
        let known = &self.grants[grant];
        match presented {
            Presented::Refresh(generation) => refreshing(&known.refresh[&generation]).to_vec(),
            _ => [&redemption(&known.code)[..], &[("code_verifier", VERIFIER)]].concat(),
        }
    }

    fn begin(
        &mut self,
        grant: usize,
        presented: Presented,
        honest: bool,
    ) -> Result<Option<usize>, TestCaseError> {
        let pairs: Vec<(String, String)> = self
            .request(grant, presented)
            .iter()
            .chain(&self.grants[grant].who.pairs())
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.launch(grant, "/oauth/token", &pairs, presented, honest)
    }

    fn launch(
        &mut self,
        grant: usize,
        target: &str,
        pairs: Pairs<'_>,
        presented: Presented,
        honest: bool,
    ) -> Result<Option<usize>, TestCaseError> {
        let seed = self.seed();
        let call = self.calls.next().expect("one for each operation");
        call.fill(target, pairs, seed);
        self.counts.exchanges += 1;
        let step = call.begin((self.server(), self.clock(), &self.servers.throttle));
        let gone = self.which == 1 && self.grants[grant].who == DEMO;
        let user_stands = self.which != 2;
        self.flights.push(Flight {
            step: Some(step),
            wish: if gone {
                Wish::Done(Outcome::InvalidClient)
            } else {
                Wish::Load
            },
            grant,
            honest,
            exchange: Exchange::new(presented, self.now, self.serving_since, user_stands),
        });
        Ok(Some(self.flights.len() - 1))
    }

    fn one_step(&mut self, flight: u8, lost: bool) -> Result<Option<usize>, TestCaseError> {
        let Some(at) = usize::from(flight).checked_rem(self.flights.len()) else {
            return Ok(None);
        };
        let grant = self.flights[at].grant;
        self.step(at, lost)?;
        Ok(Some(grant))
    }

    fn finish(&mut self, at: usize, lost: bool) -> Result<Option<usize>, TestCaseError> {
        let grant = self.flights[at].grant;
        while !self.step(at, lost)? {}
        Ok(Some(grant))
    }

    /// One step of the real exchange and of the reference, which want the same;
    /// true when the exchange is over, and off the list.
    fn step(&mut self, at: usize, lost: bool) -> Result<bool, TestCaseError> {
        self.counts.steps += 1;
        let flight = &mut self.flights[at];
        let known = &mut self.grants[flight.grant];
        let step = flight.step.take().expect("not over");
        let wanted = match &step {
            Step::Load(_) => Wish::Load,
            Step::Commit(commit) => match commit.write() {
                Write::Record(_) => Wish::Write,
                Write::Confirm => Wish::Confirm,
            },
            Step::Work(_) => unreachable!("nobody logs in here"),
            Step::Done(_) => match flight.wish {
                // What is in it is looked at below.
                Wish::Done(outcome) => Wish::Done(outcome),
                other => {
                    let reply = finish(step, &mut self.store);
                    return Err(TestCaseError::fail(format!("{reply:?}, not {other:?}")));
                }
            },
        };
        same!(wanted, flight.wish);
        let next = match step {
            Step::Load(load) => {
                same!(*load.id(), known.id);
                flight.wish = flight.exchange.load(&known.reference);
                load.resume(self.store.load(&known.id))
            }
            Step::Commit(commit) => {
                same!(*commit.id(), known.id);
                let done =
                    self.store
                        .commit(commit.now(), commit.id(), commit.seen(), commit.write());
                let before = known.reference.state;
                let took = self.now - flight.exchange.now;
                known.calm &= !flight.honest || took < reference::GRACE;
                flight.wish = flight.exchange.commit(&mut known.reference);
                let conflict =
                    flight.wish == Wish::Load || flight.wish == Wish::Done(Outcome::Unavailable);
                same!(done == Committed::Conflict, conflict);
                self.counts.conflicts += u64::from(conflict);
                if before != State::Revoked && known.reference.state == State::Revoked {
                    match flight.exchange.presented {
                        Presented::Revocation => self.counts.revoked_on_request += 1,
                        _ => self.counts.revoked_by_replay += 1,
                    }
                }
                commit.resume(done)
            }
            done => done,
        };
        let Step::Done(_) = next else {
            flight.step = Some(next);
            return Ok(false);
        };
        let flight = self.flights.swap_remove(at);
        let reply = finish(next, &mut self.store);
        self.hear(&flight, &reply, lost)?;
        Ok(true)
    }

    /// The response: it says what the reference says, and whoever asked learns
    /// from it, unless it is lost.
    fn hear(&mut self, flight: &Flight<'x>, reply: &Reply, lost: bool) -> Checked {
        let known = &mut self.grants[flight.grant];
        let Wish::Done(outcome) = flight.wish else {
            return Err(TestCaseError::fail(format!("over: {:?}", flight.wish)));
        };
        let revoked = |event: &String| event.starts_with("Revoked");
        let (status, error) = match outcome {
            Outcome::Tokens { .. } | Outcome::Nothing => (200, None),
            Outcome::InvalidGrant => (400, Some("invalid_grant")),
            Outcome::Unavailable => (503, Some("temporarily_unavailable")),
            Outcome::InvalidClient => (401, Some("invalid_client")),
        };
        same!(reply.status, status);
        if let Some(error) = error {
            same!(reply.member("error"), error);
            self.counts.refused += 1;
            self.counts.unavailable_clients += u64::from(outcome == Outcome::InvalidClient);
        }
        if reply.events.iter().any(revoked) {
            same!(known.reference.state, State::Revoked);
        }
        let Outcome::Tokens { generation } = outcome else {
            return Ok(());
        };
        self.counts.tokens += 1;
        let token = reply.member("refresh_token");
        // One lineage: a generation has one refresh token, whoever asks.
        if let Some(earlier) = known.refresh.insert(generation, token.clone()) {
            same!(&earlier, &token);
            self.counts.repeats += 1;
        }
        // And a predecessor got it within grace, or not at all.
        if let Presented::Refresh(presented) = flight.exchange.presented {
            holds!(presented + 1 == generation);
        }
        let ends = flight.exchange.now + reference::ACCESS;
        known.access.push((reply.member("access_token"), ends));
        if flight.honest {
            if lost {
                self.counts.responses_lost += 1;
                known.calm = false;
            } else {
                known.held = known.held.max(generation);
            }
        }
        Ok(())
    }

    /// What holds after each operation, looked at from outside.
    fn check(&mut self, touched: Option<usize>) -> Checked {
        for known in &self.grants {
            let record = self.store.load(&known.id).expect("memory works").record;
            let grant = record.expect("nothing gives way").grant();
            let state = match grant.expect("memory does not tear").state {
                oauth::State::Pending => State::Pending,
                oauth::State::Active { generation } => State::Active(generation),
                oauth::State::Revoked(_) => State::Revoked,
            };
            // The reference only moves forward, so this does too.
            same!(state, known.reference.state);
        }
        match touched {
            Some(at) => self.check_tokens(at),
            None => Ok(()),
        }
    }

    fn check_tokens(&mut self, at: usize) -> Checked {
        let (grant, who) = (self.grants[at].reference.clone(), self.grants[at].who);
        let stands = self.which != 2 && !(self.which == 1 && who == DEMO);
        let active = matches!(grant.state, State::Active(_)) && stands;
        let tokens: Vec<_> = self.grants[at]
            .access
            .iter()
            .rev()
            .take(4)
            .cloned()
            .collect();
        for (token, ends) in tokens {
            self.counts.access_checks += 1;
            let good = active && self.now < ends;
            let status = self.me(&token);
            same!(status, if good { 200 } else { 401 }, "{:?}", grant);
        }
        // Seen from outside, too, one refresh token at most is good, and for a
        // while its predecessor; and what is said of either tells of no rotation.
        if who == PUBLIC || !stands {
            return Ok(());
        }
        let tokens: Vec<_> = self.grants[at].refresh.clone().into_iter().collect();
        for (generation, token) in tokens.into_iter().rev().take(3) {
            let pairs = [&[("token", token.as_str())][..], &who.pairs()].concat();
            let reply = self.at_once("/oauth/introspect", &pairs);
            let newest = grant.state == State::Active(generation);
            let in_grace = self.now < grant.rotated.max(self.serving_since) + reference::GRACE;
            let repeats = grant.state == State::Active(generation + 1) && in_grace;
            let good = (newest || repeats) && !grant.over(self.now);
            let told = reply.json();
            same!(told["active"].as_bool(), Some(good));
            if good {
                self.counts.predecessors_told += u64::from(repeats);
                let ends = grant.created + reference::ABSOLUTE;
                same!(told["iat"].as_u64(), Some(grant.created));
                same!(told["exp"].as_u64(), Some(ends));
            }
        }
        Ok(())
    }

    fn me(&mut self, token: &str) -> u16 {
        let value = format!("Bearer {token}");
        let headers = [Header {
            name: "authorization",
            value: value.as_bytes(),
        }];
        let mut out = [0; AuthorizationServer::ROOM];
        let request = Request {
            method: "GET",
            target: "/me/",
            headers: &headers,
            body: Body::Whole(&mut []),
            source: Source::LOCAL,
        };
        let entropy = Entropy::new([0; Entropy::SIZE]);
        let throttle = &self.servers.throttle;
        let step = self
            .server()
            .begin(request, self.clock(), entropy, throttle, &mut out);
        finish(step, &mut self.store).status
    }

    /// R30: "nobody is stranded: the newest handle received with a 200 works,
    /// for a client that presented nothing older."
    pub(crate) fn end(&mut self) -> Checked {
        self.which = 0;
        while !self.flights.is_empty() {
            let touched = self.finish(0, false)?;
            self.check(touched)?;
        }
        for at in 0..self.grants.len() {
            let known = &self.grants[at];
            if known.clean && known.calm {
                // Nothing revokes a grant but theft, a request, or a response
                // that was lost or late.
                self.counts.calm_at_the_end += 1;
                same!(known.reference.state == State::Revoked, false);
            }
            let State::Active(newest) = known.reference.state else {
                continue;
            };
            let in_grace =
                self.now < known.reference.rotated.max(self.serving_since) + reference::GRACE;
            let has_it = known.held == newest || known.held + 1 == newest && in_grace;
            if !known.clean || known.held == 0 || !has_it || known.reference.over(self.now) {
                continue;
            }
            self.counts.honest_at_the_end += 1;
            let flight = self.begin(at, Presented::Refresh(known.held), true)?;
            let flight = flight.expect("begun");
            self.finish(flight, false)?;
            let known = &self.grants[at];
            holds!(known.held >= newest && known.held > 0);
            same!(known.reference.state, State::Active(known.held));
        }
        Ok(())
    }
}
