//! Damaged, cut and foreign files: each becomes an error that says what is wrong, never a panic, and never gigabytes.
//!
//! The files are made from the demo clip.

use std::path::{Path, PathBuf};

use unifr::media::{MediaError, Movie, read_sound};

fn demo_clip() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo/speaker.mp4")).expect("the demo clip is here")
}

/// A folder that goes away with its files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder can be made"))
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("clip.mp4");
        std::fs::write(&path, bytes).expect("a file can be written");
        path
    }

    /// Opens and decodes everything; the number of frames, or the first error.
    fn decoded(&self, bytes: &[u8]) -> Result<usize, MediaError> {
        let movie = Movie::open(self.file(bytes))?;
        let mut count = 0;
        for frame in movie.frames_at(25)? {
            frame?;
            count += 1;
        }
        movie.sound()?;
        Ok(count)
    }

    fn error(&self, bytes: &[u8]) -> String {
        self.decoded(bytes).expect_err("the file is damaged").to_string()
    }
}

/// Where the only box of that name starts, its size first.
fn place_of(clip: &[u8], name: [u8; 4], nth: usize) -> usize {
    clip.windows(4).enumerate().filter(|(_, four)| *four == name).nth(nth).expect("the box is there").0 - 4
}

/// The clip with that box called something else, so that it is skipped.
fn without_box(name: [u8; 4], nth: usize) -> Vec<u8> {
    let mut clip = demo_clip();
    let start = place_of(&clip, name, nth) + 4;
    clip[start..start + 4].copy_from_slice(b"free");
    clip
}

#[test]
fn the_whole_clip_is_read() {
    assert_eq!(Folder::new().decoded(&demo_clip()).expect("it is whole"), 150);
}

#[test]
fn a_missing_file_is_named() {
    let error = Movie::open("no/such/clip.mp4").expect_err("it is not there").to_string();
    assert_eq!(error, "could not open `no/such/clip.mp4`");
}

#[test]
fn an_empty_file_is_told_from_a_damaged_one() {
    assert_eq!(Folder::new().error(&[]), "the file has 0 bytes; copy or export it again");
}

#[test]
fn another_kind_of_file_is_shown_by_its_first_bytes() {
    let error = Folder::new().error(b"\x89PNG\r\n\x1a\n and so on");
    assert!(error.starts_with("the file is not an mp4: it starts with `\\x89PNG\\r\\n\\x1a\\n`"), "{error}");
}

#[test]
fn a_clip_cut_short_is_refused_before_anything_is_decoded() {
    let (clip, folder) = (demo_clip(), Folder::new());
    for share in 1..=9 {
        let part = &clip[..clip.len() * share / 10];
        let error = Movie::open(folder.file(part)).expect_err("a part is missing").to_string();
        let expected = format!("the file is cut short: it has {} bytes, its tables need", part.len());
        assert!(error.starts_with(&expected), "{share} tenths: {error}");
    }
}

#[test]
fn a_clip_cut_inside_its_tables_is_refused() {
    let (clip, folder) = (demo_clip(), Folder::new());
    let table = place_of(&clip, *b"moov", 0);
    for cut in [4, 8, 20, table + 3, table + 8, table + 500] {
        let error = folder.decoded(&clip[..cut]).expect_err("a part is missing");
        assert!(matches!(error, MediaError::Truncated { .. } | MediaError::NoTable), "{cut} bytes: {error}");
    }
}

#[test]
fn a_clip_without_a_table_of_contents_says_so() {
    let error = Folder::new().error(&without_box(*b"moov", 0));
    assert!(error.starts_with("the file has no `moov` box"), "{error}");
}

#[test]
fn a_clip_without_picture_is_refused() {
    let error = Folder::new().error(&without_box(*b"trak", 0));
    assert_eq!(error, "the file has no video track; a speaker's clip needs picture and sound");
}

#[test]
fn a_clip_without_sound_opens_and_has_no_sound() {
    let folder = Folder::new();
    let movie = Movie::open(folder.file(&without_box(*b"trak", 1))).expect("its picture is whole");
    assert!(!movie.has_sound());
    assert!(matches!(movie.sound(), Err(MediaError::NoSound)));
}

#[test]
fn another_codec_is_named() {
    let mut clip = demo_clip();
    let start = place_of(&clip, *b"avc1", 1) + 4;
    clip[start..start + 4].copy_from_slice(b"hvc1");
    let error = Folder::new().error(&clip);
    assert!(error.starts_with("the video is coded as `hvc1`, expected H.264"), "{error}");
}

#[test]
fn a_box_of_size_zero_ends_the_search_instead_of_repeating_it() {
    let mut clip = demo_clip();
    let start = place_of(&clip, *b"udta", 0);
    clip[start..start + 4].copy_from_slice(&0_u32.to_be_bytes());
    let error = Folder::new().error(&clip);
    assert!(error.starts_with("the file is damaged: box `udta` has size 0"), "{error}");
}

#[test]
fn a_count_larger_than_the_file_asks_for_no_memory() {
    let mut clip = demo_clip();
    let sizes = place_of(&clip, *b"stsz", 0) + 12;
    // every sample 4096 bytes, four billion of them
    clip[sizes..sizes + 8].copy_from_slice(&[0, 0, 16, 0, 255, 255, 255, 255]);
    let error = Folder::new().decoded(&clip).expect_err("no file is that large");
    assert!(matches!(error, MediaError::Truncated { .. }), "{error}");
}

#[test]
fn a_duration_of_years_is_refused() {
    let mut clip = demo_clip();
    let times = place_of(&clip, *b"stts", 0) + 16;
    // 150 frames of 2^31 ticks each
    clip[times..times + 8].copy_from_slice(&[0, 0, 0, 150, 128, 0, 0, 0]);
    let edits = place_of(&clip, *b"elst", 0) + 4;
    clip[edits..edits + 4].copy_from_slice(b"free");
    let error = Folder::new().decoded(&clip).expect_err("no clip is that long");
    assert!(matches!(error, MediaError::TooLong { .. }), "{error}");
}

#[test]
fn flipped_bytes_never_panic() {
    let (clip, folder) = (demo_clip(), Folder::new());
    let table = place_of(&clip, *b"moov", 0);
    let samples = place_of(&clip, *b"mdat", 0);
    let mut state = 1_u64;
    for _ in 0..60 {
        let mut damaged = clip.clone();
        for part in [table..samples, samples..clip.len()] {
            // a step of Knuth's generator is random enough for a place
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = part.start + (state >> 33) as usize % part.len();
            damaged[place] ^= 1 << (state >> 61);
        }
        // an error or a clip with a wrong pixel, but an end
        let _result: Result<usize, MediaError> = folder.decoded(&damaged);
    }
}

#[test]
fn a_sound_file_that_is_none_is_refused() {
    let folder = Folder::new();
    let error = read_sound(folder.file(b"fLaC and then some")).expect_err("not read here").to_string();
    assert!(error.starts_with("the file holds no sound UniFR can read: it starts with `fLaC"), "{error}");
}

#[test]
fn the_sound_of_an_mp4_is_the_movies_sound() {
    let folder = Folder::new();
    let path = folder.file(&demo_clip());
    let movie = Movie::open(&path).expect("it is whole");
    assert_eq!(read_sound(&path).expect("it is whole"), movie.sound().expect("it is whole"));
}
