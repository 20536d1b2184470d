//! The fields of every entity: names and types of the vendor's Swagger document of June 2026, lengths and
//! required flags as far as they are known.

mod configuration_items;
mod contracts;
mod customers;
mod people;
mod tickets;
mod webhooks;

pub(super) use self::{
    configuration_items::{CONFIGURATION_ITEM, CONFIGURATION_ITEM_TYPE, PRODUCT},
    contracts::{BILLING_CODE, CONTRACT, SERVICE, SERVICE_ADJUSTMENT, SERVICE_UNIT},
    customers::{COMPANY, CONTACT},
    people::{RESOURCE, RESOURCE_ROLE, ROLE, SERVICE_DESK_ROLE},
    tickets::{CATEGORY, NOTE, TICKET},
    webhooks::{ERROR_LOG, EXCLUDED_RESOURCE, WEBHOOK, WEBHOOK_FIELD},
};
