//! The functionals of ComParE_2016 from the reference's own contours, and all names.
//!
//! Cases: every folder under `compare2016/stages` of the golden root whose `.func.npy` stands beside `stages`; names in
//! `compare2016/names_*.txt`.

mod golden_cases;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use libtest_mimic::Trial;
use unifr::audio::compare2016::contours::{Columns, Contours, FrameCounts};
use unifr::audio::compare2016::functionals::functionals;
use unifr::audio::compare2016::names::{delta_names, descriptor_names, functional_names};
use unifr::files::npy;

/// Relative; the golden README demands it of functionals from the reference's own contours.
const TOLERANCE: f64 = 1e-6;
/// Absolute, of `lpgain` and `lpc0` to `lpc4`: a single precision recursion that is ill-conditioned; same README.
const LPC_TOLERANCE: f64 = 1e-3;

fn main() {
    let folder = golden_cases::root().join("compare2016");
    let mut trials = golden_cases::of_kind("compare2016/stages", trials_of_stages(&folder));
    trials.extend(golden_cases::of_kind("compare2016/names", trials_of_names(&folder)));
    golden_cases::run(trials).exit()
}

fn trials_of_stages(folder: &Path) -> Vec<Trial> {
    let cases = golden_cases::folders_in(&folder.join("stages")).into_iter().filter_map(|stages| {
        let name = stages.file_name()?.to_string_lossy().into_owned();
        let expected = folder.join(format!("{name}.func.npy"));
        expected.is_file().then(|| {
            golden_cases::trial(format!("compare2016/stages/{name}"), move || run_stages(&name, &stages, &expected))
        })
    });
    cases.collect()
}

fn trials_of_names(folder: &Path) -> Vec<Trial> {
    let lists =
        [("names_lld", descriptor_names()), ("names_lld_de", delta_names()), ("names_func", functional_names())];
    let found = lists.into_iter().map(|(name, names)| (name, folder.join(format!("{name}.txt")), names));
    found
        .filter(|(_, path, _)| path.is_file())
        .map(|(name, path, names)| golden_cases::trial(format!("compare2016/{name}"), move || run_names(&path, &names)))
        .collect()
}

fn run_names(path: &Path, found: &[String]) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let expected: Vec<&str> = text.lines().collect();
    if found.len() != expected.len() {
        return Err(format!("{} names, expected {}", found.len(), expected.len()));
    }
    match found.iter().zip(&expected).position(|(found, expected)| found != expected) {
        None => Ok(()),
        Some(place) => Err(format!("name {place} is `{}`, expected `{}`", found[place], expected[place])),
    }
}

fn run_stages(name: &str, stages: &Path, expected: &Path) -> Result<(), String> {
    let (_, expected) = npy::read_f32(expected).map_err(|error| error.to_string())?;
    let found = functionals(&contours_of(stages)?);
    let names = functional_names();
    if [found.len(), expected.len()] != [names.len(); 2] {
        return Err(format!("{} functionals, the case has {}, expected {}", found.len(), expected.len(), names.len()));
    }
    let cells: Vec<Cell> = names
        .iter()
        .zip(found.iter().zip(&expected))
        .map(|(name, (found, expected))| Cell { name, found: *found, expected: *expected })
        .collect();
    eprint!("{}", table(name, &cells));
    match cells.iter().max_by(|a, b| a.excess().total_cmp(&b.excess())) {
        Some(worst) if worst.excess() > 1.0 => Err(format!(
            "worst at `{}`: found {}, expected {}, {:.2} times the tolerance",
            worst.name,
            worst.found,
            worst.expected,
            worst.excess()
        )),
        _ => Ok(()),
    }
}

/// The contours as the reference's levels hold them; the deltas hold no more frames than are used.
fn contours_of(stages: &Path) -> Result<Contours, String> {
    let columns = |name: &str| columns_of(&stages.join(format!("{name}.npy")));
    let (pitch, energy, spectral) = (columns("nz_sma")?, columns("a_sma")?, columns("b_sma")?);
    let (pitch_deltas, energy_deltas, spectral_deltas) = (columns("nz_de")?, columns("a_de")?, columns("b_de")?);
    let frames = |columns: &Columns| columns.first().map_or(0, Vec::len);
    // Smoothing gives one frame more than it gets, and the pitch is decided for two frames more than have deltas.
    let counts = FrameCounts::new(frames(&energy) - 1, frames(&spectral) - 1, frames(&pitch_deltas) + 2);
    Ok(Contours { pitch, pitch_deltas, energy, energy_deltas, spectral, spectral_deltas, counts })
}

fn columns_of(path: &Path) -> Result<Columns, String> {
    let (shape, values) = npy::read_f32(path).map_err(|error| error.to_string())?;
    let &[_, width] = shape.as_slice() else { return Err(format!("`{}` has shape {shape:?}", path.display())) };
    Ok((0..width).map(|column| values.iter().copied().skip(column).step_by(width).collect()).collect())
}

/// One functional of one contour.
struct Cell<'names> {
    name: &'names str,
    found: f32,
    expected: f32,
}

impl Cell<'_> {
    /// The name without the contour's.
    fn functional(&self) -> &str {
        self.name.rsplit_once('_').map_or(self.name, |(_, functional)| functional)
    }

    fn is_identical(&self) -> bool {
        self.found.to_bits() == self.expected.to_bits()
    }

    /// The distance over the expected magnitude; infinite beside an expected zero.
    fn relative_error(&self) -> f64 {
        let expected = f64::from(self.expected);
        let distance = (f64::from(self.found) - expected).abs();
        if distance == 0.0 || self.is_identical() { 0.0 } else { distance / expected.abs() }
    }

    /// The distance in tolerances.
    fn excess(&self) -> f64 {
        if self.functional().starts_with("lp") {
            return (f64::from(self.found) - f64::from(self.expected)).abs() / LPC_TOLERANCE;
        }
        self.relative_error() / TOLERANCE
    }
}

/// Agreement per functional, in the order in which they appear first.
fn table(case: &str, cells: &[Cell]) -> String {
    let mut rows: BTreeMap<usize, Vec<&Cell>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for cell in cells {
        let place = order.iter().position(|functional| *functional == cell.functional()).unwrap_or_else(|| {
            order.push(cell.functional());
            order.len() - 1
        });
        rows.entry(place).or_default().push(cell);
    }
    let mut text = format!(
        "\n{case}\n{:<20} {:>6} {:>14} {:>22}\n",
        "functional", "values", "bit-identical", "worst relative error"
    );
    for (place, row) in &rows {
        line(&mut text, order[*place], row);
    }
    line(&mut text, "all", &cells.iter().collect::<Vec<_>>());
    text
}

fn line(text: &mut String, functional: &str, cells: &[&Cell]) {
    let identical = cells.iter().filter(|cell| cell.is_identical()).count() as f64 / cells.len() as f64;
    let worst = cells.iter().map(|cell| cell.relative_error()).fold(0.0, f64::max);
    writeln!(text, "{functional:<20} {:>6} {:>13.2}% {worst:>22.1e}", cells.len(), 100.0 * identical)
        .expect("a String takes everything");
}
