//! Plain data as a tree, made from the machine's objects once the pickle has ended.

use super::Problem;
use super::machine::{Id, Machine, Object};
use crate::files::npy::Array;

/// Plain Python data.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`
    None,
    /// `True` or `False`; NumPy's too.
    Bool(bool),
    /// A whole number; NumPy's too.
    Int(i64),
    /// A float; NumPy's too.
    Float(f64),
    /// `str`
    Text(String),
    /// `bytes` or `bytearray`
    Bytes(Vec<u8>),
    /// `list`
    List(Vec<Value>),
    /// `tuple`
    Tuple(Vec<Value>),
    /// `set` or `frozenset`, in the order of the pickle.
    Set(Vec<Value>),
    /// `dict`, in the order of the pickle; of equal keys the last one counts.
    Dict(Vec<(Value, Value)>),
    /// A NumPy array.
    Array(Array),
    /// What a scikit-learn `KMeans` knows, by attribute.
    KMeans(Box<Value>),
}

impl Value {
    /// The entry of a dict under a text.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let Self::Dict(entries) = self else { return None };
        let found = entries.iter().rev().find(|(found, _)| matches!(found, Self::Text(text) if text == key));
        found.map(|(_, value)| value)
    }

    /// The centres of a `KMeans`: `[centres, dimensions]`.
    pub fn centres(&self) -> Option<&Array> {
        let Self::KMeans(state) = self else { return None };
        match state.get("cluster_centers_") {
            Some(Self::Array(array)) => Some(array),
            _ => None,
        }
    }
}

/// Nesting beyond this is a circle or an attack.
const DEEPEST: usize = 100;
/// How much larger than the file the tree may be; shared data are written out at each use.
const GROWTH: usize = 16;
/// What a value costs; a byte of text, of bytes or of an array costs 1.
const VALUE_COST: usize = 8;
/// Added for very small files.
const SPARE: usize = 1 << 16;

/// The tree below `root`.
pub(super) fn expand(machine: &Machine, root: Id) -> Result<Value, Problem> {
    let budget = machine.total().saturating_mul(GROWTH).saturating_add(SPARE);
    Expansion { machine, budget }.value(root, 0)
}

struct Expansion<'m, 'a> {
    machine: &'m Machine<'a>,
    budget: usize,
}

impl Expansion<'_, '_> {
    fn spend(&mut self, amount: usize) -> Result<(), Problem> {
        let Some(rest) = self.budget.checked_sub(amount) else {
            return Problem::malformed("its data grow to far more than the file");
        };
        self.budget = rest;
        Ok(())
    }

    fn value(&mut self, id: Id, depth: usize) -> Result<Value, Problem> {
        if depth > DEEPEST {
            return Problem::malformed(format!("its data are nested more than {DEEPEST} deep or in a circle"));
        }
        self.spend(VALUE_COST)?;
        Ok(match self.machine.object(id) {
            Object::None => Value::None,
            Object::Bool(value) => Value::Bool(*value),
            Object::Int(value) => Value::Int(*value),
            Object::Float(value) => Value::Float(*value),
            Object::Text(text) => {
                self.spend(text.len())?;
                Value::Text(text.to_string())
            }
            Object::Bytes(bytes) => {
                self.spend(bytes.len())?;
                Value::Bytes(bytes.to_vec())
            }
            Object::List(items) => Value::List(self.values(items, depth)?),
            Object::Tuple(items) => Value::Tuple(self.values(items, depth)?),
            Object::Set(items) => Value::Set(self.values(items, depth)?),
            Object::Dict(entries) => {
                let entry =
                    |(key, value): &(Id, Id)| Ok((self.value(*key, depth + 1)?, self.value(*value, depth + 1)?));
                Value::Dict(entries.iter().map(entry).collect::<Result<_, _>>()?)
            }
            Object::Array(Some(parts)) => {
                let Object::Bytes(bytes) = self.machine.object(parts.data) else {
                    return Problem::refused("an array of Python objects");
                };
                self.spend(bytes.len() + parts.shape.len())?;
                Value::Array(parts.array(bytes)?)
            }
            Object::KMeans(Some(state)) => Value::KMeans(Box::new(self.value(*state, depth + 1)?)),
            Object::Array(None) | Object::KMeans(None) => return Problem::malformed("an object lacks its content"),
            Object::ElementType(_) => return Problem::refused("a NumPy type itself"),
            Object::Name(name) => return Problem::refused(format!("`{}` itself", name.text())),
        })
    }

    fn values(&mut self, items: &[Id], depth: usize) -> Result<Vec<Value>, Problem> {
        items.iter().map(|&item| self.value(item, depth + 1)).collect()
    }
}
