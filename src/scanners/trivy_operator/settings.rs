//! What a user says about the cluster.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    client: String,
    pub(super) cluster: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { client: "namespace".to_owned(), cluster: None }
    }
}

/// Where the customer's name stands.
pub(super) enum Client<'a> {
    Namespace,
    Cluster,
    Label(&'a str),
}

impl Settings {
    /// `Err` says what to do.
    pub(super) fn check(&self) -> Result<(), String> {
        let cluster = self.cluster.as_deref().map(str::trim);
        if cluster.is_some_and(|name| name.is_empty() || name.len() > 100 || name.contains(char::is_control))
        {
            return Err("cluster: a name has 1 to 100 bytes; leave it out for none".to_owned());
        }
        match self.client()? {
            Client::Cluster if cluster.is_none() => {
                Err("client: cluster needs the cluster's name in the field cluster".to_owned())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn client(&self) -> Result<Client<'_>, String> {
        match self.client.as_str() {
            "namespace" => Ok(Client::Namespace),
            "cluster" => Ok(Client::Cluster),
            other => match other.strip_prefix("label:") {
                Some(label) if !label.is_empty() => Ok(Client::Label(label)),
                _ => Err(format!("client: {other} is none of namespace, cluster, label:NAME")),
            },
        }
    }
}
