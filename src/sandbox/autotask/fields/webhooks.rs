//! Webhooks of tickets, what they tell, and what went wrong.

use crate::sandbox::autotask::{
    model::{Field, date, flag, id, int, text},
    picks,
};

pub(in crate::sandbox::autotask) static WEBHOOK: &[Field] = &[
    id(),
    text("deactivationUrl", 500).required(),
    flag("isActive").required(),
    flag("isReady").read_only(),
    flag("isSubscribedToCreateEvents"),
    flag("isSubscribedToDeleteEvents"),
    flag("isSubscribedToUpdateEvents"),
    text("name", 50).required(),
    text("notificationEmailAddress", 150),
    int("ownerResourceID").read_only().refers("Resource"),
    text("secretKey", 64).required().not_queryable(),
    flag("sendThresholdExceededNotification"),
    text("webhookGUID", 36).read_only(),
    text("webhookUrl", 500).required(),
];

pub(in crate::sandbox::autotask) static WEBHOOK_FIELD: &[Field] = &[
    id(),
    int("fieldID").required().picks(picks::TICKET_WEBHOOK_FIELD),
    flag("isDisplayAlwaysField").required(),
    flag("isSubscribedField").required(),
    int("webhookID").required().refers("TicketWebhook"),
];

pub(in crate::sandbox::autotask) static EXCLUDED_RESOURCE: &[Field] = &[
    id(),
    int("resourceID").required().refers("Resource"),
    int("webhookID").required().refers("TicketWebhook"),
];

pub(in crate::sandbox::autotask) static ERROR_LOG: &[Field] = &[
    id(),
    int("accountWebhookID").read_only(),
    int("contactWebhookID").read_only(),
    date("createDateTime").read_only(),
    text("errorMessage", 8000).read_only(),
    text("payload", 8000).read_only(),
    int("sequenceNumber").read_only(),
];
