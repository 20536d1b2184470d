//! Where the problem is, what has it and what to do.

use crate::{
    decisions::event::{Asset, Cvss, Epss, Event, Product, Remediation, Vuln},
    scanners::reading::{place::Place, vulns::is_cve},
};

pub(super) fn fill(finding: &Place<'_>, event: &mut Event) {
    let resources = finding.at("Resources").items();
    event.asset = resources.first().and_then(asset);
    if resources.len() > 1 {
        let ids = resources.iter().take(100).filter_map(|resource| resource.at("Id").line());
        let list: Vec<String> = ids.map(|id| format!("- `{id}`")).collect();
        let body = format!("{}\n\nResources:\n{}", event.body_md, list.join("\n"));
        body.trim_start().clone_into(&mut event.body_md);
    }
    let vulnerabilities = finding.at("Vulnerabilities").items();
    event.vulns = vulnerabilities.iter().take(100).map(vuln).collect();
    let package = vulnerabilities
        .iter()
        .find_map(|vulnerability| vulnerability.at("VulnerablePackages").items().into_iter().next());
    event.product = package.as_ref().map(|package| Product {
        vendor: None,
        name: package.at("Name").line(),
        version: package.at("Version").line(),
        purl: None,
    });
    let advice = finding.at("Remediation").at("Recommendation");
    let how = package.as_ref().and_then(|package| package.at("Remediation").line());
    let remediation = Remediation {
        title: how,
        text: advice.at("Text").lines(),
        fixed_version: package.as_ref().and_then(|package| package.at("FixedInVersion").line()),
        url: advice.at("Url").line().filter(|url| url.starts_with("https://")),
        due_at: None,
    };
    event.remediation = Some(remediation).filter(|remediation| *remediation != Remediation::default());
    let resource = resources.first();
    for (name, value) in [
        ("account", finding.at("AwsAccountId").line()),
        ("account_name", finding.at("AwsAccountName").line()),
        ("region", finding.at("Region").line()),
        ("product", finding.at("ProductName").line()),
        ("generator", finding.at("GeneratorId").line()),
        ("types", Some(finding.at("Types").texts().join(","))),
        ("workflow", finding.at("Workflow").at("Status").line()),
        ("record_state", finding.at("RecordState").line()),
        ("compliance", finding.at("Compliance").at("Status").line()),
        ("control", finding.at("Compliance").at("SecurityControlId").line()),
        ("sample", finding.at("Sample").scalar()),
        ("resource_type", resource.and_then(|resource| resource.at("Type").line())),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            event.labels.insert(name.to_owned(), value);
        }
    }
    for (name, value) in resource.map(|resource| resource.at("Tags").entries()).unwrap_or_default() {
        if let Some(value) = value.scalar() {
            event.labels.insert(format!("tag.{name}"), value);
        }
    }
}

/// The name is the tag `Name` where there is one, else what stands last in the resource's id.
fn asset(resource: &Place<'_>) -> Option<Asset> {
    let uid = resource.at("Id").line()?;
    let details = resource.at("Details");
    let instance = details.at("AwsEc2Instance");
    let last = uid.rsplit(['/', ':']).next().filter(|last| !last.is_empty()).map(str::to_owned);
    let kind = match resource.at("Type").line().as_deref() {
        Some("AwsEc2Instance") => "host",
        Some("Container" | "AwsEcrContainerImage") => "container",
        _ => "cloud_resource",
    };
    Some(Asset {
        name: resource.at("Tags").at("Name").line().or(last),
        kind: Some(kind.to_owned()),
        ip: instance.at("IpV4Addresses").texts().into_iter().next(),
        uid: Some(uid),
        ..Asset::default()
    })
}

fn vuln(vulnerability: &Place<'_>) -> Vuln {
    let related = vulnerability.at("RelatedVulnerabilities").texts();
    let mut ids: Vec<String> = vulnerability.at("Id").line().into_iter().chain(related).collect();
    let cve = ids.iter().find(|id| is_cve(id)).cloned();
    ids.retain(|id| Some(id) != cve.as_ref());
    ids.dedup();
    let cvss = vulnerability.at("Cvss").items().into_iter().take(20).filter_map(|cvss| {
        let score = cvss.at("BaseScore").number().filter(|score| (0.0..=10.0).contains(score))?;
        Some(Cvss {
            version: cvss.at("Version").line(),
            score: Some(score),
            vector: cvss.at("BaseVector").line(),
            source: cvss.at("Source").line(),
        })
    });
    let epss = vulnerability.at("EpssScore").number().filter(|score| (0.0..=1.0).contains(score));
    Vuln {
        cve,
        alt_ids: ids,
        cwe: Vec::new(),
        cvss: cvss.collect(),
        epss: epss.map(|score| Epss { score: Some(score), ..Epss::default() }),
        kev: None,
        exploit_known: match vulnerability.at("ExploitAvailable").word().as_deref() {
            Some("yes") => Some(true),
            Some("no") => Some(false),
            _ => None,
        },
    }
}
