//! JSON Web Tokens (RFC 7519), as RFC 8725 and RFC 9068 want them.
