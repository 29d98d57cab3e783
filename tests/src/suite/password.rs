//! The password grant (RFC 6749 §4.3), which is BreakOut's alone.

use smallgate_core::profile;

use super::client_credentials::CLAIMS;
use super::session::{Session, basic, encoded, password_form, post};
use super::setups::{BREAKOUT, DEMO, USER, breakout, standard, teen_quotes, verified};
use crate::golden::members;
use crate::host::Host;

pub fn r32_breakout_token_is_es256_with_the_rfc9068_claims<H: Host>() {
    let session = Session::<H>::start(breakout());
    let response = session.log_in();
    let names = [
        "access_token",
        "token_type",
        "refresh_token",
        "expires_in",
        "scope",
    ];
    assert_eq!(members(response.text()), names);
    assert_eq!(response.member("token_type"), "bearer");
    assert_eq!(response.json()["expires_in"], 43_200);
    assert_eq!(response.member("scope"), "read write");
    assert_eq!(response.member("refresh_token").len(), 44);

    let now = session.host.now();
    let token = verified(&profile::BREAKOUT, &response.member("access_token"), now);
    assert_eq!(token.header, r#"{"alg":"ES256","typ":"at+jwt","kid":"e1"}"#);
    assert_eq!(members(&token.payload), CLAIMS);
    assert_eq!(token.claims["sub"], "94173");
    assert_eq!(token.claims["client_id"], "breakout_app");
    assert_eq!(token.claims["scope"], "read write");
    let issued = token.claims["iat"].as_u64().unwrap();
    assert_eq!(token.claims["exp"], issued + 43_200);
}

pub fn bad_users_are_all_the_same<H: Host>() {
    let session = Session::<H>::start(breakout());
    let bodies: Vec<_> = [
        (USER.0, "wrong-password"),
        ("nobody@break-out.org", USER.1),
        ("ADMIN@break-out.org", USER.1),
        ("94173", USER.1),
        (BREAKOUT.0, BREAKOUT.1),
    ]
    .into_iter()
    .map(|user| {
        let response = session.token(BREAKOUT, &password_form(user));
        assert_eq!(
            response.outcome(),
            (400, "invalid_grant".to_owned()),
            "{user:?}"
        );
        response.body
    })
    .collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    for form in [
        "grant_type=password",
        "grant_type=password&username=admin%40break-out.org",
        "grant_type=password&username=admin%40break-out.org&password=",
        "grant_type=password&password=something-long",
    ] {
        let response = session.token(BREAKOUT, form);
        assert_eq!(
            response.outcome(),
            (400, "invalid_request".to_owned()),
            "{form}"
        );
    }
}

pub fn password_is_compared_whole<H: Host>() {
    let session = Session::<H>::start(breakout().tables("[throttle]\nfailures = 100"));
    let (name, password) = USER;
    for wrong in [
        &password[1..],
        &password[..password.len() - 1],
        &format!("{password} "),
        &password.to_uppercase(),
        &password.replace('+', " "),
        &password.replace('%', "%25"),
        &encoded(password),
    ] {
        let response = session.token(BREAKOUT, &password_form((name, wrong)));
        assert_eq!(
            response.outcome(),
            (400, "invalid_grant".to_owned()),
            "{wrong}"
        );
    }
    assert_eq!(session.log_in().status, 200);
}

pub fn r16_guessing_a_password_is_throttled_before_it_is_hashed<H: Host>() {
    let mut session = Session::<H>::start(breakout().tables("[throttle]\nwindow = 6"));
    let form = password_form((USER.0, "wrong-password"));
    for failure in 1..=10 {
        let response = session.token(BREAKOUT, &form);
        assert_eq!(
            response.outcome(),
            (400, "invalid_grant".to_owned()),
            "{failure}"
        );
    }
    let right = password_form(USER);
    let waiting = session.token(BREAKOUT, &right);
    assert_eq!(
        waiting.outcome(),
        (429, "temporarily_unavailable".to_owned())
    );
    assert!(waiting.header("retry-after").is_some());
    // Another source with the right password is never delayed, nor is another
    // user from here.
    if let Some(there) = session.host.elsewhere() {
        let request = post("/oauth/token", Some(&basic(BREAKOUT)), &right);
        assert_eq!(session.ask_from(there, &request).status, 200);
    }
    let other = session.token(
        BREAKOUT,
        &password_form(("someone@break-out.org", "x-password")),
    );
    assert_eq!(other.outcome(), (400, "invalid_grant".to_owned()));
    session.host.pass(6);
    assert_eq!(session.token(BREAKOUT, &right).status, 200);
}

pub fn password_grant_is_breakouts_alone<H: Host>() {
    let form = password_form(USER);
    let session = Session::<H>::start(standard());
    let response = session.token(DEMO, &form);
    assert_eq!(
        response.outcome(),
        (400, "unsupported_grant_type".to_owned())
    );
    drop(session);
    let session = Session::<H>::start(teen_quotes());
    let response = session.quote(&form);
    assert_eq!(
        response.outcome(),
        (501, "unsupported_grant_type".to_owned())
    );
    drop(session);
    let session = Session::<H>::start(breakout());
    let response = session.token(BREAKOUT, "grant_type=client_credentials");
    assert_eq!(
        response.outcome(),
        (400, "unsupported_grant_type".to_owned())
    );
    let code = session.token(BREAKOUT, "grant_type=authorization_code&code=x");
    assert_eq!(code.outcome(), (400, "unsupported_grant_type".to_owned()));
}

/// "BreakOut returns the same live token on a second password grant: decision:
/// a new one each time."
pub fn second_grant_is_a_new_one<H: Host>() {
    let session = Session::<H>::start(breakout());
    let (first, second) = (session.log_in(), session.log_in());
    for name in ["access_token", "refresh_token"] {
        assert_ne!(first.member(name), second.member(name));
    }
    for response in [first, second] {
        assert_eq!(session.me(&response.member("access_token")).status, 200);
    }
}

/// "One verification at a time, the others answered 503 at once."
pub fn one_password_is_hashed_at_a_time<H: Host>() {
    let session = Session::<H>::start(breakout());
    let request = post("/oauth/token", Some(&basic(BREAKOUT)), &password_form(USER));
    session.heard(&request);
    let mut wires: Vec<_> = (0..session.host.connections())
        .map(|_| {
            let mut wire = session.wire();
            wire.send(&request.octets());
            wire
        })
        .collect();
    let mut counts = [0; 2];
    for wire in &mut wires {
        let response = wire.receive();
        session.said(&response);
        match response.status {
            200 => counts[0] += 1,
            _ => {
                assert_eq!(
                    response.outcome(),
                    (503, "temporarily_unavailable".to_owned())
                );
                assert_eq!(response.header("retry-after"), Some("1"));
                counts[1] += 1;
            }
        }
    }
    assert!(counts[0] >= 1, "{counts:?}");
    assert_eq!(session.log_in().status, 200, "and afterwards all is well");
}
