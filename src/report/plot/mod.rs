//! Charts as inline SVG: lines over time, bars by name, heat maps.
//!
//! In:  numbers with names, as plain data.
//! Out: `<figure>` elements whose colours come from the page's style, so that they follow its light and dark scheme.

mod bars;
mod drawing;
mod heat;
mod lines;
mod ticks;

pub use bars::{BarChart, BarSeries};
pub(super) use drawing::escaped;
pub use heat::HeatMap;
pub use lines::{LineChart, LineSeries, LineStyle, running_mean};

/// Colours that the page's style names `--series-0` and so on.
pub(super) const COLOUR_COUNT: usize = 8;
/// Shades of a heat map.
pub(super) const SHADE_COUNT: usize = 8;

/// A chart of any kind.
#[derive(Clone, Debug)]
pub enum Chart {
    /// Lines over a common x axis.
    Lines(LineChart),
    /// Horizontal bars by name.
    Bars(BarChart),
    /// Rows of shades over a common x axis.
    Heat(HeatMap),
}

impl Chart {
    pub(super) fn html(&self) -> String {
        match self {
            Self::Lines(chart) => chart.html(),
            Self::Bars(chart) => chart.html(),
            Self::Heat(chart) => chart.html(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_everywhere() {
        let nasty = "<script>\"'&".to_owned();
        let series = |name: &str| LineSeries { name: name.into(), points: vec![(0.0, 1.0)], ..Default::default() };
        let lines = LineChart {
            title: nasty.clone(),
            x_label: nasty.clone(),
            y_label: nasty.clone(),
            series: vec![series(&nasty), series("b")],
        };
        let values = vec![1.0, f64::NAN];
        let bars = BarChart {
            title: nasty.clone(),
            groups: vec![nasty.clone(), "b".into()],
            series: vec![BarSeries { name: nasty.clone(), values }],
            highlight: None,
        };
        let heat = HeatMap {
            title: nasty.clone(),
            x_label: nasty.clone(),
            rows: vec![(nasty, vec![0.5])],
            ..Default::default()
        };
        for html in [Chart::Lines(lines).html(), Chart::Bars(bars).html(), Chart::Heat(heat).html()] {
            assert!(!html.contains("<script") && html.contains("&lt;script&gt;&quot;&#39;&amp;"), "{html}");
        }
    }

    #[test]
    fn empty_charts_are_no_panic() {
        for chart in
            [Chart::Lines(LineChart::default()), Chart::Bars(BarChart::default()), Chart::Heat(HeatMap::default())]
        {
            assert!(chart.html().contains("<svg"));
        }
    }
}
