{{ config(materialized='table') }}
-- One row per family of services and sender: the first and the last day that its deliveries tell of, of a flow in two files both.
select
    service_family_code,
    sender_code,
    observed_from,
    observed_to
from {{ ref('int_service__observed') }}
