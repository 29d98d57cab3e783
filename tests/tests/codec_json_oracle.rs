//! The JSON scanner against `serde_json`: the same documents are accepted, but
//! for the rules that are stricter on purpose, and the same is read from them.

use std::collections::BTreeSet;
use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use smallgate_core::codec::json::{
    Array, JsonError, Limits, MAX_DEPTH, MAX_MEMBERS, MAX_OCTETS, Object, Value,
};

/// A document as a tree that forgets nothing: members keep their order and
/// their duplicates.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    fn depth(&self) -> usize {
        match self {
            Tree::Array(items) => 1 + items.iter().map(Tree::depth).max().unwrap_or(0),
            Tree::Object(members) => 1 + members.iter().map(|(_, v)| v.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    fn members(&self) -> usize {
        match self {
            Tree::Array(items) => items.iter().map(Tree::members).sum(),
            Tree::Object(members) => members.iter().map(|(_, v)| 1 + v.members()).sum(),
            _ => 0,
        }
    }

    fn has_duplicate(&self) -> bool {
        match self {
            Tree::Array(items) => items.iter().any(Tree::has_duplicate),
            Tree::Object(members) => {
                let names: BTreeSet<&String> = members.iter().map(|(name, _)| name).collect();
                names.len() < members.len() || members.iter().any(|(_, v)| v.has_duplicate())
            }
            _ => false,
        }
    }

    /// What the scanner's accessors say of `object`.
    fn of_object(object: &Object<'_>, limits: &Limits) -> Tree {
        let member = |(name, value): (smallgate_core::codec::json::Text<'_>, Value<'_>)| {
            (name.chars().collect(), Tree::of_value(value, limits))
        };
        Tree::Object(object.members().map(member).collect())
    }

    fn of_value(value: Value<'_>, limits: &Limits) -> Tree {
        match value {
            Value::Null => Tree::Null,
            Value::Bool(value) => Tree::Bool(value),
            Value::Number(number) => Tree::Number(number.as_str().parse().unwrap()),
            Value::Text(text) => {
                let chars: String = text.chars().collect();
                let mut out = vec![0; chars.len()];
                assert_eq!(text.unescape(&mut out), Ok(&chars[..]));
                assert!(text.eq_str(&chars));
                Tree::Text(chars)
            }
            Value::Array(array) => Tree::of_array(array, limits),
            Value::Object(text) => {
                Tree::of_object(&Object::parse(text.as_bytes(), limits).unwrap(), limits)
            }
        }
    }

    fn of_array(array: Array<'_>, limits: &Limits) -> Tree {
        Tree::Array(
            array
                .items()
                .map(|item| Tree::of_value(item, limits))
                .collect(),
        )
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

#[expect(clippy::cast_precision_loss, reason = "both sides are rounded to f64")]
impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Number(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Tree::Array(all))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
        let mut all = Vec::new();
        while let Some(member) = members.next_entry()? {
            all.push(member);
        }
        Ok(Tree::Object(all))
    }
}

/// The scanner's verdict is `serde_json`'s and the stricter rules'; and both
/// read the same.
fn compare(text: &[u8], limits: &Limits) -> Result<(), TestCaseError> {
    let scanned = Object::parse(text, limits);
    let oracle = match serde_json::from_slice::<Tree>(text) {
        Ok(tree) => Some(tree),
        // JSON's grammar has no largest number.
        Err(error) if error.to_string().starts_with("number out of range") => return Ok(()),
        Err(_) => None,
    };
    let expected = oracle.filter(|tree| {
        matches!(tree, Tree::Object(_))
            && text.len() <= limits.octets
            && tree.depth() <= usize::from(limits.depth)
            && tree.members() <= usize::from(limits.members)
            && !tree.has_duplicate()
    });
    let read = scanned
        .as_ref()
        .ok()
        .map(|object| Tree::of_object(object, limits));
    prop_assert_eq!(
        read,
        expected,
        "{:?} {:?}",
        scanned.err(),
        String::from_utf8_lossy(text)
    );
    Ok(())
}

fn tree() -> impl Strategy<Value = Tree> {
    let text = prop_oneof![3 => "[a-c]{0,2}", 1 => "[ab\"\\\\/\n\u{0}\u{7f}é😀]{0,3}"];
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Bool),
        any::<i32>().prop_map(|n| Tree::Number(f64::from(n))),
        (-1e9..1e9).prop_map(Tree::Number),
        text.clone().prop_map(Tree::Text),
    ];
    let inner = leaf.prop_recursive(5, 24, 4, move |value| {
        prop_oneof![
            vec(value.clone(), 0..4).prop_map(Tree::Array),
            vec((text.clone(), value), 0..4).prop_map(Tree::Object),
        ]
    });
    vec(("[a-e]{1,2}|\\PC", inner), 0..5).prop_map(Tree::Object)
}

/// Writes `tree` in one of its many spellings; `choices` say which.
fn spell(tree: &Tree, choices: &mut dyn Iterator<Item = u8>, out: &mut String) {
    let space = |choices: &mut dyn Iterator<Item = u8>, out: &mut String| {
        out.push_str(match choices.next().unwrap_or(0) {
            0..8 => "",
            8..12 => " ",
            12 => "\t",
            13 => "\n",
            14 => "\r",
            _ => "  ",
        });
    };
    space(choices, out);
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Bool(value) => out.push_str(&value.to_string()),
        Tree::Number(value) if choices.next().is_some_and(|choice| choice < 4) => {
            out.push_str(&format!("{value:e}"));
        }
        Tree::Number(value) => out.push_str(&value.to_string()),
        Tree::Text(text) => spell_text(text, choices, out),
        Tree::Array(items) => {
            let mut before = '[';
            for item in items {
                out.push(before);
                before = ',';
                spell(item, choices, out);
            }
            if items.is_empty() {
                out.push('[');
                space(choices, out);
            }
            out.push(']');
        }
        Tree::Object(members) => {
            let mut before = '{';
            for (name, value) in members {
                out.push(before);
                before = ',';
                space(choices, out);
                spell_text(name, choices, out);
                space(choices, out);
                out.push(':');
                spell(value, choices, out);
            }
            if members.is_empty() {
                out.push('{');
                space(choices, out);
            }
            out.push('}');
        }
    }
    space(choices, out);
}

fn spell_text(text: &str, choices: &mut dyn Iterator<Item = u8>, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        let must = matches!(character, '"' | '\\' | '\0'..' ');
        match choices.next().unwrap_or(0) {
            0..12 if !must => out.push(character),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

fn documents() -> impl Strategy<Value = Vec<u8>> {
    (tree(), vec(0..16_u8, 0..200)).prop_map(|(tree, choices)| {
        let mut out = String::new();
        spell(&tree, &mut choices.into_iter(), &mut out);
        out.into_bytes()
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    let wide = Limits {
        octets: MAX_OCTETS,
        depth: 16,
        members: 64,
        trailing_comma: false,
    };
    let any = (0..200_usize, 0..8_u8, 0..12_u8).prop_map(move |(octets, depth, members)| Limits {
        octets,
        depth,
        members,
        ..wide
    });
    prop_oneof![2 => Just(wide), 1 => any]
}

/// Octets that mean something in JSON.
fn octet() -> impl Strategy<Value = u8> {
    prop_oneof![
        12 => prop::sample::select(&b"{}[]:,\"\\ \n"[..]),
        8 => prop::sample::select(&b"0123456789+-.eEu"[..]),
        2 => prop::sample::select(&b"abtruefalsn/"[..]),
        1 => any::<u8>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn r37_documents_are_judged_as_serde_json_does(text in documents(), limits in limits()) {
        compare(&text, &limits)?;
    }

    #[test]
    fn r37_mutated_documents_are_judged_as_serde_json_does(
        mut text in documents(),
        edits in vec((any::<prop::sample::Index>(), octet(), 0..3), 1..4),
        limits in limits(),
    ) {
        for (at, octet, kind) in edits {
            let at = at.index(text.len() + 1);
            match kind {
                0 => text.insert(at, octet),
                1 if at < text.len() => text[at] = octet,
                _ if at < text.len() => drop(text.remove(at)),
                _ => {}
            }
        }
        compare(&text, &limits)?;
    }

    #[test]
    fn r37_random_octets_are_judged_as_serde_json_does(
        tail in vec(octet(), 0..40),
        limits in limits(),
    ) {
        compare(&[b"{\"", &tail[..]].concat(), &limits)?;
        compare(&tail, &limits)?;
    }

    #[test]
    fn r37_anything_read_lies_within_the_text(text in documents(), trailing_comma in any::<bool>()) {
        let limits = Limits { octets: 4096, depth: 16, members: 64, trailing_comma };
        let range = text.as_ptr_range();
        if let Ok(object) = Object::parse(&text, &limits) {
            for (name, value) in object.members() {
                let value = match value {
                    Value::Text(text) => text.as_str().unwrap_or(""),
                    Value::Number(number) => number.as_str(),
                    Value::Object(text) => text,
                    _ => "",
                };
                for part in [name.as_str().unwrap_or(""), value] {
                    let part = part.as_bytes().as_ptr_range();
                    let inside = range.start <= part.start && part.end <= range.end;
                    prop_assert!(part.is_empty() || inside);
                }
            }
        }
    }
}

/// The work is bounded by the length and by the pairs of names; these are the
/// documents that make the most of each.
#[test]
fn r05_r37_worst_documents_are_answered() {
    let limits = Limits {
        octets: usize::MAX,
        depth: u8::MAX,
        members: u8::MAX,
        trailing_comma: false,
    };
    let outcome = |text: &str| Object::parse(text.as_bytes(), &limits).map(|o| o.members().count());

    // As many members as there may be, names all escaped and alike but for their ends.
    let document = |count: usize| {
        let name = |n| format!("\"{}\\u00{n:02x}\":0", "\\u0041".repeat(80));
        let members: Vec<String> = (0..count).map(name).collect();
        format!("{{{}}}", members.join(","))
    };
    let full = document(MAX_MEMBERS);
    assert!(full.len() > 31_000 && full.len() <= MAX_OCTETS);
    assert_eq!(outcome(&full), Ok(MAX_MEMBERS));
    let again = full.replace("\\u003f\":0}", "\\u003e\":0}"); // the last one is the one before it
    assert_eq!(outcome(&again), Err(JsonError::DuplicateMember));
    assert_eq!(
        outcome(&document(MAX_MEMBERS + 1)),
        Err(JsonError::TooManyMembers)
    );

    // As deep as may be.
    let nested = |open: &str, close: &str, levels: usize| {
        format!("{{\"a\":{}0{}}}", open.repeat(levels), close.repeat(levels))
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        assert_eq!(outcome(&nested(open, close, MAX_DEPTH - 1)), Ok(1));
        assert_eq!(
            outcome(&nested(open, close, MAX_DEPTH)),
            Err(JsonError::TooDeep)
        );
        assert_eq!(
            outcome(&nested(open, close, 5_000)),
            Err(JsonError::TooDeep)
        );
    }
    assert_eq!(
        outcome(&format!("{{\"a\":{}", "[".repeat(30_000))),
        Err(JsonError::TooDeep)
    );

    // As long as may be.
    for filler in ["\\n", "\\ud83d\\ude00", "x", "é"] {
        let count = (MAX_OCTETS - 8) / filler.len();
        assert_eq!(
            outcome(&format!("{{\"a\":\"{}\"}}", filler.repeat(count))),
            Ok(1)
        );
    }
    let spaces = |count: usize| format!("{{{}}}", " ".repeat(count));
    assert_eq!(outcome(&spaces(MAX_OCTETS - 2)), Ok(0));
    assert_eq!(outcome(&spaces(MAX_OCTETS - 1)), Err(JsonError::TooLong));
    let items = |count: usize| format!("{{\"a\":[{}0]}}", "0,".repeat(count));
    assert_eq!(outcome(&items(16_000)), Ok(1));
}
