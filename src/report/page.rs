//! A report as one HTML file: no script, no other file, light or dark as the reader's system is.
//!
//! In:  sections of prose, tables and charts, as plain data.
//! Out: a text, or a file that any browser shows.

use std::path::Path;

use super::plot::{COLOUR_COUNT, Chart, SHADE_COUNT, escaped};
use crate::files::{self, FileError};

/// Colours of series, in light and in dark; neighbours differ in lightness too.
const SERIES: [(&str, &str); COLOUR_COUNT] = [
    ("#1f5fa8", "#6cb1f5"),
    ("#c75c12", "#f2a65e"),
    ("#2b8a57", "#6fd19c"),
    ("#8a4fb5", "#c79bea"),
    ("#b53a48", "#f08a94"),
    ("#16808c", "#5fcbd6"),
    ("#7d6526", "#d3b968"),
    ("#5d6570", "#a7afba"),
];

const STYLE: &str = "
:root { --paper: #fdfdfc; --ink: #1d2126; --soft: #5b636d; --rule: #dcdfe3; --panel: #f5f6f4; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .8rem; border-top: 1px solid var(--rule); }
p { max-width: 46rem; margin: .5rem 0; }
code { font: .92em ui-monospace, monospace; background: var(--panel); padding: .05em .3em; border-radius: 3px; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
.charts { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); margin: 1rem 0; }
figure { margin: 0; padding: .8rem .9rem .4rem; background: var(--panel); border-radius: 8px; }
figcaption, caption { font-weight: 600; font-size: .92rem; text-align: left; }
.legend { font-size: .8rem; color: var(--soft); display: flex; flex-wrap: wrap; gap: .1rem .9rem; margin: .15rem 0; }
.legend i { display: inline-block; width: 1.1em; height: .28em; margin-right: .4em; vertical-align: middle; background: currentColor; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
svg .name { fill: var(--ink); }
svg .grid { stroke: var(--rule); fill: none; }
svg .axis { stroke: var(--soft); fill: none; }
svg .line { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
svg .dashed { stroke-dasharray: 5 4; }
svg .faint { stroke-width: 1; opacity: .38; }
svg .bar { fill: currentColor; }
svg .muted { opacity: .45; }
svg .heat { fill: var(--series-0); }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
tr.strong td { font-weight: 650; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181c; --ink: #e6e8ea; --soft: #9aa3ad; --rule: #30363d; --panel: #1d2126; }
}
";

/// A whole report.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Stands in the tab and on top.
    pub title: String,
    /// What the report is about.
    pub intro: String,
    /// The parts, in reading order.
    pub sections: Vec<Section>,
    /// Small print: version, command, machine.
    pub foot: String,
}

/// One part of a report.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// What it shows, in reading order.
    pub parts: Vec<Part>,
}

/// What a section is made of.
#[derive(Clone, Debug)]
pub enum Part {
    /// Paragraphs, separated by empty lines; words in backticks are set as code.
    Prose(String),
    /// A table.
    Table(Table),
    /// Charts beside each other, as many as fit.
    Charts(Vec<Chart>),
}

/// Words in the first column, numbers in the others.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Says what is in it.
    pub caption: String,
    /// Titles of the columns.
    pub head: Vec<String>,
    /// The rows, each as long as the head.
    pub rows: Vec<Vec<String>>,
    /// The row that the reader should look at.
    pub highlight: Option<usize>,
}

impl Page {
    /// The page as one text.
    pub fn html(&self) -> String {
        let title = escaped(&self.title);
        let sections: Vec<String> = self.sections.iter().map(Section::html).collect();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>{STYLE}{}</style>\n</head>\n\
             <body>\n<main>\n<h1>{title}</h1>\n{}{}<footer>{}</footer>\n</main>\n</body>\n</html>\n",
            colours(),
            prose(&self.intro),
            sections.concat(),
            prose(&self.foot),
        )
    }

    /// Writes the page to a file.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        files::write_atomically(path, |out| out.write_all(self.html().as_bytes()))
    }
}

impl Section {
    fn html(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(Part::html).collect();
        format!("<section>\n<h2>{}</h2>\n{}</section>\n", escaped(&self.title), parts.concat())
    }
}

impl Part {
    fn html(&self) -> String {
        match self {
            Self::Prose(text) => prose(text),
            Self::Table(table) => table.html(),
            Self::Charts(charts) => {
                let charts: Vec<String> = charts.iter().map(Chart::html).collect();
                format!("<div class=\"charts\">\n{}</div>\n", charts.concat())
            }
        }
    }
}

impl Table {
    fn html(&self) -> String {
        let cells = |tag: &str, cells: &[String]| {
            cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect::<Vec<_>>().concat()
        };
        let rows = self.rows.iter().enumerate().map(|(place, row)| {
            let class = if self.highlight == Some(place) { " class=\"strong\"" } else { "" };
            format!("<tr{class}>{}</tr>\n", cells("td", row))
        });
        format!(
            "<div class=\"scroll\"><table><caption>{}</caption>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
            escaped(&self.caption),
            cells("th", &self.head),
            rows.collect::<Vec<_>>().concat()
        )
    }
}

/// The variables and classes of series and shades.
fn colours() -> String {
    let variables = |pick: fn((&'static str, &'static str)) -> &'static str| {
        let lines = SERIES.iter().enumerate().map(|(place, pair)| format!("--series-{place}: {}; ", pick(*pair)));
        lines.collect::<Vec<_>>().concat()
    };
    let series = (0..COLOUR_COUNT).map(|place| format!(".s{place} {{ color: var(--series-{place}); }}\n"));
    let shades = (0..=SHADE_COUNT).map(|shade| {
        format!("svg .h{shade} {{ fill-opacity: {:.3}; }}\n", (shade as f64 / SHADE_COUNT as f64).max(0.06))
    });
    format!(
        ":root {{ {}}}\n@media (prefers-color-scheme: dark) {{ :root {{ {}}} }}\n{}{}",
        variables(|pair| pair.0),
        variables(|pair| pair.1),
        series.collect::<Vec<_>>().concat(),
        shades.collect::<Vec<_>>().concat()
    )
}

fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>\n", with_code(paragraph))).collect::<Vec<_>>().concat()
}

/// Escaped text; what stands between two backticks is code.
fn with_code(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    let closed = pieces.len() % 2 == 1;
    let piece = |(place, piece): (usize, &&str)| {
        let is_code = place % 2 == 1 && (closed || place + 1 < pieces.len());
        if is_code { format!("<code>{}</code>", escaped(piece)) } else { escaped(piece) }
    };
    pieces.iter().enumerate().map(piece).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_no_other_file_and_no_script() {
        let html = page().html();
        for word in ["<script", "http:", "https:", "src=", "href=", "url("] {
            assert!(!html.contains(word), "{word}");
        }
        assert!(html.starts_with("<!DOCTYPE html>") && html.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn texts_are_escaped_and_backticks_make_code() {
        let html = page().html();
        assert!(html.contains("<p>run <code>unifr demo &lt;x&gt;</code> &amp; wait</p>"));
        assert!(html.contains("<p>second</p>"));
        assert!(html.contains("<td>&lt;b&gt;</td><td>1</td>"));
        assert_eq!(with_code("a ` b"), "a  b");
    }

    #[test]
    fn one_row_can_stand_out() {
        assert!(page().html().contains("<tr class=\"strong\"><td>&lt;b&gt;</td>"));
    }

    #[test]
    fn every_colour_class_of_a_chart_has_a_style() {
        let html = page().html();
        for place in 0..COLOUR_COUNT {
            assert!(html.contains(&format!(".s{place} {{")) && html.contains(&format!("--series-{place}:")));
        }
    }

    fn page() -> Page {
        let table = Table {
            caption: "scores".into(),
            head: vec!["name".into(), "FRCorr".into()],
            rows: vec![vec!["<b>".into(), "1".into()]],
            highlight: Some(0),
        };
        let parts =
            vec![Part::Prose("run `unifr demo <x>` & wait\n\nsecond".into()), Part::Table(table), Part::Charts(vec![])];
        Page { title: "T".into(), sections: vec![Section { title: "S".into(), parts }], ..Default::default() }
    }
}
