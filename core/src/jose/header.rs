//! The JOSE header (RFC 7515 §4): what is looked at, and what is refused.

use crate::codec::json::{Limits, MAX_OCTETS, Object, Text, Value};

use super::{Algorithm, JwsError};

/// What a verifier wants of a header's `typ` (RFC 7515 §4.1.9, RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedType<'p> {
    /// Anything: the caller has another way to tell kinds of token apart.
    Any,
    /// None, or `JWT`: a token of no particular kind, and so of no other kind.
    Untyped,
    /// This media type, written without `application/`, such as `at+jwt`.
    Exactly(&'p str),
}

/// What a verifier wants of a token before it looks for a key.
#[derive(Clone, Copy, Debug)]
pub struct HeaderPolicy<'p> {
    /// The most octets of the whole token.
    pub token_octets: usize,
    /// The kind of token.
    pub typ: ExpectedType<'p>,
    /// The bounds of the header as JSON.
    pub limits: Limits,
}

impl<'p> HeaderPolicy<'p> {
    /// The bounds that [`new`](Self::new) sets: 512 octets, two levels of
    /// objects or arrays below the header itself, 16 members.
    pub const LIMITS: Limits = Limits {
        octets: 512,
        depth: 3,
        members: 16,
        trailing_comma: false,
    };

    /// Tokens of at most 1024 octets with this `typ`.
    #[must_use]
    pub const fn new(typ: ExpectedType<'p>) -> Self {
        HeaderPolicy {
            token_octets: 1024,
            typ,
            limits: Self::LIMITS,
        }
    }
}

/// A header parameter that this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum HeaderParameter {
    /// `alg` (RFC 7515 §4.1.1).
    Algorithm,
    /// `kid` (RFC 7515 §4.1.4).
    KeyId,
    /// `typ` (RFC 7515 §4.1.9).
    Type,
}

/// What is read of a header that has nothing forbidden in it.
pub(super) struct Header<'t> {
    algorithm: Text<'t>,
    pub(super) key_id: Option<Text<'t>>,
}

impl<'t> Header<'t> {
    /// Reads a header, where there is room for it at once if it is one of ours.
    pub(super) fn read(json: &'t [u8], policy: &HeaderPolicy<'_>) -> Result<Self, JwsError> {
        let signed = match cfg!(target_pointer_width = "64") {
            true => Self::as_signed(json, policy),
            false => None,
        };
        signed.map_or_else(|| Self::parse(json, policy), Ok)
    }

    /// Reads a header that is, octet for octet, as [`sign`](super::sign) writes it,
    /// with the `typ` that is wanted and nothing to escape: none that
    /// [`parse`](Self::parse) would refuse or read otherwise.
    fn as_signed(json: &'t [u8], policy: &HeaderPolicy<'_>) -> Option<Self> {
        let (ExpectedType::Exactly(typ), limits) = (policy.typ, policy.limits) else {
            return None;
        };
        if json.len() > limits.octets.min(MAX_OCTETS) || limits.depth < 1 || limits.members < 3 {
            return None;
        }
        let rest = json.strip_prefix(br#"{"alg":""#)?;
        let (algorithm, rest) =
            [Algorithm::Hs256, Algorithm::Es256]
                .into_iter()
                .find_map(|algorithm| {
                    let name = algorithm.name();
                    Some((name, rest.strip_prefix(name.as_bytes())?))
                })?;
        let rest = rest.strip_prefix(br#"","typ":""#)?;
        let rest = rest.strip_prefix(Text::plain(typ)?.as_str()?.as_bytes())?;
        let rest = rest.strip_prefix(br#"","kid":""#)?;
        let key_id = rest.strip_suffix(br#""}"#)?;
        Some(Header {
            algorithm: Text::plain(algorithm)?,
            key_id: Some(Text::plain(str::from_utf8(key_id).ok()?)?),
        })
    }

    /// Reads a header: a JSON object in which nothing stands twice.
    // Not inlined: its frame, with the table of members, would lie below the one that checks the
    // signature.
    #[inline(never)]
    fn parse(json: &'t [u8], policy: &HeaderPolicy<'_>) -> Result<Self, JwsError> {
        let mut object = Object::empty();
        object
            .read(json, &policy.limits)
            .map_err(JwsError::HeaderJson)?;
        let mut algorithm = None;
        let mut key_id = None;
        let mut typ = None;
        for (name, value) in object.members() {
            match Name::of(name) {
                Name::Algorithm => algorithm = Some(text(value, HeaderParameter::Algorithm)?),
                Name::KeyId => key_id = Some(text(value, HeaderParameter::KeyId)?),
                Name::Type => typ = Some(text(value, HeaderParameter::Type)?),
                // "If any of the listed extension Header Parameters are not
                // understood and supported by the recipient, then the JWS is
                // invalid. […] Producers MUST NOT use the empty list "[]""
                // (RFC 7515 §4.1.11). None is supported.
                Name::Critical => return Err(JwsError::CriticalHeader),
                // It must be listed in `crit` (RFC 7797 §6), which is refused.
                Name::Unencoded => return Err(JwsError::UnencodedPayload),
                // "blindly following a "jku" (JWK set URL) or "x5u" (X.509 URL)
                // header […] could result in server-side request forgery"
                // (RFC 8725 §3.10), and a key in the token proves nothing.
                Name::Key => return Err(JwsError::EmbeddedKey),
                // "Unless listed as a critical Header Parameter […] all Header
                // Parameters not defined by this specification MUST be ignored
                // when not understood" (RFC 7515 §4).
                Name::Other => {}
            }
        }
        check_type(typ, policy.typ)?;
        Ok(Header {
            algorithm: algorithm.ok_or(JwsError::AlgorithmMissing)?,
            key_id,
        })
    }

    /// Whether `alg` names the algorithm of the key. Names are case-sensitive
    /// (RFC 7515 §4.1.1), and `none` is no key's.
    pub(super) fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithm.eq_str(algorithm.name())
    }
}

/// The header parameters that mean something here.
#[derive(Clone, Copy)]
enum Name {
    Algorithm,
    KeyId,
    Type,
    Critical,
    Unencoded,
    Key,
    Other,
}

impl Name {
    /// The longest name that means something.
    const LONGEST: usize = 4;

    fn of(name: Text<'_>) -> Name {
        let mut room = [0; Self::LONGEST];
        // A name that does not fit even unescaped is none of these.
        let name = name.as_str().or_else(|| name.unescape(&mut room).ok());
        match name {
            Some("alg") => Name::Algorithm,
            Some("kid") => Name::KeyId,
            Some("typ") => Name::Type,
            Some("crit") => Name::Critical,
            Some("b64") => Name::Unencoded,
            Some("jwk" | "jku" | "x5u" | "x5c") => Name::Key,
            _ => Name::Other,
        }
    }
}

fn text<'t>(value: Value<'t>, parameter: HeaderParameter) -> Result<Text<'t>, JwsError> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err(JwsError::HeaderType(parameter)),
    }
}

fn check_type(typ: Option<Text<'_>>, expected: ExpectedType<'_>) -> Result<(), JwsError> {
    let matches = match (expected, typ) {
        (ExpectedType::Any, _) | (ExpectedType::Untyped, None) => true,
        (ExpectedType::Untyped, Some(typ)) => is_media_type(typ, "JWT"),
        (ExpectedType::Exactly(expected), Some(typ)) => is_media_type(typ, expected),
        (ExpectedType::Exactly(_), None) => return Err(JwsError::TypeMissing),
    };
    if matches {
        Ok(())
    } else {
        Err(JwsError::TypeMismatch)
    }
}

/// "A recipient using the media type value MUST treat it as if "application/"
/// were prepended to any "typ" value not containing a '/'" (RFC 7515 §4.1.9);
/// media types are compared without regard to case (RFC 2045 §5.1).
fn is_media_type(typ: Text<'_>, expected: &str) -> bool {
    if typ.as_str() == Some(expected) {
        return true;
    }
    let same = |prefix: &str| {
        let mut expected = prefix.bytes().chain(expected.bytes());
        typ.octets().all(|octet| {
            expected
                .next()
                .is_some_and(|next| next.eq_ignore_ascii_case(&octet))
        }) && expected.next().is_none()
    };
    same("") || same("application/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(typ: &str) -> HeaderPolicy<'_> {
        HeaderPolicy::new(ExpectedType::Exactly(typ))
    }

    #[test]
    fn a_header_of_ours_is_read_at_once_and_as_any_other() {
        let json = br#"{"alg":"HS256","typ":"at+jwt","kid":"2026-01"}"#;
        let policy = policy("at+jwt");
        let at_once = Header::as_signed(json, &policy).expect("one of ours");
        let parsed = Header::parse(json, &policy).expect("a header");
        for header in [at_once, parsed] {
            assert!(header.is_for(Algorithm::Hs256) && !header.is_for(Algorithm::Es256));
            assert_eq!(header.key_id.and_then(Text::as_str), Some("2026-01"));
        }
    }

    #[test]
    fn what_looks_like_one_of_ours_is_parsed() {
        let wanted = policy("at+jwt");
        let with = |kid: &[u8]| {
            let ours: &[u8] = br#"{"alg":"HS256","typ":"at+jwt","kid":""#;
            [ours, kid, br#""}"#].concat()
        };
        for kid in [
            &br#"k","crit":["x"#[..],
            br#"k","kid":"l"#,
            br"k\",
            br"\u006b",
            b"k\n",
            b"\xFF",
        ] {
            assert!(Header::as_signed(&with(kid), &wanted).is_none(), "{kid:?}");
        }
        // A name of a kind of token is no JSON.
        let typ = r#"at+jwt","x":""#;
        let json = br#"{"alg":"HS256","typ":"at+jwt","x":"","kid":"k"}"#;
        assert!(Header::as_signed(json, &policy(typ)).is_none());
        let good = with(b"k");
        let limits = Limits {
            octets: good.len(),
            depth: 1,
            members: 3,
            trailing_comma: false,
        };
        let exact = HeaderPolicy { limits, ..wanted };
        assert!(Header::as_signed(&good, &exact).is_some());
        for limits in [
            Limits {
                octets: good.len() - 1,
                ..HeaderPolicy::LIMITS
            },
            Limits {
                members: 2,
                ..HeaderPolicy::LIMITS
            },
            Limits {
                depth: 0,
                ..HeaderPolicy::LIMITS
            },
        ] {
            let narrow = HeaderPolicy { limits, ..wanted };
            assert!(Header::as_signed(&good, &narrow).is_none());
            assert!(Header::parse(&good, &narrow).is_err());
        }
    }
}
