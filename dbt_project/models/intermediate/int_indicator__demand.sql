-- depends_on: {{ ref('int_iass__touched_cell') }}
-- depends_on: {{ ref('dim_date') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }}
) }}
-- One row per quarter, half-year or year and territory in which there was a demand: what was asked, what was answered.
-- Demands of a month and place add up.
with answer as (
    select
        demand_key,
        bool_or(outcome_type.outcome_type_code = '1') as has_immediate_answer,
        bool_or(outcome_type.outcome_type_code = '4') as has_assessment
    from {{ ref('fct_outcome') }} as outcome
    inner join {{ ref('dim_outcome_type') }} as outcome_type
        on outcome.outcome_type_key = outcome_type.outcome_type_key
    {% if is_incremental() %}
        where {{ in_touched_years('outcome.contact_date_key', 'int_iass__touched_cell') }}
    {% endif %}
    group by demand_key
),

in_place as (
    select
        cast(date_trunc('month', demand.contact_on) as date) as month_on,
        demand.district_code,
        demand.ausl_code,
        count(*) as n_demands,
        count(*) filter (where demand.is_person_identified) as n_demands_identified,
        count(*) filter (where person.person_source = 'registry') as n_demands_registered,
        count(answer.demand_key) as n_demands_answered,
        count(*) filter (where answer.has_immediate_answer) as n_demands_immediate,
        count(*) filter (where answer.has_assessment) as n_demands_assessment
    from {{ ref('fct_demand') }} as demand
    left join {{ ref('dim_person') }} as person
        on demand.person_version_key = person.person_version_key
    left join answer
        on demand.demand_key = answer.demand_key
    {% if is_incremental() %}
        where {{ in_touched_years('demand.contact_date_key', 'int_iass__touched_cell') }}
    {% endif %}
    group by 1, 2, 3
)

select
    period.period_type,
    period.period_start_on,
    cast(extract(year from period.period_start_on) as integer) as year_number,
    place.territory_level,
    place.territory_code,
{% for measure in [
    'n_demands', 'n_demands_identified', 'n_demands_registered', 'n_demands_answered', 'n_demands_immediate', 'n_demands_assessment'
] %}
    cast(sum(in_place.{{ measure }}) as bigint) as {{ measure }}{{ ',' if not loop.last }}
{% endfor %}
from in_place
{{ cuts('in_place.month_on', 'in_place.district_code', 'in_place.ausl_code', 'int_iass__touched_cell', ['quarter', 'half_year', 'year']) }}
group by 1, 2, 3, 4, 5
