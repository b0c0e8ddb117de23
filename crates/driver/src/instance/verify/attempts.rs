//! Tries until what is asked holds, or its time is over.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use terrace_domain::check::{Check, Shortfall};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::instance::teller::{CheckNews, Teller};

/// The pauses between attempts: short at first, for what is just coming up.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// What an attempt came to.
pub(super) enum Attempt {
    /// What is asked holds.
    Holds,
    /// It does not, and may yet.
    NotYet(Shortfall),
    /// It does not, and will not, however often it is tried.
    Never(Shortfall),
    /// Somebody asked to stop.
    Stopped,
}

/// How it goes on after an attempt that failed.
pub(super) enum Next {
    /// With another attempt.
    Again,
    /// Not at all: the check's time is over.
    Over,
    /// Not at all: somebody asked to stop.
    Stopped,
}

/// For how long, and how often, a check is tried.
pub(super) struct Patience<'a> {
    check: &'a Check,
    deadline: Instant,
    pauses: ExponentialBackoff,
}

impl<'a> Patience<'a> {
    /// Begins now.
    pub(super) fn with(check: &'a Check) -> Self {
        let pauses = ExponentialBuilder::new().with_min_delay(PAUSE_MIN).with_max_delay(PAUSE_MAX).without_max_times();
        Self { check, deadline: Instant::now() + check.within, pauses: pauses.build() }
    }

    /// Waits for the next attempt, and tells why it is needed. No attempt begins when the check's time is over; the last one is made right
    /// then.
    pub(super) async fn wait(
        &mut self,
        shortfall: &Shortfall,
        mut stop: watch::Receiver<bool>,
        teller: &Teller,
    ) -> Next {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let Some(pause) = self.pauses.next().filter(|_| !left.is_zero()) else { return Next::Over };
        let pause = pause.min(left);
        teller.check(self.check.name.as_str(), &CheckNews::NotYet { why: &shortfall.summary, pause });
        tokio::select! {
            () = sleep(pause) => Next::Again,
            Ok(_) = stop.wait_for(|stop| *stop) => Next::Stopped,
        }
    }
}
