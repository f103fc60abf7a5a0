import type { AccessToken, ClientOptions } from "./options.js";

/** Asks for a fresh token before the one in use ends, so that its socket need not be closed for it. */
export class TokenLife {
  #timer: unknown;
  #turn = 0;
  #endsAt = 0;
  #token = "";

  constructor(
    private options: Required<ClientOptions>,
    private renewed: (token: AccessToken) => void,
  ) {}

  /** A token came into use. `expiresAt` is the server's word, used when the source gave no duration. */
  start(token: AccessToken | null, expiresAt: string | null): void {
    this.stop();
    if (!token) return;
    const { clock, random } = this.options;
    const left = token.expiresInMs ?? (expiresAt ? Date.parse(expiresAt) - clock.now() : NaN);
    if (!(left > 0)) return;
    this.#token = token.token;
    this.#endsAt = clock.now() + left;
    // At 70 to 90 % of its life, so that those who signed in together do not renew together.
    this.#renewIn(left * (0.7 + 0.2 * random()));
  }

  stop(): void {
    this.#turn++;
    this.options.clock.clearTimeout(this.#timer);
  }

  #renewIn(ms: number): void {
    this.#timer = this.options.clock.setTimeout(() => void this.#renew(), ms);
  }

  async #renew(): Promise<void> {
    const turn = this.#turn;
    const given = await this.options.token({ fresh: true }).catch(() => null);
    if (turn !== this.#turn) return;
    const token = typeof given === "string" ? { token: given } : given;
    if (token && token.token !== this.#token) return this.renewed(token);
    // No luck: again after half of what is left. In the end the server closes the socket, and the next one asks anew.
    const left = this.#endsAt - this.options.clock.now();
    if (left > 5_000) this.#renewIn(left / 2);
  }
}
