// What a run says in the end: the figures, each threshold that was crossed, and a row for the table of all scripts.
import { RESULTS } from "./env.js";
import { TREND } from "./plan.js";

const ms = (value) => (value === undefined ? "" : value < 10 ? value.toFixed(1) : Math.round(value).toString());

const times = (metric) => {
  const { values } = metric;
  return TREND.map((name) => ms(values[name])).join(" / ");
};

const thousands = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

const crossed = ([name, { thresholds = {}, values }]) =>
  Object.entries(thresholds)
    .filter(([, { ok }]) => !ok)
    .map(([rule]) => `  ✗ ${name}: ${rule}, but ${JSON.stringify(values)}`);

/** A `handleSummary`: `load` says in a few words what it was, `also` names further trends and counters to show. */
export const summary = (script, load, also = []) => {
  return ({ metrics, state }) => {
    const count = (name) => thousands(metrics[name]?.values.count ?? 0);
    const known = Object.entries(metrics).filter(([, { type }]) => type === "trend");
    const shown = ["delivery", "answer", "joining", ...also];
    const lines = Object.entries(metrics).flatMap(crossed);
    const figures = shown
      .map((name) => known.find(([other]) => other === name))
      .filter((found) => found && found[1].values.max !== undefined)
      .map(([name, metric]) => [name, times(metric)]);
    const seconds = Math.round(state.testRunDurationMs / 1000);
    const told = figures.map(([name, figure]) => `  ${name}: ${figure} ms (median / p95 / p99 / max)`);
    const text = [
      `${script}: ${lines.length ? "FAILED" : "passed"} in ${seconds} s (${load})`,
      `  ${count("delivered")} events arrived, ${count("acknowledged")} writes acknowledged`,
      ...told,
      ...(metrics.unheard?.values.count
        ? [`  k6 lost ${count("unheard")} first frames, which were asked for again`]
        : []),
      ...lines,
    ].join("\n");
    const column = Object.fromEntries(figures);
    const rest = figures.filter(([name]) => !["delivery", "answer"].includes(name));
    const cells = [
      script,
      load,
      count("acknowledged"),
      count("delivered"),
      column.delivery ?? "",
      column.answer ?? "",
      rest.map(([name, figure]) => `${name} ${figure}`).join("; "),
    ];
    const row = `| ${cells.join(" | ")} |\n`;
    return { stdout: `${text}\n`, ...(RESULTS && { [`${RESULTS}/${script}.md`]: row }) };
  };
};
