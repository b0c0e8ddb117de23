//! In which sequence instances start.

use super::scenario::{Part, Scenario};
use super::simulation::simulate;

/// Runs stacks one at a time, each given as `name` and the positions of its upstream, and tells in which sequence they start.
fn sequence(upstream: &[&[usize]]) -> String {
    let part =
        |upstream: &&[usize]| Part { upstream: upstream.iter().map(|up| (*up, true)).collect(), ..Part::default() };
    let scenario = Scenario { parallelism: 1, ..Scenario::of(upstream.iter().map(part).collect()) };
    let simulated = simulate(&scenario);
    simulated.starts().into_iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_the_longest_chain_hangs_on_starts_first() {
    let cases: [(&str, &[&[usize]], &str); 5] = [
        ("alike: the order's sequence", &[&[], &[], &[]], "s0 s1 s2"),
        ("one has a chain below it", &[&[], &[], &[1], &[2]], "s1 s2 s0 s3"),
        ("a chain of two goes before five leaves", &[&[], &[0], &[0], &[0], &[], &[4], &[5]], "s4 s0 s5 s1 s2 s3 s6"),
        ("a diamond counts its longer side", &[&[], &[], &[0], &[1], &[3], &[2, 4]], "s1 s0 s3 s2 s4 s5"),
        ("a leaf comes last, wherever it stands", &[&[], &[], &[1], &[1], &[2, 3]], "s1 s2 s3 s0 s4"),
    ];
    for (what, upstream, expected) in cases {
        assert_eq!(sequence(upstream), expected, "{what}");
    }
}
