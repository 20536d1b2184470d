//! From a body's bytes to JSON.

use serde_json::Value;

use crate::decisions::event::Unreadable;

/// The JSON of a body.
pub(in crate::scanners) fn json(bytes: &[u8]) -> Result<Value, Unreadable> {
    parse(bytes).map_err(|problem| Unreadable {
        code: "invalid_json",
        pointer: String::new(),
        problem,
        kind: None,
    })
}

fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err("the body is UTF-16; send UTF-8".to_owned());
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before: Vec<&[u8]> =
            bytes.get(..error.valid_up_to()).unwrap_or_default().split(|byte| *byte == b'\n').collect();
        let (line, column) = (before.len(), before.last().map_or(1, |last| last.len() + 1));
        format!("the body is not UTF-8 at line {line}, byte {column}; send UTF-8")
    })?;
    if text.trim().is_empty() {
        return Err("the body is empty; send JSON".to_owned());
    }
    // serde_json stops at 128 levels, so that no body can exhaust the stack.
    serde_json::from_str(text).map_err(|error| format!("the body is not JSON: {error}"))
}
