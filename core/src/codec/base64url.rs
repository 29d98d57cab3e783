//! base64url.
