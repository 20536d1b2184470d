//! What a user says about the conditions.

use serde::Deserialize;

use crate::scanners::reading::place::Place;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    client: String,
    offline_conditions: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { client: "organization_id".to_owned(), offline_conditions: Vec::new() }
    }
}

impl Settings {
    /// `Err` says what to do.
    pub(super) fn check(&self) -> Result<(), String> {
        if !["organization_id", "organization_name"].contains(&self.client.as_str()) {
            return Err(format!("client: {} is neither organization_id nor organization_name", self.client));
        }
        if self.offline_conditions.len() > 100 {
            return Err("offline_conditions: at most 100 fit".to_owned());
        }
        Ok(())
    }

    /// The sender's name for the customer.
    pub(super) fn client_ref(&self, root: &Place<'_>) -> Option<String> {
        let device = root.at("device");
        let organization = device.first(&["references"]).at("organization");
        let expanded = [root.at("organization"), device.at("organization"), organization];
        if self.client == "organization_name" {
            return expanded.iter().find_map(|place| place.at("name").name());
        }
        let id = device.at("organizationId").name().or_else(|| root.at("organizationId").name());
        id.or_else(|| expanded.iter().find_map(|place| place.at("id").name()))
    }

    /// Whether the condition means that the device is offline.
    pub(super) fn is_offline(&self, root: &Place<'_>) -> bool {
        let name = root.at("sourceName").line().unwrap_or_default();
        let code = root.at("data").at("message").at("code").word().unwrap_or_default();
        code.contains("offline")
            || self.offline_conditions.iter().any(|known| known.eq_ignore_ascii_case(&name))
    }
}
