/** Takes a listener away again. Calling it twice does no harm. */
export type Off = () => void;

type Listener = (payload: never) => void;

/**
 * Typed events. A listener that throws stops neither the others nor the sender: its error is
 * rethrown on its own, where `window.onerror` and the like see it.
 */
export class Emitter<Events> {
  #listeners = new Map<keyof Events, Set<Listener>>();

  /** Calls `listener` for each `name` from now on; returns what takes it away. */
  on<Name extends keyof Events>(name: Name, listener: (payload: Events[Name]) => void): Off {
    let set = this.#listeners.get(name);
    if (!set) this.#listeners.set(name, (set = new Set()));
    set.add(listener);
    return () => set.delete(listener);
  }

  /** @internal */
  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as (payload: Events[Name]) => void)(payload);
      } catch (thrown) {
        queueMicrotask(() => {
          throw thrown;
        });
      }
    }
  }
}
