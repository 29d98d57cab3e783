//! Figures, as the other measuring commands give theirs.

use serde_json::{Value, json};

/// One figure.
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    limit: Option<f64>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Figure {
            name: name.into(),
            value,
            unit,
            limit: None,
        }
    }

    /// A number of things.
    #[expect(clippy::cast_precision_loss, reason = "counts and KiB, below 2^52")]
    pub(crate) fn count(name: impl Into<String>, value: u64, unit: &'static str) -> Self {
        Self::new(name, value as f64, unit)
    }

    /// The same, which may be `limit` at most.
    pub(crate) fn at_most(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    pub(crate) fn holds(&self) -> bool {
        self.limit.is_none_or(|limit| self.value <= limit)
    }
}

/// Prints them for people, or as a list of `{name, value, unit, limit}`.
pub(crate) fn print(figures: &[Figure], as_json: bool) {
    if as_json {
        let list = figures.iter().map(|figure| {
            json!({"name": figure.name, "value": figure.value, "unit": figure.unit, "limit": figure.limit})
        });
        println!("{}", Value::Array(list.collect()));
        return;
    }
    for figure in figures {
        let limit = figure.limit.map_or(String::new(), |limit| {
            let word = if figure.holds() { "held" } else { "MISSED" };
            format!("limit {limit} {word}")
        });
        let decimals = match figure.unit {
            "ms" | "ratio" => 2,
            "KiB each" => 1,
            _ => 0,
        };
        println!(
            "{:<72}{:>10.decimals$} {:<11}{limit}",
            figure.name, figure.value, figure.unit
        );
    }
}
