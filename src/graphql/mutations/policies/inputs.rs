//! What is typed to make and change policies, and what is answered.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{company, event_set, organization, ticket_profile};

use super::super::{listed, policy_conditions::PolicyConditionInput, policy_handling::PolicyHandlingInput};
use crate::{
    error::Error,
    graphql::{
        errors::payload,
        ids,
        types::{Organization, Policy, PolicyNotifies, Severity},
    },
    organizations::policies::{NewPolicy, PolicyChange, PolicyValues},
};

/// A policy to be made.
#[derive(Debug, InputObject)]
pub struct PolicyCreateInput {
    /// For which organization.
    pub organization_id: ID,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: String,
    /// What it is for, at most 2,000 characters.
    #[graphql(default)]
    pub description: String,
    /// Its place among the policies, from 1; the last where it is absent. The first that matches decides.
    pub place: Option<i32>,
    /// Whether it is asked at all.
    #[graphql(default = true)]
    pub is_enabled: bool,
    /// The events it is for; null for every event. Absent: the organization's default event set, where it has one.
    pub event_set_id: MaybeUndefined<ID>,
    /// The companies it is for, 1,000 at the most; absent or null for every mapped company.
    pub company_ids: Option<Vec<ID>>,
    /// What must be true besides.
    pub conditions: Option<PolicyConditionInput>,
    /// Findings below it open no ticket; those of unknown severity always do. UNKNOWN for no limit.
    #[graphql(default_with = "Severity::Unknown")]
    pub minimum_severity: Severity,
    /// The ticket profile to use; absent or null for the organization's default.
    pub ticket_profile_id: Option<ID>,
    /// How long after its close a ticket is reopened, in seconds: 0 to 31,536,000 (365 days).
    #[graphql(default_with = "14 * 86_400")]
    pub reopen_window_seconds: i64,
    /// At most one note about repetitions in this time, in seconds: 0 to 2,592,000 (30 days).
    #[graphql(default_with = "3_600")]
    pub note_interval_seconds: i64,
    /// What becomes of what it wants: grouping, digests, closing; absent for the defaults.
    pub handling: Option<PolicyHandlingInput>,
    /// Whether what it wants gets a ticket. Where not, subscribers of `FINDING_MATCHED` and `FINDING_RESOLVED` are told,
    /// once when a problem is there and once when it is over; neither mapping nor profile is needed.
    #[graphql(default = true)]
    pub opens_tickets: bool,
    /// Who is told what becomes of its tickets, besides the PSA; not NOBODY where it opens none.
    #[graphql(default_with = "PolicyNotifies::All")]
    pub notifies: PolicyNotifies,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

impl PolicyCreateInput {
    /// The domain's policy.
    pub(in crate::graphql) fn read(self) -> Result<NewPolicy, Error> {
        let takes_default_set = self.event_set_id.is_undefined();
        let event_set_id =
            ids::parse_undefined::<event_set::Entity>(self.event_set_id, &["eventSetId"])?.flatten();
        let values = PolicyValues {
            name: self.name,
            description: self.description,
            is_enabled: self.is_enabled,
            event_set_id,
            company_ids: self
                .company_ids
                .map(|ids| listed::<company::Entity>(&ids, "companyIds"))
                .transpose()?,
            conditions: self.conditions.map(Into::into),
            minimum_severity: self.minimum_severity.into(),
            ticket_profile_id: ids::parse_option::<ticket_profile::Entity>(
                self.ticket_profile_id.as_ref(),
                &["ticketProfileId"],
            )?,
            reopen_window_secs: self.reopen_window_seconds,
            note_interval_secs: self.note_interval_seconds,
            handling: self.handling.map(PolicyHandlingInput::read).transpose()?.unwrap_or_default(),
            opens_tickets: self.opens_tickets,
            notifies: self.notifies.into(),
        };
        let organization_id = ids::parse::<organization::Entity>(&self.organization_id, &["organizationId"])?;
        Ok(NewPolicy { organization_id, values, takes_default_set, place: self.place })
    }
}

payload! {
    /// What `policyCreate` answers.
    PolicyCreatePayload, PolicyCreateUserError {
        /// The new policy.
        policy: Policy,
    }
}

/// A policy to be made of a preset.
#[derive(Debug, InputObject)]
pub struct PolicyCreateFromPresetInput {
    /// For which organization.
    pub organization_id: ID,
    /// Key of one of `policyPresets`.
    pub preset: String,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `policyCreateFromPreset` answers.
    PolicyCreateFromPresetPayload, PolicyCreateFromPresetUserError {
        /// The new policy; it stands first.
        policy: Policy,
    }
}

/// Which policy to copy.
#[derive(Debug, InputObject)]
pub struct PolicyCopyInput {
    /// The policy.
    pub id: ID,
    /// Name of the copy, at most 200 characters; "Copy of …" where it is absent.
    pub name: Option<String>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `policyCopy` answers.
    PolicyCopyPayload, PolicyCopyUserError {
        /// The copy; it stands behind the policy and is switched off.
        policy: Policy,
    }
}

/// What to change of a policy; what is absent stays.
#[derive(Debug, InputObject)]
pub struct PolicyUpdateInput {
    /// The policy.
    pub id: ID,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: Option<String>,
    /// What it is for, at most 2,000 characters.
    pub description: Option<String>,
    /// Whether it is asked at all.
    pub is_enabled: Option<bool>,
    /// The events it is for; null for every event.
    pub event_set_id: MaybeUndefined<ID>,
    /// The companies it is for, all anew, 1,000 at the most; null for every mapped company.
    pub company_ids: MaybeUndefined<Vec<ID>>,
    /// What must be true besides, all anew; null for nothing.
    pub conditions: MaybeUndefined<PolicyConditionInput>,
    /// Findings below it open no ticket; those of unknown severity always do. UNKNOWN for no limit.
    pub minimum_severity: Option<Severity>,
    /// The ticket profile to use; null for the organization's default.
    pub ticket_profile_id: MaybeUndefined<ID>,
    /// How long after its close a ticket is reopened, in seconds: 0 to 31,536,000 (365 days).
    pub reopen_window_seconds: Option<i64>,
    /// At most one note about repetitions in this time, in seconds: 0 to 2,592,000 (30 days).
    pub note_interval_seconds: Option<i64>,
    /// What becomes of what it wants, all anew: what is absent in it is as by default.
    pub handling: Option<PolicyHandlingInput>,
    /// Whether what it wants gets a ticket. Where not, subscribers are told, and that is all. Open tickets stay, and are
    /// followed and closed as before.
    pub opens_tickets: Option<bool>,
    /// Who is told what becomes of its tickets, besides the PSA; not NOBODY where it opens none.
    pub notifies: Option<PolicyNotifies>,
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

impl PolicyUpdateInput {
    /// The domain's change.
    pub(super) fn read(self) -> Result<PolicyChange, Error> {
        Ok(PolicyChange {
            name: self.name,
            description: self.description,
            is_enabled: self.is_enabled,
            event_set_id: ids::parse_undefined::<event_set::Entity>(self.event_set_id, &["eventSetId"])?,
            company_ids: match self.company_ids {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(ids) => Some(Some(listed::<company::Entity>(&ids, "companyIds")?)),
            },
            conditions: match self.conditions {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(typed) => Some(Some(typed.into())),
            },
            minimum_severity: self.minimum_severity.map(Into::into),
            ticket_profile_id: ids::parse_undefined::<ticket_profile::Entity>(
                self.ticket_profile_id,
                &["ticketProfileId"],
            )?,
            reopen_window_secs: self.reopen_window_seconds,
            note_interval_secs: self.note_interval_seconds,
            handling: self.handling.map(PolicyHandlingInput::read).transpose()?,
            opens_tickets: self.opens_tickets,
            notifies: self.notifies.map(Into::into),
            expected_version: self.expected_version,
        })
    }
}

payload! {
    /// What `policyUpdate` answers.
    PolicyUpdatePayload, PolicyUpdateUserError {
        /// The policy, changed.
        policy: Policy,
    }
}

/// Which policy to remove.
#[derive(Debug, InputObject)]
pub struct PolicyDeleteInput {
    /// The policy.
    pub id: ID,
}

payload! {
    /// What `policyDelete` answers.
    PolicyDeletePayload, PolicyDeleteUserError {
        /// Id of the policy that was removed.
        deleted_policy_id: ID,
    }
}

/// The order of an organization's policies.
#[derive(Debug, InputObject)]
pub struct PolicyReorderInput {
    /// The organization.
    pub organization_id: ID,
    /// All of its policies, each once, the one to be asked first first. Where one is missing, made meanwhile perhaps,
    /// nothing is changed, and the error is `STALE`.
    pub policy_ids: Vec<ID>,
}

payload! {
    /// What `policyReorder` answers.
    PolicyReorderPayload, PolicyReorderUserError {
        /// The organization, whose policies now stand in that order.
        organization: Organization,
    }
}
