//! The one place where the environment is read: variables, working directory, terminal, user. Everything else gets it passed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::arguments::{ColourChoice, Global};
use crate::error::CommandError;

/// What a command works with beside its arguments.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the command was started, or what `-C` names.
    pub folder: PathBuf,
    /// The caller's environment variables.
    pub environment: Vec<(OsString, OsString)>,
    /// Who runs the command, `user@host`.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The command line, for people.
    pub command_line: String,
    /// The user's own folder for Terrace's settings and keys; `None` where there is no home folder.
    pub configuration: Option<PathBuf>,
    /// The user's file of credentials for registries, whether it is there or not; `None` where there is no home folder.
    pub credentials: Option<PathBuf>,
    /// Where short-lived files go.
    pub temporary: PathBuf,
    /// Whether standard error is a terminal that lines can be redrawn on.
    pub is_interactive: bool,
    /// How many characters fit into a line of standard output.
    pub columns: usize,
    /// Whether the locale says that text is UTF-8.
    pub is_utf8: bool,
    /// For tests: after how many entries in the ledger a process that drives a run dies (`TERRACE_CRASH_AFTER`).
    #[cfg(debug_assertions)]
    pub crash_after: Option<u64>,
}

impl Settings {
    /// Reads the environment.
    #[expect(clippy::disallowed_methods, reason = "configuration is read here, and nowhere else")]
    pub fn read(global: &Global) -> Result<Self, CommandError> {
        let mut folder = std::env::current_dir()
            .map_err(|error| CommandError::usage(format!("the working directory cannot be used: {error}")))?;
        if let Some(named) = &global.directory {
            folder = folder.join(named);
            if !folder.is_dir() {
                return Err(CommandError::usage(format!("`{}` is not a folder", named.display())));
            }
        }
        match global.color {
            ColourChoice::Auto => {}
            ColourChoice::Always => {
                console::set_colors_enabled(true);
                console::set_colors_enabled_stderr(true);
            }
            ColourChoice::Never => {
                console::set_colors_enabled(false);
                console::set_colors_enabled_stderr(false);
            }
        }
        let environment: Vec<_> = std::env::vars_os().collect();
        let variable = |name: &str| {
            let found = environment.iter().find(|(key, value)| key == name && !value.is_empty());
            found.map(|(_, value)| value.to_string_lossy().into_owned())
        };
        let user = variable("USER").or_else(|| variable("LOGNAME"));
        let uid = rustix::process::getuid().as_raw();
        let user = user.or_else(|| user_of(uid)).unwrap_or_else(|| format!("uid {uid}"));
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
        let command_line = std::iter::once("terrace".to_owned()).chain(words).collect::<Vec<_>>().join(" ");
        let is_dumb = variable("TERM").is_some_and(|terminal| terminal == "dumb");
        let is_interactive = console::user_attended_stderr() && !is_dumb;
        let columns = columns(variable("COLUMNS").as_deref());
        // The first that is set counts (POSIX.1-2017, Base Definitions, 8.2 Internationalization Variables).
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default().to_lowercase();
        let is_utf8 = locale.ends_with("utf-8") || locale.ends_with("utf8");
        let temporary = std::env::temp_dir();
        let path = |name: &str| {
            let found = environment.iter().find(|(key, value)| key == name && !value.is_empty());
            found.map(|(_, value)| PathBuf::from(value))
        };
        let configuration = configuration_folder(&folder, path);
        let credentials = credentials_file(&folder, path);
        Ok(Self {
            #[cfg(debug_assertions)]
            crash_after: variable("TERRACE_CRASH_AFTER").and_then(|entries| entries.parse().ok()),
            folder,
            environment,
            user,
            host,
            command_line,
            configuration,
            credentials,
            temporary,
            is_interactive,
            columns,
            is_utf8,
        })
    }

    /// The file of the user's signing key, whether it is there or not.
    pub fn signing_key(&self) -> Result<PathBuf, CommandError> {
        let folder = self.configuration.as_ref().ok_or_else(|| {
            CommandError::usage("there is no folder for keys: HOME is not set")
                .help("Set TERRACE_CONFIG_HOME to a folder that only you can read.")
        })?;
        Ok(folder.join(SIGNING_KEY))
    }

    /// Who locks a state when Terraform runs here, as Terraform writes it: `user@host`, for each name that the user may have for it.
    pub fn lockers(&self) -> Vec<String> {
        let own = user_of(rustix::process::getuid().as_raw());
        let names: std::collections::BTreeSet<String> = own.into_iter().chain([self.user.clone()]).collect();
        names.into_iter().map(|name| format!("{name}@{}", self.host)).collect()
    }

    /// Who runs the command.
    pub fn actor(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }
}

/// The file of the signing key in the configuration folder.
const SIGNING_KEY: &str = "signing-key.pem";

/// Where nobody says how wide a line is: in a pipe.
const COLUMNS_DEFAULT: usize = 100;

/// The width of the terminal that is standard output, else what `COLUMNS` says.
fn columns(variable: Option<&str>) -> usize {
    let terminal = console::Term::stdout();
    let measured = terminal.is_term().then(|| terminal.size_checked()).flatten().map(|(_, columns)| columns.into());
    let said = || variable.and_then(|columns| columns.parse().ok());
    measured.or_else(said).filter(|columns| *columns > 0).unwrap_or(COLUMNS_DEFAULT)
}

/// `TERRACE_CONFIG_HOME`, else `terrace` in `XDG_CONFIG_HOME` (XDG Base Directory Specification: a relative path there is invalid and
/// passed over), else `.config/terrace` in the home folder.
fn configuration_folder(folder: &Path, path: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let own = path("TERRACE_CONFIG_HOME").map(|own| folder.join(own));
    let xdg = || path("XDG_CONFIG_HOME").filter(|xdg| xdg.is_absolute());
    let home = || path("HOME").map(|home| home.join(".config"));
    own.or_else(|| xdg().or_else(home).map(|config| config.join("terrace")))
}

/// `config.json` in `DOCKER_CONFIG`, else in `.docker` in the home folder: where `docker login` writes.
fn credentials_file(folder: &Path, path: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let named = path("DOCKER_CONFIG").map(|named| folder.join(named));
    let home = || path("HOME").map(|home| home.join(".docker"));
    named.or_else(home).map(|docker| docker.join("config.json"))
}

/// How many instances work at once when nobody says: one a core.
pub fn default_parallelism() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The name of a user in the system's list (the manual page `passwd(5)`); Terraform looks there too.
fn user_of(uid: u32) -> Option<String> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    let uid = uid.to_string();
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, found) = (fields.next()?, fields.next()?, fields.next()?);
        (found == uid).then(|| name.to_owned())
    })
}
