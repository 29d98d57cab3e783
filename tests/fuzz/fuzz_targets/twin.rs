//! The twin that has to fail: a fault behind what the core alone decides. Nobody comes upon an object of three
//! members by chance; whoever is told how far the core came with an input goes on from there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smallgate_core::codec::json::{Limits, Object};

const LIMITS: Limits = Limits {
    octets: 64,
    depth: 2,
    members: 8,
    trailing_comma: false,
};

fuzz_target!(|text: &[u8]| {
    if let Ok(object) = Object::parse(text, &LIMITS) {
        assert!(object.members().count() != 3, "the planted fault");
    }
});
