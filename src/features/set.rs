//! The named feature sets, and what goes wrong with features.
//!
//! In:  a name from a config or the command line.
//! Out: [`FeatureSet`] and its [`FeatureDims`]; [`FeaturesError`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{FeatureDims, compact};

/// Which descriptors fill the streams of [`super::SpeakerFeatures`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureSet {
    /// The published networks: ResMasking, ME-GraphAU, EfficientNet-B2, VideoMAE V2 and ComParE 2016.
    React2023,
    /// Our own classical descriptors, which need no weights.
    Compact,
}

impl FeatureSet {
    /// Width of every stream.
    pub const fn dims(self) -> FeatureDims {
        match self {
            // Table of section 1 of the published preparation; 25088 = 49 * 512, 194805 = 2997 * 65.
            Self::React2023 => FeatureDims {
                expression: 512,
                action_units: 25_088,
                valence_arousal: 1408,
                pose: 1408,
                filterbank: 26,
                functionals: 6373,
                descriptors: 194_805,
            },
            Self::Compact => compact::DIMS,
        }
    }

    /// The name in configs and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::React2023 => "react2023",
            Self::Compact => "compact",
        }
    }

    /// Refuses a set that this build cannot compute.
    pub fn require_computable(self) -> Result<(), FeaturesError> {
        match self {
            Self::Compact => Ok(()),
            Self::React2023 => Err(FeaturesError::NotInThisBuild),
        }
    }
}

impl fmt::Display for FeatureSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for FeatureSet {
    type Err = FeaturesError;

    fn from_str(text: &str) -> Result<Self, FeaturesError> {
        [Self::React2023, Self::Compact]
            .into_iter()
            .find(|set| set.name() == text)
            .ok_or_else(|| FeaturesError::UnknownSet { name: text.to_owned() })
    }
}

/// What goes wrong with features.
#[derive(Debug, thiserror::Error)]
pub enum FeaturesError {
    /// The published networks are asked for.
    #[error(
        "the feature networks of `react2023` are not in this build yet, so its features can be read from a prepared \
         file but not computed; use `compact`"
    )]
    NotInThisBuild,
    /// A name that no feature set has.
    #[error("`{name}` is not a feature set, expected `compact` or `react2023`")]
    UnknownSet {
        /// The name that was asked for.
        name: String,
    },
    /// A length that leaves a pose row unfinished.
    #[error("a clip cannot be prepared with `{frames}` frames, expected a positive multiple of 5")]
    ClipLength {
        /// Frames asked for.
        frames: usize,
    },
    /// A clip without one whole pose row.
    #[error("the clip has `{found}` frames, expected at least 5")]
    TooShort {
        /// Frames found.
        found: usize,
    },
    /// A stream has another length than its width and the frame count ask for.
    #[error("the {stream} stream has {found} values, expected {expected}")]
    StreamLength {
        /// Which stream.
        stream: &'static str,
        /// Values it has.
        found: usize,
        /// Values it should have.
        expected: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computing_the_published_features_is_refused_in_words() {
        let message = FeatureSet::React2023.require_computable().unwrap_err().to_string();
        assert!(message.contains("not in this build yet"), "{message}");
    }

    #[test]
    fn names_are_read_back_and_others_are_refused() {
        for set in [FeatureSet::React2023, FeatureSet::Compact] {
            assert_eq!(set.name().parse::<FeatureSet>().unwrap(), set);
        }
        assert!("Compact".parse::<FeatureSet>().is_err());
    }
}
