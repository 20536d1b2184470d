//! What a user says about the manager's customers and own rules.

use serde::Deserialize;

use crate::scanners::reading::place::Place;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    client: String,
    pub(super) lockout_rules: Vec<String>,
    pub(super) unlock_rules: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { client: "manager".to_owned(), lockout_rules: Vec::new(), unlock_rules: Vec::new() }
    }
}

impl Settings {
    /// `Err` says what to do.
    pub(super) fn check(&self) -> Result<(), String> {
        let labelled = self.client.strip_prefix("label:").is_some_and(|label| !label.is_empty());
        if !labelled && !["manager", "cluster", "group"].contains(&self.client.as_str()) {
            return Err(format!("client: {} is none of manager, cluster, group, label:NAME", self.client));
        }
        if self.lockout_rules.len() + self.unlock_rules.len() > 200 {
            return Err("lockout_rules, unlock_rules: at most 200 fit".to_owned());
        }
        if let Some(both) = self.lockout_rules.iter().find(|rule| self.unlock_rules.contains(rule)) {
            return Err(format!("lockout_rules: the rule {both} cannot lock and unlock"));
        }
        Ok(())
    }

    /// The sender's name for the customer.
    pub(super) fn client_ref(&self, alert: &Place<'_>) -> Option<String> {
        let agent = alert.at("agent");
        match self.client.as_str() {
            "manager" => alert.at("manager").at("name").name(),
            "cluster" => alert.at("cluster").at("name").name(),
            "group" => agent
                .first(&["groups", "group"])
                .texts()
                .into_iter()
                .find(|group| !group.is_empty() && group.len() <= 255 && group != "default"),
            label => agent.at("labels").at(label.strip_prefix("label:")?).name(),
        }
    }
}
