//! Where a page comes from that opens a WebSocket.
//!
//! A browser lets any page open a WebSocket to anywhere and says from where, in `Origin`. Programs say nothing.

use actix_web::{HttpRequest, http::header};
use url::Url;

use super::Settings;

/// Whether the request comes from no page, from one of the gateway's own, or from one that is allowed.
pub(super) fn is_allowed(request: &HttpRequest, settings: &Settings) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if settings.origins.iter().any(|allowed| allowed == "*" || is_same(allowed, origin)) {
        return true;
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    is_same(&settings.public_url, origin)
        || ["http", "https"].iter().any(|scheme| is_same(&format!("{scheme}://{host}"), origin))
}

/// Whether two addresses have the same scheme, host and port. `null`, which is what pages without an
/// origin say, is the same as nothing.
fn is_same(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin().is_tuple() && one.origin() == other.origin(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_strangers_page_is_refused_and_a_program_is_not() {
        let settings = Settings {
            origins: vec!["https://dashboard.example.com".to_owned()],
            public_url: "https://gateway.example.com/".to_owned(),
            ..Settings::default()
        };
        for (origin, expected) in [
            (None, true),
            (Some("https://dashboard.example.com"), true),
            (Some("https://gateway.example.com"), true),
            (Some("http://10.0.0.1:8080"), true),
            (Some("https://evil.example.com"), false),
            (Some("https://dashboard.example.com.evil.example"), false),
            (Some("http://dashboard.example.com"), false),
            (Some("https://dashboard.example.com:8443"), false),
            (Some("http://10.0.0.1:8081"), false),
            (Some("null"), false),
            (Some(""), false),
        ] {
            let mut request = TestRequest::get().insert_header((header::HOST, "10.0.0.1:8080"));
            if let Some(origin) = origin {
                request = request.insert_header((header::ORIGIN, origin));
            }
            assert_eq!(is_allowed(&request.to_http_request(), &settings), expected, "{origin:?}");
        }
        let open = Settings { origins: vec!["*".to_owned()], ..Settings::default() };
        let request = TestRequest::get().insert_header((header::ORIGIN, "https://evil.example.com"));
        assert!(is_allowed(&request.to_http_request(), &open));
    }
}
