//! Which rows go along, and with what.

/// With what a row of a table goes, where only a part of an organization does.
#[derive(Debug)]
pub(super) enum By {
    /// With the company in this column.
    Company(&'static str),
    /// With the connection in this column.
    Connection(&'static str),
    /// With the endpoint in this column.
    Endpoint(&'static str),
    /// With the policy in this column.
    Policy(&'static str),
    /// With the row of a table that this column refers to.
    Of(&'static str, &'static str),
    /// With the rows of a table that have the same in their column of this name.
    Same(&'static str, &'static str),
    /// With one or another.
    Either(&'static [By]),
    /// With nothing: it stays. What goes and refers to it gets one like it, see `splits::copying`.
    None,
}

const COMPANY: &str = "company_id";
const CONNECTION: &str = "psa_connection_id";
const ENDPOINT: &str = "webhook_endpoint_id";
/// What was read from webhooks goes with its company. Of an endpoint that goes nothing stays: nobody's events go, too.
const FROM_WEBHOOKS: By =
    By::Either(&[By::Company(COMPANY), By::Of("webhook_delivery_id", "webhook_delivery")]);

/// Tables whose rows go along as they are: who refers before who is referred to, so that looking for references to what
/// has gone finds none at once.
pub(super) const MOST: &[(&str, By)] = &[
    ("attempt", By::Of("ticket_operation_id", "ticket_operation")),
    ("ticket_operation", By::Connection(CONNECTION)),
    ("ticket_finding", By::Of("ticket_id", "ticket")),
    ("waiting_finding", By::Of("finding_id", "finding")),
    ("told_finding", By::Of("finding_id", "finding")),
    ("finding_alias", By::Company(COMPANY)),
    ("mute", By::Either(&[By::Of("finding_id", "finding"), By::Same("group_key", "ticket")])),
    ("event", FROM_WEBHOOKS),
    ("notification_attempt", By::None),
    ("notification", By::None),
    ("subscriber_secret", By::None),
    ("webhook_subscriber", By::None),
    ("billing_entry", By::Of("billing_line_id", "billing_line")),
    ("billing_line", By::Company(COMPANY)),
    ("billing_refresh", By::Connection(CONNECTION)),
    ("psa_billing_line", By::Connection(CONNECTION)),
    ("usage_mark", By::Company(COMPANY)),
    ("usage_report", FROM_WEBHOOKS),
    ("billing_calendar", By::None),
    ("asset_alias", By::Company(COMPANY)),
    ("asset_link", By::Of("asset_id", "asset")),
    ("asset", By::Company(COMPANY)),
    ("configuration", By::Connection(CONNECTION)),
    ("configuration_setup", By::Connection(CONNECTION)),
    ("contact", By::Connection(CONNECTION)),
    ("contact_setup", By::Connection(CONNECTION)),
    ("psa_ticket_note", By::Connection(CONNECTION)),
    ("psa_ticket", By::Connection(CONNECTION)),
    ("psa_ticket_setup", By::Connection(CONNECTION)),
    ("company_import_item", By::Of("company_import_id", "company_import")),
    ("company_import", By::Connection(CONNECTION)),
    ("company_value_mapping", By::Connection(CONNECTION)),
    ("company_value_sync", By::Connection(CONNECTION)),
    ("sync_error", By::Of("sync_run_id", "sync_run")),
    ("sync_run", By::Connection(CONNECTION)),
    ("sync_schedule", By::Connection(CONNECTION)),
    ("ticket_permission", By::Connection(CONNECTION)),
    ("ticket", By::Connection(CONNECTION)),
    ("finding", By::Company(COMPANY)),
    ("company_lookup", By::Company(COMPANY)),
    ("company_alias", By::Company(COMPANY)),
    ("company_mapping", By::Company(COMPANY)),
    ("maintenance_window", By::Company(COMPANY)),
    ("policy", By::Policy("id")),
    ("policy_snapshot", By::None),
    ("event_set", By::None),
    ("ticket_profile", By::Connection(CONNECTION)),
    ("pick_list", By::Connection(CONNECTION)),
    ("psa_company", By::Connection(CONNECTION)),
    ("psa_connection", By::Connection("id")),
    ("company_value", By::None),
    ("company", By::Company("id")),
];

/// The same for what webhooks are stored by, last, so that they wait for as short as can be; and for lanes, which are locked
/// after everything else, here as everywhere.
pub(super) const LAST: &[(&str, By)] = &[
    ("webhook_secret", By::Endpoint(ENDPOINT)),
    ("webhook_delivery", By::Endpoint(ENDPOINT)),
    ("webhook_endpoint", By::Endpoint("id")),
    ("subscriber_lane", By::None),
    ("lane", By::Connection("id")),
];

/// Tables whose rows stay: who could reach the source, its log and its keys. What is counted of tickets and deliveries
/// goes along by itself, row by row, as they go.
#[cfg(test)]
const STAYING: &[&str] = &[
    "access_token",
    "audit_entry",
    "audit_head",
    "data_key",
    "idempotency_key",
    "member",
    "tally",
    "tally_delta",
];

/// The tables whose rows go along.
pub(super) fn moved() -> impl Iterator<Item = &'static str> {
    MOST.iter().chain(LAST).map(|(table, _)| *table)
}

/// With what a table's rows go; those of a table that is not among them with nothing.
pub(super) fn by(table: &str) -> &'static By {
    MOST.iter().chain(LAST).find(|(name, _)| *name == table).map_or(&By::None, |(_, by)| by)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn every_table_of_an_organization_goes_along_or_stays() {
        let ground = testing::ground().await;
        let (backend, listing) = if ground.db.is_sqlite() {
            let listing = "SELECT m.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c
                         WHERE m.type = 'table' AND c.name = 'organization_id'";
            (DbBackend::Sqlite, listing)
        } else {
            let listing = "SELECT table_name::text AS name FROM information_schema.columns
                         WHERE column_name = 'organization_id' AND table_schema = current_schema()";
            (DbBackend::Postgres, listing)
        };
        let rows = ground.db.reader().query_all_raw(Statement::from_string(backend, listing)).await.unwrap();
        let there: BTreeSet<String> = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
        let named: Vec<String> = moved().chain(STAYING.iter().copied()).map(str::to_owned).collect();
        let words = "say what becomes of its rows in a merge, and with what they go in a split";
        assert_eq!(there, named.iter().cloned().collect(), "{words}");
        assert_eq!(there.len(), named.len(), "each once");
    }

    /// The tables with whose rows others go.
    fn tables(by: &'static By) -> Vec<&'static str> {
        match by {
            By::Of(_, table) | By::Same(_, table) => vec![table],
            By::Either(ways) => ways.iter().flat_map(tables).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn who_goes_with_another_table_goes_before_it_does() {
        let names: Vec<&str> = moved().collect();
        let place = |name: &str| names.iter().position(|one| *one == name);
        for name in &names {
            for table in tables(by(name)) {
                assert!(place(name) < place(table), "{name} goes with {table}");
            }
        }
    }
}
