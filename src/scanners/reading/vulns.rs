//! Known vulnerabilities, from the ids and scores that senders give.

use crate::decisions::event::{Cvss, Vuln};

/// How many ids of one finding are kept.
const MAX_IDS: usize = 100;

/// One entry for each CVE among the ids; the other ids and what is known `about` the problem go to each.
/// Nothing where nothing is known.
pub(in crate::scanners) fn vulns(ids: impl IntoIterator<Item = String>, about: &Vuln) -> Vec<Vuln> {
    let (mut cves, mut others) = (Vec::new(), Vec::new());
    for id in ids.into_iter().take(MAX_IDS) {
        let upper = id.to_ascii_uppercase();
        let (list, id) = if is_cve(&upper) { (&mut cves, upper) } else { (&mut others, id) };
        if !list.contains(&id) {
            list.push(id);
        }
    }
    let with = |cve: Option<String>| Vuln { cve, alt_ids: others.clone(), ..about.clone() };
    if !cves.is_empty() {
        return cves.into_iter().map(|cve| with(Some(cve))).collect();
    }
    let only = with(None);
    if only == Vuln::default() { Vec::new() } else { vec![only] }
}

/// A CVSS score, where there is one; the version is read from the vector.
///
/// A score of 0 without a vector is how senders say that they have none.
pub(in crate::scanners) fn cvss(vector: Option<String>, score: Option<f64>, source: &str) -> Option<Cvss> {
    let score = score.filter(|score| (0.0..=10.0).contains(score));
    if vector.is_none() && score.is_none_or(|score| score == 0.0) {
        return None;
    }
    let version = vector.as_deref().and_then(|vector| {
        let (version, _) = vector.strip_prefix("CVSS:")?.split_once('/')?;
        Some(version.to_owned())
    });
    Some(Cvss { version, score, vector, source: Some(source.to_owned()) })
}

/// `CVE-`, a year, and four or more digits (the CVE programme's identifier syntax).
pub(in crate::scanners) fn is_cve(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')).is_some_and(|(year, number)| {
        year.len() == 4 && digits(year) && (4..=19).contains(&number.len()) && digits(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cves_are_told_from_other_ids_and_missing_scores_from_low_ones() {
        let about = Vuln { cwe: vec!["CWE-79".to_owned()], ..Vuln::default() };
        let ids = ["GHSA-aaaa-bbbb-cccc", "cve-2026-12345", "CVE-2026-12345", "CVE-2026-7"];
        let all = vulns(ids.map(str::to_owned), &about);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].cve.as_deref(), Some("CVE-2026-12345"));
        assert_eq!(all[0].alt_ids, ["GHSA-aaaa-bbbb-cccc", "CVE-2026-7"]);
        assert_eq!(all[0].cwe, about.cwe);
        assert_eq!(vulns(Vec::new(), &about), [about]);
        assert_eq!(vulns(Vec::new(), &Vuln::default()), []);

        assert_eq!(cvss(None, Some(0.0), "x"), None);
        let scored = cvss(Some("CVSS:4.0/AV:N".to_owned()), Some(11.0), "x").unwrap();
        assert_eq!((scored.version.as_deref(), scored.score), (Some("4.0"), None));
    }

    #[test]
    fn only_what_has_the_form_of_a_cve_is_one() {
        assert!(is_cve("CVE-2024-3094") && is_cve("CVE-1999-0001") && is_cve("CVE-2026-1234567"));
        assert!(
            !is_cve("CVE-24-3094") && !is_cve("GHSA-p98r-538v-jgw5") && !is_cve("CVE-2024-") && !is_cve("")
        );
    }
}
