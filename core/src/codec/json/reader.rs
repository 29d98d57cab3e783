//! Reading the members of an object whose order is known: what
//! [`Writer`](super::Writer) writes without an escape is read without a table and
//! without looking for what else it may be.

use super::scanner::plain_run;

/// An object, from member to member. It has no white space and no escape in it, or
/// it is not read to its end.
pub(crate) struct Reader<'t> {
    text: &'t str,
    /// How many octets have been read.
    at: usize,
    /// Whether a comma goes before the next member.
    comma: bool,
}

impl<'t> Reader<'t> {
    /// Takes the opening brace.
    pub(crate) fn new(text: &'t str) -> Option<Self> {
        text.starts_with('{').then_some(Reader {
            text,
            at: 1,
            comma: false,
        })
    }

    /// Takes `"name":` if it is what comes next; whether it was.
    #[inline(always)]
    pub(crate) fn name(&mut self, name: &str) -> bool {
        let left = self.left();
        let rest = match self.comma {
            true => left.strip_prefix(b",\""),
            false => left.strip_prefix(b"\""),
        };
        let rest = rest
            .and_then(|rest| rest.split_at_checked(name.len()))
            // Names are short: to call for a comparison takes longer.
            .filter(|(found, _)| {
                found
                    .iter()
                    .zip(name.bytes())
                    .all(|(one, other)| *one == other)
            })
            .and_then(|(_, rest)| rest.strip_prefix(b"\":"));
        if let Some(rest) = rest {
            self.at = self.text.len().saturating_sub(rest.len());
            self.comma = true;
        }
        rest.is_some()
    }

    /// Takes a string, as its text from quote to quote.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Option<&'t str> {
        let contents = self.left().strip_prefix(b"\"")?;
        let run = plain_run(contents);
        let (_, [b'"', ..]) = contents.split_at_checked(run)? else {
            return None;
        };
        self.take(run.checked_add(2)?)
    }

    /// Takes an integer of at most 18 digits, as its text and its value.
    #[inline(always)]
    pub(crate) fn integer(&mut self) -> Option<(&'t str, u64)> {
        let mut value = 0_u64;
        let mut digits = 0_usize;
        for octet in self.left() {
            let digit = octet.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            digits = digits.wrapping_add(1);
        }
        // "Leading zeros are not allowed" (RFC 8259 §6).
        if !matches!(digits, 1..=18) || digits > 1 && self.left().starts_with(b"0") {
            return None;
        }
        Some((self.take(digits)?, value))
    }

    /// Whether the closing brace is all that is left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.left() == b"}"
    }

    #[inline(always)]
    fn left(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    #[inline(always)]
    fn take(&mut self, octets: usize) -> Option<&'t str> {
        let end = self.at.checked_add(octets)?;
        let taken = self.text.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use super::*;

    #[test]
    fn members_are_read_in_their_order() {
        let mut object = Reader::new(r#"{"a":"x","bc":10,"d":""}"#).unwrap();
        assert!(!object.name("bc") && !object.name("") && object.name("a"));
        assert_eq!(object.string(), Some("\"x\""));
        assert!(!object.is_at_end() && !object.name("b") && object.name("bc"));
        assert_eq!(object.integer(), Some(("10", 10)));
        assert!(object.name("d"));
        assert_eq!((object.integer(), object.string()), (None, Some("\"\"")));
        assert!(object.is_at_end());
        assert!(Reader::new("[").is_none() && Reader::new("").is_none());
    }

    #[test]
    fn a_string_has_no_escape_and_an_end() {
        for length in 0..20 {
            let plain = "é".repeat(length);
            for (end, is_read) in [("\"", true), ("\\\"", false), ("\n\"", false), ("", false)] {
                let text = format!("{{\"a\":\"{plain}{end}");
                let mut object = Reader::new(&text).unwrap();
                assert!(object.name("a"));
                let string = object.string();
                assert_eq!(string.is_some(), is_read, "{text}");
                assert!(string.is_none_or(|string| string == format!("\"{plain}\"")));
            }
        }
    }

    #[test]
    fn an_integer_has_digits_alone_and_fits() {
        for (number, value) in [
            ("0", Some(0)),
            ("9", Some(9)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("1000000000000000000", None),
            ("00", None),
            ("01", None),
            ("", None),
            ("-1", None),
        ] {
            let text = format!("{{\"a\":{number},");
            let mut object = Reader::new(&text).unwrap();
            assert!(object.name("a"));
            assert_eq!(
                object.integer(),
                value.map(|value| (number, value)),
                "{number}"
            );
        }
    }
}
