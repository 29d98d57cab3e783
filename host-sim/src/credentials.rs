//! Secrets and passwords: made, hashed, written and read back.

use std::io::{self, BufRead, IsTerminal};

use smallgate_core::codec::base64url;
use smallgate_core::oauth::PasswordHash;
use smallgate_core::secret::SecretHash;
use zeroize::Zeroizing;

/// How a password hash begins in a configuration.
pub(crate) const PASSWORD_PREFIX: &str = "pbkdf2-sha256:";

/// Iterations for passwords that stand in a demonstration's file as they are:
/// few, so that the start is quick. It is not fit for anything else.
pub(crate) const DEMO_ITERATIONS: u32 = 10_000;

/// The fewest iterations of a password's hash outside of a demonstration: what
/// a board can take its time for.
pub(crate) const FEWEST_ITERATIONS: u32 = 10_000;

/// The fewest characters of `[A-Za-z0-9_-]`, 6 bits each, that hold 128 bits.
const STRONG_LENGTH: usize = 22;

/// Octets from the system's random number generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut octets = [0; N];
    fill(&mut octets)?;
    Ok(octets)
}

/// The same for any number of octets.
pub(crate) fn fill(octets: &mut [u8]) -> Result<(), String> {
    getrandom::fill(octets).map_err(|error| format!("the system gives no random numbers: {error}"))
}

/// Whether `text` may hold a secret of 128 bits in the characters of R14.
pub(crate) fn is_strong(text: &str) -> bool {
    text.len() >= STRONG_LENGTH
        && text
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-'))
}

/// `octets` in base64url.
pub(crate) fn base64url(octets: &[u8]) -> String {
    let mut room = vec![0; base64url::encoded_len(octets.len())];
    base64url::encode_secret(octets, &mut room)
        .map(str::to_owned)
        .unwrap_or_default()
}

/// Exactly `N` octets out of base64url.
pub(crate) fn from_base64url<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut octets = [0; N];
    let decoded = base64url::decode_secret(text.as_bytes(), &mut octets).ok()?;
    (decoded.len() == N).then_some(())?;
    Some(octets)
}

/// 32 octets out of 64 hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut octets = [0; 32];
    for (octet, digits) in octets.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        // `from_str_radix` would let a sign pass.
        digits
            .bytes()
            .all(|digit| digit.is_ascii_hexdigit())
            .then_some(())?;
        *octet = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(octets)
}

/// A new client secret and the line for the configuration.
pub(crate) fn new_secret() -> Result<(String, String), String> {
    let secret = base64url(&random::<32>()?);
    let hash: String = SecretHash::of(secret.as_bytes())
        .octets()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    Ok((secret, format!("secret = \"sha256:{hash}\"")))
}

/// Hashes a password with a new salt.
pub(crate) fn hash_password(password: &str, iterations: u32) -> Result<PasswordHash, String> {
    Ok(PasswordHash::new(password, random()?, iterations))
}

/// A password hash as it stands in a configuration.
pub(crate) fn print_password(hash: &PasswordHash) -> String {
    format!(
        "{PASSWORD_PREFIX}{}:{}:{}",
        hash.iterations,
        base64url(&hash.salt),
        base64url(&hash.hash)
    )
}

/// Reads what [`print_password`] wrote.
pub(crate) fn parse_password(text: &str) -> Result<PasswordHash, &'static str> {
    let rest = text.strip_prefix(PASSWORD_PREFIX).unwrap_or(text);
    let mut parts = rest.split(':');
    let (Some(iterations), Some(salt), Some(hash), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("a password hash is pbkdf2-sha256:ITERATIONS:SALT:HASH");
    };
    let iterations: u32 = iterations
        .parse()
        .ok()
        .filter(|count| (1..=100_000_000).contains(count))
        .ok_or("the iterations are no number from 1 to 100000000")?;
    Ok(PasswordHash {
        iterations,
        salt: from_base64url(salt).ok_or("the salt is not 16 octets in base64url")?,
        hash: from_base64url(hash).ok_or("the hash is not 32 octets in base64url")?,
    })
}

/// Asks for a password: twice and without echo at a terminal, else one line of
/// standard input.
pub(crate) fn ask_password() -> Result<Zeroizing<String>, String> {
    let unreadable = |error: io::Error| format!("the password can not be read: {error}");
    let password = if io::stdin().is_terminal() {
        let ask = |prompt: &str| rpassword::prompt_password(prompt).map(Zeroizing::new);
        let first = ask("Password: ").map_err(unreadable)?;
        let second = ask("Once more: ").map_err(unreadable)?;
        if *first != *second {
            return Err("the two passwords differ".to_owned());
        }
        first
    } else {
        let mut line = Zeroizing::new(String::new());
        io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(unreadable)?;
        let length = line.trim_end_matches(['\r', '\n']).len();
        line.truncate(length);
        line
    };
    if password.is_empty() {
        return Err("the password is empty".to_owned());
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r14_a_new_secret_is_strong_and_its_line_is_its_hash() {
        let (secret, line) = new_secret().unwrap();
        assert!(is_strong(&secret));
        let hex = line
            .strip_prefix("secret = \"sha256:")
            .unwrap()
            .strip_suffix('"')
            .unwrap();
        let hash = SecretHash::new(from_hex(hex).unwrap());
        assert!(hash.matches(&SecretHash::of(secret.as_bytes())));
        assert_ne!(new_secret().unwrap().0, secret);
    }

    #[test]
    fn r14_short_or_odd_secrets_are_not_strong() {
        assert!(is_strong("0123456789-abcdefghi_Z"));
        assert!(!is_strong("0123456789-abcdefghi_"));
        assert!(!is_strong("0123456789:abcdefghi_Z"));
    }

    #[test]
    fn password_hashes_read_back() {
        let hash = hash_password("correct horse", 3).unwrap();
        let read = parse_password(&print_password(&hash)).unwrap();
        assert_eq!(
            (read.iterations, read.salt, read.hash),
            (3, hash.salt, hash.hash)
        );
    }

    #[test]
    fn damaged_password_hashes_are_refused() {
        let good = print_password(&hash_password("x", 1).unwrap());
        for wrong in [
            good.replace(":1:", ":0:"),
            good.replace(":1:", ":-1:"),
            good.replace(":1:", ":1:AA:"),
            good[..good.len() - 1].to_owned(),
            format!("{good}="),
            "pbkdf2-sha256:".to_owned(),
        ] {
            assert!(parse_password(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hexadecimal_is_strict() {
        assert_eq!(from_hex(&"0a".repeat(32)), Some([10; 32]));
        for wrong in [
            "+a".repeat(32),
            "0a".repeat(31),
            "0g".repeat(32),
            "é".repeat(32),
        ] {
            assert_eq!(from_hex(&wrong), None);
        }
    }
}
