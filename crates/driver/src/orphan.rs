//! Terraforms that live on when the process that drove their run is gone. Owns how they are found, asked to stop and waited for. What one did is
//! found out by whoever works there next.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

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
    _locks: Vec<Lock>,
}

impl Orphans {
    /// Those that are still at work for instances which this run, as it stood when its process died, had in hand. Where another process works
    /// in the environment, a Terraform there is that one's.
    pub fn of(home: &Home, holder: &Holder, run: &Run) -> io::Result<Self> {
        let (mut left, mut locks): (Vec<(InstanceId, PathBuf)>, Vec<Lock>) = (Vec::new(), Vec::new());
        for stage in &run.order().stages {
            let environment = &stage.environment;
            let in_hand = |id: &&InstanceId| id.environment == *environment;
            let at_work = run.instances().iter().filter(|one| one.state.step().is_some()).map(|one| &one.id);
            let mut at_work = at_work.filter(in_hand).peekable();
            if at_work.peek().is_none() {
                continue;
            }
            let Ok(lock) = Lock::try_acquire(&home.locks(), environment.as_str(), holder) else { continue };
            for id in at_work {
                let errors = errors_in(&home.instance(environment.as_str(), id.stack.as_str()));
                if process::is_at_work(&errors)? {
                    left.push((id.clone(), errors));
                }
            }
            locks.push(lock);
        }
        Ok(Self { left, _locks: locks })
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
