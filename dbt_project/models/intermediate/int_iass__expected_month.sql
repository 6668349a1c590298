-- One row per district and month that should have sent contacts, with whether it did: from the first month that anybody delivered
-- to the last.
with received as (
    select distinct
        sender_code,
        period_start_on as month_on
    from {{ ref('stg_landing__delivery') }}
    where
        flow_code = 'IASS'
        and is_received
),

span as (
    select
        min(month_on) as first_on,
        max(month_on) as last_on
    from received
),

month as (
    select cast(series.month_on as date) as month_on
    from span
    cross join lateral generate_series(span.first_on, span.last_on, interval '1 month') as series (month_on)
)

select
    district.territory_code as sender_code,
    district.district_code,
    district.ausl_code,
    month.month_on,
    received.sender_code is not null as is_received
from month
inner join {{ ref('int_territory__member') }} as district
    on
        district.territory_level = 'district'
        and month.month_on between district.valid_from and district.valid_to
left join received
    on
        district.territory_code = received.sender_code
        and month.month_on = received.month_on
