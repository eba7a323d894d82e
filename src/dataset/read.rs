//! Reads a prepared HDF5 file clip by clip, without loading it.
//!
//! In:  a file written by h5py (in one piece) or by [`super::Writer`] (one chunk a clip); other cuts and compression
//!      work too, slower.
//! Out: [`SpeakerFeatures`], listener tokens and names of single rows. NaN are kept as they are.
//! Source: `src/utils/dataset.py`; dimensions come from the file, never from constants.
//!
//! The HDF5 package finds the rows once, when the file is opened; reading a row is then a plain read at an address,
//! through `&self`, from as many threads as wanted.
//!
//! Measured: 45 ms of one core (Xeon, 2 cores) for a published clip of 82.8 MB in the page cache, as long as a bare read
//! into fresh memory takes; the HDF5 package's own row read takes over twice as long (`benches/prepared_files.rs`).
//!
//! Departure: the published code reads into one buffer per dataset object, so that every clip of a batch shows the
//! features of the last one (defect 12); here every clip owns its memory.

use std::path::Path;

use super::DatasetError;
use super::layout::{
    ACTION_UNITS, Column, DESCRIPTORS, EXPRESSION, Element, FILTERBANK, FUNCTIONALS, HAS_FACE, LISTENER_TOKENS, Layout,
    POSE, TOKENS_PER_FRAME, VALENCE_AROUSAL,
};
use super::probe::{Place, Probe, guarded};
use crate::features::{FeatureDims, SpeakerFeatures};

/// An open prepared file.
pub struct Reader {
    probe: Probe,
    layout: Layout,
    columns: Vec<(Column, Place)>,
    names: Vec<String>,
}

impl Reader {
    /// Opens a file and finds every row in it; what is wrong with it is said with its path.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let probe = Probe::open(path)?;
        Self::from_probe(probe).map_err(|error| error.in_file(path))
    }

    fn from_probe(probe: Probe) -> Result<Self, DatasetError> {
        let (layout, clip_count) = probe.layout()?;
        let located = layout.columns().into_iter().map(|column| {
            let place = probe.locate(&column, clip_count)?;
            Ok((column, place))
        });
        let columns = located.collect::<Result<_, DatasetError>>()?;
        let names = probe.names(clip_count)?;
        Ok(Self { probe, layout, columns, names })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.probe.path()
    }

    /// Clips of the file.
    pub fn clip_count(&self) -> usize {
        self.names.len()
    }

    /// Frames of every clip.
    pub fn frame_count(&self) -> usize {
        self.layout.frame_count
    }

    /// Widths of the speaker's streams.
    pub fn dims(&self) -> FeatureDims {
        self.layout.dims
    }

    /// Whether the listener's tokens are there.
    pub fn has_tokens(&self) -> bool {
        self.layout.has_tokens
    }

    /// What one clip looks like.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Names of all clips, in the order of the rows.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The name of one clip.
    pub fn name(&self, row: usize) -> Result<&str, DatasetError> {
        self.require_row(row)?;
        Ok(&self.names[row])
    }

    /// Refuses a file prepared with other widths than `expected`.
    pub fn require_dims(&self, expected: &FeatureDims) -> Result<(), DatasetError> {
        let wanted = Layout { dims: *expected, ..self.layout }.columns();
        let pair = self.columns.iter().map(|(column, _)| column).zip(&wanted).find(|(found, wanted)| found != wanted);
        let Some((found, wanted)) = pair else { return Ok(()) };
        let problem = DatasetError::Shape {
            name: found.name.to_owned(),
            found: found.shape(self.clip_count()),
            expected: format!("{:?}", wanted.shape(self.clip_count())),
        };
        Err(problem.in_file(self.path()))
    }

    /// What the speaker of one row does, in memory of its own.
    pub fn speaker(&self, row: usize) -> Result<SpeakerFeatures, DatasetError> {
        let floats = |name| self.floats(name, row);
        Ok(SpeakerFeatures {
            frame_count: self.layout.frame_count,
            expression: floats(EXPRESSION)?,
            action_units: floats(ACTION_UNITS)?,
            valence_arousal: floats(VALENCE_AROUSAL)?,
            pose: floats(POSE)?,
            filterbank: floats(FILTERBANK)?,
            functionals: floats(FUNCTIONALS)?,
            descriptors: floats(DESCRIPTORS)?,
            has_face: self.ints(HAS_FACE, row)?.into_iter().map(|flag| flag != 0).collect(),
        })
    }

    /// The listener's tokens of one row: action units, expression, valence-arousal.
    pub fn listener_tokens(&self, row: usize) -> Result<[Vec<i32>; TOKENS_PER_FRAME], DatasetError> {
        if !self.has_tokens() {
            return Err(DatasetError::NoTokens.in_file(self.path()));
        }
        let tokens = self.ints(LISTENER_TOKENS, row)?;
        let mut rows = tokens.chunks(self.layout.frame_count).map(<[i32]>::to_vec);
        Ok(std::array::from_fn(|_| rows.next().unwrap_or_default()))
    }

    /// Which clip of the index each row holds, if the file says so (our training files do).
    pub fn clip_order(&self) -> Result<Option<Vec<usize>>, DatasetError> {
        self.probe.clip_order(self.clip_count()).map_err(|error| error.in_file(self.path()))
    }

    /// Texts attached to the file, sorted by name: version of UniFR, feature set, options.
    pub fn attributes(&self) -> Result<Vec<(String, String)>, DatasetError> {
        self.probe.attributes().map_err(|error| error.in_file(self.path()))
    }

    /// Where the rows of each column begin; none if one is compressed or cut otherwise.
    pub(super) fn row_addresses(&self) -> Option<Vec<Vec<u64>>> {
        let addresses = self.columns.iter().map(|(_, place)| match place {
            Place::Rows { addresses, is_chunked: true } => Some(addresses.clone()),
            _ => None,
        });
        addresses.collect()
    }

    /// The numbers of one stored column of one row.
    pub(super) fn floats(&self, name: &str, row: usize) -> Result<Vec<f32>, DatasetError> {
        self.numbers(name, row, f32::from_le_bytes, hdf5::Dataset::read_f32_rows)
    }

    /// The whole numbers of one stored column of one row.
    pub(super) fn ints(&self, name: &str, row: usize) -> Result<Vec<i32>, DatasetError> {
        self.numbers(name, row, i32::from_le_bytes, hdf5::Dataset::read_i32_rows)
    }

    fn numbers<T>(
        &self,
        name: &str,
        row: usize,
        number_from_bytes: impl Fn([u8; Element::BYTES]) -> T,
        decode: fn(&hdf5::Dataset, u64, u64) -> Result<Vec<T>, hdf5::Error>,
    ) -> Result<Vec<T>, DatasetError> {
        self.require_row(row)?;
        let (column, place) = self
            .columns
            .iter()
            .find(|(column, _)| column.name == name)
            .expect("every layout has the columns of a speaker, and tokens are asked for only where they are");
        let values = match place {
            Place::Rows { addresses, .. } => self.probe.read(addresses[row], column.row_bytes(), number_from_bytes),
            Place::Library(dataset) => guarded(|| decode(dataset, row as u64, 1)),
        };
        let values = values.map_err(|error| error.in_file(self.path()))?;
        if values.len() == column.row_count() {
            return Ok(values);
        }
        let clip_count = self.clip_count();
        Err(DatasetError::NoData { name: name.to_owned(), row, clip_count }.in_file(self.path()))
    }

    fn require_row(&self, row: usize) -> Result<(), DatasetError> {
        if row < self.clip_count() {
            return Ok(());
        }
        Err(DatasetError::Row { row, clip_count: self.clip_count() }.in_file(self.path()))
    }
}
