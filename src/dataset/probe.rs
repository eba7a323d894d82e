//! A file that was opened but not yet believed: what is in it, and where.
//!
//! In:  a path.
//! Out: shapes, types, names, and where the rows of each dataset lie ([`Place`]), or a sentence saying what is wrong.
//!
//! All talk with the HDF5 package is here. It is asked through [`guarded`], and nothing is allocated before the size of
//! the real file has confirmed what the file says about itself.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use hdf5::{DType, Layout as Storage, VlenStringReadOptions};

use super::DatasetError;
use super::layout::{
    ACTION_UNITS, CLIP_ORDER, Column, DESCRIPTORS, EXPRESSION, Element, FILTERBANK, FUNCTIONALS, LISTENER_TOKENS,
    Layout, NAMES, POSE, VALENCE_AROUSAL,
};
use crate::features::FeatureDims;
use crate::files::{self, FileError};

/// Bytes read at once: they stay in the processor's cache until they are numbers.
const BLOCK_BYTES: usize = 256 * 1024;
/// More than this many times its size a compressed row cannot grow (deflate's limit is 1032).
const MOST_EXPANSION: u64 = 1100;

/// Where the rows of a column are.
pub(super) enum Place {
    /// Each row in one piece, at its address.
    Rows { addresses: Vec<u64>, is_chunked: bool },
    /// Compressed, in another byte order or cut otherwise: the HDF5 package puts the row together.
    Library(hdf5::Dataset),
}

/// A file that was opened but not yet believed.
pub(super) struct Probe {
    path: PathBuf,
    file: File,
    size: u64,
    hdf5: hdf5::File,
}

impl Probe {
    pub(super) fn open(path: &Path) -> Result<Self, DatasetError> {
        let file = files::open(path)?;
        let size = file.metadata().map_err(FileError::system("measure", path))?.len();
        let hdf5 = guarded(|| hdf5::File::open_streaming(path)).map_err(|error| error.in_file(path))?;
        Ok(Self { path: path.to_owned(), file, size, hdf5 })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads numbers that lie in one piece, block by block.
    pub(super) fn read<T>(
        &self,
        address: u64,
        length: usize,
        number_from_bytes: impl Fn([u8; Element::BYTES]) -> T,
    ) -> Result<Vec<T>, DatasetError> {
        let mut values = Vec::with_capacity(length / Element::BYTES);
        let mut block = vec![0; BLOCK_BYTES.min(length)];
        for start in (0..length).step_by(BLOCK_BYTES) {
            let part = &mut block[..BLOCK_BYTES.min(length - start)];
            self.file.read_exact_at(part, address + start as u64).map_err(FileError::system("read", &self.path))?;
            let (words, _) = part.as_chunks();
            values.extend(words.iter().map(|word| number_from_bytes(*word)));
        }
        Ok(values)
    }

    /// Names of all datasets of the file, sorted.
    pub(super) fn dataset_names(&self) -> Result<Vec<String>, DatasetError> {
        let mut names = guarded(|| self.hdf5.root().datasets())?;
        names.sort();
        Ok(names)
    }

    /// One clip's layout and the number of clips, as the shapes of the datasets say.
    pub(super) fn layout(&self) -> Result<(Layout, usize), DatasetError> {
        let [clips, frames, expression] = self.shape(EXPRESSION, "[clips, frames, width]")?;
        let per_frame = |name| self.shape(name, "[clips, frames, width]").map(|[_, _, width]| width);
        let per_clip = |name| self.shape(name, "[clips, width]").map(|[_, width]| width);
        let dims = FeatureDims {
            expression,
            action_units: per_frame(ACTION_UNITS)?,
            valence_arousal: per_frame(VALENCE_AROUSAL)?,
            pose: self.shape(POSE, "[clips, frames / 5, width]").map(|[_, _, width]| width)?,
            filterbank: per_frame(FILTERBANK)?,
            functionals: per_clip(FUNCTIONALS)?,
            descriptors: per_clip(DESCRIPTORS)?,
        };
        let has_tokens = self.dataset(LISTENER_TOKENS, "")?.is_some();
        if clips as u64 > self.size {
            return Err(DatasetError::NoData { name: EXPRESSION.to_owned(), row: 0, clip_count: clips });
        }
        Ok((Layout { dims, frame_count: frames, has_tokens }, clips))
    }

    /// A dataset that must have `AXES` axes.
    fn shape<const AXES: usize>(&self, name: &str, expected: &str) -> Result<[usize; AXES], DatasetError> {
        let dataset = self.require(name, expected)?;
        let found = guarded(|| dataset.shape())?;
        let extents: Option<Vec<usize>> = found.iter().map(|extent| usize::try_from(*extent).ok()).collect();
        let shape = extents.and_then(|extents| extents.try_into().ok());
        shape.ok_or_else(|| DatasetError::Shape { name: name.to_owned(), found, expected: expected.to_owned() })
    }

    fn require(&self, name: &str, expected: &str) -> Result<hdf5::Dataset, DatasetError> {
        let missing = || DatasetError::Missing { name: name.to_owned(), expected: expected.to_owned() };
        self.dataset(name, expected)?.ok_or_else(missing)
    }

    fn dataset(&self, name: &str, expected: &str) -> Result<Option<hdf5::Dataset>, DatasetError> {
        let found = catch_unwind(AssertUnwindSafe(|| self.hdf5.dataset(name)));
        match found {
            Ok(Ok(dataset)) => Ok(Some(dataset)),
            Ok(Err(hdf5::Error::Format(hdf5::FormatError::PathNotFound(_)))) => Ok(None),
            Ok(Err(hdf5::Error::NotADataset(_))) => {
                Err(DatasetError::Missing { name: name.to_owned(), expected: expected.to_owned() })
            }
            Ok(Err(error)) => Err(DatasetError::NotHdf5 { reason: error.to_string() }),
            Err(_) => Err(contradiction()),
        }
    }

    /// Finds the rows of a column; what is wrong with its shape, type or storage is said.
    pub(super) fn locate(&self, column: &Column, clip_count: usize) -> Result<Place, DatasetError> {
        let expected = column.shape(clip_count);
        let dataset = self.require(column.name, &format!("{expected:?}"))?;
        let found = guarded(|| dataset.shape())?;
        if found != expected {
            let expected = format!("{expected:?}");
            return Err(DatasetError::Shape { name: column.name.to_owned(), found, expected });
        }
        let (is_right, is_plain) = guarded(|| element_of(&dataset, column.element))?;
        if !is_right {
            let found = guarded(|| dataset.dtype())?.to_string();
            let expected = column.element.to_string();
            return Err(DatasetError::ElementType { name: column.name.to_owned(), found, expected });
        }
        let row_bytes = column.row_shape.iter().try_fold(Element::BYTES as u64, |bytes, extent| {
            bytes.checked_mul(*extent as u64).filter(|bytes| *bytes <= self.size.saturating_mul(MOST_EXPANSION))
        });
        let no_data = |row| DatasetError::NoData { name: column.name.to_owned(), row, clip_count };
        let row_bytes = row_bytes.ok_or_else(|| no_data(0))?;
        let place = if is_plain { plain_rows(&dataset, &expected, row_bytes)? } else { None };
        let Some((addresses, is_chunked)) = place else {
            require_held(&dataset, column, row_bytes.saturating_mul(clip_count as u64), self.size)?;
            return Ok(Place::Library(dataset));
        };
        let is_inside = |address: &u64| address.checked_add(row_bytes).is_some_and(|end| end <= self.size);
        match addresses.iter().position(|address| !is_inside(address)) {
            Some(row) => Err(no_data(row)),
            None if addresses.len() < clip_count => Err(no_data(addresses.len())),
            None => Ok(Place::Rows { addresses, is_chunked }),
        }
    }

    /// Names of the clips.
    pub(super) fn names(&self, clip_count: usize) -> Result<Vec<String>, DatasetError> {
        let expected = format!("[{clip_count}]");
        let dataset = self.require(NAMES, &expected)?;
        let name = || NAMES.to_owned();
        let found = guarded(|| dataset.shape())?;
        if found != [clip_count as u64] {
            return Err(DatasetError::Shape { name: name(), found, expected });
        }
        let kind = guarded(|| dataset.dtype())?;
        let names = match kind {
            DType::VariableLengthString => {
                let bytes = usize::try_from(self.size).unwrap_or(usize::MAX);
                let limits = VlenStringReadOptions::new().with_max_elements(clip_count).with_max_payload_bytes(bytes);
                guarded(|| dataset.read_vlen_strings(limits))?
            }
            DType::String if guarded(|| dataset.element_size())? <= self.size / clip_count.max(1) as u64 => {
                guarded(|| dataset.read_string())?
            }
            found => {
                let expected = "variable-length string".to_owned();
                return Err(DatasetError::ElementType { name: name(), found: found.to_string(), expected });
            }
        };
        if names.len() == clip_count {
            return Ok(names);
        }
        Err(DatasetError::NoData { name: name(), row: names.len(), clip_count })
    }

    pub(super) fn clip_order(&self, clip_count: usize) -> Result<Option<Vec<usize>>, DatasetError> {
        let Some(dataset) = self.dataset(CLIP_ORDER, "")? else { return Ok(None) };
        let found = guarded(|| dataset.shape())?;
        if found != [clip_count as u64] {
            let expected = format!("[{clip_count}]");
            return Err(DatasetError::Shape { name: CLIP_ORDER.to_owned(), found, expected });
        }
        let mut was_seen = HashSet::new();
        let order = guarded(|| dataset.read_i64())?;
        for (place, clip) in order.iter().enumerate() {
            if *clip < 0 || !was_seen.insert(*clip) {
                let reason = format!("entry {place} of `{CLIP_ORDER}` is `{clip}`, negative or there twice");
                return Err(DatasetError::Permutation { count: clip_count, reason });
            }
        }
        Ok(Some(order.into_iter().map(|clip| clip as usize).collect()))
    }

    pub(super) fn attributes(&self) -> Result<Vec<(String, String)>, DatasetError> {
        let attributes = guarded(|| self.hdf5.root().attrs())?;
        let texts = attributes.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
        let mut texts: Vec<_> = texts.collect();
        texts.sort();
        Ok(texts)
    }
}

/// Addresses of rows that lie in one piece each, and whether as chunks; none for every other storage.
/// A row that was never written has an address beyond every file.
fn plain_rows(
    dataset: &hdf5::Dataset,
    shape: &[u64],
    row_bytes: u64,
) -> Result<Option<(Vec<u64>, bool)>, DatasetError> {
    let clip_count = shape[0];
    match guarded(|| dataset.layout())? {
        Storage::Contiguous { address, .. } => {
            let first = address.unwrap_or(u64::MAX);
            let addresses = (0..clip_count).map(|row| first.saturating_add(row.saturating_mul(row_bytes)));
            Ok(Some((addresses.collect(), false)))
        }
        Storage::Chunked { chunk_shape, .. } => {
            let is_a_row = chunk_shape.first() == Some(&1) && chunk_shape[1..] == shape[1..];
            if !is_a_row || !dataset.filters().is_empty() {
                return Ok(None);
            }
            let mut addresses = vec![u64::MAX; clip_count as usize];
            for chunk in guarded(|| dataset.chunks())? {
                let row = chunk.offset.first().and_then(|row| usize::try_from(*row).ok());
                if let Some(address) = row.and_then(|row| addresses.get_mut(row)) {
                    *address = chunk.address;
                }
            }
            Ok(Some((addresses, true)))
        }
        _ => Ok(None),
    }
}

/// Refuses shapes and chunks that a file of `size` bytes cannot hold: damaged ones would take all memory or time.
fn require_held(dataset: &hdf5::Dataset, column: &Column, needed: u64, size: u64) -> Result<(), DatasetError> {
    let shape = guarded(|| dataset.chunk_shape())?.unwrap_or_default();
    let bytes = shape.iter().fold(Element::BYTES as u64, |bytes, extent| bytes.saturating_mul(*extent));
    let expansion = if dataset.filters().is_empty() { 1 } else { MOST_EXPANSION };
    let chunks = if shape.is_empty() { Vec::new() } else { guarded(|| dataset.chunks())? };
    let stored = chunks.iter().map(|chunk| chunk.storage_size).fold(0, u64::saturating_add);
    let is_held = needed <= size.saturating_mul(expansion) && stored <= size;
    if is_held && chunks.iter().all(|chunk| bytes <= chunk.storage_size.saturating_mul(expansion)) {
        return Ok(());
    }
    let reason = format!("`{}`, cut into chunks of shape {shape:?}, is more than the file holds", column.name);
    Err(DatasetError::NotHdf5 { reason })
}

/// Whether a dataset holds this kind of number, and whether exactly as we store it.
fn element_of(dataset: &hdf5::Dataset, element: Element) -> Result<(bool, bool), hdf5::Error> {
    let (kind, plain) = match element {
        Element::Float32 => (DType::F32, hdf5::make_f32_type()),
        Element::Int32 => (DType::I32, hdf5::make_i32_type()),
    };
    Ok((dataset.dtype()? == kind, dataset.datatype()? == plain))
}

/// Asks the HDF5 package; a damaged file that makes it panic is a damaged file, not a bug of ours.
pub(super) fn guarded<T>(ask: impl FnOnce() -> Result<T, hdf5::Error>) -> Result<T, DatasetError> {
    match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(answer) => answer.map_err(|error| DatasetError::NotHdf5 { reason: error.to_string() }),
        Err(_) => Err(contradiction()),
    }
}

fn contradiction() -> DatasetError {
    DatasetError::NotHdf5 { reason: "its structures contradict each other".to_owned() }
}
