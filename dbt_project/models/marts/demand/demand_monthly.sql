-- depends_on: {{ ref('int_iass__touched_cell') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }},
    indexes=[{'columns': ['period_type', 'territory_level', 'period_start_on', 'territory_code', 'level1_code'], 'unique': true}]
) }}
-- One row per period, period type, territory and category of demand (level 1): sum demands over categories, never persons.
select
    period.period_type,
    period.period_start_on,
    cast(extract(year from period.period_start_on) as integer) as year_number,
    place.territory_level,
    place.territory_code,
    demand_type.level1_code,
    min(demand_type.level1_label) as level1_label,
    count(*) as n_demands,
    count(distinct demand.person_key) filter (where demand.is_person_identified) as n_persons
from {{ ref('fct_demand') }} as demand
inner join {{ ref('dim_demand_type') }} as demand_type
    on demand.demand_type_key = demand_type.demand_type_key
{{ cuts('demand.contact_on', 'demand.district_code', 'demand.ausl_code', 'int_iass__touched_cell') }}
group by 1, 2, 3, 4, 5, 6
