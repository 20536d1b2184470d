//! Members: people who sign in at the installation's identity provider.
//!
//! The provider says who somebody is, for good (issuer and subject), and may say for which organization and
//! in which role. What it says counts each time: a role that it takes away is gone with the next request.
//! What it does not say is decided here: an organization by an invitation to a confirmed address, a role
//! by a person who may give it. Who is switched off here is out, whatever the provider says.
#![expect(
    clippy::disallowed_methods,
    reason = "scopes every query by organization, or finds it by who signs in"
)]

use entity::{Role, Timestamp, member, organization};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter as _, QuerySelect as _, Select, Set, sea_query::LockType,
};
use uuid::Uuid;

use super::{
    form::Form,
    once::Done,
    viewer::{Known, Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    db::news::{self, Happened, What},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

mod sign_in;

pub use sign_in::{ClaimedRole, SignIn, SignedIn, is_known, sign_in};

/// The longest address of electronic mail (RFC 5321, section 4.5.3.1: 64, `@`, 255).
const MAX_EMAIL: usize = 320;

/// An invitation to be made.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// To which organization.
    pub organization_id: Uuid,
    /// Address of electronic mail, as the identity provider will say it.
    pub email: String,
    /// What they are to be, where the provider does not say.
    pub role: Role,
}

/// What to change of a member; what is absent stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemberChange {
    /// What they are.
    pub role: Option<Role>,
    /// Whether they are let in.
    pub is_enabled: Option<bool>,
}

/// Invites somebody: at their first sign-in with that address, confirmed by the provider, they are a member.
pub async fn invite(viewer: &Viewer, ground: &Ground, new: NewInvitation) -> Result<member::Model, Error> {
    viewer.may(Permission::ManageAccess, new.organization_id)?;
    viewer.may_give(new.role, None)?;
    super::organization::living(viewer, ground, new.organization_id).await?;
    let mut form = Form::default();
    let email = form.line("email", &new.email, MAX_EMAIL).to_lowercase();
    if !email.is_empty() && !is_email(&email) {
        form.add(Problem::of("email", ProblemCode::Invalid, "this is no address such as dana@example.com"));
    }
    form.finish()?;
    let now = ground.clock.now();
    let row = member::ActiveModel {
        id: Set(ground.chance.id(now)),
        organization_id: Set(Some(new.organization_id)),
        issuer: Set(None),
        subject: Set(None),
        email: Set(Some(email.clone())),
        name: Set(email.clone()),
        role: Set(new.role),
        is_role_claimed: Set(false),
        is_enabled: Set(true),
        created_at: Set(now),
        updated_at: Set(now),
        last_seen_at: Set(None),
    };
    let organization_id = new.organization_id;
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                lock_organization(tx, organization_id).await?;
                let same = of(Some(organization_id)).filter(member::Column::Email.eq(email));
                if same.count(tx).await? > 0 {
                    let message =
                        "somebody with this address is a member already, or invited; change that one";
                    return Err(Problem::of("email", ProblemCode::Taken, message).into());
                }
                let made = row.insert(tx).await?;
                once.finish(tx, &ground_of, &Done::row(made.id)).await?;
                audit::record(tx, &ground_of, &by, Change::made("memberInvite", &made)).await?;
                Ok::<_, Error>(made)
            })
        })
        .await?;
    tracing::info!(member.id = %made.id, by = viewer.name, "a member was invited");
    Ok(made)
}

/// Changes what a member is, and whether they are let in.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    change: MemberChange,
) -> Result<member::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    may_change(viewer, &old)?;
    if let Some(role) = change.role {
        viewer.may_give(role, None)?;
    }
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let changed = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = locked(tx, &old).await?;
                if change.role.is_some_and(|role| role != row.role) && row.is_role_claimed {
                    let message = "the identity provider says this member's role; change it there";
                    return Err(Problem::of("role", ProblemCode::WrongState, message).into());
                }
                let role = change.role.unwrap_or(row.role);
                let is_enabled = change.is_enabled.unwrap_or(row.is_enabled);
                if !is_enabled || role != row.role {
                    let field = if is_enabled { "role" } else { "isEnabled" };
                    keep_one(tx, &row, is_enabled.then_some(role), field).await?;
                }
                let was = row.clone();
                let mut row = row.into_active_model();
                (row.role, row.is_enabled, row.updated_at) = (Set(role), Set(is_enabled), Set(now));
                let changed = row.update(tx).await?;
                let change = Change::between("memberUpdate", &was, &changed);
                audit::record(tx, &ground_of, &by, change).await?;
                access_changed(&changed, now);
                Ok::<_, Error>(changed)
            })
        })
        .await?;
    tracing::info!(member.id = %changed.id, by = viewer.name, "a member was changed");
    Ok(changed)
}

/// Takes a member away, or an invitation back. Who the identity provider still names comes again with the
/// next sign-in: switch them off instead.
pub async fn remove(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<member::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    may_change(viewer, &old)?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let removed = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = locked(tx, &old).await?;
                keep_one(tx, &row, None, "id").await?;
                row.clone().into_active_model().delete(tx).await?;
                audit::record(tx, &ground_of, &by, Change::removed("memberRemove", &row)).await?;
                access_changed(&row, now);
                Ok::<_, Error>(row)
            })
        })
        .await?;
    tracing::info!(member.id = %removed.id, by = viewer.name, "a member was removed");
    Ok(removed)
}

/// Tells connections that stay open.
fn access_changed(row: &member::Model, at: Timestamp) {
    let organization_id = row.organization_id.unwrap_or_default();
    news::tell(Happened { what: What::AccessChanged, organization_id, id: row.id, at });
}

/// The row of the member that asks; none where it is no member.
pub async fn own(viewer: &Viewer, ground: &Ground) -> Result<Option<member::Model>, Error> {
    let Known::Member(id) = viewer.known() else { return Ok(None) };
    Ok(member::Entity::find_by_id(id).one(ground.db.reader()).await?)
}

async fn by_id(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<member::Model, Error> {
    let found = member::Entity::find_by_id(id).one(ground.db.reader()).await?;
    let in_reach = |row: &member::Model| match row.organization_id {
        Some(id) => viewer.reaches(id),
        None => viewer.organization_id().is_none(),
    };
    found.filter(in_reach).ok_or(Error::NotFound)
}

/// Nobody takes away what they could not give: only who may make owners changes one.
fn may_change(viewer: &Viewer, row: &member::Model) -> Result<(), Error> {
    super::tokens::may_administer(viewer, row.organization_id)?;
    viewer.may_give(row.role, None)
}

fn of(organization_id: Option<Uuid>) -> Select<member::Entity> {
    use member::Column as C;
    let owner = organization_id.map_or_else(|| C::OrganizationId.is_null(), |id| C::OrganizationId.eq(id));
    member::Entity::find().filter(owner)
}

/// Changes of one organization's members queue here, so that the last owner is the last.
async fn lock_organization(tx: &DatabaseTransaction, id: Uuid) -> Result<(), Error> {
    organization::Entity::find_by_id(id)
        .lock(LockType::Update)
        .one(tx)
        .await?
        .map(|_| ())
        .ok_or(Error::NotFound)
}

async fn locked(tx: &DatabaseTransaction, row: &member::Model) -> Result<member::Model, Error> {
    if let Some(id) = row.organization_id {
        lock_organization(tx, id).await?;
    }
    member::Entity::find_by_id(row.id).one(tx).await?.ok_or(Error::NotFound)
}

/// Refuses to take the last one who holds an organization: its last owner, or where it has none its last
/// administrator. Invitations hold nothing yet. `becomes` is what is left of them, if anything.
async fn keep_one(
    tx: &DatabaseTransaction,
    row: &member::Model,
    becomes: Option<Role>,
    field: &str,
) -> Result<(), Error> {
    use member::Column as C;
    let Some(organization_id) = row.organization_id else { return Ok(()) };
    let holds =
        matches!(row.role, Role::Owner | Role::Administrator) && row.is_enabled && row.subject.is_some();
    if !holds || becomes == Some(Role::Owner) {
        return Ok(());
    }
    let others = |role: Role| {
        of(Some(organization_id))
            .filter(C::Id.ne(row.id))
            .filter(C::IsEnabled.eq(true))
            .filter(C::Subject.is_not_null())
            .filter(C::Role.eq(role))
            .count(tx)
    };
    let owners = others(Role::Owner).await?;
    let (is_last, what) = match row.role {
        Role::Owner => (owners == 0, "owner"),
        _ => (owners == 0 && others(Role::Administrator).await? == 0, "administrator"),
    };
    if is_last {
        let message = format!(
            "this is the organization's last {what}; let somebody else who has signed in be {what} first"
        );
        return Err(Problem::of(field, ProblemCode::WrongState, message).into());
    }
    Ok(())
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.len() > 2 && !host.contains('@') && !text.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests;
