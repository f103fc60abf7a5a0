import { useMemo } from "preact/hooks";
import { markMentions } from "./mentions.js";
import { useUser } from "./app.js";

/** What somebody wrote, rendered and sanitised by the server. */
export function Html({ html }: { html: string }) {
  const own = useUser()?.handle;
  const marked = useMemo(() => markMentions(html, own), [html, own]);
  return <div class="text" dir="auto" dangerouslySetInnerHTML={{ __html: marked }} />;
}
