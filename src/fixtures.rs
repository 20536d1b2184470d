//! A ground for unit tests: a migrated database of their own, and rows to read.

use std::sync::atomic::{AtomicU32, Ordering};

use entity::{
    Severity, Timestamp, attempt, company, company_mapping, event, finding, organization, psa_company,
    psa_connection, ticket, ticket_finding, ticket_operation,
    ticket_operation::{OperationKind, OperationState},
    ticket_profile, webhook_delivery, webhook_endpoint,
};
use sea_orm::{ActiveModelTrait as _, IntoActiveModel as _};
use uuid::Uuid;

use crate::{
    clock::{Chance, Clock},
    db::Db,
    ground::Ground,
    testing,
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
        Some(server) => testing::clone_of_template(&server).await.0,
    };
    let db = Db::connect(&url, 4).await.unwrap();
    db.migrate().await.unwrap();
    let clock = Clock::manual(Timestamp::from_secs(1_790_000_000));
    let chance = Chance::seeded(u64::from(n));
    let master = MasterKey::parse(&MasterKey::generate(&chance)).unwrap();
    let vault = Vault::open(db.reader(), master, clock.clone(), chance.clone()).await.unwrap();
    Ground::new(db, clock, chance, vault)
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
        let organization = organization::Model {
            version: 1,
            id: place.organization_id,
            slug: slug.to_owned(),
            name: slug.to_uppercase(),
            is_ticketing_enabled: true,
            catch_all_company_id: None,
            merged_into_id: None,
            merged_at: None,
            moving_to: None,
            moved_at: None,
            created_at: now,
            updated_at: now,
        };
        place.insert(organization).await;
        place.furnish(&format!("Company of {slug}"), "Halo", "Default").await;
        place
    }

    /// The same organization with another company, on another connection.
    pub(crate) async fn another(&self, name: &str) -> Self {
        let now = self.ground.clock.now();
        let id = || self.ground.chance.id(now);
        let place = Self {
            company_id: id(),
            psa_connection_id: id(),
            psa_company_id: id(),
            ticket_profile_id: id(),
            ..self.clone()
        };
        place.furnish(name, name, name).await;
        place
    }

    async fn furnish(&self, company: &str, connection: &str, profile: &str) {
        let (place, organization_id, now) = (self, self.organization_id, self.ground.clock.now());
        place
            .insert(company::Model {
                company_type_id: None,
                company_status_id: None,
                company_market_id: None,
                version: 1,
                id: place.company_id,
                organization_id,
                name: company.to_owned(),
                created_at: now,
                updated_at: now,
            })
            .await;
        place
            .insert(psa_connection::Model {
                version: 1,
                company_id: None,
                id: place.psa_connection_id,
                organization_id,
                platform: "halo".to_owned(),
                name: connection.to_owned(),
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
                verification_due_at: None,
                companies_synced_at: None,
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
                code: None,
                market: None,
                email_domains: None,
                value_ids: None,
                match_key: None,
                missing_since: None,
                changed_at: None,
            })
            .await;
        place
            .insert(ticket_profile::Model {
                version: 1,
                title_template: None,
                body_template: None,
                id: place.ticket_profile_id,
                organization_id,
                psa_connection_id: place.psa_connection_id,
                name: profile.to_owned(),
                is_default: true,
                fields: serde_json::json!({}),
                board: None,
                status_on_create: None,
                status_on_close: "9".to_owned(),
                created_at: now,
                updated_at: now,
            })
            .await;
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

    /// Its company, mapped on its connection.
    pub(crate) async fn mapping(&self) -> company_mapping::Model {
        let now = self.ground.clock.now();
        self.insert(company_mapping::Model {
            id: self.ground.chance.id(now),
            organization_id: self.organization_id,
            company_id: self.company_id,
            psa_connection_id: self.psa_connection_id,
            psa_company_id: self.psa_company_id,
            is_ticketing_enabled: true,
            ticket_profile_id: Some(self.ticket_profile_id),
            event_set_id: None,
            is_enabled: true,
            is_configurations_enabled: false,
            origin: company_mapping::MappingOrigin::Imported,
            confidence: None,
            mapped_at: None,
            psa_name: None,
            version: 3,
            created_at: now,
            updated_at: now,
        })
        .await
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
            board: None,
            title: title.to_owned(),
            severity: Severity::High,
            is_test: false,
            previous_ticket_id: None,
            operation_count: 0,
            noted_at: None,
            refresh_at: None,
            first_seen_at: None,
            opened_at: Some(created_at),
            closed_at: None,
            closed_by: None,
            overrides: None,
            is_touched: false,
            listed_at: None,
            note_due_at: None,
            close_due_at: None,
            flap_count: 0,
            flapped_at: None,
            created_at,
            updated_at: created_at,
        })
        .await
    }

    /// An open finding of the company.
    pub(crate) async fn finding(&self, title: &str, seen_at: Timestamp) -> finding::Model {
        let id = self.ground.chance.id(seen_at);
        self.insert(finding::Model {
            id,
            organization_id: self.organization_id,
            company_id: self.company_id,
            source: "acme-scanner".to_owned(),
            key: id.to_string(),
            scope_key: None,
            state: finding::FindingState::Open,
            severity: Severity::High,
            category: "vulnerability".to_owned(),
            title: title.to_owned(),
            body_md: String::new(),
            asset: serde_json::json!({ "name": "srv-1", "type": "host" }),
            evidence_url: None,
            details: None,
            first_seen_at: seen_at,
            last_seen_at: seen_at,
            seen_count: 1,
            last_occurred_at: seen_at,
            last_sequence: None,
            last_kind: "finding.opened".to_owned(),
            resolved_at: None,
            close_reason: None,
            reopened_count: 0,
            baseline_endpoint_id: None,
            is_told: false,
        })
        .await
    }

    /// Puts a finding on a ticket.
    pub(crate) async fn put_on(&self, ticket: &ticket::Model, finding: &finding::Model) {
        self.insert(ticket_finding::Model {
            id: self.ground.chance.id(finding.first_seen_at),
            organization_id: self.organization_id,
            ticket_id: ticket.id,
            finding_id: finding.id,
            added_at: finding.first_seen_at,
            ended_at: None,
            is_told: true,
        })
        .await;
    }

    /// An operation that was done at the first attempt.
    pub(crate) async fn operation(
        &self,
        ticket: &ticket::Model,
        position: i64,
        event_id: Option<Uuid>,
    ) -> ticket_operation::Model {
        let at = ticket.created_at;
        let operation = ticket_operation::Model {
            id: self.ground.chance.id(at),
            organization_id: self.organization_id,
            psa_connection_id: self.psa_connection_id,
            ticket_id: ticket.id,
            position,
            kind: OperationKind::Create,
            state: OperationState::Done,
            payload: serde_json::json!({}),
            run_at: at,
            attempts: 1,
            uncertain_since: None,
            last_error_code: None,
            last_error: None,
            event_id,
            created_at: at,
            finished_at: Some(at),
            trace_context: None,
        };
        let operation = self.insert(operation).await;
        self.insert(attempt::Model {
            id: self.ground.chance.id(at),
            organization_id: self.organization_id,
            ticket_operation_id: operation.id,
            number: 1,
            started_at: at,
            finished_at: Some(at),
            outcome: Some("done".to_owned()),
            response_status: Some(201),
            latency_ms: Some(80),
            message: None,
            node: "node-1".to_owned(),
        })
        .await;
        operation
    }

    /// An endpoint for the scanner.
    pub(crate) async fn endpoint(&self) -> webhook_endpoint::Model {
        let now = self.ground.clock.now();
        self.insert(webhook_endpoint::Model {
            version: 1,
            registration: webhook_endpoint::Registration::ByHand,
            registered_id: None,
            registration_message: None,
            registration_checked_at: None,
            registration_due_at: None,
            wanted_key: None,
            allowed_addresses: None,
            settings: None,
            mode: webhook_endpoint::Mode::Live,
            baseline_until: None,
            id: self.ground.chance.id(now),
            organization_id: self.organization_id,
            key: self.ground.chance.alphanumeric(32),
            name: "Scanner".to_owned(),
            sender: "events".to_owned(),
            psa_connection_id: None,
            scheme: "standard_webhooks".to_owned(),
            is_enabled: true,
            created_at: now,
            updated_at: now,
        })
        .await
    }

    /// A delivery with this body, understood.
    pub(crate) async fn delivery(
        &self,
        endpoint: &webhook_endpoint::Model,
        body: &[u8],
    ) -> webhook_delivery::Model {
        let now = self.ground.clock.now();
        let id = self.ground.chance.id(now);
        let row = webhook_delivery::Model {
            id,
            organization_id: self.organization_id,
            webhook_endpoint_id: endpoint.id,
            message_id: format!("msg_{}", id.simple()),
            request_id: "request-1".to_owned(),
            verified_by: "standard_webhooks.v1".to_owned(),
            webhook_secret_id: None,
            headers: serde_json::json!([["content-type", "application/json"]]),
            body: body.to_vec(),
            received_at: now,
            duplicate_count: 0,
            state: webhook_delivery::DeliveryState::Understood,
            problem: None,
            run_at: None,
            attempts: 1,
            lease_until: Timestamp(0),
            fence: 1,
            decided_at: Some(now),
            trace_context: None,
            body_removed_at: None,
        };
        // It is counted when it leaves the state it comes in.
        let came =
            webhook_delivery::Model { state: webhook_delivery::DeliveryState::Received, ..row.clone() };
        self.insert(came).await;
        let decided = row.clone().into_active_model().reset_all();
        self.ground
            .db
            .write::<_, sea_orm::DbErr, _>(move |tx| {
                Box::pin(async move { decided.update(tx).await.map(|_| ()) })
            })
            .await
            .unwrap();
        row
    }

    /// An event that opened this ticket, or was held where there is none.
    pub(crate) async fn event(
        &self,
        delivery: &webhook_delivery::Model,
        position: i32,
        ticket: Option<&ticket::Model>,
    ) -> event::Model {
        let now = self.ground.clock.now();
        let is_held = ticket.is_none();
        self.insert(event::Model {
            id: self.ground.chance.id(now),
            organization_id: self.organization_id,
            webhook_delivery_id: delivery.id,
            position,
            kind: "finding.opened".to_owned(),
            source: "acme-scanner".to_owned(),
            client_ref: Some("acme".to_owned()),
            company_id: ticket.map(|ticket| ticket.company_id),
            severity: Severity::High,
            title: "Old OpenSSL".to_owned(),
            finding_key: Some("CVE-1".to_owned()),
            occurred_at: now,
            outcome: if is_held { event::Outcome::Held } else { event::Outcome::Opened },
            reason: if is_held { "unmapped_company" } else { "finding_opened" }.to_owned(),
            explanation: "in words".to_owned(),
            steps: serde_json::json!([{ "step": "company", "result": "found" }, { "step": "policy", "result": "matches" }]),
            finding_id: None,
            ticket_id: ticket.map(|ticket| ticket.id),
            created_at: now,
            decided_at: now,
        })
        .await
    }
}
