-- depends_on: {{ ref('int_pathway__touched_person') }}
{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_built() }}') }}
-- One row per month and place of the requests that this build writes again, before it does.
{{ places_before('fct_pathway', places_of_requests) }}
