import { BelfryError } from "./errors.js";
import type { ClientMessage, Command } from "./protocol.js";
import type { Requests } from "./requests.js";

interface Entry {
  command: Command;
  /** Who was signed in when it was written; undefined when that was not known yet. */
  author: number | null | undefined;
  settle(error: BelfryError | null, answer?: unknown): void;
}

type Send = (message: ClientMessage) => void;

/**
 * The commands that have no answer yet, in the order given, across any number of sockets. What was on its way
 * when a socket died is sent again on the next, before what came later; every command is such that a
 * second time changes nothing (`comment.create` by its `key`).
 *
 * **Invariant:** it holds at most `limit` commands; one more is refused with `queue_full`, never dropped silently.
 */
export class Outbox {
  #entries = new Set<Entry>();
  #send: Send | null = null;
  #user: number | null | undefined;

  constructor(
    private requests: Requests,
    private limit: number,
  ) {}

  push(command: Command): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#entries.size >= this.limit) {
        reject(new BelfryError("queue_full", "Too much waits to be sent."));
        return;
      }
      const entry: Entry = {
        command,
        author: this.#user,
        settle: (error, answer) => {
          this.#entries.delete(entry);
          if (error) reject(error);
          else resolve(answer);
        },
      };
      this.#entries.add(entry);
      if (this.#send) this.#post(entry, this.#send);
    });
  }

  /** A socket is there, signed in as `user` (null: anonymous). Sends all that waits. */
  open(send: Send, user: number | null): void {
    this.#user = user;
    if (this.#send === send) return;
    this.#send = send;
    for (const entry of [...this.#entries]) {
      if (entry.author === undefined || entry.author === user) {
        entry.author = user;
        this.#post(entry, send);
      } else {
        entry.settle(new BelfryError("wrong_user", "Somebody else is signed in by now."));
      }
    }
  }

  /** Somebody signs in or out: whose the next commands are, the next `open` tells. */
  userChanges(): void {
    this.#user = undefined;
  }

  /** The socket is gone; what was on its way waits again. */
  close(): void {
    this.#send = null;
  }

  /** Gives up on everything. */
  abandon(error: BelfryError): void {
    for (const entry of [...this.#entries]) entry.settle(error);
  }

  #post(entry: Entry, send: Send): void {
    send({ ...entry.command, id: this.requests.ask(entry.settle) });
  }
}
