//! The door of dashboards.

pub mod graphiql;
