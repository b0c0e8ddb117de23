//! What a plan changes, in a form in which two plans can be compared: without their order, their time, and what is known only after the
//! apply. Owns that normalisation; what was approved in earlier versions is compared with what it says now, so it does not change.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::PlanError;
use super::json::NULL;
use super::read::{PlanFrame, PlanSink, PlannedChange, PlannedResource};
use crate::digest::Digest;
use crate::run::ChangeRecord;

/// Stands where a value is known only after the apply.
const UNKNOWN: &str = "\u{0}unknown";
/// Stands where a text holds the plan's own time (`plantimestamp()`).
const PLAN_TIME: &str = "\u{0}plan time";
/// The form of a moment as Terraform writes the plan's time (RFC 3339, UTC, whole seconds): `0` stands for any digit.
const MOMENT: &[u8] = b"0000-00-00T00:00:00Z";
/// The most moments of one change that are tried: more, and the change itself is kept until the plan's time is known.
const MOMENTS_MAX: usize = 8;

/// Gathers the changes of a plan by address (`output.NAME` for an output).
///
/// A plan says at its end when it was made, and what rests on that time alone is no other change. Until then each change that holds moments is
/// known by one digest for each that could be it.
pub struct ChangeRecords<'a> {
    digest: Box<Namer<'a>>,
    found: BTreeMap<String, (String, Found)>,
    records: BTreeMap<String, ChangeRecord>,
}

type Namer<'a> = dyn Fn(&[u8]) -> Digest + Send + 'a;

/// A change before the plan's time is known.
enum Found {
    Digests { plain: Digest, by_time: Vec<(String, Digest)> },
    Kept(Box<(PlannedChange, Json)>),
}

/// All of a change that makes it this one, in the sequence in which it is digested.
#[derive(Serialize)]
struct Named<'a> {
    actions: &'a [String],
    after: Json,
    before: &'a Json,
    moved: &'a Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    replace_paths: Option<Vec<String>>,
}

impl<'a> ChangeRecords<'a> {
    /// `digest` names the values before and after: with a key, where they may be secret.
    pub fn new(digest: impl Fn(&[u8]) -> Digest + Send + 'a) -> Self {
        Self { digest: Box::new(digest), found: BTreeMap::new(), records: BTreeMap::new() }
    }

    /// The records, once the plan was read.
    pub fn into_records(self) -> BTreeMap<String, ChangeRecord> {
        self.records
    }

    fn note(&mut self, address: String, change: &PlannedChange, moved: Json) {
        let is_moved = moved.as_object().is_some_and(|moved| moved.values().any(|value| !value.is_null()));
        let is_nothing = change.is_nothing();
        if is_nothing && !is_moved {
            return;
        }
        let mut moments = BTreeSet::new();
        gather_moments(&change.after, &mut moments);
        let found = if moments.len() > MOMENTS_MAX {
            Found::Kept(Box::new((change.clone(), moved)))
        } else {
            let plain = (self.digest)(&bytes(change, &moved, None));
            let by_time = |time: String| {
                let digest = (self.digest)(&bytes(change, &moved, Some(&time)));
                (time, digest)
            };
            Found::Digests { plain, by_time: moments.into_iter().map(by_time).collect() }
        };
        let action = if is_nothing { "move".to_owned() } else { change.words() };
        self.found.insert(address, (action, found));
    }
}

impl PlanSink for ChangeRecords<'_> {
    fn wants_unchanged(&self) -> bool {
        true
    }

    fn resource(&mut self, resource: &PlannedResource) -> Result<(), PlanError> {
        let address = match &resource.deposed {
            Some(key) => format!("{} (deposed {key})", resource.address),
            None => resource.address.clone(),
        };
        let moved = json!({ "from": resource.previous_address, "import": resource.change.importing });
        self.note(address, &resource.change, moved);
        Ok(())
    }

    fn output(&mut self, name: &str, change: &PlannedChange) -> Result<(), PlanError> {
        self.note(format!("output.{name}"), change, Json::Null);
        Ok(())
    }

    fn end(&mut self, frame: &PlanFrame) -> Result<(), PlanError> {
        let time = frame.timestamp.as_deref();
        for (address, (action, found)) in std::mem::take(&mut self.found) {
            let digest = match found {
                Found::Digests { plain, by_time } => {
                    let timed = by_time.into_iter().find(|(moment, _)| Some(moment.as_str()) == time);
                    timed.map_or(plain, |(_, digest)| digest)
                }
                Found::Kept(kept) => (self.digest)(&bytes(&kept.0, &kept.1, time)),
            };
            self.records.insert(address, ChangeRecord { action, digest });
        }
        Ok(())
    }
}

fn bytes(change: &PlannedChange, moved: &Json, time: Option<&str>) -> Vec<u8> {
    let replace_paths = change.replace_paths.as_array().map(|paths| {
        let mut paths: Vec<String> = paths.iter().map(Json::to_string).collect();
        paths.sort();
        paths
    });
    let after = known(&change.after, &change.after_unknown, time);
    let named = Named { actions: &change.actions, after, before: &change.before, moved, replace_paths };
    serde_json::to_vec(&named).expect("JSON can be written")
}

/// The value with a mark where it is unknown, or is the time of the plan.
fn known(after: &Json, unknown: &Json, time: Option<&str>) -> Json {
    match (after, unknown) {
        (_, Json::Bool(true)) => UNKNOWN.into(),
        (Json::Object(entries), unknown) => {
            let mut all: Map<String, Json> = Map::new();
            let names = entries.keys().chain(unknown.as_object().into_iter().flat_map(Map::keys));
            for name in names {
                let value = entries.get(name).unwrap_or(&NULL);
                all.insert(name.clone(), known(value, &unknown[name.as_str()], time));
            }
            all.into()
        }
        (Json::Array(items), unknown) => {
            items.iter().enumerate().map(|(at, item)| known(item, &unknown[at], time)).collect::<Vec<_>>().into()
        }
        (Json::Null, Json::Object(unknowns)) => unknowns
            .iter()
            .map(|(name, unknown)| (name.clone(), known(&Json::Null, unknown, time)))
            .collect::<Map<_, _>>()
            .into(),
        (Json::String(text), _) => match time {
            Some(time) if !time.is_empty() && text.contains(time) => text.replace(time, PLAN_TIME).into(),
            _ => after.clone(),
        },
        _ => after.clone(),
    }
}

/// The moments in the texts of a value that could be the plan's time.
fn gather_moments(value: &Json, moments: &mut BTreeSet<String>) {
    match value {
        Json::String(text) => moments.extend(moments_in(text)),
        Json::Array(items) => items.iter().for_each(|item| gather_moments(item, moments)),
        Json::Object(entries) => entries.values().for_each(|value| gather_moments(value, moments)),
        _ => {}
    }
}

fn moments_in(text: &str) -> impl Iterator<Item = String> {
    let fits = |bytes: &[u8]| {
        bytes.iter().zip(MOMENT).all(|(byte, form)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form })
    };
    let windows = text.as_bytes().windows(MOMENT.len()).filter(move |bytes| fits(bytes));
    windows.filter_map(|bytes| std::str::from_utf8(bytes).ok()).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::read_plan;
    use super::*;

    const TIME: &str = "2026-01-01T00:00:00Z";

    fn plan(time: &str, changes: &[Json]) -> Json {
        json!({ "format_version": "1.2", "timestamp": time, "resource_changes": changes })
    }

    fn change(address: &str, actions: &[&str], after: &Json, unknown: &Json) -> Json {
        json!({ "address": address, "change":
            { "actions": actions, "before": null, "after": after, "after_unknown": unknown } })
    }

    fn records(plan: &Json) -> BTreeMap<String, ChangeRecord> {
        let mut records = ChangeRecords::new(Digest::of);
        read_plan(plan.to_string().as_bytes(), &mut [&mut records]).unwrap();
        records.into_records()
    }

    #[test]
    fn order_time_and_what_is_not_known_make_no_other_plan() {
        let a =
            change("a.x", &["create"], &json!({ "name": "x", "at": "2026-01-01T00:00:00Z!" }), &json!({ "id": true }));
        let b = change("b.y", &["update"], &json!({ "size": 2 }), &json!({}));
        let later = change(
            "a.x",
            &["create"],
            &json!({ "at": "2026-02-02T00:00:00Z!", "name": "x", "id": null }),
            &json!({ "id": true }),
        );
        let one = records(&plan(TIME, &[a, b.clone()]));
        let other = records(&plan("2026-02-02T00:00:00Z", &[b, later]));
        assert_eq!(one, other);
        assert_eq!(one.keys().collect::<Vec<_>>(), ["a.x", "b.y"]);
    }

    #[test]
    fn another_value_action_or_address_makes_another_plan() {
        let base = |value: i64, action: &str| {
            records(&plan(TIME, &[change("a.x", &[action], &json!({ "n": value }), &json!({}))]))
        };
        assert_ne!(base(1, "create"), base(2, "create"));
        assert_ne!(base(1, "create"), base(1, "update"));
        let nothing = records(&plan(
            TIME,
            &[change("a.x", &["no-op"], &json!({}), &json!({})), change("d.x", &["read"], &json!({}), &json!({}))],
        ));
        assert!(nothing.is_empty());
    }

    #[test]
    fn moves_imports_deposed_objects_and_outputs_count() {
        let mut moved = change("a.new", &["no-op"], &json!({}), &json!({}));
        moved["previous_address"] = "a.old".into();
        let mut imported = change("a.imported", &["no-op"], &json!({}), &json!({}));
        imported["change"]["importing"] = json!({ "id": "i" });
        let mut deposed = change("a.x", &["delete"], &Json::Null, &json!({}));
        deposed["deposed"] = "00ff".into();
        let mut all = plan(TIME, &[moved, imported, deposed]);
        all["output_changes"] =
            json!({ "url": { "actions": ["create"], "after": "u" }, "same": { "actions": ["no-op"] } });
        let found = records(&all);
        let words: Vec<_> = found.iter().map(|(address, record)| format!("{address}: {}", record.action)).collect();
        assert_eq!(words, ["a.imported: move", "a.new: move", "a.x (deposed 00ff): delete", "output.url: create"]);
    }

    /// What the bytes were of which earlier versions made the digests that approvals rest on.
    #[test]
    fn what_was_approved_in_an_earlier_version_is_still_the_same() {
        let mut moved = change(
            "a.x",
            &["delete", "create"],
            &json!({ "at": format!("x {TIME}"), "n": 1.5 }),
            &json!({ "id": true }),
        );
        moved["previous_address"] = "a.old".into();
        moved["change"]["before"] = json!({ "z": [1, null], "at": "2025-01-01T00:00:00Z" });
        moved["change"]["replace_paths"] = json!([["n"], ["at", 0]]);
        let text = "{\"actions\":[\"delete\",\"create\"],\"after\":{\"at\":\"x \\u0000plan time\",\"id\":\"\\u0000unknown\",\"n\":1.5},\
                    \"before\":{\"at\":\"2025-01-01T00:00:00Z\",\"z\":[1,null]},\"moved\":{\"from\":\"a.old\",\"import\":null},\
                    \"replace_paths\":[\"[\\\"at\\\",0]\",\"[\\\"n\\\"]\"]}";
        assert_eq!(records(&plan(TIME, &[moved]))["a.x"].digest, Digest::of(text.as_bytes()));
        let mut outputs = plan(TIME, &[]);
        outputs["output_changes"] =
            json!({ "o": { "actions": ["create"], "before": null, "after": "v", "after_unknown": false } });
        let text = r#"{"actions":["create"],"after":"v","before":null,"moved":null}"#;
        assert_eq!(records(&outputs)["output.o"].digest, Digest::of(text.as_bytes()));
    }

    #[test]
    fn the_plans_time_is_found_among_few_moments_and_among_many() {
        let moments = |count: usize, own: &str| -> Vec<String> {
            (0..count).map(|at| format!("2020-01-01T00:00:{at:02}Z")).chain([own.to_owned()]).collect()
        };
        for count in [0, 1, MOMENTS_MAX - 1, MOMENTS_MAX, MOMENTS_MAX + 1, 50] {
            let at = |time: &str| {
                records(&plan(time, &[change("a.x", &["create"], &json!({ "at": moments(count, time) }), &json!({}))]))
            };
            assert_eq!(at(TIME), at("2027-03-04T05:06:07Z"), "{count}");
            let fixed = |time: &str| {
                records(&plan(time, &[change("a.x", &["create"], &json!({ "at": moments(count, TIME) }), &json!({}))]))
            };
            assert_ne!(fixed(TIME), fixed("2027-03-04T05:06:07Z"), "{count}");
        }
        assert_eq!(moments_in("a2026-01-01T00:00:00Z2026-01-01T00:00:00Zé").collect::<Vec<_>>(), [TIME, TIME]);
        assert_eq!(moments_in("2026-01-01 00:00:00Z 2026-01-01T00:00:00").count(), 0);
    }
}
