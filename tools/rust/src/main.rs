//! A plugin for buf that makes the Rust stubs: messages by prost, clients by tonic.
//!
//! The published protoc-gen-prost and protoc-gen-tonic do the same around the same two libraries. This one needs neither of them,
//! writes messages and clients into one file, and leaves out servers.

use std::collections::HashMap;
use std::error::Error;
use std::io::{Read, Write};

use prost::Message;
use prost_build::{Config, Module};
use prost_types::compiler::code_generator_response::{Feature, File};
use prost_types::compiler::{CodeGeneratorRequest, CodeGeneratorResponse};

fn main() -> Result<(), Box<dyn Error>> {
    let mut asked = Vec::new();
    std::io::stdin().read_to_end(&mut asked)?;
    let answer = match generate(CodeGeneratorRequest::decode(&*asked)?) {
        Ok(file) => CodeGeneratorResponse { file, ..supported() },
        Err(error) => CodeGeneratorResponse { error: Some(error.to_string()), ..supported() },
    };
    std::io::stdout().write_all(&answer.encode_to_vec())?;
    Ok(())
}

/// One file for each package that something is to be generated for. What those import is read and left out again.
fn generate(request: CodeGeneratorRequest) -> Result<Vec<File>, Box<dyn Error>> {
    let mut names = HashMap::new();
    let mut modules = Vec::new();
    for file in request.proto_file {
        let module = Module::from_protobuf_package_name(file.package());
        if request.file_to_generate.iter().any(|name| name == file.name()) {
            names.insert(module.clone(), format!("{}.rs", file.package()));
        }
        modules.push((module, file));
    }
    let generated = config().generate(modules)?;
    Ok(generated
        .into_iter()
        .filter_map(|(module, text)| names.remove(&module).map(|name| (name, text)))
        .map(|(name, text)| File { name: Some(name), content: Some(text), ..File::default() })
        .collect())
}

fn config() -> Config {
    // Without `connect`, which would make a channel that knows nothing of the gateway's limits: `spinegate_client::connect` does.
    let clients = tonic_prost_build::configure().build_server(false).build_transport(false);
    let mut config = Config::new();
    config
        .service_generator(clients.service_generator())
        // The name of each message, so that details of errors can be told apart.
        .enable_type_names()
        .type_name_domain(["."], "type.googleapis.com")
        // Records are large: what is in their answers is not copied out of what came.
        .bytes(["."]);
    config
}

/// Of the language, as every plugin must say: `optional` in proto3.
fn supported() -> CodeGeneratorResponse {
    CodeGeneratorResponse {
        supported_features: Some(Feature::Proto3Optional as u64),
        ..CodeGeneratorResponse::default()
    }
}
