//! Walks the whole road with spinegate: who is the patient, which system answers for the practice, what can it do, the record, free
//! slots, a booking, and what failures look like.
//!
//! ```sh
//! cargo run --bin journey    # SPINEGATE_ADDRESS and SPINEGATE_ADMIN, HOST:PORT, say where the sandbox is
//! ```

use std::env;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{Days, Local};
use gateway::{Gateway, Trace, sandbox_tokens};
use spinegate_client::checks::{Failure, WholeRecord, trace_id};
use spinegate_client::tonic::Request;
use spinegate_client::v1::{self, get_structured_record_response, interaction, search_slots_response};
use uuid::Uuid;

const PATIENT: &str = "9990000018";

#[tokio::main]
async fn main() -> Result<()> {
    let admin = env::var("SPINEGATE_ADMIN").unwrap_or("127.0.0.1:9090".into());
    let address = env::var("SPINEGATE_ADDRESS").unwrap_or("127.0.0.1:50051".into());
    // Of a clinician who is signed in with CIS2: PDS is asked in their name.
    let tokens = sandbox_tokens(&admin, "clinician").await?;
    let mut gateway = Gateway::connect(&address, &tokens)?;

    // What is done for one patient is one encounter: within it the directory is asked once, and another patient is refused.
    let encounter = v1::CallContext { session_id: Uuid::new_v4().to_string(), ..Default::default() };
    let practice = trace(&mut gateway, &encounter).await?;
    search(&mut gateway).await?;
    resolve(&mut gateway, &encounter, &practice).await?;
    capabilities(&mut gateway, &encounter, &practice).await?;
    record(&mut gateway, &encounter).await?;
    let slot = first_slot(&mut gateway, &encounter, &practice).await?;
    book(&mut gateway, &encounter, &practice, slot).await?;
    failures(&mut gateway, &encounter).await
}

/// Asks PDS who the patient is, compares them with what we hold, and learns where they are registered.
async fn trace(gateway: &mut Gateway, encounter: &v1::CallContext) -> Result<String> {
    let trace = Trace::new();
    let request = v1::TracePatientRequest {
        context: Some(encounter.clone()),
        nhs_number: PATIENT.into(),
        expected: Some(v1::ExpectedDemographics {
            family: "Testwell".into(),
            birth_date: "1992".into(),
            ..Default::default()
        }),
    };
    let answer = gateway.patients.trace_patient(trace.with(request)).await?.into_inner();
    let patient = answer.patient.unwrap_or_default().name.unwrap_or_default();
    let family = answer.comparison.unwrap_or_default().family().as_str_name();
    let registration = answer.registration.unwrap_or_default();
    let status = registration.status().as_str_name();
    println!("trace: {}, family name {family}, {status} at {}", patient.family, registration.ods_code);
    println!("trace: the gateway went on with our trace: {}", trace_id(&answer.provenance) == trace.id());
    Ok(registration.ods_code)
}

/// Finds people by demographics, in no encounter. An empty list proves nothing while `absence_not_proven` is true.
async fn search(gateway: &mut Gateway) -> Result<()> {
    let request = v1::SearchPatientsRequest {
        family: "Testwell".into(),
        given: vec!["Ada".into()],
        birth_date_start: "1990-01-01".into(),
        birth_date_end: "1995-12-31".into(),
        ..Default::default()
    };
    let answer = gateway.patients.search_patients(request).await?.into_inner();
    println!("search: {} found, absence not proven: {}", answer.matches.len(), answer.absence_not_proven());
    Ok(())
}

/// Asks the directory which system answers. The other methods do this by themselves.
async fn resolve(gateway: &mut Gateway, encounter: &v1::CallContext, practice: &str) -> Result<()> {
    let known = v1::KnownInteraction::GetStructuredRecord;
    let request = v1::ResolveEndpointRequest {
        context: Some(encounter.clone()),
        ods_code: practice.into(),
        interaction: Some(v1::Interaction { name: Some(interaction::Name::Known(known.into())) }),
    };
    let answer = gateway.directory.resolve_endpoint(request).await?.into_inner();
    println!("resolve: {}", answer.endpoint.unwrap_or_default().asid);
    Ok(())
}

/// Asks the practice's system what it can do.
async fn capabilities(gateway: &mut Gateway, encounter: &v1::CallContext, practice: &str) -> Result<()> {
    let request = v1::GetCapabilitiesRequest { context: Some(encounter.clone()), ods_code: practice.into() };
    let answer = gateway.practices.get_capabilities(request).await?.into_inner();
    for root in answer.roots {
        println!("capabilities: {} {}", root.capability().as_str_name(), root.support().as_str_name());
    }
    Ok(())
}

/// Streams the structured record. It is whole if the stream ended with OK, what arrived has the digest that was said, and the
/// verdict is WHOLE: use nothing of it as if it were complete otherwise.
async fn record(gateway: &mut Gateway, encounter: &v1::CallContext) -> Result<()> {
    let request = v1::GetStructuredRecordRequest {
        context: Some(encounter.clone()),
        nhs_number: PATIENT.into(),
        ..Default::default()
    };
    let mut messages = gateway.practices.get_structured_record(request).await?.into_inner();
    let mut whole = WholeRecord::default();
    while let Some(message) = messages.message().await? {
        whole.take(&message)?;
        // Always before anything clinical.
        if let Some(get_structured_record_response::Event::Patient(patient)) = message.event {
            let comparison = patient.comparison.unwrap_or_default();
            let (family, birth_date) = (comparison.family(), comparison.birth_date());
            println!(
                "record: of the patient: family name {}, birth date {}",
                family.as_str_name(),
                birth_date.as_str_name()
            );
        }
    }
    let digest = whole.end()?;
    println!("record: {digest} agrees, {}", whole.closing.verdict().as_str_name());
    Ok(())
}

/// Takes the first free slot of the next week and drops the stream, which cancels the search and stops what is still being asked.
async fn first_slot(gateway: &mut Gateway, encounter: &v1::CallContext, practice: &str) -> Result<v1::Slot> {
    let today = Local::now().date_naive();
    let request = v1::SearchSlotsRequest {
        context: Some(encounter.clone()),
        ods_codes: vec![practice.into(), "H86007".into()],
        start: (today + Days::new(1)).to_string(),
        end: (today + Days::new(7)).to_string(),
        ..Default::default()
    };
    let mut messages = gateway.practices.search_slots(request).await?.into_inner();
    loop {
        let message = messages.message().await?.context("no slot is free")?;
        if let Some(search_slots_response::Event::Slot(slot)) = message.event
            && slot.ods_code == practice
        {
            drop(messages); // it would be dropped here in any case
            println!("slots: one found, search cancelled");
            return Ok(slot);
        }
    }
}

/// Books the slot. When the outcome is unknown, the same call with the same request id finds it out.
async fn book(gateway: &mut Gateway, encounter: &v1::CallContext, practice: &str, slot: v1::Slot) -> Result<()> {
    let request = v1::BookAppointmentRequest {
        context: Some(encounter.clone()),
        request_id: Uuid::new_v4().to_string(),
        nhs_number: PATIENT.into(),
        ods_code: practice.into(),
        slot_handles: vec![slot.handle],
        description: "Example".into(),
        ..Default::default()
    };
    for _ in 0..2 {
        let answer = gateway.practices.book_appointment(request.clone()).await?.into_inner();
        println!("book: {}", answer.outcome().as_str_name());
    }
    Ok(())
}

/// Shows what errors say, and a deadline.
async fn failures(gateway: &mut Gateway, encounter: &v1::CallContext) -> Result<()> {
    let nobody = v1::TracePatientRequest { nhs_number: "9990000492".into(), ..Default::default() };
    // Another patient in this one's encounter, as when two screens are mixed up: PDS is not asked.
    let another = v1::TracePatientRequest {
        context: Some(encounter.clone()),
        nhs_number: "9990000115".into(),
        ..Default::default()
    };
    for request in [nobody, another] {
        if let Err(status) = gateway.patients.trace_patient(request).await {
            let failure = Failure::from(&status);
            let retry = failure.detail.as_ref().map(|detail| detail.retry().as_str_name()).unwrap_or_default();
            let sentence = &failure.clinician_message;
            println!("failure: {} {} at {}, {retry}: {sentence}", failure.code, failure.reason, failure.hop);
        }
    }
    let request = v1::GetCapabilitiesRequest { ods_code: "F84005".into(), ..Default::default() };
    let mut request = Request::new(request);
    request.set_timeout(Duration::from_millis(1500)); // the practice answers after three seconds
    if let Err(status) = gateway.practices.get_capabilities(request).await {
        println!("deadline: {}", Failure::from(&status).code);
    }
    Ok(())
}
