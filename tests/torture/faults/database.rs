//! PostgreSQL goes away under load: stopped, crashed, or its connections cut.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Progress, Run};
use crate::{
    arena::{Arena, Wish},
    dice::Dice,
    load::{Load, lives},
    place::{OwnServer, Server, given},
    table::Row,
};

/// How long after the database is back webhooks are stored again at the latest.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// How many webhooks come only when the database is back: there has to be something to be stored.
const LATER: u64 = 20;

pub async fn database(run: Run) -> Row {
    // A server of somebody else's is not restarted.
    let folder = run.folder();
    let own = tokio::task::spawn_blocking(move || OwnServer::start(&folder)).await.expect("a server");
    let (server, own) = match (own, given()) {
        (Ok(own), _) => (Server::Own(own.clone()), Some(own)),
        (Err(_), Some(url)) => (Server::Given(url), None),
        (Err(why), None) => return Row::skipped(run.fault, run.seed, why),
    };
    let cuts = run.scale.rounds.unwrap_or(10);
    let wish = Wish { server: Some(server.clone()), ..Wish::usual(4, false) };
    let arena = Arena::start(&run, wish).await;
    let mut dice = Dice::new(run.seed, "database");
    let deliveries = run.scale.deliveries.unwrap_or(cuts * if run.is_brief { 80 } else { 400 });
    let lives = lives(&mut dice, deliveries, 8, arena.door.lanes.len());
    let load = Load::start(&arena.door, lives, 8, &mut dice);
    let progress = {
        let journal = Arc::clone(&arena.door.journal);
        Progress::of(&run, move || format!("{} of {deliveries} accepted", journal.count()))
    };
    let (mut done, mut slowest, mut broken) = ([0_u64; 3], Duration::ZERO, Vec::new());
    for cut in 0..cuts {
        if !run.has_time() {
            break;
        }
        load.allow((deliveries / cuts).saturating_sub(LATER));
        tokio::time::sleep(Duration::from_millis(dice.between(300, 1_200))).await;
        let kind = if own.is_some() { usize::try_from(cut % 3).unwrap_or(0) } else { 0 };
        match (kind, own.clone()) {
            (1 | 2, Some(own)) => {
                let away = Duration::from_millis(dice.between(0, 1_500));
                let mode = if kind == 1 { "fast" } else { "immediate" };
                let restarted = tokio::task::spawn_blocking(move || {
                    own.end(mode)?;
                    std::thread::sleep(away);
                    own.begin()
                });
                restarted.await.expect("a restart").expect("PostgreSQL starts again");
            }
            _ => server.cut(&arena.database).await.expect("connections can be cut"),
        }
        done[kind] += 1;
        let (back, before) = (Instant::now(), arena.door.journal.count());
        load.allow(LATER);
        while arena.door.journal.count() == before && back.elapsed() < BACK_WITHIN * 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        slowest = slowest.max(back.elapsed());
        if back.elapsed() > BACK_WITHIN {
            broken.push(format!(
                "webhooks were stored again only {:?} after the database was back",
                back.elapsed()
            ));
        }
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    let [cut, stopped, crashed] = done;
    let remark = format!("back after {} ms at the most", slowest.as_millis());
    arena.close(format!("{cut} cuts, {stopped} restarts, {crashed} crashes"), vec![remark], broken).await
}
