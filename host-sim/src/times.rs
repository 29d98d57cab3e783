//! Times and lengths of time as people write them.

use jiff::{Span, SpanRelativeTo, Timestamp};
use smallgate_core::time::UnixTime;

/// A time of RFC 3339, such as `2026-01-01T00:00:00Z`; a fraction of a second
/// is cut off.
pub(crate) fn instant(text: &str) -> Result<UnixTime, String> {
    let refused =
        || format!("`{text}` is no time of RFC 3339 from 1970 on, such as 2026-01-01T00:00:00Z");
    let time: Timestamp = text.parse().map_err(|_| refused())?;
    u64::try_from(time.as_second())
        .map(UnixTime)
        .map_err(|_| refused())
}

/// A length of time such as `90s`, `1h 30m` or `30 days`, in whole seconds. A
/// day has 24 hours.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let refused = || format!("`{text}` is no length of time such as 90s, 1h30m or 30days");
    let span: Span = text.parse().map_err(|_| refused())?;
    let length = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| refused())?;
    if length.subsec_nanos() != 0 {
        return Err(format!("`{text}` is not a whole number of seconds"));
    }
    u64::try_from(length.as_secs()).map_err(|_| format!("`{text}` runs backwards"))
}

/// How a time looks to people.
pub(crate) fn shown(time: UnixTime) -> String {
    i64::try_from(time.0)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| time.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_rfc_3339() {
        assert_eq!(instant("2026-01-01T00:00:00Z"), Ok(UnixTime(1_767_225_600)));
        assert_eq!(
            instant("2026-01-01T01:00:00+01:00"),
            Ok(UnixTime(1_767_225_600))
        );
        for wrong in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "1969-12-31T23:59:59Z",
            "soon",
        ] {
            assert!(instant(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lengths_read_as_people_write_them() {
        for (text, expected) in [
            ("1h", 3600),
            ("90s", 90),
            ("1h 30m", 5400),
            ("30days", 2_592_000),
            ("2 weeks", 1_209_600),
            ("0s", 0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for wrong in ["", "1", "h", "-1h", "500ms", "1 year", "1 month"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shown_reads_back() {
        assert_eq!(shown(UnixTime(1_767_225_600)), "2026-01-01T00:00:00Z");
    }
}
