//! The copy of a PSA's configurations: assets as the PSA keeps them.

pub mod naming;
mod settings;
mod store;

use entity::{company_mapping, configuration};
use sea_orm::{
    ColumnTrait as _, Condition, QueryFilter as _, Select,
    sea_query::{ColumnRef, IntoColumnRef as _, Query},
};
use uuid::Uuid;

pub use settings::{
    Settings, SettingsChange, all_read, catalogue, keep_catalogue, of_connection, of_connections,
    of_organization, set,
};
pub use store::{Plan, Stored, day, mark_missing, store_configurations, unseen};

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

/// A span of days, as in `2026-01-31`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Days {
    /// Not before this.
    pub from: Option<String>,
    /// Before this.
    pub until: Option<String>,
    /// Whether a day is known at all.
    pub is_known: Option<bool>,
}

impl Days {
    fn hold(&self, column: configuration::Column) -> Condition {
        // No day is the empty text, which stands before all.
        let from = self.from.clone().or_else(|| self.until.as_ref().map(|_| "0".to_owned()));
        Condition::all()
            .add_option(from.map(|from| column.gte(from)))
            .add_option(self.until.clone().map(|until| column.lt(until)))
            .add_option(self.is_known.map(|is_known| if is_known { column.ne("") } else { column.eq("") }))
    }
}

/// Which configurations to show. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConfigurationFilter {
    /// Part of the name, serial number or PSA's id, in any case.
    pub text: Option<String>,
    /// Of one of these companies of ours.
    pub company_ids: Option<Vec<Uuid>>,
    /// Of one of these types, in the PSA's words.
    pub types: Option<Vec<String>>,
    /// In one of these statuses, in the PSA's words.
    pub statuses: Option<Vec<String>>,
    /// Made by one of these.
    pub manufacturers: Option<Vec<String>>,
    /// Whether it is in use.
    pub is_active: Option<bool>,
    /// Whether the PSA no longer lists it.
    pub is_missing: Option<bool>,
    /// Bought in this time.
    pub purchased: Days,
    /// Its warranty ends in this time.
    pub expires: Days,
    /// Its warranty ends in one of these times.
    pub warranty: Option<Vec<Days>>,
}

/// Below what configurations are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConfigurationsOf {
    /// An organization.
    #[default]
    Organization,
    /// A connection.
    PsaConnection,
    /// A company of the PSA.
    PsaCompany,
}

/// Configurations, by name unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConfigurationList {
    /// Below what.
    pub of: ConfigurationsOf,
    /// Which.
    pub filter: ConfigurationFilter,
    /// Another order.
    pub order: Option<Order<configuration::Entity>>,
}

impl List for ConfigurationList {
    type Entity = configuration::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<configuration::Entity> {
        use configuration::Column as C;
        let filter = &self.filter;
        let of_companies = filter.company_ids.as_ref().map(|ids| {
            let mapped = Query::select()
                .column(company_mapping::Column::PsaCompanyId)
                .from(company_mapping::Entity)
                .and_where(company_mapping::Column::CompanyId.is_in(ids.iter().copied()))
                .take();
            C::PsaCompanyId.in_subquery(mapped)
        });
        reach::rows::<configuration::Entity>(viewer).filter(
            Condition::all()
                .add(contains(&[C::Name, C::SerialNumber, C::ExternalId], filter.text.as_deref()))
                .add_option(of_companies)
                .add(any_of(C::ConfigurationType, filter.types.as_deref()))
                .add(any_of(C::Status, filter.statuses.as_deref()))
                .add(any_of(C::Manufacturer, filter.manufacturers.as_deref()))
                .add_option(filter.is_active.map(|is_active| C::IsActive.eq(is_active)))
                .add_option(filter.is_missing.map(|is_missing| {
                    if is_missing { C::MissingSince.is_not_null() } else { C::MissingSince.is_null() }
                }))
                .add(filter.purchased.hold(C::PurchasedOn))
                .add(filter.expires.hold(C::ExpiresOn))
                .add_option(filter.warranty.as_ref().map(|spans| {
                    let none = Condition::any().add(C::Id.is_null());
                    spans.iter().fold(none, |any, span| any.add(span.hold(C::ExpiresOn)))
                })),
        )
    }

    fn parent(&self) -> ColumnRef {
        use configuration::Column as C;
        let column = match self.of {
            ConfigurationsOf::Organization => C::OrganizationId,
            ConfigurationsOf::PsaConnection => C::PsaConnectionId,
            ConfigurationsOf::PsaCompany => C::PsaCompanyId,
        };
        column.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<configuration::Entity> {
        self.order.unwrap_or(Order::ascending(configuration::Column::Name))
    }
}
