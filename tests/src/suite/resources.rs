//! A resource (RFC 6750), the clock, and subjects that must not collide: R38,
//! R40 to R42, R47.

use super::session::{Session, refresh_form};
use super::setups::{DEMO, breakout, standard, teen_quotes};
use crate::host::{Host, START, Setup};
use crate::wire::{Request, Response};

const FIRST: &str = "grant_type=client_credentials";

pub fn r40_unset_clock_issues_nothing<H: Host>() {
    let cases: [(Setup, u16); 3] = [(standard(), 503), (teen_quotes(), 400), (breakout(), 503)];
    for (at, (setup, status)) in cases.into_iter().enumerate() {
        let mut session = Session::<H>::start(setup.clone());
        let ask = |session: &Session<H>| match at {
            0 => session.token(DEMO, FIRST),
            1 => session.quote(FIRST),
            _ => session.token(
                super::setups::BREAKOUT,
                &super::session::password_form(super::setups::USER),
            ),
        };
        let good = ask(&session).member("access_token");
        drop(session);
        session = Session::<H>::start(setup.clock_unset());
        let response = ask(&session);
        assert_eq!(
            response.outcome(),
            (status, "temporarily_unavailable".to_owned())
        );
        assert!(response.header("retry-after").is_some());
        session.log_with(|log| log.contains("the clock is not set"));
        let me = session.me(&good);
        assert_eq!(me.outcome(), (503, "temporarily_unavailable".to_owned()));
        assert!(me.header("retry-after").is_some());
        if !session.host.lose_clock(false) {
            session.out_of_reach("r40: a clock that is set, and unset again, while it serves");
            continue;
        }
        let response = ask(&session);
        assert_eq!(response.status, 200);
        let token = response.member("access_token");
        assert_eq!(session.me(&token).status, 200);
        assert!(session.host.lose_clock(true));
        let me = session.me(&token);
        assert_eq!(me.outcome(), (503, "temporarily_unavailable".to_owned()));
        assert!(me.header("retry-after").is_some());
        assert_eq!(ask(&session).status, status);
    }
}

pub fn r40_clock_that_goes_back_issues_nothing<H: Host>() {
    let mut session = Session::<H>::start(teen_quotes());
    if session.host.clock().is_none() {
        return session.out_of_reach("r40: a clock that goes back while it serves");
    }
    let set = |session: &mut Session<H>, time| session.host.clock().expect("it has one").set(time);
    let response = session.quote(FIRST);
    assert_eq!(response.status, 200);
    set(&mut session, START - 1);
    for form in [FIRST.to_owned(), refresh_form(&response)] {
        let refused = session.quote(&form);
        assert_eq!(
            refused.outcome(),
            (400, "temporarily_unavailable".to_owned())
        );
        assert!(refused.header("retry-after").is_some());
    }
    session.log_with(|log| log.contains("the clock went back"));
    set(&mut session, START);
    let again = session.quote(&refresh_form(&response));
    assert_eq!(again.status, 200, "nothing was revoked: {}", again.text());
    // The floor holds for grants that give way to newer ones, too.
    (0..6).for_each(|number| {
        set(&mut session, START + number);
        assert_eq!(session.quote(FIRST).status, 200);
    });
    set(&mut session, START + 4);
    assert_eq!(
        session.quote(FIRST).outcome(),
        (400, "temporarily_unavailable".to_owned())
    );
}

fn token<H: Host>(session: &Session<H>) -> String {
    session.token(DEMO, FIRST).member("access_token")
}

fn challenge(response: &Response) -> String {
    response
        .header("www-authenticate")
        .unwrap_or_default()
        .to_owned()
}

pub fn r41_token_in_the_header_alone<H: Host>() {
    let session = Session::<H>::start(standard());
    let token = token(&session);
    let bearer = format!("Bearer {token}");
    let me = |target: &str| Request::new("GET", target);
    let header = |value: &str| session.ask(&me("/me/").header("Authorization", value));
    for value in [
        bearer.clone(),
        bearer.replace("Bearer", "bearer"),
        bearer.replace(' ', "   "),
    ] {
        assert_eq!(header(&value).status, 200, "{value}");
    }
    let invalid = (400, "invalid_request".to_owned());
    for query in [
        "access_token=",
        "a=b&access_token=",
        "access%5Ftoken=",
        "%61ccess_token=",
    ] {
        for request in [
            me(&format!("/me/?{query}{token}")),
            me(&format!("/me/?{query}{token}")).header("Authorization", &bearer),
        ] {
            let response = session.ask(&request);
            assert_eq!(response.outcome(), invalid, "{query}");
            assert!(challenge(&response).contains("invalid_request"), "{query}");
        }
    }
    let twice = me("/me/")
        .header("Authorization", &bearer)
        .header("Authorization", &bearer);
    assert_eq!(session.ask(&twice).outcome(), invalid, "twice");
    assert_eq!(
        header(&format!("{bearer}, {bearer}")).outcome(),
        invalid,
        "a list"
    );
    assert_eq!(
        header(&format!("{bearer} {token}")).outcome(),
        invalid,
        "two words"
    );
    assert_eq!(header("Bearer").outcome(), invalid, "no word");
    // A body is no place for it either: GET has none that is read.
    let body = me("/me/").form(&format!("access_token={token}"));
    assert_eq!(session.ask(&body).status, 401);
    // Another parameter is none of the resource's business.
    let other = me("/me/?fields=all").header("Authorization", &bearer);
    assert_eq!(session.ask(&other).status, 200);
}

pub fn r42_challenges<H: Host>() {
    let session = Session::<H>::start(standard());
    let none = session.ask(&Request::new("GET", "/me/"));
    assert_eq!(none.status, 401);
    assert_eq!(
        challenge(&none),
        "Bearer realm=\"smallgate\"",
        "a bare challenge"
    );
    assert_eq!(none.text(), "{}");
    let other = session.ask(&Request::new("GET", "/me/").header("Authorization", "Basic eDp5"));
    assert_eq!((other.status, challenge(&other)), (401, challenge(&none)));
    for bad in ["x", "a.b.c", "....", "eyJhbGciOiJub25lIn0.e30."] {
        let response = session.me(bad);
        assert_eq!(
            response.outcome(),
            (401, "invalid_token".to_owned()),
            "{bad}"
        );
        assert!(
            challenge(&response).starts_with("Bearer realm=\"smallgate\", error=\"invalid_token\"")
        );
    }
}

pub fn r42_expired_token_is_invalid<H: Host>() {
    let mut session = Session::<H>::start(standard().tables("[lifetimes]\naccess_token = 2"));
    let token = token(&session);
    assert_eq!(session.me(&token).status, 200);
    session.host.pass(2);
    let response = session.me(&token);
    assert_eq!(response.outcome(), (401, "invalid_token".to_owned()));
    assert!(
        challenge(&response).contains("expired"),
        "{}",
        challenge(&response)
    );
}

pub fn r38_altered_tokens_are_invalid<H: Host>() {
    let session = Session::<H>::start(standard());
    let token = token(&session);
    let flip = |at: usize| {
        let mut octets = token.clone().into_bytes();
        octets[at] = if octets[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(octets).unwrap()
    };
    let dots: Vec<_> = token.match_indices('.').map(|(at, _)| at).collect();
    for at in [4, dots[0] + 9, dots[1] - 2, dots[1] + 1, token.len() - 9] {
        let response = session.me(&flip(at));
        assert_eq!(
            response.outcome(),
            (401, "invalid_token".to_owned()),
            "{at}"
        );
        assert_eq!(
            response.member("error_description"),
            "The token is not valid here."
        );
    }
    for altered in [
        format!("{token}="),
        format!("{token}A"),
        token[..dots[1] + 1].to_owned(),
    ] {
        assert_eq!(
            session.me(&altered).outcome(),
            (401, "invalid_token".to_owned()),
            "{altered}"
        );
    }
    drop(session);
    // Another issuer's token, under the same key.
    let mut elsewhere = standard();
    elsewhere.toml = elsewhere
        .toml
        .replace("https://as.example", "https://other.example");
    let session = Session::<H>::start(elsewhere);
    assert_eq!(
        session.me(&token).outcome(),
        (401, "invalid_token".to_owned())
    );
}

/// The host does not start; that it does with any other `sub` is what all
/// other cases show.
pub fn r47_colliding_sub_is_a_configuration_error<H: Host>() {
    let mut setup = standard();
    setup.toml = setup.toml.replace("sub = \"94173\"", "sub = \"demo\"");
    assert!(setup.toml.contains("sub = \"demo\""));
    let silently = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let started = std::panic::catch_unwind(|| H::start(&setup.whole()).address());
    std::panic::set_hook(silently);
    let refused = *started
        .expect_err("it does not start")
        .downcast::<String>()
        .expect("a message");
    assert!(refused.contains("client's id"), "{refused}");
}

pub fn me_says_who<H: Host>() {
    let session = Session::<H>::start(breakout());
    let token = session.log_in().member("access_token");
    let user = r#"{"sub":"94173","client_id":"breakout_app","scope":"read write","username":"admin@break-out.org"}"#;
    assert_eq!(session.me(&token).text(), user);
    drop(session);
    let session = Session::<H>::start(standard());
    let token = self::token(&session);
    assert_eq!(
        session.me(&token).text(),
        r#"{"sub":"demo","client_id":"demo","scope":"read"}"#
    );
}

pub fn me_of_a_revoked_grant_is_refused<H: Host>() {
    let mut session = Session::<H>::start(teen_quotes().tables("[lifetimes]\ngrace = 1"));
    let r1 = session.quote(FIRST);
    let r2 = session.quote(&refresh_form(&r1));
    assert_eq!(session.me(&r1.member("access_token")).status, 200);
    session.host.pass(2);
    assert_eq!(session.quote(&refresh_form(&r1)).status, 400);
    for response in [r1, r2] {
        let me = session.me(&response.member("access_token"));
        assert_eq!(me.outcome(), (401, "invalid_token".to_owned()));
    }
}
