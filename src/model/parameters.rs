//! All parameters of a model under their published names and in their published layout, out and in.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use super::names::{is_transposed, published_name};
use super::transformer::Transformer;

/// One tensor on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Published name.
    pub name: String,
    /// Published shape.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// Parameters that do not fit the model: the checkpoint is of another model, or damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// Names differ.
    #[error("the parameters do not fit the model: missing {missing:?}, not part of the model {unexpected:?}")]
    Names {
        /// Wanted by the model.
        missing: Vec<String>,
        /// Unknown to the model.
        unexpected: Vec<String>,
    },
    /// A shape differs.
    #[error("`{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// Published name.
        name: String,
        /// Shape found.
        found: Vec<usize>,
        /// Shape of the model.
        expected: Vec<usize>,
    },
    /// A value is not a number.
    #[error("`{name}` has a value at {place} that is not finite, expected trained weights")]
    NotFinite {
        /// Published name.
        name: String,
        /// Row-major place.
        place: usize,
    },
}

/// Every parameter of the model, sorted by published name.
pub fn parameters(model: &Transformer) -> Vec<NamedTensor> {
    let mut visitor = Collector { path: Vec::new(), found: Vec::new() };
    model.visit(&mut visitor);
    visitor.found.sort_by(|a, b| a.name.cmp(&b.name));
    visitor.found
}

/// Puts every parameter in its place; strict: names and shapes have to be the model's.
pub fn load_parameters(model: Transformer, tensors: Vec<NamedTensor>) -> Result<Transformer, ParameterError> {
    check(&model, &tensors)?;
    let tensors = tensors.into_iter().map(|tensor| (tensor.name, tensor.values)).collect();
    Ok(model.map(&mut Loader { path: Vec::new(), tensors }))
}

fn check(model: &Transformer, tensors: &[NamedTensor]) -> Result<(), ParameterError> {
    let mut shapes = Shapes { path: Vec::new(), found: BTreeMap::new() };
    model.visit(&mut shapes);
    let given: BTreeMap<&str, &NamedTensor> = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let missing: Vec<String> = shapes.found.keys().filter(|name| !given.contains_key(name.as_str())).cloned().collect();
    let unexpected: Vec<String> =
        given.keys().filter(|name| !shapes.found.contains_key(**name)).map(|name| (*name).to_owned()).collect();
    if !missing.is_empty() || !unexpected.is_empty() {
        return Err(ParameterError::Names { missing, unexpected });
    }
    for (name, expected) in shapes.found {
        let tensor = given[name.as_str()];
        if tensor.shape != expected {
            return Err(ParameterError::Shape { name, found: tensor.shape.clone(), expected });
        }
        if let Some(place) = tensor.values.iter().position(|value| !value.is_finite()) {
            return Err(ParameterError::NotFinite { name, place });
        }
    }
    Ok(())
}

struct Collector {
    path: Vec<String>,
    found: Vec<NamedTensor>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push(named(published_name(&self.path.join(".")), param.val()));
    }
}

/// A tensor of ours in the published layout.
pub(crate) fn named<const D: usize>(name: String, tensor: Tensor<D>) -> NamedTensor {
    let tensor = if is_transposed(&name, D) { tensor.swap_dims(0, 1) } else { tensor };
    let shape = tensor.dims().to_vec();
    let values = tensor.into_data().convert::<f32>().try_into_vec().expect("converted to f32 just before");
    NamedTensor { name, shape, values }
}

/// A tensor in the published layout as one of ours; `shape` is our shape.
pub(crate) fn tensor_of<const D: usize>(
    name: &str,
    values: Vec<f32>,
    shape: [usize; D],
    device: &burn::tensor::Device,
) -> Tensor<D> {
    if !is_transposed(name, D) {
        return Tensor::from_data(TensorData::new(values, shape), device);
    }
    let transposed = Tensor::<2>::from_data(TensorData::new(values, [shape[1], shape[0]]), device);
    // Copied through the host once, so that the weight lies in memory as an initial one would.
    let data = transposed.swap_dims(0, 1).into_data();
    Tensor::from_data(data, device)
}

struct Shapes {
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
        let name = published_name(&self.path.join("."));
        let mut shape = param.dims().to_vec();
        if is_transposed(&name, D) {
            shape.swap(0, 1);
        }
        self.found.insert(name, shape);
    }
}

struct Loader {
    path: Vec<String>,
    tensors: BTreeMap<String, Vec<f32>>,
}

impl ModuleMapper for Loader {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = published_name(&self.path.join("."));
        let values = self.tensors.remove(&name).expect("names were checked before");
        param.map(|tensor| {
            let tracked = tensor.is_require_grad();
            tensor_of(&name, values, tensor.dims(), &tensor.device()).set_require_grad(tracked)
        })
    }
}
