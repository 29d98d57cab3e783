//! The package of the peers, which is in no workspace.

use std::process::{Command, Stdio};

/// Its manifest, in the repository.
pub const MANIFEST: &str = "tests/peers/Cargo.toml";

/// The folder within the workspace's `target` where it is built.
pub const TARGET: &str = "peers";

/// The arguments of each process of its program.
pub const PROCESSES: [&str; 3] = [
    "jsonwebtoken rust_crypto",
    "jsonwebtoken aws_lc_rs",
    "others",
];

/// What cargo is told of it: `josekit` is there where OpenSSL's headers are.
#[must_use]
pub fn features() -> &'static [&'static str] {
    let mut asked = Command::new("pkg-config");
    asked.args(["--exists", "openssl"]).stderr(Stdio::null());
    match asked.status().is_ok_and(|status| status.success()) {
        true => &["--features", "josekit"],
        false => &[],
    }
}
