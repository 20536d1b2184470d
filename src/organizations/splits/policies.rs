//! What becomes of policies: each side keeps what it was asked by.

use std::collections::{BTreeMap, BTreeSet};

use entity::{organization, policy, ticket_profile};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use uuid::Uuid;

use crate::{decisions::rules, organizations::moving::Chosen};

/// What becomes of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is for companies that stay, or for none.
    Stays,
    /// It is for nobody but companies that go.
    Goes,
    /// It is for every company: both sides have one.
    Copied,
    /// Both sides have one, each for its own companies.
    Parted {
        /// Those that go.
        going: Vec<Uuid>,
        /// Those that stay.
        staying: Vec<Uuid>,
    },
}

impl Fate {
    /// By the companies it is for; none for every one.
    fn of(scope: Option<Vec<Uuid>>, companies: &BTreeSet<Uuid>) -> Self {
        let Some(scope) = scope else { return Self::Copied };
        let (going, staying): (Vec<_>, Vec<_>) = scope.into_iter().partition(|id| companies.contains(id));
        match (going.is_empty(), staying.is_empty()) {
            (true, _) => Self::Stays,
            (false, true) => Self::Goes,
            (false, false) => Self::Parted { going, staying },
        }
    }

    /// Whether the source has it afterwards.
    pub(super) const fn is_at_source(&self) -> bool {
        !matches!(self, Self::Goes)
    }

    /// Whether the new organization has it, or one like it.
    pub(super) const fn is_at_target(&self) -> bool {
        !matches!(self, Self::Stays)
    }

    /// Whether both have one.
    pub(super) const fn is_copied(&self) -> bool {
        matches!(self, Self::Copied | Self::Parted { .. })
    }
}

/// A policy, and what becomes of it.
#[derive(Clone, Debug)]
pub(super) struct Fated {
    pub(super) policy: policy::Model,
    pub(super) fate: Fate,
    /// The profile it names, and whether that goes.
    pub(super) profile: Option<(String, bool)>,
}

impl Fated {
    /// The profile that it names on one side: none where that is on the other one.
    pub(super) fn profile_id(&self, at_target: bool) -> Option<Uuid> {
        let is_there = self.profile.as_ref().is_none_or(|(_, goes)| *goes == at_target);
        self.policy.ticket_profile_id.filter(|_| is_there)
    }

    /// What is not as it was, in words.
    pub(super) fn words(&self, source: &organization::Model, made: &organization::Model) -> Vec<String> {
        let name = &self.policy.name;
        let mut words = Vec::new();
        if matches!(self.fate, Fate::Parted { .. }) {
            words.push(format!(
                "the policy \"{name}\" is parted: that of {} is for the companies that stay, that of {} for those that go",
                source.slug, made.slug
            ));
        }
        if let Some((profile, goes)) = &self.profile {
            let (slug, is_there, does) = if *goes {
                (&source.slug, self.fate.is_at_source(), "goes")
            } else {
                (&made.slug, self.fate.is_at_target(), "stays")
            };
            if is_there {
                words.push(format!(
                    "the policy \"{name}\" of {slug} names no ticket profile any more: \"{profile}\" {does}"
                ));
            }
        }
        words
    }
}

/// The policies of the source in their order, and what becomes of each.
pub(super) async fn find(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    chosen: &Chosen,
) -> Result<Vec<Fated>, DbErr> {
    let policies = policy::Entity::find()
        .filter(policy::Column::OrganizationId.eq(source_id))
        .order_by_asc(policy::Column::Position)
        .order_by_asc(policy::Column::Id)
        .all(db)
        .await?;
    let profiles: BTreeMap<Uuid, ticket_profile::Model> = ticket_profile::Entity::find()
        .filter(ticket_profile::Column::OrganizationId.eq(source_id))
        .all(db)
        .await?
        .into_iter()
        .map(|profile| (profile.id, profile))
        .collect();
    let companies: BTreeSet<Uuid> = chosen.companies.iter().copied().collect();
    let fated = policies.into_iter().map(|policy| {
        let profile = policy.ticket_profile_id.and_then(|id| profiles.get(&id));
        Fated {
            fate: Fate::of(rules::scope(&policy), &companies),
            profile: profile
                .map(|one| (one.name.clone(), chosen.connections.contains(&one.psa_connection_id))),
            policy,
        }
    });
    Ok(fated.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(numbers: impl IntoIterator<Item = u8>) -> Vec<Uuid> {
        numbers.into_iter().map(|number| Uuid::from_u128(number.into())).collect()
    }

    proptest! {
        #[test]
        fn each_company_is_asked_by_the_same_policies_as_before(
            scope in proptest::option::of(proptest::collection::btree_set(0_u8..6, 0..6)),
            going in proptest::collection::btree_set(0_u8..6, 0..6),
        ) {
            let scope = scope.map(ids);
            let chosen: BTreeSet<Uuid> = ids(going).into_iter().collect();
            let fate = Fate::of(scope.clone(), &chosen);
            for company in ids(0..6) {
                let was_asked = scope.as_ref().is_none_or(|scope| scope.contains(&company));
                let is_asked = match (&fate, chosen.contains(&company)) {
                    (Fate::Parted { going, .. }, true) => going.contains(&company),
                    (Fate::Parted { staying, .. }, false) => staying.contains(&company),
                    (fate, true) => fate.is_at_target() && was_asked,
                    (fate, false) => fate.is_at_source() && was_asked,
                };
                prop_assert_eq!(is_asked, was_asked, "{:?}", fate);
            }
            // None is left that is for nobody, but for those that were so before.
            if let Fate::Parted { going, staying } = &fate {
                prop_assert!(!going.is_empty() && !staying.is_empty());
            }
            prop_assert!(fate.is_at_source() || !scope.unwrap_or_default().is_empty());
        }
    }
}
