{{ config(materialized='table') }}
-- One row per year whose aggregates this build writes again: of the touched days and of the months newly delivered.
select cast(extract(year from contact_on) as integer) as year_number
from {{ ref('int_iass__touched_day') }}
union
select cast(extract(year from period_start_on) as integer)
from {{ ref('stg_landing__delivery') }}
where
    flow_code = 'IASS'
    and outcome = 'accepted'
    and {{ in_new_deliveries('delivery_id') }}
