//! Arrays: RFC 8259 §5.

use core::fmt;

use super::Value;

/// A checked JSON array, as its text from the first item to the closing bracket.
#[derive(Clone, Copy)]
pub struct Array<'a>(&'a str);

impl<'a> Array<'a> {
    pub(super) fn from_checked(text: &'a str) -> Self {
        match text.strip_prefix('[') {
            Some(items) => Array(items),
            None => Array("]"),
        }
    }

    /// The first item, which is taken off.
    pub(crate) fn take(&mut self) -> Option<Value<'a>> {
        let before = self
            .0
            .bytes()
            .take_while(|octet| matches!(octet, b' ' | b'\t' | b'\n' | b'\r' | b','));
        let start = self.0.get(before.count()..)?;
        if start.as_bytes().first() == Some(&b']') {
            return None;
        }
        let (length, escaped) = value_length(start.as_bytes());
        let (item, after) = start.split_at_checked(length)?;
        self.0 = after;
        Value::from_checked(item, escaped)
    }

    /// The items in their order. They are found anew each time: all of them
    /// together cost one pass over the array's text.
    pub fn items(self) -> impl Iterator<Item = Value<'a>> + 'a {
        let mut left = self;
        core::iter::from_fn(move || left.take())
    }
}

impl fmt::Debug for Array<'_> {
    /// Not the items: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Array(..)")
    }
}

/// How many octets the value has that `text` begins with, and whether a string
/// in it has an escape. The text has been checked, so counting brackets outside
/// strings is enough.
fn value_length(text: &[u8]) -> (usize, bool) {
    let mut depth: usize = 0;
    let mut in_string = false;
    let mut after_backslash = false;
    let mut escaped = false;
    let mut length: usize = 0;
    for octet in text {
        if after_backslash {
            after_backslash = false;
        } else if in_string {
            match octet {
                b'\\' => {
                    after_backslash = true;
                    escaped = true;
                }
                b'"' => in_string = false,
                _ => {}
            }
        } else {
            match octet {
                b'"' => in_string = true,
                b'[' | b'{' => depth = depth.saturating_add(1),
                // A number or a literal ends before what follows it.
                b',' | b']' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => break,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        length = length.saturating_add(1);
        let closed = matches!(octet, b'"' | b']' | b'}') && !in_string && depth == 0;
        if closed {
            break;
        }
    }
    (length, escaped)
}
