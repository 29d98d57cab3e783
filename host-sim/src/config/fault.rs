//! What is wrong with a configuration: found at a position, told with a line.

use std::fmt;
use std::ops::Range;

use toml::Spanned;

/// A configuration's text and what to call it.
pub(super) struct SourceText {
    pub(super) name: String,
    pub(super) text: String,
}

impl SourceText {
    /// Turns positions into lines.
    pub(super) fn error(&self, fault: &Fault) -> ConfigError {
        let place = fault.at.as_ref().map(|at| self.place(at.start));
        ConfigError {
            name: self.name.clone(),
            place,
            message: fault.message.clone(),
            remedy: fault.remedy.clone(),
        }
    }

    /// Line and column of an offset, from 1.
    fn place(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .chars()
            .rev()
            .take_while(|character| *character != '\n')
            .count()
            + 1;
        (line, column)
    }
}

/// One thing that is wrong.
#[derive(Debug)]
pub(super) struct Fault {
    at: Option<Range<usize>>,
    message: String,
    remedy: Option<String>,
}

impl Fault {
    /// About the value or table at `place`.
    pub(super) fn new<T>(place: &Spanned<T>, message: impl Into<String>) -> Self {
        Self::at(Some(place.span()), message)
    }

    /// About `place`, if it is known.
    pub(super) fn at(place: Option<Range<usize>>, message: impl Into<String>) -> Self {
        Fault {
            at: place,
            message: message.into(),
            remedy: None,
        }
    }

    /// What the TOML reader says. Its message is taken without the line and
    /// without the value it quotes, which may be a secret.
    pub(super) fn of_toml(error: &toml::de::Error) -> Self {
        let message = error.message();
        let quotes = ["invalid type: ", "invalid value: "]
            .iter()
            .any(|start| message.starts_with(start));
        if !quotes {
            return Self::at(error.span(), message).remedy(remedy_of_toml(message));
        }
        // The last one: the value itself may have such words in it.
        let expected = message
            .rfind(", expected ")
            .and_then(|at| message.get(at..));
        let expected = expected.unwrap_or_default();
        Self::at(error.span(), format!("a value of the wrong type{expected}"))
            .remedy(remedy_of_type(expected.trim_start_matches(", expected ")))
    }

    /// What to do about it.
    #[must_use]
    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// What to do where the TOML reader says `message`, which is no value's.
fn remedy_of_toml(message: &str) -> &'static str {
    const REMEDIES: [(&str, &str); 3] = [
        (
            "unknown field",
            "correct the name or take the line out; `smallgate config example` explains every key",
        ),
        (
            "missing field",
            "write it into this table; `smallgate config example` shows how",
        ),
        ("duplicate key", "keep one of the two"),
    ];
    REMEDIES
        .iter()
        .find(|(start, _)| message.starts_with(start))
        .map_or(
            "write KEY = VALUE, a text in quotes, or [TABLE]; `smallgate config example` shows how",
            |(_, remedy)| remedy,
        )
}

/// What to do where a value of the type `expected` is to be.
fn remedy_of_type(expected: &str) -> &'static str {
    match expected {
        "a string" => "write it in quotes",
        "a boolean" => "write true or false, without quotes",
        "a sequence" => "write a list, such as [\"read\", \"write\"]",
        "a table" => "open a table with its name in brackets on a line of its own, such as [keys]",
        _ => "write it as `smallgate config example` does",
    }
}

/// Why a configuration was refused, for a person to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigError {
    name: String,
    place: Option<(usize, usize)>,
    message: String,
    remedy: Option<String>,
}

impl ConfigError {
    /// The file can not be read at all.
    pub(super) fn unreadable(name: &str, error: &std::io::Error) -> Self {
        ConfigError {
            name: name.to_owned(),
            place: None,
            message: format!("can not be read: {error}"),
            remedy: Some(format!(
                "check the path, or begin one with `smallgate config example > {name}`"
            )),
        }
    }

    /// The line, from 1.
    #[cfg(test)]
    pub(super) fn line(&self) -> Option<usize> {
        self.place.map(|(line, _)| line)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  remedy: {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
