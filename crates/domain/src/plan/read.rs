//! Reads Terraform's plan representation (Terraform internals, "JSON Output Format", format version 1.x) as a stream, and tells of each change
//! those who want to know it. One change is in memory at a time; what nobody looks at (`variables`, `planned_values`, `prior_state`,
//! `configuration`, the values of what stays as it is) is passed over without being built.

use std::fmt;
use std::io::{self, BufReader, Cursor, Read};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::error::{OtherFile, PlanError, TWICE, damage};
use super::json::Unique;

/// The major version of the format that is read.
const FORMAT_MAJOR: &str = "1";
/// How much is read at once, in bytes: a pipe of Linux holds as much.
const BUFFER_BYTES: usize = 64 << 10;
/// What does not change a resource.
const NO_CHANGE: [&str; 2] = ["no-op", "read"];
/// The keys of a plan by which it is known from other JSON with a version.
const PLAN_KEYS: [&str; 8] = [
    "planned_values",
    "resource_drift",
    "resource_changes",
    "output_changes",
    "prior_state",
    "configuration",
    "deferred_changes",
    "timestamp",
];

/// Wants to know what a plan says.
pub trait PlanSink {
    /// Whether it looks at the values of what is not changed: an object that is moved, say.
    fn wants_unchanged(&self) -> bool {
        false
    }

    /// Whether it looks at what was changed behind Terraform's back.
    fn wants_drift(&self) -> bool {
        false
    }

    /// What the plan does to a resource or a data source, in the plan's sequence.
    fn resource(&mut self, resource: &PlannedResource) -> Result<(), PlanError>;

    /// What was done to a resource behind Terraform's back.
    fn drift(&mut self, _resource: &PlannedResource) -> Result<(), PlanError> {
        Ok(())
    }

    /// What the plan does to an output.
    fn output(&mut self, _name: &str, _change: &PlannedChange) -> Result<(), PlanError> {
        Ok(())
    }

    /// The plan is read. Nothing more is told.
    fn end(&mut self, _frame: &PlanFrame) -> Result<(), PlanError> {
        Ok(())
    }
}

/// What a plan says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanFrame {
    /// The version of the format.
    pub format_version: String,
    /// The Terraform that made it; empty where it does not say.
    pub terraform_version: String,
    /// When it was made, as Terraform writes it.
    pub timestamp: Option<String>,
    /// Whether Terraform met an error while it made it.
    pub errored: bool,
    /// What it says of whether it is all that there is to do.
    pub complete: Option<bool>,
    /// How many changes were put off.
    pub deferred: usize,
}

/// What a plan says of a resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlannedResource {
    /// Its address.
    pub address: String,
    /// Its address before, where it is moved.
    pub previous_address: Option<String>,
    /// `managed` or `data`; empty where the plan does not say.
    pub mode: String,
    /// Its type.
    pub resource_type: String,
    /// Its name.
    pub name: String,
    /// Its provider's address.
    pub provider_name: String,
    /// The key of a deposed object.
    pub deposed: Option<String>,
    /// Why the action was chosen.
    pub action_reason: Option<String>,
    /// What is done.
    pub change: PlannedChange,
}

/// What is done to a resource or an output. The values are null where nothing is changed and nobody wants to know them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlannedChange {
    /// Terraform's words: `create`, or `delete` and `create`.
    pub actions: Vec<String>,
    /// The value before.
    pub before: Json,
    /// The value after, without what is known only then.
    pub after: Json,
    /// `true` where a part of it is known only after the apply.
    pub after_unknown: Json,
    /// `true` where a part of it is sensitive.
    pub before_sensitive: Json,
    /// `true` where a part of it is sensitive.
    pub after_sensitive: Json,
    /// The paths that force a replacement.
    pub replace_paths: Json,
    /// What it is imported by.
    pub importing: Json,
}

impl PlannedChange {
    /// Whether nothing is changed: it is left as it is, or only read.
    pub fn is_nothing(&self) -> bool {
        self.actions.iter().all(|action| NO_CHANGE.contains(&action.as_str()))
    }

    /// Whether Terraform does this, alone or among others.
    pub fn does(&self, action: &str) -> bool {
        self.actions.iter().any(|one| one == action)
    }

    /// The actions in Terraform's words: `delete,create`.
    pub fn words(&self) -> String {
        self.actions.join(",")
    }
}

/// Reads a plan and tells all of `sinks` what it says.
///
/// # Errors
/// When it is no plan, not in a format that is known, damaged or cut off; or when a sink has an objection. What the sinks know then is a part.
pub fn read_plan(mut reader: impl Read, sinks: &mut [&mut dyn PlanSink]) -> Result<(), PlanError> {
    let beginning = beginning(&mut reader).map_err(|error| PlanError::Read(error.to_string()))?;
    let text = text_of(&beginning)?;
    let reader = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(text).chain(reader));
    let mut pass = Pass { sinks, frame: PlanFrame::default(), is_plan: false, has_values: false, problem: None };
    let mut parser = serde_json::Deserializer::from_reader(reader);
    let read = Top(&mut pass).deserialize(&mut parser).and_then(|()| parser.end());
    if let Some(problem) = pass.problem.take() {
        return Err(problem);
    }
    read.map_err(|error| match damage(&error) {
        PlanError::CutOff { .. } if text.trim_ascii().is_empty() && beginning.len() < BEGINNING => PlanError::Empty,
        other => other,
    })?;
    pass.end()
}

/// Refuses a plan in a format that is not read here.
fn check_format(version: &str) -> Result<(), PlanError> {
    if version.split('.').next() == Some(FORMAT_MAJOR) { Ok(()) } else { Err(PlanError::Format(version.to_owned())) }
}

/// How many bytes tell what a file is.
const BEGINNING: usize = 16;

fn beginning(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(BEGINNING);
    reader.take(BEGINNING as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The beginning without the mark that some programs put there; refuses what can be told from it to be something else.
fn text_of(beginning: &[u8]) -> Result<&[u8], PlanError> {
    if beginning.starts_with(b"PK\x03\x04") {
        return Err(PlanError::Other(OtherFile::SavedPlan));
    }
    if beginning.starts_with(&[0xff, 0xfe]) || beginning.starts_with(&[0xfe, 0xff]) {
        return Err(PlanError::Other(OtherFile::Utf16));
    }
    let text = beginning.strip_prefix("\u{feff}".as_bytes()).unwrap_or(beginning);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'{') | None => Ok(text),
        Some(b'[') => Err(PlanError::Other(OtherFile::Json)),
        Some(_) => Err(PlanError::Other(OtherFile::Text)),
    }
}

/// One reading of a plan.
struct Pass<'p, 's> {
    sinks: &'p mut [&'s mut dyn PlanSink],
    frame: PlanFrame,
    /// Whether a key was there that only plans have.
    is_plan: bool,
    /// Whether there is a key `values`, as in a state that is shown.
    has_values: bool,
    /// What stopped the reading, where it was not the parser.
    problem: Option<PlanError>,
}

impl Pass<'_, '_> {
    fn end(self) -> Result<(), PlanError> {
        match (self.is_plan, self.frame.format_version.is_empty()) {
            (true, true) => return Err(PlanError::Missing("format_version")),
            (false, false) if self.has_values => return Err(PlanError::Other(OtherFile::ShownState)),
            (false, _) => return Err(PlanError::Other(OtherFile::Json)),
            (true, false) => {}
        }
        self.sinks.iter_mut().try_for_each(|sink| sink.end(&self.frame))
    }

    /// Keeps what is wrong, and stops the parser.
    fn check<E: Error>(&mut self, result: Result<(), PlanError>) -> Result<(), E> {
        result.map_err(|problem| {
            self.problem = Some(problem);
            E::custom("stopped")
        })
    }

    fn tell(&mut self, from: Section, resource: &PlannedResource) -> Result<(), PlanError> {
        match from {
            Section::Changes => self.sinks.iter_mut().try_for_each(|sink| sink.resource(resource)),
            Section::Drift => {
                let mut wanting = self.sinks.iter_mut().filter(|sink| sink.wants_drift());
                wanting.try_for_each(|sink| sink.drift(resource))
            }
        }
    }
}

/// The keys of one object that were there.
#[derive(Default)]
struct Seen(u32);

impl Seen {
    /// The place of a key among those that are known; an error where it was there.
    fn note<E: Error>(&mut self, known: &[&str], key: &str) -> Result<(), E> {
        let Some(at) = known.iter().position(|one| *one == key) else { return Ok(()) };
        let bit = 1 << at;
        if self.0 & bit != 0 {
            return Err(E::custom(TWICE));
        }
        self.0 |= bit;
        Ok(())
    }
}

/// A text, or nothing where it is null.
fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<String>, A::Error> {
    map.next_value()
}

struct Top<'a, 'p, 's>(&'a mut Pass<'p, 's>);

/// The keys of a plan that are looked at.
const TOP: [&str; 9] = [
    "format_version",
    "terraform_version",
    "resource_drift",
    "resource_changes",
    "deferred_changes",
    "output_changes",
    "timestamp",
    "errored",
    "complete",
];

impl<'de> DeserializeSeed<'de> for Top<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plan")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let pass = self.0;
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<String>()? {
            seen.note::<A::Error>(&TOP, &key)?;
            pass.is_plan |= PLAN_KEYS.contains(&key.as_str());
            match key.as_str() {
                "format_version" => {
                    pass.frame.format_version = text(&mut map)?.unwrap_or_default();
                    let checked = check_format(&pass.frame.format_version);
                    pass.check::<A::Error>(checked)?;
                }
                "terraform_version" => pass.frame.terraform_version = text(&mut map)?.unwrap_or_default(),
                "timestamp" => pass.frame.timestamp = text(&mut map)?,
                "errored" => pass.frame.errored = map.next_value()?,
                "complete" => pass.frame.complete = map.next_value()?,
                "resource_changes" => map.next_value_seed(Resources { pass, from: Section::Changes })?,
                "resource_drift" if pass.sinks.iter().any(|sink| sink.wants_drift()) => {
                    map.next_value_seed(Resources { pass, from: Section::Drift })?;
                }
                "deferred_changes" => pass.frame.deferred = map.next_value_seed(Count)?,
                "output_changes" => map.next_value_seed(Outputs(pass))?,
                "@level" | "@message" | "@timestamp" => {
                    pass.check::<A::Error>(Err(PlanError::Other(OtherFile::Messages)))?;
                }
                "serial" | "lineage" if !pass.is_plan => {
                    pass.check::<A::Error>(Err(PlanError::Other(OtherFile::State)))?;
                }
                other => {
                    pass.has_values |= other == "values";
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Counts the items of a list, and builds none. Nothing (`null`) is an empty list.
struct Count;

impl<'de> DeserializeSeed<'de> for Count {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Count {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// Where a resource stands in a plan.
#[derive(Clone, Copy)]
enum Section {
    Changes,
    Drift,
}

/// A list of resources, each told when it is read.
struct Resources<'a, 'p, 's> {
    pass: &'a mut Pass<'p, 's>,
    from: Section,
}

impl<'de> DeserializeSeed<'de> for Resources<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Resources<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of changes")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let wants_unchanged = self.pass.sinks.iter().any(|sink| sink.wants_unchanged());
        while let Some(read) = items.next_element_seed(Resource { wants_unchanged })? {
            let told = read.and_then(|resource| self.pass.tell(self.from, &resource));
            self.pass.check::<A::Error>(told)?;
        }
        Ok(())
    }
}

struct Resource {
    wants_unchanged: bool,
}

/// The keys of a resource that are looked at.
const RESOURCE: [&str; 9] =
    ["address", "previous_address", "mode", "type", "name", "provider_name", "deposed", "change", "action_reason"];

impl<'de> DeserializeSeed<'de> for Resource {
    type Value = Result<PlannedResource, PlanError>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Resource {
    type Value = Result<PlannedResource, PlanError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a change of a resource")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut resource = PlannedResource::default();
        let (mut address, mut change) = (None, None);
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<String>()? {
            seen.note::<A::Error>(&RESOURCE, &key)?;
            match key.as_str() {
                "address" => address = text(&mut map)?,
                "previous_address" => resource.previous_address = text(&mut map)?,
                "mode" => resource.mode = text(&mut map)?.unwrap_or_default(),
                "type" => resource.resource_type = text(&mut map)?.unwrap_or_default(),
                "name" => resource.name = text(&mut map)?.unwrap_or_default(),
                "provider_name" => resource.provider_name = text(&mut map)?.unwrap_or_default(),
                "deposed" => resource.deposed = text(&mut map)?,
                "action_reason" => resource.action_reason = text(&mut map)?,
                "change" => change = Some(map.next_value_seed(Change { wants_unchanged: self.wants_unchanged })?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let Some(address) = address else { return Ok(Err(PlanError::Missing("address"))) };
        let Some(change) = change else { return Ok(Err(PlanError::Missing("change"))) };
        Ok(change.map(|change| PlannedResource { address, change, ..resource }))
    }
}

struct Change {
    wants_unchanged: bool,
}

/// The keys of a change that are looked at.
const CHANGE: [&str; 8] = [
    "actions",
    "before",
    "after",
    "after_unknown",
    "before_sensitive",
    "after_sensitive",
    "replace_paths",
    "importing",
];

impl<'de> DeserializeSeed<'de> for Change {
    type Value = Result<PlannedChange, PlanError>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Change {
    type Value = Result<PlannedChange, PlanError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a change")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut change = PlannedChange::default();
        let mut has_actions = false;
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<String>()? {
            seen.note::<A::Error>(&CHANGE, &key)?;
            // Terraform says first what it does: where that is nothing, most of the plan need not be built.
            let passes = has_actions && !self.wants_unchanged && change.is_nothing();
            match key.as_str() {
                "actions" => {
                    change.actions = map.next_value()?;
                    has_actions = true;
                }
                "importing" => change.importing = map.next_value_seed(Unique)?,
                _ if passes => drop(map.next_value::<IgnoredAny>()?),
                "before" => change.before = map.next_value_seed(Unique)?,
                "after" => change.after = map.next_value_seed(Unique)?,
                "after_unknown" => change.after_unknown = map.next_value_seed(Unique)?,
                "before_sensitive" => change.before_sensitive = map.next_value_seed(Unique)?,
                "after_sensitive" => change.after_sensitive = map.next_value_seed(Unique)?,
                "replace_paths" => change.replace_paths = map.next_value_seed(Unique)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(if has_actions { Ok(change) } else { Err(PlanError::Missing("actions")) })
    }
}

/// The outputs, each told when it is read.
struct Outputs<'a, 'p, 's>(&'a mut Pass<'p, 's>);

impl<'de> DeserializeSeed<'de> for Outputs<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Outputs<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outputs by name")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let pass = self.0;
        let mut names = std::collections::BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            // An output that stays as it is has a value all the same, which those downstream may read.
            let read = map.next_value_seed(Change { wants_unchanged: true })?;
            let told = read.and_then(|change| pass.sinks.iter_mut().try_for_each(|sink| sink.output(&name, &change)));
            pass.check::<A::Error>(told)?;
            if !names.insert(name) {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Notes what it is told.
    #[derive(Default)]
    struct Notes {
        lines: Vec<String>,
        wants: (bool, bool),
    }

    impl PlanSink for Notes {
        fn wants_unchanged(&self) -> bool {
            self.wants.0
        }

        fn wants_drift(&self) -> bool {
            self.wants.1
        }

        fn resource(&mut self, resource: &PlannedResource) -> Result<(), PlanError> {
            self.lines.push(format!("{} {} {}", resource.change.words(), resource.address, resource.change.after));
            Ok(())
        }

        fn drift(&mut self, resource: &PlannedResource) -> Result<(), PlanError> {
            self.lines.push(format!("drift {}", resource.address));
            Ok(())
        }

        fn output(&mut self, name: &str, change: &PlannedChange) -> Result<(), PlanError> {
            self.lines.push(format!("{} output {name} {}", change.words(), change.after));
            Ok(())
        }

        fn end(&mut self, frame: &PlanFrame) -> Result<(), PlanError> {
            self.lines.push(format!("end {} {:?}", frame.format_version, frame.timestamp));
            Ok(())
        }
    }

    fn read(text: impl AsRef<[u8]>) -> Result<(), PlanError> {
        read_plan(text.as_ref(), &mut [&mut Notes::default()])
    }

    #[track_caller]
    fn says(text: impl AsRef<[u8]>, expected: &str) {
        assert_eq!(read(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn each_is_told_what_it_wants_in_one_pass() {
        let change = |actions: &[&str]| json!({ "actions": actions, "before": 1, "after": 2 });
        let plan = json!({ "format_version": "1.2", "timestamp": "t",
            "resource_changes": [{ "address": "a.same", "change": change(&["no-op"]) }, { "address": "a.b", "change": change(&["update"]) }],
            "resource_drift": [{ "address": "a.c", "change": change(&["update"]) }],
            "output_changes": { "o": change(&["no-op"]) } });
        let mut some = Notes::default();
        read_plan(plan.to_string().as_bytes(), &mut [&mut some]).unwrap();
        let expected = ["no-op output o 2", "no-op a.same null", "update a.b 2", "end 1.2 Some(\"t\")"];
        assert_eq!(some.lines, expected);
        let mut all = Notes { wants: (true, true), ..Notes::default() };
        let mut beside = Notes::default();
        read_plan(plan.to_string().as_bytes(), &mut [&mut all, &mut beside]).unwrap();
        let expected = ["no-op output o 2", "no-op a.same 2", "update a.b 2", "drift a.c", "end 1.2 Some(\"t\")"];
        assert_eq!(
            all.lines.iter().collect::<std::collections::BTreeSet<_>>(),
            expected.map(ToOwned::to_owned).iter().collect()
        );
        assert_eq!(beside.lines.len(), 4, "who does not want drift is not told");
        assert!(read_plan(plan.to_string().as_bytes(), &mut []).is_ok());
    }

    #[test]
    fn what_is_looked_at_by_nobody_is_passed_over() {
        let text = r#"{"format_version":"1.2","variables":{"a":1,"a":2},"planned_values":"anything","prior_state":[[[]]],
            "configuration":null,"checks":[],"relevant_attributes":{},"resource_changes":null,"output_changes":null,"resource_drift":7}"#;
        assert_eq!(read(text), Ok(()));
        let deep =
            format!(r#"{{"format_version":"1.2","prior_state":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(deep), Ok(()), "no overflow of the stack");
    }

    #[test]
    fn only_version_1_is_read() {
        for version in ["2.0", "10.1", "0.2", "", "one"] {
            let text = format!(r#"{{"format_version":"{version}","resource_changes":[]}}"#);
            assert_eq!(read(text), Err(PlanError::Format(version.to_owned())), "{version}");
        }
        for version in ["1.0", "1.2", "1.99"] {
            assert_eq!(read(format!(r#"{{"format_version":"{version}","resource_changes":[]}}"#)), Ok(()));
        }
        assert_eq!(read(r#"{"resource_changes":[]}"#), Err(PlanError::Missing("format_version")));
    }

    #[test]
    fn what_is_no_plan_is_named_and_what_makes_one() {
        let other = |text: &[u8]| match read(text) {
            Err(PlanError::Other(other)) => other,
            result => panic!("{result:?}"),
        };
        assert_eq!(other(br#"{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"x"}"#), OtherFile::State);
        assert_eq!(
            other(br#"{"format_version":"1.0","terraform_version":"1.11.4","values":{}}"#),
            OtherFile::ShownState
        );
        assert_eq!(
            other(b"{\"@level\":\"info\",\"@message\":\"hunter2\"}\n{\"@level\":\"info\"}\n"),
            OtherFile::Messages
        );
        assert_eq!(other(b"PK\x03\x04\x14\x00\x08\x08"), OtherFile::SavedPlan);
        assert_eq!(other(b"Terraform will perform the following actions:"), OtherFile::Text);
        assert_eq!(other("\u{1b}[1mTerraform".as_bytes()), OtherFile::Text);
        assert_eq!(other(&[0xff, 0xfe, b'{', 0, b'}', 0]), OtherFile::Utf16);
        assert_eq!(other(br#"{"format_version":"1.0","valid":true,"diagnostics":[]}"#), OtherFile::Json);
        assert_eq!(other(b"[]"), OtherFile::Json);
        assert_eq!(other(b"{}"), OtherFile::Json);
        says(
            r#"{"version":4,"serial":1}"#,
            "this is a state, and no plan; `terraform show -json PLAN` prints one, where PLAN was made with `terraform plan -out=PLAN`",
        );
    }

    #[test]
    fn a_mark_at_the_beginning_and_blanks_around_are_no_fault() {
        assert_eq!(read("\u{feff} \n{\"format_version\":\"1.2\",\"resource_changes\":[]}\n\n"), Ok(()));
        for nothing in ["", "\n", "\u{feff}"] {
            assert_eq!(read(nothing), Err(PlanError::Empty), "{nothing:?}");
        }
    }

    #[test]
    fn damage_is_named_by_its_place_and_never_by_a_value() {
        let plan = |resource: &str| format!("{{\"format_version\":\"1.2\",\n\"resource_changes\":[{resource}]}}");
        says(&plan("")[..20], "the plan is cut off at line 1, column 20");
        says(plan(r#"{"address":"#), "the plan is damaged at line 2, column 32: it is not JSON");
        says(
            plan(r#"{"address":["hunter2"]}"#),
            "the plan is damaged at line 2, column 32: a field is not what plans have there",
        );
        says(
            plan(r#"{"address":"a","address":"b"}"#),
            "the plan is damaged at line 2, column 45: a key is there twice",
        );
        let twice = plan(r#"{"address":"a","change":{"actions":["update"],"before":{"hunter2":1,"hunter2":2}}}"#);
        assert!(read(twice).unwrap_err().to_string().ends_with("a key is there twice"));
        says(plan("{}"), "the plan has no `address`");
        says(plan(r#"{"address":"a"}"#), "the plan has no `change`");
        says(plan(r#"{"address":"a","change":{}}"#), "the plan has no `actions`");
        says(plan("") + "{}", "the plan is damaged at line 2, column 23: it is not JSON");
        let outputs =
            r#"{"format_version":"1.2","output_changes":{"a":{"actions":["no-op"]},"a":{"actions":["no-op"]}}}"#;
        assert!(read(outputs).unwrap_err().to_string().ends_with("a key is there twice"));
        let deep = plan(&format!(r#"{{"address":"a","change":{{"actions":["update"],"after":{}"#, "[".repeat(100_000)));
        assert!(read(deep).unwrap_err().to_string().ends_with("it is nested too deeply"));
    }

    #[test]
    fn who_cannot_read_on_says_why() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let begun = br#"{"format_version":"1.2","#.as_slice();
        let error = read_plan(begun.chain(Broken), &mut [&mut Notes::default()]).unwrap_err();
        assert!(error.to_string().starts_with("the plan cannot be read: the disk is gone"), "{error}");
        assert!(matches!(read_plan(Broken, &mut []), Err(PlanError::Read(_))));
    }
}
