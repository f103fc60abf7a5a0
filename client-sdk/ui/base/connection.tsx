import { useEffect, useState } from "preact/hooks";
import { useApp, useChanges } from "./app.js";

/** How long a cut may last before anybody is told, in milliseconds. */
const QUIET_MS = 2_000;

/** The state of the connection in words, at the edge of the page; nothing while all is well. */
export function ConnectionState() {
  const { client } = useApp();
  const [late, setLate] = useState(false);
  useChanges((changed) => client.on("state", changed), [client]);
  useChanges((changed) => {
    const controller = new AbortController();
    for (const name of ["online", "offline"]) addEventListener(name, changed, { signal: controller.signal });
    return () => controller.abort();
  });
  const { code, reason, status } = client.state;
  const away = status === "connecting" || status === "waiting" || status === "idle";
  useEffect(() => {
    setLate(false);
    if (!away) return;
    const timer = setTimeout(() => setLate(true), QUIET_MS);
    return () => clearTimeout(timer);
  }, [away]);

  let words = "";
  if (away && late) {
    words = navigator.onLine
      ? "Reconnecting… What you write is kept."
      : "You are offline. What you write is kept and sent later.";
  } else if (status === "dormant") {
    words = "Belfry is open in too many windows. This one goes on when you use it.";
  } else if (status === "closed" && code !== 4403) {
    words = `Disconnected${reason ? `: ${reason}` : "."}`;
  }
  return (
    <div class="connection" role="status">
      {words && (
        <p>
          {words}
          {status === "closed" && (
            <button type="button" class="link" onClick={() => client.connect()}>
              Connect again
            </button>
          )}
        </p>
      )}
    </div>
  );
}
