//! The four published networks together, ready to describe faces and clips in batches.
//!
//! In:  a folder of weights and [`React2023Options`]; then face crops, and five frames at a time.
//! Out: rows of the streams `s_exp`, `s_AU`, `s_VA` and `s_pose`.
//! Source: `scripts/Data_Script.py`, which runs one face or clip at a time and decodes the video once for each network
//! (defect 21). A network sees each item by itself, so batches of any size give the same rows up to rounding.

use std::fmt;

use burn::tensor::{Device, FloatDType, Tensor};

use super::action_units::{Mefarg, MefargConfig};
use super::expression::{ResMaskNet, ResMaskNetConfig};
use super::face_input::input_from_faces;
use super::pose::{PoseClip, VideoMae, VideoMaeConfig, input_from_clips};
use super::valence_arousal::{EfficientNetB2, EfficientNetB2Config};
use super::weights::{
    Checked, Network, PublishedNetwork, RandomWeights, Tensors, WeightsError, WeightsFolder, check_fit, filled,
    random_tensors,
};
use crate::media::ColorImage;

/// Faces that go through a network together.
const FACES_AT_ONCE: usize = 32;
/// Clips of five frames likewise.
const CLIPS_AT_ONCE: usize = 8;

/// How the networks are loaded.
#[derive(Clone, Debug)]
pub struct React2023Options {
    /// Number format of weights and products; the rows are f32 in any case.
    pub precision: FloatDType,
    /// Networks that run without their publisher's weights; none as a rule.
    pub random: RandomWeights,
    /// Blocks of the video network; 40 as published, fewer for tests with random weights.
    pub pose_blocks: usize,
}

impl Default for React2023Options {
    fn default() -> Self {
        let pose_blocks = VideoMaeConfig::default().blocks;
        Self { precision: FloatDType::F32, random: RandomWeights::none(), pose_blocks }
    }
}

/// Where the weights of a network came from; stored with what it made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WeightsOrigin {
    /// A file.
    File {
        /// Its name.
        name: String,
        /// Hexadecimal.
        sha256: String,
    },
    /// Nowhere: features made with them mean nothing to a model trained on others.
    Random {
        /// The seed.
        seed: u64,
    },
}

impl fmt::Display for WeightsOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, sha256 } => write!(formatter, "{name} sha256:{sha256}"),
            Self::Random { seed } => write!(formatter, "random seed:{seed}"),
        }
    }
}

/// Rows of the three face streams, a row a face, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaceRows {
    /// `[faces, 512]`
    pub expression: Vec<f32>,
    /// `[faces, 25088]`
    pub action_units: Vec<f32>,
    /// `[faces, 1408]`
    pub valence_arousal: Vec<f32>,
}

/// The networks on a device.
pub struct React2023 {
    expression: ResMaskNet,
    action_units: Mefarg,
    valence_arousal: EfficientNetB2,
    pose: VideoMae,
    origins: Vec<(Network, WeightsOrigin)>,
    device: Device,
}

impl React2023 {
    /// Loads every network from the folder, or with random weights where that was asked for by name.
    pub fn load(folder: &WeightsFolder, options: &React2023Options, device: &Device) -> Result<Self, WeightsError> {
        let pose = VideoMaeConfig { blocks: options.pose_blocks, ..VideoMaeConfig::default() };
        let mut loading = Loading { folder, options, origins: Vec::new() };
        Ok(Self {
            expression: loading.filled(ResMaskNetConfig.init(device))?,
            action_units: loading.filled(MefargConfig::default().init(device))?,
            valence_arousal: loading.filled(EfficientNetB2Config.init(device))?,
            pose: loading.filled(pose.init(device))?,
            origins: loading.origins,
            device: device.clone(),
        })
    }

    /// Where the weights of each network came from, in the order of the streams.
    pub fn origins(&self) -> &[(Network, WeightsOrigin)] {
        &self.origins
    }

    /// The rows of these faces, crops of 128x128 as [`crate::faces::face_from_frame`] gives them. Frames without a face
    /// are not given: their rows are zeros.
    pub fn describe(&self, crops: &[ColorImage]) -> FaceRows {
        let mut rows = FaceRows::default();
        for crops in crops.chunks(FACES_AT_ONCE) {
            let faces = input_from_faces(crops, &self.device);
            rows.expression.extend(values(self.expression.forward(faces.clone())));
            rows.action_units.extend(values(self.action_units.forward(faces.clone())));
            rows.valence_arousal.extend(values(self.valence_arousal.forward(faces)));
        }
        rows
    }

    /// The rows of these clips: `[clips, 1408]`, row-major.
    pub fn pose(&self, clips: &[PoseClip]) -> Vec<f32> {
        let rows = clips.chunks(CLIPS_AT_ONCE);
        rows.flat_map(|clips| values(self.pose.forward(input_from_clips(clips, &self.device)))).collect()
    }
}

/// The file of a network, if its hash is the manifest's and all its names and shapes are the network's.
pub fn check_weights(folder: &WeightsFolder, network: Network) -> Result<Checked, WeightsError> {
    let checked = folder.checked(network)?;
    let tensors = Tensors::open(&checked.path, network)?;
    // Parameters are made when they are first asked for, so these networks cost nothing.
    let device = Device::flex();
    match network {
        Network::Expression => check_fit(&ResMaskNetConfig.init(&device), &tensors),
        Network::ActionUnits => check_fit(&MefargConfig::default().init(&device), &tensors),
        Network::ValenceArousal => check_fit(&EfficientNetB2Config.init(&device), &tensors),
        Network::Pose => check_fit(&VideoMaeConfig::default().init(&device), &tensors),
    }?;
    Ok(checked)
}

/// Fills one network after the other and remembers from what.
struct Loading<'a> {
    folder: &'a WeightsFolder,
    options: &'a React2023Options,
    origins: Vec<(Network, WeightsOrigin)>,
}

impl Loading<'_> {
    fn filled<N: PublishedNetwork>(&mut self, network: N) -> Result<N, WeightsError> {
        let RandomWeights { seed, .. } = self.options.random;
        let (tensors, origin) = if self.options.random.covers(N::NETWORK) {
            (random_tensors(&network, seed), WeightsOrigin::Random { seed })
        } else {
            let checked = self.folder.checked(N::NETWORK)?;
            let name = checked.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (Tensors::open(&checked.path, N::NETWORK)?, WeightsOrigin::File { name, sha256: checked.sha256 })
        };
        self.origins.push((N::NETWORK, origin));
        filled(network, &tensors, self.options.precision)
    }
}

fn values<const D: usize>(rows: Tensor<D>) -> Vec<f32> {
    rows.into_data().try_into_vec().expect("the networks give f32")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_told_before_anything_is_computed() {
        let folder = tempfile::tempdir().unwrap();
        let weights = WeightsFolder::open(folder.path()).unwrap();
        let error = React2023::load(&weights, &React2023Options::default(), &Device::flex()).err().unwrap();
        assert!(error.to_string().starts_with("no weights of ResMasking"), "{error}");
    }
}
