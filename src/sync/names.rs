//! Names as companies are recognised by: what is left when legal form, signs and spelling do not count, and how much
//! two of them have in common. Nothing here decides anything.

use std::collections::{BTreeMap, BTreeSet};

/// The longest key, in characters.
pub const MAX_KEY: usize = 255;
/// How many letters of a skeleton count.
const SKELETON: usize = 24;
/// How many words of a name are looked up.
const WORDS: usize = 6;

/// Words at the end of a name that say what a company is by law.
const LEGAL: &[&str] = &[
    "ab",
    "ag",
    "and",
    "aps",
    "as",
    "asa",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "eg",
    "ev",
    "gbr",
    "gmbh",
    "inc",
    "incorporated",
    "kft",
    "kg",
    "kgaa",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "mbh",
    "nv",
    "ohg",
    "oy",
    "oyj",
    "pc",
    "plc",
    "pllc",
    "pte",
    "pty",
    "pvt",
    "sa",
    "sarl",
    "sas",
    "se",
    "sl",
    "spa",
    "srl",
    "sro",
    "ug",
    "ulc",
    "zoo",
];

/// Where everybody may have an address: a domain of these says nothing about a company.
const PUBLIC_MAIL: &[&str] = &[
    "aol.com",
    "gmail.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.com",
    "me.com",
    "msn.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "t-online.de",
    "web.de",
    "yahoo.com",
];

/// The name without legal form, signs, accents and capitals; `&` is "and". Empty for a name of signs alone.
pub fn key(name: &str) -> String {
    let words = words(name);
    let first = usize::from(words.len() > 1 && words.first().is_some_and(|word| word == "the"));
    let mut kept: Vec<&str> = words.iter().skip(first).map(String::as_str).collect();
    while kept.len() > 1 && kept.last().is_some_and(|word| LEGAL.contains(word)) {
        kept.pop();
    }
    kept.join(" ").chars().take(MAX_KEY).collect()
}

fn words(name: &str) -> Vec<String> {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            '&' | '+' => text.push_str(" and "),
            // Inside of words: "Mario's", "G.m.b.H.".
            '.' | '\'' | '’' | '`' => {}
            letter if letter.is_alphanumeric() => push_plain(&mut text, letter),
            _ => text.push(' '),
        }
    }
    let plain = |word: &str| if matches!(word, "und" | "et") { "and".to_owned() } else { word.to_owned() };
    text.split_whitespace().map(plain).collect()
}

/// A small letter without its accent.
fn push_plain(text: &mut String, letter: char) {
    let plain = match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' => "d",
        'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì'..='ï' | 'ī' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ő' => "o",
        'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' => "s",
        'ß' => "ss",
        'ť' => "t",
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        other => return text.push(other),
    };
    text.push_str(plain);
}

/// By what a name is found among others: its key, each longer word of it, and its skeleton.
pub fn lookups(key: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if key.is_empty() {
        return found;
    }
    found.insert(format!("n:{key}"));
    let words = key.split(' ').filter(|word| word.chars().count() > 2 && *word != "and");
    found.extend(words.take(WORDS).map(|word| format!("w:{word}")));
    if let Some(skeleton) = skeleton(key) {
        found.insert(format!("s:{skeleton}"));
    }
    found
}

/// What stays of a name that is misspelt: its first letter, then consonants, none twice in a row.
fn skeleton(key: &str) -> Option<String> {
    let mut text = String::new();
    for letter in key.chars().filter(|letter| letter.is_alphanumeric()) {
        let is_vowel = matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h');
        if text.is_empty() || !is_vowel && !text.ends_with(letter) {
            text.push(letter);
        }
        if text.len() >= SKELETON {
            break;
        }
    }
    (text.chars().count() > 2).then_some(text)
}

/// How much two keys have in common: 0 for nothing, 100 for the same.
pub fn likeness(one: &str, other: &str) -> u32 {
    if one == other {
        return 100;
    }
    let (a, b) = (pairs(&squeezed(one)), pairs(&squeezed(other)));
    let sorted = |key: &str| {
        let mut words: Vec<_> = key.split(' ').collect();
        words.sort_unstable();
        pairs(&words.concat())
    };
    let spelled = dice(&a, &b).max(dice(&sorted(one), &sorted(other)));
    spelled.max(contained(one, other)).min(99)
}

fn squeezed(key: &str) -> String {
    key.split(' ').collect()
}

/// Pairs of neighbouring letters, with how often each comes.
fn pairs(text: &str) -> BTreeMap<(char, char), u32> {
    let mut found = BTreeMap::new();
    for pair in text.chars().zip(text.chars().skip(1)) {
        *found.entry(pair).or_default() += 1;
    }
    found
}

fn dice(a: &BTreeMap<(char, char), u32>, b: &BTreeMap<(char, char), u32>) -> u32 {
    let total = a.values().sum::<u32>() + b.values().sum::<u32>();
    let shared: u32 =
        a.iter().map(|(pair, count)| b.get(pair).copied().unwrap_or_default().min(*count)).sum();
    (200 * shared).checked_div(total).unwrap_or(0)
}

/// Whether all words of the shorter name stand in the longer one, as "Bakery" in "Bakery Holding Europe".
fn contained(one: &str, other: &str) -> u32 {
    let (a, b): (BTreeSet<_>, BTreeSet<_>) = (one.split(' ').collect(), other.split(' ').collect());
    let (small, large) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    let is_much = small.len() > 1 || small.iter().any(|word| word.chars().count() > 4);
    if is_much && small.is_subset(large) { 72 } else { 0 }
}

/// The domain of an e-mail address or of a web address; none of one where everybody may have an address.
pub fn domain(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let text = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let text = text.rsplit('@').next()?;
    let host = text.split(['/', '?', '#', ':']).next()?.trim_end_matches('.');
    let host = host.strip_prefix("www.").unwrap_or(host);
    let labels: Vec<_> = host.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
    };
    let is_domain = labels.len() > 1
        && host.len() <= 253
        && labels.iter().all(is_label)
        && labels.last().is_some_and(|last| last.len() > 1 && last.chars().all(|c| c.is_ascii_alphabetic()));
    (is_domain && !PUBLIC_MAIL.contains(&host)).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn legal_forms_signs_and_accents_do_not_count() {
        for (one, other) in [
            ("Bäckerei Müller GmbH & Co. KG", "Backerei Muller"),
            ("Smith & Sons Ltd.", "Smith and Sons Limited"),
            ("The Harbour Company, Inc.", "HARBOUR"),
            ("Mario's Pizza, L.L.C.", "Marios Pizza"),
            ("O’Neill + Partner", "ONeill und Partner AG"),
        ] {
            assert_eq!(key(one), key(other), "{one} and {other}");
        }
        assert_eq!(key("Limited"), "limited", "a name is never empty for its legal form");
        assert_eq!(key("&!"), "and");
        assert_eq!(key("…"), "");
        assert_ne!(key("Northwind Dental"), key("Northwind Legal"));
    }

    #[test]
    fn what_is_alike_scores_above_what_is_not() {
        let like = |one: &str, other: &str| likeness(&key(one), &key(other));
        assert_eq!(like("Northwind Dental Ltd", "Northwind Dental"), 100);
        assert!(like("Northwind Dental", "Nortwind Dental") > 85);
        assert!(like("Dental Northwind", "Northwind Dental") > 90);
        assert!(like("Granite Foods", "Granite Foods Holding Europe") > 70);
        assert!(like("Northwind Dental", "Harbour Legal") < 30);
    }

    #[test]
    fn the_misspelt_meets_its_original_in_one_lookup() {
        let meet = |one: &str, other: &str| !lookups(&key(one)).is_disjoint(&lookups(&key(other)));
        assert!(meet("Bakery", "Backery") || meet("Bakery", "Bakerry"));
        assert!(meet("Bluestone", "Blustone"));
        assert!(meet("Larkspur Travel", "Travels Larkspur"));
        assert!(!meet("Larkspur Travel", "Granite Foods"));
    }

    #[test]
    fn domains_are_those_of_companies() {
        assert_eq!(domain("Info@Northwind.example.com").as_deref(), Some("northwind.example.com"));
        assert_eq!(domain("https://www.northwind.com/contact?x").as_deref(), Some("northwind.com"));
        for none in ["someone@gmail.com", "northwind", "", "10.0.0.1", "a b.com"] {
            assert_eq!(domain(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn any_name_has_a_key_that_is_its_own(name in "\\PC{0,80}", other in "\\PC{0,40}") {
            let one = key(&name);
            prop_assert_eq!(&key(&one.clone()), &key(&one));
            prop_assert!(one.chars().count() <= MAX_KEY);
            prop_assert!(likeness(&one, &key(&other)) <= 100);
            let _ = domain(&name);
        }
    }
}
