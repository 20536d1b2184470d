//! Writing what is planned for tickets: row by row, or all rows of a transaction together at its end.
//!
//! Deciding plans for many tickets in one transaction. What it plans is put on a [`Pile`], and one statement writes all
//! rows of a kind. Everybody else writes at once.

use entity::ticket;
use sea_orm::{DatabaseTransaction, DbErr};

use super::{pile::Pile, plan};
use crate::{
    ground::Ground,
    queue::outbox::{self, NewOperation},
};

/// Writes what is planned for tickets in a transaction.
#[derive(Clone, Copy)]
pub struct Pen<'a> {
    /// The transaction.
    pub tx: &'a DatabaseTransaction,
    /// Its clock and chance.
    pub ground: &'a Ground,
    /// Where rows wait to be written together; none where each is written at once.
    pub(super) pile: Option<&'a Pile>,
}

impl<'a> Pen<'a> {
    /// Writes each row at once.
    pub fn at_once(tx: &'a DatabaseTransaction, ground: &'a Ground) -> Self {
        Self { tx, ground, pile: None }
    }

    /// Puts rows on a pile; whoever keeps it writes it before the transaction ends.
    pub fn onto(tx: &'a DatabaseTransaction, ground: &'a Ground, pile: &'a Pile) -> Self {
        Self { tx, ground, pile: Some(pile) }
    }

    /// Writes what is on the pile: before the database is asked what stands on it.
    pub async fn settle(self) -> Result<(), DbErr> {
        match self.pile {
            Some(pile) => pile.write(self.tx, self.ground).await,
            None => Ok(()),
        }
    }

    /// Writes a ticket as it stands; its row is locked.
    pub(super) async fn ticket(self, ticket: ticket::Model) -> Result<ticket::Model, DbErr> {
        match self.pile {
            Some(pile) => {
                pile.put_ticket(&ticket);
                Ok(ticket)
            }
            None => plan::save_quietly(self.tx, ticket).await,
        }
    }

    /// A ticket was read and is locked, or stands in the database as it is here.
    pub(super) fn take(self, ticket: &ticket::Model) {
        if let Some(pile) = self.pile {
            pile.take(ticket);
        }
    }

    /// Enqueues an operation.
    pub(super) async fn operation(self, new: NewOperation) -> Result<(), DbErr> {
        let row = outbox::row(self.ground, new);
        match self.pile {
            Some(pile) => pile.put_operation(row),
            None => outbox::enqueue(self.tx, vec![row]).await?,
        }
        Ok(())
    }
}
