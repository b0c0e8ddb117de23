//! Resources that move from one stack to another without being touched: the stack that gives them forgets them, the one that takes them imports
//! them. Owns how the addresses of a move are written, and what an instance has to import. Never reads a state itself.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::estate::StackReference;
use crate::expression::Span;
use crate::state::import::{ImportList, Importable, NotImportable};
use crate::state::without_keys;

/// `move { from = stack.NAME, resources = [...] }` of a stack: what it takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The stack that gives.
    pub from: StackReference,
    /// What it gives.
    pub resources: Vec<MovedResource>,
}

/// One of the addresses of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedResource {
    /// The address; the same in both stacks.
    pub address: MovedAddress,
    /// Where it is written.
    pub span: Span,
}

/// What can move: a resource with all its instances, or all that is in a module call of a stack's own code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MovedAddress {
    /// `TYPE.NAME`.
    Resource {
        /// The type.
        kind: String,
        /// The name.
        name: String,
    },
    /// `module.NAME`.
    Module(String),
}

/// Why a text is no address that can move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A single instance: Terraform's `removed` block knows only whole resources.
    #[error("`{0}` is one instance of `{1}`")]
    Key(String, String),
    /// Something inside a module, whose code other stacks may share.
    #[error("`{0}` is a part of `{1}`")]
    Part(String, String),
    /// A data source: it is read, and belongs to nobody.
    #[error("`{0}` is a data source")]
    Data(String),
    /// Nothing of that.
    #[error("`{0}` is no address of a resource or module")]
    Other(String),
}

impl AddressError {
    /// What to do instead.
    pub fn help(&self) -> String {
        match self {
            Self::Key(_, whole) => format!(
                "Terraform forgets whole resources only (`removed` blocks name no keys): move `{whole}`, or give the instance a resource of its \
                 own first, with a `moved` block."
            ),
            Self::Part(_, module) => {
                format!(
                    "The module's code may serve others: move `{module}` as a whole, or take the resource out of it first."
                )
            }
            Self::Data(_) => {
                "Data sources are read anew wherever they are: those that the moved code needs are copied.".to_owned()
            }
            Self::Other(_) => "Write `TYPE.NAME` or `module.NAME`, as in `aws_s3_bucket.logs`.".to_owned(),
        }
    }
}

impl FromStr for MovedAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let plain = without_keys(text);
        let other = || AddressError::Other(text.to_owned());
        let parts: Vec<&str> = plain.split('.').collect();
        if !parts.iter().all(|part| is_identifier(part)) {
            return Err(other());
        }
        let address = match parts[..] {
            ["module", name] => Self::Module(name.to_owned()),
            ["module", name, ..] => return Err(AddressError::Part(text.to_owned(), format!("module.{name}"))),
            ["data", _, _] => return Err(AddressError::Data(text.to_owned())),
            [kind, name] if !RESERVED.contains(&kind) => {
                Self::Resource { kind: kind.to_owned(), name: name.to_owned() }
            }
            _ => return Err(other()),
        };
        if plain == text { Ok(address) } else { Err(AddressError::Key(text.to_owned(), plain)) }
    }
}

/// First words of references that are no types of resources (Terraform language, "References to Named Values").
const RESERVED: [&str; 10] =
    ["var", "local", "data", "module", "path", "terraform", "each", "count", "self", "ephemeral"];

/// Whether a word is an identifier of HCL, as far as names of Terraform go.
fn is_identifier(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|one| one.is_alphanumeric() || one == '_' || one == '-')
}

impl fmt::Display for MovedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource { kind, name } => write!(f, "{kind}.{name}"),
            Self::Module(name) => write!(f, "module.{name}"),
        }
    }
}

impl MovedAddress {
    /// Whether an instance in a state, by its address, is a part of this.
    pub fn covers(&self, instance: &str) -> bool {
        let plain = without_keys(instance);
        match self {
            Self::Resource { .. } => plain == self.to_string(),
            Self::Module(name) => plain
                .strip_prefix("module.")
                .and_then(|rest| rest.strip_prefix(name.as_str()))
                .is_some_and(|rest| rest.starts_with('.')),
        }
    }

    /// Whether a list has an instance of this.
    pub fn is_in(&self, list: &ImportList) -> bool {
        list.addresses().any(|address| self.covers(address))
    }
}

/// What an instance has to import of one address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TakenOver {
    /// What it imports, in order of the addresses.
    pub imports: Vec<Importable>,
    /// What it would have to, and cannot.
    pub obstacles: Vec<NotImportable>,
}

/// What an instance imports of a moved address. `own`: what its state holds; `given`: what the state of the giver held when it last held any of
/// it. What the instance holds already is left alone, so that this can be done again and again, also after an apply that was cut off.
pub fn taken_over(address: &MovedAddress, own: &ImportList, given: &ImportList) -> TakenOver {
    let there: BTreeSet<&str> = own.addresses().collect();
    let is_wanted = |instance: &str| address.covers(instance) && !there.contains(instance);
    let imports = given.importable.iter().filter(|one| is_wanted(&one.address)).cloned().collect();
    let obstacles = given.not_importable.iter().filter(|one| is_wanted(&one.address)).cloned().collect();
    TakenOver { imports, obstacles }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(instances: &[(&str, &str, &str)]) -> ImportList {
        let resource = |(module, key, id): &(&str, &str, &str)| {
            let module = if module.is_empty() { String::new() } else { format!(r#""module":"{module}","#) };
            let key = if key.is_empty() { String::new() } else { format!(r#""index_key":{key},"#) };
            format!(
                r#"{{{module}"mode":"managed","type":"aws_vpc","name":"x","instances":[{{{key}"attributes":{{"id":"{id}"}}}}]}}"#
            )
        };
        let resources = instances.iter().map(resource).collect::<Vec<_>>().join(",");
        ImportList::read(format!(r#"{{"version":4,"serial":1,"lineage":"l","resources":[{resources}]}}"#).as_bytes())
            .unwrap()
    }

    fn imports(address: &str, own: &ImportList, given: &ImportList) -> Vec<String> {
        let taken = taken_over(&address.parse().unwrap(), own, given);
        taken.imports.iter().map(|one| format!("{} {}", one.address, one.by.id.as_deref().unwrap_or("-"))).collect()
    }

    #[test]
    fn only_whole_resources_and_whole_modules_move() {
        let read = |text: &str| {
            text.parse::<MovedAddress>().map(|address| address.to_string()).map_err(|error| error.to_string())
        };
        assert_eq!(read("aws_vpc.x"), Ok("aws_vpc.x".to_owned()));
        assert_eq!(read("module.net"), Ok("module.net".to_owned()));
        let refused = [
            (r#"aws_vpc.x["a.b"]"#, r#"`aws_vpc.x["a.b"]` is one instance of `aws_vpc.x`"#),
            ("module.net[0]", "`module.net[0]` is one instance of `module.net`"),
            ("module.net.aws_vpc.x", "`module.net.aws_vpc.x` is a part of `module.net`"),
            ("data.aws_vpc.x", "`data.aws_vpc.x` is a data source"),
            ("var.x", "`var.x` is no address of a resource or module"),
            ("aws_vpc", "`aws_vpc` is no address of a resource or module"),
            ("aws_vpc.x.id", "`aws_vpc.x.id` is no address of a resource or module"),
            ("aws vpc.x", "`aws vpc.x` is no address of a resource or module"),
            ("", "`` is no address of a resource or module"),
        ];
        for (text, why) in refused {
            assert_eq!(read(text), Err(why.to_owned()));
        }
    }

    #[test]
    fn what_the_giver_held_is_imported_and_nothing_else() {
        let given = list(&[
            ("", "", "v-0"),
            ("module.net", "0", "v-1"),
            ("module.network", "", "v-2"),
            ("module.net[\\\"a\\\"].module.b", "", "v-3"),
        ]);
        let nothing = ImportList::default();
        assert_eq!(imports("aws_vpc.x", &nothing, &given), ["aws_vpc.x v-0"]);
        assert_eq!(
            imports("module.net", &nothing, &given),
            ["module.net.aws_vpc.x[0] v-1", r#"module.net["a"].module.b.aws_vpc.x v-3"#]
        );
        assert_eq!(imports("aws_vpc.y", &nothing, &given), [""; 0]);
    }

    #[test]
    fn what_is_there_already_is_left_alone_also_after_half_a_move() {
        let given = list(&[("", "0", "v-0"), ("", "1", "v-1")]);
        assert_eq!(imports("aws_vpc.x", &list(&[("", "1", "v-9")]), &given), ["aws_vpc.x[0] v-0"]);
        assert_eq!(imports("aws_vpc.x", &given, &given), [""; 0]);
    }

    #[test]
    fn what_cannot_be_imported_is_told() {
        let state = r#"{"version":4,"serial":1,"lineage":"l","resources":[
            {"mode":"managed","type":"aws_vpc","name":"x","instances":[{"attributes":{}}]}]}"#;
        let given = ImportList::read(state.as_bytes()).unwrap();
        let taken = taken_over(&"aws_vpc.x".parse().unwrap(), &ImportList::default(), &given);
        assert_eq!((taken.imports.len(), taken.obstacles.len()), (0, 1));
    }
}
