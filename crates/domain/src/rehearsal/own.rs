//! What is a rehearsal's own: it applies nothing over what it did not make, and destroys only where it began to apply.

use std::collections::{BTreeMap, BTreeSet};

use super::batches;
use crate::digest::Digest;
use crate::name::StackName;

/// Why a plan of a rehearsal is not applied, in words; `None` where it has to do with nothing but what the rehearsal made. `has_begun`: whether the
/// rehearsal began an apply of the stack before; `there`: the resources that the plan rests on; `imports`: how many it takes in. Both without what
/// the stack takes over from another that the rehearsal deployed.
pub fn not_its_own(has_begun: bool, there: &[String], imports: u64) -> Option<String> {
    // Named for people: so many are enough to tell whose they are.
    const NAMED_MAX: usize = 5;
    if has_begun {
        let what = "its code imports resources that the rehearsal did not make (`import` blocks)";
        return (imports > 0).then(|| what.to_owned());
    }
    if there.is_empty() && imports == 0 {
        return None;
    }
    let mut names = there.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    if there.len() > NAMED_MAX {
        names = format!("{names} and {} more", there.len() - NAMED_MAX);
    }
    Some(match (names.is_empty(), imports) {
        (true, _) => "its code imports resources that the rehearsal did not make (`import` blocks)".to_owned(),
        (false, 0) => format!("its state holds what the rehearsal did not make: {names}"),
        (false, _) => {
            format!("it would take in what the rehearsal did not make (by its state or `import` blocks): {names}")
        }
    })
}

/// The stacks of a release, each with those that it rests on.
pub type Known = (Digest, BTreeMap<StackName, BTreeSet<StackName>>);

/// What is to be destroyed, in sequence: stacks with the release (by its place in `releases`) of which an apply of them was last begun. Others were
/// not touched. Where releases of different times rest on each other in a circle, the last one's stacks go first.
pub fn undoing(begun: &BTreeMap<StackName, Digest>, releases: &[Known]) -> Vec<(usize, BTreeSet<StackName>)> {
    let mut stacks: BTreeMap<StackName, (usize, BTreeSet<StackName>)> = BTreeMap::new();
    for (at, (release, known)) in releases.iter().enumerate() {
        for (stack, upstream) in known.iter().filter(|(stack, _)| begun.get(*stack) == Some(release)) {
            stacks.insert(stack.clone(), (at, upstream.clone()));
        }
    }
    let mut sequence = batches(&stacks).unwrap_or_else(|| {
        let of = |at: usize| stacks.iter().filter(|(_, (of, _))| *of == at).map(|(name, _)| name.clone()).collect();
        (0..releases.len()).map(|at| (at, of(at))).filter(|(_, all): &(_, BTreeSet<_>)| !all.is_empty()).collect()
    });
    sequence.reverse();
    sequence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> StackName {
        StackName::new(text).unwrap()
    }

    fn release(byte: u8, stacks: &[(&str, &[&str])]) -> Known {
        let known = stacks.iter().map(|(stack, upstream)| (name(stack), upstream.iter().map(|up| name(up)).collect()));
        (Digest([byte; 32]), known.collect())
    }

    fn in_words(sequence: &[(usize, BTreeSet<StackName>)]) -> Vec<String> {
        let line = |(at, stacks): &(usize, BTreeSet<StackName>)| {
            format!("{at}: {}", stacks.iter().map(StackName::as_str).collect::<Vec<_>>().join(" "))
        };
        sequence.iter().map(line).collect()
    }

    #[test]
    fn each_is_destroyed_by_what_was_last_applied_and_after_all_that_rest_on_it() {
        let releases = [
            release(1, &[("net", &[]), ("data", &["net"]), ("app", &["data"])]),
            release(2, &[("net", &[]), ("data", &["net"])]),
        ];
        let begun = |of: &[(&str, u8)]| of.iter().map(|(stack, byte)| (name(stack), Digest([*byte; 32]))).collect();
        // The second changes `data`, leaves `net` as it is, and has no `app` any more.
        let mixed = undoing(&begun(&[("net", 1), ("data", 2), ("app", 1)]), &releases);
        assert_eq!(in_words(&mixed), ["0: app", "1: data", "0: net"]);
        assert_eq!(in_words(&undoing(&begun(&[("net", 2), ("data", 1)]), &releases)), ["0: data", "1: net"]);
        assert!(undoing(&BTreeMap::new(), &releases).is_empty(), "what was never applied is not touched");
    }

    #[test]
    fn releases_in_a_circle_are_undone_the_last_first() {
        let releases = [release(1, &[("a", &["b"])]), release(2, &[("b", &["a"])])];
        let begun = [(name("a"), Digest([1; 32])), (name("b"), Digest([2; 32]))].into();
        assert_eq!(in_words(&undoing(&begun, &releases)), ["1: b", "0: a"]);
    }

    #[test]
    fn only_what_the_rehearsal_made_is_its_own() {
        let there: Vec<String> = (0..7).map(|at| format!("a.b[{at}]")).collect();
        assert_eq!(not_its_own(false, &[], 0), None);
        assert_eq!(not_its_own(true, &there, 0), None);
        assert!(not_its_own(true, &there, 1).unwrap().contains("import"));
        assert!(not_its_own(false, &[], 1).unwrap().contains("import"));
        assert_eq!(
            not_its_own(false, &there, 0).unwrap(),
            "its state holds what the rehearsal did not make: a.b[0], a.b[1], a.b[2], a.b[3], a.b[4] and 2 more"
        );
    }
}
