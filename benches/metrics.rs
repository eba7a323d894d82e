//! Times the scores on clips of the published length: one line a score, then the same as JSON.
//!
//! `cargo bench --bench metrics [-- FOLDER]` leaves its inputs in FOLDER (default: `unifr-bench-metrics` in the
//! system's temporary folder); `benches/rivals/metrics.py FOLDER` times the published way on the same numbers.
//! One thread, as the rival; processor time, so that other programs on the machine disturb little.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Instant;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use unifr::dataset::Appropriateness;
use unifr::files::npy;
use unifr::metrics::{self, Clips, Predictions};
use unifr::random::{Owner, stream};
use unifr::tokens::{ACTION_UNIT_COUNT, ATTRIBUTE_COUNT, VALENCE_AROUSAL_COUNT};

const CLIPS: usize = 16;
const REACTIONS: usize = 2;
const NEIGHBOURS: usize = 10;
const FRAMES: usize = 750;
/// Each score is computed again until this time is over: the system counts processor time in steps of milliseconds.
const LEAST_SECS: f64 = 2.0;

fn main() -> anyhow::Result<()> {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let folder = folder.map_or_else(|| std::env::temp_dir().join("unifr-bench-metrics"), PathBuf::from);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    threads.install(|| bench(&folder))
}

fn bench(folder: &Path) -> anyhow::Result<()> {
    let predictions = made_up(1, CLIPS * REACTIONS, true);
    let (listeners, speakers) = (made_up(2, CLIPS, false), made_up(3, CLIPS, false));
    let (four, three) = ([CLIPS, REACTIONS, FRAMES, ATTRIBUTE_COUNT], [CLIPS, FRAMES, ATTRIBUTE_COUNT]);
    let neighbours = neighbours();
    npy::write(&folder.join("predictions.npy"), &four, &predictions)?;
    npy::write(&folder.join("listeners.npy"), &three, &listeners)?;
    npy::write(&folder.join("speakers.npy"), &three, &speakers)?;
    neighbours.save(&folder.join("appropriateness.npy"))?;
    let predictions = Predictions::new(&four, predictions)?;
    let (listeners, speakers) =
        (Clips::new("listeners", &three, listeners)?, Clips::new("speakers", &three, speakers)?);

    let reactions = CLIPS * REACTIONS;
    let pairs = reactions * NEIGHBOURS;
    let silent = |_| ();
    let (a, b) = (predictions.reaction(0, 0), listeners.clip(0));
    let rows = [
        row("DTW of one clip", "pair, nothing pruned", 1, || metrics::distance(a, b)),
        row("FRDist", "pair", pairs, || sum(&metrics::frdist(&predictions, &listeners, &neighbours, &silent))),
        row("FRCorr", "pair", pairs, || sum(&metrics::frcorr(&predictions, &listeners, &neighbours, &silent))),
        row("FRSyn", "reaction", reactions, || {
            let synchronies = metrics::frsyn(&predictions, &speakers, &silent);
            synchronies.iter().map(|synchrony| synchrony.published.unsigned_abs() as f64).sum()
        }),
        row("FRDiv", "clip", CLIPS, || sum(&metrics::frdiv(&predictions))),
        row("FRVar", "clip", CLIPS, || sum(&metrics::frvar(&predictions))),
        row("FRDvs", "all", 1, || metrics::frdvs(&predictions)),
    ];
    print(&rows)?;
    Ok(())
}

/// What was timed, per what, in milliseconds, and the result for comparison with the rival's.
struct Row {
    name: &'static str,
    unit: &'static str,
    millis: f64,
    result: f64,
}

fn row(name: &'static str, unit: &'static str, count: usize, run: impl Fn() -> f64) -> Row {
    let (start, clock) = (thread_secs(), Instant::now());
    let mut runs = 0;
    let mut result = 0.0;
    while runs == 0 || clock.elapsed().as_secs_f64() < LEAST_SECS {
        result = run();
        runs += 1;
    }
    Row { name, unit, millis: (thread_secs() - start) * 1e3 / f64::from(runs) / count as f64, result }
}

/// Processor time of this thread as Linux counts it; elsewhere the time on the wall.
fn thread_secs() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = counted.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanos.map_or_else(|| START.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

fn print(rows: &[Row]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{CLIPS} clips, {REACTIONS} reactions, {NEIGHBOURS} neighbours, {FRAMES} frames, one thread")?;
    for Row { name, unit, millis, result } in rows {
        writeln!(out, "{name:16} {millis:10.4} ms a {unit:20} result {result:.9}")?;
    }
    let millis: serde_json::Map<_, _> = rows.iter().map(|row| (row.name.to_owned(), row.millis.into())).collect();
    writeln!(out, "{}", serde_json::json!({ "milliseconds": millis }))
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

/// Clip `i` and the nine after it.
fn neighbours() -> Appropriateness {
    let row = |clip: usize| {
        let mut row: Vec<u32> = (0..NEIGHBOURS).map(|step| ((clip + step) % CLIPS) as u32).collect();
        row.sort_unstable();
        row
    };
    Appropriateness::from_rows((0..CLIPS).map(row).collect()).expect("rows are ascending and within the clips")
}

/// Clips that move like real ones: action units that stay for about a second, valence and arousal that drift, expressions
/// that add up to 1. `from_tokens` holds them to few values, as decoded tokens are.
fn made_up(place: u64, clip_count: usize, from_tokens: bool) -> Vec<f64> {
    let mut values = Vec::with_capacity(clip_count * FRAMES * ATTRIBUTE_COUNT);
    for clip in 0..clip_count as u64 {
        let mut random = stream(0, Owner::Synthesis, [place, clip, 0]);
        let mut state: [f64; ATTRIBUTE_COUNT] = std::array::from_fn(|_| random.random_range(-1.0..1.0));
        for _ in 0..FRAMES {
            values.extend(next_frame(&mut state, &mut random, from_tokens));
        }
    }
    values
}

fn next_frame(
    state: &mut [f64; ATTRIBUTE_COUNT],
    random: &mut ChaCha8Rng,
    from_tokens: bool,
) -> [f64; ATTRIBUTE_COUNT] {
    const EXPRESSIONS: usize = ACTION_UNIT_COUNT + VALENCE_AROUSAL_COUNT;
    for value in state.iter_mut() {
        *value = (*value + random.random_range(-0.08..0.08)).clamp(-1.0, 1.0);
    }
    let rounded = |value: f64| if from_tokens { (value * 40.0).round() / 40.0 } else { value };
    let total: f64 = state[EXPRESSIONS..].iter().map(|value| (3.0 * rounded(*value)).exp()).sum();
    std::array::from_fn(|column| match column {
        0..ACTION_UNIT_COUNT => f64::from(u8::from(state[column] > 0.3)),
        ACTION_UNIT_COUNT..EXPRESSIONS => rounded(state[column]),
        _ => (3.0 * rounded(state[column])).exp() / total,
    })
}
