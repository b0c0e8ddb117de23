//! Version constraints in Terraform's syntax (Terraform language, "Version Constraints"): `>= 1.9, < 2.0`, `~> 1.9.2`.

use semver::Version;

/// A list of conditions that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint(Vec<Condition>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    operator: Operator,
    version: Version,
    /// How many of major, minor and patch were written: `~>` lets the last written one grow.
    written: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Pessimistic,
}

/// The text is not a version constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version constraint such as `>= 1.9` or `~> 1.9.2`")]
pub struct NotAConstraint(pub String);

const OPERATORS: [(&str, Operator); 7] = [
    ("~>", Operator::Pessimistic),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("!=", Operator::NotEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("=", Operator::Equal),
];

impl Constraint {
    /// Reads a constraint.
    pub fn parse(text: &str) -> Result<Self, NotAConstraint> {
        text.split(',')
            .map(Condition::parse)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| NotAConstraint(text.to_owned()))
    }

    /// Whether the version fulfils all conditions. As in Terraform, a pre-release fulfils a condition only if that names exactly
    /// this pre-release.
    pub fn allows(&self, version: &Version) -> bool {
        self.0.iter().all(|condition| condition.allows(version))
    }
}

impl Condition {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (operator, rest) = OPERATORS
            .iter()
            .find_map(|(sign, operator)| text.strip_prefix(sign).map(|rest| (*operator, rest)))
            .unwrap_or((Operator::Equal, text));
        let (version, written) = parse_version(rest.trim())?;
        Some(Self { operator, version, written })
    }

    fn allows(&self, version: &Version) -> bool {
        if !version.pre.is_empty() && (version.pre != self.version.pre || self.operator == Operator::Pessimistic) {
            return self.operator == Operator::NotEqual;
        }
        let order = version.cmp_precedence(&self.version);
        match self.operator {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Pessimistic => order.is_ge() && self.keeps_fixed_parts(version),
        }
    }

    fn keeps_fixed_parts(&self, version: &Version) -> bool {
        (self.written < 2 || version.major == self.version.major)
            && (self.written < 3 || version.minor == self.version.minor)
    }
}

/// Reads `1`, `1.9`, `v1.9.2` or `1.9.2-rc1`; says how many numbers were written.
fn parse_version(text: &str) -> Option<(Version, usize)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let numbers = text.split(['-', '+']).next()?;
    let written = numbers.split('.').count();
    let rest = &text[numbers.len()..];
    let padding = match written {
        1 => ".0.0",
        2 => ".0",
        3 => "",
        _ => return None,
    };
    Version::parse(&format!("{numbers}{padding}{rest}")).ok().map(|version| (version, written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(constraint: &str, allowed: &[&str], refused: &[&str]) {
        let parsed = Constraint::parse(constraint).unwrap();
        for version in allowed {
            assert!(parsed.allows(&Version::parse(version).unwrap()), "{constraint} allows {version}");
        }
        for version in refused {
            assert!(!parsed.allows(&Version::parse(version).unwrap()), "{constraint} refuses {version}");
        }
    }

    #[test]
    fn conditions_hold_as_in_terraform() {
        check(">= 1.9", &["1.9.0", "1.15.5", "2.0.0"], &["1.8.9", "1.9.0-rc1"]);
        check(">= 1.9, < 2.0", &["1.11.4"], &["2.0.0", "1.8.0"]);
        check("~> 1.9", &["1.9.0", "1.15.0"], &["2.0.0", "1.8.0"]);
        check("~> 1.9.2", &["1.9.2", "1.9.9"], &["1.10.0", "1.9.1"]);
        check("1.11.4", &["1.11.4"], &["1.11.5"]);
        check("!= 1.10.0", &["1.11.0"], &["1.10.0"]);
        check("= 1.12.0-beta1", &["1.12.0-beta1"], &["1.12.0"]);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "abc", ">=", "1.2.3.4", ">= 1.9,", "^1.9"] {
            assert_eq!(Constraint::parse(text), Err(NotAConstraint(text.to_owned())), "{text}");
        }
    }
}
