-- depends_on: {{ ref('int_iass__touched_day') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_iass__touched_day', 'columns': ['sender_code', 'contact_on']}},
    indexes=[
        {'columns': ['outcome_key'], 'unique': true},
        {'columns': ['sender_code', 'contact_on']},
        {'columns': ['demand_key']},
        {'columns': ['person_key']},
        {'columns': ['contact_date_key']},
        {'columns': ['district_code']},
        {'columns': ['delivery_key']}
    ]
) }}
-- One row per outcome of a demand of a live contact.
select
    outcome.outcome_key,
    outcome.demand_key,
    demand.contact_key,
    outcome.outcome_number,
    demand.contact_on,
    demand.contact_date_key,
    coalesce(day.date_key, case when outcome.outcome_on is null then -3 else -1 end) as outcome_date_key,
    demand.sender_code,
    demand.district_code,
    demand.ausl_code,
    demand.territory_key,
    demand.desk_key,
    demand.person_key,
    demand.person_version_key,
    demand.demand_type_key,
    demand.target_group_key,
    demand.report_target_key,
    coalesce(outcome_type.outcome_type_key, -1) as outcome_type_key,
    coalesce(service.destination_service_key, case when outcome.destination_service_code is null then -3 else -1 end)
        as destination_service_key,
    demand.delivery_key,
    outcome.outcome_on - demand.contact_on as wait_days,
    1 as n_outcomes
from {{ ref('fct_demand') }} as demand
{% if is_incremental() %}
    inner join {{ ref('int_iass__touched_day') }} as touched
        on
            demand.sender_code = touched.sender_code
            and demand.contact_on = touched.contact_on
{% endif %}
inner join {{ ref('stg_iass__outcome') }} as outcome
    on
        demand.delivery_key = outcome.delivery_id
        and demand.demand_key = outcome.demand_key
left join {{ ref('dim_date') }} as day
    on outcome.outcome_on = day.date_on
left join {{ ref('dim_outcome_type') }} as outcome_type
    on outcome.outcome_type_code = outcome_type.outcome_type_code
left join {{ ref('dim_destination_service') }} as service
    on outcome.destination_service_code = service.destination_service_code
-- Kept in the order of days: who counts a year again, or asks for one, reads that year's pages only.
order by demand.contact_on
