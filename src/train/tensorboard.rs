//! TensorBoard event files, written by hand: the few fields that a curve needs.
//!
//! In:  a step and its scalars.
//! Out: records of length, checksum, `Event`, checksum, as `tensorboard --logdir` reads them.
//! Source: the record layout of TensorFlow's `record_writer` and the messages `Event` and `Summary` of TensorBoard.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc};

use crate::files::{self, FileError};

const CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
/// Added to the rotated checksum, so that the checksum of data that holds checksums stays good.
const MASK_DELTA: u32 = 0xa282_ead8;
/// The first record of every event file.
const FILE_VERSION: &str = "brain.Event:2";
/// Bytes of a record besides its data: length, checksum of the length, checksum of the data.
const HEAD_BYTES: usize = 12;
const TAIL_BYTES: usize = 4;

/// An event file that grows by one record per step.
#[derive(Debug)]
pub struct EventFile {
    file: File,
    path: PathBuf,
}

impl EventFile {
    /// Begins a new file; one that is there is replaced.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        Self::begin(path, &record(&version_event(now())))
    }

    /// Goes on with a file after `last_step`; records of later steps, and one that was cut short, are dropped.
    pub fn resume(path: &Path, last_step: u64) -> Result<Self, FileError> {
        let bytes = if path.exists() { files::read_bytes(path)? } else { Vec::new() };
        let kept: Vec<_> = records(&bytes).filter(|data| step_of(data) <= last_step).map(record).collect();
        if kept.is_empty() { Self::create(path) } else { Self::begin(path, &kept.concat()) }
    }

    fn begin(path: &Path, content: &[u8]) -> Result<Self, FileError> {
        files::write_atomically(path, |out| out.write_all(content))?;
        let file = OpenOptions::new().append(true).open(path).map_err(FileError::system("open", path))?;
        Ok(Self { file, path: path.into() })
    }

    /// Appends the scalars of one step.
    pub fn append(&mut self, step: u64, scalars: &[(&str, f64)]) -> Result<(), FileError> {
        let record = record(&scalar_event(now(), step, scalars));
        self.file.write_all(&record).map_err(FileError::system("write", &self.path))
    }
}

/// Seconds since 1970; TensorBoard shows them as the time of a point.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length, &masked_checksum(&length).to_le_bytes()[..], data, &masked_checksum(data).to_le_bytes()].concat()
}

fn masked_checksum(data: &[u8]) -> u32 {
    CRC_32C.checksum(data).rotate_right(15).wrapping_add(MASK_DELTA)
}

/// The data of all records up to the first that is cut short or damaged.
fn records(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (head, after) = rest.split_at_checked(HEAD_BYTES)?;
        let (length, checksum) = head.split_at(HEAD_BYTES - 4);
        if masked_checksum(length).to_le_bytes() != checksum {
            return None;
        }
        let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        let (data, after) = after.split_at_checked(length)?;
        let (checksum, after) = after.split_at_checked(TAIL_BYTES)?;
        rest = after;
        (masked_checksum(data).to_le_bytes() == checksum).then_some(data)
    })
}

/// Kinds of protobuf fields that we use.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

/// `Event { wall_time = 1; file_version = 3 }`.
fn version_event(wall_time: f64) -> Vec<u8> {
    [field(1, FIXED64, &wall_time.to_le_bytes()), counted(3, FILE_VERSION.as_bytes())].concat()
}

/// `Event { wall_time = 1; step = 2; summary = 5 { value = 1 { tag = 1; simple_value = 2 } } }`.
fn scalar_event(wall_time: f64, step: u64, scalars: &[(&str, f64)]) -> Vec<u8> {
    let value = |(tag, value): &(&str, f64)| {
        let value = field(2, FIXED32, &(*value as f32).to_le_bytes());
        counted(1, &[counted(1, tag.as_bytes()), value].concat())
    };
    let summary = scalars.iter().map(value).collect::<Vec<_>>().concat();
    [field(1, FIXED64, &wall_time.to_le_bytes()), field(2, VARINT, &varint(step)), counted(5, &summary)].concat()
}

fn field(number: u64, kind: u64, content: &[u8]) -> Vec<u8> {
    [&varint(number << 3 | kind), content].concat()
}

fn counted(number: u64, content: &[u8]) -> Vec<u8> {
    field(number, BYTES, &[&varint(content.len() as u64), content].concat())
}

/// Seven bits a byte, lowest first; the top bit says that more follow.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// The step of an event; 0 if it has none, as the first record of a file.
fn step_of(event: &[u8]) -> u64 {
    let mut rest = event;
    while let Some(tag) = taken_varint(&mut rest) {
        let size = match tag & 7 {
            VARINT => {
                let number = taken_varint(&mut rest).unwrap_or(0);
                if tag >> 3 == 2 {
                    return number;
                }
                continue;
            }
            FIXED64 => 8,
            FIXED32 => 4,
            _ => taken_varint(&mut rest).unwrap_or(u64::MAX),
        };
        let Some(after) = usize::try_from(size).ok().and_then(|size| rest.get(size..)) else { break };
        rest = after;
    }
    0
}

fn taken_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_crc_32c() {
        // The check value of CRC-32C, and the masking of RFC 3720's 32 zero bytes: 0x8a9136aa rotated right by 15 is
        // 0x6d551522, plus the delta 0x0fd7fffa.
        assert_eq!(CRC_32C.checksum(b"123456789"), 0xe306_9283);
        assert_eq!(CRC_32C.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(masked_checksum(&[0; 32]), 0x0fd7_fffa);
    }

    #[test]
    fn an_event_is_laid_out_as_its_message_says() {
        let event = scalar_event(1.5, 300, &[("loss", 0.5)]);
        let expected = [
            &[0x09][..], // field 1, eight bytes
            &1.5f64.to_le_bytes(),
            &[0x10, 0xac, 0x02], // field 2: 300 = 2·128 + 44
            &[0x2a, 0x0d],       // field 5 of 13 bytes
            &[0x0a, 0x0b],       // field 1 of 11 bytes
            &[0x0a, 0x04, b'l', b'o', b's', b's', 0x15],
            &0.5f32.to_le_bytes(),
        ]
        .concat();
        assert_eq!(event, expected);
        assert_eq!(step_of(&event), 300);
    }

    #[test]
    fn resuming_drops_later_steps_and_a_record_that_was_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.out.tfevents.test");
        let mut log = EventFile::create(&path).unwrap();
        for step in [1, 2, 3] {
            log.append(step, &[("a", 0.25)]).unwrap();
        }
        let cut = std::fs::metadata(&path).unwrap().len() - 5;
        File::options().write(true).open(&path).unwrap().set_len(cut).unwrap();
        assert_eq!(steps(&path), [0, 1, 2]);
        EventFile::resume(&path, 1).unwrap().append(2, &[("a", 0.5)]).unwrap();
        assert_eq!(steps(&path), [0, 1, 2]);
    }

    fn steps(path: &Path) -> Vec<u64> {
        records(&std::fs::read(path).unwrap()).map(step_of).collect()
    }

    #[test]
    fn resuming_without_a_good_record_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.out.tfevents.test");
        EventFile::resume(&path, 5).unwrap();
        assert_eq!(steps(&path), [0]);
        std::fs::write(&path, b"not an event file").unwrap();
        EventFile::resume(&path, 5).unwrap();
        assert_eq!(steps(&path), [0]);
    }

    #[test]
    fn damaged_files_end_where_the_damage_is() {
        let good = [record(&scalar_event(0.0, 1, &[])), record(&scalar_event(0.0, 2, &[]))].concat();
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 0x10;
            assert!(records(&bad).count() < 2, "byte {place}");
        }
        // A length beyond any file, with its right checksum.
        let length = u64::MAX.to_le_bytes();
        let bad = [&length, &masked_checksum(&length).to_le_bytes()[..], b"xxxxx"].concat();
        assert_eq!(records(&bad).count(), 0);
        assert_eq!([&[0x10][..], &[0xff; 12], &[0x12, 0xff, 0xff, 0x7f]].map(step_of), [0, 0, 0]);
    }
}
