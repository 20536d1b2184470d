//! Kinds of PSAs, and kinds of products that post webhooks: data, so that a new one changes no schema.

use async_graphql::SimpleObject;

use super::{BillingWay, PsaTicketCapabilities};
use crate::{clock::Chance, psa, scanners, sync::contacts::remote::ContactAbilities};

/// A kind of PSA, as data: dashboards draw their forms from it.
#[derive(Clone, Debug, SimpleObject)]
pub struct Platform {
    /// Stable name, e.g. `halo`.
    pub key: String,
    /// For people, e.g. `HaloPSA`.
    pub label: String,
    /// The form of its credentials, in order. Empty where this version no longer knows the platform.
    pub credential_fields: Vec<CredentialField>,
    /// What a ticket profile can set, in order.
    pub profile_fields: Vec<ProfileField>,
    /// What it can do beyond creating, reading, noting and closing tickets.
    pub capabilities: PlatformCapabilities,
    /// The ways its webhooks can be authenticated; empty where it sends none.
    pub webhook_schemes: Vec<WebhookScheme>,
}

/// One field of a platform's credentials.
#[derive(Clone, Debug, SimpleObject)]
pub struct CredentialField {
    /// Stable name, e.g. `client_id`.
    pub key: String,
    /// As the PSA's own pages call it.
    pub label: String,
    /// Where to find it and what it is for.
    pub help: String,
    /// What one looks like.
    pub example: String,
    /// Whether it is never shown again once stored.
    pub is_secret: bool,
    /// Whether there is no login without it.
    pub is_required: bool,
}

/// One value a ticket profile can set.
#[derive(Clone, Debug, SimpleObject)]
pub struct ProfileField {
    /// Stable name, e.g. `ticket_type`.
    pub key: String,
    /// For people.
    pub label: String,
    /// What it does.
    pub help: String,
    /// Key of the pick list its values come from; null where it is free text.
    pub pick_list: Option<String>,
    /// Keys of other profile fields that decide which values may be used.
    pub depends_on: Vec<String>,
    /// Whether no profile can be saved without it.
    pub is_required: bool,
    /// Whether it is the board (or the queue, or the kind of ticket) by which ticket permissions let people in.
    pub is_board: bool,
}

/// What a platform can do beyond creating, reading, noting and closing tickets.
#[derive(Clone, Debug, SimpleObject)]
#[expect(clippy::struct_excessive_bools, reason = "each says yes or no to one thing a platform can do")]
pub struct PlatformCapabilities {
    /// Whether a closed ticket can be opened again.
    pub can_reopen: bool,
    /// Whether a note can be hidden from the customer.
    pub has_private_notes: bool,
    /// Which of the pick lists `company_type`, `company_status` and `company_market` its companies have values of; the
    /// others are made and assigned here.
    pub company_values: Vec<String>,
    /// What it says of contacts; null where it gives none.
    pub contacts: Option<ContactCapabilities>,
    /// What it says of its own tickets, which can be copied then; null where it does not show them.
    pub own_tickets: Option<PsaTicketCapabilities>,
    /// Whether it gives configurations, which are kept in step then.
    pub has_configurations: bool,
    /// Whether the gateway can make and change configurations in it.
    pub can_write_configurations: bool,
    /// Whether a new ticket can have the configuration of the device that it is about.
    pub can_link_configurations: bool,
    /// Whether it sends webhooks of its own.
    pub has_webhooks: bool,
    /// Whether the gateway can register its own webhook in it, and keep it there.
    pub can_register_webhook: bool,
    /// How it is told what the lines of its recurring invoices are to bill.
    pub billing: BillingWay,
    /// How long a new ticket can stay invisible to its search, in seconds.
    pub search_delay_seconds: i64,
}

/// What a platform says of contacts, beside their names, addresses and telephone numbers.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct ContactCapabilities {
    /// Whether they have types, by which those to be read can be chosen.
    pub has_types: bool,
    /// Whether it says who is inactive; otherwise who is listed counts as active.
    pub has_inactive: bool,
    /// Whether they have fields that people have made there, which can be kept and be conditions.
    pub has_custom_fields: bool,
}

/// A way of authenticating webhooks.
#[derive(Clone, Debug, SimpleObject)]
pub struct WebhookScheme {
    /// Stable name, e.g. `standard_webhooks`.
    pub key: String,
    /// For people.
    pub label: String,
    /// What to set up at the sender.
    pub help: String,
    /// Whether the gateway makes the secret and shows it once. Otherwise the sender makes it, and you give it or
    /// its public key; or there is nothing to give, as `help` says.
    pub makes_secret: bool,
}

/// A kind of product that posts to webhook endpoints: a scanner, or a PSA.
#[derive(Clone, Debug, SimpleObject)]
pub struct Sender {
    /// Stable name, e.g. `events`.
    pub key: String,
    /// For people.
    pub label: String,
    /// What it is and where to set it up.
    pub description: String,
    /// The ways it can be authenticated, the recommended one first.
    pub schemes: Vec<WebhookScheme>,
    /// How to set it up, step by step (Markdown). Its `WebhookScheme.help` says what to paste where.
    pub set_up: String,
    /// The names of the event kinds that it can give, from the catalogue; none where it is a PSA.
    pub event_kinds: Vec<String>,
    /// The platform, where it is a PSA: its endpoints speak for one connection.
    pub platform: Option<Platform>,
}

impl Platform {
    /// Every platform there is.
    pub fn all() -> Vec<Self> {
        psa::platforms().iter().map(|platform| Self::from(*platform)).collect()
    }

    /// The platform of that key; only the key of one that this version does not know.
    pub fn of(key: &str) -> Self {
        psa::platform(key).map_or_else(
            || Self {
                key: key.to_owned(),
                label: key.to_owned(),
                credential_fields: Vec::new(),
                profile_fields: Vec::new(),
                capabilities: psa::Capabilities::default().into(),
                webhook_schemes: Vec::new(),
            },
            Self::from,
        )
    }
}

impl From<psa::Capabilities> for PlatformCapabilities {
    fn from(capabilities: psa::Capabilities) -> Self {
        Self {
            can_reopen: capabilities.reopen,
            has_private_notes: capabilities.private_notes,
            company_values: capabilities.company_values.iter().map(|list| (*list).to_owned()).collect(),
            contacts: None,
            own_tickets: None,
            has_configurations: false,
            can_write_configurations: false,
            can_link_configurations: false,
            has_webhooks: capabilities.webhooks,
            can_register_webhook: capabilities.webhook_registration,
            billing: capabilities.billing.into(),
            search_delay_seconds: capabilities.search_delay_secs,
        }
    }
}

impl From<ContactAbilities> for ContactCapabilities {
    fn from(abilities: ContactAbilities) -> Self {
        Self {
            has_types: abilities.types,
            has_inactive: abilities.inactive,
            has_custom_fields: abilities.custom_fields,
        }
    }
}

impl From<&'static dyn psa::Platform> for Platform {
    fn from(platform: &'static dyn psa::Platform) -> Self {
        let credential_fields = platform.credential_fields().iter().map(|field| CredentialField {
            key: field.key.to_owned(),
            label: field.label.to_owned(),
            help: field.help.to_owned(),
            example: field.example.to_owned(),
            is_secret: field.is_secret,
            is_required: field.is_required,
        });
        let profile_fields = platform.profile_fields().iter().map(|field| ProfileField {
            key: field.key.to_owned(),
            label: field.label.to_owned(),
            help: field.help.to_owned(),
            pick_list: field.pick_list.map(str::to_owned),
            depends_on: field.depends_on.iter().map(|&key| key.to_owned()).collect(),
            is_board: field.is_board,
            is_required: field.is_required,
        });
        let schemes = platform.webhook_schemes().iter().map(|scheme| WebhookScheme {
            key: scheme.key.to_owned(),
            label: scheme.label.to_owned(),
            help: scheme.help.to_owned(),
            makes_secret: platform.make_webhook_secret(scheme.key, &Chance::seeded(0)).is_some(),
        });
        Self {
            key: platform.key().to_owned(),
            label: platform.label().to_owned(),
            credential_fields: credential_fields.collect(),
            profile_fields: profile_fields.collect(),
            capabilities: PlatformCapabilities {
                contacts: platform.contacts().map(|(abilities, _)| abilities.into()),
                own_tickets: platform.own_tickets().map(Into::into),
                has_configurations: platform.configurations().is_some(),
                can_write_configurations: platform.writes_configurations(),
                can_link_configurations: psa::links_configurations(platform),
                ..platform.capabilities().into()
            },
            webhook_schemes: schemes.collect(),
        }
    }
}

impl From<scanners::signature::Scheme> for WebhookScheme {
    fn from(scheme: scanners::signature::Scheme) -> Self {
        Self {
            key: scheme.key().to_owned(),
            label: scheme.label().to_owned(),
            help: scheme.help().to_owned(),
            makes_secret: scheme.makes_secret(),
        }
    }
}

impl Sender {
    /// Every sender there is: scanners, and platforms that send webhooks.
    pub fn all() -> Vec<Self> {
        let scanners = scanners::senders().iter().map(|sender| Self::from(*sender));
        let platforms = Platform::all().into_iter().filter(|platform| platform.capabilities.has_webhooks);
        scanners.chain(platforms.map(Self::from)).collect()
    }

    /// The sender of that key, where this version knows it.
    pub fn find(key: &str) -> Option<Self> {
        scanners::sender(key)
            .map(Self::from)
            .or_else(|| psa::platform(key).map(|platform| Platform::from(platform).into()))
    }

    /// The sender of that key; only the key of one that this version does not know.
    pub fn of(key: &str) -> Self {
        Self::find(key).unwrap_or_else(|| Self {
            key: key.to_owned(),
            label: key.to_owned(),
            description: "This version does not know this sender.".to_owned(),
            schemes: Vec::new(),
            set_up: String::new(),
            event_kinds: Vec::new(),
            platform: None,
        })
    }

    /// Its way of authentication of that key; only the key of one that this version does not know.
    pub fn scheme(&self, key: &str) -> WebhookScheme {
        self.schemes.iter().find(|scheme| scheme.key == key).cloned().unwrap_or_else(|| WebhookScheme {
            key: key.to_owned(),
            label: key.to_owned(),
            help: "This version does not know this way of authentication.".to_owned(),
            makes_secret: true,
        })
    }
}

impl From<&'static dyn scanners::Sender> for Sender {
    fn from(sender: &'static dyn scanners::Sender) -> Self {
        Self {
            key: sender.key().to_owned(),
            label: sender.label().to_owned(),
            description: sender.description().to_owned(),
            schemes: sender.schemes().iter().map(|scheme| WebhookScheme::from(*scheme)).collect(),
            set_up: sender.set_up().to_owned(),
            event_kinds: sender.kinds().into_iter().map(str::to_owned).collect(),
            platform: None,
        }
    }
}

impl From<Platform> for Sender {
    fn from(platform: Platform) -> Self {
        Self {
            key: platform.key.clone(),
            label: platform.label.clone(),
            description: format!("{}'s own webhooks: they tell what people do to tickets.", platform.label),
            schemes: platform.webhook_schemes.clone(),
            set_up: platform
                .webhook_schemes
                .iter()
                .fold(String::new(), |text, scheme| text + "- " + &scheme.label + ": " + &scheme.help + "\n"),
            event_kinds: Vec::new(),
            platform: Some(platform),
        }
    }
}
