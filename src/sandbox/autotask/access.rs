//! Who calls, and what that login may do.

use std::collections::BTreeSet;

use super::{
    answers::{not_permitted, refused},
    model::{Entity, Reads, Verb},
    seed,
    world::AutotaskWorld,
};
use crate::{
    clock::Chance,
    sandbox::frame::{Call, Reply, Right},
};

/// The API user's credentials and what was taken from its security level.
#[derive(Debug)]
pub(super) struct Access {
    /// 27 capital letters and digits.
    pub(super) integration_code: String,
    /// Looks like an e-mail address.
    pub(super) user_name: String,
    pub(super) secret: String,
    pub(super) denied: BTreeSet<Right>,
}

/// In whose name something is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Actor {
    /// The resource that it counts for.
    pub(super) resource: i64,
    /// The API user, where it acts for somebody else.
    pub(super) impersonator: Option<i64>,
}

impl Actor {
    /// Somebody in the vendor's own pages, or the API user itself.
    pub(super) const fn one(resource: i64) -> Self {
        Self { resource, impersonator: None }
    }
}

impl Access {
    pub(super) fn new(chance: &Chance) -> Self {
        Self {
            integration_code: chance.alphanumeric(27).to_ascii_uppercase(),
            user_name: format!("{}@sandbox.example", chance.alphanumeric(15).to_ascii_lowercase()),
            secret: chance.alphanumeric(25),
            denied: BTreeSet::new(),
        }
    }

    /// Whether discovery knows the user.
    pub(super) fn knows(&self, user: &str) -> bool {
        user.eq_ignore_ascii_case(&self.user_name)
    }

    /// The three headers. What is wrong is not said, in the current way.
    pub(super) fn check(&self, call: &Call, older: bool) -> Result<(), Reply> {
        let is_known = self.knows(call.header("username"));
        let is_code = call.header("apiintegrationcode") == self.integration_code;
        let is_secret = call.header("secret") == self.secret;
        match (is_known, is_code, is_secret) {
            (true, true, true) => Ok(()),
            (false, ..) if older => Err(refused("Zone information could not be determined")),
            (_, false, _) if older => Err(refused("IntegrationCode is invalid")),
            _ => Err(Reply::empty(401)),
        }
    }
}

/// Which right of the frame's opens an entity to a verb; none where everybody may.
fn right_for(entity: Entity, verb: Verb) -> Option<Right> {
    match entity {
        Entity::Companies => Some(Right::Companies),
        Entity::Contacts => Some(Right::Contacts),
        Entity::Tickets | Entity::TicketNotes if verb == Verb::Query => Some(Right::ReadTickets),
        Entity::Tickets | Entity::TicketNotes => Some(Right::WriteTickets),
        Entity::ConfigurationItems => Some(Right::Configurations),
        Entity::Contracts
        | Entity::ContractServices
        | Entity::ContractServiceUnits
        | Entity::ContractServiceAdjustments => Some(Right::Billing),
        Entity::TicketWebhooks | Entity::TicketWebhookFields | Entity::TicketWebhookExcludedResources
            if verb != Verb::Query =>
        {
            Some(Right::Webhooks)
        }
        _ => None,
    }
}

impl AutotaskWorld {
    /// Whether the login's security level lets it.
    pub(super) fn may(&self, entity: Entity, verb: Verb) -> bool {
        match right_for(entity, verb) {
            Some(Right::Webhooks) if !self.options.may_create_webhooks => false,
            Some(right) => !self.access.denied.contains(&right),
            None => true,
        }
    }

    /// For writes: the person it is done for, or the refusal.
    pub(super) fn writer(&self, call: &Call, entity: Entity, verb: Verb) -> Result<Actor, Reply> {
        if !self.may(entity, verb) {
            return Err(not_permitted(verb.word()));
        }
        let header = call.header("impersonationresourceid").trim();
        if header.is_empty() {
            return Ok(Actor::one(seed::API_USER));
        }
        let person = header.parse().ok().and_then(|id: i64| {
            let row = self.store.get(Entity::Resources, id)?;
            row.flag("isActive").then_some(id)
        });
        let resource = person.ok_or_else(|| not_permitted(verb.word()))?;
        Ok(Actor { resource, impersonator: Some(seed::API_USER) })
    }
}
