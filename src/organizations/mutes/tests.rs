//! A mute has a date and a reason, is made anew rather than doubled, and is its organization's own.

use super::*;
use crate::fixtures::{self, Place};

fn of(finding: &finding::Model, until: Timestamp, reason: &str) -> NewMute {
    NewMute { of: Muting::Finding(finding.id), until, reason: reason.to_owned() }
}

#[tokio::test]
async fn a_mute_needs_a_date_that_is_to_come_and_a_reason() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    let (now, viewer) = (ground.clock.now(), Viewer::gateway());
    let finding = acme.finding("CVE-1", now).await;
    for until in [now, now.plus_secs(MAX_AHEAD_SECS + 1)] {
        let Err(Error::Invalid(problems)) = mute(&viewer, &ground, of(&finding, until, " ")).await else {
            panic!("muted");
        };
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.join(".")).collect();
        assert_eq!(fields, ["reason", "until"]);
    }
    mute(&viewer, &ground, of(&finding, now.plus_secs(MAX_AHEAD_SECS), "accepted")).await.unwrap();
}

#[tokio::test]
async fn muting_again_changes_the_one_mute_there_is() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    let (now, viewer) = (ground.clock.now(), Viewer::gateway());
    let finding = acme.finding("CVE-1", now).await;
    let ticket = acme.ticket("CVE-1", now).await;
    let first = mute(&viewer, &ground, of(&finding, now.plus_secs(60), "first")).await.unwrap();
    let again = mute(&viewer, &ground, of(&finding, now.plus_secs(90), "second")).await.unwrap();
    assert_eq!((again.id, again.reason.as_str(), again.until), (first.id, "second", now.plus_secs(90)));
    let group = NewMute { of: Muting::GroupOf(ticket.id), ..of(&finding, now.plus_secs(60), "group") };
    let group = mute(&viewer, &ground, group).await.unwrap();
    assert_eq!((group.finding_id, group.group_key), (None, Some(ticket.group_key)));

    let known = of_findings(&viewer, &ground, &[finding.id]).await.unwrap();
    assert_eq!(known.get(&finding.id).map(|row| row.reason.as_str()), Some("second"));
    unmute(&viewer, &ground, again.id).await.unwrap();
    assert!(of_findings(&viewer, &ground, &[finding.id]).await.unwrap().is_empty());
    assert!(matches!(unmute(&viewer, &ground, again.id).await, Err(Error::NotFound)));
}
