//! Words, values and signs of a condition.

use chrono::{NaiveDate, NaiveDateTime};
use entity::Timestamp;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A field or a keyword.
    Word(String),
    /// In double or single quotes.
    Text(String),
    Number(f64),
    /// In square brackets.
    Time(Timestamp),
    Sign(&'static str),
}

/// Longer signs come before those they begin with.
const SIGNS: [&str; 9] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", ","];

/// Takes a condition apart.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, left) = match first {
            '"' | '\'' => quoted(rest, first)?,
            '[' => bracketed(rest)?,
            '0'..='9' | '-' => number(rest)?,
            _ if first.is_ascii_alphabetic() || first == '_' => word(rest),
            _ => sign(rest).ok_or_else(|| format!("'{first}' is not expected"))?,
        };
        found.push(token);
        rest = left.trim_start();
    }
    Ok(found)
}

/// The guide gives no escape for a quote, so that the next one ends the text.
fn quoted(text: &str, quote: char) -> Result<(Token, &str), String> {
    let inside = text.get(1..).unwrap_or_default();
    let (value, left) = inside.split_once(quote).ok_or("a quote is not closed")?;
    Ok((Token::Text(value.to_owned()), left))
}

fn bracketed(text: &str) -> Result<(Token, &str), String> {
    let inside = text.get(1..).unwrap_or_default();
    let (value, left) = inside.split_once(']').ok_or("a square bracket is not closed")?;
    let at = read_time(value.trim()).ok_or_else(|| format!("'{value}' is not a datetime"))?;
    Ok((Token::Time(at), left))
}

/// With a zone, without one (then UTC), or a date alone.
fn read_time(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| {
        let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok().or_else(|| {
            NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0))
        })?;
        Some(Timestamp::from_datetime(naive.and_utc()))
    })
}

fn number(text: &str) -> Result<(Token, &str), String> {
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && *c == '-')))
        .map_or(text.len(), |(at, _)| at);
    let (digits, left) = text.split_at(end);
    if left.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!("'{digits}' is followed by a letter"));
    }
    let value = digits.parse().map_err(|_| format!("'{digits}' is not a number"))?;
    Ok((Token::Number(value), left))
}

fn word(text: &str) -> (Token, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '/')).unwrap_or(text.len());
    let (word, left) = text.split_at(end);
    (Token::Word(word.to_owned()), left)
}

fn sign(text: &str) -> Option<(Token, &str)> {
    SIGNS.iter().find_map(|sign| Some((Token::Sign(sign), text.strip_prefix(sign)?)))
}
