// Who may use the data of an account: principals by their tokens and roles, and holders of its keys, unless the account
// takes none.
//
// Azurite's own check of tokens demands https, looks at no signature and knows no roles, so it is replaced; its checks of
// keys and signatures stay, behind the question whether the account takes keys at all. What is refused is refused with
// the status, code and words of Azure's services.
"use strict";

const { timingSafeEqual } = require("node:crypto");

const azurite = { paths: [require.resolve("azurite/package.json")] };
const fromAzurite = (path) => require(`azurite/dist/src/${path}`);
const jsonwebtoken = require(require.resolve("jsonwebtoken", azurite));

// A request that local Azure itself makes has the pass in this header, next to a signature by a key.
const PASS_HEADER = "x-localazure-pass";

const SERVICES = {
  blob: { prefix: "Blob", keys: ["BlobSharedKey"], signatures: ["AccountSAS", "BlobSAS"] },
  queue: { prefix: "Queue", keys: ["QueueSharedKey"], signatures: ["AccountSAS", "QueueSAS"] },
  table: { prefix: "Table", keys: ["TableSharedKey", "TableSharedKeyLite"], signatures: ["AccountSAS", "TableSAS"] },
};

// Operations by their names in Azurite. By token, a service's properties need a role on the account itself, and access
// policies are not to be had from Azurite.
const NEVER = /^Service_(Get|Set)(Properties|Statistics)$|AccountInfo|AccessPolicy/;
const TAGS = /Tags$|_FilterBlobs$/;
const READ = /_(Get|List|Query|Download|Peek)/;

let tokenKey;
let pass;
// By account: {"keys": whether keys are taken, "grants": [{assignment, principal, permits, container, denials}]}.
let accounts = {};
// By assignment, account and service: how many requests were denied that the assignment alone would have permitted.
const denied = new Map();

function setSecrets(secrets) {
  tokenKey = secrets.tokenKey;
  pass = Buffer.from(secrets.pass);
}

function setAccess(access) {
  accounts = access;
}

function permitFor(service, operation) {
  if (NEVER.test(operation)) return undefined;
  if (service === "blob" && TAGS.test(operation)) return "blob/tags";
  return `${service}/${READ.test(operation) ? "read" : "write"}`;
}

// Whether a role of the principal permits it. An assignment with denials is in force after that many.
function may(principal, service, { account, container }, operation) {
  const permit = permitFor(service, operation);
  const grants = (accounts[account]?.grants ?? []).filter((grant) => grant.principal === principal
    && grant.permits.includes(permit) && (grant.container === null || grant.container === container));
  const waiting = grants.map((grant) => ({ ...grant, key: JSON.stringify([grant.assignment, account, service]) }));
  if (waiting.some(({ key, denials }) => (denied.get(key) ?? 0) >= denials)) return true;
  for (const { key } of waiting) denied.set(key, (denied.get(key) ?? 0) + 1);
  return false;
}

function hasPass(request) {
  const given = Buffer.from(request.getHeader(PASS_HEADER) ?? "");
  return pass !== undefined && given.length === pass.length && timingSafeEqual(given, pass);
}

// The object id in a token that is sound; `refuse` makes the error of one that isn't.
function principalOf(token, audiences, refuse) {
  let claims;
  try {
    claims = jsonwebtoken.verify(token, tokenKey, { algorithms: ["HS256"] });
  } catch (error) {
    throw refuse({
      TokenExpiredError: "Lifetime validation failed. The token is expired.",
      NotBeforeError: "Lifetime validation failed. The token is not yet valid.",
    }[error.name] ?? "Signature validation failed. Signature key not found.");
  }
  if (!audiences.includes(String(claims.aud).replace(/\/$/, ""))) {
    throw refuse("Audience validation failed. Audience did not match.");
  }
  return claims.oid;
}

// Replace a method of all instances of an Azurite class.
function replace(path, make) {
  const { prototype } = fromAzurite(path).default;
  const original = prototype.validate;
  prototype.validate = make(original);
}

function guard(service) {
  const { prefix, keys, signatures } = SERVICES[service];
  const Context = fromAzurite(`${service}/context/${prefix}StorageContext`).default;
  const StorageError = fromAzurite(`${service}/errors/StorageError`).default;
  const { Operation } = fromAzurite(`${service}/generated/artifacts/operation`);
  const at = (name) => `${service}/authentication/${name}Authenticator`;

  function error(status, code, message, request, context, more) {
    // By the request's Accept header the table service chooses between XML and JSON.
    context.request = request;
    return new StorageError(status, code, message, context.contextId ?? context.contextID, more, context);
  }

  function requireKeys(request, context) {
    if ((accounts[new Context(context).account]?.keys ?? true) || hasPass(request)) return;
    throw error(403, "KeyBasedAuthenticationNotPermitted",
      "Key based authentication is not permitted on this storage account.", request, context);
  }

  function requireRole(principal, request, context) {
    const where = new Context(context);
    if (may(principal, service, where, Operation[context.operation])) return;
    throw error(403, "AuthorizationPermissionMismatch",
      "This request is not authorized to perform this operation using this permission.", request, context);
  }

  for (const name of keys) {
    replace(at(name), (original) => async function validate(request, context) {
      if (request.getHeader("authorization")?.startsWith("SharedKey")) requireKeys(request, context);
      return original.call(this, request, context);
    });
  }

  for (const name of signatures) {
    replace(at(name), (original) => async function validate(request, context) {
      const signer = request.getQuery("skoid");
      if (request.getQuery("sig") !== undefined && signer === undefined) requireKeys(request, context);
      const valid = await original.call(this, request, context);
      // A signature that was made for a principal can't do more than the principal.
      if (valid && signer !== undefined) requireRole(decodeURIComponent(signer), request, context);
      return valid;
    });
  }

  replace(at(`${prefix}Token`), (original) => async function validate(request, context) {
    const [, token] = /^Bearer +(.*)$/i.exec(request.getHeader("authorization") ?? "") ?? [];
    const { account } = new Context(context);
    if (token === undefined) return undefined;
    // Azurite has the answer for accounts that there aren't.
    if (accounts[account] === undefined) return original.call(this, request, context);
    const audiences = ["https://storage.azure.com", `https://${account}.${service}.core.windows.net`];
    const principal = principalOf(token, audiences, (detail) => {
      const refusal = error(401, "InvalidAuthenticationInfo",
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
        request, context, { AuthenticationErrorDetail: detail });
      refusal.headers["WWW-Authenticate"] = "Bearer resource_id=https://storage.azure.com";
      return refusal;
    });
    requireRole(principal, request, context);
    return true;
  });
}

// To be called before a service of Azurite starts.
function install() {
  Object.keys(SERVICES).forEach(guard);
}

module.exports = { install, setAccess, setSecrets };
