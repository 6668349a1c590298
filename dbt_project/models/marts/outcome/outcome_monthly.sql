-- depends_on: {{ ref('int_iass__touched_cell') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }},
    indexes=[
        {'columns': ['period_type', 'territory_level', 'period_start_on', 'territory_code',
            'outcome_type_code', 'destination_service_code'], 'unique': true}
    ]
) }}
-- One row per period, period type, territory, outcome and destination. Demands and persons are distinct in each row.
select
    period.period_type,
    period.period_start_on,
    cast(extract(year from period.period_start_on) as integer) as year_number,
    place.territory_level,
    place.territory_code,
    outcome_type.outcome_type_code,
    min(outcome_type.outcome_type_label) as outcome_type_label,
    service.destination_service_code,
    min(service.destination_service_label) as destination_service_label,
    count(*) as n_outcomes,
    count(distinct outcome.demand_key) as n_demands,
    count(distinct outcome.person_key) filter (where outcome.person_key > 0) as n_persons,
    round(avg(outcome.wait_days), 1) as mean_wait_days
from {{ ref('fct_outcome') }} as outcome
inner join {{ ref('dim_outcome_type') }} as outcome_type
    on outcome.outcome_type_key = outcome_type.outcome_type_key
inner join {{ ref('dim_destination_service') }} as service
    on outcome.destination_service_key = service.destination_service_key
{{ cuts('outcome.contact_on', 'outcome.district_code', 'outcome.ausl_code', 'int_iass__touched_cell') }}
group by 1, 2, 3, 4, 5, 6, 8
