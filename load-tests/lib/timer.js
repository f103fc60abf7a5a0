// Timers that do not run early. k6 1.1 runs the next one at once where the one before it was cleared: it is set anew
// here for what is left of its time.

/** Runs something after so many milliseconds; the answer takes that back. */
export const after = (milliseconds, run) => {
  const due = Date.now() + milliseconds;
  let timer;
  const arm = () => {
    const rest = due - Date.now();
    timer = setTimeout(() => (Date.now() < due ? arm() : run()), Math.max(rest, 0));
  };
  arm();
  return () => clearTimeout(timer);
};

export const wait = (milliseconds) => new Promise((resolve) => after(milliseconds, resolve));

/** Gives a wait for the turn of the nth of so many a second, from now on: one that is late does not delay the rest. */
export const pace = (rate) => {
  const begun = Date.now();
  return (n) => wait(begun + (n * 1000) / rate - Date.now());
};
