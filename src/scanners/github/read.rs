//! From a delivery to the reader of its kind of alert, and what all kinds of alerts share.

use crate::{
    decisions::event::{Asset, CloseReason, Event, Reading, Unreadable},
    scanners::{
        Posted,
        reading::{body::json, key, place::Place, start, text},
    },
};

/// How many custom properties of a repository become labels.
const MAX_PROPERTIES: usize = 50;

/// One statement about an alert.
pub(super) struct Told<'a> {
    pub(super) action: String,
    pub(super) body: Place<'a>,
    pub(super) alert: Place<'a>,
    event: String,
}

type Read = fn(&Told<'_>) -> Result<Reading, Unreadable>;

/// What happened stands in the header `X-GitHub-Event`, what became of it in the field `action`.
pub(super) fn delivery(posted: &Posted<'_>) -> Vec<Reading> {
    one(posted).map_or_else(|refused| vec![refused.into()], |read| read.into_iter().collect())
}

fn one(posted: &Posted<'_>) -> Result<Option<Reading>, Unreadable> {
    let sent = posted.headers.single("x-github-event");
    let sent = sent.map_err(|repeated| Unreadable::invalid("", repeated.to_string()))?.ok_or_else(|| {
        Unreadable::missing(
            "",
            "the header X-GitHub-Event is missing; let the proxy before the gateway pass it on",
        )
    })?;
    let read: Read = match sent {
        "ping" => return Ok(None),
        "code_scanning_alert" => super::code::alert,
        "dependabot_alert" => super::packages::alert,
        "repository_vulnerability_alert" => super::packages::old_alert,
        "secret_scanning_alert" => super::secrets::alert,
        other => {
            let problem = "only code scanning, Dependabot and secret scanning alerts are read; untick the \
                           other events in GitHub's webhook";
            return Err(Unreadable::unknown_kind("", start::short(other), problem));
        }
    };
    if posted.body.starts_with(b"payload=") {
        let problem = "this is a form; choose the content type application/json in GitHub's webhook";
        return Err(Unreadable { code: "invalid_json", ..Unreadable::invalid("", problem) });
    }
    let value = json(posted.body)?;
    let body = Place::root(&value);
    let action = start::word(&body.at("action"))
        .ok_or_else(|| Unreadable::missing("/action", "this is missing; it says what became of the alert"))?;
    let told = Told { action, alert: body.at("alert"), body, event: sent.to_owned() };
    read(&told).map(Some)
}

impl Told<'_> {
    /// The beginning of an event about the alert. `sort` tells apart alerts that share a number: GitHub counts
    /// each sort by itself within a repository.
    pub(super) fn event(&self, kind: &str, sort: &str, title: &str) -> Result<Event, Unreadable> {
        let repository = self.repository();
        let (id, number) = (repository.at("id").key()?, self.alert.at("number").key()?);
        let name = repository.at("full_name").line();
        let title = name.as_ref().map_or_else(|| title.to_owned(), |name| format!("{title} ({name})"));
        let mut event = start::event(kind, "github", key::joined(&[&id, sort, &number]), title)?;
        event.client_ref = repository.at("owner").at("login").key().ok();
        let updated = self.alert.at("updated_at");
        event.occurred_at = updated.time();
        event.sequence = event.occurred_at.and_then(|_| updated.line());
        event.evidence_url = self.alert.at("html_url").line();
        start::label(&mut event, "event", Some(self.event.clone()));
        start::label(&mut event, "action", Some(self.action.clone()));
        start::label(&mut event, "repository", name.clone());
        start::label(&mut event, "visibility", repository.at("visibility").line());
        for (name, value) in repository.at("custom_properties").entries().into_iter().take(MAX_PROPERTIES) {
            start::label(&mut event, &format!("property.{}", text::line(name)), value.line());
        }
        event.asset = Some(Asset {
            uid: Some(id),
            name,
            kind: Some("repo".to_owned()),
            url: repository.at("html_url").line(),
            ..Asset::default()
        });
        Ok(event)
    }

    pub(super) fn repository(&self) -> Place<'_> {
        self.body.at("repository")
    }

    /// An action that a later version of GitHub's may have.
    pub(super) fn unknown(&self) -> Unreadable {
        self.nothing("this action is not known here, so nothing is opened or closed on it")
    }

    /// An action that is known, and says nothing of whether the problem is there.
    pub(super) fn nothing(&self, why: &str) -> Unreadable {
        Unreadable::unknown_kind("/action", format!("{}.{}", self.event, self.action), why)
    }

    /// An alert that was closed before somebody added to it must not look like a new problem.
    pub(super) fn check_open(&self) -> Result<(), Unreadable> {
        match self.alert.at("state").word().as_deref() {
            None | Some("open") => Ok(()),
            Some(_) => Err(self.nothing("the alert is closed on GitHub; this does not open it again")),
        }
    }

    /// Turns the event into the statement that somebody closed the alert, saying who and why.
    pub(super) fn close(&self, event: &mut Event, reason: CloseReason, by: &str, words: [Option<String>; 2]) {
        event.close_reason = Some(reason);
        let by = self.alert.at(by).at("login").line();
        let who = by.map_or_else(|| "Closed on GitHub".to_owned(), |by| format!("Closed on GitHub by {by}"));
        let why: Vec<String> = words.into_iter().flatten().collect();
        event.body_md = if why.is_empty() { format!("{who}.") } else { format!("{who}: {}", why.join(". ")) };
    }
}
