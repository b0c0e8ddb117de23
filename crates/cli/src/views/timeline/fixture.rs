//! Timelines for the tests of their views.

use terrace_domain::run::Moment;
use terrace_domain::timeline::{LaneId, Recording, Span, SpanKind, SpanOutcome, Timeline};

use super::Picture;

/// A picture of a run.
pub(super) fn picture(timeline: &Timeline) -> Picture<'_> {
    let (heading, about) = ("Run 7".to_owned(), "Begin".to_owned());
    Picture { heading, about, run: Some(7), outcome: "succeeded", timeline }
}

/// Adds a lane with bars one after the other: what kind, from when, until when.
fn lane(
    recording: &mut Recording,
    (name, group): (&str, &str),
    upstream: &[LaneId],
    bars: &[(SpanKind, i64, i64)],
    outcome: (SpanOutcome, &str),
) -> LaneId {
    let lane = recording.lane(name, group, upstream.iter().copied());
    for (at, (kind, begin, end)) in bars.iter().enumerate() {
        let (begin, end) = (Moment(*begin), Some(Moment(*end)));
        let outcome = if at + 1 == bars.len() { outcome.0 } else { SpanOutcome::Succeeded };
        recording.span(lane, Span { name: kind.as_str().to_owned(), kind: *kind, begin, end, outcome });
    }
    recording.outcome(lane, outcome.0, outcome.1);
    lane
}

const APPLIED: (SpanOutcome, &str) = (SpanOutcome::Succeeded, "applied");

/// A network and what reads it, in two stages; the second asks people. One failed, one was not started.
pub(super) fn small() -> Timeline {
    use SpanKind::{Apply, People, Plan, Prepare};
    let mut recording = Recording::new();
    let to = &mut recording;
    let network =
        lane(to, ("dev/network", "dev"), &[], &[(Prepare, 0, 1000), (Plan, 1000, 3000), (Apply, 3000, 8000)], APPLIED);
    lane(to, ("dev/vault", "dev"), &[], &[(Prepare, 0, 1500), (Plan, 1500, 4000)], (SpanOutcome::Failed, "failed"));
    let app = lane(
        to,
        ("dev/app", "dev"),
        &[network],
        &[(Prepare, 9000, 9500), (Plan, 9500, 12_000), (Apply, 12_000, 20_000)],
        APPLIED,
    );
    let network = lane(
        to,
        ("staging/network", "staging"),
        &[network],
        &[(Plan, 8000, 10_000), (People, 10_000, 18_000), (Apply, 18_000, 19_000)],
        APPLIED,
    );
    lane(to, ("staging/app", "staging"), &[network, app], &[(Plan, 20_000, 23_000), (Apply, 23_000, 30_000)], APPLIED);
    lane(to, ("staging/vault", "staging"), &[], &[], (SpanOutcome::Skipped, "skipped"));
    Timeline::of(&recording, Moment(0))
}

/// So many lanes, in chains of five with one place after another.
pub(super) fn many(count: usize) -> Timeline {
    let mut recording = Recording::new();
    let mut before = None;
    for at in 0..count {
        let start = i64::try_from(at).expect("few") * 700 % 30_011;
        let upstream: Vec<LaneId> = before.filter(|_| at % 5 != 0).into_iter().collect();
        let length = 400 + start % 977;
        let bars = [
            (SpanKind::Prepare, start, start + 90),
            (SpanKind::Plan, start + 90, start + 290),
            (SpanKind::Apply, start + 290, start + length),
        ];
        let group = if at * 2 < count { "dev" } else { "prod" };
        before = Some(lane(&mut recording, (&format!("{group}/stack-{at}"), group), &upstream, &bars, APPLIED));
    }
    Timeline::of(&recording, Moment(0))
}

/// Names that nobody should have.
pub(super) fn hostile() -> Timeline {
    let mut recording = Recording::new();
    let name = "</text><script>alert(1)</script>&\"'\u{1b}[2J\r";
    lane(&mut recording, (name, name), &[], &[(SpanKind::Apply, 0, 10)], (SpanOutcome::Failed, name));
    Timeline::of(&recording, Moment(0))
}
