//! The target that the environment variable `ORTHANT_TARGET` names.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use orthant_fuzz::targets::{Target, named};

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let target = TARGET.get_or_init(|| {
        let name = std::env::var("ORTHANT_TARGET").expect("ORTHANT_TARGET names a target");
        named(&name).unwrap_or_else(|| panic!("there is no target {name}"))
    });
    (target.run)(data);
});
