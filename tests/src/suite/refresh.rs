//! Refresh tokens at Teen Quotes, where they rotate, and at BreakOut, where
//! they stay: R24 to R29.

use super::session::{Session, basic, refresh_form};
use super::setups::{BREAKOUT, OTHER, QUOTES, breakout, teen_quotes};
use crate::host::{Host, Setup};
use crate::wire::Response;

const FIRST: &str = "grant_type=client_credentials";

/// Teen Quotes with a grace that can be waited for.
fn rotating(lifetimes: &str) -> Setup {
    teen_quotes().tables(&format!("[lifetimes]\n{lifetimes}"))
}

fn first<H: Host>(session: &Session<H>) -> Response {
    let response = session.quote(FIRST);
    assert_eq!(response.status, 200, "{}", response.text());
    response
}

fn refresh<H: Host>(session: &Session<H>, response: &Response) -> Response {
    session.quote(&refresh_form(response))
}

/// As Teen Quotes documents it.
fn assert_refused(response: &Response) {
    assert_eq!(
        response.outcome(),
        (400, "invalid_request".to_owned()),
        "{}",
        response.text()
    );
    assert_eq!(
        response.member("error_description"),
        "The refresh token is invalid."
    );
}

pub fn r24_refresh_token_is_its_clients<H: Host>() {
    let session = Session::<H>::start(teen_quotes());
    let r1 = first(&session);
    let (id, secret) = OTHER;
    let stolen = format!(
        "client_id={id}&client_secret={secret}&{}",
        refresh_form(&r1)
    );
    assert_refused(&session.post("/oauth", None, &stolen));
    let r2 = refresh(&session, &r1);
    assert_eq!(r2.status, 200, "no harm was done");
    let me = session.me(&r2.member("access_token"));
    assert_eq!(
        (me.member("sub"), me.member("scope")),
        ("42".to_owned(), "read".to_owned())
    );
    drop(session);
    let session = Session::<H>::start(breakout());
    let login = session.log_in();
    let stolen = session.token(OTHER, &refresh_form(&login));
    assert_eq!(stolen.outcome(), (400, "invalid_grant".to_owned()));
    let again = session.token(BREAKOUT, &refresh_form(&login));
    let me = session.me(&again.member("access_token"));
    assert_eq!(
        (me.member("sub"), me.member("scope")),
        ("94173".to_owned(), "read write".to_owned())
    );
}

pub fn r25_replaced_token_revokes_the_family<H: Host>() {
    let mut session = Session::<H>::start(rotating("grace = 1"));
    let r1 = first(&session);
    let r2 = refresh(&session, &r1);
    assert_ne!(r1.member("refresh_token"), r2.member("refresh_token"));
    session.host.pass(2);
    assert_refused(&refresh(&session, &r1));
    assert_refused(&refresh(&session, &r2));
    assert_eq!(session.me(&r2.member("access_token")).status, 401);
    session.log_with(|log| log.contains("revoked"));
}

pub fn r26_parallel_refreshes_give_one_lineage<H: Host>() {
    let session = Session::<H>::start(teen_quotes());
    for _ in 0..5 {
        let r1 = first(&session);
        let (id, secret) = QUOTES;
        let form = format!(
            "client_id={id}&client_secret={secret}&{}",
            refresh_form(&r1)
        );
        let request = super::session::post("/oauth", None, &form);
        let address = session.host.address();
        let answers: Vec<Response> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..session.host.connections().min(16))
                .map(|_| scope.spawn(|| crate::wire::Wire::open(address).ask(&request)))
                .collect();
            asking
                .into_iter()
                .map(|asking| asking.join().unwrap())
                .collect()
        });
        let mut successors: Vec<_> = answers
            .iter()
            .filter(|answer| answer.status == 200)
            .map(|answer| answer.member("refresh_token"))
            .collect();
        answers.iter().for_each(|answer| session.said(answer));
        successors.sort();
        successors.dedup();
        assert_eq!(successors.len(), 1, "{answers:?}");
        // Whoever lost four rounds in a row may have been asked to come again.
        let refused = answers
            .iter()
            .find(|answer| answer.status != 200 && answer.outcome().1 != "temporarily_unavailable");
        assert_eq!(refused, None);
    }
}

pub fn r27_predecessor_in_grace_gets_the_same_successor<H: Host>() {
    let session = Session::<H>::start(teen_quotes());
    let r1 = first(&session);
    let r2 = refresh(&session, &r1);
    for _ in 0..3 {
        let again = refresh(&session, &r1);
        assert_eq!(again.status, 200);
        assert_eq!(again.member("refresh_token"), r2.member("refresh_token"));
        assert_ne!(
            again.member("access_token"),
            r2.member("access_token"),
            "another jti"
        );
    }
    assert_eq!(refresh(&session, &r2).status, 200);
}

pub fn r27_grandparent_never_does<H: Host>() {
    let session = Session::<H>::start(teen_quotes());
    let r1 = first(&session);
    let r2 = refresh(&session, &r1);
    let r3 = refresh(&session, &r2);
    assert_refused(&refresh(&session, &r1));
    assert_refused(&refresh(&session, &r3));
}

pub fn r28_scope_narrows_and_never_widens<H: Host>() {
    let session = Session::<H>::start(breakout());
    let login = session.log_in();
    let ask =
        |scope: &str| session.token(BREAKOUT, &format!("{}&scope={scope}", refresh_form(&login)));
    assert_eq!(ask("write").member("scope"), "write");
    assert_eq!(
        ask("").member("scope"),
        "read write",
        "it is the grant's again"
    );
    for wider in ["admin", "read+admin", "unknown"] {
        assert_eq!(
            ask(wider).outcome(),
            (400, "invalid_scope".to_owned()),
            "{wider}"
        );
    }
    drop(session);
    let session = Session::<H>::start(teen_quotes());
    let wider = format!("{}&scope=write", refresh_form(&first(&session)));
    let response = session.quote(&wider);
    assert_eq!(response.outcome(), (400, "invalid_scope".to_owned()));
}

pub fn r29_refresh_token_ends<H: Host>() {
    let mut session = Session::<H>::start(rotating("refresh_idle = 5\nrefresh_absolute = 9"));
    let (idle, r1) = (first(&session), first(&session));
    session.host.pass_just(3);
    let r2 = refresh(&session, &r1);
    assert_eq!(r2.status, 200, "used in time");
    session.host.pass_just(3);
    assert_refused(&refresh(&session, &idle));
    let r3 = refresh(&session, &r2);
    assert_eq!(r3.status, 200, "used in time again");
    // Not idle for long, and yet at its end.
    session.host.pass_just(4);
    assert_refused(&refresh(&session, &r3));
}

pub fn breakout_token_stays_good<H: Host>() {
    let mut session = Session::<H>::start(breakout().tables("[lifetimes]\ngrace = 1"));
    let login = session.log_in();
    for _ in 0..3 {
        let again = session.token(BREAKOUT, &refresh_form(&login));
        assert_eq!(again.status, 200);
        assert_eq!(again.member("refresh_token"), login.member("refresh_token"));
        assert_eq!(session.me(&again.member("access_token")).status, 200);
        session.host.pass(2);
    }
}

/// "Refresh rotation: off (reuse), can be switched on."
pub fn rotation_can_be_switched_on<H: Host>() {
    let setup = breakout()
        .top("rotation = \"rotate\"")
        .tables("[lifetimes]\ngrace = 1");
    let mut session = Session::<H>::start(setup);
    let r1 = session.log_in();
    let r2 = session.token(BREAKOUT, &refresh_form(&r1));
    assert_ne!(r1.member("refresh_token"), r2.member("refresh_token"));
    session.host.pass(2);
    for spent in [&r1, &r2] {
        let response = session.token(BREAKOUT, &refresh_form(spent));
        assert_eq!(response.outcome(), (400, "invalid_grant".to_owned()));
    }
}

pub fn malformed_tokens_are_refused<H: Host>() {
    let session = Session::<H>::start(teen_quotes());
    let good = first(&session).member("refresh_token");
    let mut flipped = good.clone().into_bytes();
    flipped[20] = if flipped[20] == b'A' { b'B' } else { b'A' };
    for token in [
        "x5Oewf7PUw38J07lwEnJXSyXolwZ1KMdxxH2bxFJ".to_owned(),
        String::from_utf8(flipped).unwrap(),
        good[1..].to_owned(),
        format!("{good}A"),
        "%00".repeat(44),
        "a".repeat(900),
    ] {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        assert_refused(&session.quote(&form));
    }
    let missing = session.quote("grant_type=refresh_token");
    assert_eq!(missing.outcome(), (400, "invalid_request".to_owned()));
    assert_ne!(
        missing.member("error_description"),
        "The refresh token is invalid."
    );
}

/// What a store in memory forgets is revoked, and never a server's error; what
/// one on flash keeps is good.
pub fn restart_forgets_what_was_in_memory<H: Host>() {
    let mut session = Session::<H>::start(teen_quotes());
    let r1 = first(&session);
    session.host.restart();
    let (again, me) = (
        refresh(&session, &r1),
        session.me(&r1.member("access_token")),
    );
    match H::keeps_grants() {
        true => assert_eq!((again.status, me.status), (200, 200), "{}", again.text()),
        false => {
            assert_refused(&again);
            assert_eq!(me.status, 401);
        }
    }
    let r1 = first(&session);
    assert_eq!(refresh(&session, &r1).status, 200);
}

/// "4 per client for client_credentials with refresh tokens: the owner's
/// oldest gives way, with an event; nobody else's."
pub fn owners_oldest_grant_gives_way<H: Host>() {
    let session = Session::<H>::start(teen_quotes());
    let (id, secret) = OTHER;
    let others = |form: &str| {
        session.post(
            "/oauth",
            None,
            &format!("client_id={id}&client_secret={secret}&{form}"),
        )
    };
    let other = others(FIRST);
    let grants: Vec<_> = (0..5).map(|_| first(&session)).collect();
    assert_refused(&refresh(&session, &grants[0]));
    for grant in &grants[1..] {
        assert_eq!(refresh(&session, grant).status, 200);
    }
    assert_eq!(others(&refresh_form(&other)).status, 200);
    let header = session.post("/oauth", Some(&basic(QUOTES)), FIRST);
    assert_eq!(header.status, 401);
}
