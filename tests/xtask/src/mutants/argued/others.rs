//! Those everywhere but in `codec`.

use super::{ALIKE, APART, AT_ONCE, LOGGED, NARROW, ONE_SET, SLOWER, STAMPS, WIPED};
use crate::mutants::Argued;

/// The file, the mutation, how many of it, and why it changes nothing that is promised.
pub(super) const ARGUED: &[Argued] = &[
    (
        "core/src/bearer.rs",
        "replace | with ^ in unescaped",
        1,
        APART,
    ),
    (
        "core/src/http.rs",
        "replace <impl defmt::Format for Source>::format with ()",
        1,
        LOGGED,
    ),
    (
        "core/src/http.rs",
        "delete match arm [4, a, b, c, d, ..] in <impl defmt::Format for Source>::format",
        1,
        LOGGED,
    ),
    (
        "core/src/http.rs",
        "delete match arm [6, a, b, c, d, e, g, h, i] in <impl defmt::Format for Source>::format",
        1,
        LOGGED,
    ),
    (
        "core/src/jwt/cache.rs",
        "replace && with || in Tokens<'c>::verify",
        1,
        SLOWER,
    ),
    (
        "core/src/jwt/cache.rs",
        "replace | with & in Slot::write",
        1,
        AT_ONCE,
    ),
    (
        "core/src/jwt/cache.rs",
        "replace | with ^ in Slot::write",
        2,
        APART,
    ),
    (
        "core/src/jwt/received.rs",
        "replace | with ^ in packed",
        1,
        APART,
    ),
    (
        "core/src/oauth/event.rs",
        "replace | with ^ in JwtId::parse",
        1,
        APART,
    ),
    (
        "core/src/oauth/handle.rs",
        "replace | with ^ in Presented::parse",
        1,
        APART,
    ),
    (
        "core/src/oauth/handle.rs",
        "replace | with ^ in HandleMac::mint",
        4,
        APART,
    ),
    (
        "core/src/oauth/handle.rs",
        "replace <impl Drop for MasterKey>::drop with ()",
        1,
        WIPED,
    ),
    (
        "core/src/oauth/password.rs",
        "replace <impl Drop for PasswordWork>::drop with ()",
        1,
        WIPED,
    ),
    (
        "core/src/oauth/throttle.rs",
        "replace match guard clients > 0 with true in Throttle<'t>::ways",
        1,
        ONE_SET,
    ),
    (
        "core/src/oauth/throttle.rs",
        "replace > with >= in Throttle<'t>::ways",
        1,
        ONE_SET,
    ),
    (
        "core/src/secret.rs",
        "replace <impl Drop for Entropy>::drop with ()",
        1,
        WIPED,
    ),
    (
        "core/src/secret.rs",
        "replace == with != in constant_time_eq",
        1,
        NARROW,
    ),
    (
        "core/src/secret.rs",
        "replace && with || in constant_time_eq",
        1,
        NARROW,
    ),
    (
        "core/src/store/slots.rs",
        "replace < with <= in Owner::count",
        1,
        STAMPS,
    ),
    (
        "core/src/time.rs",
        "replace > with >= in UnixTime::plus",
        1,
        ALIKE,
    ),
];
