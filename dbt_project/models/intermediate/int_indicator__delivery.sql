-- One row per quarter, half-year or year and territory: how many district months came, how many of them within the first window,
-- and what became of their records.
with month as (
    select
        delivery.sender_code,
        delivery.period_start_on as month_on,
        min(delivery.received_at) filter (where delivery.is_received) as first_received_at,
        sum(delivery.records_sent) as records_sent,
        sum(delivery.records_discarded) as records_discarded
    from {{ ref('stg_landing__delivery') }} as delivery
    where
        delivery.flow_code = 'IASS'
        and delivery.outcome in ('accepted', 'nothing_loaded')
    group by 1, 2
)

select
    period.period_type,
    period.period_start_on,
    place.territory_level,
    place.territory_code,
    count(*) as n_deliveries_expected,
    count(*) filter (where expected.is_received) as n_deliveries_received,
    count(*) filter (
        where cast(month.first_received_at as date) < month.month_on + interval '1 month' + calendar.first_days * interval '1 day'
    ) as n_deliveries_timely,
    sum(month.records_sent) as records_sent,
    sum(month.records_discarded) as records_discarded
from {{ ref('int_iass__expected_month') }} as expected
inner join {{ ref('flow_calendar') }} as calendar
    on calendar.flow_code = 'IASS'
left join month
    on
        expected.sender_code = month.sender_code
        and expected.month_on = month.month_on
{{ period_cuts('expected.month_on') }}
{{ places('expected.district_code', 'expected.ausl_code') }}
where period.period_type <> 'month'
group by 1, 2, 3, 4
