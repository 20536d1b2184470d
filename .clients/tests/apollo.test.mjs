// @apollo/client: a normalized cache, pages merged by relayStylePagination, user errors, automatic persisted queries,
// and subscriptions over graphql-ws.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import {
  ask, authorization, gateway, hearing, listening, recording, report, socketUrl, test, titled, turn, url, within,
} from "./gateway.mjs";

const http = (options = {}) => new HttpLink({ uri: url, headers: { authorization }, ...options });
const cache = () =>
  new InMemoryCache({
    typePolicies: { Organization: { fields: { companies: relayStylePagination(["filter", "orderBy"]) } } },
  });

function connect(t, link = http()) {
  const client = new ApolloClient({ link, cache: cache() });
  t.after(() => client.stop());
  return client;
}

const COMPANIES = gql`
  query Companies($id: ID!, $first: Int!, $after: String) {
    node(id: $id) {
      id
      ... on Organization {
        name
        companies(first: $first, after: $after) {
          totalCount
          edges { cursor node { id name } }
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
      }
    }
  }
`;
const RENAME = gql`
  mutation Rename($input: CompanyUpdateInput!) {
    companyUpdate(input: $input) { company { id name } userErrors { code field message } }
  }
`;
const variables = { id: gateway.organization, first: 3 };
const companies = (result) => result.data.node.companies;
const names = (result) => companies(result).edges.map((edge) => edge.node.name);

test("Apollo merges pages without doubles, to the last one", async (t) => {
  const client = connect(t);
  const watched = client.watchQuery({ query: COMPANIES, variables });
  const shown = hearing();
  const subscription = watched.subscribe(shown.sink);
  t.after(() => subscription.unsubscribe());
  const before = await shown.first(({ data, loading }) => data && !loading, "the first page");
  const { totalCount, pageInfo } = companies(before);
  assert.equal(names(before).length, 3);
  assert.ok(totalCount >= 7 && pageInfo.hasNextPage && !pageInfo.hasPreviousPage, JSON.stringify(pageInfo));

  await watched.fetchMore({ variables: { after: pageInfo.endCursor } });
  const two = await shown.first(({ data }) => data?.node.companies.edges.length === 6, "two pages");
  assert.deepEqual(names(two).slice(0, 3), names(before));

  let last = two;
  for (let pages = 2; companies(last).pageInfo.hasNextPage; pages += 1) {
    assert.ok(pages <= Math.ceil(totalCount / 3), "the pages do not end");
    const { pageInfo: { endCursor }, edges: { length } } = companies(last);
    await watched.fetchMore({ variables: { after: endCursor } });
    last = await shown.first(({ data }) => data?.node.companies.edges.length > length, `page ${pages + 1}`);
  }
  const ids = companies(last).edges.map((edge) => edge.node.id);
  assert.equal(ids.length, totalCount);
  assert.equal(new Set(ids).size, totalCount, "a company stands twice");
  assert.deepEqual(names(last), [...names(last)].sort(), "companies stand by name");
});

test("Apollo shows a mutation's answer everywhere that thing is shown, without asking again", async (t) => {
  const { sent, fetch } = recording();
  const client = connect(t, http({ fetch }));
  const shown = hearing();
  const subscription = client.watchQuery({ query: COMPANIES, variables }).subscribe(shown.sink);
  t.after(() => subscription.unsubscribe());
  const before = await shown.first(({ data, loading }) => data && !loading, "the list");
  const { id, name } = companies(before).edges[1].node;
  assert.equal(client.cache.extract()[`Company:${id}`].name, name);

  const { data } = await client.mutate({ mutation: RENAME, variables: { input: { id, name: `${name} ${turn}` } } });
  assert.deepEqual(data.companyUpdate.userErrors, []);
  const after = await shown.first((result) => result.data && names(result)[1] === `${name} ${turn}`, "the list with the new name");
  assert.equal(companies(after).edges[1].node.id, id);
  assert.equal(sent.length, 2, "one query and one mutation");
  await ask("mutation($input: CompanyUpdateInput!) { companyUpdate(input: $input) { userErrors { message } } }", {
    input: { id, name },
  });
});

test("Apollo gets as data what a person can mend", async (t) => {
  const { data, error } = await connect(t).mutate({
    mutation: gql`
      mutation Make($input: CompanyCreateInput!) {
        companyCreate(input: $input) { company { id } userErrors { code field message } }
      }
    `,
    variables: { input: { organizationId: gateway.organization, name: "" } },
  });
  assert.equal(error, undefined);
  assert.equal(data.companyCreate.company, null);
  const [{ code, field, message }] = data.companyCreate.userErrors;
  assert.equal(code, "REQUIRED");
  assert.deepEqual(field, ["input", "name"]);
  assert.ok(message);
});

test("Apollo gets what is wrong with a request as an error with a code", async (t) => {
  const codes = async (client, query) => {
    const error = await client.query({ query }).then(() => assert.fail("it was answered"), (error) => error);
    assert.ok(CombinedGraphQLErrors.is(error), String(error));
    assert.ok(error.errors[0].extensions.requestId);
    return error.errors.map(({ extensions }) => extensions.code);
  };
  assert.deepEqual(await codes(connect(t), gql`{ nonsense }`), ["GRAPHQL_VALIDATION_FAILED"]);
  const stranger = connect(t, http({ headers: { authorization: "Bearer pgw_wrong" } }));
  assert.deepEqual(await codes(stranger, gql`{ viewer { name } }`), ["UNAUTHENTICATED"]);
});

test("Apollo asks by the hash, registers the query once, and then asks by GET", async (t) => {
  const { sent, fetch } = recording();
  const sha256 = (text) => createHash("sha256").update(text).digest("hex");
  const persisted = new PersistedQueryLink({ sha256, useGETForHashedQueries: true });
  const client = connect(t, ApolloLink.from([persisted, http({ fetch })]));
  // A text that no gateway has seen.
  const query = gql`query Who_${turn}($key: String!) { viewer { name role } platform(key: $key) { key label } }`;
  for (const key of ["halo", "syncro"]) {
    const { data } = await client.query({ query, variables: { key }, fetchPolicy: "network-only" });
    assert.equal(data.platform.key, key);
    assert.ok(data.viewer.name);
  }
  assert.deepEqual(sent.map(({ method, query }) => [method, Boolean(query)]), [
    ["GET", false],
    ["POST", true],
    ["GET", false],
  ]);
  assert.equal(new Set(sent.map(({ hash }) => hash)).size, 1);
  assert.equal(sent[1].hash, sha256(sent[1].query));
});

const TICKET = "{ id state title severity externalId externalUrl closedBy }";

test("Apollo hears a ticket's life over a socket, and shows it", async (t) => {
  const socket = createClient({
    url: socketUrl, webSocketImpl: WebSocket, lazy: true, retryAttempts: 0, connectionParams: { authorization },
  });
  t.after(() => socket.dispose());
  const isSubscription = ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION;
  const client = connect(t, ApolloLink.split(isSubscription, new GraphQLWsLink(socket), http()));
  const connected = new Promise((resolve) => socket.on("connected", resolve));
  const events = hearing();
  const subscription = client
    .subscribe({
      query: gql`
        subscription Tickets($filter: TicketUpdatedFilter) {
          ticketUpdated(filter: $filter) { eventId occurredAt ticket ${TICKET} }
        }
      `,
      variables: { filter: { state: { in: ["OPEN", "CLOSED"] }, severity: { gte: "HIGH" } } },
    })
    .subscribe(events.sink);
  t.after(() => subscription.unsubscribe());
  await within(connected, "the socket");
  await listening();
  const inState = (state) => ({ data, error }) => {
    if (error) throw error;
    const { ticket } = data.ticketUpdated;
    return ticket.title.includes(titled("apollo")) && ticket.state === state;
  };

  await report("apollo");
  const opened = await events.first(inState("OPEN"), "the open ticket");
  const { id, externalId } = opened.data.ticketUpdated.ticket;
  assert.ok(externalId, "an open ticket is known by the PSA's id");

  const shown = hearing();
  const query = gql`query Ticket($id: ID!) { node(id: $id) { id ... on Ticket ${TICKET} } }`;
  const watching = client.watchQuery({ query, variables: { id } }).subscribe(shown.sink);
  t.after(() => watching.unsubscribe());
  const now = await shown.first(({ data, loading }) => data && !loading, "the ticket");
  assert.equal(now.data.node.state, "OPEN");

  await report("apollo", { kind: "finding.resolved" });
  const closed = await events.first(inState("CLOSED"), "the closed ticket");
  assert.equal(closed.data.ticketUpdated.ticket.closedBy, "PSA Gateway");
  await shown.first(({ data }) => data?.node.state === "CLOSED", "the event in what is shown");
  const ids = events.heard.map(({ data }) => data.ticketUpdated.eventId);
  assert.equal(new Set(ids).size, ids.length, "an event came twice");
});
