//! What can be done with access tokens.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use entity::{access_token, organization};
use secrecy::ExposeSecret as _;

use super::{
    cleared,
    once::{Asked, Earlier},
};
use crate::{
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        scalars::DateTime,
        types::{AccessToken, Permission, Role},
    },
    organizations::tokens::{self, NewToken, Rotation, TokenChange},
};

/// An access token to be made.
#[derive(Debug, InputObject)]
pub struct AccessTokenCreateInput {
    /// Whose data it opens; absent for the whole installation, which only its administrators may give.
    pub organization_id: Option<ID>,
    /// What it is for, at most 200 characters.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The part of the role's permissions that it holds, beside `READ`; absent for all of them. Nobody gives what
    /// they do not hold.
    pub scopes: Option<Vec<Permission>>,
    /// Addresses and networks that it is taken from, at most 100, such as `192.0.2.0/24`; absent or empty for
    /// everywhere.
    pub allowed_addresses: Option<Vec<String>>,
    /// When it stops working; absent for never.
    pub expires_at: Option<DateTime>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more (the secret included,
    /// for the token or member that asked first). Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `accessTokenCreate` answers.
    AccessTokenCreatePayload, AccessTokenCreateUserError {
        /// The new token's record.
        access_token: AccessToken,
        /// The token itself, for `Authorization: Bearer`. Shown now and never again, but to the same request under
        /// the same `idempotencyKey`.
        token: String,
    }
}

/// What to change of an access token; what is absent stays.
#[derive(Debug, InputObject)]
pub struct AccessTokenUpdateInput {
    /// The token's record.
    pub id: ID,
    /// What it is for, at most 200 characters.
    pub name: Option<String>,
    /// Addresses and networks that it is taken from, at most 100; null or empty for everywhere.
    pub allowed_addresses: MaybeUndefined<Vec<String>>,
}

payload! {
    /// What `accessTokenUpdate` answers.
    AccessTokenUpdatePayload, AccessTokenUpdateUserError {
        /// The token's record, changed.
        access_token: AccessToken,
    }
}

/// Which access token gets another text.
#[derive(Debug, InputObject)]
pub struct AccessTokenRotateInput {
    /// The token's record.
    pub id: ID,
    /// How long the text in use stays valid, in seconds: 0 to 604,800 (7 days); 86,400 (one day) where it is absent.
    /// Give 0 where it has leaked. A text from before that one ends at once.
    pub overlap_seconds: Option<i64>,
    /// When the token stops working; null for never, absent for as before.
    pub expires_at: MaybeUndefined<DateTime>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more (the secret included,
    /// for the token or member that asked first). Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `accessTokenRotate` answers.
    AccessTokenRotatePayload, AccessTokenRotateUserError {
        /// The token's record.
        access_token: AccessToken,
        /// The token itself, for `Authorization: Bearer`. Shown now and never again, but to the same request under
        /// the same `idempotencyKey`.
        token: String,
        /// Until when the text before is taken.
        previous_token_expires_at: DateTime,
    }
}

/// Which access token to withdraw.
#[derive(Debug, InputObject)]
pub struct AccessTokenRevokeInput {
    /// The token's record.
    pub id: ID,
}

payload! {
    /// What `accessTokenRevoke` answers.
    AccessTokenRevokePayload, AccessTokenRevokeUserError {
        /// The token's record.
        access_token: AccessToken,
    }
}

/// What can be done with access tokens.
#[derive(Default)]
pub struct AccessTokenMutation;

#[Object]
impl AccessTokenMutation {
    /// Makes an access token, and shows it this once. It belongs to the organization: what becomes of who made it
    /// changes nothing of it. Needs `MANAGE_ACCESS`.
    async fn access_token_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: AccessTokenCreateInput,
    ) -> Result<Option<AccessTokenCreatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let organization_id = ids::parse_option::<organization::Entity>(
                input.organization_id.as_ref(),
                &["organizationId"],
            )?;
            let scopes = input.scopes.map(|scopes| scopes.into_iter().map(Into::into).collect());
            let new = NewToken {
                organization_id,
                name: input.name,
                role: input.role.into(),
                scopes,
                allowed_addresses: input.allowed_addresses.unwrap_or_default(),
                expires_at: input.expires_at.map(|at| at.0),
            };
            let (row, token) = tokens::create(viewer, ground, new).await?;
            Ok(AccessTokenCreatePayload::done(row.into(), token.expose_secret().to_owned()))
        };
        let again = async |earlier: Earlier<'_>| {
            Ok(AccessTokenCreatePayload {
                access_token: earlier.row::<access_token::Entity>().await?.map(Into::into),
                token: earlier.secret(),
                user_errors: Vec::new(),
            })
        };
        AccessTokenCreatePayload::answer(asked.answer(work, again).await)
    }

    /// Changes what a token is called, and where it is taken from. Needs `MANAGE_ACCESS`.
    async fn access_token_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: AccessTokenUpdateInput,
    ) -> Result<Option<AccessTokenUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<access_token::Entity>(&input.id, &["id"])?;
            let change =
                TokenChange { name: input.name, allowed_addresses: cleared(input.allowed_addresses) };
            let changed = tokens::update(viewer, ground, id, change).await?;
            Ok(AccessTokenUpdatePayload::done(changed.into()))
        };
        AccessTokenUpdatePayload::answer(work.await)
    }

    /// Gives a token another text, and shows it this once; the one before stays valid for a while, so that who uses
    /// it can be changed over. Needs `MANAGE_ACCESS`, and every permission that the token holds.
    async fn access_token_rotate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token.")] input: AccessTokenRotateInput,
    ) -> Result<Option<AccessTokenRotatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<access_token::Entity>(&input.id, &["id"])?;
            let expires_at = match input.expires_at {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(at) => Some(Some(at.0)),
            };
            let rotation = Rotation { overlap_secs: input.overlap_seconds, expires_at };
            let (row, token) = tokens::rotate(viewer, ground, id, rotation).await?;
            Ok(AccessTokenRotatePayload {
                previous_token_expires_at: row.previous_expires_at.map(DateTime),
                access_token: Some(row.into()),
                token: Some(token.expose_secret().to_owned()),
                user_errors: Vec::new(),
            })
        };
        let again = async |earlier: Earlier<'_>| {
            Ok(AccessTokenRotatePayload {
                access_token: earlier.row::<access_token::Entity>().await?.map(Into::into),
                token: earlier.secret(),
                previous_token_expires_at: earlier.until().map(DateTime),
                user_errors: Vec::new(),
            })
        };
        AccessTokenRotatePayload::answer(asked.answer(work, again).await)
    }

    /// Withdraws an access token at once. Needs `MANAGE_ACCESS`.
    async fn access_token_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token.")] input: AccessTokenRevokeInput,
    ) -> Result<Option<AccessTokenRevokePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<access_token::Entity>(&input.id, &["id"])?;
            let revoked = tokens::revoke(viewer, ground, id).await?;
            Ok(AccessTokenRevokePayload::done(revoked.into()))
        };
        AccessTokenRevokePayload::answer(work.await)
    }
}
