//! Writes down when tokens and members were last there, once a minute for all of them.
#![expect(clippy::disallowed_methods, reason = "writes by ids that authentication found")]

use entity::{access_token, member};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QuerySelect as _,
    sea_query::{Expr, IntoCondition as _, LockType},
};
use uuid::Uuid;

use super::viewer::Viewer;
use crate::{
    audit::{self, Change},
    error::Error,
    ground::{Ground, MemberNews, Shown, Sight},
};

/// How often it is done, in seconds.
pub const EVERY_SECS: u64 = 60;
/// How many are written in one transaction, so that other writers get their turn.
const BATCH: usize = 200;

/// Writes what was noted since the last time. How many that were.
pub async fn write_down(ground: &Ground) -> Result<usize, Error> {
    let mut notes = ground.seen.take();
    // In one order on every node, so that two of them never wait for each other.
    notes.sort_unstable_by_key(|(who, _)| match who {
        Shown::Token(id) => (0, *id),
        Shown::Member(id) => (1, *id),
    });
    let count = notes.len();
    while !notes.is_empty() {
        let batch: Vec<_> = notes.drain(..notes.len().min(BATCH)).collect();
        let (work, ground_of) = (batch.clone(), ground.clone());
        let written = ground.db.write(move |tx| {
            Box::pin(async move {
                for (who, sight) in work {
                    write(tx, &ground_of, who, sight).await?;
                }
                Ok::<_, Error>(())
            })
        });
        if let Err(error) = written.await {
            ground.seen.put_back(batch);
            ground.seen.put_back(notes);
            return Err(error);
        }
    }
    Ok(count)
}

/// Another node may have seen them later.
async fn write(tx: &DatabaseTransaction, ground: &Ground, who: Shown, sight: Sight) -> Result<(), Error> {
    let from = sight.from.map(|from| from.to_string());
    match who {
        Shown::Token(id) => {
            use access_token::Column as C;
            access_token::Entity::update_many()
                .col_expr(C::LastUsedAt, Expr::value(sight.at))
                .col_expr(C::LastUsedFrom, Expr::value(from))
                .filter(C::Id.eq(id))
                .filter(C::LastUsedAt.is_null().or(C::LastUsedAt.lt(sight.at)).into_condition())
                .exec(tx)
                .await?;
        }
        Shown::Member(id) => {
            use member::Column as C;
            if let Some(news) = &sight.news {
                note_role(tx, ground, id, news).await?;
            }
            let mut update = member::Entity::update_many()
                .col_expr(C::LastSeenAt, Expr::value(sight.at))
                .filter(C::Id.eq(id));
            if let Some(news) = sight.news {
                use sea_orm::ActiveEnum as _;
                update = update
                    .col_expr(C::Role, Expr::value(news.role.to_value()))
                    .col_expr(C::IsRoleClaimed, Expr::value(news.is_role_claimed))
                    .col_expr(C::Name, Expr::value(news.name))
                    .col_expr(C::Email, Expr::value(news.email));
            }
            update
                .filter(C::LastSeenAt.is_null().or(C::LastSeenAt.lt(sight.at)).into_condition())
                .exec(tx)
                .await?;
        }
    }
    Ok(())
}

/// A role that the identity provider changes stands in the audit log, like one that a person does.
async fn note_role(
    tx: &DatabaseTransaction,
    ground: &Ground,
    id: Uuid,
    news: &MemberNews,
) -> Result<(), Error> {
    let Some(old) = member::Entity::find_by_id(id).lock(LockType::Update).one(tx).await? else {
        return Ok(());
    };
    if old.role == news.role && old.is_role_claimed == news.is_role_claimed {
        return Ok(());
    }
    let (role, is_role_claimed) = (news.role, news.is_role_claimed);
    let new = member::Model { role, is_role_claimed, ..old.clone() };
    let change = Change::between("memberRoleClaimed", &old, &new);
    audit::record(tx, ground, &Viewer::gateway(), change).await
}
