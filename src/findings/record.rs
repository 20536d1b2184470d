//! What an event says of its finding, held against what is known of it.
use std::cmp::Ordering;

use entity::{
    Severity, Timestamp,
    finding::{self, FindingState},
};
use serde_json::Value;
use uuid::Uuid;

use super::details;
use crate::{
    decisions::{
        catalogue::Action,
        event::{CloseReason, Event},
    },
    ground::Ground,
};

/// What an event changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The finding was not known; it is there.
    New,
    /// It is there as before.
    SeenAgain {
        /// It is worse than before.
        is_worse: bool,
    },
    /// The very same statement was taken in before.
    Repeated,
    /// It was gone, and is there again.
    CameBack,
    /// It is gone now, or waved off.
    Ended,
    /// It was gone already, or never known.
    EndedBefore,
    /// It is seen, but somebody decided that it does not matter.
    StillDismissed,
    /// Something newer is known.
    Stale,
}

/// Whose finding an event speaks of, and when.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The organization.
    pub organization_id: Uuid,
    /// The company.
    pub company_id: Uuid,
    /// When it was so.
    pub occurred_at: Timestamp,
}

/// The finding as this event alone shows it.
pub(super) fn fresh(ground: &Ground, about: About, event: &Event, now: Timestamp) -> finding::Model {
    let reason = event.close_reason.unwrap_or(CloseReason::Fixed);
    let state = match event.kind.action {
        Action::Close if reason.is_dismissal() => FindingState::Dismissed,
        Action::Close => FindingState::Resolved,
        _ => FindingState::Open,
    };
    let is_open = state == FindingState::Open;
    finding::Model {
        id: ground.chance.id(now),
        organization_id: about.organization_id,
        company_id: about.company_id,
        source: event.source.clone(),
        key: event.finding_key.clone(),
        scope_key: event.scope_key.clone(),
        state,
        severity: event.severity,
        category: event.category.clone(),
        title: event.title.clone(),
        body_md: event.body_md.clone(),
        asset: serde_json::to_value(&event.asset).unwrap_or(Value::Null),
        evidence_url: event.evidence_url.clone(),
        details: details::of(event),
        first_seen_at: about.occurred_at,
        last_seen_at: about.occurred_at,
        seen_count: i64::from(is_open),
        last_occurred_at: about.occurred_at,
        last_sequence: event.sequence.clone(),
        last_kind: event.kind.name.to_owned(),
        resolved_at: (!is_open).then_some(about.occurred_at),
        close_reason: (!is_open).then(|| close_reason_word(reason)),
        reopened_count: 0,
        baseline_endpoint_id: None,
        is_told: false,
    }
}

/// What a known finding becomes by a statement; none where the statement is older than what is known.
pub(super) fn merge(
    known: &finding::Model,
    said: finding::Model,
    action: Action,
) -> (Option<finding::Model>, Change) {
    let order = order(known, &said);
    if order == Ordering::Less {
        return (None, Change::Stale);
    }
    let is_same = order == Ordering::Equal && known.last_kind == said.last_kind;
    let mut next = known.clone();
    next.last_occurred_at = said.last_occurred_at;
    next.last_sequence.clone_from(&said.last_sequence);
    next.last_kind.clone_from(&said.last_kind);
    if action != Action::Close {
        next.seen_count = known.seen_count.saturating_add(1);
        next.last_seen_at = known.last_seen_at.max(said.last_seen_at);
    }
    if is_same {
        return (Some(next), Change::Repeated);
    }
    let change = match (action, known.state) {
        (Action::Close, FindingState::Open) => {
            next.state = said.state;
            next.resolved_at = said.resolved_at;
            next.close_reason = said.close_reason;
            return (Some(next), Change::Ended);
        }
        (Action::Close, _) => return (Some(next), Change::EndedBefore),
        (Action::Update | Action::Sweep | Action::Ignore, FindingState::Resolved) => {
            return (Some(next), Change::EndedBefore);
        }
        (Action::Open | Action::Update | Action::Sweep | Action::Ignore, FindingState::Dismissed) => {
            Change::StillDismissed
        }
        (_, FindingState::Open) => Change::SeenAgain { is_worse: is_worse(known.severity, said.severity) },
        (Action::Open | Action::Reopen, FindingState::Resolved)
        | (Action::Reopen, FindingState::Dismissed) => {
            next.state = FindingState::Open;
            next.resolved_at = None;
            next.close_reason = None;
            next.reopened_count = known.reopened_count.saturating_add(1);
            Change::CameBack
        }
    };
    if said.severity != Severity::Unknown {
        next.severity = said.severity;
    }
    if said.scope_key.is_some() {
        next.scope_key = said.scope_key;
    }
    next.category = said.category;
    next.title = said.title;
    if !said.body_md.is_empty() {
        next.body_md = said.body_md;
    }
    if !said.asset.is_null() {
        next.asset = said.asset;
    }
    if said.evidence_url.is_some() {
        next.evidence_url = said.evidence_url;
    }
    if said.details.is_some() {
        next.details = said.details;
    }
    (Some(next), change)
}

fn is_worse(before: Severity, now: Severity) -> bool {
    now > before && before != Severity::Unknown
}

/// Whether a statement is older than (`Less`), at the same point as, or newer than what is known: by the
/// sender's own sequence where both have one that can be compared, else by time.
fn order(known: &finding::Model, said: &finding::Model) -> Ordering {
    let by_sequence = match (known.last_sequence.as_deref(), said.last_sequence.as_deref()) {
        (Some(known), Some(said)) => compare_sequences(said, known),
        _ => None,
    };
    by_sequence.unwrap_or_else(|| said.last_occurred_at.cmp(&known.last_occurred_at))
}

/// Numbers as numbers, times as times; nothing else can be put in order.
fn compare_sequences(a: &str, b: &str) -> Option<Ordering> {
    if let (Ok(a), Ok(b)) = (a.parse::<u128>(), b.parse::<u128>()) {
        return Some(a.cmp(&b));
    }
    Some(Timestamp::parse_rfc3339(a)?.cmp(&Timestamp::parse_rfc3339(b)?))
}

/// The word for a close reason, as senders write it.
pub fn close_reason_word(reason: CloseReason) -> String {
    serde_json::to_value(reason).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
