//! The one place where the environment is read: variables, working directory, terminal, user. Everything else gets it passed.

use std::ffi::OsString;
use std::path::PathBuf;

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
    /// Where short-lived files go.
    pub temporary: PathBuf,
    /// Whether standard error is a terminal that lines can be redrawn on.
    pub is_interactive: bool,
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
        let user = user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
        let command_line = std::iter::once("terrace".to_owned()).chain(words).collect::<Vec<_>>().join(" ");
        let is_dumb = variable("TERM").is_some_and(|terminal| terminal == "dumb");
        let is_interactive = console::user_attended_stderr() && !is_dumb;
        let temporary = std::env::temp_dir();
        Ok(Self { folder, environment, user, host, command_line, temporary, is_interactive })
    }

    /// Who runs the command.
    pub fn actor(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }
}

/// How many instances work at once when nobody says: one a core.
pub fn default_parallelism() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
