//! The same finding a hundred times in parallel, each time under another message id: at most one ticket.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{Progress, Run};
use crate::{
    arena::{Arena, Wish},
    dice::Dice,
    journal::Says,
    table::Row,
};

/// How many say the same at once.
const AT_ONCE: u32 = 100;

pub async fn same(run: Run) -> Row {
    let groups = run.scale.groups.unwrap_or(4);
    // On PostgreSQL two nodes decide at the same time.
    let server = Run::server_if_given();
    let nodes = if server.is_some() { 2 } else { 1 };
    let settings = vec![("inbox_workers", "4".to_owned())];
    let wish = Wish { nodes, server, settings, ..Wish::usual(2, false) };
    let arena = Arena::start(&run, wish).await;
    let progress = {
        let journal = Arc::clone(&arena.door.journal);
        Progress::of(&run, move || format!("{} of {} accepted", journal.count(), groups * u64::from(AT_ONCE)))
    };
    let mut dice = Dice::new(run.seed, "same");
    for key in 0..groups {
        let door = &arena.door;
        let said = (0..AT_ONCE).map(|place| {
            let mut dice = Dice::new(dice.below(u64::MAX), "sender");
            async move { door.deliver((key, place, 0, Says::There), &mut dice).await }
        });
        join_all(said).await;
    }
    drop(progress);
    let done = format!("{groups} groups × {AT_ONCE}");
    let remark = format!("{nodes} node(s)");
    arena.close(done, vec![remark], Vec::new()).await
}
