//! Which rules are asked, as conftest asks them: by the names of packages and rules. Owns those names.

use std::fmt;

/// The namespace that is asked when nobody says which: conftest's.
pub const NAMESPACE_DEFAULT: &str = "main";

/// Which packages are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespaces {
    /// These: `main`, `terraform.aws`.
    Named(Vec<String>),
    /// Every one that has rules.
    All,
}

/// The name of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleName {
    /// The parts of its package: `terraform`, `aws`.
    pub package: Vec<String>,
    /// Its own: `deny_public_buckets`.
    pub name: String,
}

/// What a rule is for, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `deny`, `violation`, and either with a suffix.
    Deny,
    /// `warn`, and with a suffix.
    Warn,
    /// `exception`: names suffixes of rules that do not count.
    Exception,
    /// `test_...`.
    Test,
    /// `todo_test_...`: not run.
    Todo,
}

impl Kind {
    /// What a rule of this name is for; `None` where it only serves others.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let is =
            |word: &str| name.strip_prefix(word).is_some_and(|suffix| suffix.is_empty() || suffix.starts_with('_'));
        if is("deny") || is("violation") {
            Some(Self::Deny)
        } else if is("warn") {
            Some(Self::Warn)
        } else if name == "exception" {
            Some(Self::Exception)
        } else if name.starts_with("test_") {
            Some(Self::Test)
        } else if name.starts_with("todo_test_") {
            Some(Self::Todo)
        } else {
            None
        }
    }

    /// Whether a gate asks it.
    pub(crate) fn is_asked(self) -> bool {
        matches!(self, Self::Deny | Self::Warn)
    }
}

impl Default for Namespaces {
    fn default() -> Self {
        Self::Named(vec![NAMESPACE_DEFAULT.to_owned()])
    }
}

impl Namespaces {
    /// These; `*` among them stands for all, and none for conftest's default.
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        let names: Vec<String> = names.into_iter().collect();
        match names {
            names if names.iter().any(|name| name == "*") => Self::All,
            names if names.is_empty() => Self::default(),
            names => Self::Named(names),
        }
    }

    /// Whether a package is asked.
    pub(crate) fn has(&self, package: &[String]) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name.split('.').eq(package.iter().map(String::as_str))),
        }
    }
}

impl fmt::Display for Namespaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("any namespace"),
            Self::Named(names) if names.len() == 1 => write!(f, "the namespace `{}`", names[0]),
            Self::Named(names) => write!(f, "the namespaces `{}`", names.join("`, `")),
        }
    }
}

impl RuleName {
    /// The package as conftest names it: `terraform.aws`.
    pub fn namespace(&self) -> String {
        self.package.join(".")
    }

    /// What an exception calls it: the name without `deny`, `warn` or `violation`.
    pub(crate) fn suffix(&self) -> &str {
        self.name.split_once('_').map_or("", |(_, suffix)| suffix)
    }
}

impl fmt::Display for RuleName {
    /// As a query asks it: `data.main.deny`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data")?;
        for part in self.package.iter().chain([&self.name]) {
            if is_plain(part) {
                write!(f, ".{part}")?;
            } else {
                // JSON's strings are Rego's.
                write!(f, "[{}]", serde_json::Value::from(part.as_str()))?;
            }
        }
        Ok(())
    }
}

/// Whether a part of a name can stand after a dot.
fn is_plain(part: &str) -> bool {
    part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && part.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_rules_are_for() {
        let kinds =
            ["deny", "deny_a_b", "violation_x", "warn", "warn_", "exception", "test_a", "todo_test_a"].map(Kind::of);
        let (deny, warn) = (Some(Kind::Deny), Some(Kind::Warn));
        assert_eq!(kinds, [deny, deny, deny, warn, warn, Some(Kind::Exception), Some(Kind::Test), Some(Kind::Todo)]);
        assert_eq!(["denied", "warning", "exceptions", "my_deny", "test", "allow"].map(Kind::of), [None; 6]);
    }

    #[test]
    fn names_are_paths_of_queries() {
        let rule = RuleName { package: vec!["a".to_owned(), "b-c".to_owned()], name: "deny_x_y".to_owned() };
        assert_eq!(rule.to_string(), r#"data.a["b-c"].deny_x_y"#);
        assert_eq!(rule.suffix(), "x_y");
        assert!(Namespaces::of(["*".to_owned()]).has(&rule.package));
        assert!(Namespaces::Named(vec!["a.b-c".to_owned()]).has(&rule.package));
        assert!(!Namespaces::default().has(&rule.package) && Namespaces::default().has(&["main".to_owned()]));
    }
}
