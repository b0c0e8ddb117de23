//! Makes ready one instance of an environment that is not delivered to: for commands that read its state, or put another in its place.

use std::sync::Arc;

use terrace_domain::blast::Holdings;
use terrace_domain::run::{Failure, InstanceId, Mode};
use terrace_driver::context::Context;
use terrace_driver::instance::Halt;
use terrace_world::lock::Lock;
use tokio::sync::watch;

use super::hold::take;
use super::ordering::Wishes;
use super::signals::stop_on_signals;
use super::{Prospect, Reach, Target};
use crate::error::CommandError;
use crate::selection::Selection;
use crate::settings::Settings;
use crate::views::progress::Progress;

/// An instance that nobody else works on.
pub struct AtRest {
    /// All that its steps need.
    pub ctx: Context,
    /// Which instance.
    pub id: InstanceId,
    /// Becomes true when somebody asks to stop.
    pub stop: watch::Receiver<bool>,
    /// Keeps others out of the environment.
    _lock: Lock,
}

/// The instance of one stack in an environment, as the last commit has it.
pub fn prospect(stack: &str, environment: &str, settings: &Settings) -> Result<Prospect, CommandError> {
    let target = Target {
        selection: Selection { stacks: vec![stack.to_owned()], affected: None, why: false },
        stage: None,
        env: Some(environment.to_owned()),
        commit: "HEAD".to_owned(),
        upstream: false,
        parallelism: None,
        verbose: false,
    };
    target.resolve(settings, false, Reach::First)
}

impl Prospect {
    /// Makes its one stack's instance ready, and does some work with it.
    pub fn with_instance_at_rest<T>(
        self,
        settings: &Settings,
        work: impl AsyncFnOnce(AtRest) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| CommandError::failed(format!("threads cannot be started: {error}")))?;
        runtime.block_on(async { work(self.at_rest(settings).await?).await })
    }

    async fn at_rest(self, settings: &Settings) -> Result<AtRest, CommandError> {
        let mut selected = self.selected.stacks.iter();
        let (Some(stack), None) = (selected.next(), selected.next()) else {
            return Err(CommandError::usage("this works on one stack; more than one was named"));
        };
        let stack = stack.clone();
        let stop = stop_on_signals(Arc::new(Progress::new(false, false, std::iter::empty())))?;
        let home = self.project.home();
        home.create()?;
        let environment = self.legs[0].environment.clone();
        let lock = take(&home, &environment, settings)?;
        let crew = self.crew(settings, None, Mode::Plan);
        let gear = crew.gear().await?;
        let order =
            self.order(&Wishes { mode: Mode::Plan, confirmed: &[], again: true, break_glass: None }, None, |_| None);
        let ctx = crew.context(gear, &order, None, &[], Holdings::new())?;
        Ok(AtRest { ctx, id: InstanceId { environment, stack }, stop, _lock: lock })
    }
}

/// What keeps a step from its end, as the end of a command.
pub fn halted(halt: Halt) -> CommandError {
    match halt {
        Halt::Failed(failure) => failed(&failure),
        Halt::Interrupted => CommandError::failed("interrupted: somebody asked to stop"),
        Halt::InputsUnknown(_) => {
            CommandError::failed("inputs are not known, and none were asked for: a bug in terrace")
        }
    }
}

fn failed(failure: &Failure) -> CommandError {
    let details = failure.diagnostics.iter().filter(|found| found.is_error).map(|found| {
        let separator = if found.detail.is_empty() { "" } else { "\n" };
        format!("\n{}{separator}{}", found.summary, found.detail)
    });
    let mut message = failure.summary.clone();
    // One error alone is the summary already, but for its detail.
    match &failure.diagnostics[..] {
        [only] if only.summary == failure.summary => {
            if !only.detail.is_empty() {
                message = format!("{message}\n{}", only.detail);
            }
        }
        _ => details.for_each(|detail| message.push_str(&detail)),
    }
    CommandError { help: failure.help.clone(), ..CommandError::failed(message) }
}
