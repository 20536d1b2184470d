//! The story of one ticket, played against the running gateway.
#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed: what is not there is null")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    Asker,
    set_up::{CUSTOMERS, Customer, FIRST_PSA, Sample, text},
};
use crate::{
    clock::{Chance, Clock},
    sandbox::frame::{Deed, LedgerTicket, Sandbox},
    scanners::signature,
};

/// What a dashboard would ask.
pub(super) const DASHBOARD_QUERY: &str = r#"{
  organizationBySlug(slug: "demo") {
    tickets(first: 10) { nodes {
      title state severity externalId closedBy closedAt company { name }
      operations(first: 10) { nodes { kind state attempts(first: 5) { nodes { outcome message } } } } } } } }"#;

const DELIVERY: &str = "query($id: ID!) { node(id: $id) { ... on WebhookDelivery {
    state events(first: 5) { nodes { outcome explanation finding { id state } ticket {
      id state externalId closedBy closedAt operations(first: 50) { nodes { kind state } } } } } } } }";

/// What our notes about repetitions say.
const NOTED: &str = "reports it again";

const TICKET: &str =
    "query($id: ID!) { node(id: $id) { ... on Ticket { state externalId closedBy closedAt } } }";

fn finding(client: &str, key: &str, title: &str) -> Value {
    json!({
        "kind": "finding.opened",
        "source": "sample-scanner",
        "client_ref": client,
        "finding_key": key,
        "severity": "critical",
        "title": title,
        "asset": { "uid": "host-17", "name": "web-1", "type": "host", "ip": "10.0.0.17" },
    })
}

fn first(client: &str) -> Value {
    let mut event = finding(client, "host-17/CVE-2024-3094", "Backdoor in xz-utils on web-1");
    event["vulns"] = json!([{ "cve": "CVE-2024-3094", "cvss": [{ "version": "3.1", "score": 10.0 }] }]);
    event["remediation"] = json!({ "title": "Go back to xz 5.4.6", "fixed_version": "5.4.6" });
    event
}

fn resolved(mut event: Value) -> Value {
    event["kind"] = json!("finding.resolved");
    event
}

/// Writes the three webhooks of the printed commands: opening, repeating, resolving.
pub(super) fn write_bodies(dir: &Path) -> anyhow::Result<[PathBuf; 3]> {
    let write = |name: &str, event: &Value| -> anyhow::Result<PathBuf> {
        let path = dir.join(name);
        std::fs::write(&path, serde_json::to_vec_pretty(event)?)?;
        Ok(path)
    };
    Ok([
        write("open.json", &first("northwind"))?,
        write("repeat.json", &first("northwind"))?,
        write("resolve.json", &resolved(first("northwind")))?,
    ])
}

#[expect(clippy::print_stdout, reason = "the demo talks to the person who started it")]
fn say(step: &str, what: impl std::fmt::Display) {
    println!("{step:<10} {what}");
}

/// Plays the story in every PSA; an error where anything is not as it should be.
pub(super) async fn play_all(
    asker: &Asker,
    psas: &[Box<dyn Sandbox>],
    sample: &Sample,
) -> anyhow::Result<()> {
    let keys: Vec<_> = psas.iter().map(|psa| psa.key()).collect();
    say("set up", format!("an organization with connections to {}", keys.join(", ")));
    say(
        "set up",
        format!("companies, mappings, profiles, and the scanner's endpoint {}", sample.webhook_url),
    );
    let (first, others): (Vec<_>, Vec<_>) = psas.iter().partition(|psa| psa.key() == FIRST_PSA);
    for psa in first.into_iter().chain(others) {
        let customer = CUSTOMERS.iter().find(|customer| customer.platform == psa.key());
        let customer = customer.with_context(|| format!("no customer uses {}", psa.key()))?;
        play(asker, &**psa, sample, customer).await.with_context(|| format!("in {}", psa.key()))?;
    }
    say("end", format!("{} PSAs, two problems in each, two tickets in each, all closed", psas.len()));
    Ok(())
}

async fn play(asker: &Asker, psa: &dyn Sandbox, sample: &Sample, customer: &Customer) -> anyhow::Result<()> {
    let (name, client) = (customer.name(), customer.alias);
    say("", format!("--- {} ---", psa.key()));
    let event = post(asker, sample, "opening", &first(client)).await?;
    ensure!(event["outcome"] == "OPENED", "it should open a ticket: {event}");
    let ticket_id = text(&event, "/ticket/id")?;
    let ticket = settled(asker, &ticket_id, "OPEN").await?;
    let in_psa = only_ticket(psa)?;
    ensure!(
        ticket["externalId"].as_str() == Some(&*in_psa.id.to_string()),
        "the dashboard and the PSA disagree: {ticket}"
    );
    ensure!(in_psa.company == name && !in_psa.closed, "the PSA has {in_psa:?}");
    say("opening", format!("the PSA has ticket {} for {}: {}", in_psa.id, in_psa.company, in_psa.summary));

    let event = post(asker, sample, "repeating", &first(client)).await?;
    ensure!(event["outcome"] == "NOTED", "it should be noted: {event}");
    // Where a PSA has no notes, it stands below the description.
    let is_noted = |ticket: &LedgerTicket| {
        ticket.body.contains(NOTED) || ticket.notes.iter().any(|note| note.text.contains(NOTED))
    };
    wait_for(psa, "a note", is_noted).await?;
    only_ticket(psa)?;
    say("repeating", "still one ticket, with a note");

    let event = post(asker, sample, "resolving", &resolved(first(client))).await?;
    ensure!(event["outcome"] == "CLOSED", "it should close the ticket: {event}");
    let ticket = settled(asker, &ticket_id, "CLOSED").await?;
    let in_psa = only_ticket(psa)?;
    ensure!(in_psa.closed, "the PSA has {in_psa:?}");
    say(
        "resolving",
        format!("the PSA's ticket {} is {}; closed by {}", in_psa.id, in_psa.status, ticket["closedBy"]),
    );

    let second = finding(client, "host-17/CVE-2021-44228", "Log4Shell on web-1");
    let event = post(asker, sample, "another", &second).await?;
    let ticket_id = text(&event, "/ticket/id")?;
    let ticket = settled(asker, &ticket_id, "OPEN").await?;
    let number = text(&ticket, "/externalId")?;
    say("another", format!("the PSA has ticket {number}"));
    let close = Deed::Close { text: String::new() };
    let who = psa.people().into_iter().next().context("nobody works there")?;
    psa.deed(&number, &who, &close).context("the technician cannot close it")?;
    let ticket = settled(asker, &ticket_id, "CLOSED").await?;
    say(
        "technician",
        format!(
            "{who} closed it in the PSA; the dashboard shows {} at {}",
            ticket["closedBy"], ticket["closedAt"]
        ),
    );
    ensure!(psa.ledger().len() == 2, "the PSA should have two tickets, and has {}", psa.ledger().len());
    Ok(())
}

/// Posts a signed webhook and waits until its event is decided.
async fn post(asker: &Asker, sample: &Sample, step: &str, event: &Value) -> anyhow::Result<Value> {
    let body = serde_json::to_vec(event)?;
    let id = format!("msg_{}", Chance::system().alphanumeric(24));
    let secret = SecretString::from(sample.webhook_secret.clone());
    let signed = {
        use secrecy::ExposeSecret as _;
        signature::sign(secret.expose_secret(), &id, Clock::system().now(), &body)?
    };
    let mut request = asker.http().post(&sample.webhook_url).body(body);
    for (name, value) in signed.pairs() {
        request = request.header(name, value);
    }
    let answer = request.send().await?;
    let status = answer.status();
    let answer: Value = answer.json().await?;
    ensure!(status == 202, "the webhook was answered {status}: {answer}");
    let delivery = text(&answer, "/delivery")?;
    say(step, format!("{status}, delivery {delivery}"));
    let data = asker
        .until("the delivery is decided", DELIVERY, json!({ "id": delivery }), |data| {
            data["node"]["events"]["nodes"].get(0).is_some()
        })
        .await?;
    let event = data["node"]["events"]["nodes"][0].clone();
    say(
        step,
        format!(
            "event {}: {}; finding {}",
            event["outcome"], event["explanation"], event["finding"]["state"]
        ),
    );
    Ok(event)
}

/// Waits until a ticket has come to a state, and its operations with it.
async fn settled(asker: &Asker, id: &str, state: &str) -> anyhow::Result<Value> {
    let data = asker
        .until(&format!("the ticket is {state}"), TICKET, json!({ "id": id }), |data| {
            data["node"]["state"] == state
        })
        .await?;
    Ok(data["node"].clone())
}

async fn wait_for(
    psa: &dyn Sandbox,
    what: &str,
    is_so: impl Fn(&LedgerTicket) -> bool,
) -> anyhow::Result<()> {
    for _ in 0..300 {
        if psa.ledger().iter().any(&is_so) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("waited 30 s in vain for {what} in the PSA")
}

fn only_ticket(psa: &dyn Sandbox) -> anyhow::Result<LedgerTicket> {
    let ledger = psa.ledger();
    ensure!(ledger.len() == 1, "the PSA should have one ticket, and has {}", ledger.len());
    ledger.into_iter().next().context("no ticket")
}
