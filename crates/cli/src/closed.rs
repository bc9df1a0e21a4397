//! Whether standard output was closed when the process began, as by `>&-` in a shell.
//!
//! Before `main` the standard library opens `/dev/null` in the place of a closed standard stream, so that no file gets its
//! number. What is printed then vanishes without an error. Only code that runs before that can see it: the C library calls the
//! functions whose addresses are in the section `.init_array` when it has loaded the program. Other systems than Linux are
//! not looked at.

use std::sync::atomic::{AtomicBool, Ordering};

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether nothing that is printed can arrive anywhere.
pub fn stdout() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

#[cfg(target_os = "linux")]
extern "C" fn look() {
    use std::fs::symlink_metadata;
    // without /proc nothing is known
    let closed = symlink_metadata("/proc/self/fd").is_ok() && symlink_metadata("/proc/self/fd/1").is_err();
    CLOSED.store(closed, Ordering::Relaxed);
}

// SAFETY: the section is an array of the addresses of functions that take nothing (the C library passes arguments, which
// the calling convention lets them ignore), and that is what is put there; `look` does not panic and needs nothing that
// `main` prepares.
#[cfg(target_os = "linux")]
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;
