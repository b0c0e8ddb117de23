//! Answers to questions about the map, for people: what breaks, what something rests on, and what is missing. Each thing is told with the way
//! that leads to it: in a tree, the way is what stands above it.

use std::fmt::Write;

use console::style;
use termtree::Tree;
use terrace_domain::estate::{Capability, Stack};
use terrace_domain::map::{CapabilityMap, Hidden, Node, Reach, Spread, Strays, Unowned, Why};

use super::text::{DEPTH_MAX, one_line, with_palette};
use super::{capabilities, in_words};
use crate::views::count;

/// What was asked, and what is to be said.
#[derive(Debug)]
pub enum Answer<'a> {
    /// What breaks with a stack.
    Breaks(Reach<'a>),
    /// What a capability rests on, and what of that it does not say.
    Rests(Reach<'a>, Vec<Hidden<'a>>),
    /// What belongs to nobody.
    Unowned(Unowned<'a>),
    /// What serves nothing, and what nothing serves.
    Strays(Strays<'a>),
    /// Where several clouds serve one capability.
    Clouds(Vec<Spread<'a>>),
}

impl Answer<'_> {
    /// The answer as text; `depth`: how many steps of a way are shown.
    pub fn text(&self, map: &CapabilityMap<'_>, depth: Option<usize>, is_utf8: bool) -> String {
        let depth = depth.unwrap_or(DEPTH_MAX).min(DEPTH_MAX);
        match self {
            Self::Breaks(reach) => breaks(map, reach, depth, is_utf8),
            Self::Rests(reach, hidden) => rests(map, reach, hidden, depth, is_utf8),
            Self::Unowned(unowned) => self::unowned(unowned),
            Self::Strays(strays) => self::strays(strays),
            Self::Clouds(spreads) => clouds(spreads),
        }
    }
}

fn breaks<'a>(map: &CapabilityMap<'a>, reach: &Reach<'a>, depth: usize, is_utf8: bool) -> String {
    let stack = reach.start.name();
    let (stacks, all) = (reach.stacks().count(), reach.capabilities().count());
    if reach.reached.is_empty() {
        return format!("If {stack} breaks, nothing else does: no stack depends on it, and it serves no capability.\n");
    }
    let mut text = format!(
        "If {} breaks, {} and {} break with it",
        style(stack).bold(),
        count(stacks, "stack"),
        capabilities(all)
    );
    let business: Vec<&str> = CapabilityMap::business(reach).iter().map(|one| one.name.as_str()).collect();
    let _ = match business[..] {
        [] => writeln!(text, "; no business capability."),
        _ => writeln!(text, "; of the business: {}.", style(business.join(", ")).bold()),
    };
    text.push_str(&whose(map, reach));
    text.push_str(&tree(map, reach, depth, is_utf8));
    text
}

fn rests<'a>(map: &CapabilityMap<'a>, reach: &Reach<'a>, hidden: &[Hidden<'a>], depth: usize, is_utf8: bool) -> String {
    let name = reach.start.name();
    let (stacks, all) = (reach.stacks().count(), reach.capabilities().count());
    if reach.reached.is_empty() {
        return format!("{name} rests on nothing: it needs no capability, and no stack serves it.\n");
    }
    let mut text = format!("{} rests on {} and {}.\n", style(name).bold(), capabilities(all), count(stacks, "stack"));
    text.push_str(&whose(map, reach));
    text.push_str(&tree(map, reach, depth, is_utf8));
    for Hidden { capability, through } in hidden {
        let way: Vec<&str> = reach.path(*through).iter().map(|step| step.to.name()).collect();
        let _ = writeln!(
            text,
            "{} {} is needed in fact, and `needs` does not say so: {name} {arrow} {}",
            style("!").yellow(),
            style(&capability.name).bold(),
            way.join(if is_utf8 { " → " } else { " -> " }),
            arrow = if is_utf8 { "→" } else { "->" },
        );
    }
    text
}

fn whose<'a>(map: &CapabilityMap<'a>, reach: &Reach<'a>) -> String {
    let owners: Vec<String> = map.owners(reach).into_iter().map(one_line).collect();
    if owners.is_empty() {
        "None of it belongs to anybody.\n".to_owned()
    } else {
        format!("Whose: {}.\n", owners.join(", "))
    }
}

/// What was reached, each below what it was reached through.
fn tree<'a>(map: &CapabilityMap<'a>, reach: &Reach<'a>, depth: usize, is_utf8: bool) -> String {
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); reach.reached.len() + 1];
    for (at, reached) in reach.reached.iter().enumerate() {
        below[reached.through.map_or(0, |through| through + 1)].push(at);
    }
    let root = format!("{}  {}", style(reach.start.name()).bold(), style(about(map, reach.start)).dim());
    let leaves: Vec<Tree<String>> = if depth == 0 {
        Vec::new()
    } else {
        below[0].iter().map(|at| branch(map, reach, &below, *at, depth)).collect()
    };
    with_palette(Tree::new(root).with_leaves(leaves), is_utf8).to_string()
}

fn branch<'a>(
    map: &CapabilityMap<'a>,
    reach: &Reach<'a>,
    below: &[Vec<usize>],
    at: usize,
    depth: usize,
) -> Tree<String> {
    let reached = reach.reached[at];
    let name = match reached.node {
        Node::Stack(stack) => stack.name.to_string(),
        Node::Capability(capability) => style(&capability.name).bold().to_string(),
    };
    let line = format!("{name}  {}  {}", style(about(map, reached.node)).dim(), because(reached.why));
    if reached.distance >= depth && !below[at + 1].is_empty() {
        return Tree::new(format!("{}  {}", line.trim_end(), style("(and more behind it)").dim()));
    }
    let leaves = below[at + 1].iter().map(|next| branch(map, reach, below, *next, depth));
    Tree::new(line.trim_end().to_owned()).with_leaves(leaves.collect::<Vec<_>>())
}

fn about<'a>(map: &CapabilityMap<'a>, node: Node<'a>) -> String {
    let owner = map.owner(node).map_or_else(|| "owned by nobody".to_owned(), one_line);
    format!("{}, {owner}", in_words(node))
}

/// The reason for which something rests on something, in words.
pub(super) fn because(why: Why<'_>) -> String {
    match why {
        Why::Served => "served by it".to_owned(),
        Why::Needs => "needs it".to_owned(),
        Why::Depends(dependency) => {
            let outputs: Vec<&str> = dependency.outputs.iter().map(String::as_str).collect();
            match (outputs.is_empty(), dependency.explicit) {
                (true, _) => "depends_on".to_owned(),
                (false, true) => format!("reads {}, depends_on", outputs.join(", ")),
                (false, false) => format!("reads {}", outputs.join(", ")),
            }
        }
    }
}

fn unowned(unowned: &Unowned<'_>) -> String {
    if unowned.is_empty() {
        return "Every capability and every stack belongs to somebody.\n".to_owned();
    }
    let mut text = String::new();
    list_capabilities(&mut text, "without an owner", &unowned.capabilities);
    list_stacks(&mut text, "without an owner, of their own or their capability's", &unowned.stacks);
    text
}

fn strays(strays: &Strays<'_>) -> String {
    if strays.is_empty() {
        return "Every stack serves a capability, and every capability rests on a stack.\n".to_owned();
    }
    let mut text = String::new();
    list_stacks(&mut text, "serving no capability", &strays.stacks);
    list_capabilities(&mut text, "resting on no stack", &strays.capabilities);
    text
}

fn list_capabilities(text: &mut String, what: &str, found: &[&Capability]) {
    if found.is_empty() {
        return;
    }
    let _ = writeln!(text, "{} {what}:", capabilities(found.len()));
    for capability in found {
        let _ = writeln!(text, "  {}  {}", capability.name, style(capability.layer.as_str()).dim());
    }
}

fn list_stacks(text: &mut String, what: &str, found: &[&Stack]) {
    if found.is_empty() {
        return;
    }
    let _ = writeln!(text, "{} {what}:", count(found.len(), "stack"));
    for stack in found {
        let _ = writeln!(text, "  {}  {}", stack.name, style(stack.folder.as_str()).dim());
    }
}

fn clouds(spreads: &[Spread<'_>]) -> String {
    if spreads.is_empty() {
        return "No capability is served by more than one cloud.\n".to_owned();
    }
    let mut text = format!("{} served by more than one cloud:\n", capabilities(spreads.len()));
    for Spread { capability, clouds } in spreads {
        let _ = writeln!(text, "  {}  {}", style(&capability.name).bold(), style(capability.layer.as_str()).dim());
        for (cloud, stacks) in clouds {
            let names: Vec<&str> = stacks.iter().map(|name| name.as_str()).collect();
            let _ = writeln!(text, "    {cloud}: {}", names.join(", "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::map::fixture::Fixture;

    fn breaks(stack: &str) -> String {
        Fixture::harbour().with_map(|map| Answer::Breaks(map.breaks(&map.estate.stacks[stack])).text(map, None, true))
    }

    fn rests(fixture: &Fixture, capability: &str, depth: Option<usize>) -> String {
        fixture.with_map(|map| {
            let reach = map.rests(Node::Capability(&map.estate.capabilities[capability]));
            let hidden = map.hidden(&reach);
            Answer::Rests(reach, hidden).text(map, depth, true)
        })
    }

    #[test]
    fn what_breaks_stands_below_what_it_breaks_with() {
        insta::assert_snapshot!(breaks("aws-network"), @"
        If aws-network breaks, 2 stacks and 3 capabilities break with it; of the business: checkout.
        Whose: team-data, team-network, team-shop.
        aws-network  stack, team-network
        ├── aws-database  stack, team-data  reads network_id
        │   ├── shop  stack, team-shop  reads database_id
        │   │   └── checkout  business capability, team-shop  served by it
        │   └── databases  technology capability, team-data  served by it
        └── network  technology capability, owned by nobody  served by it
        ");
        insta::assert_snapshot!(breaks("audit"), @"
        If audit breaks, nothing else does: no stack depends on it, and it serves no capability.
        ");
    }

    #[test]
    fn what_is_needed_and_not_said_is_told() {
        let fixture = Fixture::new(
            "business sales(team-shop) -> storage
             technology storage(team-data)
             technology network
             net(network, )
             disk(storage, ) <- net.id",
        );
        insta::assert_snapshot!(rests(&fixture, "sales", None), @"
        sales rests on 1 capability and 2 stacks.
        Whose: team-data, team-shop.
        sales  business capability, team-shop
        └── storage  technology capability, team-data  needs it
            └── disk  stack, team-data  served by it
                └── net  stack, owned by nobody  reads id
        ! network is needed in fact, and `needs` does not say so: sales → storage → disk → net
        ");
        insta::assert_snapshot!(rests(&fixture, "sales", Some(1)), @"
        sales rests on 1 capability and 2 stacks.
        Whose: team-data, team-shop.
        sales  business capability, team-shop
        └── storage  technology capability, team-data  needs it  (and more behind it)
        ! network is needed in fact, and `needs` does not say so: sales → storage → disk → net
        ");
    }

    #[test]
    fn what_is_missing_is_listed() {
        let fixture = Fixture::harbour();
        insta::assert_snapshot!(fixture.with_map(|map| Answer::Unowned(map.unowned()).text(map, None, true)), @"
        1 capability without an owner:
          network  technology
        1 stack without an owner, of their own or their capability's:
          audit  stacks/audit
        ");
        insta::assert_snapshot!(fixture.with_map(|map| Answer::Strays(map.strays()).text(map, None, true)), @"
        1 stack serving no capability:
          audit  stacks/audit
        ");
        insta::assert_snapshot!(fixture.with_map(|map| Answer::Clouds(map.spreads()).text(map, None, true)), @"
        2 capabilities served by more than one cloud:
          checkout  business
            sandbox aws: shop
            sandbox google: shop
          network  technology
            sandbox aws: aws-network
            sandbox google: google-network
        ");
    }
}
