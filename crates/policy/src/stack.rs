//! Room for the interpreter: it calls itself for every rule that a rule rests on, deeper than a usual thread has stack. Owns how much it gets,
//! and that a failure of it stays its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// The stack of a thread that evaluates: memory that is not touched costs nothing. [`super::syntax::DEPTH_MAX`] rules fit, also in a build
/// without optimisation.
pub(crate) const STACK_BYTES: usize = 512 << 20;

/// Does the work on a thread with such a stack. The error is what it failed with: the interpreter must not take a whole run with it.
pub(crate) fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("policy".to_owned()).stack_size(STACK_BYTES);
        let started = thread.spawn_scoped(scope, || guarded(work));
        match started {
            Ok(running) => running.join().unwrap_or_else(|_| Err("its thread ended".to_owned())),
            Err(error) => Err(format!("no thread can be started: {error}")),
        }
    })
}

/// Does the work; the error is what it failed with.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        format!("the interpreter failed: {}", text.unwrap_or("it did not say why"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_and_there_is_room() {
        fn deep(left: u32) -> u64 {
            let room = [u64::from(left); 256];
            if left == 0 { 0 } else { deep(left - 1) + std::hint::black_box(room)[17] }
        }
        assert_eq!(with_room(|| deep(4_000)), Ok(8_002_000));
        let failed = with_room(|| -> u8 { panic!("no {}", "way") });
        assert_eq!(failed, Err("the interpreter failed: no way".to_owned()));
    }
}
