//! One item of a batch in plain numbers: what the speaker does, and for training whose reaction is learned.
//!
//! In:  a prepared file and the matrix of its rows ([`crate::dataset`]).
//! Out: [`SpeakerItem`], [`TrainingItem`]; tensors are made of them elsewhere.
//! Source: `src/utils/dataset.py`, section 4 of the published system.
//!
//! Item `k` of a training is row `k mod n` in epoch `k div n`: rows are read in order, epoch after epoch, and everything
//! drawn for an item comes from streams that its epoch and row address. An item is therefore a pure function of the
//! seed and its number.
//!
//! Departure: the published reading and its random streams start again at row 0 after a resume (defect 14), and its
//! items share one buffer (defect 12).

use rand::Rng;

use super::BatchesError;
use super::masking::{draw_counted, draw_known};
use crate::dataset::{Appropriateness, DatasetError, Reader};
use crate::features::{FRAMES_PER_POSE, SpeakerFeatures};
use crate::random::{self, Owner};

/// Tokens of one reaction: action units, expression, valence-arousal, one per frame.
pub type ReactionTokens = [Vec<i32>; 3];

/// What the model sees of one speaker; every item owns its memory.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeakerItem {
    /// Frames of the clip.
    pub frame_count: usize,
    /// `[frames, width]`, as stored.
    pub expression: Vec<f32>,
    /// `[frames, width]`, as stored.
    pub action_units: Vec<f32>,
    /// `[frames, width]`, as stored.
    pub valence_arousal: Vec<f32>,
    /// `[frames, width]`: each stored row five times in a row.
    pub pose: Vec<f32>,
    /// `[frames, width]`, as stored.
    pub filterbank: Vec<f32>,
    /// `[width]`, standardised.
    pub functionals: Vec<f32>,
    /// `[width]`, standardised.
    pub descriptors: Vec<f32>,
    /// `[frames]`.
    pub has_face: Vec<bool>,
}

impl SpeakerItem {
    /// Prepares features as they are stored, or as they were just extracted from a clip.
    pub fn from_features(speaker: SpeakerFeatures, pose_delay: usize) -> Self {
        let pose = pose_per_frame(&speaker.pose, speaker.pose_count(), speaker.frame_count, pose_delay);
        Self {
            frame_count: speaker.frame_count,
            expression: speaker.expression,
            action_units: speaker.action_units,
            valence_arousal: speaker.valence_arousal,
            pose,
            filterbank: speaker.filterbank,
            functionals: standardised(speaker.functionals),
            descriptors: standardised(speaker.descriptors),
            has_face: speaker.has_face,
        }
    }

    /// The first `count` frames, or all if there are fewer; the clip's vectors stay as they are.
    #[must_use]
    pub fn first_frames(&self, count: usize) -> Self {
        let count = count.min(self.frame_count);
        let part = |values: &[f32]| values[..values.len() / self.frame_count.max(1) * count].to_vec();
        Self {
            frame_count: count,
            expression: part(&self.expression),
            action_units: part(&self.action_units),
            valence_arousal: part(&self.valence_arousal),
            pose: part(&self.pose),
            filterbank: part(&self.filterbank),
            functionals: self.functionals.clone(),
            descriptors: self.descriptors.clone(),
            has_face: self.has_face[..count].to_vec(),
        }
    }

    /// Reads the speaker of one row.
    pub fn read(reader: &Reader, row: usize, pose_delay: usize) -> Result<Self, DatasetError> {
        Ok(Self::from_features(reader.speaker(row)?, pose_delay))
    }
}

/// Each pose row once per frame it is given to; frames after the last whole window keep its row.
///
/// With a `delay` of 0 a row is given to the five frames that it describes, as published, so that up to four of them
/// look ahead (defect 29); with 1, to the five after them, and the first five frames get zeros.
pub fn pose_per_frame(rows: &[f32], row_count: usize, frame_count: usize, delay: usize) -> Vec<f32> {
    let width = rows.len().checked_div(row_count).unwrap_or(0);
    let mut pose = vec![0.0; frame_count * width];
    if row_count == 0 {
        return pose;
    }
    for frame in delay * FRAMES_PER_POSE..frame_count {
        let row = (frame / FRAMES_PER_POSE - delay).min(row_count - 1);
        pose[frame * width..][..width].copy_from_slice(&rows[row * width..][..width]);
    }
    pose
}

/// Sets NaN to 0, subtracts the mean of the whole vector and divides by its unbiased standard deviation.
///
/// Departure: a vector of equal numbers gives NaN or infinities in the published code; here it gives zeros.
pub fn standardised(mut values: Vec<f32>) -> Vec<f32> {
    for value in values.iter_mut().filter(|value| value.is_nan()) {
        *value = 0.0;
    }
    let is_constant = values.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits());
    if is_constant {
        values.fill(0.0);
        return values;
    }
    let count = values.len() as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let squares = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>();
    let deviation = (squares / (count - 1.0)).sqrt();
    for value in &mut values {
        *value = ((f64::from(*value) - mean) / deviation) as f32;
    }
    values
}

/// One item of training.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingItem {
    /// The row of the file whose speaker this is.
    pub row: usize,
    /// The speaker.
    pub speaker: SpeakerItem,
    /// A reaction that fits the speaker: mostly the real one.
    pub listener: ReactionTokens,
    /// A reaction that doesn't fit, if it was asked for.
    pub impostor: Option<ReactionTokens>,
    /// Which tokens of the listener are visible in the masked pass, `[frames, 3]`.
    pub is_known: Vec<bool>,
    /// Which tokens of the listener the masked loss counts, `[frames, 3]`.
    pub is_counted: Vec<bool>,
}

/// How items of training are drawn.
#[derive(Clone, Copy, Debug)]
pub struct ItemOptions {
    /// The run's seed.
    pub seed: u64,
    /// Chance that another appropriate listener takes the real one's place.
    pub shuffle_listener: f64,
    /// Whether the matching objective is trained and needs an impostor.
    pub has_impostor: bool,
    /// Chance that a token counts in the masked loss although it is visible.
    pub counted_rate: f32,
    /// Pose windows by which the pose comes late; see [`pose_per_frame`].
    pub pose_delay: usize,
}

/// The items of a training file.
pub struct TrainingItems {
    reader: Reader,
    matrix: Appropriateness,
    options: ItemOptions,
}

impl TrainingItems {
    /// Refuses a file without tokens and a matrix that does not fit it or lacks what the options ask for.
    pub fn new(reader: Reader, matrix: Appropriateness, options: ItemOptions) -> Result<Self, DatasetError> {
        if !reader.has_tokens() {
            return Err(DatasetError::NoTokens.in_file(reader.path()));
        }
        if reader.clip_count() == 0 {
            return Err(DatasetError::Row { row: 0, clip_count: 0 }.in_file(reader.path()));
        }
        matrix.require_clip_count(reader.clip_count())?;
        if options.shuffle_listener > 0.0 {
            matrix.require_appropriate()?;
        }
        if options.has_impostor {
            matrix.require_inappropriate()?;
        }
        Ok(Self { reader, matrix, options })
    }

    /// The file.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Item `number` of the training, counted from 0 over all epochs.
    pub fn item(&self, number: u64) -> Result<TrainingItem, BatchesError> {
        let clip_count = self.reader.clip_count() as u64;
        let (epoch, row) = (number / clip_count, (number % clip_count) as usize);
        let listener = self.listener_row(epoch, row);
        let impostor = self.options.has_impostor.then(|| self.impostor_row(epoch, row));
        let mut random = random::stream(self.options.seed, Owner::Masking, [epoch, row as u64, 0]);
        let is_known = draw_known(&mut random, self.reader.frame_count());
        let is_counted = draw_counted(&mut random, &is_known, self.options.counted_rate);
        Ok(TrainingItem {
            row,
            speaker: SpeakerItem::read(&self.reader, row, self.options.pose_delay)?,
            listener: self.reader.listener_tokens(listener)?,
            impostor: impostor.map(|row| self.reader.listener_tokens(row)).transpose()?,
            is_known,
            is_counted,
        })
    }

    /// The row whose listener is learned: with chance `shuffle_listener` any appropriate one (the real one among them).
    fn listener_row(&self, epoch: u64, row: usize) -> usize {
        let mut random = random::stream(self.options.seed, Owner::Listeners, [epoch, row as u64, 0]);
        if random.random::<f64>() >= self.options.shuffle_listener {
            return row;
        }
        let appropriate = self.matrix.appropriate(row);
        appropriate[random.random_range(0..appropriate.len())] as usize
    }

    /// A row whose listener is not appropriate, each with equal chance.
    fn impostor_row(&self, epoch: u64, row: usize) -> usize {
        let mut random = random::stream(self.options.seed, Owner::Listeners, [epoch, row as u64, 1]);
        let rank = random.random_range(0..self.matrix.inappropriate_count(row));
        self.matrix.inappropriate(row, rank).expect("the rank is below the number of inappropriate clips")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Partition, Writer};
    use crate::features::FeatureDims;

    #[test]
    fn a_constant_vector_becomes_zeros_whatever_its_value() {
        // The sum of many 0.1 is not exact, so a mean taken first would leave a tiny deviation to divide by.
        assert_eq!(standardised(vec![0.1; 997]), vec![0.0; 997]);
        assert_eq!(standardised(vec![f32::NAN; 3]), vec![0.0; 3]);
        assert_eq!(standardised(vec![5.0]), vec![0.0]);
    }

    #[test]
    fn the_deviation_is_unbiased_and_nan_counts_as_zero() {
        // Mean of 1, 0, 2 is 1; squares 0 + 1 + 1 over 2 give a deviation of 1.
        assert_eq!(standardised(vec![1.0, f32::NAN, 2.0]), vec![0.0, -1.0, 1.0]);
    }

    #[test]
    fn pose_rows_are_repeated_for_their_frames() {
        // The published example dataset hands over 150 rows where the model wants 750 (defect 13).
        assert_eq!(pose_per_frame(&[1.0, 2.0], 2, 10, 0), [[1.0; 5], [2.0; 5]].concat());
        assert_eq!(pose_per_frame(&[1.0, 2.0], 1, 6, 0), [1.0, 2.0].repeat(6));
        assert!(pose_per_frame(&[], 0, 3, 0).is_empty());
        assert_eq!(pose_per_frame(&[1.0, 2.0], 2, 10, 1), [[0.0; 5], [1.0; 5]].concat());
    }

    const DIMS: FeatureDims = FeatureDims {
        expression: 1,
        action_units: 1,
        valence_arousal: 1,
        pose: 1,
        filterbank: 1,
        functionals: 2,
        descriptors: 2,
    };

    /// Four clips of five frames; all numbers of a clip are its row.
    fn items(options: ItemOptions) -> TrainingItems {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.h5");
        let mut writer = Writer::create(&path, Partition::Train, DIMS, 5, &[]).unwrap();
        for row in 0..4 {
            let stream = vec![row as f32; 5];
            let speaker = SpeakerFeatures {
                frame_count: 5,
                expression: stream.clone(),
                action_units: stream.clone(),
                valence_arousal: stream.clone(),
                pose: vec![row as f32],
                filterbank: stream,
                functionals: vec![row as f32, 0.0],
                descriptors: vec![row as f32, 0.0],
                has_face: vec![true; 5],
            };
            writer.append(&format!("clip/{row}"), &speaker, Some(&[(); 3].map(|()| vec![row; 5]))).unwrap();
        }
        writer.finish().unwrap();
        let matrix = Appropriateness::from_rows(vec![vec![0, 3], vec![1], vec![0, 2], vec![3]]).unwrap();
        TrainingItems::new(Reader::open(&path).unwrap(), matrix, options).unwrap()
    }

    #[test]
    fn rows_come_in_order_epoch_after_epoch_and_an_item_is_a_function_of_its_number() {
        let items =
            items(ItemOptions { seed: 1, shuffle_listener: 0.2, has_impostor: true, counted_rate: 0.2, pose_delay: 0 });
        let all: Vec<TrainingItem> = (0..9).map(|number| items.item(number).unwrap()).collect();
        assert_eq!(all.iter().map(|item| item.row).collect::<Vec<_>>(), [0, 1, 2, 3, 0, 1, 2, 3, 0]);
        assert_eq!(all[5], items.item(5).unwrap());
        assert_ne!(all[1].is_known, all[5].is_known);
    }

    #[test]
    fn every_item_keeps_its_own_features() {
        // The published items were views of one buffer, so that a batch showed the last clip four times (defect 12).
        let items = items(ItemOptions {
            seed: 1,
            shuffle_listener: 0.0,
            has_impostor: false,
            counted_rate: 0.2,
            pose_delay: 0,
        });
        let batch: Vec<TrainingItem> = (0..4).map(|number| items.item(number).unwrap()).collect();
        for (row, item) in batch.iter().enumerate() {
            assert_eq!(item.speaker.expression, [row as f32; 5]);
            assert_eq!(item.listener[2], [row as i32; 5]);
            assert_eq!(item.impostor, None);
        }
    }

    #[test]
    fn listeners_are_shuffled_among_the_appropriate_and_impostors_come_from_the_rest() {
        let items =
            items(ItemOptions { seed: 1, shuffle_listener: 0.5, has_impostor: true, counted_rate: 0.2, pose_delay: 0 });
        let (mut shuffled, mut impostors) = (0, [0; 4]);
        for epoch in 0..4000 {
            let item = items.item(epoch * 4).unwrap();
            let listener = item.listener[0][0];
            assert!(listener == 0 || listener == 3, "{listener}");
            shuffled += i32::from(listener == 3);
            impostors[item.impostor.unwrap()[0][0] as usize] += 1;
        }
        // Row 0: half of the half goes to row 3, 1000 of 4000 (deviation 27); impostors 1 and 2, 2000 each (deviation 32).
        assert!((shuffled - 1000).abs() < 150, "{shuffled}");
        assert_eq!((impostors[0], impostors[3]), (0, 0));
        assert!((impostors[1] - 2000_i32).abs() < 160, "{impostors:?}");
    }

    #[test]
    fn a_matrix_that_leaves_nothing_to_draw_is_refused_with_its_row() {
        let refused = |rows: Vec<Vec<u32>>| {
            let TrainingItems { reader, options, .. } = items(ItemOptions {
                seed: 1,
                shuffle_listener: 0.2,
                has_impostor: true,
                counted_rate: 0.2,
                pose_delay: 0,
            });
            TrainingItems::new(reader, Appropriateness::from_rows(rows).unwrap(), options).err().unwrap().to_string()
        };
        assert!(refused(vec![vec![0], vec![], vec![2], vec![3]]).starts_with("row 1 has no appropriate reaction"));
        assert!(refused(vec![vec![0], vec![1], vec![0, 1, 2, 3], vec![3]]).starts_with("row 2 calls every reaction"));
        assert!(refused(vec![vec![0]]).starts_with("it has shape [1, 1], expected [4, 4]"));
    }
}
