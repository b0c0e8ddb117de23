//! The description of one attribute of a kind. Owns what can be said about an attribute, and the type of its values.

/// The type of an attribute's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// A text.
    Text,
    /// A number; all numbers of the sandbox are whole.
    Number,
    /// `true` or `false`.
    Bool,
    /// A list of texts.
    Texts,
    /// Texts by keys.
    TextMap,
}

impl Type {
    /// The type in the notation of the plugin protocol (JSON).
    pub(crate) fn notation(self) -> &'static str {
        match self {
            Self::Text => r#""string""#,
            Self::Number => r#""number""#,
            Self::Bool => r#""bool""#,
            Self::Texts => r#"["list","string"]"#,
            Self::TextMap => r#"["map","string"]"#,
        }
    }

    /// What it is called to people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a whole number",
            Self::Bool => "true or false",
            Self::Texts => "a list of texts",
            Self::TextMap => "a map of texts",
        }
    }
}

/// Who gives an attribute its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The configuration, always.
    Required,
    /// The configuration, if it wants to.
    Optional,
    /// The configuration, or else this value.
    Defaulted(bool),
    /// The configuration, or else the cloud.
    Inferred,
    /// The cloud.
    Computed(Computation),
}

/// How the cloud comes to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Computation {
    /// The id, given once.
    Id,
    /// An address below the name's own domain, with this before it.
    Address(&'static str),
    /// A random password, given once.
    Password,
    /// A number that grows with each change of another attribute.
    RevisionOf(&'static str),
}

/// What a value must keep to, beyond its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A name: not empty, no control characters, at most [`NAME_LENGTH_MAX`].
    Name,
    /// An IPv4 network in CIDR notation.
    Cidr,
    /// A CIDR inside that of what holds the resource, apart from those of its siblings.
    CidrInHolder,
    /// A whole number between these two, both included.
    Between(i64, i64),
    /// An update may not go to a smaller number.
    NeverSmaller,
    /// An update may not go to an older version.
    NeverOlder,
    /// Deletion is refused while it is true.
    Protects,
}

impl Rule {
    fn description(self) -> Option<String> {
        Some(match self {
            Self::Name => return None,
            Self::Cidr => "An IPv4 network in CIDR notation.".to_owned(),
            Self::CidrInHolder => "Inside the addresses of what holds it, apart from its siblings'.".to_owned(),
            Self::Between(least, most) => format!("Between {least} and {most}."),
            Self::NeverSmaller => "Can only grow in place.".to_owned(),
            Self::NeverOlder => "Cannot go down in place.".to_owned(),
            Self::Protects => "Deletion is refused while it is true.".to_owned(),
        })
    }
}

/// The longest name, in characters; as in most clouds.
pub(crate) const NAME_LENGTH_MAX: usize = 255;

/// The description of an attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its type.
    pub(crate) r#type: Type,
    /// Who gives it its value.
    pub(crate) source: Source,
    /// Whether a change replaces the resource.
    pub(crate) replaces: bool,
    /// Whether its value must not be printed.
    pub(crate) sensitive: bool,
    /// The kind of which it holds ids.
    pub(crate) refers_to: Option<&'static str>,
    /// What its value must keep to.
    pub(crate) rules: &'static [Rule],
}

impl Attribute {
    /// A required attribute.
    pub(crate) const fn new(name: &'static str, r#type: Type) -> Self {
        Self { name, r#type, source: Source::Required, replaces: false, sensitive: false, refers_to: None, rules: &[] }
    }

    pub(crate) const fn text(name: &'static str) -> Self {
        Self::new(name, Type::Text)
    }

    pub(crate) const fn optional(self) -> Self {
        Self { source: Source::Optional, ..self }
    }

    pub(crate) const fn from(self, source: Source) -> Self {
        Self { source, ..self }
    }

    pub(crate) const fn replaces(self) -> Self {
        Self { replaces: true, ..self }
    }

    pub(crate) const fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }

    pub(crate) const fn refers_to(self, kind: &'static str) -> Self {
        Self { refers_to: Some(kind), ..self }
    }

    pub(crate) const fn rules(self, rules: &'static [Rule]) -> Self {
        Self { rules, ..self }
    }

    /// Whether a configuration may give it a value.
    pub(crate) fn is_configurable(&self) -> bool {
        !matches!(self.source, Source::Computed(_))
    }

    /// What is to be known about it, for the schema; empty where its name says it all.
    pub(crate) fn description(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.refers_to.map(|kind| format!("The id of a {}.", kind.replace('_', " "))));
        parts.extend(self.rules.iter().filter_map(|rule| rule.description()));
        if self.replaces {
            parts.push("A change replaces the resource.".to_owned());
        }
        if let Source::Defaulted(default) = self.source {
            parts.push(format!("Default: {default}."));
        }
        parts.join(" ")
    }
}
