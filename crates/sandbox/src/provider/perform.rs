//! How a call to the cloud goes: it is taken in, takes its time, is done if the caller is still there, and is recorded. Owns that
//! order, and what faults do to it.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Session;
use crate::cloud::{Admission, Call, Cloud, CloudError, Effect, Operation, Outcome, Refusal, Request};
use crate::kind::ResourceType;

/// Tells whether the caller still waits: the other half of a future that is dropped when the caller goes away.
#[derive(Debug, Clone)]
pub(super) struct Caller(Weak<()>);

impl Caller {
    /// Whether the caller still waits.
    pub(super) fn is_there(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl Session {
    /// A call of this session's.
    pub(super) fn request(&self, operation: Operation, resource_type: ResourceType) -> Request {
        Request {
            identity: self.identity.to_string(),
            operation,
            resource_type,
            name: String::new(),
            id: String::new(),
            region: None,
        }
    }

    /// Makes a call. `check` says at once what the cloud would refuse, `act` does it in the end; both block. The function `id_of`
    /// tells the id from the result, for the record.
    pub(super) async fn perform<T: Send + 'static>(
        &self,
        request: Request,
        check: impl FnOnce(&Cloud) -> Result<(), CloudError> + Send + 'static,
        act: impl FnOnce(&Cloud, &Caller) -> Result<T, CloudError> + Send + 'static,
        id_of: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, CloudError> {
        let here = Arc::new(());
        let caller = Caller(Arc::downgrade(&here));
        let mut record = Record::begin(self.cloud.clone(), request.clone());
        let result = self.run(request, check, act, caller).await;
        record.resource = result.as_ref().ok().and_then(|(done, _)| id_of(done));
        let (result, outcome) = match result {
            Ok((done, None)) => (Ok(done), Outcome::Done),
            Ok((_, Some(late))) => (Err(late.into()), Outcome::DoneLate),
            Err(error @ CloudError::Abandoned) => (Err(error), Outcome::Abandoned),
            Err(error) => {
                let words = error.to_string();
                (Err(error), Outcome::Failed(words))
            }
        };
        record.end(outcome).await;
        drop(here);
        result
    }

    /// Does what `perform` says; with the result comes the time-out that the caller is to be told instead of it.
    async fn run<T: Send + 'static>(
        &self,
        request: Request,
        check: impl FnOnce(&Cloud) -> Result<(), CloudError> + Send + 'static,
        act: impl FnOnce(&Cloud, &Caller) -> Result<T, CloudError> + Send + 'static,
        caller: Caller,
    ) -> Result<(T, Option<Refusal>), CloudError> {
        let vendor = request.resource_type.vendor;
        let begun = Instant::now();
        let admission = blocking(&self.cloud, move |cloud| {
            let admission = cloud.admit(&request)?;
            if admission.effect.is_none() && !admission.takes.is_zero() {
                check(cloud)?;
            }
            Ok(admission)
        });
        let Admission { takes, effect } = admission.await?;
        match effect {
            Some(Effect::Fail { message }) => return Err(Refusal::injected(vendor, &message).into()),
            Some(Effect::TimeOut { after }) => {
                tokio::time::sleep(after).await;
                return Err(Refusal::timed_out(vendor, begun.elapsed()).into());
            }
            Some(Effect::SucceedLate) | None => {}
        }
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        let done = blocking(&self.cloud, move |cloud| act(cloud, &caller)).await?;
        Ok((done, effect.map(|_| Refusal::timed_out(vendor, begun.elapsed()))))
    }
}

/// Runs what waits for the disk where it holds nobody up.
async fn blocking<T: Send + 'static>(
    cloud: &Cloud,
    body: impl FnOnce(&Cloud) -> Result<T, CloudError> + Send + 'static,
) -> Result<T, CloudError> {
    let cloud = cloud.clone();
    match tokio::task::spawn_blocking(move || body(&cloud)).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down.
            Err(_) => Err(CloudError::Abandoned),
        },
    }
}

/// The record of a call in the making. Dropped before its end, it records that the caller went away.
struct Record {
    cloud: Cloud,
    request: Option<Request>,
    resource: Option<String>,
    at: Timestamp,
    begun: Instant,
}

impl Record {
    fn begin(cloud: Cloud, request: Request) -> Self {
        Self { cloud, request: Some(request), resource: None, at: Timestamp::now(), begun: Instant::now() }
    }

    fn call(&mut self, outcome: Outcome) -> Option<Call> {
        let request = self.request.take()?;
        Some(Call {
            at: self.at,
            identity: request.identity,
            operation: request.operation,
            vendor: Some(request.resource_type.vendor),
            kind: request.resource_type.kind.name.to_owned(),
            name: request.name,
            id: self.resource.take().unwrap_or(request.id),
            outcome,
            duration_ms: millis(self.begun.elapsed()),
        })
    }

    /// A call that is done stays done, also when it cannot be recorded: an answer that says otherwise would be the worse lie.
    async fn end(&mut self, outcome: Outcome) {
        if let Some(call) = self.call(outcome) {
            let _unrecorded = blocking(&self.cloud, move |cloud| cloud.record(&call)).await;
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(call) = self.call(Outcome::Abandoned) {
            let cloud = self.cloud.clone();
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn_blocking(move || cloud.record(&call));
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
