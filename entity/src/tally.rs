//! A kept count of tickets or deliveries. Written by one worker alone, from `tally_delta`.

use sea_orm::entity::prelude::*;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum About {
    /// Tickets, on the day they were planned, by the state they are in.
    TicketCreated,
    /// Tickets, on the day they were opened in the PSA.
    TicketOpened,
    /// Tickets, on the day they were closed.
    TicketClosed,
    /// Deliveries that are decided, on the day they came in, by their state.
    Delivery,
    /// How often these came again.
    DeliveryRepeated,
}

/// How long a time a count covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum Period {
    /// A day in UTC.
    Day,
    /// A month in UTC; its `day` is the first.
    Month,
}

/// A row of `tally`. Each count is there four times: by day and by month, by company and for all companies.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tally")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    /// How long a time it covers.
    #[sea_orm(primary_key, auto_increment = false)]
    pub period: Period,
    /// What is counted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub about: About,
    /// For which company; the nil UUID for all.
    #[sea_orm(primary_key, auto_increment = false)]
    pub company_id: Uuid,
    /// Days since 1970-01-01 in UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i32,
    /// The connection of the tickets, the endpoint of the deliveries.
    #[sea_orm(primary_key, auto_increment = false)]
    pub place_id: Uuid,
    /// The severity of the tickets; 0 of deliveries.
    #[sea_orm(primary_key, auto_increment = false)]
    pub severity: i16,
    /// The state; empty where it is not counted by state.
    #[sea_orm(primary_key, auto_increment = false)]
    pub state: String,
    /// How many.
    pub count: i64,
    /// How many of these have a duration.
    pub timed: i64,
    /// The sum of the durations, in seconds.
    pub seconds: i64,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
