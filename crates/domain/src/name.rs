//! Names of things in an estate, one type each, so that one cannot stand where another belongs.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name must not be empty")]
    Empty,
    /// The text is longer than [`NAME_LENGTH_MAX`] characters.
    #[error("a name has at most {NAME_LENGTH_MAX} characters, this one has {0}")]
    TooLong(usize),
    /// The text has a character that names do not have, or begins with one that may not come first.
    #[error("a name begins with a letter and has letters, digits, `-` and `_` only; this one has `{0}`")]
    Character(char),
}

/// The longest name, in characters: names become parts of file names, state keys and cloud resource names.
pub const NAME_LENGTH_MAX: usize = 100;

fn check(text: &str) -> Result<(), NameError> {
    let first = text.chars().next().ok_or(NameError::Empty)?;
    if !first.is_ascii_alphabetic() {
        return Err(NameError::Character(first));
    }
    if let Some(wrong) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) {
        return Err(NameError::Character(wrong));
    }
    if text.len() > NAME_LENGTH_MAX {
        return Err(NameError::TooLong(text.len()));
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and makes it a name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check(text)?;
                Ok(Self(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
    };
}

name!(
    /// The name of an estate.
    EstateName
);
name!(
    /// The name of a stack, unique in its estate.
    StackName
);
name!(
    /// The name of an environment.
    EnvironmentName
);
name!(
    /// The name of a capability.
    CapabilityName
);
name!(
    /// The name of a stage of the pipeline.
    StageName
);
name!(
    /// The name of a check, unique in its stack.
    CheckName
);
name!(
    /// The name of a team.
    TeamName
);
name!(
    /// The name of a key whose signatures count.
    KeyName
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!(StackName::new("aws-network_2").is_ok());
        assert_eq!(StackName::new(""), Err(NameError::Empty));
        assert_eq!(StackName::new("2nd"), Err(NameError::Character('2')));
        assert_eq!(StackName::new("a/b"), Err(NameError::Character('/')));
        assert_eq!(StackName::new(&"a".repeat(101)), Err(NameError::TooLong(101)));
    }
}
