//! Images and faces against OpenCV and rustface: resizing, grey, the square crop, the way of a face to the networks, and
//! the detector's boxes. Everything is equal to the last bit; only scores, written with three decimals, have a tolerance.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use serde_json::Value;
use unifr::faces::{Detector, FACE_SIDE, FaceBox, crop_bounds, network_gray};
use unifr::files::npy::{self, Values};
use unifr::media::{ColorImage, GrayImage};

mod golden_cases;

/// Half a unit of the last decimal written down.
const SCORE_TOLERANCE: f64 = 0.0006;

fn main() {
    let folder = golden_cases::root().join("features");
    let mut trials = golden_cases::of_kind("features/cv", pixel_trials(&folder));
    trials.extend(golden_cases::of_kind("features/pre", face_path_trials(&folder)));
    trials.extend(golden_cases::of_kind("features/crop_square.json", crop_trials(&folder)));
    trials.extend(golden_cases::of_kind("features/faces", detector_trials(&folder)));
    golden_cases::run(trials).exit();
}

fn pixel_trials(folder: &Path) -> Vec<Trial> {
    let cases = read_json(&folder.join("cv/cases.json"));
    let resize = list(&cases["resize"]).into_iter().map(|case| trial_of("resize", folder, case, resize_equal));
    resize.chain(list(&cases["gray"]).into_iter().map(|case| trial_of("gray", folder, case, gray_equal))).collect()
}

/// From each file of `pre/` to the next one of the same case.
fn face_path_trials(folder: &Path) -> Vec<Trial> {
    type Step = fn(&Path) -> Result<Vec<u8>, String>;
    let steps: [(&str, &str, Step); 4] = [
        ("crop_bgr", "face128_bgr", |path| Ok(color(path)?.resized(FACE_SIDE, FACE_SIDE).pixels)),
        ("face128_bgr", "gray128", |path| Ok(color(path)?.to_gray().pixels)),
        ("face128_bgr", "gray224", |path| Ok(network_gray(&color(path)?).pixels)),
        ("gray128", "gray224", |path| Ok(gray(path)?.resized(224, 224).pixels)),
    ];
    let mut trials = Vec::new();
    for path in golden_cases::files_in(&folder.join("pre"), "npy") {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (from, to, step) in steps {
            let Some(case) = name.strip_suffix(&format!(".{from}.npy")) else { continue };
            let expected = path.with_file_name(format!("{case}.{to}.npy"));
            if expected.exists() {
                let path = path.clone();
                let run = move || equal(&step(&path)?, &bytes(&expected)?.1);
                trials.push(golden_cases::trial(format!("pre {case}: {from} to {to}"), run));
            }
        }
    }
    trials
}

fn crop_trials(folder: &Path) -> Vec<Trial> {
    let cases = read_json(&folder.join("crop_square.json"));
    list(&cases["cases"]).into_iter().map(|case| trial_of("crop", folder, case, crop_equal)).collect()
}

fn detector_trials(folder: &Path) -> Vec<Trial> {
    let cases = read_json(&folder.join("faces/cases.json"));
    let threshold = cases["rustface"]["score_thresh"].as_f64().unwrap_or(2.0);
    let run = move |folder: &Path, case: &Value| boxes_equal(folder, case, threshold);
    list(&cases["images"]).into_iter().map(|case| trial_of("detect", folder, case, run)).collect()
}

fn trial_of(
    kind: &str,
    folder: &Path,
    case: Value,
    run: impl FnOnce(&Path, &Value) -> Result<(), String> + Send + 'static,
) -> Trial {
    let place = ["in", "in_bgr", "image"].iter().find_map(|key| case[key].as_str().map(str::to_owned));
    let name = place.unwrap_or_else(|| format!("{} in {}", case["rect_xywh"], case["image_wh"]));
    let folder = folder.to_path_buf();
    golden_cases::trial(format!("{kind} {name}"), move || run(&folder, &case))
}

fn resize_equal(folder: &Path, case: &Value) -> Result<(), String> {
    let (from, to) = (named(folder, &case["in"]), bytes(&named(folder, &case["out"]))?);
    let [width, height] = pair(&case["dst_wh"]);
    let found = match case["channels"].as_u64() {
        Some(1) => gray(&from)?.resized(width, height).pixels,
        _ => color(&from)?.resized(width, height).pixels,
    };
    equal(&found, &to.1)
}

fn gray_equal(folder: &Path, case: &Value) -> Result<(), String> {
    let found = color(&named(folder, &case["in_bgr"]))?.to_gray().pixels;
    equal(&found, &bytes(&named(folder, &case["out"]))?.1)
}

/// Departure: where the original's slice counts from the far edge (a negative bound) or is empty, ours is no face.
fn crop_equal(_: &Path, case: &Value) -> Result<(), String> {
    let [width, height] = pair(&case["image_wh"]);
    let bounds = integers(&case["x1y1x2y2"]);
    let rectangle = integers(&case["rect_xywh"]);
    let face = face_box([rectangle[0], rectangle[1], rectangle[2], rectangle[3]], 0.0);
    let is_inside = bounds[0] < bounds[2] && bounds[1] < bounds[3];
    let expected = is_inside.then(|| (bounds[0]..bounds[2], bounds[1]..bounds[3]));
    let found =
        crop_bounds(&face, width, height).map(|(x, y)| (x.start as i64..x.end as i64, y.start as i64..y.end as i64));
    if found == expected { Ok(()) } else { Err(format!("found {found:?}, expected {expected:?}")) }
}

fn boxes_equal(folder: &Path, case: &Value, threshold: f64) -> Result<(), String> {
    let mut detector = Detector::new(threshold).map_err(|error| error.to_string())?;
    let image = gray(&named(folder, &case["image"]))?;
    let found = detector.detect(&image).map_err(|error| error.to_string())?;
    let expected = list(&case["rustface"]).into_iter().map(|face| {
        let place = integers(&face["xywh"]);
        face_box([place[0], place[1], place[2], place[3]], face["score"].as_f64().unwrap_or(f64::NAN))
    });
    let expected: Vec<FaceBox> = expected.collect();
    let same = |(a, b): (&FaceBox, &FaceBox)| {
        (a.x, a.y, a.width, a.height) == (b.x, b.y, b.width, b.height) && (a.score - b.score).abs() <= SCORE_TOLERANCE
    };
    if found.len() == expected.len() && found.iter().zip(&expected).all(same) {
        return Ok(());
    }
    Err(format!("found {found:?}, expected {expected:?}"))
}

fn face_box([x, y, width, height]: [i64; 4], score: f64) -> FaceBox {
    FaceBox { x: x as i32, y: y as i32, width: width as i32, height: height as i32, score }
}

fn read_json(path: &Path) -> Value {
    std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or(Value::Null)
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn integers(value: &Value) -> Vec<i64> {
    list(value).iter().filter_map(Value::as_i64).collect()
}

fn pair(value: &Value) -> [usize; 2] {
    let values = integers(value);
    [values[0] as usize, values[1] as usize]
}

fn named(folder: &Path, name: &Value) -> PathBuf {
    folder.join(name.as_str().unwrap_or_default())
}

fn bytes(path: &Path) -> Result<(Vec<usize>, Vec<u8>), String> {
    let array = npy::read(path).map_err(|error| error.to_string())?;
    match array.values {
        Values::U8(values) => Ok((array.shape, values)),
        other => Err(format!("`{}` does not hold bytes: {other:?}", path.display())),
    }
}

fn gray(path: &Path) -> Result<GrayImage, String> {
    let (shape, pixels) = bytes(path)?;
    Ok(GrayImage { width: shape[1], height: shape[0], pixels })
}

fn color(path: &Path) -> Result<ColorImage, String> {
    let (shape, pixels) = bytes(path)?;
    Ok(ColorImage { width: shape[1], height: shape[0], pixels })
}

fn equal(found: &[u8], expected: &[u8]) -> Result<(), String> {
    let as_numbers = |values: &[u8]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
    golden_cases::close("pixel", &as_numbers(found), &as_numbers(expected), |_| 0.0)
}
