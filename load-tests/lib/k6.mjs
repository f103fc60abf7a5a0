// k6 as far as the tests of this folder need it, under node: counters and trends that can be read.
import { register } from "node:module";

const k6 = `
class Metric {
  constructor(name) { this.name = name; this.values = []; }
  add(value) { this.values.push(value); }
  get sum() { return this.values.reduce((sum, value) => sum + value, 0); }
}
export { Metric as Counter, Metric as Trend };
export default { scenario: { iterationInTest: 0 } };
export class WebSocket {}
`;
const source = `data:text/javascript,${encodeURIComponent(k6)}`;
const hook = `
const url = ${JSON.stringify(source)};
export const resolve = (name, context, next) =>
  /^k6(\\/|$)/.test(name) ? { url, shortCircuit: true } : next(name, context);
`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
globalThis.__ENV = {};
