//! When changes may be made: hours of the week in a time zone, and times in which nothing is changed at all. Reads no clock: the moment is
//! given, and time zones come from the database that is compiled in, so that a run is decided alike everywhere.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::run::Moment;

/// How far ahead an opening is looked for, in days: a window that does not open within a year does not open.
const AHEAD_DAYS: i32 = 370;
/// The minutes of a day.
pub const DAY_MINUTES: u16 = 24 * 60;

/// The days of a week by their words, Monday first.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A time zone by its name in the tz database, such as `Europe/Berlin`.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// Hours of the week in which changes may be made, but in freezes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The days on which it opens: 0 is Monday.
    pub days: BTreeSet<u8>,
    /// When it opens, in minutes of the day.
    pub from: u16,
    /// When it closes, in minutes of the day; not after `from` means on the next day.
    pub to: u16,
    /// Where the clock hangs.
    pub zone: Zone,
    /// When nothing is changed; it holds for all windows of a calendar.
    pub freezes: Vec<Freeze>,
}

/// A time in which nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// Its first moment, by the clock of its window's zone.
    pub from: DateTime,
    /// The first moment after it.
    pub to: DateTime,
    /// Why; may be empty.
    pub reason: String,
}

/// All windows of a stage: changes may be made while one of them is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar(pub Vec<Window>);

/// Whether changes may be made at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// They may.
    Open,
    /// They may not.
    Closed {
        /// When they may again; `None`: not within a year.
        opens: Option<Moment>,
        /// Why not, in words.
        why: String,
    },
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let zone = TimeZoneDatabase::bundled().get(name);
        zone.map(Self).map_err(|_| format!("the tz database has no time zone `{name}`"))
    }
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    fn civil(&self, moment: Moment) -> Option<DateTime> {
        Some(Timestamp::from_millisecond(moment.0).ok()?.to_zoned(self.0.clone()).datetime())
    }

    /// The moment at which the clock of the zone says this; where it is put forward over it, the same time later.
    fn moment(&self, at: DateTime) -> Option<Moment> {
        Some(Moment(at.to_zoned(self.0.clone()).ok()?.timestamp().as_millisecond()))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Window {
    /// A window that is always open in a zone.
    pub fn always(zone: Zone) -> Self {
        Self { days: (0..7).collect(), from: 0, to: DAY_MINUTES, zone, freezes: Vec::new() }
    }

    /// Whether its hours cover a moment; freezes do not count.
    fn covers(&self, moment: Moment) -> bool {
        let Some(at) = self.zone.civil(moment) else { return false };
        let minute = minute_of(at);
        let opens_on = |date: Option<Date>| date.is_some_and(|date| self.days.contains(&day_of(date.weekday())));
        if self.from < self.to {
            return opens_on(Some(at.date())) && (self.from..self.to).contains(&minute);
        }
        opens_on(Some(at.date())) && minute >= self.from || opens_on(at.date().yesterday().ok()) && minute < self.to
    }

    /// The freeze that holds at a moment.
    fn freeze_at(&self, moment: Moment) -> Option<&Freeze> {
        let at = self.zone.civil(moment)?;
        self.freezes.iter().find(|freeze| freeze.from <= at && at < freeze.to)
    }

    /// The moments at which it opens, in the days from the one before `moment`.
    fn openings(&self, moment: Moment, days: i32) -> impl Iterator<Item = Moment> + '_ {
        let first = self.zone.civil(moment).and_then(|at| at.date().yesterday().ok());
        let dates = first.into_iter().flat_map(move |first| {
            (0..=days).filter_map(move |ahead| first.checked_add(jiff::Span::new().days(ahead)).ok())
        });
        dates.filter(|date| self.days.contains(&day_of(date.weekday()))).filter_map(|date| {
            let (hour, minute) = (self.from / 60, self.from % 60);
            let time = jiff::civil::time(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0);
            self.zone.moment(date.to_datetime(time))
        })
    }

    /// Whether there are hours in which this window and another are both open. Looks at a week of winter and a week of summer.
    pub fn overlaps(&self, other: &Self) -> bool {
        // The first Thursday of 2026, and a day half a year later.
        [1_767_225_600_000, 1_782_864_000_000].into_iter().map(Moment).any(|week| {
            self.openings(week, 8).any(|at| other.covers(at)) || other.openings(week, 8).any(|at| self.covers(at))
        })
    }

    /// The window in words: `mon, tue 08:00-17:00 Europe/Berlin`.
    pub fn in_words(&self) -> String {
        let mut text = if self.days.len() == 7 {
            "every day".to_owned()
        } else {
            self.days.iter().filter_map(|day| DAYS.get(usize::from(*day)).copied()).collect::<Vec<_>>().join(", ")
        };
        if (self.from, self.to) != (0, DAY_MINUTES) {
            text.extend([" ", &clock(self.from), "-", &clock(self.to)]);
        }
        format!("{text} {}", self.zone.name())
    }
}

impl Calendar {
    /// Whether changes may be made at a moment, and when they may again.
    pub fn at(&self, now: Moment) -> Opening {
        if self.is_open(now) {
            return Opening::Open;
        }
        let ends = self.0.iter().flat_map(|window| {
            window.freezes.iter().filter_map(|freeze| window.zone.moment(freeze.to)).filter(|end| *end > now)
        });
        let openings = self
            .0
            .iter()
            .filter_map(|window| window.openings(now, AHEAD_DAYS).find(|at| *at > now && self.is_open(*at)));
        let opens = ends.filter(|end| self.is_open(*end)).chain(openings).min();
        Opening::Closed { opens, why: self.why_closed(now) }
    }

    fn is_open(&self, moment: Moment) -> bool {
        self.0.iter().all(|window| window.freeze_at(moment).is_none())
            && self.0.iter().any(|window| window.covers(moment))
    }

    fn why_closed(&self, now: Moment) -> String {
        if let Some((window, freeze)) = self.0.iter().find_map(|window| Some((window, window.freeze_at(now)?))) {
            let until =
                format!("nothing is changed until {} {}", freeze.to.strftime("%Y-%m-%d %H:%M"), window.zone.name());
            return if freeze.reason.is_empty() { until } else { format!("{until}: {}", freeze.reason) };
        }
        let windows: Vec<_> = self.0.iter().map(Window::in_words).collect();
        format!("changes are made {}", windows.join(", or "))
    }
}

fn day_of(day: Weekday) -> u8 {
    u8::try_from(day.to_monday_zero_offset()).unwrap_or(0)
}

fn minute_of(at: DateTime) -> u16 {
    u16::try_from(i16::from(at.hour()) * 60 + i16::from(at.minute())).unwrap_or(0)
}

/// `08:00`.
fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn window(days: &[u8], from: u16, to: u16, zone: &str) -> Window {
        Window { days: days.iter().copied().collect(), from, to, zone: zone.parse().unwrap(), freezes: Vec::new() }
    }

    fn opens(calendar: &Calendar, now: &str) -> Option<String> {
        match calendar.at(at(now)) {
            Opening::Open => Some("open".to_owned()),
            Opening::Closed { opens, .. } => {
                opens.map(|moment| Timestamp::from_millisecond(moment.0).unwrap().to_string())
            }
        }
    }

    #[test]
    fn a_window_opens_by_the_clock_of_its_zone_in_summer_and_in_winter() {
        let work = Calendar(vec![window(&[0, 1, 2, 3, 4], 8 * 60, 17 * 60, "Europe/Berlin")]);
        for (now, expected) in [
            ("2026-01-05T07:00:00Z", "open"),
            ("2026-01-05T06:59:59Z", "2026-01-05T07:00:00Z"),
            ("2026-01-05T16:00:00Z", "2026-01-06T07:00:00Z"),
            ("2026-07-06T06:00:00Z", "open"),
            ("2026-07-06T15:00:00Z", "2026-07-07T06:00:00Z"),
            ("2026-01-09T16:00:00Z", "2026-01-12T07:00:00Z"),
            // The clock is put forward on the Sunday between.
            ("2026-03-27T17:00:00Z", "2026-03-30T06:00:00Z"),
        ] {
            assert_eq!(opens(&work, now).as_deref(), Some(expected), "{now}");
        }
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
        let night = Calendar(vec![window(&[4], 22 * 60, 4 * 60, "UTC")]);
        for (now, expected) in [
            ("2026-01-09T22:00:00Z", "open"),
            ("2026-01-10T03:59:00Z", "open"),
            ("2026-01-10T04:00:00Z", "2026-01-16T22:00:00Z"),
            ("2026-01-09T03:00:00Z", "2026-01-09T22:00:00Z"),
        ] {
            assert_eq!(opens(&night, now).as_deref(), Some(expected), "{now}");
        }
    }

    #[test]
    fn a_time_that_the_clock_leaves_out_comes_later() {
        let early = Calendar(vec![window(&[6], 2 * 60 + 30, 3 * 60 + 30, "Europe/Berlin")]);
        assert_eq!(opens(&early, "2026-03-28T12:00:00Z").as_deref(), Some("2026-04-05T00:30:00Z"));
    }

    #[test]
    fn nothing_is_changed_in_a_freeze_whatever_window_is_open() {
        let mut frozen = Window::always("America/New_York".parse().unwrap());
        let (from, to) = ("2026-12-20T00:00".parse().unwrap(), "2027-01-03T00:00".parse().unwrap());
        frozen.freezes.push(Freeze { from, to, reason: "the Christmas trade".to_owned() });
        let calendar = Calendar(vec![frozen, window(&[0], 0, 60, "UTC")]);
        assert_eq!(opens(&calendar, "2026-12-20T04:59:00Z").as_deref(), Some("open"));
        assert_eq!(opens(&calendar, "2026-12-21T00:30:00Z").as_deref(), Some("2027-01-03T05:00:00Z"));
        let Opening::Closed { why, .. } = calendar.at(at("2026-12-25T00:00:00Z")) else { panic!("it is closed") };
        assert_eq!(why, "nothing is changed until 2027-01-03 00:00 America/New_York: the Christmas trade");
    }

    #[test]
    fn what_never_opens_says_so() {
        let none = Calendar(vec![window(&[], 0, DAY_MINUTES, "UTC")]);
        assert_eq!(opens(&none, "2026-01-01T00:00:00Z"), None);
    }

    #[test]
    fn windows_that_overlap_are_seen_also_in_different_zones() {
        let berlin = window(&[0], 8 * 60, 12 * 60, "Europe/Berlin");
        assert!(berlin.overlaps(&window(&[0, 1], 11 * 60, 14 * 60, "Europe/Berlin")));
        assert!(!berlin.overlaps(&window(&[0, 1], 12 * 60, 14 * 60, "Europe/Berlin")));
        assert!(berlin.overlaps(&window(&[0], 7 * 60, 8 * 60, "UTC")));
        assert!(!berlin.overlaps(&window(&[0], 12 * 60, 13 * 60, "UTC")));
        assert!(berlin.overlaps(&window(&[6], 23 * 60, 9 * 60, "Europe/Berlin")));
    }
}
