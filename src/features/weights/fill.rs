//! A network filled from tensors with the published names; strict.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{FloatDType, Tensor, TensorData};

use super::{Misfit, Network, Tensors, WeightsError};

/// A network whose parameters have published names.
///
/// Fields carry the published names, so that the path to a parameter is its key; [`PublishedNetwork::key`] says where not.
pub trait PublishedNetwork: Module {
    /// Which one.
    const NETWORK: Network;

    /// The published key of the parameter at `path`.
    fn key(path: &[String]) -> String {
        plain_key(path)
    }
}

/// The parts of a path joined by dots; a norm's `gamma` and `beta` are PyTorch's `weight` and `bias`.
pub fn plain_key(path: &[String]) -> String {
    let parts = path.iter().map(|part| match part.as_str() {
        "gamma" => "weight",
        "beta" => "bias",
        part => part,
    });
    parts.collect::<Vec<_>>().join(".")
}

/// Published keys and shapes of all parameters.
pub fn parameter_shapes<N: PublishedNetwork>(network: &N) -> BTreeMap<String, Vec<usize>> {
    let mut shapes = Shapes { key: N::key, path: Vec::new(), found: BTreeMap::new() };
    network.visit(&mut shapes);
    shapes.found
}

/// Whether a network can be filled: missing, unexpected and misshapen tensors are all reported.
pub fn check_fit<N: PublishedNetwork>(network: &N, tensors: &Tensors) -> Result<(), WeightsError> {
    let misfit = misfit(network, tensors);
    if misfit.is_empty() {
        return Ok(());
    }
    Err(WeightsError::Misfit { path: tensors.path().into(), network: N::NETWORK, misfit })
}

/// Fills every parameter of a network that fits; numbers are kept as `precision`.
pub fn filled<N: PublishedNetwork>(network: N, tensors: &Tensors, precision: FloatDType) -> Result<N, WeightsError> {
    check_fit(&network, tensors)?;
    let mut filler = Filler { key: N::key, path: Vec::new(), tensors, precision, error: None };
    let network = network.map(&mut filler);
    filler.error.map_or(Ok(network), Err)
}

fn misfit<N: PublishedNetwork>(network: &N, tensors: &Tensors) -> Misfit {
    let mut expected = parameter_shapes(network);
    let mut misfit = Misfit::default();
    for (key, found) in tensors.shapes().filter(|(key, _)| !N::NETWORK.skips(key)) {
        match expected.remove(key) {
            None => misfit.unexpected.push(key.to_owned()),
            Some(expected) if expected != found => misfit.misshapen.push((key.to_owned(), found.to_vec(), expected)),
            Some(_) => {}
        }
    }
    misfit.missing = expected.into_keys().collect();
    misfit
}

/// PyTorch keeps the weight of a linear layer as [output, input], burn as [input, output].
fn is_transposed(key: &str, rank: usize) -> bool {
    rank == 2 && key.ends_with(".weight")
}

struct Shapes {
    key: fn(&[String]) -> String,
    path: Vec<String>,
    found: BTreeMap<String, Vec<usize>>,
}

impl ModuleVisitor for Shapes {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let key = (self.key)(&self.path);
        let mut shape = param.lazy_shape().to_vec();
        if is_transposed(&key, D) {
            shape.swap(0, 1);
        }
        self.found.insert(key, shape);
    }
}

struct Filler<'a> {
    key: fn(&[String]) -> String,
    path: Vec<String>,
    tensors: &'a Tensors,
    precision: FloatDType,
    error: Option<WeightsError>,
}

impl ModuleMapper for Filler<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    /// The initial value is never computed: burn makes it when it is first asked for.
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let key = (self.key)(&self.path);
        if self.error.is_some() {
            return param;
        }
        let values = match self.tensors.values(&key) {
            Ok(values) => values,
            Err(error) => {
                self.error = Some(error);
                return param;
            }
        };
        let (mut shape, device) = (param.lazy_shape().to_vec(), param.lazy_device());
        let is_transposed = is_transposed(&key, D);
        if is_transposed {
            shape.swap(0, 1);
        }
        let tensor = Tensor::<D>::from_data(TensorData::new(values, shape), &device).cast(self.precision);
        let tensor = if is_transposed { tensor.swap_dims(0, 1) } else { tensor };
        Param::initialized(param.id, tensor)
    }
}
