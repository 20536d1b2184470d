// Relay's runtime with what its compiler made: pages that its connection merges, a mutation's answer and a
// subscription's events that refresh its store, and a thing that is fetched again by its id.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createClient } from "graphql-ws";
import relay from "relay-runtime";
import WebSocket from "ws";
import {
  ask, authorization, gateway, hearing, listening, pause, report, socketUrl, test, titled, turn, within,
} from "./gateway.mjs";

const {
  Environment, Network, Observable, RecordSource, Store, commitMutation, createOperationDescriptor, fetchQuery,
  getSingularSelector, requestSubscription,
} = relay;
// Relay's artifacts name each other without their ending, as CommonJS has it.
const require = createRequire(import.meta.url);
const made = (name) => require(`../__generated__/${name}.graphql.js`);

function environment(t) {
  const socket = createClient({
    url: socketUrl, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: { authorization },
  });
  t.after(() => socket.dispose());
  const connected = new Promise((resolve) => socket.on("connected", resolve));
  const subscribe = ({ text }, variables) =>
    Observable.create((sink) => socket.subscribe({ query: text, variables }, sink));
  const asked = [];
  const network = Network.create(async ({ text, name }, variables) => {
    asked.push(name);
    return { data: await ask(text, variables) };
  }, subscribe);
  const relayed = new Environment({ network, store: new Store(new RecordSource()) });
  const mutate = (name, variables) =>
    within(new Promise((resolve, reject) =>
      commitMutation(relayed, { mutation: made(name), variables, onCompleted: resolve, onError: reject })), name);
  const record = (id) => relayed.getStore().getSource().get(id);
  return { relayed, asked, connected, mutate, record };
}

// What a component that uses a fragment would be given.
function look(relayed, fragment, reference) {
  return relayed.lookup(getSingularSelector(made(fragment), reference));
}

async function openTickets(problems) {
  const query = `query($id: ID!, $query: String!) { node(id: $id) { ... on Organization {
    tickets(first: 100, filter: { state: { in: [OPEN, CLOSED] }, query: $query }) { nodes { id title } } } } }`;
  for (const [customer, problem] of problems) await report(problem, { customer });
  for (let looked = 0; looked < 100; looked += 1) {
    const { nodes } = (await ask(query, { id: gateway.organization, query: turn })).node.tickets;
    if (problems.every(([, problem]) => nodes.some(({ title }) => title.includes(titled(problem))))) return;
    await pause(200);
  }
  assert.fail("the tickets were not opened");
}

test("Relay's connection grows page by page, without doubles", async (t) => {
  const customers = ["northwind", "harbor", "cedar", "bluestone", "oldmill"];
  await openTickets(customers.map((customer) => [customer, `relay ${customer}`]));
  const { relayed, asked } = environment(t);
  const id = gateway.organization;
  const page = made("documentsPageQuery");
  const first = await fetchQuery(relayed, page, { id }).toPromise();
  assert.equal(first.node.__typename, "Organization");
  // Keeps what was fetched, as a mounted component does.
  const operation = createOperationDescriptor(page, { id });
  const kept = relayed.retain(operation);
  t.after(() => kept.dispose());
  const tickets = () => look(relayed, "documents_tickets", relayed.lookup(operation.fragment).data.node).data.tickets;

  const sizes = [tickets().edges.length];
  const more = made("documents_tickets").metadata.refetch.operation;
  for (let page = 0; page < 2; page += 1) {
    const { endCursor, hasNextPage } = tickets().pageInfo;
    assert.ok(hasNextPage, "there is another page");
    await fetchQuery(relayed, more, { id, count: 2, cursor: endCursor }).toPromise();
    sizes.push(tickets().edges.length);
  }
  assert.deepEqual(sizes.slice(0, 2), [2, 4]);
  assert.ok(sizes[2] > 4, String(sizes));
  assert.deepEqual(asked, ["documentsPageQuery", "documentsTicketsPageQuery", "documentsTicketsPageQuery"]);
  const ids = tickets().edges.map(({ node }) => node.id);
  assert.equal(new Set(ids).size, ids.length, "a ticket stands twice");
  const shown = tickets().edges.map(({ node }) => look(relayed, "documents_ticket", node).data);
  const times = shown.map(({ createdAt }) => createdAt);
  assert.deepEqual(times, [...times].sort(), "the oldest stands first");
  assert.ok(shown.every(({ company, title }) => company.name && title));
});

test("Relay's store is refreshed by a mutation's answer", async (t) => {
  const { mutate, record } = environment(t);
  const name = `relay ${turn}`;
  const input = { organizationId: gateway.organization, name };
  const { companyCreate } = await mutate("documentsCompanyCreateMutation", { input });
  assert.deepEqual(companyCreate.userErrors, []);
  const { id } = companyCreate.company;
  assert.equal(record(id).name, name);
  await mutate("documentsCompanyUpdateMutation", { input: { id, name: `${name}, renamed` } });
  assert.equal(record(id).name, `${name}, renamed`);
  const { companyCreate: again } = await mutate("documentsCompanyCreateMutation", { input: { ...input, name: "" } });
  assert.equal(again.company, null);
  assert.equal(again.userErrors[0].code, "REQUIRED");
});

test("Relay's store is refreshed by a subscription's events, and a ticket is fetched again by its id", async (t) => {
  const { relayed, connected, record } = environment(t);
  const events = hearing();
  const subscription = requestSubscription(relayed, {
    subscription: made("documentsTicketUpdatedSubscription"),
    variables: { filter: { state: { in: ["OPEN", "CLOSED"] } } },
    onNext: events.sink.next,
    onError: events.sink.error,
  });
  t.after(() => subscription.dispose());
  await within(connected, "the socket");
  await listening();
  const ticket = ({ ticketUpdated }) => look(relayed, "documents_ticket", ticketUpdated.ticket).data;
  await report("relay hears", { customer: "ferncliff" });
  const opened = await events.first((data) => ticket(data).title.includes(titled("relay hears")), "the open ticket");
  const { id } = ticket(opened);
  assert.equal(record(id).state, "OPEN");
  await report("relay hears", { customer: "ferncliff", kind: "finding.resolved" });
  await events.first(() => record(id).state === "CLOSED", "the closed ticket");

  const elsewhere = environment(t);
  const again = made("documents_ticket").metadata.refetch.operation;
  await fetchQuery(elsewhere.relayed, again, { id }).toPromise();
  assert.equal(elsewhere.record(id).state, "CLOSED");
});
