//! Secrets open where they were sealed, and nowhere else.

use super::*;
use crate::testing::{self, TestGround};

const SECRET: &str = "canary-5f1e-of-the-vault";

fn place(organization_id: Uuid, row_id: Uuid) -> Place {
    Place { table: "psa_connection", column: "sealed_credentials", organization_id, row_id }
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
        Place { column: "settings", ..here },
        Place { table: "webhook_secret", ..here },
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
    let Err(VaultError::WrongMasterKey { found, expected }) = open('8').await else {
        panic!("another master key opened the vault");
    };
    assert_ne!(found, expected);
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
