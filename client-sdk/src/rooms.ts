import { Room, type RoomLink } from "./room.js";
import type { ServerMessage, UnknownMessage } from "./protocol.js";

/** The rooms of one client, by channel. */
export class Rooms {
  #byChannel = new Map<string, Room>();

  constructor(private link: RoomLink) {}

  get(channel: string): Room {
    let room = this.#byChannel.get(channel);
    if (!room) this.#byChannel.set(channel, (room = new Room(channel, this.link)));
    return room;
  }

  /** Those that want events. */
  wanted(): Room[] {
    return [...new Set(this.#byChannel.values())].filter((room) => room.wanted);
  }

  /** `me` is answered under its real name, which is what events then bear. */
  alias(channel: string, room: Room): void {
    this.#byChannel.set(channel, room);
  }

  route(message: ServerMessage | UnknownMessage): void {
    const { channel } = message as UnknownMessage;
    if (channel) this.#byChannel.get(channel)?.receive(message);
  }

  cut(): void {
    for (const room of this.wanted()) room.cut();
  }
}
