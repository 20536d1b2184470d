//! The types of the graph: one file a thing.
#![expect(clippy::unused_async, reason = "resolvers must be async, connections read nothing yet")]
#![expect(clippy::too_many_arguments, reason = "a Relay connection has four, with filter and order six")]

mod access_token;
mod company;
mod company_mapping;
mod enums;
mod event;
mod event_filter;
mod filters;
mod finding;
mod finding_filter;
mod organization;
mod pick_list;
mod platform;
mod policy;
mod psa_company;
mod psa_connection;
mod psa_connection_health;
mod sync_run;
mod ticket;
mod ticket_filter;
mod ticket_operation;
mod ticket_operation_filter;
mod ticket_profile;
mod trace;
mod webhook_delivery;
mod webhook_delivery_filter;
mod webhook_endpoint;

pub use access_token::*;
pub use company::*;
pub use company_mapping::*;
pub use enums::*;
pub use event::*;
pub use event_filter::*;
pub use filters::*;
pub use finding::*;
pub use finding_filter::*;
pub use organization::*;
pub use pick_list::*;
pub use platform::*;
pub use policy::*;
pub use psa_company::*;
pub use psa_connection::*;
pub use psa_connection_health::*;
pub use sync_run::*;
pub use ticket::*;
pub use ticket_filter::*;
pub use ticket_operation::*;
pub use ticket_operation_filter::*;
pub use ticket_profile::*;
pub use trace::*;
pub use webhook_delivery::*;
pub use webhook_delivery_filter::*;
pub use webhook_endpoint::*;
