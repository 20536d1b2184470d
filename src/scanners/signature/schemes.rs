//! The schemes there are, one entry each.
//!
//! Senders without an id of their own (SonarQube, GitGuardian, HostedScan) sign a body that is never the same
//! twice: what repeats is recognised by the body. The ids of GitHub, Snyk and PagerDuty are not signed; they
//! tell repetitions from news, nothing else.

use super::{
    Scheme,
    described::{Description, Encoding, Form, Id, KeyOf, Method, Origin, Piece, Place, Signed, Time, Unit},
};

/// Ids, times and signatures of Standard Webhooks; Svix's own receivers read their names first, header by header.
const STANDARD: Signed<'static> = Signed {
    headers: &["svix-signature", "webhook-signature"],
    separator: Some(' '),
    prefix: "v1,",
    foreign: &["v1a,"],
    encoding: Encoding::Base64,
    key: KeyOf::Secret,
    content: &[Piece::Id, Piece::Text("."), Piece::Time, Piece::Text("."), Piece::Body],
    time: Some(Time {
        headers: &["svix-timestamp", "webhook-timestamp"],
        unit: Unit::Secs,
        max_age_secs: None,
    }),
    id: Some(Id { headers: &["svix-id", "webhook-id"], is_required: true }),
};

/// A signature of the body alone, in hex.
const OF_BODY: Signed<'static> = Signed {
    headers: &[],
    separator: None,
    prefix: "",
    foreign: &[],
    encoding: Encoding::Hex,
    key: KeyOf::Secret,
    content: &[Piece::Body],
    time: None,
    id: None,
};

impl Scheme {
    /// Standard Webhooks 1.0.0, HMAC-SHA256 with a shared secret (`v1`, `whsec_…`); also under Svix's names of
    /// the headers.
    pub const STANDARD_WEBHOOKS: Self = Self(&Description {
        key: "standard_webhooks",
        label: "Standard Webhooks, shared secret (HMAC-SHA256)",
        help: "Give the endpoint's secret (whsec_…) to the sender, which signs with it. Svix, and products that \
               send by Svix, call it the signing secret; where the product makes it, give it to the endpoint.",
        proof: "standard_webhooks.v1",
        origin: Origin::Gateway(Form::Whsec),
        method: Method::Signed(STANDARD),
    });

    /// Standard Webhooks 1.0.0, Ed25519: the sender keeps the private key (`v1a`, `whpk_…`).
    pub const STANDARD_WEBHOOKS_ED25519: Self = Self(&Description {
        key: "standard_webhooks_ed25519",
        label: "Standard Webhooks, public key (Ed25519)",
        help: "Give the sender's public key (whpk_…) to the endpoint; the private one stays with the sender.",
        proof: "standard_webhooks.v1a",
        origin: Origin::Sender(Form::Whpk, "the sender makes the key pair; give its public key (whpk_…)"),
        method: Method::Signed(Signed {
            prefix: "v1a,",
            foreign: &["v1,"],
            key: KeyOf::PublicKey,
            ..STANDARD
        }),
    });

    /// GitHub's webhooks: `X-Hub-Signature-256`. The older header with SHA-1 is not looked at.
    pub const GITHUB: Self = Self(&Description {
        key: "github",
        label: "GitHub (X-Hub-Signature-256)",
        help: "In GitHub, under Settings > Webhooks of the organization or repository: enter the endpoint's \
               address as Payload URL and its secret as Secret, and choose application/json.",
        proof: "github",
        origin: Origin::Gateway(Form::Text),
        method: Method::Signed(Signed {
            headers: &["x-hub-signature-256"],
            prefix: "sha256=",
            foreign: &["sha1="],
            id: Some(Id { headers: &["x-github-delivery"], is_required: false }),
            ..OF_BODY
        }),
    });

    /// Snyk's webhooks: SHA-256 under the header name that GitHub uses for SHA-1. `X-Snyk-Timestamp` is not
    /// signed and so proves nothing.
    pub const SNYK: Self = Self(&Description {
        key: "snyk",
        label: "Snyk (X-Hub-Signature)",
        help: "Give the endpoint's address as `url` and its secret as `secret` when you create the webhook by \
               Snyk's API (POST /org/{orgId}/webhooks).",
        proof: "snyk",
        origin: Origin::Gateway(Form::Text),
        method: Method::Signed(Signed {
            headers: &["x-hub-signature"],
            prefix: "sha256=",
            foreign: &["sha1="],
            id: Some(Id { headers: &["x-snyk-transport-id"], is_required: false }),
            ..OF_BODY
        }),
    });

    /// Webhooks of SonarQube Server and Cloud: `X-Sonar-Webhook-HMAC-SHA256`, bare hex.
    pub const SONARQUBE: Self = Self(&Description {
        key: "sonarqube",
        label: "SonarQube (X-Sonar-Webhook-HMAC-SHA256)",
        help: "In SonarQube, under Administration > Configuration > Webhooks (or the project's own settings): \
               enter the endpoint's address as URL and its secret as Secret.",
        proof: "sonarqube",
        origin: Origin::Gateway(Form::Text),
        method: Method::Signed(Signed { headers: &["x-sonar-webhook-hmac-sha256"], ..OF_BODY }),
    });

    /// GitGuardian's custom webhooks: the key is the timestamp's text and then the token.
    pub const GITGUARDIAN: Self = Self(&Description {
        key: "gitguardian",
        label: "GitGuardian (Gitguardian-Signature)",
        help: "In GitGuardian, under Settings > Integrations > Destinations > Custom webhook: enter the \
               endpoint's address as URL, and put its secret in the place of the suggested signature token.",
        proof: "gitguardian",
        origin: Origin::Gateway(Form::Text),
        method: Method::Signed(Signed {
            headers: &["gitguardian-signature"],
            prefix: "sha256=",
            key: KeyOf::TimeThenSecret,
            time: Some(Time { headers: &["timestamp"], unit: Unit::Secs, max_age_secs: None }),
            ..OF_BODY
        }),
    });

    /// HostedScan's webhooks: `{timestamp}.{body}`, the time in milliseconds.
    pub const HOSTEDSCAN: Self = Self(&Description {
        key: "hostedscan",
        label: "HostedScan (X-HOSTEDSCAN-SIGNATURE)",
        help: "HostedScan makes the secret itself: make the endpoint, add a webhook with its address in HostedScan, \
               then give the signing secret shown there to the endpoint (webhookEndpointRotateSecret with \
               `secret` and overlapSeconds 0). The one that is shown here first is of no use.",
        proof: "hostedscan",
        origin: Origin::Gateway(Form::Text),
        method: Method::Signed(Signed {
            headers: &["x-hostedscan-signature"],
            content: &[Piece::Time, Piece::Text("."), Piece::Body],
            time: Some(Time {
                headers: &["x-hostedscan-timestamp"],
                unit: Unit::Millis,
                // It tries for 12 hours (docs.hostedscan.com, Webhooks) and does not say that it signs each try
                // anew. What repeats is recognised by its body, which holds an id, however old it is.
                max_age_secs: Some(13 * 3_600),
            }),
            ..OF_BODY
        }),
    });

    /// PagerDuty's webhooks of version 3: a comma-separated list, so that its secret can be rotated.
    pub const PAGERDUTY: Self = Self(&Description {
        key: "pagerduty",
        label: "PagerDuty v3 (X-PagerDuty-Signature)",
        help: "PagerDuty makes the secret itself: make the endpoint, add a webhook with its address under \
               Integrations > Generic Webhooks (v3), then give the secret that PagerDuty shows once to the \
               endpoint (webhookEndpointRotateSecret with `secret` and overlapSeconds 0). The one that is shown \
               here first is of no use.",
        proof: "pagerduty.v1",
        origin: Origin::Gateway(Form::Text),
        method: Method::Signed(Signed {
            headers: &["x-pagerduty-signature"],
            separator: Some(','),
            prefix: "v1=",
            id: Some(Id { headers: &["x-webhook-id"], is_required: false }),
            ..OF_BODY
        }),
    });

    /// A secret that the sender shows: a header, or `access_token` in the address's query.
    pub const STATIC_TOKEN: Self = Self(&Description {
        key: "static_token",
        label: "Token in a header or the address",
        help: "Have the sender send the endpoint's secret in one of these places: the header Authorization, as \
               `Bearer <secret>` or the secret alone; the header X-Webhook-Token; or the end of the address, as \
               `?access_token=<secret>`. Nothing is signed: who sees the secret can use it.",
        proof: "static_token",
        origin: Origin::Gateway(Form::Token),
        method: Method::Shown(Place::Token),
    });

    /// HTTP Basic (RFC 7617).
    pub const BASIC: Self = Self(&Description {
        key: "basic",
        label: "User name and password (HTTP Basic)",
        help: "The endpoint's secret is `user:password`: enter what stands before the colon as user name and \
               what follows as password. Where the sender has no fields for them, put both into the address: \
               https://user:password@….",
        proof: "basic",
        origin: Origin::Gateway(Form::Login),
        method: Method::Shown(Place::Login),
    });

    /// A secret in the address's path, for senders that can do nothing else.
    pub const SECRET_PATH: Self = Self(&Description {
        key: "secret_path",
        label: "Secret address",
        help: "Append a slash and the endpoint's secret to its address, and give that to the sender: \
               …/webhooks/<key>/<secret>. Keep it to yourself: who knows the address can post to it. Take \
               another way where the sender has one.",
        proof: "secret_path",
        origin: Origin::Gateway(Form::PathToken),
        method: Method::Shown(Place::Path),
    });

    /// Amazon SNS: RSA by a certificate of Amazon's, for topics such as those that Security Hub's findings go to.
    pub const SNS: Self = Self(&Description {
        key: "sns",
        label: "Amazon SNS",
        help: "In Amazon SNS, create a subscription of the topic with the protocol HTTPS and the endpoint's \
               address, without raw message delivery. The gateway confirms it by itself and from then on takes \
               nothing from another topic. To say which topic beforehand, or to change it, set \
               `{\"topicArn\": \"arn:aws:sns:…\"}` in the endpoint's settings. There is no secret.",
        proof: "sns.v2",
        origin: Origin::Nobody,
        method: Method::Sns,
    });

    /// HMAC-SHA256 as the endpoint's settings describe it, for senders that are not known here.
    pub const CUSTOM_HMAC: Self = Self(&Description {
        key: "custom_hmac",
        label: "HMAC-SHA256, described by yourself",
        help: "Say in the endpoint's settings how the sender signs: `{\"signature\": {\"header\": \
               \"X-Signature\"}}`, and where they differ from these: `prefix` (\"\"), `encoding` (\"hex\", or \
               \"base64\"), `separator` between several signatures (none), `content` (\"{body}\"; also \
               {timestamp} and {id}), `timestampHeader`, `timestampUnit` (\"seconds\", \"milliseconds\" or \
               \"rfc3339\"), `idHeader`. The key is the secret's text. Give the endpoint's secret to the sender, \
               or the sender's to the endpoint.",
        proof: "custom_hmac",
        origin: Origin::Gateway(Form::Text),
        method: Method::Custom,
    });

    /// Every scheme there is.
    pub const ALL: &'static [Self] = &[
        Self::STANDARD_WEBHOOKS,
        Self::STANDARD_WEBHOOKS_ED25519,
        Self::GITHUB,
        Self::SNYK,
        Self::SONARQUBE,
        Self::GITGUARDIAN,
        Self::HOSTEDSCAN,
        Self::PAGERDUTY,
        Self::STATIC_TOKEN,
        Self::BASIC,
        Self::SECRET_PATH,
        Self::SNS,
        Self::CUSTOM_HMAC,
    ];
}
