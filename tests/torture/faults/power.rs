//! The power fails: of what SQLite has written, only what was synced to the disk is there for sure.
//!
//! A small library that is loaded into the gateway (`power/synced.c`) keeps a copy of each file as of its last sync.
//! After a kill the database is put together anew: from that copy, and from none, some or all of the sectors that were
//! written after it, in no order. Nothing that was answered 2xx may be missing then. That it would be noticed is shown
//! by `TORTURE_SYNCHRONOUS=normal` in the environment, which has SQLite not sync each commit, or `off`, and nothing at all.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Progress, Run};
use crate::{
    arena::{Arena, READY, Wish},
    dice::Dice,
    load::{Load, lives},
    table::Row,
};

/// A disk writes whole sectors of so many bytes.
const SECTOR: usize = 512;
/// The files that count.
const FILES: [&str; 2] = ["gateway.db", "gateway.db-wal"];

pub async fn power(run: Run) -> Row {
    let (folder, place, disk) = (run.folder(), run.folder().join("place"), run.folder().join("disk"));
    for made in [&place, &disk] {
        fs::create_dir_all(made).expect("a folder can be made");
    }
    let library = match compiled(&folder) {
        Ok(library) => library,
        Err(why) => return Row::skipped(run.fault, run.seed, why),
    };
    let rounds = run.scale.rounds.unwrap_or(12);
    let deliveries = run.scale.deliveries.unwrap_or(rounds * 50);
    let variable = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
    let variables = vec![
        variable("LD_PRELOAD", &library),
        variable("POWER_PLACE", &place),
        variable("POWER_DISK", &disk),
    ];
    let wish = Wish { variables, place: Some(place.clone()), ..Wish::usual(4, false) };
    let mut arena = Arena::start(&run, wish).await;
    // What was set up is on the disk; what comes from now on has to get there.
    for file in FILES {
        let _ = fs::copy(place.join(file), disk.join(file));
    }
    let mut dice = Dice::new(run.seed, "power");
    let lives = lives(&mut dice, deliveries, 4, arena.door.lanes.len());
    let load = Load::start(&arena.door, lives, 16, &mut dice);
    let progress = {
        let journal = Arc::clone(&arena.door.journal);
        Progress::of(&run, move || format!("{} of {deliveries} accepted", journal.count()))
    };
    let (mut cuts, mut sectors) = (0_u64, (0, 0));
    for _ in 0..rounds {
        if !run.has_time() {
            break;
        }
        let share = dice.between(1, (deliveries / rounds).max(1) * 2);
        load.allow(share);
        let (end, before) = (Instant::now() + Duration::from_millis(800), arena.door.journal.count());
        let enough = dice.between(0, share);
        while arena.door.journal.count() < before + enough && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_micros(dice.below(50_000))).await;
        arena.nodes[0].kill();
        let of_thousand = [0, 0, 300, 500, 900][usize::try_from(dice.below(5)).unwrap_or(0)];
        for file in FILES {
            let (lost, kept) = fail(&place.join(file), &disk.join(file), of_thousand, &mut dice);
            sectors = (sectors.0 + lost, sectors.1 + kept);
        }
        // Shared memory is gone in any case.
        let _ = fs::remove_file(place.join("gateway.db-shm"));
        cuts += 1;
        arena.nodes[0].start(&[]);
        let ready = arena.nodes[0].is_ready(&arena.door.http, READY).await;
        ready.expect("a gateway starts again after the power failed");
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    let remark = format!("of the sectors that were not synced, {} lost and {} kept", sectors.0, sectors.1);
    arena.close(format!("{cuts} power cuts"), vec![remark], Vec::new()).await
}

/// The library, compiled by the C compiler that SQLite was.
fn compiled(folder: &Path) -> Result<PathBuf, String> {
    if !cfg!(target_os = "linux") {
        return Err("syncs can be listened to on Linux only".to_owned());
    }
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/torture/power/synced.c");
    let library = folder.join("synced.so");
    let made = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).output();
    match made {
        Ok(made) if made.status.success() => Ok(library),
        Ok(made) => Err(format!("cc: {}", String::from_utf8_lossy(&made.stderr).trim())),
        Err(error) => Err(format!("there is no C compiler (cc): {error}")),
    }
}

/// What is left of a file: what is on the disk, and so many in a thousand of the sectors that differ. Says how many were
/// lost and how many were kept.
fn fail(file: &Path, on_disk: &Path, of_thousand: u64, dice: &mut Dice) -> (u64, u64) {
    let (written, synced) = (fs::read(file).unwrap_or_default(), fs::read(on_disk).unwrap_or_default());
    let (mut left, mut lost, mut kept) = (synced.clone(), 0, 0);
    // The new length may be there or not.
    if written.len() != synced.len() && dice.in_thousand(of_thousand) {
        left.resize(written.len(), 0);
    }
    for at in (0..left.len().max(written.len())).step_by(SECTOR) {
        let end = |bytes: &[u8]| (at + SECTOR).min(bytes.len());
        let new = written.get(at..end(&written));
        let new = new.unwrap_or_default();
        if new == synced.get(at..end(&synced)).unwrap_or_default() {
            continue;
        }
        if at < left.len() && dice.in_thousand(of_thousand) {
            let end = end(&left).min(at + new.len());
            left[at..end].copy_from_slice(&new[..end - at]);
            kept += 1;
        } else {
            lost += 1;
        }
    }
    if left.is_empty() {
        let _ = fs::remove_file(file);
    } else {
        fs::write(file, &left).expect("a file can be written");
    }
    // This is on the disk from now on.
    fs::write(on_disk, &left).expect("a file can be written");
    (lost, kept)
}
