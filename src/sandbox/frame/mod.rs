//! What every sandbox stands on: a server on threads of its own, faults on demand, a post room for webhooks,
//! a ledger, and a person who works in the PSA's own pages.
//!
//! A vendor is a [`World`]: what it remembers and how it answers. Nothing here knows any vendor.
//!
//! Besides the vendor's own paths every sandbox has, without authentication: `GET /_ledger/tickets`,
//! `GET /_ledger/calls` (the latest 10,000), `GET`, `POST` and `DELETE /_faults`, and `POST /_technician/tickets/{id}`.

mod call;
mod control;
mod faults;
mod handle;
mod ledger;
mod names;
mod post;
mod reply;
mod server;
mod world;

pub use self::{
    call::{Call, Query},
    faults::{Doubling, Fault, FaultKind},
    handle::{Instance, Kind, Sandbox, Start},
    ledger::{LedgerBilling, LedgerId, LedgerNote, LedgerTicket, marker_in},
    names::customer_name,
    post::{Letter, Mail, Post, PostAnswer},
    reply::Reply,
    world::{Calls, Deed, DeedError, Failure, Ground, Recorded, Right, World},
};
