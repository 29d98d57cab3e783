//! Reading the request: R1 to R8.

use smallgate_core::profile::{self, GrantType};

use super::services::{DRILLSTER_ASK, dressipi_ask, dressipi_code, dressipi_form, drillster_token};
use super::session::{Session, basic, post};
use super::setups::{
    BREAKOUT, DEMO, DRESSIPI, DRILLSTER, OUT_OF_BAND, PROFILES, QUOTES, standard, teen_quotes,
};
use crate::host::Host;
use crate::wire::{Request, Response};

const FIRST: &str = "grant_type=client_credentials";

fn refused(response: &Response, status: u16, what: &str) {
    assert_eq!(
        response.outcome(),
        (status, "invalid_request".to_owned()),
        "{what}"
    );
}

pub fn r01_token_endpoint_takes_post_alone<H: Host>() {
    for (profile, setup) in PROFILES {
        let session = Session::<H>::start(setup());
        for method in [
            "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "post", "PROPFIND",
        ] {
            let response = session.ask(&Request::new(method, profile.token_path));
            assert_eq!(response.status, 405, "{method}");
            assert_eq!(response.header("allow"), Some("POST"), "{method}");
        }
        let with_body = session.ask(&Request::new("PUT", profile.token_path).form(FIRST));
        assert_eq!(
            (with_body.status, with_body.header("allow")),
            (405, Some("POST"))
        );
    }
}

pub fn r02_parameters_in_the_query_are_refused<H: Host>() {
    let session = Session::<H>::start(standard());
    let authorization = basic(DEMO);
    for query in [
        "grant_type=client_credentials",
        "scope=read",
        "client_secret=x",
        "x",
        "&",
    ] {
        let path = format!("/oauth/token?{query}");
        refused(
            &session.post(&path, Some(&authorization), FIRST),
            400,
            query,
        );
    }
    let in_query = format!("/oauth/token?client_id={}&client_secret={}", DEMO.0, DEMO.1);
    session.heard(&Request::new("POST", &in_query).content(&in_query.replace('?', "&")));
    refused(&session.post(&in_query, None, FIRST), 400, "credentials");
    let bare = session.post("/oauth/token?", Some(&authorization), FIRST);
    assert_eq!(bare.status, 200, "a question mark is no parameter");
}

fn typed<H: Host>(session: &Session<H>, content_type: &str) -> Response {
    let request = Request::new("POST", "/oauth/token").header("Authorization", &basic(DEMO));
    session.ask(&request.body(content_type, FIRST))
}

pub fn r03_charset_after_the_content_type_is_fine<H: Host>() {
    let session = Session::<H>::start(standard());
    for content_type in [
        "application/x-www-form-urlencoded;charset=UTF-8",
        "application/x-www-form-urlencoded; charset=utf-8",
        "application/x-www-form-urlencoded ; a=b; c=d",
        "Application/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded;",
    ] {
        assert_eq!(typed(&session, content_type).status, 200, "{content_type}");
    }
}

pub fn r03_other_content_types_are_refused<H: Host>() {
    let session = Session::<H>::start(standard());
    for content_type in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencodedx",
        "application/x-www-form-urlencoded, text/plain",
        "x/application/x-www-form-urlencoded",
        "",
    ] {
        refused(&typed(&session, content_type), 415, content_type);
    }
    let base = || Request::new("POST", "/oauth/token").header("Authorization", &basic(DEMO));
    let none = base().header("Content-Length", "29").content(FIRST);
    refused(&session.ask(&none), 415, "no type");
    let twice = base()
        .header("Content-Type", "application/x-www-form-urlencoded")
        .form(FIRST);
    refused(&session.ask(&twice), 415, "two types");
}

pub fn r03_bad_escapes_and_bad_utf8_are_refused<H: Host>() {
    let session = Session::<H>::start(standard());
    for piece in [
        "a=%",
        "a=%4",
        "a=%zz",
        "a=%4g",
        "%=a",
        "a=%ff",
        "a=%c3",
        "a=%c3%28",
        "a=%ed%a0%80",
        "a=%f4%90%80%80",
        "a=%c0%80",
    ] {
        let form = format!("{FIRST}&{piece}");
        refused(&session.token(DEMO, &form), 400, piece);
    }
    let mut raw = post("/oauth/token", Some(&basic(DEMO)), &format!("{FIRST}&a=XX"));
    let end = raw.body.len();
    raw.body[end - 2..].copy_from_slice(b"\xff\xfe");
    refused(&session.ask(&raw), 400, "raw octets that are not UTF-8");
    let utf8 = session.token(DEMO, &format!("{FIRST}&a=%e2%82%ac&b=\u{20ac}"));
    assert_eq!(utf8.status, 200);
}

fn json<H: Host>(session: &Session<H>, path: &str, body: &str) -> Response {
    session.ask(&Request::new("POST", path).body("application/json", body))
}

fn quotes(end: &str) -> String {
    let (id, secret) = QUOTES;
    format!(
        r#"{{"grant_type":"client_credentials","client_id":"{id}","client_secret":"{secret}"{end}"#
    )
}

pub fn r03_json_is_for_profiles_that_take_it<H: Host>() {
    let session = Session::<H>::start(teen_quotes());
    for (end, what) in [
        ("}", "as it should be"),
        (",}", "with the comma of the document"),
        (" , }\n", "with white space"),
        (r#","extra":[1,{"a":null}]}"#, "with a member nobody knows"),
        (r#","scope":""}"#, "with an empty parameter"),
    ] {
        let response = json(&session, "/oauth", &quotes(end));
        assert_eq!(response.status, 200, "{what}: {}", response.text());
    }
    let charset =
        Request::new("POST", "/oauth").body("application/json; charset=UTF-8", &quotes("}"));
    assert_eq!(session.ask(&charset).status, 200);
    drop(session);
    let session = Session::<H>::start(standard());
    refused(
        &json(&session, "/oauth/token", &quotes("}")),
        415,
        "standard takes no JSON",
    );
}

pub fn r03_json_that_is_not_strict_is_refused<H: Host>() {
    let session = Session::<H>::start(teen_quotes());
    for end in [
        ",,}",
        "",
        "}}",
        "} {",
        "},",
        ",null}",
        r#","client_id":"42"}"#,
        r#","client\u005fid":"42"}"#,
        r#","scope":1}"#,
        r#","scope":null}"#,
        r#","scope":["read"]}"#,
        r#","scope":"\ud800"}"#,
        r#","scope":"\x"}"#,
        ",'scope':'read'}",
        r#","a":01}"#,
        r#","a":[[[[[[1]]]]]]}"#,
        "/**/}",
    ] {
        refused(&json(&session, "/oauth", &quotes(end)), 400, end);
    }
    for body in [
        "",
        "[]",
        "null",
        "\"\"",
        "{",
        "grant_type=client_credentials",
        "\u{feff}{}",
    ] {
        refused(&json(&session, "/oauth", body), 400, body);
    }
    let nested = quotes(",\"a\":") + &"[".repeat(700);
    refused(&json(&session, "/oauth", &nested), 400, "700 brackets");
}

pub fn r04_repeated_parameters_are_refused<H: Host>() {
    let session = Session::<H>::start(standard());
    for form in [
        "grant_type=client_credentials&grant_type=client_credentials",
        "grant_type=client_credentials&scope=read&scope=read",
        "grant_type=client_credentials&scope=read&sc%6fpe=write",
        "grant_type=client_credentials&scope=&scope=read",
        "grant_type=client_credentials&unknown=1&unknown=2",
    ] {
        refused(&session.token(DEMO, form), 400, form);
    }
    let secret = format!(
        "client_id={}&client_secret={s}&client_secret={s}&{FIRST}",
        DEMO.0,
        s = DEMO.1
    );
    refused(&session.post("/oauth/token", None, &secret), 400, "secret");
}

pub fn r04_unknown_parameters_are_ignored<H: Host>() {
    let session = Session::<H>::start(standard());
    let form = format!("{FIRST}&resource=x&Scope=nothing&%00=%01&=&code=x&username=y&audience");
    assert_eq!(session.token(DEMO, &form).status, 200);
}

pub fn r04_empty_parameters_are_omitted<H: Host>() {
    let session = Session::<H>::start(standard());
    let form = format!("{FIRST}&scope=&client_secret=&client_id=&code_verifier=");
    let response = session.token(DEMO, &form);
    assert_eq!(
        (response.status, response.member("scope").as_str()),
        (200, "read")
    );
    refused(
        &session.token(DEMO, "grant_type="),
        400,
        "grant_type is missing",
    );
    refused(&session.token(DEMO, ""), 400, "nothing at all");
}

pub fn r05_long_bodies_are_413<H: Host>() {
    let session = Session::<H>::start(standard());
    let padded = |length: usize| {
        let start = format!("{FIRST}&a=");
        start.clone() + &"a".repeat(length - start.len())
    };
    assert_eq!(session.token(DEMO, &padded(1024)).status, 200);
    refused(&session.token(DEMO, &padded(1025)), 413, "1025 octets");
    refused(
        &session.token(DEMO, &padded(200_000)),
        413,
        "200,000 octets",
    );
    // The announcement is enough: the body is never waited for.
    let request = Request::new("POST", "/oauth/token")
        .header("Authorization", &basic(DEMO))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Content-Length", "1000000000000");
    let mut wire = session.wire();
    refused(&wire.ask(&request), 413, "announced");
    assert!(wire.ends(), "what would follow is no request");
}

pub fn r05_too_many_parameters_are_refused<H: Host>() {
    let session = Session::<H>::start(standard());
    let form = |count: usize| {
        let more = (1..count).map(|number| format!("&p{number}="));
        more.fold(FIRST.to_owned(), |form, piece| form + &piece)
    };
    assert_eq!(session.token(DEMO, &form(24)).status, 200);
    refused(&session.token(DEMO, &form(25)), 400, "25 parameters");
}

pub fn r05_limits_are_configuration<H: Host>() {
    let limits = "[limits]\nbody = 60\nparameters = 2\nbasic = 80";
    let session = Session::<H>::start(standard().tables(limits));
    assert_eq!(
        session.token(DEMO, &format!("{FIRST}&scope=read")).status,
        200
    );
    refused(
        &session.token(DEMO, &format!("{FIRST}&scope=&a=")),
        400,
        "parameters",
    );
    refused(
        &session.token(DEMO, &format!("{FIRST}&a={}", "a".repeat(60))),
        413,
        "body",
    );
    let long = session.token(("demo", &"x".repeat(60)), FIRST);
    assert_eq!(long.outcome(), (401, "invalid_client".to_owned()));
}

pub fn r06_every_answer_is_not_to_be_stored<H: Host>() {
    for (profile, setup) in PROFILES {
        let session = Session::<H>::start(setup());
        let path = profile.token_path;
        let mut answers = vec![
            session.post(path, None, FIRST),
            session.post(path, Some("Basic !"), FIRST),
            session.post(path, None, "%"),
            session.post(path, None, &"a".repeat(2000)),
            session.post(&format!("{path}?a=b"), None, FIRST),
            session.ask(&Request::new("GET", path)),
            session.ask(&Request::new("POST", path).body("text/plain", "x")),
            session.ask(&Request::new("GET", "/nowhere")),
            session.ask(&Request::new("GET", "/me/")),
            session.me("x.y.z"),
        ];
        answers.push(match profile.name {
            "standard" => session.token(DEMO, FIRST),
            "teen-quotes" => session.quote(FIRST),
            "breakout" => session.log_in(),
            "drillster" => {
                let code = session.code(&DRILLSTER_ASK);
                let form = format!("grant_type=authorization_code&code={code}");
                drillster_token(&session, &form)
            }
            _ => {
                let code = session.code(&dressipi_ask());
                session.ask(&dressipi_form(&dressipi_code(&code)))
            }
        });
        assert_eq!(answers.last().unwrap().status, 200);
        let token = answers.last().unwrap().member("access_token");
        answers.push(session.me(&token));
        assert_eq!(answers.last().unwrap().status, 200);
        for answer in answers {
            assert_eq!(
                answer.header("cache-control"),
                Some("no-store"),
                "{}",
                answer.pretty()
            );
            assert_eq!(
                answer.header("pragma"),
                Some("no-cache"),
                "{}",
                answer.pretty()
            );
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
    }
}

/// RFC 6749 §5.2: "Values for the "error_description" parameter MUST NOT
/// include characters outside the set %x20-21 / %x23-5B / %x5D-7E."
pub fn r07_descriptions_reflect_nothing_raw<H: Host>() {
    let long = "x".repeat(500);
    let hostile = [
        "%22%5C%00%0a%0d%1b",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "%e2%82%ac",
        "%7f",
        long.as_str(),
        "%22%2C%22access_token%22%3A%22x",
    ];
    for (profile, setup) in PROFILES {
        let session = Session::<H>::start(setup());
        let own_quotes = usize::from(profile.name == profile::TEEN_QUOTES.name) * 2;
        for text in hostile {
            let ask = |form: &str| match profile.name {
                "teen-quotes" => session.quote(form),
                "breakout" => session.token(BREAKOUT, form),
                "drillster" => session.post(profile.token_path, Some(&basic(DRILLSTER)), form),
                "dressipi" => session.post(
                    profile.token_path,
                    None,
                    &format!("client_id={DRESSIPI}&redirect_uri={OUT_OF_BAND}&{form}"),
                ),
                _ => session.token(DEMO, form),
            };
            let mut answers = vec![ask(&format!("grant_type={text}"))];
            if profile.grant_types.contains(GrantType::ClientCredentials) {
                answers.push(ask(&format!("{FIRST}&scope={text}")));
            }
            for answer in answers {
                let json = answer.json();
                assert_eq!(json.as_object().unwrap().len(), 2, "{}", answer.text());
                let description = answer.member("error_description");
                let good = |octet: u8| matches!(octet, 0x20..=0x5B | 0x5D..=0x7E);
                assert!(description.bytes().all(good), "{description}");
                assert_eq!(
                    description.matches('"').count(),
                    own_quotes,
                    "{description}"
                );
                assert!(!description.contains(&"x".repeat(65)), "{description}");
            }
        }
    }
}
