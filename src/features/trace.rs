//! What happens inside a network, for whoever wants to look: tests against the publishers' intermediate results.
//!
//! In:  results by the name of the publisher's module that makes them.
//! Out: [`Trace`], which keeps them if it records and costs nothing otherwise.

use burn::tensor::Tensor;

/// One result.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Path of the publisher's module, such as `layer1` or `blocks.0.norm1`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// Takes what passes.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    path: Vec<String>,
    seen: Option<Vec<Seen>>,
}

impl Trace {
    /// Keeps nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// Keeps everything, on the host.
    pub fn recording() -> Self {
        Self { path: Vec::new(), seen: Some(Vec::new()) }
    }

    /// What was kept, in the order in which it was made.
    pub fn into_seen(self) -> Vec<Seen> {
        self.seen.unwrap_or_default()
    }

    /// Shows the result of module `name`, and hands it on.
    pub(super) fn see<const D: usize>(&mut self, name: &str, tensor: Tensor<D>) -> Tensor<D> {
        if let Some(seen) = &mut self.seen {
            let mut path = self.path.clone();
            path.push(name.to_owned());
            let shape = tensor.dims().to_vec();
            let values = tensor.to_data().convert::<f32>().try_into_vec().expect("converted to f32 just before");
            seen.push(Seen { name: path.join("."), shape, values });
        }
        tensor
    }

    /// Everything seen in `work` lies in module `name`.
    pub(super) fn inside<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(name.to_owned());
        let result = work(self);
        self.path.pop();
        result
    }

    /// Runs module `name`: everything seen in `work` lies in it, and its result is seen as its own.
    pub(super) fn module<const D: usize>(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Self) -> Tensor<D>,
    ) -> Tensor<D> {
        let result = self.inside(name, work);
        self.see(name, result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn results_are_kept_under_the_path_of_their_module() {
        let ones = || Tensor::<1>::ones([2], &Device::flex());
        let mut trace = Trace::recording();
        trace.module("blocks", |trace| trace.see("0", ones()) + 1.0);
        let seen = trace.into_seen();
        assert_eq!([seen[0].name.as_str(), seen[1].name.as_str()], ["blocks.0", "blocks"]);
        assert_eq!((seen[1].shape.clone(), seen[1].values.clone()), (vec![2], vec![2.0, 2.0]));
        let mut off = Trace::off();
        off.see("0", ones());
        assert!(off.into_seen().is_empty());
    }
}
