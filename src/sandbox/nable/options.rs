//! What is not proven about MSP Manager, claim by claim.

/// Something that is believed of the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is so.
    Holds,
    /// It is not.
    Fails,
}

impl Claim {
    pub(super) fn holds(self) -> bool {
        self == Self::Holds
    }
}

/// Switches; the defaults are the likelier reading, or the stricter one where none is likelier.
#[derive(Clone, Debug)]
pub struct NableOptions {
    /// Rows after which a list breaks off with `@odata.nextLink`; none for lists in one piece. The server's
    /// page size is unknown: clients follow the link whenever there is one.
    pub page_size: Option<usize>,
    /// The status of a successful POST: clients take 200 and 201.
    pub created_status: u16,
    /// The longest title of a ticket: one client trims at 250.
    pub longest_title: usize,
    /// How large a `$filter` may be, in columns, values, operators and functions together: not known here;
    /// 100 is what the framework allows by itself.
    pub most_filter_nodes: usize,
    /// HTTP Basic with a person's login works; it does not where that person has a second factor.
    pub basic_login_works: Claim,
    /// A PUT is answered with 200 and the record; else with 204.
    pub put_answers_with_the_record: Claim,
    /// Answers to writes have names in camelCase (seen with time entries); else in PascalCase as reads.
    pub write_answers_are_camel_case: Claim,
    /// `/Tickets({guid})` finds what `/Tickets/{guid}` finds.
    pub key_in_parentheses_works: Claim,
    /// PATCH changes what is sent and keeps the rest; else there is no such verb.
    pub patch_works: Claim,
    /// A note can be written by `POST /ticketsresponses`; else the thread can only be read.
    pub responses_can_be_posted: Claim,
    /// `/TicketStatuses` lists the codes.
    pub statuses_are_listed: Claim,
    /// Custom fields come as an array without an envelope.
    pub custom_fields_come_bare: Claim,
    /// `UpdatedDate` may stand in `$filter`, and not only in `$select`.
    pub updated_date_can_be_filtered: Claim,
    /// `$count=true` is answered with `@odata.count`; else it is refused.
    pub count_is_answered: Claim,
    /// Columns in a query are found by their exact names alone.
    pub column_names_mind_case: Claim,
    /// Texts in `$filter` are compared letter by letter; a database may be set up otherwise.
    pub texts_mind_case: Claim,
    /// A ticket may name its customer, who then needs a service item, in place of the service item.
    pub create_takes_a_customer: Claim,
    /// A property that the record does not have is refused; else it is passed over.
    pub unknown_properties_are_refused: Claim,
    /// Numbers and dates that the server keeps are refused in a body; else they are passed over.
    pub read_only_properties_are_refused: Claim,
    /// The server stamps `CompletedDate` when a ticket gets code 7 or 9, and takes it away on other codes.
    pub completed_date_is_set: Claim,
    /// A role can be kept from reading customers and contacts: the vendor's page of permissions has none for
    /// it.
    pub customers_can_be_denied: Claim,
    /// Errors come as plain text in place of JSON.
    pub errors_are_plain_text: Claim,
}

impl Default for NableOptions {
    fn default() -> Self {
        use Claim::{Fails, Holds};
        Self {
            page_size: Some(100),
            created_status: 201,
            longest_title: 250,
            most_filter_nodes: 100,
            basic_login_works: Holds,
            put_answers_with_the_record: Fails,
            write_answers_are_camel_case: Fails,
            key_in_parentheses_works: Fails,
            patch_works: Fails,
            responses_can_be_posted: Fails,
            statuses_are_listed: Fails,
            custom_fields_come_bare: Fails,
            updated_date_can_be_filtered: Holds,
            count_is_answered: Holds,
            column_names_mind_case: Holds,
            texts_mind_case: Holds,
            create_takes_a_customer: Fails,
            unknown_properties_are_refused: Holds,
            read_only_properties_are_refused: Holds,
            completed_date_is_set: Holds,
            customers_can_be_denied: Fails,
            errors_are_plain_text: Fails,
        }
    }
}
