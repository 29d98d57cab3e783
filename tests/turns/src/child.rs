//! Turns of another process: it says what its cases are, a line each and an empty one; then for each
//! line that it reads it gives them their turns, and says how long each took, in one line.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::turns::{Known, Lane};

/// Cases of another process, which ends with its handle.
pub struct Process {
    child: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
    known: Vec<Known>,
}

impl Process {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// It does not start, or does not say what its cases are.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn()?;
        let (Some(asked), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        let mut process = Process {
            child,
            asked,
            answers: BufReader::new(answers),
            known: Vec::new(),
        };
        process.known = read_known(&mut process.answers)?;
        Ok(process)
    }
}

impl Lane for Process {
    fn known(&self) -> &[Known] {
        &self.known
    }

    /// # Panics
    ///
    /// The process is gone.
    fn round(&mut self) -> Vec<f64> {
        let answer = ask(&mut self.asked, &mut self.answers, self.known.len());
        answer.unwrap_or_else(|error| panic!("a peer's process: {error}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail if it is gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child's side, until nothing more is asked.
///
/// # Errors
///
/// Nobody listens any more.
pub fn serve(lane: &mut dyn Lane, asked: impl BufRead, mut answers: impl Write) -> io::Result<()> {
    for known in lane.known() {
        writeln!(answers, "{}\t{}", known.name, known.allocations)?;
    }
    writeln!(answers)?;
    answers.flush()?;
    for line in asked.lines() {
        line?;
        let times: Vec<String> = lane.round().iter().map(f64::to_string).collect();
        writeln!(answers, "{}", times.join(" "))?;
        answers.flush()?;
    }
    Ok(())
}

fn read_known(answers: &mut impl BufRead) -> io::Result<Vec<Known>> {
    let mut known = Vec::new();
    loop {
        let line = read_line(answers)?;
        if line.is_empty() {
            return Ok(known);
        }
        let case = line.split_once('\t').and_then(|(name, allocations)| {
            Some(Known {
                name: name.to_owned(),
                beside: None,
                frugal: false,
                allocations: allocations.parse().ok()?,
            })
        });
        known.push(case.ok_or_else(|| io::Error::other(format!("no case: {line}")))?);
    }
}

fn ask(asked: &mut impl Write, answers: &mut impl BufRead, cases: usize) -> io::Result<Vec<f64>> {
    writeln!(asked, "round")?;
    asked.flush()?;
    let line = read_line(answers)?;
    let times: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
    let times = times.ok().filter(|times| times.len() == cases);
    times.ok_or_else(|| io::Error::other(format!("not {cases} times: {line}")))
}

fn read_line(answers: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match answers.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end_matches('\n').to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Two(Vec<Known>);

    impl Lane for Two {
        fn known(&self) -> &[Known] {
            &self.0
        }

        fn round(&mut self) -> Vec<f64> {
            vec![1.5, 2e6]
        }
    }

    fn known() -> Vec<Known> {
        let case = |name: &str, allocations| Known {
            name: name.to_owned(),
            beside: None,
            frugal: false,
            allocations,
        };
        vec![case("HS256 verify, a", 3), case("HS256 issue, a", 0)]
    }

    #[test]
    fn what_is_said_is_understood() {
        let mut said = Vec::new();
        serve(&mut Two(known()), &b"round\nround\n"[..], &mut said).unwrap();
        let mut said = &said[..];
        assert_eq!(read_known(&mut said).unwrap(), known());
        for _ in 0..2 {
            let times = ask(&mut Vec::new(), &mut said, 2).unwrap();
            assert_eq!(times, [1.5, 2e6]);
        }
        let end = ask(&mut Vec::new(), &mut said, 2).unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_time_too_few_is_an_error() {
        assert!(ask(&mut Vec::new(), &mut &b"1.5\n"[..], 2).is_err());
        assert!(ask(&mut Vec::new(), &mut &b"1.5 x\n"[..], 2).is_err());
        assert!(read_known(&mut &b"no tab\n\n"[..]).is_err());
    }
}
