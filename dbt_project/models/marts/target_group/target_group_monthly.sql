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
            'report_target_code', 'sex_code', 'age_band_code'], 'unique': true}
    ]
) }}
-- One row per period, period type, territory and cut by target, sex and age band; TOT stands for all. Persons are distinct in each row.
-- The row with TOT everywhere counts each person once, so it is less than the sum of targets.
-- Sex and age band are those that she has at the end of the period: one of each, so that those of a target add up to its persons.
-- Most persons have one target in all of a year: they are counted together, and the counts summed. Only the others have to be told apart
-- in each cut.
{% set by = ['report_target_code', 'sex_code', 'age_band_code', 'end_months'] %}
with seen as (
    select
        fact.month_on,
        fact.district_code,
        fact.ausl_code,
        target.report_target_code,
        person.sex_code,
        age_band.age_band_code,
        person.end_months,
        fact.person_key,
        min(target.report_target_code) over whole = max(target.report_target_code) over whole as is_one_everywhere
    from {{ ref('fct_target_group') }} as fact
    inner join {{ ref('dim_report_target') }} as target
        on fact.report_target_key = target.report_target_key
    inner join {{ ref('fct_person_year') }} as person
        on
            fact.person_key = person.person_key
            and extract(year from fact.month_on) = person.year_number
    inner join {{ ref('dim_age_band') }} as age_band
        on person.age_band_key = age_band.age_band_key
    {% if is_incremental() %}
        where {{ in_touched_years('fact.month_date_key', 'int_iass__touched_cell') }}
    {% endif %}
    window whole as (partition by person.year_number, fact.person_key)
),

said_once as (
    select *
    from seen
    where is_one_everywhere
),

said_several as (
    select
        seen.month_on,
        seen.district_code,
        seen.ausl_code,
        cut.report_target_code,
        cut.sex_code,
        cut.age_band_code,
        seen.end_months,
        seen.person_key
    from seen
    cross join
        lateral (
            values
            (seen.report_target_code, seen.sex_code, seen.age_band_code),
            (seen.report_target_code, seen.sex_code, 'TOT'),
            (seen.report_target_code, 'TOT', seen.age_band_code),
            (seen.report_target_code, 'TOT', 'TOT'),
            ('TOT', 'TOT', 'TOT')
        ) as cut (report_target_code, sex_code, age_band_code)
    where not seen.is_one_everywhere
),

once_in_cell as (
    {{ persons_in_cells('said_once', 'int_iass__touched_cell', by=by) }}
),

several_in_cell as (
    {{ persons_in_cells('said_several', 'int_iass__touched_cell', by=by) }}
),

person as (
    select
        period_type,
        period_start_on,
        territory_level,
        territory_code,
        coalesce(report_target_code, 'TOT') as report_target_code,
        coalesce(sex_code, 'TOT') as sex_code,
        coalesce(age_band_code, 'TOT') as age_band_code,
        sum(n_persons) as n_persons
    from once_in_cell
    group by
        period_type,
        period_start_on,
        territory_level,
        territory_code,
        grouping sets (
            (report_target_code, sex_code, age_band_code),
            (report_target_code, sex_code),
            (report_target_code, age_band_code),
            (report_target_code),
            ()
        )
    union all
    select * from several_in_cell
)

select
    period_type,
    period_start_on,
    cast(extract(year from period_start_on) as integer) as year_number,
    territory_level,
    territory_code,
    report_target_code,
    sex_code,
    age_band_code,
    cast(sum(n_persons) as bigint) as n_persons
from person
group by 1, 2, 3, 4, 5, 6, 7, 8
