//! Proof Key for Code Exchange (RFC 7636), method S256 alone.

use crate::sha256::Sha256;

/// A `code_verifier`: "43-octet ... maximum length of 128 characters" of
/// `[A-Z] / [a-z] / [0-9] / "-" / "." / "_" / "~"` (RFC 7636 §4.1).
#[derive(Clone, Copy)]
pub struct CodeVerifier<'r>(&'r str);

impl<'r> CodeVerifier<'r> {
    /// Checks `text`; `None` when it is no verifier.
    #[must_use]
    pub fn new(text: &'r str) -> Option<Self> {
        let fits = (43..=128).contains(&text.len())
            && text
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet));
        fits.then_some(CodeVerifier(text))
    }

    /// "BASE64URL-DECODE(code_challenge) = SHA256(ASCII(code_verifier))"
    /// (RFC 7636 §4.6, decoded).
    #[must_use]
    pub fn challenge(&self) -> [u8; 32] {
        Sha256::of(self.0.as_bytes())
    }
}

impl core::fmt::Debug for CodeVerifier<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CodeVerifier(..)")
    }
}
