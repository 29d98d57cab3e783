//! The calls that a program in C makes are made in C, against the header.

fn main() {
    let header = "../../core/capi/include";
    println!("cargo:rerun-if-changed=c/calls.c");
    println!("cargo:rerun-if-changed={header}/smallgate.h");
    cc::Build::new()
        .file("c/calls.c")
        .include(header)
        .std("c11")
        .warnings_into_errors(true)
        .extra_warnings(true)
        .compile("calls");
}
