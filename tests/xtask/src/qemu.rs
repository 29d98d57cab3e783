//! A board's program, run in QEMU, and what it says.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::within;

/// How long a program may run in QEMU, in real time.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a program said in QEMU.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Report {
    /// Name, value, unit.
    pub(crate) measured: Vec<(String, u64, &'static str)>,
    pub(crate) checks: Vec<(String, bool)>,
    /// It came to its end, and everything held.
    pub(crate) done: bool,
}

impl Report {
    fn parse(text: &str) -> Result<Self> {
        let mut report = Self::default();
        for line in text.lines() {
            let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
            let (first, name) = rest.split_once(' ').unwrap_or((rest, ""));
            match kind {
                "instructions" => {
                    report
                        .measured
                        .push((name.to_owned(), first.parse()?, "instructions"));
                }
                "stack" => {
                    report
                        .measured
                        .push((format!("stack {name}"), first.parse()?, "octets"));
                }
                "check" => report.checks.push((name.to_owned(), first == "ok")),
                "done" => report.done = true,
                _ => bail!("a line that no program prints: {line:?}"),
            }
        }
        Ok(report)
    }

    pub(crate) fn value(&self, name: &str) -> Option<u64> {
        self.measured
            .iter()
            .find(|(measured, ..)| measured == name)
            .map(|&(_, value, _)| value)
    }
}

/// Runs an image with one instruction a nanosecond, which makes every count exact.
pub(crate) fn run(image: &Path) -> Result<Report> {
    let end = within(
        PATIENCE,
        Command::new("qemu-system-arm")
            .args([
                "-M",
                "mps2-an386",
                "-cpu",
                "cortex-m4",
                "-display",
                "none",
                "-monitor",
                "none",
            ])
            .args(["-serial", "none", "-nic", "none", "-icount", "shift=0"])
            // No file is behind it: it is new each time, and of zeros.
            .args(["-device", "at24c-eeprom,address=0x50,rom-size=65536"])
            .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(image),
    )?;
    let mut report = Report::parse(&end.stdout).with_context(|| {
        format!(
            "{}: {}\n{}{}",
            image.display(),
            end.status,
            end.stdout,
            end.stderr
        )
    })?;
    report.done &= end.status.success();
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_lines_are_understood() {
        let report = Report::parse(
            "check ok keys\ninstructions 480 hmac 1 KiB\nstack 96 hmac\ncheck FAILED b c\ndone\n",
        )
        .unwrap();
        assert_eq!(report.value("hmac 1 KiB"), Some(480));
        assert_eq!(report.value("stack hmac"), Some(96));
        assert_eq!(
            report.checks,
            [("keys".to_owned(), true), ("b c".to_owned(), false)]
        );
        assert!(report.done);
        assert!(!Report::parse("check ok keys\n").unwrap().done);
        assert!(Report::parse("instructions many hmac").is_err());
        assert!(Report::parse("panicked").is_err());
    }
}
