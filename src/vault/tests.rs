//! Secrets open where they were sealed, and nowhere else.

use super::*;
use crate::testing::{self, TestGround};

const SECRET: &str = "canary-5f1e-of-the-vault";

fn place(organization_id: Uuid, row_id: Uuid) -> Place {
    Place { column: SealedColumn::Credentials, organization_id, row_id }
}

async fn sealed(ground: &TestGround, place: Place) -> Vec<u8> {
    let vault = ground.vault.clone();
    let seal = ground
        .db
        .write(move |tx| Box::pin(async move { vault.seal(tx, place, &SecretString::from(SECRET)).await }));
    seal.await.unwrap()
}

async fn opened(ground: &TestGround, place: Place, value: &[u8]) -> Option<String> {
    let secret = ground.vault.open_secret(ground.db.reader(), place, value).await.ok()?;
    Some(secret.expose_secret().to_owned())
}

#[tokio::test]
async fn a_secret_opens_in_its_place_only() {
    let ground = testing::ground().await;
    let (acme, globex) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let here = place(acme, Uuid::from_u128(3));
    let value = sealed(&ground, here).await;
    assert!(!String::from_utf8_lossy(&value).contains("canary"));
    assert_eq!(opened(&ground, here, &value).await.as_deref(), Some(SECRET));
    assert_ne!(sealed(&ground, here).await, value, "never the same bytes twice");

    for elsewhere in [
        Place { row_id: Uuid::from_u128(4), ..here },
        Place { organization_id: globex, ..here },
        Place { column: SealedColumn::WebhookSecret, ..here },
    ] {
        assert_eq!(opened(&ground, elsewhere, &value).await, None, "{elsewhere:?}");
    }
    // The neighbour's data key is there by now, and does not open it either.
    sealed(&ground, place(globex, Uuid::from_u128(3))).await;
    assert_eq!(opened(&ground, Place { organization_id: globex, ..here }, &value).await, None);
    for index in 0..value.len() {
        let mut changed = value.clone();
        changed[index] ^= 1;
        assert_eq!(opened(&ground, here, &changed).await, None, "byte {index} was changed");
    }
    assert_eq!(opened(&ground, here, &value[..HEAD - 1]).await, None);
    assert_eq!(opened(&ground, here, &[]).await, None);
}

#[tokio::test]
async fn another_master_key_is_refused_by_name_and_the_right_one_opens_after_a_restart() {
    let ground = testing::ground().await;
    let here = place(Uuid::from_u128(1), Uuid::from_u128(3));
    let value = sealed(&ground, here).await;
    let open = async |digit| {
        let (clock, chance) = (ground.clock.clone(), ground.chance.clone());
        Vault::open(ground.db.reader(), testing::master_key(digit), clock, chance).await
    };
    let Err(VaultError::MissingMasterKey { missing, given }) = open('8').await else {
        panic!("another master key opened the vault");
    };
    assert_eq!(
        (missing.as_str(), given.as_str()),
        (testing::master_key('7').id(), testing::master_key('8').id())
    );
    let again = open('7').await.unwrap();
    let secret = again.open_secret(ground.db.reader(), here, &value).await.unwrap();
    assert_eq!(secret.expose_secret(), SECRET);
    let token = SecretString::from("pgw_some-token");
    assert!(again.is_token(&token, &ground.vault.token_digest(&token)), "tokens outlive a restart");
}

#[tokio::test]
async fn what_is_printed_holds_no_key() {
    let ground = testing::ground().await;
    let key = testing::master_key('7');
    let printed = format!("{:?} {:?}", ground.vault, key);
    assert!(!printed.contains("7777777777777777"), "{printed}");
    assert!(MasterKey::parse(&"7".repeat(63).into()).is_err());
    assert!(MasterKey::parse(&"g".repeat(64).into()).is_err());
    assert!(MasterKey::parse(&SecretString::from(format!(" {}\n", "a".repeat(64)))).is_ok());
}

/// Binary columns that hold no secret of ours under a data key, and why.
const NOT_SEALED: &[(&str, &str, &str)] = &[
    ("data_key", "wrapped", "a data key, under a master key"),
    ("access_token", "digest", "what a token is recognised by"),
    ("access_token", "previous_digest", "what a token is recognised by, before it was rotated"),
    ("audit_entry", "hash", "a hash"),
    ("audit_entry", "seal", "an authentication code"),
    ("audit_head", "last_hash", "a hash"),
    ("audit_head", "seal", "an authentication code"),
    ("idempotency_key", "key_digest", "a fingerprint of a client's key"),
    ("idempotency_key", "request_digest", "a fingerprint of what was asked"),
    ("webhook_delivery", "body", "what a sender posted"),
];

/// The binary columns of the tables as they are.
async fn binary_columns(ground: &TestGround) -> Vec<(String, String)> {
    use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Func, Query};
    let mut query = Query::select();
    if ground.db.is_sqlite() {
        let columns = Func::cust("pragma_table_info").arg(Expr::col(("tables", "name")));
        query
            .column(("tables", "name"))
            .column(("columns", "name"))
            .from_as("sqlite_master", "tables")
            .from_function(columns, "columns")
            .and_where(Expr::expr(Func::lower(Expr::col(("columns", "type")))).like("blob%"));
    } else {
        query
            .columns([Alias::new("table_name"), Alias::new("column_name")])
            .from((Alias::new("information_schema"), Alias::new("columns")))
            .and_where(Expr::col("table_schema").eq("public"))
            .and_where(Expr::col("data_type").eq("bytea"));
    }
    let rows = ground.db.reader().query_all(&query).await.unwrap();
    rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
}

#[tokio::test]
async fn every_binary_column_is_sealed_and_rotates_or_says_why_not() {
    let ground = testing::ground().await;
    let mut there = binary_columns(&ground).await;
    there.sort();
    let sealed = SealedColumn::ALL.iter().map(|column| (column.table(), column.column()));
    let other = NOT_SEALED.iter().map(|(table, column, _)| (*table, *column));
    let mut known: Vec<_> =
        sealed.chain(other).map(|(table, column)| (table.to_owned(), column.to_owned())).collect();
    known.sort();
    assert_eq!(there, known, "a sealed column goes into the list in src/vault/places.rs, another one above");
}
