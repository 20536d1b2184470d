//! What every answer tells browsers, errors included: this is an API, not a page.

use actix_web::{http::header, middleware::DefaultHeaders};

/// A year, in seconds: what browsers' preload lists ask for.
const HSTS: &str = "max-age=31536000";

/// Headers for answers that do not set them themselves, as GraphiQL's page does with its policy.
///
/// HSTS is promised only where the gateway is reached by TLS: a browser keeps the promise for a year.
pub fn of(public_url: &str) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((header::REFERRER_POLICY, "no-referrer"))
        .add((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ))
        .add((header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"))
        .add((header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"));
    if public_url.starts_with("https://") {
        return headers.add((header::STRICT_TRANSPORT_SECURITY, HSTS));
    }
    headers
}
