//! Invented customers.

const STEMS: [&str; 33] = [
    "Northwind",
    "Harbour",
    "Cedar Hill",
    "Bluestone",
    "Larkspur",
    "Old Mill",
    "Ferncliff",
    "Granite",
    "Silverline",
    "Meadowbank",
    "Kingsway",
    "Ashgrove",
    "Lakeside",
    "Redwood",
    "Pinnacle",
    "Oakhurst",
    "Summit",
    "Riverbend",
    "Thornbury",
    "Eastgate",
    "Marigold",
    "Copperfield",
    "Whitmore",
    "Juniper",
    "Stonebridge",
    "Halcyon",
    "Brightwater",
    "Falconer",
    "Willow Park",
    "Ironwood",
    "Clearview",
    "Beacon",
    "Westhaven",
];

const TRADES: [&str; 13] = [
    "Dental",
    "Legal",
    "Logistics",
    "Veterinary",
    "Accountants",
    "Architects",
    "Foods",
    "Printing",
    "Care Homes",
    "Engineering",
    "Travel",
    "Insurance",
    "Academy",
];

/// The name of the customer of that number, counted from 0; no name comes twice among the first 400.
pub fn customer_name(number: usize) -> String {
    let stem = pick(&STEMS, number);
    // Shifts with each round of stems, so that no name comes twice.
    let trade = pick(&TRADES, number + number / STEMS.len());
    format!("{stem} {trade}")
}

fn pick(words: &[&'static str], index: usize) -> &'static str {
    words.get(index % words.len().max(1)).copied().unwrap_or_default()
}
