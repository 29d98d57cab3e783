//! Survivors that no test can see, each with the reason.

use super::Argued;

const APART: &str = "the bits on the two sides are never the same, so either and both alike";
const ONE_SET: &str = "of one set of slots the first is meant, whether clients have it or share it";
const WIPED: &str = "what is in memory that was let go can not be read without `unsafe`";
const SLOWER: &str = "is told by how long it takes alone: the other way comes to the same";
const SCANNED: &str = "what the scanner let pass for a number has no such octet";
const LOGGED: &str = "is compiled for boards alone, where it is what a log calls an address";
const STAMPS: &str = "no two grants have the same stamp, so no two are of the same age";
const AT_ONCE: &str =
    "is seen by another thread alone, in the middle of a write, where no test can stop it";
const NO_VECTORS: &str = "runs where there are no vectors, and is tested on the emulated board";
const NO_VECTORS_OR_APART: &str = "of nine, six run where there are no vectors, and are tested on the emulated board; of three \
     the bits on the two sides are never the same";
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
        "core/src/codec/base64.rs",
        "replace | with ^ in Alphabet::character",
        1,
        APART,
    ),
    (
        "core/src/codec/base64.rs",
        "replace | with ^ in Alphabet::value",
        3,
        APART,
    ),
    (
        "core/src/codec/base64.rs",
        "replace | with ^ in Alphabet::encode",
        2,
        APART,
    ),
    (
        "core/src/codec/base64.rs",
        "replace | with ^ in Alphabet::decode",
        3,
        APART,
    ),
    (
        "core/src/codec/base64url.rs",
        "replace | with ^ in encode_octets",
        3,
        APART,
    ),
    (
        "core/src/codec/base64url.rs",
        "replace |= with &= in decode",
        1,
        NO_VECTORS,
    ),
    (
        "core/src/codec/base64url.rs",
        "replace | with & in decode",
        6,
        NO_VECTORS,
    ),
    (
        "core/src/codec/base64url.rs",
        "replace | with ^ in decode",
        9,
        NO_VECTORS_OR_APART,
    ),
    (
        "core/src/codec/base64url.rs",
        "replace << with >> in decode",
        3,
        NO_VECTORS,
    ),
    (
        "core/src/codec/base64url.rs",
        "replace >> with << in decode",
        2,
        NO_VECTORS,
    ),
    (
        "core/src/codec/base64url/blocks.rs",
        "replace | with ^ in encode_block",
        5,
        APART,
    ),
    (
        "core/src/codec/base64url/blocks.rs",
        "replace | with ^ in decode",
        1,
        APART,
    ),
    (
        "core/src/codec/json/number.rs",
        "replace < with <= in with_digit",
        1,
        SCANNED,
    ),
    (
        "core/src/codec/json/plain.rs",
        "replace | with ^ in number",
        3,
        APART,
    ),
    (
        "core/src/codec/json/plain.rs",
        "replace | with ^ in short",
        1,
        APART,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace & with | in Member::is_named",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace & with ^ in Member::is_named",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace & with | in Scanner<'_, '_>::member",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace | with ^ in Scanner<'_, '_>::member",
        1,
        APART,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace & with | in Scanner<'_, '_>::is_duplicate",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace & with ^ in Scanner<'_, '_>::is_duplicate",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace || with && in Scanner<'_, '_>::is_duplicate",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace Scanner<'_, '_>::plain_string -> Option<u16> with None",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace | with ^ in Scanner<'_, '_>::any_string",
        1,
        APART,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace mark -> u32 with 1",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace & with | in mark",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace & with ^ in mark",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace ^ with | in mark",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/scanner.rs",
        "replace ^ with & in mark",
        1,
        SLOWER,
    ),
    (
        "core/src/codec/json/text.rs",
        "replace | with ^ in escaped_char",
        1,
        APART,
    ),
    (
        "core/src/codec/json/text.rs",
        "replace | with ^ in four_hex_digits",
        1,
        APART,
    ),
    (
        "core/src/codec/json/writer.rs",
        "replace | with ^ in digits",
        1,
        APART,
    ),
    (
        "core/src/codec/json/writer.rs",
        "replace | with ^ in long_division",
        2,
        APART,
    ),
    (
        "core/src/codec/json/writer.rs",
        "replace Writer<'o>::at_once -> bool with false",
        1,
        SLOWER,
    ),
    (
        "core/src/codec.rs",
        "replace | with ^ in hex_digit",
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
        "core/src/jwt/issuing.rs",
        "replace match guard cfg!(target_pointer_width = \"64\") && has_single_spaces(text) with false in write_scope",
        1,
        SLOWER,
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
];
