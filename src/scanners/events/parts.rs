//! The objects inside an event.

use super::fields::Fields;
use crate::{
    decisions::event::{Asset, Contact, Cvss, Epss, Kev, Product, Remediation, Unreadable, User, Vuln},
    scanners::reading::{text, vulns::is_cve},
};

pub(super) fn asset(fields: Fields<'_>) -> Result<Asset, Unreadable> {
    let asset = Asset {
        uid: fields.key("uid", 255)?,
        name: fields.line("name"),
        kind: fields.line("type"),
        ip: fields.line("ip"),
        fqdn: fields.line("fqdn"),
        os: fields.line("os"),
        url: fields.link("url", true),
        serial_number: fields.line("serial_number"),
    };
    fields.finish(&[]);
    Ok(asset)
}

pub(super) fn user(fields: Fields<'_>) -> Result<User, Unreadable> {
    let user = User { uid: fields.key("uid", 255)?, name: fields.line("name"), email: fields.line("email") };
    fields.finish(&[]);
    Ok(user)
}

/// Whom a ticket is for only informs: one that cannot be read costs no event.
pub(super) fn contact(fields: Fields<'_>) -> Option<Contact> {
    let contact = Contact::of(fields.line("id"), fields.line("email"));
    fields.finish(&[]);
    contact
}

pub(super) fn product(fields: Fields<'_>) -> Product {
    let product = Product {
        vendor: fields.line("vendor"),
        name: fields.line("name"),
        version: fields.line("version"),
        purl: fields.line("purl"),
    };
    fields.finish(&[]);
    product
}

pub(super) fn remediation(fields: Fields<'_>) -> Remediation {
    let text = fields.lines("text").map(|text| match text::cut_bytes(&text, text::MAX_BODY) {
        Some(short) => {
            fields.remark("text", "cut to 64 KiB");
            short.to_owned()
        }
        None => text,
    });
    let remediation = Remediation {
        title: fields.line("title"),
        text,
        fixed_version: fields.line("fixed_version"),
        url: fields.link("url", true),
        due_at: fields.line("due_at"),
    };
    fields.finish(&[]);
    remediation
}

pub(super) fn vuln(fields: Fields<'_>) -> Vuln {
    let mut alt_ids = fields.words("alt_ids");
    let sent = fields.line("cve").map(|cve| cve.to_ascii_uppercase());
    let cve = sent.filter(|sent| {
        let is_cve = is_cve(sent);
        if !is_cve {
            fields.remark("cve", "not of the form CVE-2026-12345, so kept among alt_ids");
            alt_ids.push(sent.clone());
        }
        is_cve
    });
    let cvss = fields.objects("cvss").into_iter().map(|fields| {
        let cvss = Cvss {
            version: fields.line("version"),
            score: fields.number("score", 10.0),
            vector: fields.line("vector"),
            source: fields.line("source"),
        };
        fields.finish(&[]);
        cvss
    });
    let cvss = cvss.collect();
    let epss = fields.object("epss").map(|fields| {
        let epss = Epss {
            score: fields.number("score", 1.0),
            percentile: fields.number("percentile", 1.0),
            date: fields.line("date"),
        };
        fields.finish(&[]);
        epss
    });
    let kev = fields.object("kev").map(|fields| {
        let kev = Kev {
            added: fields.line("added"),
            due: fields.line("due"),
            ransomware: fields.line("ransomware"),
        };
        fields.finish(&[]);
        kev
    });
    let (cwe, exploit_known) = (fields.words("cwe"), fields.flag("exploit_known"));
    fields.finish(&[]);
    Vuln { cve, alt_ids, cwe, cvss, epss, kev, exploit_known }
}
