//! The words of a board's log are those of the desktop's.

use smallgate_core::oauth::Refusal;
use smallgate_core::time::Seconds;
use smallgate_firmware::events::{Gravity, words};

/// The variants of an enum that carry nothing, and those that carry something,
/// out of the source that declares it: an enum that may grow has no list.
fn variants(source: &str, name: &str) -> (Vec<String>, Vec<String>) {
    let start = source.find(&format!("pub enum {name} {{")).unwrap();
    let body = &source[start..];
    let body = &body[..body.find("\n}").unwrap()];
    let lines = body.lines().skip(1).map(str::trim);
    let names = lines.filter(|line| !line.starts_with("//") && !line.starts_with('#'));
    let (carrying, plain): (Vec<_>, Vec<_>) = names
        .map(|line| line.trim_end_matches(',').to_owned())
        .partition(|line| line.contains('('));
    assert!(!plain.is_empty());
    (plain, carrying)
}

macro_rules! same_words {
    ($($test:ident: $table:ident, $kind:literal in $source:literal, apart: $apart:literal;)*) => {$(
        #[test]
        fn $test() {
            for (cause, text) in words::$table {
                assert_eq!(*text, cause.to_string(), "{cause:?}");
            }
            let (plain, carrying) = variants(include_str!($source), $kind);
            let named: Vec<_> = words::$table.iter().map(|(cause, _)| format!("{cause:?}")).collect();
            assert_eq!(plain.len(), named.len(), "{plain:?} {named:?}");
            for name in plain {
                assert!(named.contains(&name), "{name} has no words in the log");
            }
            // Each of these is put together in `events/cause.rs`.
            let own = include_str!("../../firmware/src/events/cause.rs");
            assert_eq!(carrying.len(), $apart);
            for variant in carrying {
                let name = variant.split('(').next().unwrap();
                assert!(own.contains(&format!("{}::{name}(", $kind)), "{variant}");
            }
        }
    )*};
}

same_words! {
    r51_refusals_have_the_words_of_the_desktop:
        REFUSALS, "Refusal" in "../../core/src/oauth/error.rs", apart: 6;
    r51_form_errors_have_the_words_of_the_desktop:
        FORM_ERRORS, "FormError" in "../../core/src/codec/form/error.rs", apart: 1;
    r51_bearer_errors_have_the_words_of_the_desktop:
        BEARER_ERRORS, "BearerError" in "../../core/src/bearer.rs", apart: 1;
    r51_verify_errors_have_the_words_of_the_desktop:
        VERIFY_ERRORS, "VerifyError" in "../../core/src/jwt/validation.rs", apart: 6;
}

#[test]
fn r51_what_looks_like_an_attack_is_a_warning_and_what_is_broken_an_error() {
    for (cause, gravity) in [
        (Refusal::WrongSecret, Gravity::Suspicious),
        (Refusal::CodeReplayed, Gravity::Suspicious),
        (Refusal::RefreshReused, Gravity::Suspicious),
        (Refusal::Throttled(Seconds(1)), Gravity::Suspicious),
        (Refusal::ClockUnset, Gravity::Broken),
        (Refusal::ClockWentBack, Gravity::Broken),
        (Refusal::StoreFull, Gravity::Broken),
        (Refusal::Scope, Gravity::Mistaken),
        (Refusal::CodeExpired, Gravity::Mistaken),
        (Refusal::RefreshRaced, Gravity::Mistaken),
    ] {
        assert_eq!(Gravity::of(cause), gravity, "{cause}");
    }
}
