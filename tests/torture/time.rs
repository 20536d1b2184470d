//! The time of gateways and sandboxes, moved from outside: for one machine whose clock is wrong, or for all of them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use entity::Timestamp;
use psa_gateway::clock::Clock;

/// The variable that names a program's file.
pub const VARIABLE: &str = "TORTURE_CLOCK";

/// What time it is for everybody. Clones are the same.
#[derive(Clone, Debug)]
pub struct Time(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    folder: PathBuf,
    moved: Mutex<Moved>,
}

/// In milliseconds.
#[derive(Debug, Default)]
struct Moved {
    /// How far everybody's time has moved on.
    on: i64,
    /// By how much everybody's clock was set since then.
    set: i64,
    /// By how much whose clock is wrong beside that.
    wrong: BTreeMap<String, i64>,
}

impl Time {
    pub fn new(folder: &Path) -> Self {
        Self(Arc::new(Inside { folder: folder.to_owned(), moved: Mutex::default() }))
    }

    /// The file that tells somebody's time, made where there is none.
    pub fn file_of(&self, who: &str) -> PathBuf {
        self.change(|moved| {
            moved.wrong.entry(who.to_owned()).or_default();
        });
        self.path(who)
    }

    /// Time goes on for everybody at once.
    pub fn goes_on(&self, by: Duration) {
        self.change(|moved| moved.on += i64::try_from(by.as_millis()).unwrap_or(0));
    }

    /// Everybody's clock is set by so much, forwards or backwards.
    pub fn is_set(&self, by_millis: i64) {
        self.change(|moved| moved.set += by_millis);
    }

    /// Somebody's clock is wrong by so much from now on.
    pub fn is_wrong(&self, who: &str, by_millis: i64) {
        self.change(|moved| {
            moved.wrong.insert(who.to_owned(), by_millis);
        });
    }

    /// What everybody's clock says.
    pub fn now(&self) -> Timestamp {
        self.really().plus_millis(self.0.moved.lock().expect("unpoisoned").set)
    }

    /// What time it really is, however clocks were set.
    pub fn really(&self) -> Timestamp {
        Clock::system().now().plus_millis(self.0.moved.lock().expect("unpoisoned").on)
    }

    fn path(&self, who: &str) -> PathBuf {
        self.0.folder.join(format!("{who}.clock"))
    }

    fn change(&self, change: impl FnOnce(&mut Moved)) {
        let mut moved = self.0.moved.lock().expect("unpoisoned");
        change(&mut moved);
        for (who, wrong) in &moved.wrong {
            // Whole or not at all.
            let (path, new) = (self.path(who), self.0.folder.join(format!("{who}.clock.new")));
            fs::write(&new, format!("{wrong} {}\n", moved.on + moved.set)).expect("a file can be written");
            fs::rename(&new, &path).expect("a file can be renamed");
        }
    }
}
