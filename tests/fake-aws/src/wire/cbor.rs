//! Smithy RPC v2 CBOR, the first protocol of CloudWatch.
//!
//! Numbers that the model calls `Double` are written as 64-bit floats even when whole: the decoders
//! of SDKs in typed languages refuse an integer there.
//! <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>

use super::{Answer, Refusal};

/// Writes CBOR items one after the other.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    fn head(&mut self, major: u8, value: u64) -> &mut Self {
        let major = major << 5;
        match value {
            0..24 => self.0.push(major | value as u8),
            24..0x100 => self.0.extend([major | 0x18, value as u8]),
            0x100..0x1_0000 => {
                self.0.push(major | 0x19);
                self.0.extend((value as u16).to_be_bytes());
            }
            0x1_0000..0x1_0000_0000 => {
                self.0.push(major | 0x1A);
                self.0.extend((value as u32).to_be_bytes());
            }
            _ => {
                self.0.push(major | 0x1B);
                self.0.extend(value.to_be_bytes());
            }
        }
        self
    }

    pub(crate) fn map(&mut self, members: usize) -> &mut Self {
        self.head(5, members as u64)
    }

    pub(crate) fn array(&mut self, items: usize) -> &mut Self {
        self.head(4, items as u64)
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.head(3, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub(crate) fn double(&mut self, value: f64) -> &mut Self {
        self.0.push(0xFB);
        self.0.extend(value.to_be_bytes());
        self
    }

    /// Tag 1 with epoch seconds as an integer: the shorter of the two allowed forms.
    pub(crate) fn timestamp(&mut self, seconds: i64) -> &mut Self {
        self.head(6, 1);
        match u64::try_from(seconds) {
            Ok(seconds) => self.head(0, seconds),
            Err(_) => self.head(1, (-1 - seconds) as u64),
        }
    }

    /// The response of an operation.
    pub(crate) fn output(self) -> Answer {
        Answer::ok("application/cbor", self.0).with("smithy-protocol", "rpc-v2-cbor")
    }
}

/// The request body as the operation's input.
pub(crate) fn input<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    ciborium::from_reader(body).map_err(|error| Refusal::bad("SerializationException", error.to_string()))
}

/// Epoch seconds from a timestamp member: tag 1 with an integer or a float.
pub(crate) fn seconds(value: &ciborium::Value) -> Option<f64> {
    match value {
        ciborium::Value::Tag(1, inner) => seconds(inner),
        ciborium::Value::Float(seconds) => Some(*seconds),
        ciborium::Value::Integer(seconds) => i64::try_from(*seconds).ok().map(|value| value as f64),
        _ => None,
    }
}

/// Shape names of CloudWatch's modeled errors and the codes of its older Query protocol, which
/// clients that send `x-amzn-query-mode: true` still match.
const SHAPES: [(&str, &str); 5] = [
    ("InvalidParameterValue", "InvalidParameterValueException"),
    ("InvalidParameterCombination", "InvalidParameterCombinationException"),
    ("MissingParameter", "MissingRequiredParameterException"),
    ("InternalServiceError", "InternalServiceFault"),
    ("ValidationError", "ValidationException"),
];

/// An error; `refusal.code` is the Query code.
pub(crate) fn error(refusal: &Refusal) -> Answer {
    let shape = SHAPES.iter().find(|(code, _)| *code == refusal.code).map(|(_, shape)| *shape);
    let mut body = Writer::default();
    body.map(2).text("__type");
    body.text(&format!("com.amazonaws.cloudwatch#{}", shape.unwrap_or(&refusal.code)));
    // The model capitalizes the member of this error only.
    let member = if shape == Some("InternalServiceFault") { "Message" } else { "message" };
    body.text(member).text(&refusal.message);
    let answer = Answer { status: refusal.status, ..body.output() };
    match shape {
        Some(_) => answer.with("x-amzn-query-error", format!("{};{}", refusal.code, refusal.fault())),
        None => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ciborium::Value;

    #[test]
    fn whole_numbers_stay_doubles() {
        let mut writer = Writer::default();
        writer.map(2).text("v").double(45.0).text("t").timestamp(1_700_000_000);
        let value: Value = ciborium::from_reader(writer.0.as_slice()).unwrap();
        let map = value.as_map().unwrap();
        assert_eq!(map[0].1, Value::Float(45.0));
        assert_eq!(seconds(&map[1].1), Some(1_700_000_000.0));
        assert_eq!(seconds(&Value::Tag(1, Box::new(Value::Float(1.5)))), Some(1.5));
    }

    #[test]
    fn every_length_of_head() {
        for length in [0, 23, 24, 255, 256, 65_535, 65_536] {
            let text = "x".repeat(length);
            let mut writer = Writer::default();
            writer.text(&text);
            let value: Value = ciborium::from_reader(writer.0.as_slice()).unwrap();
            assert_eq!(value.as_text(), Some(text.as_str()));
        }
    }

    #[test]
    fn a_modelled_error_carries_both_names() {
        let answer = error(&Refusal::bad("InvalidParameterCombination", "too many"));
        assert!(
            answer
                .headers
                .contains(&("x-amzn-query-error".into(), "InvalidParameterCombination;Sender".to_owned()))
        );
        let body: Value = ciborium::from_reader(answer.body.as_slice()).unwrap();
        let kind = body.as_map().unwrap()[0].1.as_text().unwrap().to_owned();
        assert_eq!(kind, "com.amazonaws.cloudwatch#InvalidParameterCombinationException");
    }
}
