//! The four networks: what each makes, and where its publisher offers its weights.
//!
//! In:  a name from the command line.
//! Out: [`Network`] and its facts.
//! Source: the publishers' pages as of 2026; sections 4 to 7, 10 and 11 of the preparation's description.

use std::fmt;
use std::str::FromStr;

use super::WeightsError;

/// A published feature network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// ResMasking.
    Expression,
    /// MEFARG of ME-GraphAU.
    ActionUnits,
    /// EfficientNet-B2 of HSEmotion.
    ValenceArousal,
    /// VideoMAE V2 giant.
    Pose,
}

impl Network {
    /// In the order of the streams.
    pub const ALL: [Self; 4] = [Self::Expression, Self::ActionUnits, Self::ValenceArousal, Self::Pose];

    /// The name on the command line and in the manifest, after the dataset that it fills.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expression => "exp",
            Self::ActionUnits => "au",
            Self::ValenceArousal => "va",
            Self::Pose => "pose",
        }
    }

    /// What it is and what it makes, for messages.
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Expression => "ResMasking, which makes the 512 numbers of `s_exp` from each face",
            Self::ActionUnits => "MEFARG of ME-GraphAU, which makes the 25088 numbers of `s_AU` from each face",
            Self::ValenceArousal => {
                "EfficientNet-B2 of HSEmotion, which makes the 1408 numbers of `s_VA` from each face"
            }
            Self::Pose => "VideoMAE V2 giant, which makes the 1408 numbers of `s_pose` from five frames",
        }
    }

    /// Names under which its file is looked for, the publisher's first.
    pub const fn file_names(self) -> &'static [&'static str] {
        match self {
            Self::Expression => {
                &["Z_resmasking_dropout1_rot30_2019Nov30_13.32", "pretrained_ckpt", "resmasking.safetensors"]
            }
            Self::ActionUnits => {
                &["MEFARG_swin_base_BP4D.pth", "OpenGprahAU-SwinB_first_stage.pth", "mefarg.safetensors"]
            }
            Self::ValenceArousal => &["enet_b2_8_best.pt", "enet_b2_8_best.safetensors"],
            Self::Pose => &["vit_g_hybrid_pt_1200e_k710_ft.pth", "vit_g_hybrid_pt_1200e_k710_ft.safetensors"],
        }
    }

    /// Where the publisher offers the weights.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Expression => "https://github.com/phamquiluan/ResidualMaskingNetwork (release v0.0.1)",
            Self::ActionUnits => {
                "https://github.com/CVI-SZU/ME-GraphAU (README: Swin-B trained on BP4D, unpacked; or OpenGraphAU's Swin-B)"
            }
            Self::ValenceArousal => {
                "https://github.com/av-savchenko/face-emotion-recognition (models/affectnet_emotions)"
            }
            Self::Pose => "https://github.com/OpenGVLab/VideoMAEv2 (docs/MODEL_ZOO.md, after a request form)",
        }
    }

    /// What the publisher says about using the weights.
    pub const fn licence(self) -> &'static str {
        match self {
            Self::Expression => "MIT (of the project); trained on FER-2013",
            Self::ActionUnits => "code MIT, no statement on the weights; trained on data for research use",
            Self::ValenceArousal => "Apache-2.0",
            Self::Pose => "code MIT; see the publisher's page for the weights",
        }
    }

    /// Entries of the saved dictionary that may hold the parameters; none for a whole pickled module.
    pub(super) const fn containers(self) -> &'static [&'static str] {
        match self {
            Self::Expression => &["net"],
            Self::ActionUnits => &["state_dict"],
            Self::ValenceArousal => &[],
            Self::Pose => &["model", "module"],
        }
    }

    /// Keys that a checkpoint may have or lack: read-outs behind the feature, second names, constants, counters.
    pub(super) fn skips(self, key: &str) -> bool {
        let second_part = key.split('.').nth(1).unwrap_or_default();
        key.ends_with("num_batches_tracked")
            || match self {
                Self::Expression => {
                    key.starts_with("fc.") || (key.starts_with("mask") && second_part.starts_with("downsample"))
                }
                Self::ActionUnits => {
                    key.starts_with("head.") || key.ends_with("attn_mask") || key.ends_with("relative_position_index")
                }
                Self::ValenceArousal => key.starts_with("classifier"),
                Self::Pose => key.starts_with("head."),
            }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Network {
    type Err = WeightsError;

    fn from_str(text: &str) -> Result<Self, WeightsError> {
        let found = Self::ALL.into_iter().find(|network| network.name() == text);
        found.ok_or_else(|| WeightsError::UnknownNetwork { name: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_refused() {
        for network in Network::ALL {
            assert_eq!(network.name().parse::<Network>().unwrap(), network);
        }
        let message = "AU".parse::<Network>().unwrap_err().to_string();
        assert_eq!(message, "`AU` is not a feature network, expected `exp`, `au`, `va` or `pose`");
    }

    #[test]
    fn read_outs_second_names_and_constants_are_skipped_and_parameters_are_not() {
        assert!(Network::Expression.skips("mask3.downsample2.0.weight"));
        assert!(!Network::Expression.skips("mask3.conv2.downsample.0.weight"));
        assert!(!Network::Expression.skips("layer2.0.downsample.0.weight"));
        assert!(Network::ActionUnits.skips("backbone.layers.0.blocks.1.attn_mask"));
        assert!(!Network::ActionUnits.skips("backbone.layers.0.blocks.1.attn.qkv.weight"));
        assert!(Network::ValenceArousal.skips("classifier.0.weight"));
        assert!(Network::Pose.skips("head.bias") && !Network::Pose.skips("fc_norm.weight"));
    }
}
