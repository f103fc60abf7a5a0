import assert from "node:assert/strict";
import { test } from "node:test";
import { createInbox, type Inbox } from "../src/inbox.js";
import { Storm } from "./support/storm.js";

/** Something happens on the server that is not this tab's doing. */
function elsewhere({ ada, bob, chance, hub }: Storm): void {
  const rows = hub.notificationsOf(ada.id);
  const group = `host:build:${chance.below(8)}`;
  const row = chance.pick(rows);
  switch (chance.below(9)) {
    case 0:
      return void (
        row && hub.readNotifications(ada.id, { ids: [row.id, ...(chance.pick(rows) ? [rows[0]!.id] : [])] })
      );
    case 1:
      return void (chance.oneIn(3) && hub.readNotifications(ada.id, { all: true }));
    case 2:
      return void (row && hub.dismissNotification(ada.id, row.id));
    case 3:
      return hub.unnotify(ada.id, group, bob);
    case 4:
      return hub.notify(ada.id, group, { kind: "build", title: "Built" }, bob);
    default:
      return hub.notify(ada.id, group, { kind: "build", title: `Built at ${hub.time()}` });
  }
}

function here(inbox: Inbox, { chance }: Storm): void {
  const row = chance.pick(inbox.items);
  const dice = chance.below(6);
  if (dice === 0) void inbox.loadMore();
  else if (dice === 1) void inbox.readAll();
  else if (dice === 2 && row) void inbox.dismiss(row.id);
  else if (row) void inbox.read([row.id]);
}

for (let seed = 1; seed <= 200; seed++) {
  test(`after any interleaving the inbox is what the server has: seed ${seed}`, async () => {
    const storm = new Storm(seed);
    const { ada, chance, hub } = storm;
    for (let n = 0; n < 6; n++) elsewhere(storm);
    const inbox = createInbox({
      client: storm.me,
      rest: storm.rest,
      pageSize: 3,
      clock: storm.clock,
      random: chance.next,
    });
    void inbox.load();
    for (let step = 0; step < 250; step++) {
      const dice = chance.below(10);
      if (dice < 2) elsewhere(storm);
      else if (dice < 4) here(inbox, storm);
      else await storm.weather();
      const ids = inbox.items.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length, "nothing is doubled");
      assert.ok(inbox.unread >= 0);
    }
    await storm.calm();
    while (!inbox.complete) {
      void inbox.loadMore();
      await storm.calm();
    }
    const told = ({ actors, ...row }: { actors: { id: number }[]; id: number; read_at: string | null }) => ({
      ...row,
      actors: actors.map(({ id }) => id),
      read_at: row.read_at !== null,
    });
    assert.deepEqual(inbox.items.map(told), hub.notificationsOf(ada.id).map(told));
    assert.equal(inbox.unread, hub.unread(ada.id));
    inbox.close();
  });
}
