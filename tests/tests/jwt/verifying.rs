//! Tokens as they are verified, and refused.

use super::*;

#[test]
fn r37_a_token_may_be_as_long_as_is_said_and_no_longer() {
    let key = hs256();
    let keys: &[&dyn Verifier] = &[&key];
    let mut out = [0; 512];
    let token = jwt::issue(&key, &TokenFormat::ACCESS_TOKEN, &claims(), &mut out).unwrap();
    let token = token.as_str().as_bytes();
    for (token_octets, refused) in [
        (token.len(), None),
        (token.len() - 1, Some(JwsError::TooLong)),
    ] {
        let validation = Validation {
            token_octets,
            ..validation()
        };
        let mut scratch = [0; 512];
        let outcome = jwt::verify(
            token,
            &Keys::new(keys),
            &validation,
            Some(NOW),
            &mut scratch,
        );
        assert_eq!(outcome.map(|_| ()).err(), refused.map(VerifyError::Jws));
    }
}

#[test]
fn r33_typ_is_compared_as_a_media_type() {
    let key = hs256();
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/At+Jwt",
        r"at\u002Bjwt",
        r"application\/at+jwt",
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":"{typ}","kid":"k1"}}"#);
        let payload = payload_with("alice", "alice");
        let input = format!(
            "{}.{}",
            encoded(header.as_bytes()),
            encoded(payload.as_bytes())
        );
        let token = format!("{input}.{}", encoded(&signature(&key, &input)));
        let keys: &[&dyn Verifier] = &[&key];
        let mut scratch = [0; 512];
        let keys = Keys::new(keys);
        let verified = jwt::verify(
            token.as_bytes(),
            &keys,
            &validation(),
            Some(NOW),
            &mut scratch,
        );
        assert!(verified.is_ok(), "{typ}: {verified:?}");
    }
}

#[test]
fn r33_aud_is_a_string_or_an_array_of_strings() {
    for aud in [
        r#""https://rs.example""#,
        r#"["https://rs.example"]"#,
        r#"["https://a.example", "https://rs.example"]"#,
        r#"["https:\/\/rs.example"]"#,
    ] {
        let payload = payload_with(r#""https://rs.example""#, aud);
        with_payload(&payload, &validation(), |verified| {
            let audience = verified.unwrap().claims().audience.unwrap();
            assert!(audience.contains(AUDIENCE), "{aud}");
            assert!(!audience.contains("https://c.example"), "{aud}");
        });
    }
}

#[test]
fn r33_leeway_counts_to_the_second_and_for_the_token() {
    let payload = payload_with("1700000000", r#"1700000060,"nbf":1700000060"#);
    let with = |leeway| Validation {
        leeway: Seconds(leeway),
        ..validation()
    };
    with_payload(&payload, &with(60), |v| assert!(v.is_ok()));
    with_payload(&payload, &with(59), |v| {
        assert_eq!(v.unwrap_err(), VerifyError::NotYetValid);
    });

    let payload = payload_with("1700003600", "1699999941");
    with_payload(&payload, &with(60), |v| assert!(v.is_ok()));
    with_payload(&payload, &with(59), |v| {
        assert_eq!(v.unwrap_err(), VerifyError::Expired);
    });
}

#[test]
fn r33_dates_with_a_fraction_are_dates() {
    let payload = payload_with("1700003600", "1700000000.5");
    with_payload(&payload, &validation(), |v| {
        assert_eq!(v.unwrap_err(), VerifyError::Expired);
    });
    let payload = payload_with("1700003600", "1700000001.25");
    with_payload(&payload, &validation(), |v| {
        assert_eq!(
            v.unwrap().claims().expires_at,
            Some(UnixTime(1_700_000_001))
        );
    });
}

#[test]
fn r36_claims_with_escapes_are_resolved_and_the_text_is_kept() {
    // As PHP writes it.
    let payload = payload_with(r#""https://as.example""#, r#""https:\/\/as.example""#);
    let payload = payload.replace("alice", r"al\u00efce \uD83D\uDE00 \\ \u0022");
    with_payload(&payload, &validation(), |verified| {
        let verified = verified.unwrap();
        assert_eq!(verified.claims().issuer, Some(ISSUER));
        assert_eq!(verified.claims().subject, Some("alïce 😀 \\ \""));
        assert_eq!(verified.text(), payload);
    });
}

#[test]
fn r36_scope_names_with_escapes_are_found() {
    let payload = r#"{"sub":"alice","exp":1700003600,"jti":"id-1","client_id":"app","scope":["read","user\/write"]}"#;
    with_payload(payload, &Validation::new(ARRAY), |verified| {
        let scope = verified.unwrap().claims().scope.unwrap();
        assert_eq!(scope.names().collect::<Vec<_>>(), ["read", "user/write"]);
        assert!(matches!(scope, ScopeClaim::Text("read user/write")));
    });
    // A name with a space in it would become two.
    for name in [r#"read admin"#, r"read\u0020admin", "", r#"\""#] {
        let payload = payload.replace(r"user\/write", name);
        with_payload(&payload, &Validation::new(ARRAY), |verified| {
            assert_eq!(
                verified.unwrap_err(),
                VerifyError::ClaimValue(Claim::Scope),
                "{name}"
            );
        });
    }
}

#[test]
fn r05_escapes_beyond_the_scratch_are_refused_and_twice_the_token_is_enough() {
    let payload = payload_with("alice", &format!(r"\/{}", "x".repeat(400)));
    with_payload(&payload, &validation(), |verified| {
        assert_eq!(verified.unwrap_err(), VerifyError::ScratchTooSmall);
    });
    let header = r#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#;
    let token = signed(header, &payload);
    let key = hs256();
    let keys: &[&dyn Verifier] = &[&key];
    let mut scratch = vec![0; 2 * token.len()];
    let keys = Keys::new(keys);
    let verified = jwt::verify(
        token.as_bytes(),
        &keys,
        &validation(),
        Some(NOW),
        &mut scratch,
    );
    assert_eq!(verified.unwrap().claims().subject.map(str::len), Some(401));
}

#[test]
fn r39_two_keys_at_once_and_the_retired_one_until_it_is_taken_away() {
    let retired = Hs256Key::new(&HS256_SECRET, Some("2025")).unwrap();
    let current = Hs256Key::new(&[1; 32], Some("2026")).unwrap();
    let es256 = es256();
    let public = es256.verifying_key();
    let all: &[&dyn Verifier] = &[&current, &retired, &public];
    let without: &[&dyn Verifier] = &[&current, &public];

    for (signer, keys, expected) in [
        (&retired as &dyn Signer, all, None),
        (&current, all, None),
        (&es256, all, None),
        (&current, without, None),
        (&retired, without, Some(JwsError::KeyUnknown)),
        (&es256, &all[..2], Some(JwsError::KeyUnknown)),
        (&retired, &[], Some(JwsError::KeyUnknown)),
    ] {
        let mut out = [0; 512];
        let token = jwt::issue(signer, &TokenFormat::ACCESS_TOKEN, &claims(), &mut out).unwrap();
        let mut scratch = [0; 512];
        let outcome = jwt::verify(
            token.as_str().as_bytes(),
            &Keys::new(keys),
            &validation(),
            Some(NOW),
            &mut scratch,
        );
        assert_eq!(outcome.map(|_| ()).err(), expected.map(VerifyError::Jws));
    }
}

#[test]
fn r34_kid_finds_a_key_and_proves_nothing() {
    let unnamed = Hs256Key::new(&HS256_SECRET, None).unwrap();
    let named = hs256();
    let impostor = Hs256Key::new(&[1; 32], Some(KEY_ID)).unwrap();
    let verify = |signer: &dyn Signer, keys: &[&dyn Verifier]| {
        let mut out = [0; 512];
        let token = jwt::issue(signer, &TokenFormat::ACCESS_TOKEN, &claims(), &mut out).unwrap();
        let token = token.as_str().as_bytes();
        let mut scratch = [0; 512];
        let keys = Keys::new(keys);
        jwt::verify(token, &keys, &validation(), Some(NOW), &mut scratch).map(|_| ())
    };
    // The only key, with and without a name, for tokens with and without.
    assert_eq!(verify(&unnamed, &[&unnamed]), Ok(()));
    assert_eq!(verify(&unnamed, &[&named]), Ok(()));
    assert_eq!(verify(&named, &[&unnamed]), Ok(()));
    assert_eq!(verify(&named, &[&named]), Ok(()));
    let mismatch = VerifyError::Jws(JwsError::Signature(SignatureError::Mismatch));
    assert_eq!(verify(&impostor, &[&unnamed]), Err(mismatch));
    assert_eq!(verify(&impostor, &[&named]), Err(mismatch));
    // A key with a name is not asked about a token for another, be it the only one.
    let other = Hs256Key::new(&HS256_SECRET, Some("other")).unwrap();
    assert_eq!(
        verify(&other, &[&named]),
        Err(VerifyError::Jws(JwsError::KeyUnknown))
    );
    // Of two with the same name the first is asked, and no other is tried.
    assert_eq!(verify(&named, &[&impostor, &named]), Err(mismatch));
    assert_eq!(
        verify(&unnamed, &[]),
        Err(VerifyError::Jws(JwsError::KeyIdMissing))
    );
}

#[test]
fn a_format_without_scopes_has_none() {
    let format = TokenFormat {
        scope: ScopeForm::Absent,
        ..TokenFormat::ACCESS_TOKEN
    };
    let mut out = [0; 512];
    let token = jwt::issue(&hs256(), &format, &claims(), &mut out).unwrap();
    let (_, payload) = parts(token.as_str());
    assert!(!payload.contains("scope"), "{payload}");
    // One that there is all the same is the application's, and may be anything.
    let payload = payload.replace('{', r#"{"scope":[7],"#);
    let expecting = Validation {
        format,
        ..validation()
    };
    with_payload(&payload, &expecting, |verified| {
        assert!(verified.unwrap().claims().scope.is_none());
    });
}

#[test]
fn r33_a_scope_is_of_the_formats_form_and_of_no_other() {
    let text = r#"{"sub":"alice","exp":1700003600,"jti":"id-1","client_id":"app","scope":"read"}"#;
    let array = text.replace(r#""read""#, r#"["read"]"#);
    let expecting = |scope| Validation::new(TokenFormat { scope, ..ARRAY });
    for (payload, form, good) in [
        (text, ScopeForm::Text, true),
        (text, ScopeForm::Array, false),
        (&array, ScopeForm::Array, true),
        (&array, ScopeForm::Text, false),
    ] {
        with_payload(payload, &expecting(form), |verified| {
            let wrong = (!good).then_some(VerifyError::ClaimType(Claim::Scope));
            assert_eq!(verified.map(|_| ()).err(), wrong, "{payload}");
        });
    }
}

/// Also in a kind of token that does not have them.
#[test]
fn r33_the_end_and_what_is_expected_are_always_wanted() {
    let format = TokenFormat {
        claims: &[Claim::Subject],
        ..ARRAY
    };
    let plain = Validation::new(format);
    let issuer = Validation {
        issuer: Some(ISSUER),
        ..plain
    };
    let audience = Validation {
        audience: Some(AUDIENCE),
        ..plain
    };
    let (endless, short) = (r#"{"sub":"alice"}"#, r#"{"sub":"alice","exp":1700003600}"#);
    for (payload, validation, missing) in [
        (endless, plain, Some(Claim::ExpiresAt)),
        (short, plain, None),
        (short, issuer, Some(Claim::Issuer)),
        (short, audience, Some(Claim::Audience)),
    ] {
        with_payload(payload, &validation, |verified| {
            let outcome = verified.map(|_| ()).err();
            assert_eq!(outcome, missing.map(VerifyError::ClaimMissing));
        });
    }
}

#[test]
fn r05_claims_without_escapes_need_no_room_beside_the_payload() {
    let payload = payload_with("alice", "alice");
    let key = hs256();
    let keys: &[&dyn Verifier] = &[&key];
    let mut out = [0; 512];
    let token = jwt::issue(&key, &TokenFormat::ACCESS_TOKEN, &claims(), &mut out).unwrap();
    for (room, refused) in [
        (payload.len(), None),
        (payload.len() - 1, Some(JwsError::ScratchTooSmall)),
    ] {
        let mut scratch = vec![0; room];
        let outcome = jwt::verify(
            token.as_str().as_bytes(),
            &Keys::new(keys),
            &validation(),
            Some(NOW),
            &mut scratch,
        );
        assert_eq!(outcome.map(|_| ()).err(), refused.map(VerifyError::Jws));
    }
}
