//! `$filter`, cut into words.

use super::cell::{self, Cell};

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    Comma,
    /// A column, an operator or a function.
    Name(String),
    Literal(Cell),
}

/// All words, or what cannot be one.
pub(super) fn cut(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let (token, end) = match first {
            '(' => (Token::Open, after),
            ')' => (Token::Close, after),
            ',' => (Token::Comma, after),
            '\'' => quoted(after)?,
            _ => word(rest)?,
        };
        tokens.push(token);
        rest = end.trim_start();
    }
    Ok(tokens)
}

/// A text up to its closing quote; two quotes stand for one.
fn quoted(text: &str) -> Result<(Token, &str), String> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, end) = rest.split_once('\'').ok_or("There is an unterminated string literal")?;
        value.push_str(part);
        let Some(after) = end.strip_prefix('\'') else {
            return Ok((Token::Literal(Cell::Text(value)), end));
        };
        value.push('\'');
        rest = after;
    }
}

fn word(text: &str) -> Result<(Token, &str), String> {
    let ends = |letter: char| letter.is_whitespace() || "(),'".contains(letter);
    let (word, end) = text.split_at(text.find(ends).unwrap_or(text.len()));
    // `datetime'…'` and `guid'…'` belong to OData's third version.
    if end.starts_with('\'') {
        return Err(format!("Unrecognized '{word}' literal"));
    }
    let token = if let Some(id) = cell::guid(word) {
        Token::Literal(Cell::Guid(id))
    } else if let Some(at) = cell::date(word) {
        Token::Literal(Cell::Date(at))
    } else if let Ok(number) = word.parse() {
        Token::Literal(Cell::Int(number))
    } else {
        match word {
            "null" => Token::Literal(Cell::Null),
            "true" => Token::Literal(Cell::Flag(true)),
            "false" => Token::Literal(Cell::Flag(false)),
            _ if is_name(word) => Token::Name(word.to_owned()),
            _ => return Err(format!("Syntax error at '{word}'")),
        }
    };
    Ok((token, end))
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
