-- Records that wait for a record of another flow (events for their admission), and receipts to be written again because
-- the fate of a record has changed since. See docs/decisions.

alter table landing.live_key add column is_pending boolean not null default false;
comment on column landing.live_key.is_pending is 'The record waits for the one that it belongs to: it is accepted, and no model reads it yet.';

create table landing.pending_record (
    delivery_id bigint not null references landing.delivery,
    record_number bigint not null,
    flow_code text not null,
    sender_code text not null,
    record_key text not null,
    awaited_flow_code text not null,
    awaited_key text not null,
    state text not null check (state in ('waiting', 'released', 'discarded', 'superseded')),
    expires_on date not null,
    settled_by_delivery_id bigint references landing.delivery,
    settled_at timestamptz,
    primary key (delivery_id, record_number)
);
comment on table landing.pending_record is 'Accepted records whose awaited record is or was missing, and those that were discarded afterwards. waiting: no model reads it; released: the awaited record came; discarded: it did not come before the window closed, or contradicts the record; superseded: another version of the record took its place.';
comment on column landing.pending_record.expires_on is 'Last day of waiting: the correction window of its period, or as long after its receipt as the calendar gives for corrections.';
comment on column landing.pending_record.settled_by_delivery_id is 'The delivery that ended the waiting; empty when it was the calendar.';
create index pending_record_expiry on landing.pending_record (expires_on) where state = 'waiting';

create table landing.receipt_due (
    delivery_id bigint primary key references landing.delivery
);
comment on table landing.receipt_due is 'Receipts to be written again: filled in the transaction that changes the fate of a record, emptied when they are written.';

grant select, insert, update, delete on landing.pending_record, landing.receipt_due to iass_loader;
grant select on landing.pending_record to iass_identity, iass_transformer;
