//! The copy of a PSA's contacts: the people at customers whom tickets name.

pub mod naming;
pub mod remote;
mod settings;
mod store;

use entity::{company_mapping, contact};
use sea_orm::{
    ColumnTrait as _, Condition, QueryFilter as _, Select,
    sea_query::{ColumnRef, IntoColumnRef as _, Query},
};
use uuid::Uuid;

pub use settings::{
    Offered, Settings, SettingsChange, all_read, catalogue, keep_catalogue, of_connection, of_connections,
    set,
};
pub use store::{Plan, Stored, mark_missing, store_contacts, unseen};

use crate::{
    db::{
        filter::{any_of, contains},
        page::Order,
    },
    organizations::{
        reach::{self, List},
        viewer::Viewer,
    },
};

/// An e-mail address as [`contact::Model::email_keys`] holds it; none where it is none.
pub(crate) fn email_key(address: &str) -> Option<String> {
    /// The longest one that mail can be sent to (RFC 5321).
    const MAX: usize = 254;
    let address = address.trim().trim_start_matches('<').trim_end_matches('>').to_lowercase();
    let is_one = (3..=MAX).contains(&address.len())
        && address.contains('@')
        && !address
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control() || "<>,;".contains(letter));
    is_one.then(|| format!("<{address}>"))
}

/// Which contacts to show. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContactFilter {
    /// Part of the name, an e-mail address, the telephone number or the PSA's id, in any case.
    pub text: Option<String>,
    /// With exactly this e-mail address, in any case.
    pub email: Option<String>,
    /// Of one of these companies of ours.
    pub company_ids: Option<Vec<Uuid>>,
    /// Of one of these types, in the PSA's words.
    pub types: Option<Vec<String>>,
    /// Whether the PSA lists them as active.
    pub is_active: Option<bool>,
    /// Whether the PSA no longer lists them.
    pub is_missing: Option<bool>,
}

/// Below what contacts are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ContactsOf {
    /// An organization.
    #[default]
    Organization,
    /// A connection.
    PsaConnection,
    /// A company of the PSA.
    PsaCompany,
}

/// Contacts, by name unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContactList {
    /// Below what.
    pub of: ContactsOf,
    /// Which.
    pub filter: ContactFilter,
    /// Another order.
    pub order: Option<Order<contact::Entity>>,
}

impl List for ContactList {
    type Entity = contact::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<contact::Entity> {
        use contact::Column as C;
        let filter = &self.filter;
        let of_companies = filter.company_ids.as_ref().map(|ids| {
            let mapped = Query::select()
                .column(company_mapping::Column::PsaCompanyId)
                .from(company_mapping::Entity)
                .and_where(company_mapping::Column::CompanyId.is_in(ids.iter().copied()))
                .take();
            C::PsaCompanyId.in_subquery(mapped)
        });
        let of_email = filter.email.as_ref().map(|email| match email_key(email) {
            Some(key) => contains(&[C::EmailKeys], Some(&key)),
            None => Condition::all().add(C::Id.is_null()),
        });
        reach::rows::<contact::Entity>(viewer).filter(
            Condition::all()
                .add(contains(&[C::Name, C::EmailKeys, C::Phone, C::ExternalId], filter.text.as_deref()))
                .add_option(of_email)
                .add_option(of_companies)
                .add(any_of(C::ContactType, filter.types.as_deref()))
                .add_option(filter.is_active.map(|is_active| C::IsActive.eq(is_active)))
                .add_option(filter.is_missing.map(|is_missing| {
                    if is_missing { C::MissingSince.is_not_null() } else { C::MissingSince.is_null() }
                })),
        )
    }

    fn parent(&self) -> ColumnRef {
        use contact::Column as C;
        let column = match self.of {
            ContactsOf::Organization => C::OrganizationId,
            ContactsOf::PsaConnection => C::PsaConnectionId,
            ContactsOf::PsaCompany => C::PsaCompanyId,
        };
        column.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<contact::Entity> {
        self.order.unwrap_or(Order::ascending(contact::Column::Name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_word_with_an_at_sign_and_nothing_else_is() {
        for text in ["Kim@Acme.example", " <kim@acme.example> "] {
            assert_eq!(email_key(text).as_deref(), Some("<kim@acme.example>"), "{text}");
        }
        for text in ["", "kim", "a@b, c@d", "a@b><c@d", "a b@c", "@", &"a@b".repeat(100)] {
            assert_eq!(email_key(text), None, "{text}");
        }
    }
}
