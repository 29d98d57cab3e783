//! Survivors that no test can see, each with the reason.

use super::Argued;

const APART: &str = "the bits on the two sides are never the same, so either and both alike";
const ONE_SET: &str = "of one set of slots the first is meant, whether clients have it or share it";
const WIPED: &str = "what is in memory that was let go can not be read without `unsafe`";
const NARROW: &str = "is compiled where words have 32 bits, and tested on the emulated board";

/// The file, the mutation, how many of it, and why it changes nothing that is promised.
pub(super) const ARGUED: &[Argued] = &[
    (
        "core/src/bearer.rs",
        "replace | with ^ in unescaped",
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
];
