//! What a merge does, before it is done.

use std::collections::BTreeSet;

use entity::{Role, access_token, company, member, organization, policy, ticket_profile, webhook_subscriber};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{InstanceOf, conflicts};
use crate::{
    decisions::rules,
    error::Error,
    organizations::{
        form::MAX_NAME,
        moving::{self, Count, NAMED, Selection},
    },
};

/// How often a name with the slug behind it may be taken.
const MOST_NUMBER: u32 = 10_000;

/// A name that is taken at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// Its table.
    pub table: &'static str,
    /// Which.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// What it will be called.
    pub new_name: String,
}

impl Rename {
    /// The name of its type in the API, as in `PsaConnection`.
    pub fn kind(&self) -> String {
        moving::type_name(self.table)
    }
}

/// How somebody or something reaches an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By a token.
    Token,
    /// As a member.
    Member,
    /// By being told.
    Subscriber,
}

/// Somebody or something that reached the source, and reaches nothing any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// What it is.
    pub reach: Reach,
    /// Which.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it was at the source; none for a subscriber.
    pub role: Option<Role>,
}

/// Kinds of what has to be mended before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictCode {
    /// A company of each has the same alias.
    SameAlias,
    /// A connection of each leads to the same PSA.
    SamePsa,
    /// Only one of them opens tickets at all.
    TicketingDiffers,
    /// Their billing months differ.
    CalendarsDiffer,
}

/// What has to be mended before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Stable, for programs.
    pub code: ConflictCode,
    /// What is wrong, and what to do.
    pub message: String,
}

/// What a merge does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Names this very plan. What comes in every day (findings, tickets, deliveries) is not part of it: what is set up is,
    /// and who reaches it.
    pub digest: String,
    /// How much goes along.
    pub counts: Vec<Count>,
    /// What is called otherwise afterwards.
    pub renames: Vec<Rename>,
    /// What else is not as it was, in words.
    pub changes: Vec<String>,
    /// Who reaches nothing any more.
    pub withdrawn: Vec<Withdrawn>,
    /// What stands in its way.
    pub conflicts: Vec<Conflict>,
}

impl Plan {
    pub(super) fn renames_as_json(&self) -> Value {
        self.renames.iter().map(|one| json!({ "was": one.name, "is": one.new_name })).collect()
    }
}

/// Works it out; nothing is written.
pub(super) async fn make(
    db: &impl ConnectionTrait,
    source: &organization::Model,
    target: &organization::Model,
    instance_of: InstanceOf,
) -> Result<Plan, Error> {
    let selection = Selection::all(source.id, Some(target.id));
    let mut renames = Vec::new();
    for &(table, beside) in NAMED {
        let ours = moving::names(db, table, beside, selection.rows(table)).await?;
        let theirs = Selection::all(target.id, None).rows(table);
        let mut taken: BTreeSet<(String, String)> = moving::names(db, table, beside, theirs)
            .await?
            .into_iter()
            .map(|(_, beside, name)| (beside, name))
            .collect();
        // Nor is one given that another of the source has.
        let own: BTreeSet<_> = ours.iter().map(|(_, beside, name)| (beside.clone(), name.clone())).collect();
        for (id, beside, name) in ours {
            if !taken.contains(&(beside.clone(), name.clone())) {
                continue;
            }
            let new_name = free_name(&name, &source.slug, |wanted| {
                let key = (beside.clone(), wanted.to_owned());
                taken.contains(&key) || own.contains(&key)
            });
            taken.insert((beside, new_name.clone()));
            renames.push(Rename { table, id, name, new_name });
        }
    }
    let mut plan = Plan {
        digest: String::new(),
        counts: moving::counts(db, &selection).await?,
        renames,
        changes: differences(db, source, target).await?,
        withdrawn: withdrawn(db, source.id).await?,
        conflicts: conflicts::find(db, source, target, instance_of).await?,
    };
    plan.digest = digest(source, target, &moving::set_up(db, &selection).await?, &plan);
    Ok(plan)
}

fn digest(
    source: &organization::Model,
    target: &organization::Model,
    set_up: &[String],
    plan: &Plan,
) -> String {
    let renames: Vec<_> = plan.renames.iter().map(|one| (one.id, &one.new_name)).collect();
    let withdrawn: Vec<_> = plan.withdrawn.iter().map(|one| one.id).collect();
    let conflicts: Vec<_> = plan.conflicts.iter().map(|one| &one.message).collect();
    let whole = json!([source.id, target.id, set_up, renames, plan.changes, withdrawn, conflicts]);
    moving::digest(&whole)
}

/// The name with the source's slug behind it, and a number where that is taken, too.
fn free_name(name: &str, slug: &str, is_taken: impl Fn(&str) -> bool) -> String {
    (1..=MOST_NUMBER)
        .map(|number| {
            let ending = if number == 1 { format!(" ({slug})") } else { format!(" ({slug} {number})") };
            let room = MAX_NAME.saturating_sub(ending.chars().count());
            name.chars().take(room).chain(ending.chars()).collect::<String>()
        })
        .find(|wanted| !is_taken(wanted))
        .unwrap_or_default()
}

/// Who and what reaches the source.
async fn withdrawn(db: &impl ConnectionTrait, source_id: Uuid) -> Result<Vec<Withdrawn>, DbErr> {
    let tokens = access_token::Entity::find()
        .filter(access_token::Column::OrganizationId.eq(source_id))
        .filter(access_token::Column::RevokedAt.is_null())
        .order_by_asc(access_token::Column::Id)
        .all(db)
        .await?
        .into_iter()
        .map(|row| Withdrawn { reach: Reach::Token, id: row.id, name: row.name, role: Some(row.role) });
    let members = member::Entity::find()
        .filter(member::Column::OrganizationId.eq(source_id))
        .filter(member::Column::IsEnabled.eq(true))
        .order_by_asc(member::Column::Id)
        .all(db)
        .await?
        .into_iter()
        .map(|row| Withdrawn { reach: Reach::Member, id: row.id, name: row.name, role: Some(row.role) });
    let subscribers = webhook_subscriber::Entity::find()
        .filter(webhook_subscriber::Column::OrganizationId.eq(source_id))
        .filter(webhook_subscriber::Column::IsEnabled.eq(true))
        .order_by_asc(webhook_subscriber::Column::Id)
        .all(db)
        .await?
        .into_iter()
        .map(|row| Withdrawn { reach: Reach::Subscriber, id: row.id, name: row.name, role: None });
    Ok(tokens.chain(members).chain(subscribers).collect())
}

/// What is not as it was, beside names.
async fn differences(
    db: &impl ConnectionTrait,
    source: &organization::Model,
    target: &organization::Model,
) -> Result<Vec<String>, DbErr> {
    let mut words = Vec::new();
    let companies =
        company::Entity::find().filter(company::Column::OrganizationId.eq(source.id)).count(db).await?;
    let policies = policies(db, source.id).await?;
    if !policies.is_empty() {
        words.push(format!(
            "the policies of {} are asked after those of {}: what a policy of {} is for, it decides for the companies \
             that come along, too",
            source.slug, target.slug, target.slug
        ));
    }
    for policy in policies.iter().filter(|policy| rules::scope(policy).is_none()) {
        words.push(format!(
            "the policy \"{}\", which is for every company of {}, is from now on for the {companies} that come along",
            policy.name, source.slug
        ));
    }
    let defaults = ticket_profile::Entity::find()
        .filter(ticket_profile::Column::OrganizationId.eq(source.id))
        .filter(ticket_profile::Column::IsDefault.eq(true))
        .order_by_asc(ticket_profile::Column::Id)
        .all(db)
        .await?;
    for profile in defaults {
        words.push(format!(
            "the ticket profile \"{}\" is no default any more; the mappings on its connection that name no profile name \
             this one from now on",
            profile.name
        ));
    }
    if source.catch_all_company_id.is_some() {
        words.push(format!(
            "the catch-all company of {} is none any more: what names nobody goes to that of {}, or is held",
            source.slug, target.slug
        ));
    }
    let of_members = entity::ticket_permission::Entity::find()
        .filter(entity::ticket_permission::Column::OrganizationId.eq(source.id))
        .filter(entity::ticket_permission::Column::MemberId.is_not_null())
        .count(db)
        .await?;
    if of_members > 0 {
        words.push(format!(
            "{of_members} ticket permissions of single members of {} go with them",
            source.slug
        ));
    }
    Ok(words)
}

/// The policies of an organization, in their order.
pub(super) async fn policies(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
) -> Result<Vec<policy::Model>, DbErr> {
    policy::Entity::find()
        .filter(policy::Column::OrganizationId.eq(organization_id))
        .order_by_asc(policy::Column::Position)
        .order_by_asc(policy::Column::Id)
        .all(db)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_the_slug_behind_it_and_then_a_number() {
        let taken = ["Northwind (acme)"];
        assert_eq!(free_name("Northwind", "acme", |name| taken.contains(&name)), "Northwind (acme 2)");
        assert_eq!(free_name("Northwind", "acme", |_| false), "Northwind (acme)");
        let long = "n".repeat(MAX_NAME);
        assert_eq!(free_name(&long, "acme", |_| false).chars().count(), MAX_NAME);
    }
}
