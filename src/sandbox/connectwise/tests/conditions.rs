//! The language of conditions, without HTTP.

use serde_json::json;

use crate::sandbox::connectwise::{
    conditions::{Condition, Scope},
    resources::{COMPANY, TICKET},
    row,
};

fn holds(condition: &str) -> Result<bool, String> {
    let ticket = row::row(json!({
        "id": 7, "summary": "Disk [C:] is \"full\" 100%", "closedFlag": false, "budgetHours": 1.5,
        "board": { "id": 12, "name": "Security Operations" }, "severity": "High",
        "_info": { "lastUpdated": "2026-08-20T18:04:26Z" },
    }));
    Condition::read(condition, &Scope::record(TICKET.fields)).map(|condition| condition.matches(&ticket))
}

#[test]
fn conditions_are_read_and_applied() {
    let hold = [
        "id = 7",
        "id in (1,7) and closedFlag=False",
        "id not in (1,2)",
        "board/id = 12 AND (severity = 'low' or severity=\"HIGH\")",
        "id = 1 and id = 2 or id = 7",
        "budgetHours >= 1.5",
        "lastUpdated > [2026-08-20T18:04:25Z] and LastUpdated < [2026-08-21]",
        "summary contains 'disk'",
        "summary like \"Disk*100%\"",
        "summary like 'disk [[]c:]*'",
        "summary not contains \"printer\"",
        "contact/id = null and board != null",
        "externalXRef = null",
    ];
    for condition in hold {
        assert_eq!(holds(condition), Ok(true), "{condition}");
    }
    let fail = [
        "id != 7",
        "lastUpdated > [2026-08-20T18:04:26Z]",
        "summary like 'disk'",
        "contact/id != 5",
        "externalXRef not contains 'x'",
        "id = 7 and (id = 1 or id = 2)",
    ];
    for condition in fail {
        assert_eq!(holds(condition), Ok(false), "{condition}");
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    let bad = [
        "",
        "id",
        "id = ",
        "id == 7",
        "id = 7 and",
        "(id = 7",
        "id = '7'",
        "summary = Disk",
        "summary = \"a\"\"b\"",
        "summary = \"it's",
        "closedFlag = 0",
        "closedFlag > False",
        "lastUpdated > '2026-08-20T18:04:26Z'",
        "lastUpdated > [yesterday]",
        "externalXref = 'x'",
        "board/color = 'x'",
        "integratorTags = 'x'",
        "not id = 7",
        "id not = 7",
        "id in 7",
        "initialDescription contains 'x'",
    ];
    for condition in bad {
        assert!(holds(condition).is_err(), "{condition}");
    }
}

#[test]
fn child_conditions_are_about_one_array() {
    let company = row::row(json!({ "id": 1, "types": [{ "id": 1, "name": "Customer" }, { "id": 7 }] }));
    let holds = |text: &str| {
        Condition::read(text, &Scope::children(COMPANY.fields)).map(|read| read.matches(&company))
    };
    assert_eq!(holds("types/id in (7,8)"), Ok(true));
    assert_eq!(holds("types/name = 'customer' and types/id = 1"), Ok(true));
    assert_eq!(holds("types/name = 'customer' and types/id = 7"), Ok(false), "one member must fit whole");
    assert!(holds("name = 'x'").is_err());
    assert!(holds("types = 7").is_err());
}
