//! Access tokens: how services use the API.
//!
//! A token is 63 characters: `pgw_`, 10 letters and digits it is looked up by (the key id), 43 random ones
//! (256 bits), and 6 that are the CRC-32 of all before in base 62, so that a mistyped token is refused
//! without a look, and programs that search for leaked secrets recognise one. The token itself is not kept.
//!
//! A token belongs to its organization and not to who made it: what becomes of that person changes nothing
//! of it. It holds its role, or the part of it that its scopes name, until it expires or is withdrawn. What
//! was read of it is believed for a second: a withdrawal counts at once on the node that does it, and on every other one
//! when the news of it come there, or after that second.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::{net::IpAddr, sync::Arc};

use entity::{Role, Timestamp, access_token, data_key};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, JsonValue, PaginatorTrait as _, QueryFilter as _, QuerySelect as _, Set,
    sea_query::LockType,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    allowed_addresses,
    form::Form,
    once::Done,
    organization, ticket_permissions,
    viewer::{Known, Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    db::news::{self, Happened, What},
    error::{Error, Problem, ProblemCode},
    ground::{Ground, KnownToken, Shown, Sight},
};

mod text;

use self::text::key_id;

const CREATE: &str = "accessTokenCreate";
/// How long the text before a rotation stays valid where nobody says, in seconds.
pub const DEFAULT_OVERLAP_SECS: i64 = super::endpoints::DEFAULT_OVERLAP_SECS;
/// How long it may, in seconds.
pub const MAX_OVERLAP_SECS: i64 = super::endpoints::MAX_OVERLAP_SECS;

/// What every token of ours begins with.
pub use self::text::PREFIX;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose data it opens; none for the whole installation.
    pub organization_id: Option<Uuid>,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The part of the role's permissions that it holds, beside reading; none for all of them.
    pub scopes: Option<Vec<Permission>>,
    /// Addresses and networks that it is taken from; empty for everywhere.
    pub allowed_addresses: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

impl NewToken {
    /// One that holds its whole role for good, taken from everywhere.
    pub fn plain(organization_id: Option<Uuid>, name: &str, role: Role) -> Self {
        Self {
            organization_id,
            name: name.to_owned(),
            role,
            scopes: None,
            allowed_addresses: Vec::new(),
            expires_at: None,
        }
    }
}

/// What to change of a token; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct TokenChange {
    /// What it is for.
    pub name: Option<String>,
    /// Addresses and networks that it is taken from; empty for everywhere.
    pub allowed_addresses: Option<Vec<String>>,
}

/// How a token gets another text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rotation {
    /// How long the text before stays valid, 0 seconds to 7 days; a day where nothing is said.
    pub overlap_secs: Option<i64>,
    /// When it stops working; `Some(None)` for never, none for as before.
    pub expires_at: Option<Option<Timestamp>>,
}

/// Makes a token; its text is given here and never again.
pub async fn create(
    viewer: &Viewer,
    ground: &Ground,
    new: NewToken,
) -> Result<(access_token::Model, SecretString), Error> {
    may_administer(viewer, new.organization_id)?;
    viewer.may_give(new.role, new.scopes.as_deref())?;
    let now = ground.clock.now();
    let mut form = Form::default();
    let name = form.name(&new.name);
    check_expiry(&mut form, new.expires_at, now);
    check_scopes(&mut form, viewer, &new);
    let allowed = allowed_addresses::read(&mut form, &new.allowed_addresses);
    form.finish()?;
    if let Some(id) = new.organization_id {
        organization::living(viewer, ground, id).await?;
    }
    let (mut row, token) = make(ground, now, NewToken { name, ..new });
    row.allowed_addresses = Set(allowed);
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let (once, shown) = (viewer.once(), token.clone());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let made = row.insert(tx).await?;
                once.finish(tx, &ground_of, &Done::row(made.id).showing(Some(shown))).await?;
                audit::record(tx, &ground_of, &by, Change::made(CREATE, &made)).await?;
                Ok::<_, Error>(made)
            })
        })
        .await?;
    tracing::info!(token.id = %made.id, by = viewer.name, "an access token was made");
    Ok((made, token))
}

fn check_expiry(form: &mut Form, expires_at: Option<Timestamp>, now: Timestamp) {
    if expires_at.is_some_and(|at| at <= now) {
        let message = "it would have expired already; give a time to come, or none";
        form.add(Problem::of("expiresAt", ProblemCode::Invalid, message));
    }
}

/// Scopes are a part of what the token could hold: another one is a mistake that would otherwise show when
/// the token is used.
fn check_scopes(form: &mut Form, viewer: &Viewer, new: &NewToken) {
    let Some(scopes) = &new.scopes else { return };
    let whole = match new.organization_id {
        Some(id) => Viewer::of_organization(viewer.known(), "", id, new.role),
        None => Viewer::operator(viewer.known(), "", new.role),
    };
    if let Some(beyond) = scopes.iter().find(|scope| !whole.holds(**scope)) {
        let message = format!("the role does not hold {}; leave it out, or give another role", beyond.name());
        form.add(Problem::of("scopes", ProblemCode::Invalid, message));
    }
    if scopes.is_empty() {
        let message = "name at least one permission, such as READ; leave it out for all of the role";
        form.add(Problem::of("scopes", ProblemCode::Required, message));
    }
}

/// An administrator's token for the whole installation, where there is no token at all yet.
pub async fn first_administrator(ground: &Ground) -> Result<Option<SecretString>, Error> {
    let new = NewToken::plain(None, "first administrator", Role::Administrator);
    let (row, token) = make(ground, ground.clock.now(), new);
    let ground_of = ground.clone();
    let is_first = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                // Nodes that start at the same moment queue here: the installation's key is always there.
                data_key::Entity::find_by_id(Uuid::nil()).lock(LockType::Update).one(tx).await?;
                if access_token::Entity::find().count(tx).await? > 0 {
                    return Ok::<_, Error>(false);
                }
                let made = row.insert(tx).await?;
                let change = Change::made(CREATE, &made);
                audit::record(tx, &ground_of, &Viewer::gateway(), change).await?;
                Ok(true)
            })
        })
        .await?;
    Ok(is_first.then_some(token))
}

/// Who shows this token, calling from an address. None where it is none of ours, has expired, was withdrawn
/// or is not taken from there: which of these is not told, and takes the same time.
pub async fn authenticate(
    ground: &Ground,
    token: &SecretString,
    from: Option<IpAddr>,
) -> Result<Option<Viewer>, Error> {
    let Some(key_id) = key_id(token.expose_secret()) else { return Ok(None) };
    let known = look_up(ground, key_id).await?;
    let row = known.as_deref().map(|known| &known.token);
    let now = ground.clock.now();
    let digest = match row {
        Some(row) if row.key_id == key_id => row.digest.as_slice(),
        Some(row) if row.previous_expires_at.is_some_and(|at| now < at) => {
            row.previous_digest.as_deref().unwrap_or_default()
        }
        _ => &[],
    };
    let is_token = ground.vault.is_token(token, digest);
    let is_live = |row: &&access_token::Model| {
        is_token && row.revoked_at.is_none() && row.expires_at.is_none_or(|at| now < at)
    };
    let Some(row) = row.filter(is_live) else { return Ok(None) };
    let rules = known.as_deref().map(|known| known.rules.as_slice()).unwrap_or_default();
    if !allowed_addresses::let_in(row.allowed_addresses.as_ref(), from) {
        let address = from.map(|from| from.to_string());
        tracing::warn!(token.id = %row.id, address, "an access token was shown from an address it is not taken from");
        return Ok(None);
    }
    ground.seen.note(Shown::Token(row.id), Sight { at: now, from, news: None });
    let viewer = holder(row);
    let viewer = ticket_permissions::ruled(viewer, rules);
    Ok(Some(viewer.narrowed(scopes(row.scopes.as_ref())).calling_from(from)))
}

/// Whether a token was one of this database's a moment ago. Asks nobody.
pub fn is_remembered(ground: &Ground, token: &SecretString) -> bool {
    let found = key_id(token.expose_secret()).map(|key_id| ground.tokens.get(key_id, ground.clock.now()));
    matches!(found, Some(Ok(Some(_))))
}

/// Whether a token is one of this database's, good or not.
pub async fn is_known(ground: &Ground, token: &SecretString) -> Result<bool, Error> {
    let Some(key_id) = key_id(token.expose_secret()) else { return Ok(false) };
    Ok(look_up(ground, key_id).await?.is_some())
}

/// Who shows a token, before its scopes and rules are looked at.
fn holder(row: &access_token::Model) -> Viewer {
    let known = Known::Token(row.id);
    match row.organization_id {
        Some(organization_id) => Viewer::of_organization(known, &row.name, organization_id, row.role),
        None => Viewer::operator(known, &row.name, row.role),
    }
}

/// The token of a key id, as it was within the last second. A change that is made in this process counts at once; on
/// other nodes as soon as they hear of it.
async fn look_up(ground: &Ground, key_id: &str) -> Result<Option<Arc<KnownToken>>, Error> {
    use access_token::Column as C;
    let now = ground.clock.now();
    let begun = match ground.tokens.get(key_id, now) {
        Ok(found) => return Ok(found),
        Err(begun) => begun,
    };
    let found = access_token::Entity::find()
        .filter(C::KeyId.eq(key_id).or(C::PreviousKeyId.eq(key_id)))
        .one(ground.db.reader())
        .await?;
    // What is not there is not kept: guesses would push out what is.
    let Some(token) = found else { return Ok(None) };
    if let Some(id) = token.organization_id
        && !organization::is_here(ground, id).await?
    {
        return Ok(None);
    }
    let rules = ticket_permissions::for_viewer(ground, &holder(&token)).await?;
    let known = Arc::new(KnownToken { token, rules });
    ground.tokens.keep(key_id, Some(Arc::clone(&known)), now, begun);
    Ok(Some(known))
}

/// Other nodes take a token for what they knew of it, until they hear that it is not so any more.
pub async fn forget_changed(ground: Ground, stop: CancellationToken) {
    let news = ground.db.news().clone();
    loop {
        let mut changes = news.watch(What::AccessChanged, None);
        // Some may have been missed.
        ground.tokens.forget();
        loop {
            tokio::select! {
                heard = changes.next() => if heard.is_none() { break } else { ground.tokens.forget() },
                () = stop.cancelled() => return,
            }
        }
    }
}

/// The permissions that a column names; those that this version does not know are not held.
pub fn scopes(kept: Option<&JsonValue>) -> Option<Vec<Permission>> {
    let names = kept?.as_array().into_iter().flatten();
    Some(names.filter_map(|name| Permission::of_name(name.as_str()?)).collect())
}

/// Changes what a token is called, and where it is taken from.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    change: TokenChange,
) -> Result<access_token::Model, Error> {
    may_change(viewer, ground, id).await?;
    let mut form = Form::default();
    let name = form.name_change(change.name.as_deref());
    let allowed = change.allowed_addresses.map(|typed| allowed_addresses::read(&mut form, &typed));
    form.finish()?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let changed = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old = locked(tx, id).await?;
                let mut row = old.clone().into_active_model();
                if let Some(name) = name {
                    row.name = Set(name);
                }
                if let Some(allowed) = allowed {
                    row.allowed_addresses = Set(allowed);
                }
                let changed = row.update(tx).await?;
                let change = Change::between("accessTokenUpdate", &old, &changed);
                audit::record(tx, &ground_of, &by, change).await?;
                access_changed(&changed, ground_of.clock.now());
                Ok::<_, Error>(changed)
            })
        })
        .await?;
    ground.tokens.forget();
    tracing::info!(token.id = %changed.id, by = viewer.name, "an access token was changed");
    Ok(changed)
}

/// Gives a token another text, which is given here and never again; the one before stays valid for a while.
/// A text from before that one ends at once.
pub async fn rotate(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    rotation: Rotation,
) -> Result<(access_token::Model, SecretString), Error> {
    let old = may_change(viewer, ground, id).await?;
    // Who gets the text can do what the token can.
    viewer.may_give(old.role, scopes(old.scopes.as_ref()).as_deref())?;
    let now = ground.clock.now();
    let expires_at = rotation.expires_at.unwrap_or(old.expires_at);
    let mut form = Form::default();
    form.within("overlapSeconds", rotation.overlap_secs, 0, MAX_OVERLAP_SECS);
    if rotation.expires_at.is_none() && old.expires_at.is_some_and(|at| at <= now) {
        let message = "it has expired; say with `expiresAt` until when it is to work again";
        form.add(Problem::of("expiresAt", ProblemCode::Required, message));
    } else {
        check_expiry(&mut form, expires_at, now);
    }
    form.finish()?;
    let until = now.plus_secs(rotation.overlap_secs.unwrap_or(DEFAULT_OVERLAP_SECS));
    let (key_id, token) = text::make(&ground.chance);
    let digest = ground.vault.token_digest(&token);
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let (once, shown) = (viewer.once(), token.clone());
    let rotated = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let row = locked(tx, id).await?;
                if row.revoked_at.is_some() {
                    let message = "it was withdrawn for good; make another one";
                    return Err(Problem::of("id", ProblemCode::WrongState, message).into());
                }
                let (old, previous_id, previous) = (row.clone(), row.key_id.clone(), row.digest.clone());
                let mut row = row.into_active_model();
                row.previous_key_id = Set(Some(previous_id));
                row.previous_digest = Set(Some(previous));
                row.previous_expires_at = Set(Some(until));
                row.key_id = Set(key_id);
                row.digest = Set(digest);
                row.expires_at = Set(expires_at);
                let rotated = row.update(tx).await?;
                let done = Done { until: Some(until), ..Done::row(id) }.showing(Some(shown));
                once.finish(tx, &ground_of, &done).await?;
                let change = Change::between("accessTokenRotate", &old, &rotated);
                audit::record(tx, &ground_of, &by, change).await?;
                access_changed(&rotated, now);
                Ok::<_, Error>(rotated)
            })
        })
        .await?;
    ground.tokens.forget();
    tracing::info!(token.id = %rotated.id, by = viewer.name, "an access token was rotated");
    Ok((rotated, token))
}

async fn locked(tx: &DatabaseTransaction, id: Uuid) -> Result<access_token::Model, Error> {
    let found = access_token::Entity::find_by_id(id).lock(LockType::Update).one(tx).await?;
    found.ok_or(Error::NotFound)
}

/// Withdraws a token at once. One that was withdrawn before stays as it is.
pub async fn revoke(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<access_token::Model, Error> {
    let row = may_change(viewer, ground, id).await?;
    if row.revoked_at.is_some() {
        return Ok(row);
    }
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let revoked = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old = locked(tx, id).await?;
                if old.revoked_at.is_some() {
                    return Ok(old);
                }
                let mut row = old.clone().into_active_model();
                row.revoked_at = Set(Some(now));
                let revoked = row.update(tx).await?;
                let change = Change::between("accessTokenRevoke", &old, &revoked);
                audit::record(tx, &ground_of, &by, change).await?;
                access_changed(&revoked, now);
                Ok::<_, Error>(revoked)
            })
        })
        .await?;
    ground.tokens.forget();
    tracing::info!(token.id = %revoked.id, by = viewer.name, "an access token was withdrawn");
    Ok(revoked)
}

/// Tells connections that stay open, and other nodes.
fn access_changed(row: &access_token::Model, at: Timestamp) {
    let organization_id = row.organization_id.unwrap_or_default();
    news::tell(Happened { what: What::AccessChanged, organization_id, id: row.id, at });
}

/// The record of the token that asks; none where it is no token.
pub async fn own(viewer: &Viewer, ground: &Ground) -> Result<Option<access_token::Model>, Error> {
    let Known::Token(id) = viewer.known() else { return Ok(None) };
    Ok(access_token::Entity::find_by_id(id).one(ground.db.reader()).await?)
}

/// Whether somebody may see and change the tokens of an organization, or of the installation.
pub fn may_administer(viewer: &Viewer, organization_id: Option<Uuid>) -> Result<(), Error> {
    match organization_id {
        Some(id) => viewer.may(Permission::ManageAccess, id),
        None => viewer.may_operate_installation(),
    }
}

async fn may_change(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<access_token::Model, Error> {
    let found = access_token::Entity::find_by_id(id).one(ground.db.reader()).await?;
    let row = found.filter(|row| is_in_reach(viewer, row)).ok_or(Error::NotFound)?;
    may_administer(viewer, row.organization_id)?;
    Ok(row)
}

fn is_in_reach(viewer: &Viewer, row: &access_token::Model) -> bool {
    match row.organization_id {
        Some(id) => viewer.reaches(id),
        None => viewer.organization_id().is_none(),
    }
}

fn make(ground: &Ground, now: Timestamp, new: NewToken) -> (access_token::ActiveModel, SecretString) {
    let (key_id, token) = text::make(&ground.chance);
    let scopes = new.scopes.map(|mut scopes| {
        scopes.sort_unstable_by_key(|scope| Permission::ALL.iter().position(|known| known == scope));
        scopes.dedup();
        scopes.into_iter().map(Permission::name).collect::<Vec<_>>().into()
    });
    let row = access_token::ActiveModel {
        id: Set(ground.chance.id(now)),
        organization_id: Set(new.organization_id),
        name: Set(new.name),
        role: Set(new.role),
        key_id: Set(key_id),
        digest: Set(ground.vault.token_digest(&token)),
        created_at: Set(now),
        expires_at: Set(new.expires_at),
        revoked_at: Set(None),
        scopes: Set(scopes),
        allowed_addresses: Set(None),
        previous_key_id: Set(None),
        previous_digest: Set(None),
        previous_expires_at: Set(None),
        last_used_at: Set(None),
        last_used_from: Set(None),
    };
    (row, token)
}

#[cfg(test)]
mod tests;
