// Small tests with names, one after the other. One that fails does not stop the rest; one that never ran is not counted
// as passed.
import { check } from "k6";
import { Counter } from "k6/metrics";
import { after } from "./timer.js";

export const passed = new Counter("passed");
export const failed = new Counter("failed");

/** Throws where something is not as it should be. */
export const expect = (what, holds) => {
  if (!holds) throw new Error(`not so: ${what}`);
};

/** The same of every one; of none nothing holds. */
export const expectAll = (what, things, holds) => expect(what, things.length > 0 && things.every(holds));

/** Waits for a promise, and says what was waited for when it takes too long. */
export const soon = (what, promise, patience = 5000) => {
  const late = new Promise((_, reject) => {
    const stop = after(patience, () => reject(new Error(`did not come: ${what}`)));
    promise.then(stop, stop);
  });
  return Promise.race([promise, late]);
};

/** Runs each case, whose name is the sentence it proves. */
export const run = async (cases, ...given) => {
  for (const [name, prove] of Object.entries(cases)) {
    let error = null;
    try {
      await prove(...given);
    } catch (failure) {
      error = failure;
    }
    check(error, { [name]: (error) => error === null });
    (error ? failed : passed).add(1);
    if (error) console.error(`${name}: ${error}`);
  }
};
