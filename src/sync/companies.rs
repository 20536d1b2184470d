//! The copy of a PSA's companies.

mod store;

use entity::{company_mapping, psa_company};
use sea_orm::{
    ColumnTrait as _, Condition, QueryFilter as _, Select,
    sea_query::{ColumnRef, IntoColumnRef as _, Query},
};

pub use store::{Seen, Stored, all_read, mark_missing, store_companies, unseen};

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

/// Which of the copied companies to show. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PsaCompanyFilter {
    /// Part of the name or of the PSA's id, in any case.
    pub text: Option<String>,
    /// Of one of these types, in the PSA's words.
    pub company_types: Option<Vec<String>>,
    /// Of one of these statuses, in the PSA's words.
    pub statuses: Option<Vec<String>>,
    /// Whether the PSA still works for it.
    pub is_active: Option<bool>,
    /// Whether a company of ours is mapped to it.
    pub is_mapped: Option<bool>,
    /// Whether the PSA no longer lists it.
    pub is_missing: Option<bool>,
}

/// The copied companies of a connection, by name unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PsaCompanyList {
    /// Which.
    pub filter: PsaCompanyFilter,
    /// Another order.
    pub order: Option<Order<psa_company::Entity>>,
}

impl List for PsaCompanyList {
    type Entity = psa_company::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<psa_company::Entity> {
        use psa_company::Column as C;
        let filter = &self.filter;
        let is_mapped = filter.is_mapped.map(|is_mapped| {
            let mapped = Query::select()
                .column(company_mapping::Column::PsaCompanyId)
                .from(company_mapping::Entity)
                .take();
            if is_mapped { C::Id.in_subquery(mapped) } else { C::Id.not_in_subquery(mapped) }
        });
        reach::rows::<psa_company::Entity>(viewer).filter(
            Condition::all()
                .add(contains(&[C::Name, C::ExternalId], filter.text.as_deref()))
                .add(any_of(C::CompanyType, filter.company_types.as_deref()))
                .add(any_of(C::Status, filter.statuses.as_deref()))
                .add_option(filter.is_active.map(|is_active| C::IsActive.eq(is_active)))
                .add_option(is_mapped)
                .add_option(filter.is_missing.map(|is_missing| {
                    if is_missing { C::MissingSince.is_not_null() } else { C::MissingSince.is_null() }
                })),
        )
    }

    fn parent(&self) -> ColumnRef {
        psa_company::Column::PsaConnectionId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<psa_company::Entity> {
        self.order.unwrap_or(Order::ascending(psa_company::Column::Name))
    }
}

/// Text from outside on one line, at most so many characters: PostgreSQL takes no NUL, lists no line breaks.
pub(crate) fn plain(text: &str, max: usize) -> String {
    let spaced: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(max).collect();
    spaced.trim().to_owned()
}

/// An address in the web that a person can open; none where it is none, or longer than is kept.
pub(crate) fn web_address(url: Option<&str>) -> Option<String> {
    const MAX_URL: usize = 2_000;
    url.filter(|url| url.len() <= MAX_URL && (url.starts_with("https://") || url.starts_with("http://")))
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests;
