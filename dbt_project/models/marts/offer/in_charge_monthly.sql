-- depends_on: {{ ref('int_service__touched_cell') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_service__touched_cell',
        'columns': ['month_on', 'territory_level', 'territory_code'],
        'only': "period_type = 'month'"
    }},
    indexes=[
        {'columns': ['month_on', 'territory_level', 'territory_code', 'service_level', 'service_code',
            'sex_code', 'age_band_code'], 'unique': true}
    ]
) }}
-- One row per month, territory, family of services or service, and cut by sex and age band; TOT stands for all. Persons in charge are
-- distinct in each row; who has two episodes in it has the sex and the older age band of both.
-- Nearly everybody has one place and one service, and is one wherever she counts: only the others have to be told apart in each row.
with seen as (
    select
        month.month_on,
        month.district_code,
        month.ausl_code,
        month.service_family_code,
        month.service_code,
        month.person_key,
        max(month.sex_code) over person as sex_code,
        max(month.age_from) over person as age_from,
        month.sex_code as own_sex_code,
        month.age_from as own_age_from,
        row_number() over person = 1 as is_first,
        min(month.district_code) over person = max(month.district_code) over person
        and min(month.ausl_code) over person = max(month.ausl_code) over person
        and min(month.service_code) over person = max(month.service_code) over person as is_one_everywhere
    from {{ ref('int_service__known_month') }} as month
    where month.person_key > 0
    window person as (partition by month.month_on, month.person_key)
),

in_place as (
    select
        month_on,
        district_code,
        ausl_code,
        service_family_code,
        service_code,
        sex_code,
        age_from,
        count(*) as n_persons
    from seen
    where
        is_one_everywhere
        and is_first
    group by 1, 2, 3, 4, 5, 6, 7
),

apart as (
    select
        seen.month_on,
        place.territory_level,
        place.territory_code,
        level.service_level,
        min(seen.service_family_code) as service_family_code,
        level.service_code,
        seen.person_key,
        max(seen.own_sex_code) as sex_code,
        max(seen.own_age_from) as age_from
    from seen
    {{ cuts('seen.month_on', 'seen.district_code', 'seen.ausl_code', 'int_service__touched_cell', ['month']) }}
    {{ service_cuts('seen') }}
    where not seen.is_one_everywhere
    group by 1, 2, 3, 4, 6, 7
),

in_cell as (
    select
        in_place.month_on,
        place.territory_level,
        place.territory_code,
        level.service_level,
        in_place.service_family_code,
        level.service_code,
        in_place.sex_code,
        in_place.age_from,
        in_place.n_persons
    from in_place
    {{ cuts('in_place.month_on', 'in_place.district_code', 'in_place.ausl_code', 'int_service__touched_cell', ['month']) }}
    {{ service_cuts('in_place') }}
    union all
    select
        month_on,
        territory_level,
        territory_code,
        service_level,
        service_family_code,
        service_code,
        sex_code,
        age_from,
        1 as n_persons
    from apart
),

counted as (
    select
        month_on,
        territory_level,
        territory_code,
        service_level,
        service_family_code,
        service_code,
        coalesce(sex_code, 'TOT') as sex_code,
        age_from,
        grouping(age_from) = 1 as is_any_age,
        cast(sum(n_persons) as bigint) as n_persons
    from in_cell
    group by
        month_on,
        territory_level,
        territory_code,
        service_level,
        service_family_code,
        service_code,
        grouping sets ((sex_code, age_from), (sex_code), (age_from), ())
)

select
    counted.month_on,
    cast(extract(year from counted.month_on) as integer) as year_number,
    counted.territory_level,
    counted.territory_code,
    counted.service_level,
    counted.service_family_code,
    counted.service_code,
    label.service_label,
    counted.sex_code,
    case when counted.is_any_age then 'TOT' else age_band.age_band_code end as age_band_code,
    counted.n_persons,
    coverage.n_months_expected,
    coverage.n_months_received,
    coverage.is_whole,
    coverage.is_complete
from counted
inner join {{ ref('int_service__label') }} as label
    on
        counted.service_level = label.service_level
        and counted.service_code = label.service_code
left join {{ ref('int_coverage__cell') }} as coverage
    on
        counted.service_family_code = coverage.subject_code
        and coverage.period_type = 'month'
        and counted.month_on = coverage.period_start_on
        and counted.territory_level = coverage.territory_level
        and counted.territory_code = coverage.territory_code
-- Of the special members, the one of unknown age.
left join {{ ref('dim_age_band') }} as age_band
    on
        counted.age_from = age_band.age_from
        and age_band.age_band_key >= -1
