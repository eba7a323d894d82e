//! What the losses did: the last tenth of each against its first.

use std::fmt::Write as _;
use std::path::Path;

use crate::train::{LOG_FILE, LogTable, OBJECTIVES};

/// The words for the passes.
pub(super) const NAMES: [&str; 4] =
    ["matching, true listener", "matching, impostor", "masked response", "causal response"];

/// One pass' losses over both trainings, pretraining first.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) name: &'static str,
    pub(super) points: Vec<(f64, f64)>,
    /// Mean of the first and of the last tenth of the pass' own updates.
    pub(super) tenths: [f64; 2],
}

/// The logs of both trainings.
#[derive(Debug)]
pub(super) struct Learning {
    pub(super) curves: Vec<Curve>,
    pub(super) learning_rate: Vec<(f64, f64)>,
}

impl Learning {
    pub(super) fn read(pretrain: &Path, finetune: &Path) -> anyhow::Result<Self> {
        let tables = [LogTable::read(&pretrain.join(LOG_FILE))?, LogTable::read(&finetune.join(LOG_FILE))?];
        let joined = |column: &str| {
            let mut points: Vec<(f64, f64)> = Vec::new();
            for table in &tables {
                let offset = points.last().map_or(0.0, |point| point.0);
                let curve = table.curve(column).unwrap_or_default();
                points.extend(
                    curve.into_iter().filter(|point| point.1.is_finite()).map(|(step, value)| (offset + step, value)),
                );
            }
            points
        };
        let curve = |(column, name): (&&str, &'static str)| {
            let points = joined(column);
            let tenths = tenths(&points);
            Curve { name, points, tenths }
        };
        let curves = OBJECTIVES.iter().zip(NAMES).map(curve).filter(|curve| !curve.points.is_empty()).collect();
        Ok(Self { curves, learning_rate: joined("learning_rate") })
    }

    pub(super) fn text(&self) -> String {
        let mut text = "loss, mean of the first and of the last tenth of its updates:\n".to_owned();
        for Curve { name, tenths: [first, last], .. } in &self.curves {
            writeln!(text, "  {name:24} {first:7.3} -> {last:7.3}  ({:.2} of it)", last / first)
                .expect("writing to a string cannot fail");
        }
        text
    }
}

fn tenths(points: &[(f64, f64)]) -> [f64; 2] {
    let tenth = (points.len() / 10).max(1).min(points.len());
    let mean = |points: &[(f64, f64)]| points.iter().map(|point| point.1).sum::<f64>() / points.len() as f64;
    [mean(&points[..tenth]), mean(&points[points.len() - tenth..])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_are_means_of_both_ends() {
        let points: Vec<(f64, f64)> = (0..20).map(|step| (f64::from(step), f64::from(step))).collect();
        // Steps 0, 1 and 18, 19.
        assert_eq!(tenths(&points).map(f64::to_bits), [0.5, 18.5].map(f64::to_bits));
    }
}
