//! What was measured, what it may be at most, and how both are shown.

use anyhow::{Result, bail};
use serde_json::{Value, json};

/// A number with its name and, where there is one, its limit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Measurement {
    /// What was measured: "verify es256".
    pub(crate) name: String,
    /// Of which build: "asm, s". Empty where there is but one.
    pub(crate) build: String,
    pub(crate) value: u64,
    pub(crate) unit: &'static str,
    /// At most this; nothing where the number is only told.
    pub(crate) limit: Option<u64>,
}

impl Measurement {
    pub(crate) fn holds(&self) -> bool {
        self.limit.is_none_or(|limit| self.value <= limit)
    }

    /// Its name and that of its build.
    pub(crate) fn full_name(&self) -> String {
        if self.build.is_empty() {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, self.build)
        }
    }
}

/// An error that says of each that is past its limit what `says` says.
pub(crate) fn judge(measured: &[Measurement], says: impl Fn(&Measurement) -> String) -> Result<()> {
    let past: Vec<_> = measured
        .iter()
        .filter(|one| !one.holds())
        .map(says)
        .collect();
    match past.as_slice() {
        [] => Ok(()),
        some => bail!("{}", some.join("; ")),
    }
}

/// A list of `{name, value, unit, limit}`; `limit` is null where there is none.
pub(crate) fn to_json(measured: &[Measurement]) -> Value {
    measured
        .iter()
        .map(|one| {
            json!({
                "name": one.full_name(),
                "value": one.value,
                "unit": one.unit,
                "limit": one.limit,
            })
        })
        .collect()
}

/// A row for each name, a column for each build, and the limit at the end. A value past its limit
/// is marked with an exclamation mark, one that has no limit in its build stands in brackets.
pub(crate) fn table(measured: &[Measurement]) -> String {
    let mut builds: Vec<&str> = Vec::new();
    let mut names: Vec<(&str, &str)> = Vec::new();
    for one in measured {
        if !builds.contains(&one.build.as_str()) {
            builds.push(&one.build);
        }
        if !names.contains(&(one.name.as_str(), one.unit)) {
            names.push((&one.name, one.unit));
        }
    }
    let mut rows = vec![
        [&["", "unit"], &builds[..], &["limit"]]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>(),
    ];
    for (name, unit) in names {
        let of_name: Vec<&Measurement> = measured
            .iter()
            .filter(|one| one.name == name && one.unit == unit)
            .collect();
        let limit = of_name.iter().find_map(|one| one.limit);
        let mut row = vec![name.to_owned(), unit.to_owned()];
        for build in &builds {
            let one = of_name.iter().find(|one| one.build == *build);
            row.push(
                one.map_or_else(String::new, |one| match (one.limit, limit) {
                    (Some(_), _) if !one.holds() => format!("!{}", grouped(one.value)),
                    (None, Some(_)) => format!("({})", grouped(one.value)),
                    _ => grouped(one.value),
                }),
            );
        }
        row.push(limit.map_or_else(String::new, grouped));
        rows.push(row);
    }
    let columns = rows.first().map_or(0, Vec::len);
    let wide: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(String::len)
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, wide)) in row.iter().zip(&wide).enumerate() {
            if column < 2 {
                line.push_str(&format!("{cell:<wide$}  "));
            } else {
                line.push_str(&format!("{cell:>wide$}  "));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// 1234567 as 1,234,567.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(name: &str, build: &str, value: u64, limit: Option<u64>) -> Measurement {
        Measurement {
            name: name.to_owned(),
            build: build.to_owned(),
            value,
            unit: "octets",
            limit,
        }
    }

    #[test]
    fn a_limit_is_the_most_that_holds() {
        assert!(measured("a", "", 10, Some(10)).holds());
        assert!(!measured("a", "", 11, Some(10)).holds());
        assert!(measured("a", "", 11, None).holds());
    }

    #[test]
    fn the_json_has_the_four_members() {
        let list = to_json(&[
            measured("stack", "asm, s", 5, Some(6)),
            measured("flash", "", 7, None),
        ]);
        assert_eq!(
            list,
            json!([
                {"name": "stack (asm, s)", "value": 5, "unit": "octets", "limit": 6},
                {"name": "flash", "value": 7, "unit": "octets", "limit": null},
            ])
        );
    }

    #[test]
    fn the_table_marks_what_is_past_its_limit() {
        let text = table(&[
            measured("stack", "a", 7000, Some(6000)),
            measured("stack", "b", 9000, None),
            measured("flash", "a", 1_234_567, None),
        ]);
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|row| row.split_whitespace().collect())
            .collect();
        assert_eq!(
            rows,
            [
                vec!["unit", "a", "b", "limit"],
                vec!["stack", "octets", "!7,000", "(9,000)", "6,000"],
                vec!["flash", "octets", "1,234,567"],
            ]
        );
    }
}
