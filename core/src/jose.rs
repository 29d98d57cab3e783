//! Keys and signatures: compact JWS (RFC 7515) with the algorithms of RFC 7518.
