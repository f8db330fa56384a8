// Figures to look around in: the utility surface, the swimmer plot, the patient explorer. They are drawn when they come
// into view, by the plotting library that the page carries, compressed. What the explorer says in words needs no library.
const unpacked = async (id) => {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent.trim()), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
};
let library;
const plotly = () =>
  (library ??= unpacked("plotly-gz").then((text) => {
    const script = document.createElement("script");
    script.textContent = text;
    document.head.append(script);
    return window.Plotly;
  }));
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const LOOK = {
  progression: ["#D55E00", "x"], death: ["", "cross"], transplant: ["#009E73", "diamond"],
  new_therapy: ["#CC79A7", "triangle-up"], censored: ["#6E6E6E", "triangle-right"], free: ["#56B4E9", "circle"],
};
const tone = (name) => LOOK[name][0] || colour("--ink");
const last = (p, least = 0) => p.intervals.reduce((day, i) => Math.max(day, i[1]), least);
const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\n", "<br>");
const layout = (more) => {
  const axis = { gridcolor: colour("--line"), linecolor: colour("--line"), zerolinecolor: colour("--line"), automargin: true };
  const { xaxis, yaxis, xaxis2, yaxis2, ...rest } = more;
  const both = Object.entries({ xaxis, yaxis, xaxis2, yaxis2 }).filter(([, own]) => own);
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { t: 20, r: 10, b: 45, l: 50 },
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--ink") },
    hoverlabel: { align: "left" }, legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
    ...Object.fromEntries(both.map(([name, own]) => [name, { ...axis, ...own }])), ...rest,
  };
};
const OPTIONS = { responsive: true, displaylogo: false, displayModeBar: false };
const power = (x) => `10${String(Math.round(10 * x) / 10).replace(/./g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? { "-": "⁻", ".": "·" }[c])}`;
const decades = (low, high) => {
  const ticks = [];
  for (let k = Math.ceil(low); k <= high; k += 1) ticks.push(k);
  return { tickvals: ticks, ticktext: ticks.map(power), range: [low, high] };
};

// each kind prepares its box and returns what draws it
const surface = (box) => {
  const of = read(box.dataset.of);
  const select = box.querySelector("select");
  select.onchange = () => box.redraw?.();
  return (Plotly) => {
    const measure = of.measures[select.value];
    const cells = {
      type: "heatmap", x: of.taus, y: of.gaps, z: measure.values, text: measure.texts.map((row) => row.map(plain)),
      hovertemplate: "%{text}<extra></extra>", colorscale: "Viridis", xgap: 1, ygap: 1,
      colorbar: { title: { text: plain(measure.label).replaceAll(", ", ",<br>"), side: "right" }, thickness: 14 },
    };
    const star = {
      type: "scatter", mode: "markers", x: [of.taus[of.chosen[0]]], y: [of.gaps[of.chosen[1]]], hoverinfo: "skip",
      marker: { symbol: "star", size: 16, color: "#D55E00", line: { color: "#fff", width: 1 } },
    };
    const axes = { xaxis: { title: { text: "threshold (MRD)" }, type: "category" }, yaxis: { title: { text: "days between tests" }, type: "category" } };
    return Plotly.react(box.querySelector(".plot"), [cells, star], layout({ ...axes, height: 380, showlegend: false }), OPTIONS);
  };
};

const swimmer = (box) => {
  const { patients, causes } = read(box.dataset.of);
  const select = box.querySelector("select");
  select.onchange = () => box.redraw?.();
  const first = (p) => (p.intervals.length ? p.intervals[0][1] - p.intervals[0][0] : 0);
  const ORDERS = {
    followed: (a, b) => last(a) - last(b), first: (a, b) => first(a) - first(b),
    group: (a, b) => b.group.localeCompare(a.group) || last(a) - last(b),
    key: (a, b) => b.key.localeCompare(a.key, undefined, { numeric: true }),
  };
  return (Plotly) => {
    const order = [...patients].sort(ORDERS[select.value]);
    const bars = { x: [], y: [] };
    const dots = {};
    const dot = (name, look, x, y, text) => {
      const d = (dots[name] ??= { type: "scatter", mode: "markers", name, x: [], y: [], text: [], marker: look, hovertemplate: "%{text}<extra></extra>" });
      d.x.push(x); d.y.push(y); d.text.push(plain(text));
    };
    const ill = { x: [], y: [], text: [] };
    order.forEach((p, y) => {
      for (const [start, end, outcome] of p.intervals) {
        bars.x.push(start, end, null); bars.y.push(y, y, null);
        dot(causes[outcome], { color: tone(outcome), symbol: LOOK[outcome][1], size: 8 }, end, y, `${p.key}: ${causes[outcome]}, day ${end}`);
      }
      for (const [start, end, words, kind] of p.spans) {
        if (kind !== "courses") { ill.x.push(start, end ?? last(p, start), null); ill.y.push(y, y, null); ill.text.push(...Array(2).fill(plain(`${p.key}: ${words} from day ${start}`)), ""); }
      }
      for (const [day, level, below] of p.samples) {
        const name = below ? "MRD below its LOD" : "MRD detected";
        dot(name, { color: below ? "rgba(0,0,0,0)" : colour("--ink"), size: 5, symbol: "circle", line: { width: 1, color: colour("--ink") } }, day, y, `${p.key}: day ${day}, MRD ${below ? "below " : ""}${power(level)}`);
      }
      for (const [day, words] of p.infusions) dot("infusion", { color: "#009E73", symbol: "line-ns-open", size: 10, line: { width: 2 } }, day, y, `${p.key}: day ${day}, ${words}`);
    });
    const lines = [
      { type: "scatter", mode: "lines", name: "progression-free interval", ...bars, line: { color: "#56B4E9", width: 6 }, opacity: 0.55, hoverinfo: "skip" },
      ...(ill.x.length ? [{ type: "scatter", mode: "lines", name: "GVHD or another condition", ...ill, line: { color: "#E69F00", width: 4 }, hovertemplate: "%{text}<extra></extra>" }] : []),
      ...Object.values(dots),
    ];
    const ticks = { tickvals: order.map((_, y) => y), ticktext: order.map((p) => plain(p.key.length > 24 ? `${p.key.slice(0, 22)}…` : p.key)), tickfont: { size: 9 } };
    const axes = { xaxis: { title: { text: "days since day 0" }, side: "top" }, yaxis: { ...ticks, range: [-1, order.length], showgrid: false, zeroline: false } };
    return Plotly.react(box.querySelector(".plot"), lines, layout({ ...axes, height: 190 + 13 * order.length, legend: { orientation: "h", y: 1, yanchor: "top", yref: "container" }, margin: { t: 120, r: 10, b: 20, l: 60 } }), OPTIONS);
  };
};

const band = ([days, mean, low, high], name, tone, axes) => [
  { type: "scatter", mode: "lines", x: days, y: high, line: { width: 0 }, hoverinfo: "skip", showlegend: false, ...axes },
  { type: "scatter", mode: "lines", x: days, y: low, line: { width: 0 }, fill: "tonexty", fillcolor: `${tone}33`, hoverinfo: "skip", showlegend: false, ...axes },
  { type: "scatter", mode: "lines", x: days, y: mean, line: { color: tone, width: 2 }, name, ...axes },
];

const explorer = (box) => {
  const of = read(box.dataset.of);
  const [input, status, facts, sentences, plot] = ["input", ".status", "dl", "ul", ".plot"].map((q) => box.querySelector(q));
  let at = 0;
  const traces = (p) => {
    const above = { xaxis: "x", yaxis: "y" };
    const found = [];
    const levels = [...p.samples.map((s) => s[1]), ...(p.curves.mrd?.[1] ?? [])].filter(Number.isFinite);
    const floor = Math.floor(Math.max(-8, Math.min(-2, ...levels))) - 0.3;
    const top = Math.max(0.2, ...levels.map((x) => x + 0.3));
    if (p.curves.mrd || p.samples.length) {
      if (p.curves.mrd) {
        const cut = p.curves.mrd.map((part, k) => (k ? part.map((y) => Math.max(y, floor)) : part));
        found.push(...band(cut, `latent ${of.marker} (${of.ci} band)`, "#0072B2", above));
      }
      for (const below of [0, 1]) {
        const mine = p.samples.filter((s) => s[2] === below);
        if (mine.length) found.push({ type: "scatter", mode: "markers", name: below ? "below its LOD" : `${of.marker} sample`, x: mine.map((s) => s[0]), y: mine.map((s) => s[1]), text: mine.map((s) => power(s[1])), hovertemplate: "day %{x}: %{text}<extra></extra>", marker: { size: 8, symbol: below ? "triangle-down-open" : "circle", color: colour("--ink") }, ...above });
      }
    }
    const shown = found.length || Object.keys(p.curves).length;
    if (p.infusions.length && shown) {
      const at = found.length ? { y: p.infusions.map(() => floor + 0.2), ...above } : { y: p.infusions.map(() => 0), xaxis: "x", yaxis: "y2" };
      found.push({ type: "scatter", mode: "markers", name: "infusion", x: p.infusions.map((i) => i[0]), text: p.infusions.map((i) => plain(i[1])), hovertemplate: "day %{x}: %{text}<extra></extra>", marker: { size: 12, symbol: "line-ns-open", color: "#009E73", line: { width: 2 } }, ...at });
    }
    for (const [cause, words] of Object.entries({ free: "alive and progression-free", ...of.causes })) {
      if (p.curves[cause]) found.push(...band(p.curves[cause], words, tone(cause), { xaxis: "x", yaxis: "y2" }));
    }
    const low = found.some((t) => t.yaxis === "y");
    return [found, floor, top, low, found.some((t) => t.yaxis === "y2")];
  };
  const draw = (Plotly) => {
    const p = of.patients[at];
    const [found, floor, top, marker, ahead] = traces(p);
    const shapes = p.intervals.flatMap(([start, end, outcome]) => [
      { type: "rect", xref: "x", yref: "paper", x0: start, x1: end, y0: 0, y1: 1, fillcolor: "#56B4E9", opacity: 0.1, line: { width: 0 } },
      { type: "line", xref: "x", yref: "paper", x0: end, x1: end, y0: 0, y1: 1, line: { color: tone(outcome), width: 1.5, dash: outcome === "censored" ? "dot" : "solid" } },
    ]);
    for (const [start, end] of p.spans.filter((s) => s[3] !== "courses")) {
      shapes.push({ type: "rect", xref: "x", yref: "paper", x0: start, x1: end ?? last(p, start), y0: 0.97, y1: 1, fillcolor: "#E69F00", line: { width: 0 } });
    }
    if (of.tau !== null && marker) shapes.push({ type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: of.tau, y1: of.tau, line: { color: colour("--ink"), width: 1, dash: "dash" } });
    const axes = { xaxis: { title: { text: "days since day 0" }, anchor: marker && !ahead ? "y" : "y2" } };
    if (!found.length) return Plotly.react(plot, [{ type: "scatter", mode: "markers", x: p.intervals.map((i) => i[1]), y: p.intervals.map(() => 0), text: p.intervals.map((i) => of.causes[i[2]]), hovertemplate: "day %{x}: %{text}<extra></extra>", marker: { size: 10, color: p.intervals.map((i) => tone(i[2])) } }], layout({ xaxis: { title: { text: "days since day 0" }, rangemode: "tozero" }, yaxis: { visible: false }, shapes, height: 160, showlegend: false }), OPTIONS);
    if (marker) axes.yaxis = { title: { text: of.scale }, domain: ahead ? [0.42, 1] : [0, 1], ...decades(floor, top) };
    if (ahead) axes.yaxis2 = { title: { text: "probability" }, domain: marker ? [0, 0.34] : [0, 1], range: [-0.02, 1.02], anchor: "x" };
    return Plotly.react(plot, found, layout({ ...axes, shapes, height: marker && ahead ? 520 : 340 }), OPTIONS);
  };
  const show = (index) => {
    at = (index + of.patients.length) % of.patients.length;
    const p = of.patients[at];
    input.value = p.key;
    status.textContent = `Patient ${at + 1} of ${of.patients.length}: ${p.key}`;
    const pairs = [...p.facts, ["intervals", p.intervals.map(([a, b, o]) => `day ${a} to ${b}, ${of.causes[o]}`).join("; ") || "none"]];
    if (p.infusions.length) pairs.push(["infusions", `${p.infusions.length}, the last on day ${p.infusions.at(-1)[0]}`]);
    for (const [a, b, words] of p.spans) pairs.push([words, `from day ${a}${b === null ? "" : ` to ${b}`}`]);
    facts.replaceChildren(...pairs.flatMap(([label, text]) => ["dt", "dd"].map((tag, k) => Object.assign(document.createElement(tag), { textContent: [label, text][k] }))));
    sentences.replaceChildren(...p.says.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    plot.setAttribute("aria-label", `History of patient ${p.key} and what lies ahead; the sentences beside it say the same`);
    box.redraw?.();
  };
  const wanted = () => {
    const text = input.value.trim().toLocaleLowerCase();
    if (!text || text === of.patients[at].key.toLocaleLowerCase()) return;
    const key = (p) => p.key.toLocaleLowerCase();
    const found = [(p) => key(p) === text, (p) => key(p).startsWith(text), (p) => key(p).includes(text)].map((is) => of.patients.findIndex(is)).find((k) => k >= 0);
    if (found === undefined) status.textContent = `No patient's key holds "${input.value}".`;
    else show(found);
  };
  box.querySelector("form").onsubmit = (event) => { event.preventDefault(); wanted(); };
  input.onchange = wanted;
  input.onfocus = () => input.select();
  box.querySelector(".previous").onclick = () => show(at - 1);
  box.querySelector(".next").onclick = () => show(at + 1);
  show(0);
  return draw;
};

const KINDS = { surface, swimmer, explorer };
const start = async (box, draw) => {
  try {
    const Plotly = await plotly();
    box.redraw = () => draw(Plotly);
    await box.redraw();
    box.dataset.ready = "yes";
  } catch (fault) {
    box.querySelector(".plot").textContent = `This figure could not be drawn (${fault.message}); ${box.dataset.instead}.`;
  }
};
const draws = new Map([...document.querySelectorAll(".interactive")].map((box) => [box, KINDS[box.dataset.kind](box)]));
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) { seen.unobserve(target); start(target, draws.get(target)); }
  }
}, { rootMargin: "300px" });
for (const box of draws.keys()) seen.observe(box);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const box of draws.keys()) box.redraw?.();
});
