//! What C and Rust make of the structs that cross between them is the same: a C
//! compiler holds the header against Rust's numbers.

use std::fmt::Write as _;
use std::process::Command;

use crate::answer::CResponse;
use crate::event::{CEvent, CSource};
use crate::exchange::CExchange;
use crate::external::CBackend;
use crate::issue::CClaims;
use crate::keys::CKey;
use crate::request::{CClock, CHeader, CRequest};
use crate::serve::{CLimits, COptions};
use crate::step::CCommit;
use crate::store::{CGrant, CStore};
use crate::validate::{CPolicy, CText, CToken};

macro_rules! layouts {
    ($($name:literal $rust:ident { $($field:ident)* };)+) => {
        fn asserts() -> String {
            let mut text = String::from("#include \"smallgate.h\"\n");
            let mut say = |what: String, number: usize| {
                writeln!(text, "_Static_assert({what} == {number}, \"{what}\");")
                    .expect("a String takes all");
            };
            $(
                say(concat!("sizeof(", $name, ")").to_owned(), size_of::<$rust>());
                say(concat!("_Alignof(", $name, ")").to_owned(), align_of::<$rust>());
                $(
                    let field = stringify!($field);
                    let what = format!("offsetof({}, {field})", $name);
                    say(what, core::mem::offset_of!($rust, $field));
                    // Nothing that Rust does not know may lie between.
                    let unit = $rust::field_size(|value: &$rust| size_of_val(&value.$field));
                    say(format!("sizeof((({} *)0)->{field})", $name), unit);
                )*
            )+
            text
        }
    };
}

/// The size of a field, which is not looked at.
trait FieldSize: Sized {
    fn field_size(of: impl Fn(&Self) -> usize) -> usize {
        let place = core::mem::MaybeUninit::<Self>::zeroed();
        // SAFETY: all of these types may be all zeros: numbers, arrays of them, and pointers that
        // may be NULL.
        of(unsafe { place.assume_init_ref() })
    }
}

impl<T> FieldSize for T {}

layouts! {
    "smallgate_key" CKey {};
    "smallgate_token" CToken {};
    "smallgate_exchange" CExchange {};
    "smallgate_text" CText { octets length };
    "smallgate_backend" CBackend { algorithm key_id point context sign verify };
    "smallgate_policy" CPolicy { issuer audience leeway format };
    "smallgate_claims" CClaims {
        issuer subject audience client_id scope jwt_id issued_at expires_at not_before
    };
    "smallgate_store" CStore { context load commit };
    "smallgate_grant" CGrant { seen record };
    "smallgate_source" CSource { family address };
    "smallgate_event" CEvent {
        kind gravity name grant_type client subject id cause algorithm key keys source
    };
    "smallgate_options" COptions {
        abi_version grants image image_length salt store signing_key event event_context
    };
    "smallgate_limits" CLimits { body head_timeout body_timeout idle_timeout };
    "smallgate_header" CHeader { name name_length value value_length };
    "smallgate_request" CRequest {
        method method_length target target_length headers header_count body body_length
        body_too_long source
    };
    "smallgate_clock" CClock { now floor serving_since };
    "smallgate_response" CResponse { status header_count body body_length };
    "smallgate_commit" CCommit { now seen id confirm record };
}

/// Whether a C compiler agrees with `text`.
fn agrees(text: &str, name: &str) -> Result<(), String> {
    let file = format!("smallgate-{name}-{}.c", std::process::id());
    let file = std::env::temp_dir().join(file);
    std::fs::write(&file, text).map_err(|error| error.to_string())?;
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"])
        .args(["-fsyntax-only", "-I"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/include"))
        .arg(&file)
        .output()
        .map_err(|error| error.to_string())?;
    std::fs::remove_file(&file).map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

#[test]
fn structs_are_laid_out_as_in_the_header() {
    let asserts = asserts();
    assert!(asserts.lines().count() > 150, "{asserts}");
    assert_eq!(agrees(&asserts, "layout"), Ok(()));
}

#[test]
fn a_struct_that_differs_is_seen() {
    let off = asserts().replace(
        "offsetof(smallgate_clock, floor) == 8",
        "offsetof(smallgate_clock, floor) == 16",
    );
    let complaint = agrees(&off, "layout-off").expect_err("it does not agree");
    assert!(complaint.contains("smallgate_clock"), "{complaint}");
}

/// No struct of the header is missing above.
#[test]
fn every_struct_of_the_header_is_compared() {
    let header = include_str!("../include/smallgate.h");
    let asserts = asserts();
    let mut count = 0;
    for name in header
        .lines()
        .filter_map(|line| line.strip_prefix("typedef struct ")?.strip_suffix(" {"))
    {
        assert!(asserts.contains(&format!("sizeof({name})")), "{name}");
        count += 1;
    }
    assert_eq!(count, 18);
}
