//! What can be done with webhook endpoints.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use entity::{organization, psa_connection, webhook_endpoint, webhook_secret};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    cleared,
    once::{Asked, Earlier},
};
use crate::{
    clock::Chance,
    error::{Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        scalars::{DateTime, Json},
        types::{Sender, WebhookEndpoint, WebhookEndpointMode, WebhookScheme},
    },
    organizations::endpoints::{self, EndpointChange, Learning, NewEndpoint, NewSecret},
    psa,
    scanners::{self, signature::Scheme},
};

/// A webhook endpoint to be made.
#[derive(InputObject)]
pub struct WebhookEndpointCreateInput {
    /// Whose it is.
    pub organization_id: ID,
    /// Name for people, at most 200 characters.
    pub name: String,
    /// Key of the sender that posts, e.g. `events`.
    pub sender: String,
    /// Key of the way it authenticates; the sender's recommended one where it is absent.
    pub scheme: Option<String>,
    /// The connection it speaks for: needed where the sender is a PSA, and only there.
    pub psa_connection_id: Option<ID>,
    /// A secret of your own; one is made and shown once where it is absent. Where the scheme makes no secret:
    /// the one that the sender has made, or its public key.
    pub secret: Option<String>,
    /// Addresses and networks that webhooks are taken from, at most 100, such as `192.0.2.0/24`; absent or empty
    /// for everywhere. Others are answered 403.
    pub allowed_addresses: Option<Vec<String>>,
    /// Settings of the sender and of the way it authenticates, an object; `Sender.setUp` and `WebhookScheme.help` say
    /// which there are. Most need none. Not for secrets.
    pub settings: Option<Json>,
    /// Whether it only learns at first what its sender has found so far, without opening tickets; live where it is absent.
    pub mode: Option<WebhookEndpointMode>,
    /// In the mode `BASELINE`: until when it learns, at most 400 days from now; absent or null until you end it.
    pub baseline_until: Option<DateTime>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more (the secret included, for the token or member that asked first). Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `webhookEndpointCreate` answers.
    WebhookEndpointCreatePayload, WebhookEndpointCreateUserError {
        /// The new endpoint.
        webhook_endpoint: WebhookEndpoint,
        /// The secret that was made. Shown now and never again (but to the same request under the same
        /// `idempotencyKey`); null where you gave your own.
        signing_secret: String,
    }
}

payload! {
    /// What `webhookEndpointUpdate` answers.
    WebhookEndpointUpdatePayload, WebhookEndpointUpdateUserError {
        /// The endpoint, changed.
        webhook_endpoint: WebhookEndpoint,
    }
}

/// What to change of a webhook endpoint; what is absent stays.
#[derive(Debug, InputObject)]
pub struct WebhookEndpointUpdateInput {
    /// The endpoint.
    pub id: ID,
    /// Name for people, at most 200 characters.
    pub name: Option<String>,
    /// Whether it takes webhooks. One that is switched off answers as if it were not there.
    pub is_enabled: Option<bool>,
    /// Addresses and networks that webhooks are taken from, at most 100; null or empty for everywhere.
    pub allowed_addresses: MaybeUndefined<Vec<String>>,
    /// Settings of the sender and of the way it authenticates, all of them; null for none.
    pub settings: MaybeUndefined<Json>,
    /// Whether it only learns. `LIVE` ends a baseline; `webhookEndpointEndBaseline` can take up what was learned, too.
    pub mode: Option<WebhookEndpointMode>,
    /// In the mode `BASELINE`: until when it learns, at most 400 days from now; null until you end it.
    pub baseline_until: MaybeUndefined<DateTime>,
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

/// Which endpoint gets another secret.
#[derive(InputObject)]
pub struct WebhookEndpointRotateSecretInput {
    /// The endpoint.
    pub id: ID,
    /// A secret of your own, or the sender's new secret or public key: as in `webhookEndpointCreate`.
    pub secret: Option<String>,
    /// How long the older secrets stay valid, in seconds: 0 to 604,800 (7 days); 86,400 (one day) where it
    /// is absent.
    pub overlap_seconds: Option<i64>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more (the secret included, for the token or member that asked first). Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `webhookEndpointRotateSecret` answers.
    WebhookEndpointRotateSecretPayload, WebhookEndpointRotateSecretUserError {
        /// The endpoint.
        webhook_endpoint: WebhookEndpoint,
        /// The secret that was made. Shown now and never again (but to the same request under the same
        /// `idempotencyKey`); null where you gave your own.
        signing_secret: String,
        /// Until when the older secrets are accepted, where they do not expire sooner.
        previous_secret_expires_at: DateTime,
    }
}

/// Which secret to end.
#[derive(Debug, InputObject)]
pub struct WebhookEndpointExpireSecretInput {
    /// The secret's record.
    pub id: ID,
}

payload! {
    /// What `webhookEndpointExpireSecret` answers.
    WebhookEndpointExpireSecretPayload, WebhookEndpointExpireSecretUserError {
        /// The secret's endpoint.
        webhook_endpoint: WebhookEndpoint,
    }
}

/// What can be done with webhook endpoints.
#[derive(Default)]
pub struct WebhookEndpointMutation;

#[Object]
impl WebhookEndpointMutation {
    /// Makes an address that a sender posts to. Needs `MANAGE_ENDPOINTS`.
    async fn webhook_endpoint_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The endpoint.")] input: WebhookEndpointCreateInput,
    ) -> Result<Option<WebhookEndpointCreatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let is_made = is_blank(input.secret.as_deref());
        let work = async {
            let organization_id =
                ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            let mut problems = Vec::new();
            let parsed = ids::parse_option::<psa_connection::Entity>(
                input.psa_connection_id.as_ref(),
                &["psaConnectionId"],
            );
            let psa_connection_id = parsed.unwrap_or_else(|problem| {
                problems.push(problem);
                None
            });
            let (mut scheme, mut secret) = (String::new(), Secret::default());
            match find_scheme(&input.sender, input.scheme.as_deref()) {
                Ok(found) => {
                    match Secret::read(&input.sender, &found, input.secret, &ground.chance) {
                        Ok(read) => secret = read,
                        Err(problem) => problems.push(problem),
                    }
                    problems.extend(check_settings(&input.sender, &found.key, input.settings.as_ref()));
                    scheme = found.key;
                }
                Err(problem) => problems.push(problem),
            }
            let new = NewEndpoint {
                organization_id,
                name: input.name,
                is_platform: psa::platform(&input.sender).is_some(),
                sender: input.sender,
                psa_connection_id,
                scheme,
                secret: secret.text.clone(),
                settings: input.settings.map(|settings| settings.0).filter(|settings| !settings.is_null()),
                learning: Learning {
                    mode: input.mode.map(Into::into),
                    until: input.baseline_until.map(|until| Some(until.0)),
                },
                is_registered: false,
                allowed_addresses: input.allowed_addresses.unwrap_or_default(),
                problems,
            };
            let made = endpoints::create(viewer, ground, new).await?;
            Ok(WebhookEndpointCreatePayload {
                webhook_endpoint: Some(made.into()),
                signing_secret: secret.shown(),
                user_errors: Vec::new(),
            })
        };
        let again = async |earlier: Earlier<'_>| {
            Ok(WebhookEndpointCreatePayload {
                webhook_endpoint: earlier.row::<webhook_endpoint::Entity>().await?.map(Into::into),
                signing_secret: earlier.secret().filter(|_| is_made),
                user_errors: Vec::new(),
            })
        };
        WebhookEndpointCreatePayload::answer(asked.answer(work, again).await)
    }

    /// Changes an endpoint's name or settings, switches it on or off, or says from where it takes webhooks and whether it
    /// only learns. Needs `MANAGE_ENDPOINTS`.
    async fn webhook_endpoint_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: WebhookEndpointUpdateInput,
    ) -> Result<Option<WebhookEndpointUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<webhook_endpoint::Entity>(&input.id, &["id"])?;
            let settings = match input.settings {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(settings) => Some(Some(settings).filter(|json| !json.0.is_null())),
            };
            if let Some(settings) = &settings {
                let row = endpoints::by_id(viewer, ground, id).await?;
                if let Some(problem) = check_settings(&row.sender, &row.scheme, settings.as_ref()) {
                    return Err(problem.into());
                }
            }
            let change = EndpointChange {
                name: input.name,
                is_enabled: input.is_enabled,
                allowed_addresses: cleared(input.allowed_addresses),
                settings: settings.map(|settings| settings.map(|json| json.0)),
                learning: Learning {
                    mode: input.mode.map(Into::into),
                    until: match input.baseline_until {
                        MaybeUndefined::Undefined => None,
                        MaybeUndefined::Null => Some(None),
                        MaybeUndefined::Value(until) => Some(Some(until.0)),
                    },
                },
                expected_version: input.expected_version,
            };
            let changed = endpoints::update(viewer, ground, id, change).await?;
            Ok(WebhookEndpointUpdatePayload::done(changed.into()))
        };
        WebhookEndpointUpdatePayload::answer(work.await)
    }

    /// Gives an endpoint another secret; the older ones stay valid for a while, so that the sender can be changed
    /// over. Needs `MANAGE_ENDPOINTS`.
    async fn webhook_endpoint_rotate_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which endpoint.")] input: WebhookEndpointRotateSecretInput,
    ) -> Result<Option<WebhookEndpointRotateSecretPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let is_made = is_blank(input.secret.as_deref());
        let work = async {
            let id = ids::parse::<webhook_endpoint::Entity>(&input.id, &["id"])?;
            let row = endpoints::by_id(viewer, ground, id).await?;
            let scheme = find_scheme(&row.sender, Some(&row.scheme))?;
            let secret = Secret::read(&row.sender, &scheme, input.secret, &ground.chance)?;
            let Some(text) = secret.text.clone() else {
                let message = "this way of authentication has no secret of ours that could be changed";
                return Err(Problem::of("id", ProblemCode::WrongState, message).into());
            };
            let (row, until) =
                endpoints::rotate_secret(viewer, ground, id, text, input.overlap_seconds).await?;
            Ok(WebhookEndpointRotateSecretPayload {
                webhook_endpoint: Some(row.into()),
                signing_secret: secret.shown(),
                previous_secret_expires_at: Some(until.into()),
                user_errors: Vec::new(),
            })
        };
        let again = async |earlier: Earlier<'_>| {
            Ok(WebhookEndpointRotateSecretPayload {
                webhook_endpoint: earlier.row::<webhook_endpoint::Entity>().await?.map(Into::into),
                signing_secret: earlier.secret().filter(|_| is_made),
                previous_secret_expires_at: earlier.until().map(DateTime),
                user_errors: Vec::new(),
            })
        };
        WebhookEndpointRotateSecretPayload::answer(asked.answer(work, again).await)
    }

    /// Ends a secret at once; the only valid one stays. Needs `MANAGE_ENDPOINTS`.
    async fn webhook_endpoint_expire_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which secret.")] input: WebhookEndpointExpireSecretInput,
    ) -> Result<Option<WebhookEndpointExpireSecretPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<webhook_secret::Entity>(&input.id, &["id"])?;
            let row = endpoints::expire_secret(viewer, ground, id).await?;
            Ok(WebhookEndpointExpireSecretPayload::done(row.into()))
        };
        WebhookEndpointExpireSecretPayload::answer(work.await)
    }
}

/// Whether nobody gave a secret, so that one is made.
fn is_blank(given: Option<&str>) -> bool {
    given.is_none_or(|text| text.trim().is_empty())
}

/// A secret to be stored, and whether it was made here.
#[derive(Default)]
struct Secret {
    /// None where the scheme has none of ours.
    text: Option<NewSecret>,
    is_made: bool,
}

impl Secret {
    /// The given one, checked; a new one where none is given and the scheme makes them.
    fn read(
        sender: &str,
        scheme: &WebhookScheme,
        given: Option<String>,
        chance: &Chance,
    ) -> Result<Self, Problem> {
        let wrong = |code, message: String| Problem::of("secret", code, message);
        let given = given.filter(|text| !is_blank(Some(text))).map(SecretString::from);
        if let Some(platform) = psa::platform(sender) {
            let Some(text) = given else {
                let text = platform.make_webhook_secret(&scheme.key, chance).map(NewSecret::Used);
                return Ok(Self { is_made: text.is_some(), text });
            };
            let checked = platform.check_webhook_secret(&scheme.key, &text);
            checked.map_err(|message| wrong(ProblemCode::Invalid, message))?;
            return Ok(Self { text: Some(NewSecret::Used(text)), is_made: false });
        }
        let Some(known) = Scheme::from_key(&scheme.key) else {
            return Err(wrong(ProblemCode::NotFound, "this version does not know the scheme".to_owned()));
        };
        let keep =
            |text| if known.hashes_secret() { NewSecret::Compared(text) } else { NewSecret::Used(text) };
        let Some(text) = given else {
            if known.has_secret() && !known.makes_secret() {
                return Err(wrong(ProblemCode::Required, known.wants_secret().to_owned()));
            }
            let text = known.make_secret(chance).map(keep);
            return Ok(Self { is_made: text.is_some(), text });
        };
        known
            .check_secret(text.expose_secret())
            .map_err(|error| wrong(ProblemCode::Invalid, error.to_string()))?;
        Ok(Self { text: Some(keep(text)), is_made: false })
    }

    /// What is shown of it, this once.
    fn shown(&self) -> Option<String> {
        self.text.as_ref().filter(|_| self.is_made).map(|text| text.text().expose_secret().to_owned())
    }
}

/// What is wrong with an endpoint's settings, where something is.
fn check_settings(sender: &str, scheme: &str, settings: Option<&Json>) -> Option<Problem> {
    let null = serde_json::Value::Null;
    let settings = settings.map_or(&null, |json| &json.0);
    let checked = match (scanners::sender(sender), Scheme::from_key(scheme)) {
        (Some(sender), Some(scheme)) => scanners::check_settings(sender, scheme, settings),
        _ if settings.is_null() => Ok(()),
        _ => Err("an endpoint that a PSA posts to has no settings; leave them out".to_owned()),
    };
    checked.err().map(|message| Problem::of("settings", ProblemCode::Invalid, message))
}

/// The sender's way of authentication of that key; its recommended one where none is given.
fn find_scheme(sender: &str, key: Option<&str>) -> Result<WebhookScheme, Problem> {
    let Some(found) = Sender::find(sender) else {
        let known: Vec<_> = Sender::all().into_iter().map(|sender| sender.key).collect();
        let message = format!("there is no sender {sender}; it is one of {}", known.join(", "));
        return Err(Problem::of("sender", ProblemCode::NotFound, message));
    };
    let known: Vec<_> = found.schemes.iter().map(|scheme| scheme.key.clone()).collect();
    let chosen = match key {
        Some(key) => found.schemes.into_iter().find(|scheme| scheme.key == key),
        None => found.schemes.into_iter().next(),
    };
    chosen.ok_or_else(|| {
        let message = format!("{} authenticates by one of: {}", found.label, known.join(", "));
        Problem::of("scheme", ProblemCode::NotFound, message)
    })
}
