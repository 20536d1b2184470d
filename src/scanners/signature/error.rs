//! Why a webhook was refused.

use crate::queue::received::RepeatedHeader;

/// Why a webhook was refused, in words for whoever set up the sender. Holds no
/// secret, no signature and nothing of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is not there.
    #[error(
        "the header webhook-{0} (or svix-{0}) is missing; send webhook-id, webhook-timestamp and webhook-signature"
    )]
    Missing(&'static str),
    /// A header is there more than once.
    #[error(transparent)]
    Repeated(#[from] RepeatedHeader),
    /// The message id has another form.
    #[error(
        "the message id in {header} {problem}; send 1 to 256 visible ASCII characters without a full stop"
    )]
    MalformedId {
        /// Which header.
        header: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The timestamp has another form.
    #[error("the time in {0} is not a whole number of seconds since 1970, e.g. 1767225600")]
    MalformedTimestamp(String),
    /// The signature header holds nothing of the form `version,base64`.
    #[error("{header} {problem}; send a space-separated list of {version},<base64 of the signature>")]
    MalformedSignature {
        /// Which header.
        header: String,
        /// What is wrong with it.
        problem: &'static str,
        /// `v1` or `v1a`.
        version: &'static str,
    },
    /// There are signatures, but none of the endpoint's scheme.
    #[error(
        "the webhook is signed by {sent}, but this endpoint expects {expected}; change the sender's way of signing, or make an endpoint for it"
    )]
    WrongScheme {
        /// `v1` or `v1a`.
        expected: &'static str,
        /// `v1`, `v1a` or `another version`.
        sent: &'static str,
    },
    /// The signature is right, but old.
    #[error(
        "the webhook was signed {0} seconds ago, which is too long; sign each attempt anew, and check the sender's clock"
    )]
    TooOld(u64),
    /// The signature is right, but from the future.
    #[error(
        "the webhook was signed {0} seconds in the future; check the sender's clock, and that the timestamp is in seconds, not milliseconds"
    )]
    TooNew(u64),
    /// No signature was made with one of the endpoint's keys over this content.
    #[error(
        "no signature matches; sign {{id}}.{{timestamp}}.{{body}} over the exact bytes sent, with the endpoint's current secret (whsec_…: the key is what follows, base64-decoded)"
    )]
    NoMatch,
    /// The endpoint has no key to check with.
    #[error("the endpoint has no active key for {0}; create one, then send again")]
    NoKey(&'static str),
}
