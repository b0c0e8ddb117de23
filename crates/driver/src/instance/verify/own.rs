//! The checks of a stack: evaluates what they ask, asks all of them side by side, and tells which do not hold.

use std::ffi::OsString;

use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use terrace_domain::check::{Check, CheckKind, OutputCheck, Shortfall, judge_output};
use terrace_domain::expression::{CheckScope, Expression, InstanceScope, ResolveError, Scope, evaluate, text_of};
use terrace_domain::name::StackName;
use terrace_domain::run::{InstanceId, Step};
use terrace_domain::value::Value;
use terrace_world::http::Asker;
use terrace_world::terraform::Environment;
use tokio::sync::watch;

use super::attempts::{Attempt, Next, Patience};
use super::mask::Mask;
use super::request::{self, Asked};
use super::terraform_test::{self, Tested};
use super::{Failed, command, error_at};
use crate::context::Context;
use crate::instance::halt::{Halt, StepResult, failed as failed_step};
use crate::instance::outputs::{OwnOutputs, read_own};
use crate::instance::prepare::Prepared;
use crate::instance::private_file::{remove, write_private};
use crate::instance::teller::{CheckNews, Teller};

/// So many checks of an instance are at work at once.
const AT_ONCE: usize = 8;
/// The variable that names the file with the outputs.
const OUTPUTS_VARIABLE: &str = "TERRACE_OUTPUTS";

/// The checks that do not hold.
pub(super) async fn failed(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    teller: &Teller,
    stop: watch::Receiver<bool>,
) -> StepResult<Vec<Failed>> {
    let checks = &ctx.stack(id).checks;
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    let outputs = read_own(ctx, id, prepared.place().environment(), stop.clone()).await?;
    let file = ctx.folder(id).outputs();
    let environment = prepared.place().environment().clone().with(OUTPUTS_VARIABLE, file.as_os_str());
    write_private(&file, &outputs.to_bytes()).map_err(failed_step(Step::Verify))?;
    let round = Round { ctx, id, prepared, teller, environment, mask: Mask::of(&outputs), outputs, stop };
    let asked = checks.iter().map(|check| Box::pin(round.ask(check)) as BoxFuture<'_, StepResult<Option<Failed>>>);
    let asked: Vec<_> = asked.collect();
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    // It holds secrets: it goes whatever happened.
    remove(&file).map_err(failed_step(Step::Verify))?;
    let answers: Vec<_> = answers.into_iter().collect::<StepResult<_>>()?;
    Ok(answers.into_iter().flatten().collect())
}

/// What a check asks.
enum Question<'c> {
    Command(Vec<OsString>),
    Request(Asker, Asked<'c>),
    Output(&'c OutputCheck),
}

/// All that the checks of an instance are asked with.
struct Round<'a> {
    ctx: &'a Context,
    id: &'a InstanceId,
    prepared: &'a Prepared,
    teller: &'a Teller,
    /// What programs see of the environment.
    environment: Environment,
    outputs: OwnOutputs,
    mask: Mask,
    stop: watch::Receiver<bool>,
}

impl Round<'_> {
    /// Asks one check until it holds or its time is over; `None` when it holds.
    async fn ask(&self, check: &Check) -> StepResult<Option<Failed>> {
        if matches!(check.kind, CheckKind::TerraformTest) {
            return self.test(check).await;
        }
        let shortfall = match self.question(check) {
            Ok(question) => self.shortfall(check, &question).await?,
            Err(shortfall) => Some(shortfall),
        };
        let Some(Shortfall { summary, detail }) = shortfall else {
            self.teller.check(check.name.as_str(), &CheckNews::Holds);
            return Ok(None);
        };
        Ok(Some(self.failed(check, &summary, detail)))
    }

    /// What a check asks, with its expressions evaluated.
    fn question<'c>(&self, check: &'c Check) -> Result<Question<'c>, Shortfall> {
        match &check.kind {
            CheckKind::Command(words) => {
                let words = words.iter().map(|word| self.text("the command", word).map(OsString::from));
                Ok(Question::Command(words.collect::<Result<_, _>>()?))
            }
            CheckKind::Http(http) => {
                let url = self.text("the URL", &http.url)?;
                let header = |(name, value): &(String, Expression)| {
                    Ok((name.clone(), self.text(&format!("the header field `{name}`"), value)?))
                };
                let headers = http.headers.iter().map(header).collect::<Result<_, Shortfall>>()?;
                let asker = Asker::new(&self.environment).map_err(|error| Shortfall::new(error.to_string()))?;
                Ok(Question::Request(asker, Asked { check: http, url, headers }))
            }
            CheckKind::Output(output) => Ok(Question::Output(output)),
            CheckKind::TerraformTest => unreachable!("tests are run once"),
        }
    }

    /// Asks as often as the check's time lets it; by what the last answer falls short.
    async fn shortfall(&self, check: &Check, question: &Question<'_>) -> StepResult<Option<Shortfall>> {
        let mut patience = Patience::with(check);
        loop {
            let shortfall = match self.attempt(check, question).await {
                Attempt::Holds => return Ok(None),
                Attempt::Never(shortfall) => return Ok(Some(shortfall)),
                Attempt::Stopped => return Err(Halt::Interrupted),
                Attempt::NotYet(shortfall) => shortfall,
            };
            match patience.wait(&shortfall, self.stop.clone(), self.teller).await {
                Next::Again => {}
                Next::Over => return Ok(Some(shortfall)),
                Next::Stopped => return Err(Halt::Interrupted),
            }
        }
    }

    async fn attempt(&self, check: &Check, question: &Question<'_>) -> Attempt {
        let Self { ctx, id, environment, mask, .. } = self;
        let (timeout, stop) = (check.timeout, self.stop.clone());
        match question {
            Question::Command(words) => command::attempt(ctx, id, words, environment, timeout, mask, stop).await,
            Question::Request(asker, asked) => request::attempt(asker, asked, timeout, mask, stop).await,
            Question::Output(output) => {
                self.evaluated(|scope| judge_output(output, scope)).map_or_else(Attempt::Never, |()| Attempt::Holds)
            }
        }
    }

    async fn test(&self, check: &Check) -> StepResult<Option<Failed>> {
        let Self { ctx, id, prepared, teller, .. } = self;
        match terraform_test::run(ctx, id, prepared, check.timeout, self.stop.clone(), teller).await? {
            Tested::Pass => {
                teller.check(check.name.as_str(), &CheckNews::Holds);
                Ok(None)
            }
            Tested::Stopped => Err(Halt::Interrupted),
            Tested::Fail(summary, more) => {
                let mut failed = self.failed(check, &summary, String::new());
                failed.diagnostics.extend(more);
                Ok(Some(failed))
            }
        }
    }

    fn failed(&self, check: &Check, why: &str, detail: String) -> Failed {
        let summary = format!("check `{}` failed: {why}", check.name);
        Failed { diagnostics: vec![error_at(self.ctx, self.id, check, summary, detail)] }
    }

    /// The value of an expression as a text. What is wrong is told without any value.
    fn text(&self, what: &str, expression: &Expression) -> Result<String, Shortfall> {
        self.evaluated(|scope| {
            let cannot = |why: &dyn std::fmt::Display| Shortfall::new(format!("{what} cannot be evaluated: {why}"));
            let value = evaluate(expression, scope).map_err(|error| cannot(&error))?;
            let text = text_of(&value).map_err(|error| cannot(&error))?;
            text.ok_or_else(|| cannot(&"it is null"))
        })
    }

    fn evaluated<T>(&self, work: impl FnOnce(&dyn Scope) -> T) -> T {
        let (ctx, id) = (self.ctx, self.id);
        // Checks read no other stack: the configuration is refused before.
        let others = |stack: &StackName, output: &str| -> Result<Value, ResolveError> {
            Err(ResolveError::new(format!("`stack.{stack}.{output}` cannot be read in a check")))
        };
        let (environment, stack) = (ctx.environment(id), Some(ctx.stack(id)));
        let instance = InstanceScope { estate: &ctx.estate, environment, stack, outputs: &others };
        work(&CheckScope { instance, outputs: self.outputs.values() })
    }
}
