//! What is particular to a service: BreakOut's refresh tokens that stay, Teen
//! Quotes' for a client's own grants, Drillster's long tokens, Dressipi's fixed
//! redirect URI; and how many grants an owner may have.

use base64ct::{Base64, Encoding};
use smallgate_core::oauth::{
    AuthorizationServer, Client, ConfigurationError, Origin, Reason, State,
};
use smallgate_core::profile::{
    BREAKOUT, DRESSIPI, DRILLSTER, Profile, Rotation, STANDARD, TEEN_QUOTES,
};
use smallgate_core::secret::SecretHash;
use smallgate_core::time::Seconds;
use smallgate_tests::flow::Operation::{Confirm, Load};
use smallgate_tests::flow::{
    ASK_S256, Call, DEMO, PASSWORD, PUBLIC, Settings, USERNAME, VERIFIER, encode, meddled,
    redemption, refreshing,
};
use smallgate_tests::rig::{Reply, Rig, SECRET, finish};

fn basic() -> String {
    format!(
        "Basic {}",
        Base64::encode_string(format!("demo:{SECRET}").as_bytes())
    )
}

fn login(rig: &mut Rig) -> Reply {
    let pairs = [
        ("grant_type", "password"),
        ("username", USERNAME),
        ("password", PASSWORD),
    ];
    rig.token(Some(&basic()), &encode(&pairs))
}

fn breakout_refresh(rig: &mut Rig, token: &str) -> Reply {
    rig.token(Some(&basic()), &encode(&refreshing(token)))
}

#[test]
fn r25_breakout_a_refresh_token_stays() {
    let mut rig = Settings::new(BREAKOUT).rig();
    let token = login(&mut rig).member("refresh_token");
    for _ in 0..3 {
        rig.pass(1000);
        let reply = breakout_refresh(&mut rig, &token);
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.member("refresh_token"), token);
        assert_eq!(rig.me(&reply.member("access_token")).status, 200);
    }
    assert_eq!(rig.grant().state, State::Active { generation: 1 });
}

#[test]
fn r29_breakout_touches_the_record_after_an_eighth_of_the_idle_time() {
    let eighth = 30 * 86_400 / 8;
    let mut rig = Settings::new(BREAKOUT).rig();
    let token = login(&mut rig).member("refresh_token");
    let made = rig.grant();
    rig.pass(eighth - 1);
    assert_eq!(breakout_refresh(&mut rig, &token).status, 200);
    assert_eq!(rig.grant(), made, "not a write");
    rig.pass(1);
    assert_eq!(breakout_refresh(&mut rig, &token).status, 200);
    assert_eq!(u64::from(rig.grant().touched), eighth);
    // So it never idles while it is used, and ends all the same.
    for _ in 0..23 {
        rig.pass(eighth);
        let status = breakout_refresh(&mut rig, &token).status;
        let now = rig.clock.now.expect("set");
        let expected = if now < made.ends { 200 } else { 400 };
        assert_eq!(status, expected);
    }
    assert!(rig.clock.now >= Some(made.ends));
}

#[test]
fn r29_breakout_touches_the_record_when_it_would_be_forgotten_before_the_token() {
    let short = Settings::new(BREAKOUT)
        .with(|settings| settings.profile.lifetimes.refresh_idle = Seconds(8 * 3600));
    let mut rig = short.rig();
    let token = login(&mut rig).member("refresh_token");
    let made = rig.grant();
    // An access token lives for 43,200 s, the record was kept for 10 more.
    for (passed, written) in [(10, false), (1, true)] {
        rig.pass(passed);
        let reply = breakout_refresh(&mut rig, &token);
        assert_eq!(reply.status, 200);
        assert_eq!(rig.grant() != made, written, "{passed}");
        let now = rig.clock.now.expect("set");
        assert!(rig.grant().keep_until >= now.plus(Seconds(43_200)));
    }
}

#[test]
fn r25_breakout_refuses_reuse_for_public_clients() {
    let public = Settings::new(Profile {
        rotation: Rotation::Reuse,
        ..STANDARD
    });
    let refused = AuthorizationServer::new(public.build()).unwrap_err();
    assert!(matches!(refused, ConfigurationError::PublicClientReuse(_)));
}

#[test]
fn r25_breakout_rotation_can_be_switched_on_for_grants_that_were_made_before() {
    let mut rig = Settings::new(BREAKOUT).rig();
    let first = login(&mut rig).member("refresh_token");
    rig.reconfigure(&rotating());
    let second = breakout_refresh(&mut rig, &first).member("refresh_token");
    assert_ne!(first, second);
    assert_eq!(
        breakout_refresh(&mut rig, &first).member("refresh_token"),
        second
    );
    rig.pass(10);
    assert_eq!(breakout_refresh(&mut rig, &first).status, 400);
    assert_eq!(rig.grant().state, State::Revoked(Reason::RefreshReused));
}

fn rotating() -> Settings {
    Settings::new(Profile {
        rotation: Rotation::Rotate,
        ..BREAKOUT
    })
}

#[test]
fn r27_breakout_a_use_gives_the_predecessor_no_new_grace() {
    let mut rig = Settings::new(BREAKOUT).rig();
    let first = login(&mut rig).member("refresh_token");
    rig.reconfigure(&rotating());
    let second = breakout_refresh(&mut rig, &first).member("refresh_token");
    rig.reconfigure(&Settings::new(BREAKOUT));
    // Long after the grace, the newest is used and the record touched.
    rig.pass(20 * 86_400);
    assert_eq!(
        breakout_refresh(&mut rig, &second).member("refresh_token"),
        second
    );
    assert_eq!(rig.grant().touched, 20 * 86_400);
    let reply = breakout_refresh(&mut rig, &first);
    assert_eq!(reply.status, 400, "rotated away twenty days ago: {reply:?}");
    assert_eq!(rig.grant().state, State::Revoked(Reason::RefreshReused));
}

/// BreakOut's refresh request, and a request of the same client to revoke.
fn reuse_and_revocation(token: &str) -> (Call, Call) {
    let refresh = [&refreshing(token)[..], &DEMO.pairs()].concat();
    let revoke = [&[("token", token)][..], &DEMO.pairs()].concat();
    (
        Call::new("/oauth/token", &refresh, 1 << 40),
        Call::new("/oauth/revoke", &revoke, 1 << 41),
    )
}

/// BreakOut where a client may authenticate in the body, and revoke.
fn revocable() -> Settings {
    Settings::new(Profile {
        revocation: true,
        client_authentication: STANDARD.client_authentication,
        ..BREAKOUT
    })
    .with(|settings| settings.clients.retain(|client| client.secret.is_some()))
}

#[test]
fn r25_breakout_a_use_writes_nothing_while_nothing_is_touched() {
    let mut rig = revocable().rig();
    let token = login(&mut rig).member("refresh_token");
    let made = rig.grant();
    let (refresh, _) = reuse_and_revocation(&token);
    let (reply, asked) = meddled(&mut rig, refresh, |_, _, _| None);
    assert_eq!(reply.status, 200, "{reply:?}");
    // Confirmed all the same: tokens leave only for a record that still stands.
    assert_eq!(asked, [Load, Confirm]);
    assert_eq!(rig.grant(), made);
}

#[test]
fn r25_r49_breakout_a_revocation_between_reading_and_answering_wins() {
    let mut rig = revocable().rig();
    let token = login(&mut rig).member("refresh_token");
    let (refresh, mut revoke) = reuse_and_revocation(&token);
    let settings = revocable().rig();
    let (server, throttle) = (&settings.server, &settings.throttle);
    let clock = rig.clock;
    let mut step = Some(revoke.begin((server, clock, throttle)));
    let (reply, asked) = meddled(&mut rig, refresh, |_, operation, store| {
        if operation == Confirm
            && let Some(step) = step.take()
        {
            assert_eq!(finish(step, store).status, 200);
        }
        None
    });
    assert_eq!(asked, [Load, Confirm, Load]);
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(!reply.events.iter().any(|event| event.starts_with("Issued")));
    assert_eq!(rig.grant().state, State::Revoked(Reason::Requested));
}

#[test]
fn r25_teen_quotes_a_client_refreshes_its_own_grant() {
    let mut rig = Settings::new(TEEN_QUOTES).rig();
    let reply = rig.token_request(DEMO, &[("grant_type", "client_credentials")]);
    let first = reply.member("refresh_token");
    let grant = rig.grant();
    assert_eq!(grant.user, None);
    assert_eq!(grant.origin, Origin::Direct);
    let second = rig.refresh(DEMO, &first, &[]);
    assert_eq!(second.member("token_type"), "bearer");
    assert_eq!(rig.me(&second.member("access_token")).member("sub"), "demo");
    rig.pass(10);
    // "The refresh token is invalid.", as an invalid_request.
    let reply = rig.refresh(DEMO, &first, &[]);
    assert_eq!(reply.status, 400);
    assert_eq!(reply.member("error"), "invalid_request");
    assert_eq!(
        reply.member("error_description"),
        "The refresh token is invalid."
    );
    assert_eq!(rig.grant().state, State::Revoked(Reason::RefreshReused));
    assert_eq!(
        rig.refresh(DEMO, &second.member("refresh_token"), &[])
            .status,
        400
    );
}

/// The refresh tokens of `count` grants, made a second after one another.
fn grants(rig: &mut Rig, count: usize, mut make: impl FnMut(&mut Rig) -> Reply) -> Vec<String> {
    (0..count)
        .map(|at| {
            rig.pass(1);
            let reply = make(rig);
            let gave_way = reply
                .events
                .iter()
                .any(|event| event.starts_with("GaveWay"));
            assert_eq!(gave_way, at + 1 == count, "{at}: {:?}", reply.events);
            reply.member("refresh_token")
        })
        .collect()
}

#[test]
fn r29_teen_quotes_a_client_has_four_grants_and_its_oldest_gives_way() {
    let mut rig = Settings::new(TEEN_QUOTES).rig();
    let others = rig.token_request(
        smallgate_tests::flow::OTHER,
        &[("grant_type", "client_credentials")],
    );
    let tokens = grants(&mut rig, 5, |rig| {
        rig.token_request(DEMO, &[("grant_type", "client_credentials")])
    });
    let status: Vec<_> = tokens
        .iter()
        .map(|token| rig.refresh(DEMO, token, &[]).status)
        .collect();
    assert_eq!(status, [400, 200, 200, 200, 200]);
    let other = others.member("refresh_token");
    assert_eq!(
        rig.refresh(smallgate_tests::flow::OTHER, &other, &[])
            .status,
        200
    );
}

#[test]
fn r29_breakout_a_user_has_sixteen_grants_at_a_client() {
    let mut rig = Settings::new(BREAKOUT).rig();
    let tokens = grants(&mut rig, 17, login);
    let status: Vec<_> = tokens
        .iter()
        .map(|token| breakout_refresh(&mut rig, token).status)
        .collect();
    assert_eq!(status[0], 400);
    assert!(
        status[1..].iter().all(|status| *status == 200),
        "{status:?}"
    );
}

#[test]
fn r18_drillster_code_without_redirect_uri_and_refresh() {
    let settings = Settings::new(DRILLSTER).with(|settings| {
        for client in &mut settings.clients {
            client.default_scopes = smallgate_core::scope::ScopeSet::from_bits(0b100);
        }
    });
    let mut rig = settings.rig();
    let code = rig.code(DEMO, &[]);
    let reply = rig.redeem(DEMO, &code, &[]);
    assert_eq!(reply.status, 200, "{reply:?}");
    let grant = rig.grant();
    // The jti is a UUID whose first 12 octets are the grant's id.
    let jti = reply.member("jti");
    let id: String = grant
        .id
        .0
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    assert_eq!(jti.len(), 36);
    assert!(jti.replace('-', "").starts_with(&id), "{jti} {id}");
    assert_eq!(reply.member("scope"), "ROLE_USER");
    // An access token of 30 days is never forgotten before it ends.
    let now = rig.clock.now.expect("set");
    assert!(grant.keep_until >= now.plus(Seconds::days(30)));
    let next = rig.refresh(DEMO, &reply.member("refresh_token"), &[]);
    assert_eq!(next.member("token_type"), "bearer");
    assert_ne!(next.member("jti"), jti);
    // Replay revokes: its grant is in the jti, so the resource knows.
    assert_eq!(rig.me(&next.member("access_token")).status, 200);
    assert_eq!(
        rig.redeem(DEMO, &code, &[]).member("error"),
        "invalid_grant"
    );
    assert_eq!(rig.me(&next.member("access_token")).status, 401);
}

#[test]
fn r51_a_refused_token_is_named_as_it_was_when_it_was_issued() {
    // A `jti` in base64url, and one that is a UUID.
    for profile in [STANDARD, DRILLSTER] {
        let mut rig = Settings::new(profile).rig();
        let code = rig.code(DEMO, &[]);
        let tokens = rig.redeem(DEMO, &code, &[]);
        let issued = tokens.events.iter().find(|event| event.contains("Issued"));
        let (_, jwt_id) = issued
            .expect("issued")
            .split_once("jwt_id: ")
            .expect("named");
        let jwt_id = jwt_id.trim_end_matches(" }");
        rig.redeem(DEMO, &code, &[]);
        let refused = rig.me(&tokens.member("access_token"));
        let event = format!(
            "ResourceRefused {{ cause: Revoked, client: Some(\"demo\"), jwt_id: Some({jwt_id}) }}"
        );
        assert_eq!(refused.events, [event]);
        // Whatever is no good token names nobody.
        let refused = rig.me("a.b.c");
        assert!(
            refused.events[0].ends_with("client: None, jwt_id: None }"),
            "{refused:?}"
        );
    }
}

const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob:auto";

fn dressipi() -> Settings {
    Settings::new(DRESSIPI).with(|settings| {
        for client in &mut settings.clients {
            *client = Client {
                redirect_uris: &[OUT_OF_BAND],
                ..*client
            };
        }
    })
}

fn dressipi_code(rig: &mut Rig) -> String {
    let ask = [
        ASK_S256,
        &[("response_type", "code"), ("client_id", "public")],
    ]
    .concat();
    let page = rig.ask(&ask);
    let page = rig.approve(&page);
    assert_eq!(page.status, 200, "{page:?}");
    let (_, rest) = page.body.split_once("<code id=\"code\">").expect("a code");
    rest.split_once("</code>").expect("its end").0.to_owned()
}

#[test]
fn r21_dressipi_redirect_uri_is_required_on_both_grants() {
    let mut rig = dressipi().rig();
    let code = dressipi_code(&mut rig);
    let fixed = ("redirect_uri", OUT_OF_BAND);
    let verifier = ("code_verifier", VERIFIER);
    for wrong in [
        &[verifier][..],
        &[verifier, ("redirect_uri", "https://x.example/")],
    ] {
        let reply = rig.redeem(PUBLIC, &code, wrong);
        assert_eq!(reply.member("error"), "invalid_request");
    }
    let reply = rig.redeem(PUBLIC, &code, &[verifier, fixed]);
    assert_eq!(reply.status, 200, "{reply:?}");
    let token = reply.member("refresh_token");
    assert_eq!(
        rig.refresh(PUBLIC, &token, &[]).member("error"),
        "invalid_request"
    );
    let reply = rig.refresh(PUBLIC, &token, &[fixed]);
    assert_eq!(reply.status, 200);
    assert_ne!(reply.member("refresh_token"), token, "rotated");
    // Its tokens hold no jti, so the grant's end does not reach them.
    let access = reply.member("access_token");
    rig.redeem(PUBLIC, &code, &[verifier, fixed]);
    assert!(matches!(rig.grant().state, State::Revoked(_)));
    assert_eq!(
        rig.send("GET", "/me/", &[("x-dressipi-jwt", &access)], "")
            .status,
        200
    );
}

#[test]
fn dressipi_api_key_is_compared_where_one_is_configured() {
    let mut rig = dressipi()
        .with(|settings| settings.api_key = Some(SecretHash::of(b"the-key")))
        .rig();
    let code = dressipi_code(&mut rig);
    let pairs = [
        &redemption(&code)[..],
        &PUBLIC.pairs(),
        &[("code_verifier", VERIFIER), ("redirect_uri", OUT_OF_BAND)],
    ]
    .concat();
    let body = encode(&pairs);
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (key, status) in [(None, 401), (Some("the-kez"), 401), (Some("the-key"), 200)] {
        let mut headers = vec![form];
        headers.extend(key.map(|key| ("x-api-key", key)));
        let reply = rig.send("POST", "/oauth/token", &headers, &body);
        assert_eq!(reply.status, status, "{key:?} {reply:?}");
        if status == 401 {
            assert!(reply.header("www-authenticate").is_some());
        }
    }
}
