//! The tallest tiles of V·Y for 512-bit registers, in assembly.
//!
//! Compilers give every row of V a pointer of its own and advance each by one element a step: fifteen additions beside 28
//! multiply-adds, some of them on the ports that multiply. Here every third row has a pointer, the two after it are
//! reached by an index, and four steps share one advance by displacements.
//!
//! Registers: the sums from 0 on, row by row; from 28 on (27 with three registers a row) the factor's row and elements
//! of V.

use std::arch::asm;

use crate::arch::tile::Tile;

/// What instructions call an element type: all lanes, one element, its memory, a register of it by broadcast.
macro_rules! ps {
    (f32) => {
        "ps"
    };
    (f64) => {
        "pd"
    };
}
macro_rules! ss {
    (f32) => {
        "ss"
    };
    (f64) => {
        "sd"
    };
}
macro_rules! word {
    (f32) => {
        "dword ptr"
    };
    (f64) => {
        "qword ptr"
    };
}
macro_rules! to_all {
    (f32) => {
        "{{1to16}}"
    };
    (f64) => {
        "{{1to8}}"
    };
}

/// Multiplies the element at `$at` with a row of the factor in one, two or three registers.
#[rustfmt::skip] // an instruction a line
macro_rules! row {
    ($t:ident, $at:expr, $a:literal) => {
        concat!("vfmadd231", ps!($t), " zmm", $a, ", zmm28, ", word!($t), " [", $at, "]", to_all!($t), "\n")
    };
    ($t:ident, $at:expr, $a:literal $b:literal) => {
        concat!(
            "vbroadcast", ss!($t), " zmm30, ", word!($t), " [", $at, "]\n",
            "vfmadd231", ps!($t), " zmm", $a, ", zmm30, zmm28\n",
            "vfmadd231", ps!($t), " zmm", $b, ", zmm30, zmm29\n",
        )
    };
    ($t:ident, $at:expr, $a:literal $b:literal $c:literal) => {
        concat!(
            "vbroadcast", ss!($t), " zmm30, ", word!($t), " [", $at, "]\n",
            "vfmadd231", ps!($t), " zmm", $a, ", zmm30, zmm27\n",
            "vfmadd231", ps!($t), " zmm", $b, ", zmm30, zmm28\n",
            "vfmadd231", ps!($t), " zmm", $c, ", zmm30, zmm29\n",
        )
    };
}

/// Three rows from the pointer `$p` on, `$d` bytes along.
macro_rules! three {
    ($t:ident, $d:literal, $p:literal, [$($a:literal)+] [$($b:literal)+] [$($c:literal)+]) => {
        concat!(
            row!($t, concat!("{", $p, "}+", $d), $($a)+),
            row!($t, concat!("{", $p, "}+{s}+", $d), $($b)+),
            row!($t, concat!("{", $p, "}+2*{s}+", $d), $($c)+),
        )
    };
}

/// One step of 18 rows by one register: the elements `$d` bytes along each row, and the factor's row at `$y`, its last
/// register under the mask `$z`.
macro_rules! step_18x1 {
    ($t:ident, $z:tt, $d:literal, $y:literal) => {
        concat!(
            "vmovu",
            ps!($t),
            " zmm28",
            $z,
            ", [",
            $y,
            "]\n",
            three!($t, $d, "p0", ["0"]["1"]["2"]),
            three!($t, $d, "p3", ["3"]["4"]["5"]),
            three!($t, $d, "p6", ["6"]["7"]["8"]),
            three!($t, $d, "p9", ["9"]["10"]["11"]),
            three!($t, $d, "p12", ["12"]["13"]["14"]),
            three!($t, $d, "p15", ["15"]["16"]["17"]),
        )
    };
}

/// The same of 14 rows by two registers.
macro_rules! step_14x2 {
    ($t:ident, $z:tt, $d:literal, $y:literal) => {
        concat!(
            "vmovu", ps!($t), " zmm28, [", $y, "]\n",
            "vmovu", ps!($t), " zmm29", $z, ", [", $y, "+64]\n",
            three!($t, $d, "p0", ["0" "1"]["2" "3"]["4" "5"]),
            three!($t, $d, "p3", ["6" "7"]["8" "9"]["10" "11"]),
            three!($t, $d, "p6", ["12" "13"]["14" "15"]["16" "17"]),
            three!($t, $d, "p9", ["18" "19"]["20" "21"]["22" "23"]),
            row!($t, concat!("{p12}+", $d), "24" "25"),
            row!($t, concat!("{p12}+{s}+", $d), "26" "27"),
        )
    };
}

/// The same of 9 rows by three registers.
macro_rules! step_9x3 {
    ($t:ident, $z:tt, $d:literal, $y:literal) => {
        concat!(
            "vmovu", ps!($t), " zmm27, [", $y, "]\n",
            "vmovu", ps!($t), " zmm28, [", $y, "+64]\n",
            "vmovu", ps!($t), " zmm29", $z, ", [", $y, "+128]\n",
            three!($t, $d, "p0", ["0" "1" "2"]["3" "4" "5"]["6" "7" "8"]),
            three!($t, $d, "p3", ["9" "10" "11"]["12" "13" "14"]["15" "16" "17"]),
            three!($t, $d, "p6", ["18" "19" "20"]["21" "22" "23"]["24" "25" "26"]),
        )
    };
}

/// Adds the sums of a column of registers, `$at` bytes on, to the result; under a mask, if there is one.
macro_rules! finish {
    ($t:ident, "", $sums:literal, $at:literal) => {
        concat!(
            "mov {y}, {o}\n",
            ".irp i,",
            $sums,
            "\n",
            "vadd",
            ps!($t),
            " zmm\\i, zmm\\i, [{y}+",
            $at,
            "]\n",
            "vmovu",
            ps!($t),
            " [{y}+",
            $at,
            "], zmm\\i\n",
            "add {y}, {lo}\n",
            ".endr\n",
        )
    };
    ($t:ident, $z:tt, $sums:literal, $at:literal) => {
        concat!(
            "mov {y}, {o}\n",
            ".irp i,",
            $sums,
            "\n",
            "vmovu",
            ps!($t),
            " zmm30{{k1}}{{z}}, [{y}+",
            $at,
            "]\n",
            "vadd",
            ps!($t),
            " zmm\\i, zmm\\i, zmm30\n",
            "vmovu",
            ps!($t),
            " [{y}+",
            $at,
            "]{{k1}}, zmm\\i\n",
            "add {y}, {lo}\n",
            ".endr\n",
        )
    };
}

macro_rules! kernel {
    ($name:ident, $t:ident, $z:tt, $step:ident, $steps:tt, [$($p:ident = $row:literal)+], $finish:expr) => {
        kernel!(@ $name, $t, $z, $step, $steps, [$($p = $row)+], [$(concat!("add {", stringify!($p), "}, ")),+], $finish);
    };
    (@ $name:ident, $t:ident, $z:tt, $step:ident, [$d0:literal $d1:literal $d2:literal $d3:literal $d4:literal],
     [$($p:ident = $row:literal)+], [$($advance:expr),+], $finish:expr) => {
        /// Adds V·Y to the result on a tile of as many rows and registers as the name says.
        ///
        /// # Safety
        /// The processor has AVX-512F, and the tile's operands exist.
        #[inline]
        #[target_feature(enable = "avx512f")]
        pub(in crate::arch::x86_64) unsafe fn $name(tile: Tile<$t>) {
            let bytes = |elements: isize| elements * size_of::<$t>() as isize;
            let (s, v) = (bytes(tile.v_stride), tile.v.cast::<u8>());
            let ly = bytes(tile.y_stride as isize);
            let mask = (1u32 << tile.tail) - 1;
            // SAFETY: reads `terms` elements of each of the tile's rows of V and as many rows of the factor, reads and
            // writes its rows of the result, the last register of each under the mask; all of them exist.
            unsafe {
                asm!(
                    "kmovw k1, {m:e}",
                    "vpxord zmm0, zmm0, zmm0",
                    ".irp i,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27",
                    "vmovaps zmm\\i, zmm0",
                    ".endr",
                    "sub {n}, 4",
                    "jl 3f",
                    ".p2align 5",
                    "2:",
                    $step!($t, $z, $d0, "{y}"),
                    $step!($t, $z, $d1, "{y}+{ly}"),
                    $step!($t, $z, $d2, "{y}+2*{ly}"),
                    $step!($t, $z, $d3, "{y}+{ly3}"),
                    "lea {y}, [{y}+4*{ly}]",
                    $(concat!($advance, $d4),)+
                    "sub {n}, 4",
                    "jge 2b",
                    "3:",
                    "add {n}, 4",
                    "jz 5f",
                    "4:",
                    $step!($t, $z, $d0, "{y}"),
                    "add {y}, {ly}",
                    $(concat!($advance, $d1),)+
                    "dec {n}",
                    "jnz 4b",
                    "5:",
                    $finish,
                    $($p = inout(reg) v.offset($row * s) => _,)+
                    s = in(reg) s,
                    y = inout(reg) tile.y => _,
                    ly = in(reg) ly,
                    ly3 = in(reg) 3 * ly,
                    n = inout(reg) tile.terms as isize => _,
                    o = in(reg) tile.out,
                    lo = in(reg) bytes(tile.out_stride as isize),
                    m = in(reg) mask,
                    out("k1") _,
                    out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _, out("zmm4") _, out("zmm5") _,
                    out("zmm6") _, out("zmm7") _, out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _,
                    out("zmm12") _, out("zmm13") _, out("zmm14") _, out("zmm15") _, out("zmm16") _, out("zmm17") _,
                    out("zmm18") _, out("zmm19") _, out("zmm20") _, out("zmm21") _, out("zmm22") _, out("zmm23") _,
                    out("zmm24") _, out("zmm25") _, out("zmm26") _, out("zmm27") _, out("zmm28") _, out("zmm29") _,
                    out("zmm30") _, out("zmm31") _,
                    options(nostack),
                );
            }
        }
    };
}

macro_rules! kernels {
    ($t:ident, $z:tt, $steps:tt, $one:ident, $two:ident, $three:ident) => {
        kernel!(
            $one, $t, $z, step_18x1, $steps, [p0 = 0 p3 = 3 p6 = 6 p9 = 9 p12 = 12 p15 = 15],
            finish!($t, $z, "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "0")
        );
        kernel!(
            $two, $t, $z, step_14x2, $steps, [p0 = 0 p3 = 3 p6 = 6 p9 = 9 p12 = 12],
            concat!(
                finish!($t, "", "0,2,4,6,8,10,12,14,16,18,20,22,24,26", "0"),
                finish!($t, $z, "1,3,5,7,9,11,13,15,17,19,21,23,25,27", "64"),
            )
        );
        kernel!(
            $three, $t, $z, step_9x3, $steps, [p0 = 0 p3 = 3 p6 = 6],
            concat!(
                finish!($t, "", "0,3,6,9,12,15,18,21,24", "0"),
                finish!($t, "", "1,4,7,10,13,16,19,22,25", "64"),
                finish!($t, $z, "2,5,8,11,14,17,20,23,26", "128"),
            )
        );
    };
}

/// For panels of whole registers.
pub(super) mod whole {
    use super::*;
    kernels!(f32, "", ["0" "4" "8" "12" "16"], f32_18x1, f32_14x2, f32_9x3);
    kernels!(f64, "", ["0" "8" "16" "24" "32"], f64_18x1, f64_14x2, f64_9x3);
}

/// For panels whose last register is used in part: `tail` lanes, under a mask.
pub(super) mod partial {
    use super::*;
    kernels!(f32, "{{k1}}{{z}}", ["0" "4" "8" "12" "16"], f32_18x1, f32_14x2, f32_9x3);
    kernels!(f64, "{{k1}}{{z}}", ["0" "8" "16" "24" "32"], f64_18x1, f64_14x2, f64_9x3);
}
