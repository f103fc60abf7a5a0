import { lexer, type Token, type Tokens } from "marked";
import type { ComponentChild, JSX } from "preact";
import { useUser } from "../base/app.js";
import { mentionClass, splitMentions } from "../base/mentions.js";

// Fetched when a preview is first opened. The text becomes elements, never html: there is nothing to sanitise. What it
// knows is what the server lets through.

/** How a text will look, as nearly as can be told without the server. */
export default function Preview({ text }: { text: string }) {
  const own = useUser()?.handle;
  return (
    <div class="text" dir="auto">
      {blocks(lexer(text, { gfm: true, breaks: true }), own)}
    </div>
  );
}

const blocks = (tokens: Token[] | undefined, own: string | undefined): ComponentChild[] =>
  (tokens ?? []).map((token) => element(token as Tokens.Generic, own));

function element(token: Tokens.Generic, own: string | undefined): ComponentChild {
  const inner = () => (token.tokens ? blocks(token.tokens, own) : words(token.text, own));
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "paragraph":
      return <p>{inner()}</p>;
    case "heading": {
      // A heading in a comment stands below those of the page.
      const Heading = `h${Math.min(6, token.depth + 2)}` as "h3";
      return <Heading>{inner()}</Heading>;
    }
    case "code":
      return (
        <pre>
          <code>{token.text}</code>
        </pre>
      );
    case "codespan":
      return <code>{token.text}</code>;
    case "blockquote":
      return <blockquote>{inner()}</blockquote>;
    case "list":
      return list(token as Tokens.List, own);
    case "table":
      return table(token as Tokens.Table, own);
    case "hr":
      return <hr />;
    case "br":
      return <br />;
    case "strong":
      return <strong>{inner()}</strong>;
    case "em":
      return <em>{inner()}</em>;
    case "del":
      return <del>{inner()}</del>;
    case "escape":
      return token.text;
    case "link":
      return link(token.href, inner());
    case "image":
      return link(token.href, token.text || token.href);
    case "html":
      return token.raw;
    default:
      return inner();
  }
}

const list = ({ items, ordered, start }: Tokens.List, own: string | undefined): JSX.Element => {
  const rows = items.map((item) => <li>{blocks(item.tokens, own)}</li>);
  return ordered ? <ol start={Number(start) || 1}>{rows}</ol> : <ul>{rows}</ul>;
};

const table = ({ header, rows }: Tokens.Table, own: string | undefined): JSX.Element => (
  <table>
    <thead>
      <tr>
        {header.map((cell) => (
          <th>{blocks(cell.tokens, own)}</th>
        ))}
      </tr>
    </thead>
    <tbody>
      {rows.map((row) => (
        <tr>
          {row.map((cell) => (
            <td>{blocks(cell.tokens, own)}</td>
          ))}
        </tr>
      ))}
    </tbody>
  </table>
);

/** Only addresses that the server would keep. */
const link = (href: string, children: ComponentChild): ComponentChild =>
  /^(https?:|mailto:)/i.test(href) ? (
    <a href={href} rel="nofollow ugc noopener">
      {children}
    </a>
  ) : (
    children
  );

const words = (text: string, own: string | undefined): ComponentChild[] =>
  splitMentions(text.replace(/&(#\d+|#x[\da-f]+|\w+);/gi, decoded)).map(({ handle, text }) =>
    handle ? <span class={mentionClass(handle, own)}>{text}</span> : text,
  );

/** One entity; text that looks like one and is none stays. */
const decoded = (entity: string): string =>
  new DOMParser().parseFromString(entity, "text/html").body.textContent ?? entity;
