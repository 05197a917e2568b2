// Runs one measurement of a Node queue, and reports in lines of JSON: the twin of `__main__.py` and `peer.py`.
"use strict";

const readline = require("node:readline");

const CHUNK = 500;

// By the same clock as Python's time.monotonic.
const seconds = () => Number(process.hrtime.bigint()) / 1e9;

const say = (report, then) => process.stdout.write(JSON.stringify(report) + "\n", then);

let count = 0;
let started = 0;
let expected = null;

// A job runs. The rate counts from the first that starts to the last that starts, in every queue alike.
function tick() {
  if (expected === null) return say(seconds());
  count += 1;
  if (count === 1) started = seconds();
  else if (count === expected) say((count - 1) / (seconds() - started), () => process.exit(0));
}

function chunks(ids) {
  const parts = [];
  for (let first = 0; first < ids.length; first += CHUNK) parts.push(ids.slice(first, first + CHUNK));
  return parts;
}

async function rate(order, publish) {
  await publish(["first"]);
  const ids = Array.from({ length: order.jobs }, (_, number) => String(number));
  const begun = seconds();
  await publish(ids);
  return ids.length / (seconds() - begun);
}

async function publishOnDemand(peer) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const before = seconds();
    await peer.publish([line.trim()]);
    say(before);
  }
}

async function carryOut(order, peer) {
  const publishes = {
    publish: peer.publish,
    unique: peer.publishUnique,
    bulk: peer.publishBulk,
    "unique bulk": peer.publishUniqueBulk,
  };
  if (order.act === "publisher") return publishOnDemand(peer);
  if (order.act === "process" || order.act === "wake") {
    expected = order.act === "wake" ? null : order.jobs;
    return (await peer.work(order.concurrency)) === "missing" ? say("missing", () => process.exit(0)) : undefined;
  }
  const publish = publishes[order.act];
  const result = publish ? await rate(order, publish.bind(peer)) : "missing";
  return say(result, () => process.exit(0));
}

async function main() {
  const order = JSON.parse(process.argv[2]);
  const { hostname, port } = new URL(order.url);
  const jobs = require(`./on_${order.peer}.cjs`);
  await carryOut(order, jobs.open({ host: hostname, port: Number(port) }, { tick, chunks }));
}

main().catch((error) => process.stderr.write(`${error.message.split("\n")[0]}\n`, () => process.exit(1)));
