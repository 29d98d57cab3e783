//! What `tests/secret_memcheck.rs` runs under valgrind's memcheck: the core at work on secrets that
//! memcheck takes for memory that nobody wrote, so that it reports each branch and each address that
//! depends on them.

mod leaky;
mod memcheck;
mod server;

use std::env;
use std::process::ExitCode;

use memcheck::{public, secret, unreported};
use smallgate_core::codec::{base64url, basic};
use smallgate_core::jose::{Es256SigningKey, Hs256Key, MAX_SIGNATURE, Signer, Verifier};
use smallgate_core::oauth::PasswordHash;
use smallgate_core::secret::constant_time_eq;
use smallgate_core::sha256::HmacKey;

const INPUT: &[u8] = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9";

fn main() -> ExitCode {
    if !memcheck::is_running() {
        eprintln!("secret_subject HOW, under valgrind's memcheck, on x86_64");
        return ExitCode::FAILURE;
    }
    match env::args().nth(1).as_deref() {
        Some("comparison") => comparison(),
        Some("hmac") => hmac(),
        Some("hs256") => hs256(),
        Some("es256") => es256(),
        Some("password-hash") => password_hash(),
        Some("base64url") => base64url(),
        Some("basic") => basic(),
        Some("client-secret-by-basic") => server::client_secret_by_basic(),
        Some("client-secret-by-post") => server::client_secret_by_post(),
        Some("api-key") => server::api_key(),
        Some("password") => server::password(),
        Some("refresh-token") => server::refresh_token(),
        Some("login-form") => server::login_form(),
        Some("early-end") => leaky::early_end(),
        Some("table") => leaky::table(),
        Some("public-decode") => leaky::public_decode(),
        Some("public-encode") => leaky::public_encode(),
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

/// A secret of `N` octets, each another.
fn octets<const N: usize>() -> Vec<u8> {
    hidden((0..N).map(|n| (n * 37 + 11).to_le_bytes()[0]).collect())
}

/// The same octets, secret.
fn hidden(mut octets: Vec<u8>) -> Vec<u8> {
    secret(&mut octets);
    octets
}

/// Characters that are secret, except for what they begin with.
fn hidden_text(known: &str, unknown: &str) -> String {
    // As text first: to find out whether octets are text is to look at them.
    let mut octets = format!("{known}{unknown}").into_bytes();
    let text = String::from_utf8(octets.clone()).expect("text");
    drop(text);
    secret(&mut octets[known.len()..]);
    unreported(|| String::from_utf8(octets).expect("text"))
}

/// A decision that is answered, and so is known.
fn decided(yes: bool) -> bool {
    let mut octet = [u8::from(yes)];
    public(&mut octet);
    octet[0] != 0
}

/// The comparison that all others go through.
fn comparison() {
    let one = octets::<32>();
    let mut other = one.clone();
    assert!(decided(constant_time_eq(&one, &other)));
    other[0] ^= 1;
    assert!(!decided(constant_time_eq(&one, &other)));
}

/// A key of every kind: short, as long as a block, and one that is hashed first.
fn hmac() {
    for key in [octets::<32>(), octets::<64>(), octets::<100>()] {
        let key = HmacKey::new(&key);
        let (one, other) = (key.tag(INPUT), key.tag(&octets::<200>()));
        assert!(!decided(constant_time_eq(&one, &other)));
    }
}

/// The key, the tag that is expected and the one that was sent are secret.
fn hs256() {
    let key = octets::<32>();
    // A key is looked at once, when it is loaded: whether it is a public one in disguise. Nobody
    // is answered meanwhile. Its HMAC is reported in `hmac`.
    let key = unreported(|| Hs256Key::new(&key, None).expect("a key"));
    let mut tag = [0; MAX_SIGNATURE];
    let length = key.sign(INPUT, &mut tag).expect("a tag");
    assert!(decided(key.verify(INPUT, &tag[..length]).is_ok()));
    tag[length - 1] ^= 1;
    assert!(!decided(key.verify(INPUT, &tag[..length]).is_ok()));
}

/// The private key is secret, and so is each nonce, which is computed from it.
fn es256() {
    let key: [u8; 32] = octets::<32>().try_into().expect("32 octets");
    let key = Es256SigningKey::new(&key, None).expect("a scalar");
    let mut signature = [0; MAX_SIGNATURE];
    for input in [INPUT, b"another"] {
        let length = key.sign(input, &mut signature).expect("a signature");
        assert_eq!(length, 64);
    }
}

/// PBKDF2 of a password; two iterations are as good as many.
fn password_hash() {
    let password = hidden_text("", "correct horse battery staple");
    let hash = PasswordHash::new(&password, [3; 16], 3);
    assert!(!decided(constant_time_eq(&hash.hash, &octets::<32>())));
}

/// Keys and handles, there and back.
fn base64url() {
    for secret in [octets::<31>(), octets::<32>(), octets::<33>()] {
        let (mut text, mut back) = ([0; 44], [0; 33]);
        let text = base64url::encode_secret(&secret, &mut text).expect("room");
        let back = base64url::decode_secret(text.as_bytes(), &mut back).expect("base64url");
        assert!(decided(constant_time_eq(back, &secret)));
    }
}

/// `login:`, which is known, and a secret as `smallgate secret new` makes them.
fn basic() {
    let credentials = server::basic_credentials();
    let mut scratch = [0; basic::SCRATCH];
    let read = basic::parse(credentials.as_bytes(), &mut scratch).expect("Basic");
    assert_eq!(read.id_raw(), server::CLIENT);
    assert_eq!(read.secret_raw().len(), server::SECRET.len());
}
