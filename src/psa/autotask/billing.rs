//! Services on contracts. What is billed is kept in units by periods; it is changed by adjustments, each a difference
//! that counts from a day on.
//!
//! An adjustment cannot be looked for: whether one arrived shows only in the units of its day. So this file sends what
//! it is told and never again by itself; the ledger decides what may be repeated.

use async_trait::async_trait;
use entity::Quantity;
use serde_json::{Value, json};

use super::{
    Connection,
    api::{Query, condition},
    wire,
};
use crate::{
    psa::{Billing, PsaError},
    sync::billing::remote::{LinePlace, QuantityChange, RemoteBillingLine},
};

/// The built-in status of contracts that run (vendor's pick list).
const ACTIVE: i64 = 1;
const CONTRACT: &[&str] = &["id", "companyID", "contractName", "status", "startDate", "endDate"];
const SERVICE: &[&str] = &["id", "contractID", "serviceID", "invoiceDescription"];
const UNITS: &[&str] = &["id", "contractServiceID", "startDate", "endDate", "units"];
/// How many values one condition takes.
const AT_ONCE: usize = 500;

#[async_trait]
impl Billing for Connection {
    async fn lines(&self, company_external_id: &str, day: &str) -> Result<Vec<RemoteBillingLine>, PsaError> {
        let company = wire::record_id("company", company_external_id)?;
        let filter = vec![condition("eq", "companyID", company), condition("eq", "status", ACTIVE)];
        let contracts = self.api.all(&Query { entity: "Contracts", fields: CONTRACT, filter }).await?;
        let contracts: Vec<_> =
            contracts.into_iter().filter(|row| wire::int(row, "companyID") == Some(company)).collect();
        let ids: Vec<i64> = contracts.iter().filter_map(|row| wire::id(row, "id")).collect();
        let (mut services, mut units) = (Vec::new(), Vec::new());
        for some in ids.chunks(AT_ONCE) {
            let of = || vec![condition("in", "contractID", some.to_vec())];
            let query = Query { entity: "ContractServices", fields: SERVICE, filter: of() };
            services.extend(self.api.all(&query).await?);
            let query = Query { entity: "ContractServiceUnits", fields: UNITS, filter: of() };
            units.extend(self.api.all(&query).await?);
        }
        let lines = services.iter().filter_map(|service| {
            let contract = wire::int(service, "contractID")?;
            let contract = contracts.iter().find(|row| wire::id(row, "id") == Some(contract))?;
            line(contract, service, &units, day)
        });
        Ok(lines.collect())
    }

    async fn line(&self, place: &LinePlace) -> Result<Option<RemoteBillingLine>, PsaError> {
        let company = wire::record_id("company", &place.company_external_id)?;
        let contract = wire::record_id("contract", &place.invoice_external_id)?;
        let service = wire::record_id("service", &place.external_id)?;
        let Some(contract) = self.api.get_item("Contracts", contract).await? else { return Ok(None) };
        if wire::int(&contract, "companyID") != Some(company) {
            let reason = String::from("the contract is another company's by now; pick another line");
            return Err(PsaError::Rejected { field: None, reason });
        }
        let filter = vec![condition("eq", "id", service)];
        let found = self.api.all(&Query { entity: "ContractServices", fields: SERVICE, filter }).await?;
        let row = found.iter().find(|row| wire::id(row, "id") == Some(service));
        let Some(row) = row.filter(|row| wire::int(row, "contractID") == wire::id(&contract, "id")) else {
            return Ok(None);
        };
        let filter = vec![condition("eq", "contractServiceID", service)];
        let units = self.api.all(&Query { entity: "ContractServiceUnits", fields: UNITS, filter }).await?;
        Ok(line(&contract, row, &units, &place.day))
    }

    async fn set_quantity(&self, change: &QuantityChange) -> Result<(), PsaError> {
        let contract = wire::record_id("contract", &change.place.invoice_external_id)?;
        let service = wire::record_id("service", &change.place.external_id)?;
        let Some(units) = change.sent.as_whole() else {
            let reason = format!("Autotask takes whole units only, and {} is none", change.proposed);
            return Err(PsaError::Rejected { field: Some(String::from("unitChange")), reason });
        };
        let body = json!({
            "contractServiceID": service,
            "unitChange": units,
            "effectiveDate": format!("{}T00:00:00", change.place.day),
        });
        self.api.create(&format!("Contracts/{contract}/ServiceAdjustments"), &body).await.map(|_| ())
    }
}

fn line(contract: &Value, service: &Value, units: &[Value], day: &str) -> Option<RemoteBillingLine> {
    let (contract_id, id) = (wire::id(contract, "id")?, wire::id(service, "id")?);
    let name = wire::text(service, "invoiceDescription").map(wire::one_line).unwrap_or_default();
    let name = Some(name)
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("Service {}", wire::int(service, "serviceID").unwrap_or_default()));
    // Each period, and each adjustment within one, has a row of its own: the latest that the day lies in.
    let of_day = units
        .iter()
        .filter(|row| wire::int(row, "contractServiceID") == Some(id))
        .filter(|row| date(row, "startDate").is_some_and(|from| from <= day))
        .filter(|row| date(row, "endDate").is_none_or(|until| day <= until))
        .max_by_key(|row| (date(row, "startDate").map(str::to_owned), wire::id(row, "id")));
    let fixed_because = match of_day {
        _ if wire::int(contract, "status").is_some_and(|status| status != ACTIVE) => {
            Some("its contract is not active".to_owned())
        }
        None => Some(format!("its contract has no billing period on {day}")),
        Some(_) => None,
    };
    let ends = date(contract, "endDate").map(|day| format!("until {day}"));
    Some(RemoteBillingLine {
        invoice_external_id: contract_id.to_string(),
        invoice_name: wire::text(contract, "contractName").map(wire::one_line).unwrap_or_default(),
        invoice_rhythm: ends,
        external_id: id.to_string(),
        name,
        quantity: Quantity::whole(of_day.and_then(|row| wire::int(row, "units")).unwrap_or_default()),
        fixed_because,
        url: None,
    })
}

/// The day of a time, as in `2026-11-21`.
fn date<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    wire::text(row, key)?.get(..10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_of_a_day_are_those_of_the_latest_row_that_it_lies_in() {
        let contract = json!({ "id": 300, "contractName": "Managed Security", "status": 1 });
        let service = json!({ "id": 500, "contractID": 300, "serviceID": 40 });
        let row = |id: i64, from: &str, until: &str, units: i64| {
            json!({ "id": id, "contractServiceID": 500, "startDate": format!("{from}T00:00:00"),
                "endDate": format!("{until}T00:00:00"), "units": units })
        };
        let units = [
            row(1, "2026-11-01", "2026-11-30", 10),
            row(2, "2026-11-15", "2026-11-30", 12),
            row(3, "2026-12-01", "2026-12-31", 99),
        ];
        let on = |day: &str| line(&contract, &service, &units, day).unwrap();
        assert_eq!(on("2026-11-14").quantity, Quantity::whole(10));
        assert_eq!(on("2026-11-15").quantity, Quantity::whole(12));
        assert_eq!((on("2026-11-30").quantity, on("2026-11-30").fixed_because), (Quantity::whole(12), None));
        assert!(on("2027-01-01").fixed_because.is_some_and(|why| why.contains("no billing period")));
        let ended = json!({ "id": 300, "status": 0 });
        assert!(line(&ended, &service, &units, "2026-11-15").unwrap().fixed_because.is_some());
    }
}
