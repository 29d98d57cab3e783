//! A board's gateway while its store fails, and when it works again.

use std::cell::{Cell, RefCell};

use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::oauth::{AuthorizationServer, Event, GrantId};
use smallgate_core::profile::TEEN_QUOTES;
use smallgate_core::secret::Entropy;
use smallgate_core::store::{Committed, Loaded, MemoryStore, Seen, Store, StoreUnavailable, Write};
use smallgate_core::time::UnixTime;
use smallgate_firmware::devices::{Devices, NoPins};
use smallgate_firmware::http::{Exchange, Gateway, Handler, Surroundings};
use smallgate_tests::rig::{HERE, Rig, SECRET, START, keep};

/// A store that works as long as it is to, and counts how often it is asked.
struct Flaky {
    store: MemoryStore<8>,
    works: bool,
    asked: u32,
}

impl Store for Flaky {
    fn load(&mut self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        self.asked += 1;
        match self.works {
            true => self.store.load(id),
            false => Err(StoreUnavailable),
        }
    }

    fn commit(&mut self, now: UnixTime, id: &GrantId, seen: Seen, write: Write<'_>) -> Committed {
        self.asked += 1;
        match self.works {
            true => self.store.commit(now, id, seen, write),
            false => Committed::Unavailable,
        }
    }
}

/// A clock in the test's hand, and entropy that counts.
struct Clock {
    now: Cell<u64>,
    drawn: Cell<u8>,
}

impl Surroundings for Clock {
    fn uptime(&self) -> u32 {
        0
    }

    fn now(&self) -> Option<UnixTime> {
        Some(UnixTime(self.now.get()))
    }

    fn serving_since(&self) -> UnixTime {
        START
    }

    fn entropy(&self) -> Option<[u8; Entropy::SIZE]> {
        self.drawn.set(self.drawn.get() + 1);
        Some([self.drawn.get(); Entropy::SIZE])
    }

    fn is_entropy_healthy(&self) -> bool {
        true
    }

    fn event(&self, _: &Event<'_>, _: Source) {}
}

type Board = Gateway<'static, Flaky, Clock, NoPins>;

struct Bench {
    store: &'static RefCell<Flaky>,
    clock: &'static Clock,
    gateway: Board,
}

impl Bench {
    fn new() -> Self {
        let rig: &'static Rig = keep(Rig::new(TEEN_QUOTES));
        let store = keep(RefCell::new(Flaky {
            store: MemoryStore::new(),
            works: true,
            asked: 0,
        }));
        let clock = keep(Clock {
            now: Cell::new(START.0),
            drawn: Cell::new(0),
        });
        let devices = keep(RefCell::new(Devices::new([].as_slice().into(), NoPins)));
        let (server, throttle) = (&rig.server, &rig.throttle);
        let floor = UnixTime(0);
        Bench {
            store,
            clock,
            gateway: Gateway::new(server, throttle, store, clock, devices, 100, floor),
        }
    }

    /// What the client is answered.
    fn ask(&self, form: &str) -> serde_json::Value {
        let mut form = format!("client_id=demo&client_secret={SECRET}&{form}").into_bytes();
        let headers = [Header {
            name: "content-type",
            value: b"application/x-www-form-urlencoded",
        }];
        let request = Request {
            method: "POST",
            target: "/oauth",
            headers: &headers,
            body: Body::Whole(&mut form),
            source: HERE,
        };
        let mut out = vec![0; AuthorizationServer::ROOM];
        let mut exchange = self.gateway.begin(request, &mut out);
        while !exchange.advance() {}
        let answer = exchange.answer().expect("it is able to answer");
        serde_json::from_slice(answer.response().body()).expect("JSON")
    }

    fn refresh(&self, token: &serde_json::Value) -> serde_json::Value {
        let token = token["refresh_token"].as_str().expect("a token");
        self.ask(&format!("grant_type=refresh_token&refresh_token={token}"))
    }

    fn pass(&self, seconds: u64) {
        self.clock.now.set(self.clock.now.get() + seconds);
    }

    fn works(&self, works: bool) {
        self.store.borrow_mut().works = works;
    }
}

const UNAVAILABLE: &str = "temporarily_unavailable";

#[test]
fn r30_store_that_fails_is_not_asked_until_it_is_regained() {
    let bench = Bench::new();
    let r1 = bench.ask("grant_type=client_credentials");
    let r2 = bench.refresh(&r1);
    assert!(r2["refresh_token"].is_string(), "{r2}");
    bench.works(false);
    assert_eq!(bench.refresh(&r2)["error"], UNAVAILABLE);
    assert!(bench.gateway.is_store_down());
    bench.works(true);
    let asked = bench.store.borrow().asked;
    assert_eq!(bench.refresh(&r2)["error"], UNAVAILABLE);
    assert_eq!(bench.store.borrow().asked, asked, "everything would wait");
    bench.gateway.regain(UnixTime(0));
    let r3 = bench.refresh(&r2);
    assert!(r3["refresh_token"].is_string(), "{r3}");
}

/// Who got no answer while the store failed comes back with what they have.
#[test]
fn r30_grace_begins_anew_when_the_store_is_regained() {
    let bench = Bench::new();
    let r1 = bench.ask("grant_type=client_credentials");
    let r2 = bench.refresh(&r1);
    bench.pass(600);
    bench.gateway.lose();
    bench.gateway.regain(UnixTime(0));
    bench.pass(9);
    assert_eq!(bench.refresh(&r1)["refresh_token"], r2["refresh_token"]);
    bench.pass(2);
    let late = bench.refresh(&r1);
    assert!(
        late["error"].is_string() && late["error"] != UNAVAILABLE,
        "{late}"
    );
    let revoked = bench.refresh(&r2);
    assert!(revoked["error"].is_string(), "{revoked}");
}

/// "A clock more than skew behind is `ClockWentBack`, 503": behind what is found
/// on a store that was opened late, too.
#[test]
fn r40_newest_commit_of_a_regained_store_is_the_floor() {
    let bench = Bench::new();
    bench.gateway.lose();
    bench.gateway.regain(UnixTime(START.0 + 1000));
    let early = bench.ask("grant_type=client_credentials");
    assert_eq!(early["error"], UNAVAILABLE);
    bench.pass(1000);
    let issued = bench.ask("grant_type=client_credentials");
    assert!(issued["access_token"].is_string(), "{issued}");
}

/// A clock that goes back does not keep the grace open until it is there again.
#[test]
fn r27_grace_of_a_regained_store_ends_though_the_clock_goes_back() {
    let bench = Bench::new();
    let r1 = bench.ask("grant_type=client_credentials");
    bench.refresh(&r1);
    bench.pass(7200);
    bench.gateway.lose();
    bench.gateway.regain(UnixTime(0));
    bench.clock.now.set(START.0 + 3600);
    assert!(bench.refresh(&r1)["refresh_token"].is_string(), "in grace");
    bench.pass(11);
    assert!(bench.refresh(&r1)["error"].is_string(), "no more");
}
