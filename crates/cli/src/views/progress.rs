//! A run while it goes on: on a terminal one live line an instance at work, elsewhere plain lines. Goes to standard error.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use terrace_domain::estate::Stack;
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::run::{Effect, Event, Instance, InstanceId, InstanceState, Moment, Run, Step, TerraformDiagnostic};
use terrace_driver::instance::CheckNews;
use terrace_driver::local::Notice;
use terrace_world::terraform::Message;
use terrace_world::terraform::message::Phase;

use super::{instance, time};
use crate::delivery::who;

/// How wide the column of environments is: their names are short words.
const ENVIRONMENT_WIDTH: usize = 8;
/// How often live lines are drawn again.
const TICK: Duration = Duration::from_millis(120);

/// Shows a run.
pub struct Progress {
    live: Option<MultiProgress>,
    bars: Mutex<HashMap<InstanceId, ProgressBar>>,
    /// The warnings that were told, of each instance that has not come to its end.
    warned: Mutex<HashMap<InstanceId, HashSet<String>>>,
    /// What time holds up, once it was told, with until when.
    held: Mutex<HashMap<InstanceId, Option<Moment>>>,
    folders: HashMap<StackName, RepoPath>,
    width: usize,
    verbose: bool,
    /// Whether the run goes through several environments: then they are named.
    names_environments: AtomicBool,
}

impl Progress {
    /// A view for instances of these stacks. `verbose`: say what Terraform does to each resource.
    pub fn new<'a>(is_interactive: bool, verbose: bool, stacks: impl Iterator<Item = &'a Stack>) -> Self {
        let live = is_interactive.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        let folders: HashMap<_, _> = stacks.map(|stack| (stack.name.clone(), stack.folder.clone())).collect();
        let width = folders.keys().map(|name| name.as_str().len()).max().unwrap_or(0);
        Self {
            live,
            bars: Mutex::default(),
            warned: Mutex::default(),
            held: Mutex::default(),
            folders,
            width,
            verbose,
            names_environments: AtomicBool::new(false),
        }
    }

    /// Takes in what the driver tells.
    pub fn note(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Event { event, run, effects, .. } => {
                self.names_environments.store(run.order().stages.len() > 1, Ordering::Relaxed);
                self.event(event, run, effects);
            }
            Notice::Terraform { instance, step, message } => self.message(instance, *step, message),
            Notice::Plan { .. } | Notice::Differences { .. } | Notice::Facts { .. } => {}
            Notice::EnvironmentTaken { environment, holder } => {
                self.attention(&format!("waiting for {environment}: it is taken by {}", who(*holder)));
            }
            Notice::StateLocked { instance, lock } if lock.who.is_empty() => self.attention(&format!(
                "waiting for the state of {instance}: locked (lock {}); its backend does not tell by whom",
                if lock.id.is_empty() { "unknown" } else { &lock.id }
            )),
            Notice::StateLocked { instance, lock } => self.attention(&format!(
                "waiting for the state of {instance}: locked by {} since {} ({}, lock {})",
                lock.who, lock.created, lock.operation, lock.id
            )),
            Notice::LockReleased { instance, lock } => self.attention(&format!(
                "released the lock {} on the state of {instance}: a Terraform of Terrace's own had left it when it died",
                lock.id
            )),
            Notice::Outlived { instance } => self.attention(&format!(
                "a Terraform is still at work on {instance}, which an earlier Terrace started: waiting for it"
            )),
            Notice::Check { instance, check, news } => self.check(instance, check, news),
            Notice::BadEvidence { instance, environment, why } => self.attention(&format!(
                "there is evidence that {} succeeded in {environment}, and it does not count: {why}",
                instance.stack
            )),
        }
    }

    /// The event's own instance and those that begin a step because of it: the cost does not grow with the run. Instances that end
    /// without having begun are told in the summary.
    fn event(&self, event: &Event, run: &Run, effects: &[Effect]) {
        if matches!(event, Event::StopRequested) {
            self.line(&format!(
                "{} stopping: Terraform has been asked to stop, and is waited for. Nothing new is started.",
                style("!").for_stderr().yellow()
            ));
        }
        let own = event.instance().and_then(|id| run.instance(id));
        if let Some(instance) =
            own.filter(|instance| instance.state.is_final() || matches!(instance.state, InstanceState::Awaiting(_)))
        {
            self.finish(instance);
        }
        for (instance, hold) in run.held() {
            let told = self.held.lock().expect("no panic while held").insert(instance.id.clone(), hold.until);
            if told != Some(hold.until) {
                self.finish(instance);
            }
        }
        if let Event::Stale { instance, differs } = event {
            let parts: Vec<_> = differs.iter().map(|part| part.as_str()).collect();
            let why = if parts.is_empty() {
                "it cannot be used any more".to_owned()
            } else {
                format!("another {}", parts.join(", "))
            };
            self.attention(&format!("the saved plan of {instance} is not applied: {why}. It is planned again"));
        }
        for effect in effects {
            match effect {
                Effect::Prepare(id) => self.bar(id, step_word(Step::Prepare)),
                Effect::Plan(id) => self.begin(id, Step::Plan),
                Effect::Apply(id) => self.begin(id, Step::Apply),
                Effect::Settle(id) => self.begin(id, Step::Settle),
                Effect::Verify(id) => self.begin(id, Step::Verify),
                Effect::Enter(_) | Effect::Leave(_) | Effect::Interrupt(_) | Effect::Finish => {}
            }
        }
    }

    fn begin(&self, id: &InstanceId, step: Step) {
        if self.live.is_some() {
            self.bar(id, step_word(step));
        } else {
            self.line(&format!("· {}  {}", self.label(id), step_word(step)));
        }
    }

    fn finish(&self, instance: &Instance) {
        let (mark, colour) = instance::mark(&instance.state);
        let bar = self.bars.lock().expect("no panic while held").remove(&instance.id);
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        self.warned.lock().expect("no panic while held").remove(&instance.id);
        self.line(&format!(
            "{} {}  {}",
            colour.for_stderr().apply_to(mark),
            self.label(&instance.id),
            instance::line(instance)
        ));
    }

    fn message(&self, id: &InstanceId, step: Step, message: &Message) {
        if let Message::Diagnostic(diagnostic) = message
            && !diagnostic.is_error
        {
            self.warning(id, diagnostic);
        }
        let Message::Resource { address, phase, text } = message else { return };
        if let Some(bar) = self.bars.lock().expect("no panic while held").get(id) {
            bar.set_message(format!("{}: {text}", step_word(step)));
        }
        let told = step == Step::Apply && matches!(phase, Phase::Complete | Phase::Failed);
        if self.verbose && (told || *phase == Phase::Started) {
            let text = text.strip_prefix(&format!("{address}: ")).unwrap_or(text);
            self.line(&format!("  {}  {address}: {text}", self.label(id)));
        }
    }

    fn check(&self, id: &InstanceId, check: &str, news: &CheckNews<'_>) {
        let text = match news {
            CheckNews::Holds if !self.verbose => return,
            CheckNews::Holds => format!("check {check}: holds"),
            CheckNews::NotYet { why, pause } => {
                format!("check {check}: not yet: {why}, again in {}", time::duration(millis(*pause)))
            }
            CheckNews::Unknown => format!("check {check}: not known, since nothing was applied"),
        };
        let bar = self.bars.lock().expect("no panic while held").get(id).cloned();
        match bar.filter(|_| matches!(news, CheckNews::NotYet { .. })) {
            Some(bar) => bar.set_message(format!("{}: {text}", step_word(Step::Verify))),
            None => self.line(&format!("· {}  {text}", self.label(id))),
        }
    }

    /// Terraform says the same at the plan and at the apply: it is told once.
    fn warning(&self, id: &InstanceId, diagnostic: &TerraformDiagnostic) {
        let text = warning_in_words(self.folders.get(&id.stack), diagnostic);
        let is_new =
            self.warned.lock().expect("no panic while held").entry(id.clone()).or_default().insert(text.clone());
        if is_new {
            let mark = style("!").for_stderr().yellow();
            self.line(&format!("{mark} {}  warning: {text}", self.label(id)));
        }
    }

    fn bar(&self, id: &InstanceId, word: &str) {
        let Some(live) = &self.live else { return };
        let mut bars = self.bars.lock().expect("no panic while held");
        let bar = bars.entry(id.clone()).or_insert_with(|| {
            let bar = live.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("{spinner} {prefix}  {wide_msg} {elapsed:.dim}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(self.label(id));
            bar.enable_steady_tick(TICK);
            bar
        });
        if !bar.message().starts_with(word) {
            bar.set_message(word.to_owned());
        }
    }

    /// The instance's name, as wide as the widest: the stack's, with its environment where there are several.
    fn label(&self, id: &InstanceId) -> String {
        if self.names_environments.load(Ordering::Relaxed) {
            return format!("{:ENVIRONMENT_WIDTH$} {:width$}", id.environment, id.stack, width = self.width);
        }
        format!("{:width$}", id.stack, width = self.width)
    }

    /// Something that people should notice.
    fn attention(&self, text: &str) {
        self.line(&format!("{} {text}", style("!").for_stderr().yellow()));
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

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn step_word(step: Step) -> &'static str {
    match step {
        Step::Prepare => "preparing",
        Step::Plan => "planning",
        Step::Apply => "applying",
        Step::Settle => "looking what came of it",
        Step::Verify => "verifying",
    }
}

/// A warning in one line: what it is about, the beginning of what it says (a check's own message stands there), and where.
fn warning_in_words(stack: Option<&RepoPath>, diagnostic: &TerraformDiagnostic) -> String {
    let mut text = diagnostic.summary.clone();
    if let Some(said) = diagnostic.detail.lines().map(str::trim).find(|line| !line.is_empty()) {
        text = format!("{text}: {said}");
    }
    let file = stack.map_or_else(|| diagnostic.file.clone(), |stack| diagnostic.file_in_repository(stack));
    if let Some(file) = file {
        let line = diagnostic.line.map(|line| format!(":{line}")).unwrap_or_default();
        text = format!("{text} ({file}{line})");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning() -> TerraformDiagnostic {
        TerraformDiagnostic {
            is_error: false,
            summary: "Check block assertion failed".into(),
            detail: "\n  The certificate expires soon.\nRenew it.".into(),
            address: None,
            file: Some("../../modules/edge/main.tf".into()),
            line: Some(14),
            code: None,
        }
    }

    #[test]
    fn a_warning_has_its_message_and_its_place_in_the_repository() {
        let folder = RepoPath::new("stacks/edge").unwrap();
        assert_eq!(
            warning_in_words(Some(&folder), &warning()),
            "Check block assertion failed: The certificate expires soon. (modules/edge/main.tf:14)"
        );
        let bare = TerraformDiagnostic { detail: String::new(), file: None, ..warning() };
        assert_eq!(warning_in_words(Some(&folder), &bare), "Check block assertion failed");
    }
}
