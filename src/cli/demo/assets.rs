//! What the demo needs is inside the program, so that it runs in an empty folder.

/// A few seconds of a real face and voice; `data/demo/README.md` says where they come from.
pub(super) const CLIP: &[u8] = include_bytes!("../../../data/demo/speaker.mp4");
/// The demo's settings.
pub(super) const CONFIG: &str = include_str!("../../../configs/demo.yaml");
