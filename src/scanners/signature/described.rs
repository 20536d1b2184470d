//! What a scheme is made of.

/// A way of authenticating webhooks, described.
pub(super) struct Description {
    /// Stable name; stored with endpoints.
    pub(super) key: &'static str,
    /// Name for people.
    pub(super) label: &'static str,
    /// What to paste where.
    pub(super) help: &'static str,
    /// Its name in a proof.
    pub(super) proof: &'static str,
    /// Where its secret comes from.
    pub(super) origin: Origin,
    /// How it is checked.
    pub(super) method: Method,
}

/// Where a secret comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// The gateway makes it, or takes one of this form.
    Gateway(Form),
    /// The sender makes it; the words say what a person has to give.
    Sender(Form, &'static str),
    /// There is none.
    Nobody,
}

/// What a secret looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `whsec_` and base64 of 24 to 64 bytes.
    Whsec,
    /// `whpk_` and base64 of a public key of Ed25519.
    Whpk,
    /// Any text; its bytes are the key.
    Text,
    /// Something that is shown as it is, in a header or the address's query.
    Token,
    /// Something that is shown as it is, as a part of the address's path.
    PathToken,
    /// `user:password`.
    Login,
}

impl Form {
    /// Whether it is only compared, so that its hash is all that has to be kept.
    pub(super) const fn is_hashed(self) -> bool {
        matches!(self, Self::Token | Self::PathToken | Self::Login)
    }
}

/// How a webhook is checked.
pub(super) enum Method {
    /// By a signature that this describes.
    Signed(Signed<'static>),
    /// By a signature that the endpoint's settings describe.
    Custom,
    /// By a secret that the webhook shows.
    Shown(Place),
    /// As Amazon SNS signs: by a certificate that is fetched.
    Sns,
}

/// Where a webhook shows its secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `Authorization` (`Bearer`, or alone), `X-Webhook-Token`, or `access_token` in the query.
    Token,
    /// `Authorization: Basic`.
    Login,
    /// The last part of the address's path.
    Path,
}

/// A signature over the body and what belongs to it.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a> {
    /// Headers that may hold it, in lower case; the first that is there counts.
    pub(super) headers: &'a [&'a str],
    /// What stands between several signatures; none where there is one.
    pub(super) separator: Option<char>,
    /// What each of them begins with.
    pub(super) prefix: &'a str,
    /// What signatures of other schemes in the same header begin with: they are told apart from nonsense.
    pub(super) foreign: &'a [&'a str],
    /// How it is written.
    pub(super) encoding: Encoding,
    /// What the key is made of.
    pub(super) key: KeyOf,
    /// What is signed.
    pub(super) content: &'a [Piece<'a>],
    /// When it was signed, where that is signed too.
    pub(super) time: Option<Time<'a>>,
    /// What repetitions are recognised by, where the sender says that.
    pub(super) id: Option<Id<'a>>,
}

/// How a signature is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// In lower case, as all vendors do.
    Hex,
    /// In lower or upper case, as scripts do.
    AnyHex,
    /// Standard base64 (RFC 4648, section 4), padded and canonical.
    Base64,
}

/// What the key is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyOf {
    /// HMAC-SHA256 with the secret's bytes, as the endpoint's key holds them.
    Secret,
    /// HMAC-SHA256 with the timestamp's text and then the secret's.
    TimeThenSecret,
    /// Ed25519 with the sender's public key.
    PublicKey,
}

/// A piece of what is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Piece<'a> {
    /// The message's id.
    Id,
    /// The timestamp, as sent.
    Time,
    /// The body, as sent.
    Body,
    /// These characters.
    Text(&'a str),
}

/// Where the time stands.
#[derive(Clone, Copy)]
pub(super) struct Time<'a> {
    /// Headers that may hold it, in lower case; the first that is there counts.
    pub(super) headers: &'a [&'a str],
    /// How it is written.
    pub(super) unit: Unit,
    /// How old it may be in seconds, where a sender repeats a webhook later without signing it anew.
    pub(super) max_age_secs: Option<i64>,
}

/// How a time is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Whole seconds since 1970.
    Secs,
    /// Whole milliseconds since 1970.
    Millis,
    /// RFC 3339.
    Iso,
}

/// Where the message's id stands.
#[derive(Clone, Copy)]
pub(super) struct Id<'a> {
    /// Headers that may hold it, in lower case; the first that is there counts.
    pub(super) headers: &'a [&'a str],
    /// Whether there is no webhook without one.
    pub(super) is_required: bool,
}

impl Signed<'_> {
    /// What is signed, in words, e.g. `{id}.{timestamp}.{body}`.
    pub(super) fn words(&self) -> String {
        self.content
            .iter()
            .map(|piece| match piece {
                Piece::Id => "{id}",
                Piece::Time => "{timestamp}",
                Piece::Body => "{body}",
                Piece::Text(text) => text,
            })
            .collect()
    }
}
