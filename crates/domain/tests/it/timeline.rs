//! Timelines of recordings that are made in code: as tables, and as properties of any recording.

use std::collections::BTreeSet;
use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;
use terrace_domain::run::Moment;
use terrace_domain::timeline::{Lane, LaneId, Recording, Span, SpanKind, SpanOutcome, Timeline};

/// Adds a span that succeeded.
fn did(recording: &mut Recording, lane: LaneId, kind: SpanKind, begin: i64, end: i64) {
    let (begin, end) = (Moment(begin), Some(Moment(end)));
    let name = kind.as_str().to_owned();
    recording.span(lane, Span { name, kind, begin, end, outcome: SpanOutcome::Succeeded });
}

/// The timeline in a form that can be read; times are milliseconds from its beginning.
fn shown(timeline: &Timeline) -> String {
    let since = |moment: Moment| moment.millis_since(timeline.begin);
    let mut text = format!("{} ms, {} on the critical path\n", timeline.millis(), timeline.critical_millis());
    for group in &timeline.groups {
        let _ = writeln!(text, "{}:", group.name);
        for lane in &timeline.lanes[group.lanes.clone()] {
            let _ = write!(text, "  {} {}", if lane.is_critical { "*" } else { "-" }, lane.name);
            for wait in &lane.waits {
                let _ = write!(text, " (waits {}..{})", since(wait.begin), since(wait.end));
            }
            for bar in &lane.bars {
                let mark = if bar.is_critical { "*" } else { "" };
                let _ = write!(text, " {mark}{} {}..{}", bar.name, since(bar.begin), since(bar.end));
            }
            text.push('\n');
        }
    }
    for link in &timeline.critical {
        let name = &timeline.lanes[link.lane].name;
        let (begin, end, after) = (since(link.begin), since(link.end), link.after.as_str());
        let _ = writeln!(text, "{begin}..{end} {name} after {after}, waited {}", link.waited_millis);
    }
    text
}

#[test]
fn the_chain_of_what_was_depended_on_decides() {
    let mut recording = Recording::new();
    let side = recording.lane("dev/side", "dev", []);
    let base = recording.lane("dev/base", "dev", []);
    let top = recording.lane("dev/top", "dev", [base, side]);
    let never = recording.lane("dev/never", "dev", [top]);
    did(&mut recording, side, SpanKind::Apply, 1000, 1500);
    did(&mut recording, base, SpanKind::Plan, 1000, 3000);
    did(&mut recording, base, SpanKind::Apply, 3000, 4000);
    did(&mut recording, top, SpanKind::Apply, 4250, 9000);
    recording.outcome(never, SpanOutcome::Skipped, "skipped");
    recording.reach(Moment(900));
    insta::assert_snapshot!(shown(&Timeline::of(&recording, Moment(99_000))), @"
    8100 ms, 7750 on the critical path
    dev:
      - dev/side (waits 0..100) apply 100..600
      * dev/base (waits 0..100) *plan 100..2100 *apply 2100..3100
      * dev/top (waits 3100..3350) *apply 3350..8100
      - dev/never
    100..3100 dev/base after start, waited 100
    3350..8100 dev/top after upstream, waited 250
    ");
}

#[test]
fn who_makes_room_decides_where_only_so_much_is_at_work_at_once() {
    let mut recording = Recording::new();
    let (one, two, three) =
        (recording.lane("one", "dev", []), recording.lane("two", "dev", []), recording.lane("three", "dev", []));
    did(&mut recording, one, SpanKind::Apply, 0, 4000);
    did(&mut recording, two, SpanKind::Plan, 0, 1000);
    did(&mut recording, two, SpanKind::People, 1000, 2000);
    // People have decided; its place was given away meanwhile.
    did(&mut recording, two, SpanKind::Apply, 4000, 4500);
    did(&mut recording, three, SpanKind::Apply, 1001, 1400);
    insta::assert_snapshot!(shown(&Timeline::of(&recording, Moment(0))), @"
    4500 ms, 4500 on the critical path
    dev:
      * one *apply 0..4000
      * two (waits 2000..4000) plan 0..1000 people 1000..2000 *apply 4000..4500
      - three (waits 0..1001) apply 1001..1400
    0..4000 one after start, waited 0
    4000..4500 two after place, waited 0
    ");
}

#[test]
fn one_phase_comes_after_another_whatever_it_depends_on() {
    let mut recording = Recording::new();
    let (a, b) = (recording.lane("a", "zero", []), recording.lane("b", "zero", []));
    did(&mut recording, a, SpanKind::Apply, 0, 100);
    did(&mut recording, b, SpanKind::Apply, 0, 300);
    recording.then();
    let destroy = recording.lane("a", "destroy", []);
    recording.lane("b", "destroy", []);
    did(&mut recording, destroy, SpanKind::Destroy, 1300, 1400);
    insta::assert_snapshot!(shown(&Timeline::of(&recording, Moment(0))), @"
    1400 ms, 400 on the critical path
    zero:
      - a apply 0..100
      * b *apply 0..300
    destroy:
      * a (waits 300..1300) *destroy 1300..1400
      - b
    0..300 b after start, waited 0
    1300..1400 a after phase, waited 1000
    ");
}

#[test]
fn what_is_not_over_goes_on_until_it_is_looked_at() {
    let mut recording = Recording::new();
    let lane = recording.lane("dev/a", "dev", []);
    let (kind, begin) = (SpanKind::People, Moment(50));
    recording.span(lane, Span { name: "people".to_owned(), kind, begin, end: None, outcome: SpanOutcome::Open });
    let timeline = Timeline::of(&recording, Moment(650));
    assert!(timeline.is_open());
    assert_eq!((timeline.millis(), timeline.lanes[0].millis_of(SpanKind::People)), (600, 600));
}

#[test]
fn of_nothing_the_timeline_is_empty() {
    let timeline = Timeline::of(&Recording::new(), Moment(7));
    assert_eq!((timeline.begin, timeline.end, timeline.millis()), (Moment(7), Moment(7), 0));
    assert!(timeline.lanes.is_empty() && timeline.critical.is_empty() && !timeline.is_open());
    let mut never = Recording::new();
    never.lane("dev/a", "dev", []);
    let timeline = Timeline::of(&never, Moment(7));
    assert_eq!((timeline.lanes.len(), timeline.critical.len(), timeline.lanes[0].begin()), (1, 0, None));
}

#[test]
fn a_clock_that_was_set_back_makes_no_time_negative() {
    let mut recording = Recording::new();
    let a = recording.lane("a", "dev", []);
    let b = recording.lane("b", "dev", [a]);
    did(&mut recording, a, SpanKind::Plan, 5000, 6000);
    did(&mut recording, a, SpanKind::Apply, 5500, 5200);
    did(&mut recording, b, SpanKind::Plan, 100, 400);
    insta::assert_snapshot!(shown(&Timeline::of(&recording, Moment(0))), @"
    5900 ms, 1000 on the critical path
    dev:
      - b plan 0..300
      * a (waits 0..4900) *plan 4900..5900 apply 5900..5900
    4900..5900 a after start, waited 4900
    ");
}

#[test]
fn an_excerpt_keeps_the_critical_path_and_the_longest() {
    let mut recording = Recording::new();
    for (at, end) in [10, 90, 20, 100, 5].into_iter().enumerate() {
        let lane = recording.lane(&format!("lane-{at}"), "dev", []);
        did(&mut recording, lane, SpanKind::Apply, 0, end);
    }
    recording.lane("never", "dev", []);
    let timeline = Timeline::of(&recording, Moment(0));
    assert_eq!(timeline.excerpt(1), [3], "the critical one");
    assert_eq!(timeline.excerpt(3), [1, 2, 3]);
    assert_eq!(timeline.excerpt(100).len(), 6);
}

#[test]
fn ten_thousand_lanes_are_no_more_than_a_walk() {
    // A chain as long as the whole, and each lane also after ten others: everything that could be walked twice would be.
    let mut recording = Recording::new();
    let mut lanes: Vec<LaneId> = Vec::new();
    for at in 0..10_000_i64 {
        let upstream: Vec<_> = lanes.iter().rev().take(10).copied().collect();
        let lane = recording.lane(&format!("dev/stack-{at}"), "dev", upstream);
        did(&mut recording, lane, SpanKind::Plan, at * 10, at * 10 + 4);
        did(&mut recording, lane, SpanKind::Apply, at * 10 + 4, at * 10 + 10);
        lanes.push(lane);
    }
    let timeline = Timeline::of(&recording, Moment(0));
    assert_eq!(timeline.critical.len(), 10_000);
    assert_eq!((timeline.critical_millis(), timeline.millis()), (100_000, 100_000));
    // All at one moment: nothing is walked in a circle.
    let mut still = Recording::new();
    for at in 0..10_000 {
        let lane = still.lane(&format!("dev/stack-{at}"), "dev", []);
        did(&mut still, lane, SpanKind::Plan, 5, 5);
    }
    assert_eq!(Timeline::of(&still, Moment(5)).millis(), 0);
}

/// A lane of any recording: steps back to what it depends on, spans as begin and length (below 0 where a clock was set back; with no end
/// where that is 0), and whether a phase begins before it.
type AnyLane = (Vec<u16>, Vec<(i64, i64)>, bool);

fn any_lanes() -> impl Strategy<Value = Vec<AnyLane>> {
    let spans = vec((0_i64..5_000, -200_i64..2_000), 0..4);
    vec((vec(any::<u16>(), 0..3), spans, proptest::bool::weighted(0.1)), 0..40)
}

fn recording_of(lanes: &[AnyLane]) -> Recording {
    let mut recording = Recording::new();
    let mut ids: Vec<LaneId> = Vec::new();
    for (at, (steps, spans, is_next_phase)) in lanes.iter().enumerate() {
        if *is_next_phase {
            recording.then();
        }
        let upstream: Vec<_> = steps.iter().filter(|_| at > 0).map(|step| ids[usize::from(*step) % at]).collect();
        let lane = recording.lane(&format!("lane-{at}"), ["dev", "staging"][at % 2], upstream);
        for (begin, length) in spans {
            let end = (*length != 0).then_some(Moment(begin + length));
            let (kind, begin, outcome) = (SpanKind::Apply, Moment(*begin), SpanOutcome::Succeeded);
            recording.span(lane, Span { name: "apply".to_owned(), kind, begin, end, outcome });
        }
        ids.push(lane);
    }
    recording
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_critical_path_is_a_chain_that_ends_with_the_last(lanes in any_lanes()) {
        let timeline = Timeline::of(&recording_of(&lanes), Moment(6_000));
        let last = timeline.lanes.iter().filter_map(Lane::end).max();
        prop_assert_eq!(timeline.critical.last().map(|link| link.end), last);
        let mut free = timeline.begin;
        for link in &timeline.critical {
            prop_assert!(free <= link.begin && link.begin <= link.end, "{timeline:#?}");
            prop_assert_eq!(link.waited_millis, link.begin.millis_since(free));
            let bars = &timeline.lanes[link.lane].bars[link.bars.clone()];
            prop_assert_eq!((bars[0].begin, bars[bars.len() - 1].end), (link.begin, link.end));
            prop_assert!(bars.iter().all(|bar| bar.is_critical) && timeline.lanes[link.lane].is_critical);
            free = link.end;
        }
        let waited: u64 = timeline.critical.iter().map(|link| link.waited_millis).sum();
        let rest = timeline.end.millis_since(free);
        prop_assert_eq!(timeline.critical_millis() + waited + rest, timeline.millis());
        let marked: BTreeSet<usize> = timeline.critical.iter().map(|link| link.lane).collect();
        let critical = (0..timeline.lanes.len()).filter(|at| timeline.lanes[*at].is_critical);
        prop_assert!(critical.eq(marked));
    }

    #[test]
    fn lanes_do_one_thing_at_a_time_inside_the_whole(lanes in any_lanes()) {
        let timeline = Timeline::of(&recording_of(&lanes), Moment(6_000));
        prop_assert_eq!(timeline.lanes.len(), lanes.len());
        let names: BTreeSet<&str> = timeline.lanes.iter().map(|lane| lane.name.as_str()).collect();
        prop_assert_eq!(names.len(), lanes.len());
        for lane in &timeline.lanes {
            let number: usize = lane.name["lane-".len()..].parse().expect("named so");
            prop_assert_eq!(lane.bars.len(), lanes[number].1.len());
            let moments: Vec<_> = lane.bars.iter().flat_map(|bar| [bar.begin, bar.end]).collect();
            prop_assert!(moments.is_sorted(), "{lane:?}");
            prop_assert!(moments.iter().all(|at| (timeline.begin..=timeline.end).contains(at)));
            prop_assert!(lane.waits.iter().all(|wait| timeline.begin <= wait.begin && wait.begin < wait.end));
            prop_assert!(lane.waits.iter().all(|wait| lane.bars.iter().all(|bar| bar.end <= wait.begin || wait.end <= bar.begin)));
            let upstream: BTreeSet<String> = lane.upstream.iter().map(|at| timeline.lanes[*at].name.clone()).collect();
            let steps = lanes[number].0.iter().filter(|_| number > 0);
            let expected = steps.map(|step| format!("lane-{}", usize::from(*step) % number)).collect();
            prop_assert_eq!(upstream, expected);
        }
    }

    #[test]
    fn groups_hold_each_lane_once_in_order_of_beginning(lanes in any_lanes()) {
        let timeline = Timeline::of(&recording_of(&lanes), Moment(6_000));
        let mut first = 0;
        for (at, group) in timeline.groups.iter().enumerate() {
            prop_assert_eq!(group.lanes.start, first);
            first = group.lanes.end;
            let held = &timeline.lanes[group.lanes.clone()];
            prop_assert!(!held.is_empty() && held.iter().all(|lane| lane.group == at));
            let begun: Vec<_> = held.iter().map_while(Lane::begin).collect();
            prop_assert!(begun.is_sorted() && held[begun.len()..].iter().all(|lane| lane.bars.is_empty()));
        }
        prop_assert_eq!(first, timeline.lanes.len());
    }
}
