//! A person at a customer, as the PSA keeps them: a copy.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entity::{contact, psa_company, psa_connection};

use super::{OrderDirection, PsaCompany, PsaConnection, filters::ordering};
use crate::{
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        scalars::{DateTime, Url},
    },
    sync::contacts::{self, ContactList, ContactsOf},
};

/// A person at a customer, as the PSA keeps them: a copy.
pub struct Contact(pub contact::Model);

impl From<contact::Model> for Contact {
    fn from(row: contact::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of contacts, by name unless ordered otherwise: the copy that was read last.
    ContactConnection, ContactEdge, Contact, ContactList
}

/// What a field of the PSA says.
#[derive(Clone, Debug, SimpleObject)]
pub struct ContactFieldValue {
    /// The PSA's key of the field; `custom:` stands before the names of those that people have made.
    pub key: String,
    /// What it says.
    pub value: String,
}

/// Which contacts; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ContactFilter {
    /// Part of the name, an e-mail address, the telephone number or the PSA's id, in upper or lower case.
    pub query: Option<String>,
    /// With exactly this e-mail address, in upper or lower case.
    pub email: Option<String>,
    /// Of one of these types, in the PSA's words.
    pub contact_type_in: Option<Vec<String>>,
    /// Whether the PSA lists them as active.
    pub is_active: Option<bool>,
    /// Whether the PSA no longer lists them.
    pub is_missing: Option<bool>,
}

ordering! {
    /// The order of contacts; those that are equal stand in the order of their ids.
    ContactOrder, ContactOrderField of contact, Asc, [
        /// Their names.
        #[default]
        Name,
        /// Their main e-mail addresses.
        Email,
        /// When they were last read as somebody new or changed.
        SyncedAt,
    ]
}

impl ContactFilter {
    /// The domain's list.
    pub fn read(self, of: ContactsOf, order_by: Option<ContactOrder>) -> ContactList {
        ContactList {
            of,
            filter: contacts::ContactFilter {
                text: self.query,
                email: self.email,
                company_ids: None,
                types: self.contact_type_in,
                is_active: self.is_active,
                is_missing: self.is_missing,
            },
            order: order_by.map(Into::into),
        }
    }
}

fn known(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A person at a customer, as the PSA keeps them: a copy.
#[Object]
impl Contact {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<contact::Entity>(self.0.id)
    }

    /// Through which connection they were read.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// The PSA's company whose contact it is; its `mappings` name yours.
    async fn psa_company(&self, ctx: &Context<'_>) -> Result<PsaCompany> {
        Ok(ctx.loaders()?.named::<psa_company::Entity>(self.0.psa_company_id).await?.into())
    }

    /// The PSA's id.
    async fn external_id(&self) -> &str {
        &self.0.external_id
    }

    /// Their name in the PSA.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Their main e-mail address.
    async fn email(&self) -> Option<&str> {
        known(&self.0.email)
    }

    /// All their e-mail addresses, in lower case: a ticket finds them by each.
    async fn emails(&self) -> Vec<&str> {
        self.0.email_keys.split(['<', '>']).filter(|email| !email.is_empty()).collect()
    }

    /// Their telephone number.
    async fn phone(&self) -> Option<&str> {
        known(&self.0.phone)
    }

    /// What they are at the customer, as in `Office Manager`.
    async fn job_title(&self) -> Option<&str> {
        known(&self.0.job_title)
    }

    /// Their types in the PSA's words, where the PSA has types.
    async fn contact_type(&self) -> Option<&str> {
        self.0.contact_type.as_deref()
    }

    /// Whether the PSA lists them as active. A ticket gets nobody else.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// Where a person opens them in the PSA.
    async fn external_url(&self) -> Option<Url> {
        self.0.external_url.clone().map(Url)
    }

    /// What else was kept of them, by key.
    async fn fields(&self) -> Vec<ContactFieldValue> {
        let fields = self.0.fields.as_object().into_iter().flatten();
        fields
            .filter_map(|(key, value)| {
                Some(ContactFieldValue { key: key.clone(), value: value.as_str()?.to_owned() })
            })
            .collect()
    }

    /// Since when the PSA no longer lists them, or not among those that are read; null where it does.
    async fn missing_since(&self) -> Option<DateTime> {
        self.0.missing_since.map(DateTime)
    }

    /// When something of them was other than at the reading before, last; null where nothing was.
    async fn changed_at(&self) -> Option<DateTime> {
        self.0.changed_at.map(DateTime)
    }

    /// When they were last read as somebody new or changed; `ContactSync.syncedAt` says when all were read.
    async fn synced_at(&self) -> DateTime {
        self.0.synced_at.into()
    }
}
