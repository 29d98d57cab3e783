//! Hands the linker its script. Here and not in a configuration's `rustflags`, which an outer
//! `RUSTFLAGS` would silently replace: the image would be empty, and the build a success.

fn main() {
    // Asked for when it runs: the checkout may have been moved with its `target`.
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let flashed =
        cfg!(feature = "asm") && std::env::var("OPT_LEVEL").is_ok_and(|level| level != "3");
    let memory = if flashed { "flashed" } else { "compared" };
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=memory");
    println!("cargo:rustc-link-search={here}/memory/{memory}");
    println!("cargo:rustc-link-search={here}");
    println!("cargo:rerun-if-changed=device.x");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    // The sections keep their own alignment; a page's would only pad the image.
    println!("cargo:rustc-link-arg-bins=--nmagic");
    // Functions that came out the same are one. Where nothing else is asked for the linker is
    // Rust's own, which can do this; GNU's can not.
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    if std::env::var_os("RUSTC_LINKER").is_none() {
        println!("cargo:rustc-link-arg-bins=--icf=all");
    }
}
