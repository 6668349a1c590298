-- depends_on: {{ ref('int_pathway__touched_person') }}
{{ config(materialized='incremental', pre_hook='{{ forget_built() }}') }}
-- One row per request that this build writes again, before it does: its place and what it is cut by, and what it held.
{{ places_before('fct_pathway', places_of_requests, keys=['demand_type_key', 'report_target_key']) }}
