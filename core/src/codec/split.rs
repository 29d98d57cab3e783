//! Splitting text at an ASCII character. `str::split` and its kin do the same,
//! but leave a panic in the image that the compiler can not prove away.

/// What is before and after the first `separator`.
pub(crate) fn split_at_first(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|octet| octet == separator)?;
    Some((text.get(..at)?, text.get(at.checked_add(1)?..)?))
}

/// What is before and after the first place that is to be filled, `%s`.
pub(crate) fn split_at_blank(text: &str) -> Option<(&str, &str)> {
    let mut pairs = text.as_bytes().windows(2);
    let at = pairs.position(|pair| pair == b"%s")?;
    Some((text.get(..at)?, text.get(at.checked_add(2)?..)?))
}

/// The pieces between `separator`s: one more than there are separators.
pub(crate) fn pieces(text: &str, separator: u8) -> impl Iterator<Item = &str> + Clone {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        let (piece, left) = match split_at_first(text, separator) {
            Some((piece, left)) => (piece, Some(left)),
            None => (text, None),
        };
        rest = left;
        Some(piece)
    })
}
