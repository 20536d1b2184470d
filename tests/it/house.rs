//! The house keeps its order: who may import whom, where SQL may be raw, how long a file may be.

mod imports;
mod layers;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A file of the package, and which module it is.
struct SourceFile {
    name: String,
    module: Vec<String>,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn files_of(folder: &str) -> Vec<SourceFile> {
    let mut paths = Vec::new();
    rust_files(&root().join(folder), &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(root().join(folder)).unwrap().with_extension("");
            let mut module: Vec<String> =
                inside.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
            if module.last().is_some_and(|last| last == "mod") {
                module.pop();
            }
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            SourceFile { name, module, text: fs::read_to_string(&path).unwrap() }
        })
        .collect()
}

/// The adapters' own folders and files, such as `psa::halo`; what they share is not among them.
fn adapters_own(files: &[SourceFile]) -> Vec<String> {
    const SHARED: &[&str] = &["psa::error", "psa::http", "psa::canned", "scanners::signature"];
    let names: BTreeSet<String> = files
        .iter()
        .filter(|file| matches!(file.module.first().map(String::as_str), Some("psa" | "scanners")))
        .filter_map(|file| file.module.get(..2).map(|path| path.join("::")))
        .filter(|name| !SHARED.contains(&name.as_str()))
        .collect();
    names.into_iter().collect()
}

/// What every file imports; files that are there for tests only are left out.
fn read(files: &[SourceFile]) -> Vec<(&SourceFile, imports::Source)> {
    let packages = |file: &SourceFile| {
        let is_program = matches!(file.name.as_str(), "src/main.rs" | "src/arguments.rs");
        if is_program { ["psa_gateway"] } else { ["crate"] }
    };
    fn module(file: &SourceFile) -> &[String] {
        if file.name == "src/lib.rs" { &[] } else { &file.module }
    }
    let read: Vec<_> =
        files.iter().map(|file| (file, imports::read(&file.text, module(file), &packages(file)))).collect();
    let for_tests: Vec<Vec<String>> = read
        .iter()
        .flat_map(|(file, source)| {
            source.test_modules.iter().map(|name| [module(file), std::slice::from_ref(name)].concat())
        })
        .collect();
    read.into_iter()
        .filter(|(file, _)| !for_tests.iter().any(|module| file.module.starts_with(module)))
        .collect()
}

/// What is wrong with the directions, and which modules of the domain refer to each other.
fn directions(files: &[SourceFile]) -> (Vec<String>, BTreeSet<String>) {
    let folders = adapters_own(files);
    let (mut problems, mut domain) = (Vec::new(), BTreeSet::new());
    for (file, source) in read(files) {
        let from = file.module.first().map_or("lib", String::as_str);
        let own = file.module.join("::");
        for (who, what, _) in layers::EXCEPTIONS.iter().filter(|(_, what, _)| own.starts_with(what)) {
            let back = source.imports.iter().filter(|import| import.path.first().is_some_and(|to| to == who));
            problems.extend(back.map(|import| {
                format!("{}:{}: imports `{who}`, which may import `{what}`: a circle", file.name, import.line)
            }));
        }
        for import in &source.imports {
            if let Some(rule) = layers::broken_rule(from, &import.path, &folders) {
                let path = import.path.join("::");
                problems.push(format!("{}:{}: imports `{path}`: {rule}", file.name, import.line));
            }
            let to = import.path.first().map_or("", String::as_str);
            if from != to && layers::DOMAIN.contains(&from) && layers::DOMAIN.contains(&to) {
                domain.insert(format!("{from} → {to}"));
            }
        }
    }
    (problems, domain)
}

#[test]
fn modules_import_only_what_lies_below_them() {
    let (problems, domain) = directions(&files_of("src"));
    println!("inside the domain: {}", domain.into_iter().collect::<Vec<_>>().join(", "));
    for (who, what, why) in layers::EXCEPTIONS {
        println!("allowed: {who} → {what}, because {why}");
    }
    assert!(problems.is_empty(), "the house is out of order:\n{}", problems.join("\n"));
}

#[test]
fn a_planted_import_against_the_direction_is_found() {
    let planted = |name: &str, text: &str| {
        let module = name.trim_start_matches("src/").trim_end_matches(".rs");
        let module = module.trim_end_matches("/mod").split('/').map(str::to_owned).collect();
        let halo = SourceFile {
            name: "src/psa/halo/mod.rs".to_owned(),
            module: vec!["psa".to_owned(), "halo".to_owned()],
            text: String::new(),
        };
        let file = SourceFile { name: name.to_owned(), module, text: text.to_owned() };
        directions(&[file, halo]).0
    };
    let one = |name: &str, text: &str, line: usize, import: &str| {
        let found = planted(name, text);
        let expected = format!("{name}:{line}: imports `{import}`: ");
        assert!(found.len() == 1 && found[0].starts_with(&expected), "{text}\ngave {found:?}");
    };
    one("src/tickets/plan.rs", "\nuse crate::psa::Platform;", 2, "psa::Platform");
    one(
        "src/tickets/plan.rs",
        "use crate::{\n  clock::Clock,\n  psa::{\n    http::Outbound as O}};",
        4,
        "psa::http::Outbound",
    );
    one("src/tickets/plan.rs", "use super::super::webhooks;", 1, "webhooks");
    one(
        "src/tickets/plan.rs",
        "fn f() { super::super::webhooks::receive::<u8>(crate::db::x) }",
        1,
        "webhooks::receive",
    );
    one(
        "src/tickets/plan.rs",
        "mod a { mod b { use super::super::super::super::psa; } } use super::state;",
        1,
        "psa",
    );
    one("src/webhooks.rs", "use crate::graphql::schema;", 1, "graphql::schema");
    one("src/webhooks.rs", "use super::graphql;", 1, "graphql");
    one("src/psa/halo/mod.rs", "const X: char = '\"';\nuse crate::scanners::Sender;", 2, "scanners::Sender");
    one("src/graphql/query.rs", "use crate::psa::halo::Halo;", 1, "psa::halo::Halo");
    one("src/workers/mod.rs", "use crate::config::Config;", 1, "config::Config");
    one("src/sandbox/halo/world.rs", "use crate::db::Db;", 1, "db::Db");
    one("src/tickets/plan.rs", "use crate::sandbox::halo;", 1, "sandbox::halo");
    one(
        "src/queue/inbox.rs",
        "use crate::organizations::{viewer::Viewer, tokens};",
        1,
        "organizations::tokens",
    );
    let back = planted("src/organizations/reach.rs", "use crate::queue::inbox;");
    assert!(back.len() == 1 && back[0].ends_with("a circle"), "{back:?}");
    one("src/billing.rs", "use crate::db::Db;", 1, "db::Db");
    one("src/db.rs", "#[cfg(test)] fn a() {}\nmod b { use crate::queue::inbox; }", 2, "queue::inbox");

    for fine in [
        "// use crate::psa;\n/* crate::psa /* crate::psa */ */",
        "const A: &str = \"use crate::psa::x;\"; const B: &str = r#\"crate::psa \" crate::psa\"#;",
        "pub(crate) fn f<'a>(x: &'a str) -> crate::findings::Finding { self::g() }",
        "#[cfg(test)]\nmod tests { use crate::{psa, sandbox::halo}; fn f() { crate::app::x() } }",
    ] {
        assert_eq!(planted("src/tickets/plan.rs", fine), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn raw_sql_stands_in_one_place_only() {
    const RAW: &[&str] = &["execute_unprepared", "query_unprepared", "raw_sql", "from_sql_and_values"];
    let mut problems = Vec::new();
    let files = files_of("src");
    for (file, _) in
        read(&files).iter().filter(|(file, _)| file.module.first().is_some_and(|top| top != "db"))
    {
        let tokens = imports::tokens_outside_tests(&file.text);
        for (index, token) in tokens.iter().enumerate() {
            let before = |back: usize| index.checked_sub(back).map_or("", |at| tokens[at].text.as_str());
            let is_statement = token.text == "from_string" && before(2) == "Statement";
            if RAW.contains(&token.text.as_str()) || is_statement {
                problems.push(format!("{}:{}: `{}`", file.name, token.line, token.text));
            }
        }
    }
    assert!(
        problems.is_empty(),
        "raw SQL belongs in src/db.rs and migration/ (one dialect everywhere else):\n{}",
        problems.join("\n")
    );
}

#[test]
fn no_file_is_longer_than_a_comfortable_read() {
    const LONGEST: usize = 500;
    let long: Vec<_> = ["src", "entity/src", "migration/src"]
        .into_iter()
        .flat_map(files_of)
        .map(|file| (file.text.lines().count(), file.name))
        .filter(|(lines, _)| *lines > LONGEST)
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST} lines; make a folder of it: {long:?}");
}
