-- depends_on: {{ ref('int_iass__touched_cell') }}
-- depends_on: {{ ref('dim_date') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }},
    indexes=[
        {'columns': ['period_type', 'territory_level', 'period_start_on', 'territory_code',
            'sex_code', 'age_band_code', 'citizenship_group'], 'unique': true}
    ]
) }}
-- One row per period, period type, territory, sex, age band and citizenship: identified persons. Each is one thing in a period, so rows
-- of one period and territory add up to its persons; those of several periods or territories do not.
with seen as (
    select
        fact.month_on,
        fact.district_code,
        fact.ausl_code,
        fact.person_key,
        person.sex_code,
        age_band.age_band_code,
        citizenship.citizenship_group,
        person.end_months
    from {{ ref('fct_target_group') }} as fact
    inner join {{ ref('fct_person_year') }} as person
        on
            fact.person_key = person.person_key
            and extract(year from fact.month_on) = person.year_number
    inner join {{ ref('dim_age_band') }} as age_band
        on person.age_band_key = age_band.age_band_key
    inner join {{ ref('dim_citizenship') }} as citizenship
        on person.citizenship_key = citizenship.citizenship_key
    {% if is_incremental() %}
        where {{ in_touched_years('fact.month_date_key', 'int_iass__touched_cell') }}
    {% endif %}
),

person as (
    {{ persons_in_cells('seen', 'int_iass__touched_cell', by=['sex_code', 'age_band_code', 'citizenship_group', 'end_months']) }}
)

select
    period_type,
    period_start_on,
    cast(extract(year from period_start_on) as integer) as year_number,
    territory_level,
    territory_code,
    sex_code,
    age_band_code,
    citizenship_group,
    n_persons
from person
