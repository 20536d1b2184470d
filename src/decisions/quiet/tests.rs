//! Windows open and end to the moment, for the companies they are for; mutes hold until their date.

use super::*;

const NOON: Timestamp = Timestamp::from_secs(1_795_262_400);

fn window(name: &str, company: Option<u128>, from_secs: i64, until_secs: i64) -> maintenance_window::Model {
    maintenance_window::Model {
        id: Uuid::from_u128(u128::from(until_secs.unsigned_abs())),
        organization_id: Uuid::nil(),
        company_id: company.map(Uuid::from_u128),
        name: name.to_owned(),
        starts_at: NOON.plus_secs(from_secs),
        ends_at: NOON.plus_secs(until_secs),
        weekly: None,
        version: 1,
        created_at: NOON,
        updated_at: NOON,
    }
}

fn mute(reason: &str, until_secs: i64) -> mute::Model {
    mute::Model {
        id: Uuid::nil(),
        organization_id: Uuid::nil(),
        finding_id: None,
        group_key: None,
        until: NOON.plus_secs(until_secs),
        reason: reason.to_owned(),
        muted_by: "Dana".to_owned(),
        created_at: NOON,
        updated_at: NOON,
    }
}

#[test]
fn a_window_holds_from_its_first_moment_until_its_last_for_its_company_or_for_all() {
    let windows = vec![window("patches", Some(1), 0, 60), window("move", None, 30, 90)];
    let windows = windows.into_iter().map(|window| Planned::new(window, NOON)).collect();
    let quiet = Quiet { windows, ..Quiet::default() };
    let open = |company: u128, secs: i64| {
        quiet.window(Uuid::from_u128(company), NOON.plus_secs(secs)).map(|window| window.name)
    };
    let ours: Vec<_> = [-1, 0, 29, 30, 60, 89, 90].into_iter().map(|secs| open(1, secs)).collect();
    let (patches, moving) = (Some("patches"), Some("move"));
    assert_eq!(ours, [None, patches, patches, moving, moving, moving, None], "the one that ends last");
    let theirs: Vec<_> = [0, 29, 30, 89, 90].into_iter().map(|secs| open(2, secs)).collect();
    assert_eq!(theirs, [None, None, moving, moving, None]);
}

#[test]
fn a_mute_is_of_a_finding_or_of_its_group_and_the_longer_one_holds() {
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let quiet = Quiet {
        findings: HashMap::from([(one, mute("accepted", 60))]),
        groups: HashMap::from([("asset:web-1".to_owned(), mute("being replaced", 90))]),
        ..Quiet::default()
    };
    let why = |finding, key, secs| quiet.mute(finding, key, NOON.plus_secs(secs)).map(|mute| mute.reason);
    assert_eq!(why(one, None, 59), Some("accepted"));
    assert_eq!(why(one, None, 60), None);
    assert_eq!(why(one, Some("asset:web-1"), 0), Some("being replaced"));
    assert_eq!(why(other, Some("asset:web-1"), 89), Some("being replaced"));
    assert_eq!((why(other, Some("asset:web-1"), 90), why(other, Some("asset:web-2"), 0)), (None, None));
}
