//! What somebody sees of tickets, where an organization limits its roles or members to some boards, fields or
//! notes: the condition in every query of tickets, operations and attempts, and of the copies of PSAs' own tickets and
//! their notes.
//!
//! Whoever may change these limits sees everything. Everybody else is unlimited on a connection that has no
//! rule for them, and sees there what their rule allows where it has one: a member's own rule, else their role's.
//! [`Sight::Unruled`], which a viewer has until their rules are read, hides every ticket of a connection that has
//! a rule for them: to forget reading them shows too little and never too much.
#![expect(
    clippy::disallowed_methods,
    reason = "conditions inside queries that have the organization in them"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use entity::{
    attempt, psa_ticket, psa_ticket_note, ticket, ticket_operation, ticket_operation::OperationKind,
    ticket_permission,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait as _, ExprTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _,
    sea_query::{Expr, SelectStatement},
};
use uuid::Uuid;

use super::viewer::Viewer;
use crate::error::Error;

/// A part of a ticket that can be kept from people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketField {
    /// The findings on it, with their texts.
    Findings,
    /// The events that touched it.
    Events,
    /// Why it stands as it stands, in the PSA's words too.
    Reason,
    /// Who closed it.
    ClosedBy,
    /// Where a person opens it in the PSA.
    ExternalUrl,
    /// The one line that says what a ticket of the PSA's own is about.
    Summary,
    /// The contact that a ticket of the PSA's own is for.
    Contact,
    /// Who asked for a ticket of the PSA's own.
    Requester,
}

impl TicketField {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Findings,
        Self::Events,
        Self::Reason,
        Self::ClosedBy,
        Self::ExternalUrl,
        Self::Summary,
        Self::Contact,
        Self::Requester,
    ];

    /// As the API names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Findings => "findings",
            Self::Events => "events",
            Self::Reason => "reason",
            Self::ClosedBy => "closedBy",
            Self::ExternalUrl => "externalUrl",
            Self::Summary => "summary",
            Self::Contact => "contact",
            Self::Requester => "requester",
        }
    }
}

/// What a rule lets somebody see of one connection's tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Tickets of these boards; of all where there is none.
    pub boards: Option<Vec<String>>,
    /// Without these parts.
    pub hidden: BTreeSet<TicketField>,
    /// With their notes, or without.
    pub shows_notes: bool,
    /// Notes that customers do not see are among them; those that the gateway writes are such.
    pub shows_internal_notes: bool,
}

impl Rule {
    /// Whether what the gateway itself notes is seen.
    const fn shows_own_notes(&self) -> bool {
        self.shows_notes && self.shows_internal_notes
    }
}

/// How much somebody sees of tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// Everything in reach.
    All,
    /// What connections without a rule for them have; their rules were not read.
    #[default]
    Unruled,
    /// By these rules, by connection; everything of connections that are not among them.
    Ruled(Arc<BTreeMap<Uuid, Rule>>),
}

impl Sight {
    /// The tickets that are seen.
    pub(super) fn tickets(&self, viewer: &Viewer) -> Condition {
        self.on_boards(viewer, ticket::Column::PsaConnectionId, ticket::Column::Board)
    }

    /// The tickets of PSAs' own that are seen.
    pub(super) fn psa_tickets(&self, viewer: &Viewer) -> Condition {
        self.on_boards(viewer, psa_ticket::Column::PsaConnectionId, psa_ticket::Column::Board)
    }

    fn on_boards<C: ColumnTrait>(&self, viewer: &Viewer, connection: C, board: C) -> Condition {
        match self {
            Self::All => Condition::all(),
            Self::Unruled => Condition::all().add(connection.not_in_subquery(ruled(viewer))),
            Self::Ruled(rules) => rules
                .iter()
                .filter_map(|(id, rule)| Some((id, rule.boards.as_ref()?)))
                .fold(Condition::all(), |all, (id, boards)| {
                    let seen = board.is_in(boards.iter().map(String::as_str));
                    all.add(Condition::any().add(connection.ne(*id)).add(seen))
                }),
        }
    }

    /// The notes on tickets of PSAs' own that are seen: those on seen tickets, as far as the rules show notes.
    pub(super) fn psa_ticket_notes(&self, viewer: &Viewer) -> Condition {
        use psa_ticket_note::Column as C;
        match self {
            Self::All => Condition::all(),
            Self::Unruled => Condition::all().add(C::PsaConnectionId.not_in_subquery(ruled(viewer))),
            Self::Ruled(rules) => rules.iter().fold(Condition::all(), |all, (connection, rule)| {
                let mut seen = Condition::all();
                if !rule.shows_notes {
                    // None of the connection's.
                    return all.add(C::PsaConnectionId.ne(*connection));
                }
                if let Some(boards) = &rule.boards {
                    let on_board = psa_ticket::Entity::find()
                        .select_only()
                        .expr(Expr::value(1))
                        .filter(
                            Expr::col((psa_ticket::Entity, psa_ticket::Column::Id))
                                .equals((psa_ticket_note::Entity, C::PsaTicketId)),
                        )
                        .filter(psa_ticket::Column::Board.is_in(boards.iter().map(String::as_str)));
                    seen = seen.add(Expr::exists(on_board.into_query()));
                }
                if !rule.shows_internal_notes {
                    seen = seen.add(C::IsInternal.eq(false));
                }
                all.add(Condition::any().add(C::PsaConnectionId.ne(*connection)).add(seen))
            }),
        }
    }

    /// The operations that are seen: those of seen tickets, without notes where these are hidden.
    pub(super) fn operations(&self, viewer: &Viewer) -> Condition {
        use ticket_operation::Column as C;
        match self {
            Self::All => Condition::all(),
            Self::Unruled => Condition::all().add(C::PsaConnectionId.not_in_subquery(ruled(viewer))),
            Self::Ruled(rules) => rules.iter().fold(Condition::all(), |all, (connection, rule)| {
                let mut seen = Condition::all();
                if let Some(boards) = &rule.boards {
                    let on_board = ticket::Entity::find()
                        .select_only()
                        .expr(Expr::value(1))
                        .filter(
                            Expr::col((ticket::Entity, ticket::Column::Id))
                                .equals((ticket_operation::Entity, C::TicketId)),
                        )
                        .filter(ticket::Column::Board.is_in(boards.iter().map(String::as_str)));
                    seen = seen.add(Expr::exists(on_board.into_query()));
                }
                if !rule.shows_own_notes() {
                    seen = seen.add(C::Kind.ne(OperationKind::Note));
                }
                all.add(Condition::any().add(C::PsaConnectionId.ne(*connection)).add(seen))
            }),
        }
    }

    /// The attempts that are seen: those at seen operations.
    pub(super) fn attempts(&self, viewer: &Viewer) -> Condition {
        let is_limited = match self {
            Self::All => false,
            Self::Unruled => true,
            Self::Ruled(rules) => rules.values().any(|rule| rule.boards.is_some() || !rule.shows_own_notes()),
        };
        if !is_limited {
            return Condition::all();
        }
        let operation = ticket_operation::Entity::find()
            .select_only()
            .expr(Expr::value(1))
            .filter(
                Expr::col((ticket_operation::Entity, ticket_operation::Column::Id))
                    .equals((attempt::Entity, attempt::Column::TicketOperationId)),
            )
            .filter(self.operations(viewer));
        Condition::all().add(Expr::exists(operation.into_query()))
    }

    /// The connections of which only some boards are seen.
    pub fn limited(&self) -> Vec<Uuid> {
        let Self::Ruled(rules) = self else { return Vec::new() };
        let limited = rules.iter().filter(|(_, rule)| rule.boards.is_some());
        limited.map(|(connection, _)| *connection).collect()
    }

    /// The kept counts that are seen, by the column with their connection. They do not tell boards apart: none is
    /// seen of a connection of which only some boards are.
    pub(super) fn sums(&self, viewer: &Viewer, place: impl ColumnTrait) -> Condition {
        match self {
            Self::All => Condition::all(),
            Self::Unruled => Condition::all().add(place.not_in_subquery(ruled(viewer))),
            Self::Ruled(_) => match self.limited() {
                limited if limited.is_empty() => Condition::all(),
                limited => Condition::all().add(place.is_not_in(limited)),
            },
        }
    }

    fn rule(&self, connection: Uuid) -> Option<&Rule> {
        match self {
            Self::Ruled(rules) => rules.get(&connection),
            Self::All | Self::Unruled => None,
        }
    }
}

/// The connections that have a rule for somebody.
fn ruled(viewer: &Viewer) -> SelectStatement {
    ticket_permission::Entity::find()
        .select_only()
        .column(ticket_permission::Column::PsaConnectionId)
        .filter(ticket_permission::Column::Subject.is_in(viewer.subjects()))
        .into_query()
}

/// Which tickets somebody sees of those in reach: for queries that do not begin with
/// [`rows`](super::reach::rows), such as sums. They add the organization themselves.
pub fn ticket_condition(viewer: &Viewer) -> Condition {
    viewer.sight().tickets(viewer)
}

/// The same for operations.
pub fn operation_condition(viewer: &Viewer) -> Condition {
    viewer.sight().operations(viewer)
}

/// Whether somebody sees a ticket of an organization in their reach. Where their rules were not read, the
/// database has to be asked: then this is no.
pub fn sees(viewer: &Viewer, ticket: &ticket::Model) -> bool {
    viewer.reaches(ticket.organization_id)
        && match viewer.sight() {
            Sight::All => true,
            Sight::Unruled => false,
            Sight::Ruled(rules) => rules.get(&ticket.psa_connection_id).is_none_or(|rule| {
                let boards = rule.boards.as_ref();
                boards.is_none_or(|boards| ticket.board.as_ref().is_some_and(|board| boards.contains(board)))
            }),
        }
}

/// May see a part of a ticket that they see.
pub fn may_see(viewer: &Viewer, ticket: &ticket::Model, field: TicketField) -> Result<(), Error> {
    may_see_on(viewer, ticket.psa_connection_id, field)
}

/// The same of a ticket of a PSA's own, by its connection.
pub fn may_see_on(viewer: &Viewer, psa_connection_id: Uuid, field: TicketField) -> Result<(), Error> {
    let is_hidden = viewer.sight().rule(psa_connection_id).is_some_and(|rule| rule.hidden.contains(&field));
    if is_hidden { Err(Error::Hidden { field: field.name() }) } else { Ok(()) }
}

/// The connections of whose tickets somebody does not see a part: it must not be found by looking for it either.
pub fn hidden_on(viewer: &Viewer, field: TicketField) -> Vec<Uuid> {
    let Sight::Ruled(rules) = viewer.sight() else { return Vec::new() };
    let hidden = rules.iter().filter(|(_, rule)| rule.hidden.contains(&field));
    hidden.map(|(connection, _)| *connection).collect()
}
