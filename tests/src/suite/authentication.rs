//! Client authentication: R9 to R17.

use super::session::{Session, basic, basic_octets, encoded, password_form, post};
use super::setups::{BREAKOUT, DEMO, OTHER, QUOTES, USER, breakout, standard, teen_quotes};
use crate::host::Host;
use crate::wire::{Request, Response};

const FIRST: &str = "grant_type=client_credentials";
const PATH: &str = "/oauth/token";

fn assert_invalid_client(response: &Response, what: &str) {
    assert_eq!(
        response.outcome(),
        (401, "invalid_client".to_owned()),
        "{what}"
    );
}

pub fn r09_confidential_client_authenticates_on_every_grant<H: Host>() {
    let session = Session::<H>::start(standard());
    for form in [
        "grant_type=client_credentials&client_id=demo",
        "grant_type=authorization_code&code=x&client_id=demo",
        "grant_type=refresh_token&refresh_token=x&client_id=demo",
        "grant_type=client_credentials",
        "client_secret=demo-secret-demo-secret-demo-secret&grant_type=client_credentials",
    ] {
        assert_invalid_client(&session.post(PATH, None, form), form);
    }
    drop(session);
    let session = Session::<H>::start(breakout());
    let token = session.log_in().member("refresh_token");
    let form = format!("grant_type=refresh_token&refresh_token={token}&client_id=breakout_app");
    assert_invalid_client(&session.post(PATH, None, &form), "refresh without a secret");
    assert_invalid_client(
        &session.token(("breakout_app", "987654321"), &form),
        "a wrong one",
    );
    assert_eq!(session.token(BREAKOUT, &form).status, 200);
}

pub fn r10_two_methods_are_refused<H: Host>() {
    let session = Session::<H>::start(standard());
    let (id, secret) = DEMO;
    let invalid = (400, "invalid_request".to_owned());
    for extra in [
        format!("&client_id={id}&client_secret={secret}"),
        format!("&client_secret={secret}"),
        "&client_secret=something-else-entirely".to_owned(),
    ] {
        let response = session.token(DEMO, &format!("{FIRST}{extra}"));
        assert_eq!(response.outcome(), invalid, "{extra}");
    }
    let twice = post(PATH, Some(&basic(DEMO)), FIRST).header("Authorization", &basic(DEMO));
    assert_eq!(session.ask(&twice).outcome(), invalid, "two headers");
}

pub fn r10_client_id_beside_basic_is_fine_if_equal<H: Host>() {
    let session = Session::<H>::start(standard());
    let equal = session.token(DEMO, &format!("{FIRST}&client_id=demo"));
    assert_eq!(equal.status, 200);
    let unequal = session.token(DEMO, &format!("{FIRST}&client_id=other"));
    assert_eq!(unequal.outcome(), (400, "invalid_request".to_owned()));
}

pub fn r11_failed_basic_is_401_with_a_challenge<H: Host>() {
    for setup in [standard(), breakout()] {
        let session = Session::<H>::start(setup);
        for (id, secret) in [
            ("demo", "wrong-secret-wrong"),
            ("nobody", "wrong-secret-wrong"),
            ("", ""),
        ] {
            let response = session.token((id, secret), FIRST);
            assert_invalid_client(&response, id);
            let challenge = response.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Basic realm=\""), "{challenge}");
        }
    }
}

pub fn r12_unknown_client_and_wrong_secret_look_the_same<H: Host>() {
    let alike = |known: Response, unknown: Response| {
        let undated = |response: Response| {
            let dated = |(name, _): &(String, String)| !name.eq_ignore_ascii_case("date");
            let headers: Vec<_> = response.headers.into_iter().filter(dated).collect();
            (response.line, headers, response.body)
        };
        assert_eq!(undated(known), undated(unknown));
    };
    let session = Session::<H>::start(standard());
    let wrong = "wrong-secret-wrong-secret-wrong-sec";
    alike(
        session.token(("demo", wrong), FIRST),
        session.token(("dema", wrong), FIRST),
    );
    let body = |id: &str| format!("{FIRST}&client_id={id}&client_secret={wrong}");
    alike(
        session.post(PATH, None, &body("demo")),
        session.post(PATH, None, &body("dema")),
    );
    // A public client has no secret, so none is right.
    alike(
        session.token(("public", wrong), FIRST),
        session.token(("publik", wrong), FIRST),
    );
    drop(session);
    let session = Session::<H>::start(breakout());
    alike(
        session.token(BREAKOUT, &password_form((USER.0, "wrong-password"))),
        session.token(
            BREAKOUT,
            &password_form(("nobody@break-out.org", "wrong-password")),
        ),
    );
}

pub fn r13_secrets_match_whole<H: Host>() {
    let session = Session::<H>::start(standard().top("").tables("[throttle]\nfailures = 100"));
    let (id, secret) = DEMO;
    let near = [
        secret[1..].to_owned(),
        secret[..secret.len() - 1].to_owned(),
        format!("{secret}x"),
        format!("{secret} "),
        format!("x{secret}"),
        secret.to_uppercase(),
        String::new(),
    ];
    for wrong in &near {
        assert_invalid_client(&session.token((id, wrong), FIRST), wrong);
        let form = format!("{FIRST}&client_id={id}&client_secret={}", encoded(wrong));
        assert_invalid_client(&session.post(PATH, None, &form), wrong);
    }
    for flipped in 0..secret.len() {
        let mut wrong = secret.as_bytes().to_vec();
        wrong[flipped] ^= 1;
        let wrong = String::from_utf8(wrong).unwrap();
        assert_invalid_client(&session.token((id, &wrong), FIRST), &wrong);
    }
    for near in ["Demo", "demo ", "dem", "demoo"] {
        assert_invalid_client(&session.token((near, secret), FIRST), near);
    }
    assert_eq!(session.token(DEMO, FIRST).status, 200);
}

/// Clients and secrets that look otherwise once they are form-encoded.
const DIFFICULT: [(&str, &str); 6] = [
    ("urn:example:app", "colon:in:the:secret:too"),
    ("plus+and percent%", "s+e c%r=e&t/~-._with-more"),
    ("a%41b", "100%sure-and-that-is-long"),
    (
        "https://client.example/?a=b&c",
        "abcdefghijklmnopqrstuvwxyz",
    ),
    ("space at the end ", " leading-and-trailing-space "),
    ("!$*(),;@#[]", "\"quotes\\and`ticks<>{}|^"),
];

/// requests-oauthlib and Authlib send raw; openid-client, oauth4webapi and the
/// `oauth2` crate encode; `@badgateway/oauth2-client` encodes `:` alone.
pub fn r15_basic_raw_and_encoded_and_colon_encoded<H: Host>() {
    let setup = DIFFICULT
        .iter()
        .fold(standard(), |setup, (id, secret)| setup.client(id, secret));
    let session = Session::<H>::start(setup);
    let plus = |text: &str| encoded(text).replace("%20", "+");
    let lower = |text: &str| encoded(text).to_lowercase();
    for (id, secret) in DIFFICULT {
        assert_eq!(id.to_lowercase().len(), id.len());
        let mut spellings = vec![(encoded(id), encoded(secret)), (plus(id), plus(secret))];
        if id.to_lowercase() == id {
            spellings.push((lower(id), lower(secret)));
        }
        if !id.contains(':') {
            spellings.push((id.to_owned(), secret.to_owned()));
        }
        // Each half by itself: an encoded id with a raw secret.
        spellings.push((encoded(id), secret.to_owned()));
        if id.contains(':') && !id.contains('%') {
            spellings.push((id.replace(':', "%3A"), secret.to_owned()));
            spellings.push((id.replace(':', "%3A"), secret.replace(':', "%3A")));
        }
        for (id, secret) in spellings {
            let response = session.token((&id, &secret), FIRST);
            assert_eq!(response.status, 200, "{id}:{secret}");
        }
        // In the body there is one way.
        let form = format!(
            "{FIRST}&client_id={}&client_secret={}",
            encoded(id),
            encoded(secret)
        );
        assert_eq!(
            session.post(PATH, None, &form).status,
            200,
            "{id} in the body"
        );
    }
    // The scheme's case and the space after it are free (RFC 9110 §11.1).
    for scheme in ["basic ", "BASIC ", "Basic   "] {
        let value = basic(DEMO).replace("Basic ", scheme);
        assert_eq!(
            session.post(PATH, Some(&value), FIRST).status,
            200,
            "{scheme}"
        );
    }
}

pub fn r15_ambiguous_spellings_are_nobodys<H: Host>() {
    let secret = "one-and-the-same-secret-for-both";
    let setup = standard().client("a+b", secret).client("a b", secret);
    let session = Session::<H>::start(setup);
    assert_invalid_client(
        &session.token(("a+b", secret), FIRST),
        "one raw, one encoded",
    );
    for (spelling, whose) in [("a%2Bb", "a+b"), ("a%20b", "a b"), ("a b", "a b")] {
        let response = session.token((spelling, secret), FIRST);
        assert_eq!(response.status, 200, "{spelling}");
        let me = session.me(&response.member("access_token"));
        assert_eq!(me.member("client_id"), whose, "{spelling}");
    }
}

pub fn r15_unreadable_basic_is_401<H: Host>() {
    let session = Session::<H>::start(standard().tables("[throttle]\nfailures = 100"));
    let good = basic(DEMO);
    let values = [
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!!".to_owned(),
        format!("{good}="),
        format!("{good} x"),
        good.trim_end_matches('=').to_owned() + "*",
        good.replace("Basic ", "Basic\t"),
        good.replace("Basic ", "Basic"),
        good.replace("Basic ", "Digest "),
        good.replace("Basic ", "Bearer "),
        good.replace("Basic ", ""),
        basic_octets(b"demo"),
        basic_octets(b"\xff\xfe:secret"),
        basic_octets(b"demo:secret\0"),
        basic_octets(b"de\nmo:secret"),
    ];
    for value in values {
        let response = session.post(PATH, Some(&value), FIRST);
        assert_invalid_client(&response, &value);
        assert!(response.header("www-authenticate").is_some(), "{value}");
    }
}

pub fn r15_long_basic_is_refused<H: Host>() {
    let longest = "x".repeat(187);
    let session = Session::<H>::start(standard().client("long", &longest));
    assert_eq!(basic(("long", &longest)).len(), "Basic ".len() + 256);
    assert_eq!(session.token(("long", &longest), FIRST).status, 200);
    assert_invalid_client(
        &session.token(("long", &format!("{longest}x")), FIRST),
        "257",
    );
    // Base64 makes four of three.
    let longest = "x".repeat(session.host.longest_field() * 3 / 4 - 20);
    assert_invalid_client(&session.token(("long", &longest), FIRST), "a long field");
}

pub fn r16_ten_failures_then_429_for_this_source_alone<H: Host>() {
    let mut session = Session::<H>::start(standard().tables("[throttle]\nwindow = 3"));
    let wrong = ("demo", "wrong-secret-wrong-secret");
    for failure in 1..=10 {
        assert_invalid_client(&session.token(wrong, FIRST), &failure.to_string());
    }
    for client in [wrong, DEMO] {
        let response = session.token(client, FIRST);
        assert_eq!(
            response.outcome(),
            (429, "temporarily_unavailable".to_owned())
        );
        let wait: u64 = response
            .header("retry-after")
            .expect("a time")
            .parse()
            .unwrap();
        assert!((1..=3).contains(&wait), "{wait}");
    }
    // In any spelling, and in the body.
    let spelled = session.token(("d%65mo", DEMO.1), FIRST);
    assert_eq!(spelled.status, 429);
    let form = format!("{FIRST}&client_id=demo&client_secret={}", DEMO.1);
    assert_eq!(session.post(PATH, None, &form).status, 429);
    // Neither another client nor another source waits.
    assert_eq!(session.token(OTHER, FIRST).status, 200);
    let request = post(PATH, Some(&basic(DEMO)), FIRST);
    if let Some(there) = session.host.elsewhere() {
        assert_eq!(session.ask_from(there, &request).status, 200);
    }
    // Nobody becomes another source by saying so.
    let claimed = request.header("X-Forwarded-For", "192.0.2.1");
    assert_eq!(session.ask(&claimed).status, 429);
    session.host.pass(3);
    assert_eq!(session.token(DEMO, FIRST).status, 200);
}

pub fn r16_forwarded_addresses_count_behind_a_trusted_proxy<H: Host>() {
    let trusted = format!("trusted_proxies = [\"{}\"]", H::seen_as());
    let session = Session::<H>::start(standard().server(&trusted));
    let from = |address: &str, client| {
        let request = post(PATH, Some(&basic(client)), FIRST);
        session
            .ask(&request.header("X-Forwarded-For", address))
            .status
    };
    for _ in 0..10 {
        assert_eq!(
            from("192.0.2.1", ("demo", "wrong-secret-wrong-secret")),
            401
        );
    }
    assert_eq!(from("192.0.2.1", DEMO), 429);
    assert_eq!(
        from("198.51.100.7, 192.0.2.1", DEMO),
        429,
        "the left one is hearsay"
    );
    assert_eq!(from("192.0.2.2", DEMO), 200);
}

pub fn r17_unregistered_grant_is_unauthorized_client<H: Host>() {
    let narrow = ("narrow", DEMO.1);
    let unauthorized = (400, "unauthorized_client".to_owned());
    let session = Session::<H>::start(standard());
    assert_eq!(session.token(narrow, FIRST).outcome(), unauthorized);
    let code = "grant_type=authorization_code&code=x";
    assert_eq!(session.token(narrow, code).outcome(), unauthorized);
    // It is told before the parameters of that grant are looked at.
    assert_eq!(
        session
            .token(narrow, "grant_type=authorization_code")
            .outcome(),
        unauthorized
    );
    let public = session.post(PATH, None, &format!("{FIRST}&client_id=public"));
    assert_eq!(public.outcome(), unauthorized);
    drop(session);
    let session = Session::<H>::start(breakout());
    assert_eq!(
        session.token(narrow, &password_form(USER)).outcome(),
        unauthorized
    );
    drop(session);
    let session = Session::<H>::start(teen_quotes());
    let form = format!("{FIRST}&client_id=narrow&client_secret={}", DEMO.1);
    assert_eq!(session.post("/oauth", None, &form).outcome(), unauthorized);
}

pub fn methods_are_the_profiles_own<H: Host>() {
    let session = Session::<H>::start(standard());
    let (id, secret) = DEMO;
    let form = format!("{FIRST}&client_id={id}&client_secret={secret}");
    assert_eq!(
        session.post(PATH, None, &form).status,
        200,
        "standard: post"
    );
    drop(session);
    let session = Session::<H>::start(teen_quotes());
    let header = session.post("/oauth", Some(&basic(QUOTES)), FIRST);
    assert_invalid_client(&header, "teen-quotes: no Basic");
    assert!(header.header("www-authenticate").is_some());
    drop(session);
    let session = Session::<H>::start(breakout());
    let (id, secret) = BREAKOUT;
    let form = format!(
        "{}&client_id={id}&client_secret={secret}",
        password_form(USER)
    );
    assert_invalid_client(&session.post(PATH, None, &form), "breakout: no post");
    let request = Request::new("POST", PATH).form(&password_form(USER));
    assert_invalid_client(&session.ask(&request), "breakout: not without");
}
