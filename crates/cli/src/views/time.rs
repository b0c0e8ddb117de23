//! Durations and ages for people, moments for programs.

use jiff::Timestamp;
use terrace_domain::run::Moment;

/// `0.4s`, `12.3s`, `3m 05s`, `2h 07m`.
pub fn duration(millis: u64) -> String {
    let secs = millis / 1000;
    match secs {
        0..60 => format!("{secs}.{}s", millis % 1000 / 100),
        60..3600 => format!("{}m {:02}s", secs / 60, secs % 60),
        _ => format!("{}h {:02}m", secs / 3600, secs % 3600 / 60),
    }
}

/// `just now`, `5m ago`, `3h ago`, `2d ago`.
pub fn age(then: Moment, now: Moment) -> String {
    let secs = now.millis_since(then) / 1000;
    match secs {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{}m ago", secs / 60),
        3600..86_400 => format!("{}h ago", secs / 3600),
        _ => format!("{}d ago", secs / 86_400),
    }
}

/// RFC 3339, UTC.
pub fn rfc3339(moment: Moment) -> String {
    Timestamp::from_millisecond(moment.0).map_or_else(|_| moment.0.to_string(), |time| time.to_string())
}

/// The clock.
pub fn now() -> Moment {
    Moment(Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let texts: Vec<_> = [0, 450, 59_999, 61_000, 7_620_000].map(duration).into();
        assert_eq!(texts, ["0.0s", "0.4s", "59.9s", "1m 01s", "2h 07m"]);
    }
}
