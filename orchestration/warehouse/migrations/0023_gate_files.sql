-- Files that stop nothing: two more outcomes, the name under which receipts are counted, and which content of a contract judged.

-- nothing_loaded: understood and read, and every record discarded. failed: our own error, the file waits for the next run.
alter table landing.delivery drop constraint delivery_outcome_check;
alter table landing.delivery add constraint delivery_outcome_check check (
    outcome in ('accepted', 'nothing_loaded', 'refused', 'failed')
);
alter table landing.delivery alter column sha256 drop not null;
alter table landing.delivery alter column size_bytes drop not null;
alter table landing.delivery add column error_type text;
alter table landing.delivery add constraint delivery_failed_check check (
    (outcome = 'failed') = (error_type is not null) and (outcome = 'failed' or (sha256 is not null and size_bytes is not null))
);
comment on column landing.delivery.error_type is 'The error that kept a failed file out. Its message could hold a value and is not kept.';

-- Whoever asks which number comes next asks for both outcomes that hold one.
create index delivery_held on landing.delivery (flow_code, sender_code, period_code, progressive)
where outcome in ('accepted', 'nothing_loaded');

-- The same delivery may come plain and packed: both count as attempts of one name, or one receipt would take the place of the other.
alter table landing.delivery add column receipt_name text
generated always as (regexp_replace(file_name, '(\.(xml|csv))?(\.(gz|zip))?$', '')) stored;
create index delivery_receipt_name on landing.delivery (receipt_name);

-- A contract may change and keep its version while it is worked on: what it says decides, not what it calls itself.
alter table landing.delivery add column contract_hash text;
alter table landing.rule add column contract_hash text;

-- Deliveries of the past whose every record was discarded on arrival. A record that waited and was given up counted as accepted then;
-- a snapshot of the registry has its place among the others.
update landing.delivery as d set outcome = 'nothing_loaded'
where
    d.outcome = 'accepted' and d.records_sent > 0 and d.records_accepted = 0 and d.flow_code <> 'NAAR'
    and not exists (select from landing.pending_record as p where p.delivery_id = d.delivery_id);
insert into landing.receipt_due (delivery_id)
select d.delivery_id from landing.delivery as d where d.outcome = 'nothing_loaded'
on conflict do nothing;
