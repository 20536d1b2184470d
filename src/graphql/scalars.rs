//! Scalars of the graph.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use entity::Timestamp;

/// A moment: RFC 3339 with an offset, e.g. `2026-11-21T13:15:00.25Z`. Given out in UTC with up to six
/// digits of a second; taken with any offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(pub Timestamp);

impl From<Timestamp> for DateTime {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// A moment: RFC 3339 with an offset, e.g. `2026-11-21T13:15:00.25Z`. Given out in UTC with up to six
/// digits of a second; taken with any offset.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/date-time")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Timestamp::parse_rfc3339(text)
                .map(Self)
                .ok_or_else(|| InputValueError::custom("give RFC 3339, e.g. 2026-11-21T13:15:00Z")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if Timestamp::parse_rfc3339(text).is_some())
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.rfc3339())
    }
}

/// An absolute address, as the URL standard has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url(pub String);

/// An absolute address, as the URL standard has it.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => url::Url::parse(text).map(|_| Self(text.clone())).map_err(|_| {
                InputValueError::custom("give an absolute address, e.g. https://halo.example.com")
            }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if url::Url::parse(text).is_ok())
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// JSON as somebody else made it, of any shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub serde_json::Value);

/// JSON as somebody else made it, of any shape.
#[Scalar(name = "JSON", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_taken_with_any_offset_and_given_out_in_utc() {
        let at = DateTime::parse(Value::from("2026-11-21T15:00:00.25+02:00")).unwrap();
        assert_eq!(at.to_value(), Value::from("2026-11-21T13:00:00.250Z"));
        assert!(!DateTime::is_valid(&Value::from("yesterday")));
    }
}
