//! Lines over a common x axis.

use super::COLOUR_COUNT;
use super::drawing::{HEIGHT, LEFT, RIGHT, WIDTH, across, distinct, figure, put, up, x_axis, y_axis};
use super::ticks::Axis;

/// Lines over a common x axis.
#[derive(Clone, Debug, Default)]
pub struct LineChart {
    /// Says what is shown.
    pub title: String,
    /// What x is, with its unit.
    pub x_label: String,
    /// What y is, with its unit.
    pub y_label: String,
    /// The lines; those of equal names share a colour and one entry of the legend.
    pub series: Vec<LineSeries>,
}

/// One line.
#[derive(Clone, Debug, Default)]
pub struct LineSeries {
    /// Its name in the legend.
    pub name: String,
    /// x and y in the order of x; the line breaks where y isn't finite.
    pub points: Vec<(f64, f64)>,
    /// How it is drawn.
    pub style: LineStyle,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineStyle {
    /// A strong line.
    #[default]
    Solid,
    /// A strong line with gaps.
    Dashed,
    /// One of many, e.g. ten reactions.
    Faint,
}

impl LineChart {
    pub(super) fn html(&self) -> String {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = Axis::tight(points().map(|point| point.0));
        let y = Axis::around(points().map(|point| point.1));
        let mut drawing = y_axis(&y, &self.y_label) + &x_axis(&x, HEIGHT, &self.x_label);
        let names = distinct(self.series.iter().map(|series| series.name.as_str()));
        // Strong lines are drawn last, over the faint ones.
        let mut ordered: Vec<&LineSeries> = self.series.iter().collect();
        ordered.sort_by_key(|series| series.style != LineStyle::Faint);
        for series in ordered {
            let colour = names.iter().position(|name| *name == series.name).unwrap_or(0) % COLOUR_COUNT;
            let style = match series.style {
                LineStyle::Solid => "line",
                LineStyle::Dashed => "line dashed",
                LineStyle::Faint => "line faint",
            };
            let path = path(&series.points, &x, &y);
            put(&mut drawing, format_args!("<path class=\"{style} s{colour}\" d=\"{path}\"/>"));
        }
        figure(&self.title, &names, HEIGHT, &drawing)
    }
}

/// The line through all points that are finite, without more detail than the drawing can show.
fn path(points: &[(f64, f64)], x: &Axis, y: &Axis) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for (at, value) in thinned(points) {
        let finite = at.is_finite() && value.is_finite();
        if finite {
            let step = if pen_down { 'L' } else { 'M' };
            put(&mut path, format_args!("{step}{:.1} {:.1}", across(x, at), up(y, value)));
        }
        pen_down = finite;
    }
    path
}

/// At most four points per unit of width: the first, lowest, highest and last of each run.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let run = points.len().div_ceil((WIDTH - LEFT - RIGHT) as usize);
    if run <= 4 {
        return points.to_vec();
    }
    let of_run = |run: &[(f64, f64)]| {
        let by_value = |pick: fn(f64, f64) -> bool| {
            (1..run.len()).fold(0, |best, place| if pick(run[place].1, run[best].1) { place } else { best })
        };
        let broken = run.iter().position(|point| !point.1.is_finite()).unwrap_or(0);
        let mut kept = vec![0, by_value(|a, b| a < b), by_value(|a, b| a > b), broken, run.len() - 1];
        kept.sort_unstable();
        kept.dedup();
        kept.into_iter().map(|place| run[place]).collect::<Vec<_>>()
    };
    points.chunks(run).flat_map(of_run).collect()
}

/// Each value replaced by the mean of itself and its neighbours, `reach` on each side.
pub fn running_mean(points: &[(f64, f64)], reach: usize) -> Vec<(f64, f64)> {
    let mean = |place: usize| {
        let around = &points[place.saturating_sub(reach)..points.len().min(place + reach + 1)];
        around.iter().map(|point| point.1).sum::<f64>() / around.len() as f64
    };
    points.iter().enumerate().map(|(place, point)| (point.0, mean(place))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(f64, f64)]) -> String {
        let axis = Axis { low: 0.0, high: 1.0, step: 0.2 };
        path(points, &axis, &axis)
    }

    #[test]
    fn points_stand_where_the_axes_put_them() {
        // The plot goes from 62 to 466 and from 210 up to 10.
        assert_eq!(line(&[(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]), "M62.0 210.0L264.0 110.0L466.0 10.0");
    }

    #[test]
    fn a_line_breaks_where_a_value_is_missing() {
        assert_eq!(line(&[(0.0, 0.0), (0.5, f64::NAN), (1.0, 1.0)]), "M62.0 210.0M466.0 10.0");
    }

    #[test]
    fn thinning_keeps_ends_and_peaks() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|x| (f64::from(x), 0.0)).collect();
        points[54_321].1 = 9.0;
        points[77_777].1 = -9.0;
        let kept = thinned(&points);
        assert!(kept.len() < 2200, "{}", kept.len());
        for point in [points[0], points[54_321], points[77_777], points[99_999]] {
            assert!(kept.contains(&point));
        }
        assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn lines_of_one_name_share_a_colour_and_faint_ones_are_below() {
        let series = |name: &str, style| LineSeries { name: name.into(), points: vec![(0.0, 1.0), (1.0, 2.0)], style };
        let all =
            vec![series("real", LineStyle::Solid), series("made", LineStyle::Faint), series("made", LineStyle::Faint)];
        let html = LineChart { series: all, ..Default::default() }.html();
        assert_eq!(html.matches("line faint s1").count(), 2);
        assert_eq!(html.matches("<i class=").count(), 2);
        assert!(html.find("line faint").unwrap() < html.find("\"line s0").unwrap());
    }

    #[test]
    fn a_running_mean_is_shorter_sighted_at_its_ends() {
        let points = [(0.0, 3.0), (1.0, 6.0), (2.0, 0.0), (3.0, 9.0)];
        assert_eq!(running_mean(&points, 1), [(0.0, 4.5), (1.0, 3.0), (2.0, 5.0), (3.0, 4.5)]);
    }
}
