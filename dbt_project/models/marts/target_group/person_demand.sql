{{ config(materialized='view', post_hook='{{ security_invoker() }}') }}
-- One row per demand of an identified person, with what she is at the end of the year: whoever counts persons by sex, age band or
-- citizenship has each of them once in a year.
select
    demand.demand_key,
    demand.contact_key,
    demand.contact_on,
    demand.district_code,
    demand.ausl_code,
    demand.desk_key,
    demand.person_key,
    demand.person_version_key,
    demand.demand_type_key,
    demand.target_group_key,
    demand.report_target_key,
    demand.contact_mode_key,
    demand.reporter_type_key,
    demand.outcome_type_key,
    person.sex_code,
    person.age_band_key,
    person.citizenship_key,
    demand.is_reporter_interested
from {{ ref('fct_demand') }} as demand
inner join {{ ref('fct_person_year') }} as person
    on
        demand.person_key = person.person_key
        and extract(year from demand.contact_on) = person.year_number
        and person.end_months & (1 << 11) <> 0
