//! Rules about who sees which boards, fields and notes of a connection's tickets. What they mean for queries
//! stands in [`sight`](super::sight).
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use entity::{Role, Timestamp, member, psa_connection, ticket_permission};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, ModelTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set, sea_query::LockType,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    form::{Form, no_such, removed},
    profiles::ProfileFieldRule,
    reach,
    sight::{Rule, Sight, TicketField},
    viewer::{Known, Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    db::news::{self, Happened, What},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    sync::pick_lists,
};

const SET: &str = "ticketPermissionSet";
/// How many rules a connection may have.
pub const MAX_RULES: u64 = 200;
/// How many boards a rule may name.
pub const MAX_BOARDS: usize = 100;
/// The longest value of a board, in characters.
const MAX_BOARD: usize = 255;

/// For whom a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Everybody of a role who has no rule of their own.
    Role(Role),
    /// One member.
    Member(Uuid),
}

impl Subject {
    /// As it stands in the table.
    pub fn text(self) -> String {
        match self {
            Self::Role(role) => {
                use sea_orm::ActiveEnum as _;
                format!("role:{}", role.to_value())
            }
            Self::Member(id) => format!("member:{id}"),
        }
    }
}

/// A rule to be made, or made anew.
#[derive(Clone, Debug)]
pub struct SetRule {
    /// For tickets of this connection.
    pub psa_connection_id: Uuid,
    /// For whom.
    pub subject: Subject,
    /// The boards whose tickets are seen, as the PSA's values; all where there is none.
    pub boards: Option<Vec<String>>,
    /// What of a ticket is not seen.
    pub hidden: BTreeSet<TicketField>,
    /// Whether notes are seen.
    pub shows_notes: bool,
    /// Whether notes that customers do not see are among them.
    pub shows_internal_notes: bool,
}

/// Makes the rule of a role or member on a connection, or makes it anew. `fields` are the platform's profile
/// fields: one of them may be the board.
pub async fn set(
    viewer: &Viewer,
    ground: &Ground,
    fields: &[ProfileFieldRule],
    wanted: SetRule,
) -> Result<ticket_permission::Model, Error> {
    let found = psa_connection::Entity::find_by_id(wanted.psa_connection_id).one(ground.db.reader()).await?;
    let connection = found
        .filter(|row| viewer.reaches(row.organization_id))
        .ok_or_else(|| no_such("psaConnectionId", "PSA connection"))?;
    let organization_id = connection.organization_id;
    viewer.may(Permission::ManageAccess, organization_id)?;
    let mut form = Form::default();
    if let Subject::Role(role) = wanted.subject
        && Permission::ManageAccess.is_held_by(role)
    {
        let message =
            "owners and administrators see everything: they could change this rule; choose another role";
        form.add(Problem::at(&["subject", "role"], ProblemCode::Invalid, message));
    }
    if let Subject::Member(id) = wanted.subject {
        let found = member::Entity::find_by_id(id).one(ground.db.reader()).await?;
        if found.is_none_or(|row| row.organization_id != Some(organization_id)) {
            let message = "no such member in the organization; take the id from a list of them";
            form.add(Problem::at(&["subject", "memberId"], ProblemCode::NotFound, message));
        }
    }
    let boards = wanted.boards.as_ref().map(|boards| tidied(boards));
    if let Some(boards) = &boards {
        check_boards(ground, &connection, fields, boards, &mut form).await?;
    }
    form.finish()?;
    let (now, subject) = (ground.clock.now(), wanted.subject);
    let new_id = ground.chance.id(now);
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let set = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use ticket_permission::Column as C;
                // Two that set the same at once queue here.
                psa_connection::Entity::find_by_id(connection.id).lock(LockType::NoKeyUpdate).one(tx).await?;
                let of_connection = || {
                    ticket_permission::Entity::find()
                        .filter(C::OrganizationId.eq(organization_id))
                        .filter(C::PsaConnectionId.eq(connection.id))
                };
                let old = of_connection().filter(C::Subject.eq(subject.text())).one(tx).await?;
                if old.is_none() && of_connection().count(tx).await? >= MAX_RULES {
                    let message =
                        format!("the connection has {MAX_RULES} rules; remove one that is not needed");
                    return Err(Problem::of("psaConnectionId", ProblemCode::WrongState, message).into());
                }
                let mut row = old.clone().map_or_else(
                    || ticket_permission::ActiveModel {
                        id: Set(new_id),
                        organization_id: Set(organization_id),
                        psa_connection_id: Set(connection.id),
                        subject: Set(subject.text()),
                        role: Set(match subject {
                            Subject::Role(role) => Some(role),
                            Subject::Member(_) => None,
                        }),
                        member_id: Set(match subject {
                            Subject::Role(_) => None,
                            Subject::Member(id) => Some(id),
                        }),
                        created_at: Set(now),
                        ..Default::default()
                    },
                    ticket_permission::Model::into_active_model,
                );
                row.boards = Set(boards.map(|boards| json!(boards)));
                row.hidden_fields = Set(json!(wanted.hidden));
                row.shows_notes = Set(wanted.shows_notes);
                row.shows_internal_notes = Set(wanted.shows_internal_notes);
                row.updated_at = Set(now);
                let (set, change) = match &old {
                    None => {
                        let made = row.insert(tx).await?;
                        let change = Change::made(SET, &made);
                        (made, change)
                    }
                    Some(old) => {
                        let new = row.update(tx).await?;
                        let change = Change::between(SET, old, &new);
                        (new, change)
                    }
                };
                audit::record(tx, &ground_of, &by, change).await?;
                sight_changed(&set, now);
                Ok::<_, Error>(set)
            })
        })
        .await?;
    ground.tokens.forget();
    tracing::info!(ticket_permission.id = %set.id, by = viewer.name, "a ticket permission was set");
    Ok(set)
}

/// Takes a rule away: its role or member sees all tickets of the connection again (a member what their role
/// sees). Gives it as it was.
pub async fn remove(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<ticket_permission::Model, Error> {
    let found = ticket_permission::Entity::find_by_id(id).one(ground.db.reader()).await?;
    let row = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    viewer.may(Permission::ManageAccess, row.organization_id)?;
    let (ground_of, by, gone) = (ground.clone(), viewer.clone(), row.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let change = Change::removed("ticketPermissionRemove", &gone);
                sight_changed(&gone, ground_of.clock.now());
                removed(&gone.delete(tx).await?)?;
                audit::record(tx, &ground_of, &by, change).await
            })
        })
        .await?;
    ground.tokens.forget();
    tracing::info!(ticket_permission.id = %id, by = viewer.name, "a ticket permission was removed");
    Ok(row)
}

/// Tells connections that stay open: who watches over them may see more or less from now on.
fn sight_changed(row: &ticket_permission::Model, at: Timestamp) {
    let organization_id = row.organization_id;
    news::tell(Happened { what: What::AccessChanged, organization_id, id: row.id, at });
}

/// The rules of several connections in reach, in the order of their making.
pub async fn of_connections(
    viewer: &Viewer,
    ground: &Ground,
    connection_ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<ticket_permission::Model>>, Error> {
    if !viewer.holds(Permission::ManageAccess) {
        return Err(Permission::ManageAccess.is_lacking());
    }
    let rows = reach::rows::<ticket_permission::Entity>(viewer)
        .filter(ticket_permission::Column::PsaConnectionId.is_in(connection_ids.iter().copied()))
        .order_by_asc(ticket_permission::Column::Id)
        .all(ground.db.reader())
        .await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        found.entry(row.psa_connection_id).or_default().push(row);
    }
    Ok(found)
}

/// Somebody with the rules that are for them, read in one statement. Call it where it is found out who is
/// asking. For those who reach all organizations nothing is read: there may be any number of rules.
pub async fn with_rules(ground: &Ground, viewer: Viewer) -> Result<Viewer, Error> {
    let rows = for_viewer(ground, &viewer).await?;
    Ok(ruled(viewer, &rows))
}

/// The rules that are for somebody; none for those who are bound by none.
pub(super) async fn for_viewer(
    ground: &Ground,
    viewer: &Viewer,
) -> Result<Vec<ticket_permission::Model>, Error> {
    let Some(organization_id) = bound(viewer) else { return Ok(Vec::new()) };
    Ok(ticket_permission::Entity::find()
        .filter(ticket_permission::Column::OrganizationId.eq(organization_id))
        .filter(ticket_permission::Column::Subject.is_in(viewer.subjects()))
        .all(ground.db.reader())
        .await?)
}

/// Somebody with these rules, which are all that are for them.
pub(super) fn ruled(viewer: Viewer, rows: &[ticket_permission::Model]) -> Viewer {
    if bound(&viewer).is_none() {
        return viewer;
    }
    let mut rules = BTreeMap::new();
    // A member's own rule comes after their role's, and takes its place.
    let (own, of_role): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.member_id.is_some());
    for row in of_role.into_iter().chain(own) {
        rules.insert(row.psa_connection_id, rule(row));
    }
    viewer.with_sight(Sight::Ruled(Arc::new(rules)))
}

/// The organization whose rules bind somebody, where their rules are still to be read.
fn bound(viewer: &Viewer) -> Option<Uuid> {
    viewer.organization_id().filter(|_| *viewer.sight() == Sight::Unruled)
}

/// What a row allows. One that cannot be read allows nothing.
fn rule(row: &ticket_permission::Model) -> Rule {
    Rule {
        boards: row.boards.as_ref().map(|boards| serde_json::from_value(boards.clone()).unwrap_or_default()),
        hidden: hidden(row),
        shows_notes: row.shows_notes,
        shows_internal_notes: row.shows_internal_notes,
    }
}

/// What of a ticket a rule does not show: everything that can be hidden, where that cannot be read.
pub fn hidden(row: &ticket_permission::Model) -> BTreeSet<TicketField> {
    serde_json::from_value(row.hidden_fields.clone()).unwrap_or_else(|_| TicketField::ALL.into())
}

/// The boards a rule shows; none where it shows all.
pub fn boards(row: &ticket_permission::Model) -> Option<Vec<String>> {
    row.boards.as_ref().map(|boards| serde_json::from_value(boards.clone()).unwrap_or_default())
}

/// The texts by which rules name somebody.
pub(super) fn subjects(known: Known, role: Role) -> Vec<String> {
    let own = match known {
        Known::Member(id) => Some(Subject::Member(id).text()),
        Known::Token(_) | Known::Gateway => None,
    };
    std::iter::once(Subject::Role(role).text()).chain(own).collect()
}

fn tidied(boards: &[String]) -> Vec<String> {
    let mut known = BTreeSet::new();
    let all = boards.iter().map(|board| board.trim().to_owned());
    all.filter(|board| !board.is_empty() && known.insert(board.clone())).collect()
}

async fn check_boards(
    ground: &Ground,
    connection: &psa_connection::Model,
    fields: &[ProfileFieldRule],
    boards: &[String],
    form: &mut Form,
) -> Result<(), Error> {
    let Some(field) = fields.iter().find(|field| field.is_board) else {
        let message =
            "this kind of PSA has no boards; leave them out, and the rule is for all of its tickets";
        form.add(Problem::of("boards", ProblemCode::Invalid, message));
        return Ok(());
    };
    if boards.len() > MAX_BOARDS {
        let message = format!("{} boards are given, {MAX_BOARDS} are allowed", boards.len());
        form.add(Problem::of("boards", ProblemCode::TooLong, message));
    }
    for board in boards {
        form.limit(&["boards"], board, MAX_BOARD);
    }
    let lists =
        pick_lists::of_connection(ground.db.reader(), connection.organization_id, connection.id).await?;
    let known = field.pick_list.as_ref().and_then(|key| lists.get(key)).filter(|list| !list.items.is_empty());
    let Some(known) = known else {
        let message =
            "the PSA's boards are not known yet; read its pick lists first (psaConnectionSyncPickLists)";
        form.add(Problem::of("boards", ProblemCode::NotInPickList, message));
        return Ok(());
    };
    for board in boards.iter().filter(|board| !known.items.iter().any(|item| item.value == **board)) {
        let message = format!(
            "{board} is no value of {} in the PSA as it was last read; take one from its pick list",
            field.label
        );
        form.add(Problem::of("boards", ProblemCode::NotInPickList, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
