//! The frequency of changes inside one stack: files that change often beside files that never do.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{History, Touch};
use super::proposal::{Group, split};
use super::{Criterion, Evidence, Finding, Gravity, Material, Subject, counted, number};
use crate::path::RepoPath;

/// The seconds of a day.
const DAY_SECS: i64 = 24 * 60 * 60;
/// A file that changes once a month or more is alive...
const FAST_DAYS_MAX: f64 = 30.0;
/// ...and fewer changes than this are a beginning, or a repair, and no pace.
const FAST_CHANGES_MIN: usize = 6;
/// Of a younger file nobody knows yet whether it will change.
const SLOW_DAYS_MIN: i64 = 180;
/// What changes at a tenth of the pace is touched by the changes of the other for no reason of its own.
const PACE_RATIO_MIN: f64 = 10.0;

/// A file that declares something, with its pace.
struct Paced<'a> {
    file: &'a RepoPath,
    changes: usize,
    days: f64,
    is_old: bool,
}

impl Paced<'_> {
    /// Changes a day.
    fn rate(&self) -> f64 {
        number(self.changes) / self.days
    }
}

/// Stacks in which files change at very different paces.
pub(super) fn findings(material: &Material<'_>, history: &History, subjects: &[Subject<'_>]) -> Vec<Finding> {
    // A window that is too short shows nobody as slow.
    if history.span_secs() < SLOW_DAYS_MIN * DAY_SECS {
        return Vec::new();
    }
    let (changes, of_stack) = history.paces();
    let by_stack = history.by_stack();
    let numbered = subjects.iter().enumerate().filter(|(_, subject)| subject.blocks.all.len() > 1);
    let finding = |(number, subject): (usize, &Subject<'_>)| {
        let paced = paced(history, subject, &changes, &of_stack[number]);
        differing(material, history, subject, &paced, &by_stack[number])
    };
    numbered.filter_map(finding).collect()
}

#[expect(clippy::cast_precision_loss, reason = "nobody has so many seconds")]
fn paced<'a>(history: &History, subject: &'a Subject<'_>, changes: &[usize], files: &[usize]) -> Vec<Paced<'a>> {
    let numbers: BTreeMap<&RepoPath, usize> = files.iter().map(|at| (&history.files[*at].path, *at)).collect();
    let declaring: BTreeSet<&RepoPath> = subject.blocks.all.iter().map(|block| &block.file).collect();
    let pace = |file: &'a RepoPath| {
        // A file that no commit of the window touches was there before it.
        let number = numbers.get(file);
        let born = number.and_then(|at| history.files[*at].born_secs).unwrap_or(history.walked.oldest_secs);
        let age = (history.walked.newest_secs - born).max(DAY_SECS);
        let changes = number.map_or(0, |at| changes[*at]);
        Paced { file, changes, days: age as f64 / DAY_SECS as f64, is_old: age >= SLOW_DAYS_MIN * DAY_SECS }
    };
    declaring.into_iter().map(pace).collect()
}

fn differing(
    material: &Material<'_>,
    history: &History,
    subject: &Subject<'_>,
    paced: &[Paced<'_>],
    touches: &[&Touch],
) -> Option<Finding> {
    let fast: Vec<&Paced<'_>> =
        paced.iter().filter(|file| file.changes >= FAST_CHANGES_MIN && file.rate() * FAST_DAYS_MAX >= 1.0).collect();
    let slowest_fast = fast.iter().map(|file| file.rate()).reduce(f64::min)?;
    let slow: Vec<&Paced<'_>> =
        paced.iter().filter(|file| file.is_old && file.rate() * PACE_RATIO_MIN <= slowest_fast).collect();
    let slow_files: BTreeSet<&RepoPath> = slow.iter().map(|file| file.file).collect();
    let blocks = &subject.blocks;
    // What is neither stays with what changes: it is changed as well.
    let (still, moving): (Vec<usize>, Vec<usize>) =
        (0..blocks.all.len()).partition(|at| slow_files.contains(&blocks.all[*at].file));
    let largest =
        slow.iter().max_by_key(|file| still.iter().filter(|at| blocks.all[**at].file == *file.file).count())?;
    let suffix = stem(largest.file).to_owned();
    let is_moving =
        |touch: &&&Touch| touch.changed.iter().any(|at| fast.iter().any(|file| *file.file == history.files[*at].path));
    let folder = &subject.stack.folder;
    let evidence = vec![
        Evidence::of("files that change often", fast.iter().map(|file| file.told(folder)))
            .with_commits(touches.iter().filter(is_moving).copied()),
        Evidence::of("files that do not", slow.iter().map(|file| file.told(folder))),
    ];
    let groups = vec![
        Group { suffix: None, about: "what changes often".to_owned(), blocks: moving },
        Group { suffix: Some(suffix), about: "what hardly changes".to_owned(), blocks: still },
    ];
    let (proposal, mut radius) = split(material.estate, subject, groups);
    // What counts is the part that the many changes work on.
    if let super::Proposal::Split { pieces, .. } = &proposal {
        radius.after = pieces.iter().find(|piece| piece.is_rest).map_or(radius.after, |piece| piece.resources);
    }
    let fastest = fast.iter().map(|file| file.changes).max().unwrap_or_default();
    let slowest = slow.iter().map(|file| file.changes).max().unwrap_or_default();
    Some(Finding {
        rule: "different-paces",
        criterion: Criterion::Pace,
        gravity: Gravity::of_cut(radius),
        stacks: vec![subject.stack.name.clone()],
        summary: format!(
            "has parts that change at very different paces: {} beside {}",
            counted(fastest, "change"),
            if slowest == 0 { "none".to_owned() } else { format!("at most {slowest}") }
        ),
        evidence,
        measures: BTreeMap::from([("fast_changes", number(fastest)), ("slow_changes", number(slowest))]),
        proposal,
        radius: Some(radius),
    })
}

impl Paced<'_> {
    /// `main.tf: 31 changes in 300 days`.
    fn told(&self, folder: &RepoPath) -> String {
        format!("{}: {} in {:.0} days", self.file.relative_to(folder), counted(self.changes, "change"), self.days)
    }
}

/// The name of a file without what is behind the first dot.
fn stem(file: &RepoPath) -> &str {
    let name = file.file_name();
    name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(name)
}
