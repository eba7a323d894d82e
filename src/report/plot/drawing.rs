//! What all charts are drawn with: the frame, axes, labels, legends, escaped text.

use std::fmt::Write;

use super::COLOUR_COUNT;
use super::ticks::Axis;

/// Units of the drawing; the page scales it to its column.
pub const WIDTH: f64 = 480.0;
/// Height of a chart of lines.
pub const HEIGHT: f64 = 250.0;
/// Room for the y axis.
pub const LEFT: f64 = 62.0;
/// Room beside the last column.
pub const RIGHT: f64 = 14.0;
/// Room above the plot.
pub const TOP: f64 = 10.0;
/// Room for the x axis.
pub const BOTTOM: f64 = 40.0;

/// Where a value is on the x axis.
pub fn across(x: &Axis, value: f64) -> f64 {
    LEFT + x.part(value) * (WIDTH - LEFT - RIGHT)
}

/// Where a value is on the y axis.
pub fn up(y: &Axis, value: f64) -> f64 {
    HEIGHT - BOTTOM - y.part(value) * (HEIGHT - TOP - BOTTOM)
}

/// The y axis of a chart of ordinary height, with its lines across.
pub fn y_axis(y: &Axis, name: &str) -> String {
    let mut drawing = String::new();
    for (tick, text) in y.ticks() {
        let height = up(y, tick);
        put(&mut drawing, format_args!("<path class=\"grid\" d=\"M{LEFT} {height:.1}H{:.1}\"/>", WIDTH - RIGHT));
        label(&mut drawing, "end", LEFT - 6.0, height, &text);
    }
    let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
    put(
        &mut drawing,
        format_args!(
            "<text class=\"name\" text-anchor=\"middle\" transform=\"translate(10 {middle}) rotate(-90)\">{}</text>",
            escaped(name)
        ),
    );
    drawing
}

/// The x axis of a chart of that height.
pub fn x_axis(x: &Axis, height: f64, name: &str) -> String {
    x_axis_from(LEFT, x, height, name)
}

/// The same, beginning at `left`.
pub fn x_axis_from(left: f64, x: &Axis, height: f64, name: &str) -> String {
    let (bottom, right) = (height - BOTTOM, WIDTH - RIGHT);
    let mut drawing = format!("<path class=\"axis\" d=\"M{left:.1} {bottom:.1}H{right:.1}\"/>");
    for (tick, text) in x.ticks() {
        label(&mut drawing, "middle", left + x.part(tick) * (right - left), bottom + 12.0, &text);
    }
    let middle = left.midpoint(right);
    put(
        &mut drawing,
        format_args!(
            "<text class=\"name\" text-anchor=\"middle\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text>",
            height - 8.0,
            escaped(name)
        ),
    );
    drawing
}

/// A text whose anchor is in the middle of its height.
pub fn label(drawing: &mut String, anchor: &str, x: f64, y: f64, text: &str) {
    // Text stands on its line; a third of its size below the middle looks centred.
    put(
        drawing,
        format_args!("<text text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>", y + 4.0, escaped(text)),
    );
}

/// A titled figure; the legend is left out if it has one entry.
pub fn figure(title: &str, legend: &[&str], height: f64, drawing: &str) -> String {
    let title = escaped(title);
    let mut entries = String::new();
    for (colour, name) in legend.iter().enumerate().filter(|_| legend.len() > 1) {
        let colour = colour % COLOUR_COUNT;
        put(&mut entries, format_args!("<span><i class=\"s{colour}\"></i>{}</span> ", escaped(name)));
    }
    let legend =
        if entries.is_empty() { entries } else { format!("<div class=\"legend\">{}</div>", entries.trim_end()) };
    format!(
        "<figure><figcaption>{title}</figcaption>{legend}<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{title}\">{drawing}</svg></figure>\n"
    )
}

/// The names in their order, each once.
pub fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Adds to a text.
pub fn put(text: &mut String, more: std::fmt::Arguments) {
    text.write_fmt(more).expect("writing to a text never fails");
}

/// Text that can stand between tags and in quotes.
pub fn escaped(text: &str) -> String {
    let mut done = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => done.push_str("&amp;"),
            '<' => done.push_str("&lt;"),
            '>' => done.push_str("&gt;"),
            '"' => done.push_str("&quot;"),
            '\'' => done.push_str("&#39;"),
            // XML has no other control characters, escaped or not.
            letter if letter.is_control() && letter != '\n' && letter != '\t' => done.push('\u{fffd}'),
            letter => done.push(letter),
        }
    }
    done
}
