//! What is known of one problem over time: same problem, same row.

use sea_orm::entity::prelude::*;

use crate::{Severity, Timestamp};

/// Whether a problem is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum FindingState {
    /// It is there.
    Open,
    /// It is gone.
    Resolved,
    /// Somebody decided that it does not matter; seeing it again does not reopen it.
    Dismissed,
}

/// A row of `finding`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "finding")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Whose problem it is.
    pub company_id: Uuid,
    /// Which product found it.
    pub source: String,
    /// Its identity there.
    pub key: String,
    /// The scan or snapshot that saw it last, where the sender names one.
    pub scope_key: Option<String>,
    /// Whether it is there.
    pub state: FindingState,
    /// How bad.
    pub severity: Severity,
    /// What it is about, e.g. `vulnerability`.
    pub category: String,
    /// One line for people.
    pub title: String,
    /// More, Markdown as sent.
    pub body_md: String,
    /// Where it is.
    pub asset: Json,
    /// Where to see more.
    pub evidence_url: Option<String>,
    /// What else is known of it: product, vulnerabilities, remediation, user and labels.
    pub details: Option<Json>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// How often it was seen.
    pub seen_count: i64,
    /// The time of the newest statement about it; older ones are stale.
    pub last_occurred_at: Timestamp,
    /// The sender's own order, of the newest statement.
    pub last_sequence: Option<String>,
    /// The kind of the newest statement.
    pub last_kind: String,
    /// When it was resolved or dismissed.
    pub resolved_at: Option<Timestamp>,
    /// Why, e.g. `fixed`.
    pub close_reason: Option<String>,
    /// How often it came back.
    pub reopened_count: i32,
    /// The endpoint that learned it in baseline mode, so that it gets no ticket by being seen again; none where
    /// it was not learned so, or has got worse or come back since.
    pub baseline_endpoint_id: Option<Uuid>,
    /// Whether subscribers were told of it by policies that want no ticket, and not yet that it is over: by which
    /// stands in `told_finding`.
    pub is_told: bool,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
