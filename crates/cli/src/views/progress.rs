//! A run while it goes on: on a terminal one live line an instance at work, elsewhere plain lines. Goes to standard error.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use terrace_domain::name::StackName;
use terrace_domain::run::{Event, Instance, Run, Step};
use terrace_driver::local::Notice;
use terrace_world::terraform::Message;
use terrace_world::terraform::message::Phase;

use super::instance;

/// How often live lines are drawn again.
const TICK: Duration = Duration::from_millis(120);

/// Shows a run.
pub struct Progress {
    live: Option<MultiProgress>,
    bars: Mutex<HashMap<StackName, ProgressBar>>,
    width: usize,
    verbose: bool,
}

impl Progress {
    /// A view for instances of these stacks. `verbose`: say what Terraform does to each resource.
    pub fn new<'a>(is_interactive: bool, verbose: bool, stacks: impl Iterator<Item = &'a StackName>) -> Self {
        let live = is_interactive.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        let width = stacks.map(|name| name.as_str().len()).max().unwrap_or(0);
        Self { live, bars: Mutex::default(), width, verbose }
    }

    /// Takes in what the driver tells.
    pub fn note(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Event { event, run, .. } => self.event(event, run),
            Notice::Terraform { stack, step, message } => self.message(stack, *step, message),
            Notice::Plan { .. } => {}
        }
    }

    fn event(&self, event: &Event, run: &Run) {
        let live = self.live.is_some();
        match event {
            Event::StopRequested => self.line(&format!(
                "{} stopping: Terraform has been asked to stop, and is waited for. Nothing new is started.",
                style("!").for_stderr().yellow()
            )),
            Event::Abandoned => {}
            // Everything that is now final and has not been told before.
            _ => {
                for instance in touched(event, run) {
                    if instance.state.is_final() {
                        self.finish(instance);
                    } else if live {
                        self.bar(&instance.stack, instance.state.word());
                    } else if let Some(step) = instance.state.step().filter(|step| *step != Step::Prepare) {
                        let doing = if step == Step::Plan { "planning" } else { "applying" };
                        self.line(&format!("· {:width$}  {doing}", instance.stack, width = self.width));
                    }
                }
            }
        }
        if live {
            for instance in run.instances().iter().filter(|instance| instance.state.step().is_some()) {
                self.bar(&instance.stack, instance.state.word());
            }
        }
    }

    fn finish(&self, instance: &Instance) {
        let (mark, colour) = instance::mark(&instance.state);
        let bar = self.bars.lock().expect("no panic while held").remove(&instance.stack);
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        self.line(&format!(
            "{} {:width$}  {}",
            colour.for_stderr().apply_to(mark),
            instance.stack,
            instance::line(instance),
            width = self.width
        ));
    }

    fn message(&self, stack: &StackName, step: Step, message: &Message) {
        if let Message::Diagnostic(diagnostic) = message
            && !diagnostic.is_error
        {
            let place = diagnostic.file.as_ref().zip(diagnostic.line);
            let place = place.map(|(file, line)| format!(" ({file}:{line})")).unwrap_or_default();
            let mark = style("!").for_stderr().yellow();
            self.line(&format!("{mark} {stack:width$}  warning: {}{place}", diagnostic.summary, width = self.width));
        }
        let Message::Resource { address, phase, text } = message else { return };
        if let Some(bar) = self.bars.lock().expect("no panic while held").get(stack) {
            bar.set_message(format!("{}: {text}", step_word(step)));
        }
        let told = step == Step::Apply && matches!(phase, Phase::Complete | Phase::Failed);
        if self.verbose && (told || *phase == Phase::Started) {
            let text = text.strip_prefix(&format!("{address}: ")).unwrap_or(text);
            self.line(&format!("  {:width$}  {address}: {text}", stack, width = self.width));
        }
    }

    fn bar(&self, stack: &StackName, word: &str) {
        let Some(live) = &self.live else { return };
        let mut bars = self.bars.lock().expect("no panic while held");
        let bar = bars.entry(stack.clone()).or_insert_with(|| {
            let bar = live.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("{spinner} {prefix}  {wide_msg} {elapsed:.dim}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(format!("{:width$}", stack, width = self.width));
            bar.enable_steady_tick(TICK);
            bar
        });
        if !bar.message().starts_with(word) {
            bar.set_message(word.to_owned());
        }
    }

    /// Says a line above the live ones.
    pub fn line(&self, text: &str) {
        match &self.live {
            // The live lines give way, and come again below.
            Some(live) => live.suspend(|| super::say(text)),
            None => super::say(text),
        }
    }
}

fn step_word(step: Step) -> &'static str {
    match step {
        Step::Prepare => "preparing",
        Step::Plan => "planning",
        Step::Apply => "applying",
    }
}

/// The instances whose state an event changed: its own, and those that came to their end because of it.
fn touched<'a>(event: &Event, run: &'a Run) -> Vec<&'a Instance> {
    let own = match event {
        Event::Prepared { stack, .. }
        | Event::InputsUnknown { stack, .. }
        | Event::Planned { stack, .. }
        | Event::Applied { stack }
        | Event::Failed { stack, .. }
        | Event::Interrupted { stack } => run.instance(stack.as_str()),
        Event::Started | Event::StopRequested | Event::Abandoned => None,
    };
    own.into_iter().collect()
}
