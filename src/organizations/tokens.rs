//! Access tokens: who may use the API.
//!
//! A token is 63 characters: `pgw_`, 10 letters and digits it is looked up by (the key id), 43 random ones
//! (256 bits), and 6 that are the CRC-32 of all before in base 62, so that a mistyped token is refused
//! without a look, and programs that search for leaked secrets recognise one. The token itself is not kept.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{Role, Timestamp, access_token, data_key, organization};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _,
    QueryFilter as _, QuerySelect as _, Set, sea_query::LockType,
};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::{
    form::Form,
    viewer::{Known, Permission, Viewer},
};
use crate::{
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

const PREFIX: &str = "pgw_";
const KEY_ID: usize = 10;
const SECRET: usize = 43;
const CHECK: usize = 6;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose data it opens; none for the whole installation.
    pub organization_id: Option<Uuid>,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

/// Makes a token; its text is given here and never again.
pub async fn create(
    viewer: &Viewer,
    ground: &Ground,
    new: NewToken,
) -> Result<(access_token::Model, SecretString), Error> {
    may_administer(viewer, new.organization_id)?;
    viewer.may_give(new.role, None)?;
    let now = ground.clock.now();
    let mut form = Form::default();
    let name = form.name(&new.name);
    if new.expires_at.is_some_and(|at| at <= now) {
        let message = "it would have expired already; give a time to come, or none";
        form.add(Problem::of("expiresAt", ProblemCode::Invalid, message));
    }
    form.finish()?;
    if let Some(id) = new.organization_id {
        let found = organization::Entity::find_by_id(id).one(ground.db.reader()).await?;
        found.ok_or(Error::NotFound)?;
    }
    let (row, token) = make(ground, now, NewToken { name, ..new });
    let made =
        ground.db.write(move |tx| Box::pin(async move { Ok::<_, Error>(row.insert(tx).await?) })).await?;
    tracing::info!(token.id = %made.id, by = viewer.name, "an access token was made");
    Ok((made, token))
}

/// An administrator's token for the whole installation, where there is no token at all yet.
pub async fn first_administrator(ground: &Ground) -> Result<Option<SecretString>, Error> {
    let (name, role) = ("first administrator".to_owned(), Role::Administrator);
    let new = NewToken { organization_id: None, name, role, expires_at: None };
    let (row, token) = make(ground, ground.clock.now(), new);
    let is_first = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                // Nodes that start at the same moment queue here: the installation's key is always there.
                data_key::Entity::find_by_id(Uuid::nil()).lock(LockType::Update).one(tx).await?;
                if access_token::Entity::find().count(tx).await? > 0 {
                    return Ok::<_, Error>(false);
                }
                row.insert(tx).await?;
                Ok(true)
            })
        })
        .await?;
    Ok(is_first.then_some(token))
}

/// Who shows this token. None where it is none of ours, has expired or was withdrawn: which of these is
/// not told, and takes the same time.
pub async fn authenticate(ground: &Ground, token: &SecretString) -> Result<Option<Viewer>, Error> {
    let Some(key_id) = key_id(token.expose_secret()) else { return Ok(None) };
    let row = access_token::Entity::find()
        .filter(access_token::Column::KeyId.eq(key_id))
        .one(ground.db.reader())
        .await?;
    let digest = row.as_ref().map(|row| row.digest.as_slice()).unwrap_or_default();
    let is_token = ground.vault.is_token(token, digest);
    let now = ground.clock.now();
    Ok(row
        .filter(|row| is_token && row.revoked_at.is_none() && row.expires_at.is_none_or(|at| now < at))
        .map(|row| match row.organization_id {
            Some(organization_id) => {
                Viewer::of_organization(Known::Token(row.id), &row.name, organization_id, row.role)
            }
            None => Viewer::operator(Known::Token(row.id), &row.name, row.role),
        }))
}

/// Withdraws a token at once. One that was withdrawn before stays as it is.
pub async fn revoke(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<access_token::Model, Error> {
    let found = access_token::Entity::find_by_id(id).one(ground.db.reader()).await?;
    let row = found.filter(|row| is_in_reach(viewer, row)).ok_or(Error::NotFound)?;
    may_administer(viewer, row.organization_id)?;
    if row.revoked_at.is_some() {
        return Ok(row);
    }
    let mut row = row.into_active_model();
    row.revoked_at = Set(Some(ground.clock.now()));
    let revoked =
        ground.db.write(move |tx| Box::pin(async move { Ok::<_, Error>(row.update(tx).await?) })).await?;
    tracing::info!(token.id = %revoked.id, by = viewer.name, "an access token was withdrawn");
    Ok(revoked)
}

/// Whether somebody may see and change the tokens of an organization, or of the installation.
pub fn may_administer(viewer: &Viewer, organization_id: Option<Uuid>) -> Result<(), Error> {
    match organization_id {
        Some(id) => viewer.may(Permission::ManageAccess, id),
        None => viewer.may_operate_installation(),
    }
}

fn is_in_reach(viewer: &Viewer, row: &access_token::Model) -> bool {
    match row.organization_id {
        Some(id) => viewer.reaches(id),
        None => viewer.organization_id().is_none(),
    }
}

fn make(ground: &Ground, now: Timestamp, new: NewToken) -> (access_token::ActiveModel, SecretString) {
    let key_id = ground.chance.alphanumeric(KEY_ID);
    let text = format!("{PREFIX}{key_id}{}", ground.chance.alphanumeric(SECRET));
    let token = SecretString::from(format!("{text}{}", check_of(&text)));
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
    };
    (row, token)
}

/// The part a token is looked up by, where the text can be a token at all.
fn key_id(text: &str) -> Option<&str> {
    let body = text.strip_prefix(PREFIX)?;
    if body.len() != KEY_ID + SECRET + CHECK || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (checked, check) = text.split_at_checked(text.len() - CHECK)?;
    (check_of(checked) == check).then(|| body.get(..KEY_ID))?
}

/// CRC-32 in base 62, six digits, the lowest last.
fn check_of(text: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECK];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS.get((rest % 62) as usize).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits.map(char::from).iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, TestGround};

    async fn token_of(ground: &TestGround, viewer: &Viewer, new: NewToken) -> SecretString {
        create(viewer, ground, new).await.unwrap().1
    }

    fn new(organization_id: Option<Uuid>, expires_at: Option<Timestamp>) -> NewToken {
        NewToken { organization_id, name: "dashboard".to_owned(), role: Role::Viewer, expires_at }
    }

    #[tokio::test]
    async fn a_token_says_who_is_asking_until_it_expires() {
        let ground = testing::ground().await;
        let (acme, admin) = ground.organization("acme").await;
        let expires_at = Some(testing::START.plus_secs(60));
        let token = token_of(&ground, &admin, new(Some(acme.id), expires_at)).await;
        assert_eq!(token.expose_secret().len(), 63);
        let viewer = authenticate(&ground, &token).await.unwrap().unwrap();
        assert_eq!((viewer.organization_id(), viewer.role()), (Some(acme.id), Role::Viewer));
        ground.clock.advance_secs(60);
        assert_eq!(authenticate(&ground, &token).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_changed_withdrawn_or_made_up_is_refused_alike() {
        let ground = testing::ground().await;
        let (acme, admin) = ground.organization("acme").await;
        let (row, token) = create(&admin, &ground, new(Some(acme.id), None)).await.unwrap();
        let text = token.expose_secret().to_owned();

        // Another secret under the same key id, with a check that fits.
        let other = format!("{}{}", &text[..14], "x".repeat(SECRET));
        let forged = format!("{other}{}", check_of(&other));
        assert_eq!(key_id(&forged), Some(row.key_id.as_str()));
        let mistyped = text.replace(&text[20..22], "zz");
        for wrong in [forged.as_str(), mistyped.as_str(), "", "pgw_", &text[1..], &format!("{text} ")] {
            assert_eq!(authenticate(&ground, &wrong.to_owned().into()).await.unwrap(), None, "{wrong}");
        }

        assert!(authenticate(&ground, &token).await.unwrap().is_some());
        revoke(&admin, &ground, row.id).await.unwrap();
        assert_eq!(authenticate(&ground, &token).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_first_administrators_token_is_made_once() {
        let ground = testing::ground().await;
        // Two nodes that start at the same moment.
        let (one, other) = tokio::join!(first_administrator(&ground), first_administrator(&ground));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_ne!(one.is_some(), other.is_some());
        let token = one.or(other).unwrap();
        let viewer = authenticate(&ground, &token).await.unwrap().unwrap();
        assert!(viewer.may_operate_installation().is_ok());
        assert!(first_administrator(&ground).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn nobody_makes_or_withdraws_tokens_beyond_their_reach() {
        let ground = testing::ground().await;
        let (acme, admin) = ground.organization("acme").await;
        let (_, neighbour) = ground.organization("globex").await;
        let (row, _) = create(&admin, &ground, new(Some(acme.id), None)).await.unwrap();
        assert!(matches!(revoke(&neighbour, &ground, row.id).await, Err(Error::NotFound)));
        let stranger = create(&neighbour, &ground, new(Some(acme.id), None)).await;
        assert!(matches!(stranger, Err(Error::NotFound)));
        assert!(matches!(create(&admin, &ground, new(None, None)).await, Err(Error::Forbidden { .. })));
        let past = create(&admin, &ground, new(Some(acme.id), Some(testing::START))).await;
        assert!(matches!(past, Err(Error::Invalid(_))));
        let (operators, _) = create(&Viewer::gateway(), &ground, new(None, None)).await.unwrap();
        assert!(matches!(revoke(&admin, &ground, operators.id).await, Err(Error::NotFound)));
    }
}
