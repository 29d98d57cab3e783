//! What was measured, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use crate::pieces;
use crate::turns::Measured;

/// What a case's ratio may be.
pub(crate) struct Limit {
    /// More is a failure.
    pub(crate) at_most: Option<f64>,
    /// More is a remark.
    pub(crate) aim: Option<f64>,
}

pub(crate) struct Table<'a> {
    pub(crate) results: &'a [Measured],
    /// By the name of a case that stands beside a peer's.
    pub(crate) limits: &'a [(&'static str, Limit)],
}

impl Table<'_> {
    fn named(&self, name: &str) -> Option<&Measured> {
        self.results.iter().find(|result| result.name == name)
    }

    fn ratio(&self, result: &Measured) -> Option<f64> {
        let other = self.named(result.beside.as_deref()?)?;
        Some(result.minimum / other.minimum)
    }

    /// The cases that have a peer, with their ratio.
    fn ratios(&self) -> impl Iterator<Item = (&'static str, f64, &Limit)> {
        self.limits.iter().filter_map(|(name, limit)| {
            let ratio = self.ratio(self.named(name)?)?;
            Some((*name, ratio, limit))
        })
    }

    /// What remains of a verification when the pieces are taken off.
    fn remainder(&self) -> Option<f64> {
        let whole = self.named(pieces::WHOLE)?.minimum;
        let pieces = pieces::PIECES.iter().map(|name| self.named(name));
        let pieces: Option<f64> = pieces.map(|piece| Some(piece?.minimum)).sum();
        Some(whole - pieces?)
    }

    /// Each limit that was not held.
    pub(crate) fn missed(&self) -> Vec<String> {
        let slow = self.ratios().filter_map(|(name, ratio, limit)| {
            let at_most = limit.at_most.filter(|at_most| ratio > *at_most)?;
            Some(format!("{name} is {ratio:.3} of its peer, limit {at_most}"))
        });
        let frugal = self.results.iter().filter(|result| result.frugal);
        let wasteful = frugal
            .filter(|result| result.allocations > 0)
            .map(|result| format!("{} allocates {} times", result.name, result.allocations));
        slow.chain(wasteful).collect()
    }

    /// `[{"name":…,"value":…,"unit":…,"limit":…}, …]`
    pub(crate) fn json(&self) -> Value {
        let entry = |name: String, value: f64, unit: &str, limit: Option<f64>| json!({"name": name, "value": (value * 1000.0).round() / 1000.0, "unit": unit, "limit": limit});
        let mut list = Vec::new();
        for result in self.results {
            list.push(entry(result.name.clone(), result.minimum, "ns", None));
            list.push(entry(
                format!("{}, median", result.name),
                result.median,
                "ns",
                None,
            ));
            #[expect(clippy::cast_precision_loss, reason = "a few allocations")]
            list.push(entry(
                format!("{}, allocations", result.name),
                result.allocations as f64,
                "allocations",
                result.frugal.then_some(0.0),
            ));
        }
        for (name, ratio, limit) in self.ratios() {
            list.push(entry(
                format!("{name}, of jsonwebtoken"),
                ratio,
                "ratio",
                limit.at_most,
            ));
        }
        Value::Array(list)
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<42}{:>11}{:>11}{:>8}{:>13}",
            "", "minimum ns", "median ns", "ratio", "allocations"
        )?;
        for result in self.results {
            let ratio = self.ratio(result);
            let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.3}"));
            writeln!(
                f,
                "{:<42}{:>11.0}{:>11.0}{ratio:>8}{:>13}",
                result.name, result.minimum, result.median, result.allocations
            )?;
        }
        if let (Some(left), Some(whole)) = (self.remainder(), self.named(pieces::WHOLE)) {
            let name = "left: splitting, header, key, claims";
            let ratio = left / whole.minimum;
            writeln!(f, "{name:<42}{left:>11.0}{:>11}{ratio:>8.3}", "")?;
        }
        writeln!(
            f,
            "\nA ratio is of minima: a token's to jsonwebtoken's, a piece's to `{}`.",
            pieces::WHOLE
        )?;
        for (name, ratio, limit) in self.ratios() {
            write!(f, "{name}: {ratio:.3} of jsonwebtoken's")?;
            if let Some(at_most) = limit.at_most {
                let word = if ratio <= at_most { "held" } else { "MISSED" };
                write!(f, "; limit {at_most} {word}")?;
            }
            if let Some(aim) = limit.aim {
                let word = if ratio <= aim { "met" } else { "not met" };
                write!(f, "; aim {aim:.2} {word}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
