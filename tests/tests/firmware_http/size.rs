//! How much memory a worker takes besides its buffers: a board has one of these
//! futures for each. On a 32-bit target it was 1,192 octets when this was
//! written, of which 832 are the core's exchange; here pointers are wider.

use std::net::{IpAddr, Ipv4Addr};

use smallgate_core::oauth::{AuthorizationServer, Step};
use smallgate_core::profile::STANDARD;
use smallgate_core::store::MemoryStore;
use smallgate_core::time::UnixTime;
use smallgate_firmware::http::{Buffers, Deadlines, Gateway, Peer, Rooms, serve};
use smallgate_tests::rig::Rig;

use crate::scripted::{Bench, Connection, Machine, Virtual, nothing};

#[test]
fn a_worker_is_little_more_than_an_exchange() {
    let rig = Rig::new(STANDARD);
    let store = std::cell::RefCell::new(MemoryStore::<4>::new());
    let bench = Bench::new();
    let time = Virtual::default();
    let devices = std::cell::RefCell::new(nothing());
    let (server, throttle, start) = (&rig.server, &rig.throttle, UnixTime(0));
    let gateway = Gateway::new(server, throttle, &store, &bench, &devices, 1, start);
    let mut connection = Connection::new(&time, []);
    let machine = Machine::new(&time, None);
    let (mut request, mut answer) = ([0; 3072], [0; AuthorizationServer::ROOM]);
    let rooms = Rooms::new();
    assert!(rooms.put(&mut answer).is_ok());
    let peer = Peer {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        trusted_proxies: &[],
    };
    let buffers = Buffers {
        request: &mut request,
        rooms: &rooms,
        sending: &mut [],
    };
    let deadlines = Deadlines::DEFAULT;
    let future = serve(
        &mut connection,
        peer,
        &machine,
        buffers,
        &deadlines,
        &gateway,
    );
    let (worker, exchange) = (size_of_val(&future), size_of::<Step<'_>>());
    println!("a worker: {worker} octets, an exchange in it: {exchange}");
    assert!(worker <= exchange + 1000, "{worker} octets");
}
