//! `terrace validate`.

use clap::Args;
use terrace_config::{MemoryCache, check_estate, load_code, load_estate, sort_diagnostics};
use terrace_domain::diagnostic::Severity;

use crate::error::{CommandResult, Exit};
use crate::project::Project;
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Reads terrace.hcl, every stack.hcl and as much of the Terraform code as is needed to check that they fit together, and compiles the
policies of gates. Starts no Terraform and needs no network and no credentials.

Examples:
  terrace validate
  terrace validate --json | jq '.diagnostics[].summary'";

/// Check the estate: everything that is wrong, each with its place
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Validate {
    /// Print JSON (terrace.validate/1)
    #[arg(long)]
    json: bool,
}

impl Validate {
    /// Checks.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let tree = project.work_tree()?;
        let loaded = load_estate(&tree, &project.prefix()?);
        let mut found = loaded.diagnostics;
        let mut stacks = 0;
        if let Some(estate) = &loaded.estate {
            stacks = estate.stacks.len();
            let code = load_code(&tree, estate, estate.stacks.values(), &MemoryCache::default());
            found.extend(check_estate(&tree, estate, &code));
            found.extend(code.diagnostics);
            found.extend(terrace_policy::diagnose(&tree, estate));
            sort_diagnostics(&mut found);
        }
        let is_sound = !found.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        if self.json {
            views::diagnostics::json(&tree, &found, stacks);
        } else {
            views::diagnostics::report(&tree, &found, stacks);
        }
        Ok(if is_sound { Exit::Done } else { Exit::Usage })
    }
}
