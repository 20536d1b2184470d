//! `psa-gateway doctor`: looks at everything that a gateway needs, and says what is wrong, where, and what to do.
//!
//! It changes nothing. Facts are read in one place and judged in another, so that what is judged can be tried without a
//! broken database. Nothing secret is shown.

pub mod connections;
pub mod database;
pub mod keys;
#[cfg(feature = "nats")]
pub mod stream;
pub mod surroundings;
pub mod webhooks;
pub mod work;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, fmt::Write as _};

use entity::{Timestamp, organization};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, QuerySelect as _};
use serde_json::{Value, json};
use uuid::Uuid;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Works, and somebody should look at it.
    Look,
    /// Something does not work, or can be lost.
    Bad,
}

impl Verdict {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Look => "look",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Stable name, e.g. `database.fsync`.
    pub name: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// Which of several it is about, for people: an organization and the name of its connection.
    pub subject: Option<String>,
    /// What was seen.
    pub message: String,
    /// What to do, where something is to be done.
    pub next: Option<String>,
}

impl Check {
    /// It is as it should be.
    pub fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, subject: None, message: message.into(), next: None }
    }

    /// Somebody should look at it.
    pub fn look(name: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { verdict: Verdict::Look, next: Some(next.into()), ..Self::ok(name, message) }
    }

    /// It is wrong.
    pub fn bad(name: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, next: Some(next.into()), ..Self::ok(name, message) }
    }

    /// It is about this one of several.
    #[must_use]
    pub fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }
}

/// Everything that was looked at, in its order.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One thing each.
    pub checks: Vec<Check>,
}

impl Report {
    /// Adds what was seen of another database of the installation, under its name where one is given.
    pub fn add(&mut self, shard: Option<&str>, other: Self) {
        self.checks.extend(other.checks.into_iter().map(|check| match (shard, &check.subject) {
            (Some(shard), Some(subject)) => Check { subject: Some(format!("{shard}: {subject}")), ..check },
            (Some(shard), None) => check.about(shard),
            (None, _) => check,
        }));
    }

    /// The worst there is.
    pub fn verdict(&self) -> Verdict {
        self.checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
    }

    /// A line for each, and a sentence at the end.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            let _ = write!(text, "{:<4}  {:<24}  ", check.verdict.word(), check.name);
            if let Some(subject) = &check.subject {
                let _ = write!(text, "{}: ", one_line(subject));
            }
            text.push_str(&one_line(&check.message));
            if let Some(next) = &check.next {
                let _ = write!(text, "; {}", one_line(next));
            }
            text.push('\n');
        }
        let count = |verdict| self.checks.iter().filter(|check| check.verdict == verdict).count();
        let (bad, look) = (count(Verdict::Bad), count(Verdict::Look));
        let _ = match (bad, look) {
            (0, 0) => writeln!(text, "\nEverything is as it should be."),
            _ => writeln!(text, "\n{bad} bad, {look} to look at."),
        };
        text
    }

    /// One document for programs.
    pub fn json(&self, version: &str, at: Timestamp) -> Value {
        let checks = self.checks.iter().map(|check| {
            json!({
                "check": check.name,
                "verdict": check.verdict.word(),
                "subject": check.subject,
                "message": check.message,
                "next": check.next,
            })
        });
        json!({
            "version": version,
            "at": at.rfc3339(),
            "verdict": self.verdict().word(),
            "checks": checks.collect::<Vec<_>>(),
        })
    }
}

/// What others wrote must not look like lines of ours.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Slugs of all organizations, by id.
#[expect(clippy::disallowed_methods, reason = "the doctor looks at the whole installation")]
pub async fn slugs(db: &impl ConnectionTrait) -> Result<HashMap<Uuid, String>, DbErr> {
    let rows: Vec<(Uuid, String)> = organization::Entity::find()
        .select_only()
        .column(organization::Column::Id)
        .column(organization::Column::Slug)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Whose a thing is, and what it is called.
fn named(slugs: &HashMap<Uuid, String>, organization_id: Uuid, name: &str) -> String {
    format!("{} / {name}", slugs.get(&organization_id).map_or("?", String::as_str))
}

/// How long ago that was, for people.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let secs = now.millis_since(at).max(0) / 1_000;
    match secs {
        0..120 => format!("{secs} s"),
        120..7_200 => format!("{} min", secs / 60),
        7_200..172_800 => format!("{} h", secs / 3_600),
        _ => format!("{} days", secs / 86_400),
    }
}

/// A size, for people.
pub fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit behind the point")]
    let bytes_shown = bytes as f64;
    for (unit, name) in [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")] {
        if bytes_shown >= unit {
            return format!("{:.1} {name}", bytes_shown / unit);
        }
    }
    format!("{bytes} bytes")
}
