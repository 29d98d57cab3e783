//! The numbers of `include/smallgate.h`, as constants of the library: it has no others, so the two
//! can not differ. What they say of sizes is held against the types where those are.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

// Beside this file, from wherever it is built.
const HEADER: &str = include_str!("include/smallgate.h");

fn main() {
    // Cargo knows what this program is made of.
    println!("cargo:rerun-if-env-changed=CARGO_PKG_NAME");
    let wide = env::var("CARGO_CFG_TARGET_POINTER_WIDTH").expect("cargo sets it") == "64";
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("header.rs");
    fs::write(out, constants(HEADER, wide)).expect("room for a file");
    // Where it is built as a Rust library, to be fuzzed, there is no shared one.
    let shared = env::var("CARGO_PKG_NAME").is_ok_and(|name| name == "smallgate-capi");
    if shared && env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!(
            "cargo:rustc-cdylib-link-arg=-Wl,-soname,libsmallgate.so.{}",
            abi(HEADER)
        );
    }
}

/// The version in the name of the shared library.
fn abi(text: &str) -> &str {
    text.lines()
        .find_map(|line| line.strip_prefix("#define SMALLGATE_ABI_VERSION "))
        .expect("the header has one")
}

/// A constant for each `#define SMALLGATE_NAME number`.
fn constants(text: &str, wide: bool) -> String {
    let mut constants = String::new();
    // Which half of the one condition on the width of pointers is read.
    let mut half: Option<bool> = None;
    for line in text.lines() {
        let line = line.split("/*").next().unwrap_or_default().trim();
        match line {
            "#if UINTPTR_MAX > 0xFFFFFFFFu" => half = Some(true),
            "#else" => half = half.map(|wide| !wide),
            "#endif" => half = None,
            _ => {}
        }
        if half.is_some_and(|half| half != wide) {
            continue;
        }
        let Some((name, value)) = line
            .strip_prefix("#define SMALLGATE_")
            .and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        let digits = value.trim().trim_matches(['(', ')']);
        let (digits, form) = match digits.strip_suffix('u') {
            Some(digits) => (digits, "u32"),
            None if name == "ABI_VERSION" => (digits, "u32"),
            None if ["ERROR_", "COMMITTED_", "STEP_"]
                .iter()
                .any(|kind| name.starts_with(kind)) =>
            {
                (digits, "i32")
            }
            None => (digits, "usize"),
        };
        if digits.parse::<i64>().is_ok() {
            writeln!(constants, "pub(crate) const {name}: {form} = {digits};")
                .expect("a String takes all");
        }
    }
    constants
}
