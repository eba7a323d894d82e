//! The seven streams of one speaker, and how wide each is.
//!
//! In:  nothing: plain data.
//! Out: [`SpeakerFeatures`], [`FeatureDims`].
//! Source: the datasets `s_*` and `is_face` of the published HDF5 files.

use super::FeaturesError;

/// Frames that share one row of the pose stream: the published video network sees 5 frames at a time.
pub const FRAMES_PER_POSE: usize = 5;

/// Everything the model hears and sees of one clip's speaker. Row-major; frames first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpeakerFeatures {
    /// Frames of the clip, 25 a second.
    pub frame_count: usize,
    /// What the face expresses: `[frames, dims.expression]`; zeros where no face was found.
    pub expression: Vec<f32>,
    /// Which muscles of the face are at work: `[frames, dims.action_units]`; zeros where no face was found.
    pub action_units: Vec<f32>,
    /// How pleasant and how excited the face is: `[frames, dims.valence_arousal]`; zeros where no face was found.
    pub valence_arousal: Vec<f32>,
    /// Head and body: `[frames / 5, dims.pose]`, one row per [`FRAMES_PER_POSE`] frames.
    pub pose: Vec<f32>,
    /// Log mel energies of the voice: `[frames, dims.filterbank]`.
    pub filterbank: Vec<f32>,
    /// Statistics of the voice over the whole clip: `[dims.functionals]`.
    pub functionals: Vec<f32>,
    /// The voice at a low rate: `[dims.descriptors]`, a fixed length whatever the clip's.
    pub descriptors: Vec<f32>,
    /// Whether a face was found: `[frames]`.
    pub has_face: Vec<bool>,
}

impl SpeakerFeatures {
    /// Rows of the pose stream.
    pub fn pose_count(&self) -> usize {
        self.frame_count / FRAMES_PER_POSE
    }

    /// Refuses features whose streams do not have the length that `dims` and the frame count ask for.
    pub fn check(&self, dims: &FeatureDims) -> Result<(), FeaturesError> {
        let streams = [
            ("expression", self.expression.len(), self.frame_count * dims.expression),
            ("action units", self.action_units.len(), self.frame_count * dims.action_units),
            ("valence-arousal", self.valence_arousal.len(), self.frame_count * dims.valence_arousal),
            ("pose", self.pose.len(), self.pose_count() * dims.pose),
            ("filterbank", self.filterbank.len(), self.frame_count * dims.filterbank),
            ("functionals", self.functionals.len(), dims.functionals),
            ("descriptors", self.descriptors.len(), dims.descriptors),
            ("face flags", self.has_face.len(), self.frame_count),
        ];
        match streams.into_iter().find(|(_, found, expected)| found != expected) {
            Some((stream, found, expected)) => Err(FeaturesError::StreamLength { stream, found, expected }),
            None => Ok(()),
        }
    }
}

/// Width of each stream; the model takes them from the feature set or from the data file, never from constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureDims {
    /// Numbers per frame in [`SpeakerFeatures::expression`].
    pub expression: usize,
    /// Numbers per frame in [`SpeakerFeatures::action_units`].
    pub action_units: usize,
    /// Numbers per frame in [`SpeakerFeatures::valence_arousal`].
    pub valence_arousal: usize,
    /// Numbers per five frames in [`SpeakerFeatures::pose`].
    pub pose: usize,
    /// Numbers per frame in [`SpeakerFeatures::filterbank`].
    pub filterbank: usize,
    /// Numbers per clip in [`SpeakerFeatures::functionals`].
    pub functionals: usize,
    /// Numbers per clip in [`SpeakerFeatures::descriptors`].
    pub descriptors: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMS: FeatureDims = FeatureDims {
        expression: 2,
        action_units: 3,
        valence_arousal: 1,
        pose: 4,
        filterbank: 2,
        functionals: 5,
        descriptors: 6,
    };

    fn features(frame_count: usize) -> SpeakerFeatures {
        SpeakerFeatures {
            frame_count,
            expression: vec![0.0; frame_count * 2],
            action_units: vec![0.0; frame_count * 3],
            valence_arousal: vec![0.0; frame_count],
            pose: vec![0.0; frame_count / 5 * 4],
            filterbank: vec![0.0; frame_count * 2],
            functionals: vec![0.0; 5],
            descriptors: vec![0.0; 6],
            has_face: vec![true; frame_count],
        }
    }

    #[test]
    fn streams_of_the_right_length_pass_and_a_short_one_is_named() {
        assert!(features(11).check(&DIMS).is_ok());
        let mut short = features(11);
        short.pose.pop();
        let message = short.check(&DIMS).unwrap_err().to_string();
        assert!(message.contains("pose") && message.contains('7') && message.contains('8'), "{message}");
    }
}
