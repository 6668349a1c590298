{{ config(materialized='table') }}
-- One row per district and month that was newly delivered, or became expected because the region's first or last month moved.
with delivered as (
    select
        sender_code,
        period_start_on,
        is_received,
        {{ in_new_deliveries('delivery_id') }} as is_new
    from {{ ref('stg_landing__delivery') }}
    where
        flow_code = 'IASS'
        and outcome in ('accepted', 'nothing_loaded')
        and delivery_id <= {{ to_delivery_id() }}
),

known_before as (
    select
        min(period_start_on) as first_on,
        max(period_start_on) as last_on
    from delivered
    where
        is_received
        and not is_new
)

select
    expected.month_on,
    expected.district_code,
    expected.ausl_code
from {{ ref('int_iass__expected_month') }} as expected
left join known_before
    on expected.month_on between known_before.first_on and known_before.last_on
where
    known_before.first_on is null
    or (expected.sender_code, expected.month_on) in (
        select
            delivered.sender_code,
            delivered.period_start_on
        from delivered
        where delivered.is_new
    )
