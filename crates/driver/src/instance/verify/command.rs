//! A check that runs a program.

use std::ffi::OsString;
use std::time::Duration;

use terrace_domain::check::{Shortfall, judge_exit};
use terrace_domain::run::InstanceId;
use terrace_world::command::{Ended, Program};
use terrace_world::terraform::Environment;
use tokio::sync::watch;

use super::attempts::Attempt;
use super::mask::Mask;
use crate::context::Context;

/// How many lines of what a program said are shown: the last ones.
const LINES_MAX: usize = 20;

/// Runs it once.
pub(super) async fn attempt(
    ctx: &Context,
    id: &InstanceId,
    words: &[OsString],
    environment: &Environment,
    timeout: Duration,
    mask: &Mask,
    stop: watch::Receiver<bool>,
) -> Attempt {
    let Some((program, arguments)) = words.split_first() else {
        return Attempt::Never(Shortfall::new("no program is named"));
    };
    let work = ctx.folder(id).work();
    let program = Program { program, arguments, folder: &work, environment, timeout };
    let ran = match program.run(stop).await {
        Ok(ran) => ran,
        Err(error) => return Attempt::Never(Shortfall::new(error.to_string())),
    };
    let said = last_lines(&mask.apply(&ran.output));
    let judged = match ran.ended {
        Ended::Stopped => return Attempt::Stopped,
        Ended::TimedOut => Err(Shortfall { summary: format!("not done within {timeout:?}"), detail: said }),
        Ended::Exited(code) => judge_exit(code, &said),
    };
    judged.map_or_else(Attempt::NotYet, |()| Attempt::Holds)
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let shown = &lines[lines.len().saturating_sub(LINES_MAX)..];
    let visible = |line: &&str| line.chars().filter(|c| !c.is_control() || *c == '\t').collect::<String>();
    shown.iter().map(visible).collect::<Vec<_>>().join("\n")
}
