//! What things take of a device's memory; `cargo test --test sizes -- --nocapture` prints it.

use smallgate_core::jwt::TokenCache;
use smallgate_core::oauth::{
    AuthorizationServer, HANDLE_LENGTH, RECORD_SIZE, Record, Step, ThrottleSlot,
};
use smallgate_core::store::MemoryStore;

#[test]
fn sizes_are_what_the_design_says_and_grow_by_decision_alone() {
    let sizes = [
        ("record", size_of::<Record>(), RECORD_SIZE),
        ("handle, as it is sent", HANDLE_LENGTH, 44),
        ("exchange", size_of::<Step<'static>>(), 1280),
        ("server", size_of::<AuthorizationServer<'static>>(), 2048),
        (
            "a grant in memory",
            (size_of::<MemoryStore<256>>() - size_of::<MemoryStore<0>>()) / 256,
            108,
        ),
        (
            "a token that was verified",
            (size_of::<TokenCache<64>>() - size_of::<TokenCache<0>>()) / 64,
            84,
        ),
        ("a throttled pair", size_of::<ThrottleSlot>(), 12),
    ];
    for (name, octets, most) in sizes {
        println!("{name}: {octets} octets");
        assert!(octets <= most, "{name}: {octets} octets, at most {most}");
    }
    assert_eq!(size_of::<Record>(), 96);
}
