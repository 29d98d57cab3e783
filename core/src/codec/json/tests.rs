extern crate std;

use super::*;

const LIMITS: Limits = Limits {
    octets: 512,
    depth: 4,
    members: 8,
    trailing_comma: false,
};

fn refusal(text: &str) -> Option<JsonError> {
    Object::parse(text.as_bytes(), &LIMITS).err()
}

fn object(text: &str) -> Object<'_> {
    Object::parse(text.as_bytes(), &LIMITS).unwrap()
}

fn text_member<'a>(object: &Object<'a>, name: &str) -> Text<'a> {
    match object.member(name) {
        Some(Value::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn r37_grammar_accepted() {
    for text in [
        "{}",
        " {\t}\r\n",
        r#"{"":""}"#,
        r#"{"a":[]}"#,
        r#"{"a":[[],{}]}"#,
        r#"{"a":[ 1 , "x" , null ]}"#,
        r#"{"a":0,"b":-0,"c":10,"d":0.5,"e":1e5,"f":-1.25E+10,"g":2e-7}"#,
        r#"{"a":true,"b":false,"c":null}"#,
        r#"{"a":"\"\\\/\b\f\n\r\t\u0000\uD83D\uDE00\ud83d\ude00"}"#,
        r#"{"a":{"a":{"a":1}}}"#,
        "{\"\u{e9}\":\"\u{1F600}\u{7f}\"}",
        r#"{"a":{"b":1},"b":{"a":2}}"#,
        r#"{"a":[{"b":1},{"b":2}]}"#,
    ] {
        assert_eq!(refusal(text), None, "{text}");
    }
}

#[test]
fn r37_grammar_refused() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "\u{feff}{}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1"#,
        r#"{"a":1]"#,
        r#"{"a":[1}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[,1]}"#,
        r#"{"a":[1 2]}"#,
        r#"{,}"#,
        r#"{"a":1,}"#,
        r#"{"a":1,,"b":2}"#,
        r#"{"a":1 "b":2}"#,
        r#"{"a" 1}"#,
        r#"{"a"::1}"#,
        r#"{a:1}"#,
        r#"{'a':1}"#,
        r#"{1:1}"#,
        r#"{"a":tru}"#,
        r#"{"a":truee}"#,
        r#"{"a":True}"#,
        r#"{"a":01}"#,
        r#"{"a":-}"#,
        r#"{"a":-01}"#,
        r#"{"a":+1}"#,
        r#"{"a":.5}"#,
        r#"{"a":1.}"#,
        r#"{"a":1.e5}"#,
        r#"{"a":1e}"#,
        r#"{"a":1e+}"#,
        r#"{"a":0x10}"#,
        r#"{"a":NaN}"#,
        r#"{"a":"}"#,
        r#"{"a":"\"}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12"}"#,
        r#"{"a":"\u12g4"}"#,
        r#"{"a":"\u+123"}"#,
        "{\"a\":\"\n\"}",
        "{\"a\":\"\u{0}\"}",
        "{\"a\":\"\u{1f}\"}",
        "{\"a\n\":1}",
        "{\u{b}}",
        "{\u{a0}}",
        "{/**/}",
    ] {
        assert_eq!(refusal(text), Some(JsonError::Syntax), "{text}");
    }
}

#[test]
fn r37_lone_surrogates_refused() {
    for text in [
        r#"{"a":"\uD800"}"#,
        r#"{"a":"\uDC00"}"#,
        r#"{"a":"\uDE00\uD83D"}"#,
        r#"{"a":"\uD83D\uD83D"}"#,
        r#"{"a":"\uD83Dx"}"#,
        r#"{"a":"\uD83D\n"}"#,
        r#"{"a":"\uD83D\u0041"}"#,
        r#"{"\uD800":1}"#,
    ] {
        assert_eq!(refusal(text), Some(JsonError::Syntax), "{text}");
    }
}

#[test]
fn r37_duplicates_refused_at_every_level_and_in_every_spelling() {
    for text in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"b":2,"a":1}"#,
        r#"{"":1,"":2}"#,
        r#"{"alg":1,"\u0061lg":2}"#,
        r#"{"\u0061lg":1,"alg":2}"#,
        r#"{"\u0061lg":1,"al\u0067":2}"#,
        r#"{"a/b":1,"a\/b":2}"#,
        r#"{"😀":1,"\ud83d\ude00":2}"#,
        r#"{"x":{"a":1,"a":2}}"#,
        r#"{"x":[{"a":1},{"a":1,"a":2}]}"#,
        r#"{"x":{"y":{"a":1,"a":2}}}"#,
        // The table is a stack: a name before a nested object is still there after it.
        r#"{"a":{"b":1,"c":{"d":1}},"a":1}"#,
        r#"{"a":[{"b":1}],"c":[],"a":1}"#,
    ] {
        assert_eq!(refusal(text), Some(JsonError::DuplicateMember), "{text}");
    }
    for text in [
        r#"{"a":1,"A":2}"#,
        r#"{"a":1,"\\u0061":2}"#,
        r#"{"a":1,"a\u0000":2}"#,
        r#"{"a":{"a":{"a":1},"b":1},"b":1}"#,
        "{\"\u{e9}\":1,\"e\u{301}\":2}",
    ] {
        assert_eq!(refusal(text), None, "{text}");
    }
}

#[test]
fn r37_only_objects_and_nothing_after_them() {
    for text in ["[]", "\"a\"", " 1", "-1", "true", "false", "null"] {
        assert_eq!(refusal(text), Some(JsonError::NotAnObject), "{text}");
    }
    for text in ["{}{}", "{} x", "{}\0", "{}}", "{},", "{\"a\":1}\u{a0}"] {
        assert_eq!(refusal(text), Some(JsonError::TrailingOctets), "{text}");
    }
}

#[test]
fn r37_limits_are_exact() {
    let mut limits = LIMITS;
    limits.octets = 7;
    assert!(Object::parse(br#"{"a":1}"#, &limits).is_ok());
    assert_eq!(
        Object::parse(br#"{"a":1} "#, &limits).err(),
        Some(JsonError::TooLong)
    );

    assert_eq!(refusal(r#"{"a":[[{}]]}"#), None);
    assert_eq!(refusal(r#"{"a":[[[[]]]]}"#), Some(JsonError::TooDeep));
    assert_eq!(refusal(r#"{"a":[[[{}]]]}"#), Some(JsonError::TooDeep));

    // All objects together have eight members.
    assert_eq!(
        refusal(r#"{"a":{"a":1,"b":2},"b":[{"a":1},{"a":1}],"c":{"a":1}}"#),
        None
    );
    assert_eq!(
        refusal(r#"{"a":{"a":1,"b":2},"b":[{"a":1},{"a":1}],"c":{"a":1,"b":2}}"#),
        Some(JsonError::TooManyMembers)
    );

    let none = Limits { depth: 0, ..LIMITS };
    assert_eq!(Object::parse(b"{}", &none).err(), Some(JsonError::TooDeep));
}

#[test]
fn r37_utf8_checked_everywhere() {
    for text in [
        &b"{\"a\":\"\xC0\xAF\"}"[..],
        b"{\"\xFF\":1}",
        b"{\"a\":\"\xED\xA0\x80\"}",
        b"{}\x80",
        b"\xF0\x9F{}",
    ] {
        assert_eq!(
            Object::parse(text, &LIMITS).err(),
            Some(JsonError::InvalidUtf8)
        );
    }
}

#[test]
fn trailing_comma_only_where_allowed() {
    let limits = Limits {
        trailing_comma: true,
        ..LIMITS
    };
    for text in [r#"{"a":1,}"#, "{\"a\":1 ,\n}\n", r#"{"a":{},"b":[],}"#] {
        assert!(Object::parse(text.as_bytes(), &limits).is_ok(), "{text}");
    }
    for text in [
        "{,}",
        r#"{"a":1,,}"#,
        r#"{"a":{"b":1,}}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[{"b":1,}]}"#,
        r#"{"a":1,]"#,
        r#"{"a":1,"#,
    ] {
        assert_eq!(
            Object::parse(text.as_bytes(), &limits).err(),
            Some(JsonError::Syntax),
            "{text}"
        );
    }
    assert_eq!(
        Object::parse(br#"{"a":1,},"#, &limits).err(),
        Some(JsonError::TrailingOctets)
    );
}

#[test]
fn members_have_their_names_and_values() {
    let text =
        r#" { "t" : "x" , "n":-1.5e3, "y":true,"o":{"t":"in"},"z":null,"a":["p"] , "e\n":"q\"" } "#;
    let object = object(text);
    assert_eq!(object.text(), text);
    let names = object.members().map(|(name, _)| name.as_str());
    assert!(
        names.eq(["t", "n", "y", "o", "z", "a"]
            .map(Some)
            .into_iter()
            .chain([None]))
    );
    assert_eq!(text_member(&object, "t").as_str(), Some("x"));
    assert!(matches!(object.member("n"), Some(Value::Number(n)) if n.as_str() == "-1.5e3"));
    assert!(matches!(object.member("y"), Some(Value::Bool(true))));
    assert!(matches!(
        object.member("o"),
        Some(Value::Object(r#"{"t":"in"}"#))
    ));
    assert!(matches!(object.member("z"), Some(Value::Null)));
    assert!(matches!(object.member("a"), Some(Value::Array(_))));
    let escaped = text_member(&object, "e\n");
    assert_eq!(escaped.as_str(), None);
    assert!(escaped.eq_str("q\""));
    assert!(!escaped.eq_str("q"));
    assert!(object.member("in").is_none());
    assert!(object.member("e").is_none());
}

#[test]
fn texts_are_unescaped() {
    let object = object(r#"{"a":"\u00e9\ud83d\ude00\u0000\/ü","b":"plain","c":""}"#);
    let expected = "é😀\0/ü";
    let text = text_member(&object, "a");
    assert!(text.chars().eq(expected.chars()));
    assert!(text.eq_str(expected));
    let mut out = [0; 16];
    assert_eq!(text.unescape(&mut out), Ok(expected));
    let mut exact = [0; 10];
    assert_eq!(text.unescape(&mut exact), Ok(expected));
    for length in 0..10 {
        assert_eq!(
            text.unescape(&mut out[..length]),
            Err(JsonError::BufferTooSmall)
        );
    }
    assert_eq!(text_member(&object, "b").unescape(&mut out), Ok("plain"));
    assert_eq!(
        text_member(&object, "b").unescape(&mut out[..4]),
        Err(JsonError::BufferTooSmall)
    );
    assert_eq!(text_member(&object, "c").unescape(&mut []), Ok(""));
}

#[test]
fn r33_numbers_are_bounded() {
    let number = |text: &str| {
        let document = std::format!("{{\"n\":{text}}}");
        match object(&document).member("n") {
            Some(Value::Number(n)) => (n.as_u64(), n.as_numeric_date()),
            other => panic!("{other:?}"),
        }
    };
    let date = |seconds, fraction| Some(NumericDate { seconds, fraction });
    for (text, integer, expected) in [
        ("0", Some(0), date(0, false)),
        ("-0", None, None),
        ("-1", None, None),
        ("1e3", None, None),
        ("1.5e3", None, None),
        ("1.0", None, date(1, false)),
        ("1700000000.25", None, date(1_700_000_000, true)),
        ("1.000000000000000000000000000001", None, date(1, true)),
        (
            "253402300799",
            Some(253_402_300_799),
            date(253_402_300_799, false),
        ),
        ("253402300799.0", None, date(253_402_300_799, false)),
        ("253402300799.1", None, None),
        ("253402300800", Some(253_402_300_800), None),
        ("18446744073709551615", Some(u64::MAX), None),
        ("18446744073709551616", None, None),
        ("100000000000000000000000000", None, None),
    ] {
        assert_eq!(number(text), (integer, expected), "{text}");
    }
}

#[test]
fn arrays_give_their_items() {
    let object = object(
        r#"{"a":[ "x" ,"y\"]" , [1,[2]],{"k":"}]"}, 12 ,true,null,-0.5e1],"e":[ ],"s":["one"]}"#,
    );
    let Some(Value::Array(array)) = object.member("a") else {
        panic!()
    };
    let items: std::vec::Vec<Value<'_>> = array.items().collect();
    assert!(matches!(items[0], Value::Text(t) if t.as_str() == Some("x")));
    assert!(matches!(items[1], Value::Text(t) if t.as_str().is_none() && t.eq_str("y\"]")));
    let Value::Array(inner) = items[2] else {
        panic!()
    };
    assert_eq!(inner.items().count(), 2);
    assert!(matches!(items[3], Value::Object(r#"{"k":"}]"}"#)));
    assert!(matches!(items[4], Value::Number(n) if n.as_u64() == Some(12)));
    assert!(matches!(items[5], Value::Bool(true)));
    assert!(matches!(items[6], Value::Null));
    assert!(matches!(items[7], Value::Number(n) if n.as_str() == "-0.5e1"));
    assert_eq!(items.len(), 8);

    for (name, count) in [("e", 0), ("s", 1)] {
        let Some(Value::Array(array)) = object.member(name) else {
            panic!()
        };
        assert_eq!(array.items().count(), count);
    }
}

#[test]
fn r08_debug_shows_no_contents() {
    let object = object(r#"{"password":"hunter2","pin":1234,"a":["hunter2"],"o":{"p":"hunter2"}}"#);
    let mut shown = std::format!("{object:?}");
    assert_eq!(shown, "Object(4 members)");
    for (name, value) in object.members() {
        shown.push_str(&std::format!("{name:?} {value:?}"));
        assert_eq!(std::format!("{name:?}"), "Text(..)");
    }
    assert!(
        !shown.contains("hunter2") && !shown.contains("1234"),
        "{shown}"
    );
}

fn write(
    length: usize,
    script: impl FnOnce(&mut Writer<'_>),
) -> Result<std::string::String, JsonError> {
    let mut out = std::vec![0xAA; length];
    let mut writer = Writer::new(&mut out);
    script(&mut writer);
    let written = writer.finish()?;
    Ok(std::string::String::from_utf8(written.to_vec()).unwrap())
}

fn document(writer: &mut Writer<'_>) {
    writer.begin_object();
    writer.member_text("text", "a\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}é");
    writer.member_u64("zero", 0);
    writer.member_u64("most", u64::MAX);
    writer.member_bool("yes", true);
    writer.member_bool("no", false);
    writer.member_text_parts("scope", &["read", " ", "write"]);
    writer.begin_array_member("none");
    writer.end_array();
    writer.begin_array_member("texts");
    writer.array_text("x");
    writer.array_text("y");
    writer.end_array();
    writer.begin_array_member("keys");
    writer.begin_object();
    writer.member_text("k", "1");
    writer.end_object();
    writer.begin_object();
    writer.end_object();
    writer.end_array();
    writer.begin_object_member("cnf");
    writer.member_raw("raw", b"[1]");
    writer.end_object();
    writer.end_object();
}

const DOCUMENT: &str = concat!(
    r#"{"text":"a\"\\/\b\f\n\r\t\u0000\u001f"#,
    "\u{7f}é",
    r#"","zero":0,"most":18446744073709551615,"yes":true,"no":false,"#,
    r#""scope":"read write","none":[],"texts":["x","y"],"keys":[{"k":"1"},{}],"cnf":{"raw":[1]}}"#
);

#[test]
fn writer_writes_json() {
    let counted = |writer: &mut Writer<'_>| {
        document(writer);
        assert_eq!(writer.len(), DOCUMENT.len());
        assert!(!writer.is_empty());
    };
    assert_eq!(write(512, counted).unwrap(), DOCUMENT);
    let limits = Limits {
        members: 16,
        ..LIMITS
    };
    assert!(Object::parse(DOCUMENT.as_bytes(), &limits).is_ok());
}

#[test]
fn writer_overflow_is_sticky() {
    assert_eq!(write(DOCUMENT.len(), document).unwrap(), DOCUMENT);
    for length in 0..DOCUMENT.len() {
        assert_eq!(write(length, document), Err(JsonError::BufferTooSmall));
    }
    // What would fit again after an overflow is not written.
    assert_eq!(
        write(4, |writer| {
            writer.raw(b"12345");
            writer.raw(b"1");
            assert_eq!(writer.len(), 0);
            assert!(writer.is_empty());
        }),
        Err(JsonError::BufferTooSmall)
    );
}
