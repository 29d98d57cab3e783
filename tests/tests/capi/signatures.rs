//! Header and library agree on functions: cbindgen says in C what the library's source has,
//! and a C compiler takes that beside the header only where both are the same.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use cbindgen::{Builder, Config, ItemType, Language};
use smallgate_tests::c_gateway::{built, folder};

use crate::interface::{copied, exported, header};

/// The type of each callback in the source, and where the header has it.
const CALLBACKS: [(&str, &str, &str); 5] = [
    ("Sign", "smallgate_backend", "sign"),
    ("Verify", "smallgate_backend", "verify"),
    ("Load", "smallgate_store", "load"),
    ("Commit", "smallgate_store", "commit"),
    ("Listener", "smallgate_options", "event"),
];

/// `CText` for `smallgate_text`, as all of the header's types are called.
fn in_rust(name: &str) -> String {
    let (_, rest) = name.split_once('_').expect("a prefix");
    let (first, rest) = rest.split_at(1);
    format!("C{}{rest}", first.to_uppercase())
}

/// All functions and callbacks of the source in `src`, declared in C behind the header.
fn declarations(src: &Path) -> String {
    let mut config = Config {
        language: Language::C,
        no_includes: true,
        includes: vec!["smallgate.h".to_owned()],
        documentation: false,
        usize_is_size_t: true,
        ..Config::default()
    };
    config.export.item_types = vec![ItemType::Functions, ItemType::Typedefs];
    config.export.include = CALLBACKS.map(|(name, ..)| name.to_owned()).to_vec();
    config.export.rename = header()
        .lines()
        .filter_map(|line| {
            line.strip_prefix("typedef struct ")?
                .split([' ', ';'])
                .next()
        })
        .map(|name| (in_rust(name), name.to_owned()))
        .collect();
    let mut text = Vec::new();
    Builder::new()
        .with_config(config)
        .with_src(src.join("lib.rs"))
        .generate()
        .expect("source that can be read")
        .write(&mut text);
    let mut text = String::from_utf8(text).expect("text");
    for (name, of, field) in CALLBACKS {
        let field = format!("(({of} *)0)->{field}");
        text += &format!("_Static_assert(_Generic({field}, {name}: 1, default: 0), \"{name}\");\n");
    }
    text
}

/// The names of functions that are declared in `text`.
fn functions(text: &str) -> BTreeSet<String> {
    text.split(';')
        .filter_map(|declaration| {
            declaration
                .split_once('(')?
                .0
                .split([' ', '*', '\n'])
                .next_back()
        })
        .filter(|name| name.starts_with("smallgate_"))
        .map(str::to_owned)
        .collect()
}

/// Whether a C compiler takes these declarations beside the header.
fn agrees(compiler: &str, text: &str, name: &str) -> Result<(), String> {
    let file = built(&format!("{name}-{compiler}.c"));
    std::fs::write(&file, text).expect("a file");
    let output = Command::new(compiler)
        .args(["-std=c11", "-Werror", "-fsyntax-only", "-I"])
        .arg(folder().join("include"))
        .arg(&file)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn functions_are_declared_as_they_are_defined() {
    let text = declarations(&folder().join("src"));
    assert_eq!(functions(&text), exported());
    for compiler in ["gcc", "clang"] {
        assert_eq!(agrees(compiler, &text, "signatures"), Ok(()));
    }
}

/// No callback of the header is missing above.
#[test]
fn every_callback_of_the_header_is_compared() {
    let header = header();
    let declared: BTreeSet<_> = header
        .lines()
        .filter_map(|line| Some(line.split_once("(*")?.1.split_once(')')?.0))
        .collect();
    let compared: BTreeSet<_> = CALLBACKS.iter().map(|(_, _, field)| *field).collect();
    assert_eq!(declared, compared);
}

/// A parameter's width, `const` or number, a result, or a callback's parameter.
#[test]
fn a_signature_that_differs_is_seen() {
    for (at, (file, from, to, named)) in [
        (
            "step.rs",
            "iterations: u32,",
            "iterations: u64,",
            "smallgate_exchange_work",
        ),
        (
            "serve.rs",
            "    pointer: *const CServer,\n    limits",
            "    pointer: *mut CServer,\n    limits",
            "smallgate_server_limits",
        ),
        ("issue.rs", "    size: usize,\n", "", "smallgate_issue"),
        (
            "serve.rs",
            "(grants: usize) -> usize",
            "(grants: usize) -> u32",
            "smallgate_server_size",
        ),
        (
            "store.rs",
            "fn(*mut c_void, u64, *const u8, u64,",
            "fn(*mut c_void, u32, *const u8, u64,",
            "Commit",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("signatures-off-{at}");
        let copy = built(&name);
        copied(&folder().join("src"), &copy);
        let text = std::fs::read_to_string(copy.join(file)).expect("a source");
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        std::fs::write(copy.join(file), changed).expect("a file");
        let text = declarations(&copy);
        for compiler in ["gcc", "clang"] {
            let complaint = agrees(compiler, &text, &name).expect_err("they do not agree");
            assert!(complaint.contains(named), "{complaint}");
        }
    }
}
