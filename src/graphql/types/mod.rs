//! The types of the graph: one file a thing.

mod company;
mod enums;
mod filters;
mod organization;
mod psa_company;
mod psa_connection;
mod ticket;
mod ticket_filter;
mod ticket_profile;
mod webhook_endpoint;

pub use company::*;
pub use enums::*;
pub use filters::*;
pub use organization::*;
pub use psa_company::*;
pub use psa_connection::*;
pub use ticket::*;
pub use ticket_filter::*;
pub use ticket_profile::*;
pub use webhook_endpoint::*;
