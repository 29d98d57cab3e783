//! JSON Web Tokens (RFC 7519), as RFC 8725 and RFC 9068 want them.
//!
//! A [`TokenFormat`] says which claims a token has; [`issue`] writes them, and
//! [`verify`] wants them: the same value on both sides.
//!
//! ```
//! use smallgate_core::jose::{Hs256Key, Keys};
//! use smallgate_core::jwt::{self, Audience, Claims, TokenFormat, Validation, VerifyError};
//! use smallgate_core::time::UnixTime;
//!
//! let key = Hs256Key::new(&[7; 32], Some("k1")).unwrap();
//! let now = UnixTime(1_700_000_000);
//! let claims = Claims {
//!     issuer: Some("https://as.example"),
//!     subject: Some("alice"),
//!     audience: Some(Audience::One("https://rs.example")),
//!     client_id: Some("app"),
//!     issued_at: Some(now),
//!     expires_at: Some(UnixTime(1_700_003_600)),
//!     jwt_id: Some("1"),
//!     ..Claims::default()
//! };
//! let mut out = [0; 512];
//! let token = jwt::issue(&key, &TokenFormat::ACCESS_TOKEN, &claims, &mut out).unwrap();
//!
//! let validation = Validation {
//!     issuer: Some("https://as.example"),
//!     audience: Some("https://rs.example"),
//!     ..Validation::new(TokenFormat::ACCESS_TOKEN)
//! };
//! let keys: &[&dyn smallgate_core::jose::Verifier] = &[&key];
//! let keys = Keys::new(keys);
//! let mut scratch = [0; 512];
//! let token = token.as_str().as_bytes();
//! let verified = jwt::verify(token, &keys, &validation, Some(now), &mut scratch).unwrap();
//! assert_eq!(verified.claims().subject, Some("alice"));
//!
//! let later = Some(UnixTime(1_700_003_600));
//! let error = jwt::verify(token, &keys, &validation, later, &mut scratch).unwrap_err();
//! assert_eq!(error, VerifyError::Expired);
//! ```

mod cache;
mod claims;
mod extra;
mod issuing;
mod received;
mod validation;

pub(crate) use cache::Tokens;
pub use cache::{CachingVerifier, TokenCache};
pub use claims::{Audience, Claim, Claims, ScopeClaim, ScopeForm, TokenFormat};
pub use extra::{ExtraError, issue_with};
pub use issuing::{IssueError, issue};
pub use validation::{Validation, Verified, VerifyError, verify};
