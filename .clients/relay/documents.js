// What a Relay dashboard would have: a list of tickets that grows, one that is fetched again by its id, mutations
// whose answer refreshes the store, and a subscription.
import { graphql } from "relay-runtime";

export const Tickets = graphql`
  fragment documents_tickets on Organization
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" })
  @refetchable(queryName: "documentsTicketsPageQuery") {
    tickets(
      first: $count
      after: $cursor
      filter: { state: { in: [OPEN, CLOSED] } }
      orderBy: { field: CREATED_AT, direction: ASC }
    ) @connection(key: "documents_tickets") {
      edges {
        node {
          id
          ...documents_ticket
        }
      }
    }
  }
`;

export const Ticket = graphql`
  fragment documents_ticket on Ticket @refetchable(queryName: "documentsTicketQuery") {
    id
    title
    state
    createdAt
    company {
      name
    }
  }
`;

export const Page = graphql`
  query documentsPageQuery($id: ID!) {
    node(id: $id) {
      __typename
      ... on Organization {
        name
        ...documents_tickets
      }
    }
  }
`;

export const CompanyCreate = graphql`
  mutation documentsCompanyCreateMutation($input: CompanyCreateInput!) {
    companyCreate(input: $input) {
      company {
        id
        name
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`;

export const CompanyUpdate = graphql`
  mutation documentsCompanyUpdateMutation($input: CompanyUpdateInput!) {
    companyUpdate(input: $input) {
      company {
        id
        name
      }
      userErrors {
        message
      }
    }
  }
`;

export const TicketUpdated = graphql`
  subscription documentsTicketUpdatedSubscription($filter: TicketUpdatedFilter) {
    ticketUpdated(filter: $filter) {
      eventId
      ticket {
        id
        ...documents_ticket
      }
    }
  }
`;
