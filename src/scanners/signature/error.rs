//! Why a webhook was refused.

use crate::queue::received::RepeatedHeader;

/// Why a webhook was refused, in words for whoever set up the sender. Holds no
/// secret, no signature and nothing of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is not there.
    #[error("the header {0} is missing; is the sender set up to sign in the way that this endpoint expects?")]
    Missing(String),
    /// A header is there more than once.
    #[error(transparent)]
    Repeated(#[from] RepeatedHeader),
    /// The message id has another form.
    #[error("the message id in {header} {problem}; send 1 to 256 visible ASCII characters")]
    MalformedId {
        /// Which header.
        header: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The timestamp has another form.
    #[error("the time in {header} is not {wanted}")]
    MalformedTimestamp {
        /// Which header, or field.
        header: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// The signature header holds nothing of the form that is wanted.
    #[error("{header} {problem}; send {wanted}")]
    MalformedSignature {
        /// Which header.
        header: String,
        /// What is wrong with it.
        problem: &'static str,
        /// What it should hold.
        wanted: String,
    },
    /// There are signatures, but none of the endpoint's scheme.
    #[error(
        "the webhook is signed by {sent}, but this endpoint expects {expected}; change the sender's way of signing, or make an endpoint for it"
    )]
    WrongScheme {
        /// What the endpoint's signatures begin with.
        expected: String,
        /// What these begin with.
        sent: String,
    },
    /// The signature is right, but old.
    #[error(
        "the webhook was signed {0} seconds ago, which is too long; sign each attempt anew, and check the sender's clock"
    )]
    TooOld(u64),
    /// The signature is right, but from the future.
    #[error(
        "the webhook was signed {0} seconds in the future; check the sender's clock, and the unit of its timestamp (seconds or milliseconds)"
    )]
    TooNew(u64),
    /// No signature was made with one of the endpoint's keys over this content.
    #[error(
        "no signature matches; sign {content} over the exact bytes sent, with the endpoint's current secret"
    )]
    NoMatch {
        /// What is to be signed.
        content: String,
    },
    /// The endpoint has no key to check with.
    #[error("the endpoint has no active key for {0}; create one, then send again")]
    NoKey(&'static str),
    /// The endpoint's settings do not say how the sender signs.
    #[error("the endpoint's settings do not say how the sender signs: {0}")]
    Settings(String),
    /// No secret is shown where one could stand.
    #[error("there is no secret; send the endpoint's secret {0}")]
    NotShown(&'static str),
    /// What is shown is none of the endpoint's secrets.
    #[error("the secret is not this endpoint's; send its current one {0}")]
    WrongSecret(&'static str),
    /// A secret stands in the address of an endpoint that takes none there.
    #[error("this endpoint takes no secret in its address; post to the address without the last part")]
    SecretInAddress,
    /// What Amazon SNS says is not as it must be.
    #[error("this is not a message of Amazon SNS that can be believed: {0}")]
    Sns(&'static str),
    /// It comes from a topic that the endpoint does not belong to.
    #[error("{0}")]
    Topic(&'static str),
}
