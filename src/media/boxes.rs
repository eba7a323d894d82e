//! Boxes of an mp4: found in the file, and checked before the table parser sees them.
//!
//! In:  the file.
//! Out: the bytes of its `moov` box in which every box lies inside its parent and every box that is not needed is
//!      called `free`.
//! Source: ISO/IEC 14496-12, section 4.2 and the boxes of section 8.
//!
//! `re_mp4` trusts sizes: a box of size 0 inside `moov` makes it read the same box for ever. So the tree is walked here
//! first, and only a tree without contradictions goes on.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use super::MediaError;

const HEADER_BYTES: u64 = 8;
/// Three hours at 50 frames a second have tables of about 10 MB.
const LARGEST_TABLE_BYTES: u64 = 64 << 20;
/// Nested deeper than any path below `moov` that is needed.
const DEEPEST: usize = 8;

/// `moov/trak/mdia/minf/stbl/stsd/` is where codecs are named.
const CODEC_DEPTH: usize = 5;

/// Boxes that only hold boxes, with the bytes before the first of them.
const PARENTS: [(&[u8; 4], usize); 9] = [
    (b"trak", 0),
    (b"edts", 0),
    (b"mdia", 0),
    (b"minf", 0),
    (b"dinf", 0),
    (b"dref", 8),
    (b"stbl", 0),
    (b"stsd", 8),
    (b"wave", 0), // QuickTime's wrapping of the sound's description
];
/// Boxes that hold the numbers themselves.
const LEAVES: [&[u8; 4]; 17] = [
    b"mvhd", b"tkhd", b"elst", b"mdhd", b"hdlr", b"vmhd", b"smhd", b"url ", b"stts", b"ctts", b"stss", b"stsc",
    b"stsz", b"stco", b"co64", b"avcC", b"esds",
];

/// The bytes of the `moov` box, header included, checked.
pub fn read_table(file: &mut File, file_bytes: u64) -> Result<Vec<u8>, MediaError> {
    let mut table = None;
    let mut at = 0;
    while at < file_bytes {
        let found = match BoxAt::read(file, at, file_bytes) {
            Ok(found) => found,
            Err(_) if table.is_some() => break, // what follows the table is only samples; they are checked one by one
            Err(error) => return Err(error),
        };
        match &found.name {
            b"moov" => table = Some(found.bytes(file)?),
            b"moof" => return Err(MediaError::Fragmented),
            _ => {}
        }
        at = found.end;
    }
    let mut table = table.ok_or(MediaError::NoTable)?;
    let end = table.len();
    check_children(&mut table, HEADER_BYTES as usize..end, 0)?;
    Ok(table)
}

/// One box of the outermost level, inside the file.
struct BoxAt {
    name: [u8; 4],
    start: u64,
    end: u64,
}

impl BoxAt {
    fn read(file: &mut File, start: u64, file_bytes: u64) -> Result<Self, MediaError> {
        let too_short = |expected| MediaError::Truncated { found: file_bytes, expected };
        if file_bytes - start < HEADER_BYTES {
            return Err(too_short(start + HEADER_BYTES));
        }
        file.seek(SeekFrom::Start(start))?;
        let mut header = [0; HEADER_BYTES as usize];
        file.read_exact(&mut header)?;
        let [a, b, c, d, name @ ..] = header;
        if start == 0 && !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ') {
            return Err(MediaError::NotMp4 { found: header.escape_ascii().to_string() });
        }
        let size = match u32::from_be_bytes([a, b, c, d]) {
            0 => file_bytes - start, // it reaches to the end of the file
            1 => Self::large_size(file)?,
            size => u64::from(size),
        };
        let end = start.saturating_add(size);
        if size < HEADER_BYTES {
            return Err(MediaError::damaged(format!("box `{}` has size {size}", name.escape_ascii())));
        }
        if end > file_bytes {
            return Err(too_short(end));
        }
        Ok(Self { name, start, end })
    }

    fn large_size(file: &mut File) -> Result<u64, MediaError> {
        let mut size = [0; 8];
        file.read_exact(&mut size)?;
        Ok(u64::from_be_bytes(size))
    }

    fn bytes(&self, file: &mut File) -> Result<Vec<u8>, MediaError> {
        let size = self.end - self.start;
        if size > LARGEST_TABLE_BYTES {
            return Err(MediaError::damaged(format!("its `moov` box claims {size} bytes")));
        }
        file.seek(SeekFrom::Start(self.start))?;
        let mut bytes = vec![0; size as usize];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// For a box that holds boxes: how many bytes of its own come first.
fn bytes_before_children(bytes: &[u8], name: [u8; 4], depth: usize) -> Option<usize> {
    const VERSION: usize = HEADER_BYTES as usize + 9;
    match &name {
        b"avc1" | b"avc3" if depth == CODEC_DEPTH => Some(78),
        // QuickTime's second layout has four numbers more
        b"mp4a" if depth == CODEC_DEPTH => Some(if bytes.get(VERSION) == Some(&1) { 44 } else { 28 }),
        _ => PARENTS.iter().find(|(parent, _)| **parent == name).map(|(_, before)| *before),
    }
}

/// Walks the boxes in that part of `table`: each must end inside its parent. What is not needed is renamed: `free`, or
/// in the list of codecs (`stsd`) the same name in capitals, which the parser does not know but an error can show.
fn check_children(table: &mut [u8], part: Range<usize>, depth: usize) -> Result<(), MediaError> {
    let mut at = part.start;
    while at < part.end {
        let Some(&[a, b, c, d, ref name @ ..]) = table[at..part.end].first_chunk::<{ HEADER_BYTES as usize }>() else {
            return Err(MediaError::damaged("its `moov` box ends inside a box"));
        };
        let (size, name, left) = (u32::from_be_bytes([a, b, c, d]) as usize, *name, part.end - at);
        if size < HEADER_BYTES as usize || size > left {
            let name = name.escape_ascii();
            return Err(MediaError::damaged(format!("box `{name}` has size {size} where {left} bytes are left")));
        }
        let end = at + size;
        if let Some(before) = bytes_before_children(&table[at..end], name, depth) {
            let first = at + HEADER_BYTES as usize + before;
            if first > end || depth == DEEPEST {
                return Err(MediaError::damaged(format!("box `{}` is too short or too deep", name.escape_ascii())));
            }
            check_children(table, first..end, depth + 1)?;
        } else if depth == CODEC_DEPTH {
            table[at + 4..at + 8].make_ascii_uppercase();
        } else if !LEAVES.contains(&&name) {
            table[at + 4..at + 8].copy_from_slice(b"free");
        }
        at = end;
    }
    Ok(())
}
