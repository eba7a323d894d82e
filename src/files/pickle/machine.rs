//! The stack machine of pickles, with objects in a list and numbers for references, so that shared, changed and
//! circular objects need no care.
//!
//! Every instruction adds at most a few objects and borrows its bytes from the file, so that memory stays in
//! proportion to the file. What could multiply (bytes out of text, lists out of lists) is paid from a budget.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Problem;
use super::arrays::{ArrayParts, ElementType};
use super::input::{Input, raw_unicode, unquoted};
use super::names::Name;

/// A place in the list of objects.
pub(super) type Id = u32;

/// What the machine works on.
#[derive(Clone, Debug)]
pub(super) enum Object<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Set(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Name(Name),
    ElementType(ElementType),
    /// Without content until its state arrives.
    Array(Option<Box<ArrayParts>>),
    /// Likewise; its state is a dict.
    KMeans(Option<Id>),
}

/// The machine between two instructions.
pub(super) struct Machine<'a> {
    input: Input<'a>,
    /// Where the current instruction began.
    place: usize,
    objects: Vec<Object<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    /// Copied items and bytes that are still allowed.
    budget: usize,
}

/// Copies allowed per byte of the file; honest pickles copy each byte once.
const COPIES: usize = 4;

impl<'a> Machine<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            input: Input::new(bytes),
            place: 0,
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            budget: bytes.len().saturating_mul(COPIES),
        }
    }

    /// The byte at which the current instruction begins.
    pub fn place(&self) -> usize {
        self.place
    }

    /// Bytes of the whole pickle.
    pub fn total(&self) -> usize {
        self.input.total()
    }

    pub fn object(&self, id: Id) -> &Object<'a> {
        &self.objects[id as usize]
    }

    /// Carries out the instructions up to the stop, and returns what is left on the stack.
    pub fn run(&mut self) -> Result<Id, Problem> {
        loop {
            self.place = self.input.place();
            let code = self.input.byte()?;
            if code == b'.' {
                return self.pop();
            }
            let done = self.number(code)? || self.text(code)? || self.container(code)? || self.bookkeeping(code)?;
            if !done && !self.name(code)? {
                return Problem::malformed(format!("the instruction {code:#04x} does not exist"));
            }
        }
    }

    /// Numbers and constants; false for other instructions.
    fn number(&mut self, code: u8) -> Result<bool, Problem> {
        let object = match code {
            b'N' => Object::None,
            0x88 => Object::Bool(true),
            0x89 => Object::Bool(false),
            b'I' => match self.input.text_line()? {
                "01" => Object::Bool(true),
                "00" => Object::Bool(false),
                text => Object::Int(parsed(text)?),
            },
            b'J' => Object::Int(i64::from(i32::from_le_bytes(self.input.array()?))),
            b'K' => Object::Int(i64::from(self.input.byte()?)),
            b'M' => Object::Int(i64::from(u16::from_le_bytes(self.input.array()?))),
            b'L' => {
                let text = self.input.text_line()?;
                Object::Int(parsed(text.strip_suffix('L').unwrap_or(text))?)
            }
            0x8a => Object::Int(long(self.input.counted::<1>()?)?),
            0x8b => Object::Int(long(self.input.counted::<4>()?)?),
            b'F' => Object::Float(parsed(self.input.text_line()?)?),
            b'G' => Object::Float(f64::from_be_bytes(self.input.array()?)),
            _ => return Ok(false),
        };
        self.push(object)
    }

    /// Text and bytes.
    fn text(&mut self, code: u8) -> Result<bool, Problem> {
        let object = match code {
            b'V' => Object::Text(raw_unicode(self.input.line()?)?),
            0x8c => Object::Text(Cow::Borrowed(self.input.counted_text::<1>()?)),
            b'X' => Object::Text(Cow::Borrowed(self.input.counted_text::<4>()?)),
            0x8d => Object::Text(Cow::Borrowed(self.input.counted_text::<8>()?)),
            b'C' => Object::Bytes(Cow::Borrowed(self.input.counted::<1>()?)),
            b'B' => Object::Bytes(Cow::Borrowed(self.input.counted::<4>()?)),
            0x8e | 0x96 => Object::Bytes(Cow::Borrowed(self.input.counted::<8>()?)),
            // Python 2 had one type for text and bytes: what is ASCII is taken as text.
            b'S' => match String::from_utf8(unquoted(self.input.line()?)?) {
                Ok(text) if text.is_ascii() => Object::Text(Cow::Owned(text)),
                Ok(text) => Object::Bytes(Cow::Owned(text.into_bytes())),
                Err(error) => Object::Bytes(Cow::Owned(error.into_bytes())),
            },
            b'U' => text_or_bytes(self.input.counted::<1>()?),
            b'T' => text_or_bytes(self.input.counted::<4>()?),
            _ => return Ok(false),
        };
        self.push(object)
    }

    /// Lists, tuples, sets and dicts.
    fn container(&mut self, code: u8) -> Result<bool, Problem> {
        let object = match code {
            b']' => Object::List(Vec::new()),
            b'}' => Object::Dict(Vec::new()),
            b')' => Object::Tuple(Vec::new()),
            0x8f => Object::Set(Vec::new()),
            b'l' => Object::List(self.pop_to_mark()?),
            b't' => Object::Tuple(self.pop_to_mark()?),
            0x91 => Object::Set(self.pop_to_mark()?),
            b'd' => Object::Dict(pairs(&self.pop_to_mark()?)?),
            0x85..=0x87 => Object::Tuple(self.pop_some(usize::from(code - 0x84))?),
            b'a' | b'e' | 0x90 | b's' | b'u' => {
                let items = match code {
                    b'a' => self.pop_some(1)?,
                    b's' => self.pop_some(2)?,
                    _ => self.pop_to_mark()?,
                };
                return self.add_items(&items);
            }
            _ => return Ok(false),
        };
        self.push(object)
    }

    fn add_items(&mut self, items: &[Id]) -> Result<bool, Problem> {
        let target = self.top()?;
        match &mut self.objects[target as usize] {
            Object::List(list) | Object::Set(list) => list.extend_from_slice(items),
            Object::Dict(entries) => entries.extend(pairs(items)?),
            _ => return Problem::malformed("items are added to something that has none"),
        }
        Ok(true)
    }

    /// The stack, the memo and the frame.
    fn bookkeeping(&mut self, code: u8) -> Result<bool, Problem> {
        match code {
            0x80 => {
                let protocol = self.input.byte()?;
                if protocol > 5 {
                    return Problem::malformed(format!("its protocol is {protocol}, expected 0 to 5"));
                }
            }
            // The length of a frame only helps those who read from a stream.
            0x95 => drop(self.input.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => self.discard()?,
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'p' => {
                let key = parsed(self.input.text_line()?)?;
                self.store(key)?;
            }
            b'q' => {
                let key = u64::from(self.input.byte()?);
                self.store(key)?;
            }
            b'r' => {
                let key = u64::from(u32::from_le_bytes(self.input.array()?));
                self.store(key)?;
            }
            0x94 => self.store(self.memo.len() as u64)?,
            b'g' => {
                let key = parsed(self.input.text_line()?)?;
                self.recall(key)?;
            }
            b'h' => {
                let key = u64::from(self.input.byte()?);
                self.recall(key)?;
            }
            b'j' => {
                let key = u64::from(u32::from_le_bytes(self.input.array()?));
                self.recall(key)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Names and calls.
    fn name(&mut self, code: u8) -> Result<bool, Problem> {
        match code {
            b'c' => {
                let name = self.named_in_lines()?;
                self.push(Object::Name(name))
            }
            0x93 => {
                let parts = self.pop_some(2)?;
                let [Object::Text(module), Object::Text(name)] = [parts[0], parts[1]].map(|id| self.object(id)) else {
                    return Problem::malformed("a name is not text");
                };
                let name = Name::of(module, name)?;
                self.push(Object::Name(name))
            }
            b'R' => self.reduce(),
            0x81 => self.new_object(),
            b'b' => self.build(),
            b'i' => {
                let name = self.named_in_lines()?;
                Problem::refused(format!("`{}` called as a class", name.text()))
            }
            b'o' => match self.pop_to_mark()?.first().map(|&id| self.object(id)) {
                Some(Object::Name(name)) => Problem::refused(format!("`{}` called as a class", name.text())),
                _ => Problem::malformed("a class is not a name"),
            },
            0x92 => Problem::refused("an object made with named arguments"),
            b'P' | b'Q' => Problem::refused("an object outside the pickle"),
            0x82..=0x84 => Problem::refused("an extension"),
            0x97 | 0x98 => Problem::refused("a buffer outside the pickle"),
            _ => Ok(false),
        }
    }

    fn named_in_lines(&mut self) -> Result<Name, Problem> {
        let module = self.input.text_line()?;
        Name::of(module, self.input.text_line()?)
    }

    /// A call: the name below its arguments.
    fn reduce(&mut self) -> Result<bool, Problem> {
        let parts = self.pop_some(2)?;
        let (Object::Name(name), Object::Tuple(arguments)) = (self.object(parts[0]), self.object(parts[1])) else {
            return Problem::refused("a call of something that has no name");
        };
        let result = self.call(*name, arguments)?;
        self.spend(match &result {
            Object::Bytes(Cow::Owned(bytes)) => bytes.len(),
            Object::Set(items) => items.len(),
            Object::Array(Some(parts)) => parts.shape.len(),
            _ => 0,
        })?;
        self.push(result)
    }

    /// An object of a class, without content yet.
    fn new_object(&mut self) -> Result<bool, Problem> {
        let parts = self.pop_some(2)?;
        match self.object(parts[0]) {
            Object::Name(Name::KMeans) => self.push(Object::KMeans(None)),
            Object::Name(name) => Problem::refused(format!("`{}` called as a class", name.text())),
            _ => Problem::malformed("a class is not a name"),
        }
    }

    /// The content of the object below it.
    fn build(&mut self) -> Result<bool, Problem> {
        let state = self.pop()?;
        let target = self.top()?;
        let built = match (self.object(target), self.object(state)) {
            (Object::Array(_), Object::Tuple(state)) => Object::Array(Some(Box::new(self.array_parts(state)?))),
            (Object::KMeans(_), Object::Dict(_)) => Object::KMeans(Some(state)),
            (Object::ElementType(element), Object::Tuple(state)) => {
                let mut element = *element;
                if let Some(Object::Text(order)) = state.get(1).map(|&id| self.object(id)) {
                    element.set_order(order);
                }
                Object::ElementType(element)
            }
            _ => return Problem::refused("a state for something that takes none"),
        };
        if let Object::Array(Some(parts)) = &built {
            let axis_count = parts.shape.len();
            self.spend(axis_count)?;
        }
        self.objects[target as usize] = built;
        Ok(true)
    }

    /// NumPy's state of an array: version, shape, element type, order, bytes.
    fn array_parts(&self, state: &[Id]) -> Result<ArrayParts, Problem> {
        let malformed = || Problem::malformed("an array's state is not NumPy's");
        let &[_, shape, element, order, data] = state else { return malformed() };
        let [shape, element, order] = [shape, element, order].map(|id| self.object(id));
        let (Object::Tuple(shape), Object::ElementType(element), Object::Bool(fortran_order)) = (shape, element, order)
        else {
            return malformed();
        };
        Ok(ArrayParts { element: *element, shape: self.sizes(shape)?, fortran_order: *fortran_order, data })
    }

    fn push(&mut self, object: Object<'a>) -> Result<bool, Problem> {
        let Ok(id) = Id::try_from(self.objects.len()) else {
            return Problem::malformed("it has more than four thousand million objects");
        };
        self.objects.push(object);
        self.stack.push(id);
        Ok(true)
    }

    fn spend(&mut self, amount: usize) -> Result<(), Problem> {
        let Some(rest) = self.budget.checked_sub(amount) else {
            return Problem::malformed("its data grow to far more than the file");
        };
        self.budget = rest;
        Ok(())
    }

    /// The height of the stack below which an instruction may not reach.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop_some(&mut self, count: usize) -> Result<Vec<Id>, Problem> {
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= self.floor());
        let Some(start) = start else { return lacking() };
        Ok(self.stack.split_off(start))
    }

    fn pop(&mut self) -> Result<Id, Problem> {
        Ok(self.pop_some(1)?[0])
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Problem> {
        let Some(start) = self.marks.pop() else { return lacking() };
        Ok(self.stack.split_off(start))
    }

    /// Drops the top of the stack, or the mark if that is on top.
    fn discard(&mut self) -> Result<(), Problem> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn top(&self) -> Result<Id, Problem> {
        match self.stack.last() {
            Some(&id) if self.stack.len() > self.floor() => Ok(id),
            _ => lacking(),
        }
    }

    fn store(&mut self, key: u64) -> Result<(), Problem> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Result<(), Problem> {
        let Some(&id) = self.memo.get(&key) else {
            return Problem::malformed(format!("nothing is stored under {key}"));
        };
        self.stack.push(id);
        Ok(())
    }
}

fn lacking<T>() -> Result<T, Problem> {
    Problem::malformed("an instruction lacks what it works on")
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.trim().parse().map_err(|_| Problem::Malformed("a number is not readable".into()))
}

/// A whole number in two's complement, lowest byte first, any number of bytes.
fn long(bytes: &[u8]) -> Result<i64, Problem> {
    let sign: u8 = if bytes.last().is_some_and(|&byte| byte >= 0x80) { 0xff } else { 0 };
    let mut number = [sign; 8];
    let (low, high) = bytes.split_at(bytes.len().min(8));
    number[..low.len()].copy_from_slice(low);
    let result = i64::from_le_bytes(number);
    let fits = high.iter().all(|&byte| byte == sign) && (result < 0) == (sign != 0);
    if fits { Ok(result) } else { Problem::malformed("a whole number needs more than 64 bits") }
}

fn text_or_bytes(bytes: &[u8]) -> Object<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Object::Text(Cow::Borrowed(text)),
        _ => Object::Bytes(Cow::Borrowed(bytes)),
    }
}

/// Keys and values one after the other.
fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, Problem> {
    let (pairs, rest) = items.as_chunks::<2>();
    if rest.is_empty() { Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()) } else { lacking() }
}
