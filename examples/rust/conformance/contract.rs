use anyhow::{Context, Result};
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;

/// The contract at run time. prost's messages have neither JSON nor names of fields; a program with typed requests needs none of it.
pub struct Contract(DescriptorPool);

impl Contract {
    /// Reads a `FileDescriptorSet`.
    pub fn new(file: &[u8]) -> Result<Self> {
        Ok(Self(DescriptorPool::decode(file)?))
    }

    /// The message with its descriptor.
    pub fn dynamic<M: Message + Name>(&self, message: &M) -> Result<DynamicMessage> {
        let mut dynamic = DynamicMessage::new(self.descriptor::<M>()?);
        dynamic.transcode_from(message)?;
        Ok(dynamic)
    }

    /// Makes a message of its JSON.
    pub fn read<M: Message + Name + Default>(&self, text: &str) -> Result<M> {
        let mut json = serde_json::Deserializer::from_str(text);
        Ok(DynamicMessage::deserialize(self.descriptor::<M>()?, &mut json)?.transcode_to()?)
    }

    fn descriptor<M: Name>(&self) -> Result<MessageDescriptor> {
        let name = M::full_name();
        self.0.get_message_by_name(&name).with_context(|| format!("{name} is not in the contract"))
    }
}

/// A message as JSON, with the field names of the contract and without default values.
pub fn object(message: &DynamicMessage) -> Result<Value> {
    let options = SerializeOptions::new().use_proto_field_name(true);
    Ok(message.serialize_with_options(serde_json::value::Serializer, &options)?)
}
