//! From the body to one event an artifact.

use std::collections::BTreeMap;

use entity::Timestamp;

use super::SOURCE;
use crate::{
    decisions::event::{Asset, Event, Reading, Unreadable},
    scanners::reading::{body::json, each::each, key::joined, place::Place, start},
};

pub(super) fn body(bytes: &[u8]) -> Result<Vec<Reading>, Unreadable> {
    let value = json(bytes)?;
    let root = Place::root(&value);
    let kind = root.at("type");
    let ended = match kind.word().as_deref() {
        Some("scanning_completed" | "harbor.scan.completed") => Ended::Completed,
        Some("scanning_failed" | "harbor.scan.failed") => Ended::Failed,
        Some("scanning_stopped" | "harbor.scan.stopped") => Ended::Stopped,
        _ => return Err(start::unknown(&kind, "only scans that finished, failed or were stopped are read")),
    };
    let content = root.first(&["event_data", "data"]);
    let resources = content.at("resources");
    if resources.items().is_empty() {
        return Err(Unreadable::missing(resources.pointer(), "the event names no artifact"));
    }
    let sent = root.at("occur_at").epoch().or_else(|| root.at("time").time());
    Ok(each(&resources, |resource| {
        let mut remarks = Vec::new();
        let event = event(ended, &resource, &content.at("repository"), sent, &mut remarks);
        Reading { event, remarks }
    }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Completed,
    Failed,
    Stopped,
}

fn event(
    ended: Ended,
    resource: &Place<'_>,
    repository: &Place<'_>,
    sent: Option<Timestamp>,
    remarks: &mut Vec<String>,
) -> Result<Event, Unreadable> {
    let artifact = Artifact::new(resource, repository)?;
    let report = report(&resource.at("scan_overview"));
    let status = report.at("scan_status");
    let succeeded = ended == Ended::Completed && status.word().is_none_or(|word| word == "success");
    let mut event = if succeeded {
        counted(&artifact, &report)?
    } else {
        let said = if ended == Ended::Stopped { "was stopped" } else { "failed" };
        if ended == Ended::Completed {
            remarks.push(format!("{}: the scan is called finished, but did not succeed", status.pointer()));
        }
        start::event(
            "scan.failed",
            SOURCE,
            artifact.key(),
            format!("The scan of {} {said}", artifact.name()),
        )?
    };
    event.occurred_at = report.at("end_time").time().or(sent);
    event.labels.insert("project".to_owned(), artifact.project.clone());
    event.labels.insert("repository".to_owned(), artifact.repository.clone());
    for (name, value) in [
        ("tag", artifact.tag.clone()),
        ("digest", artifact.digest.clone()),
        ("image", resource.at("resource_url").line()),
        ("scanner", report.at("scanner").at("name").line()),
    ] {
        if let Some(value) = value {
            event.labels.insert(name.to_owned(), value);
        }
    }
    event.asset = Some(Asset {
        uid: Some(artifact.key()),
        name: Some(artifact.name()),
        kind: Some("container".to_owned()),
        ..Asset::default()
    });
    event.client_ref = Some(artifact.project).filter(|project| !project.is_empty());
    Ok(event)
}

/// What a scan that succeeded counted.
fn counted(artifact: &Artifact, report: &Place<'_>) -> Result<Event, Unreadable> {
    let summary = report.at("summary");
    let of_each: BTreeMap<String, u64> = summary
        .at("summary")
        .entries()
        .into_iter()
        .take(20)
        .filter_map(|(name, count)| Some((name.to_ascii_lowercase(), count.count()?)))
        .collect();
    let total = summary.at("total").count();
    // Without any number, nothing says that there are none.
    let Some(total) = total.or_else(|| {
        (!of_each.is_empty()).then(|| of_each.values().fold(0_u64, |sum, count| sum.saturating_add(*count)))
    }) else {
        return Err(Unreadable::missing(
            summary.pointer(),
            "the scan does not say how many vulnerabilities it found",
        ));
    };
    if total == 0 {
        let title = format!("No vulnerabilities left in {}", artifact.name());
        return start::event("finding.resolved", SOURCE, artifact.key(), title);
    }
    let title = format!("{total} vulnerabilities in {}", artifact.name());
    let mut event = start::event("finding.opened", SOURCE, artifact.key(), title)?;
    (event.severity, event.severity_raw) = report.at("severity").severity();
    let fixable = summary.at("fixable").count();
    let rows = of_each.iter().map(|(severity, count)| format!("- {severity}: {count}"));
    let fix = fixable.map(|count| format!("- can be mended by an update: {count}"));
    event.body_md = rows.chain(fix).collect::<Vec<_>>().join("\n");
    event.counts = of_each;
    event.counts.insert("total".to_owned(), total);
    if let Some(count) = fixable {
        event.counts.insert("fixable".to_owned(), count);
    }
    Ok(event)
}

/// The newest report on vulnerabilities; there may be one of each media type, and one with a bill of materials.
fn report<'a>(overview: &Place<'a>) -> Place<'a> {
    let mut reports = overview.entries();
    reports.retain(|(kind, _)| kind.contains("vuln"));
    reports.sort_by_key(|(kind, _)| *kind);
    reports
        .pop()
        .map_or_else(|| overview.at("application/vnd.security.vulnerability.report"), |(_, report)| report)
}

/// What was scanned.
struct Artifact {
    project: String,
    /// With the project.
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Artifact {
    fn new(resource: &Place<'_>, repository: &Place<'_>) -> Result<Self, Unreadable> {
        let url = resource.at("resource_url");
        let named = repository.at("repo_full_name").name();
        let full = if let Some(full) = named {
            full
        } else {
            // host/project/repository:tag or host/project/repository@digest
            let sent = url.key()?;
            let path = sent.split_once('/').map_or(sent.as_str(), |(_, path)| path);
            let path = path.split('@').next().unwrap_or(path);
            let name = path.rsplit_once(':').map_or(path, |(name, _)| name);
            if name.is_empty() {
                return Err(Unreadable::invalid(url.pointer(), "this names no repository"));
            }
            name.to_owned()
        };
        let project = repository.at("namespace").name();
        let project = project.unwrap_or_else(|| full.split('/').next().unwrap_or_default().to_owned());
        let (tag, digest) = (resource.at("tag").name(), resource.at("digest"));
        if tag.is_none() {
            digest.key()?;
        }
        Ok(Self { project, repository: full, tag, digest: digest.name() })
    }

    /// A tag keeps its finding when another image is pushed under it.
    fn key(&self) -> String {
        joined(&[&self.repository, self.version()])
    }

    fn name(&self) -> String {
        let version = self.version();
        let short: String =
            version.strip_prefix("sha256:").map_or(version, |hash| hash.get(..12).unwrap_or(hash)).to_owned();
        format!("{}:{short}", self.repository)
    }

    fn version(&self) -> &str {
        self.tag.as_deref().or(self.digest.as_deref()).unwrap_or_default()
    }
}
