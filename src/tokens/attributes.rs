//! The 25 attributes of a frame and the csv files that hold them.
//!
//! In:  one header line, whose words are not looked at, then one row of 25 numbers per frame.
//! Out: [`Attributes`] of every frame, all finite.

use std::path::Path;

use super::{ATTRIBUTE_COUNT, TokensError};
use crate::files;

/// One frame: 15 action units (0 or 1), valence and arousal (-1 to 1), 8 expression probabilities.
pub type Attributes = [f64; ATTRIBUTE_COUNT];

/// The columns by the names of the REACT challenge.
pub const COLUMN_NAMES: [&str; ATTRIBUTE_COUNT] = [
    "AU1", "AU2", "AU4", "AU6", "AU7", "AU9", "AU10", "AU12", "AU14", "AU15", "AU17", "AU23", "AU24", "AU25", "AU26",
    "valence", "arousal", "Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Anger", "Contempt",
];

/// Reads the attributes of every frame of one clip, however many frames there are.
pub fn read_emotion_csv(path: &Path) -> Result<Vec<Attributes>, TokensError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(files::open(path)?);
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    let bad_line = |line, problem| TokensError::Line { path: path.into(), line, problem };
    loop {
        let line = reader.position().line();
        if !reader.read_record(&mut record).map_err(|error| bad_line(line, error.to_string()))? {
            return Ok(rows);
        }
        let line = record.position().map_or(line, csv::Position::line);
        rows.push(attributes_from_record(&record).map_err(|problem| bad_line(line, problem))?);
    }
}

fn attributes_from_record(record: &csv::StringRecord) -> Result<Attributes, String> {
    if record.len() != ATTRIBUTE_COUNT {
        return Err(format!("found {} columns, expected {ATTRIBUTE_COUNT}", record.len()));
    }
    let mut row = [0.0; ATTRIBUTE_COUNT];
    for ((value, text), name) in row.iter_mut().zip(record).zip(COLUMN_NAMES) {
        let number: Option<f64> = text.parse().ok().filter(|number: &f64| number.is_finite());
        *value = number.ok_or_else(|| format!("found `{text}` as {name}, expected a finite number"))?;
    }
    Ok(row)
}

/// Writes the attributes of a clip under [`COLUMN_NAMES`]; every number reads back as it was.
pub fn write_emotion_csv(path: &Path, rows: &[Attributes]) -> Result<(), TokensError> {
    write_csv(path, &COLUMN_NAMES.join(","), rows)
}

/// Writes the attributes of a generated reaction under the published header `0,1,…,24`.
pub fn write_reaction_csv(path: &Path, rows: &[Attributes]) -> Result<(), TokensError> {
    let header: Vec<String> = (0..ATTRIBUTE_COUNT).map(|column| column.to_string()).collect();
    write_csv(path, &header.join(","), rows)
}

fn write_csv(path: &Path, header: &str, rows: &[Attributes]) -> Result<(), TokensError> {
    files::write_atomically(path, |out| {
        writeln!(out, "{header}")?;
        for row in rows {
            for (column, value) in row.iter().enumerate() {
                let separator = if column == 0 { "" } else { "," };
                write!(out, "{separator}{value:?}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_of(content: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let text = read_emotion_csv(file.path()).unwrap_err().to_string();
        text.replace(&file.path().display().to_string(), "x.csv")
    }

    fn row(value: &str) -> String {
        vec![value; ATTRIBUTE_COUNT].join(",") + "\n"
    }

    #[test]
    fn every_number_reads_back_as_it_was_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut rows = vec![[0.1 + 0.2; ATTRIBUTE_COUNT], [1e-310; ATTRIBUTE_COUNT]];
        rows[1][3] = -1.0;
        for write in [write_emotion_csv, write_reaction_csv] {
            write(file.path(), &rows).unwrap();
            assert_eq!(read_emotion_csv(file.path()).unwrap(), rows);
        }
        let header = files::read_text(file.path()).unwrap();
        assert!(header.starts_with("0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24\n"));
    }

    #[test]
    fn bad_lines_are_named() {
        let header = row("name");
        assert_eq!(
            problem_of(&(header.clone() + &row("0.5") + &row("nan"))),
            "`x.csv`, line 3: found `nan` as AU1, expected a finite number"
        );
        assert_eq!(problem_of(&(header.clone() + "1,2,3\n")), "`x.csv`, line 2: found 3 columns, expected 25");
        assert_eq!(
            problem_of(&(header + &row("0.5").replacen("0.5,", "word,", 1))),
            "`x.csv`, line 2: found `word` as AU1, expected a finite number"
        );
    }

    #[test]
    fn a_file_of_only_a_header_has_no_frames() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), row("name")).unwrap();
        assert!(read_emotion_csv(file.path()).unwrap().is_empty());
    }
}
