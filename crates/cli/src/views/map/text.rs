//! The map for a terminal: a tree from business capabilities down to resources. What several need is drawn in full once, and named where it
//! comes again.

use std::collections::BTreeSet;
use std::fmt::Write;

use console::{Style, style};
use termtree::{GlyphPalette, Tree};
use terrace_domain::estate::{Capability, Layer, Stack};
use terrace_domain::map::{Node, Resources, Status};
use terrace_domain::name::CapabilityName;

use super::{Chart, capabilities, sign, types};
use crate::views::count;

/// How deep trees go where nobody says how deep: needs may be nested as deep as anybody likes, and memory for the way down is not.
pub const DEPTH_MAX: usize = 64;

/// How the tree is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How many levels below the estate.
    pub depth: usize,
    /// Whether more than ASCII may stand there.
    pub is_utf8: bool,
}

impl Chart<'_> {
    /// The tree.
    pub fn text(&self, depth: Option<usize>, is_utf8: bool) -> String {
        let how = Manner { depth: depth.unwrap_or(DEPTH_MAX).min(DEPTH_MAX), is_utf8 };
        let mut writer = Writer { chart: self, how, drawn: BTreeSet::new() };
        let mut tree = Tree::new(format!("{}: {}", style(&self.map.estate.name).bold(), self.figures()));
        if how.depth > 0 {
            for capability in self.roots() {
                tree.push(writer.capability(capability, 1));
            }
            let strays = self.strays();
            if !strays.is_empty() {
                tree.push(writer.strays(&strays));
            }
        }
        let mut text = with_palette(tree, is_utf8).to_string();
        text.push_str(&self.legend(is_utf8));
        text
    }

    /// The capabilities that nothing shown needs, business first.
    fn roots(&self) -> Vec<&Capability> {
        let is_root = |capability: &&Capability| {
            let needing = self.map.needing(capability.name.as_str());
            !needing.iter().any(|other| self.part.capabilities.contains(&other.name))
        };
        let both = self.layer(Layer::Business).chain(self.layer(Layer::Technology));
        both.filter(is_root).collect()
    }

    /// What the signs mean that are there.
    fn legend(&self, is_utf8: bool) -> String {
        let seen: BTreeSet<Status> = self
            .stacks()
            .flat_map(|stack| self.environments.iter().map(|name| self.map.status(&stack.name, name)))
            .collect();
        if seen.is_empty() {
            return String::new();
        }
        let words: Vec<String> =
            seen.iter().map(|one| format!("{} {}", coloured(*one, is_utf8), one.in_words())).collect();
        format!("{}\n", words.join("   "))
    }
}

struct Writer<'c, 'a> {
    chart: &'c Chart<'a>,
    how: Manner,
    /// The capabilities that were drawn in full.
    drawn: BTreeSet<&'c CapabilityName>,
}

impl<'c> Writer<'c, '_> {
    fn capability(&mut self, capability: &'c Capability, level: usize) -> Tree<String> {
        let mut line = style(&capability.name).bold().to_string();
        let owner = capability.owner.as_deref().map_or_else(|| "owned by nobody".to_owned(), one_line);
        let _ = write!(line, "  {}", style(format!("{}, {owner}", capability.layer.as_str())).dim());
        let (stacks, needs) = (self.chart.serving(capability), self.chart.needs(capability));
        if !self.drawn.insert(&capability.name) {
            if !(stacks.is_empty() && needs.is_empty()) {
                let _ = write!(line, "  {}", style("(above)").dim());
            }
            return Tree::new(line);
        }
        if let Some(description) = &capability.description {
            let _ = write!(line, "  {}", one_line(description));
        }
        if level >= self.how.depth {
            self.drawn.remove(&capability.name);
            return Tree::new(line + &self.below(capability, &stacks));
        }
        let mut tree = Tree::new(line);
        for stack in stacks {
            tree.push(self.stack(stack, level + 1));
        }
        for needed in needs {
            tree.push(self.capability(needed, level + 1));
        }
        tree
    }

    /// What is not shown of a capability where the tree ends.
    fn below(&self, capability: &'c Capability, stacks: &[&Stack]) -> String {
        let needs = self.chart.needs(capability).len();
        let mut parts = Vec::new();
        if !stacks.is_empty() {
            parts.push(count(stacks.len(), "stack"));
        }
        if needs > 0 {
            parts.push(format!("needs {}", capabilities(needs)));
        }
        if parts.is_empty() { String::new() } else { format!("  {}", style(format!("({})", parts.join(", "))).dim()) }
    }

    fn strays(&self, strays: &[&Stack]) -> Tree<String> {
        let heading = format!("{} serving no capability that is shown", count(strays.len(), "stack"));
        let tree = Tree::new(style(heading).yellow().to_string());
        if self.how.depth < 2 { tree } else { tree.with_leaves(strays.iter().map(|stack| self.stack(stack, 2))) }
    }

    fn stack(&self, stack: &Stack, level: usize) -> Tree<String> {
        let chart = self.chart;
        let mut line = stack.name.to_string();
        let capability = chart.map.capability_of(stack);
        let owner = chart.map.owner(Node::Stack(stack));
        match owner {
            None => {
                let _ = write!(line, "  {}", style("owned by nobody").dim());
            }
            Some(owner) if capability.is_none_or(|one| one.owner.as_deref() != Some(owner)) => {
                let _ = write!(line, "  {}", style(one_line(owner)).dim());
            }
            Some(_) => {}
        }
        for environment in &chart.environments {
            let status = chart.map.status(&stack.name, environment);
            let resources = chart.resources_in(&stack.name, environment);
            let resources = resources.map_or(String::new(), |number| format!(" {number}"));
            let _ = write!(line, "  {environment} {}{resources}", coloured(status, self.how.is_utf8));
        }
        let tree = Tree::new(line);
        if level >= self.how.depth { tree } else { tree.with_leaves(self.resources(stack)) }
    }

    /// The resources, a line for those environments that have the same; what the code declares where nothing was delivered.
    fn resources(&self, stack: &Stack) -> Vec<Tree<String>> {
        let chart = self.chart;
        let mut alike: Vec<(Vec<&str>, &Resources)> = Vec::new();
        for environment in &chart.environments {
            let Some(recorded) = chart.map.recorded(&stack.name, environment) else { continue };
            if recorded.types.is_empty() {
                continue;
            }
            match alike.iter_mut().find(|(_, types)| **types == recorded.types) {
                Some((names, _)) => names.push(environment.as_str()),
                None => alike.push((vec![environment.as_str()], &recorded.types)),
            }
        }
        let line = |(names, resources): (Vec<&str>, &Resources)| {
            format!("{}: {}", style(names.join(", ")).dim(), types(resources))
        };
        let lines: Vec<String> = alike.into_iter().map(line).collect();
        let declared = chart.map.code(&stack.name).map(|code| &code.declared).filter(|declared| !declared.is_empty());
        match declared {
            Some(declared) if lines.is_empty() => {
                vec![Tree::new(format!("{} {}", style("declares").dim(), types(declared)))]
            }
            _ => lines.into_iter().map(Tree::new).collect(),
        }
    }
}

/// A status's sign in its colour.
pub(super) fn coloured(status: Status, is_utf8: bool) -> String {
    let colour = match status {
        Status::Delivered => Style::new().green(),
        Status::Never => Style::new().dim(),
        Status::Behind => Style::new().blue(),
        Status::Underway => Style::new().cyan(),
        Status::Waiting => Style::new().yellow(),
        Status::Failed => Style::new().red(),
    };
    colour.apply_to(sign(status, is_utf8)).to_string()
}

/// A text that people wrote, in one line and without what moves a terminal's cursor.
pub(super) fn one_line(text: &str) -> String {
    crate::views::drawing::legible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The tree in lines that the terminal can show.
pub(super) fn with_palette(mut tree: Tree<String>, is_utf8: bool) -> Tree<String> {
    if !is_utf8 {
        tree.set_glyphs(ASCII);
        let leaves = std::mem::take(&mut tree.leaves);
        tree.leaves = leaves.into_iter().map(|leaf| with_palette(leaf, is_utf8)).collect();
    }
    tree
}

const ASCII: GlyphPalette = GlyphPalette {
    middle_item: "|",
    last_item: "`",
    item_indent: "-- ",
    middle_skip: "|",
    last_skip: " ",
    skip_indent: "   ",
};

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use crate::views::map::fixture::Fixture;

    #[test]
    fn the_tree_goes_from_the_business_down_to_resources() {
        insta::assert_snapshot!(Fixture::harbour().with_chart(|chart| chart.text(None, true)), @"
        harbour: 1 business and 3 technology capabilities, 7 stacks, 12 resources
        ├── checkout  business, team-shop
        │   ├── shop  dev ·  prod ·
        │   │   └── declares sandbox aws 1 service; sandbox google 1 service
        │   ├── naming  technology, team-network
        │   │   └── dns  dev ✓ 1  prod ✓ 1
        │   │       └── dev, prod: 1 zone
        │   └── databases  technology, team-data
        │       ├── aws-database  dev ✗ 1  prod ? 1
        │       │   └── dev, prod: 1 database
        │       ├── google-database  team-two  dev … 0  prod ·
        │       └── network  technology, owned by nobody
        │           ├── aws-network  team-network  dev ✓ 3  prod ↓ 4
        │           │   ├── dev: 1 network, 2 subnet
        │           │   └── prod: 1 network, 3 subnet
        │           └── google-network  team-network  dev ✓ 1  prod ·
        │               └── dev: 1 network
        └── 1 stack serving no capability that is shown
            └── audit  owned by nobody  dev ·  prod ·
        ✓ delivered   · never delivered   ↓ behind the environment before   … being delivered   ? waits for approval   ✗ last delivery failed
        ");
    }

    #[test]
    fn a_shallow_tree_says_what_is_below_and_ascii_is_enough() {
        insta::assert_snapshot!(Fixture::harbour().with_chart(|chart| chart.text(Some(2), false)), @"
        harbour: 1 business and 3 technology capabilities, 7 stacks, 12 resources
        |-- checkout  business, team-shop
        |   |-- shop  dev -  prod -
        |   |-- naming  technology, team-network  (1 stack)
        |   `-- databases  technology, team-data  (2 stacks, needs 1 capability)
        `-- 1 stack serving no capability that is shown
            `-- audit  owned by nobody  dev -  prod -
        + delivered   - never delivered   < behind the environment before   ~ being delivered   ? waits for approval   x last delivery failed
        ");
    }

    #[test]
    fn ten_thousand_stacks_are_a_line_each() {
        let text = Fixture::wide(10, 1_000).with_chart(|chart| chart.text(None, true));
        assert_eq!(text.lines().count(), 10_000 + 10 + 3);
    }

    /// Needs may be nested deeper than a tree can be drawn.
    #[test]
    fn a_very_long_chain_of_needs_is_cut() {
        let mut lines = String::new();
        for at in 0..3_000 {
            let _ = writeln!(lines, "technology c{at} -> c{}", at + 1);
        }
        let text = Fixture::new(&lines).with_chart(|chart| chart.text(None, true));
        assert_eq!(text.lines().count(), super::DEPTH_MAX + 1);
        assert!(text.contains("needs 1 capability"), "{text}");
    }

    #[test]
    fn what_people_wrote_moves_no_cursor() {
        let text = Fixture::harbour().owned_by("a\u{1b}[2J\nb").with_chart(|chart| chart.text(None, true));
        assert!(!text.contains('\u{1b}') && text.contains("a [2J b"), "{text}");
    }
}
