// redis-convoy, whose queues Convoy shares: every publish is unique; one job at a time, and nothing in bulk.
"use strict";

const convoy = require("redis-convoy");
const redis = require(require.resolve("redis", { paths: [require.resolve("redis-convoy")] })); // the one it uses

exports.open = ({ host, port }, { tick }) => {
  const queue = convoy.createQueue("bench", { redis: { createClient: () => redis.createClient(port, host) } });
  const add = (id) =>
    new Promise((done, failed) => {
      queue.addJob(new convoy.Job(id), (error) => (error && error !== "committed" ? failed(error) : done()));
    });
  const publish = async (ids) => {
    for (const id of ids) await add(id);
  };
  return {
    publish,
    publishUnique: publish,
    work(concurrency) {
      if (concurrency > 1) return "missing";
      queue.startProcessing((_job, done) => {
        tick();
        done();
      });
    },
  };
};
