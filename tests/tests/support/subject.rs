//! A program of this package, built to be run under valgrind.

use std::path::PathBuf;
use std::sync::OnceLock;

use smallgate_tests::build::executable;

/// The one program that a test asks for, built once with this profile.
pub(crate) fn built(subject: &str, profile: &str) -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        executable(&[
            "--profile",
            profile,
            "--features",
            "proof",
            "--bin",
            subject,
        ])
    })
}
