//! The rate by `wrk`, a client that is not ours.

use std::process::Command;
use std::time::Duration;

use crate::client::{Found, TokenRequest};

/// Runs `wrk` with two threads; `None` when there is no `wrk`.
pub(crate) fn run(request: &TokenRequest, connections: u32, length: Duration) -> Option<Found> {
    let mut script = format!(
        "wrk.method = \"POST\"\nwrk.body = \"{}\"\n\
         wrk.headers[\"Content-Type\"] = \"application/x-www-form-urlencoded\"\n",
        request.form
    );
    if let Some(credentials) = request.basic {
        script.push_str(&format!(
            "wrk.headers[\"Authorization\"] = \"Basic {credentials}\"\n"
        ));
    }
    let file = std::env::temp_dir().join(format!("smallgate-load-{}.lua", std::process::id()));
    std::fs::write(&file, script).expect("a temporary file");
    let run = Command::new("wrk")
        .args(["--threads", "2", "--latency"])
        .args(["--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", length.as_secs())])
        .arg("--script")
        .arg(&file)
        .arg(format!("http://{}{}", request.address, request.path))
        .output();
    let _gone = std::fs::remove_file(&file);
    let run = run.ok()?;
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "wrk failed: {text}");
    assert!(!text.contains("Non-2xx"), "not every answer is 200: {text}");
    assert!(!text.contains("Socket errors"), "{text}");
    let after = |name: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(name))
            .unwrap_or_else(|| panic!("no {name} in {text}"))
            .trim()
    };
    Some(Found {
        rate: after("Requests/sec:").parse().expect("a number"),
        median_ms: milliseconds(after("50%")),
        most_ms: milliseconds(after("99%")),
    })
}

/// `850.00us`, `1.20ms`, `1.01s`
fn milliseconds(text: &str) -> f64 {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
        .unwrap_or_else(|| panic!("{text} is no time"))
}
