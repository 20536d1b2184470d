//! A ground for unit tests: a migrated database of their own, and rows to read.

use std::sync::atomic::{AtomicU32, Ordering};

use entity::{
    Severity, Timestamp, company, organization, psa_company, psa_connection, ticket, ticket_profile,
};
use sea_orm::ConnectionTrait as _;
use uuid::Uuid;

use crate::{
    clock::{Chance, Clock},
    db::Db,
    ground::{EndpointCache, Ground, Wake},
    vault::{MasterKey, Vault},
};

/// On SQLite in memory's place: a file that is removed. On PostgreSQL where `TEST_DATABASE_URL` says so.
pub(crate) async fn ground() -> Ground {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::SeqCst);
    let name = format!("unit_{}_{n}", std::process::id());
    #[expect(clippy::disallowed_methods, reason = "the test's own choice of database")]
    let server = std::env::var("TEST_DATABASE_URL").ok();
    let url = match server {
        None => {
            let path = std::env::temp_dir().join(format!("psa-gateway-{name}.db"));
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", path.display()));
            }
            format!("sqlite://{}", path.display())
        }
        Some(server) => {
            let admin = Db::connect(&server, 1).await.unwrap();
            let database = format!("psa_gateway_{name}");
            admin.reader().execute_unprepared(&format!("DROP DATABASE IF EXISTS {database}")).await.unwrap();
            admin.reader().execute_unprepared(&format!("CREATE DATABASE {database}")).await.unwrap();
            let mut url = url::Url::parse(&server).unwrap();
            url.set_path(&database);
            url.to_string()
        }
    };
    let db = Db::connect(&url, 4).await.unwrap();
    db.migrate().await.unwrap();
    let clock = Clock::manual(Timestamp::from_secs(1_790_000_000));
    let chance = Chance::seeded(u64::from(n));
    let master = MasterKey::parse(&MasterKey::generate(&chance)).unwrap();
    let vault = Vault::open(db.reader(), master, clock.clone(), chance.clone()).await.unwrap();
    Ground { db, clock, chance, vault, wake: Wake::default(), endpoints: EndpointCache::default() }
}

/// An organization with what a ticket needs.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) ground: Ground,
    pub(crate) organization_id: Uuid,
    pub(crate) company_id: Uuid,
    pub(crate) psa_connection_id: Uuid,
    pub(crate) psa_company_id: Uuid,
    pub(crate) ticket_profile_id: Uuid,
}

impl Place {
    /// A new organization on this ground.
    pub(crate) async fn new(ground: &Ground, slug: &str) -> Self {
        let now = ground.clock.now();
        let id = || ground.chance.id(now);
        let place = Self {
            ground: ground.clone(),
            organization_id: id(),
            company_id: id(),
            psa_connection_id: id(),
            psa_company_id: id(),
            ticket_profile_id: id(),
        };
        let organization_id = place.organization_id;
        let organization = organization::Model {
            id: organization_id,
            slug: slug.to_owned(),
            name: slug.to_uppercase(),
            created_at: now,
            updated_at: now,
        };
        place.insert(organization).await;
        place
            .insert(company::Model {
                id: place.company_id,
                organization_id,
                name: format!("Company of {slug}"),
                created_at: now,
                updated_at: now,
            })
            .await;
        place
            .insert(psa_connection::Model {
                id: place.psa_connection_id,
                organization_id,
                platform: "halo".to_owned(),
                name: "Halo".to_owned(),
                is_enabled: true,
                settings: serde_json::json!({}),
                sealed_credentials: Vec::new(),
                credentials_hint: String::new(),
                credentials_version: 1,
                credentials_updated_at: now,
                health: psa_connection::Health::Unverified,
                health_checked_at: None,
                health_message: None,
                verification: serde_json::json!([]),
                created_at: now,
                updated_at: now,
            })
            .await;
        place
            .insert(psa_company::Model {
                id: place.psa_company_id,
                organization_id,
                psa_connection_id: place.psa_connection_id,
                external_id: "12".to_owned(),
                name: "Company in Halo".to_owned(),
                company_type: None,
                status: None,
                is_active: true,
                external_url: None,
                synced_at: now,
            })
            .await;
        place
            .insert(ticket_profile::Model {
                id: place.ticket_profile_id,
                organization_id,
                psa_connection_id: place.psa_connection_id,
                name: "Default".to_owned(),
                is_default: true,
                fields: serde_json::json!({}),
                status_on_create: None,
                status_on_close: "9".to_owned(),
                created_at: now,
                updated_at: now,
            })
            .await;
        place
    }

    /// Stores a row.
    pub(crate) async fn insert<M, A>(&self, row: M) -> M
    where
        M: sea_orm::ModelTrait + sea_orm::IntoActiveModel<A> + Clone,
        A: sea_orm::ActiveModelTrait<Entity = M::Entity> + sea_orm::ActiveModelBehavior + Send + 'static,
        <M::Entity as sea_orm::EntityTrait>::Model: sea_orm::IntoActiveModel<A>,
        M::Entity: sea_orm::EntityTrait<Model = M>,
    {
        let active = row.clone().into_active_model().reset_all();
        self.ground
            .db
            .write::<_, sea_orm::DbErr, _>(move |tx| {
                Box::pin(async move { active.insert(tx).await.map(|_| ()) })
            })
            .await
            .unwrap();
        row
    }

    /// An open ticket planned at this time.
    pub(crate) async fn ticket(&self, title: &str, created_at: Timestamp) -> ticket::Model {
        let id = self.ground.chance.id(created_at);
        self.insert(ticket::Model {
            id,
            organization_id: self.organization_id,
            psa_connection_id: self.psa_connection_id,
            company_id: self.company_id,
            psa_company_id: self.psa_company_id,
            ticket_profile_id: self.ticket_profile_id,
            policy_id: None,
            group_key: format!("finding:{id}"),
            open_group_key: Some(format!("finding:{id}")),
            state: ticket::TicketState::Open,
            state_reason: None,
            state_message: None,
            marker: format!("PSAGW-{}", self.ground.chance.alphanumeric(20)),
            external_id: Some(format!("X{}", id.simple())),
            external_number: None,
            external_url: None,
            external_status: None,
            title: title.to_owned(),
            severity: Severity::High,
            is_test: false,
            previous_ticket_id: None,
            operation_count: 0,
            noted_at: None,
            refresh_at: None,
            opened_at: Some(created_at),
            closed_at: None,
            closed_by: None,
            created_at,
            updated_at: created_at,
        })
        .await
    }
}
