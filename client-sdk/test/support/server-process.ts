import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** The real server, on a port and in a folder of its own. */
export class ServerProcess {
  url = "";
  readonly folder = mkdtempSync(join(tmpdir(), "belfry-"));
  /** What it logged. */
  log = "";
  #child: ChildProcess | null = null;

  constructor(
    private binary: string,
    private env: Record<string, string> = {},
  ) {}

  /** Runs another of its commands beside it, and gives what it says. */
  async run(...args: string[]): Promise<string> {
    const env = { PATH: process.env.PATH, BELFRY_DATA: this.folder, ...this.env };
    const { stdout } = await promisify(execFile)(this.binary, args, { env });
    return stdout.trim();
  }

  /** Starts it, or starts it again on the same port and folder; resolves when it listens. */
  async start(): Promise<void> {
    const child = spawn(this.binary, ["serve"], {
      env: {
        PATH: process.env.PATH,
        BELFRY_LISTEN: this.url ? new URL(this.url).host : "127.0.0.1:0",
        BELFRY_METRICS_LISTEN: "off",
        BELFRY_DATA: this.folder,
        BELFRY_RATE_LIMITS: "off",
        BELFRY_DRAIN_DELAY: "0s",
        BELFRY_DRAIN_WINDOW: "0s",
        BELFRY_RESYNC_WINDOW: "0s",
        ...this.env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stderr!.on("data", (chunk) => (this.log += chunk));
    await new Promise<void>((started, failed) => {
      createInterface({ input: child.stdout! }).on("line", (line) => {
        const address = /^listening on (http:\S+)$/.exec(line)?.[1];
        if (!address) return;
        this.url = address;
        started();
      });
      child.once("error", failed);
      child.once("exit", (code) => failed(new Error(`The server ended with ${code} before it listened:\n${this.log}`)));
    });
  }

  /** `kill -9`, unless another signal is asked for; resolves when it is gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
