//! Plans: which resources change how, by stack.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;

use console::{Style, style};
use serde::Serialize;
use terrace_domain::name::StackName;
use terrace_domain::plan::{Difference, PlanFacts};
use terrace_domain::run::{Run, Step};
use terrace_driver::local::Notice;
use terrace_world::terraform::Message;

use super::{instance, print, print_json, run as run_view};

/// What the plans of a run say, gathered while it goes on.
#[derive(Default)]
pub struct Gathered {
    plans: Mutex<BTreeMap<StackName, StackPlan>>,
}

/// What one stack's plan says.
#[derive(Default)]
struct StackPlan {
    /// Address and action of each resource that changes.
    resources: Vec<(String, String)>,
    rendering: Option<String>,
    differences: Vec<Difference>,
    facts: Option<PlanFacts>,
}

impl Gathered {
    /// Takes in what the driver tells.
    pub fn note(&self, notice: &Notice<'_>) {
        let mut plans = self.plans.lock().expect("no panic while held");
        match notice {
            Notice::Terraform { instance, step: Step::Plan, message: Message::PlannedChange { address, action } } => {
                let plan = plans.entry(instance.stack.clone()).or_default();
                plan.resources.push((address.clone(), action.clone()));
            }
            Notice::Plan { instance, text } => {
                plans.entry(instance.stack.clone()).or_default().rendering = Some((*text).to_owned());
            }
            Notice::Facts { instance, facts } => {
                plans.entry(instance.stack.clone()).or_default().facts = Some((*facts).clone());
            }
            Notice::Differences { instance, differences } => {
                plans.entry(instance.stack.clone()).or_default().differences = differences.to_vec();
            }
            _ => {}
        }
    }

    /// What the plans would still change, attribute by attribute, where that was asked for.
    pub fn differences(&self) -> BTreeMap<StackName, Vec<Difference>> {
        let plans = self.plans.lock().expect("no panic while held");
        let some = plans.iter().filter(|(_, plan)| !plan.differences.is_empty());
        some.map(|(stack, plan)| (stack.clone(), plan.differences.clone())).collect()
    }

    /// The facts of the plans that change something, where they were asked for.
    pub fn facts(&self) -> BTreeMap<StackName, PlanFacts> {
        let plans = self.plans.lock().expect("no panic while held");
        plans.iter().filter_map(|(stack, plan)| Some((stack.clone(), plan.facts.clone()?))).collect()
    }

    /// Prints the plans.
    pub fn text(&self, run: &Run) {
        let plans = self.plans.lock().expect("no panic while held");
        let mut text = String::new();
        for one in run.instances() {
            let Some(changes) = one.changes.as_ref().filter(|changes| !changes.is_empty()) else { continue };
            let _ = writeln!(text, "{}  {}", style(one.stack()).bold(), instance::changes_in_words(changes, false));
            let Some(plan) = plans.get(one.stack()) else { continue };
            if let Some(rendering) = &plan.rendering {
                let _ = writeln!(text, "{}", indented(rendering));
            } else {
                for (address, action) in &plan.resources {
                    let (sign, colour) = sign(action);
                    let _ = writeln!(text, "  {} {address}", colour.apply_to(format!("{sign:>3}")));
                }
                for output in &changes.outputs {
                    let _ = writeln!(text, "  {:>3} output.{output}", "");
                }
            }
        }
        print(&text);
    }

    /// Prints the plans as JSON, `terrace.plan/2`.
    pub fn json(&self, run: &Run) {
        let plans = self.plans.lock().expect("no panic while held");
        let resources = plans.iter().flat_map(|(stack, plan)| {
            plan.resources.iter().map(|(address, action)| ResourceJson { stack: stack.as_str(), address, action })
        });
        let report = PlanJson { plan: run_view::run_json(run, None), resources: resources.collect() };
        print_json("terrace.plan/2", &report);
    }
}

/// Terraform's signs for actions.
fn sign(action: &str) -> (&'static str, Style) {
    match action {
        "create" => ("+", Style::new().green()),
        "update" => ("~", Style::new().yellow()),
        "delete" => ("-", Style::new().red()),
        "replace" => ("-/+", Style::new().red()),
        "read" => ("<=", Style::new().cyan()),
        "import" => ("=>", Style::new().cyan()),
        "move" => ("->", Style::new().cyan()),
        "remove" => ("x", Style::new().yellow()),
        _ => ("", Style::new()),
    }
}

fn indented(text: &str) -> String {
    let lines = text.trim().lines();
    lines.map(|line| if line.is_empty() { String::from("\n") } else { format!("  {line}\n") }).collect()
}

#[derive(Serialize)]
struct PlanJson<'a> {
    #[serde(flatten)]
    plan: run_view::RunJson<'a>,
    resources: Vec<ResourceJson<'a>>,
}

#[derive(Serialize)]
struct ResourceJson<'a> {
    stack: &'a str,
    address: &'a str,
    action: &'a str,
}
