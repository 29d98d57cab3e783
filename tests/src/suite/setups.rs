//! Configurations with the services' documented clients and some difficult
//! ones, keys that the tests know, and an issuer that is always the same.

use smallgate_core::jose::{Jwk, Keys, Verifier};
use smallgate_core::jwt::{self, TokenFormat, Validation};
use smallgate_core::profile::{self, Profile};
use smallgate_core::time::UnixTime;

use crate::host::Setup;

/// The issuer of all setups.
pub const ISSUER: &str = "https://as.example";
/// The audience of all setups.
pub const AUDIENCE: &str = "https://rs.example";

/// `client_id` of the client that most cases use in profile `standard`.
pub const DEMO: (&str, &str) = ("demo", "demo-secret-demo-secret-demo-secret");
/// Another one with the same grants.
pub const OTHER: (&str, &str) = ("other", "other-secret-other-secret-other-secret");
/// The documented client of Teen Quotes.
pub const QUOTES: (&str, &str) = ("42", "IZgwaBTZ2EdtT3hT7UzG2rLQ8S0Vmu9GDxeHwcPz");
/// The documented client of BreakOut.
pub const BREAKOUT: (&str, &str) = ("breakout_app", "123456789");
/// The documented client of Drillster.
pub const DRILLSTER: (&str, &str) = (
    "874a16d4ac764ce4a545f0cca4584c63",
    "5782b2e7532b48b5a0798f2ad6644614",
);
/// `client_id` of the public client of profile `standard`.
pub const APP: &str = "app";
/// `client_id` of Dressipi's client, which is public.
pub const DRESSIPI: &str = "dressipi_app";
/// The one redirect URI of Dressipi's document.
pub const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob:auto";
/// The redirect URI of the confidential clients.
pub const CALLBACK: &str = "https://client.example/cb";
/// What Dressipi's clients send as `x-api-key` where one is configured.
pub const API_KEY: &str = "an-api-key-of-enough-length";
/// A user with a password that is found in no log line by chance.
pub const USER: (&str, &str) = ("admin@break-out.org", "correct horse+battery%staple");

/// RFC 7515 A.3's key.
pub const ES256: &str = r#"{"kty":"EC","crv":"P-256","kid":"e1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
/// RFC 7515 A.1's key.
const HS256: &str = r#"{"kty":"oct","kid":"h1","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
/// RFC 7520 3.5's key: one HS256 key never serves two services.
const HS256_DRESSIPI: &str =
    r#"{"kty":"oct","kid":"h2","k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}"#;
/// RFC 6979 A.2.5's key: the one that takes the first one's place.
const ES256_NEXT: &str = r#"{"kty":"EC","crv":"P-256","kid":"e2","x":"YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y","y":"eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk","d":"ya-p2EW6dRZrXCFXZ7HWk05Qw9s26JsSe4piKxIPZyE"}"#;

/// The private keys, which no log may show.
pub const KEY_SECRETS: [&str; 4] = [
    "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
    "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk",
];

/// Devices: a sensor that is there, one that is not, outputs and an input, with rules of
/// all sorts.
pub const DEVICES: &str = r#"
[[device]]
name = "cellar"
kind = "emc1413"
address = 0x4c

[[device]]
name = "attic"
kind = "emc1413"
address = 0x4d
read = "read write"

[[device]]
name = "relay"
kind = "output"
pin = 0

[[device]]
name = "lamp-2"
kind = "output"
pin = 1
active_low = true
read = ""
write = "admin"

[[device]]
name = "button"
kind = "input"
pin = 0
"#;

fn start(profile: &str, key: &str) -> String {
    format!(
        "profile = \"{profile}\"\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\ndemo = true\n\
         scopes = [\"read\", \"write\", \"admin\"]\n"
    ) + "%top\n[server]\nheader_timeout = 2\nbody_timeout = 1\nidle_timeout = 2\n%server\n"
        + &keys(key)
        + "%keys\n%tables\n"
}

/// The table of keys, with one that signs.
pub fn keys(signing: &str) -> String {
    format!(
        "[keys]\nhandle = \"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk\"\nsigning = '{signing}'\n"
    )
}

fn client((id, secret): (&str, &str), grants: &str) -> String {
    format!(
        "[[client]]\nid = '{id}'\nsecret = '{secret}'\ngrants = [{grants}]\n\
         scopes = [\"read\", \"write\"]\ndefault_scopes = [\"read\"]\n"
    )
}

/// A public client.
fn public(id: &str, redirect_uri: &str) -> String {
    format!(
        "[[client]]\nid = '{id}'\ngrants = [\"authorization_code\", \"refresh_token\"]\n\
         scopes = [\"read\", \"write\"]\ndefault_scopes = [\"read\"]\n\
         redirect_uris = [\"{redirect_uri}\"]\n"
    )
}

fn user() -> String {
    let (name, password) = USER;
    format!("[[user]]\nusername = \"{name}\"\nsub = \"94173\"\npassword = \"{password}\"\n")
}

fn setup(toml: String) -> Setup {
    Setup {
        toml,
        clock_set: true,
    }
}

/// Profile `standard`.
pub fn standard() -> Setup {
    let all = r#""client_credentials", "authorization_code", "refresh_token""#;
    setup(
        start("standard", ES256)
            + &client(DEMO, all).replace(
                "default_scopes",
                "redirect_uris = [\"https://client.example/cb\"]\ndefault_scopes",
            )
            + &client(OTHER, all)
            + &client(("narrow", DEMO.1), r#""refresh_token""#)
            + "[[client]]\nid = \"public\"\ngrants = [\"refresh_token\"]\n"
            + &public(APP, "http://127.0.0.1/cb")
            + &user(),
    )
}

/// Profile `teen-quotes`.
pub fn teen_quotes() -> Setup {
    let all = r#""client_credentials", "refresh_token""#;
    setup(
        start("teen-quotes", HS256)
            + &client(QUOTES, all)
            + &client(OTHER, all)
            + &client(("narrow", DEMO.1), r#""refresh_token""#)
            + &user(),
    )
}

/// Profile `breakout`.
pub fn breakout() -> Setup {
    let all = r#""password", "refresh_token""#;
    setup(
        start("breakout", ES256)
            + &client(BREAKOUT, all)
            + &client(OTHER, all)
            + &client(("narrow", DEMO.1), r#""refresh_token""#)
            + &user(),
    )
}

/// Profile `drillster`.
pub fn drillster() -> Setup {
    let all = r#""authorization_code", "refresh_token""#;
    let scopes = "scopes = [\"ROLE_USER\"]\n";
    let clients = client(DRILLSTER, all) + &client(OTHER, all);
    let clients = clients.replace(
        "scopes = [\"read\", \"write\"]\ndefault_scopes = [\"read\"]\n",
        &format!("redirect_uris = [\"{CALLBACK}\"]\n"),
    );
    let narrow = client(("narrow", DEMO.1), r#""refresh_token""#);
    setup(
        start("drillster", ES256).replace("scopes = [\"read\", \"write\", \"admin\"]\n", scopes)
            + &clients
            + &narrow
                .replace("[\"read\", \"write\"]", "[\"ROLE_USER\"]")
                .replace("[\"read\"]", "[\"ROLE_USER\"]")
            + &user(),
    )
}

/// Profile `dressipi`, without an API key.
pub fn dressipi() -> Setup {
    setup(
        start("dressipi", HS256_DRESSIPI)
            + &public(DRESSIPI, OUT_OF_BAND)
            + &public("another_app", OUT_OF_BAND)
            + &user(),
    )
}

impl Setup {
    /// Adds lines to the top of the file.
    #[must_use]
    pub fn top(self, lines: &str) -> Self {
        self.place("%top", lines)
    }

    /// Adds lines to `[server]`.
    #[must_use]
    pub fn server(self, lines: &str) -> Self {
        self.place("%server", lines)
    }

    /// Adds tables, such as `[lifetimes]`.
    #[must_use]
    pub fn tables(self, lines: &str) -> Self {
        self.place("%tables", lines)
    }

    /// Adds a client that may use client_credentials.
    #[must_use]
    pub fn client(self, id: &str, secret: &str) -> Self {
        let toml = self.toml + &client((id, secret), "\"client_credentials\"");
        Setup { toml, ..self }
    }

    /// Signs with another key and still verifies the old one's tokens.
    #[must_use]
    pub fn next_key(mut self) -> Self {
        self.toml = self.toml.replace(ES256, ES256_NEXT);
        self.place("%keys", &format!("verifying = ['{ES256}']"))
    }

    /// Begins with a clock that is not set.
    #[must_use]
    pub fn clock_unset(self) -> Self {
        Setup {
            clock_set: false,
            ..self
        }
    }

    /// Writes what stands for nothing as nothing.
    #[must_use]
    pub fn whole(mut self) -> Self {
        for mark in ["%top", "%server", "%keys", "%tables"] {
            self.toml = self.toml.replace(mark, "");
        }
        self
    }

    fn place(mut self, mark: &str, lines: &str) -> Self {
        self.toml = self.toml.replacen(mark, &format!("{lines}\n{mark}"), 1);
        self
    }
}

/// A token, looked into.
pub struct Decoded {
    /// The header's text.
    pub header: String,
    /// The payload's text.
    pub payload: String,
    /// The payload.
    pub claims: serde_json::Value,
}

/// Verifies `token` with the core, by the keys of the setups and the format of
/// `profile`, and shows what is in it.
///
/// # Panics
///
/// It is not good.
pub fn verified(profile: &Profile, token: &str, now: u64) -> Decoded {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let parts: Vec<_> = token.split('.').collect();
    let text = |part: &str| {
        let octets = Base64UrlUnpadded::decode_vec(part).expect("base64url");
        String::from_utf8(octets).expect("text")
    };
    let es256 = |key: &str| {
        Jwk::parse(key.as_bytes())
            .unwrap()
            .es256_verifying_key()
            .unwrap()
    };
    let (first, next) = (es256(ES256), es256(ES256_NEXT));
    let hs256 = |key: &str| Jwk::parse(key.as_bytes()).unwrap().hs256_key().unwrap();
    let (quotes, dressipi) = (hs256(HS256), hs256(HS256_DRESSIPI));
    let keys: [&dyn Verifier; 4] = [&first, &next, &quotes, &dressipi];
    let named = profile.access_token == TokenFormat::ACCESS_TOKEN;
    let validation = Validation {
        issuer: named.then_some(ISSUER),
        audience: named.then_some(AUDIENCE),
        ..Validation::new(profile.access_token)
    };
    let mut scratch = [0; 1024];
    jwt::verify(
        token.as_bytes(),
        &Keys::new(&keys),
        &validation,
        Some(UnixTime(now)),
        &mut scratch,
    )
    .unwrap_or_else(|error| panic!("{error}: {token}"));
    let payload = text(parts[1]);
    Decoded {
        header: text(parts[0]),
        claims: serde_json::from_str(&payload).expect("JSON"),
        payload,
    }
}

/// A profile and how to set it up.
pub type Profiled = (&'static Profile, fn() -> Setup);

/// All profiles.
pub const PROFILES: [Profiled; 5] = [
    (&profile::STANDARD, standard),
    (&profile::DRILLSTER, drillster),
    (&profile::TEEN_QUOTES, teen_quotes),
    (&profile::DRESSIPI, dressipi),
    (&profile::BREAKOUT, breakout),
];
