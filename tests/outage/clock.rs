//! One clock for all processes of a trial: a file with the milliseconds since the epoch. Only the trial moves it.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use grantflow::UnixTime;

/// The time in the file.
#[derive(Clone)]
pub(crate) struct Clock(PathBuf);

impl Clock {
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn millis(&self) -> u64 {
        // A reader may come between two writes; the next read is complete.
        loop {
            if let Some(millis) = std::fs::read_to_string(&self.0).ok().and_then(|text| text.trim().parse().ok()) {
                return millis;
            }
        }
    }

    pub(crate) fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.millis() / 1000)
    }
}

/// The side that moves a clock.
pub(crate) struct Hand {
    file: File,
    millis: u64,
    clock: Clock,
}

impl Hand {
    pub(crate) fn new(path: &Path, seconds: u64) -> Self {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path).unwrap();
        let mut hand = Self { file, millis: 0, clock: Clock::at(path) };
        hand.set(seconds * 1000);
        hand
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn millis(&self) -> u64 {
        self.millis
    }

    pub(crate) fn set(&mut self, millis: u64) {
        self.millis = millis;
        // Always of the same width, so that a write replaces everything.
        self.file.seek(SeekFrom::Start(0)).unwrap();
        self.file.write_all(format!("{millis:020}\n").as_bytes()).unwrap();
    }

    pub(crate) fn advance(&mut self, millis: u64) {
        self.set(self.millis + millis);
    }
}
