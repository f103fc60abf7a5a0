import { render } from "preact";
import { createClient, createRest, createSession } from "../src/index.js";
import { createInbox } from "../src/inbox.js";
import { AppContext, joinSessionAndClient } from "../ui/base/app.js";
import { ConnectionState } from "../ui/base/connection.js";
import { Toast } from "../ui/inbox/toast.js";
import { Header } from "./header.js";
import { NotFound, PostPage } from "./post-page.js";
import { PostsPage } from "./posts-page.js";
import { onArrival, startRouter, useLocation } from "./router.js";

const session = createSession();
const rest = createRest({ token: session.token });
const client = createClient({ token: session.token, name: "belfry-page/0.1" });
const app = { session, rest, client, inbox: createInbox({ client, rest }) };

function Page() {
  const { path } = useLocation();
  const post = /^\/posts\/(\d+)\/?$/.exec(path);
  return (
    <AppContext.Provider value={app}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        {path === "/" ? <PostsPage /> : post ? <PostPage key={path} id={Number(post[1])} /> : <NotFound />}
      </main>
      <Toast />
      <ConnectionState />
    </AppContext.Provider>
  );
}

joinSessionAndClient(app);
// Going to a comment, by whatever way, is reading what was told of it.
onArrival((anchor) => {
  const about = app.inbox.items.filter(
    ({ comment_id, read_at }) => read_at === null && anchor === `comment-${comment_id}`,
  );
  void app.inbox.read(about.map(({ id }) => id));
});
startRouter();
render(<Page />, document.getElementById("app")!);
app.client.connect();
