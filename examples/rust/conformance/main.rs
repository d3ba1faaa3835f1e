//! Makes the calls of conformance/steps.json and prints what came, as conformance/README.md describes.
//!
//! Two files are named to it: the steps, and the contract as a `FileDescriptorSet`, by which requests and answers are proto JSON.

mod calls;
mod contract;
mod transcript;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::env;

use anyhow::{Context, Result};
use gateway::{Gateway, Trace, sandbox_tokens};
use serde::Deserialize;
use serde_json::Value;

use crate::calls::Call;
use crate::contract::Contract;

/// One call and what to print of its answer.
#[derive(Deserialize)]
struct Step {
    id: String,
    call: String,
    #[serde(default = "clinician")]
    persona: String,
    #[serde(default)]
    cis2: bool,
    deadline_ms: Option<u64>,
    cancel_after: Option<String>,
    request: Option<Value>,
    #[serde(default)]
    requests: Vec<Value>,
    #[serde(default)]
    save: HashMap<String, String>,
    #[serde(default)]
    print: Vec<String>,
}

fn clinician() -> String {
    "clinician".into()
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut files = env::args().skip(1).map(std::fs::read);
    let steps = files.next().context("no steps are named")??;
    let contract = Contract::new(&files.next().context("no contract is named")??)?;
    let steps: Vec<Step> = serde_json::from_slice(&steps)?;
    let (mut gateways, mut saved) = (HashMap::new(), HashMap::new());
    for step in &steps {
        println!("{}", step.id);
        let gateway = gateway(&mut gateways, step).await?;
        let (trace, requests) = (Trace::new(), requests(step, &saved));
        let call = Call { step, contract: &contract, trace, requests };
        let (answer, failed) = call.make(gateway).await?;
        transcript::show(step, &answer, failed.as_ref(), &trace.id());
        for (name, path) in &step.save {
            let found = answer.find(path).into_iter().next().context("there is nothing to save")?;
            saved.insert(name.clone(), found);
        }
    }
    Ok(())
}

/// The step's requests, with what earlier steps saved.
fn requests(step: &Step, saved: &HashMap<String, String>) -> Vec<String> {
    let fill = |request: &Value| {
        let fill = |text: String, (name, value): (&String, &String)| text.replace(&format!("${{{name}}}"), value);
        saved.iter().fold(request.to_string(), fill)
    };
    step.requests.iter().chain(&step.request).map(fill).collect()
}

type Gateways<'s> = HashMap<(&'s str, bool), Gateway>;

/// The connection of the step's persona, who may be signed in with CIS2.
async fn gateway<'s>(gateways: &mut Gateways<'s>, step: &'s Step) -> Result<Gateway> {
    match gateways.entry((&step.persona, step.cis2)) {
        Entry::Occupied(known) => Ok(known.get().clone()),
        Entry::Vacant(new) => {
            let mut tokens = sandbox_tokens(&env::var("SPINEGATE_ADMIN")?, &step.persona).await?;
            if !step.cis2 {
                tokens.cis2.clear();
            }
            Ok(new.insert(Gateway::connect(&env::var("SPINEGATE_ADDRESS")?, &tokens)?).clone())
        }
    }
}
