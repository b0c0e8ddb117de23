//! The parts of a folder of Terraform code that have an address, and which of each other they refer to. What is written is known here, not
//! what comes of it: `count` and `for_each` are not evaluated.

use std::collections::BTreeSet;

use crate::path::RepoPath;

/// A part of the code with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its address in its folder: `aws_vpc.main`, `data.aws_ami.base`, `module.net`, `local.tags`.
    pub address: String,
    /// What it is.
    pub kind: PartKind,
    /// The file that declares it.
    pub file: RepoPath,
    /// The lines of the file that declare it, from 1, the last one included; where the file gives no places, none.
    pub lines: Option<(u32, u32)>,
    /// What it refers to, as addresses; some of them may be declared nowhere.
    pub references: BTreeSet<String>,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartKind {
    /// A managed resource of this type.
    Resource(String),
    /// A data source of this type.
    Data(String),
    /// A local value.
    Local,
    /// A call of a module: of this folder of the repository, or of one that is elsewhere.
    Module(Option<RepoPath>),
}

/// The address that a reference means: the first two names of it, or three for a data source. `None` for what has no address, such as
/// `each.key`.
pub fn address_of<'a>(root: &str, mut names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut next = || names.next();
    match root {
        "each" | "count" | "self" | "path" | "terraform" | "var" => None,
        "data" | "ephemeral" => Some(format!("{root}.{}.{}", next()?, next()?)),
        // Inside a `replace_triggered_by`, and in `import` blocks, managed resources may be named in full.
        "resource" => Some(format!("{}.{}", next()?, next()?)),
        _ => Some(format!("{root}.{}", next()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::address_of;

    #[test]
    fn references_lead_to_addresses() {
        let of = |text: &str| {
            let mut names = text.split('.');
            address_of(names.next().unwrap(), names)
        };
        assert_eq!(of("aws_vpc.main.id").as_deref(), Some("aws_vpc.main"));
        assert_eq!(of("data.aws_ami.base.id").as_deref(), Some("data.aws_ami.base"));
        assert_eq!(of("module.net.id").as_deref(), Some("module.net"));
        assert_eq!(of("local.tags").as_deref(), Some("local.tags"));
        assert_eq!(of("each.key"), None);
        assert_eq!(of("var.region"), None);
        assert_eq!(of("data.aws_ami"), None);
        assert_eq!(of("x"), None);
    }
}
