// The graphql-transport-ws protocol, by its reference client and by hand.
import assert from "node:assert/strict";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { authorization, hearing, listening, report, socketUrl, test, titled, within } from "./gateway.mjs";

const PROTOCOL = "graphql-transport-ws";
const connection = (options = {}) => ({
  url: socketUrl, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: { authorization }, ...options,
});
function connect(t, options) {
  const client = createClient(connection(options));
  t.after(() => client.dispose());
  return client;
}
const OPERATIONS =
  "subscription { ticketOperationAttempted { ticketOperation { kind state ticket { title } } } }";

test("the reference client subscribes and asks over one socket", async (t) => {
  let sockets = 0;
  const client = connect(t, { lazy: true, on: { opened: () => { sockets += 1; } } });
  const connected = new Promise((resolve) => client.on("connected", resolve));
  const events = hearing();
  const stop = client.subscribe({ query: OPERATIONS }, events.sink);
  await within(connected, "the socket");
  const answers = hearing();
  client.subscribe({ query: "query($key: String!) { platform(key: $key) { label } }", variables: { key: "halo" } }, answers.sink);
  assert.deepEqual(await answers.ended("the query's end"), { completed: true });
  assert.deepEqual(answers.heard.map(({ data }) => data), [{ platform: { label: "HaloPSA" } }]);

  await listening();
  await report("socket", { customer: "cedar" });
  const heard = await events.first(({ data }) =>
    data.ticketOperationAttempted.ticketOperation.ticket.title.includes(titled("socket")), "the operation");
  assert.equal(heard.data.ticketOperationAttempted.ticketOperation.kind, "CREATE");
  stop();
  assert.deepEqual(await events.ended("the subscription's end"), { completed: true });
  assert.equal(sockets, 1);
});

test("a subscription that was completed is heard no more, and its neighbour still is", async (t) => {
  const client = connect(t, { lazy: false });
  await within(new Promise((resolve) => client.on("connected", resolve)), "the socket");
  const query = "subscription { webhookDeliveryReceived { webhookDelivery { id } } }";
  const [gone, kept] = [hearing(), hearing()];
  const messages = [];
  client.on("message", (message) => messages.push(message));
  const stop = client.subscribe({ query }, gone.sink);
  client.subscribe({ query }, kept.sink);
  await listening();
  const delivered = (id) => ({ data }) => data.webhookDeliveryReceived.webhookDelivery.id === id;
  const one = await report("both", { customer: "cedar" });
  await Promise.all([gone.first(delivered(one), "the first"), kept.first(delivered(one), "the second")]);
  stop();
  await listening();
  messages.length = 0;
  const two = await report("both", { customer: "cedar" });
  await kept.first(delivered(two), "what comes after");
  const about = messages.filter(({ payload }) => payload?.data?.webhookDeliveryReceived?.webhookDelivery.id === two);
  assert.equal(about.length, 1, "it is sent once, to the one that is left");
});

test("the reference client's pings are answered", async (t) => {
  const client = connect(t, { lazy: false, keepAlive: 200 });
  const pongs = hearing();
  client.on("pong", (received) => received && pongs.sink.next(received));
  client.on("error", pongs.sink.error);
  await pongs.first(() => pongs.heard.length >= 2, "two pongs");
});

test("the reference client is told that its token is wrong", async (t) => {
  const client = connect(t, { connectionParams: { authorization: "Bearer pgw_wrong" } });
  const events = hearing();
  client.subscribe({ query: OPERATIONS }, events.sink);
  const { error } = await events.ended("the end");
  assert.equal(error?.code, 4403, String(error));
});

test("a subscription that cannot begin ends with errors, and the socket stays", async (t) => {
  const client = connect(t, { lazy: false });
  const wrong = hearing();
  client.subscribe({ query: "subscription { nonsense }" }, wrong.sink);
  const { error } = await wrong.ended("the errors");
  assert.deepEqual(error.map(({ extensions }) => extensions.code), ["GRAPHQL_VALIDATION_FAILED"]);
  const right = hearing();
  client.subscribe({ query: "{ viewer { name } }" }, right.sink);
  assert.deepEqual(await right.ended("the query's end"), { completed: true });
  assert.ok(right.heard[0].data.viewer.name);
});

// A socket by hand, of which messages and the close code are told.
function open(t, protocols = [PROTOCOL], options = {}) {
  const socket = new WebSocket(socketUrl, protocols, options);
  t.after(() => socket.terminate());
  const messages = hearing();
  socket.on("message", (text) => messages.sink.next(JSON.parse(String(text))));
  const opened = new Promise((resolve) => socket.on("open", resolve));
  const closed = new Promise((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
    socket.on("unexpected-response", (_, { statusCode }) => resolve({ status: statusCode }));
    socket.on("error", (error) => resolve({ error }));
  });
  const say = (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message));
  const greet = async () => {
    await within(opened, "the socket");
    say({ type: "connection_init", payload: { authorization } });
    await messages.first(({ type }) => type === "connection_ack", "the acknowledgement");
  };
  return { socket, messages, opened, say, greet, closed: () => within(closed, "the close") };
}

test("a ping is answered before and after the introduction, with what came with it", async (t) => {
  const { messages, opened, say, greet } = open(t);
  await opened;
  say({ type: "ping" });
  assert.deepEqual(await messages.first(({ type }) => type === "pong", "the first pong"), { type: "pong" });
  await greet();
  say({ type: "ping", payload: { n: 1 } });
  await messages.first(({ type, payload }) => type === "pong" && payload?.n === 1, "the second pong");
});

const SUBSCRIBE = { type: "subscribe", id: "1", payload: { query: "subscription { ticketUpdated { eventId } }" } };
const init = (token) => ({ type: "connection_init", payload: token ? { authorization: `Bearer ${token}` } : undefined });
const closes = [
  [4400, "what is not JSON", async ({ greet, say }) => { await greet(); say("not JSON"); }],
  [4400, "a message that the protocol does not have", async ({ greet, say }) => { await greet(); say({ type: "start", id: "1" }); }],
  [4401, "an operation before the introduction", async ({ opened, say }) => { await opened; say(SUBSCRIBE); }],
  [4403, "a wrong token", async ({ opened, say }) => { await opened; say(init("pgw_wrong")); }],
  [4403, "no token", async ({ opened, say }) => { await opened; say(init()); }],
  [4408, "silence", async ({ opened }) => { await opened; }],
  [4409, "an id in use", async ({ greet, say }) => { await greet(); say(SUBSCRIBE); say(SUBSCRIBE); }],
  [4429, "a second introduction", async ({ greet, say }) => { await greet(); say({ type: "connection_init" }); }],
];
for (const [code, what, act] of closes) {
  test(`${what} is closed with ${code}`, async (t) => {
    const socket = open(t);
    await act(socket);
    const close = await socket.closed();
    assert.equal(close.code, code, JSON.stringify(close));
    assert.ok(close.reason, "a reason is given");
  });
}

test("a socket without the subprotocol is closed with 4406", async (t) => {
  assert.equal((await open(t, []).closed()).code, 4406);
});

test("another page's socket is refused", async (t) => {
  assert.deepEqual(await open(t, [PROTOCOL], { origin: "https://evil.example" }).closed(), { status: 403 });
});
