{{ config(materialized='table') }}
-- One row per year whose aggregates this build writes again: of the touched days, of the months newly delivered, and of those that
-- became expected because the region's first or last month moved.
with delivered as (
    select
        period_start_on,
        {{ in_new_deliveries('delivery_id') }} as is_new
    from {{ ref('stg_landing__delivery') }}
    where
        flow_code = 'IASS'
        and outcome = 'accepted'
        and delivery_id <= {{ to_delivery_id() }}
),

span as (
    select
        cast(extract(year from min(period_start_on)) as integer) as first_year,
        cast(extract(year from max(period_start_on)) as integer) as last_year,
        cast(extract(year from min(period_start_on) filter (where not is_new)) as integer) as first_year_before,
        cast(extract(year from max(period_start_on) filter (where not is_new)) as integer) as last_year_before
    from delivered
)

select cast(extract(year from contact_on) as integer) as year_number
from {{ ref('int_iass__touched_day') }}
union
select cast(extract(year from period_start_on) as integer)
from delivered
where is_new
union
select generate_series(first_year, first_year_before)
from span
where first_year < first_year_before
union
select generate_series(last_year_before, last_year)
from span
where last_year_before < last_year
