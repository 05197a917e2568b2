// BullMQ: unique by deduplication until the job has ended; in bulk by `addBulk`.
"use strict";

const { Queue, Worker } = require("bullmq");

exports.open = (connection, { tick, chunks }) => {
  const queue = new Queue("bench", { connection });
  const once = (id) => ({ deduplication: { id } });
  const addAll = async (ids, options) => {
    for (const chunk of chunks(ids)) {
      await queue.addBulk(chunk.map((id) => ({ name: "job", data: { id }, opts: options(id) })));
    }
  };
  return {
    async publish(ids) {
      for (const id of ids) await queue.add("job", { id });
    },
    async publishUnique(ids) {
      for (const id of ids) await queue.add("job", { id }, once(id));
    },
    publishBulk: (ids) => addAll(ids, () => ({})),
    publishUniqueBulk: (ids) => addAll(ids, once),
    work(concurrency) {
      new Worker("bench", async () => tick(), { connection, concurrency });
    },
  };
};
