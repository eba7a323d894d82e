//! A small made-up conversation corpus (card to follow).

pub mod conversations;
pub mod face;
pub mod reaction;
pub mod script;
pub mod signals;
