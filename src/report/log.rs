//! The log on stderr: one line per message, above the progress bar if there is one.
//!
//! In:  the `log` macros of every room.
//! Out: `warn: …`, `error: …` and so on; messages of level info stand by themselves.

use std::io::{IsTerminal, Write};
use std::sync::LazyLock;

use indicatif::{MultiProgress, ProgressDrawTarget};
use log::{Level, LevelFilter, Log, Metadata, Record};

/// All progress bars; the log steps aside for them.
pub(super) static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));

/// Our own rooms speak at every level; other crates only if something is wrong.
const OWN_TARGET: &str = "unifr";

/// Starts the log; messages above `level` are left out. Called once, by the program.
pub fn start_log(level: LevelFilter) {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // A second call can only come from a test in the same process; the first log stays.
    if log::set_logger(if colour { &COLOURED } else { &PLAIN }).is_ok() {
        log::set_max_level(level);
    }
}

/// The level for `-v` and `-q`, each given so many times; neither means info.
pub fn level_from_flags(verbose: u8, quiet: u8) -> LevelFilter {
    match i16::from(verbose) - i16::from(quiet) {
        ..=-2 => LevelFilter::Error,
        -1 => LevelFilter::Warn,
        0 => LevelFilter::Info,
        1 => LevelFilter::Debug,
        2.. => LevelFilter::Trace,
    }
}

/// The level for the original's `-l`: 0 debug, 1 info, 2 warning, 3 error, 4 critical.
pub fn level_from_published(level: u8) -> LevelFilter {
    match level {
        0 => LevelFilter::Debug,
        1 => LevelFilter::Info,
        2 => LevelFilter::Warn,
        _ => LevelFilter::Error,
    }
}

static PLAIN: Stderr = Stderr { colour: false };
static COLOURED: Stderr = Stderr { colour: true };

struct Stderr {
    colour: bool,
}

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata) -> bool {
        is_heard(metadata.target(), metadata.level())
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let line = line(record.level(), &record.args().to_string(), self.colour);
            // If stderr is closed there is nobody left to tell.
            BARS.suspend(|| writeln!(std::io::stderr(), "{line}").ok());
        }
    }

    fn flush(&self) {}
}

fn is_heard(target: &str, level: Level) -> bool {
    let own =
        target.strip_prefix(OWN_TARGET).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()));
    own || level <= Level::Warn
}

fn line(level: Level, text: &str, colour: bool) -> String {
    let (word, code) = match level {
        Level::Error => ("error", "31"),
        Level::Warn => ("warn", "33"),
        Level::Info => return text.to_owned(),
        Level::Debug => ("debug", "2"),
        Level::Trace => ("trace", "2"),
    };
    if colour { format!("\x1b[{code}m{word}:\x1b[0m {text}") } else { format!("{word}: {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_follow_the_flags() {
        assert_eq!(level_from_flags(0, 0), LevelFilter::Info);
        assert_eq!(level_from_flags(1, 0), LevelFilter::Debug);
        assert_eq!(level_from_flags(5, 0), LevelFilter::Trace);
        assert_eq!(level_from_flags(0, 1), LevelFilter::Warn);
        assert_eq!(level_from_flags(0, 9), LevelFilter::Error);
        assert_eq!(
            [0, 1, 2, 3, 4].map(level_from_published).map(|level| level.to_string()),
            ["DEBUG", "INFO", "WARN", "ERROR", "ERROR"]
        );
    }

    #[test]
    fn messages_are_clear_without_colour() {
        assert_eq!(line(Level::Warn, "no face in `a`", false), "warn: no face in `a`");
        assert_eq!(line(Level::Info, "step 3", true), "step 3");
        assert_eq!(line(Level::Error, "lost", true), "\x1b[31merror:\x1b[0m lost");
    }

    #[test]
    fn other_crates_are_heard_only_when_something_is_wrong() {
        assert!(is_heard("unifr::train", Level::Debug) && is_heard("unifr", Level::Trace));
        assert!(is_heard("unifr_kernels", Level::Debug));
        assert!(!is_heard("symphonia::mp4", Level::Info) && is_heard("symphonia::mp4", Level::Warn));
        assert!(!is_heard("unifrance", Level::Info));
    }
}
