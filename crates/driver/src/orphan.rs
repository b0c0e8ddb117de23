//! Terraforms that live on when the process that drove their run is gone. Owns how they are found, asked to stop and waited for. What one did is
//! found out by whoever works there next.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use terrace_domain::name::EnvironmentName;
use terrace_domain::run::{InstanceId, Run};
use terrace_world::lock::{Holder, Lock};
use terrace_world::terraform::process;

use crate::home::Home;
use crate::instance::errors_in;

/// How often it is looked whether one has come to its end.
const PAUSE: Duration = Duration::from_millis(200);

/// The Terraforms that a run left at work. Nobody else works in their environments while this is kept.
pub struct Orphans {
    left: Vec<(InstanceId, PathBuf)>,
    /// Those in environments that another process has.
    out_of_reach: Vec<InstanceId>,
    /// Keeps others out of the environments.
    locks: Vec<Lock>,
}

impl Orphans {
    /// Those that are still at work for instances which this run, as it stood when its process died, had in hand. Where another process works
    /// in the environment, a Terraform there is that one's.
    pub fn of(home: &Home, holder: &Holder, run: &Run) -> io::Result<Self> {
        let mut found = Self { left: Vec::new(), out_of_reach: Vec::new(), locks: Vec::new() };
        let in_hand = run.instances().iter().filter(|one| one.state.step().is_some());
        let mut reached: BTreeMap<&EnvironmentName, bool> = BTreeMap::new();
        for InstanceId { environment, stack } in in_hand.map(|one| &one.id) {
            let is_ours = *reached.entry(environment).or_insert_with(|| {
                let lock = Lock::try_acquire(&home.locks(), environment.as_str(), holder);
                lock.map(|lock| found.locks.push(lock)).is_ok()
            });
            let errors = errors_in(&home.instance(environment.as_str(), stack.as_str()));
            if process::is_at_work(&errors)? {
                let id = InstanceId { environment: environment.clone(), stack: stack.clone() };
                if is_ours { found.left.push((id, errors)) } else { found.out_of_reach.push(id) }
            }
        }
        Ok(found)
    }

    /// Those that are not asked to stop, since another process works in their environment.
    pub fn out_of_reach(&self) -> &[InstanceId] {
        &self.out_of_reach
    }

    /// Asks each to stop, once. Returns those that were asked, and those that could not be found on this machine.
    pub fn interrupt(&self) -> (Vec<&InstanceId>, Vec<&InstanceId>) {
        let (mut asked, mut not_found) = (Vec::new(), Vec::new());
        for (id, errors) in &self.left {
            let list = if process::interrupt_holder(errors) { &mut asked } else { &mut not_found };
            list.push(id);
        }
        (asked, not_found)
    }

    /// Waits until all have come to their end.
    pub fn wait(&self) -> io::Result<()> {
        for (_, errors) in &self.left {
            while process::is_at_work(errors)? {
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }
}
