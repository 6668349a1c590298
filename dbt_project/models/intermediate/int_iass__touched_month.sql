{{ config(materialized='table') }}
-- One row per sender and month that holds a touched day.
select distinct
    sender_code,
    cast(date_trunc('month', contact_on) as date) as month_on
from {{ ref('int_iass__touched_day') }}
