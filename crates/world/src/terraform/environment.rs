//! The environment variables that Terraform's processes see: an allow-list of the caller's, what the estate passes on, and what an
//! instance adds. All else stays outside: a stray `TF_VAR_x` or `TF_WORKSPACE` must not change what a commit does.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Names that are passed on; a `*` at the end is a wildcard.
const ALLOWED: &[&str] = &[
    // What any program needs.
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "LANG",
    "LC_*",
    "TZ",
    "TERM",
    "XDG_*",
    // Reaching the network.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_*",
    "SSH_AUTH_SOCK",
    "NETRC",
    // Identities of the clouds and of what is most often beside them.
    "AWS_*",
    "GOOGLE_*",
    "GCLOUD_*",
    "CLOUDSDK_*",
    "ARM_*",
    "AZURE_*",
    "KUBE*",
    "VAULT_*",
    "ACTIONS_ID_TOKEN_REQUEST_*",
    // Terraform's own that do not change what a plan contains (Terraform CLI, "Environment Variables").
    "TF_LOG",
    "TF_LOG_CORE",
    "TF_LOG_PROVIDER",
    "TF_LOG_PATH",
    "TF_PLUGIN_CACHE_DIR",
    "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE",
    "TF_REGISTRY_*",
    "TF_TOKEN_*",
    "TF_STATE_PERSIST_INTERVAL",
    "TF_ENCRYPTION",
];

/// Variables whose value is the path of one file or folder.
const PATHS: &[&str] = &[
    "TF_CLI_CONFIG_FILE",
    "TF_PLUGIN_CACHE_DIR",
    "TF_LOG_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NETRC",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CA_BUNDLE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "CLOUDSDK_CONFIG",
    "ARM_CLIENT_CERTIFICATE_PATH",
    "ARM_OIDC_TOKEN_FILE_PATH",
    "AZURE_CONFIG_DIR",
    "KUBE_CONFIG_PATH",
];

/// The environment of Terraform's processes.
#[derive(Debug, Clone)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// What of the caller's environment is passed on. `pass` names further variables (`*` at the end is a wildcard). Terraform works in another
    /// folder than the caller: relative paths in [`PATHS`] are led from `folder`, the caller's.
    pub fn scrubbed(caller: impl IntoIterator<Item = (OsString, OsString)>, pass: &[String], folder: &Path) -> Self {
        let caller = caller.into_iter().map(|(name, value)| {
            let is_path = name.to_str().is_some_and(|name| PATHS.contains(&name)) && !value.is_empty();
            let value = if is_path { folder.join(value).into_os_string() } else { value };
            (name, value)
        });
        let mut variables: BTreeMap<_, _> =
            caller.into_iter().filter(|(name, value)| is_passed(name, value, pass)).collect();
        // No questions, no hints for people, no calls home.
        for (name, value) in [("TF_INPUT", "0"), ("TF_IN_AUTOMATION", "1"), ("CHECKPOINT_DISABLE", "1")] {
            variables.insert(name.into(), value.into());
        }
        Self { variables }
    }

    /// The same with one variable more (or replaced).
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// All variables.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

fn is_passed(name: &OsStr, value: &OsStr, pass: &[String]) -> bool {
    let Some(text) = name.to_str() else { return false };
    // A file of settings that is not there would make every command begin with a warning.
    if text == "TF_CLI_CONFIG_FILE" {
        return Path::new(value).is_file();
    }
    ALLOWED.iter().copied().chain(pass.iter().map(String::as_str)).any(|pattern| names(pattern, text))
}

fn names(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrub(caller: &[(&str, &str)], pass: &[&str]) -> Vec<String> {
        let caller = caller.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let pass: Vec<String> = pass.iter().map(|name| (*name).to_owned()).collect();
        let environment = Environment::scrubbed(caller, &pass, Path::new("/caller"));
        let own = ["TF_INPUT", "TF_IN_AUTOMATION", "CHECKPOINT_DISABLE"];
        let names = environment.iter().map(|(name, _)| name.to_str().unwrap().to_owned());
        names.filter(|name| !own.contains(&name.as_str())).collect()
    }

    #[test]
    fn strangers_stay_outside() {
        let caller = [
            ("PATH", "/bin"),
            ("TF_VAR_nodes", "99"),
            ("TF_WORKSPACE", "x"),
            ("TF_CLI_ARGS", "-x"),
            ("AWS_PROFILE", "p"),
        ];
        assert_eq!(scrub(&caller, &[]), ["AWS_PROFILE", "PATH"]);
    }

    #[test]
    fn the_estate_can_pass_more() {
        let caller = [("TF_VAR_nodes", "1"), ("DATADOG_KEY", "k"), ("DATADOG", "d")];
        assert_eq!(scrub(&caller, &["DATADOG_*"]), ["DATADOG_KEY"]);
    }

    #[test]
    fn relative_paths_are_led_from_the_callers_folder() {
        let caller =
            [("GOOGLE_APPLICATION_CREDENTIALS", "key.json"), ("TF_LOG_PATH", "/log"), ("AWS_PROFILE", "key.json")];
        let caller = caller.map(|(name, value)| (name.into(), value.into()));
        let environment = Environment::scrubbed(caller, &[], Path::new("/caller"));
        assert_eq!(environment.get("GOOGLE_APPLICATION_CREDENTIALS").unwrap(), "/caller/key.json");
        assert_eq!(environment.get("TF_LOG_PATH").unwrap(), "/log");
        assert_eq!(environment.get("AWS_PROFILE").unwrap(), "key.json");
    }

    #[test]
    fn a_settings_file_that_is_not_there_is_not_named() {
        assert!(scrub(&[("TF_CLI_CONFIG_FILE", "/no/such/file")], &[]).is_empty());
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(scrub(&[("TF_CLI_CONFIG_FILE", file.path().to_str().unwrap())], &[]), ["TF_CLI_CONFIG_FILE"]);
    }
}
