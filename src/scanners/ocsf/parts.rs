//! Where the problem is, what has it and what to do.

use crate::{
    decisions::event::{Asset, Cvss, Epss, Event, Product, Remediation, User, Vuln},
    scanners::reading::{place::Place, vulns::is_cve},
};

pub(super) fn fill(finding: &Place<'_>, info: &Place<'_>, event: &mut Event) {
    event.asset = asset(finding);
    let vulnerabilities = finding.at("vulnerabilities").items();
    event.vulns = vulnerabilities.iter().take(100).map(vuln).collect();
    let package = vulnerabilities.iter().find_map(|vulnerability| {
        let packages = vulnerability.first(&["affected_packages", "packages"]).items();
        packages.into_iter().next()
    });
    event.product = package.as_ref().map(product);
    event.remediation = remediation(finding, &vulnerabilities, package.as_ref());
    let user = finding.first(&["user"]);
    event.user = user.is_there().then(|| User {
        uid: user.at("uid").line(),
        name: user.at("name").line(),
        email: user.at("email_addr").line(),
    });
    let (cloud, compliance) = (finding.at("cloud"), finding.at("compliance"));
    let product = finding.at("metadata").at("product");
    for (name, value) in [
        ("types", Some(info.at("types").texts().join(","))),
        ("product", product.at("name").line()),
        ("vendor", product.at("vendor_name").line()),
        ("account", cloud.at("account").at("uid").line()),
        ("region", cloud.at("region").line()),
        ("control", compliance.at("control").line()),
        ("standards", Some(compliance.at("standards").texts().join(","))),
        ("rule_id", info.at("analytic").at("uid").line()),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            event.labels.insert(name.to_owned(), value);
        }
    }
}

/// `resources` since 1.1, `resource` before, `device` with the host profile.
fn asset(finding: &Place<'_>) -> Option<Asset> {
    let device = finding.at("device");
    if device.is_there() {
        return Some(Asset {
            uid: device.at("uid").line().or_else(|| device.at("hostname").line()),
            name: device.first(&["hostname", "name"]).line(),
            kind: Some("host".to_owned()),
            ip: device.at("ip").line(),
            fqdn: device.at("domain").line(),
            os: device.at("os").at("name").line(),
            url: None,
            serial_number: device.at("hw_info").at("serial_number").line(),
        });
    }
    let listed = finding.first(&["resources", "affected_resources"]).items().into_iter().next();
    let resource = listed.unwrap_or_else(|| finding.at("resource"));
    let uid = resource.at("uid").line();
    let name = resource.first(&["name", "hostname"]).line().or_else(|| uid.clone())?;
    Some(Asset {
        uid,
        name: Some(name),
        kind: Some("cloud_resource".to_owned()),
        ip: resource.at("ip").line(),
        ..Asset::default()
    })
}

fn vuln(vulnerability: &Place<'_>) -> Vuln {
    let cve = vulnerability.at("cve");
    let id = cve.at("uid").line().map(|id| id.to_ascii_uppercase());
    let (id, other) = match id {
        Some(id) if is_cve(&id) => (Some(id), None),
        other => (None, other),
    };
    let cvss = cve.at("cvss").items().into_iter().take(20).filter_map(|cvss| {
        let score = cvss.first(&["overall_score", "base_score"]).number();
        let score = score.filter(|score| (0.0..=10.0).contains(score))?;
        Some(Cvss {
            version: cvss.at("version").line(),
            score: Some(score),
            vector: cvss.at("vector_string").line(),
            source: cvss.first(&["vendor_name", "src_url"]).line(),
        })
    });
    let epss = cve.at("epss");
    let share = |name: &str| epss.at(name).number().filter(|share| (0.0..=1.0).contains(share));
    let weaknesses = [cve.at("cwe"), vulnerability.at("cwe")].into_iter();
    let related = cve.at("related_cwes").items().into_iter();
    Vuln {
        cve: id,
        alt_ids: other.into_iter().chain(vulnerability.at("advisory").at("uid").line()).collect(),
        cwe: weaknesses.chain(related).take(20).filter_map(|cwe| cwe.at("uid").line()).collect(),
        cvss: cvss.collect(),
        epss: share("score").map(|score| Epss {
            score: Some(score),
            percentile: share("percentile"),
            date: epss.at("created_time_dt").line(),
        }),
        kev: None, // the schema has no place for it
        exploit_known: vulnerability.at("is_exploit_available").flag(),
    }
}

fn product(package: &Place<'_>) -> Product {
    Product {
        vendor: package.at("vendor_name").line(),
        name: package.at("name").line(),
        version: package.at("version").line(),
        purl: package.at("purl").line(),
    }
}

fn remediation(
    finding: &Place<'_>,
    vulnerabilities: &[Place<'_>],
    package: Option<&Place<'_>>,
) -> Option<Remediation> {
    let own = finding.at("remediation");
    let place = if own.is_there() { own } else { vulnerabilities.first()?.at("remediation") };
    let fixed = package.and_then(|package| package.at("fixed_in_version").line());
    let in_package = package.map(|package| package.at("remediation").at("desc"));
    let text = place.at("desc").lines().or_else(|| in_package?.lines());
    let url = place.at("references").texts().into_iter().find(|link| link.starts_with("https://"));
    let found = Remediation { text, fixed_version: fixed, url, ..Remediation::default() };
    (found != Remediation::default()).then_some(found)
}
