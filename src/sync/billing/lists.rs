//! Lists of billing, in pages.

use entity::{
    billing_entry::{self, EntryState},
    billing_line, psa_billing_line, usage_mark,
    usage_report::{self, UsageState},
};
use sea_orm::{
    ColumnTrait as _, Condition, QueryFilter as _, Select,
    sea_query::{ColumnRef, IntoColumnRef as _},
};
use uuid::Uuid;

use crate::{
    db::{
        filter::{Span, any_of, contains},
        page::Order,
    },
    organizations::{
        reach::{self, List},
        viewer::Viewer,
    },
};

/// Lines that bill what companies use, the newest first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BillingLineList {
    /// Of one of these companies.
    pub company_ids: Option<Vec<Uuid>>,
    /// At one of these connections.
    pub psa_connection_ids: Option<Vec<Uuid>>,
    /// Of one of these products.
    pub products: Option<Vec<String>>,
    /// With pushing on, or off.
    pub is_enabled: Option<bool>,
    /// Part of the product, or of the name of the line or of its invoice.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<billing_line::Entity>>,
}

impl List for BillingLineList {
    type Entity = billing_line::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<billing_line::Entity> {
        use billing_line::Column as C;
        reach::rows::<billing_line::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::CompanyId, self.company_ids.as_deref()))
                .add(any_of(C::PsaConnectionId, self.psa_connection_ids.as_deref()))
                .add(any_of(C::Product, self.products.as_deref()))
                .add_option(self.is_enabled.map(|is_enabled| C::IsEnabled.eq(is_enabled)))
                .add(contains(&[C::Product, C::LineName, C::InvoiceName], self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        billing_line::Column::OrganizationId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<billing_line::Entity> {
        self.order.unwrap_or(Order::descending(billing_line::Column::CreatedAt))
    }
}

/// Entries of the ledger, the newest first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EntryList {
    /// Of a line, rather than of an organization.
    pub of_line: bool,
    /// In one of these states.
    pub states: Option<Vec<EntryState>>,
    /// Of one of these lines.
    pub billing_line_ids: Option<Vec<Uuid>>,
    /// Of one of these months.
    pub periods: Option<Vec<String>>,
    /// Made in this time.
    pub created: Span,
    /// Another order.
    pub order: Option<Order<billing_entry::Entity>>,
}

impl List for EntryList {
    type Entity = billing_entry::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<billing_entry::Entity> {
        use billing_entry::Column as C;
        reach::rows::<billing_entry::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::State, self.states.as_deref()))
                .add(any_of(C::BillingLineId, self.billing_line_ids.as_deref()))
                .add(any_of(C::Period, self.periods.as_deref()))
                .add(self.created.holds(C::CreatedAt)),
        )
    }

    fn parent(&self) -> ColumnRef {
        use billing_entry::Column as C;
        let column = if self.of_line { C::BillingLineId } else { C::OrganizationId };
        column.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<billing_entry::Entity> {
        self.order.unwrap_or(Order::descending(billing_entry::Column::CreatedAt))
    }
}

/// Marks of what companies use, those of the latest month first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MarkList {
    /// Of one of these companies.
    pub company_ids: Option<Vec<Uuid>>,
    /// Of one of these products.
    pub products: Option<Vec<String>>,
    /// Of one of these months.
    pub periods: Option<Vec<String>>,
    /// Another order.
    pub order: Option<Order<usage_mark::Entity>>,
}

impl List for MarkList {
    type Entity = usage_mark::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<usage_mark::Entity> {
        use usage_mark::Column as C;
        reach::rows::<usage_mark::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::CompanyId, self.company_ids.as_deref()))
                .add(any_of(C::Product, self.products.as_deref()))
                .add(any_of(C::Period, self.periods.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        usage_mark::Column::OrganizationId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<usage_mark::Entity> {
        self.order.unwrap_or(Order::descending(usage_mark::Column::PeriodStartsAt))
    }
}

/// Reports of usage, the newest first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReportList {
    /// In one of these states.
    pub states: Option<Vec<UsageState>>,
    /// Of one of these companies.
    pub company_ids: Option<Vec<Uuid>>,
    /// Of one of these products.
    pub products: Option<Vec<String>>,
    /// For moments in this time.
    pub observed: Span,
    /// Another order.
    pub order: Option<Order<usage_report::Entity>>,
}

impl List for ReportList {
    type Entity = usage_report::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<usage_report::Entity> {
        use usage_report::Column as C;
        reach::rows::<usage_report::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::State, self.states.as_deref()))
                .add(any_of(C::CompanyId, self.company_ids.as_deref()))
                .add(any_of(C::Product, self.products.as_deref()))
                .add(self.observed.holds(C::ObservedAt)),
        )
    }

    fn parent(&self) -> ColumnRef {
        usage_report::Column::OrganizationId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<usage_report::Entity> {
        self.order.unwrap_or(Order::descending(usage_report::Column::CreatedAt))
    }
}

/// The copied lines of a PSA's recurring invoices, by the names of these unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PsaBillingLineList {
    /// Of one of these companies of the PSA.
    pub psa_company_ids: Option<Vec<Uuid>>,
    /// Those whose quantity can be set, or that cannot.
    pub can_be_set: Option<bool>,
    /// Part of the name of the line or of its invoice.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<psa_billing_line::Entity>>,
}

impl List for PsaBillingLineList {
    type Entity = psa_billing_line::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<psa_billing_line::Entity> {
        use psa_billing_line::Column as C;
        let can_be_set = self
            .can_be_set
            .map(|can| if can { C::FixedBecause.is_null() } else { C::FixedBecause.is_not_null() });
        reach::rows::<psa_billing_line::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::PsaCompanyId, self.psa_company_ids.as_deref()))
                .add_option(can_be_set)
                .add(contains(&[C::Name, C::InvoiceName], self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        psa_billing_line::Column::PsaConnectionId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<psa_billing_line::Entity> {
        self.order.unwrap_or(Order::ascending(psa_billing_line::Column::InvoiceName))
    }
}
