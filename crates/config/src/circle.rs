//! Finds circles in a graph given by a function, with a stack of its own: a chain may be as long as a hostile file makes it.

use std::collections::BTreeMap;

/// How many steps of a circle are named in its summary: nobody reads more, and each step has its place anyhow.
const NAMED_MAX: usize = 20;

/// A circle in words, back to where it began: `a -> b -> a`.
pub(crate) fn way(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" -> ({more} more)"),
    };
    format!("{}{more} -> {}", shown.join(" -> "), names.first().map_or("", String::as_str))
}

/// Circles of a graph: at least one where there is any, each as the nodes in order, from the first that was met.
pub(crate) fn circles<'n, N: Ord>(
    nodes: impl IntoIterator<Item = &'n N>,
    next_of: impl Fn(&'n N) -> &'n [N],
) -> Vec<Vec<&'n N>> {
    // `true` when all that a node leads to is walked.
    let mut walked: BTreeMap<&N, bool> = BTreeMap::new();
    let mut found = Vec::new();
    for start in nodes {
        if walked.contains_key(start) {
            continue;
        }
        walked.insert(start, false);
        let mut way: Vec<(&N, usize)> = vec![(start, 0)];
        while let Some((node, step)) = way.last_mut() {
            let (node, at) = (*node, *step);
            *step += 1;
            let Some(next) = next_of(node).get(at) else {
                walked.insert(node, true);
                way.pop();
                continue;
            };
            match walked.get(next) {
                None => {
                    walked.insert(next, false);
                    way.push((next, 0));
                }
                Some(false) => {
                    let from = way.iter().position(|(node, _)| *node == next).unwrap_or(0);
                    found.push(way[from..].iter().map(|(node, _)| *node).collect());
                }
                Some(true) => {}
            }
        }
    }
    found
}
