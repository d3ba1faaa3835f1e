use serde_json::{Map, Value};
use spinegate_client::checks::Failure;
use tonic::Status;

use crate::Step;

/// What came of a call, as JSON: the response, or for a stream its events by kind, in order of arrival.
#[derive(Default)]
pub struct Answer {
    pub object: Value,
    pub streamed: bool,
    /// The kind of event at which the stream was cancelled.
    pub cancelled: Option<String>,
    /// What was checked of a stream that ended with OK.
    pub checked: Vec<&'static str>,
}

impl Answer {
    /// Adds a message of a stream. Of an item in pieces the last one counts.
    pub fn add(&mut self, kind: &str, mut message: Value) {
        let events = &mut self.object[kind];
        if !events.is_array() {
            *events = Value::Array(Vec::new());
        }
        if let Value::Array(events) = events {
            events.push(message[kind].take());
        }
    }

    /// Follows a path through the answer. A list is gone into, element by element; what is not there is left out.
    pub fn find(&self, path: &str) -> Vec<String> {
        find(&self.object, &path.split('.').collect::<Vec<_>>())
    }
}

/// Prints the step's lines.
pub fn show(step: &Step, answer: &Answer, failed: Option<&Status>, trace_id: &str) {
    let failure = failed.map(Failure::from);
    if let Some(Failure { code: code @ "DEADLINE_EXCEEDED", .. }) = failure {
        line("code", code); // how far the call came by then differs from run to run
        return;
    }
    if let Some(kind) = &answer.cancelled {
        line("cancelled", kind);
        return;
    }
    if answer.streamed {
        let none = Map::new();
        let kinds = answer.object.as_object().unwrap_or(&none).keys().cloned();
        line("events", &sorted(kinds.collect()));
    }
    if let Some(failure) = failure {
        return show_failure(failure, trace_id);
    }
    line("code", "OK");
    let mut ids = "provenance.trace_ids.trace_id".to_string();
    if answer.streamed {
        line("checked", &answer.checked.join(","));
        ids.insert_str(0, "opening.");
    }
    line("traced", &answer.find(&ids).iter().any(|id| id == trace_id).to_string());
    for path in &step.print {
        match path.strip_suffix('#') {
            Some(list) => line(path, &answer.find(list).len().to_string()),
            None => line(path, &sorted(answer.find(path))),
        }
    }
}

fn show_failure(mut failure: Failure, trace_id: &str) {
    line("code", failure.code);
    line("reason", &failure.reason);
    line("hop", &failure.hop);
    line("retry", &failure.retry);
    line("traced", &(failure.trace_id == trace_id).to_string());
    failure.fields.sort_by(|a, b| a.field.cmp(&b.field));
    for violation in &failure.fields {
        line("field", &violation.field);
    }
}

fn line(name: &str, value: &str) {
    println!("  {name}={value}");
}

fn sorted(mut values: Vec<String>) -> String {
    values.sort();
    values.join(",")
}

fn find(value: &Value, path: &[&str]) -> Vec<String> {
    match (value, path) {
        (Value::Null, _) => Vec::new(),
        (Value::Array(elements), _) => elements.iter().flat_map(|element| find(element, path)).collect(),
        (Value::Object(members), [first, rest @ ..]) => {
            members.get(*first).map(|value| find(value, rest)).unwrap_or_default()
        }
        (Value::String(text), _) => vec![text.clone()],
        (other, _) => vec![other.to_string()],
    }
}
