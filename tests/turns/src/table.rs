//! What was measured, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use crate::turns::Measured;

/// How long a case may take, set in relation to others' of the same operation.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What the ratio is called.
    pub name: &'static str,
    /// The case that is limited.
    pub ours: &'static str,
    /// Those it is compared with: the fastest counts.
    pub peers: &'static [&'static str],
    /// More is a failure.
    pub at_most: f64,
    /// More is a remark.
    pub stretch: f64,
}

/// The figures of a run, and what is asked of them.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// The figures.
    pub results: &'a [Measured],
    /// Each a failure or a remark.
    pub limits: &'a [Limit],
    /// Our cases, each with the operation, of which peers' cases have the same before their comma.
    pub ours: &'a [(&'static str, &'static str)],
    /// A case, and those that are its parts.
    pub pieces: (&'static str, &'a [&'static str]),
    /// Some cases were left out, so that it is no failure that a limited one is not there.
    pub partial: bool,
}

impl Table<'_> {
    fn named(&self, name: &str) -> Option<&Measured> {
        self.results.iter().find(|result| result.known.name == name)
    }

    fn minimum(&self, name: &str) -> Option<f64> {
        self.named(name).map(|result| result.minimum)
    }

    /// None if any of the cases was not measured.
    fn ratio(&self, limit: &Limit) -> Option<f64> {
        let peers = limit.peers.iter().map(|peer| self.minimum(peer));
        let peers: Vec<f64> = peers.collect::<Option<_>>()?;
        Some(self.minimum(limit.ours)? / peers.into_iter().reduce(f64::min)?)
    }

    fn ratios(&self) -> impl Iterator<Item = (&Limit, f64)> {
        let limits = self.limits.iter();
        limits.filter_map(|limit| Some((limit, self.ratio(limit)?)))
    }

    /// Each of our cases beside each of its peers: how they are called, and the ratio.
    fn beside_peers(&self) -> impl Iterator<Item = (String, f64)> {
        self.ours.iter().flat_map(move |(ours, operation)| {
            self.results.iter().filter_map(move |result| {
                let (theirs, peer) = result.known.name.split_once(", ")?;
                let is_ours = self.ours.iter().any(|(ours, _)| *ours == result.known.name);
                let ratio = self.minimum(ours)? / result.minimum;
                (theirs == *operation && !is_ours).then(|| (format!("{ours}, of {peer}"), ratio))
            })
        })
    }

    /// What remains of a case when its pieces are taken off.
    fn remainder(&self) -> Option<f64> {
        let pieces = self.pieces.1.iter().map(|name| self.minimum(name));
        let pieces: Option<f64> = pieces.sum();
        Some(self.minimum(self.pieces.0)? - pieces?)
    }

    /// Each limit that was not held.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for limit in self.limits {
            let (name, at_most) = (limit.name, limit.at_most);
            match self.ratio(limit) {
                Some(ratio) if ratio <= at_most => {}
                Some(ratio) => missed.push(format!("{name}: {ratio:.3}, at most {at_most:.2}")),
                None if self.partial => {}
                None => missed.push(format!("{name}: not measured")),
            }
        }
        let frugal = self.results.iter().map(|result| &result.known);
        let wasteful = frugal.filter(|known| known.frugal && known.allocations > 0);
        missed.extend(
            wasteful.map(|known| format!("{} allocates {} times", known.name, known.allocations)),
        );
        missed
    }

    /// `[{"name":…,"value":…,"unit":…,"limit":…}, …]`
    #[must_use]
    pub fn json(&self) -> Value {
        let entry = |name: String, value: f64, unit: &str, limit: Option<f64>| {
            let value = (value * 1000.0).round() / 1000.0;
            json!({"name": name, "value": value, "unit": unit, "limit": limit})
        };
        let mut list = Vec::new();
        for Measured {
            known,
            minimum,
            median,
        } in self.results
        {
            let name = &known.name;
            list.push(entry(name.clone(), *minimum, "ns", None));
            list.push(entry(format!("{name}, median"), *median, "ns", None));
            #[expect(clippy::cast_precision_loss, reason = "a few allocations")]
            list.push(entry(
                format!("{name}, allocations"),
                known.allocations as f64,
                "allocations",
                known.frugal.then_some(0.0),
            ));
        }
        for (name, ratio) in self.beside_peers() {
            list.push(entry(name, ratio, "ratio", None));
        }
        for (limit, ratio) in self.ratios() {
            let name = format!("limited: {}", limit.name);
            list.push(entry(name, ratio, "ratio", Some(limit.at_most)));
        }
        Value::Array(list)
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ns, median) = ("minimum ns", "median ns");
        writeln!(
            f,
            "{:<46}{ns:>11}{median:>11}{:>8}{:>13}",
            "", "part", "allocations"
        )?;
        for Measured {
            known,
            minimum,
            median,
        } in self.results
        {
            let whole = known.beside.and_then(|name| self.minimum(name));
            let part = whole.map_or_else(String::new, |whole| format!("{:.3}", minimum / whole));
            let (name, allocations) = (&known.name, known.allocations);
            writeln!(
                f,
                "{name:<46}{minimum:>11.0}{median:>11.0}{part:>8}{allocations:>13}"
            )?;
        }
        if let (Some(left), Some(whole)) = (self.remainder(), self.minimum(self.pieces.0)) {
            let (name, part) = ("left: splitting, header, key, claims", left / whole);
            writeln!(f, "{name:<46}{left:>11.0}{:>11}{part:>8.3}", "")?;
        }
        writeln!(
            f,
            "\nA part is one of `{}`. Ratios of minima:\n",
            self.pieces.0
        )?;
        for (name, ratio) in self.beside_peers() {
            writeln!(f, "{name:<62}{ratio:>8.3}")?;
        }
        writeln!(
            f,
            "\n{:<62}{:>8}{:>9}{:>9}",
            "limited", "ratio", "at most", "stretch"
        )?;
        for (limit, ratio) in self.ratios() {
            let Limit {
                name,
                at_most,
                stretch,
                ..
            } = limit;
            let held = if ratio <= *at_most { "held" } else { "MISSED" };
            let met = if ratio <= *stretch {
                ", stretch met"
            } else {
                ""
            };
            writeln!(
                f,
                "{name:<62}{ratio:>8.3}{at_most:>9.2}{stretch:>9.2}  {held}{met}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turns::Known;

    const OURS: &str = "HS256 verify, ours";
    const LIMITS: &[Limit] = &[Limit {
        name: "HS256 verify, of the better",
        ours: OURS,
        peers: &["HS256 verify, one", "HS256 verify, other"],
        at_most: 0.3,
        stretch: 0.2,
    }];

    fn measured(name: &str, minimum: f64, allocations: u64) -> Measured {
        Measured {
            known: Known {
                name: name.to_owned(),
                beside: None,
                frugal: name == OURS,
                allocations,
            },
            minimum,
            median: minimum,
        }
    }

    fn results(ours: f64, allocations: u64) -> Vec<Measured> {
        vec![
            measured(OURS, ours, allocations),
            measured("HS256 verify, one", 1000.0, 9),
            measured("HS256 verify, other", 2000.0, 9),
            measured("HS256 issue, one", 1.0, 9),
        ]
    }

    fn table(results: &[Measured]) -> Table<'_> {
        Table {
            results,
            limits: LIMITS,
            ours: &[(OURS, "HS256 verify")],
            pieces: (OURS, &[]),
            partial: false,
        }
    }

    #[test]
    fn the_better_peer_counts() {
        let results = results(300.0, 0);
        let table = table(&results);
        assert!(table.missed().is_empty());
        let shown = table.to_string();
        assert!(
            shown.contains("held") && !shown.contains("stretch met"),
            "{shown}"
        );
        let beside: Vec<_> = table.beside_peers().collect();
        let expected = [("one", 0.3), ("other", 0.15)];
        assert_eq!(
            beside,
            expected.map(|(peer, ratio)| (format!("{OURS}, of {peer}"), ratio))
        );
    }

    /// What is slowed on purpose fails, as the programs that read JSON see it, too.
    #[test]
    fn what_is_eight_times_as_slow_is_missed() {
        let results = results(8.0 * 300.0, 0);
        let table = table(&results);
        assert_eq!(
            table.missed(),
            ["HS256 verify, of the better: 2.400, at most 0.30"]
        );
        assert!(table.to_string().contains("MISSED"));
        let json = table.json();
        let limited = json.as_array().unwrap().last().unwrap();
        let expected = json!({"name": "limited: HS256 verify, of the better", "value": 2.4, "unit": "ratio", "limit": 0.3});
        assert_eq!(*limited, expected);
    }

    #[test]
    fn an_allocation_of_ours_is_missed() {
        let results = results(100.0, 1);
        assert_eq!(
            table(&results).missed(),
            [format!("{OURS} allocates 1 times")]
        );
    }

    #[test]
    fn what_is_not_measured_is_missed_unless_it_was_left_out() {
        let results = results(100.0, 0);
        for without in [0, 1, 2] {
            let mut results = results.clone();
            results.remove(without);
            let mut table = table(&results);
            assert_eq!(
                table.missed(),
                ["HS256 verify, of the better: not measured"]
            );
            table.partial = true;
            assert!(table.missed().is_empty());
        }
    }
}
