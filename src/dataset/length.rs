//! One rule for clips that are longer or shorter than the file's: cut the end, or fill it.
//!
//! In:  features or attributes of any number of frames.
//! Out: exactly the file's number of frames.
//!
//! Departure: any other number aborts the published preparation (defect 3). Filled frames count as frames without a
//! face, so the model sees its own no-face vector there; pose, voice and attributes repeat their last row.

use crate::features::{FRAMES_PER_POSE, FeatureDims, SpeakerFeatures};

/// Rows cut to `frame_count`, or the last one repeated up to it; none if there is no row to repeat.
pub fn fitted_rows<T: Clone>(mut rows: Vec<T>, frame_count: usize) -> Option<Vec<T>> {
    let last = rows.last()?.clone();
    rows.resize(frame_count, last);
    Some(rows)
}

/// The features of a speaker cut or filled to `frame_count` frames; clip features stay as they are.
#[must_use]
pub fn fitted_features(mut speaker: SpeakerFeatures, dims: &FeatureDims, frame_count: usize) -> SpeakerFeatures {
    speaker.frame_count = frame_count;
    speaker.has_face.resize(frame_count, false);
    speaker.expression.resize(frame_count * dims.expression, 0.0);
    speaker.action_units.resize(frame_count * dims.action_units, 0.0);
    speaker.valence_arousal.resize(frame_count * dims.valence_arousal, 0.0);
    repeat_last_row(&mut speaker.pose, dims.pose, frame_count / FRAMES_PER_POSE);
    repeat_last_row(&mut speaker.filterbank, dims.filterbank, frame_count);
    speaker
}

/// Cuts or fills a stream of rows; zeros where there is no row to repeat.
fn repeat_last_row(values: &mut Vec<f32>, width: usize, row_count: usize) {
    let last = values.len().checked_sub(width).map_or_else(|| vec![0.0; width], |start| values[start..].to_vec());
    values.truncate(row_count * width);
    while values.len() < row_count * width {
        values.extend_from_slice(&last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMS: FeatureDims = FeatureDims {
        expression: 1,
        action_units: 1,
        valence_arousal: 1,
        pose: 2,
        filterbank: 1,
        functionals: 1,
        descriptors: 1,
    };

    #[test]
    fn rows_are_cut_or_the_last_is_repeated() {
        assert_eq!(fitted_rows(vec![1, 2, 3], 2), Some(vec![1, 2]));
        assert_eq!(fitted_rows(vec![1, 2], 4), Some(vec![1, 2, 2, 2]));
        assert_eq!(fitted_rows(Vec::<u8>::new(), 4), None);
    }

    #[test]
    fn filled_frames_have_no_face_and_keep_the_last_pose_and_sound() {
        let streams = vec![1.0; 5];
        let speaker = SpeakerFeatures {
            frame_count: 5,
            expression: streams.clone(),
            action_units: streams.clone(),
            valence_arousal: streams,
            pose: vec![7.0, 8.0],
            filterbank: vec![1.0, 2.0, 3.0, 4.0, 5.0],
            functionals: vec![1.0],
            descriptors: vec![1.0],
            has_face: vec![true; 5],
        };
        let longer = fitted_features(speaker.clone(), &DIMS, 10);
        longer.check(&DIMS).unwrap();
        assert_eq!(longer.has_face, [[true; 5], [false; 5]].concat());
        assert_eq!(longer.expression[4..6], [1.0, 0.0]);
        assert_eq!(longer.pose, [7.0, 8.0, 7.0, 8.0]);
        assert_eq!(longer.filterbank[4..], [5.0; 6]);
        let shorter = fitted_features(speaker, &DIMS, 3);
        shorter.check(&DIMS).unwrap();
        assert_eq!(shorter.filterbank, [1.0, 2.0, 3.0]);
    }
}
