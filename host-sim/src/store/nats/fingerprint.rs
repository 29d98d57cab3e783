//! What gateways must have in common to share grants, as a bucket says it.
//!
//! It is the description of the bucket's stream, so it is there with the bucket at
//! once, and does not age with what is in it.

use std::fmt::Write;

use smallgate_core::jose::Algorithm;
use smallgate_core::oauth::{Configuration, HandleKeys, Slot};
use smallgate_core::sha256::Sha256;

/// The parts, one digest each. None is or tells a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(Vec<(String, String)>);

/// What a signing key signs to be known by. It is no token's: those are two parts
/// of base64url with a point between.
const SIGNED: &[u8] = b"smallgate/1 fingerprint of a signing key";

impl Fingerprint {
    pub(super) fn of(configuration: &Configuration<'_>) -> Result<Self, String> {
        let part = |name: &str, digest: String| (name.to_owned(), digest);
        Ok(Fingerprint(vec![
            part("issuer", short(configuration.issuer.as_bytes())),
            part("profile", short(configuration.profile.name.as_bytes())),
            part("handle-keys", handles(&configuration.handle_keys)),
            part("signing-key", signing(configuration)?),
            part("verifying-keys", verifying(configuration)),
        ]))
    }

    /// Reads what [`Fingerprint::text`] wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts = text.strip_prefix("smallgate 1 ")?.split(' ');
        let pairs = parts.map(|part| {
            let (name, digest) = part.split_once('=')?;
            Some((name.to_owned(), digest.to_owned()))
        });
        pairs.collect::<Option<_>>().map(Fingerprint)
    }

    /// One line, of a bucket.
    pub(super) fn text(&self) -> String {
        let mut text = "smallgate 1".to_owned();
        for (name, digest) in &self.0 {
            let _never = write!(text, " {name}={digest}");
        }
        text
    }

    /// The parts in which another one differs.
    pub(super) fn differences<'f>(&'f self, other: &Self) -> Vec<&'f str> {
        let differs = |(name, digest): &&(String, String)| {
            let theirs = other.0.iter().find(|(theirs, _)| theirs == name);
            theirs.is_none_or(|(_, theirs)| theirs != digest)
        };
        let mine = self.0.iter().filter(differs);
        mine.map(|(name, _)| name.as_str()).collect()
    }
}

/// Both keys, by slot: the slot is in each handle.
fn handles(keys: &HandleKeys) -> String {
    let other = match keys.slot {
        Slot::A => Slot::B,
        Slot::B => Slot::A,
    };
    let name = |slot| if slot == Slot::A { "a" } else { "b" };
    let current = hex(&keys.current.fingerprint());
    let previous = keys.previous.as_ref().map(|key| hex(&key.fingerprint()));
    let previous = previous.map_or_else(String::new, |key| format!(",{}:{key}", name(other)));
    format!("{}:{current}{previous}", name(keys.slot))
}

/// A symmetric key signs the same each time, so that stands for it. A key of ES256 may
/// sign otherwise each time: for it stands the point of the key that verifies it.
fn signing(configuration: &Configuration<'_>) -> Result<String, String> {
    let signer = configuration.signer;
    let mut signature = [0; smallgate_core::jose::MAX_SIGNATURE];
    let length = signer
        .sign(SIGNED, &mut signature)
        .map_err(|error| format!("the signing key: {error}"))?;
    let mut text = named(signer.algorithm().name(), signer.key_id()).into_bytes();
    match signer.algorithm() {
        Algorithm::Hs256 => text.extend(signature),
        Algorithm::Es256 => {
            let signature = signature.get(..length).unwrap_or_default();
            let mut counterparts = configuration.verifiers.iter().filter(|key| {
                key.algorithm() == Algorithm::Es256 && key.verify(SIGNED, signature).is_ok()
            });
            let point = counterparts.next().and_then(|key| key.public_point());
            let (x, y) = point.ok_or("the signing key: no key verifies what it signs")?;
            text.extend(x.into_iter().chain(y));
        }
    }
    Ok(short(&text))
}

/// In any order. Of a symmetric key that only verifies its id has to do.
fn verifying(configuration: &Configuration<'_>) -> String {
    let mut keys: Vec<_> = configuration
        .verifiers
        .iter()
        .map(|key| {
            let mut text = named(key.algorithm().name(), key.key_id()).into_bytes();
            if let Some((x, y)) = key.public_point() {
                text.extend(x.into_iter().chain(y));
            }
            text
        })
        .collect();
    keys.sort();
    short(&keys.concat())
}

fn named(algorithm: &str, key_id: Option<&str>) -> String {
    format!("{algorithm}\0{}\0", key_id.unwrap_or_default())
}

fn short(octets: &[u8]) -> String {
    let [digest @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = Sha256::of(octets);
    hex(&digest)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _never = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use smallgate_core::jose::Jwk;

    use super::*;
    use crate::config::Document;
    use crate::keys::{self, Made};
    use crate::region::Region;

    const KEYS: &str = "[keys]\nhandle = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"\n";

    fn fingerprint(toml: &str) -> Fingerprint {
        let (region, made) = (Region::default(), Made::default());
        let document = Document::parse("test.toml".to_owned(), toml.to_owned(), PathBuf::new());
        let built = document
            .and_then(|document| document.build(&region, &made, None, "http://127.0.0.1:8080"))
            .unwrap_or_else(|error| panic!("{error}"));
        Fingerprint::of(built.server.configuration()).unwrap()
    }

    #[test]
    fn what_differs_is_named_and_what_is_written_is_read() {
        let one = fingerprint(&format!("issuer = \"https://a.example\"\n{KEYS}"));
        assert_eq!(Fingerprint::parse(&one.text()).as_ref(), Some(&one));
        let other = fingerprint(&format!("issuer = \"https://b.example\"\n{KEYS}"));
        // Without a signing key each start makes one.
        let differences = other.differences(&one);
        assert_eq!(differences, ["issuer", "signing-key", "verifying-keys"]);
        let other = fingerprint("issuer = \"https://a.example\"\nprofile = \"drillster\"\n");
        assert!(other.differences(&one).contains(&"profile"));
        assert!(other.differences(&one).contains(&"handle-keys"));
        assert!(!other.differences(&one).contains(&"issuer"));
        assert_eq!(one.differences(&one), [""; 0]);
        assert!(Fingerprint::parse("somebody else's bucket").is_none());
    }

    /// Whether its signatures are drawn, as those of ES256, or not.
    #[test]
    fn the_same_key_is_known_again_and_another_is_not() {
        for algorithm in [Algorithm::Es256, Algorithm::Hs256] {
            let profile = match algorithm {
                Algorithm::Es256 => "standard",
                Algorithm::Hs256 => "teen-quotes",
            };
            let of = |jwk: &Jwk| {
                let key = keys::print_private(jwk).unwrap();
                fingerprint(&format!(
                    "profile = \"{profile}\"\n{KEYS}signing = '{key}'\n"
                ))
            };
            let (one, other) = (keys::make(algorithm), keys::make(algorithm));
            let (one, other) = (one.unwrap(), other.unwrap());
            assert_eq!(of(&one), of(&one));
            let differences = of(&one);
            let differences = differences.differences(&of(&other)).join(" ");
            assert_eq!(differences, "signing-key verifying-keys");
        }
    }

    #[test]
    fn no_key_is_in_it() {
        let text = fingerprint(KEYS).text();
        assert!(!text.contains("000102030405060708"), "{text}");
        assert!(text.len() < 400, "{text}");
    }
}
