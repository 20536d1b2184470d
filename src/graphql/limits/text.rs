//! Measures a document's text in one scan, before the parser sees it: the parser calls itself for each bracket
//! and keeps what it reads.

use async_graphql::ServerError;

use super::{Limits, beyond, too_many};
use crate::graphql::errors::{code, refusal};

/// How deep brackets of a document may be nested: the parser calls itself for each.
const MAX_BRACKETS: usize = 64;
/// How long a name may be. Suggestions compare an unknown name with each known one, letter by letter.
const MAX_NAME_BYTES: usize = 256;

/// How many tokens the text has; an error where it is beyond a limit.
pub(in crate::graphql) fn measure(text: &str, limits: &Limits) -> Result<usize, ServerError> {
    if text.len() > limits.document_bytes {
        return Err(too_many("bytes", text.len(), limits.document_bytes, "graphql_max_document_bytes"));
    }
    let (mut tokens, mut depth) = (0_usize, 0_usize);
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let len = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                rest = after;
                continue;
            }
            b'#' => {
                rest = rest.get(run(rest, |byte| !matches!(byte, b'\n' | b'\r'))..).unwrap_or_default();
                continue;
            }
            b'"' => text_len(rest),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                let len = run(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
                if len > MAX_NAME_BYTES {
                    let message = format!("a name is longer than {MAX_NAME_BYTES} letters");
                    return Err(refusal(code::PARSE_FAILED, message));
                }
                len
            }
            b'0'..=b'9' | b'-' => {
                let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
                run(rest, is_part)
            }
            b'.' if rest.starts_with(b"...") => 3,
            b'{' | b'[' | b'(' => {
                depth += 1;
                if depth > MAX_BRACKETS {
                    let message = format!("brackets are nested deeper than {MAX_BRACKETS}");
                    return Err(beyond(code::DEPTH_LIMIT_EXCEEDED, message, None, MAX_BRACKETS));
                }
                1
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                1
            }
            _ => 1,
        };
        tokens += 1;
        if tokens > limits.tokens {
            let (maximum, setting) = (limits.tokens, "graphql_max_tokens");
            let message = format!("this has more than {maximum} tokens (`{setting}`); split it");
            return Err(beyond(code::COST_LIMIT_EXCEEDED, message, None, maximum));
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    Ok(tokens)
}

/// How many bytes from here on are of a kind.
fn run(bytes: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !is_part(byte)).unwrap_or(bytes.len())
}

/// The length of the text that begins here, with its quotes.
fn text_len(bytes: &[u8]) -> usize {
    let quote: &[u8] = if bytes.starts_with(b"\"\"\"") { b"\"\"\"" } else { b"\"" };
    let mut at = quote.len();
    while let Some(tail) = bytes.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with(quote) {
            return at + quote.len();
        }
        // In a block text only three quotes can be escaped.
        let is_escaped =
            if quote.len() == 3 { tail.starts_with(b"\\\"\"\"") } else { tail.starts_with(b"\\") };
        at += if is_escaped { 1 + quote.len() } else { 1 };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> usize {
        measure(text, &Limits::default()).unwrap()
    }

    fn code_of(text: &str, limits: &Limits) -> String {
        let error = measure(text, limits).unwrap_err();
        error.extensions.unwrap().get("code").unwrap().to_string()
    }

    #[test]
    fn tokens_are_counted_as_the_grammar_has_them() {
        assert_eq!(tokens("{ a(b: \"x y\", c: -1.5e3) ...F @d }"), 15);
        assert_eq!(tokens("query Q($a: [ID!]! = [1, 2]) { a }"), 20);
        assert_eq!(tokens("{ a # { b c d\n }"), 3);
        assert_eq!(tokens(""), 0);
    }

    #[test]
    fn brackets_in_texts_and_comments_do_not_count() {
        let fifty = "[".repeat(50);
        assert_eq!(tokens(&format!("{{ a(b: \"{fifty}\\\"{fifty}\") # {fifty}{fifty}\n }}")), 8);
        assert_eq!(tokens(&format!("{{ a(b: \"\"\"{fifty} \" \\\"\"\" {fifty}\"\"\") }}")), 8);
        assert_eq!(tokens(&format!("\"open {fifty}{fifty}")), 1);
        assert_eq!(tokens(&format!("\"\"\"a back slash \\\"\"\" {fifty}{fifty}\"\"\"")), 1);
    }

    #[test]
    fn what_would_overflow_or_fill_memory_is_refused_in_one_scan() {
        let limits = Limits { document_bytes: 1_000_000, ..Limits::default() };
        let deep = format!("{{ node(id: {}{}) {{ id }} }}", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(code_of(&deep, &limits), "\"DEPTH_LIMIT_EXCEEDED\"");
        assert_eq!(code_of(&"a ".repeat(20_000), &limits), "\"COST_LIMIT_EXCEEDED\"");
        assert_eq!(code_of(&"\u{1f600}".repeat(20_000), &limits), "\"COST_LIMIT_EXCEEDED\"");
        assert_eq!(code_of(&"a".repeat(300), &limits), "\"GRAPHQL_PARSE_FAILED\"");
        assert_eq!(code_of(&" ".repeat(70_000), &Limits::default()), "\"COST_LIMIT_EXCEEDED\"");
    }
}
