//! Relay connections over the lists of the domain.
//!
//! `connection!` makes the two types; a resolver gives `TicketConnection::new(parent, list, args)`. What is
//! not selected is not read: a connection of which only `totalCount` is asked for reads no page.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use async_graphql::{Context, SimpleObject};
use sea_orm::{EntityTrait, QueryResult};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{
    Asking as _,
    plain::{Asked, Item, Items},
};
use crate::{
    db::page::{Columns, Lean, Page, PageArgs, Slice},
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

/// A page of a list that is read when it is looked at, once: whole, or only the columns that are asked for.
pub struct Listing<L: List> {
    parent: Uuid,
    list: L,
    page: Page,
    slice: OnceCell<Slice<<L::Entity as EntityTrait>::Model>>,
    /// Somebody looks at it whole.
    is_whole: AtomicBool,
    /// The columns that suffice for somebody.
    columns: OnceLock<Columns>,
    lean: OnceCell<Arc<Lean>>,
    /// Somebody asks how long the list is.
    is_counted: AtomicBool,
}

impl<L: List> Listing<L> {
    /// Checks what was asked for; reads nothing yet.
    pub fn new(parent: Uuid, list: L, args: &PageArgs) -> Result<Self, Error> {
        let page = Page::new(args, list.order())?;
        Ok(Self {
            parent,
            list,
            page,
            slice: OnceCell::new(),
            is_whole: AtomicBool::new(false),
            columns: OnceLock::new(),
            lean: OnceCell::new(),
            is_counted: AtomicBool::new(false),
        })
    }

    /// The page.
    pub async fn slice(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<&Slice<<L::Entity as EntityTrait>::Model>> {
        self.is_whole.store(true, Ordering::Relaxed);
        self.slice
            .get_or_try_init(async || {
                let loaders = ctx.loaders()?;
                Ok(loaders.slice(self.parent, self.list.clone(), self.page.clone()).await?)
            })
            .await
    }

    /// The items of the page, for the field that is being answered.
    pub async fn items<N>(&self, ctx: &Context<'_>) -> async_graphql::Result<Items<N>>
    where
        N: Item<Entity = L::Entity> + From<<L::Entity as EntityTrait>::Model>,
    {
        if !self.is_whole.load(Ordering::Relaxed)
            && let Some(asked) = Asked::of::<N>(ctx)
            && self.columns.get_or_init(|| asked.columns().clone()) == asked.columns()
        {
            let page = Arc::clone(self.lean(ctx, asked.columns()).await?);
            return Ok(Items::Plain(asked, page));
        }
        Ok(Items::Whole(self.slice(ctx).await?.rows.iter().cloned().map(N::from).collect()))
    }

    /// The page with some columns of its rows; with the length of the list, where somebody asks for that beside it.
    async fn lean(&self, ctx: &Context<'_>, columns: &Columns) -> async_graphql::Result<&Arc<Lean>> {
        self.lean
            .get_or_try_init(async || {
                // Those beside it ask in the same round.
                tokio::task::yield_now().await;
                let wanted = (columns.clone(), self.is_counted.load(Ordering::Relaxed));
                Ok(ctx.loaders()?.lean(self.parent, self.list.clone(), self.page.clone(), wanted).await?)
            })
            .await
    }

    /// The cursor of a row.
    pub fn cursor(&self, row: &<L::Entity as EntityTrait>::Model) -> String {
        self.list.order().cursor(row)
    }

    /// Where the page stands.
    pub async fn page_info(&self, ctx: &Context<'_>) -> async_graphql::Result<PageInfo> {
        if let Some(columns) = self.columns.get() {
            let page = self.lean(ctx, columns).await?;
            let cursor = |row: Option<&QueryResult>| {
                row.map(|row| page.cursor(self.list.order(), row)).transpose().map_err(Error::from)
            };
            return Ok(PageInfo {
                has_next_page: page.has_next(),
                has_previous_page: page.has_previous(),
                start_cursor: cursor(page.rows().first())?,
                end_cursor: cursor(page.rows().last())?,
            });
        }
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
        self.is_counted.store(true, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let beside = match self.columns.get() {
            Some(columns) => self.lean(ctx, columns).await?.count(),
            None => None,
        };
        let count = match beside {
            Some(count) => count,
            None => ctx.loaders()?.count(self.parent, self.list.clone()).await?,
        };
        let exact = L::COUNT_BOUND.is_none_or(|bound| count < bound);
        Ok((i32::try_from(count).unwrap_or(i32::MAX), exact))
    }
}

/// Makes the types of a connection: `connection! { /// What it is. TicketConnection, TicketEdge, Ticket, TicketList }`.
/// With `, bounded` behind, counting stops at the list's bound and the connection says so. Behind that,
/// `, plain ticket { "id": Id as id::<ticket::Entity>, "state": State as one_of::<ticket::TicketState, TicketState> }` names
/// the fields that are made of one column each: see [`super::plain`].
macro_rules! connection {
    ($(#[$doc:meta])* $name:ident, $edge:ident, $node:ident, $list:ty $(, plain $table:ident { $($plain:tt)* })?) => {
        connection!(@item $node, $list $(, $table { $($plain)* })?);
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
    ($(#[$doc:meta])* $name:ident, $edge:ident, $node:ident, $list:ty, bounded $(, plain $table:ident { $($plain:tt)* })?) => {
        connection!(@item $node, $list $(, $table { $($plain)* })?);
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
    (@item $node:ident, $list:ty) => {
        impl $crate::graphql::plain::Item for $node {
            type Entity = <$list as $crate::organizations::reach::List>::Entity;
        }
    };
    (@item $node:ident, $list:ty, $table:ident { $($field:literal: $column:ident as $write:expr),* $(,)? }) => {
        impl $crate::graphql::plain::Item for $node {
            type Entity = <$list as $crate::organizations::reach::List>::Entity;
            const PLAIN: &'static [$crate::graphql::plain::Plain<Self::Entity>] = &[
                $($crate::graphql::plain::Plain { name: $field, column: $table::Column::$column, write: $write }),*
            ];
        }
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
            ) -> ::async_graphql::Result<$crate::graphql::plain::Items<$node>> {
                self.0.items(ctx).await
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
