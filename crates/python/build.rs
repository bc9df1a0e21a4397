//! Lets cargo link the native module by itself where the linker wants to be told that the interpreter comes later (macOS).

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
