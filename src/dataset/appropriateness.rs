//! Which reactions fit which speaker: a square matrix of zeros and ones over the clips of one part.
//!
//! In:  the challenge's matrix as `.npy`, or its part above the diagonal as compressed lists.
//! Out: [`Appropriateness`], for each row the sorted list of its ones.
//! Source: `neighbour_emotion_{train,val}.npy`; entry (i, j) = 1 says that the listener of speaker j is an
//! appropriate reaction to speaker i, since j behaves like i.
//!
//! The lists take 2 MB where the published array of `f64` takes 222 MB; nothing is rounded.

use std::path::Path;

use super::{DatasetError, require_permutation};
use crate::files::npy;

/// Rows of a matrix that are read or written at once.
const BLOCK_ROWS: usize = 64;

/// The ones of each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appropriateness {
    rows: Vec<Vec<u32>>,
}

impl Appropriateness {
    /// From the columns of each row's ones; each list must be ascending and below the number of rows.
    pub fn from_rows(rows: Vec<Vec<u32>>) -> Result<Self, DatasetError> {
        for (row, columns) in rows.iter().enumerate() {
            let is_ascending = columns.windows(2).all(|pair| pair[0] < pair[1]);
            let is_inside = columns.last().is_none_or(|column| (*column as usize) < rows.len());
            if !is_ascending || !is_inside {
                let reason = format!("its columns are not ascending numbers below {}", rows.len());
                return Err(DatasetError::MatrixLists { row, reason });
            }
        }
        Ok(Self { rows })
    }

    /// Reads a square `.npy` array of zeros and ones of any number type, some rows at a time.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let mut reader = npy::Reader::open(path)?;
        let &[clip_count, width] = reader.shape() else {
            let problem = DatasetError::ArrayShape { found: reader.shape().to_vec(), expected: "a square".to_owned() };
            return Err(problem.in_file(path));
        };
        if clip_count != width {
            let expected = format!("a square, such as [{clip_count}, {clip_count}]");
            return Err(DatasetError::ArrayShape { found: vec![clip_count, width], expected }.in_file(path));
        }
        let mut rows = Vec::with_capacity(clip_count);
        for start in (0..clip_count).step_by(BLOCK_ROWS) {
            let values = reader.rows(start..clip_count.min(start + BLOCK_ROWS))?.into_f64();
            for (row, entries) in (start..).zip(values.chunks(width)) {
                rows.push(ones_of(row, entries).map_err(|error| error.in_file(path))?);
            }
        }
        Ok(Self { rows })
    }

    /// Reads the compressed lists of a symmetric matrix with ones on the diagonal: row `i` has ones at
    /// `indices[starts[i]..starts[i + 1]]`, all beyond `i`, and wherever the mirrored entry is one.
    pub fn open_lists(starts: &Path, indices: &Path) -> Result<Self, DatasetError> {
        let (_, starts_read) = npy::read_i64(starts)?;
        let (_, columns) = npy::read_i64(indices)?;
        Self::from_upper(&starts_read, &columns).map_err(|error| error.in_file(starts))
    }

    fn from_upper(starts: &[i64], columns: &[i64]) -> Result<Self, DatasetError> {
        let clip_count = starts.len().saturating_sub(1);
        let mut rows: Vec<Vec<u32>> = (0..clip_count as u32).map(|row| vec![row]).collect();
        for (row, bounds) in starts.windows(2).enumerate() {
            let broken = |reason: String| DatasetError::MatrixLists { row, reason };
            let bounds_used = usize::try_from(bounds[0]).ok().zip(usize::try_from(bounds[1]).ok());
            let listed = bounds_used.and_then(|(start, end)| columns.get(start..end));
            let listed = listed.ok_or_else(|| broken(format!("it runs from {} to {}", bounds[0], bounds[1])))?;
            for column in listed {
                let other = usize::try_from(*column).ok().filter(|other| (row + 1..clip_count).contains(other));
                let other =
                    other.ok_or_else(|| broken(format!("it names column {column}, expected one beyond {row}")))?;
                rows[row].push(other as u32);
                rows[other].push(row as u32);
            }
        }
        for row in &mut rows {
            row.sort_unstable();
            row.dedup();
        }
        Ok(Self { rows })
    }

    /// Clips that the matrix is about.
    pub fn clip_count(&self) -> usize {
        self.rows.len()
    }

    /// Clips whose listeners are appropriate reactions to the speaker of `row`, ascending.
    pub fn appropriate(&self, row: usize) -> &[u32] {
        &self.rows[row]
    }

    /// Whether entry (row, column) is one.
    pub fn is_appropriate(&self, row: usize, column: usize) -> bool {
        self.rows[row].binary_search(&(column as u32)).is_ok()
    }

    /// How many clips are not appropriate for `row`.
    pub fn inappropriate_count(&self, row: usize) -> usize {
        self.clip_count() - self.rows[row].len()
    }

    /// The `rank`-th clip that is not appropriate for `row`, counted from 0; none beyond the last.
    pub fn inappropriate(&self, row: usize, rank: usize) -> Option<usize> {
        if rank >= self.inappropriate_count(row) {
            return None;
        }
        // Before the k-th one lie `columns[k] - k` zeros: the ones passed are those with at most `rank` zeros before.
        let columns = &self.rows[row];
        let (mut low, mut high) = (0, columns.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if columns[middle] as usize - middle <= rank { low = middle + 1 } else { high = middle }
        }
        Some(rank + low)
    }

    /// The matrix of the clips `order`, in that order: entry `(r, c)` is entry `(order[r], order[c])` of this one.
    /// Clips that `order` leaves out are left out.
    pub fn selected(&self, order: &[usize]) -> Result<Self, DatasetError> {
        let mut new_place = vec![None; self.clip_count()];
        for (place, clip) in order.iter().enumerate() {
            let Some(slot @ None) = new_place.get_mut(*clip) else {
                let reason = format!("entry {place} is `{clip}`, unknown or named twice");
                return Err(DatasetError::Permutation { count: self.clip_count(), reason });
            };
            *slot = Some(place as u32);
        }
        let row_of = |clip: &usize| {
            let mut row: Vec<u32> = self.rows[*clip].iter().filter_map(|column| new_place[*column as usize]).collect();
            row.sort_unstable();
            row
        };
        Ok(Self { rows: order.iter().map(row_of).collect() })
    }

    /// [`Appropriateness::selected`] for an order that must name every clip.
    pub fn permuted(&self, order: &[usize]) -> Result<Self, DatasetError> {
        require_permutation(order)?;
        self.require_clip_count(order.len())?;
        self.selected(order)
    }

    /// Writes the whole matrix as `f64`, the type of the published file.
    pub fn save(&self, path: &Path) -> Result<(), DatasetError> {
        let clip_count = self.clip_count();
        let rows = self.rows.iter().map(|columns| {
            let mut entries = vec![0.0_f64; clip_count];
            for column in columns {
                entries[*column as usize] = 1.0;
            }
            Ok::<_, npy::NpyError>(entries)
        });
        Ok(npy::write_blocks(path, &[clip_count, clip_count], rows)?)
    }

    /// Refuses a matrix about another number of clips.
    pub fn require_clip_count(&self, clip_count: usize) -> Result<(), DatasetError> {
        if self.clip_count() == clip_count {
            return Ok(());
        }
        let found = vec![self.clip_count(), self.clip_count()];
        Err(DatasetError::ArrayShape { found, expected: format!("[{clip_count}, {clip_count}], one row a clip") })
    }

    /// Refuses a row without ones. Departure: the published metrics fail there without saying where (defect 35).
    pub fn require_appropriate(&self) -> Result<(), DatasetError> {
        match self.rows.iter().position(Vec::is_empty) {
            Some(row) => Err(DatasetError::NoAppropriate { row }),
            None => Ok(()),
        }
    }

    /// Refuses a row without zeros: training draws an inappropriate listener for every speaker.
    pub fn require_inappropriate(&self) -> Result<(), DatasetError> {
        match (0..self.clip_count()).find(|row| self.inappropriate_count(*row) == 0) {
            Some(row) => Err(DatasetError::NoInappropriate { row }),
            None => Ok(()),
        }
    }
}

/// The columns of the ones among a row's entries.
fn ones_of(row: usize, entries: &[f64]) -> Result<Vec<u32>, DatasetError> {
    let mut columns = Vec::new();
    for (column, value) in entries.iter().enumerate() {
        match *value {
            1.0 => columns.push(column as u32),
            0.0 => {}
            value => return Err(DatasetError::MatrixEntry { row, column, value }),
        }
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Appropriateness {
        Appropriateness::from_rows(vec![vec![0, 2], vec![1], vec![0, 2, 3], vec![2, 3]]).unwrap()
    }

    #[test]
    fn the_zeros_of_a_row_are_counted_past_its_ones() {
        let ranks = |row| (0..5).map_while(|rank| small().inappropriate(row, rank)).collect::<Vec<_>>();
        assert_eq!(ranks(0), [1, 3]);
        assert_eq!(ranks(1), [0, 2, 3]);
        assert_eq!(ranks(2), [1]);
        assert_eq!(ranks(3), [0, 1]);
    }

    #[test]
    fn lists_above_the_diagonal_are_mirrored() {
        // Row 0 has ones beyond the diagonal at 2, row 2 at 3.
        assert_eq!(Appropriateness::from_upper(&[0, 1, 1, 2, 2], &[2, 3]).unwrap(), small());
        for (starts, columns) in
            [(&[0, 1, 1][..], &[0][..]), (&[0, 2, 2], &[1]), (&[0, 1, 0], &[1]), (&[0, 1, 1], &[2])]
        {
            assert!(Appropriateness::from_upper(starts, columns).is_err(), "{starts:?} {columns:?}");
        }
    }

    #[test]
    fn both_axes_follow_the_order_and_clips_may_be_left_out() {
        let order = [3, 1, 0, 2];
        let permuted = small().permuted(&order).unwrap();
        for row in 0..4 {
            for column in 0..4 {
                assert_eq!(permuted.is_appropriate(row, column), small().is_appropriate(order[row], order[column]));
            }
        }
        assert_eq!(small().selected(&[2, 0]).unwrap().rows, [vec![0, 1], vec![0, 1]]);
        assert!(small().selected(&[2, 2]).is_err());
        assert!(small().permuted(&[0, 1]).is_err());
    }

    #[test]
    fn a_saved_matrix_comes_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        small().save(file.path()).unwrap();
        assert_eq!(Appropriateness::open(file.path()).unwrap(), small());
    }

    #[test]
    fn what_is_no_matrix_of_zeros_and_ones_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = |error: DatasetError| format!("{error}: {}", std::error::Error::source(&error).unwrap());
        npy::write(file.path(), &[2, 2], &[1.0_f32, 0.0, 0.5, 1.0]).unwrap();
        let found = text(Appropriateness::open(file.path()).unwrap_err());
        assert!(found.ends_with("entry (1, 0) is `0.5`, expected 0 or 1"), "{found}");
        npy::write(file.path(), &[1, 2], &[1_u8, 0]).unwrap();
        let found = text(Appropriateness::open(file.path()).unwrap_err());
        assert!(found.ends_with("it has shape [1, 2], expected a square, such as [1, 1]"), "{found}");
    }

    #[test]
    fn rows_without_ones_or_without_zeros_are_named() {
        // The published code fails here with an empty list, without the row (defect 35).
        let matrix = Appropriateness::from_rows(vec![vec![0, 1, 2], vec![], vec![2]]).unwrap();
        assert!(matrix.require_appropriate().unwrap_err().to_string().starts_with("row 1 has no appropriate"));
        assert!(matrix.require_inappropriate().unwrap_err().to_string().starts_with("row 0 calls every reaction"));
    }
}
