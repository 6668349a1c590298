-- depends_on: {{ ref('int_iass__touched_month') }}
{{ config(materialized='incremental', pre_hook='{{ forget_built() }}') }}
-- One row per month and place of the contacts, in sender months that this build writes again, before it does.
{{ places_before('fct_contact', places_of_contacts) }}
