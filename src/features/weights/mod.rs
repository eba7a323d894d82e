//! Weights of the published feature networks: the publishers' own files, read by the published names.
//!
//! In:  a folder with checkpoints of PyTorch or safetensors and, if it has one, a manifest.
//! Out: networks whose every parameter has been filled, or a list of what is missing, unexpected or misshapen.
//! Source: section 10 of the published preparation's description: containers, names to cut, what may be absent.
//!
//! Departure: the published script loads one network with missing and unknown names allowed (defect 19), runs code that
//! a checkpoint names (20), and runs another network without any checkpoint (1). Here nothing is executed, names are
//! strict, and random weights have to be asked for by name ([`RandomWeights`]).

mod error;
mod fill;
mod folder;
mod network;
mod random;
mod tensors;

pub use error::{Misfit, WeightsError};
pub use fill::{PublishedNetwork, check_fit, filled, parameter_shapes, plain_key};
pub use folder::{Checked, MANIFEST_FILE, ManifestEntry, WeightsFolder};
pub use network::Network;
pub use random::{RandomWeights, random_tensors};
pub use tensors::Tensors;
