//! Which media type an answer is given in (GraphQL over HTTP; RFC 9110, 12.5.1).

/// A media type we answer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: a well-formed request is answered with 200, whatever became of it.
    Json,
    /// `application/graphql-response+json`: the status says what became of the request.
    Response,
}

impl Media {
    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Response => "application/graphql-response+json",
        }
    }
}

/// What `Accept` asks for; JSON where it asks for anything or is not there, none where it takes neither.
pub(super) fn negotiate(accept: &str) -> Option<Media> {
    if accept.trim().is_empty() {
        return Some(Media::Json);
    }
    let json = weigh(accept, Media::Json.name());
    let response = weigh(accept, Media::Response.name());
    match (json, response) {
        (None, None) => None,
        (Some(_), None) => Some(Media::Json),
        (None, Some(_)) => Some(Media::Response),
        // Higher quality wins, then a type that is named over one that is only allowed, then the first.
        (Some(json), Some(response)) => Some(if response > json { Media::Response } else { Media::Json }),
    }
}

/// Whether a request takes HTML, by its own word.
pub(super) fn wants_html(accept: &str) -> bool {
    accept.split(',').any(|range| essence(range).eq_ignore_ascii_case("text/html"))
}

/// The type without its parameters.
pub(super) fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// Whether a parameter `charset` is absent or UTF-8.
pub(super) fn is_utf8(value: &str) -> bool {
    value.split(';').skip(1).all(|parameter| {
        let (name, charset) = parameter.split_once('=').unwrap_or((parameter, "utf-8"));
        !name.trim().eq_ignore_ascii_case("charset")
            || charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}

/// Quality in thousandths, how closely the type is named, and how early; none where it is not accepted.
fn weigh(accept: &str, name: &str) -> Option<(u32, u8, std::cmp::Reverse<usize>)> {
    let group = name.split('/').next().unwrap_or_default();
    let mut best: Option<(u8, u32, usize)> = None;
    for (place, range) in accept.split(',').enumerate() {
        let wanted = essence(range);
        let closeness = if wanted.eq_ignore_ascii_case(name) {
            2
        } else if wanted.strip_suffix("/*").is_some_and(|g| g.eq_ignore_ascii_case(group)) {
            1
        } else if wanted == "*/*" {
            0
        } else {
            continue;
        };
        // The closest range decides about a type, even where a wider one would take it.
        if best.is_none_or(|(known, ..)| closeness > known) {
            best = Some((closeness, quality(range), place));
        }
    }
    let (closeness, quality, place) = best?;
    (quality > 0).then_some((quality, closeness, std::cmp::Reverse(if closeness == 2 { place } else { 0 })))
}

fn quality(range: &str) -> u32 {
    range
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .and_then(|(_, value)| value.trim().parse::<f64>().ok())
        .map_or(1000, |quality| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
            let thousandths = (quality.clamp(0.0, 1.0) * 1000.0) as u32;
            thousandths
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_in_the_type_asked_for() {
        for (accept, expected) in [
            ("", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("application/json", Some(Media::Json)),
            ("application/graphql-response+json", Some(Media::Response)),
            (
                "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
                Some(Media::Response),
            ),
            ("application/json, application/graphql-response+json", Some(Media::Json)),
            ("application/json;q=0.5, application/graphql-response+json;q=0.6", Some(Media::Response)),
            ("application/graphql-response+json, */*;q=0.1", Some(Media::Response)),
            ("application/json;q=0, */*", Some(Media::Response)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(Media::Json)),
            ("text/html", None),
            ("image/png, text/*", None),
        ] {
            assert_eq!(negotiate(accept), expected, "{accept}");
        }
    }

    #[test]
    fn a_charset_is_utf_8_or_absent() {
        assert!(is_utf8("application/json"));
        assert!(is_utf8("application/json; charset=\"UTF-8\""));
        assert!(!is_utf8("application/json; charset=latin1"));
    }
}
