//! Where values come from, and which of them counts.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use config::{File, FileFormat, Value, ValueKind};
use secrecy::SecretString;

use super::settings::{Kind, SETTINGS, Setting, setting};

/// The file that is read where it is there and no other is named.
const USUAL_FILE: &str = "psa-gateway.toml";
const PREFIX: &str = "PSA_GATEWAY_";
/// Variables that are no settings of the gateway: where the file is, and the secret of `psa-gateway sign`.
const OTHER_VARIABLES: [&str; 3] = ["config", "signing_secret", "signing_secret_file"];

/// A value as it was written.
#[derive(Clone, Debug)]
pub(super) enum Written {
    One(String),
    Many(Vec<String>),
    /// Something that no setting is; what it is.
    Other(&'static str),
}

/// One source of values. Layers that come first count before later ones.
pub(super) struct Layer {
    values: BTreeMap<&'static str, (String, Written)>,
}

impl Layer {
    /// The value of a setting and where it stands.
    pub(super) fn get(&self, name: &str) -> Option<&(String, Written)> {
        self.values.get(name)
    }

    /// Values given by name, such as flags.
    pub(super) fn of_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, String)>,
        origin: impl Fn(&str) -> String,
        problems: &mut Vec<String>,
    ) -> Self {
        let mut values = BTreeMap::new();
        for (name, value) in pairs {
            match setting(name) {
                Some(known) => {
                    values.insert(known.name, (origin(known.name), Written::One(value)));
                }
                None => problems.push(unknown(&origin(name), name, SETTINGS.iter().map(|s| s.name))),
            }
        }
        Self { values }
    }

    /// Our variables among those of the environment.
    pub(super) fn of_environment(variables: &[(OsString, OsString)], problems: &mut Vec<String>) -> Self {
        let mut values = BTreeMap::new();
        for (variable, value) in variables {
            let Some(variable) = variable.to_str() else { continue };
            let name = match (variable.strip_prefix(PREFIX), variable) {
                (Some(name), _) => name.to_ascii_lowercase(),
                (None, "DATABASE_URL" | "DATABASE_URL_FILE") => variable.to_ascii_lowercase(),
                (None, _) => continue,
            };
            let Some(known) = setting(&name) else {
                if !OTHER_VARIABLES.contains(&name.as_str()) {
                    let names = SETTINGS.iter().map(|s| s.name).chain(OTHER_VARIABLES);
                    problems.push(unknown(variable, &name, names));
                }
                continue;
            };
            let Some(value) = value.to_str() else {
                problems.push(format!("{variable}: its value is not UTF-8 text; write it anew"));
                continue;
            };
            if value.is_empty() {
                continue;
            }
            let origin = format!("environment {variable}");
            if let Some((other, Written::One(before))) =
                values.insert(known.name, (origin, Written::One(value.to_owned())))
                && before != value
            {
                problems.push(format!(
                    "{variable} and {} say different things; remove one of them",
                    other.trim_start_matches("environment ")
                ));
            }
        }
        Self { values }
    }

    /// A file's values.
    pub(super) fn of_file(path: &Path, text: &str, problems: &mut Vec<String>) -> Self {
        let shown = path.display().to_string();
        let parsed = config::Config::builder()
            .add_source(File::from_str(text, FileFormat::Toml))
            .build()
            .and_then(config::Config::try_deserialize::<BTreeMap<String, Value>>);
        let mut values = BTreeMap::new();
        match parsed {
            Ok(parsed) => {
                for (name, value) in parsed {
                    match setting(&name) {
                        Some(known) => {
                            let origin = format!("file {shown}");
                            values.insert(known.name, (origin, written(value.kind)));
                        }
                        None => problems.push(unknown(
                            &format!("{name} (file {shown})"),
                            &name,
                            SETTINGS.iter().map(|s| s.name),
                        )),
                    }
                }
            }
            Err(error) => {
                // The lines between show the file's text, which may hold a secret.
                let words = error.to_string();
                let mut lines = words.lines().filter(|line| !line.trim().is_empty());
                let first = lines.next().unwrap_or_default();
                let last = lines.next_back().filter(|line| !line.contains('|')).unwrap_or_default();
                problems.push(format!("the file {shown} is not TOML: {first} {last}"));
            }
        }
        Self { values }
    }
}

fn written(kind: ValueKind) -> Written {
    match kind {
        ValueKind::Table(_) => Written::Other("a table"),
        ValueKind::Nil => Written::Other("nothing"),
        ValueKind::Array(values) => {
            let texts = values.into_iter().map(|value| match written(value.kind) {
                Written::One(text) => Some(text),
                Written::Many(_) | Written::Other(_) => None,
            });
            texts.collect::<Option<_>>().map_or(Written::Other("a list of lists or tables"), Written::Many)
        }
        other => Written::One(other.to_string()),
    }
}

/// The file to read: the named one must be there.
pub(super) fn file(
    named: Option<&PathBuf>,
    variables: &[(OsString, OsString)],
    problems: &mut Vec<String>,
) -> Option<(PathBuf, String)> {
    let variable = variables.iter().find(|(name, value)| name == "PSA_GATEWAY_CONFIG" && !value.is_empty());
    let (path, is_named) = match (named, variable) {
        (Some(path), _) => (path.clone(), true),
        (None, Some((_, path))) => (PathBuf::from(path), true),
        (None, None) => (PathBuf::from(USUAL_FILE), false),
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => Some((path, text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => None,
        Err(error) => {
            problems.push(format!(
                "the file {} cannot be read: {error}; name another (--config, PSA_GATEWAY_CONFIG)",
                path.display()
            ));
            None
        }
    }
}

/// A secret that is read from a file, white space around it left off.
pub(super) fn secret_file(path: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("the file {} cannot be read: {error}", path.display()))?;
    let text = zeroize::Zeroizing::new(text);
    if text.trim().is_empty() {
        return Err(format!("the file {} is empty", path.display()));
    }
    Ok(text.trim().to_owned().into())
}

fn unknown<'k>(place: &str, name: &str, names: impl Iterator<Item = &'k str>) -> String {
    let near = names.map(|known| (distance(name, known), known)).min();
    match near {
        Some((far, known)) if far <= 2 + known.len() / 4 => {
            let known = if place.starts_with(PREFIX) {
                format!("{PREFIX}{}", known.to_ascii_uppercase())
            } else {
                known.to_owned()
            };
            format!("{place} is no setting; did you mean {known}?")
        }
        _ => format!("{place} is no setting; remove it"),
    }
}

/// Letters to insert, remove or replace to get from one word to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut corner = line;
        let mut left = line + 1;
        for (above, other) in row.iter_mut().skip(1).zip(to.chars()) {
            let changed = corner + usize::from(letter != other);
            corner = *above;
            left = changed.min(left + 1).min(*above + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// What a written value says of a setting that is one text.
pub(super) fn one_text<'w>(setting: &Setting, written: &'w Written) -> Result<&'w str, &'static str> {
    match (written, setting.kind) {
        (Written::One(text), _) => Ok(text),
        (Written::Many(_), _) => Err("a list"),
        (Written::Other(what), _) => Err(what),
    }
}

/// What a written value says of a setting that is a list.
pub(super) fn texts(setting: &Setting, written: &Written) -> Result<Vec<String>, &'static str> {
    debug_assert!(matches!(setting.kind, Kind::List(_)), "{} is a list", setting.name);
    let split = |text: &str| {
        text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    match written {
        Written::One(text) => Ok(split(text)),
        Written::Many(texts) => Ok(texts.iter().map(|text| text.trim().to_owned()).collect()),
        Written::Other(what) => Err(what),
    }
}
