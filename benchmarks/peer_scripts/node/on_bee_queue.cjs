// Bee-Queue: unique by the ID of a job, which stays until the job is removed on success; in bulk by `saveAll`.
"use strict";

const Queue = require("bee-queue");

exports.open = (redis, { tick, chunks }) => {
  const queue = new Queue("bench", { redis, removeOnSuccess: true });
  const unique = (id) => queue.createJob({ id }).setId(`id-${id}`);
  return {
    async publish(ids) {
      for (const id of ids) await queue.createJob({ id }).save();
    },
    async publishUnique(ids) {
      for (const id of ids) await unique(id).save();
    },
    async publishBulk(ids) {
      for (const chunk of chunks(ids)) await queue.saveAll(chunk.map((id) => queue.createJob({ id })));
    },
    async publishUniqueBulk(ids) {
      for (const chunk of chunks(ids)) await queue.saveAll(chunk.map(unique));
    },
    work(concurrency) {
      queue.process(concurrency, async () => tick());
    },
  };
};
