//! Keys rotate while secrets stay openable.

use secrecy::{ExposeSecret as _, SecretString};

use super::*;
use crate::{
    testing::{self, TestGround},
    vault::{MasterKeys, Place, SealedColumn},
};

const SECRET: &str = "canary-that-outlives-its-keys";

/// The same database as another process opens it.
async fn vault(ground: &TestGround, current: char, further: &[char]) -> Result<Vault, VaultError> {
    let further = further.iter().map(|digit| testing::master_key(*digit)).collect();
    let keys = MasterKeys::new(testing::master_key(current), further);
    Vault::open(ground.db.reader(), keys, ground.clock.clone(), ground.chance.clone()).await
}

fn id(digit: char) -> String {
    testing::master_key(digit).id().to_owned()
}

/// An organization with a connection, whose credentials are sealed.
async fn sealed(ground: &TestGround, slug: &str) -> Place {
    let (organization, viewer) = ground.organization(slug).await;
    let made = testing::connection(ground, &viewer, organization.id, slug).await;
    Place { column: SealedColumn::Credentials, organization_id: organization.id, row_id: made.id }
}

async fn opens(ground: &TestGround, vault: &Vault, place: Place) -> bool {
    let value = place.value(ground.db.reader()).await.unwrap().unwrap();
    let secret = vault.open_secret(ground.db.reader(), place, &value).await;
    secret.is_ok_and(|secret| secret.expose_secret().contains("canary-of-the-test-connection"))
}

async fn seal_again(ground: &TestGround, vault: &Vault, place: Place) {
    let (vault, old) = (vault.clone(), place.value(ground.db.reader()).await.unwrap().unwrap());
    let written = ground.db.write(move |tx| {
        Box::pin(async move {
            let text = SecretString::from(format!("canary-of-the-test-connection {SECRET}"));
            let value = vault.seal(tx, place, &text).await?;
            place.replace(tx, old, value).await.map_err(Error::from)
        })
    });
    assert!(written.await.unwrap());
}

async fn uses(ground: &TestGround, current: char, further: &[char]) -> Vec<(String, u64, u64, bool)> {
    let further = further.iter().map(|digit| testing::master_key(*digit)).collect();
    let given = MasterKeys::new(testing::master_key(current), further);
    let (uses, _) = usage(ground.db.reader(), Some(&given)).await.unwrap();
    uses.into_iter().map(|one| (one.id.clone(), one.data_keys, one.secrets, one.can_be_removed())).collect()
}

fn quiet() -> impl FnMut(Progress) + Send {
    |_| {}
}

#[tokio::test]
async fn after_a_rotation_of_the_master_key_the_old_one_is_not_needed() {
    let ground = testing::ground().await;
    let places = [sealed(&ground, "acme").await, sealed(&ground, "globex").await];
    let token = SecretString::from("pgw_some-token");
    let digest = ground.vault.token_digest(&token);
    assert_eq!(uses(&ground, '8', &['7']).await, [(id('8'), 0, 0, false), (id('7'), 3, 2, false)]);

    // A node that runs through all of it, started with the new key as a further one.
    let running = vault(&ground, '7', &['8']).await.unwrap();
    assert!(opens(&ground, &running, places[0]).await);
    let rotating = vault(&ground, '8', &['7']).await.unwrap();
    let mut told = Vec::new();
    let done = rewrap(&ground.db, &rotating, &mut |progress| told.push(progress)).await.unwrap();
    assert_eq!((done, told.last().copied()), (3, Some(Progress { done: 3, total: 3 })));
    assert_eq!(uses(&ground, '8', &['7']).await, [(id('8'), 3, 2, false), (id('7'), 0, 0, true)]);
    assert_eq!(rewrap(&ground.db, &rotating, &mut quiet()).await.unwrap(), 0, "again it finds nothing to do");

    let alone = vault(&ground, '8', &[]).await.unwrap();
    for place in places {
        assert!(opens(&ground, &alone, place).await);
        assert!(opens(&ground, &running, place).await, "what it had not opened before, too");
    }
    assert!(alone.is_token(&token, &digest), "tokens outlive the rotation");
    // The running node still wraps under the old key what it makes: the next run finds it.
    let late = sealed_by(&ground, &running, "initech").await;
    assert_eq!(rewrap(&ground.db, &rotating, &mut quiet()).await.unwrap(), 1);
    assert!(opens(&ground, &alone, late).await);
}

/// Like [`sealed`], by another vault than the ground's.
async fn sealed_by(ground: &TestGround, vault: &Vault, slug: &str) -> Place {
    let (organization, viewer) = ground.organization(slug).await;
    let by = crate::ground::Ground { vault: vault.clone(), ..crate::ground::Ground::clone(ground) };
    let made = testing::connection(&by, &viewer, organization.id, slug).await;
    Place { column: SealedColumn::Credentials, organization_id: organization.id, row_id: made.id }
}

#[tokio::test]
async fn a_gateway_does_not_start_without_a_master_key_that_something_needs() {
    let ground = testing::ground().await;
    sealed(&ground, "acme").await;
    let rotating = vault(&ground, '8', &['7']).await.unwrap();
    sealed_by(&ground, &rotating, "globex").await;
    for (current, further, missing) in [('7', &[][..], '8'), ('8', &[], '7'), ('9', &['8'], '7')] {
        let Err(error) = vault(&ground, current, further).await else { panic!("{current} opened") };
        let words = error.to_string();
        assert!(words.contains(&format!("the master key {} is needed", id(missing))), "{words}");
        assert!(words.contains("PSA_GATEWAY_MASTER_KEY_PREVIOUS_FILES"), "{words}");
    }
    let missing: Vec<_> = uses(&ground, '8', &[]).await;
    assert_eq!(missing, [(id('8'), 1, 1, false), (id('7'), 2, 1, false)], "it is told all the same");

    let broken = data_key::Entity::update_many()
        .col_expr(data_key::Column::Wrapped, Expr::value(vec![0_u8; 72]))
        .filter(data_key::Column::MasterKeyId.eq(id('8')));
    broken.exec(ground.db.reader()).await.unwrap();
    let Err(error) = vault(&ground, '8', &['7']).await else { panic!("a broken canary opened") };
    assert!(error.to_string().contains("restore the table data_key"), "{error}");
}

#[tokio::test]
async fn data_keys_are_replaced_and_the_old_ones_removed() {
    let ground = testing::ground().await;
    let (acme, globex) = (sealed(&ground, "acme").await, sealed(&ground, "globex").await);
    let token = SecretString::from("pgw_some-token");
    let digest = ground.vault.token_digest(&token);
    let before = acme.value(ground.db.reader()).await.unwrap().unwrap();
    // A node that has opened everything, and one that has opened nothing yet.
    let other = vault(&ground, '7', &[]).await.unwrap();
    assert!(opens(&ground, &ground.vault, acme).await);

    ground.clock.advance_secs(3_600);
    let renewed = renew(&ground.db, &ground.vault, &mut quiet()).await.unwrap();
    assert_eq!(renewed, Renewed { made: 2, sealed: 2, removed: 2, ..Renewed::default() });
    let after = acme.value(ground.db.reader()).await.unwrap().unwrap();
    assert_ne!(crate::vault::key_id(&before), crate::vault::key_id(&after));
    for place in [acme, globex] {
        assert!(opens(&ground, &ground.vault, place).await);
        assert!(opens(&ground, &other, place).await);
    }
    assert!(ground.vault.is_token(&token, &digest));
    // A node that read the row a moment before, and asks for a key that is gone by now.
    let late = other.open_secret(ground.db.reader(), acme, &before).await.unwrap();
    assert!(late.expose_secret().contains("canary-of-the-test-connection"));

    let again = renew(&ground.db, &ground.vault, &mut quiet()).await.unwrap();
    assert_eq!(again, Renewed { fresh: 2, ..Renewed::default() }, "fresh keys are left alone");
}

#[tokio::test]
async fn a_killed_rotation_is_finished_by_the_next() {
    let ground = testing::ground().await;
    let (acme, globex) = (sealed(&ground, "acme").await, sealed(&ground, "globex").await);
    ground.clock.advance_secs(3_600);
    // Killed after the first organization's new key was made, before anything was sealed under it.
    let mut killed = Renewed::default();
    let key = renewal::fresh_key(&ground.db, &ground.vault, acme.organization_id, &mut killed).await.unwrap();
    assert!(key.is_some() && killed.made == 1);
    assert!(opens(&ground, &ground.vault, acme).await, "both keys open");
    seal_again(&ground, &ground.vault, acme).await;

    let renewed = renew(&ground.db, &ground.vault, &mut quiet()).await.unwrap();
    assert_eq!((renewed.made, renewed.fresh, renewed.removed, renewed.left), (1, 1, 2, 0), "{renewed:?}");
    assert_eq!(renewed.sealed, 1, "what was sealed under the new key meanwhile stays");
    for place in [acme, globex] {
        assert!(opens(&ground, &ground.vault, place).await);
    }
}

#[tokio::test]
async fn a_secret_that_does_not_open_keeps_its_key_and_is_told() {
    let ground = testing::ground().await;
    let place = sealed(&ground, "acme").await;
    let good = place.value(ground.db.reader()).await.unwrap().unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    assert!(place.replace(ground.db.reader(), good.clone(), bad.clone()).await.unwrap());
    ground.clock.advance_secs(3_600);
    let renewed = renew(&ground.db, &ground.vault, &mut quiet()).await.unwrap();
    assert_eq!((renewed.made, renewed.sealed, renewed.removed, renewed.left), (1, 0, 0, 1));
    assert_eq!(renewed.broken, [format!("psa_connection.sealed_credentials of {}", place.row_id)]);
    assert_eq!(place.value(ground.db.reader()).await.unwrap(), Some(bad.clone()), "it is left as it was");
    // Restored from a backup, it opens again, because its key is still there.
    assert!(place.replace(ground.db.reader(), bad, good).await.unwrap());
    assert!(opens(&ground, &ground.vault, place).await);
    let renewed = renew(&ground.db, &ground.vault, &mut quiet()).await.unwrap();
    assert_eq!((renewed.sealed, renewed.removed, renewed.left), (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotations_run_beside_each_other_and_beside_gateways_that_seal() {
    let ground = std::sync::Arc::new(testing::ground().await);
    let mut places = Vec::new();
    for number in 0..6 {
        places.push(sealed(&ground, &format!("msp-{number}")).await);
    }
    ground.clock.advance_secs(3_600);
    let mut tasks = Vec::new();
    for further in [&['7'][..], &['7']] {
        let (ground, further) = (std::sync::Arc::clone(&ground), further.to_vec());
        tasks.push(tokio::spawn(async move {
            let rotating = vault(&ground, '8', &further).await.unwrap();
            rewrap(&ground.db, &rotating, &mut quiet()).await.unwrap();
            let renewed = renew(&ground.db, &rotating, &mut quiet()).await.unwrap();
            assert_eq!((renewed.broken.len(), renewed.made + renewed.fresh), (0, 6));
        }));
    }
    for place in places.clone() {
        let ground = std::sync::Arc::clone(&ground);
        tasks.push(tokio::spawn(async move {
            let gateway = vault(&ground, '7', &['8']).await.unwrap();
            for _ in 0..10 {
                let value = place.value(ground.db.reader()).await.unwrap().unwrap();
                assert!(gateway.open_secret(ground.db.reader(), place, &value).await.is_ok());
                let (vault, db) = (gateway.clone(), ground.db.clone());
                let sealing = db.write(move |tx| {
                    Box::pin(async move {
                        let text = SecretString::from(format!("canary-of-the-test-connection {SECRET}"));
                        let value = vault.seal(tx, place, &text).await?;
                        let old = place.value(tx).await?.unwrap_or_default();
                        place.replace(tx, old, value).await.map_err(Error::from)
                    })
                });
                sealing.await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let rotating = vault(&ground, '8', &['7']).await.unwrap();
    rewrap(&ground.db, &rotating, &mut quiet()).await.unwrap();
    let last = renew(&ground.db, &rotating, &mut quiet()).await.unwrap();
    assert_eq!((last.made, last.fresh, last.left), (0, 6, 0), "one new key each: {last:?}");
    let (_, data_keys) = usage(ground.db.reader(), Some(rotating.masters())).await.unwrap();
    assert_eq!((data_keys.organizations, data_keys.replaced, data_keys.lost_secrets), (6, 0, 0));
    let alone = vault(&ground, '8', &[]).await.unwrap();
    for place in places {
        assert!(opens(&ground, &alone, place).await);
    }
}
