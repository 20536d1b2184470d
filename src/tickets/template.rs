//! Templates of titles and bodies that users write: sandboxed, bounded, and plain text in and out.
//!
//! A template sees one event and reaches nothing else: there is no loader, no include and no access to
//! files or time. It has a bounded amount of work (fuel) and of output. A value that a sender gave is only ever
//! a value: it is never read as a template.

use std::collections::BTreeMap;

use entity::finding;
use minijinja::{Environment, UndefinedBehavior, filters, tests};
use serde_json::{Value, json};

use crate::decisions::event::Event;

/// The longest template, in characters.
pub const MAX_TEMPLATE: usize = 4_000;
/// Steps of work for one text.
const FUEL: u64 = 50_000;
/// The longest text, in bytes; the rest is cut off.
const MAX_TEXT: usize = 64 * 1024;
/// The longest text that a template sees of a sender's, in characters: what it puts together in memory is
/// bounded by this and its own length.
const MAX_VALUE: usize = 16 * 1024;
/// What may stand in `{% … %}`. Variables of its own and captured blocks would let a text double itself.
const WORDS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];
/// The longest title, in characters.
const MAX_TITLE: usize = 500;

/// What a template may say, as `{{ name }}`, and what it stands for. What an event does not have is empty.
pub const VARIABLES: &[(&str, &str)] = &[
    ("title", "The event's title, as the sender gave it."),
    ("body", "The event's text, as the sender gave it."),
    ("default_title", "The title that a ticket gets without a template."),
    ("default_body", "The body that a ticket gets without a template."),
    ("company", "The company's name."),
    ("severity", "critical, high, medium, low, info or unknown."),
    ("kind", "The event's kind, e.g. finding.opened."),
    ("category", "Its category."),
    ("source", "The sender's name."),
    ("key", "The sender's own name of the problem."),
    ("url", "Where the sender shows more."),
    ("first_seen_at", "When the problem was seen first (RFC 3339)."),
    ("last_seen_at", "When it was seen last (RFC 3339)."),
    ("seen_count", "How often it was seen."),
    ("asset", "Where: asset.name, .uid, .kind, .ip, .fqdn, .os, .url, .serial_number."),
    ("product", "In what: product.vendor, .name, .version."),
    ("remediation", "What to do: remediation.title, .text, .fixed_version, .url, .due_at."),
    ("user", "Who is concerned: user.name, .uid, .email."),
    ("vulnerabilities", "A list: each has .cve, .ids, .score (CVSS), .epss, .is_known_exploited."),
    ("labels", "The sender's labels: labels.name."),
];

/// The values of [`VARIABLES`] for one event.
pub fn values(event: &Event, finding: &finding::Model, company: &str, title: &str, body: &str) -> Value {
    json!({
        "title": event.title,
        "body": event.body_md,
        "default_title": title,
        "default_body": body,
        "company": company,
        "severity": event.severity.word(),
        "kind": event.kind.name,
        "category": event.category,
        "source": event.source,
        "key": event.finding_key,
        "url": event.evidence_url,
        "first_seen_at": finding.first_seen_at.rfc3339(),
        "last_seen_at": finding.last_seen_at.rfc3339(),
        "seen_count": finding.seen_count,
        "asset": event.asset.as_ref().map(|asset| json!({
            "uid": asset.uid, "name": asset.name, "kind": asset.kind, "ip": asset.ip, "fqdn": asset.fqdn,
            "os": asset.os, "url": asset.url, "serial_number": asset.serial_number,
        })),
        "product": event.product.as_ref().map(|product| json!({
            "vendor": product.vendor, "name": product.name, "version": product.version,
        })),
        "remediation": event.remediation.as_ref().map(|remediation| json!({
            "title": remediation.title, "text": remediation.text,
            "fixed_version": remediation.fixed_version, "url": remediation.url,
            "due_at": remediation.due_at,
        })),
        "user": event.user.as_ref().map(|user| json!({
            "uid": user.uid, "name": user.name, "email": user.email,
        })),
        "vulnerabilities": event.vulns.iter().map(|vuln| json!({
            "cve": vuln.cve, "ids": vuln.alt_ids,
            "score": vuln.cvss.iter().filter_map(|cvss| cvss.score).fold(None, |top: Option<f64>, score| {
                Some(top.map_or(score, |top| top.max(score)))
            }),
            "epss": vuln.epss.as_ref().and_then(|epss| epss.score),
            "is_known_exploited": vuln.kev.is_some(),
        })).collect::<Vec<_>>(),
        "labels": event.labels,
    })
}

/// What is wrong with a template, for people; it is tried on an invented event.
pub fn check(template: &str) -> Result<(), String> {
    if template.chars().count() > MAX_TEMPLATE {
        return Err(format!("the template is longer than {MAX_TEMPLATE} characters; shorten it"));
    }
    let asset = json!({ "uid": "1", "name": "web-1", "kind": "server", "ip": "192.0.2.1", "fqdn": "web-1.example",
        "os": "Linux", "url": "https://scanner.example/1" });
    let sample = json!({
        "title": "A title", "body": "A text", "default_title": "A title", "default_body": "A text",
        "company": "A company", "severity": "high", "kind": "finding.opened", "category": "vulnerability",
        "source": "scanner", "key": "1", "url": "https://scanner.example/1",
        "first_seen_at": "2026-01-01T00:00:00Z", "last_seen_at": "2026-01-01T00:00:00Z", "seen_count": 1,
        "asset": asset, "product": { "vendor": "V", "name": "N", "version": "1" },
        "remediation": { "title": "T", "text": "T", "fixed_version": "2", "url": "https://scanner.example/2",
            "due_at": "2026-02-01" },
        "user": { "uid": "1", "name": "Ada", "email": "ada@example.com" },
        "vulnerabilities": [{ "cve": "CVE-2026-0001", "ids": [], "score": 9.8, "epss": 0.5,
            "is_known_exploited": true }],
        "labels": {},
    });
    render(template, &sample).map(|_| ())
}

/// A title by a template: one line, never empty.
pub fn title(template: &str, values: &Value) -> Result<String, String> {
    let text = render(template, values)?;
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).take(MAX_TITLE).collect();
    if line.is_empty() { Err("the template gave an empty title".to_owned()) } else { Ok(line) }
}

/// A body by a template.
pub fn body(template: &str, values: &Value) -> Result<String, String> {
    render(template, values).map(|text| text.trim().to_owned())
}

/// Nothing but `if` and `for`, and no repeating of texts.
fn is_tame(template: &str) -> Result<(), String> {
    let tags = template.split("{%").skip(1).filter_map(|rest| rest.split("%}").next());
    for tag in tags {
        let word = tag.trim_start_matches(['-', '+']).trim_start();
        let word: String = word.chars().take_while(char::is_ascii_alphabetic).collect();
        if !WORDS.contains(&word.as_str()) {
            return Err(format!("a template knows {}, and no {{% {word} %}}", WORDS.join(", ")));
        }
    }
    let marks = template.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    let tags = template.split("{%").skip(1).filter_map(|rest| rest.split("%}").next());
    if marks.chain(tags).any(|inside| inside.contains('*')) {
        return Err("a template cannot multiply; take the * out".to_owned());
    }
    Ok(())
}

/// The values as the engine wants them.
fn engine_value(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(is) => (*is).into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => number.into(),
            (None, number) => number.unwrap_or_default().into(),
        },
        Value::String(text) => text.chars().take(MAX_VALUE).collect::<String>().into(),
        Value::Array(items) => items.iter().map(engine_value).collect::<Vec<_>>().into(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), engine_value(value)))
            .collect::<BTreeMap<_, _>>()
            .into(),
    }
}

fn render(template: &str, values: &Value) -> Result<String, String> {
    is_tame(template)?;
    // Filters are given one by one: some of the engine's own can make much out of little.
    let mut environment = Environment::empty();
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("title", filters::title);
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("default", filters::default);
    environment.add_filter("length", filters::length);
    environment.add_filter("first", filters::first);
    environment.add_filter("last", filters::last);
    environment.add_filter("round", filters::round);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("none", tests::is_none);
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    // Plain text: what a sender gave goes out as it came in.
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let mut out = Bounded(Vec::new());
    let template = environment.template_from_str(template).map_err(|error| words(&error))?;
    match template.render_captured_to(engine_value(values), &mut out) {
        Ok(_) => {}
        Err(_) if out.0.len() >= MAX_TEXT => {}
        Err(error) => return Err(words(&error)),
    }
    Ok(String::from_utf8_lossy(&out.0).replace('\0', ""))
}

/// Takes so much and no more.
struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = MAX_TEXT - self.0.len();
        if room == 0 {
            return Err(std::io::Error::other("the text is too long"));
        }
        let taken = bytes.len().min(room);
        self.0.extend(bytes.iter().take(taken));
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn words(error: &minijinja::Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    let text = format!("{}{detail}{line}", error.kind());
    text.chars().take(300).collect()
}

#[cfg(test)]
mod template_tests {
    use super::*;

    #[test]
    fn a_senders_words_are_values_and_never_a_template() {
        let values = json!({ "title": "{{ 7 * 7 }} {% for x in y %} <b>&\"", "asset": null });
        assert_eq!(title("[x] {{ title }}", &values).unwrap(), "[x] {{ 7 * 7 }} {% for x in y %} <b>&\"");
        assert_eq!(
            body("{{ asset.name }}-{{ nothing.at.all }}", &values).unwrap(),
            "-",
            "what is missing is empty"
        );
    }

    #[test]
    fn work_and_output_are_bounded() {
        let many = json!({ "labels": vec!["x"; 10_000], "body": "b".repeat(1_000_000) });
        let endless = "{% for a in labels %}{% for b in labels %}x{% endfor %}{% endfor %}";
        let problem = body(endless, &many).unwrap_err();
        assert!(problem.contains("fuel"), "{problem}");
        assert_eq!(body(&"{{ body }}".repeat(300), &many).unwrap().len(), MAX_TEXT);
        for greedy in [
            "{{ 'x' * 100000000 }}",
            "{% set a = body %}",
            "{%- set a = body ~ body %}",
            "{% macro m() %}{% endmacro %}",
            "{{ body | replace('', body) }}",
            "{{ body | join(body) }}",
            "{{ range(100000000) }}",
        ] {
            assert!(body(greedy, &many).is_err(), "{greedy}");
        }
        assert!(check(&"x".repeat(MAX_TEMPLATE + 1)).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let problem = check("fine\n{{ title").unwrap_err();
        assert!(problem.contains("line 2"), "{problem}");
        assert!(check("{% include 'x' %}").is_err(), "nothing can be included");
        assert!(check("{{ title | no_such_filter }}").is_err());
        assert!(check("[{{ severity | upper }}] {{ default_title }} on {{ asset.name }}").is_ok());
        assert!(title("{# nothing #}", &json!({})).is_err(), "a title is never empty");
    }

    #[test]
    fn every_variable_that_is_told_can_be_used() {
        for (name, _) in VARIABLES {
            assert!(check(&format!("{{{{ {name} }}}}")).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_title_is_one_line() {
        let values = json!({ "title": "a\r\nb\tc\u{7}" });
        assert_eq!(title("{{ title }}", &values).unwrap(), "a b c");
    }
}
