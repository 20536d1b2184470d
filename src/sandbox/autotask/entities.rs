//! The entities and where they are found. Paths and verbs are those of the vendor's Swagger document.

use super::{
    fields as f,
    model::{
        Child, Entity as E, Field, Spec,
        Verb::{self, Create, Delete, Query, Update},
    },
};

const READ: &[Verb] = &[Query];
const EDIT: &[Verb] = &[Query, Create, Update];
const ALL: &[Verb] = &[Query, Create, Update, Delete];

const fn spec(entity: E, path: &'static str, name: &'static str, fields: &'static [Field]) -> Spec {
    Spec { entity, path, name, fields, verbs: READ, child: None, has_webhooks: false, first_id: 1 }
}

const fn child(parent: E, segment: &'static str, key: &'static str, verbs: &'static [Verb]) -> Child {
    Child { parent, segment, key, verbs }
}

pub(super) static SPECS: &[Spec] = &[
    Spec {
        verbs: EDIT,
        has_webhooks: true,
        first_id: 2_000,
        ..spec(E::Companies, "Companies", "Company", f::COMPANY)
    },
    Spec {
        child: Some(child(E::Companies, "Contacts", "companyID", ALL)),
        has_webhooks: true,
        first_id: 30_690_000,
        ..spec(E::Contacts, "Contacts", "Contact", f::CONTACT)
    },
    Spec {
        verbs: EDIT,
        has_webhooks: true,
        first_id: 4_242,
        ..spec(E::Tickets, "Tickets", "Ticket", f::TICKET)
    },
    Spec {
        child: Some(child(E::Tickets, "Notes", "ticketID", EDIT)),
        has_webhooks: true,
        first_id: 30_777_658,
        ..spec(E::TicketNotes, "TicketNotes", "TicketNote", f::NOTE)
    },
    spec(E::TicketCategories, "TicketCategories", "TicketCategory", f::CATEGORY),
    Spec {
        verbs: EDIT,
        has_webhooks: true,
        first_id: 6_000,
        ..spec(E::ConfigurationItems, "ConfigurationItems", "ConfigurationItem", f::CONFIGURATION_ITEM)
    },
    spec(
        E::ConfigurationItemTypes,
        "ConfigurationItemTypes",
        "ConfigurationItemType",
        f::CONFIGURATION_ITEM_TYPE,
    ),
    spec(E::Products, "Products", "Product", f::PRODUCT),
    spec(E::Resources, "Resources", "Resource", f::RESOURCE),
    spec(E::Roles, "Roles", "Role", f::ROLE),
    spec(E::ResourceRoles, "ResourceRoles", "ResourceRole", f::RESOURCE_ROLE),
    Spec {
        child: Some(child(E::Resources, "ServiceDeskRoles", "resourceID", READ)),
        ..spec(
            E::ResourceServiceDeskRoles,
            "ResourceServiceDeskRoles",
            "ResourceServiceDeskRole",
            f::SERVICE_DESK_ROLE,
        )
    },
    spec(E::BillingCodes, "BillingCodes", "BillingCode", f::BILLING_CODE),
    spec(E::Contracts, "Contracts", "Contract", f::CONTRACT),
    Spec {
        child: Some(child(E::Contracts, "Services", "contractID", READ)),
        first_id: 500,
        ..spec(E::ContractServices, "ContractServices", "ContractService", f::SERVICE)
    },
    Spec {
        child: Some(child(E::Contracts, "ServiceUnits", "contractID", READ)),
        first_id: 700,
        ..spec(E::ContractServiceUnits, "ContractServiceUnits", "ContractServiceUnit", f::SERVICE_UNIT)
    },
    Spec {
        verbs: &[Create],
        child: Some(child(E::Contracts, "ServiceAdjustments", "contractID", &[Create])),
        first_id: 900,
        ..spec(
            E::ContractServiceAdjustments,
            "ContractServiceAdjustments",
            "ContractServiceAdjustment",
            f::SERVICE_ADJUSTMENT,
        )
    },
    Spec {
        verbs: ALL,
        first_id: 900,
        ..spec(E::TicketWebhooks, "TicketWebhooks", "TicketWebhook", f::WEBHOOK)
    },
    Spec {
        child: Some(child(E::TicketWebhooks, "Fields", "webhookID", ALL)),
        ..spec(E::TicketWebhookFields, "TicketWebhookFields", "TicketWebhookField", f::WEBHOOK_FIELD)
    },
    Spec {
        child: Some(child(E::TicketWebhooks, "ExcludedResources", "webhookID", &[Query, Create, Delete])),
        ..spec(
            E::TicketWebhookExcludedResources,
            "TicketWebhookExcludedResources",
            "TicketWebhookExcludedResource",
            f::EXCLUDED_RESOURCE,
        )
    },
    Spec {
        verbs: &[Query, Delete],
        ..spec(E::WebhookEventErrorLogs, "WebhookEventErrorLogs", "WebhookEventErrorLog", f::ERROR_LOG)
    },
];

impl Spec {
    /// The entity of a path.
    pub(super) fn at(path: &str) -> Option<&'static Self> {
        SPECS.iter().find(|spec| spec.path.eq_ignore_ascii_case(path))
    }

    /// The entity of a path below another, and how it hangs there.
    pub(super) fn below(parent: E, segment: &str) -> Option<(&'static Self, Child)> {
        SPECS.iter().find_map(|spec| {
            let child = spec.child.filter(|child| child.parent == parent)?;
            child.segment.eq_ignore_ascii_case(segment).then_some((spec, child))
        })
    }

    /// The entity that a reference names.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        SPECS.iter().find(|spec| spec.name == name)
    }

    /// Whether a path of its own takes anything but searches; without, there is nothing at that path.
    pub(super) fn has_root(&self) -> bool {
        self.verbs.iter().any(|verb| matches!(verb, Create | Update))
    }
}
