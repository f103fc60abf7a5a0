import { render } from "preact";
import { createClient, createRest, createSession } from "../src/index.js";
import { AppContext, joinSessionAndClient } from "../ui/base/app.js";
import { ConnectionState } from "../ui/base/connection.js";
import { Header } from "./header.js";
import { NotFound, PostPage } from "./post-page.js";
import { PostsPage } from "./posts-page.js";
import { startRouter, useLocation } from "./router.js";

const session = createSession();
const app = {
  session,
  rest: createRest({ token: session.token }),
  client: createClient({ token: session.token, name: "belfry-page/0.1" }),
};

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
      <ConnectionState />
    </AppContext.Provider>
  );
}

joinSessionAndClient(app);
startRouter();
render(<Page />, document.getElementById("app")!);
app.client.connect();
