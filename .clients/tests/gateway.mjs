// What every client needs: where the gateway is, a scanner that posts to it, and waiting that ends.
import { createHmac, randomUUID } from "node:crypto";
import { test as nodeTest } from "node:test";

export const gateway = JSON.parse(process.env.GATEWAY);
export const authorization = `Bearer ${gateway.token}`;
export const url = gateway.graphql;
export const socketUrl = url.replace(/^http/, "ws");
export const streamUrl = `${url}/stream`;
// In names, so that a gateway can be asked a second time.
export const turn = randomUUID().slice(0, 8);

// A test that ends, well or not.
export const test = (name, act) => nodeTest(name, { timeout: 30_000 }, act);

// Plain fetch with a token, for clients that take one.
export const fetchAs = (token) => (input, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  return fetch(input, { ...init, headers });
};

// Fetch that remembers what went over the wire: the method, what the address says, and the body.
export function recording() {
  const sent = [];
  const recorder = (input, init = {}) => {
    const address = new URL(String(input));
    const body = init.body ? JSON.parse(init.body) : undefined;
    const query = body ? body.query : address.searchParams.get("query");
    const extensions = body ? body.extensions : JSON.parse(address.searchParams.get("extensions") ?? "null");
    sent.push({ method: init.method ?? "GET", query: query || undefined, hash: extensions?.persistedQuery?.sha256Hash });
    return fetch(input, init);
  };
  return { sent, fetch: recorder };
}

export async function ask(query, variables = {}) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { authorization, "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

// The title of the ticket that a report opens.
export const titled = (problem) => `Problem ${problem} ${turn}`;

// Posts a signed event (Standard Webhooks) of a problem; gives the delivery's id.
export async function report(problem, { kind = "finding.opened", customer = "northwind" } = {}) {
  const body = JSON.stringify({
    kind, source: "clients", client_ref: customer, severity: "high",
    finding_key: `clients/${problem}/${turn}`, title: titled(problem),
  });
  const id = `msg_${randomUUID()}`;
  const timestamp = Math.floor(Date.now() / 1000).toString();
  const key = Buffer.from(gateway.webhook.secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  const answer = await fetch(gateway.webhook.url, {
    method: "POST", body,
    headers: {
      "content-type": "application/json", "webhook-id": id, "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${signature}`,
    },
  });
  if (answer.status !== 202) throw new Error(`the webhook was answered ${answer.status}`);
  return (await answer.json()).delivery;
}

// How the last tickets stand: whether an event was not told, or did not happen.
async function standing() {
  const query = `query($id: ID!, $query: String!) { node(id: $id) { ... on Organization { tickets(first: 3, filter: {
    query: $query }) { nodes { title state updatedAt reason { message } } } } } }`;
  try {
    const { node } = await ask(query, { id: gateway.organization, query: turn });
    return `the last tickets are ${JSON.stringify(node.tickets.nodes)} at ${new Date().toISOString()}`;
  } catch (error) {
    return `the tickets cannot be read: ${error}`;
  }
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// No protocol says when a subscription that was sent is listening. A slow machine is given longer.
export async function listening() {
  await pause(500);
  await ask("{ viewer { name } }");
}

// What a promise gives, or an error that says what did not come.
export async function within(promise, what, milliseconds = 20_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Values as they come, and the first one that satisfies; `sink` is what clients call.
export function hearing() {
  const heard = [];
  const waiting = [];
  let ended;
  const look = () => {
    for (const wait of waiting.splice(0)) wait();
  };
  const end = (how) => {
    ended ??= how;
    look();
  };
  const sink = {
    next: (value) => {
      heard.push(value);
      look();
    },
    error: (error) => end({ error }),
    complete: () => end({ completed: true }),
  };
  const find = async (satisfies) => {
    for (let seen = 0; ; ) {
      while (seen < heard.length) if (satisfies(heard[seen++])) return heard[seen - 1];
      if (ended) throw ended.error ?? new Error("it ended before");
      await new Promise((resolve) => waiting.push(resolve));
    }
  };
  const over = async () => {
    while (!ended) await new Promise((resolve) => waiting.push(resolve));
    return ended;
  };
  return {
    heard,
    sink,
    first: (satisfies, what) =>
      within(find(satisfies), what).catch(async (error) => {
        const last = JSON.stringify(heard.at(-1))?.slice(0, 500);
        error.message += `; heard were ${heard.length}, the last ${last}; ${await standing()}`;
        throw error;
      }),
    ended: (what) => within(over(), what),
  };
}
