//! The first policy that matches decides, and each before it says why it does not.

use entity::finding::FindingState;
use serde_json::json;

use super::*;
use crate::decisions::{
    catalogue,
    event::{Cvss, Kev, Vuln},
    event_sets::Choice,
    presets,
};

const NOW: Timestamp = Timestamp::from_secs(1_795_262_400);

fn policy(number: i32, name: &str) -> policy::Model {
    policy::Model {
        id: Uuid::from_u128(u128::from(number.unsigned_abs())),
        organization_id: Uuid::nil(),
        position: number,
        name: name.to_owned(),
        description: String::new(),
        is_enabled: true,
        event_set_id: None,
        company_ids: None,
        conditions: None,
        minimum_severity: Severity::Unknown,
        ticket_profile_id: None,
        reopen_window_secs: 14 * 86_400,
        note_interval_secs: 3_600,
        handling: None,
        opens_tickets: true,
        notifies: policy::Notifies::All,
        version: 1,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn set(choices: &[Choice]) -> event_set::Model {
    event_set::Model {
        id: Uuid::from_u128(99),
        organization_id: Uuid::nil(),
        name: "Some".to_owned(),
        is_default: false,
        remediation_grain: RemediationGrain::Company,
        choices: json!(choices),
        version: 1,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn rules(policies: Vec<policy::Model>, sets: Vec<event_set::Model>) -> Rules {
    let sets = sets.into_iter().map(|set| (set.id, set)).collect();
    let policies = policies.into_iter().map(|policy| Rule::of(policy, &sets)).collect();
    let snapshot = OnceLock::new();
    Rules { organization_id: Uuid::nil(), is_ticketing_enabled: true, sets, policies, snapshot }
}

fn event(kind: &str, severity: Severity) -> Event {
    let mut event = Event::new(catalogue::find(kind).unwrap(), "scanner", "1", "title");
    event.severity = severity;
    event
}

fn finding_of(event: &Event) -> finding::Model {
    let id = Uuid::nil();
    finding::Model {
        id,
        organization_id: id,
        company_id: id,
        source: event.source.clone(),
        key: event.finding_key.clone(),
        scope_key: None,
        state: FindingState::Open,
        severity: event.severity,
        category: event.category.clone(),
        title: event.title.clone(),
        body_md: String::new(),
        asset: serde_json::Value::Null,
        evidence_url: None,
        details: None,
        first_seen_at: NOW,
        last_seen_at: NOW,
        seen_count: 1,
        last_occurred_at: NOW,
        last_sequence: None,
        last_kind: event.kind.name.to_owned(),
        resolved_at: None,
        close_reason: None,
        reopened_count: 0,
        baseline_endpoint_id: None,
        is_told: false,
    }
}

/// The policy's name or the reason why there is none; and the steps.
fn choose(rules: &Rules, event: &Event) -> (String, Vec<String>) {
    let mut trail = Trail::default();
    let chosen = rules.choose(Uuid::nil(), event, &finding_of(event), NOW, &mut trail);
    let name = match chosen {
        Ok(policy) => policy.name.clone(),
        Err(decision) => decision.reason.to_owned(),
    };
    let kept = rules.snapshot.get().map(|snapshot| (snapshot.id, snapshot.row(Uuid::nil(), NOW)));
    let steps = steps(&trail.into_json(), &kept.into_iter().collect()).into_iter();
    (name, steps.inspect(|(name, _)| assert_eq!(name, "policy")).map(|(_, words)| words).collect())
}

#[test]
fn the_first_that_matches_decides_and_each_before_it_says_why_not() {
    let mut off = policy(0, "Off");
    off.is_enabled = false;
    let mut elsewhere = policy(1, "Elsewhere");
    elsewhere.company_ids = Some(json!([Uuid::from_u128(5)]));
    let mut identity = policy(2, "Identity");
    identity.event_set_id = Some(Uuid::from_u128(99));
    let mut high = policy(3, "High");
    high.minimum_severity = Severity::High;
    let mut kev = policy(4, "KEV");
    kev.conditions = presets::find("critical_or_kev").unwrap().conditions.map(|tree| tree.stored());
    let mut newer = policy(5, "Newer");
    newer.conditions = Some(json!({ "moonPhase": "full" }));
    let choices = [Choice { category: "identity".to_owned(), kinds: None }];
    let all = vec![off, elsewhere, identity, high, kev, newer, policy(6, "Rest"), policy(7, "Never")];
    let rules = rules(all, vec![set(&choices)]);
    let (name, steps) = choose(&rules, &event("finding.opened", Severity::Medium));
    assert_eq!(name, "Rest");
    assert_eq!(
        steps,
        [
            "\"Off\" is switched off",
            "\"Elsewhere\" is for other companies",
            "\"Identity\" is for the event set \"Some\"; finding.opened of the category vulnerability is not in it",
            "\"High\" wants at least high; this is medium",
            "\"KEV\" wants severity critical or worse; this is medium, and wants a known exploited vulnerability \
             (KEV); the sender does not say",
            "\"Newer\" has conditions that this version cannot read; save them again",
            "\"Rest\" matches",
        ]
    );
    assert_eq!(choose(&rules, &event("identity.user_locked_out", Severity::Info)).0, "Identity");
    assert_eq!(choose(&rules, &event("finding.opened", Severity::Critical)).0, "High");
    let unknown = choose(&rules, &event("finding.opened", Severity::Unknown));
    assert_eq!(unknown.0, "High", "an unknown severity is never taken for a low one");
    assert_eq!(rules.note_interval_secs(Uuid::from_u128(1_000)), 3_600, "of a policy that is gone");
}

#[test]
fn what_many_policies_said_is_kept_by_what_they_were_asked_and_said_again_in_the_same_words() {
    let mut elsewhere = policy(1, "Elsewhere");
    elsewhere.company_ids = Some(json!([Uuid::from_u128(5)]));
    let mut kev = policy(2, "KEV");
    kev.conditions = presets::find("critical_or_kev").unwrap().conditions.map(|tree| tree.stored());
    let mut newer = policy(3, "Newer");
    newer.conditions = Some(json!({ "moonPhase": "full" }));
    let mut set_of = policy(4, "Set");
    set_of.event_set_id = Some(Uuid::from_u128(99));
    let sets = || vec![set(&[Choice { category: "identity".to_owned(), kinds: None }])];
    let asked: Vec<policy::Model> =
        (0..60).map(|number| [&elsewhere, &kev, &newer, &set_of][number % 4].clone()).collect();
    let mut medium = event("finding.opened", Severity::Medium);
    medium.vulns = vec![Vuln { kev: None, exploit_known: Some(false), ..Vuln::default() }];
    let one_by_one: Vec<String> = asked
        .iter()
        .flat_map(|policy| choose(&rules(vec![policy.clone()], sets()), &medium).1)
        .chain(["\"Rest\" matches".to_owned()])
        .collect();
    let all = rules(asked.into_iter().chain([policy(9, "Rest")]).collect(), sets());
    let (name, words) = choose(&all, &medium);
    assert_eq!((name.as_str(), words.len()), ("Rest", 61));
    assert_eq!(words, one_by_one);

    let mut trail = Trail::default();
    let _ = all.choose(Uuid::nil(), &medium, &finding_of(&medium), NOW, &mut trail);
    let kept = trail.into_json();
    assert!(kept.to_string().len() < 1_000, "as much as an event says, not as 60 policies do: {kept}");
    let words = steps(&kept, &HashMap::new());
    assert_eq!(words[0].1, "this version cannot say what the policies said");
}

#[test]
fn with_tickets_off_everywhere_no_policy_is_asked() {
    let mut rules = rules(vec![policy(0, "All")], Vec::new());
    rules.is_ticketing_enabled = false;
    let (reason, steps) = choose(&rules, &event("finding.opened", Severity::Critical));
    assert_eq!((reason.as_str(), steps.len()), ("ticketing_off_everywhere", 1));
}

#[test]
fn an_event_set_that_cannot_be_read_holds_nothing() {
    let mut some = policy(0, "Some");
    some.event_set_id = Some(Uuid::from_u128(99));
    let mut broken = set(&[]);
    broken.choices = json!("from a newer version");
    let (reason, _) = choose(&rules(vec![some], vec![broken]), &event("finding.opened", Severity::Critical));
    assert_eq!(reason, "no_policy");
}

#[test]
fn presets_decide_as_named() {
    let wants = |key: &str, event: &Event| {
        let preset = presets::find(key).unwrap();
        let mut one = policy(0, preset.label);
        one.conditions = preset.conditions.map(|tree| tree.stored());
        let sets = preset.events.map(|events| set(&events.choices));
        one.event_set_id = sets.as_ref().map(|set| set.id);
        choose(&rules(vec![one], sets.into_iter().collect()), event).0 != "no_policy"
    };
    let mut scored = event("finding.opened", Severity::Medium);
    let score = Cvss { score: Some(7.2), ..Cvss::default() };
    scored.vulns = vec![Vuln { cvss: vec![score], ..Vuln::default() }];
    let mut exploited = event("finding.opened", Severity::Low);
    exploited.vulns = vec![Vuln { kev: Some(Kev::default()), ..Vuln::default() }];
    let unlocked_door = event("identity.admin_granted", Severity::Unknown);
    let other_identity = event("entra_id.role_granted", Severity::Unknown);
    let patch = event("remediation.wanted", Severity::Low);
    let (medium, high) = (event("finding.opened", Severity::Medium), event("finding.opened", Severity::High));
    let critical = event("finding.opened", Severity::Critical);
    for (key, yes, no) in [
        ("jumpcloud_alerts", vec![&unlocked_door], vec![&other_identity, &critical]),
        ("connectsecure_remediation", vec![&patch], vec![&critical]),
        ("cyrisma_vulnerabilities", vec![&high, &critical, &scored], vec![&medium, &patch, &unlocked_door]),
        ("critical_or_kev", vec![&critical, &exploited], vec![&high, &scored, &patch]),
        ("low_told_only", vec![&exploited, &patch], vec![&medium, &critical, &unlocked_door]),
    ] {
        for event in yes {
            assert!(wants(key, event), "{key} wants {event:?}");
        }
        for event in no {
            assert!(!wants(key, event), "{key} does not want {event:?}");
        }
    }
}

#[test]
fn the_switch_of_ticketing_stops_policies_that_open_tickets_and_no_others() {
    let telling =
        policy::Model { opens_tickets: false, minimum_severity: Severity::High, ..policy(0, "Tell") };
    let mut both = rules(vec![telling, policy(1, "Open")], Vec::new());
    both.is_ticketing_enabled = false;
    assert_eq!(choose(&both, &event("finding.opened", Severity::Critical)).0, "Tell");
    let (reason, steps) = choose(&both, &event("finding.opened", Severity::Low));
    assert_eq!(reason, "ticketing_off_everywhere");
    assert_eq!(steps, ["\"Tell\" wants at least high; this is low", "\"Open\" matches"]);
    let mut one = rules(vec![policy(0, "Open")], Vec::new());
    one.is_ticketing_enabled = false;
    let (_, steps) = choose(&one, &event("finding.opened", Severity::Critical));
    assert!(steps[0].ends_with("no policy is asked"), "{steps:?}");
}

#[test]
fn a_policy_says_what_it_does() {
    let mut one = policy(0, "One");
    one.company_ids = Some(json!([Uuid::from_u128(1), Uuid::from_u128(2)]));
    one.minimum_severity = Severity::High;
    one.conditions = presets::find("critical_or_kev").unwrap().conditions.map(|tree| tree.stored());
    let choices = [
        Choice { category: "vulnerability".to_owned(), kinds: None },
        Choice { category: "secret".to_owned(), kinds: Some(vec!["secret.leaked".to_owned()]) },
    ];
    let telling = policy::Model { opens_tickets: false, ..policy(1, "Two") };
    assert_eq!(
        explain(&telling, None, Some("Security board")),
        "Tells subscribers, without a ticket, of every event that tells of a problem, at every company. Each is told \
         once while it is there, and once when it is over; no ticket is opened."
    );
    assert_eq!(
        explain(&one, Some(&set(&choices)), Some("Security board")),
        "Opens a ticket for events of \"Some\" (Problems; Secret (secret.leaked)), at 2 chosen companies, of \
         severity high or worse, or unknown, if: severity critical or worse or a known exploited vulnerability \
         (KEV). The ticket is made by the profile \"Security board\"; a problem that comes back within 14 days \
         reopens it; repetitions are noted on it once in 1 hour at most."
    );
}
