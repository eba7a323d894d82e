//! Progress of long work on stderr: a bar on a terminal, else a plain line every few seconds.
//!
//! In:  how much there is to do, and each bit that is done.
//! Out: `preparing: 12 of 40 clips, 3.1 clips/s, 9 s left`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::log::BARS;

/// Often enough to see that work goes on, rare enough for a log file.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// A rate from less than this is mostly noise.
const SHORTEST_MEASURE: Duration = Duration::from_millis(500);

/// One piece of long work. Shared between threads by reference; gone from the screen when dropped.
pub struct Progress {
    label: String,
    unit: &'static str,
    total: u64,
    began: Instant,
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    Lines(Mutex<Lines>),
    Nothing,
}

struct Lines {
    done: u64,
    note: String,
    last: Instant,
}

impl Progress {
    /// Begins work called `label` on `total` things, e.g. `Progress::new("preparing", "clips", 40)`.
    ///
    /// Nothing is shown when the log leaves out messages of level info.
    pub fn new(label: impl Into<String>, unit: &'static str, total: u64) -> Self {
        let (label, began) = (label.into(), Instant::now());
        let shown = if log::max_level() < log::LevelFilter::Info {
            Shown::Nothing
        } else if std::io::stderr().is_terminal() {
            Shown::Bar(bar(label.clone(), unit, total))
        } else {
            Shown::Lines(Mutex::new(Lines { done: 0, note: String::new(), last: began }))
        };
        Self { label, unit, total, began, shown }
    }

    /// So many more are done.
    pub fn advance(&self, count: u64) {
        match &self.shown {
            Shown::Bar(bar) => bar.inc(count),
            Shown::Lines(lines) => self.step(&mut locked(lines), count),
            Shown::Nothing => {}
        }
    }

    /// A few words after the numbers, e.g. the present loss.
    pub fn note(&self, note: impl Into<String>) {
        match &self.shown {
            Shown::Bar(bar) => bar.set_message(format!(", {}", note.into())),
            Shown::Lines(lines) => locked(lines).note = note.into(),
            Shown::Nothing => {}
        }
    }

    /// Ends the work with one line that says how long it took.
    pub fn finish(self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
        if !matches!(self.shown, Shown::Nothing) {
            print(&format!("{}: {} {} in {}", self.label, self.total, self.unit, duration_text(self.began.elapsed())));
        }
    }

    fn step(&self, lines: &mut Lines, count: u64) {
        lines.done += count;
        let now = Instant::now();
        if now.duration_since(lines.last) >= LINE_INTERVAL && lines.done < self.total {
            lines.last = now;
            let numbers = numbers(lines.done, self.total, self.unit, now.duration_since(self.began));
            let comma = if lines.note.is_empty() { "" } else { ", " };
            print(&format!("{}: {numbers}{comma}{}", self.label, lines.note));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

/// A thread that panicked while it held the lines has left them whole.
fn locked(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

fn print(line: &str) {
    // If stderr is closed there is nobody left to tell.
    BARS.suspend(|| writeln!(std::io::stderr(), "{line}").ok());
}

fn bar(label: String, unit: &'static str, total: u64) -> ProgressBar {
    let numbers = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // The bar draws what was written; there is nobody to report a failure to.
        out.write_str(&numbers(state.pos(), total, unit, state.elapsed())).ok();
    };
    let style = ProgressStyle::with_template("{prefix} {bar:16} {numbers}{wide_msg}")
        .expect("the template is well formed")
        .with_key("numbers", numbers)
        .progress_chars("=> ");
    let bar = BARS.add(ProgressBar::new(total)).with_style(style).with_prefix(Cow::from(label));
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

/// How much is done, how fast it goes and how long it may take.
fn numbers(done: u64, total: u64, unit: &str, elapsed: Duration) -> String {
    let mut text = format!("{done} of {total} {unit}");
    if done == 0 || elapsed < SHORTEST_MEASURE {
        return text;
    }
    let rate = done as f64 / elapsed.as_secs_f64();
    let left = Duration::from_secs_f64(total.saturating_sub(done) as f64 / rate);
    let digits = usize::from(rate < 10.0);
    let speed = if rate < 0.1 {
        format!("{} each", duration_text(elapsed / done.min(u64::from(u32::MAX)) as u32))
    } else {
        format!("{rate:.digits$} {unit}/s")
    };
    write!(text, ", {speed}, {} left", duration_text(left)).expect("writing to a text never fails");
    text
}

/// A duration in at most two units: `9 s`, `3 min 20 s`, `2 h 05 min`.
pub fn duration_text(duration: Duration) -> String {
    let secs = duration.as_secs_f64();
    if secs < 9.95 {
        return format!("{secs:.1} s");
    }
    let secs = secs.round() as u64;
    match (secs / 3600, secs / 60 % 60, secs % 60) {
        (0, 0, secs) => format!("{secs} s"),
        (0, minutes, secs) => format!("{minutes} min {secs:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        let text = |secs| duration_text(Duration::from_secs_f64(secs));
        assert_eq!(
            [0.04, 9.0, 9.96, 59.4, 59.6, 200.0, 7503.0].map(text),
            ["0.0 s", "9.0 s", "10 s", "59 s", "1 min 00 s", "3 min 20 s", "2 h 05 min"]
        );
    }

    #[test]
    fn the_rate_and_the_time_left_follow_from_what_is_done() {
        // 12 of 40 in 4 s: 3 a second, 28 left, 9.3 s.
        let text = numbers(12, 40, "clips", Duration::from_secs(4));
        assert_eq!(text, "12 of 40 clips, 3.0 clips/s, 9.3 s left");
        // 2 of 4 in 80 s: 0.025 a second.
        let text = numbers(2, 4, "clips", Duration::from_secs(80));
        assert_eq!(text, "2 of 4 clips, 40 s each, 1 min 20 s left");
    }

    #[test]
    fn nothing_is_foretold_from_nothing() {
        assert_eq!(numbers(0, 40, "clips", Duration::from_secs(4)), "0 of 40 clips");
        assert_eq!(numbers(1, 40, "clips", Duration::from_millis(3)), "1 of 40 clips");
    }

    #[test]
    fn more_done_than_foreseen_is_no_panic() {
        let text = numbers(5, 4, "clips", Duration::from_secs(1));
        assert_eq!(text, "5 of 4 clips, 5.0 clips/s, 0.0 s left");
    }
}
