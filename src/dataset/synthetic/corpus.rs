//! Writes the corpus to files, clip by clip.
//!
//! In:  [`SyntheticSettings`] and a folder.
//! Out: the prepared files of all three partitions with matrix and ground truths, index files, and codebooks of the
//!      training part under `Index/`; [`SyntheticCorpus`] says where.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::conversations::{Conversations, Purpose};
use super::language::Language;
use super::settings::{SyntheticError, SyntheticSettings};
use crate::dataset::{
    Appropriateness, Builder, Built, ClipIndex, DatasetError, Partition, Plan, appropriateness_path,
    listener_truth_path, speaker_truth_path, write_ground_truths,
};
use crate::features::compact::marginals;
use crate::features::{FeatureSet, SpeakerFeatures};
use crate::files;
use crate::tokens::{CodebookBuilder, CodebookFiles, CodebookSettings, Codebooks, VocabularySizes};

/// Centres of the expressions. The 4 tones of 13 face states make 52 heaps; 32 centres leave the larger ones apart and
/// join only neighbouring levels, so that every token is met often: 256 clips of 120 frames give 960 frames a centre.
const EXPRESSION_CENTRES: usize = 32;

/// Files of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntheticPartition {
    /// Which one.
    pub partition: Partition,
    /// Ids of its clips, one a line.
    pub index: PathBuf,
    /// The prepared HDF5 file.
    pub dataset: PathBuf,
    /// Which reactions are appropriate, in the order of the file's rows.
    pub matrix: PathBuf,
    /// Attributes of the speakers, in the order of the file's rows.
    pub speaker_truth: PathBuf,
    /// Attributes of the listeners, likewise.
    pub listener_truth: PathBuf,
}

/// A corpus on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntheticCorpus {
    /// Training, validation and test part.
    pub partitions: [SyntheticPartition; 3],
    /// The codebooks.
    pub codebooks: CodebookFiles,
    /// Tokens in each codebook.
    pub sizes: VocabularySizes,
}

/// Writes the corpus into `folder`; `progress` hears how many of how many clips are done.
pub fn write_corpus(
    folder: &Path,
    settings: &SyntheticSettings,
    mut progress: impl FnMut(usize, usize),
) -> Result<SyntheticCorpus, SyntheticError> {
    settings.check()?;
    files::create_folder(folder)?;
    let codebooks = codebooks(&settings.conversations(Partition::Train), settings.seed)?;
    codebooks.save(&folder.join("Index"))?;
    let language = Language::new(&marginals(), settings.frames);
    let total = settings.train_clips + settings.val_clips + settings.test_clips;
    let mut done = 0;
    for partition in Partition::ALL {
        let rows = settings.conversations(partition);
        write_partition(folder, &rows, &language, &codebooks, || {
            done += 1;
            progress(done, total);
        })?;
    }
    Ok(SyntheticCorpus {
        partitions: Partition::ALL.map(|partition| paths(folder, partition)),
        codebooks: CodebookFiles::in_folder(&folder.join("Index")),
        sizes: codebooks.sizes(),
    })
}

/// The features of one row's person, as speaker.
pub fn speaker(rows: &Conversations, language: &Language, row: usize) -> SpeakerFeatures {
    let (mut chance, mut face_chance) = (rows.chance(Purpose::Features, row), rows.chance(Purpose::Faces, row));
    language.features(&rows.signals(row), &mut chance, &mut face_chance)
}

/// Codebooks of all that the people of a partition show.
pub fn codebooks(rows: &Conversations, seed: u64) -> Result<Codebooks, SyntheticError> {
    let settings = CodebookSettings { expression_count: EXPRESSION_CENTRES, seed, ..CodebookSettings::default() };
    let mut builder = CodebookBuilder::new(settings);
    for row in 0..rows.clip_count {
        builder.add(&rows.attributes(row))?;
    }
    Ok(builder.finish()?)
}

fn write_partition(
    folder: &Path,
    rows: &Conversations,
    language: &Language,
    codebooks: &Codebooks,
    mut clip_done: impl FnMut(),
) -> Result<(), SyntheticError> {
    let partition = rows.partition;
    let ids: Vec<String> = (0..rows.clip_count).map(|row| rows.id(row)).collect();
    let row_of: HashMap<String, usize> = ids.iter().cloned().zip(0..).collect();
    let index_text = ids.join("\n") + "\n";
    let index_path = folder.join(partition.index_file_name());
    files::write_atomically(&index_path, |file| file.write_all(index_text.as_bytes()))?;
    let index = ClipIndex::from_ids(ids)?;
    let matrix = Appropriateness::from_rows(
        (0..rows.clip_count).map(|row| rows.appropriate(row).into_iter().map(|row| row as u32).collect()).collect(),
    )?;
    let seed = rows.seed.to_string();
    let notes = [("feature_set", FeatureSet::Compact.name()), ("synthetic_seed", seed.as_str())];
    let mut builder = Builder::begin(Plan {
        folder,
        partition,
        index: &index,
        matrix: Some(&matrix),
        dims: FeatureSet::Compact.dims(),
        frame_count: rows.frame_count,
        seed: rows.seed,
        notes: &notes,
    })?;
    for clip in builder.order().to_vec() {
        builder.add(clip, &speaker(rows, language, clip), |id| tokens(rows, codebooks, row_of[id]))?;
        clip_done();
    }
    let Built { clip_order, .. } = builder.finish()?;
    write_ground_truths(
        folder,
        partition,
        &index,
        &clip_order,
        rows.frame_count,
        |id| Ok(rows.attributes(row_of[id])),
    )?;
    Ok(())
}

/// What the row's person shows, as rows of action-unit, expression and valence-arousal tokens.
fn tokens(rows: &Conversations, codebooks: &Codebooks, row: usize) -> Result<[Vec<i32>; 3], DatasetError> {
    let (tokens, _) = codebooks.tokens_from_attributes(&rows.attributes(row))?;
    Ok([
        tokens.iter().map(|frame| frame.action_units as i32).collect(),
        tokens.iter().map(|frame| frame.expression as i32).collect(),
        tokens.iter().map(|frame| frame.valence_arousal as i32).collect(),
    ])
}

fn paths(folder: &Path, partition: Partition) -> SyntheticPartition {
    SyntheticPartition {
        partition,
        index: folder.join(partition.index_file_name()),
        dataset: folder.join(partition.file_name()),
        matrix: appropriateness_path(folder, partition),
        speaker_truth: speaker_truth_path(folder, partition),
        listener_truth: listener_truth_path(folder, partition),
    }
}
