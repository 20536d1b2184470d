//! Findings, for those who look at them.

use entity::{finding, ticket_finding};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, JoinType, QueryFilter as _, QuerySelect as _, Select,
    sea_query::{ColumnRef, Expr, IntoColumnRef as _},
};
use uuid::Uuid;

use crate::{
    db::{
        filter::{Severities, Span, any_of, json_text},
        page::{Order, Search},
    },
    organizations::{
        reach::{self, List},
        viewer::Viewer,
    },
};

/// Below what findings are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingsOf {
    /// All of an organization.
    Organization,
    /// Those of a company.
    Company,
    /// Those on a ticket.
    Ticket,
}

/// Which findings; everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FindingFilter {
    /// In one of these states.
    pub states: Option<Vec<finding::FindingState>>,
    /// Of these severities.
    pub severities: Severities,
    /// Of one of these companies.
    pub company_ids: Option<Vec<Uuid>>,
    /// Found by one of these products.
    pub sources: Option<Vec<String>>,
    /// About one of these.
    pub categories: Option<Vec<String>>,
    /// The newest event about them was of one of these kinds.
    pub kinds: Option<Vec<String>>,
    /// First seen in this time.
    pub first_seen: Span,
    /// Last seen in this time.
    pub last_seen: Span,
    /// Learned in baseline mode and as they were then, or not.
    pub is_baseline: Option<bool>,
    /// Part of the title or of what names the asset, or the key.
    pub text: Option<String>,
}

/// A list of findings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FindingList {
    /// Below what.
    pub of: FindingsOf,
    /// Which.
    pub filter: FindingFilter,
    /// In which order.
    pub order: Order<finding::Entity>,
}

impl List for FindingList {
    type Entity = finding::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<finding::Entity> {
        let filter = &self.filter;
        let baseline = |is_baseline: bool| {
            let learned = finding::Column::BaselineEndpointId;
            if is_baseline { learned.is_not_null() } else { learned.is_null() }
        };
        let rows = reach::rows::<finding::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(finding::Column::State, filter.states.as_deref()))
                .add(filter.severities.hold(finding::Column::Severity))
                .add(any_of(finding::Column::CompanyId, filter.company_ids.as_deref()))
                .add(any_of(finding::Column::Source, filter.sources.as_deref()))
                .add(filter.first_seen.holds(finding::Column::FirstSeenAt))
                .add(filter.last_seen.holds(finding::Column::LastSeenAt))
                .add(any_of(finding::Column::Category, filter.categories.as_deref()))
                .add(any_of(finding::Column::LastKind, filter.kinds.as_deref()))
                .add_option(filter.is_baseline.map(baseline)),
        );
        if self.of != FindingsOf::Ticket {
            return rows;
        }
        let member = ticket_finding::Entity::belongs_to(finding::Entity)
            .from(ticket_finding::Column::FindingId)
            .to(finding::Column::Id);
        rows.join_rev(JoinType::InnerJoin, member.into())
    }

    fn parent(&self) -> ColumnRef {
        match self.of {
            FindingsOf::Organization => finding::Column::OrganizationId.as_column_ref().into_column_ref(),
            FindingsOf::Company => finding::Column::CompanyId.as_column_ref().into_column_ref(),
            FindingsOf::Ticket => ticket_finding::Column::TicketId.as_column_ref().into_column_ref(),
        }
    }

    fn order(&self) -> Order<finding::Entity> {
        self.order
    }

    fn search(&self, _viewer: &Viewer) -> Option<Search<finding::Entity>> {
        use finding::Column as C;
        let search = Search::new(self.filter.text.as_deref(), C::LastSeenAt)?;
        let search = search.within(Expr::col(C::Title.as_column_ref())).exactly(C::Key);
        Some(
            ["name", "fqdn", "ip", "uid"]
                .into_iter()
                .fold(search, |search, key| search.within(json_text(C::Asset, key))),
        )
    }
}
