-- One row per district and month from the first to the last that anybody delivered: received or silent. Silence is missing, not zero.
with received as (
    select
        sender_code,
        period_start_on as month_on,
        count(*) as n_deliveries,
        sum(records_accepted) as records_accepted,
        min(received_at) as first_received_at
    from {{ ref('stg_landing__delivery') }}
    where
        flow_code = 'IASS'
        and outcome = 'accepted'
    group by sender_code, period_start_on
)

select
    expected.sender_code,
    district.territory_label as sender_label,
    expected.ausl_code,
    expected.month_on,
    case when expected.is_received then 'received' else 'silent' end as coverage_status,
    cast(coalesce(received.n_deliveries, 0) as integer) as n_deliveries,
    cast(received.records_accepted as bigint) as records_accepted,
    received.first_received_at
from {{ ref('int_iass__expected_month') }} as expected
inner join {{ ref('int_territory__member') }} as district
    on
        district.territory_level = 'district'
        and expected.sender_code = district.territory_code
        and expected.month_on between district.valid_from and district.valid_to
left join received
    on
        expected.sender_code = received.sender_code
        and expected.month_on = received.month_on
