//! The types that have a global id. Adding one is a line in `nodes!`.

use async_graphql::{Context, ID, Interface, Object};
use uuid::Uuid;

use super::{
    Asking as _,
    ids::{self, Identified},
    loaders::{Loaders, Shared},
    types,
};
use crate::error::{Error, Problem, ProblemCode};

macro_rules! nodes {
    ($($type:ident: $table:ident),* $(,)?) => {
        $(impl Identified for entity::$table::Entity {
            const TYPE: &'static str = stringify!($type);
        })*

        /// A thing with an id.
        #[derive(Interface)]
        #[graphql(field(
            name = "id",
            ty = "ID",
            desc = "Unique among all things of all types, and opaque: neither read nor build it."
        ))]
        pub enum Node {
            $(
                #[doc(hidden)]
                $type(types::$type),
            )*
        }

        async fn resolve(loaders: &Loaders, id: &ID) -> Result<Option<Node>, Shared> {
            let (name, id) = ids::decode(id).unwrap_or_default();
            $(if name == <entity::$table::Entity as Identified>::TYPE {
                return match loaders.row::<entity::$table::Entity>(id).await {
                    Ok(row) => Ok(row.map(|row| Node::$type(row.into()))),
                    // What may not be seen is as if it were not there.
                    Err(error) if matches!(*error, Error::Forbidden { .. }) => Ok(None),
                    Err(error) => Err(error),
                };
            })*
            // What is no id of ours is looked up like one that is not there: an answer's time says nothing.
            loaders.row::<entity::organization::Entity>(Uuid::nil()).await?;
            Ok(None)
        }
    };
}

nodes! {
    AccessToken: access_token,
    AuditEntry: audit_entry,
    BillingEntry: billing_entry,
    BillingLine: billing_line,
    BillingRefresh: billing_refresh,
    Company: company,
    CompanyAlias: company_alias,
    CompanyAsset: asset,
    CompanyImport: company_import,
    CompanyImportItem: company_import_item,
    CompanyMapping: company_mapping,
    CompanyValue: company_value,
    Contact: contact,
    Configuration: configuration,
    Event: event,
    EventSet: event_set,
    Finding: finding,
    MaintenanceWindow: maintenance_window,
    Member: member,
    Mute: mute,
    Notification: notification,
    Organization: organization,
    Policy: policy,
    PsaBillingLine: psa_billing_line,
    PsaCompany: psa_company,
    PsaConnection: psa_connection,
    PsaTicket: psa_ticket,
    PsaTicketNote: psa_ticket_note,
    SyncRun: sync_run,
    SyncSchedule: sync_schedule,
    Ticket: ticket,
    TicketOperation: ticket_operation,
    TicketPermission: ticket_permission,
    TicketProfile: ticket_profile,
    UsageMark: usage_mark,
    UsageReport: usage_report,
    WebhookDelivery: webhook_delivery,
    WebhookEndpoint: webhook_endpoint,
    WebhookSecret: webhook_secret,
    WebhookSubscriber: webhook_subscriber,
}

/// How many ids `nodes` takes.
const MAX_IDS: usize = 100;

/// Things by their ids.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The thing of that id; null where it is not there or not yours.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A global id.")] id: ID,
    ) -> async_graphql::Result<Option<Node>> {
        Ok(resolve(ctx.loaders()?, &id).await?)
    }

    /// The things of those ids, in their order, with null where one is not there or not yours.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids, 100 at the most.")] ids: Vec<ID>,
    ) -> async_graphql::Result<Vec<Option<Node>>> {
        if ids.len() > MAX_IDS {
            let message = format!("`ids` has {} ids: give {MAX_IDS} at the most", ids.len());
            return Err(Error::from(Problem::of("ids", ProblemCode::TooLong, message)).into());
        }
        let loaders = ctx.loaders()?;
        let found = futures_util::future::join_all(ids.iter().map(|id| resolve(loaders, id))).await;
        Ok(found.into_iter().collect::<Result<_, _>>()?)
    }
}
