//! The log of a run: a row per step in `log.csv`, the same numbers for TensorBoard.
//!
//! In:  a step and its numbers, in the order of the columns.
//! Out: `log.csv` with the head `step,…`, and an event file beside it.
//!
//! Departure: after a resume the published code goes on writing, and both files hold the steps since the checkpoint
//! twice. Here rows after the resumed step are cut first.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::tensorboard::EventFile;
use crate::files::{self, FileError};

/// The table of a run.
pub const LOG_FILE: &str = "log.csv";
/// The same for TensorBoard, which looks for `tfevents` in the name.
pub const EVENT_FILE: &str = "events.out.tfevents.unifr";

/// Why a log can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file has other columns than this run.
    #[error("`{}` has the columns {found:?}, expected {expected:?}; it belongs to another run", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// Its columns.
        found: Vec<String>,
        /// The columns of this run.
        expected: Vec<String>,
    },
    /// A row isn't made of as many numbers as there are columns.
    #[error("line {line} of `{}` is not a row of {columns} numbers", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// How many numbers a row has.
        columns: usize,
    },
}

/// The open log of a run.
#[derive(Debug)]
pub struct RunLog {
    columns: Vec<String>,
    table: File,
    path: PathBuf,
    events: EventFile,
}

impl RunLog {
    /// Begins a log in `folder`; one that is there is replaced. `columns` are the names after `step`.
    pub fn create(folder: &Path, columns: &[&str]) -> Result<Self, LogError> {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        let empty = LogTable { columns, rows: Vec::new() };
        let events = EventFile::create(&folder.join(EVENT_FILE))?;
        Self::begin(folder, empty, events)
    }

    /// Goes on with the log in `folder` after `last_step`; rows of later steps are cut. Without a log, one is begun.
    pub fn resume(folder: &Path, columns: &[&str], last_step: u64) -> Result<Self, LogError> {
        let path = folder.join(LOG_FILE);
        if !path.exists() {
            return Self::create(folder, columns);
        }
        let mut table = LogTable::read(&path)?;
        if table.columns != columns {
            let expected = columns.iter().map(|name| (*name).to_owned()).collect();
            return Err(LogError::Columns { path, found: table.columns, expected });
        }
        table.rows.retain(|(step, _)| *step <= last_step);
        let events = EventFile::resume(&folder.join(EVENT_FILE), last_step)?;
        Self::begin(folder, table, events)
    }

    fn begin(folder: &Path, table: LogTable, events: EventFile) -> Result<Self, LogError> {
        let path = folder.join(LOG_FILE);
        files::write_atomically(&path, |out| out.write_all(table.text().as_bytes()))?;
        let file = OpenOptions::new().append(true).open(&path).map_err(FileError::system("open", &path))?;
        Ok(Self { columns: table.columns, table: file, path, events })
    }

    /// Appends the numbers of one step, one per column.
    pub fn append(&mut self, step: u64, values: &[f64]) -> Result<(), LogError> {
        assert_eq!(values.len(), self.columns.len(), "a row of the log has one number per column");
        self.table.write_all(row(step, values).as_bytes()).map_err(FileError::system("write", &self.path))?;
        let scalars: Vec<_> = self.columns.iter().map(String::as_str).zip(values.iter().copied()).collect();
        Ok(self.events.append(step, &scalars)?)
    }
}

/// A log that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogTable {
    /// The names after `step`.
    pub columns: Vec<String>,
    /// Each step with its numbers.
    pub rows: Vec<(u64, Vec<f64>)>,
}

impl LogTable {
    /// Reads `log.csv`. A last line without its end was cut short and is left out.
    pub fn read(path: &Path) -> Result<Self, LogError> {
        let text = files::read_text(path)?;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut lines = whole.lines();
        let columns: Vec<String> = lines.next().unwrap_or_default().split(',').skip(1).map(str::to_owned).collect();
        let row = |(place, line): (usize, &str)| {
            parsed(line, columns.len()).ok_or(LogError::Row {
                path: path.into(),
                line: place + 2,
                columns: columns.len() + 1,
            })
        };
        let rows = lines.enumerate().map(row).collect::<Result<_, _>>()?;
        Ok(Self { columns, rows })
    }

    /// Step and value of each row of one column; none if there is no such column.
    pub fn curve(&self, column: &str) -> Option<Vec<(f64, f64)>> {
        let place = self.columns.iter().position(|name| name == column)?;
        Some(self.rows.iter().map(|(step, values)| (*step as f64, values[place])).collect())
    }

    fn text(&self) -> String {
        let head = ["step"].into_iter().chain(self.columns.iter().map(String::as_str)).collect::<Vec<_>>().join(",");
        let rows = self.rows.iter().map(|(step, values)| row(*step, values));
        head + "\n" + &rows.collect::<Vec<_>>().concat()
    }
}

/// One line; numbers in the shortest form that reads back equal.
fn row(step: u64, values: &[f64]) -> String {
    let values = values.iter().map(|value| format!(",{value}"));
    format!("{step}{}\n", values.collect::<Vec<_>>().concat())
}

fn parsed(line: &str, count: usize) -> Option<(u64, Vec<f64>)> {
    let (step, values) = line.split_once(',').unwrap_or((line, ""));
    let values: Vec<f64> =
        values.split(',').filter(|text| !text.is_empty()).map(str::parse).collect::<Result<_, _>>().ok()?;
    (values.len() == count).then_some((step.parse().ok()?, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path) -> String {
        std::fs::read_to_string(folder.join(LOG_FILE)).unwrap()
    }

    #[test]
    fn a_log_has_a_head_and_a_row_per_step() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path(), &["loss_mrm", "learning_rate"]).unwrap();
        log.append(0, &[2.5, 1.5e-4]).unwrap();
        log.append(1, &[f64::NAN, 0.1 + 0.2]).unwrap();
        assert_eq!(written(folder.path()), "step,loss_mrm,learning_rate\n0,2.5,0.00015\n1,NaN,0.30000000000000004\n");
    }

    #[test]
    fn resuming_cuts_the_rows_after_the_checkpoint_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path(), &["a"]).unwrap();
        for step in 0..5 {
            log.append(step, &[step as f64]).unwrap();
        }
        let mut log = RunLog::resume(folder.path(), &["a"], 2).unwrap();
        log.append(3, &[7.0]).unwrap();
        assert_eq!(written(folder.path()), "step,a\n0,0\n1,1\n2,2\n3,7\n");
    }

    #[test]
    fn a_row_that_was_cut_short_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(LOG_FILE), "step,a\n0,1\n1,1.2").unwrap();
        RunLog::resume(folder.path(), &["a"], 9).unwrap();
        assert_eq!(written(folder.path()), "step,a\n0,1\n");
    }

    #[test]
    fn a_log_of_another_run_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        RunLog::create(folder.path(), &["a"]).unwrap();
        let error = RunLog::resume(folder.path(), &["b"], 0).unwrap_err().to_string();
        assert!(error.ends_with("has the columns [\"a\"], expected [\"b\"]; it belongs to another run"), "{error}");
    }

    #[test]
    fn a_damaged_row_is_told_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOG_FILE);
        std::fs::write(&path, "step,a\n0,1\nx,2\n").unwrap();
        let error = LogTable::read(&path).unwrap_err().to_string();
        assert_eq!(error, format!("line 3 of `{}` is not a row of 2 numbers", path.display()));
    }

    #[test]
    fn a_column_becomes_a_curve() {
        let table =
            LogTable { columns: vec!["a".into(), "b".into()], rows: vec![(3, vec![1.0, 2.0]), (4, vec![5.0, 6.0])] };
        assert_eq!(table.curve("b"), Some(vec![(3.0, 2.0), (4.0, 6.0)]));
        assert_eq!(table.curve("c"), None);
    }
}
