//! ComParE_2016 against the reference: whole sounds, single stages, and what must hold for any sound.
//!
//! Cases: every `NAME.wav` under `compare2016` of the golden root with a `NAME.lld.npy` or a `NAME.func.npy` beside it, and
//! the stages of `compare2016/stages/NAME`. Functionals from the reference's own contours, and names:
//! `tests/parity_functionals.rs`. At the end a table says how close everything was.

mod golden_cases;

#[path = "compare2016/properties.rs"]
mod properties;
#[path = "compare2016/stages.rs"]
mod stages;

use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use libtest_mimic::Trial;
use unifr::audio::compare2016::{self, Compare2016, DESCRIPTOR_COUNT, names};
use unifr::files::npy;
use unifr::media::read_sound;

/// Of a column's largest magnitude in the file; the cases' own bound.
const DESCRIPTOR_TOLERANCE: f64 = 2e-5;
/// Cells that may be further away: a roll-off may flip by one bin.
const DESCRIPTOR_OUTLIERS: f64 = 0.001;
/// Columns in which zero means "no voice": F0, jitter, DDP, shimmer.
const ZERO_COLUMNS: [usize; 4] = [0, 2, 3, 4];
/// Of functionals, relative and absolute, and how many may be further away; the cases' own bounds.
const FUNCTIONAL_TOLERANCE: (f64, f64) = (1e-3, 1e-5);
const FUNCTIONAL_OUTLIERS: f64 = 0.001;
/// Of `lpc0` to `lpc4`, absolute: linear prediction in f32 is ill-conditioned.
const LPC_TOLERANCE: f64 = 0.05;
const LPC_OUTLIERS: f64 = 0.02;
/// Of `lpgain`, relative.
const GAIN_TOLERANCE: f64 = 0.02;
const GAIN_OUTLIERS: f64 = 0.05;

/// Rows of the table, in the order in which the trials end.
static TABLE: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn main() {
    let folder = golden_cases::root().join("compare2016");
    let mut trials = golden_cases::of_kind("compare2016", trials_of_sounds(&folder));
    trials.extend(golden_cases::of_kind("compare2016/stages", stages::trials(&folder)));
    trials.extend(properties::trials());
    let conclusion = golden_cases::run(trials);
    print_table().expect("stdout takes the table");
    conclusion.exit()
}

fn print_table() -> std::io::Result<()> {
    let mut rows = TABLE.lock().expect("no trial panics while it adds a row").clone();
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort();
    let mut out = std::io::stdout().lock();
    writeln!(out, "| Sound | Values | Equal bit by bit | Worst distance | at |\n| --- | --- | --- | --- | --- |")?;
    rows.iter().try_for_each(|row| writeln!(out, "{row}"))
}

/// Adds a row: which share of the values is equal bit by bit, and which is furthest away.
pub fn tell(case: &str, what: &str, found: &[f64], expected: &[f64], distance: impl Fn(usize) -> (f64, String)) {
    let equal = found.iter().zip(expected).filter(|(a, b)| self::distance(**a, **b) <= 0.0).count();
    let mut worst = (0.0, String::new());
    for place in 0..found.len() {
        let (far, name) = distance(place);
        if far > worst.0 {
            worst = (far, name);
        }
    }
    let share = 100.0 * equal as f64 / found.len() as f64;
    let row = format!("| {case} | {what} | {share:.2} % | {:.1e} | {} |", worst.0, worst.1);
    TABLE.lock().expect("no trial panics while it adds a row").push(row);
}

fn trials_of_sounds(folder: &Path) -> Vec<Trial> {
    let sounds = golden_cases::files_in(folder, "wav");
    let mut trials = Vec::new();
    for sound in sounds {
        let name = sound.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (kind, run) in [("lld", run_descriptors as Run), ("func", run_functionals as Run)] {
            let expected = sound.with_extension(format!("{kind}.npy"));
            if expected.is_file() {
                let (sound, case) = (sound.clone(), name.clone());
                let run = move || run(&case, &extracted(&sound)?, &npy::read_f64(&expected).map_err(text)?.1);
                trials.push(golden_cases::trial(format!("compare2016/{name}.{kind}"), run));
            }
        }
    }
    trials
}

type Run = fn(&str, &Compare2016, &[f64]) -> Result<(), String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The reference reads the first channel alone.
fn extracted(path: &Path) -> Result<Compare2016, String> {
    let sound = read_sound(path).map_err(text)?;
    compare2016::extract(&sound.channels[0], sound.rate_hz).map_err(text)
}

fn run_descriptors(case: &str, found: &Compare2016, expected: &[f64]) -> Result<(), String> {
    let found: Vec<f64> = found.llds.values.iter().map(|value| f64::from(*value)).collect();
    if found.len() != expected.len() {
        return Err(format!("{} rows, expected {}", found.len() / DESCRIPTOR_COUNT, expected.len() / DESCRIPTOR_COUNT));
    }
    let names = names::descriptor_names();
    let largest = largest(expected, DESCRIPTOR_COUNT);
    let far = |place: usize| distance(found[place], expected[place]) / largest[place % DESCRIPTOR_COUNT];
    let at = |place: usize| format!("{}, row {}", names[place % DESCRIPTOR_COUNT], place / DESCRIPTOR_COUNT);
    tell(case, "descriptors", &found, expected, |place| (far(place), at(place)));
    let is_zero_moved = |place: &usize| {
        ZERO_COLUMNS.contains(&(place % DESCRIPTOR_COUNT)) && (found[*place] == 0.0) != (expected[*place] == 0.0)
    };
    if let Some(place) = (0..found.len()).find(is_zero_moved) {
        return Err(format!("{}: found {}, expected {}", at(place), found[place], expected[place]));
    }
    let outliers: Vec<usize> = (0..found.len()).filter(|place| far(*place) > DESCRIPTOR_TOLERANCE).collect();
    few(&outliers, found.len(), DESCRIPTOR_OUTLIERS, |place| {
        format!("{}: found {}, expected {}", at(place), found[place], expected[place])
    })
}

fn run_functionals(case: &str, found: &Compare2016, expected: &[f64]) -> Result<(), String> {
    let found: Vec<f64> = found.functionals.iter().map(|value| f64::from(*value)).collect();
    if found.len() != expected.len() {
        return Err(format!("{} functionals, expected {}", found.len(), expected.len()));
    }
    let names = names::functional_names();
    let far = |place: usize| {
        let distance = distance(found[place], expected[place]);
        if distance == 0.0 { 0.0 } else { distance / expected[place].abs().max(FUNCTIONAL_TOLERANCE.1) }
    };
    tell(case, "functionals", &found, expected, |place| (far(place), names[place].clone()));
    let is_gain = |place: &usize| names[*place].ends_with("lpgain");
    let is_lpc = |place: &usize| names[*place].rsplit('_').next().is_some_and(|name| name.starts_with("lpc"));
    let places = 0..found.len();
    let gains: Vec<usize> = places.clone().filter(is_gain).collect();
    let lpcs: Vec<usize> = places.clone().filter(is_lpc).collect();
    let others: Vec<usize> = places.filter(|place| !is_gain(place) && !is_lpc(place)).collect();
    let (relative, absolute) = FUNCTIONAL_TOLERANCE;
    let kinds: [(&[usize], f64, f64, f64); 3] = [
        (&others, relative, absolute, FUNCTIONAL_OUTLIERS),
        (&lpcs, 0.0, LPC_TOLERANCE, LPC_OUTLIERS),
        (&gains, GAIN_TOLERANCE, 0.0, GAIN_OUTLIERS),
    ];
    for (places, relative, absolute, share) in kinds {
        let is_far = |place: &&usize| {
            distance(found[**place], expected[**place]) > relative * expected[**place].abs() + absolute
        };
        let outliers: Vec<usize> = places.iter().filter(is_far).copied().collect();
        few(&outliers, places.len(), share, |place| {
            format!("{}: found {}, expected {}", names[place], found[place], expected[place])
        })?;
    }
    Ok(())
}

/// No more than a share of the places is an outlier.
fn few(outliers: &[usize], count: usize, share: f64, tell: impl Fn(usize) -> String) -> Result<(), String> {
    if outliers.len() as f64 <= share * count as f64 {
        return Ok(());
    }
    Err(format!("{} of {count} are too far away, the first {}", outliers.len(), tell(outliers[0])))
}

/// Distance of two values; NaN is where NaN is expected, and nowhere else.
pub fn distance(found: f64, expected: f64) -> f64 {
    match (found.is_nan(), expected.is_nan()) {
        (true, true) => 0.0,
        (false, false) => (found - expected).abs(),
        _ => f64::INFINITY,
    }
}

/// Largest magnitude of every column; 1 where there is none.
pub fn largest(values: &[f64], column_count: usize) -> Vec<f64> {
    let mut largest = vec![0.0f64; column_count];
    for (place, value) in values.iter().enumerate() {
        largest[place % column_count] = largest[place % column_count].max(value.abs());
    }
    largest.into_iter().map(|value| if value > 0.0 { value } else { 1.0 }).collect()
}
