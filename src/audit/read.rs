//! The log, for those who may look at it.

use entity::audit_entry;
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

/// Entries of a log, the newest first. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AuditList {
    /// One of these was done.
    pub actions: Option<Vec<String>>,
    /// One of these tokens or members did it.
    pub actor_ids: Option<Vec<Uuid>>,
    /// To one of these.
    pub target_ids: Option<Vec<Uuid>>,
    /// In this time.
    pub at: Span,
    /// Part of the actor's or the target's name, of what was done or of what changed.
    pub text: Option<String>,
}

impl List for AuditList {
    type Entity = audit_entry::Entity;

    const COUNT_BOUND: Option<u64> = Some(10_000);

    fn rows(&self, viewer: &Viewer) -> Select<audit_entry::Entity> {
        use audit_entry::Column as C;
        let texts = [C::ActorName, C::TargetName, C::Action, C::Before, C::After];
        reach::rows::<audit_entry::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::Action, self.actions.as_deref()))
                .add(any_of(C::ActorId, self.actor_ids.as_deref()))
                .add(any_of(C::TargetId, self.target_ids.as_deref()))
                .add(self.at.holds(C::At))
                .add(contains(&texts, self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        audit_entry::Column::OrganizationId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<audit_entry::Entity> {
        Order::descending(audit_entry::Column::Number)
    }
}
