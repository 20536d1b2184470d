//! Quantities of services: adjustments are differences, each call makes another one.

use serde_json::Value;

use super::{
    model::{Entity, Reads, Row},
    world::AutotaskWorld,
    write::Complaints,
};
use crate::sandbox::frame::LedgerBilling;

impl AutotaskWorld {
    /// An adjustment names the service on a contract, and a date that lies within a period of it.
    pub(super) fn adjustment_rules(&self, row: &Row) -> Complaints {
        let service =
            row.int("contractServiceID").and_then(|id| self.store.get(Entity::ContractServices, id));
        let Some(service) = service else {
            return Err(vec!["Value does not exist for the required field contractServiceID".to_owned()]);
        };
        let contract = service.int("contractID");
        if row.int("contractID").is_some_and(|id| Some(id) != contract) {
            return Err(vec!["The contractServiceID does not belong to the contractID.".to_owned()]);
        }
        if self.period(row).is_none() {
            return Err(vec!["The effectiveDate lies outside the periods of the contract.".to_owned()]);
        }
        Ok(())
    }

    /// The row of units that an adjustment falls into; the dates compare as texts.
    fn period(&self, row: &Row) -> Option<i64> {
        let mut units = self.store.rows(Entity::ContractServiceUnits);
        let day = row.text("effectiveDate");
        units.find_map(|(id, unit)| {
            let is_same = unit.int("contractServiceID") == row.int("contractServiceID");
            (is_same && unit.text("startDate") <= day && day <= unit.text("endDate")).then_some(id)
        })
    }

    /// What truly stands in the contracts.
    pub(super) fn tell_billing(&self) -> Vec<LedgerBilling> {
        let tell = |(_, unit): (i64, &Row)| {
            let service = unit.int("contractServiceID")?;
            let contract = unit.int("contractID")?;
            let company = self.store.get(Entity::Contracts, contract)?.int("companyID")?;
            let adjustments = self.store.rows(Entity::ContractServiceAdjustments);
            let name = self.store.get(Entity::ContractServices, service)?.text("invoiceDescription");
            let own = adjustments.filter(|(_, row)| row.int("contractServiceID") == Some(service));
            let writes = u32::try_from(own.count()).unwrap_or(u32::MAX);
            Some(LedgerBilling {
                company_id: company.into(),
                invoice_id: contract.into(),
                id: service.into(),
                name: name.to_owned(),
                quantity: unit.int("units").unwrap_or_default().to_string(),
                writes,
            })
        };
        self.store.rows(Entity::ContractServiceUnits).filter_map(tell).collect()
    }

    /// Adds the difference to the units of the period.
    pub(super) fn adjust(&mut self, id: i64) {
        let Some(row) = self.store.get(Entity::ContractServiceAdjustments, id) else { return };
        let change = row.int("unitChange").unwrap_or_default();
        let Some(period) = self.period(row) else { return };
        if let Some(units) = self.store.get_mut(Entity::ContractServiceUnits, period) {
            let sum: Value = (units.int("units").unwrap_or_default() + change).into();
            units.insert("units".to_owned(), sum);
        }
    }
}
