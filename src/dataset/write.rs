//! Writes a prepared HDF5 file clip by clip; memory holds names and addresses, never a clip's numbers twice.
//!
//! In:  [`SpeakerFeatures`] and listener tokens of one clip after the other.
//! Out: the file of [`Layout`]: chunked datasets, one chunk a clip, first axis unlimited.
//! Source: the `create_dataset` calls of `scripts/Data_Script.py`; h5py sees the same names, shapes and types.
//!
//! Rows go to the end of the file as they come, all streams of a clip side by side, so that reading a clip is one
//! sweep of the disk. What describes them is written by [`Writer::commit`] behind the last row, and the superblock
//! is turned to it last: whenever the work is cut off, the file holds the clips of the last commit.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::container::{self, Contents, StoredColumn};
use super::layout::{CLIP_ORDER, Column, Element, HAS_FACE, LISTENER_TOKENS, Layout, NAMES, TOKENS_PER_FRAME};
use super::read::Reader;
use super::{DatasetError, Partition};
use crate::features::{FeatureDims, SpeakerFeatures};
use crate::files::{self, FileError};

/// Numbers that are turned into bytes at once: 256 KiB stay in the processor's cache.
const BLOCK_NUMBERS: usize = 64 * 1024;

/// A prepared file under construction.
pub struct Writer {
    path: PathBuf,
    unfinished: Option<PathBuf>,
    file: File,
    end: u64,
    layout: Layout,
    columns: Vec<Column>,
    names: Vec<String>,
    rows: Vec<Vec<u64>>,
    attributes: Vec<(String, String)>,
    clip_order: Option<Vec<i64>>,
    block: Vec<u8>,
}

impl Writer {
    /// Begins a file; it appears under `path` when [`Writer::finish`] succeeds, and grows beside it until then.
    ///
    /// `notes` are attached to the file as texts: the feature set, options … The version of UniFR is added.
    pub fn create(
        path: &Path,
        partition: Partition,
        dims: FeatureDims,
        frame_count: usize,
        notes: &[(&str, &str)],
    ) -> Result<Self, DatasetError> {
        let layout = Layout { dims, frame_count, has_tokens: partition == Partition::Train };
        let unfinished = unfinished_path(path);
        files::create_folder(folder_of(path))?;
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished);
        let file = file.map_err(FileError::system("create", &unfinished))?;
        let own = [("unifr_version", env!("CARGO_PKG_VERSION")), ("partition", partition.name())];
        let attributes = own.iter().chain(notes).map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Ok(Self::start(path, Some(unfinished), file, layout, attributes))
    }

    fn start(
        path: &Path,
        unfinished: Option<PathBuf>,
        file: File,
        layout: Layout,
        attributes: Vec<(String, String)>,
    ) -> Self {
        let columns = layout.columns();
        let rows = vec![Vec::new(); columns.len()];
        let (path, names, clip_order, block) = (path.to_owned(), Vec::new(), None, Vec::new());
        let end = container::SUPERBLOCK_BYTES;
        Self { path, unfinished, file, end, layout, columns, names, rows, attributes, clip_order, block }
    }

    /// Opens a finished file of ours to add clips to it, in place; they count from the next commit on.
    pub fn reopen(path: &Path) -> Result<Self, DatasetError> {
        let reader = Reader::open(path)?;
        let file = OpenOptions::new().write(true).open(path).map_err(FileError::system("open for writing", path))?;
        let end = file.metadata().map_err(FileError::system("measure", path))?.len();
        let rows = reader.row_addresses().ok_or_else(|| {
            let problem = "only files with one chunk a clip, as UniFR writes them, can grow".to_owned();
            DatasetError::Unfit { name: path.display().to_string(), problem }
        })?;
        let clip_order = reader.clip_order()?.map(|order| order.iter().map(|row| *row as i64).collect());
        let attributes = reader.attributes()?;
        let mut writer = Self::start(path, None, file, *reader.layout(), attributes);
        writer.names = reader.names().to_vec();
        (writer.rows, writer.clip_order, writer.end) = (rows, clip_order, end);
        Ok(writer)
    }

    /// Clips written so far.
    pub fn clip_count(&self) -> usize {
        self.names.len()
    }

    /// Adds one clip; `tokens` are the listener's rows (action units, expression, valence-arousal) and belong to
    /// training files only.
    pub fn append(
        &mut self,
        name: &str,
        speaker: &SpeakerFeatures,
        tokens: Option<&[Vec<i32>; TOKENS_PER_FRAME]>,
    ) -> Result<(), DatasetError> {
        self.check(name, speaker, tokens)?;
        let flags: Vec<i32> = speaker.has_face.iter().map(|has_face| i32::from(*has_face)).collect();
        let mut rows = Vec::with_capacity(self.columns.len());
        let before = self.end;
        for place in 0..self.columns.len() {
            rows.push(self.end);
            let written = match self.columns[place].name {
                HAS_FACE => self.put_ints(&flags),
                LISTENER_TOKENS => self.put_tokens(tokens),
                _ => self.put_floats(floats(speaker, place)),
            };
            if let Err(error) = written {
                self.end = before;
                return Err(FileError::system("write", self.growing_path())(error).into());
            }
        }
        for (column, row) in self.rows.iter_mut().zip(rows) {
            column.push(row);
        }
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Stores which clip of the index each row holds, and the seed if one shuffled them.
    pub fn set_clip_order(&mut self, order: &[usize], seed: Option<u64>) {
        self.clip_order = Some(order.iter().map(|clip| *clip as i64).collect());
        self.attributes.retain(|(name, _)| name != "shuffle_seed");
        self.attributes.extend(seed.map(|seed| ("shuffle_seed".to_owned(), seed.to_string())));
    }

    /// Makes the clips written so far part of the file, safely on the disk.
    pub fn commit(&mut self) -> Result<(), DatasetError> {
        let written = self.write_metadata();
        Ok(written.map_err(FileError::system("write", self.growing_path()))?)
    }

    fn write_metadata(&mut self) -> std::io::Result<()> {
        let columns = self.columns.iter().zip(&self.rows);
        let contents = Contents {
            names: (NAMES, &self.names),
            columns: columns.map(|(column, rows)| StoredColumn { column, rows }).collect(),
            integers: self.clip_order.as_deref().map(|order| (CLIP_ORDER, order)),
            attributes: &self.attributes,
        };
        let start = self.end.next_multiple_of(8);
        let (bytes, root) = container::metadata(start, &contents);
        let end = start + bytes.len() as u64;
        self.file.write_all_at(&bytes, start)?;
        self.file.sync_data()?; // rows and their description before what points at them
        self.file.write_all_at(&container::superblock(root, end), 0)?;
        self.file.sync_all()?;
        self.end = end;
        Ok(())
    }

    /// Commits, and gives a new file its name.
    pub fn finish(mut self) -> Result<(), DatasetError> {
        self.commit()?;
        let Some(unfinished) = self.unfinished.take() else { return Ok(()) };
        // The new name itself is on the disk only once the folder is.
        let renamed = std::fs::rename(&unfinished, &self.path)
            .and_then(|()| File::open(folder_of(&self.path)))
            .and_then(|folder| folder.sync_all());
        Ok(renamed.map_err(FileError::system("write", &self.path))?)
    }

    fn check(
        &self,
        name: &str,
        speaker: &SpeakerFeatures,
        tokens: Option<&[Vec<i32>; TOKENS_PER_FRAME]>,
    ) -> Result<(), DatasetError> {
        let frame_count = self.layout.frame_count;
        let unfit = |problem: String| Err(DatasetError::Unfit { name: name.to_owned(), problem });
        if name.contains('\0') || name.is_empty() {
            return unfit("its name is empty or holds a zero byte".to_owned());
        }
        if speaker.frame_count != frame_count {
            return unfit(format!("it has {} frames, expected {frame_count}", speaker.frame_count));
        }
        speaker.check(&self.layout.dims).map_err(|error| DatasetError::unfit(name, &error))?;
        match (tokens, self.layout.has_tokens) {
            (None, true) => unfit("it has no listener tokens, and a training file needs them".to_owned()),
            (Some(_), false) => unfit("it has listener tokens, and only training files hold them".to_owned()),
            (Some(rows), true) if rows.iter().any(|row| row.len() != frame_count) => {
                let found = rows.each_ref().map(Vec::len);
                unfit(format!("its listener tokens have {found:?} frames, expected {frame_count}"))
            }
            _ => Ok(()),
        }
    }

    fn put_tokens(&mut self, tokens: Option<&[Vec<i32>; TOKENS_PER_FRAME]>) -> std::io::Result<()> {
        tokens.into_iter().flatten().try_for_each(|row| self.put_ints(row))
    }

    fn put_floats(&mut self, values: &[f32]) -> std::io::Result<()> {
        values.chunks(BLOCK_NUMBERS).try_for_each(|block| self.put(block.iter().map(|value| value.to_le_bytes())))
    }

    fn put_ints(&mut self, values: &[i32]) -> std::io::Result<()> {
        values.chunks(BLOCK_NUMBERS).try_for_each(|block| self.put(block.iter().map(|value| value.to_le_bytes())))
    }

    fn put(&mut self, numbers: impl ExactSizeIterator<Item = [u8; Element::BYTES]>) -> std::io::Result<()> {
        self.block.resize(numbers.len() * Element::BYTES, 0);
        let (words, _) = self.block.as_chunks_mut();
        words.iter_mut().zip(numbers).for_each(|(word, number)| *word = number);
        self.file.write_all_at(&self.block, self.end)?;
        self.end += self.block.len() as u64;
        Ok(())
    }

    fn growing_path(&self) -> &Path {
        self.unfinished.as_deref().unwrap_or(&self.path)
    }
}

impl Drop for Writer {
    /// Work that was given up leaves no half file behind.
    fn drop(&mut self) {
        if let Some(unfinished) = &self.unfinished
            && let Err(error) = std::fs::remove_file(unfinished)
        {
            log::warn!("could not remove the unfinished file `{}`: {error}", unfinished.display());
        }
    }
}

/// The numbers of the stream that is stored at `place` among [`Layout::columns`].
fn floats(speaker: &SpeakerFeatures, place: usize) -> &[f32] {
    let streams: [&[f32]; 7] = [
        &speaker.expression,
        &speaker.action_units,
        &speaker.valence_arousal,
        &speaker.pose,
        &speaker.filterbank,
        &speaker.functionals,
        &speaker.descriptors,
    ];
    streams[place]
}

fn unfinished_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    path.with_file_name(name)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}
