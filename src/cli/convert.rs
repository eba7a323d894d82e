//! `unifr convert`: turns files of the published system into ones that are read here.
//!
//! In:  a pickle of plain data, of NumPy arrays or of a scikit-learn `KMeans`, or weights saved by PyTorch; nothing in
//! them is executed.
//! Out: `.npy` for an array and for the centres of a `KMeans`; a folder of `.npy` for a dict of arrays; safetensors
//! for weights; JSON for the rest. The paths on stdout.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Number, json};

use super::Verdict;
use crate::checkpoint::Weights;
use crate::files::npy::{self, Array, Values};
use crate::files::pickle::{self, Value};
use crate::files::write_atomically;

/// Turn a file of the published system into one that is read here.
#[derive(Debug, clap::Args)]
pub struct ConvertArgs {
    /// The file, e.g. `data/Index/kmeans.pkl` or `ckpts/pretrain-cos-klr/models/iter_150000.ckpt`.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where to write: `.npy`, `.json`, `.safetensors`, or a folder for a dict of arrays; beside the file without it.
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(arguments: &ConvertArgs) -> anyhow::Result<Verdict> {
    let file = &arguments.file;
    let paths = match extension_of(file) {
        "pkl" | "pickle" => convert_pickle(file, arguments.output.as_deref()),
        "ckpt" | "pth" | "pt" => convert_weights(file, arguments.output.as_deref()),
        _ => bail!(
            "`{}` is of no kind that is converted, expected a pickle (`.pkl`) or weights of PyTorch (`.ckpt`, `.pth`, `.pt`)",
            file.display()
        ),
    };
    let paths = paths.with_context(|| format!("could not convert `{}`", file.display()))?;
    let mut out = io::stdout().lock();
    paths.iter().try_for_each(|path| writeln!(out, "{}", path.display())).context("could not write to stdout")?;
    Ok(Verdict::AllWell)
}

fn extension_of(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or("")
}

/// Writes weights under their published names, with the mask that they were trained with and their iteration.
fn convert_weights(file: &Path, output: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    let path = output.map_or_else(|| file.with_extension("safetensors"), Path::to_path_buf);
    ensure!(
        extension_of(&path) == "safetensors",
        "`{}` is for weights, expected a name in `.safetensors`",
        path.display()
    );
    Weights::read(file)?.write_safetensors(&path)?;
    Ok(vec![path])
}

/// Writes what a pickle holds, and returns the paths.
fn convert_pickle(file: &Path, output: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    let value = pickle::read(file)?;
    let array = match &value {
        Value::Array(array) => Some(array),
        other => other.centres(),
    };
    let beside = |extension: &str| output.map_or_else(|| file.with_extension(extension), Path::to_path_buf);
    if output.is_some_and(|path| extension_of(path) == "json") {
        return write_json(beside("json"), &value);
    }
    if let Some(array) = array {
        let path = beside("npy");
        ensure!(extension_of(&path) == "npy", "`{}` is an array, expected a name in `.npy`", path.display());
        write_array(&path, array)?;
        return Ok(vec![path]);
    }
    if let Some(arrays) = arrays_of_dict(&value) {
        return write_arrays(&beside(""), &arrays);
    }
    let path = beside("json");
    ensure!(extension_of(&path) == "json", "it is neither an array nor a dict of arrays, expected a name in `.json`");
    write_json(path, &value)
}

fn write_array(path: &Path, array: &Array) -> Result<(), npy::NpyError> {
    let Array { shape, values } = array;
    match values {
        Values::F32(values) => npy::write(path, shape, values),
        Values::F64(values) => npy::write(path, shape, values),
        Values::I32(values) => npy::write(path, shape, values),
        Values::I64(values) => npy::write(path, shape, values),
        Values::U8(values) => npy::write(path, shape, values),
        Values::U16(values) => npy::write(path, shape, values),
        Values::Bool(values) => npy::write(path, shape, values),
    }
}

/// The names and arrays of a dict that holds nothing else.
fn arrays_of_dict(value: &Value) -> Option<Vec<(&str, &Array)>> {
    let Value::Dict(entries) = value else { return None };
    let arrays = entries.iter().map(|entry| match entry {
        (Value::Text(name), Value::Array(array)) => Some((name.as_str(), array)),
        _ => None,
    });
    arrays.collect::<Option<Vec<_>>>().filter(|arrays| !arrays.is_empty())
}

/// One file for each array; names are ids of clips as a rule, so `/` becomes `_`.
fn write_arrays(folder: &Path, arrays: &[(&str, &Array)]) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for (name, array) in arrays {
        let path = folder.join(format!("{}.npy", name.replace(['/', '\\', '\0'], "_")));
        ensure!(!paths.contains(&path), "two of its arrays would be written to `{}`", path.display());
        write_array(&path, array)?;
        paths.push(path);
    }
    Ok(paths)
}

fn write_json(path: PathBuf, value: &Value) -> anyhow::Result<Vec<PathBuf>> {
    let json = json_from_value(value)?;
    write_atomically(&path, |out| {
        serde_json::to_writer_pretty(&mut *out, &json)?;
        writeln!(out)
    })?;
    Ok(vec![path])
}

fn json_from_value(value: &Value) -> anyhow::Result<serde_json::Value> {
    Ok(match value {
        Value::None => serde_json::Value::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json_from_float(*value),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => json!(bytes),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            items.iter().map(json_from_value).collect::<anyhow::Result<Vec<_>>>()?.into()
        }
        Value::Dict(entries) => {
            let entry = |(key, value): &(Value, Value)| Ok((json_key(key)?, json_from_value(value)?));
            entries.iter().map(entry).collect::<anyhow::Result<Map<_, _>>>()?.into()
        }
        Value::Array(array) => match array.clone().into_i64() {
            Some(whole) => json_from_array(&array.shape, &whole, &|number| json!(number)),
            None => json_from_array(&array.shape, &array.to_f64(), &json_from_float),
        },
        Value::KMeans(state) => json_from_value(state)?,
    })
}

fn json_key(key: &Value) -> anyhow::Result<String> {
    match key {
        Value::Text(text) => Ok(text.clone()),
        Value::Int(number) => Ok(number.to_string()),
        other => bail!("a dict has the key `{other:?}`, expected text or a whole number for JSON"),
    }
}

/// JSON has no infinity and no NaN: those become text.
fn json_from_float(value: f64) -> serde_json::Value {
    Number::from_f64(value).map_or_else(|| json!(value.to_string()), serde_json::Value::Number)
}

/// Lists of lists, as deep as the array has axes.
fn json_from_array<T: Copy>(
    shape: &[usize],
    values: &[T],
    json_from_number: &impl Fn(T) -> serde_json::Value,
) -> serde_json::Value {
    let Some((&count, inner)) = shape.split_first() else { return json_from_number(values[0]) };
    // Beside an axis of 0 the others may be anything: nothing is counted up for them.
    let count = if values.is_empty() { 0 } else { count };
    let size = values.len().checked_div(count).unwrap_or(0);
    let rows = (0..count).map(|row| &values[row * size..(row + 1) * size]);
    rows.map(|row| json_from_array(inner, row, json_from_number)).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pickle").join(name);
        std::fs::read(path).unwrap()
    }

    fn converted(bytes: &[u8], output: Option<&str>) -> (tempfile::TempDir, anyhow::Result<Vec<PathBuf>>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.pkl");
        std::fs::write(&file, bytes).unwrap();
        let output = output.map(|name| folder.path().join(name));
        let paths = convert_pickle(&file, output.as_deref());
        (folder, paths)
    }

    #[test]
    fn the_centres_of_a_k_means_stand_beside_it() {
        let (folder, paths) = converted(&fixture("kmeans_4.pkl"), None);
        assert_eq!(paths.unwrap(), [folder.path().join("data.npy")]);
        let centres = crate::tokens::ExpressionCentres::read(&folder.path().join("data.pkl")).unwrap();
        assert_eq!(centres.last(), 2);
    }

    #[test]
    fn plain_data_become_json() {
        // {'a': (1, None), 2: nan}, with a float of protocol 0.
        let (_folder, paths) = converted(b"(dS'a'\n(I1\nNtsI2\nFnan\ns.", None);
        let text = std::fs::read_to_string(&paths.unwrap()[0]).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json!({"a": [1, null], "2": "NaN"}));
    }

    #[test]
    fn a_dict_of_arrays_becomes_a_folder() {
        // {'A/1': numpy.array([1, 2], dtype='u1')} in protocol 3, by hand.
        let bytes =
            b"\x80\x03}X\x03\x00\x00\x00A/1cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R\
                      (K\x01K\x02\x85cnumpy\ndtype\nX\x02\x00\x00\x00u1K\x00K\x01\x87R(K\x03X\x01\x00\x00\x00|NNNtb\
                      \x89C\x02\x01\x02tbs.";
        let (folder, paths) = converted(bytes, None);
        assert_eq!(paths.unwrap(), [folder.path().join("data/A_1.npy")]);
        let array = npy::read(&folder.path().join("data/A_1.npy")).unwrap();
        assert_eq!(array, Array { shape: vec![2], values: Values::U8(vec![1, 2]) });
        let (_folder, paths) = converted(bytes, Some("all.json"));
        let text = std::fs::read_to_string(&paths.unwrap()[0]).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json!({"A/1": [1, 2]}));
    }

    #[test]
    fn callables_are_never_executed() {
        let (folder, paths) = converted(&fixture("refused_call_4.pkl"), None);
        let text = paths.unwrap_err().to_string();
        assert!(text.contains("asks for `posix.system` at byte"), "{text}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is written");
    }

    #[test]
    fn an_array_is_not_written_under_a_misleading_name() {
        let (_folder, paths) = converted(&fixture("kmeans_4.pkl"), Some("x.csv"));
        assert!(paths.unwrap_err().to_string().ends_with("x.csv` is an array, expected a name in `.npy`"));
    }
}
