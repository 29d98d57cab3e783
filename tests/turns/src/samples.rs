//! What everybody verifies, issues and parses.

/// The checked-in token of 460 octets of one algorithm, its key, and the claims in it.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The algorithm.
    pub name: &'static str,
    /// The token's key, as a private JWK.
    pub jwk: &'static str,
    /// `kid` of the token.
    pub key_id: &'static str,
    /// The token.
    pub token: &'static str,
    /// `iss` of the token.
    pub issuer: &'static str,
    /// `sub` of the token.
    pub subject: &'static str,
    /// `aud` of the token.
    pub audience: &'static str,
    /// `client_id` of the token.
    pub client_id: &'static str,
}

/// `typ` of the tokens (RFC 9068 §2.1).
pub const TYPE: &str = "at+jwt";
/// `scope` of the tokens.
pub const SCOPE: &str = "read write";
/// `iat` of the tokens.
pub const ISSUED_AT: u64 = 1_767_225_600;
/// `exp` of the tokens.
pub const EXPIRES_AT: u64 = 4_102_444_800;
/// `jti` of the tokens.
pub const JWT_ID: &str = "AQIDBAUGBwgJCgsMDQ4PEA";
/// The length of a token in octets.
pub const LENGTH: usize = 460;

/// HS256.
pub const HS256: Sample = Sample {
    name: "HS256",
    jwk: include_str!("../../vectors/bench_hs256.jwk.json"),
    key_id: "k1",
    token: include_str!("../../vectors/bench_hs256.jwt"),
    issuer: "https://auth.example.com/realms/devices",
    subject: "9b2f6c1e-6d53-4c6e-8a55-1f0f2f7c3d10",
    audience: "https://gateway.example.com/api/v1",
    client_id: "874a16d4ac764ce4a545f0cca4584c63",
};

/// ES256.
pub const ES256: Sample = Sample {
    name: "ES256",
    jwk: include_str!("../../vectors/bench_es256.jwk.json"),
    key_id: "es1",
    token: include_str!("../../vectors/bench_es256.jwt"),
    issuer: "https://auth.example.com/devices",
    subject: "9b2f6c1e6d534c6e8a551f0f2f7c3d10",
    audience: "https://gateway.example.com",
    client_id: "gateway-874a16d4a",
};

/// A token request with a code (RFC 6749 §4.1.3, RFC 7636 §4.5), 191 octets, two values with escapes.
pub const FORM: &str = "grant_type=authorization_code&client_id=demo&code=SplxlOBeZQQYbYS6WxSbIA\
    &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk\
    &scope=read+write";

/// What is in [`FORM`].
pub const PARAMETERS: [(&str, &str); 6] = [
    ("grant_type", "authorization_code"),
    ("client_id", "demo"),
    ("code", "SplxlOBeZQQYbYS6WxSbIA"),
    ("redirect_uri", "https://app.example/cb"),
    (
        "code_verifier",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ),
    ("scope", "read write"),
];

/// How long all values of [`FORM`] are together.
pub const VALUES: usize = {
    let (mut sum, mut at) = (0, 0);
    while at < PARAMETERS.len() {
        sum += PARAMETERS[at].1.len();
        at += 1;
    }
    sum
};

const _: () = assert!(FORM.len() == 191);
const _: () = assert!(HS256.token.len() == LENGTH && ES256.token.len() == LENGTH);
