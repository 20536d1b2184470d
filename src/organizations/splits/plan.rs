//! What a split does, before it is done.

use std::collections::BTreeSet;

use entity::{
    billing_calendar, company, company_mapping, company_value, company_value_mapping, event_set,
    maintenance_window, organization, ticket_permission, ticket_profile,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    asked::Asked,
    conflicts,
    policies::{self, Fate, Fated},
    shared,
};
use crate::{
    error::Error,
    organizations::moving::{self, Count, Selection},
};

/// Something that both need: the new organization gets one like it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Its table.
    pub table: &'static str,
    /// The source's.
    pub id: Uuid,
    /// Its name; empty where it has none.
    pub name: String,
    /// The new organization's; none while it is only planned.
    pub copy_id: Option<Uuid>,
}

impl Copy {
    /// The name of its type in the API, as in `EventSet`.
    pub fn kind(&self) -> String {
        moving::type_name(self.table)
    }

    pub(super) const fn of(table: &'static str, id: Uuid, name: String) -> Self {
        Self { table, id, name, copy_id: None }
    }
}

/// Kinds of what has to be mended before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictCode {
    /// A company that goes is on a connection that stays.
    ConnectionStays,
    /// A company that stays is on a connection that goes.
    CompanyStays,
    /// An endpoint that goes speaks for a connection that stays.
    EndpointsConnectionStays,
    /// An endpoint that goes has something of a company that stays.
    EndpointsCompanyStays,
    /// A webhook waits that speaks of companies of both sides.
    WebhookOfBoth,
}

/// What has to be mended before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Stable, for programs.
    pub code: ConflictCode,
    /// What is wrong, and what to do.
    pub message: String,
}

/// What a split does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Names this very plan. What comes in every day (findings, tickets, deliveries) is not part of it: what is set up is.
    pub digest: String,
    /// How much goes along.
    pub counts: Vec<Count>,
    /// What both have afterwards.
    pub copies: Vec<Copy>,
    /// What else is not as it was, in words.
    pub changes: Vec<String>,
    /// What stands in its way.
    pub conflicts: Vec<Conflict>,
    /// What becomes of policies.
    pub(super) policies: Vec<Fated>,
}

impl Plan {
    pub(super) fn copies_as_json(&self) -> Value {
        let copy = |one: &Copy| json!({ "kind": one.kind(), "name": one.name });
        self.copies.iter().map(copy).collect()
    }

    /// What goes, with the policies that do.
    pub(super) fn completed(&self, asked: &Asked) -> Selection {
        completed(asked, &self.policies)
    }

    /// What becomes of the source's of that table: the one that the new organization has for it.
    pub(super) fn made(&mut self, table: &'static str, id: Uuid, name: &str, copy_id: Uuid) {
        let planned = self.copies.iter_mut().find(|one| one.table == table && one.id == id);
        if let Some(planned) = planned {
            planned.copy_id = Some(copy_id);
        } else {
            let copy = Copy::of(table, id, name.to_owned());
            self.copies.push(Copy { copy_id: Some(copy_id), ..copy });
        }
    }

    /// The copy of something; none where there is none.
    pub(super) fn copy_of(&self, table: &str, id: Uuid) -> Option<Uuid> {
        self.copies.iter().find(|one| one.table == table && one.id == id)?.copy_id
    }
}

fn completed(asked: &Asked, policies: &[Fated]) -> Selection {
    let goes = |fated: &&Fated| fated.fate == Fate::Goes;
    let mut chosen = asked.chosen.clone();
    chosen.policies = policies.iter().filter(goes).map(|fated| fated.policy.id).collect();
    Selection { chosen: Some(chosen), ..asked.selection }
}

/// Works it out; nothing is written.
pub(super) async fn make(
    db: &impl ConnectionTrait,
    source: &organization::Model,
    asked: &Asked,
) -> Result<Plan, Error> {
    let policies = policies::find(db, source.id, &asked.chosen).await?;
    let selection = completed(asked, &policies);
    let endpoints = shared::endpoints(db, source.id, &asked.chosen).await?;
    let mut copies = copied(db, source.id, &selection, &policies).await?;
    copies.extend(endpoints.iter().map(|row| Copy::of("webhook_endpoint", row.id, row.name.clone())));
    let mut changes = differences(db, source, asked).await?;
    changes.extend(policies.iter().flat_map(|fated| fated.words(source, &asked.made)));
    changes.extend(endpoints.iter().map(|row| {
        format!(
            "the endpoint \"{}\" is used for companies of both: {} gets one like it, without a secret and with an address \
             of its own. Make a secret (`webhookEndpointRotateSecret`), then have the sender post there what is of companies \
             that go; what it posts to the old address for them is held at {}",
            row.name, asked.made.slug, source.slug
        )
    }));
    let mut plan = Plan {
        digest: String::new(),
        counts: moving::counts(db, &selection).await?,
        copies,
        changes,
        conflicts: conflicts::find(db, source.id, &asked.chosen).await?,
        policies,
    };
    let set_up = moving::set_up(db, &selection).await?;
    let copies: Vec<_> = plan.copies.iter().map(|one| (one.table, one.id)).collect();
    let conflicts: Vec<_> = plan.conflicts.iter().map(|one| &one.message).collect();
    let names = [&asked.made.slug, &asked.made.name];
    let chosen = asked.chosen_as_json();
    plan.digest = moving::digest(&json!([source.id, names, chosen, set_up, copies, plan.changes, conflicts]));
    Ok(plan)
}

/// What something that goes refers to, and what is for every company.
async fn copied(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    selection: &Selection,
    policies: &[Fated],
) -> Result<Vec<Copy>, DbErr> {
    let mut copies = Vec::new();
    let mut sets: BTreeSet<Uuid> = policies
        .iter()
        .filter(|fated| fated.fate.is_at_target())
        .filter_map(|fated| fated.policy.event_set_id)
        .collect();
    let of_mappings = company_mapping::Entity::find()
        .select_only()
        .column(company_mapping::Column::EventSetId)
        .distinct()
        .filter(selection.rows("company_mapping"))
        .into_tuple::<Option<Uuid>>()
        .all(db)
        .await?;
    sets.extend(of_mappings.into_iter().flatten());
    let sets = event_set::Entity::find()
        .filter(event_set::Column::OrganizationId.eq(source_id))
        .filter(event_set::Column::Id.is_in(sets))
        .order_by_asc(event_set::Column::Id)
        .all(db)
        .await?;
    copies.extend(sets.into_iter().map(|row| Copy::of("event_set", row.id, row.name)));
    copies.extend(values(db, source_id, selection).await?);
    copies.extend(
        policies
            .iter()
            .filter(|fated| fated.fate.is_copied())
            .map(|fated| Copy::of("policy", fated.policy.id, fated.policy.name.clone())),
    );
    let windows = maintenance_window::Entity::find()
        .filter(maintenance_window::Column::OrganizationId.eq(source_id))
        .filter(maintenance_window::Column::CompanyId.is_null())
        .order_by_asc(maintenance_window::Column::Id)
        .all(db)
        .await?;
    copies.extend(windows.into_iter().map(|row| Copy::of("maintenance_window", row.id, row.name)));
    let calendar = billing_calendar::Entity::find()
        .filter(billing_calendar::Column::OrganizationId.eq(source_id))
        .one(db)
        .await?;
    copies.extend(calendar.map(|row| Copy::of("billing_calendar", row.id, String::new())));
    Ok(copies)
}

/// The types, statuses and markets of what goes.
async fn values(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    selection: &Selection,
) -> Result<Vec<Copy>, DbErr> {
    use company::Column as C;
    let mut ids = BTreeSet::new();
    for column in [C::CompanyTypeId, C::CompanyStatusId, C::CompanyMarketId] {
        let named = company::Entity::find().select_only().column(column).distinct();
        let named = named.filter(selection.rows("company")).into_tuple::<Option<Uuid>>();
        ids.extend(named.all(db).await?.into_iter().flatten());
    }
    let mapped = company_value_mapping::Entity::find()
        .select_only()
        .column(company_value_mapping::Column::CompanyValueId)
        .distinct()
        .filter(selection.rows("company_value_mapping"))
        .into_tuple::<Option<Uuid>>()
        .all(db)
        .await?;
    ids.extend(mapped.into_iter().flatten());
    let rows = company_value::Entity::find()
        .filter(company_value::Column::OrganizationId.eq(source_id))
        .filter(company_value::Column::Id.is_in(ids))
        .order_by_asc(company_value::Column::Id)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| Copy::of("company_value", row.id, row.name)).collect())
}

/// What is not as it was, beside policies and endpoints.
async fn differences(
    db: &impl ConnectionTrait,
    source: &organization::Model,
    asked: &Asked,
) -> Result<Vec<String>, DbErr> {
    use ticket_permission::Column as P;
    let (slug, new) = (&source.slug, &asked.made.slug);
    let mut words = vec![format!(
        "nobody reaches {new} by it: tokens, members and subscribers of {slug} stay with {slug}, and see nothing of what goes"
    )];
    if source.catch_all_company_id.is_some_and(|id| asked.chosen.companies.contains(&id)) {
        words.push(format!(
            "{slug} has no catch-all company any more, and {new} has none: what names nobody is held; choose one \
             (`organizationUpdate`, `catchAllCompanyId`)"
        ));
    }
    let defaults = ticket_profile::Entity::find()
        .filter(ticket_profile::Column::OrganizationId.eq(source.id))
        .filter(ticket_profile::Column::IsDefault.eq(true))
        .order_by_asc(ticket_profile::Column::Id)
        .all(db)
        .await?;
    for profile in defaults {
        let goes = asked.chosen.connections.contains(&profile.psa_connection_id);
        let (without, does) = if goes { (slug, "goes") } else { (new, "stays") };
        words.push(format!(
            "{without} has no default ticket profile: \"{}\" {does}; mark another one there (`ticketProfileUpdate`, \
             `isDefault: true`)",
            profile.name
        ));
    }
    let of_members = ticket_permission::Entity::find()
        .filter(P::OrganizationId.eq(source.id))
        .filter(P::PsaConnectionId.is_in(asked.chosen.connections.iter().copied()))
        .filter(P::MemberId.is_not_null())
        .count(db)
        .await?;
    if of_members > 0 {
        words.push(format!(
            "{of_members} ticket permissions of single members of {slug} on connections that go end"
        ));
    }
    Ok(words)
}
