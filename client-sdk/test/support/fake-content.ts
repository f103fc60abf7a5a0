import type { Comment, Person, Post, ReactionChange, Reactions } from "../../src/protocol.js";
import { face, html, refuse } from "./fake-data.js";
import { FakeInbox } from "./fake-inbox.js";

/** Posts, comments, reactions, and what they notify of. */
export abstract class FakeContent extends FakeInbox {
  addPost(author: Person | null, title = "A post", body = "Text", tags: string[] = []): Post {
    const post: Post = {
      id: ++this.data.lastId,
      title,
      body,
      html: html(body),
      url: null,
      page_key: null,
      author: author && face(author),
      tags,
      comment_count: 0,
      created_at: this.time(),
      updated_at: this.time(),
    };
    this.data.posts.push(post);
    this.data.logs[`post:${post.id}`] = [];
    this.changed();
    return post;
  }

  postByKey(page_key: string, title: string | undefined, url: string | null): { post: Post; made: boolean } {
    const known = this.data.posts.find((post) => post.page_key === page_key);
    if (known) return { post: known, made: false };
    const post = this.addPost(null, title ?? page_key, "");
    Object.assign(post, { page_key, url });
    this.changed();
    return { post, made: true };
  }

  post(id: number): Post {
    return this.data.posts.find((post) => post.id === id) ?? refuse("not_found", 404);
  }

  editPost(user: Person, id: number, { title, body, tags }: Partial<Post>): Post {
    const post = this.post(id);
    if (post.author?.id !== user.id) refuse("forbidden", 403);
    Object.assign(post, {
      ...(title !== undefined && { title }),
      ...(body !== undefined && { body, html: html(body) }),
      ...(tags !== undefined && { tags }),
      updated_at: this.time(),
    });
    this.append(`post:${id}`, "post.updated", { post });
    return post;
  }

  addComment(
    author: Person,
    postId: number,
    body: string,
    parentId: number | null = null,
    key: string | null = null,
  ): Comment {
    const post = this.post(postId);
    if (!body.trim()) refuse("unprocessable", 422, "Write something.");
    const known = key && this.data.comments.find((comment) => comment.key === key && comment.author?.id === author.id);
    if (known) return known;
    const parent = parentId === null ? null : this.comment(parentId);
    const id = ++this.data.lastId;
    const seq = this.head(`post:${postId}`) + 1;
    const comment: Comment = {
      id,
      post_id: postId,
      parent_id: parentId,
      root_id: parent ? parent.root_id : id,
      depth: parent ? parent.depth + 1 : 0,
      author: face(author),
      body,
      html: html(body),
      created_at: this.time(),
      edited_at: null,
      deleted: false,
      reactions: {},
      reply_count: 0,
      key,
      seq,
      updated_seq: seq,
    };
    this.data.comments.push(comment);
    post.comment_count++;
    if (parent) parent.reply_count++;
    this.append(`post:${postId}`, "comment.created", {
      comment,
      comment_count: post.comment_count,
      parent: parent && { id: parent.id, reply_count: parent.reply_count },
    });
    this.#notifyOf(comment, post, parent, author);
    return comment;
  }

  comment(id: number): Comment {
    return this.data.comments.find((comment) => comment.id === id) ?? refuse("not_found", 404);
  }

  editComment(user: Person, id: number, body: string): Comment {
    const comment = this.comment(id);
    if (comment.deleted) refuse("conflict", 409, "It was deleted.");
    if (comment.author?.id !== user.id) refuse("forbidden", 403);
    if (comment.body === body) return comment;
    Object.assign(comment, { body, html: html(body), edited_at: this.time() });
    const channel = `post:${comment.post_id}`;
    comment.updated_seq = this.head(channel) + 1;
    this.append(channel, "comment.updated", { comment });
    return comment;
  }

  deleteComment(user: Person, id: number): Comment {
    const comment = this.comment(id);
    if (comment.deleted) return comment;
    if (comment.author?.id !== user.id) refuse("forbidden", 403);
    Object.assign(comment, { body: "", html: "", author: null, deleted: true, reactions: {} });
    this.data.reactions = this.data.reactions.filter(({ commentId }) => commentId !== id);
    const post = this.post(comment.post_id);
    post.comment_count--;
    const channel = `post:${comment.post_id}`;
    comment.updated_seq = this.head(channel) + 1;
    const parent = comment.parent_id === null ? null : this.comment(comment.parent_id);
    this.append(channel, "comment.deleted", {
      comment,
      comment_count: post.comment_count,
      parent: parent && { id: parent.id, reply_count: parent.reply_count },
    });
    this.forgetComment(id);
    return comment;
  }

  react(user: Person, id: number, emoji: string, on: boolean): Reactions {
    if (!/\p{Extended_Pictographic}/u.test(emoji)) refuse("unprocessable", 422, "That is no emoji.");
    this.reactTogether(id, [{ user_id: user.id, emoji, on }]);
    const { reactions, post_id } = this.comment(id);
    return { reactions, my_reactions: this.myReactions(user, id), seq: this.head(`post:${post_id}`) };
  }

  /** What several people do at once is one event, without `by` where it is more than 50 changes. */
  reactTogether(id: number, changes: ReactionChange[]): void {
    const comment = this.comment(id);
    if (comment.deleted) refuse("conflict", 409, "It was deleted.");
    const is = (change: ReactionChange) => (one: HubReaction) =>
      one.commentId === id && one.userId === change.user_id && one.emoji === change.emoji;
    const by = changes.filter((change) => this.data.reactions.some(is(change)) !== change.on);
    if (!by.length) return;
    for (const change of by) {
      if (change.on) this.data.reactions.push({ commentId: id, userId: change.user_id, emoji: change.emoji });
      else this.data.reactions = this.data.reactions.filter((one) => !is(change)(one));
    }
    const reactions: Record<string, number> = {};
    for (const one of this.data.reactions)
      if (one.commentId === id) reactions[one.emoji] = (reactions[one.emoji] ?? 0) + 1;
    comment.reactions = reactions;
    const channel = `post:${comment.post_id}`;
    comment.updated_seq = this.head(channel) + 1;
    this.append(channel, "comment.reacted", { comment_id: id, reactions, ...(by.length <= 50 && { by }) });
    for (const change of by) this.#notifyOfReaction(comment, change);
  }

  myReactions(user: { id: number }, commentId: number): string[] {
    const mine = this.data.reactions.filter((one) => one.commentId === commentId && one.userId === user.id);
    return mine.map(({ emoji }) => emoji);
  }

  /** As it is told to whoever asks. */
  shown(comment: Comment, user: { id: number } | null): Comment {
    return user ? { ...comment, my_reactions: this.myReactions(user, comment.id) } : comment;
  }

  /** Its author and those who commented. */
  peopleOf(postId: number): Person[] {
    const { author } = this.post(postId);
    const commented = this.data.comments.filter(({ post_id }) => post_id === postId).map(({ author }) => author);
    const byId = new Map([author, ...commented].flatMap((one) => (one ? [[one.id, one] as const] : [])));
    return [...byId.values()];
  }

  /** One notification a person and comment: a mention before a reply before a comment on one's post. */
  #notifyOf(comment: Comment, post: Post, parent: Comment | null, author: Person): void {
    const told = new Set([author.id]);
    const tell = (person: Person | null | undefined, kind: string) => {
      if (!person || told.has(person.id)) return;
      told.add(person.id);
      this.notify(person.id, `${kind}:${comment.id}`, { kind, ...this.#about(comment, post) }, author);
    };
    for (const [, handle] of comment.body.matchAll(/(?<![\w`])@([a-z0-9_]{1,30})/g))
      tell(
        this.data.users.find((user) => user.handle === handle),
        "mention",
      );
    tell(parent?.author, "reply");
    tell(post.author, "comment");
  }

  #notifyOfReaction(comment: Comment, { on, user_id }: ReactionChange): void {
    const { author, id, post_id } = comment;
    if (!author || author.id === user_id) return;
    const actor = this.data.users.find((user) => user.id === user_id);
    if (!actor) return;
    const left = this.myReactions(actor, id);
    const key = `reaction:${id}`;
    if (on && left.length === 1)
      this.notify(author.id, key, { kind: "reaction", ...this.#about(comment, this.post(post_id)) }, actor);
    else if (!on && !left.length) this.unnotify(author.id, key, actor);
  }

  #about(comment: Comment, post: Post) {
    const url = `${post.url ?? `/posts/${post.id}`}#comment-${comment.id}`;
    return { title: post.title, body: comment.body.slice(0, 140), url, post_id: post.id, comment_id: comment.id };
  }
}

type HubReaction = { commentId: number; userId: number; emoji: string };
