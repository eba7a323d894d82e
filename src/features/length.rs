//! The one place that decides how many frames a clip has.
//!
//! In:  frames found in the file, frames asked for.
//! Out: how many are kept, cut off and filled up ([`FittedLength`]).
//! Source: our rule for defect 3 of the published preparation, which stops at any clip that is not exactly right.
//!
//! The rule: the clip starts with its first frame; frames past the end are cut; missing frames at the end are
//! filled up without a face, without motion and with silence. Statistics of the voice are taken over what was there.

use super::{FRAMES_PER_POSE, FeaturesError};

/// Frames a prepared clip is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipLength {
    /// Exactly this many, a multiple of [`FRAMES_PER_POSE`]: 750 in the published files.
    Frames(usize),
    /// As many as the clip has, down to a multiple of [`FRAMES_PER_POSE`].
    Own,
}

/// What the rule makes of one clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FittedLength {
    /// Frames of the result.
    pub frame_count: usize,
    /// Frames taken from the clip.
    pub kept_count: usize,
}

impl FittedLength {
    /// Frames at the end that the clip did not have.
    pub const fn padded_count(&self) -> usize {
        self.frame_count - self.kept_count
    }
}

impl ClipLength {
    /// Refuses a length that leaves a pose row unfinished.
    pub fn check(self) -> Result<(), FeaturesError> {
        match self {
            Self::Frames(frames) if frames == 0 || frames % FRAMES_PER_POSE != 0 => {
                Err(FeaturesError::ClipLength { frames })
            }
            _ => Ok(()),
        }
    }

    /// The most frames that are of use; reading can stop there.
    pub const fn limit(self) -> usize {
        match self {
            Self::Frames(frames) => frames,
            Self::Own => usize::MAX,
        }
    }

    /// Applies the rule to a clip of `found_count` frames.
    pub fn fitted(self, found_count: usize) -> Result<FittedLength, FeaturesError> {
        self.check()?;
        let frame_count = match self {
            Self::Frames(frames) => frames,
            Self::Own => found_count - found_count % FRAMES_PER_POSE,
        };
        if found_count < FRAMES_PER_POSE {
            return Err(FeaturesError::TooShort { found: found_count });
        }
        Ok(FittedLength { frame_count, kept_count: found_count.min(frame_count) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_clips_are_cut_and_short_ones_are_filled_up() {
        let fitted = |found| ClipLength::Frames(750).fitted(found).unwrap();
        assert_eq!(fitted(751), FittedLength { frame_count: 750, kept_count: 750 });
        assert_eq!(fitted(700), FittedLength { frame_count: 750, kept_count: 700 });
        assert_eq!(fitted(700).padded_count(), 50);
    }

    #[test]
    fn a_clip_of_its_own_length_keeps_whole_pose_rows() {
        let fitted = ClipLength::Own.fitted(154).unwrap();
        assert_eq!(fitted, FittedLength { frame_count: 150, kept_count: 150 });
    }

    #[test]
    fn less_than_one_pose_row_is_refused() {
        assert!(ClipLength::Own.fitted(4).is_err());
        assert!(ClipLength::Frames(750).fitted(0).is_err());
        assert!(ClipLength::Frames(752).fitted(752).is_err());
    }
}
