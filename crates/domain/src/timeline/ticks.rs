//! Where the marks of an axis of time stand.

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The steps that people count time in, in milliseconds.
const STEPS: [u64; 36] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    4 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
    56 * DAY,
    91 * DAY,
    182 * DAY,
    364 * DAY,
];

/// Milliseconds from 0 to at most `millis` in steps that people count in, at most `most` of them (and at least 0 itself).
pub fn ticks(millis: u64, most: usize) -> Vec<u64> {
    let gaps = u64::try_from(most.saturating_sub(1).max(1)).unwrap_or(u64::MAX);
    let fits = |step: &u64| millis / step <= gaps;
    let longest = STEPS[STEPS.len() - 1];
    let step =
        STEPS.into_iter().find(fits).unwrap_or_else(|| longest.saturating_mul(millis / longest / (gaps + 1) + 1));
    (0..=millis / step).map(|number| number * step).take(most.max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_that_people_count_in() {
        assert_eq!(ticks(0, 5), [0]);
        assert_eq!(ticks(4, 5), [0, 1, 2, 3, 4]);
        assert_eq!(ticks(73 * SECOND, 6), [0, 15 * SECOND, 30 * SECOND, 45 * SECOND, 60 * SECOND]);
        assert_eq!(ticks(3 * DAY, 4), [0, DAY, 2 * DAY, 3 * DAY]);
        assert_eq!(ticks(5, 0), [0]);
    }

    #[test]
    fn there_are_never_too_many() {
        for millis in [1, 999, 61_000, 3 * HOUR, 400 * DAY, 4000 * DAY, u64::MAX] {
            for most in [1, 3, 7, 12] {
                let found = ticks(millis, most);
                assert!(found.len() <= most && found[0] == 0, "{millis} {most}: {found:?}");
                assert!(most == 1 || found.len() > 1 || millis < 2, "{millis} {most}: {found:?}");
            }
        }
    }
}
