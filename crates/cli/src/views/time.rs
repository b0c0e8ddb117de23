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

/// A mark of an axis of time, as short as it can be: `0`, `200ms`, `1.5s`, `20s`, `1m 30s`, `2h 05m`, `3d 06h`.
pub fn mark(millis: u64) -> String {
    let secs = millis / 1000;
    let two = |number: u64, unit: &str, rest: u64, small: &str| match rest {
        0 => format!("{number}{unit}"),
        _ => format!("{number}{unit} {rest:02}{small}"),
    };
    match secs {
        _ if millis == 0 => "0".to_owned(),
        0 => format!("{millis}ms"),
        1..60 if millis.is_multiple_of(1000) => format!("{secs}s"),
        1..60 => format!("{}.{}s", secs, millis % 1000 / 100),
        60..3600 => two(secs / 60, "m", secs % 60, "s"),
        3600..86_400 => two(secs / 3600, "h", secs % 3600 / 60, "m"),
        _ => two(secs / 86_400, "d", secs % 86_400 / 3600, "h"),
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

/// A point in time as people give it: a date (its beginning, UTC), a time (RFC 3339), or how long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// At that moment.
    At(Moment),
    /// So many milliseconds ago.
    Ago(i64),
}

impl Bound {
    /// The moment.
    pub fn moment(self, now: Moment) -> Moment {
        match self {
            Self::At(moment) => moment,
            Self::Ago(millis) => Moment(now.0.saturating_sub(millis)),
        }
    }
}

impl std::str::FromStr for Bound {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "expected a date (`2026-11-24`), a time (`2026-11-24T18:00:00Z`) or how long ago (`7d`)".to_owned();
        if let Some((number, unit)) = text.split_at_checked(text.len().saturating_sub(1))
            && let (Ok(number), Some(secs)) = (number.parse::<u32>(), seconds_of(unit))
        {
            return Ok(Self::Ago(i64::from(number) * secs * 1000));
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::At(Moment(time.as_millisecond())));
        }
        let time = format!("{text}T00:00:00Z").parse::<Timestamp>().map_err(|_| wrong())?;
        Ok(Self::At(Moment(time.as_millisecond())))
    }
}

fn seconds_of(unit: &str) -> Option<i64> {
    Some(match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    })
}

/// The clock.
pub fn now() -> Moment {
    Moment(Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_read_in_all_their_forms() {
        let moment = |text: &str| text.parse::<Bound>().map(|bound| bound.moment(Moment(864_000_000)).0);
        assert_eq!(moment("2d"), Ok(864_000_000 - 2 * 86_400_000));
        assert_eq!(moment("90m"), Ok(864_000_000 - 90 * 60_000));
        assert_eq!(moment("1970-01-02"), Ok(86_400_000));
        assert_eq!(moment("1970-01-02T01:00:00+01:00"), Ok(86_400_000));
        for wrong in ["", "d", "2y", "-2d", "yesterday", "1970-13-01", "é"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn marks_are_short() {
        let millis = [0, 200, 1000, 1500, 20_000, 60_000, 90_000, 3_600_000, 7_500_000, 86_400_000, 280_800_000];
        let texts: Vec<_> = millis.map(mark).into();
        assert_eq!(texts, ["0", "200ms", "1s", "1.5s", "20s", "1m", "1m 30s", "1h", "2h 05m", "1d", "3d 06h"]);
    }

    #[test]
    fn durations_read_well() {
        let texts: Vec<_> = [0, 450, 59_999, 61_000, 7_620_000].map(duration).into();
        assert_eq!(texts, ["0.0s", "0.4s", "59.9s", "1m 01s", "2h 07m"]);
    }
}
