//! A part of the published folder tree to its prepared files.
//!
//! In:  `<part>_idx.csv`, `<part>/Video_files/<id>.mp4`, `<part>/Emotion/<id>.csv`, the part's matrix and, for training
//! tokens, `Index/` with the codebooks (made here where there are none), all below one root.
//! Out: beside them the HDF5 file and its matrix; for val the ground truths too.
//! Source: `scripts/Data_Script.py -d`; section 2 of the published preparation.
//!
//! Departure: the listener of a training row is the partner of the clip in it (defect 1), and a clip that cannot be read
//! is left out instead of ending the work.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Written;
use super::listeners::Listeners;
use super::options::CheckedOptions;
use super::work::{prepare_all, verdict_of};
use crate::dataset::{
    Builder, ClipIndex, Partition, Plan, listener_truth_path, published_matrix, speaker_truth_path, write_ground_truths,
};
use crate::report::Problems;
use crate::tokens::read_emotion_csv;

/// Prepares `partition` of the tree at `root`.
pub fn prepare(root: &Path, partition: Partition, options: &CheckedOptions) -> anyhow::Result<Written> {
    let deed = || format!("could not prepare the {partition} part of `{}`", root.display());
    let index = ClipIndex::read(&root.join(partition.index_file_name())).with_context(deed)?;
    let matrix = published_matrix(root, partition).with_context(deed)?;
    let mut listeners = Listeners::open(root, partition, &index, options.frame_count).with_context(deed)?;
    let notes = options.borrowed_notes();
    let mut builder = Builder::begin(Plan {
        folder: root,
        partition,
        index: &index,
        matrix: matrix.as_ref(),
        dims: options.prepare.feature_set.dims(),
        frame_count: options.frame_count,
        seed: options.seed,
        notes: &notes,
    })
    .with_context(deed)?;
    let order = builder.order().to_vec();
    let paths: Vec<PathBuf> = order.iter().map(|clip| partition.video_path(root, index.id(*clip))).collect();
    let problems = Problems::default();
    prepare_all(&paths, options, &problems, |position, prepared| {
        let clip = order[position];
        match listeners.tokens(index.id(index.partner(clip))) {
            Ok(tokens) => builder.add(clip, &prepared.features, |_| Ok(tokens)).with_context(deed),
            Err(error) => {
                problems.add(paths[position].display().to_string(), &error);
                Ok(())
            }
        }
    })?;
    let built = builder.finish().with_context(deed)?;
    if built.clip_order.is_empty() {
        bail!("{}", problems.summary(paths.len(), "clips").unwrap_or_default());
    }
    listeners.warn_of_replacements();
    let mut written: Vec<PathBuf> = [Some(built.path), built.matrix].into_iter().flatten().collect();
    if partition == Partition::Val {
        written.extend(write_truths(root, &index, &built.clip_order, options.frame_count)?);
    }
    Ok(Written { paths: written, verdict: verdict_of(&problems, paths.len()) })
}

/// Ground truths of the rows that were written, from the emotion files.
fn write_truths(root: &Path, index: &ClipIndex, order: &[usize], frame_count: usize) -> anyhow::Result<[PathBuf; 2]> {
    let partition = Partition::Val;
    let attributes_of = |id: &str| Ok(read_emotion_csv(&partition.emotion_path(root, id))?);
    write_ground_truths(root, partition, index, order, frame_count, attributes_of)
        .context("the features are written, but the ground truths could not be")?;
    Ok([speaker_truth_path(root, partition), listener_truth_path(root, partition)])
}
