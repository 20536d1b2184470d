//! From the body to events, by the user's settings.

use entity::{Severity, Timestamp};

use super::{
    settings::{Pointer, Settings},
    snapshot,
};
use crate::{
    decisions::{
        catalogue::Action,
        event::{
            Asset, CloseReason, Contact, Cvss, Event, Product, Reading, Remediation, Unreadable, User, Vuln,
        },
    },
    scanners::reading::{
        body::json,
        each::{MAX_READINGS, too_many},
        key::joined,
        place::Place,
        severity,
        vulns::is_cve,
    },
};

pub(super) fn body(settings: &Settings, bytes: &[u8]) -> Result<Vec<Reading>, Unreadable> {
    let value = json(bytes)?;
    let root = Place::root(&value);
    let list = settings.list.of(&root, &root);
    if !list.is_there() {
        return Err(Unreadable::missing(
            list.pointer(),
            "nothing stands here; the setting list names this place",
        ));
    }
    let items = match list.value() {
        Some(serde_json::Value::Array(_)) => list.items(),
        _ => vec![list.clone()],
    };
    // One place is kept for the snapshot.
    let left = (items.len() + 1).saturating_sub(MAX_READINGS);
    let mut readings: Vec<Reading> = items
        .iter()
        .take(MAX_READINGS - 1)
        .filter_map(|item| {
            let mut remarks = Vec::new();
            let event = one(settings, &root, item, &mut remarks).transpose()?;
            Some(Reading { event, remarks })
        })
        .collect();
    if left > 0 {
        readings.push(too_many(&list, left).into());
    }
    if let Some(wanted) = &settings.snapshot {
        snapshot::add(settings, wanted, &root, &mut readings);
    }
    Ok(readings)
}

/// The event of an entry; `None` where a rule says that it says nothing.
fn one(
    settings: &Settings,
    root: &Place<'_>,
    item: &Place<'_>,
    remarks: &mut Vec<String>,
) -> Result<Option<Event>, Unreadable> {
    let Some(rule) = settings.kinds.iter().find(|rule| rule.fits(root, item)) else {
        let problem = "no rule of the setting kinds fits this entry; add one, or one with the kind ignore";
        return Err(Unreadable { code: "unknown_kind", ..Unreadable::invalid(item.pointer(), problem) });
    };
    let Some(kind) = rule.kind() else { return Ok(None) };
    let parts: Vec<String> =
        settings.key.iter().map(|pointer| pointer.of(root, item).key()).collect::<Result<_, _>>()?;
    // Two problems of one machine, told by two kinds of events, differ; the kinds of one problem do not.
    let family = (kind.family != "finding").then_some(kind.family);
    let key: Vec<&str> = family.into_iter().chain(parts.iter().map(String::as_str)).collect();
    let finding_key = match key.as_slice() {
        [own] => (*own).to_owned(),
        several => joined(several),
    };
    let title = first(&settings.title, root, item, Place::line);
    let title =
        title.unwrap_or_else(|| format!("{}: {}", kind.description.trim_end_matches('.'), parts.join(" ")));
    let mut event = Event::new(kind, settings.source.trim(), finding_key, title);
    if kind.action == Action::Close {
        let dismissed = kind.name == "finding.dismissed";
        let usual = if dismissed { CloseReason::Dismissed } else { CloseReason::Fixed };
        event.close_reason = Some(rule.close_reason.unwrap_or(usual));
    }
    if let Some(category) = settings.category.as_ref().filter(|_| kind.is_general()) {
        event.category.clone_from(category);
    }
    event.client_ref = first(&settings.client_ref, root, item, Place::name);
    let at = |pointer: &Option<Pointer>| pointer.as_ref().map(|pointer| pointer.of(root, item));
    event.occurred_at = match at(&settings.occurred_at) {
        Some(place) => time(&place, remarks),
        None => None,
    };
    event.sequence = at(&settings.sequence).and_then(|place| place.name());
    (event.severity, event.severity_raw) = severity(settings, root, item);
    event.body_md = first(&settings.body, root, item, Place::lines).unwrap_or_default();
    event.evidence_url = at(&settings.evidence_url).and_then(|place| place.line());
    event.vulns = vulns(at(&settings.cve), at(&settings.cvss_score));
    parts_of(settings, root, item, &mut event);
    for (name, pointer) in &settings.labels {
        if let Some(text) = pointer.of(root, item).scalar() {
            event.labels.insert(name.clone(), text);
        }
    }
    Ok(Some(event))
}

/// What stands at the first of these pointers at which something of use does.
fn first<'a, T>(
    pointers: &[Pointer],
    root: &Place<'a>,
    item: &Place<'a>,
    read: impl Fn(&Place<'a>) -> Option<T>,
) -> Option<T> {
    pointers.iter().find_map(|pointer| read(&pointer.of(root, item)))
}

fn time(place: &Place<'_>, remarks: &mut Vec<String>) -> Option<Timestamp> {
    let time = place.time().or_else(|| place.epoch());
    if time.is_none() && place.is_there() {
        remarks.push(format!(
            "{}: not a time; send RFC 3339 or seconds or milliseconds since 1970",
            place.pointer()
        ));
    }
    time
}

/// A translated word, a known word, or a number at or above a step; the highest step that it reaches counts.
fn severity(settings: &Settings, root: &Place<'_>, item: &Place<'_>) -> (Severity, Option<String>) {
    let Some(wanted) = &settings.severity else { return (Severity::Unknown, None) };
    let place = wanted.at.of(root, item);
    let Some(sent) = place.scalar() else { return (Severity::Unknown, None) };
    let word = wanted.words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&sent)).map(|(_, ours)| ours);
    let step = || {
        let number = place.number()?;
        let reached = wanted.steps.iter().filter(|(from, _)| number >= *from);
        reached.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, ours)| ours)
    };
    match word.or_else(step).and_then(|ours| severity::from_word(ours)) {
        Some(known) => (known, Some(sent)),
        None => place.severity(),
    }
}

fn vulns(cve: Option<Place<'_>>, score: Option<Place<'_>>) -> Vec<Vuln> {
    let score = score.and_then(|place| place.number()).filter(|score| (0.0..=10.0).contains(score));
    let cvss: Vec<Cvss> =
        score.map(|score| Cvss { score: Some(score), ..Cvss::default() }).into_iter().collect();
    let ids = cve.map(|place| place.texts()).unwrap_or_default();
    let mut vulns: Vec<Vuln> = ids
        .into_iter()
        .map(|id| id.to_ascii_uppercase())
        .filter(|id| is_cve(id))
        .map(|id| Vuln { cve: Some(id), ..Vuln::default() })
        .collect();
    match vulns.first_mut() {
        Some(first) => first.cvss = cvss,
        None if !cvss.is_empty() => vulns.push(Vuln { cvss, ..Vuln::default() }),
        None => {}
    }
    vulns
}

fn parts_of(settings: &Settings, root: &Place<'_>, item: &Place<'_>, event: &mut Event) {
    let asset = |name: &str| settings.asset.get(name).and_then(|at| at.of(root, item).line());
    let asset = Asset {
        uid: asset("uid"),
        name: asset("name"),
        kind: asset("type"),
        ip: asset("ip"),
        fqdn: asset("fqdn"),
        os: asset("os"),
        url: asset("url").filter(|url| url.starts_with("https://")),
        serial_number: asset("serial_number"),
    };
    event.asset = Some(asset).filter(|asset| *asset != Asset::default());
    let product = |name: &str| settings.product.get(name).and_then(|at| at.of(root, item).line());
    let product = Product {
        vendor: product("vendor"),
        name: product("name"),
        version: product("version"),
        purl: product("purl"),
    };
    event.product = Some(product).filter(|product| *product != Product::default());
    let mend = |name: &str| settings.remediation.get(name).map(|at| at.of(root, item));
    let remediation = Remediation {
        title: mend("title").and_then(|place| place.line()),
        text: mend("text").and_then(|place| place.lines()),
        fixed_version: mend("fixed_version").and_then(|place| place.line()),
        url: mend("url").and_then(|place| place.line()).filter(|url| url.starts_with("https://")),
        due_at: None,
    };
    event.remediation = Some(remediation).filter(|remediation| *remediation != Remediation::default());
    let user = |name: &str| settings.user.get(name).and_then(|at| at.of(root, item).line());
    let user = User { uid: user("uid"), name: user("name"), email: user("email") };
    event.user = Some(user).filter(|user| *user != User::default());
    let contact = |name: &str| settings.contact.get(name).map(|at| at.of(root, item));
    event.contact =
        Contact::of(contact("id").and_then(|at| at.name()), contact("email").and_then(|at| at.line()));
}
