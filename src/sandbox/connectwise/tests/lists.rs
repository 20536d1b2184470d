//! Pages, counts, filters and the lists of values.

use serde_json::{Value, json};

use super::{Scene, ids, read};

#[tokio::test]
async fn lists_are_bare_arrays_in_pages_that_link_to_the_next() {
    let scene = Scene::usual().await;
    let answer = scene.request("GET", "/company/companies").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/vnd.connectwise.com+json; version=2025.16");
    let link = answer.headers()["link"].to_str().unwrap().to_owned();
    assert!(
        link.contains("pageSize=25&page=2>; rel=\"next\"") && link.contains("page=6>; rel=\"last\""),
        "{link}"
    );
    assert!(!link.contains("first") && !link.contains(&scene.psa_host()), "{link}");
    let (_, first) = read(answer).await;
    assert_eq!((ids(&first).len(), &first[0]["id"]), (25, &json!(2)));
    let last = scene.request("GET", "/company/companies?page=6").send().await.unwrap();
    let link = last.headers()["link"].to_str().unwrap().to_owned();
    assert!(link.contains("rel=\"prev\"") && !link.contains("rel=\"next\""), "{link}");
    assert_eq!(ids(&read(last).await.1).len(), 132 - 125);
    assert_eq!(scene.get("/company/companies/count").await.1, json!({ "count": 132 }));
    for path in
        ["/company/companies?pageSize=1001", "/company/companies?pageSize=0", "/company/companies?page=x"]
    {
        let (status, body) = scene.get(path).await;
        assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("OutOfRange")), "{path}");
    }
}

#[tokio::test]
async fn forward_only_pages_go_on_after_an_id_and_always_link_on() {
    let scene = Scene::usual().await;
    let ask = async |query: &str| {
        let request = scene.request("GET", &format!("/company/companies?{query}"));
        request.header("pagination-type", "forward-only").send().await.unwrap()
    };
    let page = ask("pageSize=100&pageId=19").await;
    assert!(page.headers()["link"].to_str().unwrap().contains("pageId=119>; rel=\"next\""));
    assert_eq!(ids(&read(page).await.1), (20..=119).collect::<Vec<_>>());
    let end = ask("pageSize=100&pageId=100000").await;
    assert!(end.headers()["link"].to_str().unwrap().contains("rel=\"next\""));
    assert_eq!(read(end).await.1, json!([]));
    assert_eq!(ask("orderBy=name").await.status(), 400);
}

#[tokio::test]
async fn companies_are_filtered_by_status_type_and_name() {
    let scene = Scene::usual().await;
    let query = [
        ("conditions", "status/id in (1,4) and deletedFlag=false"),
        ("childConditions", "types/id in (7)"),
        ("orderBy", "name desc"),
        ("fields", "id,name,status/name"),
    ];
    let (_, found) = scene.list("/company/companies", &query).await;
    let names: Vec<_> = found.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(names.len() > 3 && names.is_sorted_by(|a, b| a > b), "{names:?}");
    assert_eq!(found[0].as_object().unwrap().len(), 3);
    assert_eq!(found[0]["status"].as_object().unwrap().len(), 1);
    let (_, first) = scene.list("/company/companies", &[("conditions", "id >= 19 and id <= 21")]).await;
    let names: Vec<_> = first.as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["Northwind Dental", "Harbour Legal", "Cedar Hill Logistics"]);
    let (status, body) = scene.list("/company/companies", &[("conditions", "nickname = 'x'")]).await;
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().contains("Boolean"), "{body}");
    let mail = "communicationItems/value=\"robin@northwinddental.example\" AND \
                communicationItems/communicationType=\"Email\"";
    let (_, contacts) = scene.list("/company/contacts", &[("childConditions", mail)]).await;
    assert_eq!(contacts[0]["company"]["name"], "Northwind Dental");
}

#[tokio::test]
async fn every_board_has_lists_of_its_own() {
    let scene = Scene::usual().await;
    let names = async |path: &str| -> Vec<Value> {
        let (status, list) = scene.get(path).await;
        assert_eq!(status, 200, "{path}: {list}");
        let name = |row: &Value| row.get("name").or_else(|| row.get("description")).cloned();
        list.as_array().unwrap().iter().filter_map(name).collect()
    };
    let statuses = "/service/boards/12/statuses?conditions=closedStatus=true%20and%20inactive=false";
    assert_eq!(names(statuses).await, ["Resolved", "False Positive"]);
    assert_eq!(names("/service/boards/12/types").await, ["Vulnerability", "Incident"]);
    assert_eq!(names("/service/boards/12/subtypes").await, ["Endpoint", "Cloud"]);
    assert_eq!(names("/service/boards/12/items").await, ["Patch Missing", "Malware"]);
    assert_eq!(names("/service/boards/12/teams/info").await, ["Blue Team"]);
    let (_, triples) = scene.get("/service/boards/12/typeSubTypeItemAssociations").await;
    assert_eq!((ids(&triples).len(), &triples[0]["item"]["name"]), (3, &json!("Patch Missing")));
    let (_, light) = scene.get("/service/boards/1/statuses/info?conditions=closedFlag=true").await;
    assert_eq!(light[0]["name"], ">Closed");
    assert_eq!(scene.get("/service/boards/99/statuses").await.0, 404);
    for path in [
        "/service/boards",
        "/service/info/boards",
        "/service/priorities",
        "/service/sources",
        "/service/SLAs",
        "/service/slas/info",
        "/system/members",
        "/system/info/members",
        "/time/workRoles/info",
        "/company/companies/types",
        "/company/companies/info/types",
        "/company/companies/statuses",
        "/company/marketDescriptions/info",
        "/company/configurations/types",
        "/company/configurations/types/24/questions",
        "/company/configurations/statuses",
        "/procurement/manufacturers",
        "/company/companies/19/sites",
    ] {
        assert!(!scene.get(path).await.1.as_array().unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn paths_methods_and_media_are_looked_at() {
    let scene = Scene::usual().await;
    assert_eq!(scene.get("/service/ticketz").await.1["message"], "The endpoint does not exist.");
    assert_eq!(scene.request("PUT", "/service/boards/1").send().await.unwrap().status(), 405);
    assert_eq!(scene.get("/company/companies/999999").await.1["message"], "Company 999999 not found");
    let form = scene.request("POST", "/service/tickets").form(&[("summary", "x")]);
    assert_eq!(form.send().await.unwrap().status(), 415);
    let long = format!("/company/companies?conditions=id%20in%20({})", "1,".repeat(1_000));
    assert_eq!(scene.get(&long).await.0, 414);
}

#[tokio::test]
async fn companies_and_configurations_can_be_made() {
    let scene = Scene::usual().await;
    let company = json!({
        "identifier": "Blueleaf", "name": "Blueleaf Bakery", "types": [{ "id": 1 }], "site": { "name": "Main" },
        "addressLine1": "1 Mill Lane", "status": { "id": 1 },
    });
    let (status, made) = scene.post("/company/companies", &company).await;
    assert_eq!((status, &made["types"][0]["name"], &made["id"]), (201, &json!("Customer"), &json!(149)));
    let (status, again) = scene.post("/company/companies", &company).await;
    assert_eq!((status, &again["errors"][0]["code"]), (400, &json!("ObjectExists")));
    let (_, bare) = scene.post("/company/companies", &json!({ "name": "X" })).await;
    let fields: Vec<_> = bare["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
    assert_eq!(fields, ["identifier", "addressLine1", "site/name", "types"]);

    let server =
        json!({ "name": "SRV", "type": { "id": 24 }, "company": { "id": 19 }, "serialNumber": "S-1" });
    assert_eq!(scene.post("/company/configurations", &server).await.1["errors"][0]["field"], "Backup window");
    let mut server = server;
    server["questions"] = json!([{ "questionId": 70, "answer": "night" }]);
    let (status, made) = scene.post("/company/configurations", &server).await;
    assert_eq!((status, &made["status"]["name"]), (201, &json!("Active")));
    let query = [("conditions", "company/id=19 and serialNumber=\"s-1\"")];
    assert_eq!(scene.list("/company/configurations", &query).await.1[0]["id"], made["id"]);
}

impl Scene {
    /// Host and port.
    fn psa_host(&self) -> String {
        use crate::sandbox::frame::Sandbox;
        self.psa.url().replace("http://", "")
    }
}
