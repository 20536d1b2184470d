//! Conditions are total, explain themselves, and never take what is not known for a yes or a no.

use entity::{Timestamp, finding, finding::FindingState};
use proptest::prelude::*;

use super::*;
use crate::{
    decisions::{
        catalogue,
        event::{Asset, Cvss, Event, Kev, Product, Vuln},
    },
    error::{Problem, ProblemCode},
};

const NOW: Timestamp = Timestamp::from_secs(1_795_262_400);

fn finding_of(event: &Event, age_secs: i64) -> finding::Model {
    let at = NOW.plus_secs(-age_secs);
    let id = uuid::Uuid::nil();
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
        first_seen_at: at,
        last_seen_at: at,
        seen_count: 3,
        last_occurred_at: at,
        last_sequence: None,
        last_kind: event.kind.name.to_owned(),
        resolved_at: None,
        close_reason: None,
        reopened_count: 0,
        baseline_endpoint_id: None,
        is_told: false,
    }
}

fn opened() -> Event {
    Event::new(catalogue::find("finding.opened").unwrap(), "scanner", "CVE-1", "CVE-1 on web-1")
}

fn facts(event: &Event) -> Facts {
    Facts::of(event, &finding_of(event, 3 * 86_400), NOW)
}

fn number(field: NumberField, is: NumberIs) -> Condition {
    Condition::Number(FieldTest { field, is, or_unknown: false })
}

fn text(field: TextField, is: TextIs) -> Condition {
    Condition::Text(FieldTest { field, is, or_unknown: false })
}

fn at_least(severity: Severity, or_unknown: bool) -> Condition {
    Condition::Severity(Test { is: SeverityIs::AtLeast(severity), or_unknown })
}

fn kev(is: bool) -> Condition {
    Condition::Flag(FieldTest { field: FlagField::Kev, is, or_unknown: false })
}

fn one(text: &str) -> TextIs {
    TextIs::OneOf(vec![text.to_owned()])
}

#[test]
fn a_failure_names_the_test_and_what_there_is_instead() {
    let mut event = opened();
    let score = |score| Cvss { score: Some(score), ..Cvss::default() };
    event.vulns.push(Vuln { cvss: vec![score(4.0), score(5.3)], ..Vuln::default() });
    event.severity = Severity::Medium;
    let cvss = number(NumberField::Cvss, NumberIs::AtLeast(7.0));
    let fails = |words: &str| Verdict::Fails(words.to_owned());
    assert_eq!(evaluate(&cvss, &facts(&event)), fails("wants CVSS at least 7; this is 5.3"));
    let both = Condition::All(vec![at_least(Severity::Medium, false), cvss.clone()]);
    assert_eq!(evaluate(&both, &facts(&event)), fails("wants CVSS at least 7; this is 5.3"));
    let either = Condition::Any(vec![at_least(Severity::High, false), cvss]);
    assert_eq!(
        evaluate(&either, &facts(&event)),
        fails("wants severity high or worse; this is medium, and wants CVSS at least 7; this is 5.3")
    );
    let label = text(TextField::Label("env".to_owned()), one("prod"));
    assert_eq!(evaluate(&label, &facts(&event)), fails("wants label env \"prod\"; it has no label env"));
    let age = number(NumberField::FirstSeenAgeSeconds, NumberIs::AtLeast(7.0 * 86_400.0));
    assert_eq!(evaluate(&age, &facts(&event)), fails("wants first seen at least 7 days ago; this is 3 days"));
}

#[test]
fn what_is_not_known_neither_passes_nor_fails_unless_the_test_says_so() {
    let nothing = facts(&opened());
    let unknown = |condition: &Condition| matches!(evaluate(condition, &nothing), Verdict::Unknown(_));
    assert_eq!(
        evaluate(&at_least(Severity::High, false), &nothing),
        Verdict::Unknown("wants severity high or worse; its severity is not known".to_owned())
    );
    assert_eq!(evaluate(&at_least(Severity::High, true), &nothing), Verdict::Holds);
    for test in [
        number(NumberField::Cvss, NumberIs::AtMost(5.0)),
        kev(true),
        kev(false),
        text(TextField::Product, one("Firefox")),
        text(TextField::User, one("dana")),
    ] {
        assert!(unknown(&test), "{}", explain(&test));
        assert!(unknown(&Condition::Not(Box::new(test))));
    }
    // One part that decides is enough.
    let title = || text(TextField::Title, TextIs::Contains("WEB-1".to_owned()));
    assert_eq!(evaluate(&Condition::Any(vec![kev(true), title()]), &nothing), Verdict::Holds);
    let neither = Condition::All(vec![kev(true), Condition::Not(Box::new(title()))]);
    assert!(matches!(evaluate(&neither, &nothing), Verdict::Fails(_)));
    // Whether something is known is always known, and a label that is not there is not there.
    let is_known = Condition::Severity(Test { is: SeverityIs::Known(false), or_unknown: false });
    assert_eq!(evaluate(&is_known, &nothing), Verdict::Holds);
    let label = text(TextField::Label("env".to_owned()), one("test"));
    assert_eq!(evaluate(&Condition::Not(Box::new(label)), &nothing), Verdict::Holds);
}

#[test]
fn kev_kind_product_and_asset_are_read_off_the_event() {
    let mut event = opened();
    let entry = Kev { ransomware: Some("Unknown".to_owned()), ..Kev::default() };
    event.vulns.push(Vuln { kev: Some(entry), ..Vuln::default() });
    event.product = Some(Product {
        vendor: Some("Mozilla".to_owned()),
        name: Some("Firefox".to_owned()),
        ..Product::default()
    });
    event.asset = Some(Asset { kind: Some("host".to_owned()), ..Asset::default() });
    let known = facts(&event);
    assert_eq!((known.kev, known.ransomware), (Some(true), Some(false)));
    for holds in [
        kev(true),
        text(TextField::Kind, one("vulnerability.kev_found")),
        text(TextField::Kind, one("finding.opened")),
        text(TextField::Product, one("mozilla firefox")),
        text(TextField::AssetType, one("HOST")),
        number(NumberField::SeenCount, NumberIs::AtLeast(3.0)),
    ] {
        assert_eq!(evaluate(&holds, &known), Verdict::Holds, "{}", explain(&holds));
    }
    event.vulns = vec![Vuln { exploit_known: Some(false), ..Vuln::default() }];
    assert_eq!(facts(&event).kev, Some(false), "what nobody exploits is not in the catalogue");
}

#[test]
fn a_tree_reads_as_a_sentence() {
    let tree = Condition::All(vec![
        at_least(Severity::High, false),
        Condition::Any(vec![number(NumberField::Cvss, NumberIs::AtLeast(7.0)), kev(true)]),
        Condition::Not(Box::new(text(TextField::Category, one("secret")))),
    ]);
    assert_eq!(
        explain(&tree),
        "(severity high or worse) and (CVSS at least 7 or a known exploited vulnerability (KEV)) and not \
         (category Secret)"
    );
}

fn paths(problems: &[Problem]) -> Vec<(String, ProblemCode)> {
    problems.iter().map(|problem| (problem.field.join("."), problem.code)).collect()
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let tree = Condition::Any(vec![
        Condition::All(vec![number(NumberField::Cvss, NumberIs::AtLeast(70.0))]),
        Condition::Not(Box::new(text(TextField::Kind, one("no.such_kind")))),
        Condition::All(Vec::new()),
        at_least(Severity::Unknown, false),
        text(TextField::Label(String::new()), TextIs::Contains("a\nb".to_owned())),
    ]);
    assert_eq!(
        paths(&check(&tree, "conditions")),
        [
            ("conditions.any.0.all.0.number.is.atLeast", ProblemCode::Invalid),
            ("conditions.any.1.not.text.is.oneOf", ProblemCode::NotFound),
            ("conditions.any.2.all", ProblemCode::Required),
            ("conditions.any.3.severity.is.atLeast", ProblemCode::Invalid),
            ("conditions.any.4.text.field.label", ProblemCode::Required),
            ("conditions.any.4.text.is.contains", ProblemCode::Invalid),
        ]
        .map(|(path, code)| (path.to_owned(), code))
    );
}

#[test]
fn a_tree_has_bounds() {
    let wrap = |levels: usize| (1..levels).fold(kev(true), |inner, _| Condition::Not(Box::new(inner)));
    assert_eq!(check(&wrap(MAX_DEPTH), "conditions"), []);
    assert_eq!(check(&wrap(MAX_DEPTH + 1), "conditions").len(), 1);
    let wide = |count: usize| Condition::Any(vec![kev(true); count]);
    assert_eq!(check(&wide(MAX_NODES - 1), "conditions"), []);
    assert_eq!(
        paths(&check(&wide(100_000), "conditions")),
        [("conditions".to_owned(), ProblemCode::TooLong)]
    );
    let long = text(TextField::Title, TextIs::OneOf(vec!["x".repeat(MAX_TEXT); MAX_VALUES]));
    assert_eq!(check(&long, "conditions"), []);
    let many = Condition::Any(vec![long; 2]);
    assert_eq!(check(&many, "conditions").len(), 1);
}

fn severities() -> impl Strategy<Value = Severity> {
    prop::sample::select(vec![
        Severity::Info,
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ])
}

fn tests() -> impl Strategy<Value = Condition> {
    let severity_is = prop_oneof![
        severities().prop_map(SeverityIs::AtLeast),
        severities().prop_map(SeverityIs::AtMost),
        prop::collection::vec(severities(), 1..4).prop_map(SeverityIs::OneOf),
        any::<bool>().prop_map(SeverityIs::Known),
    ];
    let numbers = prop::sample::select(vec![
        NumberField::Cvss,
        NumberField::Epss,
        NumberField::FirstSeenAgeSeconds,
        NumberField::SeenCount,
    ]);
    let number_is = prop_oneof![
        (0_i32..=100).prop_map(|hundredths| NumberIs::AtLeast(f64::from(hundredths) / 100.0)),
        (0_i32..=100).prop_map(|hundredths| NumberIs::AtMost(f64::from(hundredths) / 100.0)),
        any::<bool>().prop_map(NumberIs::Known),
    ];
    let texts = prop_oneof![
        Just(TextField::Product),
        Just(TextField::AssetName),
        Just(TextField::AssetType),
        Just(TextField::User),
        Just(TextField::Title),
        "[a-z]{1,8}".prop_map(TextField::Label),
    ];
    let text_is = prop_oneof![
        prop::collection::vec("[a-z1-3 ]{0,6}[a-z]", 1..4).prop_map(TextIs::OneOf),
        "[a-z]{1,3}".prop_map(TextIs::Contains),
        any::<bool>().prop_map(TextIs::Known),
    ];
    let flags = prop::sample::select(vec![FlagField::Kev, FlagField::Ransomware]);
    prop_oneof![
        (severity_is, any::<bool>())
            .prop_map(|(is, or_unknown)| Condition::Severity(Test { is, or_unknown })),
        (numbers, number_is, any::<bool>())
            .prop_map(|(field, is, or_unknown)| Condition::Number(FieldTest { field, is, or_unknown })),
        (flags, any::<bool>(), any::<bool>())
            .prop_map(|(field, is, or_unknown)| Condition::Flag(FieldTest { field, is, or_unknown })),
        (texts, text_is, any::<bool>()).prop_map(|(field, is, or_unknown)| Condition::Text(FieldTest {
            field,
            is,
            or_unknown
        })),
    ]
}

fn trees() -> impl Strategy<Value = Condition> {
    tests().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let words = || prop::collection::vec("[a-z]{1,3}", 0..3);
    let labels = prop::collection::btree_map("[a-z]{1,8}", "[a-z]{0,3}", 0..3);
    let scores = (prop::option::of(0.0..10.0_f64), prop::option::of(0.0..1.0_f64));
    let flags = (any::<Option<bool>>(), any::<Option<bool>>());
    (prop::option::of(severities()), scores, flags, words(), words(), words(), labels, any::<i32>()).prop_map(
        |(severity, (cvss, epss), (kev, ransomware), product, asset_name, user, labels, number)| Facts {
            severity,
            cvss,
            epss,
            kev,
            ransomware,
            product,
            asset_name,
            user,
            labels,
            first_seen_age_secs: i64::from(number),
            seen_count: i64::from(number),
            ..Facts::default()
        },
    )
}

/// What a verdict is, without its words.
fn sort(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Holds => 0,
        Verdict::Fails(_) => 1,
        Verdict::Unknown(_) => 2,
    }
}

proptest! {
    #[test]
    fn every_tree_explains_itself_and_is_stored_as_it_is(tree in trees()) {
        prop_assert!(!explain(&tree).trim().is_empty());
        let text = tree.stored().to_string();
        let stored: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(Condition::read(&stored), Some(tree));
    }

    #[test]
    fn every_tree_gives_a_verdict_with_its_reason(tree in trees(), facts in any_facts()) {
        let verdict = evaluate(&tree, &facts);
        prop_assert_eq!(holds(&tree, &facts), verdict == Verdict::Holds, "the same without words");
        match verdict {
            Verdict::Holds => {}
            Verdict::Fails(words) | Verdict::Unknown(words) => prop_assert!(!words.is_empty()),
        }
    }

    #[test]
    fn the_opposite_of_the_opposite_is_the_same(tree in trees(), facts in any_facts()) {
        let twice = Condition::Not(Box::new(Condition::Not(Box::new(tree.clone()))));
        prop_assert_eq!(sort(&evaluate(&twice, &facts)), sort(&evaluate(&tree, &facts)));
    }

    #[test]
    fn all_and_any_are_each_others_opposite(parts in prop::collection::vec(trees(), 1..4), facts in any_facts()) {
        let none = parts.iter().map(|part| Condition::Not(Box::new(part.clone()))).collect();
        let none = evaluate(&Condition::All(none), &facts);
        let not_any = evaluate(&Condition::Not(Box::new(Condition::Any(parts))), &facts);
        prop_assert_eq!(sort(&none), sort(&not_any));
    }
}
