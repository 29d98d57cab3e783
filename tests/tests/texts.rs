//! What errors and values say of themselves: each cause something of its own, and secrets nothing.

use std::collections::BTreeSet;
use std::error::Error;

use smallgate_core::bearer::BearerError;
use smallgate_core::codec::base64url::Base64Error;
use smallgate_core::codec::basic::BasicError;
use smallgate_core::codec::form::{FormError, NotText};
use smallgate_core::codec::json::{JsonError, Object, Value, Writer};
use smallgate_core::jose::{
    Es256SigningKey, ExpectedType, HeaderParameter, HeaderPolicy, JwkError, JwkMember, JwsError,
    KeyError, Keys, SignError, SignatureError, Verifier, sign, verify,
};
use smallgate_core::jwt::{
    self, CachingVerifier, Claim, Claims, ExtraError, IssueError, ScopeForm, TokenCache,
    TokenFormat, Validation, VerifyError, issue,
};
use smallgate_core::oauth::{
    CodeVerifier, GrantId, JwtId, Parameter, PasswordHash, RecordError, Refusal,
};
use smallgate_core::profile::JwtIdForm;
use smallgate_core::scope::ScopeError;
use smallgate_core::sha256::{HmacKey, Sha256};
use smallgate_core::store::{GrantSlot, MemoryStore, StoreUnavailable};
use smallgate_core::time::{Seconds, UnixTime};

/// Each says something, and no two say the same.
fn told<E: Error>(errors: &[E]) {
    let texts: BTreeSet<String> = errors.iter().map(E::to_string).collect();
    assert_eq!(texts.len(), errors.len(), "{texts:#?}");
    assert!(texts.iter().all(|text| text.len() > 7), "{texts:#?}");
}

const JSON: [JsonError; 9] = [
    JsonError::TooLong,
    JsonError::InvalidUtf8,
    JsonError::Syntax,
    JsonError::TooDeep,
    JsonError::TooManyMembers,
    JsonError::DuplicateMember,
    JsonError::NotAnObject,
    JsonError::TrailingOctets,
    JsonError::BufferTooSmall,
];

const BASE64: [Base64Error; 4] = [
    Base64Error::InvalidLength,
    Base64Error::InvalidCharacter,
    Base64Error::TrailingBits,
    Base64Error::BufferTooSmall,
];

#[test]
fn each_error_of_a_codec_says_what_is_wrong() {
    told(&JSON);
    told(&BASE64);
    told(&[
        BasicError::TooLong,
        BasicError::InvalidBase64,
        BasicError::NoColon,
        BasicError::InvalidUtf8,
        BasicError::ControlCharacter,
    ]);
    told(&[
        FormError::TooLong,
        FormError::TooManyParameters,
        FormError::BadEscape,
        FormError::InvalidUtf8,
        FormError::Repeated,
        FormError::Json(JsonError::Syntax),
        FormError::Json(JsonError::TooDeep),
    ]);
    told(&[NotText]);
}

#[test]
fn each_error_of_a_key_or_a_signature_says_what_is_wrong() {
    told(&[SignError::Backend, SignError::BufferTooSmall]);
    told(&[
        SignatureError::Length,
        SignatureError::OutOfRange,
        SignatureError::Mismatch,
        SignatureError::Backend,
    ]);
    told(&[
        KeyError::TooShort,
        KeyError::TooLong,
        KeyError::PublicKey,
        KeyError::OffCurve,
        KeyError::OutOfRange,
        KeyError::NotAPair,
        KeyError::KeyIdTooLong,
        KeyError::WrongKeyType,
    ]);
    told(&[
        JwkError::Json(JsonError::Syntax),
        JwkError::Missing(JwkMember::KeyType),
        JwkError::Missing(JwkMember::Curve),
        JwkError::Type(JwkMember::Curve),
        JwkError::Encoding(JwkMember::Curve, Base64Error::TrailingBits),
        JwkError::Length(JwkMember::Curve),
        JwkError::Unsupported(JwkMember::Curve),
        JwkError::NotForSignatures,
        JwkError::KeyIdTooLong,
        JwkError::NotWritable,
    ]);
    let missing = JwkError::Missing(JwkMember::KeyType).to_string();
    assert_eq!(missing, "the key has no kty");
}

#[test]
fn each_error_of_a_token_says_what_is_wrong() {
    told(&[
        JwsError::TooLong,
        JwsError::NotThreeParts,
        JwsError::HeaderEncoding(Base64Error::InvalidLength),
        JwsError::HeaderJson(JsonError::Syntax),
        JwsError::HeaderType(HeaderParameter::Algorithm),
        JwsError::HeaderType(HeaderParameter::KeyId),
        JwsError::HeaderType(HeaderParameter::Type),
        JwsError::CriticalHeader,
        JwsError::UnencodedPayload,
        JwsError::EmbeddedKey,
        JwsError::AlgorithmMissing,
        JwsError::AlgorithmMismatch,
        JwsError::TypeMissing,
        JwsError::TypeMismatch,
        JwsError::KeyIdMissing,
        JwsError::KeyUnknown,
        JwsError::SignatureEncoding(Base64Error::InvalidLength),
        JwsError::Signature(SignatureError::Mismatch),
        JwsError::PayloadEncoding(Base64Error::InvalidLength),
        JwsError::ScratchTooSmall,
    ]);
    told(&[
        VerifyError::ClockUnset,
        VerifyError::LeewayTooLong,
        VerifyError::ExpectationMissing(Claim::Issuer),
        VerifyError::Jws(JwsError::KeyUnknown),
        VerifyError::PayloadJson(JsonError::Syntax),
        VerifyError::ClaimType(Claim::Issuer),
        VerifyError::ClaimValue(Claim::Issuer),
        VerifyError::ClaimMissing(Claim::Issuer),
        VerifyError::ClaimMissing(Claim::Audience),
        VerifyError::IssuerMismatch,
        VerifyError::AudienceMismatch,
        VerifyError::Expired,
        VerifyError::NotYetValid,
        VerifyError::IssuedInFuture,
        VerifyError::ScratchTooSmall,
    ]);
    told(&[
        IssueError::ClaimMissing(Claim::ExpiresAt),
        IssueError::TimeOutOfRange(Claim::ExpiresAt),
        IssueError::ExtraNotAnObject,
        IssueError::ExtraJson(JsonError::Syntax),
        IssueError::ExtraReserved(Claim::ExpiresAt),
        IssueError::BufferTooSmall,
        IssueError::Backend,
    ]);
    told(&[ExtraError::EscapedName, ExtraError::Mismatch]);
    let missing = VerifyError::ClaimMissing(Claim::ExpiresAt).to_string();
    assert_eq!(missing, "the token has no exp");
    let inner = VerifyError::Jws(JwsError::Signature(SignatureError::Mismatch)).to_string();
    assert_eq!(inner, SignatureError::Mismatch.to_string());
}

#[test]
fn each_error_of_a_server_says_what_is_wrong() {
    told(&[
        ScopeError::TooMany,
        ScopeError::Malformed,
        ScopeError::Repeated,
        ScopeError::Unknown,
    ]);
    told(&[
        RecordError::Vacant,
        RecordError::Checksum,
        RecordError::Version,
        RecordError::Malformed,
    ]);
    told(&[StoreUnavailable]);
    told(&[
        BearerError::NoToken,
        BearerError::TokenInQuery,
        BearerError::SeveralTokens,
        BearerError::Malformed,
        BearerError::Invalid(VerifyError::Expired),
        BearerError::Revoked,
        BearerError::InsufficientScope,
        BearerError::ClockUnset,
        BearerError::StoreUnavailable,
    ]);
    told(&[
        Refusal::QueryPresent,
        Refusal::ContentType,
        Refusal::BodyTooLong,
        Refusal::QueryTooLong,
        Refusal::Body(FormError::Repeated),
        Refusal::RepeatedHeader,
        Refusal::Missing(Parameter::Code),
        Refusal::Invalid(Parameter::Code),
        Refusal::Invalid(Parameter::RedirectUri),
        Refusal::TwoMethods,
        Refusal::OtherClientId,
        Refusal::NoClientAuthentication,
        Refusal::BasicMalformed,
        Refusal::AuthenticationMethod,
        Refusal::UnknownClient,
        Refusal::WrongSecret,
        Refusal::Denied,
        Refusal::UnsupportedResponseType,
        Refusal::ForeignOrigin,
        Refusal::FormForged,
        Refusal::FormExpired,
        Refusal::UnsupportedTokenType,
        Refusal::ApiKey,
        Refusal::UnsupportedGrantType,
        Refusal::GrantTypeNotAllowed,
        Refusal::Scope,
        Refusal::UnknownUser,
        Refusal::WrongPassword,
        Refusal::CodeInvalid,
        Refusal::CodeExpired,
        Refusal::CodeReplayed,
        Refusal::RefreshInvalid,
        Refusal::RefreshExpired,
        Refusal::RefreshReused,
        Refusal::RefreshRaced,
        Refusal::GrantRevoked(Parameter::Code),
        Refusal::GrantOutdated(Parameter::Code),
        Refusal::Throttled(Seconds(7)),
        Refusal::Busy,
        Refusal::ClockUnset,
        Refusal::ClockWentBack,
        Refusal::StoreFull,
        Refusal::StoreUnavailable,
        Refusal::StoreStale,
        Refusal::Contended,
        Refusal::RecordDamaged,
        Refusal::Signing,
        Refusal::ResponseTooLong,
    ]);
    let throttled = Refusal::Throttled(Seconds(7)).to_string();
    assert!(throttled.contains("7 s"), "{throttled}");
}

#[test]
fn times_are_numbers() {
    assert_eq!(UnixTime(1_800_000_000).to_string(), "1800000000");
    assert_eq!(Seconds(60).to_string(), "60");
    // Widths are the formatter's.
    assert_eq!(format!("{:>4}{:>4}", UnixTime(7), Seconds(8)), "   7   8");
}

#[test]
fn r08_what_may_be_secret_is_not_printed() {
    let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(format!("{verifier:?}"), "Some(CodeVerifier(..))");
    let hash = PasswordHash::new("password", [3; 16], 1000);
    assert_eq!(format!("{hash:?}"), "PasswordHash { iterations: 1000, .. }");
    let hashes = format!("{:?} {:?}", Sha256::default(), HmacKey::new(b"key"));
    assert_eq!(hashes, "Sha256 HmacKey");

    let mut out = [0; 64];
    let mut writer = Writer::new(&mut out);
    writer.begin_object();
    assert_eq!(format!("{writer:?}"), "Writer(1 octets)");
    let text = br#"{"a":1,"b":"2","c":true,"d":null,"e":[3],"f":{}}"#;
    let object = Object::parse(text, &HeaderPolicy::LIMITS).expect("it is good");
    let shown: Vec<_> = object
        .members()
        .map(|(_, value)| format!("{value:?}"))
        .collect();
    assert_eq!(
        shown,
        [
            "Number(..)",
            "Text(..)",
            "Bool(..)",
            "Null",
            "Array(..)",
            "Object(..)"
        ]
    );
    let Some(Value::Array(array)) = object.member("e") else {
        panic!("an array");
    };
    assert_eq!(format!("{array:?}"), "Array(..)");
    let Some(Value::Number(number)) = object.member("a") else {
        panic!("a number");
    };
    assert_eq!(format!("{number:?}"), "Number(..)");
}

#[test]
fn r08_keys_and_tokens_show_names_and_claims_alone() {
    let signer = Es256SigningKey::new(&[7; 32], Some("k1")).expect("a scalar");
    let key = signer.verifying_key();
    let shown = format!("{key:?}");
    assert!(shown.starts_with("Es256VerifyingKey { key_id: ") && shown.contains("k1"));
    assert!(shown.len() < 90, "{shown}");
    let verifiers: [&dyn Verifier; 1] = [&key];
    let keys = Keys::new(&verifiers);
    assert_eq!(format!("{keys:?}"), r#"[Some("k1")]"#);

    let mut out = [0; 256];
    let payload = |json: &mut Writer<'_>| {
        json.begin_object();
        json.member_text("iss", "somebody");
        json.end_object();
    };
    let token = sign(&signer, Some("JWT"), payload, &mut out).expect("a token");
    assert_eq!(format!("{token:?}"), "SignedToken(..)");
    let policy = HeaderPolicy::new(ExpectedType::Untyped);
    let mut scratch = [0; 256];
    let verified = verify(token.as_str().as_bytes(), &keys, &policy, &mut scratch);
    let verified = verified.expect("it was signed with that key");
    assert_eq!(format!("{verified:?}"), "VerifiedJws(..)");
    assert_eq!(verified.payload(), br#"{"iss":"somebody"}"#);

    let claims = Claims {
        expires_at: Some(UnixTime(2)),
        ..Claims::default()
    };
    let format = TokenFormat {
        typ: None,
        claims: &[Claim::ExpiresAt],
        scope: ScopeForm::Absent,
    };
    let token = issue(&signer, &format, &claims, &mut out).expect("a token");
    let (token, validation) = (token.as_str().as_bytes(), Validation::new(format));
    let judged = jwt::verify(token, &keys, &validation, Some(UnixTime(1)), &mut scratch);
    let shown = format!("{:?}", judged.expect("it is still good"));
    assert!(shown.starts_with("Verified(Claims {"), "{shown}");
    assert!(shown.contains("expires_at: Some(UnixTime(2))"), "{shown}");

    let mut cache = TokenCache::<4>::default();
    assert_eq!(format!("{cache:?}"), "TokenCache(4)");
    let validation = Validation::new(TokenFormat::ACCESS_TOKEN);
    let caching = CachingVerifier::new(keys, validation, &mut cache);
    assert_eq!(format!("{caching:?}"), "CachingVerifier(4)");
}

#[test]
fn ids_are_printed_in_hexadecimal() {
    let id = GrantId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xAB, 0xFF]);
    assert_eq!(format!("{id:?}"), "GrantId(00010203040506070809abff)");
}

#[test]
fn the_id_of_a_token_is_read_as_it_was_printed_and_in_no_other_way() {
    let uuid = |text| JwtId::parse(text, JwtIdForm::Uuid);
    let id = JwtId([
        0, 1, 2, 3, 4, 5, 0x46, 7, 0x88, 9, 0xA, 0xB, 0xC, 0xD, 0xE, 0xF,
    ]);
    assert_eq!(uuid("00010203-0405-4607-8809-0a0b0c0d0e0f"), Some(id));
    for text in [
        "000102030405460788090a0b0c0d0e0f",
        "00010203-0405-4607-8809-0a0b0c0d0e0f0",
        "00010203-0405-4607-88090a0b0c0d0e0f00",
        "00010203-0405-4607-8809-0a0b0c0d0e0",
    ] {
        assert_eq!(uuid(text), None, "{text}");
    }
}

#[test]
fn stores_show_how_full_they_are() {
    let store = MemoryStore::<3>::default();
    assert!(store.is_empty());
    assert_eq!(format!("{store:?}"), "MemoryStore(0 of 3)");
    let vacant = format!("{:?}", GrantSlot::VACANT);
    assert_eq!(vacant, "GrantSlot(Record(Err(Vacant)))");
}
