-- depends_on: {{ ref('int_service__touched_cell') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_service__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }}
) }}
-- One row per quarter, half-year or year and territory: persons in charge of any service, each once whatever the services.
with in_charge as (
    select
        month_on,
        district_code,
        ausl_code,
        person_key
    from {{ ref('int_service__known_month') }}
    where person_key > 0
),

person as (
    {{ persons_in_cells('in_charge', 'int_service__touched_cell', types=['quarter', 'half_year', 'year']) }}
)

select
    period_type,
    period_start_on,
    cast(extract(year from period_start_on) as integer) as year_number,
    territory_level,
    territory_code,
    n_persons
from person
