//! The few structures of an HDF5 file that UniFR writes, as bytes.
//!
//! In:  where the rows of each dataset already lie in the file, and the texts.
//! Out: one block of metadata to put behind them, and the superblock that points at it.
//! Source: HDF5 File Format Specification 3.0, in the form the HDF5 library 1.8 writes (superblock 2, version 2
//! object headers, version 3 layouts, version 1 B-trees), which every HDF5 since 1.8 and h5py read.
//!
//! Why by hand: hdf5-pure 0.47 appends to datasets of one axis only, and ours have up to three.

use super::layout::{Column, Element};

/// An address or an extent that is not there.
const UNDEFINED: u64 = u64::MAX;
/// The first bytes of every HDF5 file.
const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";
/// Bytes of the superblock; rows follow it.
pub(super) const SUPERBLOCK_BYTES: u64 = 48;
/// Children of a B-tree node: twice the library's default rank of 32 for chunked storage.
const NODE_CHILDREN: usize = 64;
/// The smallest global heap collection the library accepts.
const SMALLEST_COLLECTION: usize = 4096;
/// Texts per global heap collection: keeps each a few hundred kilobytes, far below the 65,535 its numbering allows.
const TEXTS_PER_COLLECTION: usize = 1024;
/// Message types of an object header.
mod message {
    pub const DATASPACE: u8 = 0x01;
    pub const LINK_INFO: u8 = 0x02;
    pub const DATATYPE: u8 = 0x03;
    pub const FILL_VALUE: u8 = 0x05;
    pub const LINK: u8 = 0x06;
    pub const LAYOUT: u8 = 0x08;
    pub const GROUP_INFO: u8 = 0x0a;
    pub const ATTRIBUTE: u8 = 0x0c;
}

/// Little-endian IEEE single precision, signed 32 and unsigned 64 bit integers, and variable-length UTF-8 text.
const FLOAT32: [u8; 20] = [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];
const INT32: [u8; 12] = [0x10, 0x08, 0, 0, 4, 0, 0, 0, 0, 0, 32, 0];
const INT64: [u8; 12] = [0x10, 0x08, 0, 0, 8, 0, 0, 0, 0, 0, 64, 0];
const TEXT: [u8; 20] = [0x19, 0x01, 0x01, 0, 16, 0, 0, 0, 0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0];

/// A dataset whose rows are in the file already, one chunk a row.
pub(super) struct StoredColumn<'a> {
    /// Name, shape and element type.
    pub column: &'a Column,
    /// Where each row begins.
    pub rows: &'a [u64],
}

/// Everything a file says besides its rows of numbers.
pub(super) struct Contents<'a> {
    /// The names dataset and its texts, one per clip.
    pub names: (&'a str, &'a [String]),
    /// The datasets of numbers.
    pub columns: Vec<StoredColumn<'a>>,
    /// A small dataset of integers, if there is one.
    pub integers: Option<(&'a str, &'a [i64])>,
    /// Texts attached to the file itself.
    pub attributes: &'a [(String, String)],
}

/// The metadata as bytes that belong at `start`, and the address of the root group in them.
pub(super) fn metadata(start: u64, contents: &Contents) -> (Vec<u8>, u64) {
    let mut block = Block { start, bytes: Vec::new() };
    let (names_name, names) = contents.names;
    let name_places = block.texts(names.iter().map(String::as_str));
    let attribute_places = block.texts(contents.attributes.iter().map(|(_, text)| text.as_str()));

    let mut links = Vec::new();
    let names_data = block.put(&name_places.concat());
    links.push((names_name, block.contiguous(&TEXT, &[names.len() as u64], names_data, name_places.len() * 16)));
    for stored in &contents.columns {
        links.push((stored.column.name, block.chunked(stored)));
    }
    if let Some((name, values)) = contents.integers {
        let data = block.put(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>());
        links.push((name, block.contiguous(&INT64, &[values.len() as u64], data, values.len() * 8)));
    }
    // Readers that list a group do so in the order of its links; keep it the same in every file.
    links.sort_unstable();
    let attributes = contents.attributes.iter().map(|(name, _)| name.as_str()).zip(attribute_places);
    let root = block.group(&links, attributes);
    (block.bytes, root)
}

/// The superblock of a file that ends at `end` and whose root group is at `root`.
pub(super) fn superblock(root: u64, end: u64) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([2, 8, 8, 0]); // version, bytes of an address, bytes of a length, no flags
    for address in [0, UNDEFINED, end, root] {
        bytes.extend(address.to_le_bytes());
    }
    with_checksum(bytes)
}

/// Metadata under construction: bytes and the address of the first.
struct Block {
    start: u64,
    bytes: Vec<u8>,
}

impl Block {
    /// Adds bytes at the next multiple of 8 and returns their address.
    fn put(&mut self, bytes: &[u8]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let address = self.start + self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        address
    }

    /// Puts texts into the global heap; returns how a dataset refers to each: length, collection, number.
    fn texts<'a>(&mut self, texts: impl Iterator<Item = &'a str>) -> Vec<[u8; 16]> {
        let texts: Vec<&str> = texts.collect();
        let mut places = Vec::with_capacity(texts.len());
        for group in texts.chunks(TEXTS_PER_COLLECTION) {
            let address = self.put(&collection(group));
            for (number, text) in (1_u32..).zip(group) {
                let mut place = [0; 16];
                place[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
                place[4..12].copy_from_slice(&address.to_le_bytes());
                place[12..].copy_from_slice(&number.to_le_bytes());
                places.push(place);
            }
        }
        places
    }

    /// A dataset in one piece, of fixed size.
    fn contiguous(&mut self, datatype: &[u8], shape: &[u64], address: u64, length: usize) -> u64 {
        let mut layout = vec![3, 1]; // version, contiguous
        layout.extend(if length == 0 { UNDEFINED } else { address }.to_le_bytes());
        layout.extend((length as u64).to_le_bytes());
        self.dataset(&dataspace(shape, false), datatype, &[3, 0x0a], &layout)
    }

    /// A dataset of one chunk a row, whose first axis may grow.
    fn chunked(&mut self, stored: &StoredColumn) -> u64 {
        let column = stored.column;
        let tree = self.tree(stored);
        let extents = std::iter::once(1).chain(column.row_shape.iter().copied()).chain([Element::BYTES]);
        let mut layout = vec![3, 2, column.row_shape.len() as u8 + 2]; // version, chunked, axes and the element
        layout.extend(tree.to_le_bytes());
        layout.extend(extents.flat_map(|extent| (extent as u32).to_le_bytes()));
        let datatype: &[u8] = match column.element {
            Element::Float32 => &FLOAT32,
            Element::Int32 => &INT32,
        };
        self.dataset(&dataspace(&column.shape(stored.rows.len()), true), datatype, &[3, 0x0b], &layout)
    }

    /// An object header of a dataset.
    fn dataset(&mut self, dataspace: &[u8], datatype: &[u8], fill_value: &[u8], layout: &[u8]) -> u64 {
        let header = object_header(&[
            (message::DATASPACE, dataspace),
            (message::DATATYPE, datatype),
            (message::FILL_VALUE, fill_value),
            (message::LAYOUT, layout),
        ]);
        self.put(&header)
    }

    /// The root group: links and attributes.
    fn group<'a>(&mut self, links: &[(&str, u64)], attributes: impl Iterator<Item = (&'a str, [u8; 16])>) -> u64 {
        let mut messages = vec![
            (message::LINK_INFO, [vec![0, 0], UNDEFINED.to_le_bytes().repeat(2)].concat()),
            (message::GROUP_INFO, vec![0, 0]),
        ];
        for (name, address) in links {
            let head = [1, 0, name.len() as u8]; // version, a hard link with a short ASCII name
            messages.push((message::LINK, [&head, name.as_bytes(), &address.to_le_bytes()].concat()));
        }
        messages.extend(attributes.map(|(name, place)| (message::ATTRIBUTE, attribute(name, place))));
        let messages: Vec<(u8, &[u8])> = messages.iter().map(|(kind, body)| (*kind, body.as_slice())).collect();
        self.put(&object_header(&messages))
    }

    /// The B-tree that finds the chunk of every row; returns the address of its root.
    fn tree(&mut self, stored: &StoredColumn) -> u64 {
        if stored.rows.is_empty() {
            return UNDEFINED;
        }
        let key = |row: usize| chunk_key(row, stored.rows.len(), stored.column);
        let mut entries: Vec<(usize, u64)> = stored.rows.iter().copied().enumerate().collect();
        for level in 0.. {
            entries = self.tree_level(level, &entries, stored.rows.len(), &key);
            if entries.len() == 1 {
                break;
            }
        }
        entries[0].1
    }

    /// One level of a B-tree; returns the first row and the address of each of its nodes.
    fn tree_level(
        &mut self,
        level: u8,
        entries: &[(usize, u64)],
        row_count: usize,
        key: &impl Fn(usize) -> Vec<u8>,
    ) -> Vec<(usize, u64)> {
        let key_bytes = key(0).len();
        let node_bytes = (24 + NODE_CHILDREN * (8 + key_bytes) + key_bytes).next_multiple_of(8);
        let first = self.put(&[]);
        let node_count = entries.len().div_ceil(NODE_CHILDREN);
        let address = |node: usize| first + (node * node_bytes) as u64;
        let mut nodes = Vec::with_capacity(node_count);
        for (node, children) in entries.chunks(NODE_CHILDREN).enumerate() {
            let mut bytes = b"TREE".to_vec();
            bytes.extend([1, level]); // the node finds chunks; height above the chunks
            bytes.extend((children.len() as u16).to_le_bytes());
            bytes.extend(if node == 0 { UNDEFINED } else { address(node - 1) }.to_le_bytes());
            bytes.extend(if node + 1 == node_count { UNDEFINED } else { address(node + 1) }.to_le_bytes());
            for (row, child) in children {
                bytes.extend(key(*row));
                bytes.extend(child.to_le_bytes());
            }
            let next_row = entries.get((node + 1) * NODE_CHILDREN).map_or(row_count, |(row, _)| *row);
            bytes.extend(key(next_row));
            bytes.resize(node_bytes, 0);
            nodes.push((children[0].0, self.put(&bytes)));
        }
        nodes
    }
}

/// The key of a row's chunk: its bytes, no filters, and its place on every axis; `row_count` closes the last node
/// with the far corner of the last chunk, as the library does.
fn chunk_key(row: usize, row_count: usize, column: &Column) -> Vec<u8> {
    let is_chunk = row < row_count;
    let chunk_bytes = if is_chunk { column.row_bytes() as u32 } else { 0 };
    let mut key = [chunk_bytes.to_le_bytes(), [0; 4]].concat();
    key.extend((row as u64).to_le_bytes());
    for extent in column.row_shape.iter().copied().chain([Element::BYTES]) {
        key.extend(if is_chunk { 0 } else { extent as u64 }.to_le_bytes());
    }
    key
}

/// One collection of the global heap.
fn collection(texts: &[&str]) -> Vec<u8> {
    let mut objects = Vec::new();
    for (number, text) in (1_u16..).zip(texts) {
        objects.extend(number.to_le_bytes());
        objects.extend([1, 0, 0, 0, 0, 0]); // one reference
        objects.extend((text.len() as u64).to_le_bytes());
        objects.extend(text.as_bytes());
        objects.resize(objects.len().next_multiple_of(8), 0);
    }
    // 16 bytes of head, the objects, and at least the 16 bytes that describe the free rest.
    let size = (16 + objects.len() + 16).max(SMALLEST_COLLECTION);
    let free = size - 16 - objects.len();
    let mut bytes = b"GCOL\x01\0\0\0".to_vec();
    bytes.extend((size as u64).to_le_bytes());
    bytes.extend(objects);
    bytes.extend([0; 8]);
    bytes.extend((free as u64).to_le_bytes());
    bytes.resize(size, 0);
    bytes
}

/// A simple dataspace; with `grows`, the first axis is unlimited.
fn dataspace(shape: &[u64], grows: bool) -> Vec<u8> {
    let mut bytes = vec![2, shape.len() as u8, u8::from(grows), 1]; // version, axes, has largest extents, simple
    bytes.extend(shape.iter().flat_map(|extent| extent.to_le_bytes()));
    if grows {
        bytes.extend(UNDEFINED.to_le_bytes());
        bytes.extend(shape[1..].iter().flat_map(|extent| extent.to_le_bytes()));
    }
    bytes
}

/// An attribute that holds one text of the global heap.
fn attribute(name: &str, place: [u8; 16]) -> Vec<u8> {
    let scalar = [2, 0, 0, 0];
    let mut bytes = vec![3, 0];
    for length in [name.len() + 1, TEXT.len(), scalar.len()] {
        bytes.extend((length as u16).to_le_bytes());
    }
    bytes.push(1); // the name is UTF-8
    bytes.extend(name.as_bytes());
    bytes.push(0);
    bytes.extend(TEXT);
    bytes.extend(scalar);
    bytes.extend(place);
    bytes
}

/// A version 2 object header in one piece.
fn object_header(messages: &[(u8, &[u8])]) -> Vec<u8> {
    let length: usize = messages.iter().map(|(_, body)| 4 + body.len()).sum();
    let mut bytes = b"OHDR\x02\x02".to_vec(); // version; the length takes 4 bytes
    bytes.extend((length as u32).to_le_bytes());
    for (kind, body) in messages {
        bytes.push(*kind);
        bytes.extend((body.len() as u16).to_le_bytes());
        bytes.push(0);
        bytes.extend_from_slice(body);
    }
    with_checksum(bytes)
}

fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend(lookup3(&bytes).to_le_bytes());
    bytes
}

/// Bob Jenkins' `hashlittle` (lookup3.c, public domain) with a start of 0: HDF5's checksum of metadata.
fn lookup3(bytes: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut rest = bytes;
    while rest.len() > 12 {
        add_words(&rest[..12], &mut a, &mut b, &mut c);
        mix(&mut a, &mut b, &mut c);
        rest = &rest[12..];
    }
    if !rest.is_empty() {
        let mut last = [0; 12];
        last[..rest.len()].copy_from_slice(rest);
        add_words(&last, &mut a, &mut b, &mut c);
        finish(&mut a, &mut b, &mut c);
    }
    c
}

fn add_words(bytes: &[u8], a: &mut u32, b: &mut u32, c: &mut u32) {
    for (sum, word) in [a, b, c].into_iter().zip(bytes.chunks_exact(4)) {
        *sum = sum.wrapping_add(u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    }
}

fn mix(a: &mut u32, b: &mut u32, c: &mut u32) {
    for rotation in [4, 6, 8, 16, 19, 4] {
        *a = a.wrapping_sub(*c) ^ c.rotate_left(rotation);
        *c = c.wrapping_add(*b);
        // The roles move on: what was b is mixed next.
        (*a, *b, *c) = (*b, *c, *a);
    }
}

fn finish(a: &mut u32, b: &mut u32, c: &mut u32) {
    for rotation in [14, 11, 25, 16, 4, 14, 24] {
        *c = (*c ^ *b).wrapping_sub(b.rotate_left(rotation));
        // c is done, then a with c, then b with a.
        (*a, *b, *c) = (*b, *c, *a);
    }
    // Seven turns of three roles leave them one turn off.
    (*a, *b, *c) = (*c, *a, *b);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_lookup3() {
        // From the author's driver5() in lookup3.c: hashlittle of the 30 letters with start 0.
        assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
        assert_eq!(lookup3(b""), 0xdead_beef);
    }

    #[test]
    fn a_superblock_has_48_bytes() {
        assert_eq!(superblock(1, 2).len() as u64, SUPERBLOCK_BYTES);
    }
}
