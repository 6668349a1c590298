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
),

month as (
    select cast(series.month_on as date) as month_on
    from (
        select
            min(month_on) as first_on,
            max(month_on) as last_on
        from received
    ) as span
    cross join lateral generate_series(span.first_on, span.last_on, interval '1 month') as series (month_on)
)

select
    district.territory_code as sender_code,
    district.territory_label as sender_label,
    district.ausl_code,
    month.month_on,
    case when received.sender_code is null then 'silent' else 'received' end as coverage_status,
    cast(coalesce(received.n_deliveries, 0) as integer) as n_deliveries,
    cast(received.records_accepted as bigint) as records_accepted,
    received.first_received_at
from month
inner join {{ ref('int_territory__member') }} as district
    on
        district.territory_level = 'district'
        and month.month_on between district.valid_from and district.valid_to
left join received
    on
        district.territory_code = received.sender_code
        and month.month_on = received.month_on
