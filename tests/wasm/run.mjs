// Runs the fits of src/lib.rs, and computes their errors by plain loops: node run.mjs orthant_wasm.wasm
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
const { memory, fit, others, result, result_len } = instance.exports;
const [m, n, k] = [60, 12, 3];
const data = (i, j) => (i % 4) * (j % 5) + (i % 3) * (j % 2) + 1;
const losses = {
    2: (v, p) => (v - p) ** 2 / 2,
    1: (v, p) => v * Math.log(v / p) - v + p,
    0: (v, p) => v / p - Math.log(v / p) - 1,
};

for (const [beta, threads] of [[2, 0], [1, 0], [0, 0], [2, 4]]) {
    assert(fit(beta, threads), `β = ${beta}`);
    const [iterations, reported, ...factors] = new Float64Array(memory.buffer, result(), result_len());
    const [w, h] = [factors.slice(0, m * k), factors.slice(m * k)];
    assert.equal(h.length, k * n);
    assert(factors.every((x) => x >= 0 && Number.isFinite(x)));
    let loss = 0;
    let squares = 0;
    for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
            let p = 0;
            for (let t = 0; t < k; t++) p += w[i * k + t] * h[t * n + j];
            loss += losses[beta](data(i, j), p);
            squares += data(i, j) ** 2;
        }
    assert(iterations > 1 && loss / squares < 1e-8, `β = ${beta}: a loss of ${loss}`);
    if (beta === 2) assert(Math.abs(Math.sqrt((2 * loss) / squares) - reported) < 1e-12);
    console.log(`β = ${beta}: ${iterations} iterations, relative error ${reported.toExponential(1)}`);
}
assert(others());
