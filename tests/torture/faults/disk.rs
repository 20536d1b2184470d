//! The disk is full while webhooks come in: nobody is told 2xx for what is not stored.

use std::{
    fs::{self, File},
    io::Write as _,
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
    place::is_root,
    table::Row,
};

/// How large the file system is, in kilobytes: the database, its log and the master key, and what a webhook takes in them.
const KILOBYTES: u64 = 48 * 1_024;
const OF_A_WEBHOOK: u64 = 16;

/// So many of a round's webhooks come only when the disk is full, and as many when there is room again.
const HELD_BACK: u64 = 200;

/// A small file system in memory, for as long as this lives.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path, kilobytes: u64) -> Result<Self, String> {
        if !is_root() {
            return Err("only root may mount a small file system".to_owned());
        }
        let place = folder.join("small-disk");
        fs::create_dir_all(&place).map_err(|error| error.to_string())?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"])
            .arg(&place)
            .output()
            .map_err(|error| error.to_string())?;
        if mounted.status.success() {
            Ok(Self(place))
        } else {
            Err(format!(
                "a small file system cannot be mounted: {}",
                String::from_utf8_lossy(&mounted.stderr).trim()
            ))
        }
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Fills it but for so many kilobytes.
    fn fill(&self, left: u64) {
        let mut file = File::create(self.filler()).expect("a file");
        let some = [0_u8; 4_096];
        while file.write_all(&some).is_ok() {}
        let length = file.metadata().map_or(0, |about| about.len());
        let _ = file.set_len(length.saturating_sub(left * 1_024));
    }

    fn empty(&self) {
        let _ = fs::remove_file(self.filler());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

pub async fn disk(run: Run) -> Row {
    let rounds = run.scale.rounds.unwrap_or(3);
    let deliveries = run.scale.deliveries.unwrap_or(rounds * 600).max(rounds * 3 * HELD_BACK);
    let disk = match SmallDisk::mount(&run.folder(), KILOBYTES + deliveries * OF_A_WEBHOOK) {
        Ok(disk) => disk,
        Err(why) => return Row::skipped(run.fault, run.seed, why),
    };
    let mut arena = Arena::start(&run, Wish { place: Some(disk.0.clone()), ..Wish::usual(2, false) }).await;
    let mut dice = Dice::new(run.seed, "disk");
    let lives = lives(&mut dice, deliveries, 8, arena.door.lanes.len());
    let load = Load::start(&arena.door, lives, 6, &mut dice);
    let progress = {
        let journal = Arc::clone(&arena.door.journal);
        Progress::of(&run, move || format!("{} of {deliveries} accepted", journal.count()))
    };
    let refused = |arena: &Arena| arena.door.journal.refused().values().sum::<u64>();
    let (mut done, mut broken) = (0_u64, Vec::new());
    for round in 0..rounds {
        if !run.has_time() {
            break;
        }
        load.allow(deliveries / rounds - 2 * HELD_BACK);
        tokio::time::sleep(Duration::from_millis(dice.between(100, 500))).await;
        disk.fill(dice.between(0, 60));
        let (before, end) = (refused(&arena), Instant::now() + Duration::from_secs(8));
        load.allow(HELD_BACK);
        while refused(&arena) < before + 10 && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if refused(&arena) > before {
            done += 1;
        }
        // Half of the times it dies with its disk full.
        let dies = round % 2 == 0;
        if dies {
            arena.nodes[0].kill();
        }
        disk.empty();
        if dies {
            arena.nodes[0].start(&[]);
        }
        arena.nodes[0].is_ready(&arena.door.http, READY).await.expect("a gateway with room again");
        let (before, back) = (arena.door.journal.count(), Instant::now());
        load.allow(HELD_BACK);
        while arena.door.journal.count() == before && back.elapsed() < Duration::from_secs(15) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if arena.door.journal.count() == before {
            broken.push("with room again, nothing was stored within 15 s".to_owned());
        }
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    if done == 0 {
        broken.push("the disk was never full enough for a refusal".to_owned());
    }
    let row = arena.close(format!("{done} full disks"), Vec::new(), broken).await;
    drop(disk);
    row
}
