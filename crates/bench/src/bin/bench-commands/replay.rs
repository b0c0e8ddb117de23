//! Starts the Terraform processes of a `deliver` again, by hand: in the same folders, with the same arguments, environment and order,
//! as many at once. What this takes is what Terraform takes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use terrace_domain::digest::Digest;
use terrace_domain::estate::Estate;
use terrace_domain::graph::Graph;
use terrace_domain::name::StackName;
use terrace_domain::run::{Changes, Effect, Event, Mode, Moment, Order, OrderedStage, Run, advance};
use terrace_sandbox::{Attachment, Server};

use crate::recording::Call;

/// The variable with which Terraform finds the sandbox's provider: it holds an address, which is another each time.
pub(crate) const REATTACH: &str = "TF_REATTACH_PROVIDERS";

/// The processes of a `deliver`, ready to be started again.
pub(crate) struct Replay {
    program: PathBuf,
    order: Order,
    /// Those of no stack: questions for Terraform's version.
    first: Vec<Call>,
    by_stack: BTreeMap<StackName, Vec<Call>>,
    runtime: tokio::runtime::Runtime,
    cloud: PathBuf,
}

impl Replay {
    pub(crate) fn new(
        program: PathBuf,
        calls: Vec<Call>,
        estate: &Estate,
        parallelism: usize,
        cloud: PathBuf,
    ) -> Result<Self> {
        let mut by_stack: BTreeMap<StackName, Vec<Call>> = BTreeMap::new();
        let mut first = Vec::new();
        for call in calls {
            match estate.stacks.values().find(|stack| call.folder.ends_with(stack.folder.as_str())) {
                Some(stack) => by_stack.entry(stack.name.clone()).or_default().push(call),
                None => first.push(call),
            }
        }
        ensure!(by_stack.len() == estate.stacks.len(), "a deliver starts Terraform for each stack");
        for calls in by_stack.values_mut() {
            // A stack's outputs are read, for those downstream, after its own plan.
            calls.sort_by_key(|call| call.arguments[0] == "output");
        }
        let order = order_of(estate, Mode::Deliver, parallelism)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(Self { program, order, first, by_stack, runtime, cloud })
    }

    /// How many processes there are of each Terraform command.
    pub(crate) fn commands(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.first.iter().chain(self.by_stack.values().flatten()) {
            *counts.entry(call.command()).or_default() += 1;
        }
        counts
    }

    /// Starts all processes; returns the wall time from the first's beginning to the last's end.
    pub(crate) fn run(&self) -> Result<Duration> {
        for (path, content) in self.by_stack.values().flatten().filter_map(|call| call.inputs.as_ref()) {
            fs::write(path, content).with_context(|| format!("write {}", path.display()))?;
        }
        let server = self.runtime.block_on(Server::start(&self.cloud, &std::env::temp_dir()))?;
        let _in_runtime = self.runtime.enter();
        let attachments: BTreeMap<&StackName, Attachment> =
            self.by_stack.keys().map(|stack| Ok((stack, server.attach("benchmark")?))).collect::<Result<_>>()?;
        let begin = Instant::now();
        for call in &self.first {
            start(&self.program, call, None)?;
        }
        drive(&self.order, |stack| {
            let provider = attachments[stack].reattach_providers();
            self.by_stack[stack].iter().try_for_each(|call| start(&self.program, call, Some(&provider)))
        })?;
        Ok(begin.elapsed())
    }
}

/// Works on the stacks of an order as a driver of Terrace does: each in its turn, after others, and so many at once.
pub(crate) fn drive(order: &Order, work: impl Fn(&StackName) -> Result<()> + Sync) -> Result<()> {
    let (ended, ends) = mpsc::channel();
    std::thread::scope(|scope| {
        let mut run = Run::new(order.clone());
        let mut events = VecDeque::from([Event::Started]);
        while run.finished().is_none() {
            let event = match events.pop_front() {
                Some(event) => event,
                None => ends.recv().context("a process ends")??,
            };
            let (next, effects) = advance(run, Moment(0), event)?;
            run = next;
            for effect in effects {
                match effect {
                    Effect::Enter(environment) => {
                        events.push_back(Event::Entered {
                            environment,
                            standings: BTreeMap::new(),
                            recovered: BTreeMap::new(),
                        });
                    }
                    Effect::Prepare(instance) => {
                        events.push_back(Event::Prepared { instance, provisional: false });
                    }
                    Effect::Plan(instance) => {
                        let (work, ended) = (&work, ended.clone());
                        scope.spawn(move || {
                            let event = work(&instance.stack).map(|()| Event::Planned {
                                instance,
                                changes: Changes::default(),
                                cover: None,
                                losses: Vec::new(),
                                assessment: None,
                            });
                            // Nobody listens any more only when another process failed.
                            let _ = ended.send(event);
                        });
                    }
                    Effect::Apply(_)
                    | Effect::Settle(_)
                    | Effect::Verify(_)
                    | Effect::Interrupt(_)
                    | Effect::Leave(_)
                    | Effect::Finish => {}
                }
            }
        }
        Ok(())
    })
}

/// The order to work on all stacks of an estate, so many at once.
pub(crate) fn order_of(estate: &Estate, mode: Mode, parallelism: usize) -> Result<Order> {
    let all: BTreeSet<StackName> = estate.stacks.keys().cloned().collect();
    let stacks = Order::stacks_of(&Graph::of(estate), &all, &BTreeSet::new(), |_| None, |_| false);
    Ok(Order {
        mode,
        release: None,
        commit: None,
        parallelism,
        again: true,
        break_glass: None,
        stages: vec![OrderedStage {
            stage: "dev".parse()?,
            environment: "dev".parse()?,
            after: None,
            gates: Vec::new(),
            settings: vec![Digest([0; 32]); all.len()],
        }],
        stacks: if mode == Mode::Destroy { Order::reversed(stacks) } else { stacks },
    })
}

/// Starts a process and waits until it has ended well.
pub(crate) fn start(program: &Path, call: &Call, provider: Option<&str>) -> Result<()> {
    let status = command(program, call, provider).stdout(Stdio::null()).status().context("start Terraform")?;
    // A plan that changes something ends with 2, where it is asked to tell.
    let is_well = status.success() || status.code() == Some(2) && call.has("-detailed-exitcode");
    ensure!(is_well, "{:?} in {} ended with {status}", call.arguments, call.folder.display());
    Ok(())
}

/// The process of a call, with another address of the provider.
pub(crate) fn command(program: &Path, call: &Call, provider: Option<&str>) -> Command {
    let own = call.environment.iter().filter(|(name, _)| name != OsStr::new(REATTACH));
    let mut command = Command::new(program);
    command
        .args(&call.arguments)
        .current_dir(&call.folder)
        .env_clear()
        .envs(own.map(|(name, value)| (name, value)))
        .envs(provider.map(|address| (REATTACH, OsString::from(address))))
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}
