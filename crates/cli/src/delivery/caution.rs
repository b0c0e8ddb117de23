//! What is said before a run begins: what lies in the environment and no run takes care of, and states that other checkouts do not
//! see. Owns warnings alone; nothing is decided by them.

use std::collections::BTreeSet;

use terrace_domain::estate::Estate;
use terrace_domain::name::StackName;
use terrace_driver::store::Store;

use super::Prospect;
use super::hold::look_into_store;
use crate::error::CommandError;
use crate::settings::Settings;
use crate::views;

/// How many names a warning lists; all are in `terrace status`.
const NAMES_MAX: usize = 5;

impl Prospect {
    /// Warns of stacks that were delivered here, or are part of the change, and are not in the estate any more.
    pub fn warn_of_removed(&self, settings: &Settings) -> Result<(), CommandError> {
        let home = self.project.home();
        let store = look_into_store(&home, settings)?;
        let rows = store.as_ref().map(Store::instances).transpose()?.unwrap_or_default();
        let is_here = |name: &str| self.legs.iter().any(|leg| leg.environment.as_str() == name);
        let here = rows.iter().filter(|row| is_here(&row.environment));
        let known = here.map(|row| row.stack.as_str());
        let named = self.selected.change.iter().flat_map(|change| &change.affected.removed).map(StackName::as_str);
        let removed: BTreeSet<_> =
            known.chain(named).filter(|name| !self.estate().stacks.contains_key(*name)).collect();
        if let Some(warning) = of_removed(&removed) {
            views::error::warn(&warning);
        }
        Ok(())
    }

    /// Warns when the states of this delivery are seen by this work tree alone, and the repository has others.
    pub fn warn_of_states_apart(&self) {
        let is_linked = self.project.repository().is_ok_and(terrace_world::git::Repository::is_linked_work_tree);
        if is_linked && keeps_states_in_checkout(self.estate()) {
            views::error::warn(
                "this is a linked work tree, and states are kept in its own .terrace: what was delivered from another work tree is \
                 built a second time here. A `state` block with a remote backend, or with an absolute path, serves all.",
            );
        }
    }
}

fn keeps_states_in_checkout(estate: &Estate) -> bool {
    estate.state.kind == "local" && !estate.state.settings.contains_key("path")
}

fn of_removed(names: &BTreeSet<&str>) -> Option<String> {
    let shown = names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(NAMES_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let (are, they, them) = if names.len() == 1 { ("is", "it", "a stack") } else { ("are", "they", "one") };
    (!names.is_empty()).then(|| {
        format!(
            "{shown}{more} {are} not in the estate any more: what {they} made stays where it is, and is not destroyed. If {them} was \
             renamed, everything is built anew under the new name."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_of_many_removed_stacks_are_named() {
        assert_eq!(of_removed(&BTreeSet::new()), None);
        let one = of_removed(&["old"].into()).unwrap();
        assert!(one.starts_with("old is not in the estate any more: what it made stays"), "{one}");
        let many = of_removed(&["a", "b", "c", "d", "e", "f", "g"].into()).unwrap();
        assert!(many.starts_with("a, b, c, d, e and 2 more are not in the estate any more"), "{many}");
    }
}
