//! A history of how long things took: points over time, in series, with an objective perhaps. Owns the figures that are told of one; draws
//! nothing.

use std::time::Duration;

use crate::run::Moment;

/// How long things took, over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// What it is a history of.
    pub title: String,
    /// How long they may take.
    pub objective: Option<Duration>,
    /// One series a kind.
    pub series: Vec<Series>,
}

/// The points of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// In order of time.
    pub points: Vec<Point>,
}

/// One thing that took its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// When.
    pub at: Moment,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Whether it succeeded.
    pub succeeded: bool,
}

impl History {
    /// Whether there is no point in it.
    pub fn is_empty(&self) -> bool {
        self.points().next().is_none()
    }

    /// All points of all series.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.series.iter().flat_map(|series| &series.points)
    }

    /// The first and the last moment; `None` where there is no point.
    pub fn extent(&self) -> Option<(Moment, Moment)> {
        let moments = || self.points().map(|point| point.at);
        moments().min().zip(moments().max())
    }

    /// The longest time that is to be shown, in milliseconds: that of a point, or the objective.
    pub fn longest_millis(&self) -> u64 {
        let longest = self.points().map(|point| point.duration_ms).max().unwrap_or(0);
        self.objective_millis().unwrap_or(0).max(longest)
    }

    /// The objective in milliseconds.
    pub fn objective_millis(&self) -> Option<u64> {
        self.objective.map(|objective| u64::try_from(objective.as_millis()).unwrap_or(u64::MAX))
    }

    /// Whether a point is as it should be: it succeeded, and within the objective where there is one.
    pub fn is_met_by(&self, point: &Point) -> bool {
        point.succeeded && self.objective_millis().is_none_or(|objective| point.duration_ms <= objective)
    }
}

impl Series {
    /// The time that half of those that succeeded took at most, in milliseconds; `None` where none did. How long a failure took says
    /// nothing.
    pub fn median_millis(&self) -> Option<u64> {
        let succeeded = self.points.iter().filter(|point| point.succeeded);
        let mut durations: Vec<u64> = succeeded.map(|point| point.duration_ms).collect();
        durations.sort_unstable();
        durations.get(durations.len().checked_sub(1)? / 2).copied()
    }

    /// The longest time of those that succeeded, in milliseconds.
    pub fn longest_millis(&self) -> Option<u64> {
        self.points.iter().filter(|point| point.succeeded).map(|point| point.duration_ms).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(i64, u64, bool)]) -> Series {
        let points = points.iter().map(|(at, duration_ms, succeeded)| Point {
            at: Moment(*at),
            duration_ms: *duration_ms,
            succeeded: *succeeded,
        });
        Series { name: "zero".to_owned(), points: points.collect() }
    }

    #[test]
    fn figures_are_of_what_succeeded() {
        let series = series(&[(1, 900, false), (2, 30, true), (3, 10, true), (4, 20, true), (5, 70, true)]);
        assert_eq!((series.median_millis(), series.longest_millis()), (Some(20), Some(70)));
    }

    #[test]
    fn of_nothing_there_are_no_figures() {
        let empty = History { title: String::new(), objective: None, series: vec![series(&[])] };
        assert!(empty.is_empty() && empty.extent().is_none() && empty.longest_millis() == 0);
        assert_eq!((empty.series[0].median_millis(), series(&[(1, 5, false)]).median_millis()), (None, None));
    }

    #[test]
    fn an_objective_is_met_in_time_and_with_success() {
        let objective = Some(Duration::from_millis(50));
        let history = History {
            title: String::new(),
            objective,
            series: vec![series(&[(9, 50, true), (3, 51, true)]), series(&[(5, 9, false)])],
        };
        let met: Vec<bool> = history.points().map(|point| history.is_met_by(point)).collect();
        assert_eq!(met, [true, false, false]);
        assert_eq!(history.extent(), Some((Moment(3), Moment(9))));
        assert_eq!(history.longest_millis(), 51);
    }
}
