-- depends_on: {{ ref('int_service__touched') }}
{{ config(materialized='incremental', pre_hook='{{ forget_built() }}') }}
-- One row per month of an episode that this build writes again, before it does: its place, and what it held.
{{ places_before('fct_service_month', places_of_service_months) }}
