//! The peak memory of reading a file and factorising it: V + 6(m+n)k + the lanes' accumulators + 32 MB.

mod counting;

use counting::peak_of;
use orthant::{Init, Loss, Method, Nmf, Products};
use orthant_io::{ReadOptions, Scalar, read_matrix};
use orthant_kernel::accumulator_stride;

/// An npy file of m×n fours and eights, which the library's own divergences read at another scale, written without holding it.
fn write_npy<T: Scalar>(path: &std::path::Path, m: usize, n: usize, fortran: bool) {
    use std::io::Write;
    let kind = if T::NAME == "float32" { "<f4" } else { "<f8" };
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({m}, {n}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    out.write_all(b"\x93NUMPY\x01\x00").unwrap();
    out.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
    out.write_all(header.as_bytes()).unwrap();
    for e in 0..m * n {
        let x = 4.0 + 4.0 * ((e * 2_654_435_761) >> 13 & 1) as f64;
        if T::NAME == "float32" {
            out.write_all(&(x as f32).to_le_bytes()).unwrap();
        } else {
            out.write_all(&x.to_le_bytes()).unwrap();
        }
    }
    out.flush().unwrap();
}

fn peak_of_a_fit<T: Scalar>(m: usize, n: usize, k: usize, fortran: bool, method: Method, start: Init<T>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v.npy");
    write_npy::<T>(&path, m, n, fortran);
    let nmf = Nmf::<T>::new(k).method(method).init(start.clone()).max_iter(3).threads(2);
    let ((v, fit), peak) = peak_of(|| {
        let v = read_matrix::<T>(&path, &ReadOptions::default()).unwrap();
        let fit = nmf.fit(&v).unwrap();
        (v, fit)
    });
    let explained = nmf.explain(&v).unwrap();
    assert_eq!(
        (explained.plan.lanes, explained.plan.block, explained.plan.sketch),
        (fit.report.plan.lanes, fit.report.plan.block, fit.report.plan.sketch)
    );
    if start == Init::Random {
        let most = explained.data_bytes + explained.working_bytes;
        assert!(
            peak <= most + (4 << 20),
            "{} {m}×{n} k={k}: {peak} bytes at the peak, {most} foreseen",
            T::NAME
        );
    }

    let plan = &fit.report.plan;
    assert_eq!((plan.by_columns, plan.products), (fortran, Products::Fused));
    let cols = if fortran { m } else { n };
    let size = size_of::<T>();
    // numerators and, but for Kullback–Leibler, denominators of a divergence; or the products and a Gram matrix
    let both = if method.loss.beta() == 1.0 || method.loss.is_quadratic() { 1 } else { 2 };
    let lanes = plan.accumulators * (both * cols + k) * accumulator_stride::<T>(k) * size;
    let (data, factors) = (m * n * size, 6 * (m + n) * k * size);
    // singular vectors are found in double precision, ten more than are wanted
    let vectors = if start == Init::Random { 0 } else { 3 * (m + n) * (k + 10) * size_of::<f64>() };
    // a sketch, its accumulators and its basis, which is found in double precision
    let sketch = fit.report.plan.sketch.map_or(0, |l| {
        let sums = plan.accumulators * cols * accumulator_stride::<T>(l);
        ((m + 3 * n) * l + sums) * size + 3 * n * l * size_of::<f64>()
    });
    let budget = data + factors + lanes + vectors + sketch + (32 << 20);
    assert!(
        peak <= budget,
        "{} {m}×{n} k={k}: {peak} bytes at the peak, {budget} allowed ({data} V, {factors} factors, {lanes} lanes)",
        T::NAME
    );
    // the test can fail: V is held, and held once
    assert!(peak >= data && budget < 2 * data);
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn a_fit_holds_v_once_and_little_else() {
    peak_of_a_fit::<f32>(15_000, 1_500, 20, false, Method::hals(), Init::Random);
    peak_of_a_fit::<f64>(1_000, 7_000, 17, true, Method::cd(), Init::Random);
    peak_of_a_fit::<f32>(15_000, 1_500, 20, false, Method::hals().extrapolated(), Init::Random);
    peak_of_a_fit::<f64>(1_000, 7_000, 17, true, Method::hals().extrapolated(), Init::Random);
    peak_of_a_fit::<f32>(15_000, 1_500, 20, false, Method::auto(Loss::Frobenius), Init::Random);
    peak_of_a_fit::<f32>(120_000, 250, 1, false, Method::mu(Loss::Frobenius), Init::Random);
    peak_of_a_fit::<f32>(600, 40_000, 5, false, Method::cd(), Init::Random);
    peak_of_a_fit::<f32>(60_000, 500, 4, false, Method::cd(), Init::Nndsvda);
    peak_of_a_fit::<f64>(500, 30_000, 10, true, Method::cd(), Init::Nndsvda);
    peak_of_a_fit::<f32>(15_000, 1_500, 20, false, Method::mu(Loss::KullbackLeibler), Init::Random);
    peak_of_a_fit::<f32>(15_000, 1_500, 20, false, Method::newton(), Init::Random);
    peak_of_a_fit::<f64>(1_000, 7_000, 17, true, Method::newton(), Init::Random);
    let newton = Method::newton().extrapolated();
    peak_of_a_fit::<f32>(15_000, 1_500, 20, false, newton, Init::Random);
    peak_of_a_fit::<f32>(1_000, 24_000, 8, false, newton, Init::Random);
    peak_of_a_fit::<f64>(1_000, 7_000, 17, true, newton, Init::Random);
    peak_of_a_fit::<f32>(
        15_000,
        1_500,
        20,
        false,
        Method::mm(Loss::KullbackLeibler).extrapolated(),
        Init::Random,
    );
    for method in [Method::joint_mm(), Method::joint_mm().extrapolated()] {
        peak_of_a_fit::<f32>(15_000, 1_500, 20, false, method, Init::Random);
        peak_of_a_fit::<f64>(1_000, 7_000, 17, true, method, Init::Random);
    }
    peak_of_a_fit::<f32>(
        15_000,
        1_500,
        20,
        false,
        Method::mm(Loss::ItakuraSaito).extrapolated(),
        Init::Random,
    );
    peak_of_a_fit::<f64>(1_000, 7_000, 17, true, Method::mm(Loss::Beta(0.5)).extrapolated(), Init::Random);
    peak_of_a_fit::<f64>(1_000, 7_000, 17, true, Method::mm(Loss::ItakuraSaito), Init::Random);
    peak_of_a_fit::<f32>(10_000, 2_500, 10, false, Method::mu(Loss::Beta(0.5)), Init::Random);
}
