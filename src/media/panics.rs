//! The border to code that may panic on damaged files: a panic becomes a text.
//!
//! The libraries behind it are tested against damaged input by their authors and by us; this is the second net.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether this thread is inside [`caught`]; its panics are then reported by the error alone.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `deed`; a panic inside it comes back as its message.
///
/// What `deed` borrowed may be left half-changed by a panic: drop it.
pub fn caught<T>(deed: impl FnOnce() -> T) -> Result<T, String> {
    silence_caught_panics();
    let outside = INSIDE.replace(true);
    let result = catch_unwind(AssertUnwindSafe(deed));
    INSIDE.set(outside);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
    })
}

/// Once per process: panics that [`caught`] will report are no longer printed as well.
fn silence_caught_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |information| {
            if !INSIDE.get() {
                previous(information);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_as_its_message() {
        let empty: [u8; 0] = [];
        let text = caught(|| empty.first().copied().expect("nothing here")).expect_err("it panics");
        assert_eq!(text, "nothing here");
        assert_eq!(caught(|| 7), Ok(7));
    }
}
