//! Round numbers along an axis.

/// About this many ticks fit beside a small plot.
const TICKS_UP: f64 = 5.0;
/// About this many ticks fit below it.
const TICKS_ACROSS: f64 = 8.0;

/// An axis that covers its data, from and to a tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// First tick.
    pub low: f64,
    /// Last tick.
    pub high: f64,
    /// Distance of ticks.
    pub step: f64,
}

impl Axis {
    /// Round ticks around all finite `values`; an axis from 0 to 1 if there is none.
    pub fn around(values: impl IntoIterator<Item = f64>) -> Self {
        Self::with_ticks(values, TICKS_UP)
    }

    fn with_ticks(values: impl IntoIterator<Item = f64>, count: f64) -> Self {
        let (low, high) = ends(values);
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        // A constant series still needs an axis with some length.
        let spread = (high - low).max(high.abs().max(low.abs()) * 1e-6).max(1e-12);
        let step = round_step(spread / count);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }.with_length()
    }

    /// An axis with exactly the ends of the data, and round ticks inside it.
    pub fn tight(values: impl IntoIterator<Item = f64> + Clone) -> Self {
        let axis = Self::with_ticks(values.clone(), TICKS_ACROSS);
        let (low, high) = ends(values);
        if low < high { Self { low, high, ..axis } } else { axis }
    }

    fn with_length(mut self) -> Self {
        if self.high <= self.low {
            self.high = self.low + self.step;
        }
        self
    }

    /// Where `value` is between the ends: 0 at the low one, 1 at the high one.
    pub fn part(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// Each tick with its text.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        // A billionth of a step of slack: ends that are ticks stay ticks.
        let first = (self.low / self.step - 1e-9).ceil();
        let count = (self.high / self.step + 1e-9).floor() - first;
        let ticks = (0..=count as usize).map(|place| (first + place as f64) * self.step);
        ticks.map(|tick| (tick, self.text(tick))).collect()
    }

    /// A number with as many digits as the ticks need.
    fn text(&self, value: f64) -> String {
        let value = if value.abs() < self.step * 1e-6 { 0.0 } else { value };
        let largest = self.low.abs().max(self.high.abs());
        if !(1e-3..1e6).contains(&largest) {
            return format!("{:.*e}", usize::from(self.step * 1.5 < largest), value);
        }
        let digits = (-self.step.log10().floor()).max(0.0) as usize;
        format!("{value:.digits$}")
    }
}

/// The lowest and the highest finite value; the wrong way round if there is none.
fn ends(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| rough <= factor * power * (1.0 + 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[f64]) -> Vec<String> {
        Axis::around(values.iter().copied()).ticks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_data() {
        assert_eq!(texts(&[0.0, 1.0]), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(&[-0.93, 0.4]), ["-1.0", "-0.5", "0.0", "0.5"]);
        assert_eq!(texts(&[3.0, 742.0]), ["0", "200", "400", "600", "800"]);
        assert_eq!(texts(&[0.0, 1.5e-4]), ["0.0e0", "5.0e-5", "1.0e-4", "1.5e-4"]);
    }

    #[test]
    fn a_tight_axis_ends_with_the_data_and_has_its_ticks_inside() {
        let axis = Axis::tight([1.0, 599.0]);
        assert_eq!((axis.low, axis.high), (1.0, 599.0));
        assert_eq!(
            axis.ticks().into_iter().map(|(_, text)| text).collect::<Vec<_>>(),
            ["100", "200", "300", "400", "500"]
        );
    }

    #[test]
    fn nothing_and_a_constant_still_have_an_axis() {
        assert_eq!(texts(&[]).len(), 6);
        for value in [0.0, 7.25, -1e9, 1e-9] {
            let axis = Axis::around([value, f64::NAN]);
            assert!(axis.low <= value && value <= axis.high && axis.low < axis.high, "{axis:?}");
            assert!(axis.ticks().len() >= 2, "{axis:?}");
        }
    }
}
