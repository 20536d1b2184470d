//! A page to try the API from a browser: GraphiQL, loaded from an address that
//! the site chooses, so that a network without internet can serve the files itself.
//!
//! The page pins versions and the SHA-384 of every file (W3C Subresource
//! Integrity): whoever serves them cannot change them. It keeps nothing, because
//! tokens and PSA credentials are typed into it.

use std::fmt::Write as _;

/// Where the files come from unless the configuration says otherwise.
pub const DEFAULT_ASSETS: &str = "https://cdn.jsdelivr.net/npm";

/// GraphiQL 4.1.2 is the newest that ships one script for a plain page; later
/// ones are made of hundreds of modules, which cannot all be pinned.
const TEMPLATE: &str = include_str!("graphiql.html");
const SIGN_IN: &str = include_str!("graphiql_sign_in.html");

/// The page.
///
/// `assets` is where the packages lie (`{assets}/graphiql@4.1.2/graphiql.min.js` …),
/// `endpoint` the GraphQL address, absolute or relative to the page, and `nonce` an
/// unguessable text, new for each answer and the same as in [`content_security_policy`].
pub fn page(assets: &str, endpoint: &str, nonce: &str) -> String {
    TEMPLATE
        .replace("{{assets}}", &attribute(assets.trim_end_matches('/')))
        .replace("{{endpoint}}", &attribute(endpoint))
        .replace("{{nonce}}", &plain_nonce(nonce))
}

/// The value of the page's `Content-Security-Policy` header (W3C CSP Level 3).
///
/// Scripts and styles run by nonce only; the page talks to its own origin only.
pub fn content_security_policy(assets: &str, nonce: &str) -> String {
    let nonce = plain_nonce(nonce);
    let origin = url::Url::parse(assets)
        .ok()
        .map(|url| url.origin().ascii_serialization())
        .filter(|origin| origin.starts_with("http"))
        .unwrap_or_else(|| "'self'".to_owned());
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         font-src data: {origin}; img-src data: {origin}; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The form that asks for an access token before the page; `form` is where it posts to.
pub fn sign_in(message: &str, form: &str, nonce: &str) -> String {
    SIGN_IN
        .replace("{{message}}", &attribute(message))
        .replace("{{form}}", &attribute(form))
        .replace("{{nonce}}", &plain_nonce(nonce))
}

/// The value of the form's `Content-Security-Policy` header: no script, and it posts to its own origin.
pub fn sign_in_security_policy(nonce: &str) -> String {
    let nonce = plain_nonce(nonce);
    format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    )
}

/// Escapes a text for an attribute's value or an element's text; braces, too, so that
/// no value can bring a placeholder of the template.
fn attribute(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, letter| {
        match letter {
            '&' | '<' | '>' | '"' | '\'' | '`' | '{' | '}' => {
                let _ = write!(safe, "&#{};", u32::from(letter));
            }
            _ => safe.push(letter),
        }
        safe
    })
}

/// The characters that a nonce may have by the standard: base64's, of both alphabets.
fn plain_nonce(nonce: &str) -> String {
    nonce.chars().filter(|c| c.is_ascii_alphanumeric() || "+/=-_".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_pinned_and_every_script_has_the_nonce() {
        let page = page("https://assets.example/npm/", "/graphql", "bm9uY2U=");
        assert!(!page.contains("{{"), "a placeholder is left");
        assert_eq!(page.matches("<script").count(), page.matches("<script nonce=\"bm9uY2U=\"").count());
        let files = page.matches("https://assets.example/npm/").count();
        assert_eq!(files, 4);
        assert_eq!(page.matches("integrity=\"sha384-").count(), files);
        assert_eq!(page.matches("crossorigin=\"anonymous\"").count(), files);
        assert!(!page.contains("npm//"));
    }

    #[test]
    fn values_cannot_leave_their_place() {
        let page = page("\"><script>alert(1)</script>", "'\"{{nonce}}</main><b>", "x\"><b>");
        assert!(!page.contains("<script>"));
        assert!(!page.contains("<b>"));
        assert_eq!(page.matches("</main>").count(), 1);
        assert!(page.contains("nonce=\"xb\""));

        let policy = content_security_policy("https://evil.example/;script-src *", "a'; script-src *");
        assert_eq!(policy.matches("script-src").count(), 1 + policy.matches("ascript-src").count());
        assert!(!policy.contains('*'));
    }

    #[test]
    fn the_policy_names_the_origin_of_the_files_only() {
        let policy = content_security_policy("https://assets.example:8443/npm", "bm9uY2U=");
        assert!(policy.contains("https://assets.example:8443;"));
        assert!(policy.contains("script-src 'nonce-bm9uY2U=';"));
        assert!(content_security_policy("/assets", "n").contains("font-src data: 'self';"));
        assert!(content_security_policy("javascript:alert(1)", "n").contains("font-src data: 'self';"));
    }
}
