//! Rows of shades over a common x axis.

use super::SHADE_COUNT;
use super::drawing::{BOTTOM, LEFT, RIGHT, TOP, WIDTH, figure, label, put, x_axis_from};
use super::ticks::Axis;

/// Columns that can still be told apart.
const HEAT_COLUMNS: usize = 250;

/// Rows of shades over a common x axis, e.g. attributes over time.
#[derive(Clone, Debug, Default)]
pub struct HeatMap {
    /// Says what is shown.
    pub title: String,
    /// What the columns are, with their unit.
    pub x_label: String,
    /// The x of the first and behind the last column.
    pub x_range: (f64, f64),
    /// Each row's name and values, all of one length.
    pub rows: Vec<(String, Vec<f64>)>,
    /// The values that are shown empty and full.
    pub value_range: (f64, f64),
}

impl HeatMap {
    pub(super) fn html(&self) -> String {
        const ROW: f64 = 12.0;
        let height = TOP + ROW * self.rows.len() as f64 + BOTTOM;
        let x = Axis::tight([self.x_range.0, self.x_range.1]);
        let left = 1.6 * LEFT;
        let mut shades = vec![String::new(); SHADE_COUNT + 1];
        let mut drawing = x_axis_from(left, &x, height, &self.x_label);
        for (row, (name, values)) in self.rows.iter().enumerate() {
            let top = TOP + ROW * row as f64;
            label(&mut drawing, "end", left - 6.0, top + ROW / 2.0, name);
            let columns = averaged(values);
            let width = (WIDTH - RIGHT - left) / columns.len().max(1) as f64;
            let mut from = 0;
            for run in columns.chunk_by(|a, b| self.shade(*a) == self.shade(*b)) {
                let (start, length) = (left + width * from as f64, width * run.len() as f64);
                let cell = format_args!("M{start:.1} {top:.0}h{length:.1}v{:.0}h-{length:.1}z", ROW - 1.0);
                put(&mut shades[self.shade(run[0])], cell);
                from += run.len();
            }
        }
        for (shade, cells) in shades.iter().enumerate().filter(|(_, cells)| !cells.is_empty()) {
            put(&mut drawing, format_args!("<path class=\"heat h{shade}\" d=\"{cells}\"/>"));
        }
        figure(&self.title, &[], height, &drawing)
    }

    fn shade(&self, value: f64) -> usize {
        let (low, high) = self.value_range;
        // NaN becomes 0, the empty shade, when it is made a whole number.
        ((value - low) / (high - low) * SHADE_COUNT as f64).round().clamp(0.0, SHADE_COUNT as f64) as usize
    }
}

/// Means of neighbouring columns, so that no more are left than can be told apart.
fn averaged(values: &[f64]) -> Vec<f64> {
    let run = values.len().div_ceil(HEAT_COLUMNS).max(1);
    values.chunks(run).map(|run| run.iter().sum::<f64>() / run.len() as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_follow_the_value_range() {
        let map = HeatMap { value_range: (-1.0, 1.0), ..Default::default() };
        assert_eq!([-9.0, -1.0, 0.0, 1.0, f64::NAN].map(|value| map.shade(value)), [0, 0, 4, 8, 0]);
    }

    #[test]
    fn neighbours_that_cannot_be_told_apart_are_averaged() {
        let values: Vec<f64> = (0..500).map(f64::from).collect();
        let columns = averaged(&values);
        assert_eq!((columns.len(), columns[0], columns[249]), (250, 0.5, 498.5));
    }
}
