//! Relay connections over the lists of the domain.
//!
//! `connection!` makes the two types; a resolver gives `TicketConnection::new(parent, list, args)`. What is
//! not selected is not read: a connection of which only `totalCount` is asked for reads no page.

use async_graphql::{Context, SimpleObject};
use sea_orm::EntityTrait;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::Asking as _;
use crate::{
    db::page::{Page, PageArgs, Slice},
    error::Error,
    organizations::reach::List,
};

/// Where a page stands in its list.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether there are more items behind this page: ask again with `after: endCursor`.
    pub has_next_page: bool,
    /// Whether there are more items before this page: ask again with `before: startCursor`.
    pub has_previous_page: bool,
    /// The cursor of the first item; null on an empty page.
    pub start_cursor: Option<String>,
    /// The cursor of the last item; null on an empty page.
    pub end_cursor: Option<String>,
}

/// A page of a list that is read when it is looked at, once.
pub struct Listing<L: List> {
    parent: Uuid,
    list: L,
    page: Page,
    slice: OnceCell<Slice<<L::Entity as EntityTrait>::Model>>,
}

impl<L: List> Listing<L> {
    /// Checks what was asked for; reads nothing yet.
    pub fn new(parent: Uuid, list: L, args: &PageArgs) -> Result<Self, Error> {
        let page = Page::new(args, list.order())?;
        Ok(Self { parent, list, page, slice: OnceCell::new() })
    }

    /// The page.
    pub async fn slice(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<&Slice<<L::Entity as EntityTrait>::Model>> {
        self.slice
            .get_or_try_init(async || {
                let loaders = ctx.loaders()?;
                Ok(loaders.slice(self.parent, self.list.clone(), self.page.clone()).await?)
            })
            .await
    }

    /// The cursor of a row.
    pub fn cursor(&self, row: &<L::Entity as EntityTrait>::Model) -> String {
        self.list.order().cursor(row)
    }

    /// Where the page stands.
    pub async fn page_info(&self, ctx: &Context<'_>) -> async_graphql::Result<PageInfo> {
        let slice = self.slice(ctx).await?;
        Ok(PageInfo {
            has_next_page: slice.has_next,
            has_previous_page: slice.has_previous,
            start_cursor: slice.rows.first().map(|row| self.cursor(row)),
            end_cursor: slice.rows.last().map(|row| self.cursor(row)),
        })
    }

    /// How long the list is, and whether that was counted to its end.
    pub async fn total(&self, ctx: &Context<'_>) -> async_graphql::Result<(i32, bool)> {
        let count = ctx.loaders()?.count(self.parent, self.list.clone()).await?;
        let exact = L::COUNT_BOUND.is_none_or(|bound| count < bound);
        Ok((i32::try_from(count).unwrap_or(i32::MAX), exact))
    }
}

/// Makes the types of a connection: `connection! { /// What it is. TicketConnection, TicketEdge, Ticket, TicketList }`.
/// With `, bounded` behind, counting stops at the list's bound and the connection says so.
macro_rules! connection {
    ($(#[$doc:meta])* $name:ident, $edge:ident, $node:ident, $list:ty) => {
        connection!(@types $(#[$doc])* $name, $edge, $node, $list, {
            /// How many items the list has on all its pages; counted only when it is selected.
            async fn total_count(
                &self,
                ctx: &::async_graphql::Context<'_>,
            ) -> ::async_graphql::Result<i32> {
                Ok(self.0.total(ctx).await?.0)
            }
        });
    };
    ($(#[$doc:meta])* $name:ident, $edge:ident, $node:ident, $list:ty, bounded) => {
        connection!(@types $(#[$doc])* $name, $edge, $node, $list, {
            /// How many items the list has on all its pages; counted only when it is selected, and up to
            /// 10,000 at the most.
            async fn total_count(
                &self,
                ctx: &::async_graphql::Context<'_>,
            ) -> ::async_graphql::Result<i32> {
                Ok(self.0.total(ctx).await?.0)
            }

            /// Whether `totalCount` was counted to the end of the list.
            async fn total_count_is_exact(
                &self,
                ctx: &::async_graphql::Context<'_>,
            ) -> ::async_graphql::Result<bool> {
                Ok(self.0.total(ctx).await?.1)
            }
        });
    };
    (@types $(#[$doc:meta])* $name:ident, $edge:ident, $node:ident, $list:ty, { $($total:tt)* }) => {
        $(#[$doc])*
        pub struct $name($crate::graphql::connection::Listing<$list>);

        impl $name {
            /// A page of the list below a parent; reads nothing yet.
            pub fn new(
                parent: ::uuid::Uuid,
                list: $list,
                args: &$crate::db::page::PageArgs,
            ) -> Result<Self, $crate::error::Error> {
                $crate::graphql::connection::Listing::new(parent, list, args).map(Self)
            }
        }

        $(#[$doc])*
        #[::async_graphql::Object]
        impl $name {
            /// The items of this page, each with its cursor.
            async fn edges(
                &self,
                ctx: &::async_graphql::Context<'_>,
            ) -> ::async_graphql::Result<Vec<$edge>> {
                let rows = &self.0.slice(ctx).await?.rows;
                Ok(rows
                    .iter()
                    .map(|row| $edge { cursor: self.0.cursor(row), node: $node::from(row.clone()) })
                    .collect())
            }

            /// The items of this page.
            async fn nodes(
                &self,
                ctx: &::async_graphql::Context<'_>,
            ) -> ::async_graphql::Result<Vec<$node>> {
                Ok(self.0.slice(ctx).await?.rows.iter().cloned().map($node::from).collect())
            }

            /// Where this page stands in the list.
            async fn page_info(
                &self,
                ctx: &::async_graphql::Context<'_>,
            ) -> ::async_graphql::Result<$crate::graphql::connection::PageInfo> {
                self.0.page_info(ctx).await
            }

            $($total)*
        }

        /// An item of a list, and where it stands in it.
        #[derive(::async_graphql::SimpleObject)]
        pub struct $edge {
            /// Where the item stands: opaque, and good for this list in this order only.
            pub cursor: String,
            /// The item.
            pub node: $node,
        }
    };
}

pub(crate) use connection;
