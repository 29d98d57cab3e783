//! Applications' own claims.

use super::*;

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
struct Device<'a> {
    #[serde(borrow)]
    device: &'a str,
    floor: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<[u8; 2]>,
}

#[test]
fn an_applications_claims_come_after_ours_and_come_back() {
    let device = Device {
        device: "lamp-7",
        floor: 2,
        rooms: Some([3, 4]),
    };
    let mut out = [0; 512];
    let token = jwt::issue_with(&hs256(), &ARRAY, &claims(), &device, &mut out).unwrap();
    let (_, payload) = parts(token.as_str());
    assert_eq!(
        payload,
        r#"{"sub":"alice","exp":1700003600,"jti":"id-1","client_id":"app","scope":["read","write"],"device":"lamp-7","floor":2,"rooms":[3,4]}"#
    );
    with_payload(&payload, &Validation::new(ARRAY), |verified| {
        assert_eq!(verified.unwrap().extra::<Device<'_>>(), Ok(device));
    });
}

#[test]
fn an_applications_claims_may_be_empty_or_alone() {
    #[derive(serde::Serialize)]
    struct Nothing {}
    let mut out = [0; 512];
    let token = jwt::issue_with(&hs256(), &ARRAY, &claims(), &Nothing {}, &mut out).unwrap();
    let (_, payload) = parts(token.as_str());
    assert!(payload.ends_with(r#""scope":["read","write"]}"#));

    const BARE: TokenFormat = TokenFormat {
        typ: None,
        claims: &[],
        scope: ScopeForm::Absent,
    };
    let device = Device {
        device: "lamp-7",
        floor: 2,
        rooms: None,
    };
    let mut out = [0; 512];
    let token = jwt::issue_with(&hs256(), &BARE, &claims(), &device, &mut out).unwrap();
    assert_eq!(parts(token.as_str()).1, r#"{"device":"lamp-7","floor":2}"#);
    let mut out = [0; 512];
    let token = jwt::issue_with(&hs256(), &BARE, &claims(), &Nothing {}, &mut out).unwrap();
    assert_eq!(parts(token.as_str()).1, "{}");
}

#[test]
fn an_applications_claim_with_a_registered_name_is_refused() {
    #[derive(serde::Serialize)]
    struct Subject {
        sub: &'static str,
    }
    #[derive(serde::Serialize)]
    struct NotBefore {
        nbf: u64,
    }
    #[derive(serde::Serialize)]
    struct Twice {
        a: u8,
        #[serde(rename = "a")]
        b: u8,
    }
    let mut out = [0; 512];
    let key = hs256();
    let mut issue = |error| match error {
        0 => jwt::issue_with(&key, &ARRAY, &claims(), &Subject { sub: "root" }, &mut out).err(),
        // The format has no nbf; the name is ours all the same.
        1 => jwt::issue_with(&key, &ARRAY, &claims(), &NotBefore { nbf: 0 }, &mut out).err(),
        2 => jwt::issue_with(&key, &ARRAY, &claims(), &Twice { a: 1, b: 2 }, &mut out).err(),
        3 => jwt::issue_with(&key, &ARRAY, &claims(), &"sub", &mut out).err(),
        _ => jwt::issue_with(&key, &ARRAY, &claims(), &[1, 2], &mut out).err(),
    };
    assert_eq!(issue(0), Some(IssueError::ExtraReserved(Claim::Subject)));
    assert_eq!(issue(1), Some(IssueError::ExtraReserved(Claim::NotBefore)));
    assert_eq!(
        issue(2),
        Some(IssueError::ExtraJson(JsonError::DuplicateMember))
    );
    assert_eq!(issue(3), Some(IssueError::ExtraNotAnObject));
    assert_eq!(issue(4), Some(IssueError::ExtraNotAnObject));
}

#[test]
fn an_applications_claims_need_the_room_of_the_token_and_nothing_else() {
    let device = Device {
        device: "lamp-7",
        floor: 2,
        rooms: None,
    };
    let mut out = [0; 512];
    let token = jwt::issue_with(&hs256(), &ARRAY, &claims(), &device, &mut out).unwrap();
    let expected = token.as_str().to_owned();
    let mut exact = vec![0; expected.len()];
    let token = jwt::issue_with(&hs256(), &ARRAY, &claims(), &device, &mut exact).unwrap();
    assert_eq!(token.as_str(), expected);
    for less in 0..expected.len() {
        assert_eq!(
            jwt::issue_with(&hs256(), &ARRAY, &claims(), &device, &mut exact[..less]).unwrap_err(),
            IssueError::BufferTooSmall
        );
    }
}

#[test]
fn r33_an_applications_claim_is_never_absent_because_of_its_spelling() {
    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Optional<'a> {
        #[serde(borrow)]
        device: Option<&'a str>,
    }
    for (extra, expected) in [
        (r#""device":"x""#, Ok(Optional { device: Some("x") })),
        (r#""other":"a\u0062:c""#, Ok(Optional { device: None })),
        (
            r#""other":{"b\"":1},"device":"x""#,
            Err(ExtraError::EscapedName),
        ),
        (r#""d\u0065vice":"x""#, Err(ExtraError::EscapedName)),
        (r#""other":[{"\u0061" : 1}]"#, Err(ExtraError::EscapedName)),
        (r#""device":7"#, Err(ExtraError::Mismatch)),
        (r#""device":"a\u0062""#, Err(ExtraError::Mismatch)),
    ] {
        let payload = payload_with(r#""sub":"alice""#, &format!(r#""sub":"alice",{extra}"#));
        with_payload(&payload, &validation(), |verified| {
            let verified = verified.unwrap();
            assert_eq!(verified.extra::<Optional<'_>>(), expected, "{extra}");
        });
    }
}

#[test]
fn an_applications_own_strings_have_their_escapes_resolved() {
    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Owned {
        device: String,
    }
    let payload = payload_with(r#""sub":"alice""#, r#""sub":"a","device":"l\u00e4mp\/7""#);
    with_payload(&payload, &validation(), |verified| {
        let verified = verified.unwrap();
        let device = "lämp/7".to_owned();
        assert_eq!(verified.extra(), Ok(Owned { device }));
        let short: Result<Owned, _> = verified.extra_with(&mut [0; 6]);
        assert_eq!(short, Err(ExtraError::Mismatch));
    });
}
