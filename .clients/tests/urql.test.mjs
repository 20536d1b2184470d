// urql: a document cache, user errors, persisted queries by GET, and subscriptions over server-sent events.
import assert from "node:assert/strict";
import { Client, cacheExchange, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient } from "graphql-sse";
import {
  authorization, gateway, hearing, listening, recording, report, streamUrl, test, titled, turn, url, within,
} from "./gateway.mjs";

const fetchOptions = { headers: { authorization } };
// urql takes one function where other clients take a sink.
const hear = (t, source, events) => {
  const { unsubscribe } = source.subscribe((result) => events.sink.next(result));
  t.after(unsubscribe);
};

const COMPANIES = gql`
  query Companies($id: ID!, $filter: CompanyFilter) {
    node(id: $id) {
      id
      ... on Organization { companies(first: 100, filter: $filter) { nodes { id name } } }
    }
    viewer { role permissions }
  }
`;
const CREATE = gql`
  mutation Create($input: CompanyCreateInput!) {
    companyCreate(input: $input) { company { id name } userErrors { code field message } }
  }
`;

test("urql asks again for what a mutation has changed", async (t) => {
  const client = new Client({ url, fetchOptions, exchanges: [cacheExchange, fetchExchange], preferGetMethod: false });
  const name = `urql ${turn}`;
  const lists = hearing();
  hear(t, client.query(COMPANIES, { id: gateway.organization, filter: { query: turn } }), lists);
  const before = await lists.first(({ data, error }) => data || error, "the list");
  assert.equal(before.error, undefined);
  assert.ok(before.data.viewer.permissions.includes("READ"));
  // The cache goes by the types that it has seen: one company must be there.
  const input = { organizationId: gateway.organization, name: `${name} A` };
  const first = await client.mutation(CREATE, { input }).toPromise();
  assert.equal(first.error, undefined);
  assert.deepEqual(first.data.companyCreate.userErrors, []);
  const { id } = first.data.companyCreate.company;
  const again = await client
    .query(COMPANIES, { id: gateway.organization, filter: { query: turn } }, { requestPolicy: "network-only" })
    .toPromise();
  assert.deepEqual(again.data.node.companies.nodes.map((company) => company.id), [id]);
  const second = await client.mutation(CREATE, { input: { ...input, name: `${name} B` } }).toPromise();
  assert.deepEqual(second.data.companyCreate.userErrors, []);
  const after = await lists.first(({ data }) => data?.node.companies.nodes.length === 2, "the list with both");
  assert.deepEqual(after.data.node.companies.nodes.map((company) => company.name), [`${name} A`, `${name} B`]);
});

test("urql tells user errors from errors", async () => {
  const client = new Client({ url, fetchOptions, exchanges: [fetchExchange], preferGetMethod: false });
  const input = { organizationId: gateway.organization, name: `taken ${turn}` };
  await client.mutation(CREATE, { input }).toPromise();
  const taken = await client.mutation(CREATE, { input }).toPromise();
  assert.equal(taken.error, undefined);
  assert.equal(taken.data.companyCreate.company, null);
  assert.equal(taken.data.companyCreate.userErrors[0].code, "TAKEN");
  assert.deepEqual(taken.data.companyCreate.userErrors[0].field, ["input", "name"]);

  const wrong = await client.query(gql`{ viewer { nonsense } }`, {}).toPromise();
  assert.equal(wrong.data, undefined);
  assert.equal(wrong.error.networkError, undefined);
  assert.deepEqual(wrong.error.graphQLErrors.map(({ extensions }) => extensions.code), ["GRAPHQL_VALIDATION_FAILED"]);
});

test("urql asks by the hash, and registers the query once, all by GET", async () => {
  const { sent, fetch } = recording();
  const client = new Client({
    url, fetchOptions, fetch, requestPolicy: "network-only",
    exchanges: [persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange],
  });
  const query = gql`query Persisted_${turn} { platforms { key label } }`;
  for (let asked = 0; asked < 2; asked += 1) {
    const { data, error } = await client.query(query, {}).toPromise();
    assert.equal(error, undefined);
    assert.deepEqual(data.platforms.map(({ key }) => key).sort(), ["autotask", "connectwise", "halo", "nable", "syncro"]);
  }
  assert.deepEqual(sent.map(({ method, query }) => [method, Boolean(query)]), [
    ["GET", false],
    ["GET", true],
    ["GET", false],
  ]);
});

test("urql hears deliveries through graphql-sse", async (t) => {
  let connected;
  const isConnected = new Promise((resolve) => { connected = resolve; });
  const sse = createClient({ url: streamUrl, headers: { authorization }, retryAttempts: 0, on: { connected } });
  t.after(() => sse.dispose());
  const forwardSubscription = ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: sse.subscribe({ query, variables }, sink) }),
  });
  const client = new Client({ url, exchanges: [subscriptionExchange({ forwardSubscription })] });
  const events = hearing();
  hear(t, client.subscription(gql`
    subscription Deliveries { webhookDeliveryReceived { eventId webhookDelivery { id state } } }
  `, {}), events);
  await within(isConnected, "the stream");
  await listening();
  const delivery = await report("urql");
  const heard = await events.first(({ data, error }) => {
    if (error) throw error;
    return data.webhookDeliveryReceived.webhookDelivery.id === delivery;
  }, "the delivery");
  assert.ok(heard.data.webhookDeliveryReceived.webhookDelivery.state);
});

test("urql hears tickets with nothing but its own fetch", async (t) => {
  const client = new Client({ url: streamUrl, fetchOptions, fetchSubscriptions: true, exchanges: [fetchExchange] });
  const events = hearing();
  hear(t, client.subscription(gql`
    subscription Tickets($filter: TicketUpdatedFilter) { ticketUpdated(filter: $filter) { ticket { id title state } } }
  `, { filter: { state: { in: ["OPEN"] } } }), events);
  await listening();
  await report("urql alone", { customer: "harbor" });
  const heard = await events.first(({ data, error }) => {
    if (error) throw error;
    return data.ticketUpdated.ticket.title.includes(titled("urql alone"));
  }, "the ticket");
  assert.equal(heard.data.ticketUpdated.ticket.state, "OPEN");
});
