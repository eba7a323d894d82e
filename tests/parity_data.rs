//! Prepared files, batches and splits against the golden files and the published index files.
//!
//! Kinds: `unifr/data` (an HDF5 file written by h5py with the calls of the published preparation, normalisation, pose
//! repetition, mask counts, a permuted matrix) and the published splits, which are not part of this repository.

mod golden_cases;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use golden_cases::{close, files, of_kind, splits_folder, trial};
use libtest_mimic::Trial;
use safetensors::SafeTensors;
use unifr::batches::{masking::mask_count, pose_per_frame, standardised};
use unifr::dataset::{Appropriateness, ClipIndex, Partition, Reader, Writer, check, published_matrix};
use unifr::features::{FRAMES_PER_POSE, FeatureDims, SpeakerFeatures};

/// Standardised values: the golden README's tolerance, the reference computes in single precision.
const STANDARDISED_TOLERANCE: f64 = 1e-5;

const KIND: &str = "unifr/data";

fn main() -> ExitCode {
    let mut trials = Vec::new();
    trials.extend(of_kind("unifr/data/*.h5", golden_h5()));
    trials.extend(of_kind("unifr/data/norm.safetensors", golden_norm()));
    trials.extend(of_kind("unifr/data/n_mask.json", golden_mask_counts()));
    trials.extend(of_kind("unifr/data/*_permutation.json", golden_permutations()));
    trials.extend(published_splits());
    trials.push(h5py_reads_our_files());
    golden_cases::run(trials).exit_code()
}

/// A file of `KIND` by the end of its name.
fn named(end: &str, extension: &str) -> Vec<PathBuf> {
    let mut paths = files(KIND, extension);
    paths.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(end)));
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn text<T>(result: Result<T, impl std::error::Error>) -> Result<T, String> {
    result.map_err(|error| format!("{error}: {:?}", error.source().map(ToString::to_string)))
}

/// Shape and values of a tensor.
type Numbers = (Vec<usize>, Vec<f64>);

/// All tensors of a file as `f64`, whatever their type.
fn tensors(path: &Path) -> Result<HashMap<String, Numbers>, String> {
    let bytes = text(std::fs::read(path))?;
    let file = text(SafeTensors::deserialize(&bytes))?;
    let numbers = file.tensors().into_iter().map(|(name, view)| {
        let words = view.data().as_chunks::<4>().0.iter();
        let values = match view.dtype() {
            safetensors::Dtype::F32 => words.map(|word| f64::from(f32::from_le_bytes(*word))).collect(),
            safetensors::Dtype::I32 => words.map(|word| f64::from(i32::from_le_bytes(*word))).collect(),
            other => return Err(format!("`{name}` has type {other:?}")),
        };
        Ok((name, (view.shape().to_vec(), values)))
    });
    numbers.collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

// ---- files written by h5py

fn golden_h5() -> Vec<Trial> {
    let read = named(".h5", "h5")
        .into_iter()
        .map(|path| trial(format!("h5py's {} is read exactly", name_of(&path)), move || equals_safetensors(&path)));
    let rewritten = named(".h5", "h5").into_iter().map(|path| {
        trial(format!("{} comes back from our own writer", name_of(&path)), move || survives_our_writer(&path))
    });
    let checked = named(".h5", "h5").into_iter().map(|path| {
        trial(format!("check finds no problem in {}", name_of(&path)), move || {
            let checked = text(check(&path, None, &mut |_, _| {}))?;
            if checked.is_well() { Ok(()) } else { Err(format!("{:?}", checked.findings)) }
        })
    });
    read.chain(rewritten).chain(checked).collect()
}

/// Every stream of every row, NaN included, as the safetensors beside the file has it.
fn equals_safetensors(path: &Path) -> Result<(), String> {
    let expected = tensors(&path.with_extension("safetensors"))?;
    let reader = text(Reader::open(path))?;
    for row in 0..reader.clip_count() {
        let speaker = text(reader.speaker(row))?;
        let flags = speaker.has_face.iter().map(|flag| f64::from(u8::from(*flag))).collect();
        let mut found = vec![
            ("s_exp", wide(&speaker.expression)),
            ("s_AU", wide(&speaker.action_units)),
            ("s_VA", wide(&speaker.valence_arousal)),
            ("s_pose", wide(&speaker.pose)),
            ("s_MFCC", wide(&speaker.filterbank)),
            ("s_GeMapfunc", wide(&speaker.functionals)),
            ("s_GeMaplld", wide(&speaker.descriptors)),
            ("is_face", flags),
        ];
        if reader.has_tokens() {
            let tokens = text(reader.listener_tokens(row))?;
            found.push(("l_tokens", tokens.concat().into_iter().map(f64::from).collect()));
        }
        for (name, values) in found {
            let (shape, all) = expected.get(name).ok_or_else(|| format!("no `{name}` to compare with"))?;
            if shape[0] != reader.clip_count() {
                return Err(format!("{} clips, expected {}", reader.clip_count(), shape[0]));
            }
            let width = all.len() / shape[0];
            close(&format!("{name} of row {row}"), &values, &all[row * width..][..width], |_| 0.0)?;
        }
    }
    Ok(())
}

fn survives_our_writer(path: &Path) -> Result<(), String> {
    let folder = text(tempfile::tempdir())?;
    let copy = folder.path().join("copy.h5");
    let reader = text(Reader::open(path))?;
    let partition = if reader.has_tokens() { Partition::Train } else { Partition::Val };
    let mut writer = text(Writer::create(&copy, partition, reader.dims(), reader.frame_count(), &[]))?;
    let append = |writer: &mut Writer, row| {
        let tokens = reader.has_tokens().then(|| text(reader.listener_tokens(row))).transpose()?;
        text(writer.append(text(reader.name(row))?, &text(reader.speaker(row))?, tokens.as_ref()))
    };
    let half = reader.clip_count() / 2;
    (0..half).try_for_each(|row| append(&mut writer, row))?;
    text(writer.finish())?;
    // The second half is added after the file was finished and opened again.
    let mut writer = text(Writer::reopen(&copy))?;
    (half..reader.clip_count()).try_for_each(|row| append(&mut writer, row))?;
    text(writer.finish())?;
    let again = text(Reader::open(&copy))?;
    if again.names() != reader.names() {
        return Err(format!("names are {:?}, expected {:?}", again.names(), reader.names()));
    }
    for row in 0..reader.clip_count() {
        let (found, expected) = (text(again.speaker(row))?, text(reader.speaker(row))?);
        for (what, found, expected) in [
            ("expression", &found.expression, &expected.expression),
            ("action units", &found.action_units, &expected.action_units),
            ("valence-arousal", &found.valence_arousal, &expected.valence_arousal),
            ("pose", &found.pose, &expected.pose),
            ("filterbank", &found.filterbank, &expected.filterbank),
            ("functionals", &found.functionals, &expected.functionals),
            ("descriptors", &found.descriptors, &expected.descriptors),
        ] {
            close(&format!("{what} of row {row}"), &wide(found), &wide(expected), |_| 0.0)?;
        }
        if found.has_face != expected.has_face {
            return Err(format!("face flags of row {row} differ"));
        }
        if reader.has_tokens() && text(again.listener_tokens(row))? != text(reader.listener_tokens(row))? {
            return Err(format!("tokens of row {row} differ"));
        }
    }
    Ok(())
}

// ---- arithmetic of the batches

fn golden_norm() -> Vec<Trial> {
    let paths = named("norm.safetensors", "safetensors");
    paths
        .into_iter()
        .map(|path| trial("clip features are standardised and pose rows repeated", move || norm(&path)))
        .collect()
}

fn norm(path: &Path) -> Result<(), String> {
    let golden = tensors(path)?;
    let of = |name: &str| golden.get(name).ok_or_else(|| format!("no `{name}`"));
    let narrow = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<f32>>();
    let standard = standardised(narrow(&of("norm.input")?.1));
    close("standardised", &wide(&standard), &of("norm.output")?.1, |_| STANDARDISED_TOLERANCE)?;
    let (shape, rows) = of("pose.input")?;
    let repeated = pose_per_frame(&narrow(rows), shape[0], shape[0] * FRAMES_PER_POSE, 0);
    close("repeated pose", &wide(&repeated), &of("pose.repeated")?.1, |_| 0.0)
}

fn golden_mask_counts() -> Vec<Trial> {
    let paths = named("n_mask.json", "json");
    paths
        .into_iter()
        .map(|path| trial("masked positions are counted as published", move || mask_counts(&path)))
        .collect()
}

fn mask_counts(path: &Path) -> Result<(), String> {
    let golden: serde_json::Value = text(serde_json::from_reader(text(std::fs::File::open(path))?))?;
    let draws: Vec<f64> = text(serde_json::from_value(golden["r"].clone()))?;
    let lengths: HashMap<String, Vec<usize>> = text(serde_json::from_value(golden["n_mask"].clone()))?;
    for (length, expected) in lengths {
        let frame_count = text(length.parse())?;
        for (draw, expected) in draws.iter().zip(expected) {
            let found = mask_count(*draw, frame_count);
            if found != expected {
                return Err(format!("a draw of {draw} masks {found} of {length} frames, expected {expected}"));
            }
        }
    }
    Ok(())
}

fn golden_permutations() -> Vec<Trial> {
    let paths = named("_permutation.json", "json");
    paths.into_iter().map(|path| trial(name_of(&path), move || permutation(&path))).collect()
}

fn permutation(path: &Path) -> Result<(), String> {
    let matrix_name = name_of(path).replace("_permutation.json", "_appro.npy");
    let matrix = text(Appropriateness::open(&path.with_file_name(matrix_name)))?;
    let golden: serde_json::Value = text(serde_json::from_reader(text(std::fs::File::open(path))?))?;
    let order: Vec<usize> = text(serde_json::from_value(golden["shuffled_idx"].clone()))?;
    let expected: Vec<Vec<f64>> = text(serde_json::from_value(golden["matrix"].clone()))?;
    let permuted = text(matrix.permuted(&order))?;
    let entry = |row, column| f64::from(u8::from(permuted.is_appropriate(row, column)));
    let count = order.len();
    let found: Vec<f64> = (0..count * count).map(|place| entry(place / count, place % count)).collect();
    close("the permuted matrix", &found, &expected.concat(), |_| 0.0)
}

// ---- the published splits

/// A part of the corpus: its name, clips, clips of NoXI, UDIVA and RECOLA, and ones of its matrix if there is one.
type Split = (Partition, usize, [usize; 3], Option<usize>);

/// Sections 2.2 and 2.3 of the specification; totals of the README beside the files.
const SPLITS: [Split; 3] = [
    (Partition::Train, 5268, [3168, 2082, 18], Some(437_748)),
    (Partition::Val, 1678, [1106, 554, 18], Some(46_214)),
    (Partition::Test, 1668, [1594, 56, 18], None),
];
/// Positions of the clips that are shown as pictures.
const SAMPLES: [usize; 5] = [306, 455, 582, 667, 831];

fn published_splits() -> Vec<Trial> {
    let folder = splits_folder();
    if !folder.is_dir() {
        let name = format!("published splits: no folder {}", folder.display());
        return vec![Trial::test(name, || Ok(())).with_ignored_flag(true)];
    }
    let index = |split: &Split| ClipIndex::read(&splits_folder().join(split.0.index_file_name()));
    let mut trials = Vec::new();
    for split in SPLITS {
        trials.push(trial(format!("the {} list pairs two people of one clip", split.0), move || {
            pairs(&text(index(&split))?, split)
        }));
        if let Some(ones) = split.3 {
            trials.push(trial(format!("the {} matrix is whole", split.0), move || matrix(split.0, split.1, ones)));
        }
    }
    trials.push(trial("the five samples stand where they should", move || {
        let found = text(text(index(&SPLITS[1]))?.samples(&splits_folder().join("5_samples.csv")))?;
        if found == SAMPLES { Ok(()) } else { Err(format!("{found:?}, expected {SAMPLES:?}")) }
    }));
    trials
}

fn pairs(index: &ClipIndex, (_, count, sites, _): Split) -> Result<(), String> {
    let of_site = |site: &str| index.ids().iter().filter(|id| id.split('/').next() == Some(site)).count();
    let found = (index.len(), ["NoXI", "UDIVA", "RECOLA"].map(of_site));
    if found != (count, sites) {
        return Err(format!("{found:?}, expected {:?}", (count, sites)));
    }
    for clip in 0..index.len() {
        let (one, other) = (index.id(clip), index.id(index.partner(clip)));
        let differing = one.split('/').zip(other.split('/')).filter(|(a, b)| a != b).count();
        if differing != 1 || one.split('/').count() != other.split('/').count() {
            return Err(format!("`{one}` and `{other}` differ in {differing} parts, expected one"));
        }
    }
    Ok(())
}

fn matrix(partition: Partition, count: usize, ones: usize) -> Result<(), String> {
    let matrix = text(published_matrix(&splits_folder(), partition))?.ok_or("there is none")?;
    text(matrix.require_clip_count(count))?;
    text(matrix.require_appropriate())?;
    text(matrix.require_inappropriate())?;
    let found: usize = (0..count).map(|row| matrix.appropriate(row).len()).sum();
    if found != ones {
        return Err(format!("{found} ones, expected {ones}"));
    }
    for row in 0..count {
        if !matrix.is_appropriate(row, row) {
            return Err(format!("row {row} lacks itself"));
        }
        if let Some(column) =
            matrix.appropriate(row).iter().find(|column| !matrix.is_appropriate(**column as usize, row))
        {
            return Err(format!("({row}, {column}) is one and ({column}, {row}) is not"));
        }
    }
    let folder = text(tempfile::tempdir())?;
    text(matrix.save(&folder.path().join(format!("neighbour_emotion_{partition}.npy"))))?;
    if text(published_matrix(folder.path(), partition))? == Some(matrix) {
        Ok(())
    } else {
        Err("saved and read, it differs".to_owned())
    }
}

// ---- what h5py sees in our files

/// More clips than the 1,024 chunks at which HDF5 files change their shape inside.
const MANY_CLIPS: usize = 1100;

const DIMS: FeatureDims = FeatureDims {
    expression: 3,
    action_units: 5,
    valence_arousal: 2,
    pose: 4,
    filterbank: 6,
    functionals: 7,
    descriptors: 8,
};

/// Says shape, type and sum of every dataset, and some values, as h5py reads them.
const SCRIPT: &str = r"
import h5py, numpy, sys
with h5py.File(sys.argv[1]) as f:
    for name in sorted(f):
        d = f[name]
        kind = 'utf-8' if h5py.check_string_dtype(d.dtype) else str(d.dtype)
        total = '' if kind == 'utf-8' else repr(float(d[:].astype('f8').sum()))
        print(name, list(d.shape), kind, total)
    print(f['s_name'][1098].decode(), f['s_exp'][1099, 9, 2], f['l_tokens'][0, 2, 9], f.attrs['options'])
";

fn h5py_reads_our_files() -> Trial {
    let python = std::env::var("UNIFR_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_h5py = Command::new(&python).args(["-c", "import h5py"]).output().is_ok_and(|done| done.status.success());
    if !has_h5py {
        let name = format!("h5py reads our files: `{python}` has no h5py");
        return Trial::test(name, || Ok(())).with_ignored_flag(true);
    }
    trial("h5py reads our files, more than 1024 clips and some added later", move || h5py_sees(&python))
}

/// All numbers of row `r` are `r`, all tokens of a kind `r + kind`.
fn numbered(row: usize) -> (SpeakerFeatures, [Vec<i32>; 3]) {
    let stream = |count: usize| vec![row as f32; count];
    let speaker = SpeakerFeatures {
        frame_count: 10,
        expression: stream(30),
        action_units: stream(50),
        valence_arousal: stream(20),
        pose: stream(8),
        filterbank: stream(60),
        functionals: stream(7),
        descriptors: stream(8),
        has_face: (0..10).map(|frame| frame % 2 == 0).collect(),
    };
    (speaker, [0, 1, 2].map(|kind| vec![row as i32 + kind; 10]))
}

fn h5py_sees(python: &str) -> Result<(), String> {
    let folder = text(tempfile::tempdir())?;
    let path = folder.path().join("many.h5");
    let append = |writer: &mut Writer, row: usize| {
        let (speaker, tokens) = numbered(row);
        text(writer.append(&format!("clip/{row}/é"), &speaker, Some(&tokens)))
    };
    let mut writer = text(Writer::create(&path, Partition::Train, DIMS, 10, &[("options", "fast: yes")]))?;
    (0..MANY_CLIPS - 50).try_for_each(|row| append(&mut writer, row))?;
    text(writer.finish())?;
    let mut writer = text(Writer::reopen(&path))?;
    (MANY_CLIPS - 50..MANY_CLIPS).try_for_each(|row| append(&mut writer, row))?;
    text(writer.finish())?;

    let done = text(Command::new(python).args(["-c", SCRIPT]).arg(&path).output())?;
    let found = String::from_utf8_lossy(&done.stdout);
    // The sum of 0..1100 is 1099 * 1100 / 2 = 604450; of the tokens 30 times that and 10 * (0 + 1 + 2) * 1100 more.
    let expected = "\
is_face [1100, 10] int32 5500.0
l_tokens [1100, 3, 10] int32 18166500.0
s_AU [1100, 10, 5] float32 30222500.0
s_GeMapfunc [1100, 7] float32 4231150.0
s_GeMaplld [1100, 8] float32 4835600.0
s_MFCC [1100, 10, 6] float32 36267000.0
s_VA [1100, 10, 2] float32 12089000.0
s_exp [1100, 10, 3] float32 18133500.0
s_name [1100] utf-8 
s_pose [1100, 2, 4] float32 4835600.0
clip/1098/é 1099.0 2 fast: yes
";
    if found == expected {
        return Ok(());
    }
    Err(format!("h5py says\n{found}\n{}\nexpected\n{expected}", String::from_utf8_lossy(&done.stderr)))
}
