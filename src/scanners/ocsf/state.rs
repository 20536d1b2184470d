//! What a finding says of its problem: there, gone, or waved off.

use crate::{decisions::event::CloseReason, scanners::reading::place::Place};

/// The class of a finding (`class_uid`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// 2002
    Vulnerability,
    /// 2003
    Compliance,
    /// 2004
    Detection,
    /// 2005
    Incident,
}

/// What is said of the problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    There,
    /// More is known; nothing is said of whether it is there.
    Noted(&'static str),
    Gone(CloseReason),
}

impl Class {
    pub(super) fn of(finding: &Place<'_>) -> Option<Self> {
        // `type_uid` is `class_uid` times 100 and `activity_id`.
        let class = finding.at("class_uid").count();
        match class.or_else(|| finding.at("type_uid").count().map(|uid| uid / 100))? {
            2002 => Some(Self::Vulnerability),
            2003 => Some(Self::Compliance),
            2004 => Some(Self::Detection),
            2005 => Some(Self::Incident),
            _ => None,
        }
    }

    pub(super) const fn category(self) -> &'static str {
        match self {
            Self::Vulnerability => "vulnerability",
            Self::Compliance => "compliance",
            Self::Detection | Self::Incident => "detection",
        }
    }

    /// The kind for what is said.
    pub(super) const fn kind(self, state: State) -> &'static str {
        match (self, state) {
            (_, State::Gone(reason)) if reason.is_dismissal() => "finding.dismissed",
            (Self::Vulnerability, State::There) => "finding.opened",
            (Self::Vulnerability, State::Gone(_)) => "finding.resolved",
            (Self::Compliance, State::There) => "compliance.failed",
            (Self::Compliance, State::Gone(_)) => "compliance.passed",
            (Self::Detection, State::There) => "detection.opened",
            (Self::Detection, State::Gone(_)) => "detection.closed",
            (Self::Incident, State::There) => "incident.opened",
            (Self::Incident, State::Noted(_)) => "incident.updated",
            (Self::Incident, State::Gone(_)) => "incident.closed",
            (_, State::Noted(_)) => "finding.updated",
        }
    }
}

/// What a finding says of its problem.
pub(super) fn state(class: Class, finding: &Place<'_>) -> State {
    let closes = finding.at("activity_id").count() == Some(3);
    let status = status(class, finding);
    match status {
        Status::Suppressed => return State::Gone(CloseReason::Suppressed),
        Status::Resolved => return State::Gone(reason(finding)),
        Status::Archived => return State::Gone(CloseReason::Expired),
        _ if closes => return State::Gone(reason(finding)),
        Status::Deleted => {
            return State::Noted("the record was deleted, which does not say that the problem is gone");
        }
        Status::OnHold => return State::Noted("the incident is on hold"),
        Status::Open => {}
    }
    // Security Hub's mapping to OCSF leaves the state of the record outside of the schema, so that an archived
    // finding never has a status of its own.
    let unmapped = finding.at("unmapped").at("RecordState").word();
    if unmapped.as_deref() == Some("archived") {
        return State::Gone(CloseReason::Expired);
    }
    if class == Class::Compliance {
        return compliance(&finding.at("compliance"));
    }
    State::There
}

enum Status {
    Open,
    OnHold,
    Suppressed,
    Resolved,
    Archived,
    Deleted,
}

/// The same numbers mean other things for incidents; where there is no number, its caption counts.
fn status(class: Class, finding: &Place<'_>) -> Status {
    let word = finding.at("status").word();
    match (class, finding.at("status_id").count()) {
        (Class::Incident, Some(3)) => Status::OnHold,
        (Class::Incident, Some(4 | 5)) | (_, Some(4)) => Status::Resolved,
        (_, Some(3)) => Status::Suppressed,
        (_, Some(5)) => Status::Archived,
        (_, Some(6)) => Status::Deleted,
        (_, Some(1 | 2)) => Status::Open,
        (_, _) => match word.as_deref() {
            Some("on hold") => Status::OnHold,
            Some("resolved" | "closed") => Status::Resolved,
            Some("suppressed") => Status::Suppressed,
            Some("archived") => Status::Archived,
            Some("deleted") => Status::Deleted,
            _ => Status::Open,
        },
    }
}

/// An incident's verdict: 1 false positive, 3 disregard, 5 benign (among others) say that it was none.
fn reason(finding: &Place<'_>) -> CloseReason {
    match finding.at("verdict_id").count() {
        Some(1) => CloseReason::FalsePositive,
        Some(3 | 5 | 6) => CloseReason::Dismissed,
        _ => CloseReason::Fixed,
    }
}

/// 1 passes, 2 warns, 3 fails. Without a result there is none to open or close by.
fn compliance(compliance: &Place<'_>) -> State {
    let word = compliance.at("status").word();
    match (compliance.at("status_id").count(), word.as_deref()) {
        (Some(1), _) | (None, Some("pass" | "passed" | "compliant")) => State::Gone(CloseReason::Fixed),
        (Some(2 | 3), _) => State::There,
        (_, Some("not_available" | "not available" | "unknown" | "not applicable" | "not_applicable")) => {
            State::Noted("the check could not be made")
        }
        _ => State::There,
    }
}
