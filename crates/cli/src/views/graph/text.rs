//! The picture for a terminal: waves of stacks, each with what it depends on.

use std::collections::BTreeMap;
use std::fmt::Write;

use console::style;

use super::{Mark, Node, Picture};
use crate::views::count;

impl Picture<'_> {
    /// The waves, each stack on a line with its direct upstream; those of them that are not in the picture are dimmed. The numbers
    /// are those of the waves of the whole estate.
    pub fn text(&self) -> String {
        let mut waves: BTreeMap<usize, Vec<&Node<'_>>> = BTreeMap::new();
        for node in &self.nodes {
            waves.entry(node.wave.unwrap_or(usize::MAX)).or_default().push(node);
        }
        let width = self.nodes.iter().map(|node| node.name().len()).max().unwrap_or(0);
        let mut text = String::new();
        for (number, nodes) in waves {
            let heading = if number == usize::MAX { "In no wave".to_owned() } else { format!("Wave {number}") };
            let _ = writeln!(text, "{}: {}", style(heading).bold(), count(nodes.len(), "stack"));
            for node in nodes {
                text.push_str(&self.line(node, width));
            }
        }
        text
    }

    fn line(&self, node: &Node<'_>, width: usize) -> String {
        let mut line = format!("  {:width$}", node.name());
        if self.marked {
            let _ = write!(line, "  {}", mark(node.mark));
        }
        let upstream = self.graph.upstream_of(node.name());
        for (position, name) in upstream.into_keys().enumerate() {
            line.push_str(if position == 0 { "  <- " } else { ", " });
            let drawn = self.nodes.binary_search_by(|other| other.stack.name.cmp(name)).is_ok();
            let _ = if drawn { write!(line, "{name}") } else { write!(line, "{}", style(name).dim()) };
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

/// The mark's word, all of the same width.
fn mark(mark: Option<Mark>) -> String {
    let padded = format!("{:10}", mark.map_or("", Mark::as_str));
    match mark {
        None => padded,
        Some(Mark::Affected) => style(padded).yellow().to_string(),
        Some(Mark::Downstream) => style(padded).cyan().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::views::graph::fixture::Fixture;

    #[test]
    fn waves_name_what_each_stack_depends_on() {
        let fixture = Fixture::harbour();
        insta::assert_snapshot!(fixture.picture().text(), @"
        Wave 1: 4 stacks
          aws-network
          aws-vault
          google-network
          google-vault
        Wave 2: 4 stacks
          aws-cluster      <- aws-network
          aws-database     <- aws-network, aws-vault
          google-cluster   <- google-network
          google-database  <- google-network, google-vault
        Wave 3: 2 stacks
          backups          <- aws-database, google-database
          dns              <- aws-cluster, google-cluster
        Wave 4: 1 stack
          shop             <- aws-cluster, aws-database, aws-vault, dns, google-cluster, google-database, google-vault
        Wave 5: 1 stack
          status           <- dns, shop
        ");
    }

    #[test]
    fn a_selection_keeps_the_numbers_and_the_upstream_that_is_not_drawn() {
        let fixture = Fixture::harbour();
        insta::assert_snapshot!(fixture.picture_of(&["dns", "shop"]).text(), @"
        Wave 3: 1 stack
          dns   <- aws-cluster, google-cluster
        Wave 4: 1 stack
          shop  <- aws-cluster, aws-database, aws-vault, dns, google-cluster, google-database, google-vault
        ");
    }

    #[test]
    fn a_change_is_marked() {
        let fixture = Fixture::harbour();
        insta::assert_snapshot!(fixture.picture_of_change(&["aws-cluster"], &["dns", "shop"]).text(), @"
        Wave 1: 4 stacks
          aws-network
          aws-vault
          google-network
          google-vault
        Wave 2: 4 stacks
          aws-cluster      affected    <- aws-network
          aws-database                 <- aws-network, aws-vault
          google-cluster               <- google-network
          google-database              <- google-network, google-vault
        Wave 3: 2 stacks
          backups                      <- aws-database, google-database
          dns              downstream  <- aws-cluster, google-cluster
        Wave 4: 1 stack
          shop             downstream  <- aws-cluster, aws-database, aws-vault, dns, google-cluster, google-database, google-vault
        Wave 5: 1 stack
          status                       <- dns, shop
        ");
    }

    #[test]
    fn stacks_on_a_cycle_are_in_no_wave() {
        let fixture = Fixture::new("a <- b\nb <- a\nc\nd <- a");
        insta::assert_snapshot!(fixture.picture().text(), @"
        Wave 1: 1 stack
          c
        In no wave: 3 stacks
          a  <- b
          b  <- a
          d  <- a
        ");
    }

    #[test]
    fn ten_thousand_stacks_are_ten_thousand_lines() {
        let fixture = Fixture::layered(100, 100);
        assert_eq!(fixture.picture().text().lines().count(), 10_000 + 100);
    }
}
