//! Repeats work and prints what it took, on the wall and of the processors.

use std::io::Write;
use std::time::Instant;

/// Work is repeated until this time is over, at least twice.
const LEAST_SECS: f64 = 3.0;
/// Linux counts the processor time of a program in hundredths of a second.
const TICKS_PER_SEC: f64 = 100.0;

/// What was timed, in milliseconds a run.
pub struct Row {
    name: String,
    /// The fastest run on the wall.
    wall_millis: f64,
    /// Mean over the runs, of all threads together: other programs disturb it less.
    processor_millis: f64,
}

/// Runs the work in a pool of two threads, or of as many as the first number among the arguments says.
///
/// On a machine that does other work too, compare processor times on one thread: PyTorch's threads wait for each other
/// in a loop, which counts.
pub fn on_threads(work: impl FnOnce() -> std::io::Result<()> + Send) -> std::io::Result<()> {
    let threads = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(2);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    pool.install(work)
}

/// Times one piece of work.
pub fn row(name: impl Into<String>, mut run: impl FnMut()) -> Row {
    run();
    let (clock, processor) = (Instant::now(), processor_secs());
    let (mut runs, mut fastest) = (0, f64::INFINITY);
    while runs < 2 || clock.elapsed().as_secs_f64() < LEAST_SECS {
        let start = Instant::now();
        run();
        fastest = fastest.min(start.elapsed().as_secs_f64());
        runs += 1;
    }
    let processor_millis = (processor_secs() - processor) * 1e3 / f64::from(runs);
    Row { name: name.into(), wall_millis: fastest * 1e3, processor_millis }
}

/// Prints a table.
pub fn print(title: &str, rows: &[Row]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{title}")?;
    for Row { name, wall_millis, processor_millis } in rows {
        writeln!(out, "  {name:50} {wall_millis:9.1} ms, processors {processor_millis:9.1} ms")?;
    }
    Ok(())
}

/// Processor time of all threads as Linux counts it; elsewhere 0.
fn processor_secs() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in brackets, user and system time are the 12th and 13th number.
    let numbers = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    numbers.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SEC
}
