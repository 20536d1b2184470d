//! What is known of one problem over time.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use entity::{company, event, finding, ticket};

use super::{Company, EventConnection, FindingState, Mute, Severity, TicketConnection, mute::MuteOf};
use crate::{
    db::page::{Order, PageArgs},
    decisions::{
        self,
        events::{EventFilter, EventList, EventsOf},
    },
    findings::read::FindingList,
    graphql::{
        Asking as _,
        connection::connection,
        ids, plain,
        scalars::{DateTime, Url},
    },
    tickets::read::{TicketFilter, TicketList, TicketsOf},
};

/// Where a problem is, as its sender says.
#[derive(Clone, Debug, SimpleObject)]
pub struct Asset {
    /// The sender's stable id of it.
    pub uid: Option<String>,
    /// Its name, as people know it.
    pub name: Option<String>,
    /// What it is: host, container, repo, app, user, domain, ip or cloud_resource.
    pub kind: Option<String>,
    /// Its address.
    pub ip: Option<String>,
    /// Its full name in DNS.
    pub fqdn: Option<String>,
    /// Its operating system.
    pub os: Option<String>,
    /// Its web address.
    pub url: Option<String>,
    /// Its serial number.
    pub serial_number: Option<String>,
}

/// What is known of one problem over time: the same problem is the same finding.
pub struct Finding(pub finding::Model);

impl From<finding::Model> for Finding {
    fn from(row: finding::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of findings.
    FindingConnection, FindingEdge, Finding, FindingList, plain finding {
        "id": Id as plain::id::<finding::Entity>,
        "state": State as plain::one_of::<finding::FindingState, FindingState>,
        "severity": Severity as plain::one_of::<entity::Severity, Severity>,
        "source": Source as plain::text,
        "key": Key as plain::text,
        "category": Category as plain::text,
        "title": Title as plain::text,
        "firstSeenAt": FirstSeenAt as plain::time,
        "lastSeenAt": LastSeenAt as plain::time,
        "resolvedAt": ResolvedAt as plain::maybe_time,
        "closeReason": CloseReason as plain::maybe_text,
        "reopenedCount": ReopenedCount as plain::whole,
    }
}

/// What is known of one problem over time: the same problem is the same finding.
#[Object]
impl Finding {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<finding::Entity>(self.0.id)
    }

    /// Whether it is there.
    async fn state(&self) -> FindingState {
        self.0.state.into()
    }

    /// How bad it is.
    async fn severity(&self) -> Severity {
        self.0.severity.into()
    }

    /// Which product found it, e.g. `acme-scanner`.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// Its identity in that product.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// What it is about, e.g. `vulnerability`.
    async fn category(&self) -> &str {
        &self.0.category
    }

    /// One line for people.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// More for people: Markdown as the sender wrote it. Clean it before you show it as HTML.
    async fn body(&self) -> &str {
        &self.0.body_md
    }

    /// Where it is.
    async fn asset(&self) -> Option<Asset> {
        let asset: decisions::event::Asset = serde_json::from_value(self.0.asset.clone()).ok()?;
        let decisions::event::Asset { uid, name, kind, ip, fqdn, os, url, serial_number } = asset;
        Some(Asset { uid, name, kind, ip, fqdn, os, url, serial_number })
    }

    /// Where to see more, as the sender says.
    async fn evidence_url(&self) -> Option<Url> {
        self.0.evidence_url.clone().map(Url)
    }

    /// When it was first seen.
    async fn first_seen_at(&self) -> DateTime {
        self.0.first_seen_at.into()
    }

    /// When it was last seen.
    async fn last_seen_at(&self) -> DateTime {
        self.0.last_seen_at.into()
    }

    /// How often it was seen.
    async fn seen_count(&self) -> i32 {
        i32::try_from(self.0.seen_count).unwrap_or(i32::MAX)
    }

    /// When it was resolved or dismissed.
    async fn resolved_at(&self) -> Option<DateTime> {
        self.0.resolved_at.map(DateTime)
    }

    /// Why, e.g. `fixed`, `accepted_risk`.
    async fn close_reason(&self) -> Option<&str> {
        self.0.close_reason.as_deref()
    }

    /// How often it came back.
    async fn reopened_count(&self) -> i32 {
        self.0.reopened_count
    }

    /// Whether it was learned in an endpoint's baseline mode and is as it was then: being seen again opens no ticket.
    async fn is_baseline(&self) -> bool {
        self.0.baseline_endpoint_id.is_some()
    }

    /// Its own mute, where one holds now; its group may have one besides.
    async fn mute(&self, ctx: &Context<'_>) -> Result<Option<Mute>> {
        Ok(ctx.loaders()?.get(MuteOf(self.0.id)).await?.map(Mute))
    }

    /// Whose problem it is.
    async fn company(&self, ctx: &Context<'_>) -> Result<Company> {
        Ok(ctx.loaders()?.named::<company::Entity>(self.0.company_id).await?.into())
    }

    /// The tickets it was on, the newest first.
    async fn tickets(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<TicketConnection> {
        let wanted = TicketList {
            of: TicketsOf::Finding,
            filter: TicketFilter::default(),
            order: Order::descending(ticket::Column::CreatedAt),
        };
        Ok(TicketConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// The events that speak of it, the newest first.
    async fn events(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<EventConnection> {
        let wanted = EventList {
            of: EventsOf::Finding,
            filter: EventFilter::default(),
            order: Order::descending(event::Column::CreatedAt),
        };
        Ok(EventConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }
}
