// What k6 is told of a script: who runs, how long at most, and what fails it.
import { CLEAN } from "./metrics.js";

/** Beside its own time a script may take so many seconds to come, to settle and to end. */
const BESIDE = 120;

/** Figures of a time. */
export const TREND = ["med", "p(95)", "p(99)", "max"];

/**
 * The options of a script that takes so many milliseconds. `crowds` says how many virtual users each of its functions
 * has; every one runs once and must come to its end. `thresholds` are its own, beside what none may ever see.
 */
export const plan = (milliseconds, crowds, thresholds) => {
  const scenario = ([exec, vus]) => [
    exec,
    {
      executor: "per-vu-iterations",
      exec,
      vus,
      iterations: 1,
      maxDuration: `${Math.ceil(milliseconds / 1000) + BESIDE}s`,
      gracefulStop: "1s",
    },
  ];
  const all = Object.values(crowds).reduce((sum, vus) => sum + vus, 0);
  return {
    scenarios: Object.fromEntries(Object.entries(crowds).map(scenario)),
    thresholds: { ...CLEAN, finished: [`count==${all}`], ...thresholds },
    summaryTrendStats: TREND,
  };
};
