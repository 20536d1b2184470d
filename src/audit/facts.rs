//! What of each row may stand in the audit log, by the names that the API has for it. Nothing in here is a
//! secret, a part of one, or opens anything.

use entity::{
    Role, Severity, Timestamp, access_token, billing_calendar, billing_entry, billing_line, company,
    company_alias, company_import, company_mapping, company_value, event_set, maintenance_window, member,
    mute, organization, policy, psa_connection, ticket, ticket_operation, ticket_permission, ticket_profile,
    webhook_delivery, webhook_endpoint, webhook_subscriber,
};
use sea_orm::ActiveEnum;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    decisions::{cadence::clock, rules::scope, weekly},
    global_id,
    notifications::happenings,
    organizations::subscribers,
};

/// A row that people change.
pub trait Audited {
    /// Its type in the API.
    const TYPE: &'static str;

    /// Whose it is; none for what is the installation's.
    fn organization_id(&self) -> Option<Uuid>;

    /// Its id.
    fn id(&self) -> Uuid;

    /// Its name for people.
    fn name(&self) -> String;

    /// What of it stands in the log.
    fn facts(&self) -> Map<String, Value>;
}

/// A reference to another row, as the API has it.
pub fn reference<T: Audited>(id: Uuid) -> Value {
    global_id::encode(T::TYPE, id).into()
}

fn reference_maybe<T: Audited>(id: Option<Uuid>) -> Value {
    id.map_or(Value::Null, reference::<T>)
}

/// A state or kind, as the API has it.
pub fn word(state: &impl ActiveEnum<Value = String>) -> Value {
    state.to_value().to_uppercase().into()
}

/// A time, as the API has it.
pub fn moment(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| at.rfc3339().into())
}

fn role(role: Role) -> Value {
    word(&role)
}

fn severity(severity: Severity) -> Value {
    severity.word().to_uppercase().into()
}

macro_rules! audited {
    ($($table:ident as $type:literal named |$row:ident| $name:expr, {
        $($fact:literal: $value:expr),* $(,)?
    })*) => {$(
        impl Audited for $table::Model {
            const TYPE: &'static str = $type;

            fn organization_id(&self) -> Option<Uuid> {
                Owner::from(self.organization_id).0
            }

            fn id(&self) -> Uuid {
                self.id
            }

            fn name(&self) -> String {
                let $row = self;
                $name
            }

            fn facts(&self) -> Map<String, Value> {
                let $row = self;
                [$(($fact.to_owned(), json!($value))),*].into_iter().collect()
            }
        }
    )*};
}

/// Whose a row is: some tables have rows of the installation, too.
struct Owner(Option<Uuid>);

impl From<Uuid> for Owner {
    fn from(id: Uuid) -> Self {
        Self(Some(id))
    }
}

impl From<Option<Uuid>> for Owner {
    fn from(id: Option<Uuid>) -> Self {
        Self(id)
    }
}

impl Audited for organization::Model {
    const TYPE: &'static str = "Organization";

    fn organization_id(&self) -> Option<Uuid> {
        Some(self.id)
    }

    fn id(&self) -> Uuid {
        self.id
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn facts(&self) -> Map<String, Value> {
        [
            ("slug".to_owned(), json!(self.slug)),
            ("name".to_owned(), json!(self.name)),
            ("isTicketingEnabled".to_owned(), json!(self.is_ticketing_enabled)),
            ("catchAllCompanyId".to_owned(), reference_maybe::<company::Model>(self.catch_all_company_id)),
            ("mergedIntoId".to_owned(), reference_maybe::<organization::Model>(self.merged_into_id)),
        ]
        .into_iter()
        .collect()
    }
}

audited! {
    access_token as "AccessToken" named |row| row.name.clone(), {
        "name": row.name,
        "role": role(row.role),
        "keyId": row.key_id,
        "scopes": row.scopes,
        "allowedAddresses": row.allowed_addresses,
        "expiresAt": moment(row.expires_at),
        "revokedAt": moment(row.revoked_at),
    }
    billing_calendar as "BillingCalendar" named |row| row.time_zone.clone(), {
        "startDay": row.start_day,
        "timeZone": row.time_zone,
        "pushAt": u16::try_from(row.push_minute).map(clock).ok(),
        "isPushEnabled": row.is_push_enabled,
    }
    billing_entry as "BillingEntry" named |row| row.period.clone(), {
        "billingLineId": reference::<billing_line::Model>(row.billing_line_id),
        "period": row.period,
        "proposed": row.proposed.to_string(),
        "reason": row.reason,
        "state": word(&row.state),
    }
    billing_line as "BillingLine" named |row| row.product.clone(), {
        "companyId": reference::<company::Model>(row.company_id),
        "product": row.product,
        "psaConnectionId": reference::<psa_connection::Model>(row.psa_connection_id),
        "invoice": row.invoice_name,
        "line": row.line_name,
        "lineExternalId": row.line_external_id,
        "isEnabled": row.is_enabled,
    }
    company as "Company" named |row| row.name.clone(), {
        "name": row.name,
    }
    company_alias as "CompanyAlias" named |row| row.value.clone(), {
        "companyId": reference::<company::Model>(row.company_id),
        "source": row.source,
        "value": row.value,
    }
    company_import as "CompanyImport" named |row| row.id.to_string(), {
        "psaConnectionId": reference::<psa_connection::Model>(row.psa_connection_id),
        "state": word(&row.state),
        "filter": row.filter,
    }
    company_mapping as "CompanyMapping" named |row| row.id.to_string(), {
        "companyId": reference::<company::Model>(row.company_id),
        "psaConnectionId": reference::<psa_connection::Model>(row.psa_connection_id),
        "psaCompanyId": global_id::encode("PsaCompany", row.psa_company_id),
        "isTicketingEnabled": row.is_ticketing_enabled,
        "ticketProfileId": reference_maybe::<ticket_profile::Model>(row.ticket_profile_id),
        "eventSetId": reference_maybe::<event_set::Model>(row.event_set_id),
        "isEnabled": row.is_enabled,
        "isConfigurationsEnabled": row.is_configurations_enabled,
        "origin": word(&row.origin),
    }
    company_value as "CompanyValue" named |row| row.name.clone(), {
        "kind": word(&row.kind),
        "name": row.name,
    }
    event_set as "EventSet" named |row| row.name.clone(), {
        "name": row.name,
        "isDefault": row.is_default,
        "remediationGrain": word(&row.remediation_grain),
        "choices": row.choices,
    }
    maintenance_window as "MaintenanceWindow" named |row| row.name.clone(), {
        "name": row.name,
        "companyId": reference_maybe::<company::Model>(row.company_id),
        "startsAt": moment(Some(row.starts_at)),
        "endsAt": moment(Some(row.ends_at)),
        "weekly": weekly::of(row).map(|weekly| weekly.words()),
    }
    member as "Member" named |row| row.name.clone(), {
        "email": row.email,
        "role": role(row.role),
        "isEnabled": row.is_enabled,
        "isRoleClaimed": row.is_role_claimed,
    }
    mute as "Mute" named |row| row.reason.clone(), {
        "findingId": row.finding_id.map(|id| global_id::encode("Finding", id)),
        "groupKey": row.group_key,
        "until": moment(Some(row.until)),
        "reason": row.reason,
    }
    policy as "Policy" named |row| row.name.clone(), {
        "name": row.name,
        "description": Some(&row.description).filter(|text| !text.is_empty()),
        "isEnabled": row.is_enabled,
        "eventSetId": reference_maybe::<event_set::Model>(row.event_set_id),
        "companyIds": scope(row).map(|ids| ids.into_iter().map(reference::<company::Model>).collect::<Value>()),
        "conditions": row.conditions,
        "minimumSeverity": severity(row.minimum_severity),
        "ticketProfileId": reference_maybe::<ticket_profile::Model>(row.ticket_profile_id),
        "reopenWindowSeconds": row.reopen_window_secs,
        "noteIntervalSeconds": row.note_interval_secs,
        "opensTickets": row.opens_tickets,
        "notifies": word(&row.notifies),
    }
    psa_connection as "PsaConnection" named |row| row.name.clone(), {
        "platform": row.platform,
        "name": row.name,
        "isEnabled": row.is_enabled,
        "companyId": reference_maybe::<company::Model>(row.company_id),
        "settings": row.settings,
    }
    ticket as "Ticket" named |row| row.title.clone(), {
        "psaConnectionId": reference::<psa_connection::Model>(row.psa_connection_id),
        "companyId": reference::<company::Model>(row.company_id),
        "externalId": row.external_id,
        "state": word(&row.state),
    }
    ticket_operation as "TicketOperation" named |row| row.kind.to_value(), {
        "ticketId": reference::<ticket::Model>(row.ticket_id),
        "kind": word(&row.kind),
        "state": word(&row.state),
    }
    ticket_permission as "TicketPermission" named |row| row.subject.clone(), {
        "psaConnectionId": reference::<psa_connection::Model>(row.psa_connection_id),
        "role": row.role.map(role),
        "memberId": reference_maybe::<member::Model>(row.member_id),
        "boards": row.boards,
        "hiddenFields": row.hidden_fields,
        "showsNotes": row.shows_notes,
        "showsInternalNotes": row.shows_internal_notes,
    }
    ticket_profile as "TicketProfile" named |row| row.name.clone(), {
        "psaConnectionId": reference::<psa_connection::Model>(row.psa_connection_id),
        "name": row.name,
        "isDefault": row.is_default,
        "fields": row.fields,
        "statusOnCreate": row.status_on_create,
        "statusOnClose": row.status_on_close,
        "titleTemplate": row.title_template,
        "bodyTemplate": row.body_template,
    }
    webhook_delivery as "WebhookDelivery" named |row| row.message_id.clone(), {
        "webhookEndpointId": reference::<webhook_endpoint::Model>(row.webhook_endpoint_id),
        "state": word(&row.state),
    }
    // Not its address: who knows that may post where the way of authentication is weak.
    webhook_endpoint as "WebhookEndpoint" named |row| row.name.clone(), {
        "name": row.name,
        "sender": row.sender,
        "scheme": row.scheme,
        "psaConnectionId": reference_maybe::<psa_connection::Model>(row.psa_connection_id),
        "isEnabled": row.is_enabled,
        "allowedAddresses": row.allowed_addresses,
        "settings": row.settings,
        "mode": word(&row.mode),
        "baselineUntil": moment(row.baseline_until),
        "isRegistered": row.registration != webhook_endpoint::Registration::ByHand,
    }
    // Not its address, whose path may be a secret, but the host.
    webhook_subscriber as "WebhookSubscriber" named |row| row.name.clone(), {
        "name": row.name,
        "host": subscribers::host(&row.url),
        "isEnabled": row.is_enabled,
        "kinds": row.kinds,
        "policyIds": happenings::policy_ids(row)
            .map(|ids| ids.into_iter().map(reference::<policy::Model>).collect::<Value>()),
        "disabledBecause": row.disabled_because.as_ref().map(word),
    }
}
