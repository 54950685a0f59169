// One Node process for the blob, queue and table services of every storage account of local Azure.
//
// Arguments: the data folder, and the blob, queue and table ports.
// Standard input: one JSON line per wish, {"save": true}, or {} to hear whether it lives, or {"accounts": {name: [key,
// key]}, "access": …, "secrets": {"tokenKey", "pass"}} (see access.cjs). The first accounts, be there none, start the
// services.
// Standard output: one JSON line per wish once it is in force: {} or {"error": {"code", "message", "port"?}}.
// When standard input ends, by a clean stop or because the server that holds its other end was killed, all is saved and
// the process ends.
//
// Azurite's own command line can do none of this: it reads its accounts once a minute, and outlives its parent.
"use strict";

const answer = (message) => process.stdout.write(JSON.stringify(message) + "\n");

// Up to here and in its grammar this file is one for much older versions, so that they can say so.
const NODE_NEEDED = 18;
if (Number(process.versions.node.split(".")[0]) < NODE_NEEDED) {
  answer({ error: { code: "NODE_TOO_OLD", message: `Node.js ${process.versions.node}, ${NODE_NEEDED} needed` } });
  process.exit(1);
}
// Standard output carries answers only.
console.log = console.info = console.error;

const { randomBytes } = require("node:crypto");
const { mkdirSync } = require("node:fs");
const { join } = require("node:path");
const { createInterface } = require("node:readline");

// Telemetry stays off, so the library that would send it, a quarter of the time to start, isn't loaded.
const telemetry = require.resolve("applicationinsights", { paths: [require.resolve("azurite/package.json")] });
require.cache[telemetry] = { id: telemetry, filename: telemetry, loaded: true, exports: {} };

const { install, setAccess, setSecrets } = require("./access.cjs");

const fromAzurite = (path) => require(`azurite/dist/src/${path}`);
const [folder, ...ports] = process.argv.slice(2);
const [blobPort, queuePort, tablePort] = ports.map(Number);

const HOST = "127.0.0.1";
const KEEP_ALIVE_SECONDS = 5;
// The names of Azurite's own command line, so that it could be started on the same data.
const PATHS = {
  blob: { db: "__azurite_db_blob__.json", extents: "__azurite_db_blob_extent__.json", content: "__blobstorage__" },
  queue: { db: "__azurite_db_queue__.json", extents: "__azurite_db_queue_extent__.json", content: "__queuestorage__" },
  table: { db: "__azurite_db_table__.json" },
};
// Anyone knows the key of Azurite's default account, which it serves when no other is given.
const PLACEHOLDER = `placeholder:${randomBytes(64).toString("base64")}`;

// The tail that all of Azurite's configurations share: loose, skipApiVersionCheck (client libraries are often newer
// than Azurite), cert, key, pwd, oauth (has it look at tokens, by access.cjs), disableProductStyleUrl (the account is
// always the first part of the path).
const COMMON = [false, true, "", "", "", "basic", true];

function contentPaths(paths) {
  return [{ locationId: "Default", locationPath: join(folder, paths.content), maxConcurrency: 50 }];
}

function blobService() {
  const Configuration = fromAzurite("blob/BlobConfiguration").default;
  const Server = fromAzurite("blob/BlobServer").default;
  const { db, extents } = PATHS.blob;
  return new Server(
    new Configuration(HOST, blobPort, KEEP_ALIVE_SECONDS, join(folder, db), join(folder, extents),
      contentPaths(PATHS.blob), false, undefined, false, undefined, ...COMMON),
  );
}

function queueService() {
  const Configuration = fromAzurite("queue/QueueConfiguration").default;
  const Server = fromAzurite("queue/QueueServer").default;
  const { db, extents } = PATHS.queue;
  return new Server(
    new Configuration(HOST, queuePort, KEEP_ALIVE_SECONDS, join(folder, db), join(folder, extents),
      contentPaths(PATHS.queue), false, undefined, false, undefined, ...COMMON),
  );
}

function tableService() {
  const Configuration = fromAzurite("table/TableConfiguration").default;
  const Server = fromAzurite("table/TableServer").default;
  return new Server(
    new Configuration(HOST, tablePort, KEEP_ALIVE_SECONDS, join(folder, PATHS.table.db),
      false, false, undefined, undefined, ...COMMON),
  );
}

const services = [];

async function start() {
  mkdirSync(folder, { recursive: true });
  install();
  fromAzurite("common/Logger").configLogger(false);
  fromAzurite("common/Telemetry").AzuriteTelemetryClient.init(folder, false);
  for (const make of [blobService, queueService, tableService]) {
    const service = make();
    await service.start();
    services.push(service);
  }
}

function setAccounts(accounts) {
  const entries = Object.entries(accounts).map(([name, keys]) => [name, ...keys].join(":"));
  process.env.AZURITE_ACCOUNTS = entries.join(";") || PLACEHOLDER;
  for (const service of services) service.accountDataStore.refresh();
}

// Azurite writes its changes every five seconds.
async function save() {
  const databases = services.flatMap((service) => [service.extentMetadataStore, service.metadataStore])
    .filter((store) => store !== undefined)
    .map((store) => store.db);
  await Promise.all(databases.map((database) => new Promise((resolve, reject) => {
    database.saveDatabase((error) => (error ? reject(error) : resolve()));
  })));
}

let closing;
function close() {
  closing = closing || Promise.allSettled(services.map((service) => service.close())).then((results) => {
    const failed = results.filter((result) => result.status === "rejected");
    for (const { reason } of failed) console.error(reason);
    process.exit(failed.length === 0 ? 0 : 1);
  });
  return closing;
}

async function obey(wish) {
  if (wish.accounts !== undefined) {
    setSecrets(wish.secrets);
    setAccess(wish.access);
    setAccounts(wish.accounts);
    if (services.length === 0) await start();
  }
  if (wish.save) await save();
}

async function main() {
  process.on("SIGTERM", close);
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      await obey(JSON.parse(line));
      answer({});
    } catch (error) {
      answer({ error: { code: error.code || error.name, message: error.message, port: error.port } });
      if (services.length < 3) break;
    }
  }
  await close();
}

main();
