//! The command line, run.

use std::path::PathBuf;
use std::process::{Command, Output};

use smallgate_firmware::image::Image;
use smallgate_tests::simulator::binary;

/// A folder that goes with its handle.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("smallgate-image-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn smallgate(arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(arguments)
        .output()
        .expect("smallgate runs")
}

/// What it printed; it succeeded.
pub(crate) fn said(arguments: &[&str]) -> String {
    let output = smallgate(arguments);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaints}");
    String::from_utf8(output.stdout).expect("text")
}

/// What it complained of; it failed.
pub(crate) fn refused(arguments: &[&str]) -> String {
    let output = smallgate(arguments);
    assert!(!output.status.success(), "{arguments:?} passed");
    String::from_utf8(output.stderr).expect("text")
}

pub(crate) fn first_client(image: &Image<'_>) -> String {
    image.clients().next().expect("a client").id.to_owned()
}
