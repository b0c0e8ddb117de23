//! Options about gates that time opens, and about breaking the glass.

use clap::Args;
use terrace_domain::run::BreakGlass;

use crate::error::CommandError;
use crate::settings::Settings;
use crate::views;

/// What is done where gates do not let through.
#[derive(Debug, Args)]
pub struct Passage {
    /// In an emergency: let go of all gates, for this reason. It is recorded loudly
    #[arg(long, value_name = "REASON")]
    pub break_glass: Option<String>,
    #[command(flatten)]
    pub stay: Stay,
}

/// How long a process stays.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Stay {
    /// Stay until windows open and soak times are over, instead of leaving that to `terrace resume`; Ctrl-C leaves the run waiting
    #[arg(long)]
    pub wait: bool,
}

impl Passage {
    /// Who breaks the glass, and why; says so.
    pub fn break_glass(&self, settings: &Settings) -> Result<Option<BreakGlass>, CommandError> {
        let Some(reason) = &self.break_glass else { return Ok(None) };
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(CommandError::usage("breaking the glass needs a reason")
                .help("Say why, for those who will ask: `--break-glass 'the shop is down, ticket 4711'`."));
        }
        views::error::warn(&format!(
            "the glass is broken: no gate holds this run. The ledger records that {} did it, and why: {reason}",
            settings.user
        ));
        Ok(Some(BreakGlass { by: settings.user.clone(), reason: reason.to_owned() }))
    }
}
