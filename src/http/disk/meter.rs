//! [`Meter`]: how far a download is, and how fast.

use std::time::Instant;

/// How far a download is.
///
/// `bytes` and `fraction` never go back, and `fraction` is 1 only once the file is whole and in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DownloadProgress {
    /// How many bytes there are, with those of a download that had broken off, and with those that were thrown away
    /// because the file on the server is another one now.
    pub bytes: u64,
    /// How many there will be, counted in the same way, where the server has said it.
    pub total: Option<u64>,
    /// How many came in a second, on average, since this download began.
    pub bytes_per_second: f64,
    /// Which part of the whole there is, from 0 to 1; 0 where the server has not said how much there will be.
    pub fraction: f64,
    /// The file is whole and in its place. Only the last one says so, and only of a download that succeeds.
    pub is_done: bool,
}

type Told = Box<dyn FnMut(&DownloadProgress) + Send>;

/// Counts what comes. It is told on the pool, where it is written.
#[derive(Default)]
pub(in crate::http) struct Meter {
    told: Vec<Told>,
    start: Option<Instant>,
    /// Written, and of no use since.
    thrown: u64,
    /// Of the file that is there now.
    have: u64,
    /// Since the start.
    come: u64,
    total: Option<u64>,
    best: f64,
}

impl Meter {
    pub(in crate::http) fn tell(&mut self, told: impl FnMut(&DownloadProgress) + Send + 'static) {
        self.told.push(Box::new(told));
    }

    /// An answer has begun, behind `have` bytes that are good.
    pub(super) fn begin(&mut self, have: u64, total: Option<u64>) {
        self.start.get_or_insert_with(crate::sync::now);
        self.thrown += self.have.saturating_sub(have);
        (self.have, self.total) = (have, total);
        self.report(false);
    }

    /// So much was written.
    pub(super) fn moved(&mut self, bytes: u64) {
        self.have += bytes;
        self.come += bytes;
        // The end is told when the file is in its place.
        if self.total.is_none_or(|total| self.have < total) {
            self.report(false);
        }
    }

    pub(super) fn done(&mut self, length: u64) {
        (self.have, self.total, self.best) = (length, Some(length), 1.0);
        self.report(true);
    }

    fn report(&mut self, is_done: bool) {
        let bytes = self.thrown + self.have;
        let total = self.total.map(|total| self.thrown + total);
        if let Some(total) = total.filter(|total| *total > bytes) {
            self.best = self.best.max(bytes as f64 / total as f64);
        }
        let seconds = self.start.map_or(0.0, |start| (crate::sync::now() - start).as_secs_f64());
        let bytes_per_second = if seconds > 0.0 { self.come as f64 / seconds } else { 0.0 };
        let now = DownloadProgress { bytes, total, bytes_per_second, fraction: self.best, is_done };
        self.told.iter_mut().for_each(|told| told(&now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{Arc, Mutex};

    #[test]
    fn nothing_goes_back_where_the_file_is_another_one_and_only_the_end_is_whole() {
        let all = Arc::new(Mutex::new(Vec::new()));
        let mut meter = Meter::default();
        let noted = Arc::clone(&all);
        meter.tell(move |now| noted.lock().push(*now));
        meter.begin(300, Some(1000));
        meter.moved(100);
        meter.begin(0, Some(500)); // it is another one
        meter.moved(200);
        meter.moved(300);
        meter.done(500);
        let all = all.lock();
        let bytes: Vec<_> = all.iter().map(|now| now.bytes).collect();
        assert_eq!(bytes, [300, 400, 400, 600, 900]);
        assert!(all.is_sorted_by(|a, b| a.fraction <= b.fraction), "{all:?}");
        let (last, others) = all.split_last().unwrap();
        assert!(last.is_done && last.fraction == 1.0 && last.total == Some(900));
        assert!(others.iter().all(|now| !now.is_done && now.fraction < 1.0), "{all:?}");
    }
}
