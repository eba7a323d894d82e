//! Report: what a person sees of long work, while it runs and at its end.
//!
//! In:  counts, messages, problems with single clips, series of numbers.
//! Out: a progress bar or plain lines and the log on stderr; a summary of problems; an HTML page with plots.

mod log;
mod page;
mod plot;
mod problems;
mod progress;

pub use log::{level_from_flags, level_from_published, start_log};
pub use page::{Page, Part, Section, Table};
pub use plot::{BarChart, BarSeries, Chart, HeatMap, LineChart, LineSeries, LineStyle, running_mean};
pub use problems::{Problems, with_causes};
pub use progress::{Progress, duration_text};
