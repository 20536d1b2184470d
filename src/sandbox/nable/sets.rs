//! The entity sets, and what their columns are. Names that no client was seen reading are inferred from their
//! neighbours: those of locations, service items outside views, and issue types.

use super::cell::{
    Columns,
    Type::{Date, Flag, Guid, Int, Text},
};

/// A set of records under `/odata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Customers,
    Contacts,
    Locations,
    ServiceItems,
    IssueTypes,
    Users,
    Tickets,
    TicketsView,
    TicketsResponses,
    TicketsCustomFields,
    TicketStatuses,
}

impl Set {
    pub(super) const ALL: [Self; 11] = [
        Self::Customers,
        Self::Contacts,
        Self::Locations,
        Self::ServiceItems,
        Self::IssueTypes,
        Self::Users,
        Self::Tickets,
        Self::TicketsView,
        Self::TicketsResponses,
        Self::TicketsCustomFields,
        Self::TicketStatuses,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Customers => "Customers",
            Self::Contacts => "Contacts",
            Self::Locations => "Locations",
            Self::ServiceItems => "ServiceItems",
            Self::IssueTypes => "IssueTypes",
            Self::Users => "Users",
            Self::Tickets => "Tickets",
            Self::TicketsView => "TicketsView",
            Self::TicketsResponses => "TicketsResponses",
            Self::TicketsCustomFields => "TicketsCustomFields",
            Self::TicketStatuses => "TicketStatuses",
        }
    }

    /// By its name in a path, without minding case.
    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name().eq_ignore_ascii_case(name))
    }

    /// Whether its records are about tickets.
    pub(super) fn is_about_tickets(self) -> bool {
        matches!(self, Self::Tickets | Self::TicketsView | Self::TicketsResponses | Self::TicketsCustomFields)
    }

    pub(super) fn columns(self) -> Columns {
        match self {
            Self::Customers => &[
                ("CustomerId", Guid),
                ("CustomerName", Text),
                ("ShortName", Text),
                ("CustomerStatusId", Int),
                ("ReferenceId", Text),
                ("RmReferenceId", Text),
                ("PhoneMain", Text),
                ("EmailDomain", Text),
            ],
            Self::Contacts => &[
                ("ContactId", Guid),
                ("FirstName", Text),
                ("LastName", Text),
                ("EmailAddress", Text),
                ("PhoneMobile", Text),
                ("CustomerId", Guid),
            ],
            Self::Locations => &[("LocationId", Guid), ("LocationName", Text), ("CustomerId", Guid)],
            Self::ServiceItems => &[
                ("ServiceItemId", Guid),
                ("ServiceItemName", Text),
                ("ServiceItemTypeName", Text),
                ("CustomerId", Guid),
            ],
            Self::IssueTypes => &[("IssueTypeId", Guid), ("IssueTypeName", Text)],
            Self::Users => {
                &[("UserId", Guid), ("EmailAddress", Text), ("FirstName", Text), ("LastName", Text)]
            }
            Self::Tickets => &[
                ("TicketId", Guid),
                ("TicketNumber", Int),
                ("Title", Text),
                ("Description", Text),
                ("TicketStatusCode", Int),
                ("TicketPriorityCode", Int),
                ("ServiceItemId", Guid),
                ("ContactId", Guid),
                ("LocationId", Guid),
                ("IssueTypeId", Guid),
                ("ProjectId", Guid),
                ("AssignedResourceId", Guid),
                ("IsBillable", Flag),
                ("IsTaxable", Flag),
                ("DueDate", Date),
                ("CreatedDate", Date),
                ("UpdatedDate", Date),
                ("CompletedDate", Date),
            ],
            Self::TicketsView => &[
                ("TicketId", Guid),
                ("TicketNumber", Int),
                ("TicketTitle", Text),
                ("TicketDescription", Text),
                ("TicketStatusCode", Int),
                ("TicketStatusName", Text),
                ("TicketCustomStatusName", Text),
                ("TicketPriorityCode", Int),
                ("TicketPriorityName", Text),
                ("TicketIssueTypeName", Text),
                ("TicketSubIssueTypeName", Text),
                ("CustomerId", Guid),
                ("CustomerName", Text),
                ("LocationName", Text),
                ("ContactName", Text),
                ("ServiceItemName", Text),
                ("ServiceItemTypeName", Text),
                ("CreatedDate", Date),
                ("CreatedByFirstName", Text),
                ("CreatedByLastName", Text),
                ("CreatedByEmailAddress", Text),
                ("UpdatedDate", Date),
                ("UpdatedByFirstName", Text),
                ("UpdatedByLastName", Text),
                ("UpdatedByEmailAddress", Text),
                ("CompletedDate", Date),
                ("DueDate", Date),
                ("IsBillable", Flag),
                ("IsTaxable", Flag),
            ],
            Self::TicketsResponses => &[
                ("TicketResponseId", Guid),
                ("TicketId", Guid),
                ("Description", Text),
                ("FromAddress", Text),
                ("FromDisplay", Text),
                ("CreatedDate", Date),
                ("UpdatedDate", Date),
            ],
            Self::TicketsCustomFields => {
                &[("TicketId", Guid), ("Name", Text), ("Value", Text), ("TicketTypeFieldId", Guid)]
            }
            Self::TicketStatuses => &[("TicketStatusCode", Int), ("TicketStatusName", Text)],
        }
    }
}
