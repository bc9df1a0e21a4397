//! Targets that fail on purpose, one in each way that the runner must notice. Its own test runs them.

use std::hint::black_box;

use crate::targets::Target;

/// All of them. Each fails on inputs whose first byte is even.
pub const ALL: &[Target] = &[
    trap("trap_panic", |_| panic!("a trap")),
    trap("trap_abort", |_| std::process::abort()),
    trap("trap_loop", |_| {
        while black_box(true) {
            std::hint::spin_loop();
        }
    }),
    trap("trap_stack", |_| {
        black_box(deeper(1));
    }),
    trap("trap_memory", |_| {
        black_box(vec![1_u8; 1 << 40]);
    }),
];

const fn trap(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run, endings: &[], bounded: 8 }
}

#[expect(unconditional_recursion, reason = "it is to exhaust the stack")]
fn deeper(n: u64) -> u64 {
    let frame = black_box([n; 64]);
    deeper(frame[0] + 1) + black_box(frame[1])
}
