// Server-sent events by graphql-sse's client: distinct connections, one to an operation.
import assert from "node:assert/strict";
import { createClient } from "graphql-sse";
import { authorization, hearing, listening, report, streamUrl, test, titled, within } from "./gateway.mjs";

function connect(t, options = {}) {
  const client = createClient({ url: streamUrl, headers: { authorization }, retryAttempts: 0, ...options });
  t.after(() => client.dispose());
  return client;
}
const TICKETS = "subscription($filter: TicketUpdatedFilter) { ticketUpdated(filter: $filter) { ticket { title state } } }";
const told = (problem) => ({ data }) => data.ticketUpdated.ticket.title.includes(titled(problem));

test("each subscription has a connection of its own, and ends alone", async (t) => {
  const open = hearing();
  const client = connect(t, { on: { connected: () => open.sink.next(true) } });
  const [one, other] = [hearing(), hearing()];
  const variables = { filter: { state: { in: ["OPEN"] } } };
  const stop = client.subscribe({ query: TICKETS, variables }, one.sink);
  client.subscribe({ query: TICKETS, variables }, other.sink);
  await open.first(() => open.heard.length === 2, "two connections");
  await listening();
  await report("sse one", { customer: "bluestone" });
  await Promise.all([one.first(told("sse one"), "the first"), other.first(told("sse one"), "the second")]);
  stop();
  assert.deepEqual(await one.ended("the first one's end"), { completed: true });
  await report("sse two", { customer: "larkspur" });
  await other.first(told("sse two"), "the second, alone");
  assert.ok(!one.heard.some(told("sse two")));
  assert.ok(other.heard.every(({ data }) => data.ticketUpdated.ticket.state === "OPEN"), "the filter holds");
});

test("a query's stream completes behind its answer", async (t) => {
  const answers = hearing();
  connect(t).subscribe({ query: "{ viewer { role } }" }, answers.sink);
  assert.deepEqual(await answers.ended("the end"), { completed: true });
  assert.equal(answers.heard.length, 1);
  assert.ok(answers.heard[0].data.viewer.role);
});

test("a subscription that cannot begin ends with errors that have a code", async (t) => {
  const answers = hearing();
  connect(t).subscribe({ query: "subscription { nonsense }" }, answers.sink);
  assert.deepEqual(await answers.ended("the end"), { completed: true });
  assert.deepEqual(answers.heard.map(({ errors }) => errors[0].extensions.code), ["GRAPHQL_VALIDATION_FAILED"]);
});

test("who has no token, or wants the single connection, is told so by the status", async (t) => {
  const status = async (options) => {
    const answers = hearing();
    connect(t, options).subscribe({ query: TICKETS }, answers.sink);
    const { error } = await answers.ended("the end");
    return error?.response?.status ?? String(error);
  };
  assert.equal(await within(status({ headers: {} }), "an answer"), 401);
  assert.equal(await within(status({ headers: { authorization: "Bearer pgw_wrong" } }), "an answer"), 401);
  assert.equal(await within(status({ singleConnection: true }), "an answer"), 405);
});
