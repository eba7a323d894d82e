//! `unifr voice`: ComParE_2016 of a sound: descriptors every 10 ms, or functionals of the whole.
//!
//! In:  a WAV, or an mp4 with sound.
//! Out: CSV with a line of names, on stdout or in a file; or a `.npy`. Exit code 1 if the sound is too short for a single
//! row, 2 if it could not be read.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Verdict;
use crate::audio::compare2016::{Contours, DESCRIPTOR_COUNT, Extractor, FUNCTIONAL_COUNT, Llds, functionals, names};
use crate::files::{npy, write_atomically};
use crate::media::read_first_channel;

/// Samples that are taken at once.
const PIECE: usize = 1 << 16;
/// The highest sample of 16 bits.
const HIGHEST: f32 = 32_767.0 / 32_768.0;

/// Describe a voice with the ComParE_2016 set: 65 descriptors every 10 ms, or 6373 functionals.
#[derive(Debug, clap::Args)]
pub struct VoiceArgs {
    /// A WAV, or an mp4 with AAC sound; of several channels the first is described.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where the numbers go, `.csv` or `.npy`; without it as CSV to stdout.
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The 65 descriptors, one row every 10 ms.
    #[arg(long, conflicts_with = "functionals")]
    pub lld: bool,
    /// The 6373 functionals of the whole sound, one row; this is also what comes without a flag.
    #[arg(long)]
    pub functionals: bool,
}

/// Rows of numbers and what the columns are called.
struct Table {
    names: Vec<String>,
    values: Vec<f32>,
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Npy,
}

/// Runs the verb.
pub fn run(arguments: &VoiceArgs) -> anyhow::Result<Verdict> {
    let format = arguments.out.as_deref().map_or(Ok(Format::Csv), format_of)?;
    let file = arguments.file.display();
    let contours = contours_of(&arguments.file).with_context(|| format!("could not describe the voice in `{file}`"))?;
    let is_too_short = contours.counts.descriptors == 0;
    if is_too_short {
        log::warn!("`{file}` is shorter than 60 ms; all numbers are NaN");
    }
    let table = Table::new(&contours, arguments.lld);
    match arguments.out.as_deref() {
        None => print(&table.csv()).context("could not write to stdout")?,
        Some(path) => {
            table.write(path, format).context("could not keep the description")?;
            print(&format!("{}\n", path.display())).context("could not write to stdout")?;
        }
    }
    Ok(if is_too_short { Verdict::SomeBad } else { Verdict::AllWell })
}

fn format_of(path: &Path) -> anyhow::Result<Format> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok(Format::Csv),
        Some("npy") => Ok(Format::Npy),
        _ => bail!("`{}` has an unknown ending, expected `.csv` or `.npy`", path.display()),
    }
}

/// Departure: the reference wraps samples beyond full scale around; here they are cut, as a converter to 16 bits does.
fn contours_of(path: &Path) -> anyhow::Result<Contours> {
    let sound = read_first_channel(path)?;
    let mut extractor = Extractor::new(sound.rate_hz)?;
    let first = sound.channels.into_iter().next().context("the sound has no channel")?;
    let mut cut_count = 0;
    for piece in first.chunks(PIECE) {
        cut_count += piece.iter().filter(|sample| **sample < -1.0 || **sample > HIGHEST).count();
        extractor.push(&piece.iter().map(|sample| sample.clamp(-1.0, HIGHEST)).collect::<Vec<_>>())?;
    }
    if cut_count > 0 {
        log::warn!("`{}` has {cut_count} samples beyond full scale; they are cut", path.display());
    }
    Ok(extractor.finish().into_contours())
}

impl Table {
    fn new(contours: &Contours, is_lld: bool) -> Self {
        if is_lld {
            return Self { names: names::descriptor_names(), values: Llds::from_contours(contours).values };
        }
        Self { names: names::functional_names(), values: functionals::functionals(contours) }
    }

    /// A line of names, then one line a row; numbers are as short as they can be without losing a bit.
    fn csv(&self) -> String {
        let mut text = self.names.join(",");
        text.push('\n');
        for row in self.values.chunks_exact(self.names.len()) {
            for (place, value) in row.iter().enumerate() {
                let comma = if place > 0 { "," } else { "" };
                write!(text, "{comma}{value}").expect("text takes text");
            }
            text.push('\n');
        }
        text
    }

    /// CSV, or `[rows, 65]` or `[6373]` as f32.
    fn write(&self, path: &Path, format: Format) -> anyhow::Result<()> {
        if format == Format::Csv {
            return Ok(write_atomically(path, |out| out.write_all(self.csv().as_bytes()))?);
        }
        let shape = match self.names.len() {
            FUNCTIONAL_COUNT => vec![FUNCTIONAL_COUNT],
            _ => vec![self.values.len() / DESCRIPTOR_COUNT, DESCRIPTOR_COUNT],
        };
        Ok(npy::write(path, &shape, &self.values)?)
    }
}

fn print(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_a_line_of_names_and_a_line_a_row() {
        let table = Table { names: vec!["a".to_owned(), "b".to_owned()], values: vec![1.0, -0.5, f32::NAN, 0.1] };
        assert_eq!(table.csv(), "a,b\n1,-0.5\nNaN,0.1\n");
    }

    #[test]
    fn the_ending_says_how_it_is_written() {
        assert!(format_of(Path::new("a.npy")).unwrap() == Format::Npy);
        assert!(format_of(Path::new("a.csv")).unwrap() == Format::Csv);
        assert!(format_of(Path::new("a.arff")).unwrap_err().to_string().contains("`a.arff`"));
    }
}
