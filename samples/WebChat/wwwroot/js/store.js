// Conversations in IndexedDB; in memory where the browser forbids it. Tabs tell each other what changed.
import { openDB } from "../lib/idb.js";

const channel = "BroadcastChannel" in window ? new BroadcastChannel("conversations") : null;

/**
 * Opens the store; `onChange(id)` is called when another tab wrote or deleted a conversation,
 * `onFailure(error, isFull)` when something is not kept: because the store is full, or because there is none.
 */
export async function openStore({ onChange, onFailure }) {
  if (channel) channel.onmessage = event => onChange(event.data);
  let database = null;
  let isFull = false;
  const failed = error => { database = null; onFailure(error, false); };
  try {
    database = await openDB("gptoss-chat", 1, {
      upgrade: db => db.createObjectStore("conversations", { keyPath: "id" }),
      terminated: () => failed(new Error("the database was closed")),
    });
  } catch (error) {
    failed(error);
  }

  const write = async (id, work) => {
    if (!database) return;
    try {
      await work(database);
      isFull = false;
      channel?.postMessage(id);
    } catch (error) {
      if (error.name !== "QuotaExceededError") return failed(error);
      if (!isFull) onFailure(error, true); // told once; a deletion may make room
      isFull = true;
    }
  };

  return {
    all: async () => {
      try { return database ? await database.getAll("conversations") : []; } catch (error) { failed(error); return []; }
    },
    get: async id => database?.get("conversations", id),
    put: conversation => write(conversation.id, db => db.put("conversations", structuredClone(conversation))),
    remove: id => write(id, db => db.delete("conversations", id)),
  };
}
