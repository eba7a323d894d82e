//! Reads micro-batches ahead, so that the device never waits for the disk.
//!
//! In:  how to make item `k`, which items, and how many make a micro-batch.
//! Out: micro-batches in order; an error takes its batch's place and ends the work.
//! Source: the published `DataLoader` with its worker processes.
//!
//! Thread `i` of `n` makes the micro-batches `i`, `i + n`, … and waits when those it has made are not taken, so each
//! thread has at most [`LoaderOptions::ahead`] finished ones and the one it is at in memory.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::BatchesError;

/// How far and how wide to read ahead.
#[derive(Clone, Copy, Debug)]
pub struct LoaderOptions {
    /// Items per micro-batch; the last one may be smaller.
    pub batch_size: usize,
    /// Finished micro-batches that wait per thread.
    pub ahead: usize,
    /// Threads that read; at least one.
    pub thread_count: usize,
}

/// A micro-batch, or why there is none.
type Made<T> = Result<Vec<T>, BatchesError>;

/// Micro-batches of the items of a range, in order.
pub struct Loader<T> {
    threads: Vec<(Receiver<Made<T>>, JoinHandle<()>)>,
    next_thread: usize,
    has_ended: bool,
}

impl<T: Send + 'static> Loader<T> {
    /// Starts to read the items of `numbers`, made by `item`; a resumed run starts at any number.
    pub fn start(
        numbers: Range<u64>,
        options: LoaderOptions,
        item: impl Fn(u64) -> Result<T, BatchesError> + Send + Sync + 'static,
    ) -> Self {
        let item = Arc::new(item);
        let thread_count = options.thread_count.max(1);
        let start = |thread: usize| {
            let (sender, receiver) = sync_channel(options.ahead);
            let (item, numbers) = (Arc::clone(&item), numbers.clone());
            let batches = batches_of(numbers, options.batch_size.max(1) as u64).skip(thread).step_by(thread_count);
            (receiver, std::thread::spawn(move || send_batches(batches, item.as_ref(), &sender)))
        };
        Self { threads: (0..thread_count).map(start).collect(), next_thread: 0, has_ended: false }
    }
}

/// The ranges of item numbers that make one micro-batch each.
fn batches_of(numbers: Range<u64>, size: u64) -> impl Iterator<Item = Range<u64>> + Send {
    let count = (numbers.end.saturating_sub(numbers.start)).div_ceil(size);
    (0..count).map(move |batch| {
        let start = numbers.start + batch * size;
        start..numbers.end.min(start.saturating_add(size))
    })
}

/// Makes batches until one fails or nobody takes them any more.
fn send_batches<T>(
    batches: impl Iterator<Item = Range<u64>>,
    item: &(impl Fn(u64) -> Result<T, BatchesError> + ?Sized),
    sender: &SyncSender<Made<T>>,
) {
    for batch in batches {
        let made: Made<T> = batch.map(item).collect();
        let has_failed = made.is_err();
        if sender.send(made).is_err() || has_failed {
            return;
        }
    }
}

impl<T> Iterator for Loader<T> {
    type Item = Made<T>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let batch = self.threads[self.next_thread].0.recv().ok();
        self.next_thread = (self.next_thread + 1) % self.threads.len();
        self.has_ended = !matches!(batch, Some(Ok(_)));
        if batch.is_none() {
            self.stop();
        }
        batch
    }
}

impl<T> Loader<T> {
    /// Lets the threads finish what they are at; a panic in one goes on here.
    fn stop(&mut self) {
        for (receiver, thread) in std::mem::take(&mut self.threads) {
            drop(receiver);
            if let Err(panic) = thread.join()
                && !std::thread::panicking()
            {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

impl<T> Drop for Loader<T> {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::DatasetError;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn options(batch_size: usize, thread_count: usize) -> LoaderOptions {
        LoaderOptions { batch_size, ahead: 2, thread_count }
    }

    #[test]
    fn batches_come_in_order_from_any_start_and_the_last_may_be_smaller() {
        for thread_count in [1, 2, 3, 8] {
            let loader = Loader::start(5..16, options(3, thread_count), |number| {
                std::thread::sleep(Duration::from_millis(number * 7 % 5));
                Ok(number)
            });
            let batches: Vec<Vec<u64>> = loader.map(Result::unwrap).collect();
            assert_eq!(batches, [vec![5, 6, 7], vec![8, 9, 10], vec![11, 12, 13], vec![14, 15]]);
        }
    }

    #[test]
    fn an_error_comes_in_its_place_and_ends_the_work() {
        let mut loader = Loader::start(0..u64::MAX, options(2, 2), |number| match number {
            7 => Err(DatasetError::NoTokens.into()),
            number => Ok(number),
        });
        let good: Vec<_> = loader.by_ref().take(3).map(Result::unwrap).collect();
        assert_eq!(good, [[0, 1], [2, 3], [4, 5]]);
        assert!(loader.next().unwrap().is_err());
        assert!(loader.next().is_none());
    }

    #[test]
    fn no_more_than_the_queue_is_read_ahead_and_dropping_stops_the_threads() {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&made);
        let mut loader = Loader::start(0..u64::MAX, options(1, 2), move |number| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(number)
        });
        assert_eq!(loader.next().unwrap().unwrap(), [0]);
        std::thread::sleep(Duration::from_millis(100));
        // One taken, two waiting per thread, one in the hands of each.
        assert!(made.load(Ordering::SeqCst) <= 7, "{made:?}");
        drop(loader);
        assert_eq!(Arc::strong_count(&made), 1);
    }
}
