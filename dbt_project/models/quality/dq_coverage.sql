{{ config(indexes=[{'columns': ['flow_code', 'sender_code', 'period_start_on'], 'unique': true}]) }}
-- One row per flow, sender and period from the first to the last that anybody delivered: received or silent, and how late. Silence is
-- missing, not zero. A period of whose records none was loaded is as silent as one that nobody sent.
with received as (
    select
        flow_code,
        sender_code,
        cast(date_trunc('month', period_start_on) as date) as period_start_on,
        count(*) as n_deliveries,
        sum(records_accepted) as records_accepted,
        min(received_at) as first_received_at
    from {{ ref('stg_landing__delivery') }}
    where is_received
    group by 1, 2, 3
)

select
    expected.flow_code,
    expected.sender_code,
    expected.sender_label,
    expected.ausl_code,
    expected.period_kind,
    expected.period_code,
    expected.period_start_on,
    expected.due_on,
    case when received.flow_code is null then 'silent' else 'received' end as coverage_status,
    cast(coalesce(received.n_deliveries, 0) as integer) as n_deliveries,
    cast(received.records_accepted as bigint) as records_accepted,
    received.first_received_at,
    case
        when received.first_received_at is not null then greatest(0, cast(received.first_received_at as date) - expected.due_on)
    end as days_late
from {{ ref('int_flow__expected_period') }} as expected
left join received
    on
        expected.flow_code = received.flow_code
        and expected.sender_code = received.sender_code
        and expected.period_start_on = received.period_start_on
