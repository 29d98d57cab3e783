//! The log: everything that matters is in it once, and nothing secret ever is
//! (R8, R51).

use super::session::{Session, basic, password_form, post, refresh_form};
use super::setups::{BREAKOUT, DEMO, QUOTES, USER, breakout, standard, teen_quotes, verified};
use crate::host::Host;
use crate::wire::Request;

const FIRST: &str = "grant_type=client_credentials";

/// Log lines that hold all of `words`.
fn lines(log: &str, words: &[&str]) -> usize {
    log.lines()
        .filter(|line| words.iter().all(|word| line.contains(word)))
        .count()
}

pub fn r51_everything_is_logged_once_and_nothing_secret<H: Host>() {
    let mut session = Session::<H>::start(teen_quotes().tables("[lifetimes]\ngrace = 1"));
    let r1 = session.quote(FIRST);
    let token = verified(
        &smallgate_core::profile::TEEN_QUOTES,
        &r1.member("access_token"),
        session.host.now(),
    );
    let jti = token.claims["jti"].as_str().unwrap().to_owned();
    let log = session.log_with(|log| log.contains(&jti));
    assert_eq!(
        lines(&log, &["issued", "client_credentials", "42", &jti]),
        1,
        "{log}"
    );

    let r2 = session.quote(&refresh_form(&r1));
    session.host.pass(2);
    session.quote(&refresh_form(&r1));
    let log = session.log_with(|log| log.contains("revoked"));
    assert_eq!(lines(&log, &["issued", "refresh_token", "42"]), 1, "{log}");
    assert_eq!(
        lines(&log, &["\"revoked\"", "RefreshReused", "42"]),
        1,
        "{log}"
    );
    assert_eq!(
        lines(&log, &["refused", "a replaced refresh token came again"]),
        1,
        "{log}"
    );
    // Whose token was refused is said, if it is a token.
    let access = r2.member("access_token");
    session.me(&access);
    session.me("nonsense");
    let profile = smallgate_core::profile::TEEN_QUOTES;
    let token = verified(&profile, &access, session.host.now());
    let jti = token.claims["jti"].as_str().unwrap();
    let log = session.log_with(|log| lines(log, &["resource_refused"]) == 2);
    let words = ["resource_refused", "42", jti, "The token was revoked."];
    assert_eq!(lines(&log, &words), 1, "{log}");
    assert_eq!(lines(&log, &["resource_refused", "jti"]), 1, "{log}");

    for _ in 0..12 {
        let form = format!("{FIRST}&client_id=42&client_secret=wrong-secret-wrong-secret");
        session.post("/oauth", None, &form);
    }
    let log = session.log_with(|log| lines(log, &["too many failures"]) == 2);
    assert_eq!(
        lines(&log, &["refused", "wrong client secret"]),
        10,
        "{log}"
    );
    assert_eq!(lines(&log, &["locked_out", "42"]), 1, "{log}");
    // An unknown client's name is the peer's word, and might be a secret typed
    // into the wrong field.
    let typed = "my-secret-in-the-wrong-field";
    session.post(
        "/oauth",
        None,
        &format!("{FIRST}&client_id={typed}&client_secret=x-y-z-secret"),
    );
    let log = session.log_with(|log| log.contains("unknown client"));
    assert!(!log.contains(typed), "{log}");
}

pub fn r51_a_change_of_the_signing_key_is_logged<H: Host>() {
    for (setup, kid, verifying) in [(standard(), "e1", 1), (standard().next_key(), "e2", 2)] {
        let session = Session::<H>::start(setup);
        let log = session.log_with(|log| log.contains("signing_key"));
        assert_eq!(lines(&log, &["signing_key"]), 1, "{log}");
        // As JSON writes it, and as a board does.
        let told = ["\"verifying\":", "verifying="]
            .map(|name| format!("{name}{verifying}"))
            .iter()
            .map(|count| lines(&log, &["signing_key", "ES256", kid, count]))
            .sum::<usize>();
        assert_eq!(told, 1, "{log}");
    }
}

/// Every secret there is, in every place it could be put by mistake.
pub fn r08_secrets_never_reach_the_log<H: Host>() {
    let mut session = Session::<H>::start(breakout());
    let login = session.log_in();
    let (access, refresh) = (login.member("access_token"), login.member("refresh_token"));
    let secrets = [
        access.as_str(),
        &refresh,
        BREAKOUT.1,
        USER.1,
        &basic(BREAKOUT)[6..],
    ];
    for secret in secrets {
        let escaped = super::session::encoded(secret);
        session.heard(&Request::bare("").content(&format!("code={escaped}")));
        for form in [
            format!("grant_type={escaped}"),
            format!("grant_type=refresh_token&refresh_token={escaped}"),
            format!("grant_type=refresh_token&refresh_token={refresh}&scope={escaped}"),
            format!("{}&{escaped}", password_form(USER)),
            format!("grant_type=password&username={escaped}&password={escaped}"),
            format!("client_id={escaped}&client_secret={escaped}&{FIRST}"),
            format!("{escaped}%"),
        ] {
            session.token(BREAKOUT, &form);
            session.post("/oauth/token", Some(&format!("Bearer {escaped}")), &form);
            session.post(&format!("/oauth/token?access_token={escaped}"), None, &form);
        }
        session.me(&escaped);
        session.me(&format!("{escaped}x"));
        session.ask(&Request::new(
            "GET",
            &format!("/me/?access_token={escaped}"),
        ));
        session.ask(&Request::new("GET", &format!("/{escaped}")));
        session.ask(&Request::new("GET", "/me/").header("Authorization", &escaped));
        session.ask(&Request::new("GET", "/me/").header("Cookie", &escaped));
        let json = format!("{{\"password\":\"{escaped}\"");
        session.ask(&Request::new("POST", "/oauth/token").body("application/json", &json));
        let mut wire = session.wire();
        wire.send(format!("{escaped} HTTP/1.1\r\n\r\n").as_bytes());
        wire.rest();
    }
    session.host.restart();
    session.token(BREAKOUT, &refresh_form(&login));
    // Where grants are kept it is good still.
    let line = match H::keeps_grants() {
        true => "issued",
        false => "the grant is revoked",
    };
    let log = session.log_with(|log| log.contains(line));
    assert!(log.lines().count() > 50, "{log}");
    assert!(session.secrets() > 50);
    assert_eq!(session.leaked(&log), Vec::<String>::new());
    drop(session);

    // The other two profiles, with what is theirs.
    let session = Session::<H>::start(teen_quotes());
    let (id, secret) = QUOTES;
    let json =
        format!(r#"{{"grant_type":"x","client_id":"{id}","client_secret":"{secret}","scope":1}}"#);
    session.ask(&Request::new("POST", "/oauth").body("application/json", &json));
    session.quote(FIRST);
    session.log_with(|log| log.contains("issued"));
    drop(session);
    let session = Session::<H>::start(standard());
    session.ask(&post(
        "/oauth/token",
        Some(&basic(("demo", &format!("{}!", DEMO.1)))),
        FIRST,
    ));
    session.log_with(|log| log.contains("wrong client secret"));
}
