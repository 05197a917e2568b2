// One client of the real redis-convoy: carries out orders, lines of JSON on stdin; answers and events go to stdout as such lines.
"use strict";

const readline = require("node:readline");
const convoy = require("redis-convoy");
const redis = require(require.resolve("redis", { paths: [require.resolve("redis-convoy")] })); // the one it uses

const [path, name] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const event = (what, id) => say({ event: what, id });

// A client can be made to stop right before it sends a command: for good, as by `kill -9`, or until it is told to go on. The
// halves of MULTI belong together, so that it counts as one command.
const traps = { die: null, hold: null };
const held = [];

function trap(prototype, method, commandOf) {
  const original = prototype[method];
  prototype[method] = function (...given) {
    const command = commandOf(given);
    if (command === traps.die) process.kill(process.pid, "SIGKILL");
    if (command !== traps.hold) return original.apply(this, given);
    traps.hold = null;
    held.push(() => original.apply(this, given));
    event("held", command);
    return false;
  };
}

trap(redis.RedisClient.prototype, "send_command", ([command]) => command.toLowerCase());
trap(redis.Multi.prototype, "exec", () => "multi");

let queue = null;
const running = new Map();

function open(options) {
  const clients = { createClient: () => redis.createClient(path) };
  queue = convoy.createQueue(name, { redis: clients, jobTimeout: 0, ...options });
}

function hold(job, done) {
  running.set(job.id, done);
  event("began", job.id);
}

// What the guard began ends after its callback, so two more round trips follow it: the removals, and the lock's.
function settled(answer) {
  queue.countQueued(() => queue.countQueued(answer));
}

const text = (error) => (error ? error.message || String(error) : null);

const orders = {
  open: (answer, options) => answer(open(options)),
  add: (answer, id) => queue.addJob(new convoy.Job(id), (error) => answer(text(error) ?? "accepted")),
  work: (answer) => answer(queue.startProcessing(hold)),
  work_through(answer) {
    queue.startProcessing((job, done) => {
      event("ran", job.id);
      done();
    });
    answer();
  },
  finish: (answer, id) => running.get(id)(null, () => answer()),
  fail: (answer, id, message) => running.get(id)(message, () => answer()),
  fail_with_error: (answer, id, message) => running.get(id)(new TypeError(message), () => answer()),
  stop: (answer) => answer(queue.stopProcessing()),
  counts(answer) {
    queue.countQueued((_1, queued) =>
      queue.countProcessing((_2, processing) => queue.countFailed((_3, failed) => answer([queued, processing, failed]))),
    );
  },
  clear: (answer, idle) =>
    queue.clearJammedJobs(idle, (_error, jobs) => settled(() => answer(jobs.map((job) => job.id).sort()))),
  guard(answer, idle) {
    queue.jamGuard(idle, (_error, jobs) => settled(() => jobs.forEach((job) => event("freed", job.id))));
    answer();
  },
  lock: (answer) => queue.setLock("clearJammedJobs", 5, (_error, isSet) => answer(isSet)),
  close: (answer) => queue.close(() => answer()),
  set_trap: (answer, kind, command) => answer((traps[kind] = command)),
  go_on: (answer) => answer(held.splice(0).forEach((send) => send())),
};

async function main() {
  open();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [order, ...details] = JSON.parse(line);
    try {
      orders[order]((answer) => say({ answer: answer ?? null }), ...details);
    } catch (error) {
      say({ answer: `refused: ${error.message}` });
    }
  }
  process.exit(0);
}

main();
