//! The program `secret_subject` under valgrind's memcheck, to which its secrets are memory that
//! nobody wrote: where what it does depends on them.

#[path = "subject.rs"]
mod subject;

use std::collections::BTreeMap;
use std::process::Command;

/// What depends on a secret, how often, and the functions from the innermost on.
pub(crate) struct Report {
    pub(crate) what: String,
    pub(crate) times: u64,
    frames: Vec<String>,
}

/// A function in which what everybody may know depends on secrets.
pub(crate) struct Known {
    /// Its name.
    pub(crate) function: &'static str,
    /// How often at most; [`u64::MAX`] where that says nothing.
    pub(crate) times: u64,
}

/// What memcheck has to say of the subject doing this.
pub(crate) fn reports(how: &str) -> Vec<Report> {
    let run = Command::new("valgrind")
        // Verbose, so that it says how often.
        .args(["-v", "--error-limit=no", "--num-callers=40"])
        .arg(subject::built("secret_subject", "proof"))
        .arg(how)
        .output()
        .expect("valgrind is missing: sudo apt-get install -y valgrind");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{how}: {said}");
    let reports = read(&said);
    let total: u64 = reports.iter().map(|report| report.times).sum();
    assert_eq!(total, summary(&said), "{how}: {said}");
    reports
}

/// The contexts at the end: `N errors in context 1 of 2:`, what it is, and a stack.
fn read(said: &str) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut lines = said.lines().map(|line| {
        let (_, text) = line.split_once("== ").unwrap_or_default();
        text
    });
    while let Some(line) = lines.next() {
        let Some((times, _)) = line.split_once(" errors in context ") else {
            continue;
        };
        reports.push(Report {
            what: lines.next().unwrap_or_default().to_owned(),
            times: times.parse().expect("a number"),
            frames: lines
                .by_ref()
                .map_while(|line| line.split_once(": "))
                .map(|(_, frame)| frame.to_owned())
                .collect(),
        });
    }
    reports
}

/// `ERROR SUMMARY: N errors from …`
fn summary(said: &str) -> u64 {
    said.lines()
        .rev()
        .find_map(|line| line.split_once("ERROR SUMMARY: "))
        .and_then(|(_, rest)| rest.split(' ').next())
        .and_then(|number| number.parse().ok())
        .expect("a summary")
}

/// Whether all of `reports` come from functions that are known to, each no more often than it may.
/// A report belongs to the innermost of them that it was in.
pub(crate) fn judge(reports: &[Report], known: &[Known]) -> Result<(), String> {
    let mut met = BTreeMap::new();
    for report in reports {
        let stack = report.frames.join("\n  ");
        let found = report.frames.iter().find_map(|frame| {
            let mut functions = known.iter();
            functions.find(|known| is_in(frame, known.function))
        });
        let Some(found) = found else {
            return Err(format!(
                "{} times: {}\n  {stack}",
                report.times, report.what
            ));
        };
        let times = met.entry(found.function).or_insert(0);
        *times += report.times;
        if *times > found.times {
            let function = found.function;
            return Err(format!("{function} {times} times\n  {stack}"));
        }
    }
    Ok(())
}

/// Whether a frame such as `of::<u8> (secret.rs:7)` is one of this function.
fn is_in(frame: &str, function: &str) -> bool {
    let (name, _) = frame.split_once(" (").unwrap_or((frame, ""));
    let mut places = name.match_indices(function);
    places.any(|(at, _)| {
        let before = name[..at].chars().next_back();
        let after = name[at + function.len()..].chars().next();
        matches!(before, None | Some(':')) && matches!(after, None | Some('<' | ':'))
    })
}
