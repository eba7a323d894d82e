//! Random weights, for those who ask for them by name.
//!
//! In:  the names of networks and a seed.
//! Out: tensors for every parameter, each from a stream of its own name.
//!
//! Departure: the published script runs MEFARG with random weights, unseeded, other ones for each partition (defect 1).
//! Ours are the same whenever the seed is, and files made with them say so.

use std::str::FromStr;

use rand::Rng;

use super::{Network, PublishedNetwork, Tensors, WeightsError, parameter_shapes};
use crate::random::{Owner, stream};

/// Which networks run with random weights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RandomWeights {
    /// The networks, in the order of the streams; none as a rule.
    pub networks: Vec<Network>,
    /// Equal seeds give equal weights.
    pub seed: u64,
}

impl RandomWeights {
    /// None: every network loads its publisher's file.
    pub fn none() -> Self {
        Self::default()
    }

    /// These networks, with that seed.
    pub fn of(networks: &[Network], seed: u64) -> Self {
        Self { networks: networks.to_vec(), seed }
    }

    /// Whether a network is among them.
    pub fn covers(&self, network: Network) -> bool {
        self.networks.contains(&network)
    }
}

impl FromStr for RandomWeights {
    type Err = WeightsError;

    /// `au`, `au,pose` and the like, with seed 0.
    fn from_str(text: &str) -> Result<Self, WeightsError> {
        let mut networks = text.split(',').map(|name| name.trim().parse()).collect::<Result<Vec<Network>, _>>()?;
        networks.sort();
        networks.dedup();
        Ok(Self { networks, seed: 0 })
    }
}

/// Random tensors for every parameter of a network.
///
/// Weights of layers are uniform with variance 1 / inputs, which keeps the scale of what passes through; biases and means
/// are 0, norms and variances 1.
pub fn random_tensors<N: PublishedNetwork>(network: &N, seed: u64) -> Tensors {
    let mut tensors = Tensors::new(format!("random weights of seed {seed}"));
    for (key, shape) in parameter_shapes(network) {
        let name = format!("{}/{key}", N::NETWORK);
        let sizes = shape.clone();
        tensors.insert(key, shape, move || Ok(values(&name, &sizes, seed)));
    }
    tensors
}

fn values(name: &str, shape: &[usize], seed: u64) -> Vec<f32> {
    let count = shape.iter().product();
    if shape.len() < 2 {
        let is_scale = name.ends_with("weight") || name.ends_with("running_var");
        return vec![if is_scale { 1.0 } else { 0.0 }; count];
    }
    let inputs: usize = shape[1..].iter().product();
    let reach = (3.0 / inputs as f32).sqrt();
    let mut dice = stream(seed, Owner::Weights, [hash(name), 0, 0]);
    (0..count).map(|_| dice.random_range(-reach..reach)).collect()
}

/// FNV-1a, 64 bit.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_depend_on_name_and_seed_alone_and_have_the_variance_of_their_inputs() {
        let shape = [64, 8, 3, 3];
        let (a, again, other) = (values("au/a", &shape, 1), values("au/a", &shape, 1), values("au/b", &shape, 1));
        assert_eq!(a, again);
        assert_ne!(a, other);
        assert_ne!(a, values("au/a", &shape, 2));
        let variance = a.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / a.len() as f64;
        assert!((variance * 72.0 - 1.0).abs() < 0.05, "{variance}");
    }

    #[test]
    fn networks_are_named_one_by_one() {
        let random: RandomWeights = "pose, au,au".parse().unwrap();
        assert_eq!(random, RandomWeights::of(&[Network::ActionUnits, Network::Pose], 0));
        assert!("au,all".parse::<RandomWeights>().is_err());
    }
}
