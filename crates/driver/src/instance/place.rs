//! Which settings of a backend name the place of a state, and which only say how it is reached (Terraform language, "Backends").

use serde_json::Value as Json;

/// For each type of backend the settings that name the place. Of a type that is not here, all do.
const PLACES: &[(&str, &[&str])] = &[
    ("local", &["path", "workspace_dir"]),
    ("s3", &["bucket", "key", "region", "workspace_key_prefix", "endpoint", "endpoints"]),
    ("gcs", &["bucket", "prefix"]),
    ("azurerm", &["storage_account_name", "container_name", "key", "environment"]),
    ("http", &["address"]),
    ("consul", &["address", "path", "datacenter"]),
    ("kubernetes", &["secret_suffix", "namespace", "host", "config_context"]),
    ("cos", &["bucket", "prefix", "key", "region"]),
    ("oss", &["bucket", "prefix", "key", "region"]),
];

/// The names of the settings by which two backends (`{ TYPE: SETTINGS }`) name different places; `type` when they are of different
/// types. Empty when the place is the same.
pub(super) fn moved(before: &Json, now: &Json) -> Vec<String> {
    let parts = |backend: &Json| {
        let (kind, settings) = backend.as_object()?.iter().next()?;
        Some((kind.clone(), settings.as_object()?.clone()))
    };
    let (Some((kind, before)), Some((kind_now, now))) = (parts(before), parts(now)) else {
        return vec!["type".to_owned()];
    };
    if kind != kind_now {
        return vec!["type".to_owned()];
    }
    let place = PLACES.iter().find(|(named, _)| *named == kind).map(|(_, keys)| *keys);
    let names_place = |key: &str| place.is_none_or(|keys| keys.contains(&key));
    let mut differing: Vec<String> = before
        .keys()
        .chain(now.keys())
        .filter(|key| names_place(key) && before.get(*key) != now.get(*key))
        .cloned()
        .collect();
    differing.sort();
    differing.dedup();
    differing
}

/// Where a backend keeps a state, in words: `s3 bucket=landing key=dev/network`.
pub fn place_in_words(kind: &str, settings: &serde_json::Map<String, Json>) -> String {
    // How it is reached, and what may hold a password, is not told.
    const TOLD: &[&str] =
        &["path", "bucket", "prefix", "key", "storage_account_name", "container_name", "secret_suffix"];
    let told = TOLD.iter().filter_map(|key| Some(format!(" {key}={}", settings.get(*key)?.as_str()?)));
    std::iter::once(kind.to_owned()).chain(told).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_is_told_without_what_may_be_secret() {
        let settings = json!({ "key": "a/b", "bucket": "c", "secret_key": "s", "endpoints": { "s3": "http://x" } });
        assert_eq!(place_in_words("s3", settings.as_object().unwrap()), "s3 bucket=c key=a/b");
        let http = json!({ "address": "https://ada:secret@states/x" });
        assert_eq!(place_in_words("http", http.as_object().unwrap()), "http");
    }

    #[test]
    fn only_what_names_the_place_moves_it() {
        let s3 = |key: &str, lock: bool| json!({ "s3": { "bucket": "b", "key": key, "use_lockfile": lock } });
        assert!(moved(&s3("a", false), &s3("a", true)).is_empty());
        assert_eq!(moved(&s3("a", false), &s3("b", true)), ["key"]);
        assert_eq!(moved(&s3("a", false), &json!({ "gcs": { "bucket": "b" } })), ["type"]);
        assert_eq!(
            moved(&json!({ "http": { "address": "x", "password": "p" } }), &json!({ "http": { "address": "y" } })),
            ["address"]
        );
        assert_eq!(moved(&json!({ "strange": { "anything": 1 } }), &json!({ "strange": {} })), ["anything"]);
    }
}
