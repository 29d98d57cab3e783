extern crate std;

use std::string::String;
use std::vec::Vec as List;

use super::*;

fn form(body: &[u8]) -> Result<List<(String, String)>, FormError> {
    let mut body = body.to_vec();
    let parameters = Parameters::from_form(&mut body, &Limits::default())?;
    Ok(owned(&parameters))
}

fn json(body: &[u8]) -> Result<List<(String, String)>, FormError> {
    let mut body = body.to_vec();
    let parameters = Parameters::from_json(&mut body, &Limits::default(), false)?;
    Ok(owned(&parameters))
}

fn owned(parameters: &Parameters<'_>) -> List<(String, String)> {
    parameters
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> List<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| (String::from(*name), String::from(*value)))
        .collect()
}

#[test]
fn forms_are_decoded() {
    for (body, expected) in [
        ("", &[][..]),
        ("&", &[]),
        ("&&&", &[]),
        ("a", &[("a", "")]),
        ("a=", &[("a", "")]),
        ("=", &[("", "")]),
        ("=b", &[("", "b")]),
        ("a=b", &[("a", "b")]),
        ("a=b=c", &[("a", "b=c")]),
        ("a==", &[("a", "=")]),
        ("&a=b&&c=d&", &[("a", "b"), ("c", "d")]),
        ("a;b=c;d", &[("a;b", "c;d")]),
        ("a+b=c+d+", &[("a b", "c d ")]),
        ("a%20b=c%26d%3De%2B%25", &[("a b", "c&d=e+%")]),
        ("%61=%6a%6A", &[("a", "jj")]),
        ("a%3Db=%00", &[("a=b", "\0")]),
        ("n=caf%C3%A9&m=é", &[("n", "café"), ("m", "é")]),
        ("%F0%9F%98%80=%F0%9F%98%80&z=1", &[("😀", "😀"), ("z", "1")]),
        ("a=%2520", &[("a", "%20")]),
        ("+=+", &[(" ", " ")]),
        // Octets one bit from those looked for, right after them: a borrow must not fool it.
        (
            "a=<=<&'&b'=*%25$%2B*",
            &[("a", "<=<"), ("'", ""), ("b'", "*%$+*")],
        ),
    ] {
        assert_eq!(form(body.as_bytes()), Ok(pairs(expected)), "{body}");
    }
}

#[test]
fn forms_are_decoded_at_every_alignment() {
    for before in 0..20 {
        for after in 0..20 {
            let mut text = "x".repeat(before);
            text.push_str("a=1%3D2&b+c=");
            text.push_str(&"y".repeat(after));
            text.push_str("&d");
            let name = std::format!("{}a", "x".repeat(before));
            let value = "y".repeat(after);
            let expected = pairs(&[(&name, "1=2"), ("b c", &value), ("d", "")]);
            assert_eq!(form(text.as_bytes()), Ok(expected), "{text}");
        }
    }
}

/// A form read as the standard tells it, an octet at a time.
fn plainly(body: &[u8]) -> Result<List<(String, String)>, FormError> {
    let pieces = body.split(|octet| *octet == b'&');
    let pieces: List<&[u8]> = pieces.filter(|piece| !piece.is_empty()).collect();
    if pieces.len() > MAX_PARAMETERS {
        return Err(FormError::TooManyParameters);
    }
    let mut octets = List::new();
    for piece in pieces {
        let mut halves = piece.splitn(2, |octet| *octet == b'=');
        let mut half = || decoded_plainly(halves.next().unwrap_or_default());
        octets.push((half()?, half()?));
    }
    let text = |octets| String::from_utf8(octets).map_err(|_| FormError::InvalidUtf8);
    let mut pairs = List::new();
    for (name, value) in octets {
        pairs.push((text(name)?, text(value)?));
    }
    let mut names: List<&String> = pairs.iter().map(|(name, _)| name).collect();
    names.sort();
    if names.windows(2).any(|two| two[0] == two[1]) {
        return Err(FormError::Repeated);
    }
    Ok(pairs)
}

fn decoded_plainly(mut text: &[u8]) -> Result<List<u8>, FormError> {
    let mut octets = List::new();
    while let [octet, rest @ ..] = text {
        text = rest;
        octets.push(match octet {
            b'+' => b' ',
            b'%' => {
                let (digits, rest) = text.split_at_checked(2).ok_or(FormError::BadEscape)?;
                let good = digits.iter().all(u8::is_ascii_hexdigit);
                let digits = str::from_utf8(digits).ok().filter(|_| good);
                text = rest;
                u8::from_str_radix(digits.ok_or(FormError::BadEscape)?, 16).unwrap()
            }
            octet => *octet,
        });
    }
    Ok(octets)
}

/// What means something in a form, and what is near it.
const MARKS: [&[u8]; 16] = [
    b"&", b"=", b"+", b"%3d", b"%26", b"%2B", b"%C3%a9", b"%C3", b"%", b"%4", b"*", b",", b"<",
    b"'", b"\0", b"\xFF",
];

#[test]
fn forms_of_every_length_are_read_as_they_are_plainly() {
    for length in 0..=40 {
        for at in 0..=length {
            for mark in MARKS {
                let mut body = std::vec![b'x'; length];
                body.splice(at..at, mark.iter().copied());
                assert_eq!(form(&body), plainly(&body), "{body:?}");
                // And one at the border of the first two words.
                let border = body.len().min(7);
                body.splice(border..border, *b"=%41");
                assert_eq!(form(&body), plainly(&body), "{body:?}");
            }
        }
    }
}

#[test]
fn marks_beside_each_other_are_read_as_they_are_plainly() {
    for before in 0..=9 {
        for one in MARKS {
            for two in MARKS {
                for three in MARKS {
                    let between = [&b"a"[..], b""];
                    for between in between {
                        let mut body = std::vec![b'x'; before];
                        for part in [one, between, two, three, b"b"] {
                            body.extend_from_slice(part);
                        }
                        assert_eq!(form(&body), plainly(&body), "{body:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_shrinks_leaves_spaces() {
    for (body, text) in [
        ("a=%41+%42&b=1", "a=A B    &b=1"),
        ("%61%62=%63&+", "ab    =c  & "),
        ("long%2Dname%3D&x=%2541", "long-name=    &x=%41  "),
    ] {
        let mut octets = body.as_bytes().to_vec();
        let parameters = Parameters::from_form(&mut octets, &Limits::default()).unwrap();
        assert_eq!(parameters.text, text);
    }
}

#[test]
fn the_first_fault_of_a_form_is_told() {
    let pieces = |first: &str, count: usize| {
        let mut body = String::from(first);
        (1..count).for_each(|n| body.push_str(&std::format!("&p{n}")));
        body.into_bytes()
    };
    let many = FormError::TooManyParameters;
    assert_eq!(form(&pieces("a=%", 25)), Err(many));
    assert_eq!(form(&pieces("a=%", 24)), Err(FormError::BadEscape));
    assert_eq!(form(b"a=%FF&a=%"), Err(FormError::BadEscape));
    assert_eq!(form(b"a=1&a=%FF"), Err(FormError::InvalidUtf8));
}

#[test]
fn r03_bad_escapes_refused() {
    for body in [
        "a=%", "a=%4", "a=%g1", "a=%1g", "a=%%41", "%=a", "%4=a", "a=%4&b=1", "a=%&41=1", "a=% 1",
        "a=%+1", "a=%-1", "b=1&a=x%", "a=1%2", "a=%u0041",
    ] {
        assert_eq!(form(body.as_bytes()), Err(FormError::BadEscape), "{body}");
    }
}

#[test]
fn r03_bad_utf8_refused() {
    for body in [
        &b"a=\xFF"[..],
        b"a=%FF",
        b"%FF=a",
        b"a=%C3",
        b"a=\xC3",
        // A character must not be put together from two pieces, nor from raw and escaped ones of two.
        b"a=%C3&%A9=b",
        b"%C3=%A9",
        b"a=\xC3&\xA9=b",
        b"a=%C3%A9%C3&b=%A9",
        // Overlong, a surrogate, beyond Unicode.
        b"a=%C0%AF",
        b"a=%ED%A0%80",
        b"a=%F4%90%80%80",
    ] {
        assert_eq!(form(body), Err(FormError::InvalidUtf8), "{body:?}");
    }
    // Raw and escaped octets of one value are one text.
    assert_eq!(form(b"a=\xC3%A9"), Ok(pairs(&[("a", "é")])));
}

#[test]
fn r04_repeated_parameters_refused() {
    for body in [
        "a=1&a=2",
        "a=1&a=1",
        "a=1&b=2&c=3&a=",
        "a&a",
        "=&=",
        "a=1&%61=2",
        "%61=1&a=2",
        "a+b=1&a%20b=2",
        "%C3%A9=1&é=2",
    ] {
        assert_eq!(form(body.as_bytes()), Err(FormError::Repeated), "{body}");
    }
    assert!(form(b"a=1&A=2&aa=3&%2561=4").is_ok());
    // Of one length, or of lengths 32 apart.
    assert_eq!(form(b"ab&cd&ef&cd"), Err(FormError::Repeated));
    let long = "a".repeat(33);
    let body = std::format!("a&{long}&b");
    assert!(form(body.as_bytes()).is_ok());
    let body = std::format!("a&{long}&b&{long}");
    assert_eq!(form(body.as_bytes()), Err(FormError::Repeated));
}

#[test]
fn r04_empty_parameters_omitted() {
    let mut body = *b"scope=&state&code=x";
    let parameters = Parameters::from_form(&mut body, &Limits::default()).unwrap();
    assert_eq!(parameters.value("scope"), Ok(None));
    assert_eq!(parameters.value("state"), Ok(None));
    assert_eq!(parameters.value("code"), Ok(Some("x")));
    assert_eq!(parameters.value("cod"), Ok(None));
    assert_eq!(parameters.value("grant_type"), Ok(None));
    assert_eq!(parameters.len(), 3);
    assert!(!parameters.is_empty());
    let mut nothing = *b"&&";
    let parameters = Parameters::from_form(&mut nothing, &Limits::default()).unwrap();
    assert!(parameters.is_empty());
}

#[test]
fn r05_forms_are_bounded() {
    let limits = Limits {
        octets: 7,
        parameters: 2,
    };
    let bounded = |body: &[u8]| Parameters::from_form(&mut body.to_vec(), &limits).err();
    assert_eq!(bounded(b"a=1&b=2"), None);
    assert_eq!(bounded(b"a=1&b=22"), Some(FormError::TooLong));
    assert_eq!(bounded(b"a&b&c"), Some(FormError::TooManyParameters));
    assert_eq!(bounded(b"&&a&&b&"), None);

    // No limit reaches past what there is memory for.
    let limits = Limits {
        octets: usize::MAX,
        parameters: u8::MAX,
    };
    let body = |count: usize| {
        let names: List<String> = (0..count).map(|n| std::format!("p{n}")).collect();
        names.join("&").into_bytes()
    };
    assert!(Parameters::from_form(&mut body(24), &limits).is_ok());
    assert_eq!(
        Parameters::from_form(&mut body(25), &limits).err(),
        Some(FormError::TooManyParameters)
    );
    let mut longest = std::vec![b'%'; MAX_OCTETS];
    assert_eq!(
        Parameters::from_form(&mut longest, &limits).err(),
        Some(FormError::BadEscape)
    );
    longest.fill(b'+');
    assert_eq!(
        Parameters::from_form(&mut longest, &limits).map(|p| p.len()),
        Ok(1)
    );
    longest.push(b'+');
    assert_eq!(
        Parameters::from_form(&mut longest, &limits).err(),
        Some(FormError::TooLong)
    );
}

#[test]
fn json_objects_are_parameters() {
    for (body, expected) in [
        ("{}", &[][..]),
        (r#"{"a":"b"}"#, &[("a", "b")]),
        (r#" { "a" : "" , "b":"c"} "#, &[("a", ""), ("b", "c")]),
        (
            r#"{"\u0061\n":"\"\\\/\u00e9\ud83d\ude00é","b":"+%41&="}"#,
            &[("a\n", "\"\\/é😀é"), ("b", "+%41&=")],
        ),
        (
            r#"{"a":1,"b":"x","c":null,"d":["\n"],"e":{"b":"\u0061"},"f":true,"g":"\t"}"#,
            &[("b", "x"), ("g", "\t")],
        ),
    ] {
        assert_eq!(json(body.as_bytes()), Ok(pairs(expected)), "{body}");
    }
}

#[test]
fn json_values_that_are_not_text_are_remembered() {
    let mut body = *br#"{"a":1,"b":"x","c":null,"\u0064":["x"],"e":{"b":"y"},"f":false,"g":""}"#;
    let parameters = Parameters::from_json(&mut body, &Limits::default(), false).unwrap();
    for name in ["a", "c", "d", "e", "f"] {
        assert_eq!(parameters.value(name), Err(NotText), "{name}");
    }
    assert_eq!(parameters.value("b"), Ok(Some("x")));
    assert_eq!(parameters.value("g"), Ok(None));
    assert_eq!(parameters.value("h"), Ok(None));
    assert_eq!(parameters.len(), 7);
}

#[test]
fn json_faults_have_the_forms_names() {
    let many: List<String> = (0..25).map(|n| std::format!("\"p{n}\":\"\"")).collect();
    let many = std::format!("{{{}}}", many.join(","));
    let long = std::format!("{{\"a\":\"{}\"}}", "x".repeat(1024));
    for (body, error) in [
        (&br#"{"a":"1","\u0061":"2"}"#[..], FormError::Repeated),
        (b"{\"a\":\"\xFF\"}", FormError::InvalidUtf8),
        (many.as_bytes(), FormError::TooManyParameters),
        (long.as_bytes(), FormError::TooLong),
        (br#"{"a":"1",}"#, FormError::Json(JsonError::Syntax)),
        (b"[]", FormError::Json(JsonError::NotAnObject)),
        (b"{}{}", FormError::Json(JsonError::TrailingOctets)),
        (br#"{"a":[[[[]]]]}"#, FormError::Json(JsonError::TooDeep)),
        (b"a=b", FormError::Json(JsonError::Syntax)),
        (b"", FormError::Json(JsonError::Syntax)),
    ] {
        assert_eq!(json(body), Err(error));
    }
    let mut body = *br#"{"a":"1",}"#;
    assert!(Parameters::from_json(&mut body, &Limits::default(), true).is_ok());
}

#[test]
fn r08_debug_shows_nothing() {
    let mut body = *b"password=hunter2";
    let parameters = Parameters::from_form(&mut body, &Limits::default()).unwrap();
    assert_eq!(std::format!("{parameters:?}"), "Parameters(1)");
}
