//! A ground to test on: a database of its own, a clock that stands still, chance that repeats itself.
//!
//! An SQLite file in a temporary folder; where `TEST_DATABASE_URL` names a PostgreSQL server, a new
//! database on that. Both are removed with the [`TestGround`].

use std::{ops::Deref, path::PathBuf};

use entity::Timestamp;
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, Database, EntityTrait as _, QueryFilter as _};
use secrecy::SecretString;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::{
    clock::{Chance, Clock},
    db::Db,
    ground::Ground,
    organizations::{
        connections,
        organization::{self, NewOrganization},
        viewer::{Known, Viewer},
    },
    sync::{self, remote::RemoteCompany},
    vault::{MasterKey, Vault},
};

/// When every test begins: 2026-11-21T12:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_795_262_400);

/// A ground that cleans up after itself. Derefs to [`Ground`].
pub(crate) struct TestGround {
    ground: Ground,
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Server { url: String, name: String },
}

impl Deref for TestGround {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

/// A new ground with empty tables.
pub(crate) async fn ground() -> TestGround {
    let (url, place) = new_database().await;
    let db = Db::connect(&url, 4).await.expect("the test database opens");
    db.migrate().await.expect("the tables are made");
    let (clock, chance) = (Clock::manual(START), Chance::seeded(1));
    let vault = Vault::open(db.reader(), master_key('7'), clock.clone(), chance.clone()).await.unwrap();
    let ground = Ground::new(db, clock, chance, vault);
    TestGround { ground, place }
}

/// A master key of 64 times the same digit.
pub(crate) fn master_key(digit: char) -> MasterKey {
    MasterKey::parse(&SecretString::from(digit.to_string().repeat(64))).unwrap()
}

impl TestGround {
    /// A new organization of that slug, and its administrator.
    pub(crate) async fn organization(&self, slug: &str) -> (entity::organization::Model, Viewer) {
        let new = NewOrganization { slug: slug.to_owned(), name: slug.to_owned() };
        let made = organization::create(&Viewer::gateway(), self, new).await.unwrap();
        let role = entity::Role::Administrator;
        let viewer = Viewer::of_organization(Known::Token(Uuid::nil()), "tester", made.id, role);
        (made, viewer)
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment which database to use")]
async fn new_database() -> (String, Place) {
    match std::env::var("TEST_DATABASE_URL") {
        Ok(server) if server.starts_with("postgres") => {
            let (url, name) = clone_of_template(&server).await;
            (url, Place::Server { url: server, name })
        }
        _ => {
            let folder = std::env::temp_dir().join(format!("psa-gateway_{}", Uuid::now_v7().simple()));
            std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
            (format!("sqlite://{}", folder.join("test.db").display()), Place::Folder(folder))
        }
    }
}

/// A new database on a PostgreSQL server, with all tables: its address and its name. Tables are made once in a run.
pub(crate) async fn clone_of_template(server: &str) -> (String, String) {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let unique = || Chance::system().alphanumeric(16).to_lowercase();
    let address = |name: &str| {
        let mut url = url::Url::parse(server).expect("TEST_DATABASE_URL is an address");
        url.set_path(name);
        url.to_string()
    };
    let run = async |statement: String| {
        let admin = Database::connect(server).await.expect("TEST_DATABASE_URL can be reached");
        admin.execute_unprepared(&statement).await.expect("may make databases");
        admin.close().await.unwrap();
    };
    let template = TEMPLATE
        .get_or_init(|| async {
            let name = format!("gateway_template_{}", unique());
            run(format!("CREATE DATABASE {name}")).await;
            let db = Db::connect(&address(&name), 2).await.expect("the template opens");
            db.migrate().await.expect("the tables are made");
            db.close().await.expect("the template is closed");
            name
        })
        .await;
    let name = format!("gateway_{}", unique());
    run(format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    (address(&name), name)
}

impl Drop for TestGround {
    fn drop(&mut self) {
        match &self.place {
            Place::Folder(folder) => {
                let _ = std::fs::remove_dir_all(folder);
            }
            Place::Server { url, name } => {
                // A destructor cannot wait; a runtime of its own on a thread of its own can.
                let (url, name) = (url.clone(), name.clone());
                let _ = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.unwrap().block_on(async {
                        let admin = Database::connect(&url).await.unwrap();
                        let _ = admin
                            .execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                            .await;
                    });
                })
                .join();
            }
        }
    }
}

/// A connection to a HaloPSA that is never called.
pub(crate) async fn connection(
    ground: &Ground,
    viewer: &Viewer,
    organization_id: Uuid,
    name: &str,
) -> entity::psa_connection::Model {
    let secret = ("client_secret".to_owned(), SecretString::from("canary-of-the-test-connection"));
    let new = connections::NewConnection {
        company_id: None,
        organization_id,
        platform: "halo".to_owned(),
        name: name.to_owned(),
        credentials: connections::SortedCredentials {
            settings: [("domain".to_owned(), "halo.example.com".to_owned())].into(),
            secrets: vec![secret],
        },
        problems: Vec::new(),
    };
    connections::create(viewer, ground, new).await.unwrap()
}

/// A company as that connection's PSA knows it.
pub(crate) async fn psa_company(
    ground: &Ground,
    connection: &entity::psa_connection::Model,
    external_id: &str,
    name: &str,
) -> entity::psa_company::Model {
    let company = RemoteCompany {
        external_id: external_id.to_owned(),
        name: name.to_owned(),
        company_type: Some("Customer".to_owned()),
        status: Some("active".to_owned()),
        is_active: true,
        url: Some(format!("https://halo.example.com/customer?id={external_id}")),
        ..RemoteCompany::default()
    };
    let (organization_id, connection_id) = (connection.organization_id, connection.id);
    let ground_of = ground.clone();
    let stored = ground.db.write(move |tx| {
        Box::pin(async move {
            sync::store_companies(tx, &ground_of, organization_id, connection_id, &[company]).await
        })
    });
    stored.await.unwrap();
    find_psa_company(ground, connection_id, external_id).await
}

#[expect(clippy::disallowed_methods, reason = "tests look at rows")]
async fn find_psa_company(
    ground: &Ground,
    connection_id: Uuid,
    external_id: &str,
) -> entity::psa_company::Model {
    use entity::psa_company::{Column, Entity};
    Entity::find()
        .filter(Column::PsaConnectionId.eq(connection_id))
        .filter(Column::ExternalId.eq(external_id))
        .one(ground.db.reader())
        .await
        .unwrap()
        .unwrap()
}
