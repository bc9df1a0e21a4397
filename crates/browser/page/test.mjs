// What the page does, in node: the same JavaScript and the same module as in the site.
//
//     scripts/site --browser && node crates/browser/page/test.mjs target/site
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { deflateSync, crc32 as ofZlib } from "node:zlib";

const site = resolve(process.argv[2]);
const require = createRequire(import.meta.url);
require(`${site}/orthant-wasm.js`);
require(`${site}/browser.js`);
const { engine, csv, components, product } = globalThis.orthantPage;
const module = Buffer.from(globalThis.orthantWasm, "base64");
const seen = [];
const factorize = await engine(module, (...now) => seen.push(now));
const bytes = (text) => new TextEncoder().encode(text);

// A table: fruit and hardware, whose parts are exact. The page offers the same one.
const basket = readFileSync(new URL("../../../examples/basket.csv", import.meta.url), "utf8");
assert(readFileSync(`${site}/browser.js`, "utf8").includes(JSON.stringify(basket)), "the page's example is examples/basket.csv");
for (const beta of [2, 1]) {
    seen.length = 0;
    const answer = factorize(bytes(basket), { name: "basket.csv", rank: 2, beta, seed: 0 });
    assert.equal(answer.error, undefined);
    assert.deepEqual([answer.rows, answer.columns, answer.picture, answer.converged], [4, 5, false, true]);
    assert.deepEqual(answer.row_names, ["d0", "d1", "d2", "d3"]);
    assert.equal(seen.length, answer.iterations);
    assert(seen.every(([iteration, limit], i) => iteration === i + 1 && iteration <= limit));
    const data = [3, 2, 1, 0, 0, 6, 4, 2, 0, 0, 0, 0, 0, 5, 4, 0, 0, 0, 10, 8];
    product(answer).forEach((entry, i) => assert(Math.abs(entry - data[i]) < 1e-3, `β = ${beta}: entry ${i} is ${entry}`));
    const [hardware, fruit] = components(answer, 3);
    assert(Math.abs(hardware.total - 27) < 1e-3 && Math.abs(fruit.share - 0.4) < 1e-4);
    assert.deepEqual(fruit.features.map(([name]) => name), ["apple", "pear", "plum"]);
    assert(Math.abs(fruit.features[0][1] - 1 / 2) < 1e-4);
    const lines = csv(answer.h, 2, 5, ["a", 'b,"c'], answer.column_names).split("\n");
    assert.equal(lines[0], ",apple,pear,plum,bolt,nut");
    assert(lines[2].startsWith('"b,""c",'), lines[2]);
    assert(Math.abs(Number(lines[2].split(",")[2]) - 1 / 2) < 1e-4, lines[2]);
}

// A picture: 30×20 grey levels that are a product of two vectors, as a PNG.
const crc32 =
    ofZlib ??
    ((data) => {
        let crc = ~0;
        for (const byte of data) {
            crc ^= byte;
            for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
        }
        return ~crc >>> 0;
    });
const chunk = (kind, data) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
};
const level = (i, j) => ((i % 5) + 1) * ((j % 7) + 1) * 7;
const head = Buffer.from([0, 0, 0, 20, 0, 0, 0, 30, 8, 0, 0, 0, 0]);
const rows = Array.from({ length: 30 }, (_, i) => [0, ...Array.from({ length: 20 }, (_, j) => level(i, j))]);
const png = Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(Buffer.from(rows.flat()))),
    chunk("IEND", Buffer.alloc(0)),
]);
const picture = factorize(new Uint8Array(png), { name: "photo.png", rank: 1, beta: 2, seed: 0 });
assert.deepEqual([picture.error, picture.rows, picture.columns, picture.picture], [undefined, 30, 20, true]);
product(picture).forEach((entry, i) => assert(Math.abs(entry - level(Math.floor(i / 20), i % 20)) < 1e-3));

// What cannot be factorised is an error with its place, and the next fit goes well.
const negative = factorize(bytes("a,b\n1,2\n3,-4\n"), { name: "bad.csv", rank: 1, beta: 2, seed: 0 });
assert.match(negative.error, /-4/);
assert.match(factorize(bytes("a,b\n1,2\n"), { name: "a.csv", rank: 0, beta: 2, seed: 0 }).error, /component|rank/);
assert.match(factorize(bytes(""), { name: "a.csv", rank: 1, beta: 2, seed: 0 }).error, /0×0/);
assert.equal(factorize(bytes(basket), { name: "basket.csv", rank: 2, beta: 2, seed: 0 }).error, undefined);
console.log(`the page's module: tables, pictures and errors as they should be; ${(module.length / 1e6).toFixed(1)} MB`);
