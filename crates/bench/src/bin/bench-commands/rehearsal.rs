//! What Terrace adds to a rehearsal: one from zero of the example estate, beside the bare processes that it starts, in the same phases and
//! order and as many at once; and how long one of a single stack with fixtures takes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;
use terrace_bench::path_of;
use terrace_config::fixture::MemoryTree;
use terrace_config::load_estate;
use terrace_config::tree::FileKind;
use terrace_domain::estate::Estate;
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::run::{Mode, Order};
use terrace_sandbox::{Attachment, Server};

use crate::measure::Times;
use crate::overhead::{Overhead, run};
use crate::recording::{Call, StandIn};
use crate::replay::{command, drive, order_of, start};

/// The name of the ephemeral environment: the same each time, so that the processes work in the same folders.
const ENVIRONMENT: &str = "bench";
/// Both measurements.
pub(crate) struct Rehearsals {
    /// Of all stacks.
    pub(crate) whole: Overhead,
    /// Of one stack, with fixtures.
    pub(crate) alone: Times,
}

/// Makes the example in `root` and rehearses it, in turns with the bare processes.
pub(crate) fn measure(
    terrace: &Path,
    root: &Path,
    parallelism: usize,
    runs: usize,
    latency: &str,
) -> Result<Rehearsals> {
    let stand_in = StandIn::new(&root.with_file_name("stand-in-of-rehearsals"))?;
    stand_in.be_terraform()?;
    fs::create_dir_all(root)?;
    xtask::estate::begin(root)?;
    run(terrace, root, &stand_in, &["init", "--example", "harbour"])?;
    xtask::estate::commit(root, "Begin with the example estate")?;
    run(terrace, root, &stand_in, &["release", "build"])?;
    run(terrace, root, &stand_in, &["sandbox", "latency", latency])?;
    let folder = root.join(".terrace/rehearsals").join(ENVIRONMENT);
    let jobs = parallelism.to_string();
    let rehearse = |stacks: &[&str]| {
        remove(&folder)?;
        let options = ["--again", "--name", ENVIRONMENT, "--parallelism", &jobs];
        run(terrace, root, &stand_in, &[&["rehearse", "zero"], stacks, &options[..]].concat())
    };
    stand_in.be_recorder()?;
    rehearse(&[]).context("the recorded rehearsal")?;
    let estate = estate(root)?;
    let kept = root.with_file_name("calls-of-rehearsals");
    let calls = stand_in.calls()?.into_iter().map(|call| keep(call, &kept)).collect::<Result<Vec<_>>>()?;
    stand_in.be_terraform()?;
    let replay = Replay::new(stand_in.program(), calls, &estate, parallelism, root.join(".terrace/sandbox.db"))?;
    let (mut whole, mut bare, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        whole.push(rehearse(&[])?);
        remove(&folder)?;
        bare.push(replay.run()?);
        alone.push(rehearse(&["dns"])?);
    }
    let commands = replay.commands();
    let whole = Overhead { what: "rehearse zero", terrace: Times::new(whole), bare: Times::new(bare), commands };
    Ok(Rehearsals { whole, alone: Times::new(alone) })
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    Ok(())
}

/// The copy of a folder goes where the next recording does not remove it.
fn keep(mut call: Call, kept: &Path) -> Result<Call> {
    if let Some(before) = call.before.take() {
        fs::create_dir_all(kept)?;
        let to = kept.join(fs::read_dir(kept)?.count().to_string());
        fs::rename(&before, &to).with_context(|| format!("keep {}", before.display()))?;
        call.before = Some(to);
    }
    Ok(call)
}

fn estate(root: &Path) -> Result<Estate> {
    let mut files = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                if !path.ends_with(".git") && !path.ends_with(".terrace") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "hcl") {
                let inside = path.strip_prefix(root)?.to_str().context("a path in UTF-8")?.to_owned();
                files.push((path_of(&inside), FileKind::Regular, fs::read(&path)?));
            }
        }
    }
    load_estate(&MemoryTree::new(files), &RepoPath::root()).estate.context("the example is sound")
}

/// The processes of a rehearsal, ready to be started again.
struct Replay {
    program: PathBuf,
    /// Those of no stack.
    first: Vec<Call>,
    /// Deploying, planning again, destroying.
    phases: Vec<(Order, BTreeMap<StackName, Vec<Call>>)>,
    cloud: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl Replay {
    fn new(program: PathBuf, calls: Vec<Call>, estate: &Estate, parallelism: usize, cloud: PathBuf) -> Result<Self> {
        let mut by_stack: BTreeMap<StackName, Vec<Call>> = BTreeMap::new();
        let mut first = Vec::new();
        for call in calls {
            match estate.stacks.values().find(|stack| call.folder.ends_with(stack.folder.as_str())) {
                Some(stack) => by_stack.entry(stack.name.clone()).or_default().push(call),
                None => first.push(call),
            }
        }
        ensure!(by_stack.len() == estate.stacks.len(), "a rehearsal starts Terraform for each stack");
        let (mut deploying, mut planning, mut destroying) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (stack, mut calls) in by_stack {
            let is_plan = |call: &&Call| call.command() == "plan";
            let destroy = calls.iter().position(|call| call.has("-destroy")).context("each stack is destroyed")?;
            destroying.insert(stack.clone(), calls.split_off(destroy));
            let plans = calls.iter().filter(is_plan).count();
            ensure!(plans == 2, "{stack} is planned {plans} times before it is destroyed");
            let again = calls.iter().rposition(|call| is_plan(&call)).context("each stack is planned again")?;
            planning.insert(stack.clone(), calls.split_off(again));
            deploying.insert(stack, calls);
        }
        let phases = [(Mode::Deliver, deploying), (Mode::Plan, planning), (Mode::Destroy, destroying)].into_iter();
        let phases = phases.map(|(mode, calls)| Ok((order_of(estate, mode, parallelism)?, calls)));
        let phases = phases.collect::<Result<Vec<_>>>()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(Self { program, first, phases, cloud, runtime })
    }

    fn all(&self) -> impl Iterator<Item = &Call> {
        self.first.iter().chain(self.phases.iter().flat_map(|(_, calls)| calls.values().flatten()))
    }

    /// How many processes there are of each Terraform command.
    fn commands(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        self.all().for_each(|call| *counts.entry(call.command()).or_default() += 1);
        counts
    }

    /// Starts all processes; returns the wall time from the first's beginning to the last's end.
    fn run(&self) -> Result<Duration> {
        for call in self.all() {
            if let Some(before) = &call.before {
                let tree = call.tree().context("a stack's files are laid out in a folder `tree`")?;
                fs::create_dir_all(tree.parent().context("a folder lies in another")?)?;
                let copied = Command::new("cp").arg("-R").args([before, &tree]).stdin(Stdio::null()).status()?;
                ensure!(copied.success(), "{} cannot be copied", before.display());
            }
            for path in call.arguments.iter().filter_map(|one| one.to_str()?.split_once('=')).map(|(_, path)| path) {
                if let Some(parent) = Path::new(path).parent().filter(|parent| parent.is_absolute()) {
                    fs::create_dir_all(parent)?;
                }
            }
        }
        let server = self.runtime.block_on(Server::start(&self.cloud, &std::env::temp_dir()))?;
        let _in_runtime = self.runtime.enter();
        let attach = |stack: &StackName| Ok((stack.clone(), server.attach(&format!("{ENVIRONMENT}/{stack}"))?));
        let attachments: BTreeMap<StackName, Attachment> =
            self.phases[0].1.keys().map(attach).collect::<Result<_>>()?;
        // What is made has other ids each time: what was read of them is replaced by what is there now.
        let renamed = Mutex::new(BTreeMap::new());
        let begin = Instant::now();
        self.first.iter().try_for_each(|call| start(&self.program, call, None))?;
        for (order, calls) in &self.phases {
            drive(order, |stack| {
                let provider = attachments[stack].reattach_providers();
                calls[stack].iter().try_for_each(|call| self.again(call, &provider, &renamed))
            })?;
        }
        Ok(begin.elapsed())
    }

    fn again(&self, call: &Call, provider: &str, renamed: &Mutex<BTreeMap<String, String>>) -> Result<()> {
        if let Some((path, content)) = &call.inputs {
            let mut inputs: Json = serde_json::from_slice(content).context("inputs are JSON")?;
            rename(&mut inputs, &renamed.lock().expect("no panic while held"));
            fs::write(path, inputs.to_string()).with_context(|| format!("write {}", path.display()))?;
        }
        let Some(printed) = &call.printed else { return start(&self.program, call, Some(provider)) };
        let output = command(&self.program, call, Some(provider)).output().context("start Terraform")?;
        ensure!(output.status.success(), "`output` in {} ended with {}", call.folder.display(), output.status);
        let (before, now) = (serde_json::from_slice(printed)?, serde_json::from_slice(&output.stdout)?);
        pair(&before, &now, &mut renamed.lock().expect("no panic while held"));
        Ok(())
    }
}

/// Notes which text is in the place of which.
fn pair(before: &Json, now: &Json, renamed: &mut BTreeMap<String, String>) {
    match (before, now) {
        (Json::String(before), Json::String(now)) => {
            renamed.insert(before.clone(), now.clone());
        }
        (Json::Array(before), Json::Array(now)) => before.iter().zip(now).for_each(|(a, b)| pair(a, b, renamed)),
        (Json::Object(before), Json::Object(now)) => {
            before.iter().for_each(|(key, value)| now.get(key).into_iter().for_each(|now| pair(value, now, renamed)));
        }
        _ => {}
    }
}

fn rename(json: &mut Json, renamed: &BTreeMap<String, String>) {
    match json {
        Json::String(text) => renamed.get(text).into_iter().for_each(|now| text.clone_from(now)),
        Json::Array(items) => items.iter_mut().for_each(|item| rename(item, renamed)),
        Json::Object(entries) => entries.values_mut().for_each(|value| rename(value, renamed)),
        _ => {}
    }
}
