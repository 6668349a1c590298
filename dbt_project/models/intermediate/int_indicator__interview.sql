-- depends_on: {{ ref('int_iass__touched_cell') }}
-- depends_on: {{ ref('dim_date') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }}
) }}
-- One row per quarter, half-year or year and territory in which an interview was agreed: how many were, and how long one waits for them.
select
    period.period_type,
    period.period_start_on,
    cast(extract(year from period.period_start_on) as integer) as year_number,
    place.territory_level,
    place.territory_code,
    count(*) as n_interviews,
    percentile_cont(0.5) within group (order by outcome.wait_days) as median_wait_days
from {{ ref('fct_outcome') }} as outcome
inner join {{ ref('dim_outcome_type') }} as outcome_type
    on outcome.outcome_type_key = outcome_type.outcome_type_key
{{ cuts('outcome.contact_on', 'outcome.district_code', 'outcome.ausl_code', 'int_iass__touched_cell', ['quarter', 'half_year', 'year']) }}
where
    outcome_type.outcome_type_code = '5'
    and outcome.wait_days is not null
    {% if is_incremental() %}
        and {{ in_touched_years('outcome.contact_date_key', 'int_iass__touched_cell') }}
    {% endif %}
group by 1, 2, 3, 4, 5
