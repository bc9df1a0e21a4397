// The page "In your browser": reads a file of the visitor's, factorises it here, and shows what came out. Nothing is sent anywhere.
//
// `engine` runs in a worker, which is made of its own source so that the page works when it is opened as a file, and in node, where
// test.mjs calls the same function. The rest runs where there is a document.
"use strict";

/** Instantiates the module; the answer is a function of a file's bytes and {name, rank, beta, seed}. */
async function engine(module, progress) {
    const { instance } = await WebAssembly.instantiate(module, { orthant: { progress } });
    const { memory, input, factorize, output } = instance.exports;
    return (bytes, options) => {
        const head = new TextEncoder().encode(JSON.stringify(options));
        const place = input(head.length + bytes.length);
        const request = new Uint8Array(memory.buffer, place, head.length + bytes.length);
        request.set(head);
        request.set(bytes, head.length);
        const length = factorize(head.length);
        return JSON.parse(new TextDecoder().decode(new Uint8Array(memory.buffer, output(), length)));
    };
}

/** A csv of a factor, with the names that there are. */
function csv(data, rows, columns, rowNames, columnNames) {
    const field = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = [["", ...columnNames].map(field).join(",")];
    for (let i = 0; i < rows; i++) {
        lines.push([field(rowNames[i]), ...data.slice(i * columns, (i + 1) * columns)].join(","));
    }
    return lines.join("\n") + "\n";
}

/** The components, as numbers to show: total, share of all, and the features that weigh most in each. */
function components(answer, most) {
    const { rows, columns, w, h } = answer;
    const rank = h.length / columns;
    const names = answer.column_names ?? Array.from({ length: columns }, (_, j) => `column ${j}`);
    const totals = new Array(rank).fill(0);
    for (let t = 0; t < rank; t++) {
        let sum = 0;
        for (let j = 0; j < columns; j++) sum += h[t * columns + j];
        for (let i = 0; i < rows; i++) totals[t] += w[i * rank + t] * sum;
    }
    const all = totals.reduce((a, b) => a + b, 0);
    return totals.map((total, t) => {
        const weights = h.slice(t * columns, (t + 1) * columns);
        const order = weights.map((_, j) => j).sort((a, b) => weights[b] - weights[a]);
        const strongest = order.slice(0, most).filter((j) => weights[j] >= 0.0005);
        return { total, share: all > 0 ? total / all : 0, features: strongest.map((j) => [names[j], weights[j]]) };
    });
}

/** The product of some components, row by row: all of them, or those that `which` says. */
function product(answer, which) {
    const { rows, columns, w, h } = answer;
    const rank = h.length / columns;
    const out = new Float64Array(rows * columns);
    for (const t of which ?? Array.from({ length: rank }, (_, t) => t)) {
        for (let i = 0; i < rows; i++) {
            const weight = w[i * rank + t];
            if (weight > 0) for (let j = 0; j < columns; j++) out[i * columns + j] += weight * h[t * columns + j];
        }
    }
    return out;
}

globalThis.orthantPage = { engine, csv, components, product };

if (typeof document !== "undefined") {
    const at = (id) => document.getElementById(`orthant-${id}`);
    const example = "doc,apple,pear,plum,bolt,nut\nd0,3,2,1,0,0\nd1,6,4,2,0,0\nd2,0,0,0,5,4\nd3,0,0,0,10,8\n";
    let worker = null;
    let chosen = null;

    const made = (tag, text, parent) => {
        const element = document.createElement(tag);
        if (text !== undefined) element.textContent = text;
        parent?.append(element);
        return element;
    };
    const say = (text) => (at("status").textContent = text);

    const finish = () => {
        worker?.terminate();
        worker = null;
        at("go").disabled = chosen === null;
        at("stop").disabled = true;
        at("progress").hidden = true;
    };

    const drawn = (levels, answer, most) => {
        const canvas = document.createElement("canvas");
        canvas.width = answer.columns;
        canvas.height = answer.rows;
        const image = new ImageData(answer.columns, answer.rows);
        levels.forEach((level, i) => image.data.set([0, 1, 2].map(() => (255 * level) / most).concat(255), 4 * i));
        canvas.getContext("2d").putImageData(image, 0, 0);
        return canvas;
    };
    const figure = (picture, words) => {
        const box = made("figure", undefined, at("result"));
        box.append(picture);
        made("figcaption", words, box);
    };

    const show = (answer, { name, bytes }) => {
        const result = at("result");
        result.replaceChildren();
        const rank = answer.h.length / answer.columns;
        const numbers = rank * (answer.rows + answer.columns);
        made(
            "p",
            `${name}: ${answer.rows} × ${answer.columns} entries in ${numbers} numbers, ${(100 * answer.relative_error).toFixed(1)} % ` +
                `relative error after ${answer.iterations} iterations` +
                (answer.converged ? "." : ", where the limit of iterations was reached."),
            result,
        );
        for (const remark of answer.remarks) made("p", `Note: ${remark}`, result);
        const found = components(answer, 8);
        if (answer.picture) {
            const itself = document.createElement("img");
            itself.src = URL.createObjectURL(new Blob([bytes]));
            itself.alt = "";
            figure(itself, name);
            figure(drawn(product(answer), answer, 255), `what ${rank} components keep`);
            found.slice(0, 12).forEach(({ share }, t) => {
                const one = product(answer, [t]);
                const most = one.reduce((a, b) => Math.max(a, b), 1e-300);
                figure(drawn(one, answer, most), `component ${t}: ${(100 * share).toFixed(1)} % of the light`);
            });
        } else {
            const table = made("table", undefined, result);
            const head = made("tr", undefined, made("thead", undefined, table));
            for (const title of ["component", "total", "share", "made of"]) made("th", title, head);
            const body = made("tbody", undefined, table);
            found.forEach(({ total, share, features }, t) => {
                const row = made("tr", undefined, body);
                made("td", String(t), row);
                made("td", total.toPrecision(4), row);
                made("td", `${(100 * share).toFixed(1)} %`, row);
                made("td", features.map(([feature, weight]) => `${feature} ${weight.toFixed(3)}`).join(", "), row);
            });
        }
        const names = Array.from({ length: rank }, (_, t) => `component_${t}`);
        const numbered = (count) => Array.from({ length: count }, (_, i) => String(i));
        const links = made("p", "Save: ", result);
        const save = (file, text) => {
            const link = made("a", file, links);
            link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
            link.download = file;
            links.append(" ");
        };
        save("W.csv", csv(answer.w, answer.rows, rank, answer.row_names ?? numbered(answer.rows), names));
        save("H.csv", csv(answer.h, rank, answer.columns, names, answer.column_names ?? numbered(answer.columns)));
    };

    const run = async () => {
        const fitted = chosen;
        const { name, bytes } = fitted;
        const options = { name, rank: Number(at("rank").value), beta: Number(at("loss").value), seed: 0 };
        at("result").replaceChildren();
        at("go").disabled = true;
        at("stop").disabled = false;
        at("progress").hidden = false;
        at("progress").removeAttribute("value");
        say(`reading ${name}`);
        const code = `${engine}
            onmessage = async ({ data: { module, bytes, options } }) => {
                const progress = (iteration, limit, error) => postMessage({ iteration, limit, error });
                const factorize = await engine(module, progress);
                postMessage({ answer: factorize(bytes, options) });
            };`;
        const place = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
        worker = new Worker(place);
        URL.revokeObjectURL(place);
        worker.onmessage = ({ data }) => {
            if (!data.answer) {
                at("progress").max = data.limit;
                at("progress").value = data.iteration;
                say(`iteration ${data.iteration}: relative error ${data.error.toPrecision(4)}`);
                return;
            }
            finish();
            say(data.answer.error ?? "done");
            if (!data.answer.error) show(data.answer, fitted);
        };
        worker.onerror = (event) => {
            event.preventDefault();
            finish();
            say(`The fit failed, perhaps for want of memory: ${event.message}`);
        };
        const module = Uint8Array.from(atob(globalThis.orthantWasm), (c) => c.charCodeAt(0));
        worker.postMessage({ module, bytes, options });
    };

    const choose = (name, bytes) => {
        chosen = { name, bytes };
        at("go").disabled = worker !== null;
        say(`${name}, ${bytes.length} bytes`);
    };
    at("file").onchange = async ({ target }) => {
        const file = target.files[0];
        if (file) choose(file.name, new Uint8Array(await file.arrayBuffer()));
    };
    at("example").onclick = () => {
        at("rank").value = 2;
        choose("basket.csv", new TextEncoder().encode(example));
        if (worker === null) run();
    };
    at("go").onclick = run;
    at("stop").onclick = () => {
        finish();
        say("stopped");
    };
}
