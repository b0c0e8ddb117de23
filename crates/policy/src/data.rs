//! Data files beside policies: JSON and YAML become the document `data`, each under the folders that it lies in, as OPA has it. Owns how they are
//! read and joined.

use std::collections::{BTreeMap, HashSet};

use regorus::{Engine, Value};

use crate::error::Problem;

/// The ending of JSON.
const JSON: &str = ".json";
/// Reads a data file and puts it under its folders: `lists/regions.json` below the policies' folder becomes `data.lists`. `rules` are the paths of
/// all rules: data in the place of a rule would be taken for what the rule says.
pub(crate) fn add(
    engine: &mut Engine,
    file: &str,
    within: &str,
    text: &str,
    rules: &HashSet<Vec<String>>,
) -> Result<(), Problem> {
    let mut value = read(file, text)?;
    let folders: Vec<&str> = within.split('/').collect();
    let folders = &folders[..folders.len().saturating_sub(1)];
    if folders.is_empty() && value.as_object().is_err() {
        return Err(Problem::in_file(file, "it must hold an object: its keys become `data.KEY`"));
    }
    for folder in folders.iter().rev() {
        value = Value::from(BTreeMap::from([(Value::from(*folder), value)]));
    }
    if let Some(rule) = rules.iter().filter(|rule| covers(&value, rule)).min() {
        return Err(Problem::in_file(file, format!("it has a value where a rule is: `data.{}`", rule.join("."))));
    }
    engine.add_data(value).map_err(|error| {
        Problem::in_file(file, format!("it contradicts another data file: {}", error.to_string().trim()))
    })
}

/// Whether data has a value at a path, or in the place of a folder on the way there.
fn covers(data: &Value, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    if data.as_object().is_err() {
        return true;
    }
    let value = &data[first.as_str()];
    *value != Value::Undefined && covers(value, rest)
}

fn read(file: &str, text: &str) -> Result<Value, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::in_file(file, "the file is empty"));
    }
    if file.ends_with(JSON) {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line().try_into().unwrap_or(1), error.column().try_into().unwrap_or(1));
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            Problem::at(file, line, column, format!("it is not JSON: {what}"))
        })?;
        return Ok(Value::from(value));
    }
    Value::from_yaml_str(text).map_err(|error| Problem::in_file(file, format!("it is not YAML: {error}")))
}
