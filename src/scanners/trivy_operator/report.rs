//! One report: what it is about, and what all its findings have in common.

use std::collections::BTreeMap;

use entity::Timestamp;

use super::{
    SOURCE, items,
    settings::{Client, Settings},
};
use crate::{
    decisions::event::{Asset, Event, Unreadable},
    scanners::reading::{key::joined, place::Place, settings::refused, start},
};

/// How an entry of a report is read; `None` where it is no problem.
pub(super) type ReadItem = fn(&Place<'_>, &Report<'_>) -> Result<Option<Event>, Unreadable>;

/// A report on one container of one workload (on the whole workload or role, where it is about settings).
pub(super) struct Report<'a> {
    /// `VulnerabilityReport` …
    pub(super) sort: String,
    /// Everything below `report`.
    pub(super) content: Place<'a>,
    /// The list of what was found.
    pub(super) list: Place<'a>,
    pub(super) read: ReadItem,
    /// Cluster, namespace, kind and name of the workload, container.
    place: [String; 5],
    /// For people.
    pub(super) name: String,
    client_ref: Option<String>,
    pub(super) scope_key: String,
    occurred_at: Option<Timestamp>,
    sequence: Option<String>,
    labels: BTreeMap<String, String>,
}

impl<'a> Report<'a> {
    pub(super) fn new(object: &Place<'a>, settings: &Settings) -> Result<Self, Unreadable> {
        let kind = object.at("kind");
        let sort = kind.line().unwrap_or_default();
        let (list, read): (_, ReadItem) = match sort.strip_prefix("Cluster").unwrap_or(&sort) {
            "VulnerabilityReport" => ("vulnerabilities", items::vulnerability),
            "ExposedSecretReport" => ("secrets", items::secret),
            "ConfigAuditReport" | "RbacAssessmentReport" | "InfraAssessmentReport" => {
                ("checks", items::check)
            }
            _ => return Err(start::unknown(&kind, "no report whose findings are read")),
        };
        let meta = object.at("metadata");
        let content = object.at("report");
        let place = place(&meta, settings)?;
        let [cluster, namespace, .., workload, container] = &place;
        let client_ref = match settings.client().map_err(|problem| refused(&problem))? {
            Client::Namespace => namespace_of(&meta).name(),
            Client::Cluster => Some(cluster.clone()),
            Client::Label(label) => meta.at("labels").at(label).name(),
        };
        let owner = if namespace == NONE { workload.clone() } else { format!("{namespace}/{workload}") };
        let name = if container == NONE { owner } else { format!("{owner} ({container})") };
        let scope: Vec<&str> = [sort.as_str()].into_iter().chain(place.iter().map(String::as_str)).collect();
        Ok(Self {
            scope_key: joined(&scope),
            labels: labels(&sort, &place, &content),
            list: content.at(list),
            read,
            name,
            client_ref,
            occurred_at: content.at("updateTimestamp").time().or_else(|| meta.at("creationTimestamp").time()),
            sequence: meta.at("resourceVersion").key().ok(),
            sort,
            content,
            place,
        })
    }

    /// An event about one problem of this container, or about the report itself.
    pub(super) fn event(&self, kind: &str, key: String, title: String) -> Result<Event, Unreadable> {
        let mut event = start::event(kind, SOURCE, key, title)?;
        event.client_ref.clone_from(&self.client_ref);
        event.scope_key = Some(self.scope_key.clone());
        event.occurred_at = self.occurred_at;
        event.sequence.clone_from(&self.sequence);
        event.labels.clone_from(&self.labels);
        let [.., container] = &self.place;
        let kind = if container == NONE { "cloud_resource" } else { "container" };
        let os = self.content.at("os");
        event.asset = Some(Asset {
            uid: Some(joined(&self.place())),
            name: Some(self.name.clone()),
            kind: Some(kind.to_owned()),
            os: os.at("family").line().map(|family| match os.at("name").line() {
                Some(version) => format!("{family} {version}"),
                None => family,
            }),
            ..Asset::default()
        });
        Ok(event)
    }

    /// The key of a problem of this container.
    pub(super) fn key(&self, parts: &[&str]) -> String {
        joined(&[&self.place(), parts].concat())
    }

    fn place(&self) -> Vec<&str> {
        self.place.iter().map(String::as_str).collect()
    }
}

/// Stands for a part that is not there; no object in Kubernetes can be named so.
pub(super) const NONE: &str = "-";

fn place(meta: &Place<'_>, settings: &Settings) -> Result<[String; 5], Unreadable> {
    let labels = meta.at("labels");
    let said = |field: &str| {
        let name = format!("trivy-operator.{field}");
        // A name of more than 63 letters stands in an annotation instead.
        let place = labels.at(&name);
        if place.is_there() { place } else { meta.at("annotations").at(&name) }
    };
    let owner = meta.at("ownerReferences").items().into_iter().next();
    let of_owner = |field: &str| owner.as_ref().and_then(|owner| owner.at(field).name());
    let kind = said("resource.kind").name().or_else(|| of_owner("kind"));
    let kind = kind.unwrap_or_else(|| NONE.to_owned());
    let name = match said("resource.name").name().or_else(|| of_owner("name")) {
        Some(name) => name,
        None => meta.at("name").key()?,
    };
    let name = if kind == "ReplicaSet" { without_revision(&name).to_owned() } else { name };
    let or_none = |name: Option<String>| name.unwrap_or_else(|| NONE.to_owned());
    Ok([
        or_none(settings.cluster.as_deref().map(|name| name.trim().to_owned())),
        or_none(namespace_of(meta).name()),
        kind,
        name,
        or_none(said("container.name").name()),
    ])
}

fn namespace_of<'a>(meta: &Place<'a>) -> Place<'a> {
    let own = meta.at("namespace");
    if own.is_there() { own } else { meta.at("labels").at("trivy-operator.resource.namespace") }
}

/// A Deployment names its ReplicaSets by itself and a hash of the pod template; each roll-out makes another one,
/// with the same problems. The letters are those of Kubernetes' `rand.SafeEncodeString`.
fn without_revision(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((deployment, hash))
            if !deployment.is_empty()
                && (6..=10).contains(&hash.len())
                && hash.chars().all(|letter| "bcdfghjklmnpqrstvwxz2456789".contains(letter)) =>
        {
            deployment
        }
        _ => name,
    }
}

fn labels(sort: &str, place: &[String; 5], content: &Place<'_>) -> BTreeMap<String, String> {
    let [cluster, namespace, kind, workload, container] = place;
    let artifact = content.at("artifact");
    let tag = artifact.at("tag").line();
    let image = artifact.at("repository").line().map(|repository| {
        let server = content.at("registry").at("server").line().map(|server| format!("{server}/"));
        let tag = tag.map(|tag| format!(":{tag}"));
        format!("{}{repository}{}", server.unwrap_or_default(), tag.unwrap_or_default())
    });
    let said = |text: &String| Some(text.clone()).filter(|text| text != NONE);
    [
        ("report", Some(sort.to_owned())),
        ("cluster", said(cluster)),
        ("namespace", said(namespace)),
        ("workload_kind", said(kind)),
        ("workload", said(workload)),
        ("container", said(container)),
        ("image", image),
        ("digest", artifact.at("digest").line()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roll_out_keeps_the_name_of_its_deployment() {
        assert_eq!(without_revision("nginx-deployment-965685897"), "nginx-deployment");
        assert_eq!(without_revision("web-7d4b9c6f8"), "web");
        assert_eq!(without_revision("web-backend"), "web-backend", "e and a are no letters of a hash");
        assert_eq!(without_revision("plain"), "plain");
    }
}
