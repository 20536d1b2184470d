//! HMAC-SHA256 as an endpoint's settings describe it.

use serde::Deserialize;
use serde_json::Value;

use super::described::{Encoding, Id, KeyOf, Piece, Signed, Time, Unit};

/// The endpoint's setting that holds the description.
pub(super) const SETTING: &str = "signature";

/// The longest name of a header, and the longest piece of anything else.
const LONGEST: usize = 100;

/// How a sender signs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Described {
    header: String,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    separator: Option<char>,
    #[serde(default)]
    encoding: Written,
    #[serde(default = "body")]
    content: String,
    #[serde(default)]
    timestamp_header: Option<String>,
    #[serde(default)]
    timestamp_unit: Counted,
    #[serde(default)]
    id_header: Option<String>,
}

fn body() -> String {
    "{body}".to_owned()
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Written {
    #[default]
    Hex,
    Base64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Counted {
    #[default]
    Seconds,
    Milliseconds,
    Rfc3339,
}

/// Gives the description in an endpoint's settings to `use_it`; `Err` says what is wrong with it.
pub(super) fn with<T>(settings: &Value, use_it: impl FnOnce(&Signed<'_>) -> T) -> Result<T, String> {
    let given = settings.get(SETTING).cloned().unwrap_or_default();
    if given.is_null() {
        return Err(format!("give `{SETTING}` with at least the `header` that the signature stands in"));
    }
    let described: Described =
        serde_json::from_value(given).map_err(|error| format!("`{SETTING}`: {error}"))?;
    let header = name(&described.header, "header")?;
    let time_header = described.timestamp_header.as_deref().map(|header| name(header, "timestampHeader"));
    let time_header = time_header.transpose()?;
    let id_header = described.id_header.as_deref().map(|header| name(header, "idHeader")).transpose()?;
    if described.prefix.len() > LONGEST {
        return Err(format!("`{SETTING}.prefix` is longer than {LONGEST} characters"));
    }
    if described.separator.is_some_and(|letter| letter.is_ascii_alphanumeric() || "+/=".contains(letter)) {
        return Err(format!("`{SETTING}.separator` can stand inside a signature; give another one"));
    }
    let content = pieces(&described.content)?;
    if content.contains(&Piece::Time) != time_header.is_some() {
        return Err(format!(
            "`{SETTING}.timestampHeader` and {{timestamp}} in `{SETTING}.content` go together: a time that is not \
             signed proves nothing"
        ));
    }
    if content.contains(&Piece::Id) && id_header.is_none() {
        return Err(format!(
            "`{SETTING}.content` signs an {{id}}; say with `{SETTING}.idHeader` where it stands"
        ));
    }
    let (headers, time_headers, id_headers) =
        ([header.as_str()], time_header.iter().map(String::as_str), id_header.iter().map(String::as_str));
    let (time_headers, id_headers): (Vec<&str>, Vec<&str>) = (time_headers.collect(), id_headers.collect());
    let unit = match described.timestamp_unit {
        Counted::Seconds => Unit::Secs,
        Counted::Milliseconds => Unit::Millis,
        Counted::Rfc3339 => Unit::Iso,
    };
    let is_id_signed = content.contains(&Piece::Id);
    Ok(use_it(&Signed {
        headers: &headers,
        separator: described.separator,
        prefix: &described.prefix,
        foreign: &[],
        encoding: match described.encoding {
            Written::Hex => Encoding::AnyHex,
            Written::Base64 => Encoding::Base64,
        },
        key: KeyOf::Secret,
        content: &content,
        time: time_header.is_some().then_some(Time { headers: &time_headers, unit, max_age_secs: None }),
        id: id_header.is_some().then_some(Id { headers: &id_headers, is_required: is_id_signed }),
    }))
}

/// A header's name (RFC 9110, 5.1), in lower case.
fn name(text: &str, field: &str) -> Result<String, String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(is_token) {
        return Err(format!("`{SETTING}.{field}` is no name of a header"));
    }
    Ok(text.to_ascii_lowercase())
}

/// What is signed: the body once, and what is signed with it, told apart by something between them.
fn pieces(content: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let known = [("{body}", Piece::Body), ("{timestamp}", Piece::Time), ("{id}", Piece::Id)];
        let found = known.into_iter().find_map(|(word, piece)| Some((piece, rest.strip_prefix(word)?)));
        if let Some((piece, after)) = found {
            pieces.push(piece);
            rest = after;
            continue;
        }
        let begins = known.iter().filter_map(|(word, _)| rest.find(word)).min().unwrap_or(rest.len());
        let Some((text, after)) = rest.split_at_checked(begins) else { break };
        pieces.push(Piece::Text(text));
        rest = after;
    }
    let count = |wanted| pieces.iter().filter(|piece| **piece == wanted).count();
    if count(Piece::Body) != 1 || count(Piece::Time) > 1 || count(Piece::Id) > 1 || content.len() > LONGEST {
        return Err(format!(
            "`{SETTING}.content` holds {{body}} once and {{timestamp}} and {{id}} once at most, as in \
             {{timestamp}}.{{body}}"
        ));
    }
    let touches = pieces.windows(2).any(|two| !two.iter().any(|piece| matches!(piece, Piece::Text(_))));
    if touches && count(Piece::Id) > 0 {
        return Err(format!("`{SETTING}.content` needs something between {{id}} and what stands beside it"));
    }
    Ok(pieces)
}
