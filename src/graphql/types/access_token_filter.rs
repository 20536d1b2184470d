//! Which access tokens, in which order.

use async_graphql::{Context, Enum, InputObject, Result};

use super::{OrderDirection, all, filters::ordering};
use crate::{
    graphql::Asking as _,
    organizations::lists::{self, TokenList},
};

/// Whether an access token works. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "lists::TokenState")]
pub enum AccessTokenState {
    /// It does.
    Active,
    /// Its time is over.
    Expired,
    /// It was withdrawn, whether or not its time is over, too.
    Revoked,
}

/// The state of an access token.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AccessTokenStateFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<AccessTokenState>>,
}

/// Which access tokens; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AccessTokenFilter {
    /// Whether they work.
    pub state: Option<AccessTokenStateFilter>,
    /// Part of the name, in upper or lower case.
    pub query: Option<String>,
}

ordering! {
    /// The order of access tokens; those that are equal stand in the order of their ids.
    AccessTokenOrder, AccessTokenOrderField of access_token, Desc, [
        /// When they were made.
        #[default]
        CreatedAt,
        /// Their names.
        Name,
    ]
}

impl AccessTokenFilter {
    /// The domain's list.
    pub fn read(
        self,
        ctx: &Context<'_>,
        of_installation: bool,
        order_by: Option<AccessTokenOrder>,
    ) -> Result<TokenList> {
        let now = ctx.ground()?.clock.now();
        let states = all(self.state.and_then(|state| state.any_of)).map(|states| (states, now));
        Ok(TokenList { of_installation, states, text: self.query, order: order_by.map(Into::into) })
    }
}
