//! Whatever C does wrong is an error code, and nothing else: under sanitizers, and
//! under valgrind.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use smallgate_tests::c_gateway::{compiled, folder};
use smallgate_tests::packed::Image;
use smallgate_tests::suite::setups::breakout;

fn source() -> PathBuf {
    folder().join("tests/misuse.c")
}

/// Runs the misuse, and says how it went.
fn misused(command: &mut Command) -> Output {
    let image = Image::of(&breakout().whole());
    command
        .arg(image.path())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn assert_clean(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    let checks: u32 = said
        .strip_suffix(" checks, 0 failed\n")
        .and_then(|count| count.parse().ok())
        .unwrap_or_else(|| panic!("{said}"));
    assert!(checks > 1000, "{checks}");
}

fn clean(compiler: &str, name: &str, arguments: &[&str]) {
    let source = source();
    let program = compiled(compiler, name, arguments, &[Path::new(&source)]);
    assert_clean(&misused(&mut Command::new(program)));
}

#[test]
fn misuse_is_an_error_in_c11() {
    clean("gcc", "misuse-gcc", &["-std=c11", "-O2"]);
}

#[test]
fn misuse_is_an_error_in_c17_of_cpp() {
    clean("g++", "misuse-g++", &["-std=c++17", "-O2"]);
}

#[test]
fn misuse_is_an_error_under_sanitizers() {
    let flags = [
        "-std=c11",
        "-g",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover",
        // Pointers that are aligned to nothing are made on purpose; nobody follows one.
        "-fno-sanitize=alignment",
    ];
    clean("gcc", "misuse-asan", &flags);
}

#[test]
fn misuse_is_clean_under_valgrind() {
    let source = source();
    let program = compiled(
        "clang",
        "misuse-valgrind",
        &["-std=c11", "-g"],
        &[Path::new(&source)],
    );
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]);
    assert_clean(&misused(valgrind.arg(program)));
}
