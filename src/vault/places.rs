//! Where secrets are sealed: one list, which rotation walks.

use sea_orm::{
    ConnectionTrait, DbErr,
    sea_query::{Alias, Expr, ExprTrait as _, Func, Query, SelectStatement, SimpleExpr, Value},
};
use uuid::Uuid;

use super::{HEAD, VERSION};

/// Makes the list; a column that is not in it cannot be sealed into, and one that is gets rotated.
macro_rules! sealed_columns {
    ($($(#[$about:meta])+ $name:ident: $table:literal . $column:literal,)+) => {
        /// A column that holds sealed values. Its table has the columns `id` and `organization_id`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum SealedColumn {
            $($(#[$about])+ $name,)+
        }

        impl SealedColumn {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The table.
            pub const fn table(self) -> &'static str {
                match self { $(Self::$name => $table,)+ }
            }

            /// The column.
            pub const fn column(self) -> &'static str {
                match self { $(Self::$name => $column,)+ }
            }
        }
    };
}

sealed_columns! {
    /// A PSA connection's secret credentials.
    Credentials: "psa_connection"."sealed_credentials",
    /// A webhook endpoint's secret, or the public key of who posts to it.
    WebhookSecret: "webhook_secret"."sealed",
    /// What a subscriber's notifications are signed with.
    SubscriberSecret: "subscriber_secret"."sealed",
    /// The secret that an answer showed, for who asks again under the same idempotency key.
    Answer: "idempotency_key"."sealed",
}

/// Where a secret is kept; it opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which column.
    pub column: SealedColumn,
    /// Whose it is; nil for the installation's own.
    pub organization_id: Uuid,
    /// In which row.
    pub row_id: Uuid,
}

impl Place {
    /// What is authenticated with a value, so that it opens here only.
    pub(super) fn aad(self, key_id: Uuid) -> Vec<u8> {
        join(&[
            &[VERSION],
            self.column.table().as_bytes(),
            self.column.column().as_bytes(),
            self.organization_id.as_bytes(),
            self.row_id.as_bytes(),
            key_id.as_bytes(),
        ])
    }

    /// What stands there now.
    pub(super) async fn value(self, db: &impl ConnectionTrait) -> Result<Option<Vec<u8>>, DbErr> {
        let value = Query::select()
            .column(Alias::new(self.column.column()))
            .from(Alias::new(self.column.table()))
            .and_where(Expr::col("organization_id").eq(self.organization_id))
            .and_where(Expr::col("id").eq(self.row_id))
            .to_owned();
        db.query_one(&value).await?.map(|row| row.try_get_by_index(0)).transpose()
    }

    /// Puts another value there, where still the old one stands; false where it does not.
    pub(super) async fn replace(
        self,
        db: &impl ConnectionTrait,
        old: Vec<u8>,
        new: Vec<u8>,
    ) -> Result<bool, DbErr> {
        let column = Alias::new(self.column.column());
        let update = Query::update()
            .table(Alias::new(self.column.table()))
            .value(column.clone(), bytes(new))
            .and_where(Expr::col("organization_id").eq(self.organization_id))
            .and_where(Expr::col("id").eq(self.row_id))
            .and_where(Expr::col(column).eq(bytes(old)))
            .to_owned();
        Ok(db.execute(&update).await?.rows_affected() == 1)
    }
}

impl SealedColumn {
    /// Values of an organization that another data key than this one seals, in the order of their rows.
    pub(super) fn sealed_otherwise(
        self,
        organization_id: Uuid,
        key_id: Uuid,
        after: Option<Uuid>,
        limit: u64,
    ) -> SelectStatement {
        let mut values = Query::select();
        values
            .column("id")
            .column(Alias::new(self.column()))
            .from(Alias::new(self.table()))
            .and_where(Expr::col("organization_id").eq(organization_id))
            .and_where(self.is_sealed())
            .and_where(self.key_id().ne(bytes(key_id.as_bytes().to_vec())))
            .order_by("id", sea_orm::sea_query::Order::Asc)
            .limit(limit);
        if let Some(after) = after {
            values.and_where(Expr::col("id").gt(after));
        }
        values
    }

    /// How many values of an organization a data key seals.
    pub(super) fn sealed_under(self, organization_id: Uuid, key_id: Uuid) -> SelectStatement {
        Query::select()
            .expr(Func::count(Expr::col("id")))
            .from(Alias::new(self.table()))
            .and_where(Expr::col("organization_id").eq(organization_id))
            .and_where(self.key_id().eq(bytes(key_id.as_bytes().to_vec())))
            .to_owned()
    }

    /// Data keys and how many values each seals.
    pub(super) fn per_key(self) -> SelectStatement {
        Query::select()
            .expr(self.key_id())
            .expr(Func::count(Expr::col("id")))
            .from(Alias::new(self.table()))
            .and_where(self.is_sealed())
            .add_group_by([self.key_id()])
            .to_owned()
    }

    /// All values of an organization.
    pub(super) fn of(self, organization_id: Uuid) -> SelectStatement {
        Query::select()
            .column("id")
            .column(Alias::new(self.column()))
            .from(Alias::new(self.table()))
            .and_where(Expr::col("organization_id").eq(organization_id))
            .and_where(self.is_sealed())
            .to_owned()
    }

    /// Tables may hold an empty value where nothing is secret.
    fn is_sealed(self) -> SimpleExpr {
        let length = Func::cust("length").arg(Expr::col(Alias::new(self.column())));
        Expr::expr(length).gte(i32::try_from(HEAD).unwrap_or(i32::MAX))
    }

    /// The data key's id stands after the version; both databases count bytes from 1.
    fn key_id(self) -> SimpleExpr {
        let part = Func::cust("substr").arg(Expr::col(Alias::new(self.column())));
        Expr::expr(part.arg(Expr::cust("2")).arg(Expr::cust("16")))
    }
}

fn bytes(bytes: Vec<u8>) -> Value {
    bytes.into()
}

/// Each part after its length, so that no two places read the same.
pub(super) fn join(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::new();
    for part in parts {
        joined.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}
