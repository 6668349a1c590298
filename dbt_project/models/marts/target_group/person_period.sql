{{ config(materialized='view', post_hook='{{ security_invoker() }}') }}
-- One row per identified person and period (month, quarter, half-year, year) in which the desks saw her: the one sex, age band and
-- citizenship that she has at its end.
select
    person.person_key,
    period.period_type,
    make_date(person.year_number, period.first_month, 1) as period_start_on,
    person.year_number,
    person.sex_code,
    age_band.age_band_code,
    age_band.age_band_label,
    citizenship.citizenship_label,
    citizenship.citizenship_group
from {{ ref('fct_person_year') }} as person
inner join (
    {{ periods_of_a_year(['month', 'quarter', 'half_year', 'year']) }}
) as period
    on
        person.seen_months & period.months <> 0
        and person.end_months & period.end_month <> 0
inner join {{ ref('dim_age_band') }} as age_band
    on person.age_band_key = age_band.age_band_key
inner join {{ ref('dim_citizenship') }} as citizenship
    on person.citizenship_key = citizenship.citizenship_key
