//! Instruction sets: which there are, and which this processor has.

use std::sync::OnceLock;

/// Which they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// An instruction set that this processor has: a value of this type is the proof.
///
/// ```
/// use orthant_kernel::Isa;
/// assert!(Isa::available().contains(&Isa::detect()));
/// assert_eq!(Isa::available()[0].name(), "portable");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Kind);

impl Isa {
    pub(crate) fn kind(self) -> Kind {
        self.0
    }

    /// Plain Rust, on every processor.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// The widest that this processor has; or the one that the environment variable `ORTHANT_ISA` names, as it was when
    /// this was first called, if the processor has it (see [`asked_for`](Self::asked_for)).
    pub fn detect() -> Self {
        static FOUND: OnceLock<Isa> = OnceLock::new();
        *FOUND.get_or_init(|| Self::asked_for().ok().flatten().unwrap_or_else(Self::widest))
    }

    /// What `ORTHANT_ISA` asks for, if it is set: to see what a narrower processor would compute.
    ///
    /// # Errors
    /// Its value, if this processor has nothing by that name.
    pub fn asked_for() -> Result<Option<Self>, String> {
        let Some(name) = std::env::var_os("ORTHANT_ISA") else { return Ok(None) };
        let name = name.to_string_lossy();
        Self::available()
            .into_iter()
            .find(|isa| isa.name() == name)
            .map(Some)
            .ok_or_else(|| name.into_owned())
    }

    fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 && is_x86_feature_detected!("avx512f") {
                return Self(Kind::Avx512);
            }
            if avx2 {
                return Self(Kind::Avx2);
            }
        }
        Self::PORTABLE
    }

    /// All that this processor has, narrowest first.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "only x86-64 has more"))]
        let mut all = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            match Self::widest().0 {
                Kind::Portable => {}
                Kind::Avx2 => all.push(Self(Kind::Avx2)),
                Kind::Avx512 => all.extend([Self(Kind::Avx2), Self(Kind::Avx512)]),
            }
        }
        all
    }

    /// The one to multiply with k columns of `T`: half a 512-bit register does no better than a whole 256-bit one.
    pub(crate) fn for_width<T>(self, k: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if self.0 == Kind::Avx512 && k * size_of::<T>() <= 32 {
            return Self(Kind::Avx2);
        }
        let _ = k;
        self
    }

    /// The one to gather and scatter rows of k columns with: three 256-bit registers move fewer bytes than two of 512 that
    /// are not filled by more.
    pub(crate) fn for_rows<T>(self, k: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if self.0 == Kind::Avx512 && (65..=96).contains(&(k * size_of::<T>())) {
            return Self(Kind::Avx2);
        }
        self.for_width::<T>(k)
    }

    /// Its name: `"portable"`, `"avx2"` or `"avx512"`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
        }
    }
}

impl Default for Isa {
    fn default() -> Self {
        Self::detect()
    }
}
