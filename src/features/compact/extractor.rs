//! A clip pushed through frame by frame, and its features at the end.
//!
//! In:  grey frames, face crops with their boxes, then the sound.
//! Out: [`SpeakerFeatures`] with the widths of [`super::DIMS`].

use super::face::NormalFace;
use super::head::HeadTrack;
use super::shape::Shape;
use super::voice::Voice;
use super::{edges, shape, texture};
use crate::audio::{AudioError, FilterbankReading, mono_signal};
use crate::faces::FaceBox;
use crate::features::{FittedLength, SpeakerFeatures};
use crate::media::{GrayImage, Sound};

/// Describes one clip; holds the features and the last face, no pictures.
pub struct CompactExtractor {
    shape: Shape,
    before: Option<NormalFace>,
    head: HeadTrack,
    features: SpeakerFeatures,
}

impl Default for CompactExtractor {
    fn default() -> Self {
        Self::new()
    }
}

impl CompactExtractor {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self { shape: Shape::new(), before: None, head: HeadTrack::new(), features: SpeakerFeatures::default() }
    }

    /// Frames pushed so far.
    pub fn frame_count(&self) -> usize {
        self.features.has_face.len()
    }

    /// Takes the next frame and, where one was found, its face: the 128x128 grey crop and the box it came from.
    pub fn push_frame(&mut self, frame: &GrayImage, face: Option<(&GrayImage, &FaceBox)>) {
        self.head.push(frame, face.map(|(_, face_box)| face_box));
        let normal = face.map(|(crop, _)| NormalFace::from_crop(crop));
        let features = &mut self.features;
        features.has_face.push(normal.is_some());
        if let Some(face) = &normal {
            texture::describe(face, &mut features.expression);
            edges::describe(face, &mut features.action_units);
            self.shape.describe(face, self.before.as_ref(), &mut features.valence_arousal);
        }
        self.before = normal;
        self.fill_faces(self.frame_count());
    }

    /// Zeros for frames up to `frame_count` that have no face.
    fn fill_faces(&mut self, frame_count: usize) {
        self.features.expression.resize(frame_count * texture::WIDTH, 0.0);
        self.features.action_units.resize(frame_count * edges::WIDTH, 0.0);
        self.features.valence_arousal.resize(frame_count * shape::WIDTH, 0.0);
        self.features.has_face.resize(frame_count, false);
    }

    /// Adds the sound and brings every stream to the clip's length.
    ///
    /// The voice's statistics are taken over the frames that the clip really has.
    pub fn finish(
        mut self,
        sound: &Sound,
        reading: FilterbankReading,
        length: FittedLength,
    ) -> Result<SpeakerFeatures, AudioError> {
        self.fill_faces(length.frame_count);
        let voice = Voice::new(&mono_signal(sound)?, length.kept_count);
        let mut features = self.features;
        features.frame_count = length.frame_count;
        features.pose = self.head.finish(features.pose_count());
        features.filterbank = reading.rows(sound, length.frame_count)?.values;
        features.functionals = voice.functionals();
        features.descriptors = voice.descriptors();
        Ok(features)
    }
}

#[cfg(test)]
mod tests {
    use super::super::face::drawn::{REST, face};
    use super::*;
    use crate::features::{ClipLength, FeatureSet};

    fn sound(frame_count: usize) -> Sound {
        let samples = (0..frame_count * 1764).map(|n| (n as f32 * 0.02).sin() * 0.3).collect();
        Sound { rate_hz: 44_100, channels: vec![samples] }
    }

    fn extracted(frame_count: usize, length: ClipLength) -> SpeakerFeatures {
        let frame = GrayImage { width: 64, height: 48, pixels: vec![70; 64 * 48] };
        let face_box = FaceBox { x: 20, y: 10, width: 20, height: 20, score: 9.0 };
        let mut extractor = CompactExtractor::new();
        for number in 0..frame_count {
            let crop = face(REST);
            extractor.push_frame(&frame, (number != 2).then_some((&crop, &face_box)));
        }
        let fitted = length.fitted(frame_count).unwrap();
        extractor.finish(&sound(frame_count), FilterbankReading::Mono, fitted).unwrap()
    }

    #[test]
    fn every_stream_has_the_width_of_the_set_for_cut_and_filled_clips() {
        for length in [ClipLength::Own, ClipLength::Frames(10), ClipLength::Frames(20)] {
            extracted(13, length).check(&FeatureSet::Compact.dims()).unwrap();
        }
    }

    #[test]
    fn faceless_frames_are_zeros_and_are_flagged() {
        let features = extracted(10, ClipLength::Own);
        let row = |frame: usize| &features.action_units[frame * edges::WIDTH..][..edges::WIDTH];
        assert!(!features.has_face[2] && row(2).iter().all(|value| *value == 0.0));
        assert!(features.has_face[3] && row(3).iter().any(|value| *value != 0.0));
    }

    #[test]
    fn filled_up_frames_have_no_face_and_are_silent_and_leave_the_voice_alone() {
        let (own, filled) = (extracted(10, ClipLength::Own), extracted(10, ClipLength::Frames(20)));
        assert!(filled.has_face[10..].iter().all(|flag| !flag));
        assert!(filled.filterbank[10 * 26..].iter().all(|value| *value < -36.0));
        assert_eq!(own.functionals, filled.functionals);
        assert_eq!(own.descriptors, filled.descriptors);
    }
}
