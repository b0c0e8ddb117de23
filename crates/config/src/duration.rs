//! Durations as people write them: `30m`, `2h`, `7d`. A day has 24 hours.

use jiff::{Span, SpanRelativeTo, Unit};

/// The milliseconds of a duration, rounded.
///
/// # Errors
/// What is wrong with it, as a fragment.
pub fn millis(text: &str) -> Result<u64, String> {
    const EXAMPLES: &str = "must be a duration such as \"90s\", \"30m\", \"2h\" or \"7d\"";
    let span: Span = text.trim().parse().map_err(|_| EXAMPLES.to_owned())?;
    let total = span.total((Unit::Millisecond, SpanRelativeTo::days_are_24_hours()));
    let total = total.map_err(|_| EXAMPLES.to_owned())?.round();
    if total < 1.0 {
        return Err("must be longer than nothing".to_owned());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, and not below 1; far too long is as long as can be"
    )]
    Ok(total as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        assert_eq!(millis("30m"), Ok(1_800_000));
        assert_eq!(millis(" 1h 30m"), Ok(5_400_000));
        assert_eq!(millis("7d"), Ok(604_800_000));
        assert_eq!(millis("1w"), Ok(604_800_000));
        for wrong in ["", "soon", "5", "1month", "-5m", "0s"] {
            assert!(millis(wrong).is_err(), "{wrong}");
        }
    }
}
