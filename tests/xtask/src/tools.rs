//! The one list of what must be installed, why, and for which part.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::within;

/// What a tool is needed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Need {
    /// Building and testing on the host.
    Host,
    /// Seeing what the store's process asks of the system, and refusing it.
    State,
    /// Servers that gateways share a store on.
    Fleet,
    /// Building a board's image and running it in QEMU.
    Board,
    /// Building a board's image.
    Image,
    /// Building a board's image where rustup has no `core` for it.
    DebianToolchain,
    /// Fuzzing and memory checking.
    Proof,
    /// The C interface.
    Capi,
    /// `cargo xtask lint`.
    Lint,
    /// `cargo xtask mutants`.
    Mutants,
    /// `cargo xtask coverage`.
    Coverage,
    /// The rates of `load`, which does without and says so.
    Load,
}

/// How to see that a tool is there; each yields what `doctor` shows.
enum Probe {
    /// The command succeeds; the first line it prints.
    Runs(&'static [&'static str]),
    /// The command prints the path of a file that exists.
    Names(&'static [&'static str]),
    /// A Rust program, at least of the version given.
    Rust(&'static str, u32),
    /// The file is below the sysroot of the Rust compiler given.
    Sysroot(&'static str, &'static str),
}

/// How a tool comes to a machine.
pub(crate) enum Source {
    /// Debian packages.
    Apt(&'static [&'static str]),
    /// A command that a person decides to run.
    Command(&'static str),
}

pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
    probe: Probe,
    pub(crate) source: Source,
    pub(crate) needs: &'static [Need],
}

/// Debian's Rust, never the one that rustup put before it in `PATH`.
pub(crate) const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
pub(crate) const DEBIAN_CARGO: &str = "/usr/bin/cargo";
pub(crate) const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";

pub(crate) const TOOLS: &[Tool] = &[
    Tool {
        name: "rustc 1.95",
        why: "the compiler, of the version that Cargo.toml names or newer",
        probe: Probe::Rust("rustc", 95),
        source: Source::Command("rustup toolchain install stable"),
        needs: &[Need::Host, Need::Lint, Need::Proof],
    },
    Tool {
        name: "cc",
        why: "links every program of the host",
        probe: Probe::Runs(&["cc", "--version"]),
        source: Source::Apt(&["gcc", "libc6-dev"]),
        needs: &[Need::Host, Need::Lint, Need::Proof],
    },
    Tool {
        name: "curl",
        why: "is the client of the lines that are there to be pasted",
        probe: Probe::Runs(&["curl", "--version"]),
        source: Source::Apt(&["curl"]),
        needs: &[Need::Host, Need::Board],
    },
    Tool {
        name: "rustfmt",
        why: "checks the layout of the source",
        probe: Probe::Runs(&["cargo", "fmt", "--version"]),
        source: Source::Command("rustup component add rustfmt"),
        needs: &[Need::Lint],
    },
    Tool {
        name: "clippy",
        why: "the lints of the workspace",
        probe: Probe::Runs(&["cargo", "clippy", "--version"]),
        source: Source::Command("rustup component add clippy"),
        needs: &[Need::Lint],
    },
    Tool {
        name: "c++",
        why: "compiles libFuzzer, and the C header as C++",
        probe: Probe::Runs(&["c++", "--version"]),
        source: Source::Apt(&["g++"]),
        needs: &[Need::Proof, Need::Lint, Need::Capi],
    },
    Tool {
        name: "clang",
        why: "the other compiler of the C header",
        probe: Probe::Runs(&["clang", "--version"]),
        source: Source::Apt(&["clang"]),
        needs: &[Need::Capi],
    },
    Tool {
        name: "pkg-config",
        why: "finds libsmallgate once it is installed",
        probe: Probe::Runs(&["pkg-config", "--version"]),
        source: Source::Apt(&["pkg-config"]),
        needs: &[Need::Capi],
    },
    Tool {
        name: "libmicrohttpd",
        why: "HTTP for the gateway in C",
        probe: Probe::Runs(&["pkg-config", "--modversion", "libmicrohttpd"]),
        source: Source::Apt(&["libmicrohttpd-dev", "pkg-config"]),
        needs: &[Need::Capi],
    },
    Tool {
        name: "valgrind",
        why: "sees a branch that depends on a secret",
        probe: Probe::Runs(&["valgrind", "--version"]),
        // Without the symbols of libc's loader valgrind refuses to start.
        source: Source::Apt(&["valgrind", "libc6-dbg"]),
        needs: &[Need::Proof, Need::Capi],
    },
    Tool {
        name: "wrk",
        why: "asks for tokens as fast as they come",
        // It knows no option that only says its version and succeeds.
        probe: Probe::Names(&["sh", "-c", "command -v wrk"]),
        source: Source::Apt(&["wrk"]),
        needs: &[Need::Load],
    },
    Tool {
        name: "strace",
        why: "sees that a commit is on the disk before its answer leaves",
        probe: Probe::Runs(&["strace", "--version"]),
        source: Source::Apt(&["strace"]),
        needs: &[Need::State],
    },
    Tool {
        name: "prlimit",
        why: "has the writes of a running process fail, and work again",
        probe: Probe::Runs(&["prlimit", "--version"]),
        source: Source::Apt(&["util-linux"]),
        needs: &[Need::State],
    },
    Tool {
        name: "nats-server",
        why: "keeps the grants that gateways share",
        // Where Debian puts it, whatever `PATH` is.
        probe: Probe::Runs(&["/usr/sbin/nats-server", "--version"]),
        source: Source::Apt(&["nats-server"]),
        needs: &[Need::Fleet],
    },
    Tool {
        name: "arm-none-eabi-gcc",
        why: "assembles the backend of ES256 for Cortex-M4 and M33",
        probe: Probe::Runs(&["arm-none-eabi-gcc", "--version"]),
        source: Source::Apt(&["gcc-arm-none-eabi"]),
        needs: &[Need::Board, Need::Image, Need::Lint],
    },
    Tool {
        name: "newlib",
        why: "the C headers of that backend",
        probe: Probe::Names(&["arm-none-eabi-gcc", "-print-file-name=libc.a"]),
        source: Source::Apt(&["libnewlib-arm-none-eabi"]),
        needs: &[Need::Board, Need::Image, Need::Lint],
    },
    Tool {
        name: "cargo-mutants",
        why: "changes one thing in the core at a time",
        probe: Probe::Runs(&["cargo", "mutants", "--version"]),
        source: Source::Command("cargo install cargo-mutants --locked"),
        needs: &[Need::Mutants],
    },
    Tool {
        name: "llvm-cov-22",
        why: "reads what the compiler's own LLVM counted",
        probe: Probe::Runs(&["llvm-cov-22", "--version"]),
        source: Source::Apt(&["llvm-22"]),
        needs: &[Need::Coverage],
    },
    Tool {
        name: "arm-none-eabi-objdump",
        why: "finds who calls a panic",
        probe: Probe::Runs(&["arm-none-eabi-objdump", "--version"]),
        source: Source::Apt(&["binutils-arm-none-eabi"]),
        needs: &[Need::Board],
    },
    Tool {
        name: "qemu-system-arm",
        why: "is the board",
        probe: Probe::Runs(&["qemu-system-arm", "--version"]),
        source: Source::Apt(&["qemu-system-arm"]),
        needs: &[Need::Board],
    },
    Tool {
        name: "Debian's rustc",
        why: "compiles a board's image without rustup's target",
        probe: Probe::Rust(DEBIAN_RUSTC, 95),
        source: Source::Apt(&["rustc-web"]),
        needs: &[Need::DebianToolchain],
    },
    Tool {
        name: "Debian's cargo",
        why: "builds a board's image without rustup's target",
        probe: Probe::Rust(DEBIAN_CARGO, 95),
        source: Source::Apt(&["cargo-web"]),
        needs: &[Need::DebianToolchain],
    },
    Tool {
        name: "Debian's clippy",
        why: "lints a board's crate without rustup's target",
        probe: Probe::Rust(DEBIAN_CLIPPY, 95),
        source: Source::Apt(&["rust-web-clippy"]),
        needs: &[Need::DebianToolchain],
    },
    Tool {
        name: "Debian's rust-src",
        why: "`core`, to be compiled for the board",
        probe: Probe::Sysroot(DEBIAN_RUSTC, "lib/rustlib/src/rust/library/core/Cargo.toml"),
        source: Source::Apt(&["rust-web-src"]),
        needs: &[Need::DebianToolchain],
    },
];

impl Tool {
    /// What is installed, or nothing.
    pub(crate) fn found(&self) -> Option<String> {
        match self.probe {
            Probe::Runs(words) => said(words),
            Probe::Names(words) => said(words).filter(|path| Path::new(path).is_absolute()),
            Probe::Rust(program, least) => {
                said(&[program, "--version"]).filter(|text| minor(text) >= Some(least))
            }
            Probe::Sysroot(compiler, below) => {
                let sysroot = said(&[compiler, "--print", "sysroot"])?;
                let file = Path::new(&sysroot).join(below);
                file.exists().then(|| file.display().to_string())
            }
        }
    }
}

/// The first line that a probe prints, if it succeeds.
fn said(words: &[&str]) -> Option<String> {
    let (program, arguments) = words.split_first()?;
    let end = within(
        Duration::from_secs(20),
        Command::new(program).args(arguments),
    )
    .ok()?;
    end.status
        .success()
        .then(|| end.stdout.lines().next().unwrap_or_default().to_owned())
}

/// The 96 of "rustc 1.96.0 (…)"; a clippy-driver says "clippy 0.1.96".
fn minor(version: &str) -> Option<u32> {
    let mut numbers = version.split_whitespace().nth(1)?.split('.');
    let major = numbers.next()?;
    let mut minor = numbers.next()?;
    if major == "0" {
        minor = numbers.next()?;
    }
    minor.parse().ok()
}

/// Sees to it that everything is there which `needs` name: installs what Debian has, if permitted,
/// and otherwise says in one line what to install. A missing tool is an error, never a skip.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let packages = packages(&missing);
    let as_root = as_root();
    if let (Some(as_root), false) = (as_root, packages.is_empty()) {
        eprintln!("xtask: installing {}", packages.join(" "));
        apt(as_root, &["update"])?;
        apt(
            as_root,
            &[&["install", "-y", "--no-install-recommends"], &packages[..]].concat(),
        )?;
    }
    let missing = self::missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "{} missing: {}",
        missing
            .iter()
            .map(|tool| tool.name)
            .collect::<Vec<_>>()
            .join(", "),
        remedy(&missing)
    )
}

pub(crate) fn missing(needs: &[Need]) -> Vec<&'static Tool> {
    TOOLS
        .iter()
        .filter(|tool| tool.needs.iter().any(|need| needs.contains(need)))
        .filter(|tool| tool.found().is_none())
        .collect()
}

/// One line that installs the tools.
pub(crate) fn remedy(missing: &[&Tool]) -> String {
    let packages = packages(missing);
    let mut steps = Vec::new();
    if !packages.is_empty() {
        let become_root = if is_root() { "" } else { "sudo " };
        steps.push(format!(
            "{become_root}apt-get update && {become_root}apt-get install -y --no-install-recommends {}",
            packages.join(" ")
        ));
    }
    for tool in missing {
        if let Source::Command(command) = tool.source {
            steps.push(command.to_owned());
        }
    }
    steps.join(" && ")
}

fn packages(missing: &[&Tool]) -> Vec<&'static str> {
    missing
        .iter()
        .filter_map(|tool| match tool.source {
            Source::Apt(packages) => Some(packages),
            Source::Command(_) => None,
        })
        .flatten()
        .copied()
        .collect()
}

fn is_root() -> bool {
    said(&["id", "-u"]).is_some_and(|id| id == "0")
}

/// The words that make a command root's, if that needs no password.
fn as_root() -> Option<&'static [&'static str]> {
    if is_root() {
        Some(&[])
    } else if said(&["sudo", "-n", "true"]).is_some() {
        Some(&["sudo", "-n"])
    } else {
        None
    }
}

/// apt-get, up to three times: an archive is sometimes out of reach for a moment.
fn apt(as_root: &[&str], arguments: &[&str]) -> Result<()> {
    const TIMES: u32 = 3;
    let mut words = as_root.to_vec();
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]);
    words.extend(arguments);
    let (program, rest) = words.split_first().context("no command")?;
    for time in 1..=TIMES {
        let end = within(Duration::from_secs(900), Command::new(program).args(rest));
        match end {
            Ok(end) if end.status.success() => return Ok(()),
            Ok(end) => eprintln!(
                "xtask: `{}` failed ({time} of {TIMES}): {}",
                words.join(" "),
                end.stderr.lines().last().unwrap_or_default()
            ),
            Err(error) => eprintln!("xtask: {error:#} ({time} of {TIMES})"),
        }
        if time < TIMES {
            thread::sleep(Duration::from_secs(5));
        }
    }
    bail!("`{}` failed {TIMES} times", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_says_where_it_comes_from_and_who_needs_it() {
        for tool in TOOLS {
            assert!(!tool.needs.is_empty(), "{}", tool.name);
            assert!(!tool.why.is_empty(), "{}", tool.name);
            if let Source::Apt(packages) = tool.source {
                assert!(!packages.is_empty(), "{}", tool.name);
            }
            let twins = TOOLS.iter().filter(|other| other.name == tool.name);
            assert_eq!(twins.count(), 1, "{}", tool.name);
        }
    }

    #[test]
    fn a_version_is_read_and_an_old_one_is_not_enough() {
        assert_eq!(minor("rustc 1.96.0 (abc 2026-06-01) (Debian)"), Some(96));
        assert_eq!(minor("clippy 0.1.96 (abc 2026-06-01)"), Some(96));
        assert_eq!(minor("rustc"), None);
        assert!(minor("rustc 1.63.0") < Some(95));
    }

    #[test]
    fn a_tool_that_is_not_there_is_missing() {
        let tool = Tool {
            name: "none",
            why: "",
            probe: Probe::Runs(&["smallgate-no-such-tool"]),
            source: Source::Apt(&["none"]),
            needs: &[Need::Board],
        };
        assert!(tool.found().is_none());
        assert!(remedy(&[&tool]).ends_with("apt-get install -y --no-install-recommends none"));
    }

    #[test]
    fn a_tool_that_prints_a_bare_name_is_missing() {
        // arm-none-eabi-gcc echoes the file name it was asked for when it does not have it.
        let tool = Tool {
            name: "none",
            why: "",
            probe: Probe::Names(&["echo", "libc.a"]),
            source: Source::Apt(&["none"]),
            needs: &[Need::Board],
        };
        assert!(tool.found().is_none());
    }
}
