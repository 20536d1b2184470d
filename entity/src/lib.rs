//! Rows of PSA Gateway's tables: one file a table, no behaviour.

pub mod access_token;
pub mod attempt;
pub mod audit_entry;
pub mod audit_head;
pub mod call_budget;
pub mod company;
pub mod company_alias;
pub mod company_mapping;
pub mod data_key;
pub mod event;
pub mod event_set;
pub mod finding;
pub mod idempotency_key;
pub mod lane;
pub mod maintenance_window;
pub mod member;
pub mod mute;
pub mod notification;
pub mod notification_attempt;
pub mod organization;
pub mod pick_list;
pub mod policy;
pub mod psa_company;
pub mod psa_connection;
pub mod subscriber_lane;
pub mod subscriber_secret;
pub mod sync_run;
pub mod tally;
pub mod tally_delta;
pub mod ticket;
pub mod ticket_finding;
pub mod ticket_operation;
pub mod ticket_permission;
pub mod ticket_profile;
pub mod waiting_finding;
pub mod webhook_delivery;
pub mod webhook_endpoint;
pub mod webhook_secret;
pub mod webhook_subscriber;

mod role;
mod severity;
mod timestamp;

pub use role::Role;
pub use severity::Severity;
pub use timestamp::Timestamp;
