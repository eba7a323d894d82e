//! Horizontal bars by name.

use super::COLOUR_COUNT;
use super::drawing::{TOP, WIDTH, figure, label, put};
use super::ticks::Axis;

/// Horizontal bars by name, all from zero.
#[derive(Clone, Debug, Default)]
pub struct BarChart {
    /// Says what is shown, and whether more is better.
    pub title: String,
    /// What stands at the left of each group of bars.
    pub groups: Vec<String>,
    /// One bar in each group per series.
    pub series: Vec<BarSeries>,
    /// The group that the reader should look at; the others are muted.
    pub highlight: Option<usize>,
}

/// The bars of one colour.
#[derive(Clone, Debug, Default)]
pub struct BarSeries {
    /// Its name in the legend.
    pub name: String,
    /// One value per group; what isn't finite is shown as `undefined`.
    pub values: Vec<f64>,
}

impl BarChart {
    pub(super) fn html(&self) -> String {
        const BAR: f64 = 16.0;
        const GAP: f64 = 10.0;
        let label_width = self.groups.iter().map(|name| name.chars().count()).max().unwrap_or(0) as f64 * 6.6 + 12.0;
        let left = label_width.clamp(40.0, 0.5 * WIDTH);
        let axis = Axis::around(self.series.iter().flat_map(|series| series.values.iter().copied()).chain([0.0]));
        // Room for the number at the end of the longest bar.
        let place = |value: f64| left + axis.part(value) * (WIDTH - left - 76.0);
        let mut drawing = String::new();
        let mut top = TOP;
        for (group, name) in self.groups.iter().enumerate() {
            let height = BAR * self.series.len() as f64;
            let muted = if self.highlight.is_some_and(|at| at != group) { " muted" } else { "" };
            label(&mut drawing, "end", left - 8.0, top + height / 2.0, name);
            for (colour, series) in self.series.iter().enumerate() {
                let value = series.values.get(group).copied().unwrap_or(f64::NAN);
                let (bar_top, colour) = (top + BAR * colour as f64, colour % COLOUR_COUNT);
                bar(
                    &mut drawing,
                    place(0.0),
                    value.is_finite().then(|| place(value)),
                    bar_top,
                    BAR - 3.0,
                    &format!("bar s{colour}{muted}"),
                );
                let end = if value.is_finite() { place(value).max(place(0.0)) } else { place(0.0) };
                label(&mut drawing, "start", end + 6.0, bar_top + BAR / 2.0 - 1.0, &number_text(value));
            }
            top += height + GAP;
        }
        let zero = place(0.0);
        put(
            &mut drawing,
            format_args!("<path class=\"axis\" d=\"M{zero:.1} {:.1}V{:.1}\"/>", TOP - 4.0, top - GAP + 4.0),
        );
        let names: Vec<&str> = self.series.iter().map(|series| series.name.as_str()).collect();
        figure(&self.title, if names.len() > 1 { &names } else { &[] }, top, &drawing)
    }
}

fn bar(drawing: &mut String, zero: f64, end: Option<f64>, top: f64, height: f64, class: &str) {
    let Some(end) = end else { return };
    let (from, width) = (zero.min(end), (end - zero).abs().max(0.5));
    put(
        drawing,
        format_args!(
            "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\"/>"
        ),
    );
}

/// A score in four digits; `undefined` if there is none.
fn number_text(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => "undefined".into(),
        0.0 => "0".into(),
        size if !(1e-3..1e5).contains(&size) => format!("{value:.2e}"),
        size => format!("{value:.*}", (3.0 - size.log10().floor()).clamp(0.0, 4.0) as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_scores_are_words_not_bars() {
        let series = vec![BarSeries { name: "FRSyn".into(), values: vec![f64::NAN, 2.0] }];
        let html = BarChart { groups: vec!["a".into(), "b".into()], series, ..Default::default() }.html();
        assert_eq!(html.matches("<rect").count(), 1);
        assert!(html.contains(">undefined<") && html.contains(">2.000<"));
    }

    #[test]
    fn scores_have_four_digits_and_at_most_four_decimals() {
        let texts = [0.01, 0.21346, 93.554, 203.12, -1.5, 1e-5].map(number_text);
        assert_eq!(texts, ["0.0100", "0.2135", "93.55", "203.1", "-1.500", "1.00e-5"]);
    }
}
