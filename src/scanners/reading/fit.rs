//! Puts what an adapter read within the bounds that hold for every event.

use crate::decisions::event::{Event, Reading};

use super::text;

/// How many labels an event keeps.
const MAX_LABELS: usize = 100;

/// The reading with its texts cleaned and cut, and its link checked; a remark says what was cut or dropped.
pub(in crate::scanners) fn fit(mut reading: Reading) -> Reading {
    let Reading { event, remarks } = &mut reading;
    if let Ok(event) = event {
        texts(event, remarks);
        link(event, remarks);
        labels(event, remarks);
    }
    reading
}

/// A title that is too long begins the body in full.
fn texts(event: &mut Event, remarks: &mut Vec<String>) {
    let title = text::line(&event.title);
    let body = text::lines(&event.body_md);
    body.trim_end().clone_into(&mut event.body_md);
    if let Some(cut) = text::cut_chars(&title, text::MAX_TITLE) {
        remarks.push("the title was cut to 200 characters; the whole of it begins the body".to_owned());
        event.body_md.insert_str(0, &format!("{title}\n\n"));
        event.title = cut;
    } else {
        event.title = title;
    }
    if event.title.is_empty() {
        event.title = event.kind.description.trim_end_matches('.').to_owned();
    }
    if let Some(short) = text::cut_bytes(&event.body_md, text::MAX_BODY) {
        remarks.push("the body was cut to 64 KiB; the link to the evidence has the rest".to_owned());
        event.body_md.truncate(short.len());
    }
}

fn link(event: &mut Event, remarks: &mut Vec<String>) {
    let Some(sent) = event.evidence_url.take() else { return };
    let url =
        Some(sent.as_str()).filter(|sent| sent.len() <= 2_048).and_then(|sent| url::Url::parse(sent).ok());
    let fits = |url: &url::Url| {
        url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.password().is_none()
    };
    event.evidence_url = url.filter(fits).map(Into::into);
    if event.evidence_url.is_none() && !sent.is_empty() {
        remarks.push(
            "the link to the evidence was dropped: it is not an https link without a password".to_owned(),
        );
    }
}

fn labels(event: &mut Event, remarks: &mut Vec<String>) {
    let before = event.labels.len();
    event.labels.retain(|name, value| !name.is_empty() && name.len() <= 128 && value.len() <= 1_024);
    while event.labels.len() > MAX_LABELS {
        event.labels.pop_last();
    }
    if event.labels.len() < before {
        remarks.push(format!("{} labels were dropped: too long, or too many", before - event.labels.len()));
    }
}
