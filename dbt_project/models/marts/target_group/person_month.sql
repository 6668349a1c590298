{{ config(materialized='view', post_hook='{{ security_invoker() }}') }}
-- One row per identified person, report target, month and district, with every label: count persons distinct. Sex, age band and
-- citizenship are those at the end of the month: one each. Of longer periods they are in person_period.
select
    fact.person_key,
    target.report_target_code,
    target.report_target_label,
    fact.month_on,
    day.year_number,
    day.month_label,
    fact.district_code,
    district.district_label,
    fact.ausl_code,
    district.ausl_label,
    person.sex_code,
    age_band.age_band_code,
    age_band.age_band_label,
    citizenship.citizenship_group,
    fact.n_demands,
    fact.n_demand_contacts
from {{ ref('fct_target_group') }} as fact
inner join {{ ref('dim_date') }} as day
    on fact.month_date_key = day.date_key
inner join {{ ref('dim_report_target') }} as target
    on fact.report_target_key = target.report_target_key
inner join {{ ref('fct_person_year') }} as person
    on
        fact.person_key = person.person_key
        and day.year_number = person.year_number
        and person.end_months & (1 << day.month_number - 1) <> 0
inner join {{ ref('dim_age_band') }} as age_band
    on person.age_band_key = age_band.age_band_key
inner join {{ ref('dim_citizenship') }} as citizenship
    on person.citizenship_key = citizenship.citizenship_key
inner join {{ ref('dim_territory') }} as district
    on fact.territory_key = district.territory_key
