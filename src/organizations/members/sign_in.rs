//! From what the identity provider says to who is asking.
#![expect(clippy::disallowed_methods, reason = "finds the organization by who signs in")]

use std::net::IpAddr;

use entity::{Role, Timestamp, member, organization};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QuerySelect as _, QueryTrait as _, Set,
    sea_query::{Expr, SelectStatement, SimpleExpr},
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Known, Viewer, is_email, of};
use crate::{
    audit::{self, Change},
    error::{Error, is_unique_violation},
    ground::{Ground, MemberNews, Shown, Sight},
};

/// What the provider says of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimedRole {
    /// Nothing: what stands here counts.
    Unsaid,
    /// This one.
    Is(Role),
    /// They operate the installation.
    Operator,
}

/// Somebody whom the identity provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Which provider.
    pub issuer: String,
    /// Who, for good.
    pub subject: String,
    /// Slug of the organization.
    pub organization: Option<String>,
    /// What they are.
    pub role: ClaimedRole,
    /// Name for people.
    pub name: Option<String>,
    /// Address of electronic mail, to be shown.
    pub email: Option<String>,
    /// Whether the provider has confirmed that the address is theirs: only then it accepts invitations.
    pub is_email_confirmed: bool,
}

/// Whether they are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedIn {
    /// As whom.
    As(Viewer),
    /// No; why, for the log.
    Refused(&'static str),
}

/// Who this is here. Makes a row at the first sight of somebody; after that nothing is written in the
/// request's way.
pub async fn sign_in(ground: &Ground, who: &SignIn, from: Option<IpAddr>) -> Result<SignedIn, Error> {
    let found = match find(ground, who).await? {
        Ok(row) => row,
        Err(why) => return Ok(SignedIn::Refused(why)),
    };
    if !found.is_enabled {
        return Ok(SignedIn::Refused("the member is switched off"));
    }
    let news = news(&found, who);
    let (name, role) = (news.name.clone(), news.role);
    let is_news = news
        != MemberNews {
            role: found.role,
            is_role_claimed: found.is_role_claimed,
            name: found.name,
            email: found.email,
        };
    let at = ground.clock.now();
    ground.seen.note(Shown::Member(found.id), Sight { at, from, news: is_news.then_some(news) });
    let known = Known::Member(found.id);
    let viewer = match found.organization_id {
        Some(id) => Viewer::of_organization(known, &name, id, role),
        None => Viewer::operator(known, &name, Role::Administrator),
    };
    Ok(SignedIn::As(viewer.calling_from(from)))
}

/// Whether somebody is, or could become, a member of an organization of this database. Changes nothing. Operators are
/// known everywhere.
pub async fn is_known(ground: &Ground, who: &SignIn) -> Result<bool, Error> {
    use {member::Column as M, organization::Column as O};
    if who.role == ClaimedRole::Operator {
        return Ok(true);
    }
    if let Some(slug) = &who.organization {
        let found = organization::Entity::find()
            .filter(O::Slug.eq(slug))
            .filter(gone().not())
            .one(ground.db.reader());
        return Ok(found.await?.is_some());
    }
    let theirs = M::Issuer.eq(&*who.issuer).and(M::Subject.eq(&*who.subject));
    let invited = who.email.as_ref().map(|email| M::Email.eq(&**email).and(M::Subject.is_null()));
    let whose = match invited {
        Some(invited) => theirs.or(invited),
        None => theirs,
    };
    let found = member::Entity::find()
        .filter(whose)
        .filter(M::OrganizationId.is_null().or(M::OrganizationId.not_in_subquery(not_here())))
        .one(ground.db.reader())
        .await?;
    Ok(found.is_some())
}

/// Their row as it is to be.
fn news(row: &member::Model, who: &SignIn) -> MemberNews {
    let (role, is_role_claimed) = match who.role {
        ClaimedRole::Is(role) => (role, true),
        ClaimedRole::Operator => (Role::Administrator, true),
        ClaimedRole::Unsaid => (row.role, false),
    };
    MemberNews {
        role,
        is_role_claimed,
        name: who.name.clone().unwrap_or_else(|| row.name.clone()),
        email: who.email.clone().or_else(|| row.email.clone()),
    }
}

type Found = Result<member::Model, &'static str>;

async fn find(ground: &Ground, who: &SignIn) -> Result<Found, Error> {
    use member::Column as C;
    if who.role == ClaimedRole::Operator {
        return Ok(Ok(make(ground, who, None, Role::Administrator).await?));
    }
    let known = member::Entity::find()
        .filter(C::Issuer.eq(&*who.issuer))
        .filter(C::Subject.eq(&*who.subject))
        .filter(C::OrganizationId.is_not_null())
        .filter(C::OrganizationId.not_in_subquery(not_here()))
        .all(ground.db.reader())
        .await?;
    let Some(slug) = &who.organization else {
        return match <[member::Model; 1]>::try_from(known) {
            Ok([row]) => Ok(Ok(row)),
            Err(rows) if rows.is_empty() => by_invitation(ground, who, None).await,
            Err(_) => Ok(Err("they are members of several organizations, and the claims do not say which")),
        };
    };
    let found = organization::Entity::find()
        .filter(organization::Column::Slug.eq(slug))
        .filter(gone().not())
        .one(ground.db.reader())
        .await?;
    let Some(organization) = found else { return Ok(Err("the organization in the claims is not known")) };
    if let Some(row) = known.into_iter().find(|row| row.organization_id == Some(organization.id)) {
        return Ok(Ok(row));
    }
    match by_invitation(ground, who, Some(organization.id)).await? {
        Ok(row) => Ok(Ok(row)),
        Err(why) => match who.role {
            ClaimedRole::Is(role) => Ok(Ok(make(ground, who, Some(organization.id), role).await?)),
            ClaimedRole::Operator | ClaimedRole::Unsaid => Ok(Err(why)),
        },
    }
}

/// Organizations that were merged into another one, or live in another shard: nobody is their member here.
fn not_here() -> SelectStatement {
    organization::Entity::find().select_only().column(organization::Column::Id).filter(gone()).into_query()
}

fn gone() -> SimpleExpr {
    organization::Column::MergedIntoId.is_not_null().or(organization::Column::MovingTo.is_not_null())
}

/// Accepts the one invitation to their address.
async fn by_invitation(ground: &Ground, who: &SignIn, organization_id: Option<Uuid>) -> Result<Found, Error> {
    use member::Column as C;
    let Some(email) = who.email.as_ref().filter(|email| is_email(email)) else {
        return Ok(Err(
            "the claims name no organization or role, and no address that could have been invited",
        ));
    };
    if !who.is_email_confirmed {
        return Ok(Err("the provider has not confirmed the address, so it accepts no invitation"));
    }
    let mut invited = match organization_id {
        Some(id) => of(Some(id)),
        None => member::Entity::find()
            .filter(C::OrganizationId.is_null().or(C::OrganizationId.not_in_subquery(not_here()))),
    };
    invited = invited.filter(C::Email.eq(&**email)).filter(C::Subject.is_null());
    let row = match <[member::Model; 1]>::try_from(invited.all(ground.db.reader()).await?) {
        Ok([row]) => row,
        Err(rows) if rows.is_empty() => return Ok(Err("nobody has invited them")),
        Err(_) => return Ok(Err("several organizations have invited them, and the claims do not say which")),
    };
    let (id, issuer, subject) = (row.id, who.issuer.clone(), who.subject.clone());
    let ground_of = ground.clone();
    let accepted = ground.db.write(move |tx| {
        Box::pin(async move {
            let update = member::Entity::update_many()
                .col_expr(C::Issuer, Expr::value(issuer))
                .col_expr(C::Subject, Expr::value(subject))
                .filter(C::Id.eq(id))
                .filter(C::Subject.is_null());
            let is_accepted = update.exec(tx).await?.rows_affected > 0;
            if is_accepted {
                let change = Change::of(SIGN_IN, &row).is("isPending", false).was("isPending", true);
                audit::record(tx, &ground_of, &themselves(&row), change).await?;
            }
            Ok::<_, Error>(is_accepted)
        })
    });
    if accepted.await? {
        tracing::info!(member.id = %id, "an invited member signed in for the first time");
    }
    // Another request of theirs may have been faster.
    let theirs = member::Entity::find_by_id(id)
        .filter(C::Issuer.eq(&*who.issuer))
        .filter(C::Subject.eq(&*who.subject));
    let found = theirs.one(ground.db.reader()).await?;
    Ok(found.ok_or("the invitation was taken back, or somebody else has accepted it"))
}

/// Their row, made where it is not there: two requests at once make one.
async fn make(
    ground: &Ground,
    who: &SignIn,
    organization_id: Option<Uuid>,
    role: Role,
) -> Result<member::Model, Error> {
    use member::Column as C;
    let now = ground.clock.now();
    let id = match organization_id {
        Some(_) => ground.chance.id(now),
        // A unique index does not see two rows without an organization as the same.
        None => operator_id(who),
    };
    let same = of(organization_id).filter(C::Issuer.eq(&*who.issuer)).filter(C::Subject.eq(&*who.subject));
    if let Some(row) = same.clone().one(ground.db.reader()).await? {
        return Ok(row);
    }
    let row = row(id, who, organization_id, role, now);
    let ground_of = ground.clone();
    let made = ground.db.write(move |tx| {
        Box::pin(async move {
            let made = row.insert(tx).await.map_err(Failed::Insert)?;
            let change = Change::made(SIGN_IN, &made);
            audit::record(tx, &ground_of, &themselves(&made), change).await.map_err(Failed::Other)?;
            Ok::<_, Failed>(made)
        })
    });
    match made.await {
        Ok(row) => {
            tracing::info!(member.id = %row.id, "a member signed in for the first time");
            Ok(row)
        }
        Err(Failed::Insert(error)) if is_unique_violation(&error) => {
            same.one(ground.db.reader()).await?.ok_or(Error::NotFound)
        }
        Err(Failed::Insert(error)) => Err(error.into()),
        Err(Failed::Other(error)) => Err(error),
    }
}

/// What the log calls a first sign-in.
const SIGN_IN: &str = "memberSignIn";

/// Who signs in is who does it.
fn themselves(row: &member::Model) -> Viewer {
    let known = Known::Member(row.id);
    match row.organization_id {
        Some(id) => Viewer::of_organization(known, &row.name, id, row.role),
        None => Viewer::operator(known, &row.name, row.role),
    }
}

/// Why a row was not made.
enum Failed {
    Insert(DbErr),
    Other(Error),
}

impl From<DbErr> for Failed {
    fn from(error: DbErr) -> Self {
        Self::Other(error.into())
    }
}

fn row(
    id: Uuid,
    who: &SignIn,
    organization_id: Option<Uuid>,
    role: Role,
    now: Timestamp,
) -> member::ActiveModel {
    let name = who.name.clone().or_else(|| who.email.clone()).unwrap_or_else(|| who.subject.clone());
    member::ActiveModel {
        id: Set(id),
        organization_id: Set(organization_id),
        issuer: Set(Some(who.issuer.clone())),
        subject: Set(Some(who.subject.clone())),
        email: Set(who.email.clone()),
        name: Set(name),
        role: Set(role),
        is_role_claimed: Set(true),
        is_enabled: Set(true),
        created_at: Set(now),
        updated_at: Set(now),
        last_seen_at: Set(None),
    }
}

fn operator_id(who: &SignIn) -> Uuid {
    let digest = Sha256::new()
        .chain_update(b"operator of the installation\0")
        .chain_update(who.issuer.as_bytes())
        .chain_update(b"\0")
        .chain_update(who.subject.as_bytes())
        .finalize();
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
